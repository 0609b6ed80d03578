-- The customers of each week, counted by cell: the box of the feature space, cut by the model's thresholds and the segments'
-- limits, in which the model cannot tell customers apart. So one entry is enough for all customers of a cell, and its name has
-- all that the model needs to know about them.
--
-- One row for each week that has customers, also of the memory: its totals, and its cells as a text of entries separated by ";",
-- such as "0,0,0,0,0,1,2,0,3,0 12 5 310.500000": the cell, how many customers it has, how many of them had no event in the four
-- weeks after (without meaning for the weeks 0 to 3), and what they spent. A week of the memory has no cells: NULL. With a row
-- for each cell, the client library would make several Python objects of each.
--
-- The parameters of customers_in_cells.sql, and
-- weeks  INT64  how many weeks have cells

WITH

customers AS (
  {% include 'customers_in_cells.sql' %}
),

-- Missing regulars, in the week in which they were last seen: active in at least 3 of the weeks 2 to 5, and not since.
last_seen AS (
  SELECT
    *,
    active_weeks & ((1 << weeks_ago) - 1) = 0 AND active_weeks & 3 = 0 AND BIT_COUNT(active_weeks & 60) >= 3 AS is_missing_regular
  FROM customers
),

counted AS (
  SELECT
    weeks_ago,
    cell,
    COUNT(*) AS customers,
    COUNTIF(((active_weeks << 4) >> weeks_ago) & 15 = 0) AS churned,
    SUM(spent) AS spent,
    COUNTIF(active_weeks >> weeks_ago = 1) AS new_customers,
    COUNTIF(is_missing_regular) AS missing_regulars,
    SUM(IF(is_missing_regular, spent_9_weeks, 0)) AS spent_by_missing_regulars,
    SUM(unusable_amounts) AS unusable_amounts,
    COUNTIF(added_to_wishlist > 0) AS with_added_to_wishlist,
    COUNTIF(removed_from_wishlist > 0) AS with_removed_from_wishlist,
    COUNTIF(added_to_cart > 0) AS with_added_to_cart,
    COUNTIF(removed_from_cart > 0) AS with_removed_from_cart,
    COUNTIF(cart_quantity_updated > 0) AS with_cart_quantity_updated,
    COUNTIF(total_sessions > 0) AS with_sessions,
    COUNTIF(spent > 0) AS with_spend
  FROM last_seen
  GROUP BY weeks_ago, cell
)

SELECT
  weeks_ago,
  SUM(customers) AS customers,
  SUM(new_customers) AS new_customers,
  SUM(missing_regulars) AS missing_regulars,
  CAST(SUM(spent_by_missing_regulars) AS FLOAT64) AS spent_by_missing_regulars,
  SUM(unusable_amounts) AS unusable_amounts,
  SUM(with_added_to_wishlist) AS with_added_to_wishlist,
  SUM(with_removed_from_wishlist) AS with_removed_from_wishlist,
  SUM(with_added_to_cart) AS with_added_to_cart,
  SUM(with_removed_from_cart) AS with_removed_from_cart,
  SUM(with_cart_quantity_updated) AS with_cart_quantity_updated,
  SUM(with_sessions) AS with_sessions,
  SUM(with_spend) AS with_spend,
  STRING_AGG(
    IF(weeks_ago < @weeks, FORMAT('%s %d %d %.6f', cell, customers, churned, CAST(spent AS FLOAT64)), NULL), ';'
  ) AS cells
FROM counted
GROUP BY weeks_ago
