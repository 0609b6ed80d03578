-- The riskiest customers of the week: those of the cells that are asked for, most likely to leave first and, among equals,
-- biggest spend first. The only query that returns personal data; it runs only when customers are asked for.
--
-- The parameters of customers_in_cells.sql, for one week, and
-- cells                ARRAY<STRING>   the riskiest cells
-- churn_probabilities  ARRAY<FLOAT64>  those of the customers in these cells, in the same order
-- most_customers       INT64           how many customers at most

WITH

customers AS (
  {% include 'customers_in_cells.sql' %}
),

riskiest AS (
  SELECT
    customers.*,
    @churn_probabilities[ORDINAL(place + 1)] AS churn_probability
  FROM customers
  INNER JOIN UNNEST(@cells) AS asked_cell WITH OFFSET AS place ON customers.cell = asked_cell
  ORDER BY churn_probability DESC, customers.total_spent_usd DESC, customers.user_id ASC
  LIMIT @most_customers
),

-- One row a customer, whatever the table holds: a customer must not appear twice in the report.
people AS (
  SELECT
    user_id,
    MAX(email) AS email,
    MAX(name) AS name
  FROM {{ users }}
  WHERE client_id = @client_id AND user_id IN (SELECT riskiest.user_id FROM riskiest)
  GROUP BY user_id
)

SELECT
  riskiest.user_id,
  people.email,
  people.name,
  riskiest.added_to_wishlist,
  riskiest.removed_from_wishlist,
  riskiest.added_to_cart,
  riskiest.removed_from_cart,
  riskiest.cart_quantity_updated,
  riskiest.total_sessions,
  riskiest.days_since_last_activity,
  riskiest.total_spent_usd
FROM riskiest
LEFT JOIN people ON riskiest.user_id = people.user_id
ORDER BY riskiest.churn_probability DESC, riskiest.total_spent_usd DESC, riskiest.user_id ASC
