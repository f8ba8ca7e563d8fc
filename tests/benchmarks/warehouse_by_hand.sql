-- What the warehouse is held against: purchases, invoices, reconciliation and the figures K01 to K06, K10 and K18 in one
-- script by hand, from the same Parquet files, as one who knows these data would write it. It does what they exercise:
-- NOK, ledgers and e-invoices (no SAF-T), every file accepted, invoice numbers that are used once, one document a voucher,
-- matching by number (with organisation number or amount) or by amount and date, payees by number or exact name, no
-- posting strings from sellers, no corrections by people. Variables: parsed, matched (folders), seeds.
create or replace temp macro number_of(said) as
    nullif(ltrim(regexp_replace(upper(said), '[^\p{L}\p{N}]+', '', 'g'), '0'), '');
create or replace temp macro org_no_of(said) as
    nullif(regexp_replace(upper(said), '[^0-9A-Z]+|^[^0-9A-Z]*NO|MVA[^0-9A-Z]*$', '', 'g'), '');
create or replace temp macro name_of(said) as
    nullif(
        regexp_replace(
            trim(regexp_replace(upper(said), '[^\p{L}\p{N}]+', ' ', 'g')), ' (AS|ASA|ENK|SA|KF|IKS)$', ''
        ), ''
    );
create or replace temp macro is_org_no(said) as
    coalesce(
        regexp_full_match(said, '[0-9]{9}')
        and list_sum(list_transform([3, 2, 7, 6, 5, 4, 3, 2, 1], lambda w, i: w * cast(substr(said, i, 1) as integer))) % 11
        = 0, false
    );
create or replace temp macro rows_of(name) as table
    select * from read_parquet(
        getvariable('parsed') || '/' || name || '/*/*.parquet', union_by_name = true, hive_partitioning = false
    );
create or replace temp macro seed(name) as table
    select * from read_csv(getvariable('seeds') || '/' || name || '.csv', all_varchar = true);
create or replace temp macro holds(valid_from, valid_to, day) as
    valid_from <= day and day <= coalesce(valid_to, date '9999-12-31');

---- 1. Small tables
create temp table arts as
select kostra_art, scope,
    make_date(coalesce(cast(valid_from_year as integer), 1900), 1, 1) as scope_from,
    make_date(coalesce(cast(valid_to_year as integer), 9999), 12, 31) as scope_to
from seed('kostra_arts');

create temp table accounts as
select charts.*, arts.scope, arts.scope_from, arts.scope_to
from rows_of('register_charts_of_accounts') as charts
left join arts using (kostra_art);

create temp table functions as
select kostra_function, privacy_class
from seed('kostra_sensitive_functions');

create temp table workshops as select * from rows_of('register_workshops');

create temp table companies as
select
    coalesce(of_register.org_no, workshops.org_no) as org_no,
    of_register.name,
    coalesce(of_register.name, workshops.name) as known_name,
    upper(legal_form) as legal_form,
    coalesce(business_municipality_no, workshops.municipality_no) as business_municipality_no,
    coalesce(is_bankrupt, false) as is_bankrupt,
    coalesce(is_sub_unit, false) as is_sub_unit,
    deleted_on
from rows_of('companies') as of_register
full join workshops on of_register.org_no = workshops.org_no;

create temp table names as
select name_of(known_name) as name, min(org_no) as org_no, bool_or(coalesce(legal_form = 'ENK', false)) as is_person
from companies
where not is_sub_unit
group by 1 having count(distinct org_no) = 1;

create temp table covering as
select
    contract_id, members.municipality_no, supplier_org_no, category_key, is_reserved, exclusivity,
    greatest(contracts.valid_from, members.valid_from) as valid_from,
    least(coalesce(contracts.valid_to, date '9999-12-31'), coalesce(members.valid_to, date '9999-12-31')) as valid_to
from rows_of('register_contracts') as contracts
inner join rows_of('register_contract_members') as members using (contract_id)
where
    greatest(contracts.valid_from, members.valid_from)
    <= least(coalesce(contracts.valid_to, date '9999-12-31'), coalesce(members.valid_to, date '9999-12-31'));

create temp table categories as select * from seed('workshop_categories');

create temp table cpv_codes as
select cpv_code, category_key, kind
from (
    select distinct cpv_code from rows_of('ehf_invoice_lines') where cpv_code is not null
) inner join (
    select category_key, kind, rtrim(unnest(string_split(cpv_codes, ';')), '0') as prefix
    from categories
) on starts_with(cpv_code, prefix)
qualify row_number() over (partition by cpv_code order by length(prefix) desc, category_key) = 1;

create temp table unspsc_codes as
select unspsc_code, category_key
from (
    select distinct unspsc_code from rows_of('ehf_invoice_lines') where unspsc_code is not null
) inner join (
    select category_key, rtrim(unspsc_code, '0') as prefix from seed('unspsc_categories')
) on starts_with(unspsc_code, prefix)
qualify row_number() over (partition by unspsc_code order by length(prefix) desc) = 1;

-- Which categories an art leaves open for a member: those that it has no account of its own for.
create temp table possible as
select municipality_no, kostra_art, category_key
from (select distinct municipality_no from accounts)
cross join (
    select category_key, unnest(string_split(kostra_arts, ';')) as kostra_art from categories
)
anti join accounts using (municipality_no, category_key);

---- 2. E-invoices
create temp table document_rows as
select
    municipality_no,
    md5(concat_ws('|', municipality_no, _delivery_id, _file_sha256, document_no)) as document_id,
    document_no,
    row_kind, line_no, cpv_code, unspsc_code, text, stated_amount, vat_rate, _delivery_id, _file_sha256, _row_no, _xpath
from (
    select
        municipality_no, document_no, 'line' as row_kind, line_no, cpv_code, unspsc_code,
        concat_ws(' | ', nullif(item_name, ''), nullif(item_description, '')) as text,
        line_extension_amount as stated_amount, vat_rate, _delivery_id, _file_sha256, _row_no, _xpath
    from rows_of('ehf_invoice_lines')
    union all by name
    select
        municipality_no, document_no, 'allowance_charge' as row_kind,
        cast(if(is_charge, 1, -1) * amount as decimal(18, 2)) as stated_amount, vat_rate, _delivery_id, _file_sha256,
        _row_no, _xpath
    from rows_of('ehf_allowance_charges')
    where level = 'document'
);

create temp table documents as
with

contents as (
    select
        municipality_no,
        document_id,
        count(*) filter (where row_kind = 'line') as lines,
        count(*) filter (where row_kind != 'line') as charges,
        sum(stated_amount) as stated,
        if(min(vat_rate) = max(vat_rate) and count(vat_rate) = count(*), min(vat_rate), null) as vat_rate
    from document_rows
    group by all
),

