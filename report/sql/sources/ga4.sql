{#- Google Analytics 4's export to BigQuery, of one property, as Google writes it: a table a day, events_YYYYMMDD, and
    events_intraday_YYYYMMDD for days that are not complete. tables.sql says what a source gives.

    export_tables  the wildcard over the tables of the export's dataset: all of it is the client's

    A table's day is one of the property's time zone, which is unknown here: so a day more is read on either side. -#}

{% from 'rows.sql' import is_customer %}
{% from 'sources/users.sql' import of_customers, who with context %}

{#- The rows of the daily tables, and of a day without one those of its intraday table. Only _TABLE_SUFFIX limits what BigQuery
    reads, by conditions on constants, which parameters are: so the condition on other tables stands apart. The length leaves out
    copies such as events_20250101_old. -#}
{% macro export(columns, scan_start, scan_end) -%}
  SELECT
      {{ columns }}
    FROM {{ export_tables }}
    WHERE
      (
        _TABLE_SUFFIX BETWEEN {{ day(scan_start, -1) }} AND {{ day(scan_end, 1) }}
        OR _TABLE_SUFFIX BETWEEN CONCAT('intraday_', {{ day(scan_start, -1) }}) AND CONCAT('intraday_', {{ day(scan_end, 1) }})
      )
      AND LENGTH(_TABLE_SUFFIX) IN (8, 17)
      AND (
        LENGTH(_TABLE_SUFFIX) = 8
        OR SUBSTR(_TABLE_SUFFIX, 10) NOT IN (
          SELECT _TABLE_SUFFIX
          FROM {{ export_tables }}
          WHERE _TABLE_SUFFIX BETWEEN {{ day(scan_start, -1) }} AND {{ day(scan_end, 1) }}
        )
      )
      AND event_timestamp >= UNIX_MICROS({{ scan_start }})
      AND event_timestamp < UNIX_MICROS({{ scan_end }})
      -- Without consent there is no id.
      AND user_pseudo_id IS NOT NULL
{%- endmacro %}

{% macro day(instant, days) -%}
  FORMAT_DATE('%Y%m%d', DATE_ADD(DATE({{ instant }}), INTERVAL {{ days }} DAY))
{%- endmacro %}

{% macro events(scan_start, scan_end) -%}
  (
  WITH

  identified AS (
    {{ export("user_pseudo_id AS device,
      IF(" ~ is_customer('user_id') ~ ", user_id, NULL) AS own_id,
      TIMESTAMP_MICROS(event_timestamp) AS seen,
      event_name = 'purchase' AS is_purchase",
      '@history_start', '@scan_end') }}
      AND (user_id IS NOT NULL OR event_name = 'purchase')
  ),

  {{ who() }}

  exported AS (
    {{ export("user_pseudo_id AS device,
      TIMESTAMP_MICROS(event_timestamp) AS timestamp,
      event_name,
      IF(" ~ is_customer('user_id') ~ ", user_id, NULL) AS own_id,
      (
        SELECT MAX(parameter.value.int_value)
        FROM UNNEST(event_params) AS parameter
        WHERE parameter.key = 'ga_session_id'
      ) AS ga_session_id,
      IF(ecommerce.transaction_id IN ('', '(not set)'), NULL, ecommerce.transaction_id) AS transaction_id,
      -- In the client's currency, from which the report makes dollars again.
      COALESCE(SAFE_MULTIPLY(ecommerce.purchase_revenue_in_usd, @usd_rate), ecommerce.purchase_revenue) AS revenue",
      scan_start, scan_end) }}
  ),

  of_users AS (
    SELECT
      exported.*,
      COALESCE(exported.own_id, devices.known_id, exported.device) AS user_id
    FROM exported
    LEFT JOIN devices ON exported.device = devices.device
  ),

  -- A purchase is sent again when its page is loaded again: the first of a transaction counts.
  numbered AS (
    SELECT
      *,
      IF(
        event_name = 'purchase' AND transaction_id IS NOT NULL,
        ROW_NUMBER() OVER (PARTITION BY user_id, event_name, transaction_id ORDER BY timestamp, revenue),
        1
      ) AS time_sent
    FROM of_users
  )

  SELECT
    @client_id AS client_id,
    numbered.user_id,
    CASE numbered.event_name
      WHEN 'add_to_cart' THEN 'added_to_cart'
      WHEN 'remove_from_cart' THEN 'removed_from_cart'
      WHEN 'add_to_wishlist' THEN 'added_to_wishlist'
      ELSE numbered.event_name
    END AS event_type,
    numbered.timestamp,
    SAFE_CAST(IF(numbered.event_name = 'purchase', numbered.revenue, NULL) AS NUMERIC) AS price,
    1 AS quantity,
    CONCAT(numbered.device, '.', CAST(numbered.ga_session_id AS STRING)) AS session_id
  FROM numbered
  {{ of_customers('numbered') }}
  WHERE numbered.time_sent = 1
  )
{%- endmacro %}
