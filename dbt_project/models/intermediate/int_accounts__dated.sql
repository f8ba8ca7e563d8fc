with

charts as (
    select * from {{ ref('stg_registers__charts_of_accounts') }}
),

arts as (
    select * from {{ ref('kostra_arts') }}
),

final as (
    select
        charts.municipality_no,
        charts.local_account,
        charts.local_account_text,
        charts.account_class,
        charts.kostra_art,
        charts.category_key,
        charts.vat_basis,
        charts.vat_rate,
        arts.scope,
        charts.valid_from,
        charts.valid_to,
        -- The art has this scope in these years only; a chart may go on using it.
        if(
            arts.kostra_art is null, null,
            make_date(coalesce(arts.valid_from_year, 1900), 1, 1)
        ) as scope_from,
        if(
            arts.kostra_art is null, null,
            make_date(coalesce(arts.valid_to_year, 9999), 12, 31)
        ) as scope_to
    from charts
    left join arts on charts.kostra_art = arts.kostra_art
)

select * from final
