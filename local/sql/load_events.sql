-- Add to the events table the rows of the staging table that it does not have yet: so the same file, or a part of it in
-- another file, adds nothing the second time. Rows that are alike count as often as they occur.

INSERT INTO {{ events }} (client_id, user_id, event_type, timestamp, price, quantity, session_id)
SELECT client_id, user_id, event_type, timestamp, price, quantity, session_id
FROM (
  SELECT
    client_id, user_id, event_type, timestamp, price, quantity, session_id,
    ROW_NUMBER() OVER (PARTITION BY client_id, user_id, event_type, timestamp, price, quantity, session_id) AS copy
  FROM {{ staging }}
  EXCEPT DISTINCT
  SELECT
    client_id, user_id, event_type, timestamp, price, quantity, session_id,
    ROW_NUMBER() OVER (PARTITION BY client_id, user_id, event_type, timestamp, price, quantity, session_id) AS copy
  FROM {{ events }}
  WHERE client_id IN UNNEST(@clients) AND timestamp >= @first AND timestamp <= @last
)
