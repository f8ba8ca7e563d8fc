"""What gives a person away stays where it was handed in: planted everywhere, looked for in everything a run writes.

Good and refused deliveries, odd file names and forced failures go through Dagster on a tiny home; then every byte of
logs, Dagster's records, rejects, outcomes, evidence, reports and what the user saw is searched.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.home import Home
from tests.integration.planted_home import CONTACTS, SECRETS, Ran

pytestmark = [pytest.mark.slow]

# Where people wrote them, and nowhere else.
OPEN = ("inbox", "landing")


@pytest.fixture
def ran(planted_home: Ran) -> Ran:
    """A home after runs over planted deliveries, and all that was said to the user."""
    return planted_home


def _texts(home: Home, folders: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    import pyarrow.parquet as pq

    for folder in folders:
        for path in sorted((home.path / folder).rglob("*")):
            if path.is_file():
                name = str(path.relative_to(home.path))
                raw = path.read_bytes()
                yield name, raw.decode("utf-8", "replace")
                yield f"{name}, UTF-16", raw.decode("utf-16-le", "replace")
                if path.suffix == ".parquet":
                    yield f"{name}, decoded", str(pq.ParquetFile(path).read().to_pylist())


def _found(texts: Iterator[tuple[str, str]], secrets: tuple[str, ...]) -> set[tuple[str, str]]:
    return {(name, secret) for name, text in texts for secret in secrets if secret.casefold() in text.casefold()}


def test_the_search_finds_them_where_they_were_handed_in(ran: Ran) -> None:
    found = {secret for _, secret in _found(_texts(ran.home, ("landing",)), SECRETS + CONTACTS)}
    assert found == set(SECRETS + CONTACTS)


def test_they_are_nowhere_in_logs_records_rejects_evidence_and_reports(ran: Ran) -> None:
    folders = ("logs", "dagster", "parsed/rejects", "parsed/outcomes", "gate", "reports", "warehouse/builds")
    assert _found(_texts(ran.home, folders), SECRETS) == set()


def test_they_are_in_nothing_that_the_user_saw(ran: Ran) -> None:
    assert _found(iter([("said", ran.said)]), SECRETS) == set()
    assert "An unexpected ValueError" in ran.said


def test_a_failure_still_says_where_it_happened(ran: Ran) -> None:
    reports = {path.name: path.read_text() for path in ran.home.logs.glob("*.txt")}
    assert "settle_badly" in reports["settle-9902.txt"]
    assert "builtins.KeyError (its text is left out)" in reports["settle-9902.txt"]
    assert "write_badly" in reports["registers-run.txt"]


def test_contacts_of_invoices_are_nowhere_after_landing(ran: Ran) -> None:
    import duckdb

    folders = tuple(sorted(path.name for path in ran.home.path.iterdir() if path.is_dir() and path.name not in OPEN))
    assert {"parsed", "warehouse", "candidates", "releases"} <= set(folders)
    assert _found(_texts(ran.home, folders), CONTACTS) == set()
    with duckdb.connect(str(ran.home.warehouse_file), read_only=True) as warehouse:
        tables = [
            f'"{schema}"."{name}"'
            for schema, name in warehouse.execute(
                "select table_schema, table_name from information_schema.tables"
            ).fetchall()
        ]
        rows = ((table, str(warehouse.execute(f"select * from {table}").fetchall())) for table in tables)  # noqa: S608
        assert _found(rows, CONTACTS) == set()


def test_what_was_refused_is_still_counted(ran: Ran) -> None:
    rejects = [text for name, text in _texts(ran.home, ("parsed/rejects",)) if name.endswith("decoded")]
    assert sum(text.count("'severity': 'reject'") for text in rejects) > len(SECRETS)
    assert Path(ran.home.path / "reports" / "9901").is_dir()
