"""What an agreement allows is taken; anything else leaves a receipt, no bytes in landing, and a line in the status."""

from __future__ import annotations

import gzip
import io
import shutil
import zipfile
from pathlib import Path

import pytest

from pipelines.home import Home
from pipelines.landing import inbox
from pipelines.landing.store import read_all_receipts, read_receipts
from pipelines.outcomes import status_rows
from pipelines.prepared import MANIFEST
from pipelines.preparing.inputs import find_inputs
from pipelines.preparing.package import prepare_package
from tests.unit.dropped import (
    CONSORTIUM_YAML,
    MEMBERS,
    OWN,
    drop,
    ingest,
    invoice,
    ledger,
    make_home,
    pull,
    rows_of,
)
from tests.unit.preparing.test_package import FILES, contents, document
from tests.unit.registered import fill, form_bytes, make_registered_home
from tests.unit.test_scanner import SYNTHETIC


def home_with(path: Path, agreement: str) -> Home:
    home = make_home(path)
    members = MEMBERS.replace("4500,unprepared,", f"4500,{agreement},")
    (home.registers / "members.csv").write_text(members, encoding="utf-8")
    return home


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return home_with(tmp_path / "home", "prepared_only")


def package(
    folder: Path, files: dict[str, bytes] = FILES, *, keep_unexplained: bool = False, **changes: bytes | None
) -> bytes:
    """A package, with members changed, added or (None) left out after it was sealed."""
    folder.mkdir(exist_ok=True)
    for name, raw in files.items():
        (folder / name).write_bytes(raw)
    members: dict[str, bytes | None] = {
        **contents(prepare_package(find_inputs([folder]), keep_unexplained=keep_unexplained))
    }
    members |= {name.replace("__", "/").replace("_DOT_", "."): raw for name, raw in changes.items()}
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, raw in members.items():
            if raw is not None:
                archive.writestr(name, raw)
    return stream.getvalue()


def landed_bytes(home: Home) -> list[Path]:
    return [path for path in home.landing.glob(f"{OWN}/*/??/*") if path.is_file()]


def test_an_unprepared_drop_is_refused_and_its_bytes_are_not_in_landing(home: Home) -> None:
    drop(home, f"{SYNTHETIC}.csv", ledger())
    outcomes = ingest(home)
    assert landed_bytes(home) == []
    assert read_receipts(home, OWN) == []
    (receipt,) = read_all_receipts(home, OWN)
    assert receipt.refused is not None
    assert "samandel prepare" in receipt.refused
    assert [(row["outcome"], row["rule"], row["rejects"]) for row in outcomes] == [("refused", "IN13", 1)]
    (reject,) = [row for row in rows_of(home, "rejects") if row["rule"] == "IN13"]
    assert reject["file_name"] == "99999999999.csv"
    assert rows_of(home, "ledger_postings") == []
    (aside,) = (home.inbox / ".refused" / OWN / "ledger").iterdir()
    assert aside.name == f"000001-{SYNTHETIC}.csv"


def test_the_status_shows_it_since_when(home: Home) -> None:
    drop(home, "202610.csv", ledger())
    ingest(home)
    (row,) = [row for row in status_rows(home) if (row["municipality_no"], row["source"]) == (OWN, "ledger")]
    assert row["outcome"] == "refused"
    assert row["failing_since"] is not None


def test_a_second_run_says_nothing_again(home: Home) -> None:
    drop(home, "202610.csv", ledger())
    ingest(home)
    assert ingest(home) == []


def test_a_prepared_package_is_taken_by_each_inbox_for_its_part(home: Home, tmp_path: Path) -> None:
    raw = package(tmp_path / "inn")
    drop(home, "p.zip", raw)
    drop(home, "p.zip", raw, source="ehf")
    ingest(home)
    assert {file.name for receipt in read_receipts(home, OWN) for file in receipt.files} == {
        "p.zip/ledger/202609.csv",
        "p.zip/ehf/kept.xml",
    }
    postings = rows_of(home, "ledger_postings")
    assert len(postings) == 4
    assert not any(row["kostra_function"] == "252" and row["supplier_name"] for row in postings)


@pytest.mark.parametrize(
    "changes",
    [
        {"ledger__202609_DOT_csv": b"changed"},
        {"ledger__202609_DOT_csv": None},
        {"ledger__more_DOT_csv": b"more"},
        {"manifest_DOT_json": b'{"format": "samandel-prepared/2"}'},
        {"_DOT_hidden": b"x"},
    ],
    ids=["changed", "missing", "more", "manifest", "hidden"],
)
@pytest.mark.parametrize("agreement", ["prepared_only", "unprepared"])
def test_a_package_that_is_not_what_was_sealed_is_refused_whatever_the_agreement(
    tmp_path: Path, changes: dict[str, bytes | None], agreement: str
) -> None:
    home = home_with(tmp_path / "home", agreement)
    drop(home, "p.zip", package(tmp_path / "inn", **changes))
    assert pull(home) == []
    assert landed_bytes(home) == []
    assert len(read_all_receipts(home, OWN)) == 1


