"""A candidate is made once from the same inputs, replaced whole, and says what it is."""

from __future__ import annotations

import json
import shutil
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from frictionless import validate

from pipelines.candidates import make
from pipelines.candidates.make import (
    candidate_folder,
    due_keys,
    inputs_digest,
    inputs_file,
    is_current,
    make_candidate,
    open_maker,
    suppression_log_file,
    visible_part,
)
from pipelines.candidates.products import MUNICIPALITY_EXTRACT, PRODUCTS, WORKSHOP_RELEASE, CandidateKey
from pipelines.errors import ConfigurationError, WarehouseBusy
from pipelines.files import folder_digest
from pipelines.gate.candidate_files import read_candidate
from pipelines.gate.suites import read_suite
from pipelines.home import Home
from pipelines.settings import EXPECTATIONS, Clock
from tests.unit.candidates.small_home import (
    CLOCK,
    MONTHS,
    MUNICIPALITIES,
    PERIOD,
    WORKSHOPS,
    contributions,
    default_rows,
    extract_row,
    make_home,
    market_row,
    write_warehouse,
)

P1 = CandidateKey(MUNICIPALITY_EXTRACT, "9901", PERIOD)
P2 = CandidateKey(WORKSHOP_RELEASE, WORKSHOPS[0], PERIOD)


def test_every_member_and_workshop_of_the_day_is_due(home: Home) -> None:
    assert due_keys(home, PERIOD, CLOCK.as_of) == [
        *(CandidateKey(MUNICIPALITY_EXTRACT, no, PERIOD) for no in MUNICIPALITIES),
        *(CandidateKey(WORKSHOP_RELEASE, no, PERIOD) for no in WORKSHOPS),
    ]
    assert due_keys(home, PERIOD, date(2019, 12, 31)) == []


@pytest.mark.parametrize("key", [P1, P2], ids=["P1", "P2"])
def test_a_candidate_holds_the_agreed_files_and_a_valid_package(home: Home, key: CandidateKey) -> None:
    candidate = make_candidate(home, key, CLOCK)
    assert sorted(path.name for path in candidate.folder.iterdir()) == PRODUCTS[key.product].file_names
    assert candidate.digest == folder_digest(candidate.folder)
    report = validate(str(candidate.folder / "datapackage.json"))
    assert report.valid, report.flatten(["type", "message"])
    package = json.loads((candidate.folder / "datapackage.json").read_text())
    assert (package["product"], package["recipient"], package["period"]) == (key.product, key.recipient, key.period)
    assert package["window"] == {"from": "2025-11", "to": "2026-10"}
    expected = [key.recipient] if key is P1 else list(MUNICIPALITIES)
    covered = {"months": ["2026-03"], "not_delivered": [], "delivered_to": "2026-10"}
    assert package["coverage"] == [{"municipality_no": no, **covered} for no in expected]


@pytest.mark.parametrize("key", [P1, P2], ids=["P1", "P2"])
def test_the_package_names_the_months_that_have_not_come(home: Home, key: CandidateKey) -> None:
    rows = {**default_rows(), "product_municipality_extract": [extract_row("9901", 1), extract_row("9902", 1)]}
    never = [("9903", month) for month in MONTHS]
    write_warehouse(home, rows, build_id="c" * 16, missing=[("9901", "2026-10"), ("9901", "2026-02"), *never])
    coverage = json.loads((make_candidate(home, key, CLOCK).folder / "datapackage.json").read_text())["coverage"]
    stated = {one["municipality_no"]: (one["months"], one["not_delivered"], one["delivered_to"]) for one in coverage}
    assert stated["9901"] == (["2026-03"], ["2026-02", "2026-10"], "2026-09"), "it stays with its last good month"
    others = {"9902": (["2026-03"], [], "2026-10"), "9903": ([], list(MONTHS), None)}
    assert stated == {"9901": stated["9901"], **({} if key is P1 else others)}