covered as (
    select distinct municipality_no, fiscal_period as month
    from rows_of('delivery_periods') where source = 'ledger' and state = 'accepted'
)

select
    md5(concat_ws('|', invoices.municipality_no, _delivery_id, _file_sha256, document_no)) as document_id,
    invoices.municipality_no,
    org_no_of(seller_org_no) as seller_org_no,
    seller_name,
    seller_country,
    document_type,
    invoice_no,
    number_of(invoice_no) as number,
    order_reference,
    contract_reference,
    billed_invoice_no,
    coalesce(is_credit_note, false) as is_credit_note,
    if(is_credit_note, -1, 1) as sign,
    cast(sign * tax_exclusive_amount as decimal(18, 2)) as net,
    cast(sign * tax_amount as decimal(18, 2)) as tax,
    cast(sign * payable_amount as decimal(18, 2)) as payable,
    cast(sign * coalesce(stated, 0) as decimal(18, 2)) as content,
    coalesce(lines, 0) as lines,
    coalesce(charges, 0) as charges,
    contents.vat_rate,
    covered.month is not null as has_ledger_month,
    invoice_date,
    due_date,
    _delivery_id,
    _file_sha256,
    _xpath
from rows_of('ehf_invoices') as invoices
semi join (select * from rows_of('document_states') where state = 'accepted') as states
    using (municipality_no, _delivery_id, _file_sha256, document_no)
left join contents
    on
        invoices.municipality_no = contents.municipality_no
        and md5(concat_ws('|', invoices.municipality_no, _delivery_id, _file_sha256, document_no)) = contents.document_id
left join covered
    on invoices.municipality_no = covered.municipality_no and strftime(invoice_date, '%Y-%m') = covered.month;

---- 3. Books
create temp table postings as
with

stated as (
    select
        *,
        org_no_of(supplier_org_no) as org_no,
        number_of(invoice_no) as number,
        name_of(supplier_name) as name,
        concat_ws(
            ' | ', nullif(posting_text, ''), nullif(local_account_text, ''),
            case when regexp_matches(local_account, '[[:alpha:]]{3}') then local_account end
        ) as text,
        case
            when posting_text is null then null
            when regexp_matches(lower(posting_text), 'tilbakef|reverser|reversal|motpost') then 'reversal'
            when regexp_matches(lower(posting_text), 'avsetning|avsatt|periodis|påløpt|accrual') then 'accrual'
            when regexp_matches(lower(posting_text), 'korreksjon|korriger|ompost|feilf') then 'correction'
        end as role
    from rows_of('ledger_postings')
    semi join (select * from rows_of('delivery_periods') where state = 'accepted') as periods
        using (municipality_no, _delivery_id, fiscal_period)
)

select
    md5(concat_ws('|', stated.municipality_no, stated._delivery_id, stated._file_sha256, stated._row_no)) as posting_id,
    stated.municipality_no,
    md5(concat_ws(
        '|', stated.municipality_no, coalesce(org_no, ''), coalesce(supplier_ledger_code, ''), coalesce(stated.name, ''),
        coalesce(number, ''), coalesce(voucher_no, posting_id)
    )) as voucher_key,
    org_no,
    stated.name,
    supplier_name,
    supplier_ledger_code,
    voucher_type,
    voucher_no,
    line_no,
    invoice_no,
    number,
    stated.local_account,
    coalesce(stated.local_account_text, accounts.local_account_text) as local_account_text,
    accounts.account_class,
    accounts.kostra_art,
    accounts.category_key,
    if(posting_date between scope_from and scope_to, scope, null) as scope,
    kostra_function,
    cost_centre,
    project_code,
    contract_reference,
    fiscal_period,
    role,
    text,
    amount,
    coalesce(accounts.kostra_art = '429', false) as is_vat,
    posting_date,
    invoice_date,
    stated._source,
    stated._delivery_id,
    stated._file_sha256,
    stated._row_no,
    stated._xpath
from stated
left join accounts
    on
        stated.municipality_no = accounts.municipality_no
        and stated.local_account = accounts.local_account
        and holds(accounts.valid_from, accounts.valid_to, posting_date);

-- What takes back what: by text in order, else the only two opposite amounts.
create temp table reversals as
with

candidates as (
    select
        municipality_no, posting_id, role, fiscal_period, amount, posting_date, invoice_date, org_no,
        supplier_ledger_code, name,
        row(
            fiscal_period, coalesce(posting_date, date '1900-01-01'), _delivery_id, _file_sha256, _row_no, posting_id
        ) as place,
        concat_ws(
            '|', coalesce(org_no, ''), coalesce(supplier_ledger_code, ''), coalesce(name, ''),
            coalesce(local_account, ''), coalesce(kostra_function, ''), coalesce(cost_centre, ''),
            coalesce(project_code, ''), abs(amount)
        ) as pair_key
    from postings
    where amount != 0 and (number is null or role in ('accrual', 'reversal'))
),

numbered as (
    select *, row_number() over (partition by municipality_no, pair_key, amount > 0 order by place) as turn
    from candidates where role in ('accrual', 'reversal')
),

by_text as (
    select d.municipality_no, d.posting_id as debit_id, c.posting_id as credit_id
    from numbered as d inner join numbered as c using (municipality_no, pair_key, turn)
    where d.amount > 0 and c.amount < 0
),

only_two as (
    select municipality_no, min(posting_id) filter (where amount > 0) as debit_id,
        min(posting_id) filter (where amount < 0) as credit_id
    from candidates
    where
        posting_id not in (select debit_id from by_text union all select credit_id from by_text)
        and (coalesce(org_no, supplier_ledger_code, name) is not null or role is not null)
    group by municipality_no, pair_key
    having count(*) = 2 and sum(amount) = 0
),

ordered as (
    select
        pairs.municipality_no,
        if(d.place <= c.place, d, c) as earlier,
        if(d.place <= c.place, c, d) as later
    from (select * from by_text union all select * from only_two) as pairs
    inner join candidates as d on pairs.debit_id = d.posting_id
    inner join candidates as c on pairs.credit_id = c.posting_id
)

select
    municipality_no,
    later.posting_id as posting_id,
    earlier.posting_id as reversed_id,
    coalesce(earlier.role = 'accrual', false) or coalesce(later.role = 'accrual', false) as is_accrual,
    coalesce(earlier.invoice_date, earlier.posting_date) as reversed_day
from ordered
where date_diff(
    'month', cast(earlier.fiscal_period || '-01' as date), cast(later.fiscal_period || '-01' as date)
) <= 13;

