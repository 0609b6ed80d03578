{# A customer's id: mail addresses in one case; 17850.0, as tools write whole numbers, is 17850. #}
{% macro customer(whole_ids) %}
{% if whole_ids %}
replace(user_id, '.0', '')
{% else %}
CASE WHEN contains(user_id, '@') THEN lower(trim(user_id)) ELSE user_id END
{% endif %}
{% endmacro %}
