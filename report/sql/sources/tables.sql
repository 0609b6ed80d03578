{#- The report's own table of events, as tables.sql defines it.

    What every source returns (docs/sources.md says how to add one):

    events(scan_start, scan_end)  stands after FROM: a table, or a query in brackets, that has at least the client's rows from
    scan_start to before scan_end (names of TIMESTAMP parameters), each once, with the columns
      client_id   INT64      the client's, by the parameter @client_id where the data has none
      user_id     STRING     the customer; NULL and placeholders are nobody
      event_type  STRING     added_to_wishlist, removed_from_wishlist, added_to_cart, removed_from_cart, cart_quantity_updated,
                             purchase or order_completed; any other is activity alone
      timestamp   TIMESTAMP
      price       NUMERIC    of a purchase, in the client's currency
      quantity    INT64      NULL is one
      session_id  STRING     NULL is none
    The queries filter these rows again by client, time, user and type. What a source reads outside its scan, such as who
    is who, it limits by @history_start (TIMESTAMP, the midnight from which on a report reads anything) and @scan_end. -#}
{% macro events(scan_start, scan_end) -%}
  {{ events_table }}
{%- endmacro %}
