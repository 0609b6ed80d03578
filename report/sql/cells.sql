-- The customers of this week (weeks_ago 0), of the last (1) and of any before, counted by cell: the box of the feature
-- space, cut by the model's thresholds and the segments' limits, in which the model cannot tell customers apart. The least
-- value of each feature lies in the same box as all the others, so that one row stands for all customers of a cell.
--
-- The parameters of customers_in_cells.sql, for two weeks or, where the history is asked for, eight.

WITH

customers AS (
  {% include 'customers_in_cells.sql' %}
)

SELECT
  weeks_ago,
  MIN(added_to_wishlist) AS added_to_wishlist,
  MIN(removed_from_wishlist) AS removed_from_wishlist,
  MIN(added_to_cart) AS added_to_cart,
  MIN(removed_from_cart) AS removed_from_cart,
  MIN(cart_quantity_updated) AS cart_quantity_updated,
  MIN(total_sessions) AS total_sessions,
  MIN(days_since_last_activity) AS days_since_last_activity,
  MIN(total_spent_usd) AS total_spent_usd,
  COUNT(*) AS customers,
  SUM(total_spent_usd) AS spent_usd
FROM customers
GROUP BY weeks_ago, cell
