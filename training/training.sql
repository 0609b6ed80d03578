-- The customers of each week with their features and whether they churned: no event in the four weeks after.
--
-- The parameters of customer_weeks.sql. The four newest weeks only decide who churned in the weeks before them.

WITH

customer_weeks AS (
  {% include 'customer_weeks.sql' %}
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
  -- Bit k of active_weeks stands for the week k weeks before the newest.
  (active_weeks >> (weeks_ago - 4)) & 15 = 0 AS churned
FROM customer_weeks
WHERE weeks_ago >= 4
