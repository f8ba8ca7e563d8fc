-- K13: how much is reserved for workshops: of competitions by number and by value, and of spend.
-- A notice counts on the day it was published, else sent; a joint one once for each member among
-- its buyers and once over all.
with

lots as (
    select * from {{ ref('stg_notices__lots') }}
    where form_type = 'competition'
),

states as (
    select * from {{ ref('int_notices__states') }}
    where state = 'current'
),

buyers as (
    select * from {{ ref('int_notices__buyers') }}
    where municipality_no != 'none'
),

periods as (
    select * from {{ ref('int_kpis__periods') }}
),

totals as (
    select * from {{ ref('int_kpis__municipality_totals') }}
),

-- Where the lots state no value and there is one, the procedure's is its.
valued as (
    select
        lots.notice_id,
        lots.municipality_no as delivered_by,
        coalesce(
            list_contains(string_split(lots.reserved_participation, ','), 'res-ws'), false
        ) as is_reserved,
        case
            when lots.estimated_currency = 'NOK' then lots.estimated_amount
            when
                lots.estimated_amount is null
                and lots.procedure_estimated_currency = 'NOK'
                and count(*) over (
                    partition by lots.municipality_no, lots._delivery_id, lots._file_sha256
                ) = 1
                then lots.procedure_estimated_amount
        end as estimated_nok,
        coalesce(lots.publication_date, lots.issue_date) as noticed_on,
        lots._delivery_id,
        lots._file_sha256
    from lots
    inner join states
        on
            lots.municipality_no = states.municipality_no
            and lots._delivery_id = states._delivery_id
            and lots._file_sha256 = states._file_sha256
),

notices as (
    select
        notice_id,
        delivered_by,
        bool_or(is_reserved) as is_reserved,
        sum(estimated_nok) filter (where is_reserved) as reserved_nok,
        sum(estimated_nok) as estimated_nok,
        count(*) as lots,
        count(estimated_nok) as valued_lots,
        noticed_on,
        _delivery_id,
        _file_sha256
    from valued
    where noticed_on is not null
    group by notice_id, delivered_by, noticed_on, _delivery_id, _file_sha256
),

noticed as (
    select
        notices.*,
        buyers.municipality_no
    from notices
    inner join buyers
        on
            notices.delivered_by = buyers.delivered_by
            and notices._delivery_id = buyers._delivery_id
            and notices._file_sha256 = buyers._file_sha256

    union all

    select
        notices.*,
        'all' as municipality_no
    from notices
    where
        exists (
            select 1
            from buyers
            where
                notices.delivered_by = buyers.delivered_by
                and notices._delivery_id = buyers._delivery_id
                and notices._file_sha256 = buyers._file_sha256
        )
),

dates as (
    -- A period has one row per month.
    select distinct
        period_start,
        period_end
    from periods
),

notice_sums as (
    select
        noticed.municipality_no,
        count(*) filter (where noticed.is_reserved) as reserved_notices,
        count(*) as notices,
        coalesce(sum(noticed.reserved_nok), 0) as reserved_nok,
        sum(noticed.estimated_nok) as estimated_nok,
        sum(noticed.valued_lots) as valued_lots,
        sum(noticed.lots) as lots,
        dates.period_start,
        dates.period_end
    from noticed
    inner join dates on noticed.noticed_on between dates.period_start and dates.period_end
    group by noticed.municipality_no, dates.period_start, dates.period_end
),

cells as (
    select
        totals.municipality_no,
        'all' as workshop_org_no,
        'all' as category_key,
        totals.account_class,
        coalesce(notice_sums.reserved_notices, 0) as reserved_notices,
        coalesce(notice_sums.notices, 0) as notices,
        notice_sums.reserved_nok,
        notice_sums.estimated_nok,
        totals.reserved_contract_nok,
        totals.procurement_nok,
        -- Every notice says whether it is reserved.
        1 as notice_identified_nok,
        1 as notice_all_nok,
        notice_sums.valued_lots as value_identified_nok,
        notice_sums.lots as value_all_nok,
        totals.procurement_identified_nok,
        totals.procurement_all_nok,
        totals.period_start,
        totals.period_end
    from totals
    left join notice_sums
        on
            totals.municipality_no = notice_sums.municipality_no
            and totals.period_start = notice_sums.period_start
            and totals.period_end = notice_sums.period_end
    where totals.account_class = 'all'
),

final as (
    {{ kpi_figures([
        {'key': 'K13', 'measure': 'reserved_notice_ratio', 'of': 'reserved_notices',
         'over': 'notices', 'set': 'notice', 'state': "'ok'"},
        {'key': 'K13', 'measure': 'reserved_notice_value_ratio', 'of': 'reserved_nok',
         'over': 'estimated_nok', 'set': 'value',
         'state': state_of('value_identified_nok / value_all_nok')},
        {'key': 'K13', 'measure': 'reserved_contract_spend_ratio', 'of': 'reserved_contract_nok',
         'over': 'procurement_nok', 'set': 'procurement'},
    ]) }}
)

select * from final
