{# Generic test: none of these columns is null; one query for all of them. #}
{% test not_null_columns(model, columns) %}
    select {{ columns | join(', ') }}
    from {{ model }}
    where {% for column in columns %}{% if not loop.first %} or {% endif %}{{ column }} is null{% endfor %}
{% endtest %}
