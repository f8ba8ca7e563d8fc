"""What the parsed tables are: the authority for their names, columns and types.

Belongs here: every table that lies under ``parsed/`` and that dbt reads as a source. Not here: how a format is read
(ehf.py, ledger.py, notices.py, brreg.py), registers (registers.py at the root: parsed registers have exactly those
columns plus LINEAGE).

Amounts stand as the document states them (credit notes positive); the sign is given in staging. Every table carries
``municipality_no`` (``_consortium`` for joint deliveries), ``_delivery_id`` and ``_file_sha256``: with ``_row_no`` or
``_xpath`` any row can be followed to the bytes it came from.
"""

from __future__ import annotations

from pipelines.tables import Column, Table

LINEAGE = (
    Column("_delivery_id", "text", "The delivery that the row came in."),
    Column("_file_sha256", "text", "SHA-256 of the file that the row came in."),
    Column("_row_no", "integer", "Row in the file, 1-based; for EHF lines the line's position in the document."),
    Column("_xpath", "text", "Where in the XML document the row stands; null for tabular files."),
)
_MUNICIPALITY = Column("municipality_no", "text", "The member that delivered; _consortium for joint deliveries.")


def _parsed(name: str, description: str, key: tuple[str, ...], *columns: Column) -> Table:
    return Table(name, description, (_MUNICIPALITY, *columns, *LINEAGE), key)


EHF_INVOICES = _parsed(
    "ehf_invoices",
    "One row per e-invoice or credit note, header facts.",
    ("municipality_no", "_delivery_id", "_file_sha256", "document_no"),
    Column("document_no", "integer", "Position of the document in its file, from 1 (an SBDH file holds one)."),
    Column("customization_id", "text", "BT-24, the specification the document follows."),
    Column("profile_id", "text", "BT-23, the business process."),
    Column("document_type", "text", "BT-3, the numeric type code (380 invoice, 381 credit note, …)."),
    Column("is_credit_note", "boolean", "The document's root is CreditNote."),
    Column("invoice_no", "text", "BT-1."),
    Column("invoice_date", "date", "BT-2, issue date."),
    Column("due_date", "date", "BT-9."),
    Column("tax_point_date", "date", "BT-7, where VAT falls due on another day than the issue date."),
    Column("currency", "text", "BT-5, document currency."),
    Column("tax_currency", "text", "BT-6, accounting currency, if another."),
    Column(
        "seller_org_no",
        "text",
        "BT-30, digits only; else from the VAT number (BT-31), BT-29 or endpoint (BT-34); null where all hold a name.",
    ),
    Column("seller_name", "text", "BT-27, registered name, else trading name."),
    Column("seller_country", "text", "BT-40, two letters."),
    Column("seller_vat_no", "text", "BT-31, compact; a Norwegian one says that the seller is registered for VAT."),
    Column("payee_org_no", "text", "BT-61, payee where it is not the seller."),
    Column("payee_name", "text", "BT-59."),
    Column("buyer_org_no", "text", "BT-47, digits only; else from VAT number or endpoint."),
    Column("buyer_name", "text", "BT-44."),
    Column("buyer_reference", "text", "BT-10 (EHF 2: the buyer contact's ID); NA reads as null."),
    Column("order_reference", "text", "BT-13; NA reads as null."),
    Column("sales_order_reference", "text", "BT-14; NA reads as null."),
    Column("contract_reference", "text", "BT-12; NA reads as null."),
    Column("tender_reference", "text", "BT-17; NA reads as null."),
    Column("project_reference", "text", "BT-11; NA reads as null."),
    Column("receipt_reference", "text", "BT-15; NA reads as null."),
    Column("despatch_reference", "text", "BT-16; NA reads as null."),
    Column("accounting_cost", "text", "BT-19, the buyer's posting string for the whole document."),
    Column("period_start", "date", "BT-73."),
    Column("period_end", "date", "BT-74."),
    Column("delivery_date", "date", "BT-72."),
    Column("delivery_location_gln", "text", "BT-71 where it is a GLN; addresses are never read."),
    Column("billed_invoice_no", "text", "BT-25 of the first billing reference; all stand in ehf_billing_references."),
    Column("billed_invoice_date", "date", "BT-26 of the first billing reference."),
    Column("line_extension_amount", "money", "BT-106, as stated."),
    Column("allowance_total_amount", "money", "BT-107, as stated."),
    Column("charge_total_amount", "money", "BT-108, as stated."),
    Column("tax_exclusive_amount", "money", "BT-109, as stated."),
    Column("tax_amount", "money", "BT-110, in the document currency."),
    Column("tax_amount_accounting", "money", "BT-111, in the accounting currency, if stated."),
    Column("tax_inclusive_amount", "money", "BT-112, as stated."),
    Column("prepaid_amount", "money", "BT-113."),
    Column("rounding_amount", "money", "BT-114."),
    Column("payable_amount", "money", "BT-115, as stated."),
    Column("line_count", "integer", "Lines in the document."),
    Column("line_extension_total", "money", "Sum of the lines' BT-131, computed."),
)

