-- How many events the week's last day has. Without any, its data has probably not arrived yet.
--
-- client_id, ignored_event_types, scan_end  as in customer_weeks.sql
-- day_start  TIMESTAMP  the local midnight at which the day begins

{% from source import events with context %}
{% from 'rows.sql' import counts, is_customer %}
SELECT COUNT(*) AS events
FROM {{ events('@day_start', '@scan_end') }}
WHERE
  {{ counts('@day_start', '@scan_end') }}
  AND {{ is_customer('user_id') }}
