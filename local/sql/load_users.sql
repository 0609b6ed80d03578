-- Put the people of the staging table into the users table, one row a customer: new ones are added, known ones are replaced.

MERGE {{ users }} AS kept
USING {{ staging }} AS given
ON kept.client_id = given.client_id AND kept.user_id = given.user_id
WHEN MATCHED THEN UPDATE SET email = given.email, name = given.name
WHEN NOT MATCHED THEN INSERT (client_id, user_id, email, name) VALUES (given.client_id, given.user_id, given.email, given.name)
