-- The customers of each week, counted by cell: the box of the feature space, cut by the model's thresholds and the segments'
-- limits, in which the model cannot tell customers apart. So one row is enough for all customers of a cell, and its name has all
-- that the model needs to know about them.
--
-- One row for each cell, its weeks inside: texts such as "0 12 5 310.500000", separated by ";": weeks_ago, how many customers,
-- how many of them had no event in the four weeks after (without meaning for the weeks 0 to 3), and what they spent.
-- One more row, without a cell, has each week's totals: weeks_ago, customers, how many were not seen before, missing regulars
-- last seen in it (active in at least 3 of the weeks 2 to 5, and neither this week nor last week), unusable amounts, how many
-- customers had each of the five counted event types, a session and a spend above 0, and what these missing regulars spent in
-- the newest nine weeks.
--
-- The parameters of customers_in_cells.sql.

WITH

customers AS (
  {% include 'customers_in_cells.sql' %}
),

counted AS (
  SELECT
    cell,
    weeks_ago,
    COUNT(*) AS customers,
    COUNTIF(((active_weeks << 4) >> weeks_ago) & 15 = 0) AS churned,
    SUM(spent) AS spent,
    COUNTIF(active_weeks >> weeks_ago = 1) AS new_customers,
    COUNTIF(
      active_weeks & ((1 << weeks_ago) - 1) = 0 AND active_weeks & 3 = 0 AND BIT_COUNT(active_weeks & 60) >= 3
    ) AS missing_regulars,
    SUM(
      IF(
        active_weeks & ((1 << weeks_ago) - 1) = 0 AND active_weeks & 3 = 0 AND BIT_COUNT(active_weeks & 60) >= 3,
        spent_9_weeks,
        0
      )
    ) AS spent_by_missing_regulars,
    SUM(unusable_amounts) AS unusable_amounts,
    COUNTIF(added_to_wishlist > 0) AS with_added_to_wishlist,
    COUNTIF(removed_from_wishlist > 0) AS with_removed_from_wishlist,
    COUNTIF(added_to_cart > 0) AS with_added_to_cart,
    COUNTIF(removed_from_cart > 0) AS with_removed_from_cart,
    COUNTIF(cart_quantity_updated > 0) AS with_cart_quantity_updated,
    COUNTIF(total_sessions > 0) AS with_sessions,
    COUNTIF(spent > 0) AS with_spend
  FROM customers
  GROUP BY GROUPING SETS ((cell, weeks_ago), (weeks_ago))
)

SELECT
  cell,
  STRING_AGG(
    IF(
      cell IS NULL,
      FORMAT(
        '%d %d %d %d %d %d %d %d %d %d %d %d %.6f',
        weeks_ago,
        customers,
        new_customers,
        missing_regulars,
        unusable_amounts,
        with_added_to_wishlist,
        with_removed_from_wishlist,
        with_added_to_cart,
        with_removed_from_cart,
        with_cart_quantity_updated,
        with_sessions,
        with_spend,
        CAST(spent_by_missing_regulars AS FLOAT64)
      ),
      FORMAT('%d %d %d %.6f', weeks_ago, customers, churned, CAST(spent AS FLOAT64))
    ),
    ';' ORDER BY weeks_ago
  ) AS weeks
FROM counted
WHERE cell IS NULL OR weeks_ago < @weeks
GROUP BY cell
