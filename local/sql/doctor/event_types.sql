-- What happens: each event type with its customers, its amounts, and how many of its amounts are missing or odd.
--
-- client_id INT64, since TIMESTAMP, until TIMESTAMP: whose events, and from which time

SELECT
  event_type,
  COUNT(*) AS events,
  COUNT(DISTINCT user_id) AS customers,
  COUNTIF(price IS NULL) AS without_price,
  COUNTIF(price < 0 OR quantity < 0) AS negative,
  COUNTIF(price = 0) AS zero,
  COUNTIF(ABS(price) > 1000000000000000) AS huge,
  MAX(price) AS greatest,
  COUNTIF(quantity IS NULL) AS without_quantity
FROM {{ events }}
WHERE client_id = @client_id AND timestamp >= @since AND timestamp <= @until
GROUP BY event_type
ORDER BY events DESC
LIMIT 100