create temp table taken_back as
select posting_id, reversed_id as reversal_key, reversed_day, 'reversal' as pair_role from reversals
union all
select reversed_id, reversed_id, null, if(is_accrual, 'accrual', 'purchase') from reversals;

create temp table vouchers as
select
    municipality_no,
    voucher_key,
    any_value(org_no) as org_no,
    any_value(name) as name,
    any_value(number) as number,
    sum(amount) filter (where not is_vat) as net,
    coalesce(sum(amount) filter (where is_vat), 0) as vat,
    min(invoice_date) as invoice_date,
    min(posting_date) as voucher_date,
    bool_or(taken_back.posting_id is not null) as is_reversed
from postings left join taken_back using (posting_id)
group by all;

---- 4. Which voucher belongs to which e-invoice
create temp table matches as
select municipality_no, voucher_key, document_id, 'org_no_invoice_no' as method
from vouchers inner join documents using (municipality_no, number)
where vouchers.org_no = documents.seller_org_no;

insert into matches
with pairs as (
    select
        vouchers.municipality_no, voucher_key, document_id,
        count(*) over (partition by voucher_key) as documents,
        count(*) over (partition by document_id) as vouchers
    from vouchers inner join documents using (municipality_no, number)
    where
        vouchers.net in (documents.net, documents.net + documents.tax)
        and voucher_key not in (select voucher_key from matches)
        and document_id not in (select document_id from matches)
)
select municipality_no, voucher_key, document_id, 'invoice_no_amount' from pairs where documents = 1 and vouchers = 1;

insert into matches
with

free_documents as (
    select municipality_no, document_id, net, net + coalesce(tax, 0) as gross, invoice_date, seller_org_no as party,
        name_of(seller_name) as name
    from documents
    where net != 0 and document_id not in (select document_id from matches)
),

parties as (
    select * exclude (name) from free_documents where party is not null
    union all
    select * exclude (name) replace ('name ' || name as party) from free_documents where name is not null
),

pairs as (
    select
        vouchers.municipality_no, voucher_key, document_id,
        count(*) over (partition by voucher_key) as documents,
        count(*) over (partition by document_id) as vouchers
    from vouchers inner join parties
        on
            vouchers.municipality_no = parties.municipality_no
            and coalesce(org_no, 'name ' || vouchers.name) = party
            and vouchers.net in (parties.net, gross)
    where
        voucher_key not in (select voucher_key from matches)
        and not is_reversed
        and vouchers.net != 0
        and (
            vouchers.invoice_date = parties.invoice_date
            or (
                number is null and vouchers.invoice_date is null
                and voucher_date between parties.invoice_date - 5 and parties.invoice_date + 120
            )
        )
),

judged as (select *, max(vouchers) over (partition by voucher_key) as most from pairs)

select municipality_no, voucher_key, document_id, 'amount_date' from judged where documents = 1 and most = 1;

---- 5. How an e-invoice enters spend
create temp table booked as
select
    document_id,
    count(*) filter (where not is_vat) as postings,
    count(distinct coalesce(local_account, '')) filter (where not is_vat) as accounts,
    coalesce(sum(amount) filter (where not is_vat), 0) as net,
    coalesce(sum(amount) filter (where is_vat), 0) as vat,
    arg_min(posting_id, row(-abs(amount), _delivery_id, _row_no, posting_id)) filter (where not is_vat) as main_id,
    any_value(fiscal_period) as fiscal_period
from postings inner join matches using (municipality_no, voucher_key)
group by document_id;

create temp table treated as
select
    documents.*,
    booked.* exclude (document_id, net, vat),
    booked.net as booked_net,
    cast(if(
        abs(coalesce(tax, 0) - booked.vat) > 1 and abs(booked.net - content - (coalesce(tax, 0) - booked.vat)) <= 1,
        coalesce(tax, 0) - booked.vat, 0
    ) as decimal(18, 2)) as included_vat,
    case
        when booked.document_id is null then if(has_ledger_month, 'unposted', 'ehf')
        when postings = 0 then 'postings'
        when accounts = 1 then 'lines'
        when charges = 0 and lines = postings then 'pairs?'
        else 'postings'
    end as treatment,
    original.invoice_date as credited_day
from documents
left join booked using (document_id)
left join (select municipality_no, seller_org_no, number, invoice_date from documents where not is_credit_note) as original
    on
        documents.municipality_no = original.municipality_no
        and documents.seller_org_no = original.seller_org_no
        and if(documents.is_credit_note, number_of(documents.billed_invoice_no), null) = original.number;

-- Lines that pair off with the postings, all of them.
create temp table pairs as
with

candidates as (
    select
        document_id, posting_id, r._row_no, p.amount != sign * stated_amount as is_gross
    from treated
    inner join document_rows as r using (document_id)
    inner join matches using (document_id)
    inner join postings as p
        on
            matches.municipality_no = p.municipality_no
            and matches.voucher_key = p.voucher_key
            and not p.is_vat
            and p.amount in (
                sign * stated_amount,
                sign * stated_amount + cast(round(sign * stated_amount * r.vat_rate / 100, 2) as decimal(18, 2))
            )
    where treatment = 'pairs?'
),

nearest as (
    select * from candidates
    qualify
        is_gross = min(is_gross) over (partition by posting_id)
        and is_gross = min(is_gross) over (partition by document_id, _row_no)
)

select *, count(*) over (partition by document_id) as pairs
from (
    select * from nearest
    qualify count(*) over (partition by posting_id) = 1 and count(*) over (partition by document_id, _row_no) = 1
);

update treated set treatment = if(
    exists (select 1 from pairs where pairs.document_id = treated.document_id and pairs.pairs = treated.postings),
    'pairs', 'postings'
)
where treatment = 'pairs?';

---- 6. Lines of spend
create temp table posted as
select
    postings.*,
    matches.document_id,
    matches.method,
    treated.treatment,
    treated.included_vat,
    treated.vat_rate as document_vat_rate,
    treated.tax as document_tax,
    taken_back.reversal_key,
    taken_back.reversed_day,
    case
        when document_id is null and pair_role is not null then pair_role
        when postings.role in ('accrual', 'reversal') then postings.role
        else 'purchase'
    end as posting_role,
    case
        when is_vat then 'net'
        when treatment = 'postings' and included_vat != 0
            then if(included_vat = document_tax and document_vat_rate is not null, 'gross', 'unknown')
        when included_vat != 0 then 'gross'
        when document_tax != 0 then 'net'
        when vouchers.vat != 0 then 'net'
        when category_key in ('meeting_food', 'gifts') then 'unknown'
        else 'net'
    end as vat_basis,
    coalesce(
        if(
            vat_basis = 'gross' and treatment = 'postings' and included_vat != 0,
            postings.amount - cast(postings.amount / (1 + document_vat_rate / 100) as decimal(18, 2)), 0
        ), 0
    ) as own_vat
