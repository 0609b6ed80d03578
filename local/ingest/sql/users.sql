-- Rows of the users table: one a customer, whole, from the newest of the rows that say most. DuckDB's SQL.
{% from 'customer.sql' import customer %}

{% if has_people %}
SELECT
  client_id,
  user_id,
  person.email AS email,
  person.name AS name
FROM (
  SELECT
    COALESCE(client_id, {{ client }}) AS client_id,
    {{ customer(whole_ids) }} AS user_id,
    arg_max(
      {'email': email, 'name': name},
      (CAST(email IS NOT NULL AS BIGINT) + CAST(name IS NOT NULL AS BIGINT)) * 1000000000000000000 + epoch_us(timestamp)
    ) AS person
  FROM read_parquet({{ raw }})
  WHERE reason IS NULL AND (email IS NOT NULL OR name IS NOT NULL)
  GROUP BY ALL
)
{% else %}
SELECT
  CAST(NULL AS BIGINT) AS client_id,
  CAST(NULL AS VARCHAR) AS user_id,
  CAST(NULL AS VARCHAR) AS email,
  CAST(NULL AS VARCHAR) AS name
WHERE FALSE
{% endif %}
