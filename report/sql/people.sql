{#- The names and addresses of customers, from one row of the users table each; blank is NULL. Of several rows it is the one
    with an email and a name, else with an email, else with a name; among equals the first by email, then by name. -#}
{#- Stands for the users table if there is none, as with most sources. -#}
{% macro nobody() -%}
  (SELECT @client_id AS client_id, CAST(NULL AS STRING) AS user_id, CAST(NULL AS STRING) AS email, CAST(NULL AS STRING) AS name)
{%- endmacro %}

{% macro people(customers) -%}
SELECT
    user_id,
    email,
    name
  FROM (
    SELECT
      user_id,
      IF(REGEXP_CONTAINS(email, r'[^\s\v\x{85}\pZ]'), email, NULL) AS email,
      IF(REGEXP_CONTAINS(name, r'[^\s\v\x{85}\pZ]'), name, NULL) AS name
    FROM {{ users_table or nobody() }}
    WHERE client_id = @client_id AND user_id IN (SELECT {{ customers }}.user_id FROM {{ customers }})
  )
  QUALIFY ROW_NUMBER() OVER (
    PARTITION BY user_id
    ORDER BY IF(email IS NULL, 1, 0), IF(name IS NULL, 1, 0), email, name
  ) = 1
{%- endmacro %}
