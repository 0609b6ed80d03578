{#- The one definition of which rows count, for features, memory, outcomes, days and lists. -#}

{#- A row counts if its client, its time and its type are right. -#}
{% macro counts(scan_start, scan_end) -%}
client_id = @client_id
    -- The plain column is compared, so that BigQuery reads only the partitions of these days.
    AND timestamp >= {{ scan_start }}
    AND timestamp < {{ scan_end }}
    AND user_id IS NOT NULL
    AND COALESCE(event_type, '') NOT IN UNNEST(@ignored_event_types)
{%- endmacro %}

{#- Tells customers from placeholders that trackers send for unknown users, in any case, with any white space around them. -#}
{% macro is_customer(user_id) -%}
NOT REGEXP_CONTAINS(
    {{ user_id }},
    r'^(?i)[\s\v\x{85}\pZ]*(undefined|null|none|nan|unknown|anonymous|guest|0|\[object object\])?[\s\v\x{85}\pZ]*$'
  )
{%- endmacro %}

{#- The amount of a purchase; NULL if price × quantity overflows. A missing price is 0, a missing quantity is 1. -#}
{% macro amount() -%}
  IF(event_type IN ('purchase', 'order_completed'), SAFE_MULTIPLY(COALESCE(price, 0), COALESCE(quantity, 1)), 0)
{%- endmacro %}

{#- How many weeks before the newest week a row is, from its seconds since the first week began. A local week has seven days of
    24 hours, except for clock changes: up to a day at the date line. So a division gives the week of an event that is
    further than 25 hours from the start of a week, and only the other events are looked up among the starts of the weeks. -#}
{% macro weeks_ago() -%}
ARRAY_LENGTH(@week_starts) - IF(
      MOD(seconds, 604800) BETWEEN 90000 AND 514800,
      DIV(seconds, 604800) + 1,
      RANGE_BUCKET(timestamp, @week_starts)
    )
{%- endmacro %}
