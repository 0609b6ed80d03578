-- Customers of the week, ordered by expected loss: churn probability × what they spent in this week and the 8 before. Only the
-- customers of the requested cells. Returns personal data; it runs only if customers are requested.
--
-- The parameters of customers_in_cells.sql, for nine weeks, and
-- cells                ARRAY<STRING>   the cells
-- churn_probabilities  ARRAY<FLOAT64>  the churn probabilities of these cells, in the same order
-- max_customers        INT64           how many customers at most
-- skipped_customers    INT64           how many customers to skip

{% from 'people.sql' import people %}
WITH

customers AS (
  {% include 'customers_in_cells.sql' %}
),

by_expected_loss AS (
  SELECT
    customers.*,
    @churn_probabilities[ORDINAL(place + 1)] AS churn_probability,
    CAST(customers.spent_9_weeks AS FLOAT64) * @churn_probabilities[ORDINAL(place + 1)] AS expected_loss
  FROM customers
  INNER JOIN UNNEST(@cells) AS asked_cell WITH OFFSET AS place ON customers.cell = asked_cell
  WHERE customers.weeks_ago = 0
  ORDER BY expected_loss DESC, churn_probability DESC, customers.user_id ASC
  LIMIT @max_customers OFFSET @skipped_customers
),

people AS (
  {{ people('by_expected_loss') }}
)

SELECT
  by_expected_loss.user_id,
  people.email,
  people.name,
  by_expected_loss.cell,
  CAST(by_expected_loss.spent_9_weeks AS FLOAT64) AS spent_9_weeks,
  by_expected_loss.added_to_wishlist,
  by_expected_loss.removed_from_wishlist,
  by_expected_loss.added_to_cart,
  by_expected_loss.removed_from_cart,
  by_expected_loss.cart_quantity_updated,
  by_expected_loss.total_sessions,
  by_expected_loss.days_since_last_activity,
  by_expected_loss.total_spent_usd,
  by_expected_loss.active_weeks_before
FROM by_expected_loss
LEFT JOIN people ON by_expected_loss.user_id = people.user_id
ORDER BY by_expected_loss.expected_loss DESC, by_expected_loss.churn_probability DESC, by_expected_loss.user_id ASC
