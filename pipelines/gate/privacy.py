"""PV01–PV06: nobody is named who must not be, and no personal data slips through.

Belongs here: holding the candidate's cells against the scanner and against the payees in the warehouse. Not here: the
patterns (the root's scanner.py), masking (candidates/).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from pipelines.gate.case import Case, examples_of
from pipelines.gate.rules import Finding
from pipelines.mask import mask, mask_file_name
from pipelines.scanner import PERSONAL_NUMBER, find_contacts, find_personal_numbers, fold

MASKED_NAME = "(skjermet)"
# As the scanner knows them: a column of a hundred thousand ids is told from texts at once.
_LONG = 1_000_000_000
_DIGEST = "^(?:[0-9a-f]{16}|[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64})$"
# What leads to a payee: its name, its number, and the ledger's own code, which may be a personal number.
_PAYEE = "municipality_extract.supplier_name, org_no, supplier_ledger_code"
# What ledgers and invoices hold as free text; none of it is in a product contract.
_DELIVERED_TEXTS = frozenset(
    {"posting_text", "item_name", "item_description", "buyer_reference", "note", "description", "comment", "reason"}
)


def texts(case: Case) -> Iterator[tuple[str, bool, str]]:
    """Give (place, is free text, text) for every distinct text of the candidate but digests, in whatever file."""
    import pyarrow as pa

    for table, rows in case.files.tables.items():
        free = case.suite.tables[table].free_text
        known = case.suite.tables[table].columns
        for name, column in zip(rows.column_names, rows.columns, strict=True):
            yield f"{table}, header", True, name
            if (
                pa.types.is_decimal(column.type)
                or pa.types.is_floating(column.type)
                or pa.types.is_temporal(column.type)
            ):
                continue
            # A column that nobody agreed on is read as strictly as free text.
            is_free = name in free or name not in known
            for value in _without_digests(column.unique()).to_pylist():
                if value is not None:
                    yield f"{table}.{name}", is_free, str(value)
    yield from ((mask_file_name(name), True, text) for name, held in case.files.other_texts.items() for text in held)
    yield from (("datapackage.json", True, text) for text in _strings(case.files.package))


def _without_digests(values: Any) -> Any:
    """Return values without those that are, whole, a hexadecimal digest: the scanner reads nothing in them."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not pa.types.is_string(values.type):
        return values
    is_digest = pc.and_(pc.match_substring_regex(values, _DIGEST), pc.match_substring_regex(values, "[a-f]"))
    return values.filter(pc.invert(pc.fill_null(is_digest, False)))


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, held in value.items():
            yield str(name)
            yield from _strings(held)
    elif isinstance(value, list):
        for held in value:
            yield from _strings(held)
    elif isinstance(value, int | float) and abs(value) >= _LONG:
        # As it reads, and with the zero that a number cannot begin with; shorter ones are sizes and counts.
        yield from (f"{value:.0f}", f"0{value:.0f}")


def _scan(case: Case, find: Callable[[bool, str], list[str]]) -> Finding:
    applied = 0
    hits: dict[str, set[str]] = {}
    kinds: set[str] = set()
    for place, is_free, text in texts(case):
        applied += 1
        found = find(is_free, text)
        if found:
            hits.setdefault(place, set()).add(mask(text))
            kinds.update(found)
    if not applied:
        return Finding(0, reason="The candidate holds no text.")
    count = sum(len(values) for values in hits.values())
    examples = examples_of([(place, value) for place, values in hits.items() for value in values])
    reason = f"{count} distinct texts hold a {' or a '.join(sorted(kinds))}." if hits else ""
    return Finding(applied, count, reason, examples, ", ".join(sorted(hits)))


def personal_numbers(case: Case) -> Finding:
    """PV01: return the texts that hold what could be a personal number."""
    return _scan(case, lambda _, text: [PERSONAL_NUMBER] if find_personal_numbers(text) else [])


def contacts(case: Case) -> Finding:
    """PV02: return the texts that hold an e-mail address, a telephone number or a bank account."""
    return _scan(case, lambda is_free, text: find_contacts(text, is_free_text=is_free))


_EXTRACT_ROWS = """
    select
        rows.purchase_line_id,
        coalesce(rows.supplier_name, '') not in ('', $masked)
            or rows.org_no is not null
            or rows.supplier_ledger_code is not null as is_named,
        coalesce(purchases.payee_kind, 'unknown') as payee_kind,
        purchases.kostra_function,
        purchases.municipality_no
    from candidate_municipality_extract as rows
    left join fct_purchases as purchases using (purchase_line_id)
"""


def persons_in_extract(case: Case) -> Finding:
    """PV03, own extract: return the rows of a person, or of a payee nobody knows, that name their payee."""
    applied, failed = case.ask_one(
        f"select count(*), count(*) filter (is_named) from ({_EXTRACT_ROWS})"  # noqa: S608
        " where payee_kind in ('natural_person', 'unknown')",
        masked=MASKED_NAME,
    )
    if not applied:
        return Finding(0, reason="No row has a natural person or an unknown payee.")
    named = case.ask(
        f"select purchase_line_id from ({_EXTRACT_ROWS}) where is_named"  # noqa: S608
        " and payee_kind in ('natural_person', 'unknown') order by 1 limit 20",
        masked=MASKED_NAME,
    )
    reason = f"{failed} rows name a natural person or an unknown payee." if failed else f"{applied} rows are masked."
    return Finding(applied, failed, reason, examples_of(named), _PAYEE)