from postings
inner join vouchers using (municipality_no, voucher_key)
left join matches using (municipality_no, voucher_key)
left join treated using (municipality_no, document_id)
left join taken_back using (posting_id);

create temp table bare as
select
    posting_id as line_key, posting_id, document_id, if(document_id is null, 'posting', 'posting_and_ehf') as evidence,
    line_no, cast(null as varchar) as cpv_code, cast(null as varchar) as unspsc_code, text, vat_basis,
    amount - own_vat as net, if(own_vat != 0, own_vat, null) as vat,
    _source, _delivery_id, _file_sha256, _row_no, _xpath
from posted
where document_id is null or is_vat or treatment = 'postings'

union all

select
    posting_id, posting_id, document_id, 'included_vat', null, null, null, null, 'gross', own_vat, null, _source,
    _delivery_id, _file_sha256, _row_no, _xpath
from posted
where (document_id is null or is_vat or treatment = 'postings') and own_vat != 0

union all

select
    concat_ws('|', document_id, row_kind, r._row_no),
    case treatment when 'lines' then main_id when 'pairs' then pairs.posting_id end,
    document_id,
    if(treatment = 'ehf', 'ehf', 'posting_and_ehf'),
    line_no,
    cpv_code,
    unspsc_code,
    text,
    case treatment when 'lines' then if(included_vat = 0, 'net', 'gross') when 'pairs' then if(is_gross, 'gross', 'net')
        else 'net' end,
    cast(sign * stated_amount as decimal(18, 2)),
    cast(round(sign * stated_amount * r.vat_rate / 100, 2) as decimal(18, 2)),
    'ehf', r._delivery_id, r._file_sha256, r._row_no, r._xpath
from document_rows as r
inner join treated using (document_id)
left join pairs using (document_id, _row_no)
where treatment in ('lines', 'ehf', 'pairs')

union all

select
    concat_ws('|', treated.document_id, gap.kind, treated.fiscal_period), posting_id, treated.document_id, gap.kind,
    null, null, null, null, if(gap.kind = 'included_vat', 'gross', vat_basis), gap.amount, null, _source,
    posted._delivery_id, posted._file_sha256, posted._row_no, posted._xpath
from (
    select *, unnest([
        {'kind': 'difference', 'amount': booked_net - content - included_vat},
        {'kind': 'included_vat', 'amount': included_vat}
    ]) as gap
    from treated where treatment = 'lines'
) as treated
inner join posted on treated.main_id = posted.posting_id
where gap.amount != 0

union all

select
    posting_id, posting_id, document_id, 'included_vat', null, null, null, null, 'gross',
    cast(round(sign * stated_amount * r.vat_rate / 100, 2) as decimal(18, 2)), null, posted._source, posted._delivery_id,
    posted._file_sha256, posted._row_no, posted._xpath
from pairs
inner join (select document_id, sign, treatment from treated where treatment = 'pairs') using (document_id)
inner join document_rows as r using (document_id, _row_no)
inner join (select * exclude (document_id, treatment) from posted) as posted using (posting_id)
where is_gross;

-- Names and texts are few: what they lead to is looked up once each.
create temp table named as
select
    stated_name as supplier_name, name_of(stated_name) as name,
    if(name_kind in ('company', 'unsure') and not is_person, names.org_no, null) as org_no
from (select distinct supplier_name as stated_name from postings where not is_org_no(org_no) and supplier_name is not null)
left join read_parquet(getvariable('matched') || '/supplier_names.parquet') as kinds
    on sha256(stated_name) = kinds.name_digest
left join names on name_of(stated_name) = names.name;

create temp table texts as
select text, category_key, score
from (select distinct text from document_rows where text is not null union select distinct text from postings) as said
inner join read_parquet(getvariable('matched') || '/item_texts.parquet') as scored on sha256(said.text) = scored.text_digest;

create temp table members_at as select * from rows_of('register_member_org_nos');

create temp table spend as
with

joined as (
    select
        md5(concat_ws('|', posted_or_document.municipality_no, evidence, line_key)) as purchase_line_id,
        posted_or_document.*,
        case
            when is_org_no(seller_org_no) then seller_org_no
            when is_org_no(supplier_org_no) then supplier_org_no
        end as stated_org_no
    from (
        select
            bare.*,
            coalesce(d.municipality_no, p.municipality_no) as municipality_no,
            d.seller_org_no, d.seller_name, d.seller_country, p.org_no as supplier_org_no, p.supplier_name,
            p.supplier_ledger_code, p.voucher_type, p.voucher_no,
            coalesce(d.invoice_no, p.invoice_no) as invoice_no,
            coalesce(d.number, p.number) as number,
            d.document_type,
            coalesce(d.contract_reference, p.contract_reference) as contract_reference,
            d.order_reference,
            p.local_account, p.local_account_text, p.account_class, p.kostra_art,
            p.category_key as account_category_key, p.scope as account_scope, p.kostra_function, p.cost_centre,
            p.project_code, p.fiscal_period, p.method as match_method,
            coalesce(p.posting_role, 'purchase') as posting_role,
            p.reversal_key,
            coalesce(d.is_credit_note, net < 0, false) as is_credit_note,
            coalesce(p.is_vat, false) or evidence = 'included_vat' as is_vat,
            coalesce(d.invoice_date, p.invoice_date) as invoice_date,
            p.posting_date,
            case
                when bare.document_id is null and p.reversed_day is not null then p.reversed_day
                else coalesce(d.credited_day, d.invoice_date, p.invoice_date, p.posting_date)
            end as spend_date,
            case
                when bare.document_id is null and p.reversed_day is not null then 'reversed_posting'
                when d.credited_day is not null then 'credited_invoice'
                when coalesce(d.invoice_date, p.invoice_date) is not null then 'invoice_date'
                else 'posting_date'
            end as period_basis,
            p._delivery_id as _posting_delivery_id, p._file_sha256 as _posting_file_sha256,
            p._row_no as _posting_row_no, p._xpath as _posting_xpath
        from bare
        left join posted as p on bare.posting_id = p.posting_id
        left join (select * exclude (net, vat_rate, _delivery_id, _file_sha256, _xpath) from treated) as d
            on bare.document_id = d.document_id
    ) as posted_or_document
),

