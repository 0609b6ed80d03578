-- The customers of this week (weeks_ago 0), of the last (1) and of any before, counted by cell: the box of the feature
-- space, cut by the model's thresholds and the segments' limits, in which the model cannot tell customers apart. So one row
-- stands for all customers of a cell, and its name says all that the model needs to know of them.
--
-- The parameters of customers_in_cells.sql, for as many weeks as are asked for.

WITH

customers AS (
  {% include 'customers_in_cells.sql' %}
)

SELECT
  cell,
  weeks_ago,
  COUNT(*) AS customers,
  SUM(total_spent_usd) AS spent_usd
FROM customers
GROUP BY cell, weeks_ago
