{#
    Small scalar rules that several models need. Each says what comes out; none reads a relation. What DuckDB alone
    spells this way is kept here, so that another engine needs this folder only.
#}

{# A hash of business facts: the same facts are the same key in every build. #}
{% macro hash_of(expressions) -%}
    md5(concat_ws('|'
        {%- for expression in expressions -%}
            , coalesce(cast({{ expression }} as varchar), '')
        {%- endfor -%}
    ))
{%- endmacro %}

{#
    An invoice number as two systems agree on it: upper case, letters and digits only, no leading
    zeros; empty is null.
#}
{% macro normalised_invoice_no(expression) -%}
    nullif(
        ltrim(regexp_replace(upper({{ expression }}), '[^\p{L}\p{N}]+', '', 'g'), '0'), ''
    )
{%- endmacro %}

{#
    The KOSTRA function of a ledger's code: members add digits of their own (24410), and some pad it (0244); no function
    begins with 0. As in pipelines/reference.py.
#}
{% macro function_of(expression) -%}
    nullif(left(ltrim(regexp_replace({{ expression }}, '[^0-9]', '', 'g'), '0'), 3), '')
{%- endmacro %}

{# An organisation number as digits: spaces, NO and MVA taken off; null where nothing is left. #}
{% macro normalised_org_no(expression) -%}
    nullif(
        regexp_replace(upper({{ expression }}), '[^0-9A-Z]+|^[^0-9A-Z]*NO|MVA[^0-9A-Z]*$', '', 'g'), ''
    )
{%- endmacro %}

{#
    Whether nine digits carry the right check digit (weights 3 2 7 6 5 4 3 2, modulo 11). Null
    reads as false.
#}
{% macro is_valid_org_no(expression) -%}
    coalesce(
        regexp_full_match({{ expression }}, '[0-9]{9}')
        and (
            {%- for weight in [3, 2, 7, 6, 5, 4, 3, 2] %}
            {% if not loop.first %}+ {% endif -%}
            {{ weight }} * coalesce(try_cast(substr({{ expression }}, {{ loop.index }}, 1) as integer), 0)
            {%- endfor %}
            + coalesce(try_cast(substr({{ expression }}, 9, 1) as integer), 1)
        ) % 11 = 0,
        false
    )
{%- endmacro %}

{#
    A name to compare by: upper case, punctuation to spaces, one space, no trailing legal form;
    empty is null.
#}
{% macro normalised_name(expression) -%}
    nullif(
        regexp_replace(
            trim(regexp_replace(upper({{ expression }}), '[^\p{L}\p{N}]+', ' ', 'g')),
            ' (AS|ASA|ENK|SA|KF|IKS)$',
            ''
        ),
        ''
    )
{%- endmacro %}

{#
    What a line says, put together as matching does it (pipelines/matching/match.py), as its digest: the text itself stays
    outside the warehouse.
#}
{% macro item_text_digest() -%}
    sha256(concat_ws(' | ', nullif(item_name, ''), nullif(item_description, '')))
{%- endmacro %}

{% macro posting_text_digest() -%}
    sha256(concat_ws(
        ' | ', nullif(posting_text, ''), nullif(local_account_text, ''),
        case when regexp_matches(local_account, '[[:alpha:]]{3}') then local_account end
    ))
{%- endmacro %}

{# Whether a dated row holds on a day; both ends belong to it, an empty end is open. #}
{% macro holds_on(relation, day) -%}
    {{ relation }}.valid_from <= {{ day }} and {{ day }} <= coalesce({{ relation }}.valid_to, date '9999-12-31')
{%- endmacro %}

{# The first day of a fiscal period; 13 and above are year-end postings and belong to December. #}
{% macro first_day_of(fiscal_period) -%}
    try_cast(
        substr({{ fiscal_period }}, 1, 5)
        || lpad(cast(least(try_cast(substr({{ fiscal_period }}, 6, 2) as integer), 12) as varchar), 2, '0')
        || '-01' as date
    )
{%- endmacro %}

{#
    A day within the fiscal year of its posting: what is booked after year-end is read by the chart
    of the year that it closes.
#}
{% macro within_fiscal_year(day, fiscal_period) -%}
    least(
        greatest({{ day }}, coalesce(try_cast(substr({{ fiscal_period }}, 1, 4) || '-01-01' as date), {{ day }})),
        coalesce(try_cast(substr({{ fiscal_period }}, 1, 4) || '-12-31' as date), {{ day }})
    )
{%- endmacro %}

{# A day's month as text. #}
{% macro month_of(day) -%}
    strftime({{ day }}, '%Y-%m')
{%- endmacro %}

{# The parts of a text that is separated by semicolons, one row each. #}
{% macro parts_of(expression) -%}
    unnest(string_split({{ expression }}, ';'))
{%- endmacro %}

{#
    Whether a KOSTRA art is one that something is bought or granted by: 100 to 499, without the
    balance chapters there.
#}
{% macro is_expense_art(art) -%}
    regexp_full_match({{ art }}, '[1-4][0-9]{2}')
    and {{ art }} not in ('411', '412', '431', '451', '452', '453', '454')
{%- endmacro %}

{#
    Whether an account of the standard chart NS 4102 (two or four digits) is one that something is bought by: goods,
    other costs of staff, and other operating costs, without depreciation (60) and losses (78).
#}
{% macro is_cost_account(account) -%}
    regexp_full_match({{ account }}, '(4[0-9]|59|6[1-9]|7[0-79])[0-9]{0,2}')
{%- endmacro %}

{#
    What a posting's text says that it is: an accrual (estimated before the invoice came), a reversal (takes an earlier posting
    back) or a correction; null where it says none of these. The text itself goes no further.
#}
{% macro posting_role_of(text) -%}
    case
        when regexp_matches(lower({{ text }}), 'tilbakef|reverser|reversal|motpost') then 'reversal'
        when regexp_matches(lower({{ text }}), 'avsetning|avsatt|periodis|påløpt|accrual') then 'accrual'
        when regexp_matches(lower({{ text }}), 'korreksjon|korriger|ompost|feilf') then 'correction'
    end
{%- endmacro %}

{#
    Whether a voucher was booked in the time that an invoice is booked in: shortly before its date,
    or some months after.
#}
{% macro is_posted_in_time(voucher_day, invoice_day) -%}
    {{ voucher_day }} between {{ invoice_day }} - interval {{ var('booked_days_before') }} day
    and {{ invoice_day }} + interval {{ var('booked_days_after') }} day
{%- endmacro %}

{# Whether two values are the same, or both absent. #}
{% macro is_same(left, right) -%}
    {{ left }} is not distinct from {{ right }}
{%- endmacro %}

{# Whether a reference says anything: not empty, and none of the ways to say that there is none. #}
{% macro is_stated_reference(expression) -%}
    coalesce(
        regexp_replace(upper({{ expression }}), '[^\p{L}\p{N}]+', '', 'g')
        not in ('', 'NA', 'NONE', 'NULL', 'INGEN', 'UKJENT', 'IKKEOPPGITT', 'IR', '0'),
        false
    )
{%- endmacro %}