def sole_proprietors_in_extract(case: Case) -> Finding:
    """PV04, own extract: return the sole proprietors' rows that are another tenant's; its own it may see named."""
    rows = case.ask(
        f"select purchase_line_id, municipality_no is distinct from $recipient from ({_EXTRACT_ROWS})"  # noqa: S608
        " where payee_kind = 'sole_proprietor' order by 1",
        masked=MASKED_NAME,
    )
    if not rows:
        return Finding(0, reason="No row has a sole proprietor.")
    foreign = [row[:1] for row in rows if row[1]]
    reason = (
        f"{len(foreign)} rows of sole proprietors are another municipality's."
        if foreign
        else f"{len(rows)} rows of sole proprietors are the recipient's own."
    )
    return Finding(len(rows), len(foreign), reason, examples_of(foreign), _PAYEE)


def strict_functions_in_extract(case: Case) -> Finding:
    """PV05: return the rows of strict client functions that name a payee who is not a public body."""
    rows = case.ask(
        f"""
        select extract_rows.purchase_line_id, extract_rows.is_named and extract_rows.payee_kind <> 'public_body'
        from ({_EXTRACT_ROWS}) as extract_rows
        inner join candidate_municipality_extract as shown using (purchase_line_id)
        where extract_rows.kostra_function in $strict or shown.kostra_function in $strict
        order by 1
        """,  # noqa: S608
        masked=MASKED_NAME,
        strict=strict_functions(case),
    )
    if not rows:
        return Finding(0, reason="No row has a strict client function.")
    named = [row[:1] for row in rows if row[1]]
    reason = (
        f"{len(named)} rows of strict client functions name their payee." if named else f"{len(rows)} rows are masked."
    )
    return Finding(len(rows), len(named), reason, examples_of(named), _PAYEE)


def strict_functions(case: Case) -> list[str]:
    """Return the functions whose lines name nobody, whatever year: a retired code stays as private as it was."""
    rows = case.ask(
        "select distinct kostra_function from kostra_sensitive_functions where privacy_class = 'client_strict'"
    )
    return sorted(str(row[0]) for row in rows)


def persons_in_share(case: Case) -> Finding:
    """PV03, workshop's share: return the texts that name a person or a payee nobody knows."""
    return _names_in_share(case, ("natural_person", "unknown"), "a natural person or an unknown payee")


def sole_proprietors_in_share(case: Case) -> Finding:
    """PV04, workshop's share: return the texts that name a sole proprietor."""
    return _names_in_share(case, ("sole_proprietor",), "a sole proprietor")


def _names_in_share(case: Case, kinds: tuple[str, ...], whom: str) -> Finding:
    """Look for each payee's organisation number and name in every text; the recipient's own are its own."""
    names, org_nos, count = payees_of(case, kinds)
    if not count:
        return Finding(0, reason=f"No purchase has {whom} as payee.")
    hits = texts_naming(case, names, org_nos)
    reason = f"{len(hits)} texts name {whom}." if hits else f"None of {count} payees is named."
    return Finding(count, len(hits), reason, examples_of(hits), ", ".join(sorted({place for place, _ in hits})))


def payees_of(case: Case, kinds: tuple[str, ...]) -> tuple[set[str], set[str], int]:
    """Return the plain names and the numbers of all payees of some kinds but the recipient, and how many there are."""
    payees = case.ask(
        """
        select distinct payee_name, org_no, payee_kind
        from fct_purchases
        where payee_kind in $kinds and org_no is distinct from $recipient
        """,
        kinds=list(kinds),
    )
    # A member or workshop that a ledger spells without its number is no person.
    registered = {plain(row["name"]) for name in ("members", "workshops") for row in case.registers[name]}
    # One word that no register knows is a thing or a place; a person has two.
    names = {
        name
        for stated, _, kind in payees
        if (name := plain(stated or "")) and name not in registered and (" " in name or kind != "unknown")
    }
    return names, {org_no for _, org_no, _ in payees if org_no}, len(payees)


def texts_naming(case: Case, names: set[str], org_nos: set[str]) -> list[tuple[str, str]]:
    """Return place and masked text of every text that holds one of some plain names or organisation numbers."""
    longest = max((len(name.split()) for name in names), default=0)
    return [
        (place, mask(text)) for place, is_free, text in texts(case) if is_named(text, is_free, names, org_nos, longest)
    ]


def is_named(text: str, is_free: bool, names: set[str], org_nos: set[str], longest: int) -> bool:
    """Return whether a text holds a number or, as whole words, a name; one word alone counts in free text only."""
    words = plain(text).split()
    if any(word in org_nos for word in words):
        return True
    if len(words) == 1:
        return is_free and words[0] in names
    return any(
        " ".join(words[start : start + length]) in names
        for start in range(len(words))
        for length in range(2, min(longest, len(words) - start) + 1)
    )


def plain(text: str) -> str:
    """Return a text upper-case with single spaces and no punctuation."""
    return " ".join("".join(character if character.isalnum() else " " for character in fold(text)).upper().split())


def free_texts(case: Case) -> Finding:
    """PV06: return the text columns that hold free text and are not agreed to."""
    import pyarrow as pa

    applied, wrong = 0, []
    for table, rows in case.files.tables.items():
        suite = case.suite.tables[table]
        for name, column in zip(rows.column_names, rows.columns, strict=True):
            if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
                continue
            applied += 1
            is_free = name in _DELIVERED_TEXTS or name in suite.free_text or name not in suite.columns
            if is_free and name not in suite.allowed_texts:
                wrong.append((f"{table}.{name}",))
    if not applied:
        return Finding(0, reason="The candidate has no text columns.")
    reason = f"{len(wrong)} columns hold free text." if wrong else ""
    return Finding(applied, len(wrong), reason, examples_of(wrong), ", ".join(row[0] for row in wrong))