EHF_INVOICE_LINES = _parsed(
    "ehf_invoice_lines",
    "One row per line of an e-invoice or credit note; _row_no is the line's position.",
    ("municipality_no", "_delivery_id", "_file_sha256", "document_no", "_row_no"),
    Column("document_no", "integer", "As in ehf_invoices."),
    Column("line_no", "text", "BT-126, as stated."),
    Column("item_name", "text", "BT-153."),
    Column("item_description", "text", "BT-154."),
    Column("seller_item_no", "text", "BT-155."),
    Column("buyer_item_no", "text", "BT-156."),
    Column("standard_item_no", "text", "BT-157, such as a GTIN."),
    Column("standard_item_scheme", "text", "Scheme of BT-157; 0160 is GTIN."),
    Column("origin_country", "text", "BT-159, two letters."),
    Column("cpv_code", "text", "The first BT-158 with list STI (EHF 2: CPV), eight digits."),
    Column("cpv_list_version", "text", "Version of the list that cpv_code is from, where stated."),
    Column("unspsc_code", "text", "The first BT-158 with list TST (EHF 2: UNSPSC)."),
    Column("unspsc_list_version", "text", "Version of the list that unspsc_code is from, where stated."),
    Column("quantity", "quantity", "BT-129."),
    Column("unit_code", "text", "BT-130."),
    Column("price_amount", "quantity", "BT-146, net price."),
    Column("base_quantity", "quantity", "BT-149."),
    Column("base_quantity_unit_code", "text", "BT-150."),
    Column("gross_price_amount", "quantity", "BT-148, the price before its discount."),
    Column("price_discount_amount", "quantity", "BT-147; already inside price_amount."),
    Column("line_extension_amount", "money", "BT-131: net, after the line's own allowances and charges."),
    Column(
        "vat_category", "text", "BT-151; of EHF 2's list H, AA and R read as S (the rate tells them apart), K as AE."
    ),
    Column("vat_rate", "fraction", "BT-152, percent."),
    Column("accounting_cost", "text", "BT-133, the buyer's posting string for the line."),
    Column("order_line_reference", "text", "BT-132; NA reads as null."),
    Column("order_reference", "text", "The line's own order, which EHF 2 allows; NA reads as null."),
    Column("period_start", "date", "BT-134."),
    Column("period_end", "date", "BT-135."),
    Column("delivery_date", "date", "The line's own delivery date, which EHF 2 allows."),
)

EHF_ALLOWANCE_CHARGES = _parsed(
    "ehf_allowance_charges",
    "Allowances and charges; _row_no is the position within the document, level by level.",
    ("municipality_no", "_delivery_id", "_file_sha256", "document_no", "level", "line_row_no", "_row_no"),
    Column("document_no", "integer", "As in ehf_invoices."),
    Column("level", "text", "document or line; a line's are already inside its line_extension_amount."),
    Column("line_row_no", "integer", "The line's _row_no; 0 at document level."),
    Column("is_charge", "boolean", "True for a charge, false for an allowance."),
    Column("amount", "money", "BT-92/99/136/141, as stated."),
    Column("base_amount", "money", "BT-93/100/137/142."),
    Column("percentage", "fraction", "BT-94/101/138/143, percent; EHF 2 states a fraction."),
    Column("reason", "text", "BT-97/104/139/144."),
    Column("reason_code", "text", "BT-98/105/140/145."),
    Column("vat_category", "text", "BT-95/102; null on lines."),
    Column("vat_rate", "fraction", "BT-96/103, percent; null on lines."),
)

EHF_TAX_SUBTOTALS = _parsed(
    "ehf_tax_subtotals",
    "The VAT breakdown of an e-invoice: one row per category and rate.",
    ("municipality_no", "_delivery_id", "_file_sha256", "document_no", "_row_no"),
    Column("document_no", "integer", "As in ehf_invoices."),
    Column("currency", "text", "Currency of the amounts, as stated."),
    Column("taxable_amount", "money", "BT-116, as stated."),
    Column("tax_amount", "money", "BT-117, as stated."),
    Column("vat_category", "text", "BT-118; EHF 2's list as in ehf_invoice_lines."),
    Column("vat_rate", "fraction", "BT-119, percent."),
    Column("exemption_reason_code", "text", "BT-121."),
)

