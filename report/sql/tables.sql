-- The two tables that the report reads. Days are partitions, and the client comes first in the clustering, so that a report
-- reads only one client's recent weeks, whatever else the table holds.

CREATE TABLE IF NOT EXISTS {{ events_table }} (
  client_id INT64 NOT NULL,
  user_id STRING,
  event_type STRING NOT NULL,
  timestamp TIMESTAMP NOT NULL,
  price NUMERIC,
  quantity INT64,
  session_id STRING
)
PARTITION BY DATE(timestamp)
CLUSTER BY client_id, event_type;

CREATE TABLE IF NOT EXISTS {{ users_table }} (
  client_id INT64 NOT NULL,
  user_id STRING NOT NULL,
  email STRING,
  name STRING
)
CLUSTER BY client_id;
