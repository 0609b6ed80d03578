-- A table of one event, as Segment and RudderStack make it in BigQuery: the columns that every event has, and those of orders.
CREATE TABLE {{ table }} (
  _PARTITIONTIME TIMESTAMP,
  id STRING,
  anonymous_id STRING,
  user_id STRING,
  event STRING,
  event_text STRING,
  context_library_name STRING,
  original_timestamp TIMESTAMP,
  sent_at TIMESTAMP,
  received_at TIMESTAMP,
  timestamp TIMESTAMP,
  loaded_at TIMESTAMP,
  uuid_ts TIMESTAMP,
  order_id STRING,
  revenue {{ revenue_type }},
  products STRING
);
