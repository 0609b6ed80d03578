{#- Who the customers of a tracking tool are: the same for all tools. In the terms of a tool, a device is a browser or an app.

    It needs a table `identified`: device STRING, own_id STRING (NULL without a login), seen TIMESTAMP, is_purchase BOOL, from
    @history_start on, with at least the rows that have an own_id and the purchases; and the client's setting, tracked_users:
      known      who has logged in, with what the same device did without
      buyers     who has purchased
      everybody  every device
    A device belongs to the first user who logged in on it.
    Of known users and buyers, rows count from the seventh day before the first with a login, or before the first purchase.
    Without that limit, past weeks would hold the earlier visits of only those visitors who came back, and too few of their
    customers would seem to have left. -#}
{% macro who() -%}
  devices AS (
    SELECT
      device,
      ARRAY_AGG(own_id ORDER BY seen, own_id LIMIT 1)[OFFSET(0)] AS known_id
    FROM identified
    WHERE own_id IS NOT NULL
    GROUP BY device
  ),

  customers AS (
    SELECT
      COALESCE(identified.own_id, devices.known_id, identified.device) AS user_id,
      TIMESTAMP_SUB(MIN(identified.seen), INTERVAL 7 DAY) AS since
    FROM identified
    LEFT JOIN devices ON identified.device = devices.device
    WHERE {{ 'identified.is_purchase' if tracked_users == 'buyers' else 'identified.own_id IS NOT NULL' }}
    GROUP BY user_id
  ),
{%- endmacro %}

{#- Keeps the rows of customers, in a table with user_id and timestamp. -#}
{% macro of_customers(rows) -%}
  {% if tracked_users != 'everybody' -%}
    INNER JOIN customers ON {{ rows }}.user_id = customers.user_id AND {{ rows }}.timestamp >= customers.since
  {%- endif %}
{%- endmacro %}
