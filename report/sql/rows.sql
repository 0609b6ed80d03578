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
