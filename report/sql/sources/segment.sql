{#- Segment's or RudderStack's tables in BigQuery, of one source of theirs: a table an event, which is in the client's settings.
    They are not looked up, so that it is known before a query what it reads. tables.sql says what a source returns.

    segment_tables  from a table's name to the quoted table, of the events and of identifies: all of it is the client's

    Each table has id, user_id, anonymous_id and timestamp, those of orders also revenue, whatever its type. Tables are
    partitioned by the time at which rows were loaded, which is not before the event. They hold rows that were loaded twice. -#}

{% from 'rows.sql' import is_customer %}
{% from 'sources/users.sql' import of_customers, who with context %}

{% set event_types = {
  'product_added': 'added_to_cart',
  'added_product': 'added_to_cart',
  'product_removed': 'removed_from_cart',
  'removed_product': 'removed_from_cart',
  'product_added_to_wishlist': 'added_to_wishlist',
  'product_removed_from_wishlist': 'removed_from_wishlist',
  'order_completed': 'order_completed',
  'completed_order': 'order_completed',
} %}
{% set revenue = 'SAFE_CAST(CAST(revenue AS STRING) AS NUMERIC)' %}

{#- The rows of all tables of events. -#}
{% macro tracked(scan_start, scan_end) -%}
  {% for name, table in segment_tables.items() if name != 'identifies' -%}
    {{ 'UNION ALL' if not loop.first }}
    SELECT
      id,
      COALESCE(anonymous_id, user_id) AS device,
      IF({{ is_customer('user_id') }}, user_id, NULL) AS own_id,
      '{{ event_types.get(name, name) }}' AS event_type,
      timestamp,
      {{ revenue if event_types.get(name) == 'order_completed' else 'CAST(NULL AS NUMERIC)' }} AS price
    FROM {{ table }}
    WHERE
      _PARTITIONTIME >= TIMESTAMP_SUB(TIMESTAMP_TRUNC({{ scan_start }}, DAY), INTERVAL 1 DAY)
      AND timestamp >= {{ scan_start }}
      AND timestamp < {{ scan_end }}
  {% endfor -%}
{%- endmacro %}

{% macro events(scan_start, scan_end) -%}
  (
  WITH

  seen_at_all AS (
    {{ tracked('@history_start', '@scan_end') }}
    UNION ALL
    SELECT
      id,
      COALESCE(anonymous_id, user_id) AS device,
      IF({{ is_customer('user_id') }}, user_id, NULL) AS own_id,
      'identify' AS event_type,
      timestamp,
      CAST(NULL AS NUMERIC) AS price
    FROM {{ segment_tables.identifies }}
    WHERE
      _PARTITIONTIME >= TIMESTAMP_SUB(TIMESTAMP_TRUNC(@history_start, DAY), INTERVAL 1 DAY)
      AND timestamp >= @history_start
      AND timestamp < @scan_end
  ),

  identified AS (
    SELECT
      device,
      own_id,
      timestamp AS seen,
      event_type = 'order_completed' AS is_purchase
    FROM seen_at_all
  ),

  {{ who() }}

  -- What was loaded twice counts once.
  loaded AS (
    SELECT *
    FROM (
      {{ tracked(scan_start, scan_end) }}
    )
    QUALIFY ROW_NUMBER() OVER (PARTITION BY id ORDER BY timestamp, event_type) = 1
  ),

  of_users AS (
    SELECT
      loaded.*,
      COALESCE(loaded.own_id, devices.known_id, loaded.device) AS user_id
    FROM loaded
    LEFT JOIN devices ON loaded.device = devices.device
  ),

  after_a_pause AS (
    SELECT
      *,
      COALESCE(
        TIMESTAMP_DIFF(timestamp, LAG(timestamp) OVER (PARTITION BY user_id ORDER BY timestamp), MICROSECOND) > 1800000000,
        TRUE
      ) AS begins_session
    FROM of_users
  ),

  -- A session ends with half an hour without an event; it is named by its beginning.
  in_sessions AS (
    SELECT
      *,
      MAX(IF(begins_session, timestamp, NULL)) OVER (PARTITION BY user_id ORDER BY timestamp) AS session_start
    FROM after_a_pause
  )

  SELECT
    @client_id AS client_id,
    in_sessions.user_id,
    in_sessions.event_type,
    in_sessions.timestamp,
    in_sessions.price,
    1 AS quantity,
    CAST(UNIX_MICROS(in_sessions.session_start) AS STRING) AS session_id
  FROM in_sessions
  {{ of_customers('in_sessions') }}
  )
{%- endmacro %}
