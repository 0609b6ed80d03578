-- Whether sessions are what they should be: there, one customer's, and not one an event.
--
-- client_id INT64, since TIMESTAMP, until TIMESTAMP: whose events, and from which time

SELECT
  SUM(events) AS events,
  SUM(CAST(session_id IS NULL OR TRIM(session_id) = '' AS INT64) * events) AS without_session,
  SUM(CAST(TRIM(session_id) <> '' AS INT64)) AS sessions,
  SUM(CAST(TRIM(session_id) <> '' AND customers > 1 AS INT64)) AS shared
FROM (
  SELECT session_id, COUNT(*) AS events, COUNT(DISTINCT user_id) AS customers
  FROM {{ events }}
  WHERE client_id = @client_id AND timestamp >= @since AND timestamp <= @until
  GROUP BY session_id
)
