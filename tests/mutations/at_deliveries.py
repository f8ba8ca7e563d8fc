"""What a rule forbids, done to a delivery before it is taken, and to a build before it stands.

Belongs here: broken files through the intake itself (landing, parsing, settling), a register form, a gap in a register.
Not here: what the gate says of them later (at_candidates.py).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from pipelines.home import Home
from pipelines.landing.inbox import pull_source
from pipelines.parsing.parse import parse_owner
from pipelines.parsing.settle import settle
from pipelines.settings import Clock
from pipelines.warehouse.build import failure_of, start_build
from tests.golden.golden import HERE, parse
from tests.integration.tiny_home import drop_ledger, make_tiny_home

OWNER, MONTH = "9901", "2026-10"
CLOCK = Clock.pinned(date(2026, 11, 15))


@dataclass(frozen=True)
class Broken:
    """A delivery that must not get in as it is.

    Attributes:
        rule: The rule that names it.
        what: What is broken, in words.
        refused: Breaks it and returns the rules that the intake or the build refused it by.
    """

    rule: str
    what: str
    refused: Callable[[Path], set[str]]


def _taken(home: Home) -> set[str]:
    """Take what lies in the inbox as a run does; return the rules by which anything was refused or held."""
    for source in home.consortium.sources_of(OWNER):
        pull_source(home, source, CLOCK)
    outcomes = parse_owner(home, OWNER, home.read_registers())
    settle(home, OWNER)
    found = {str(outcome["rule"]) for outcome in outcomes if outcome.get("rule")}
    for table in ("rejects", "outcomes"):
        for path in (home.parsed / table).glob(f"*={OWNER}/*.parquet"):
            rows = pq.ParquetFile(path).read().to_pylist()
            found |= {str(row["rule"]) for row in rows if row["rule"] and row.get("severity") != "issue"}
    return found


def _ledger(change: Callable[[Home, Path], object]) -> Callable[[Path], set[str]]:
    """Break a ledger in the inbox of a tiny home, which is whole before it."""

    def refused(folder: Path) -> set[str]:
        home = make_tiny_home(folder / "home")
        change(home, home.inbox / OWNER / "ledger" / f"{MONTH}.csv")
        return _taken(home)

    return refused


def _text(change: Callable[[str], str]) -> Callable[[Home, Path], object]:
    return lambda home, path: path.write_text(
        change(path.read_text(encoding="utf-8-sig")), encoding="utf-8-sig", newline=""
    )


def _many_rows(home: Home, path: Path) -> None:
    """Deliver a month of ten rows, and then the same month with one."""
    text = path.read_text(encoding="utf-8-sig")
    header, first, *_ = text.splitlines()
    rows = [first.replace(";1001;", f";{1100 + number};").replace("B9901", f"B{number}") for number in range(10)]
    path.write_text("\r\n".join([header, *rows, ""]), encoding="utf-8-sig", newline="")
    _taken(home)
    drop_ledger(home, OWNER, MONTH, name="again")


def _twice(home: Home, path: Path) -> None:
    raw = path.read_bytes()
    _taken(home)
    path.write_bytes(raw)


def _form(folder: Path) -> set[str]:
    parsed = parse(HERE / "registers" / "9901__tasks_every_fault.xlsx")
    return {str(reject["rule"]) for reject in parsed["rejects"]}


def _gap(folder: Path) -> set[str]:
    """Have a limit missing on a day in use when a build ends."""
    file = folder / "samandel.duckdb"
    with duckdb.connect(str(file)) as connection:
        connection.execute(
            "create table fct_rule_gaps as select 'thresholds' as rule_table, 'law_entry any' as rule_key,"
            " 'all' as municipality_no, 'missing' as problem, 'seeds/thresholds.csv' as stands_in,"
            " cast(2 as bigint) as row_count, date '2026-07-01' as first_day, date '2026-07-01' as last_day,"
            " date '2026-07-01' as first_day_in_use, date '2026-07-01' as last_day_in_use"
        )
    build = replace(start_build(make_tiny_home(folder / "home")), file=file)
    return {"RC10"} if "RC10" in failure_of(build, []).remedy else set()


DELIVERIES = [
    Broken("IN01", "bytes that are no text", _ledger(lambda home, path: path.write_bytes(b"\x00\x01\xff" * 50))),
    Broken("IN03", "the same file again", _ledger(_twice)),
    Broken("IN04", "a month again with one row of ten", _ledger(_many_rows)),
    Broken("IN06", "an amount in words", _ledger(_text(lambda text: text.replace("1000,00", "tusen")))),
    Broken("IN08", "a sum among the rows", _ledger(_text(lambda text: text + f"Sum{';' * 17}1250,00;\r\n"))),
    Broken("IN12", "a form with every fault", _form),
    Broken("RC10", "a limit missing on a day in use", _gap),
]
