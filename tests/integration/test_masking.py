"""What gives a person away stays where it was handed in: planted everywhere, looked for in everything a run writes.

Good and refused deliveries, odd file names and forced failures go through Dagster on a tiny home; then every byte of
logs, Dagster's records, rejects, outcomes, evidence, reports and what the user saw is searched.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from pipelines.assets import parsed as parsed_assets
from pipelines.errors import SamandelError
from pipelines.home import Home
from pipelines.orchestrate import run_pipeline
from pipelines.settings import Clock
from tests.integration.tiny_home import drop_ledger, make_tiny_home
from tests.unit.dropped import BUYER, INVOICE
from tests.unit.test_scanner import SYNTHETIC

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("orchestration")]

CLOCK = Clock.pinned(date(2026, 11, 15))
GROUPED = f"{SYNTHETIC[:6]} {SYNTHETIC[6:]}"
SECRETS = (
    SYNTHETIC,
    GROUPED,
    "1234.56.78903",
    "12345678903",
    "912 34 567",
    "kari.hemmelig@post.example",
    "Kari Hemmelig",
    "Ola Fortrolig",
    "Hemmelig",
    "Fortrolig",
)
CONTACTS = ("Petra Kontaktsen", "petra@kontakt.example", "22 99 88 77")
# Where people wrote them, and nowhere else.
OPEN = ("inbox", "landing")


@dataclass(frozen=True)
class Ran:
    """A home after runs over planted deliveries, and all that was said to the user."""

    home: Home
    said: str


def _plant(home: Home) -> None:
    text = home.consortium_file.read_text()
    ehf = '  "9901":\n    sources:\n      - {kind: ehf, settle_seconds: 0}\n'
    home.consortium_file.write_text(text.replace('  "9901":\n    sources:\n', ehf, 1))
    numbers = home.registers / "member_org_nos.csv"
    numbers.write_text(numbers.read_text() + f"9901,{BUYER},enterprise,Lilleby,2020-01-01,\n")
    good = drop_ledger(home, "9901", "2026-08", name=f"2026-08 Kari Hemmelig {SYNTHETIC}")
    lines = good.read_text(encoding="utf-8-sig").splitlines()
    row = lines[1].split(";")
    row[1], row[18] = "Kari Hemmelig", f"Gjelder {GROUPED}, konto 1234.56.78903, tlf 912 34 567"
    broken = []
    for position, secret in enumerate(SECRETS):
        cells = list(row)
        cells[(17, 8, 9)[position % 3]] = secret  # amount, date, period
        broken.append(";".join(cells))
    too_wide = ";".join([*row, *SECRETS])
    junk = ["Skrevet ut av Ola Fortrolig, kari.hemmelig@post.example", *lines[:1], ";".join(row), *broken, too_wide, ""]
    good.write_text("\r\n".join(junk), encoding="utf-8-sig")
    people = [
        ";".join(SECRETS),
        ";".join(reversed(SECRETS)),
        "Kari Hemmelig;Ola Fortrolig;Eva Skjult;Kari Hemmelig",
        "",
    ]
    folder = home.inbox / "9902" / "ledger"
    (folder / "kari_hemmelig.csv").write_text("\n".join(people))
    (folder / f"{SYNTHETIC}.xlsx").write_bytes(b"PK\x03\x04" + ";".join(SECRETS).encode())
    for name, raw in _documents().items():
        path = home.inbox / "9901" / "ehf" / "sending Ola Fortrolig" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(raw)


def _documents() -> dict[str, str]:
    name, mail, phone = CONTACTS
    contact = (
        f"<cac:Contact><cbc:Name>{name}</cbc:Name><cbc:Telephone>{phone}</cbc:Telephone>"
        f"<cbc:ElectronicMail>{mail}</cbc:ElectronicMail></cac:Contact>"
    )
    base = INVOICE.replace("</cac:PartyLegalEntity>", f"</cac:PartyLegalEntity>{contact}", 1)
    secrets = ", ".join(SECRETS)
    noted = base.replace(
        "<cbc:DocumentCurrencyCode>",
        f"<cbc:Note>{secrets}, {', '.join(CONTACTS)}</cbc:Note><cbc:DocumentCurrencyCode>",
        1,
    )
    return {
        "1.xml": noted,
        f"{SYNTHETIC}.xml": noted + "<!-- again -->",
        "date.xml": noted.replace(">2026-06-14<", ">Kari Hemmelig<", 1),
        "amount.xml": noted.replace(">125.00<", f">{SYNTHETIC} kr<"),
        "buyer.xml": noted.replace(BUYER, SYNTHETIC),
        "cut kari hemmelig.xml": noted[:-40],
        "root.xml": f"<Kari>{secrets}</Kari>",
        "empty ola fortrolig.xml": "",
    }


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ran]:
    home = make_tiny_home(tmp_path_factory.mktemp("masking") / "home")
    _plant(home)
    said: list[str] = []
    with pytest.MonkeyPatch.context() as patched:
        settle = parsed_assets.settle

        def settle_badly(of: Home, owner: str, *more: object) -> None:
            if owner == "9902":
                try:
                    raise KeyError(SECRETS)
                except KeyError as cause:
                    raise ValueError(f"could not convert {SECRETS}") from cause
            settle(of, owner, *more)

        patched.setattr(parsed_assets, "settle", settle_badly)
        said.append(repr(run_pipeline(home, CLOCK)))

        def write_badly(*_: object) -> None:
            raise ValueError(f"could not convert {SECRETS}")

        patched.setattr(parsed_assets, "settle", settle)
        patched.setattr(parsed_assets, "write_registers", write_badly)
        with pytest.raises(SamandelError) as failed:
            run_pipeline(home, CLOCK)
        said.append(str(failed.value))
    said.append(repr(run_pipeline(home, CLOCK)))
    yield Ran(home, "\n".join(said))


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