identified as (
    select
        joined.*,
        coalesce(stated_org_no, named.org_no) as org_no,
        case when stated_org_no is not null then 'org_no' when named.org_no is not null then 'name_exact' else 'none' end
            as payee_method,
        if(stated_org_no is null, named.name, null) as normalised_name
    from joined left join named using (supplier_name)
),

paid as (
    select
        identified.*,
        coalesce(companies.name, seller_name, supplier_name) as payee_name,
        case
            when companies.legal_form = 'ENK' then 'sole_proprietor'
            when companies.legal_form in ('KOMM', 'FYLK', 'STAT', 'ORGL', 'KF', 'FKF', 'IKS') then 'public_body'
            when companies.org_no is not null then 'legal_entity'
            when kostra_art in ('160', '165') then 'natural_person'
            when identified.org_no is null and upper(seller_country) != 'NO' then 'foreign'
            else 'unknown'
        end as payee_kind,
        companies.org_no is not null as is_registered,
        companies.business_municipality_no,
        companies.is_bankrupt,
        companies.deleted_on,
        own.org_no is not null
        or coalesce(kostra_art = '290', false)
        or (identified.org_no is null and coalesce(voucher_type = 'KF', false)) as is_internal,
        own.org_no is null and others.org_no is not null as is_recharge,
        workshops.org_no as workshop_org_no,
        coalesce(identified.org_no, 'name:' || md5(concat_ws('|', identified.municipality_no, coalesce(normalised_name, ''))))
            as payee_key
    from identified
    left join companies on identified.org_no = companies.org_no
    left join workshops
        on identified.org_no = workshops.org_no and holds(workshops.valid_from, workshops.valid_to, spend_date)
    left join members_at as own
        on
            identified.org_no = own.org_no
            and identified.municipality_no = own.municipality_no
            and holds(own.valid_from, own.valid_to, spend_date)
    left join (select distinct org_no, municipality_no, valid_from, valid_to from members_at) as others
        on
            identified.org_no = others.org_no
            and identified.municipality_no != others.municipality_no
            and holds(others.valid_from, others.valid_to, spend_date)
),

-- The contract that a line refers to, and what all contracts with its supplier are about.
contracted as (
    select
        purchase_line_id,
        min(covering.category_key) filter (where contract_reference = contract_id) as reference_category_key,
        if(
            count(distinct coalesce(covering.category_key, '')) filter (where org_no = supplier_org_no_) = 1,
            min(covering.category_key) filter (where org_no = supplier_org_no_), null
        ) as supplier_category_key
    from paid
    inner join (select * exclude (supplier_org_no), supplier_org_no as supplier_org_no_ from covering) as covering
        on
            paid.municipality_no = covering.municipality_no
            and spend_date between covering.valid_from and covering.valid_to
            and (contract_reference = contract_id or org_no = supplier_org_no_)
    group by purchase_line_id
),

met as (
    select
        paid.*,
        cpv.category_key as cpv_category_key,
        cpv.kind as cpv_kind,
        unspsc.category_key as unspsc_category_key,
        reference_category_key,
        if(kostra_art is null or of_contract.category_key is not null, supplier_category_key, null)
            as supplier_category_key,
        of_function.category_key as function_category_key,
        cast(by_function.confidence as decimal(3, 2)) as function_confidence,
        texts.score as text_score,
        if(
            texts.score >= 0.8 and texts.category_key != 'other'
            and (kostra_art is null or of_text.category_key is not null), texts.category_key, null
        ) as text_category_key
    from paid
    left join cpv_codes as cpv on paid.cpv_code = cpv.cpv_code
    left join unspsc_codes as unspsc on paid.unspsc_code = unspsc.unspsc_code and not is_vat
    left join texts on paid.text = texts.text and not is_vat
    left join contracted using (purchase_line_id)
    left join seed('account_categories') as by_function using (kostra_art, kostra_function)
    left join possible as of_function
        on
            paid.municipality_no = of_function.municipality_no
            and paid.kostra_art = of_function.kostra_art
            and by_function.category_key = of_function.category_key
    left join possible as of_text
        on
            paid.municipality_no = of_text.municipality_no
            and paid.kostra_art = of_text.kostra_art
            and texts.category_key = of_text.category_key
    left join possible as of_contract
        on
            paid.municipality_no = of_contract.municipality_no
            and paid.kostra_art = of_contract.kostra_art
            and contracted.supplier_category_key = of_contract.category_key
)

select
    met.*,
    case
        when cpv_code is not null then 'cpv'
        when unspsc_category_key is not null then 'unspsc'
        when reference_category_key is not null then 'contract'
        when account_category_key is not null then 'account'
        when function_category_key is not null then 'function'
        when supplier_category_key is not null then 'supplier'
        when text_category_key is not null then 'text'
        when kostra_art is not null then 'art'
        else 'none'
    end as way,
    case way
        when 'cpv' then coalesce(cpv_category_key, 'cpv_' || substr(cpv_code, 1, 2))
        when 'unspsc' then unspsc_category_key
        when 'contract' then reference_category_key
        when 'account' then account_category_key
        when 'function' then function_category_key
        when 'supplier' then supplier_category_key
        when 'text' then text_category_key
        when 'art' then 'art_' || kostra_art
        else 'unclassified'
    end as category_key,
    case
        when is_vat then 'vat'
        when is_recharge and coalesce(account_scope, '') != 'transfer' then 'public_sector'
        when account_scope is not null then account_scope
        when cpv_kind = 'product' then 'core'
        when cpv_kind = 'inclusion' then 'core_service_replacement'
        else 'unknown'
    end as scope,
    strftime(spend_date, '%Y-%m') as period_month
from met;

-- The contracts in force that a line has to do with.
create temp table on_contracts as
with pairs as (
    select
        purchase_line_id,
        covering.contract_id,
        covering.category_key is null as is_general,
        is_reserved,
        exclusivity,
        coalesce(contract_reference = contract_id, false) as is_by_reference,
        coalesce(org_no = covering.supplier_org_no and coalesce(covering.category_key, spend.category_key) = spend.category_key, false)
            as is_by_supplier,
        coalesce(covering.supplier_org_no = org_no, covering.supplier_org_no is null) as is_payee,
        coalesce(covering.category_key = spend.category_key, false) as is_by_category
    from spend
    inner join covering
        on
            spend.municipality_no = covering.municipality_no
            and spend_date between covering.valid_from and covering.valid_to
            and (
                contract_reference = contract_id
                or org_no = covering.supplier_org_no
                or spend.category_key = covering.category_key
            )
    where scope != 'vat'
)
select
    purchase_line_id,
    arg_min(contract_id, row(not is_by_reference, is_general, contract_id)) filter (where is_by_reference or is_by_supplier)
        as contract_id,
    case when bool_or(is_by_reference) then 'reference' when bool_or(is_by_supplier) then 'supplier' else 'none' end
        as contract_match,
    bool_or(is_by_reference and is_payee) as is_by_reference,
    bool_or((is_by_reference and is_payee) or is_by_supplier) as is_on_contract
