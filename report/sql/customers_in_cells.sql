-- The rows of customer_weeks.sql, each with its cell: the numbers of the buckets into which the limits cut
-- its features, where 0 is below the first limit, and whether the customer comes less often than before.
-- Other queries include this query.
--
-- The parameters of customer_weeks.sql, and for each feature
-- <feature>_limits  ARRAY<INT64>, for the spend ARRAY<FLOAT64>  where its range is cut, ascending

WITH

customer_weeks AS (
  {% include 'customer_weeks.sql' %}
)

SELECT
  *,
  FORMAT(
    '%d,%d,%d,%d,%d,%d,%d,%d,%d,%d',
    RANGE_BUCKET(added_to_wishlist, @added_to_wishlist_limits),
    RANGE_BUCKET(removed_from_wishlist, @removed_from_wishlist_limits),
    RANGE_BUCKET(added_to_cart, @added_to_cart_limits),
    RANGE_BUCKET(removed_from_cart, @removed_from_cart_limits),
    RANGE_BUCKET(cart_quantity_updated, @cart_quantity_updated_limits),
    RANGE_BUCKET(total_sessions, @total_sessions_limits),
    RANGE_BUCKET(days_since_last_activity, @days_since_last_activity_limits),
    RANGE_BUCKET(total_spent_usd, @total_spent_usd_limits),
    RANGE_BUCKET(active_weeks_before, @active_weeks_before_limits),
    -- Active in at least 3 of the weeks 5 to 8 before and in at most 1 of the weeks 1 to 4.
    IF(
      weeks_ago = 0
      AND @memory_weeks = 8
      AND BIT_COUNT((active_weeks >> 5) & 15) >= 3
      AND BIT_COUNT((active_weeks >> 1) & 15) <= 1,
      1,
      0
    )
  ) AS cell
FROM customer_weeks