def test_a_ledger_that_is_agreed_decides_what_is_missing(home: Home) -> None:
    before = make_candidate(home, P1, CLOCK)
    settings = home.consortium_file.read_text()
    ledger = "{kind: ledger, folder: inbox/9901/ledger, profile: unit4}"
    home.consortium_file.write_text(settings.replace("'9901': {sources: []}", f"'9901': {{sources: [{ledger}]}}"))
    again = Home(home.path)
    assert not is_current(again, P1)
    after = make_candidate(again, P1, CLOCK)
    assert after.digest != before.digest
    assert json.loads((after.folder / "datapackage.json").read_text())["coverage"][0]["not_delivered"] == list(MONTHS)


@pytest.mark.parametrize("name", ["kpi.csv", "kpi.parquet"])
def test_the_package_shows_a_changed_file(home: Home, name: str) -> None:
    folder = make_candidate(home, P1, CLOCK).folder
    raw = (folder / name).read_bytes()
    (folder / name).write_bytes(raw[:-1] + bytes([raw[-1] ^ 1]))
    assert not validate(str(folder / "datapackage.json")).valid


@pytest.mark.parametrize("key", [P1, P2], ids=["P1", "P2"])
def test_the_gate_reads_both_renderings_as_the_same(home: Home, key: CandidateKey) -> None:
    rows = default_rows()
    rows["product_municipality_extract"] += [
        extract_row("9901", 10, supplier_name="=SUM(A1)", quality_flags=None, local_account_text='-a, "b"\nc'),
        extract_row("9901", 11, net_amount_nok=Decimal("-0.01"), vat_amount_nok=None, invoice_date=None),
    ]
    write_warehouse(home, rows, build_id="d" * 16)
    files = read_candidate(make_candidate(home, key, CLOCK).folder, read_suite(EXPECTATIONS, key.product))
    assert (files.missing, files.extra, files.unreadable, files.differing, files.formulas) == ([], [], [], [], [])
    assert files.cells > 0


def test_two_homes_with_the_same_rows_make_the_same_bytes(tmp_path: Path) -> None:
    homes = [make_home(tmp_path / name) for name in ("first", "second")]
    rows = default_rows()
    write_warehouse(homes[1], {name: listed[::-1] for name, listed in rows.items()}, build_id="b" * 16)
    for key in (P1, P2):
        first, second = (make_candidate(home, key, CLOCK) for home in homes)
        assert first.digest == second.digest


