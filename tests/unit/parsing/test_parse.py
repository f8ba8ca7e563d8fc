"""Every landed delivery gets its rows, its rejects and an outcome; none stops another."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipelines.files import sha256_file
from pipelines.home import CONSORTIUM, Home
from pipelines.landing.settings_delivery import land_settings
from pipelines.parsing import ehf, kinds, parse, schema
from pipelines.parsing.kinds import KINDS
from pipelines.parsing.parse import parse_owner
from pipelines.parsing.store import stored_key
from pipelines.tables import ParquetFile, arrow_schema
from tests.unit.dropped import (
    BUYER,
    CLOCK,
    CONSORTIUM_YAML,
    MEMBER_ORG_NOS,
    NEIGHBOUR,
    OTHER_BUYER,
    OWN,
    drop,
    ingest,
    invoice,
    ledger,
    make_home,
    pull,
    rows_of,
)

UNITS = '[{"organisasjonsnummer": "310028142", "navn": "EKSEMPEL MAT AS", "organisasjonsform": {"kode": "AS"}}]'


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return make_home(tmp_path / "home")


def bytes_below(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): sha256_file(path) for path in sorted(folder.rglob("*")) if path.is_file()
    }


def the_one(outcomes: list[dict[str, Any]]) -> dict[str, Any]:
    (outcome,) = outcomes
    return outcome


def rejects_of(home: Home, owner: str = OWN) -> list[tuple[str, str, str]]:
    return [(row["severity"], row["rule"], row["file_name"]) for row in rows_of(home, "rejects", owner)]


def test_a_ledger_becomes_postings_with_their_lineage(home: Home) -> None:
    drop(home, "2026-10.csv", ledger(amounts=["100,00", "-20,50"]))
    outcome = the_one(ingest(home))
    assert (outcome["outcome"], outcome["rows_in"], outcome["rows_out"], outcome["rejects"]) == ("ok", 2, 2, 0)
    assert (outcome["covered_from"], outcome["covered_to"]) == ("2026-10", "2026-10")
    postings = rows_of(home, "ledger_postings")
    assert [str(row["amount"]) for row in postings] == ["100.00", "-20.50"]
    assert {row["municipality_no"] for row in postings} == {OWN}
    assert {row["_delivery_id"] for row in postings} == {outcome["_delivery_id"]}
    assert [row["_row_no"] for row in postings] == [2, 3]


def test_an_invoice_becomes_rows_in_three_tables(home: Home) -> None:
    drop(home, "1.xml", invoice(), "ehf")
    outcome = the_one(ingest(home))
    assert (outcome["outcome"], outcome["rows_in"], outcome["rows_out"]) == ("ok", 1, 1)
    assert [row["invoice_no"] for row in rows_of(home, "ehf_invoices")] == ["F-1"]
    assert len(rows_of(home, "ehf_invoice_lines")) == 1
    assert rows_of(home, "ehf_allowance_charges") == []


def test_every_step_leaves_an_outcome(home: Home) -> None:
    drop(home, "2026-10.csv", ledger())
    ingest(home)
    assert [(row["step"], row["outcome"]) for row in rows_of(home, "outcomes")] == [("landed", "ok"), ("parsed", "ok")]


def test_one_broken_file_refuses_itself_only(home: Home) -> None:
    drop(home, "2026-06/1.xml", invoice("F-1"), "ehf")
    drop(home, "2026-06/2.xml", invoice("F-2")[:-200], "ehf")
    drop(home, "2026-06/3.xml", invoice("F-3"), "ehf")
    outcome = the_one(ingest(home))
    assert (outcome["outcome"], outcome["rows_in"], outcome["rows_out"], outcome["rejects"]) == ("ok", 3, 2, 1)
    assert rejects_of(home) == [("reject", "IN01", "2.xml")]


def test_a_document_with_several_faults_is_one_reject(home: Home) -> None:
    faults = invoice().replace(">100.00<", ">one<").replace("2026-06-14", "2026-06-44")
    drop(home, "1.xml", faults, "ehf")
    outcome = the_one(ingest(home))
    assert (outcome["rows_in"], outcome["rows_out"], outcome["rejects"]) == (1, 0, 1)
    assert [row[0] for row in rejects_of(home)].count("reject") == 1
    assert [row[0] for row in rejects_of(home)].count("issue") == outcome["issues"] > 0


def test_another_members_invoice_is_refused(home: Home) -> None:
    drop(home, "2026-06/own.xml", invoice("F-1"), "ehf")
    drop(home, "2026-06/theirs.xml", invoice("F-2", buyer=OTHER_BUYER), "ehf")
    outcome = the_one(ingest(home))
    assert (outcome["rows_out"], outcome["rejects"]) == (1, 1)
    (reject,) = rows_of(home, "rejects")
    assert (reject["rule"], reject["file_name"]) == ("RF10", "theirs.xml")
    assert OTHER_BUYER not in reject["raw"]


@pytest.mark.parametrize(
    ("valid", "accepted"),
    [("2020-01-01,2026-06-13", 0), ("2020-01-01,2026-06-14", 1), ("2026-06-14,", 1), ("2026-06-15,", 0)],
    ids=["ended the day before", "ends on the day", "begins on the day", "begins the day after"],
)
def test_the_buyer_must_be_the_members_own_on_the_invoices_date(home: Home, valid: str, accepted: int) -> None:
    register = MEMBER_ORG_NOS.replace(f"{BUYER},municipality,2020-01-01,", f"{BUYER},municipality,{valid}")
    (home.registers / "member_org_nos.csv").write_text(register)
    drop(home, "1.xml", invoice(), "ehf")
    assert the_one(ingest(home))["rows_out"] == accepted


def test_a_delivery_of_which_nothing_can_be_read_has_failed(home: Home) -> None:
    drop(home, "2026-09.csv", "Something;else\n1;2\n")
    drop(home, "2026-10.csv", ledger())
    failed, fine = ingest(home)
    assert (failed["outcome"], failed["rule"], failed["rows_in"], failed["rejects"]) == ("failed", "IN01", 1, 1)
    assert failed["message"]
    assert fine["outcome"] == "ok"


@pytest.mark.parametrize(
    "content",
    [ledger(amounts=[]), ledger(amounts=[]) + ";Sum;;;;;;0,00\n"],
    ids=["header only", "a sum row only"],
)
def test_a_month_without_purchases_is_empty_not_failed(home: Home, content: str) -> None:
    drop(home, "2026-10.csv", content)
    outcome = the_one(ingest(home))
    assert outcome["outcome"] == "empty"
    assert outcome["rows_in"] == outcome["rejects"]
    assert rows_of(home, "ledger_postings") == []


def test_the_same_bytes_under_two_names_in_one_delivery_count_once(home: Home) -> None:
    drop(home, "2026-10/a.csv", ledger(amounts=["1,00", "2,00"]))
    drop(home, "2026-10/copy of a.csv", ledger(amounts=["1,00", "2,00"]))
    outcome = the_one(ingest(home))
    assert (outcome["rows_in"], outcome["rows_out"], outcome["rejects"]) == (3, 2, 1)
    assert rejects_of(home) == [("reject", "IN03", "copy of a.csv")]


def test_a_delivery_received_twice_is_parsed_once(home: Home) -> None:
    drop(home, "2026-10.csv", ledger())
    ingest(home)
    drop(home, "again.csv", ledger())
    outcome = the_one(ingest(home))
    assert (outcome["outcome"], outcome["rule"], outcome.get("rows_in")) == (
        "duplicate",
        "IN03",
        None,
    )
    assert len(rows_of(home, "ledger_postings")) == 1
    assert ingest(home) == []


def test_the_same_bytes_from_two_sources_of_a_kind_count_once(tmp_path: Path) -> None:
    second = '      - {kind: ledger, name: old_system, profile: semicolon, settle_seconds: 0}\n  "9902"'
    home = make_home(tmp_path / "home", CONSORTIUM_YAML.replace('  "9902"', second, 1))
    drop(home, "2026-10.csv", ledger())
    drop(home, "2026-10.csv", ledger(), "old_system")
    outcomes = ingest(home)
    assert sorted(outcome["outcome"] for outcome in outcomes) == ["duplicate", "ok"]
    assert len(rows_of(home, "ledger_postings")) == 1
    assert [row["state"] for row in rows_of(home, "delivery_periods")] == ["accepted"]
    assert ingest(home) == []


def test_invoices_dropped_into_the_wrong_inbox_first_are_read_in_the_right_one(home: Home) -> None:
    drop(home, "2026-06/1.xml", invoice(), "ledger")
    assert the_one(ingest(home))["outcome"] == "failed"
    drop(home, "2026-06/1.xml", invoice(), "ehf")
    assert {outcome["source"]: outcome["outcome"] for outcome in ingest(home)}["ehf"] == "ok"
    before = bytes_below(home.parsed)
    assert ingest(home) == []
    assert bytes_below(home.parsed) == before
    assert len(rows_of(home, "ehf_invoices")) == 1
    assert [(row["source"], row["rows"]) for row in rows_of(home, "delivery_periods")] == [("ehf", 1)]


def test_nothing_is_parsed_twice(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    drop(home, "1.xml", invoice(), "ehf")
    drop(home, "2026-10.csv", ledger())
    ingest(home)
    before = {path: path.stat().st_mtime_ns for path in home.parsed.rglob("*.parquet")}
    monkeypatch.setattr(kinds, "read_file", None)  # not even read
    assert ingest(home) == []
    assert {path: path.stat().st_mtime_ns for path in home.parsed.rglob("*.parquet")} == before


def test_documents_are_parsed_again_when_the_members_numbers_change(home: Home) -> None:
    drop(home, "1.xml", invoice(), "ehf")
    drop(home, "2026-10.csv", ledger())
    ingest(home)
    register = home.registers / "member_org_nos.csv"
    # A row of somebody else above, and the name of a unit: nothing that decides for this member.
    lines = MEMBER_ORG_NOS.splitlines()
    register.write_text("\n".join([lines[0], "9902,310000019,enterprise,2020-01-01,", *lines[1:]]) + "\n")
    assert ingest(home) == []
    register.write_text(MEMBER_ORG_NOS.replace(BUYER, "310000019"))
    again = ingest(home)
    assert [(outcome["source"], outcome["rejects"]) for outcome in again] == [("ehf", 1)]
    assert rows_of(home, "ehf_invoices") == []


def test_documents_are_parsed_again_under_another_parser_version(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    drop(home, "1.xml", invoice(), "ehf")
    ingest(home)
    monkeypatch.setitem(kinds.KINDS, "ehf", replace(kinds.KINDS["ehf"], version="another"))
    assert len(ingest(home)) == 1


def test_a_ledger_is_parsed_again_under_another_profile(home: Home) -> None:
    drop(home, "2026-10.csv", ledger())
    ingest(home)
    shipped = (Path(parse.__file__).parent / "profiles" / "semicolon.yml").read_text()
    (home.path / "own.yml").write_text(shipped.replace("sign: 1", "sign: -1"))
    home.consortium_file.write_text(CONSORTIUM_YAML.replace("profile: semicolon", "profile: own.yml", 1))
    assert len(ingest(Home(home.path))) == 1
    assert [str(row["amount"]) for row in rows_of(home, "ledger_postings")] == ["-100.00"]


@pytest.mark.parametrize("fault", ["source gone", "profile gone", "profile broken"])
def test_without_its_profile_what_was_read_stands_and_what_is_new_fails(home: Home, fault: str) -> None:
    drop(home, "2026-09.csv", ledger("202609"))
    ingest(home)
    drop(home, "2026-10.csv", ledger("202610"))
    pull(home)
    if fault == "source gone":
        home.consortium_file.write_text(CONSORTIUM_YAML.replace("kind: ledger,", "kind: ledger, name: other,", 1))
    else:
        home.consortium_file.write_text(CONSORTIUM_YAML.replace("profile: semicolon", "profile: own.yml", 1))
    if fault == "profile broken":
        (home.path / "own.yml").write_text("columns: {nothing: x}")
    outcome = the_one(ingest(Home(home.path)))
    assert outcome["outcome"] == "failed"
    assert [row["fiscal_period"] for row in rows_of(home, "ledger_postings")] == ["2026-09"]
    home.consortium_file.write_text(CONSORTIUM_YAML)
    assert the_one(ingest(Home(home.path)))["outcome"] == "ok"


def test_an_unexpected_fault_fails_one_delivery_without_telling_its_content(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    drop(home, "2026-05/1.xml", invoice("F-1"), "ehf")
    drop(home, "2026-06/1.xml", invoice("F-2"), "ehf")
    original = ehf.parse_document

    def failing(raw: bytes, *limits: Any) -> ehf.ParsedDocument:
        if b">F-1<" in raw:
            raise RuntimeError("Kari Hemmelig")
        return original(raw, *limits)

    monkeypatch.setattr(ehf, "parse_document", failing)
    failed, fine = ingest(home)
    assert (failed["outcome"], fine["outcome"]) == ("failed", "ok")
    assert "RuntimeError" in failed["message"]
    assert "Kari" not in repr(rows_of(home, "outcomes") + rows_of(home, "rejects"))
    monkeypatch.undo()
    # It is tried again, and then it is well.
    assert the_one(ingest(home))["outcome"] == "ok"
    assert sorted(row["invoice_no"] for row in rows_of(home, "ehf_invoices")) == ["F-1", "F-2"]


def test_a_damaged_store_fails_that_delivery_only(home: Home) -> None:
    drop(home, "2026-09.csv", ledger("202609"))
    drop(home, "2026-10.csv", ledger("202610"))
    first, _ = pull(home)
    (home.path / first.files[0].path).write_text("changed")
    failed, fine = ingest(home)
    assert (failed["outcome"], fine["outcome"]) == ("failed", "ok")
    assert first.files[0].path in failed["message"]


class Killed(BaseException):
    """A kill: nothing may catch it."""


@pytest.mark.parametrize("file", range(1, 6))
def test_parsing_killed_anywhere_ends_in_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: int
) -> None:
    homes = [make_home(tmp_path / name) for name in ("undisturbed", "killed")]
    for home in homes:
        drop(home, "1.xml", invoice(), "ehf")
    undisturbed, killed = homes
    ingest(undisturbed)

    calls = 0
    original = ParquetFile.finish

    def killing(self: ParquetFile) -> None:
        nonlocal calls
        calls += 1
        if calls == file:
            raise Killed
        original(self)

    monkeypatch.setattr(ParquetFile, "finish", killing)
    with pytest.raises(Killed):
        ingest(killed)
    monkeypatch.undo()
    assert not any((killed.parsed / "outcomes").rglob("*.parquet"))
    left = killed.parsed / "rejects" / f"municipality_no={OWN}" / ".x.parquet.abc.tmp"
    left.parent.mkdir(parents=True, exist_ok=True)
    left.write_text("half")
    ingest(killed)
    assert bytes_below(killed.parsed) == bytes_below(undisturbed.parsed)


def test_joint_deliveries_are_parsed_and_settings_left_to_the_registers(home: Home) -> None:
    drop(home, "enheter.json", UNITS, "brreg", CONSORTIUM)
    outcome = the_one(ingest(home, CONSORTIUM))
    assert (outcome["source"], outcome["rows_out"], outcome["covered_from"]) == ("brreg", 1, None)
    (company,) = rows_of(home, "companies", CONSORTIUM)
    assert (company["municipality_no"], company["name"]) == (CONSORTIUM, "EKSEMPEL MAT AS")


def test_kinds_that_are_not_read_yet_fail_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(KINDS, "saft")
    home = make_home(tmp_path / "home", CONSORTIUM_YAML.replace("{kind: ehf,", "{kind: saft,", 1))
    drop(home, "1.xml", "<AuditFile/>", "saft")
    outcome = the_one(ingest(home))
    assert outcome["outcome"] == "failed"
    assert "saft" in outcome["message"]


def test_owners_are_kept_apart(home: Home) -> None:
    drop(home, "2026-10.csv", ledger())
    drop(home, "2026-10.csv", ledger(), owner=NEIGHBOUR)
    ingest(home)
    ingest(home, NEIGHBOUR)
    assert {row["municipality_no"] for row in rows_of(home, "ledger_postings", NEIGHBOUR)} == {NEIGHBOUR}
    assert len(rows_of(home, "ledger_postings", OWN)) == 1


def test_year_end_is_covered_by_december(home: Home) -> None:
    drop(home, "2025-13.csv", ledger("202513"))
    outcome = the_one(ingest(home))
    assert (outcome["covered_from"], outcome["covered_to"]) == ("2025-12", "2025-12")


def test_tables_of_a_delivery_are_typed_even_when_empty(home: Home) -> None:
    import pyarrow.parquet as pq

    drop(home, "1.xml", "<nothing/>", "ehf")
    outcome = the_one(ingest(home))
    for table in (schema.EHF_INVOICES, schema.EHF_INVOICE_LINES, schema.EHF_ALLOWANCE_CHARGES, schema.REJECTS):
        path = home.parsed / table.name / f"municipality_no={OWN}" / f"{outcome['_delivery_id']}.parquet"
        assert pq.ParquetFile(path).schema_arrow.equals(arrow_schema(table))
    assert stored_key(home, OWN, outcome["_delivery_id"])


def test_without_deliveries_there_is_nothing_to_do(home: Home) -> None:
    land_settings(home, CLOCK)
    assert parse_owner(home, OWN, home.read_registers()) == []


JOINT = CONSORTIUM_YAML.replace("{kind: brreg,", "{kind: notices, settle_seconds: 0}\n  - {kind: brreg,")
GOLDEN = Path(__file__).resolve().parents[2] / "golden"


def test_notices_become_lots_and_buyers_and_count(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home", JOINT)
    for path in sorted((GOLDEN / "notices").glob("*.xml")):
        drop(home, f"pull/{path.name}", path.read_bytes(), "notices", CONSORTIUM)
    outcome = the_one(ingest(home, CONSORTIUM))
    assert (outcome["outcome"], outcome["rows_in"], outcome["rows_out"], outcome["rejects"]) == ("ok", 10, 6, 4)
    assert (outcome["covered_from"], outcome["covered_to"]) == ("2026-09", "2026-09")
    lots = rows_of(home, "notices", CONSORTIUM)
    assert sorted({row["notice_id"][-2:] for row in lots}) == ["01", "02", "03", "04", "05", "07"]
    assert len(lots) == 9
    assert len(rows_of(home, "notice_buyers", CONSORTIUM)) == 9
    periods = rows_of(home, "delivery_periods", CONSORTIUM)
    assert [(row["source"], row["rows"], row["state"]) for row in periods] == [("notices", 9, "accepted")]


def test_a_member_may_hand_in_a_notice_of_others(tmp_path: Path) -> None:
    text = JOINT.replace("{kind: ehf, settle_seconds: 0}", "{kind: notices, settle_seconds: 0}")
    home = make_home(tmp_path / "home", text)
    drop(home, "n.xml", (GOLDEN / "notices" / "without_lots.xml").read_bytes(), "notices")
    assert the_one(ingest(home))["rows_out"] == 1


def test_a_register_that_breaks_off_leaves_no_row_and_stops_no_other_file(home: Home) -> None:
    units = [{"organisasjonsnummer": f"{310_000_000 + at}"} for at in range(12_000)]
    drop(home, "pull/cut.json", json.dumps(units)[:-10], "brreg", CONSORTIUM)
    drop(home, "pull/whole.json", UNITS, "brreg", CONSORTIUM)
    outcome = the_one(ingest(home, CONSORTIUM))
    assert (outcome["rows_in"], outcome["rows_out"], outcome["rejects"]) == (2, 1, 1)
    assert [row["org_no"] for row in rows_of(home, "companies", CONSORTIUM)] == ["310028142"]
    assert rejects_of(home, CONSORTIUM) == [("reject", "IN01", "cut.json")]


def test_a_packed_register_beyond_its_limit_is_refused(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home", CONSORTIUM_YAML + "limits: {brreg_unpacked_mib: 1}\n")
    raw = gzip.compress(b"[" + b" " * 2_000_000 + UNITS.encode()[1:])
    drop(home, "enheter_alle.json.gz", raw, "brreg", CONSORTIUM)
    outcome = the_one(ingest(home, CONSORTIUM))
    assert (outcome["outcome"], outcome["rule"]) == ("failed", "IN01")
    assert "brreg_unpacked_mib" in outcome["message"]
