-- One row for each customer and week with any event: the nine features, and in which weeks the customer was active.
-- Other queries include this query; it also runs alone.
--
-- client_id            INT64      whose events
-- ignored_event_types  ARRAY<STRING>  types that the customer does not cause
-- usd_rate             FLOAT64    units of the client's currency for a dollar
-- week_ending          DATE       last day of the newest week; weeks_ago counts back from it
-- as_of                DATE       the day from which the newest week's inactivity counts: its last, or today while it runs
-- time_zone            STRING     in which days begin and end
-- memory_weeks         INT64      how many weeks before each week count for its memory, 0 to 8
-- week_starts          ARRAY<TIMESTAMP>  the local midnights at which the weeks begin, oldest first, also those of the memory
-- memory_start         TIMESTAMP  the first of them; from here to scan_start only the active customers are read
-- scan_start           TIMESTAMP  the local midnight at which the oldest week with features begins
-- scan_end             TIMESTAMP  the local midnight after the newest week's last day, or now while it runs

{% from source import events with context %}
{% from 'rows.sql' import amount, counts, is_customer, weeks_ago %}
WITH

events_with_features AS (
  SELECT
    user_id,
    event_type,
    session_id,
    timestamp,
    UNIX_SECONDS(timestamp) - UNIX_SECONDS(@memory_start) AS seconds,
    {{ amount() }} AS amount
  FROM {{ events('@scan_start', '@scan_end') }}
  WHERE
    {{ counts('@scan_start', '@scan_end') }}
),

week_events AS (
  SELECT
    *,
    {{ weeks_ago() }} AS weeks_ago
  FROM events_with_features
),

weeks_with_features AS (
  SELECT
    weeks_ago,
    user_id,
    COUNTIF(event_type = 'added_to_wishlist') AS added_to_wishlist,
    COUNTIF(event_type = 'removed_from_wishlist') AS removed_from_wishlist,
    COUNTIF(event_type = 'added_to_cart') AS added_to_cart,
    COUNTIF(event_type = 'removed_from_cart') AS removed_from_cart,
    COUNTIF(event_type = 'cart_quantity_updated') AS cart_quantity_updated,
    COUNT(DISTINCT NULLIF(session_id, '')) AS total_sessions,
    -- One local day for each customer, not for each event: time zones are expensive.
    GREATEST(
      DATE_DIFF(@week_ending, DATE(MAX(timestamp), @time_zone), DAY)
      - IF(weeks_ago = 0, DATE_DIFF(@week_ending, @as_of, DAY), 7 * weeks_ago),
      0
    ) AS days_since_last_activity,
    -- An amount beyond 10^15 counts as unusable, so that no sum overflows.
    SUM(IF(ABS(amount) <= 1000000000000000, amount, 0)) AS spent,
    COUNTIF(COALESCE(ABS(amount) > 1000000000000000, TRUE)) AS unusable_amounts
  FROM week_events
  GROUP BY weeks_ago, user_id
),

-- Of the weeks before, only who was active: four narrow columns.
events_of_memory AS (
  SELECT
    user_id,
    timestamp,
    UNIX_SECONDS(timestamp) - UNIX_SECONDS(@memory_start) AS seconds
  FROM {{ events('@memory_start', '@scan_start') }}
  WHERE
    {{ counts('@memory_start', '@scan_start') }}
),

weeks_of_memory AS (
  SELECT DISTINCT
    user_id,
    {{ weeks_ago() }} AS weeks_ago
  FROM events_of_memory
),

all_weeks AS (
  SELECT * FROM weeks_with_features

  UNION ALL

  SELECT
    weeks_ago,
    user_id,
    0 AS added_to_wishlist,
    0 AS removed_from_wishlist,
    0 AS added_to_cart,
    0 AS removed_from_cart,
    0 AS cart_quantity_updated,
    0 AS total_sessions,
    0 AS days_since_last_activity,
    0 AS spent,
    0 AS unusable_amounts
  FROM weeks_of_memory
),

-- The weeks in which a customer was active as the bits of a number: bit k is k weeks before the newest week.
remembered AS (
  SELECT
    *,
    SUM(1 << weeks_ago) OVER (PARTITION BY user_id) AS active_weeks,
    SUM(IF(weeks_ago <= 8, spent, 0)) OVER (PARTITION BY user_id) AS spent_9_weeks
  FROM all_weeks
  WHERE {{ is_customer('user_id') }}
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
  CAST(spent AS FLOAT64) / @usd_rate AS total_spent_usd,
  BIT_COUNT((active_weeks >> (weeks_ago + 1)) & ((1 << @memory_weeks) - 1)) AS active_weeks_before,
  spent,
  spent_9_weeks,
  unusable_amounts,
  active_weeks
FROM remembered