@pytest.mark.parametrize("key", [P1, P2], ids=["P1", "P2"])
def test_nothing_is_rendered_again_while_nothing_changes(
    home: Home, key: CandidateKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = make_candidate(home, key, CLOCK)
    assert first.is_new
    assert is_current(home, key)

    def no_warehouse(_: Home) -> None:
        raise AssertionError("the warehouse was opened")

    monkeypatch.setattr(make, "connect", no_warehouse)
    second = make_candidate(home, key, CLOCK)
    assert not second.is_new
    assert second.digest == first.digest


@pytest.mark.parametrize("what", ["a byte", "a file", "the note", "the build", "the recipients", "the window"])
def test_a_candidate_is_made_again_when_anything_changed(home: Home, what: str) -> None:
    folder, digest = (first := make_candidate(home, P1, CLOCK)).folder, first.digest
    if what == "a byte":
        (folder / "kpi.csv").write_bytes((folder / "kpi.csv").read_bytes() + b" ")
    elif what == "a file":
        (folder / "extra.txt").write_text("not agreed")
    elif what == "the note":
        inputs_file(home, P1).write_text("{")
    elif what == "the build":
        write_warehouse(home, default_rows(), build_id="e" * 16)
    elif what == "the recipients":
        with (home.registers / "members.csv").open("a") as register:
            register.write("9904,Kommune 9904,1000,unprepared,2026-01-01,\n")
    else:
        home.consortium_file.write_text(home.consortium_file.read_text() + "publication: {window_months: 11}\n")
        home = Home(home.path)
    assert not is_current(home, P1)
    again = make_candidate(home, P1, CLOCK)
    assert again.is_new
    assert is_current(home, P1)
    # Only what stands in the files changes their digest: months that nobody delivered are not among them but in words.
    assert (again.digest == digest) is (what != "the window")


def test_another_period_is_another_candidate(home: Home) -> None:
    earlier = CandidateKey(MUNICIPALITY_EXTRACT, "9901", "2026-09")
    assert inputs_digest(home, P1) != inputs_digest(home, earlier)
    make_candidate(home, P1, CLOCK)
    assert not is_current(home, earlier)


def test_what_it_was_made_from_is_noted_beside_it(home: Home) -> None:
    candidate = make_candidate(home, P1, CLOCK)
    assert json.loads(inputs_file(home, P1).read_text()) == {
        "period": PERIOD,
        "build_id": "b" * 16,
        "inputs_digest": inputs_digest(home, P1),
        "candidate_sha256": candidate.digest,
    }


@pytest.mark.parametrize(
    ("key", "clock"),
    [
        (CandidateKey(MUNICIPALITY_EXTRACT, "9999", PERIOD), CLOCK),
        (CandidateKey(WORKSHOP_RELEASE, "9901", PERIOD), CLOCK),
        (CandidateKey("everything", "9901", PERIOD), CLOCK),
        (CandidateKey(MUNICIPALITY_EXTRACT, "../9901", PERIOD), CLOCK),
        (P1, Clock.pinned(date(2019, 12, 31))),
    ],
    ids=["no member", "no workshop", "no product", "a path", "not yet a member"],
)
def test_nothing_is_made_for_whoever_is_no_recipient(home: Home, key: CandidateKey, clock: Clock) -> None:
    with pytest.raises(ConfigurationError):
        make_candidate(home, key, clock)
    assert not home.candidates.exists()


def test_without_a_warehouse_the_remedy_is_told(home: Home) -> None:
    shutil.rmtree(home.warehouse)
    with pytest.raises(ConfigurationError, match="no warehouse") as raised:
        make_candidate(home, P1, CLOCK)
    assert "samandel run" in raised.value.remedy


def test_a_build_between_two_candidates_is_not_mixed_in(home: Home) -> None:
    with open_maker(home) as maker:
        maker.make(P1, CLOCK)
        write_warehouse(home, default_rows(), build_id="f" * 16)
        with pytest.raises(WarehouseBusy):
            maker.make(P2, CLOCK)
    assert not candidate_folder(home, P2).exists()


def test_what_a_kill_left_is_removed(home: Home) -> None:
    remnant = candidate_folder(home, P1).with_name(".9901.abc.tmp")
    remnant.mkdir(parents=True)
    (remnant / "kpi.csv").write_text("half")
    make_candidate(home, P1, CLOCK)
    names = {path.name for path in (home.candidates / MUNICIPALITY_EXTRACT).iterdir()}
    assert names == {"9901", "9901.inputs.json"}


def test_what_a_share_withholds_is_noted_beside_it_and_stays_in_the_house(home: Home) -> None:
    hidden = market_row(WORKSHOPS[0], municipality_no="9902", contributions=contributions({"1": "500"}))
    hidden |= {"own_nok": Decimal(0), "addressable_nok": Decimal(500)}
    rows = {**default_rows(), "product_workshop_market_view": [market_row(WORKSHOPS[0]), hidden]}
    write_warehouse(home, rows, build_id="d" * 16)
    candidate = make_candidate(home, P2, CLOCK)
    assert suppression_log_file(home, P2).read_text().splitlines()[1:] == [
        "2026,9902,meeting_food,p,few,fewer than three other contributors"
    ]
    assert visible_part(home, P2) == Decimal("0.5455")
    assert not any(b"fewer than three" in path.read_bytes() for path in candidate.folder.iterdir())


@pytest.mark.parametrize(
    ("register", "header", "row"),
    [
        ("workshop_owners", "workshop_org_no,owner_municipality_no,ownership_fraction", "310000028,9901,0.6"),
        ("consents", "subject,product,document_reference", "310000028,workshop_sales,a paper"),
    ],
)
def test_what_the_recipient_knows_of_others_is_an_input(home: Home, register: str, header: str, row: str) -> None:
    make_candidate(home, P2, CLOCK)
    (home.registers / f"{register}.csv").write_text(f"{header},valid_from,valid_to\n{row},2020-01-01,\n")
    assert not is_current(home, P2)
    assert make_candidate(home, P2, CLOCK).is_new
