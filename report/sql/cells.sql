-- The customers of this week (weeks_ago 0) and the last (1), counted by cell: the box of the feature space, cut by the
-- model's thresholds and the segment limits, in which the model cannot tell customers apart.
--
-- The parameters of features.sql, and for each feature
-- @<feature>_limits  ARRAY<INT64>, for the spend ARRAY<FLOAT64>  where the feature's range is cut, ascending

WITH

features AS (
  {% include 'features.sql' %}
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
FROM features
GROUP BY
  weeks_ago,
  RANGE_BUCKET(added_to_wishlist, @added_to_wishlist_limits),
  RANGE_BUCKET(removed_from_wishlist, @removed_from_wishlist_limits),
  RANGE_BUCKET(added_to_cart, @added_to_cart_limits),
  RANGE_BUCKET(removed_from_cart, @removed_from_cart_limits),
  RANGE_BUCKET(cart_quantity_updated, @cart_quantity_updated_limits),
  RANGE_BUCKET(total_sessions, @total_sessions_limits),
  RANGE_BUCKET(days_since_last_activity, @days_since_last_activity_limits),
  RANGE_BUCKET(total_spent_usd, @total_spent_usd_limits)
