with

refused as (
    select * from {{ source('landing', 'rejects') }}
),

final as (
    select
        -- Nothing in a reject identifies it: equal ones are counted through.
        {{ hash_of([
            'municipality_no', '_delivery_id', '_file_sha256', 'rule', 'severity', 'file_name', 'column_name', '_row_no',
            '_xpath', 'raw', 'message'
        ]) }}
        || '-'
        || row_number() over (
            partition by
                municipality_no, _delivery_id, _file_sha256, rule, severity, file_name, column_name,
                _row_no, _xpath, raw, message
        ) as reject_id,
        municipality_no,
        source,
        severity,
        rule,
        file_name,
        column_name,
        raw,
        message,
        amount,
        stated_month,
        _delivery_id,
        _file_sha256,
        _row_no,
        _xpath
    from refused
)

select * from final
