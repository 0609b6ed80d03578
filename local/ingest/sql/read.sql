-- Every row of the files, typed, and why it is left out, if it is. DuckDB's SQL.

WITH

texts AS (
  {{ texts }}
),

typed AS (
  SELECT
    *,
    {{ time }} AS timestamp_read,
    {% for name, sql in numbers.items() %}
    {{ sql }} AS {{ name }}_read,
    {% endfor %}
    TRY_CAST(client_id AS BIGINT) AS client_read
  FROM texts
)

SELECT
  number,
  client_read AS client_id,
  user_id,
  event_type,
  timestamp_read AS timestamp,
  price_read AS price,
  quantity_read AS quantity,
  amount_read AS amount,
  refunded_read AS refunded,
  order_total_read AS order_total,
  order_id,
  session_id,
  upper(currency) AS currency,
  email,
  name,
  row_hash,
  {% if shown %}
  {{ shown }} AS shown,
  {% endif %}
  CASE
    {% for rule in rules %}
    WHEN rule{{ rule }} THEN 'rule:{{ rule }}'
    {% endfor %}
    WHEN user_id IS NULL THEN 'empty:user_id'
    WHEN timestamp IS NULL THEN 'empty:timestamp'
    WHEN timestamp_read IS NULL THEN 'bad:timestamp'
    {% if not event_type %}
    WHEN event_type IS NULL THEN 'empty:event_type'
    {% endif %}
    {% for name in numbers %}
    WHEN {{ name }} IS NOT NULL AND {{ name }}_read IS NULL THEN 'bad:{{ name }}'
    {% endfor %}
    WHEN client_id IS NOT NULL AND (client_read IS NULL OR client_read < 1) THEN 'bad:client_id'
  END AS reason
FROM typed
