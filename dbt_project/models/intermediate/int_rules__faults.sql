-- Spans of days that no row of a rule holds in, or more than one does. Before its first row and
-- after its last a register's fact does not hold, which is an answer; a limit of the law always
-- holds.
with

rule_rows as (
    select * from {{ ref('int_rules__rows') }}
),

neighbours as (
    select
        *,
        lag(valid_to) over (
            partition by municipality_no, rule_table, rule_key order by place
        ) as earlier_valid_to,
        lead(valid_from) over (
            partition by municipality_no, rule_table, rule_key order by place
        ) as later_valid_from
    from rule_rows
),

spans as (
    select
        municipality_no,
        rule_table,
        rule_key,
        'missing' as problem,
        if(
            earlier_valid_to is null, date '1900-01-01', earlier_valid_to + 1
        ) as first_day,
        valid_from - 1 as last_day
    from neighbours
    where if(earlier_valid_to is null, is_needed_always, earlier_valid_to < valid_from - 1)

    union all

    select
        municipality_no,
        rule_table,
        rule_key,
        'missing' as problem,
        valid_to + 1 as first_day,
        date '9999-12-31' as last_day
    from neighbours
    where later_valid_from is null and is_needed_always and valid_to < date '9999-12-31'

    union all

    select
        municipality_no,
        rule_table,
        rule_key,
        'overlapping' as problem,
        valid_from as first_day,
        least(earlier_valid_to, valid_to) as last_day
    from neighbours
    where earlier_valid_to >= valid_from
),

final as (
    select
        municipality_no,
        rule_table,
        rule_key,
        problem,
        cast(first_day as date) as first_day,
        cast(last_day as date) as last_day
    from spans
)

select * from final
