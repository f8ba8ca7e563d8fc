"""The warehouse at size, beside one script by hand that makes the same tables of the same files.

Not a test: ``python -m tests.benchmarks.warehouse --lines 1000000`` makes up what 20 municipalities bought in five
years (warehouse_data.sql: parsed files as parsing writes them, one a delivery, beside the registers of the demo), and
in turn, each in a process of its own,

1. builds the warehouse without one municipality's last month, the whole way of ``build_warehouse``;
2. builds it again with that month;
3. runs warehouse_by_hand.sql on the same files in bare DuckDB, and
4. holds the tables of 2 and 3 against each other, row for row, all columns.

It ends with 1 where a row differs. Memory is that of all processes of a contestant together, seen ten times a second.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb

from pipelines.demo.make import make_demo
from pipelines.home import CONSORTIUM, Home
from pipelines.settings import DBT_PROJECT, Clock, silence_tools

_HERE = Path(__file__).parent
_SEEDS = DBT_PROJECT / "seeds"
_INVOICES_PER_LINE = 0.275
_LATE = ("9905", "2026-10")
_REGISTERS = ("members", "member_org_nos", "charts_of_accounts", "contracts", "contract_members", "workshops")
_BY_DELIVERY = (
    "ledger_postings",
    "ehf_invoices",
    "ehf_invoice_lines",
    "ehf_allowance_charges",
    "ehf_tax_subtotals",
    "ehf_billing_references",
    "ehf_item_classifications",
)
_BY_OWNER = ("document_states", "delivery_periods", "outcomes")
_FIGURES = "where kpi_key in ('K01', 'K02', 'K03', 'K04', 'K05', 'K06', 'K10', 'K18')"
_COMPARED = {"fct_purchases": "", "fct_invoices": "", "fct_reconciliation": "", "fct_kpis": _FIGURES}
# What both contestants may use.
_MEMORY = "4GB"


def make_home(path: Path, invoices: int) -> None:
    """Make a home whose consortium is the demo's, with that many invoices as if parsed."""
    from pipelines.landing.inbox import pull_source
    from pipelines.landing.settings_delivery import land_settings
    from pipelines.parsing.parse import parse_owner
    from pipelines.parsing.registers import write_registers
    from pipelines.parsing.settle import settle

    make_demo(path, municipalities=20, months=1, scale=0.1)
    home = Home(path)
    assert home.consortium.as_of is not None
    clock = Clock.pinned(home.consortium.as_of)
    land_settings(home, clock)
    write_registers(home)
    for source in home.consortium.sources_of(CONSORTIUM):
        pull_source(home, source, clock)
    parse_owner(home, CONSORTIUM, home.read_registers())
    settle(home, CONSORTIUM)
    with _scratch(path) as connection:
        _draw(connection, home, invoices)
        for name in (*_BY_DELIVERY, *_BY_OWNER):
            _write(connection, home, name)


def _scratch(folder: Path) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute(f"set memory_limit = '{_MEMORY}'")
    connection.execute(f"set temp_directory = '{folder / 'spilled'}'")
    connection.execute("set TimeZone = 'UTC'")
    connection.execute("set partitioned_write_max_open_files = 3000")
    return connection


def _statements(name: str) -> Iterator[str]:
    for statement in (_HERE / name).read_text(encoding="utf-8").split(";\n"):
        if statement.strip():
            yield statement


def _draw(connection: duckdb.DuckDBPyConnection, home: Home, invoices: int) -> None:
    connection.execute(f"set variable invoices = {invoices}")
    for name in (*(f"register_{name}" for name in _REGISTERS), "companies"):
        connection.execute(
            f"create temp table {name.removeprefix('register_')} as select * "
            f"from read_parquet('{home.parsed}/{name}/*/*.parquet', hive_partitioning = false)"
        )
    connection.execute(
        f"""
        create temp table cpv_codes as
        select cpv_code, row_number() over (order by cpv_code) - 1 as nr
        from (
            select distinct unnest(string_split(cpv_codes, ';')) as cpv_code
            from read_csv('{_SEEDS}/workshop_categories.csv', all_varchar = true)
            union
            select cpv_division || '000000' from read_csv('{_SEEDS}/cpv_divisions.csv', all_varchar = true)
        )
        """
    )
    for statement in _statements("warehouse_data.sql"):
        connection.execute(statement)


