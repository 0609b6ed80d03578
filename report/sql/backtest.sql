-- The look back: the customers of one past week by cell, and how many of them have churned since, which is to have had no
-- event of any type in the 28 days after the week's last day.
--
-- The parameters of customers_in_cells.sql, for that one week, and
-- back_until  TIMESTAMP  local midnight after the 28th day; the first of the 28 begins at scan_end

WITH

customers AS (
  {% include 'customers_in_cells.sql' %}
),

came_back AS (
  SELECT DISTINCT user_id
  FROM {{ events }}
  WHERE
    client_id = @client_id
    AND timestamp >= @scan_end
    AND timestamp < @back_until
    AND user_id IS NOT NULL
)

SELECT
  past.cell,
  COUNT(*) AS customers,
  COUNTIF(came_back.user_id IS NULL) AS churned
FROM customers AS past
LEFT JOIN came_back ON past.user_id = came_back.user_id
GROUP BY past.cell
