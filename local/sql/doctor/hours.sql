-- When events happen: how many in each hour of each local day, and how many of them exactly at midnight.
--
-- client_id INT64, since TIMESTAMP, until TIMESTAMP: whose events, and from which time
-- time_zone STRING: in which days begin

SELECT
  DATE(timestamp, @time_zone) AS day,
  EXTRACT(HOUR FROM timestamp AT TIME ZONE @time_zone) AS hour,
  COUNT(*) AS events,
  COUNTIF(timestamp = TIMESTAMP_TRUNC(timestamp, DAY, @time_zone)) AS at_midnight
FROM {{ events }}
WHERE client_id = @client_id AND timestamp >= @since AND timestamp <= @until
GROUP BY day, hour
ORDER BY day, hour
