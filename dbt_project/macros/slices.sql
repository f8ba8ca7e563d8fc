{#
    A slice is one municipality's rows. Where only some municipalities delivered something new, a build keeps the other
    slices of every sliced model (materialized='incremental') as they are and makes only these anew
    (pipelines/warehouse/slices.py decides which). What follows from no delivery of one municipality's is kept as it is;
    everything else is built whole.
#}

{#
    The municipalities whose slices are made anew, or none where every slice is. Read when a model
    runs, not when it is parsed.
#}
{% macro slices() -%}
    {{ return(env_var('SAMANDEL_SLICES', '').split(';') | select | list if execute else []) }}
{%- endmacro %}

{# Whether a row belongs to a slice that is made anew. #}
{% macro is_in_slices(column) -%}
    {{ column }} in ('{{ slices() | join("', '") }}')
{%- endmacro %}

{#
    The column that says whose slice a row of a model belongs to; none where it has no slices. A sliced model has them, and
    so does a view that names the column (meta: sliced_by): one over what sliced models or deliveries hold.
#}
{% macro sliced_by_of(node) -%}
    {{ return(
        node.config.get('meta', {}).get('sliced_by')
        or ('municipality_no' if node.config.materialized == 'incremental')
    ) }}
{%- endmacro %}

{#
    What a sliced model reads of a relation that has its rows by municipality: the slices that are made anew, or all of it.
    The only filter of a sliced model, and every such relation in it is read through this. A view of slices, that only
    sliced models read, is made for the slices of one build.
#}
{% macro slice_of(relation) -%}
    {%- if slices() and (is_incremental() or config.get('materialized') == 'view') -%}
        (select * from {{ relation }} where {{ is_in_slices('municipality_no') }})
    {%- else -%}
        {{ relation }}
    {%- endif -%}
{%- endmacro %}

{#
    Before a sliced model runs: its slices that are made anew go, so that one that is empty now
    ends up empty.
#}
{% macro drop_slices() -%}
    {%- if slices() and is_incremental() -%}
        delete from {{ this }} where {{ is_in_slices(sliced_by_of(model)) }}
    {%- elif execute and is_incremental() -%}
        {{ exceptions.raise_compiler_error(
            'A sliced model stands already, and no slice is named to be made anew.'
        ) }}
    {%- endif -%}
{%- endmacro %}

{#
    What a generic test reads of the model that it is about. Rows of a slice that is kept passed the tests of the project as
    it stands, or that build would not stand; a test that looks at rows one by one, or at keys (which name the
    municipality), need not read them again. All other tests read everything.
#}
{% macro duckdb__get_where_subquery(relation) -%}
    {%- set where = config.get('where', '') -%}
    {%- set tested = graph.nodes.get(model.attached_node) if execute and slices() else none -%}
    {%- set sliced_by = sliced_by_of(tested) if tested -%}
    {%- if
        sliced_by
        and model.test_metadata.name in ['not_null_columns', 'unique_combination', 'accepted_values']
    -%}
        {%- set where = is_in_slices(sliced_by) ~ (' and (' ~ where ~ ')' if where else '') -%}
    {%- endif -%}
    {%- set read -%}
        {%- if where -%}
            (select * from {{ relation }} where {{ where }}) as dbt_subquery
        {%- else -%}
            {{ relation }}
        {%- endif -%}
    {%- endset -%}
    {{ return(read) }}
{%- endmacro %}