from pairs
where is_by_reference or is_by_supplier or is_by_category
group by purchase_line_id;

create table fct_purchases as
select
    purchase_line_id,
    spend.municipality_no,
    coalesce(
        document_id,
        md5(concat_ws(
            '|', spend.municipality_no, payee_key, coalesce(supplier_ledger_code, ''), coalesce(number, voucher_no, posting_id)
        ))
    ) as invoice_id,
    org_no, payee_key, payee_name, payee_kind, payee_method, supplier_ledger_code, workshop_org_no, voucher_type, voucher_no,
    line_no, invoice_no, document_type, contract_reference, order_reference, contract_id,
    coalesce(contract_match, 'none') as contract_match, local_account, local_account_text, kostra_art,
    spend.kostra_function, functions.privacy_class as function_privacy_class, cost_centre, project_code,
    case
        when account_class is not null then account_class
        when evidence = 'ehf' and cpv_category_key is not null then 'operating'
        else 'unknown'
    end as account_class,
    category_key,
    case way when 'function' then 'account' when 'art' then 'account' when 'supplier' then 'contract' else way end
        as category_method,
    cpv_code,
    scope,
    case
        when workshop_org_no is null or scope = 'vat' then 'none'
        when scope = 'transfer' then 'transfer'
        when cpv_kind = 'inclusion' or (kostra_art = '370' and spend.kostra_function in ('273', '276')) then 'inclusion'
        else 'product'
    end as stream,
    evidence, match_method, posting_role, reversal_key, vat_basis, 'NOK' as original_currency, fiscal_period, period_month,
    period_basis,
    concat_ws(
        ';',
        if(local_account is not null and account_class is null, 'account_not_in_chart', null),
        if(kostra_art is not null and account_scope is null, 'kostra_art_not_valid', null),
        if(coalesce(seller_org_no, supplier_org_no) is null, 'org_no_missing', null),
        if(coalesce(seller_org_no, supplier_org_no) is not null and stated_org_no is null, 'org_no_invalid', null),
        if(org_no is not null and not is_registered, 'org_no_not_in_register', null),
        if(period_basis = 'posting_date', 'invoice_date_missing', null),
        if(vat_basis != 'net', 'vat_basis_' || vat_basis, null),
        if(
            vat_basis = 'gross' and vat is null and not is_vat and evidence in ('posting', 'posting_and_ehf'),
            'vat_rate_unknown', null
        ),
        if(posting_role = 'accrual' and reversal_key is null and document_id is null, 'accrual_open', null),
        if(is_recharge and account_scope not in ('public_sector', 'transfer', 'vat'), 'recharge_misbooked', null)
    ) as quality_flags,
    cast(case payee_method when 'org_no' then 1.0 when 'name_exact' then 0.9 else 0 end as decimal(3, 2)) as payee_confidence,
    cast(
        case way
            when 'cpv' then 0.95 when 'unspsc' then 0.85 when 'contract' then 0.85 when 'account' then 0.8
            when 'function' then function_confidence when 'supplier' then 0.7 when 'text' then text_score when 'art' then 0.5
            else 0
        end as decimal(3, 2)
    ) as category_confidence,
    cast(
        case match_method when 'org_no_invoice_no' then 1.0 when 'invoice_no_amount' then 0.9 when 'amount_date' then 0.7 end
        as decimal(3, 2)
    ) as match_confidence,
    cast(net as decimal(18, 2)) as net_amount_nok,
    cast(vat as decimal(18, 2)) as vat_amount_nok,
    cast(net as decimal(18, 2)) as original_amount,
    is_credit_note, is_internal, is_recharge, invoice_date, posting_date, spend_date, _source, _delivery_id, _file_sha256,
    _row_no, _xpath, _posting_delivery_id, _posting_file_sha256, _posting_row_no, _posting_xpath
from spend
left join on_contracts using (purchase_line_id)
-- Whatever year: a retired function that is still in use stays as private as it was.
left join functions on spend.kostra_function = functions.kostra_function;

create table fct_invoices as
select
    document_id as invoice_id, treated.municipality_no, seller_org_no, document_type, invoice_no, contract_reference,
    order_reference, billed_invoice_no, 'NOK' as currency, document_id as group_id, treatment, method as match_method,
    cast(case method when 'org_no_invoice_no' then 1.0 when 'invoice_no_amount' then 0.9 when 'amount_date' then 0.7 end
        as decimal(3, 2)) as match_confidence,
    lines, coalesce(postings, 0) as postings, net as tax_exclusive_amount, tax as tax_amount, payable as payable_amount,
    content as content_amount, coalesce(included_vat, 0) as included_vat_amount, is_credit_note, has_ledger_month,
    invoice_date, credited_day, due_date, _delivery_id, _file_sha256, _xpath
from treated
left join (select distinct document_id, method from matches) using (document_id);

create table fct_reconciliation as
with

facts as (
    select
        municipality_no, fiscal_period as period_month, amount,
        unnest([
            'ledger_postings',
            if(document_id is null, 'ledger_without_ehf', 'ledger_with_ehf'),
            if(
                reversal_key is not null or posting_role = 'accrual',
                case
                    when posting_role = 'accrual' and reversal_key is null then 'accruals_open'
                    when posting_role = 'accrual' then 'accruals_taken_back'
                    else 'reversals'
                end, null
            )
        ]) as measure
    from posted

    union all

    select
        municipality_no, fiscal_period, net_amount_nok,
        unnest([
            if(evidence = 'included_vat', 'included_vat', null),
            if(evidence != 'ehf', 'purchases_from_postings', null),
            if(evidence = 'difference', 'difference', null)
        ])
    from fct_purchases

    union all

    select
        municipality_no, strftime(invoice_date, '%Y-%m'), content,
        unnest([
            'ehf_documents',
            case treatment when 'ehf' then 'ehf_as_spend' when 'unposted' then 'ehf_unposted' else 'ehf_matched' end
        ])
    from treated

    union all

    select municipality_no, strftime(invoice_date, '%Y-%m'), content - net, 'ehf_lines_beyond_total'
    from treated where content is distinct from net

    union all

    select municipality_no, fiscal_period, amount, unnest(['ledger_read_delivered', 'ledger_read_accepted'])
    from postings

    union all

    select municipality_no, strftime(invoice_date, '%Y-%m'), net, unnest(['ehf_read_delivered', 'ehf_read_accepted'])
    from treated
)

