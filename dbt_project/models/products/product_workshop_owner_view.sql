with

owners as (
    select * from {{ ref('bridge_workshop_owners') }}
),

purchases as (
    select
        *,
        cast(substr(period_month, 1, 4) as integer) as year
    from {{ ref('fct_purchases') }}
),

covered_years as (
    select
        year,
        last_day(cast(max(period_month) || '-01' as date)) as last_day_covered
    from purchases
    where year is not null
    group by year
),

-- Who owned it at any time in the year; the fraction is the latest of the year.
owned as (
    select
        owners.workshop_org_no,
        owners.owner_municipality_no,
        covered_years.year,
        owners.ownership_fraction
    from owners
    inner join covered_years
        on
            owners.valid_from <= covered_years.last_day_covered
            and coalesce(owners.valid_to, date '9999-12-31')
            >= make_date(covered_years.year, 1, 1)
    qualify
        row_number() over (
            partition by
                owners.workshop_org_no, owners.owner_municipality_no, covered_years.year
            order by owners.valid_from desc
        ) = 1
),

streams as (
    select
        workshop_org_no,
        municipality_no,
        year,
        sum(net_amount_nok) filter (where stream = 'product') as product_nok,
        sum(net_amount_nok) filter (where stream = 'inclusion') as inclusion_nok,
        sum(net_amount_nok) filter (where stream = 'transfer') as transfer_nok
    from purchases
    where workshop_org_no is not null
    group by workshop_org_no, municipality_no, year
),

final as (
    select
        owned.workshop_org_no as recipient_org_no,
        owned.year,
        owned.owner_municipality_no,
        owned.ownership_fraction,
        cast(coalesce(streams.product_nok, 0) as decimal(18, 2)) as product_nok,
        cast(coalesce(streams.inclusion_nok, 0) as decimal(18, 2)) as inclusion_nok,
        cast(coalesce(streams.transfer_nok, 0) as decimal(18, 2)) as transfer_nok
    from owned
    left join streams
        on
            owned.workshop_org_no = streams.workshop_org_no
            and owned.owner_municipality_no = streams.municipality_no
            and owned.year = streams.year
)

select * from final