def _write(connection: duckdb.DuckDBPyConnection, home: Home, name: str) -> None:
    """Write a parsed table, one file a delivery (or an owner); columns that are not drawn stay empty."""
    from pipelines.warehouse.sources import SQL_TYPES, parsed_tables

    drawn = {row[0] for row in connection.execute(f"describe {name}").fetchall()}
    table = parsed_tables()[name]
    assert drawn <= set(table.column_names)
    columns = ", ".join(
        f"cast({column.name if column.name in drawn else 'null'} as {SQL_TYPES[column.type]}) as {column.name}"
        for column in table.columns
    )
    parts = ("municipality_no", "_delivery_id") if name in _BY_DELIVERY else ("municipality_no",)
    order = [*parts, *(column for column in ("_file_sha256", "_row_no", "_delivery_id", "step") if column in drawn)]
    folder = home.path / "written"
    connection.execute(
        f"copy (select {columns} from {name} order by {', '.join(order)}) to '{folder}' "
        f"(format parquet, compression zstd, partition_by ({', '.join(parts)}), write_partition_columns true)"
    )
    for file in sorted(folder.rglob("*.parquet")):
        of = dict(part.split("=") for part in file.relative_to(folder).parts[:-1])
        owner = home.parsed / name / f"municipality_no={of['municipality_no']}"
        owner.mkdir(parents=True, exist_ok=True)
        file.rename(owner / f"{of.get('_delivery_id', 'settled')}.parquet")
    shutil.rmtree(folder)


def hold_back(home: Home, municipality_no: str, month: str) -> Callable[[], None]:
    """Take one month's deliveries out of a home; return what puts them back."""
    aside = home.path / "held"
    owner = f"municipality_no={municipality_no}"
    periods = home.parsed / "outcomes" / owner / "settled.parquet"
    moved: list[tuple[Path, Path]] = []
    with duckdb.connect() as connection:
        late = [
            row[0]
            for row in connection.execute(
                f"select distinct _delivery_id from '{periods}' where covered_from = '{month}' order by all"
            ).fetchall()
        ]
        for name in (*_BY_DELIVERY, *_BY_OWNER):
            for file in sorted((home.parsed / name / owner).glob("*.parquet")):
                if file.stem not in (*late, "settled"):
                    continue
                kept = aside / name / file.name
                kept.parent.mkdir(parents=True, exist_ok=True)
                moved.append((file.rename(kept), file))
                if file.stem == "settled":
                    connection.execute(
                        f"copy (select * from read_parquet('{kept}', hive_partitioning = false) "
                        f"where _delivery_id not in {tuple(late)}) to '{file}' (format parquet, compression zstd)"
                    )

    def hand_in() -> None:
        for kept, file in moved:
            kept.replace(file)

    return hand_in


def build(home: Path, facts: Path) -> None:
    """Build the warehouse as it is built, and write down what its steps took and what dbt says of each model."""
    from pipelines.warehouse import build as building

    silence_tools()
    taken: dict[str, Any] = {}

    def timed(name: str) -> None:
        step = getattr(building, name)

        def run(*arguments: Any, **named: Any) -> Any:
            if name == "finish_build":
                results = arguments[1].folder / "target" / "run_results.json"
                taken["results"] = [
                    {"node": result["unique_id"], "seconds": result["execution_time"]}
                    for result in json.loads(results.read_text(encoding="utf-8"))["results"]
                ]
            started = time.perf_counter()
            try:
                return step(*arguments, **named)
            finally:
                taken[name] = time.perf_counter() - started

        setattr(building, name, run)

    for name in ("match_home", "start_build", "run_dbt", "finish_build"):
        timed(name)
    assert building.build_warehouse(Home(home))
    facts.write_text(json.dumps(taken), encoding="utf-8")


