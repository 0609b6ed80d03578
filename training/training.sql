-- The customers of each week with their features and whether they churned: no event in the four weeks after.
--
-- The parameters of features.sql, and
-- memory_weeks  INT64  how many weeks before a week count for active_weeks_before
--
-- The four newest weeks decide who of the weeks before them churned and are left out: their own four weeks are not over.

WITH

features AS (
  {% include 'features.sql' %}
),

followed AS (
  SELECT
    *,
    COUNT(*) OVER (
      PARTITION BY user_id ORDER BY weeks_ago RANGE BETWEEN 1 FOLLOWING AND @memory_weeks FOLLOWING
    ) AS active_weeks_before,
    LAG(weeks_ago) OVER (PARTITION BY user_id ORDER BY weeks_ago) AS next_weeks_ago
  FROM features
)

SELECT
  weeks_ago,
  user_id,
  added_to_wishlist,
  removed_from_wishlist,
  added_to_cart,
  removed_from_cart,
  cart_quantity_updated,
  total_sessions,
  days_since_last_activity,
  total_spent_usd,
  active_weeks_before,
  COALESCE(weeks_ago - next_weeks_ago > 4, TRUE) AS churned
FROM followed
WHERE weeks_ago >= 4
