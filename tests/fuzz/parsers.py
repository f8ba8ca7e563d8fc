"""Which parsers are fuzzed, what each is fed with, and what must hold of everything that it answers.

Belongs here: one entry per parser. A parser's function takes bytes, raises if its answer breaks what the parser
promises (rows or rejects, every row taken by its table), and returns ``rows`` or ``rejects`` for the count. Seeds are
the golden files of the parser's folder. Not here: how bytes are broken (mutations.py), how long (__main__.py).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

GOLDEN = Path(__file__).resolve().parents[1] / "golden"


@dataclass(frozen=True)
class Fuzzed:
    """A parser under test: what it is called with, the folder of its seeds, and whether these are XML."""

    run: Callable[[bytes], str]
    folder: str
    is_xml: bool = False

    def seeds(self) -> list[bytes]:
        """Return the golden files, by name."""
        return _golden(self.folder)


@cache
def _golden(folder: str) -> list[bytes]:
    files = sorted(path for path in (GOLDEN / folder).iterdir() if path.is_file())
    return [path.read_bytes() for path in files if not path.name.endswith(".expected.json")]


def _ehf(raw: bytes) -> str:
    from pipelines.parsing.ehf import parse_document
    from pipelines.parsing.schema import EHF_TABLES
    from pipelines.tables import arrow_table

    parsed = parse_document(raw)
    assert (parsed.invoice is None) == bool(parsed.rejects)
    if parsed.invoice is None:
        assert not (parsed.lines or parsed.allowance_charges or parsed.issues)
        return "rejects"
    rows = {
        "ehf_invoices": [parsed.invoice],
        "ehf_invoice_lines": parsed.lines,
        "ehf_allowance_charges": parsed.allowance_charges,
        "ehf_tax_subtotals": parsed.tax_subtotals,
        "ehf_billing_references": parsed.billing_references,
        "ehf_item_classifications": parsed.item_classifications,
    }
    for table in EHF_TABLES:
        assert arrow_table(table, rows[table.name]).num_rows == len(rows[table.name])
    assert len(parsed.lines) == parsed.invoice["line_count"]
    return "rows"


def _ledger(raw: bytes) -> str:
    from pipelines.parsing.ledger import load_profile, parse_ledger
    from pipelines.parsing.ledger_profile import shipped_profile_names
    from pipelines.parsing.schema import LEDGER_POSTINGS
    from pipelines.tables import arrow_table

    postings = 0
    for name in shipped_profile_names():
        profile = load_profile(name, None)
        parsed = parse_ledger(raw, profile, "2026-10.csv")
        assert parsed.rows_in == len(parsed.postings) + len(parsed.rejects)
        # Both readers give the same, whatever comes.
        assert parse_ledger(raw, profile, "2026-10.csv", by_row=False, block=300) == parsed
        assert arrow_table(LEDGER_POSTINGS, parsed.postings).num_rows == len(parsed.postings)
        postings += len(parsed.postings)
    return "rows" if postings else "rejects"


def _profile_suggest(raw: bytes) -> str:
    from pipelines.errors import ProblemsFound
    from pipelines.parsing.ledger_draft import draft_profile
    from pipelines.parsing.ledger_profile import read_profile
    from pipelines.parsing.ledger_suggest import suggest_profile
    from pipelines.parsing.tabular import UnreadableTable

    try:
        suggestion = suggest_profile(raw, "2026-10.csv")
        read_profile(draft_profile(suggestion, "fuzzed", "2026-10.csv").encode(), file="fuzzed")
    except UnreadableTable:
        return "rejects"
    except ProblemsFound:
        assert suggestion.questions
        return "rejects"
    return "rows"


def _saft(raw: bytes) -> str:
    import io

    from pipelines.parsing.saft import Header, Part, Totals, UnreadableSaft, read_saft
    from pipelines.tables import arrow_schema, arrow_table

    lines = 0

    def give(part: Header | Part) -> None:
        nonlocal lines
        if isinstance(part, Header) or part.table is None:
            return
        wanted = arrow_schema(part.table)
        rows = arrow_table(part.table, part.rows) if part.columns is None else part.columns
        for name in rows.column_names:
            rows.column(name).cast(wanted.field(name).type)
        if part.lines:
            assert rows.num_rows + len(part.rejects) == part.lines
            lines += part.lines

    totals = Totals()
    try:
        read_saft(io.BytesIO(raw), give, totals)
    except UnreadableSaft as refused:
        assert refused.reject.message
        return "rejects"
    assert lines == totals.lines
    return "rows"


PARSERS: dict[str, Fuzzed] = {
    "ehf": Fuzzed(_ehf, "ehf", is_xml=True),
    "ledger": Fuzzed(_ledger, "ledgers"),
    "profile_suggest": Fuzzed(_profile_suggest, "ledgers"),
    "saft": Fuzzed(_saft, "saft", is_xml=True),
}
