"""The demo's registers and company register: complete, and nothing in them is real."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from pipelines.demo.names import comparable, org_no_check_digit
from pipelines.home import Home
from pipelines.parsing.notices import parse_notice
from tests.unit.demo import reading


@pytest.fixture(scope="module")
def registers(thin_home: Path) -> dict[str, list[dict]]:
    return Home(thin_home).read_registers()


def _units(home: Path) -> list[dict]:
    return json.loads((home / "inbox" / "_consortium" / "brreg" / "enheter.json").read_text(encoding="utf-8"))


def test_every_register_that_makes_sense_is_filled(registers: dict[str, list[dict]]) -> None:
    empty = {name for name, rows in registers.items() if not rows}
    assert empty == {
        *("collaborations", "filed_accounts", "supplier_corrections"),
    }


def test_what_people_wrote_into_forms_holds_no_keys_of_ours(registers: dict[str, list[dict]]) -> None:
    keys = {row["category_key"] for row in registers["workshop_capabilities"]}
    words = keys | {key.replace("_", " ") for key in keys}
    written = [row["description"] for row in registers["tasks"]]
    written += [row["department"] for row in registers["workshop_departments"]]
    assert written
    assert [text for text in written if any(text.endswith(word) for word in words)] == []
    asked = {row["department"] for row in registers["workshop_capabilities"]}
    assert asked == {row["department"] for row in registers["workshop_departments"]}


def test_settings_name_every_source(thin_home: Path) -> None:
    consortium = Home(thin_home).consortium
    kinds = Counter(source.kind for source in consortium.sources)
    assert kinds == {"ledger": 17, "ehf": 12, "brreg": 1, "notices": 1}
    assert str(consortium.as_of) == "2026-11-15"
    for source in consortium.sources:
        assert (thin_home / source.url).is_dir(), source


def test_numbers_pass_their_check_and_start_with_three(thin_home: Path) -> None:
    numbers = [unit["organisasjonsnummer"] for unit in _units(thin_home)]
    numbers += [row["org_no"] for row in reading.register(thin_home, "member_org_nos")]
    numbers += [row["org_no"] for row in reading.register(thin_home, "workshops")]
    assert all(len(number) == 9 and number[0] == "3" for number in numbers)
    assert all(org_no_check_digit(number[:8]) == int(number[8]) for number in numbers)


def test_members_are_no_real_municipalities(fixtures: Path, thin_home: Path) -> None:
    real = (fixtures / "codelists" / "kommuner_2026-01-01.csv").read_text(encoding="utf-8").lower()
    for row in reading.register(thin_home, "members"):
        assert row["name"].lower() not in real
        assert row["municipality_no"] not in real


def test_every_payee_with_a_number_is_in_the_company_register(thin_home: Path) -> None:
    known = {unit["organisasjonsnummer"] for unit in _units(thin_home)}
    assert len(known) == len(_units(thin_home))
    for number in ("9901", "9903"):
        assert {document.seller for document in reading.documents_of(thin_home, number)} <= known
    assert {row["org_no"] for row in reading.register(thin_home, "workshops")} <= known


def test_names_are_unique_but_for_the_planted_pairs(thin_home: Path) -> None:
    counts = Counter(comparable(unit["navn"]) for unit in _units(thin_home))
    doubled = [name for name, count in counts.items() if count > 1]
    assert len(doubled) == 2
    workshops = {comparable(row["name"]) for row in reading.register(thin_home, "workshops")}
    assert not workshops & set(doubled)


def test_sole_proprietors_are_registered_under_a_persons_name(thin_home: Path) -> None:
    forms = Counter(unit["organisasjonsform"]["kode"] for unit in _units(thin_home))
    assert {"AS", "ASA", "SA", "ENK", "STI", "IKS", "KF", "KOMM", "FYLK", "ORGL"} <= set(forms)
    assert 0.03 < forms["ENK"] / sum(forms.values()) < 0.15


def test_charts_hold_every_account_that_ledgers_use(thin_home: Path) -> None:
    chart = {
        (row["municipality_no"], row["local_account"]) for row in reading.register(thin_home, "charts_of_accounts")
    }
    for number in ("9901", "9902", "9912", "9920"):
        for path in reading.counting_ledgers(thin_home, number):
            assert {(number, row.account) for row in reading.rows_of(path)} <= chart


def test_charts_differ_between_members(registers: dict[str, list[dict]]) -> None:
    lengths = {len(row["local_account"]) for row in registers["charts_of_accounts"]}
    assert lengths == {4, 5, 6}
    classes = {row["account_class"] for row in registers["charts_of_accounts"]}
    assert classes == {"operating", "investment"}
    without = {
        number
        for number in {row["municipality_no"] for row in registers["charts_of_accounts"]}
        if not any(row["category_key"] for row in registers["charts_of_accounts"] if row["municipality_no"] == number)
    }
    assert without == {"9907", "9913", "9915", "9919"}


def test_six_of_eight_workshops_have_accounts_of_the_window(registers: dict[str, list[dict]]) -> None:
    periods = Counter(
        (row["account_kind"], str(row["valid_from"]), str(row["valid_to"])) for row in registers["workshop_accounts"]
    )
    assert periods == {
        ("annual", "2023-01-01", "2023-12-31"): 7,
        ("annual", "2024-01-01", "2024-12-31"): 7,
        ("annual", "2025-01-01", "2025-12-31"): 8,
        ("rolling", "2025-11-01", "2026-10-31"): 6,
    }
    for row in registers["workshop_accounts"]:
        assert row["total_income_nok"] == row["sales_income_nok"] + row["programme_income_nok"]
        assert row["owner_sales_nok"] < row["sales_income_nok"]


def test_owners_hold_a_whole_workshop(registers: dict[str, list[dict]]) -> None:
    owned: Counter[str] = Counter()
    for row in registers["workshop_owners"]:
        owned[row["workshop_org_no"]] += row["ownership_fraction"]
    assert set(owned.values()) == {1}
    owners = Counter(row["workshop_org_no"] for row in registers["workshop_owners"])
    assert set(owners.values()) == {1, 2, 3, 4}


def test_meeting_food_is_claimed_to_be_eight_per_cent_and_fifty_thousand(registers: dict[str, list[dict]]) -> None:
    food = {
        row["workshop_org_no"] for row in registers["workshop_capabilities"] if row["category_key"] == "meeting_food"
    }
    claims = {
        (row["kpi_key"], float(row["claimed_value"])) for row in registers["claims"] if row["workshop_org_no"] in food
    }
    assert claims == {("K14", 0.08), ("K03", 50_000.0)}


def test_contracts_cover_some_members_and_some_are_reserved(registers: dict[str, list[dict]]) -> None:
    covered = Counter(row["contract_id"] for row in registers["contract_members"])
    assert min(covered.values()) < 20
    reserved = [row for row in registers["contracts"] if row["is_reserved"]]
    workshops = {row["org_no"] for row in registers["workshops"]}
    assert len(reserved) >= 3
    assert {row["supplier_org_no"] for row in reserved} <= workshops
    assert {row["exclusivity"] for row in registers["contracts"]} == {"yes", "no", "unknown"}


def test_some_workshops_report_and_some_councils_have_a_target(registers: dict[str, list[dict]]) -> None:
    workshops = {row["org_no"] for row in registers["workshops"]}
    reporting = {row["workshop_org_no"] for row in registers["ripple"]}
    assert reporting < workshops
    assert len(reporting) == 6
    assert all(
        row["regional_purchases_nok"] + row["resident_net_pay_nok"] < row["turnover_nok"] for row in registers["ripple"]
    )
    assert len(registers["targets"]) == 7
    assert {row["outcome"] for row in registers["opportunity_outcomes"]} == {"taken_up", "refused", "expired"}
    assert all(row["reason"] for row in registers["opportunity_outcomes"] if row["outcome"] == "refused")


def test_some_companies_are_in_no_member_municipality(thin_home: Path) -> None:
    members = {row["municipality_no"] for row in reading.register(thin_home, "members")}
    seats = Counter(unit["forretningsadresse"]["kommunenummer"] for unit in _units(thin_home))
    elsewhere = set(seats) - members
    assert {number[:2] for number in elsewhere} == {"98", "99"}
    assert 0.03 < sum(seats[number] for number in elsewhere) / sum(seats.values()) < 0.2


def test_notices_are_read_and_some_have_a_reserved_lot(thin_home: Path) -> None:
    parsed = [
        parse_notice(path.read_bytes()) for path in sorted((thin_home / "inbox/_consortium/notices").glob("*.xml"))
    ]
    assert len(parsed) == 5
    assert not [fault for notice in parsed for fault in (*notice.rejects, *notice.issues)]
    own = {row["org_no"]: row["municipality_no"] for row in reading.register(thin_home, "member_org_nos")}
    buyers = [{own[buyer["org_no"]] for buyer in notice.buyers} for notice in parsed]
    assert sorted(map(sorted, buyers)) == [["9901"], ["9901"], ["9901"], ["9902", "9904"], ["9906"]]
    lots = [lot for notice in parsed for lot in notice.lots]
    assert [lot["reserved_participation"] for lot in lots].count("res-ws") == 3
    assert sum(lot["estimated_amount"] is None for lot in lots) == 1


def test_every_recipient_has_a_ground_and_every_member_consents(registers: dict[str, list[dict]]) -> None:
    products = Counter(row["product"] for row in registers["recipients"])
    assert products == {"municipality_extract": 20, "workshop_release": 8, "consortium_mart": 1}
    for product in ("workshop_release", "consortium_mart"):
        consenting = {row["subject"] for row in registers["consents"] if row["product"] == product}
        assert consenting == {row["municipality_no"] for row in registers["members"]}
