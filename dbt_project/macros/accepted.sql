{#
    What counts. Parsing settles which ledger periods and which e-invoices are accepted (parsed/delivery_periods and
    parsed/document_states). These are the only filters that staging may have, and the only place where a staging
    model reads a second source; every staging model of delivered rows uses one of them.
#}

{#
    For ledgers and the company register: rows of an accepted delivery, per fiscal period or as a
    whole ('all').
#}
{% macro accepted_periods(period) -%}
    exists (
        select 1
        from {{ source('landing', 'delivery_periods') }} as settled
        where
            settled.municipality_no = delivered.municipality_no
            and settled._delivery_id = delivered._delivery_id
            and settled.fiscal_period is not distinct from {{ period }}
            and settled.state = 'accepted'
    )
{%- endmacro %}

{# For master files: rows of a delivery of which at least one fiscal period is accepted. #}
{% macro accepted_in_part() -%}
    exists (
        select 1
        from {{ source('landing', 'delivery_periods') }} as settled
        where
            settled.municipality_no = delivered.municipality_no
            and settled._delivery_id = delivered._delivery_id
            and settled.state = 'accepted'
    )
{%- endmacro %}

{# For e-invoices: the documents that were the first to bring their key. #}
{% macro accepted_documents() -%}
    exists (
        select 1
        from {{ source('landing', 'document_states') }} as settled
        where
            settled.municipality_no = delivered.municipality_no
            and settled._delivery_id = delivered._delivery_id
            and settled._file_sha256 = delivered._file_sha256
            and settled.document_no = delivered.document_no
            and settled.state = 'accepted'
    )
{%- endmacro %}
