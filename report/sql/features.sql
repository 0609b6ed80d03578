-- One row for each customer and week: the eight features of the brief's section 4.2.
-- A part of other queries, which include it; it also runs alone.
--
-- client_id    INT64      whose events
-- week_ending  DATE       last day of the newest week; weeks_ago counts back from it
-- as_of        DATE       the day from which the newest week's inactivity counts: its last, or today while it runs
-- time_zone    STRING     in which days begin and end
-- week_starts  ARRAY<TIMESTAMP>  the local midnights at which the weeks begin, oldest first
-- scan_start, scan_end  TIMESTAMP  local midnights: the oldest week's first, and the one after the newest week's last day

WITH

week_events AS (
  SELECT
    user_id,
    event_type,
    session_id,
    timestamp,
    ARRAY_LENGTH(@week_starts) - RANGE_BUCKET(timestamp, @week_starts) AS weeks_ago,
    COALESCE(price, 0) * COALESCE(quantity, 1) AS amount_usd
  FROM {{ events }}
  WHERE
    client_id = @client_id
    -- Compared as it is stored, so that BigQuery reads only these days' partitions.
    AND timestamp >= @scan_start
    AND timestamp < @scan_end
    AND user_id IS NOT NULL
)

SELECT
  weeks_ago,
  user_id,
  COUNTIF(event_type = 'added_to_wishlist') AS added_to_wishlist,
  COUNTIF(event_type = 'removed_from_wishlist') AS removed_from_wishlist,
  COUNTIF(event_type = 'added_to_cart') AS added_to_cart,
  COUNTIF(event_type = 'removed_from_cart') AS removed_from_cart,
  COUNTIF(event_type = 'cart_quantity_updated') AS cart_quantity_updated,
  COUNT(DISTINCT session_id) AS total_sessions,
  -- A day for each customer, not for each event: time zones are dear.
  GREATEST(
    DATE_DIFF(@week_ending, DATE(MAX(timestamp), @time_zone), DAY)
    - IF(weeks_ago = 0, DATE_DIFF(@week_ending, @as_of, DAY), 7 * weeks_ago),
    0
  ) AS days_since_last_activity,
  CAST(
    SUM(IF(event_type IN ('purchase', 'order_completed'), amount_usd, 0)) AS FLOAT64
  ) AS total_spent_usd
FROM week_events
GROUP BY weeks_ago, user_id
