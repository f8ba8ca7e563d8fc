-- What 20 municipalities bought in five years, as parsed: made up, and the same for the same number of invoices. Read with
-- the variables `invoices` (how many), and the tables companies, members, member_org_nos, charts_of_accounts, contracts,
-- contract_members and cpv_codes of the demo consortium. pick(i, salt): a number from 0 to 999 999 that looks like chance.
create or replace macro pick(i, salt) as cast(hash(cast(i as bigint) * 1000 + salt) % 1000000 as bigint);

create temp table slots as
select row_number() over (order by municipality_no, part) - 1 as nr, municipality_no
from (select municipality_no, unnest(range(1 + cast(floor(sqrt(inhabitants) / 10) as bigint))) as part from members);

create temp table suppliers as
select
    row_number() over (order by org_no) - 1 as nr,
    org_no,
    name,
    case pick(cast(org_no as bigint), 1) % 10 when 7 then 15 when 8 then 12 when 9 then 0 else 25 end as vat_rate,
    legal_form in ('AS', 'ASA', 'SA') and count(*) over (partition by regexp_replace(upper(name), ' (AS|ASA|ENK|SA|KF|IKS)$', '')) = 1
        as has_own_name
from companies;

-- Workshops, and suppliers on contracts, sell more than chance would have it; whose name is nobody else's may be known
-- by it alone.
create temp table pools as
select pool, row_number() over (partition by pool order by (nr * 1009) % 7919, org_no) - 1 as place, suppliers.*
from (
    select *, unnest(['any',
        if(org_no in (select org_no from workshops), 'workshop', null),
        if(org_no in (select supplier_org_no from contracts), 'contract', null),
        if(has_own_name and org_no not in (select org_no from workshops), 'own_name', null)]) as pool
    from suppliers
) as suppliers
where pool is not null;
create temp table sizes as select pool, count(*) as size from pools group by all;

create temp table contract_numbers as
select m.municipality_no, c.supplier_org_no as org_no, min(c.contract_id) as contract_reference
from contracts as c inner join contract_members as m on c.contract_id = m.contract_id
group by all;

-- Places in each chart of accounts; one place may have another code in another year (art 270 and its successors).
create temp table accounts as
select
    municipality_no,
    dense_rank() over (
        partition by municipality_no
        order by if(kostra_art in ('270', '271', '272'), '270', local_account)
    ) - 1 as place,
    local_account,
    coalesce(category_key in ('meeting_food', 'gifts'), false) as is_booked_gross,
    valid_from,
    coalesce(valid_to, date '9999-12-31') as valid_to
from (
    select * from charts_of_accounts
    where
        kostra_art not in ('429', '160', '165')
        and (kostra_art not in ('270', '271', '272') or (category_key is null and account_class = 'operating'))
    qualify row_number() over (
        partition by municipality_no, if(kostra_art in ('270', '271', '272'), '270', local_account), valid_from
        order by local_account
    ) = 1
);
create temp table places as select municipality_no, max(place) + 1 as places from accounts group by all;
create temp table vat_accounts as
select municipality_no, min(local_account) as local_account
from charts_of_accounts where kostra_art = '429' and account_class = 'operating' group by all;
create temp table person_accounts as
select municipality_no, min(local_account) as local_account
from charts_of_accounts where kostra_art = '165' group by all;

-- How an invoice comes: by the books and as an e-invoice as a rule. What the members at the end of the list lack, a ledger
-- or e-invoices, none of their invoices has.
create temp table drawn as
select
    i,
    slots.municipality_no,
    case
        when pick(i, 1) % 1000 < 740 then 'one_account'
        when pick(i, 1) % 1000 < 800 then 'line_by_line'
        when pick(i, 1) % 1000 < 820 then 'two_accounts'
        when pick(i, 1) % 1000 < 850 then 'unposted'
        when pick(i, 1) % 1000 < 910 then 'posting_only'
        when pick(i, 1) % 1000 < 930 then 'by_name_only'
        when pick(i, 1) % 1000 < 950 then 'number_and_amount'
        when pick(i, 1) % 1000 < 970 then 'amount_and_date'
        when pick(i, 1) % 1000 < 985 then 'accrual'
        else 'person'
    end as way,
    date '2021-11-01' + cast(pick(i, 2) % 1826 as integer) as invoice_date,
    case
        when pick(i, 1) % 1000 >= 910 and pick(i, 1) % 1000 < 950 then 'own_name'
        when pick(i, 3) % 100 < 4 then 'workshop'
        when pick(i, 3) % 100 < 25 then 'contract'
        else 'any'
    end as pool,
    1 + cast(floor(8 * pow(pick(i, 5) / 1000000, 2)) as bigint) as lines
