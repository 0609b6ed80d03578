-- Whose rows there are: the clients with the most events.

SELECT
  client_id,
  COUNT(*) AS events,
  COUNT(DISTINCT user_id) AS customers,
  MIN(timestamp) AS first,
  MAX(timestamp) AS last
FROM {{ events }}
GROUP BY client_id
ORDER BY events DESC
LIMIT 20