EHF_BILLING_REFERENCES = _parsed(
    "ehf_billing_references",
    "What an e-invoice or credit note is about: one row per earlier document that it names.",
    ("municipality_no", "_delivery_id", "_file_sha256", "document_no", "_row_no"),
    Column("document_no", "integer", "As in ehf_invoices."),
    Column("billed_invoice_no", "text", "BT-25; NA reads as null."),
    Column("billed_invoice_date", "date", "BT-26."),
)

EHF_ITEM_CLASSIFICATIONS = _parsed(
    "ehf_item_classifications",
    "Class codes of the lines' items, all of them, as stated.",
    ("municipality_no", "_delivery_id", "_file_sha256", "document_no", "_row_no"),
    Column("document_no", "integer", "As in ehf_invoices."),
    Column("line_row_no", "integer", "The line's _row_no."),
    Column("list_id", "text", "STI (CPV), TST (UNSPSC) or another list; EHF 2's CPV and UNSPSC read as these."),
    Column("list_version", "text", "Version of the list, where stated."),
    Column("class_code", "text", "BT-158."),
)

LEDGER_POSTINGS = _parsed(
    "ledger_postings",
    "One row per posting of a supplier ledger, as the ledger states it.",
    ("municipality_no", "_delivery_id", "_file_sha256", "_row_no"),
    Column("fiscal_period", "text", "YYYY-MM of the posting; 13 is year-end. Supersession works by this."),
    Column("voucher_type", "text", "Voucher type (bilagsart)."),
    Column("voucher_no", "text", "Voucher number (bilagsnummer)."),
    Column("line_no", "text", "Line within the voucher, where the layout has one."),
    Column("posting_date", "date", "Date of the voucher in the books."),
    Column("invoice_date", "date", "The supplier's own invoice date, where the layout has it."),
    Column("due_date", "date", "Due date."),
    Column("invoice_no", "text", "The supplier's invoice number, where the layout has it."),
    Column("supplier_ledger_code", "text", "The member's own code of the supplier (reskontronummer)."),
    Column("supplier_name", "text", "As in the ledger."),
    Column("supplier_org_no", "text", "As in the ledger; spaces, NO and MVA taken off; not checked."),
    Column("local_account", "text", "The member's own account code; the text where the layout has no code."),
    Column("local_account_text", "text", "The account's name."),
    Column("kostra_function", "text", "Function code, where the layout has one."),
    Column("kostra_function_text", "text", "Function's name."),
    Column("cost_centre", "text", "Responsibility (ansvar)."),
    Column("project_code", "text", "Project."),
    Column("vat_code", "text", "The ledger's own VAT code."),
    Column("contract_reference", "text", "Contract number, where the layout has one."),
    Column("posting_text", "text", "Free text of the posting."),
    Column("amount", "money", "As stated after the profile's number style and sign: expenses positive."),
    Column("amount_kind", "text", "net or gross, by the profile."),
    Column("currency", "text", "Currency of the amount; NOK unless the layout says otherwise."),
    Column("source_document_no", "text", "Number of the document behind the line (SAF-T)."),
    Column("foreign_currency", "text", "The currency of the document, where it is another (SAF-T)."),
    Column("foreign_amount", "money", "The amount in that currency, expenses positive."),
    Column("_source", "text", "ledger or saft."),
)

_PROJECT = (
    Column("title", "text", "BT-21 in the notice's language, else in Norwegian, else the first."),
    Column("contract_nature", "text", "BT-23: works, supplies or services."),
    Column("main_cpv_code", "text", "BT-262, eight digits."),
    Column("additional_cpv_codes", "text", "BT-263, eight digits each, sorted, joined by commas."),
    Column("estimated_amount", "money", "BT-27, estimated value without VAT, as stated."),
    Column("estimated_currency", "text", "Currency of estimated_amount."),
    Column("framework_maximum_amount", "money", "BT-271, most that may be bought under the framework, as stated."),
    Column("framework_maximum_currency", "text", "Currency of framework_maximum_amount."),
    Column("contract_start_date", "date", "BT-536."),
    Column("contract_end_date", "date", "BT-537."),
    Column("duration", "quantity", "BT-36, in duration_unit."),
    Column("duration_unit", "text", "DAY, WEEK, MONTH or YEAR."),
    Column("duration_code", "text", "BT-538: UNLIMITED or UNKNOWN, where no duration is stated."),
    Column("renewals", "integer", "BT-58, how often the contract may be renewed."),
)