def by_hand(home: Path, facts: Path) -> None:
    """Run the script by hand into a DuckDB file of its own."""
    file = home / "by_hand.duckdb"
    file.unlink(missing_ok=True)
    taken = []
    with duckdb.connect(str(file)) as connection:
        connection.execute(f"set memory_limit = '{_MEMORY}'")
        connection.execute("set TimeZone = 'UTC'")
        connection.execute("set preserve_insertion_order = false")
        for name, folder in (("parsed", home / "parsed"), ("matched", home / "matched"), ("seeds", _SEEDS)):
            connection.execute(f"set variable {name} = '{folder}'")
        for statement in _statements("warehouse_by_hand.sql"):
            started = time.perf_counter()
            connection.execute(statement)
            first = next(line for line in statement.splitlines() if line and not line.startswith("--"))
            taken.append({"node": first, "seconds": time.perf_counter() - started})
    facts.write_text(json.dumps({"results": taken}), encoding="utf-8")


def dbt_start(home: Path, facts: Path) -> None:
    """Have dbt start, read the project and choose what a build runs, without building anything."""
    from pipelines.settings import child_environment
    from pipelines.warehouse.build import environment
    from pipelines.warehouse.project import DBT

    folders = ["--project-dir", str(DBT_PROJECT), "--profiles-dir", str(DBT_PROJECT), "--log-path", str(home / "logs")]
    subprocess.run(
        [*DBT, "ls", "--quiet", *folders, "--target-path", str(DBT_PROJECT / "target")],
        env=child_environment(**environment(Home(home), home / "none.duckdb")),
        check=True,
        capture_output=True,
    )
    facts.write_text("{}", encoding="utf-8")


def dagster_start(home: Path, facts: Path) -> None:
    """Load Dagster and our definitions."""
    from pipelines.definitions import defs

    facts.write_text(json.dumps({"jobs": len(list(defs().resolve_all_job_defs()))}), encoding="utf-8")


_CONTESTANTS: dict[str, Callable[[Path, Path], None]] = {
    "build": build,
    "by_hand": by_hand,
    "dbt_start": dbt_start,
    "dagster_start": dagster_start,
}


def measured(name: str, home: Path) -> dict[str, Any]:
    """Run a contestant in a process of its own; return seconds by the clock and of CPU, peak memory, and its facts."""
    facts = home / f"{name}.json"
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    command = [sys.executable, "-m", "tests.benchmarks.warehouse", "--one", name, "--home", str(home)]
    with subprocess.Popen(command) as process:
        peak = [0]
        watch = threading.Thread(target=_watch, args=(process, peak), daemon=True)
        watch.start()
        if process.wait():
            raise SystemExit(f"{name} failed")
        wall = time.perf_counter() - started
        watch.join()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"wall": wall, "cpu": cpu, "peak_mb": peak[0] / 1e6} | json.loads(facts.read_text(encoding="utf-8"))


def _watch(process: subprocess.Popen[bytes], peak: list[int]) -> None:
    """Note the most memory that a process and all below it have held."""
    while process.poll() is None:
        peak[0] = max(peak[0], sum(_resident(number) for number in _family(process.pid)))
        time.sleep(0.1)


def _family(of: int) -> list[int]:
    parents: dict[int, list[int]] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError, IndexError):
            continue  # it has ended since
        parents.setdefault(parent, []).append(int(folder.name))
    found, waiting = [], [of]
    while waiting:
        found.append(waiting.pop())
        waiting += parents.get(found[-1], [])
    return found


