"""A joint product is made of those who agreed to it, and says who is left out."""

from __future__ import annotations

import json
from datetime import date

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.candidates.consent import consenting, only_consenting
from pipelines.candidates.make import is_current, make_candidate
from pipelines.candidates.products import MUNICIPALITY_EXTRACT, PRODUCTS, WORKSHOP_RELEASE, CandidateKey
from pipelines.home import Home
from pipelines.settings import Clock
from tests.unit.candidates.small_home import CLOCK, MUNICIPALITIES, PERIOD, WORKSHOPS

SHARE = PRODUCTS[WORKSHOP_RELEASE]
KEY = CandidateKey(WORKSHOP_RELEASE, WORKSHOPS[0], PERIOD)
TODAY = date(2026, 11, 15)


def consent(product: str, valid_from: date = date(2020, 1, 1), valid_to: date | None = None) -> dict:
    return {"subject": "9901", "product": product, "valid_from": valid_from, "valid_to": valid_to}


@pytest.mark.parametrize(
    ("row", "agrees"),
    [
        (consent("workshop_release"), True),
        (consent("workshop_release@1"), True),
        (consent(f"workshop_release@{SHARE.version}"), True),
        (consent("workshop_release@2"), False),
        (consent("workshop_sales"), False),
        (consent("workshop_release", valid_to=date(2026, 11, 15)), True),
        (consent("workshop_release", valid_to=date(2026, 11, 14)), False),
        (consent("workshop_release", valid_from=date(2026, 11, 16)), False),
    ],
    ids=["every version", "main version", "version", "another", "other product", "last day", "withdrawn", "not yet"],
)
def test_a_consent_is_to_a_version_on_a_day(row: dict, agrees: bool) -> None:
    assert consenting([row], SHARE, TODAY) == ({"9901"} if agrees else frozenset())


def test_rows_lists_and_totals_of_others_are_left_out() -> None:
    members = frozenset(["9901"])
    buyers = pa.table({"municipality_no": ["9901", "9902", "all"], "sales_nok": [1, 2, 3]})
    assert only_consenting(buyers, members).to_pylist() == [{"municipality_no": "9901", "sales_nok": 1}]
    assert only_consenting(buyers, frozenset(["9901", "9902"])).equals(buyers)
    owners = pa.table({"owner_municipality_no": ["9902"]})
    assert only_consenting(owners, members).num_rows == 0
    contracts = pa.table({"contract_id": ["a", "b"], "covers_municipalities": ["9901;9902", "9902"]})
    assert only_consenting(contracts, members).to_pylist() == [{"contract_id": "a", "covers_municipalities": "9901"}]


def test_a_withdrawn_consent_takes_the_member_out_of_the_next_share_which_says_so(home: Home) -> None:
    before = make_candidate(home, KEY, CLOCK)
    assert json.loads((before.folder / "datapackage.json").read_text())["without_consent"] == []
    register = home.registers / "consents.csv"
    first = f"{MUNICIPALITIES[0]},workshop_release,avtale,2020-01-01,"
    register.write_text(register.read_text().replace(first, f"{first}{CLOCK.as_of}"))
    assert make_candidate(home, KEY, CLOCK).digest == before.digest, "its last day still counts"
    after = make_candidate(home, KEY, Clock.pinned(date.fromordinal(CLOCK.as_of.toordinal() + 1)))
    package = json.loads((after.folder / "datapackage.json").read_text())
    assert package["without_consent"] == [MUNICIPALITIES[0]]
    assert [each["municipality_no"] for each in package["coverage"]] == list(MUNICIPALITIES[1:])
    for table in SHARE.tables:
        rows = pq.read_table(after.folder / f"{table.name}.parquet")
        for name in (name for name in rows.column_names if "municipalit" in name):
            assert not any(MUNICIPALITIES[0] in (value or "") for value in rows[name].to_pylist()), table.name
    assert is_current(home, KEY)


def test_nobody_is_asked_about_its_own_data(home: Home) -> None:
    (home.registers / "consents.csv").unlink()
    folder = make_candidate(home, CandidateKey(MUNICIPALITY_EXTRACT, "9901", PERIOD), CLOCK).folder
    assert "without_consent" not in json.loads((folder / "datapackage.json").read_text())
    assert pq.read_metadata(folder / "municipality_extract.parquet").num_rows > 0
    share = make_candidate(home, KEY, CLOCK).folder
    assert pq.read_metadata(share / "market_view.parquet").num_rows == 0, "no consent is assumed"


def test_the_log_of_a_share_names_what_it_tells_of_others(home: Home) -> None:
    folder = make_candidate(home, KEY, CLOCK).folder
    shown = [row for row in pq.read_table(folder / "market_view.parquet").to_pylist() if not row["suppression_code"]]
    contracts = pq.read_table(folder / "contract_calendar.parquet").to_pylist()
    log = pq.read_table(folder / "information_log.parquet").to_pylist()
    assert len(log) == len(shown) + len(contracts)
    assert {(row["year"], row["municipality_no"], row["spend_category"]) for row in log if row["year"]} == {
        (row["year"], row["municipality_no"], row["spend_category"]) for row in shown
    }