NOTICES = _parsed(
    "notices",
    "One row per notice and lot (planning notices: part; lot_id '' where there is neither); procedure_ columns hold "
    "what the notice says of the procedure as a whole.",
    ("municipality_no", "_delivery_id", "_file_sha256", "_row_no"),
    Column("notice_id", "text", "BT-701, identifier of the notice."),
    Column("version", "text", "BT-757, version of the notice, such as 01; '' where none is stated."),
    Column("notice_kind", "text", "Name of the document's root, such as ContractNotice."),
    Column("subtype", "text", "OPP-070: 1–40, E1–E6, CEI, …"),
    Column("notice_type", "text", "BT-02, such as cn-standard."),
    Column("form_type", "text", "BT-03: planning, competition, result, …"),
    Column("language", "text", "BT-702, three letters."),
    Column("issue_date", "date", "BT-05, sent by the buyer."),
    Column("publication_no", "text", "OPP-010, number under which it was published."),
    Column("publication_date", "date", "OPP-012."),
    Column("changed_notice", "text", "BT-758, identifier and version of the notice that this one changes."),
    Column("change_reason", "text", "BT-140: cancel takes the changed notice back."),
    Column("procedure_id", "text", "BT-04, what all notices of one procedure share."),
    Column("procedure_type", "text", "BT-105: open, restricted, neg-w-call, …"),
    Column("legal_basis", "text", "BT-01, the directive, or other."),
    Column("legal_references", "text", "BT-01, the laws named, sorted, joined by commas."),
    Column("result_amount", "money", "BT-161, value of all contracts awarded in this notice, as stated."),
    Column("result_currency", "text", "Currency of result_amount."),
    *(Column(f"procedure_{column.name}", column.type, f"Procedure: {column.description}") for column in _PROJECT),
    Column("lot_id", "text", "BT-137, such as LOT-0001 or PAR-0000; '' where the notice has none."),
    Column("lot_kind", "text", "Lot, or Part of a planned procedure; null where the notice has none."),
    *_PROJECT,
    Column("reserved_participation", "text", "BT-71: none, res-ws, res-pub-ser; several are joined by commas."),
    Column("reserved_execution", "text", "BT-736: yes, no or not-known."),
    Column("strategic_procurement", "text", "BT-06: none, env-imp, inn-pur, soc-obj, sorted, joined by commas."),
    Column("social_objective", "text", "BT-775: opp, et-eq, acc-all, …, sorted, joined by commas."),
    Column("framework", "text", "BT-765: none, fa-wo-rc, fa-w-rc or fa-mix."),
    Column("dynamic_purchasing_system", "text", "BT-766: none, dps-list or dps-nlist."),
    Column("submission_deadline_date", "date", "BT-131, last day for tenders, as stated."),
    Column("submission_deadline_at", "timestamp", "BT-131 as a moment, where time and zone are stated."),
    Column("participation_deadline_date", "date", "BT-1311, last day for requests to participate."),
    Column("participation_deadline_at", "timestamp", "BT-1311 as a moment."),
    Column("interest_deadline_date", "date", "BT-630, last day for expressions of interest."),
    Column("interest_deadline_at", "timestamp", "BT-630 as a moment."),
    Column("winner_selection_status", "text", "BT-142: selec-w, clos-nw or open-nw, in award notices."),
)

NOTICE_BUYERS = _parsed(
    "notice_buyers",
    "One row per buyer of a notice; its contact is not kept.",
    ("municipality_no", "_delivery_id", "_file_sha256", "buyer_no"),
    Column("notice_id", "text", "BT-701."),
    Column("version", "text", "BT-757."),
    Column("buyer_no", "integer", "Position of the buyer in the notice, from 1."),
    Column("party_id", "text", "OPT-300, reference within the notice, such as ORG-0001."),
    Column("org_no", "text", "BT-501, a Norwegian number first; digits only where it is one."),
    Column("other_org_nos", "text", "Further BT-501, joined by commas."),
    Column("name", "text", "BT-500 in the notice's language; null where the buyer is marked as a person."),
    Column("country", "text", "BT-514; NO for Norway, else as stated (three letters)."),
    Column("is_group_lead", "boolean", "BT-770, leads a joint procurement; null where the notice does not say."),
    Column("legal_type", "text", "BT-11, such as body-pl-la."),
)

