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
    files = sorted((GOLDEN / folder).iterdir())
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
    "saft": Fuzzed(_saft, "saft", is_xml=True),
}
