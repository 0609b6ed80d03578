-- The customers of each week with their features and whether they churned: no event in the four weeks after.
--
-- The parameters of features.sql. The four newest weeks say what became of the customers of the weeks before, and are left
-- out themselves: their own four weeks are not over.

WITH

features AS (
  {% include 'features.sql' %}
),

followed AS (
  SELECT
    *,
    LAG(weeks_ago) OVER (PARTITION BY user_id ORDER BY weeks_ago) AS next_weeks_ago
  FROM features
)

SELECT
  weeks_ago,
  added_to_wishlist,
  removed_from_wishlist,
  added_to_cart,
  removed_from_cart,
  cart_quantity_updated,
  total_sessions,
  days_since_last_activity,
  total_spent_usd,
  COALESCE(weeks_ago - next_weeks_ago > 4, TRUE) AS churned
FROM followed
WHERE weeks_ago >= 4