_BALANCES = tuple(
    Column(f"{moment}_{side}_amount", "money", f"{moment.capitalize()} balance, {side}, as stated.")
    for moment in ("opening", "closing")
    for side in ("debit", "credit")
)

SAFT_SUPPLIERS = _parsed(
    "saft_suppliers",
    "One row per supplier in the master file of a SAF-T file; no contacts, addresses or bank accounts.",
    ("municipality_no", "_delivery_id", "_file_sha256", "supplier_ledger_code"),
    Column("supplier_ledger_code", "text", "SupplierID: the member's own code of the supplier."),
    Column("supplier_name", "text", "As in the file."),
    Column(
        "supplier_org_no", "text", "As in the file; spaces, NO and MVA taken off; not checked, never eleven digits."
    ),
    Column("supplier_country", "text", "Country of the first address, two letters."),
    Column("balance_account", "text", "The first general ledger account that the balances stand on."),
    *_BALANCES,
)

SAFT_ACCOUNTS = _parsed(
    "saft_accounts",
    "One row per general ledger account of a SAF-T file.",
    ("municipality_no", "_delivery_id", "_file_sha256", "local_account"),
    Column("local_account", "text", "AccountID: the member's own account code."),
    Column("local_account_text", "text", "The account's name."),
    Column("standard_account", "text", "StandardAccountID: account of the standard chart NS 4102, two or four digits."),
    Column("grouping_category", "text", "Which list the grouping code is of (KA_K: KOSTRA arts of municipalities)."),
    Column("grouping_code", "text", "Code in that list."),
    *_BALANCES,
)

SAFT_TAXES = _parsed(
    "saft_taxes",
    "One row per tax information of a SAF-T posting; _row_no is the posting's.",
    ("municipality_no", "_delivery_id", "_file_sha256", "_row_no", "tax_no"),
    Column("tax_no", "integer", "Position among the tax informations of the posting, from 1."),
    Column("tax_type", "text", "Such as MVA."),
    Column("tax_code", "text", "The system's own tax code."),
    Column("standard_tax_code", "text", "The standard code behind it, by the file's tax table."),
    Column("tax_percentage", "fraction", "Rate, percent."),
    Column("tax_base", "quantity", "What the tax is computed on: an amount, or a quantity."),
    Column("tax_amount", "money", "Tax; where the file states a side (1.20, 1.30) debit positive, credit negative."),
)

COMPANIES = _parsed(
    "companies",
    "One row per unit of the company register (Brreg) and delivery.",
    ("_delivery_id", "org_no"),
    Column("org_no", "text", "Organisation number."),
    Column("name", "text", "Registered name."),
    Column("legal_form", "text", "Legal form code (AS, ENK, IKS, KOMM, …)."),
    Column("registered_on", "date", "Registered in the register."),
    Column("deleted_on", "date", "Deleted from the register."),
    Column("is_bankrupt", "boolean", "Under bankruptcy."),
    Column("is_vat_registered", "boolean", "In the VAT register."),
    Column("business_municipality_no", "text", "Municipality of the business address."),
    Column("nace_code", "text", "First industry code."),
    Column("sector_code", "text", "Institutional sector code."),
    Column("employees", "integer", "Employees, if stated."),
    Column("parent_org_no", "text", "Unit above: of a sub-unit its enterprise, of a department its organisation."),
    Column("closed_on", "date", "Sub-unit closed down; it may still be registered."),
    Column("is_sub_unit", "boolean", "A sub-unit (underenhet), where work is done; else an enterprise or department."),
)

REJECTS = _parsed(
    "rejects",
    "One row per document or row that was refused (severity reject) or remarked on (severity issue).",
    (),
    Column("source", "text", "Source kind."),
    Column("severity", "text", "reject: not in the parsed tables; issue: it is, but something is wrong with it."),
    Column("rule", "text", "Rule id (expectations/rules/<ID>.md)."),
    Column("file_name", "text", "Name under which the file was handed in; what gives a person away in it is masked."),
    Column("column_name", "text", "Column, for tabular files."),
    Column("raw", "text", "The offending raw value, masked."),
    Column(
        "amount", "money", "What was refused, NOK without VAT, credit notes negative; null where it cannot be read."
    ),
    Column("stated_month", "text", "Month (YYYY-MM) that the refused row or document states."),
    Column("message", "text", "What is wrong and what to do."),
)