def test_an_unprepared_zip_is_taken_where_the_agreement_allows_it(tmp_path: Path) -> None:
    home = home_with(tmp_path / "home", "unprepared")
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("202610.csv", ledger())
        archive.writestr(MANIFEST, b"{}")
    drop(home, "p.zip", stream.getvalue())
    (receipt,) = pull(home)
    assert receipt.refused is None


def test_a_package_that_cannot_tell_clients_is_refused_where_preparing_is_agreed(home: Home, tmp_path: Path) -> None:
    drop(home, "p.zip", package(tmp_path / "inn", {"kept.xml": FILES["kept.xml"]}), source="ehf")
    assert pull(home, "ehf") == []
    (receipt,) = read_all_receipts(home, OWN)
    assert "client invoices" in (receipt.refused or "")


@pytest.mark.parametrize("keep", [True, False])
def test_a_package_that_keeps_what_no_posting_explains_is_refused_where_preparing_is_agreed(
    home: Home, tmp_path: Path, *, keep: bool
) -> None:
    files = FILES | {"unknown.xml": document("8765", "310000019")}
    drop(home, "p.zip", package(tmp_path / "inn", files, keep_unexplained=keep), source="ehf")
    assert len(pull(home, "ehf")) == (not keep)
    (receipt,) = read_all_receipts(home, OWN)
    assert ("no posting explains" in (receipt.refused or "")) == keep


def test_a_package_in_the_wrong_inbox_is_refused(home: Home, tmp_path: Path) -> None:
    files = {"202609.csv": FILES["202609.csv"]}
    drop(home, "p.zip", package(tmp_path / "inn", files), source="ehf")
    assert pull(home, "ehf") == []


def test_one_unprepared_file_refuses_the_whole_drop(home: Home, tmp_path: Path) -> None:
    drop(home, "both/p.zip", package(tmp_path / "inn"))
    drop(home, "both/202610.csv", ledger())
    assert pull(home) == []
    assert landed_bytes(home) == []


def test_the_agreement_of_the_day_decides(tmp_path: Path) -> None:
    home = home_with(tmp_path / "home", "prepared_only,2020-01-01,2026-11-14\n9901,Eksempel kommune,4500,unprepared")
    members = (home.registers / "members.csv").read_text().replace("2026-11-14\n", "2026-11-14\n", 1)
    (home.registers / "members.csv").write_text(members.replace("unprepared,2020-01-01,", "unprepared,2026-11-15,", 1))
    drop(home, "202610.csv", ledger())
    assert len(pull(home)) == 1