select
    municipality_no, coalesce(period_month, 'none') as period_month, measure, count(*) as row_count,
    cast(coalesce(sum(amount), 0) as decimal(18, 2)) as amount_nok
from facts where measure is not null group by all;

---- 7. Figures
create temp table capable as
select distinct workshop_org_no, unnest(string_split(delivery_municipality_nos, ';')) as municipality_no, category_key,
    valid_from, valid_to
from rows_of('register_workshop_capabilities')
union all
select c.workshop_org_no, w.municipality_no, c.category_key, greatest(c.valid_from, w.valid_from),
    least(coalesce(c.valid_to, date '9999-12-31'), coalesce(w.valid_to, date '9999-12-31'))
from rows_of('register_workshop_capabilities') as c inner join workshops as w on c.workshop_org_no = w.org_no
where not list_contains(string_split(c.delivery_municipality_nos, ';'), w.municipality_no);

-- Everything that the figures need, once by month; a day decides who could have delivered.
create temp table monthly as
with

reached as (
    select municipality_no, category_key, spend_date, list_sort(list(distinct workshop_org_no)) as reached_by
    from (select distinct municipality_no, category_key, spend_date from fct_purchases) as days
    inner join capable using (municipality_no, category_key)
    where holds(valid_from, valid_to, spend_date)
    group by all
),

facts as (
    select
        p.period_month, p.municipality_no, p.category_key, p.account_class, p.workshop_org_no, p.stream, p.scope,
        p.net_amount_nok as nok,
        p.payee_kind != 'unknown' as is_known,
        p.scope in ('core', 'core_not_addressable', 'core_service_replacement', 'mixed') as is_procurement,
        p.scope in ('core', 'core_service_replacement') and coalesce(categories.kind, 'general') = 'product' as is_product,
        is_product and r.reached_by is not null as is_addressable,
        if(is_addressable and is_known, r.reached_by, null) as reached_by,
        on_contracts.purchase_line_id is not null as is_covered,
        coalesce(is_by_reference, false) as is_by_reference,
        coalesce(is_on_contract, false) as is_on_contract,
        companies.business_municipality_no as payee_municipality_no,
        members.municipality_no is not null as is_of_members
    from fct_purchases as p
    left join categories using (category_key)
    left join reached as r using (municipality_no, category_key, spend_date)
    left join on_contracts using (purchase_line_id)
    left join companies on p.org_no = companies.org_no
    left join rows_of('register_members') as members
        on
            companies.business_municipality_no = members.municipality_no
            and holds(members.valid_from, members.valid_to, spend_date)
    where payee_kind != 'natural_person' and not is_internal and period_month is not null and p.scope != 'vat'
)

select
    period_month, municipality_no, category_key, account_class, workshop_org_no, reached_by,
    sum(nok) filter (where is_procurement and is_known) as procurement,
    sum(abs(nok)) filter (where is_procurement and is_known) as procurement_known,
    sum(abs(nok)) filter (where is_procurement) as procurement_all,
    sum(nok) filter (where is_addressable and is_known) as addressable,
    sum(abs(nok)) filter (where is_addressable and is_known) as addressable_known,
    sum(abs(nok)) filter (where is_addressable) as addressable_all,
    sum(abs(nok)) filter (where is_product and is_known) as product_known,
    sum(abs(nok)) filter (where is_product) as product_all,
    sum(abs(nok)) filter (where (is_procurement or scope = 'transfer') and is_known) as paid_known,
    sum(abs(nok)) filter (where is_procurement or scope = 'transfer') as paid_all,
    sum(nok) filter (where workshop_org_no is not null and is_product) as product,
    sum(nok) filter (where workshop_org_no is not null and stream = 'inclusion') as inclusion,
    sum(nok) filter (where workshop_org_no is not null and stream = 'transfer') as transfer,
    sum(nok) filter (where is_procurement and is_known and is_covered) as covered,
    sum(nok) filter (where is_procurement and is_known and is_covered and is_by_reference) as by_reference,
    sum(nok) filter (where is_procurement and is_known and is_covered and is_on_contract) as by_supplier,
    sum(abs(nok)) filter (where is_procurement and is_known and is_covered) as covered_known,
    sum(abs(nok)) filter (where is_procurement and is_covered) as covered_all,
    sum(nok) filter (where is_procurement and is_known and payee_municipality_no = municipality_no) as own_municipality,
    sum(nok) filter (where is_procurement and is_known and is_of_members) as consortium,
    sum(nok) filter (where is_procurement and is_known
        and payee_municipality_no[1:2] = municipality_no[1:2]) as county,
    sum(abs(nok)) filter (where is_procurement and is_known and payee_municipality_no is not null) as located
from facts group by all;

create temp table periods as
with

months as (select distinct cast(period_month || '-01' as date) as month_start from fct_purchases where period_month is not null),

spans as (
    select month_start as period_start, last_day(month_start) as period_end from months
    union
    select cast(month_start - interval 11 month as date), last_day(month_start) from months
    where month_start - interval 11 month >= (select min(month_start) from months)
    union
    select make_date(year(month_start), 1, 1), make_date(year(month_start), 12, 31) from months
)

select strftime(month_start, '%Y-%m') as period_month, period_start, period_end
from spans inner join months on month_start between period_start and period_end;

create temp table totals as
with by_period as (
    select
        municipality_no, category_key, account_class, period_start, period_end,
        sum(columns(* exclude (
            period_month, municipality_no, category_key, account_class, workshop_org_no, reached_by, period_start, period_end
        )))
    from monthly inner join periods using (period_month)
    group by municipality_no, category_key, account_class, period_start, period_end
)
select
    if(grouping(municipality_no) = 1, 'all', municipality_no) as municipality,
    if(grouping(category_key) = 1, 'all', category_key) as category,
    if(grouping(account_class) = 1, 'all', account_class) as class,
    period_start, period_end,
    sum(columns(* exclude (municipality_no, category_key, account_class, period_start, period_end)))
from by_period
group by period_start, period_end, cube (municipality_no, category_key, account_class)
having class != 'unknown';

create temp table workshop_totals as
with

by_workshop as (
    select
        period_month, municipality_no, category_key, account_class, workshop_org_no,
        cast(null as decimal(38, 2)) as addressable, product, inclusion, transfer
    from monthly where coalesce(product, inclusion, transfer) is not null
    union all
    select period_month, municipality_no, category_key, account_class, unnest(reached_by), addressable, null, null, null
    from monthly where reached_by is not null
),

