"""Ledgers against DuckDB and openpyxl on the same files, side by side in one run.

Not a test: ``python -m tests.benchmarks.ledger [rows] [rounds]`` makes CSV files and an XLSX file, reads each in turn
with every contestant (A B A B …), and prints the medians. DuckDB's read_csv is given the right options (delimiter,
decimal sign, date format, column types), so that it guesses nothing; both may use all cores. Samandel also strips
texts, reads organisation numbers and periods, keeps row numbers, and refuses what is no posting.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from functools import partial
from pathlib import Path
from statistics import median

from pipelines.parsing.ledger import Ledger, load_profile

HEADER = (
    "Leverandørnr;Leverandørnavn;Organisasjonsnr;Bilagsnr;Linje;Fakturanr;Fakturadato;Forfallsdato;Bokføringsdato;"
    "Periode;Art;Art tekst;Ansvar;Tjeneste;Tjeneste tekst;Prosjekt;Mva-kode;Beløp eks. mva;Tekst"
)
DATES = {"Fakturadato", "Forfallsdato", "Bokføringsdato"}
AMOUNT = "Beløp eks. mva"
_XLSX_HEADER = (
    "Bilagsart Bilagsnummer Linjenr Bokført Fakturadato Fakturanummer Reskontronr Leverandør Orgnr Konto Kontonavn "
    "Funksjon Ansvar Prosjekt Kontraktnr Beløp"
)
XLSX_HEADER = _XLSX_HEADER.split()
RACES = ("plain", "quoted", "grouped")


def _rows(count: int, kind: str) -> str:
    """Return the rows of a ledger; kind is plain, quoted (every text) or grouped (1 234,50 and (1 234,50))."""
    draw = random.Random(7)
    quote = '"{}"'.format if kind == "quoted" else "{}".format
    lines = [HEADER]
    for number in range(count):
        supplier, day = draw.randrange(4000), draw.randrange(1, 29)
        ore = int(draw.lognormvariate(12, 1.5)) * draw.choice((1, 1, 1, 1, -1))
        whole = f"{abs(ore) // 100:,}".replace(",", " ") if kind == "grouped" else str(abs(ore) // 100)
        amount = f"{whole},{abs(ore) % 100:02d}"
        amount = (f"({amount})" if kind == "grouped" else f"-{amount}") if ore < 0 else amount
        art = 11000 + draw.randrange(300) * 10
        text = quote(f"Faktura {draw.randrange(10**6)} fra leverandør")
        cells = [
            *(supplier, quote(f"Eksempel leverandør {supplier} AS"), f"31{supplier:07d}"),
            *(500000 + number // 3, number % 3, f"F-{draw.randrange(10**7)}"),
            *(f"{day:02d}.09.2026", f"{day:02d}.10.2026", f"{day:02d}.09.2026", "202609"),
            *(art, quote(f"Konto {art}"), draw.randrange(40), 200 + draw.randrange(40), quote("Tjeneste æøå"), ""),
            *("1", amount, text),
        ]
        lines.append(";".join(map(str, cells)))
    return "\r\n".join(lines) + "\r\n"


def race(contestants: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Return the median seconds of each contestant."""
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, run in contestants.items():
            started = time.perf_counter()
            run()
            seconds[name].append(time.perf_counter() - started)
    return {name: median(taken) for name, taken in seconds.items()}


def _read(path: Path, profile: str, *, by_row: bool = False) -> tuple[int, Decimal]:
    """Read a ledger in batches, as a delivery is read; return its rows and sum."""
    rows, total = 0, Decimal(0)
    for batch in Ledger(path, load_profile(profile, None), path.name).batches(by_row=by_row):
        rows += batch.rows_out
        total += batch.amount_total()
    return rows, total


