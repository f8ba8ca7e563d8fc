"""SAF-T to Parquet against a bare lxml iterparse script that reads the same fields and does nothing else.

Not a test: ``python -m tests.benchmarks.saft [MB] [rounds]`` writes an invented file of that size (50 if none is said),
has the contestants read it in turn, each in a process of its own, and prints rates and peak memory. Samandel's share
goes the whole way: types, control totals, rejects, Parquet. The bare scripts keep nothing. ``findtext`` is the script
that most people would write; ``children`` goes through each element's children once and is the harder one to follow.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from statistics import median

from tests.saft_files import NAMESPACE, Books, Line, Transaction, audit_file, transaction_text

_N = f"{{{NAMESPACE}}}"
_TRANSACTION = [f"{_N}{name}" for name in ("TransactionID", "Period", "PeriodYear", "TransactionDate", "VoucherType")]
_LINE = [
    f"{_N}{name}"
    for name in ("RecordID", "AccountID", "SourceDocumentID", "SupplierID", "Description", "ReferenceNumber", "DueDate")
]
_MONEY = [
    f"{_N}{side}/{_N}{name}"
    for side in ("DebitAmount", "CreditAmount")
    for name in ("Amount", "CurrencyCode", "CurrencyAmount")
]
_ANALYSIS = [f"{_N}AnalysisType", f"{_N}AnalysisID"]
_TAX = [
    *(f"{_N}{name}" for name in ("TaxType", "TaxCode", "TaxPercentage", "TaxBase")),
    *(f"{_N}{name}/{_N}Amount" for name in ("TaxAmount", "DebitTaxAmount", "CreditTaxAmount")),
]


def write_file(path: Path, megabytes: int) -> None:
    """Write a file of invented books: invoices with VAT, two or three lines each."""
    books = Books()
    lines_of = ((5, "0.50", 70001), (7, "12.25", 70002), (11, "3.10", 70001))
    head, _, tail = (
        audit_file(Books(number="@number", debit="@total", credit="@total")).decode().rpartition("</General")
    )
    number, total, size = 0, Decimal(0), len(head)
    body = path.with_suffix(".body")
    with body.open("w", encoding="utf-8") as stream:
        stream.write("<Journal><JournalID>J1</JournalID><Description>Journal</Description><Type>GL</Type>\n")
        while size < megabytes * 1_000_000:
            step, part, supplier = lines_of[number % 3]
            number += 1
            cost = Decimal(number % 9973 * step) + Decimal(part)
            vat = (cost / 4).quantize(Decimal("0.01"))
            total += cost + vat
            text = f"Faktura F{number} Eksempel Bakeri AS, varelevering uke {number % 52 + 1}"
            invoice = Transaction(
                str(number),
                (
                    Line(
                        "11150",
                        str(cost),
                        text,
                        reference=f"F{number}",
                        document=str(number),
                        analyses=(("A", str(1100 + number % 90)), ("T", "120"), ("P", str(number % 40))),
                        taxes=(("1", "25", str(cost), str(vat)),),
                    ),
                    Line("14290", str(vat), "Merverdiavgift", document=str(number), analyses=(("A", "1100"),)),
                    Line("2400", str(-cost - vat), text, str(supplier), f"F{number}", str(number), "2026-10-20"),
                ),
                day=f"2026-09-{number % 28 + 1:02d}",
            )
            written = "".join(transaction_text(invoice, books))
            size += len(written.encode())
            stream.write(written)
        stream.write("</Journal>\n")
    with path.open("w", encoding="utf-8") as stream:
        stream.write(head.replace("@number", str(number)).replace("@total", str(total)))
        with body.open(encoding="utf-8") as read:
            while chunk := read.read(1 << 20):
                stream.write(chunk)
        stream.write(f"</General{tail}")
    body.unlink()


def findtext(path: Path) -> int:
    """Read every field with findtext."""
    from lxml import etree

    lines = 0
    for _, transaction in etree.iterparse(path, tag=f"{_N}Transaction"):
        [transaction.findtext(name) for name in _TRANSACTION]
        for line in transaction.iterfind(f"{_N}Line"):
            [line.findtext(name) for name in _LINE]
            [line.findtext(name) for name in _MONEY]
            [[analysis.findtext(name) for name in _ANALYSIS] for analysis in line.iterfind(f"{_N}Analysis")]
            [[tax.findtext(name) for name in _TAX] for tax in line.iterfind(f"{_N}TaxInformation")]
            lines += 1
        transaction.clear()
        while transaction.getprevious() is not None:
            del transaction.getparent()[0]
    return lines


def children(path: Path) -> int:
    """Read every field by going through the children of each element once."""
    from lxml import etree

    lines = 0
    line_tag = f"{_N}Line"
    for _, transaction in etree.iterparse(path, tag=f"{_N}Transaction"):
        head = {}
        for part in transaction:
            if part.tag != line_tag:
                head[part.tag] = part.text
                continue
            fields: dict[str, object] = {}
            for child in part:
                if len(child):
                    inner = {leaf.tag: leaf[0].text if len(leaf) else leaf.text for leaf in child}
                    fields.setdefault(child.tag, []).append(inner)  # type: ignore[attr-defined]
                else:
                    fields[child.tag] = child.text
            lines += 1
        transaction.clear()
        while transaction.getprevious() is not None:
            del transaction.getparent()[0]
    return lines


def samandel(path: Path) -> int:
    """Read the file into the parsed tables."""
    from pipelines.home import Home
    from pipelines.landing.store import LandedFile, Receipt
    from pipelines.parsing import saft
    from pipelines.parsing.kinds import KINDS
    from pipelines.parsing.sink import Sink

    file = LandedFile("ab" * 32, path.stat().st_size, path.name, path.name)
    receipt = Receipt("d1", "9901", "saft", "saft", 1, datetime(2026, 11, 15, tzinfo=UTC), "drop", None, (file,))
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        sink = Sink(Home(Path(folder)), receipt, "d1", KINDS["saft"].tables)

        def give(part: saft.Header | saft.Part) -> None:
            if isinstance(part, saft.Header) or part.table is None:
                return
            sink.rows_in += part.lines
            sink.rows_out += part.lines - len(part.rejects)
            if part.columns is None:
                sink.add(part.table, file, part.rows)
            else:
                sink.add_arrow(part.table, file, part.columns)

        totals = saft.Totals()
        with path.open("rb") as stream:
            saft.read_saft(stream, give, totals)
        sink.finish()
    return totals.lines


_CONTESTANTS: dict[str, Callable[[Path], int]] = {"findtext": findtext, "children": children, "samandel": samandel}


def _one(name: str, path: Path) -> None:
    started, started_cpu = time.perf_counter(), time.process_time()
    lines = _CONTESTANTS[name](path)
    taken = {"lines": lines, "wall": time.perf_counter() - started, "cpu": time.process_time() - started_cpu}
    print(json.dumps(taken | {"peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))


def main(megabytes: int = 50, rounds: int = 3) -> None:
    """Race, each contestant in a process of its own, in turn."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "books.xml"
        write_file(path, megabytes)
        size = path.stat().st_size / 1e6
        taken: dict[str, list[dict[str, float]]] = {name: [] for name in _CONTESTANTS}
        for _ in range(rounds):
            for name, rows in taken.items():
                command = [sys.executable, "-m", "tests.benchmarks.saft", "--one", name, str(path)]
                rows.append(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
    print(f"SAF-T, {size:.0f} MB, {taken['samandel'][0]['lines']:.0f} lines, median of {rounds}")
    for name, rows in taken.items():
        cpu = median(row["cpu"] for row in rows)
        wall = median(row["wall"] for row in rows)
        peak = max(row["peak_mb"] for row in rows)
        print(f"  {name:<12}{size / cpu:>8.1f} MB/s of CPU{size / wall:>8.1f} MB/s by the clock{peak:>8.0f} MB at most")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        _one(sys.argv[2], Path(sys.argv[3]))
    else:
        main(*(int(argument) for argument in sys.argv[1:3]))