by_period as (
    select
        workshop_org_no, municipality_no, category_key, account_class, period_start, period_end,
        sum(addressable) as addressable, sum(product) as product, sum(inclusion) as inclusion, sum(transfer) as transfer
    from by_workshop inner join periods using (period_month)
    group by all
)

select
    workshop_org_no,
    if(grouping(municipality_no) = 1, 'all', municipality_no) as municipality,
    if(grouping(category_key) = 1, 'all', category_key) as category,
    if(grouping(account_class) = 1, 'all', account_class) as class,
    period_start, period_end,
    sum(addressable) as addressable, sum(product) as product, sum(inclusion) as inclusion, sum(transfer) as transfer
from by_period
group by period_start, period_end, workshop_org_no, cube (municipality_no, category_key, account_class)
having class != 'unknown';

create table fct_kpis as
with

cells as (
    select
        *, 'all' as workshop_org_no,
        coalesce(procurement_all, 0) > 0 as has_procurement, coalesce(addressable_all, 0) > 0 as has_addressable,
        coalesce(product_all, 0) > 0 as has_product, inclusion is not null or category = 'all' as has_inclusion,
        transfer is not null or category = 'all' as has_transfer
    from totals

    union all by name

    select
        w.*, t.procurement, t.procurement_known, t.procurement_all, t.addressable_known, t.addressable_all, t.product_known,
        t.product_all, t.paid_known, t.paid_all, w.product is not null as has_procurement,
        w.addressable is not null as has_addressable, w.product is not null as has_product,
        w.inclusion is not null as has_inclusion, w.transfer is not null as has_transfer
    from workshop_totals as w
    inner join totals as t using (municipality, category, class, period_start, period_end)
),

figures as (
    select
        municipality, workshop_org_no, category, class, period_start, period_end,
        unnest([
            {'k': 'K01', 'm': 'procurement_spend', 'has': has_procurement and workshop_org_no = 'all', 'of': procurement,
             'over': null, 'ratio': false, 'known': procurement_known, 'everything': procurement_all},
            {'k': 'K02', 'm': 'addressable_spend', 'has': has_addressable, 'of': addressable, 'over': null, 'ratio': false,
             'known': addressable_known, 'everything': addressable_all},
            {'k': 'K03', 'm': 'workshop_product_spend', 'has': has_product, 'of': product, 'over': null, 'ratio': false,
             'known': product_known, 'everything': product_all},
            {'k': 'K04', 'm': 'workshop_spend_ratio', 'has': has_procurement, 'of': product, 'over': procurement,
             'ratio': true, 'known': procurement_known, 'everything': procurement_all},
            {'k': 'K05', 'm': 'workshop_addressable_ratio', 'has': has_addressable, 'of': product, 'over': addressable,
             'ratio': true, 'known': addressable_known, 'everything': addressable_all},
            {'k': 'K06', 'm': 'workshop_inclusion_spend', 'has': has_inclusion, 'of': inclusion, 'over': null,
             'ratio': false, 'known': paid_known, 'everything': paid_all},
            {'k': 'K06', 'm': 'workshop_transfer', 'has': has_transfer, 'of': transfer, 'over': null, 'ratio': false,
             'known': paid_known, 'everything': paid_all}
        ]) as f
    from cells

    union all

    select
        municipality, 'all', category, class, period_start, period_end,
        unnest([
            {'k': 'K10', 'm': 'contract_compliance_strict', 'has': category = 'all' or covered_all is not null,
             'of': by_reference, 'over': covered, 'ratio': true, 'known': covered_known, 'everything': covered_all},
            {'k': 'K10', 'm': 'contract_compliance_loose', 'has': category = 'all' or covered_all is not null,
             'of': by_supplier, 'over': covered, 'ratio': true, 'known': covered_known, 'everything': covered_all},
            {'k': 'K18', 'm': 'local_spend_ratio', 'has': category = 'all', 'of': own_municipality, 'over': procurement,
             'ratio': true, 'known': located, 'everything': procurement_all},
            {'k': 'K18', 'm': 'consortium_spend_ratio', 'has': category = 'all', 'of': consortium, 'over': procurement,
             'ratio': true, 'known': located, 'everything': procurement_all},
            {'k': 'K18', 'm': 'county_spend_ratio', 'has': category = 'all', 'of': county, 'over': procurement,
             'ratio': true, 'known': located, 'everything': procurement_all}
        ]) as f
    from totals where procurement_all > 0
),

keeping as (
    select municipality_no, try_cast(fiscal_period || '-01' as date) as month_start
    from rows_of('delivery_periods') where source = 'ledger' and state = 'accepted'
),

-- A month is in with its books, or of whoever has none with its purchases; over all with every member's.
months_in as (
    select municipality_no as municipality, month_start from keeping
    union
    select municipality, period_start from totals
    where
        municipality != 'all' and period_end = last_day(period_start)
        and municipality not in (select municipality_no from keeping)
),

months as (
    select municipality, month_start from months_in
    union all
    select 'all', month_start
    from (select distinct month_start from months_in)
    inner join rows_of('register_members') as joined on holds(joined.valid_from, joined.valid_to, last_day(month_start))
    left join months_in using (month_start)
    group by month_start
    having count(distinct joined.municipality_no)
    = count(distinct joined.municipality_no) filter (where months_in.municipality = joined.municipality_no)
),

whole as (
    select months.municipality, spans.period_start, spans.period_end
    from (select distinct period_start, period_end from periods) as spans
    inner join months on month_start between spans.period_start and spans.period_end
    group by all
    having count(*) = date_diff('month', spans.period_start, spans.period_end) + 1
),

stated as (
    select
        figures.*, whole.municipality is not null as is_whole,
        cast(coalesce(f.of, 0) as decimal(18, 2)) as numerator,
        if(f.ratio, cast(coalesce(f.over, 0) as decimal(18, 2)), null) as denominator,
        coalesce(f.known, 0) / nullif(coalesce(f.everything, 0), 0) as coverage
    from figures left join whole using (municipality, period_start, period_end)
    where f.has
)

select
    f.k as kpi_key, f.m as measure, municipality as municipality_no, workshop_org_no, category as category_key,
    class as account_class,
    case
        when f.ratio and denominator <= 0 then 'insufficient'
        when coverage is null then 'insufficient'
        when not is_whole or coverage < 0.9 then 'low_coverage'
        else 'ok'
    end as state,
    numerator,
    denominator,
    cast(case when not f.ratio then numerator when denominator > 0 then round(numerator / denominator, 6) end
        as decimal(24, 6)) as value,
    cast(round(coverage, 6) as decimal(9, 6)) as coverage,
    period_start, period_end
from stated;