OUTCOMES = Table(
    "outcomes",
    "One row per delivery and step: what came in, what came out, what was refused.",
    (
        _MUNICIPALITY,
        Column("source", "text", "Source kind."),
        Column("source_name", "text", "The source's name in consortium.yaml."),
        Column("_delivery_id", "text", "The delivery."),
        Column("sequence", "integer", "Order of receipt within the owner and source."),
        Column("step", "text", "landed, parsed or settled."),
        Column("outcome", "text", "ok, empty, duplicate, held, withdrawn, refused or failed."),
        Column("rule", "text", "Rule id behind duplicate, held, refused and failed."),
        Column("files", "integer", "Files in the delivery."),
        Column("rows_in", "integer", "Documents (EHF, notices), data rows (ledger) or units (brreg) read."),
        Column("rows_out", "integer", "Of these, how many went on."),
        Column("rejects", "integer", "Of these, how many were refused; rows_in = rows_out + rejects."),
        Column("issues", "integer", "Remarks on rows that went on."),
        Column("covered_from", "text", "First month (YYYY-MM) that the delivery has rows for."),
        Column("covered_to", "text", "Last month (YYYY-MM) that the delivery has rows for."),
        Column("message", "text", "What happened and what to do; empty when ok."),
        Column("received_at", "timestamp", "When the delivery was received."),
    ),
    ("municipality_no", "source_name", "_delivery_id", "sequence", "step"),
)

DELIVERY_PERIODS = Table(
    "delivery_periods",
    "One row per delivery and fiscal period (ledgers) or delivery (other sources, period 'all'): its state.",
    (
        _MUNICIPALITY,
        Column("source", "text", "Source kind."),
        Column("source_name", "text", "The source's name."),
        Column("_delivery_id", "text", "The delivery."),
        Column("sequence", "integer", "Order of receipt."),
        Column("fiscal_period", "text", "YYYY-MM, or 'all'."),
        Column("rows", "integer", "Rows of the delivery in the period."),
        Column("state", "text", "accepted, held, superseded or withdrawn."),
        Column("superseded_by", "text", "The delivery that took its place."),
        Column("reason", "text", "Why it is held or withdrawn."),
    ),
    ("municipality_no", "source_name", "_delivery_id", "fiscal_period"),
)

DOCUMENT_STATES = Table(
    "document_states",
    "One row per parsed e-invoice document: whether it counts.",
    (
        _MUNICIPALITY,
        Column("_delivery_id", "text", "The delivery."),
        Column("_file_sha256", "text", "The file."),
        Column("document_no", "integer", "The document's position in the file."),
        Column(
            "state",
            "text",
            "accepted, duplicate (same key, same facts), held (same key, other facts; or it counts at the host), "
            "superseded or withdrawn.",
        ),
        Column("first_delivery_id", "text", "The delivery that first brought the key."),
        Column("first_file_sha256", "text", "The file that first brought the key."),
    ),
    ("municipality_no", "_delivery_id", "_file_sha256", "document_no"),
)

# Proposals are not data: the warehouse does not read them, a person does. So they are in none of the lists below.
PROPOSED_ROWS = _parsed(
    "proposed_rows",
    "One row per row that an owner proposes for a register, as a form or an export states it; it has no effect.",
    (),
    Column("register", "text", "The register that the row is for."),
    Column("fields", "text", "The row as the register's file would state it: JSON, text by column."),
    Column("file_name", "text", "Name under which the file was handed in."),
    Column("prefilled", "text", "Day and digest of the rows that the form was filled with; null for exports."),
)

EHF_TABLES = (
    EHF_INVOICES,
    EHF_INVOICE_LINES,
    EHF_ALLOWANCE_CHARGES,
    EHF_TAX_SUBTOTALS,
    EHF_BILLING_REFERENCES,
    EHF_ITEM_CLASSIFICATIONS,
)

# What a parser writes, by delivery; and what settling writes, by municipality.
DELIVERED_TABLES = (
    *EHF_TABLES,
    LEDGER_POSTINGS,
    NOTICES,
    NOTICE_BUYERS,
    SAFT_SUPPLIERS,
    SAFT_ACCOUNTS,
    SAFT_TAXES,
    COMPANIES,
    REJECTS,
    OUTCOMES,
)
SETTLED_TABLES = (DELIVERY_PERIODS, DOCUMENT_STATES)
TABLES = {table.name: table for table in (*DELIVERED_TABLES, *SETTLED_TABLES)}
