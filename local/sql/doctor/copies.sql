-- How many rows are exact copies of another.
--
-- client_id INT64, since TIMESTAMP, until TIMESTAMP: whose events, and from which time

SELECT SUM(copies - 1) AS repeated
FROM (
  SELECT COUNT(*) AS copies
  FROM {{ events }}
  WHERE client_id = @client_id AND timestamp >= @since AND timestamp <= @until
  GROUP BY user_id, event_type, timestamp, price, quantity, session_id
)
