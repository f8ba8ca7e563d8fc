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
    A sliced model of many rows is made in bands: of municipalities that follow each other by number, one band after the
    other, so that what a join holds in memory is bounded by a band (pipelines/warehouse/bands.py decides them). Given are
    the first municipality of each band but the first.
#}
{% macro bands() -%}
    {{ return(env_var('SAMANDEL_BANDS', '').split(';') | select | list if execute else []) }}
{%- endmacro %}

{#
    Whether a row belongs to the band that is being made: between two variables of the connection, and every row where none
    is set. DuckDB reads them before it plans, so that files and blocks of other bands are not opened.
#}
{% macro is_in_band(column) -%}
    {{ column }} >= coalesce(getvariable('band_from'), '')
        and {{ column }} < coalesce(getvariable('band_until'), '~')
{%- endmacro %}

{#
    How a table is made: as dbt-duckdb does, and a sliced one in bands where there are several. The first band makes the
    table, the others are added to it.
#}
{% macro duckdb__create_table_as(
    temporary, relation, compiled_code, language='sql', partitioned_by=none, sorted_by=none
) -%}
    {%- set starts = bands() if config.get('materialized') == 'incremental' else [] -%}
    {%- if starts -%} set variable band_until = '{{ starts[0] }}'; {%- endif -%}
    {{ dbt.duckdb__create_table_as(
        temporary, relation, compiled_code, language, partitioned_by=partitioned_by, sorted_by=sorted_by
    ) }}
    {%- for start in starts -%}
        ;
        set variable band_from = '{{ start }}';
        {% if loop.last -%} reset variable band_until {%- else -%}
            set variable band_until = '{{ loop.nextitem }}'
        {%- endif -%};
        insert into {{ relation.include(database=(not temporary), schema=(not temporary)) }} by name (
            {{ compiled_code }}
        )
        {%- if loop.last -%}; reset variable band_from; {%- endif -%}
    {%- endfor -%}
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
    What a sliced model reads of a relation that has its rows by municipality: the slices that are made anew, or all of it;
    of that, the band that is being made.
    The only filter of a sliced model, and every such relation in it is read through this. A view of slices, that only
    sliced models read, is made for the slices of one build.
#}
{% macro slice_of(relation) -%}
    {%- set filters = [] -%}
    {%- if slices() and (is_incremental() or config.get('materialized') == 'view') -%}
        {%- do filters.append(is_in_slices('municipality_no')) -%}
    {%- endif -%}
    {%- if bands() -%}
        {%- do filters.append(is_in_band('municipality_no')) -%}
    {%- endif -%}
    {%- if filters -%}
        (select * from {{ relation }} where {{ filters | join(' and ') }})
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