def test_killed_between_note_and_move_it_is_noted_once(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    drop(home, "202610.csv", ledger())

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(inbox, "move", killed)
        with pytest.raises(KeyboardInterrupt):
            pull(home)
    assert pull(home) == []
    assert len(read_all_receipts(home, OWN)) == 1
    assert len(list((home.inbox / ".refused" / OWN / "ledger").iterdir())) == 1


def test_the_same_drop_is_taken_once_the_agreement_allows_it(home: Home) -> None:
    drop(home, "202610.csv", ledger())
    pull(home)
    (home.registers / "members.csv").write_text(MEMBERS, encoding="utf-8")
    shutil.move(
        home.inbox / ".refused" / OWN / "ledger" / "000001-202610.csv", home.inbox / OWN / "ledger" / "202610.csv"
    )
    (receipt,) = pull(home)
    assert (receipt.sequence, receipt.duplicate_of) == (2, None)


def test_the_company_register_needs_no_preparing(home: Home) -> None:
    drop(home, "enheter.json", "[]", source="brreg", owner="_consortium")
    assert len(pull(home, "brreg", "_consortium")) == 1


OTHER_INBOXES = """      - {kind: registers, settle_seconds: 0}
      - {kind: registers, name: contracts, profile: kav, settle_seconds: 0}
      - {kind: registers, name: contracts_csv, profile: kgv_csv, settle_seconds: 0}
      - {kind: notices, settle_seconds: 0}
      - {kind: brreg, settle_seconds: 0}
"""
OTHERS = ("registers", "contracts", "contracts_csv", "notices", "brreg")
GOLDEN = Path(__file__).resolve().parents[2] / "golden"


def with_all_inboxes(path: Path, agreement: str) -> Home:
    home = home_with(path, agreement)
    text = CONSORTIUM_YAML.replace('  "9902":', OTHER_INBOXES + '  "9902":', 1)
    home.consortium_file.write_text(text, encoding="utf-8")
    return Home(home.path)


def zipped(**files: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, raw in files.items():
            archive.writestr(name, raw)
    return stream.getvalue()


def raw_files() -> dict[str, bytes]:
    workbook = (GOLDEN / "ledgers" / "xlsx_no__two_sheets_real_dates.xlsx").read_bytes()
    org_no_first = b"Organisasjonsnummer;Navn;Tekst\n310000019;Ola Nordmann;Opphold\n"
    return {
        "reskontro okt.csv": ledger().encode(),
        "reskontro.txt": org_no_first,
        "reskontro.xlsx": workbook,
        "klientfaktura.xml": invoice().encode(),
        "credit.xml": b'<CreditNote xmlns="urn:oasis:names:specification:ubl:schema:xsd:CreditNote-2"/>',
        "saft.xml": next(iter(sorted((GOLDEN / "saft").glob("*.xml")))).read_bytes(),
        "poster.json": b'[{"organisasjonsnummer": "310000019", "navn": "Ola Nordmann"}]',
        "noe.bin": bytes(range(256)),
        "tom.csv": b"",
        "pakket.zip": zipped(**{"a.csv": ledger().encode()}),
        "skjult.zip": zipped(**{"__MACOSX/a.csv": ledger().encode()}),
        "brutt.zip": zipped(**{"a.csv": ledger().encode()})[:-9],
    }


@pytest.mark.parametrize("source", OTHERS)
def test_where_preparing_is_agreed_no_other_inbox_takes_what_must_be_prepared(tmp_path: Path, source: str) -> None:
    home = with_all_inboxes(tmp_path / "home", "prepared_only")
    files = raw_files()
    for name, raw in files.items():
        drop(home, name, raw, source=source)
    drop(home, "mappe/202610.csv", ledger(), source=source)
    assert pull(home, source) == []
    assert landed_bytes(home) == []
    receipts = read_all_receipts(home, OWN)
    assert len(receipts) == len(files) + 1
    assert all("nothing else than its own kind" in (receipt.refused or "") for receipt in receipts)
    assert len(list((home.inbox / ".refused" / OWN / source).iterdir())) == len(files) + 1


def test_where_nothing_is_agreed_they_land_and_parsing_says_what_is_wrong(tmp_path: Path) -> None:
    home = with_all_inboxes(tmp_path / "home", "unprepared")
    drop(home, "reskontro okt.csv", ledger(), source="registers")
    assert len(pull(home, "registers")) == 1


def own_files() -> list[tuple[str, str, bytes]]:
    contracts = sorted((GOLDEN / "contracts").iterdir())
    kav, kgv = (next(path for path in contracts if path.name.startswith(name)) for name in ("kav__", "kgv_csv__"))
    notice = next(path for path in sorted((GOLDEN / "notices").glob("*.xml")) if "invalid" not in path.name)
    unit = b'{"organisasjonsnummer": "310000019", "navn": "Eksempel AS", "organisasjonsform": {"kode": "AS"}}'
    return [
        ("contracts", kav.name, kav.read_bytes()),
        ("contracts_csv", kgv.name, kgv.read_bytes()),
        ("contracts_csv", "a.zip", zipped(**{kgv.name: kgv.read_bytes()})),
        ("notices", notice.name, notice.read_bytes()),
        ("brreg", "enhet.json", unit),
        ("brreg", "enheter.json.gz", gzip.compress(b"[" + unit + b"]", mtime=0)),
        ("brreg", "enheter.csv", b'"organisasjonsnummer","navn","organisasjonsform.kode"\n310000019,Eksempel AS,AS\n'),
    ]


@pytest.mark.parametrize(
    ("source", "name", "raw"), own_files(), ids=[f"{source}-{name}" for source, name, _raw in own_files()]
)
def test_what_an_inbox_is_for_lands_whatever_the_agreement(tmp_path: Path, source: str, name: str, raw: bytes) -> None:
    home = with_all_inboxes(tmp_path / "home", "prepared_only")
    drop(home, name, raw, source=source)
    assert len(pull(home, source)) == 1


def test_a_form_lands_as_filled_in_and_with_a_sheet_of_its_own_it_does_not(tmp_path: Path) -> None:
    registered = make_registered_home(tmp_path / "registered")
    form = form_bytes(registered, "tasks", "9901")
    home = with_all_inboxes(tmp_path / "home", "prepared_only")
    drop(home, "skjema.xlsx", form, source="registers")
    drop(home, "lagret.xlsx", fill(form, lambda sheet: sheet.cell(5, 1, "T-9")), source="registers")
    drop(home, "mer.xlsx", fill(form, lambda sheet: sheet.parent.create_sheet("Reskontro")), source="registers")
    assert {receipt.drop for receipt in pull(home, "registers")} == {"skjema.xlsx", "lagret.xlsx"}