from range(getvariable('invoices')) as t (i)
inner join slots on pick(i, 6) % (select count(*) from slots) = slots.nr;

create temp table invoices as
select
    drawn.* exclude (way, pool),
    case
        when drawn.municipality_no = '9918'
            then if(drawn.way in ('accrual', 'person', 'by_name_only'), drawn.way, 'posting_only')
        when drawn.municipality_no in ('9919', '9920') then 'no_ledger'
        when drawn.lines = 1 and drawn.way in ('line_by_line', 'two_accounts') then 'one_account'
        else drawn.way
    end as way,
    pools.org_no,
    pools.name,
    pools.vat_rate,
    pools.nr as seller_at,
    'F' || drawn.i as invoice_no,
    pick(pools.nr * 31 + (drawn.i % 5 // 4), 8) as account_at,
    ['120', '130', '202', '211', '221', '222', '253', '254', '261', '273', '332', '381'][1 + pick(drawn.i, 9) % 12]
        as kostra_function,
    pick(drawn.i, 10) % 100 < 4 as is_credited,
    false as is_credit_note,
    substr(md5(drawn.municipality_no || ' ehf ' || strftime(drawn.invoice_date, '%Y-%m')), 1, 16) as ehf_delivery,
    least(drawn.invoice_date + cast(2 + pick(drawn.i, 12) % 25 as integer), date '2026-10-31') as posting_date
from drawn
inner join sizes on drawn.pool = sizes.pool
inner join pools
    on
        drawn.pool = pools.pool
        and cast(floor(sizes.size * pow(pick(drawn.i, 4) / 1000000, 2)) as bigint) = pools.place;

-- A credit note takes back the first line of its invoice, some weeks later.
insert into invoices
select * replace (
    i + getvariable('invoices') as i,
    1 as lines,
    'K' || i as invoice_no,
    true as is_credit_note,
    false as is_credited,
    least(invoice_date + 20, date '2026-10-31') as invoice_date,
    substr(md5(municipality_no || ' ehf ' || strftime(least(invoice_date + 20, date '2026-10-31'), '%Y-%m')), 1, 16)
        as ehf_delivery,
    least(posting_date + 20, date '2026-10-31') as posting_date
)
from invoices
where is_credited and way in ('one_account', 'no_ledger');

create temp table lines as
with

numbered as (
    select
        *,
        unnest(range(1, lines + 1)) as line,
        if(is_credit_note, i - getvariable('invoices'), i) * 16 as line_at
    from invoices
    where way not in ('accrual', 'person')
)

select
    i,
    line,
    cast(
        0.01 * (
            (pick(line_at + line, 20) % 9000 + 1000) * [3, 5, 10, 40, 200][1 + pick(line_at + line, 21) % 5]
            + pick(line_at + line, 22) % 100
        ) as decimal(18, 2)
    ) as amount,
    cast(if(line > 1 and pick(line_at + line, 23) % 20 = 0, 15, vat_rate) as decimal(9, 6)) as vat_rate,
    pick(seller_at * 16 + line % 3, 24) as item_at,
    pick(line_at + line, 25) as chance
from numbered;

create temp table charges as
select invoices.i, cast(100 + pick(invoices.i, 30) % 400 as decimal(18, 2)) as amount, vat_rate
from invoices
where pick(i, 31) % 100 < 3 and not is_credit_note and way in ('one_account', 'no_ledger', 'unposted');

create temp table totals as
select
    i,
    cast(sum(amount) as decimal(18, 2)) as net,
    cast(sum(amount) filter (where is_line) as decimal(18, 2)) as lines_net,
    cast(sum(round(amount * vat_rate / 100, 2)) as decimal(18, 2)) as vat,
    count(*) filter (where is_line) as lines
from (
    select i, amount, vat_rate, true as is_line from lines
    union all
    select i, amount, vat_rate, false as is_line from charges
)
group by i;

-- What is booked: `part` numbers the postings of an invoice, 100 is its VAT.
create temp table postings as
with

booked as (
    select
        invoices.*,
        totals.net,
        totals.vat,
        if(invoices.is_credit_note, -1, 1) as sign,
        places.places,
        posted.is_booked_gross,
        vat_accounts.local_account as vat_account,
        -- One in a hundred is booked some kroner off.
        if(pick(invoices.i, 40) % 100 = 0 and way = 'one_account', 3.5, 0) as off
    from invoices
    inner join totals on invoices.i = totals.i
    inner join places on invoices.municipality_no = places.municipality_no
    inner join accounts as posted
        on
            invoices.municipality_no = posted.municipality_no
            and invoices.account_at % places.places = posted.place
            and invoices.posting_date between posted.valid_from and posted.valid_to
    left join vat_accounts on invoices.municipality_no = vat_accounts.municipality_no
    where invoices.way not in ('unposted', 'no_ledger')
),

parts as (
    select i, 1 as part, account_at, sign * (net + off + if(is_booked_gross, vat, 0)) as amount
    from booked
    where way not in ('line_by_line', 'two_accounts')

    union all

    select booked.i, lines.line as part, account_at + lines.line as account_at, lines.amount
    from booked inner join lines on booked.i = lines.i
    where way = 'line_by_line'

    union all

    select i, unnest([1, 2]) as part, account_at + unnest([0, 1]) as account_at, unnest([200, net - 200]) as amount
    from booked
    where way = 'two_accounts'

    union all

    select i, 100 as part, null as account_at, sign * vat as amount
    from booked
    where
        vat != 0
        and vat_account is not null
        and not (is_booked_gross and way not in ('line_by_line', 'two_accounts'))

    union all

    select i, 1 as part, account_at, cast(0.1 * pick(i, 41) as decimal(18, 2)) as amount
    from invoices where way = 'accrual'

    union all

    select i, 2 as part, account_at, -cast(0.1 * pick(i, 41) as decimal(18, 2)) as amount
    from invoices where way = 'accrual' and pick(i, 42) % 10 > 0 and posting_date < date '2026-10-01'

    union all

    select i, 200 as part, null as account_at, cast(pick(i, 41) % 5000 as decimal(18, 2)) as amount
    from invoices where way = 'person'
),

dated as (
    select
        parts.i,
        parts.part,
        parts.account_at,
        cast(parts.amount as decimal(18, 2)) as amount,
        invoices.* exclude (i, account_at, posting_date),
        if(parts.part = 2 and way = 'accrual', last_day(invoices.posting_date) + 3, invoices.posting_date)
            as posting_date
    from parts inner join invoices on parts.i = invoices.i
    where parts.amount != 0
)

select
    dated.* exclude (account_at),
    case dated.part when 100 then vat_accounts.local_account when 200 then person_accounts.local_account
        else accounts.local_account end as local_account,
    strftime(dated.posting_date, '%Y-%m') as fiscal_period,
    substr(md5(dated.municipality_no || ' ledger ' || strftime(dated.posting_date, '%Y-%m')), 1, 16) as delivery
from dated
inner join places on dated.municipality_no = places.municipality_no
left join accounts
    on
        dated.municipality_no = accounts.municipality_no
        and dated.account_at % places.places = accounts.place
        and dated.posting_date between accounts.valid_from and accounts.valid_to
left join vat_accounts on dated.municipality_no = vat_accounts.municipality_no
left join person_accounts on dated.municipality_no = person_accounts.municipality_no;

-- The parsed tables; columns that are not named stay empty.
create temp view ledger_postings as
select
    municipality_no,
    delivery as _delivery_id,
    md5(delivery) || md5(delivery || ' file') as _file_sha256,
    row_number() over (partition by delivery order by i, part) as _row_no,
    fiscal_period,
    if(part = 200, 'L', 'F') as voucher_type,
    'V' || i as voucher_no,
    cast(part as varchar) as line_no,
    posting_date,
    if(way in ('amount_and_date', 'accrual', 'person') or municipality_no in ('9906', '9912'), null, invoice_date)
        as invoice_date,
    if(way in ('amount_and_date', 'accrual', 'person', 'by_name_only'), null, invoice_no) as invoice_no,
    if(part = 200, 'P' || pick(i, 43) % 300, 'L' || seller_at) as supplier_ledger_code,
    if(
        part = 200,
        ['Kari', 'Ola', 'Anne', 'Per', 'Ingrid'][1 + pick(i, 43) % 5] || ' '
        || ['Nordmann', 'Hansen', 'Olsen', 'Berg', 'Lunde', 'Moen'][1 + pick(i, 44) % 6],
        name
    ) as supplier_name,
    if(part = 200 or way in ('by_name_only', 'number_and_amount'), null, org_no) as supplier_org_no,
    local_account,
    if(part = 100, null, kostra_function) as kostra_function,
    'A' || pick(seller_at, 45) % 60 as cost_centre,
    case
        when way = 'accrual' then if(amount > 0, 'Avsetning påløpt kostnad', 'Tilbakeføring avsetning')
        when part < 100 then 'Varekjøp uke ' || (1 + pick(i, 46) % 52)
    end as posting_text,
    amount,
    'net' as amount_kind,
    'NOK' as currency,
    'ledger' as _source
from postings;

create temp view ehf_invoices as
select
    invoices.municipality_no,
    ehf_delivery as _delivery_id,
    md5(invoices.i || ' a') || md5(invoices.i || ' b') as _file_sha256,
    1 as _row_no,
    1 as document_no,
    if(is_credit_note, '/CreditNote', '/Invoice') as _xpath,
    if(is_credit_note, '381', '380') as document_type,
    is_credit_note,
    invoice_no,
    invoice_date,
    invoice_date + 30 as due_date,
    'NOK' as currency,
    invoices.org_no as seller_org_no,
    name as seller_name,
    'NO' as seller_country,
    if(pick(invoices.i, 50) % 10 < 3, 'PO' || pick(invoices.i, 51), null) as order_reference,
    if(pick(invoices.i, 52) % 10 < 6, contract_numbers.contract_reference, null) as contract_reference,
    if(is_credit_note, 'F' || (invoices.i - getvariable('invoices')), null) as billed_invoice_no,
    lines_net as line_extension_amount,
    net as tax_exclusive_amount,
    vat as tax_amount,
    net + vat as tax_inclusive_amount,
    net + vat as payable_amount,
    totals.lines as line_count,
    lines_net as line_extension_total
from invoices
inner join totals on invoices.i = totals.i
left join contract_numbers
    on
        invoices.municipality_no = contract_numbers.municipality_no
        and invoices.org_no = contract_numbers.org_no
where way not in ('posting_only', 'by_name_only', 'accrual', 'person');

create temp view ehf_documents as
select i, municipality_no, ehf_delivery as _delivery_id, md5(i || ' a') || md5(i || ' b') as _file_sha256,
    1 as document_no, is_credit_note
from invoices
where way not in ('posting_only', 'by_name_only', 'accrual', 'person');

create temp view ehf_invoice_lines as
select
    ehf_documents.* exclude (i, is_credit_note),
    line as _row_no,
    if(is_credit_note, '/CreditNote/CreditNoteLine[', '/Invoice/InvoiceLine[') || line || ']' as _xpath,
    cast(line as varchar) as line_no,
    ['Kaffe', 'Brød', 'Renhold', 'Papir', 'Maling', 'Brøyting', 'Bord', 'Stol', 'Kurs', 'Lisens', 'Timer', 'Reservedel'][
        1 + item_at % 12] || ' ' || item_at % 250 as item_name,
    case when item_at % 10 < 6 then cpv_codes.cpv_code end as cpv_code,
    case when item_at % 10 = 6 then ['82121500', '91111500', '43211500', '76111501'][1 + item_at % 4] end as unspsc_code,
    cast(1 as decimal(24, 8)) as quantity,
    amount as price_amount,
    amount as line_extension_amount,
    'S' as vat_category,
    vat_rate
from lines
inner join ehf_documents on lines.i = ehf_documents.i
inner join cpv_codes on lines.item_at % (select count(*) from cpv_codes) = cpv_codes.nr;

create temp view ehf_allowance_charges as
select ehf_documents.* exclude (i, is_credit_note), 1 as _row_no, '/Invoice/AllowanceCharge[1]' as _xpath,
    'document' as level, 0 as line_row_no, true as is_charge, amount, vat_rate
from charges inner join ehf_documents on charges.i = ehf_documents.i;

create temp view ehf_tax_subtotals as
select
    ehf_documents.* exclude (i, is_credit_note),
    row_number() over (partition by ehf_documents.i order by vat_rate) as _row_no,
    'NOK' as currency,
    'S' as vat_category,
    taxable_amount,
    tax_amount,
    vat_rate
from (
    select
        i,
        vat_rate,
        cast(sum(amount) as decimal(18, 2)) as taxable_amount,
        cast(sum(round(amount * vat_rate / 100, 2)) as decimal(18, 2)) as tax_amount
    from (select i, amount, vat_rate from lines union all select i, amount, vat_rate from charges)
    group by i, vat_rate
) as amounts
inner join ehf_documents on amounts.i = ehf_documents.i;

create temp view ehf_billing_references as
select ehf_documents.* exclude (i, is_credit_note), 1 as _row_no, 'F' || (i - getvariable('invoices')) as billed_invoice_no,
    cast(null as date) as billed_invoice_date
from ehf_documents where is_credit_note;

create temp view ehf_item_classifications as
select
    ehf_invoice_lines.municipality_no,
    _delivery_id,
    _file_sha256,
    document_no,
    row_number() over (partition by _file_sha256 order by _row_no) as _row_no,
    _row_no as line_row_no,
    if(cpv_code is null, 'TST', 'STI') as list_id,
    coalesce(cpv_code, unspsc_code) as class_code
from ehf_invoice_lines
where cpv_code is not null or unspsc_code is not null;

create temp view document_states as
select municipality_no, _delivery_id, _file_sha256, document_no, 'accepted' as state from ehf_documents;

create temp table delivered as
select municipality_no, 'ledger' as source, delivery as _delivery_id, fiscal_period, fiscal_period as month, count(*) as rows
from postings group by all
union all
select municipality_no, 'ehf' as source, ehf_delivery as _delivery_id, 'all' as fiscal_period,
    strftime(invoice_date, '%Y-%m') as month, count(*) as rows
from invoices
where way not in ('posting_only', 'by_name_only', 'accrual', 'person')
group by all;

create temp view delivery_periods as
select municipality_no, source, source as source_name, _delivery_id, fiscal_period, rows, 'accepted' as state,
    row_number() over (partition by municipality_no, source order by month) as sequence
from delivered;

create temp view outcomes as
select municipality_no, source, source as source_name, _delivery_id, unnest(['landed', 'parsed']) as step, 'ok' as outcome,
    row_number() over (partition by municipality_no, source order by month) as sequence, 1 as files,
    unnest([null, rows]) as rows_in, unnest([null, rows]) as rows_out, unnest([null, 0]) as rejects,
    unnest([null, 0]) as issues, unnest([null, month]) as covered_from, unnest([null, month]) as covered_to, '' as message,
    timezone('UTC', cast(last_day(cast(month || '-01' as date)) + 12 as timestamp)) as received_at
from delivered;