def _resident(number: int) -> int:
    try:
        return int(Path(f"/proc/{number}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        return 0


def differing(home: Path) -> dict[str, tuple[int, int, int]]:
    """Return, by table, its rows, those that only the warehouse has, and those that only the script has."""
    found = {}
    with _scratch(home) as connection:
        connection.execute(f"attach '{home / 'warehouse' / 'samandel.duckdb'}' as ours (read_only)")
        connection.execute(f"attach '{home / 'by_hand.duckdb'}' as theirs (read_only)")
        for table, which in _COMPARED.items():
            names = [
                [row[0] for row in connection.execute(f"describe {side}.main.{table}").fetchall()]
                for side in ("ours", "theirs")
            ]
            assert names[0] == names[1], table
            ours, theirs = f"from ours.main.{table} {which}", f"from theirs.main.{table}"
            found[table] = (
                _count(connection, ours),
                _count(connection, f"from (select * {ours} except all select * {theirs})"),
                _count(connection, f"from (select * {theirs} except all select * {ours})"),
            )
    return found


def _count(connection: duckdb.DuckDBPyConnection, source: str) -> int:
    row = connection.execute(f"select count(*) {source}").fetchone()
    assert row
    return int(row[0])


def race(home: Path, lines: int) -> bool:
    """Make the home where there is none, run everything and print it; return whether all rows are equal."""
    if not home.exists():
        started = time.perf_counter()
        make_home(home, round(lines * _INVOICES_PER_LINE))
        print(f"made up in {time.perf_counter() - started:.0f} s", flush=True)
    hand_in = hold_back(Home(home), *_LATE)
    print(f"{'':<36}{'clock':>10}{'CPU':>10}{'memory':>12}", flush=True)
    full = _told("full build", measured("build", home))
    hand_in()
    month = _told("one municipality's new month", measured("build", home))
    script = _told("script by hand", measured("by_hand", home))
    _told("of which dbt, to start and choose", measured("dbt_start", home))
    _told("Dagster, to load our definitions", measured("dagster_start", home))
    for step in ("match_home", "start_build", "run_dbt", "finish_build"):
        print(f"  full build, {step}: {full.get(step, 0):.1f} s")
    for kind in ("model", "seed", "test"):
        seconds = [result["seconds"] for result in full["results"] if result["node"].startswith(f"{kind}.")]
        print(f"  full build, dbt's {len(seconds)} {kind}s: {sum(seconds):.1f} s")
    for label, taken in (("full build", full), ("script by hand", script)):
        slowest = sorted(taken["results"], key=lambda result: -result["seconds"])[:8]
        print(f"slowest of {label}: " + ", ".join(f"{one['node']} {one['seconds']:.1f} s" for one in slowest))
    for kind in ("wall", "cpu"):
        print(
            f"by {kind}: full build {full[kind] / script[kind]:.1f} times the script; "
            f"new month {month[kind] / full[kind]:.0%} of a full build"
        )
    found = differing(home)
    for table, (rows, ours, theirs) in found.items():
        print(f"{table}: {rows} rows, {ours} only in the warehouse, {theirs} only in the script's")
    return not any(ours or theirs for _, ours, theirs in found.values())


def _told(label: str, taken: dict[str, Any]) -> dict[str, Any]:
    print(f"{label:<36}{taken['wall']:>8.1f} s{taken['cpu']:>8.1f} s{taken['peak_mb']:>9.0f} MB", flush=True)
    return taken


def main() -> None:
    """Race at the size that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=1_000_000, help="how many lines fct_purchases has, about")
    parser.add_argument("--home", type=Path, help="where the home is made and kept; else it is temporary")
    parser.add_argument("--one", choices=sorted(_CONTESTANTS), help="run one contestant in this process")
    asked = parser.parse_args()
    if asked.one:
        _CONTESTANTS[asked.one](asked.home, asked.home / f"{asked.one}.json")
        return
    with tempfile.TemporaryDirectory() as folder:
        is_equal = race(asked.home or Path(folder) / "home", asked.lines)
    sys.exit(0 if is_equal else 1)


if __name__ == "__main__":
    main()
