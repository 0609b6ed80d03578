-- Rows of the events table, of those rows that the first pass did not leave out. DuckDB's SQL.
{% from 'customer.sql' import customer %}

WITH

good AS (
  SELECT
    COALESCE(client_id, {{ client }}) AS client_id,
    {{ customer(whole_ids) }} AS user_id,
    {% if event_types %}
    CASE lower(replace(replace({{ event_type or 'event_type' }}, ' ', '_'), '-', '_'))
      {% for name, ours in event_types %}
      WHEN {{ name }} THEN {{ ours }}
      {% endfor %}
      ELSE {{ event_type or 'event_type' }}
    END AS event_type,
    {% else %}
    {{ event_type or 'event_type' }} AS event_type,
    {% endif %}
    timestamp,
    price,
    quantity,
    {% if has_refunded and has_order_total %}
    -- What was paid back is taken from the goods in their share of the order: it includes shipping and tax.
    CASE
      WHEN COALESCE(refunded, 0) = 0 THEN amount
      WHEN order_total > 0
        THEN CAST(round(CAST(amount AS DOUBLE) * greatest(0, 1 - abs(CAST(refunded AS DOUBLE)) / CAST(order_total AS DOUBLE)), 4)
          AS DECIMAL(38, 9))
      ELSE greatest(amount - abs(refunded), 0)
    END AS amount,
    {% elif has_refunded %}
    greatest(amount - abs(COALESCE(refunded, 0)), 0) AS amount,
    {% else %}
    amount,
    {% endif %}
    order_id,
    session_id,
    {% if rates %}
    currency,
    {% endif %}
    row_hash
  FROM read_parquet({{ raw }})
  WHERE reason IS NULL
),

{% if repeated %}
-- Only the rows whose hash occurs more than once need be compared.
repeated AS (SELECT row_hash FROM read_parquet({{ raw }}) WHERE reason IS NULL GROUP BY row_hash HAVING COUNT(*) > 1),

rows AS (
  SELECT * FROM good WHERE row_hash NOT IN (SELECT row_hash FROM repeated)
  UNION ALL
  SELECT DISTINCT * FROM good WHERE row_hash IN (SELECT row_hash FROM repeated)
),
{% else %}
rows AS (SELECT * FROM good),
{% endif %}

{% if once_per_order %}
-- An order that comes several times, as in exports that overlap, counts once.
once AS (
  SELECT * EXCLUDE (place)
  FROM (
    SELECT
      *,
      row_number() OVER (PARTITION BY client_id, user_id, order_id ORDER BY timestamp, amount DESC NULLS LAST) AS place
    FROM rows
    WHERE event_type IN ('purchase', 'order_completed') AND order_id IS NOT NULL
  )
  WHERE place = 1
  UNION ALL
  SELECT * FROM rows WHERE event_type NOT IN ('purchase', 'order_completed') OR order_id IS NULL
),
{% else %}
once AS (SELECT * FROM rows),
{% endif %}

{% if has_session %}
visits AS (SELECT * FROM once)
{% else %}
-- A visit is what a customer does without a pause of 30 minutes; it is named by its beginning.
pauses AS (
  SELECT
    *,
    CASE
      WHEN timestamp - lag(timestamp) OVER by_time <= INTERVAL 30 MINUTES THEN NULL
      ELSE timestamp
    END AS begins
  FROM once
  WINDOW by_time AS (PARTITION BY client_id, user_id ORDER BY timestamp)
),

visits AS (
  SELECT
    * EXCLUDE (session_id, begins),
    strftime(
      max(begins) OVER (PARTITION BY client_id, user_id ORDER BY timestamp ROWS UNBOUNDED PRECEDING), '%Y%m%dT%H%M%S'
    ) AS session_id
  FROM pauses
)
{% endif %}

{% macro in_shops_currency(money) %}
{% if rates %}
CASE currency
  {% for other, rate in rates %}
  WHEN {{ other }} THEN CAST(round(CAST({{ money }} AS DOUBLE) * {{ rate }}, 6) AS DECIMAL(38, 9))
  {% endfor %}
  ELSE {{ money }}
END
{% else %}
{{ money }}
{% endif %}
{% endmacro %}

SELECT
  client_id,
  user_id,
  event_type,
  make_timestamptz(epoch_us(timestamp)) AS timestamp,
  {% if has_amount %}
  CASE
    WHEN amount IS NOT NULL THEN {{ in_shops_currency('amount') }}
    WHEN quantity <> trunc(quantity) THEN {{ in_shops_currency('CAST(CAST(price AS DOUBLE) * CAST(quantity AS DOUBLE) AS DECIMAL(38, 9))') }}
    ELSE {{ in_shops_currency('price') }}
  END AS price,
  CASE
    WHEN amount IS NOT NULL OR quantity <> trunc(quantity) THEN 1
    ELSE TRY_CAST(quantity AS BIGINT)
  END AS quantity,
  {% else %}
  CASE
    WHEN quantity <> trunc(quantity) THEN {{ in_shops_currency('CAST(CAST(price AS DOUBLE) * CAST(quantity AS DOUBLE) AS DECIMAL(38, 9))') }}
    ELSE {{ in_shops_currency('price') }}
  END AS price,
  CASE WHEN quantity <> trunc(quantity) THEN 1 ELSE TRY_CAST(quantity AS BIGINT) END AS quantity,
  {% endif %}
  session_id
FROM visits
