-- The rows of features.sql, each with the cell that it lies in, which is named by the numbers of the buckets into which the
-- limits cut its features: 0 is below the first limit. A part of other queries, which include it.
--
-- The parameters of features.sql, and for each feature
-- <feature>_limits  ARRAY<INT64>, for the spend ARRAY<FLOAT64>  where its range is cut, ascending

WITH

features AS (
  {% include 'features.sql' %}
)

SELECT
  *,
  FORMAT(
    '%d,%d,%d,%d,%d,%d,%d,%d',
    RANGE_BUCKET(added_to_wishlist, @added_to_wishlist_limits),
    RANGE_BUCKET(removed_from_wishlist, @removed_from_wishlist_limits),
    RANGE_BUCKET(added_to_cart, @added_to_cart_limits),
    RANGE_BUCKET(removed_from_cart, @removed_from_cart_limits),
    RANGE_BUCKET(cart_quantity_updated, @cart_quantity_updated_limits),
    RANGE_BUCKET(total_sessions, @total_sessions_limits),
    RANGE_BUCKET(days_since_last_activity, @days_since_last_activity_limits),
    RANGE_BUCKET(total_spent_usd, @total_spent_usd_limits)
  ) AS cell
FROM features
