-- RC10: for every day that a figure reads a dated rule for, exactly one of its rows holds. What the
-- failed build says of it: pipelines/warehouse/rule_gaps.py.
select * from {{ ref('fct_rule_gaps') }}
