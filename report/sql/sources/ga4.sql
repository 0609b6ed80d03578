{#- Google Analytics 4's export to BigQuery, of one property, as Google writes it: a table a day, events_YYYYMMDD, and
    events_intraday_YYYYMMDD for days that are not complete. tables.sql says what a source gives.

    export_tables  the wildcard over the tables of the export's dataset: all of it is the client's
    export_users   which users are customers:
      known      who has a user_id, with what the same user_pseudo_id did without one
      buyers     who has purchased
      everybody  every user_pseudo_id that has consented
    Of known users and buyers, rows count from the seventh day before the first event with a user_id, or before the first
    purchase. Without that limit, past weeks would hold the earlier visits of only those visitors who came back, and too few of
    their customers would seem to have left.

    A table's day is one of the property's time zone, which is unknown here: so a day more is read on either side. -#}

{% from 'rows.sql' import is_customer %}

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

  -- Who is who, and since when a customer, over all that a report knows of.
  identified AS (
    {{ export('user_pseudo_id, event_timestamp, event_name, IF(' ~ is_customer('user_id') ~ ', user_id, NULL) AS own_id',
              '@history_start', '@scan_end') }}
      AND (user_id IS NOT NULL OR event_name = 'purchase')
  ),

  devices AS (
    SELECT
      user_pseudo_id,
      ARRAY_AGG(own_id ORDER BY event_timestamp, own_id LIMIT 1)[OFFSET(0)] AS known_id
    FROM identified
    WHERE own_id IS NOT NULL
    GROUP BY user_pseudo_id
  ),
  {% if export_users != 'everybody' %}
  customers AS (
    SELECT
      COALESCE(identified.own_id, devices.known_id, identified.user_pseudo_id) AS user_id,
      MIN(identified.event_timestamp) AS since
    FROM identified
    LEFT JOIN devices ON identified.user_pseudo_id = devices.user_pseudo_id
    WHERE {{ "identified.event_name = 'purchase'" if export_users == 'buyers' else 'identified.own_id IS NOT NULL' }}
    GROUP BY user_id
  ),
  {% endif %}
  exported AS (
    {{ export("user_pseudo_id,
      event_timestamp,
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
      COALESCE(exported.own_id, devices.known_id, exported.user_pseudo_id) AS user_id,
      exported.event_timestamp,
      exported.event_name,
      CONCAT(exported.user_pseudo_id, '.', CAST(exported.ga_session_id AS STRING)) AS session_id,
      exported.transaction_id,
      exported.revenue
    FROM exported
    LEFT JOIN devices ON exported.user_pseudo_id = devices.user_pseudo_id
  ),

  -- A purchase is sent again when its page is loaded again: the first of a transaction counts.
  numbered AS (
    SELECT
      *,
      IF(
        event_name = 'purchase' AND transaction_id IS NOT NULL,
        ROW_NUMBER() OVER (PARTITION BY user_id, event_name, transaction_id ORDER BY event_timestamp, revenue),
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
    TIMESTAMP_MICROS(numbered.event_timestamp) AS timestamp,
    SAFE_CAST(IF(numbered.event_name = 'purchase', numbered.revenue, NULL) AS NUMERIC) AS price,
    1 AS quantity,
    numbered.session_id
  FROM numbered
  {% if export_users != 'everybody' -%}
  INNER JOIN customers
    ON
      numbered.user_id = customers.user_id
      AND numbered.event_timestamp >= customers.since - 604800000000  -- seven days
  {% endif -%}
  WHERE numbered.time_sent = 1
  )
{%- endmacro %}