def _read_with_duckdb(path: Path, *, grouped: bool) -> tuple[int, Decimal]:
    """Read a CSV with DuckDB, typed, into Arrow."""
    import duckdb
    import pyarrow.compute as pc

    types = {
        name: "DATE" if name in DATES else "DECIMAL(18,2)" if name == AMOUNT and not grouped else "VARCHAR"
        for name in HEADER.split(";")
    }
    columns = ", ".join(f"'{name}': '{kind}'" for name, kind in types.items())
    amount = f'"{AMOUNT}"'
    if grouped:  # read_csv has no option for these: the least SQL that reads them
        number = f"replace(replace(replace(replace({amount}, ' ', ''), ',', '.'), '(', '-'), ')', '')::DECIMAL(18,2)"
        amount = f"* replace ({number} as {amount})"
    sql = (
        f"select {amount if grouped else '*'} from read_csv('{path}', auto_detect = false, header = true, delim = ';', "
        f"quote = '\"', escape = '\"', decimal_separator = ',', dateformat = '%d.%m.%Y', columns = {{{columns}}})"
    )
    with duckdb.connect() as connection:
        table = connection.execute(sql).to_arrow_table()
    return table.num_rows, pc.sum(table.column(AMOUNT)).as_py()


def _write_xlsx(path: Path, count: int) -> None:
    import xlsxwriter

    workbook = xlsxwriter.Workbook(str(path), {"constant_memory": True})
    sheet, as_date = workbook.add_worksheet(), workbook.add_format({"num_format": "dd.mm.yyyy"})
    sheet.write_row(0, 0, XLSX_HEADER)
    for row in range(1, count + 1):
        sheet.write_row(row, 0, ["LF", 500000 + row // 3, row % 3])
        sheet.write_datetime(row, 3, date(2026, 9, row % 28 + 1), as_date)
        sheet.write_datetime(row, 4, date(2026, 9, row % 28 + 1), as_date)
        sheet.write_row(row, 5, [f"F-{row}", row % 4000, f"Eksempel leverandør {row % 4000} AS", "310028142", "11500"])
        sheet.write_row(row, 10, ["Matvarer", "202", "11", "", "", row / 100])
    workbook.close()


def _read_with_openpyxl(path: Path) -> int:
    from openpyxl import load_workbook

    return sum(1 for _ in load_workbook(path, read_only=True).active.iter_rows(values_only=True))


def _read_with_calamine(path: Path) -> int:
    from python_calamine import CalamineWorkbook

    return len(CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python())


def _print(title: str, path: Path, rows: int, taken: dict[str, float]) -> None:
    size = path.stat().st_size / 1e6
    print(f"\n{title}: {rows:,} rows, {size:.1f} MB")
    fastest = min(taken.values())
    for name, seconds in taken.items():
        print(f"  {name:<52}{seconds:>8.2f} s{rows / seconds:>12,.0f} rows/s{seconds / fastest:>7.1f} x")


def main(rows: int = 1_000_000, rounds: int = 3) -> None:
    """Make the files and race on them."""
    with tempfile.TemporaryDirectory() as folder:
        for kind in RACES:
            path = Path(folder) / f"{kind}.csv"
            path.write_text(_rows(rows, kind), encoding="utf-8", newline="")
            grouped = kind == "grouped"
            if (ours := _read(path, "semicolon")) != (theirs := _read_with_duckdb(path, grouped=grouped)):
                raise AssertionError(f"{ours} is not {theirs}")
            contestants: dict[str, Callable[[], object]] = {
                "DuckDB read_csv, options given": lambda path=path, grouped=grouped: _read_with_duckdb(
                    path, grouped=grouped
                ),
                "samandel": partial(_read, path, "semicolon"),
            }
            _print(f"CSV, {kind}", path, rows, race(contestants, rounds))
            if kind == RACES[0]:
                by_row = {"samandel, row by row": partial(_read, path, "semicolon", by_row=True)}
                _print("CSV, plain, row by row", path, rows, race(by_row, 1))
        path = Path(folder) / "ledger.xlsx"
        _write_xlsx(path, count := rows // 10)
        workbooks: dict[str, Callable[[], object]] = {
            "calamine, cells only (the limit)": lambda: _read_with_calamine(path),
            "openpyxl, read-only, cells only": lambda: _read_with_openpyxl(path),
            "samandel": lambda: _read(path, "xlsx_no"),
        }
        _print("XLSX", path, count, race(workbooks, 1))


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:3]))
