-- The customers with the most events, and how many ids are mail addresses, blank, or in the users table.
--
-- client_id INT64, since TIMESTAMP, until TIMESTAMP: whose events, and from which time

WITH

ids AS (
  SELECT user_id, COUNT(*) AS events
  FROM {{ events }}
  WHERE client_id = @client_id AND timestamp >= @since AND timestamp <= @until
  GROUP BY user_id
),

people AS (
  SELECT user_id, COUNT(*) AS lines
  FROM {{ users }}
  WHERE client_id = @client_id
  GROUP BY user_id
)

SELECT
  ids.user_id,
  ids.events,
  COUNT(*) OVER () AS customers,
  SUM(CAST(STRPOS(ids.user_id, '@') > 0 AS INT64)) OVER () AS addresses,
  SUM(CAST(people.user_id IS NOT NULL AS INT64)) OVER () AS known,
  SUM(CAST(people.lines > 1 AS INT64)) OVER () AS known_twice,
  SUM(CAST(
    ids.user_id IS NULL
    OR LOWER(TRIM(ids.user_id)) IN (
      '', 'undefined', 'null', 'none', 'nan', 'unknown', 'anonymous', 'guest', '0', '[object object]'
    ) AS INT64
  ) * ids.events) OVER () AS nobodys_events
FROM ids
LEFT JOIN people ON ids.user_id = people.user_id
ORDER BY ids.events DESC
LIMIT 20
