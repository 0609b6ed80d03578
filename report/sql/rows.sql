{#- Which rows count: the one definition, for features, memory, outcomes, days and lists. -#}

{#- A row of the events table counts for its client, its time and its type. -#}
{% macro counts(scan_start, scan_end) -%}
client_id = @client_id
    -- Compared as it is stored, so that BigQuery reads only these days' partitions.
    AND timestamp >= {{ scan_start }}
    AND timestamp < {{ scan_end }}
    AND user_id IS NOT NULL
    AND COALESCE(event_type, '') NOT IN UNNEST(@ignored_event_types)
{%- endmacro %}

{#- Placeholders that trackers send for nobody, in any case, with white space of any kind around them. -#}
{% macro is_customer(user_id) -%}
NOT REGEXP_CONTAINS(
    {{ user_id }},
    r'^(?i)[\s\v\x{85}\pZ]*(undefined|null|none|nan|unknown|anonymous|guest|0|\[object object\])?[\s\v\x{85}\pZ]*$'
  )
{%- endmacro %}

{#- What a purchase is worth: NULL where price × quantity overflows. A missing price is nothing, a missing quantity is one. -#}
{% macro amount() -%}
  IF(event_type IN ('purchase', 'order_completed'), SAFE_MULTIPLY(COALESCE(price, 0), COALESCE(quantity, 1)), 0)
{%- endmacro %}

{#- How many weeks before the newest one a row is, from its seconds since the first week began. A local week has seven days of
    24 hours, but for what clocks are changed: up to a day at the date line. So a division tells the week of an event that is
    further than 25 hours from where a week would begin, and only the others are looked up among the weeks' beginnings. -#}
{% macro weeks_ago() -%}
ARRAY_LENGTH(@week_starts) - IF(
      MOD(seconds, 604800) BETWEEN 90000 AND 514800,
      DIV(seconds, 604800) + 1,
      RANGE_BUCKET(timestamp, @week_starts)
    )
{%- endmacro %}
