-- How many events each local day has, and how many of the newest week's rows are exact copies of another.
--
-- One row for each day with an event. One more row, without a day, has the newest week's rows and how many are copies.
--
-- client_id, ignored_event_types, time_zone  as in customer_weeks.sql
-- days_start  TIMESTAMP  the local midnight at which the oldest day begins
-- week_start  TIMESTAMP  the local midnight at which the newest week begins
-- scan_end    TIMESTAMP  the local midnight after the newest week's last day, or now while it runs

{% from source import events with context %}
{% from 'rows.sql' import counts, is_customer %}
WITH

-- Local midnights fall on quarters of an hour, so the day is computed once for each quarter, not for each event.
quarters_of_events AS (
  SELECT DIV(UNIX_SECONDS(timestamp), 900) AS quarter
  FROM {{ events('@days_start', '@scan_end') }}
  WHERE
    {{ counts('@days_start', '@scan_end') }}
    AND {{ is_customer('user_id') }}
),

quarters AS (
  SELECT
    quarter,
    COUNT(*) AS events
  FROM quarters_of_events
  GROUP BY quarter
),

days AS (
  SELECT
    DATE(TIMESTAMP_SECONDS(900 * quarter), @time_zone) AS day,
    events
  FROM quarters
),

distinct_rows AS (
  SELECT COUNT(*) AS copies
  FROM {{ events('@week_start', '@scan_end') }}
  WHERE
    {{ counts('@week_start', '@scan_end') }}
    AND {{ is_customer('user_id') }}
  GROUP BY user_id, event_type, timestamp, price, quantity, session_id
)

SELECT
  day,
  SUM(events) AS events,
  0 AS repeated
FROM days
GROUP BY day

UNION ALL

SELECT
  NULL AS day,
  COALESCE(SUM(copies), 0) AS events,
  COALESCE(SUM(copies) - COUNT(*), 0) AS repeated
FROM distinct_rows
