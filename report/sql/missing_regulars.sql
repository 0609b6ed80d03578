-- Customers who used to come and did not: active in at least 3 of the weeks 2 to 5 before the newest, and in neither that week
-- nor the one before, ordered by what they spent in these nine weeks. Returns personal data; runs only if it is requested.
--
-- The parameters of customer_weeks.sql, for nine weeks, and
-- max_customers      INT64  how many customers at most
-- skipped_customers  INT64  how many customers to skip

{% from 'people.sql' import people %}
WITH

customer_weeks AS (
  {% include 'customer_weeks.sql' %}
),

customers AS (
  SELECT
    user_id,
    MAX(active_weeks) AS active_weeks,
    CAST(MAX(spent_9_weeks) AS FLOAT64) AS spent_9_weeks
  FROM customer_weeks
  GROUP BY user_id
),

missing AS (
  SELECT *
  FROM customers
  WHERE active_weeks & 3 = 0 AND BIT_COUNT(active_weeks & 60) >= 3
  ORDER BY spent_9_weeks DESC, user_id ASC
  LIMIT @max_customers OFFSET @skipped_customers
),

people AS (
  {{ people('missing') }}
)

SELECT
  missing.user_id,
  people.email,
  people.name,
  missing.active_weeks,
  missing.spent_9_weeks
FROM missing
LEFT JOIN people ON missing.user_id = people.user_id
ORDER BY missing.spent_9_weeks DESC, missing.user_id ASC
