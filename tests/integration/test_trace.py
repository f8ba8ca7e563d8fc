"""From a figure to the bytes, and from a file to the figures: by the command line, on a tiny home with a correction."""

from __future__ import annotations

import csv
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.files import sha256_bytes
from pipelines.home import Home
from tests.homes import ask, samandel, samandel_json
from tests.integration.tiny_home import WORKSHOP

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("corrected_home")]


@pytest.fixture
def home(corrected_home: Home) -> Home:
    """The home of two runs, in which 9901 corrected October."""
    return corrected_home


def test_a_figure_is_followed_to_the_cells_of_the_files(home: Home) -> None:
    answer = samandel_json("trace", "K04", "--period", "2026", "--json", "--home", home.path)
    assert [part["difference"] for part in answer["parts"]] == ["0.00", "0.00"]
    assert answer["figure"]["denominator"] == "5200.50"
    for part in answer["parts"]:
        assert part["rows"]
        assert sum(Decimal(row["net_amount_nok"]) for row in part["rows"]) == Decimal(part["stated"])
        for row in part["rows"]:
            assert _cell(home, row) == Decimal(row["net_amount_nok"])
            assert row["file"].endswith(".csv")


def _cell(home: Home, row: dict[str, Any]) -> Decimal:
    """What stands in the file at the row that the trace names, read by nothing of ours."""
    raw = (home.path / row["landed"]).read_bytes()
    assert sha256_bytes(raw) == row["sha256"]
    cells = list(csv.reader(raw.decode("utf-8-sig").splitlines(), delimiter=";"))
    return Decimal(cells[row["row"] - 1][cells[0].index("Beløp eks. mva")].replace(",", "."))


def test_one_workshop_and_one_member_narrow_the_lines(home: Home) -> None:
    answer = samandel_json(
        *("trace", "K04", "--workshop", WORKSHOP, "--municipality", "9901", "--period", "2026-10", "--json"),
        *("--home", home.path),
    )
    numerator, denominator = answer["parts"]
    assert (numerator["stated"], numerator["lines"]) == ("250.00", 1)
    assert (denominator["stated"], denominator["lines"]) == ("1450.50", 2)


def test_the_table_says_that_the_lines_are_the_number(home: Home) -> None:
    shown = samandel("trace", "k01", "--period", "2026", "--limit", "1", "--home", home.path).stdout
    assert "numerator 5200.50 is the sum of its 8 lines." in shown
    assert "7 more lines" in shown


def test_every_question_is_noted(home: Home) -> None:
    samandel("trace", "K01", "--municipality", "9902", "--home", home.path)
    last = json.loads((home.logs / "query_audit.jsonl").read_text().splitlines()[-1])
    assert last["trace"] == "K01 9902 all all all"


def test_a_superseded_file_is_in_no_figure_and_its_correction_is(home: Home) -> None:
    superseded, corrected = (
        samandel_json("trace", _landed(home, name), "--json", "--home", home.path)[0]
        for name in ("2026-10.csv", "2026-10b.csv")
    )
    assert [(row["went"], row["rows"], row["amount_nok"]) for row in superseded["rows"]] == [
        ("superseded", 2, "1250.00")
    ]
    assert superseded["figures"] == []
    assert [(row["went"], row["amount_nok"]) for row in corrected["rows"]] == [
        ("accepted", "1450.50"),
        ("purchase: procurement (K01)", "1450.50"),
    ]
    assert ("K03", "250.00") in [(row["kpi_key"], row["amount_nok"]) for row in corrected["figures"]]
    assert corrected["unaccounted_nok"] == "0.00"


def test_a_file_is_known_by_digest_and_by_delivery(home: Home) -> None:
    by_path = samandel_json("trace", _landed(home, "2026-09.csv"), "--json", "--home", home.path)
    by_digest = samandel_json("trace", by_path[0]["files"][0]["sha256"], "--json", "--home", home.path)
    by_delivery = samandel_json("trace", by_path[0]["delivery_id"], "--json", "--home", home.path)
    assert by_path == by_digest == by_delivery


def _landed(home: Home, name: str) -> Path:
    """Where 9901's file of that name lies."""
    for receipt in sorted((home.landing / "9901" / "ledger" / "receipts").glob("*.json")):
        for file in json.loads(receipt.read_text())["files"]:
            if file["name"] == name:
                return home.path / file["path"]
    raise AssertionError(name)


def test_a_stranger_is_refused_with_a_remedy(home: Home, tmp_path: Path) -> None:
    stranger = tmp_path / "stranger.csv"
    stranger.write_text("never delivered")
    for what in (stranger, tmp_path, "nothing at all", "f" * 64):
        assert "remedy:" in samandel("trace", what, "--home", home.path, expect=(2,)).stderr


def test_what_was_settled_after_the_build_is_not_taken_for_a_fault(home: Home) -> None:
    row = ask(home.path, "select _delivery_id from fct_delivery_periods where state = 'superseded'")[0]
    kept = home.warehouse_file.read_bytes()
    try:
        with duckdb.connect(str(home.warehouse_file)) as connection:
            connection.execute("update fct_delivery_periods set state = 'accepted'")
        said = samandel("trace", row["_delivery_id"], "--home", home.path).stdout
        assert "has not been built since" in said
    finally:
        home.warehouse_file.write_bytes(kept)


def test_a_number_that_its_lines_do_not_come_to_ends_with_3(home: Home) -> None:
    kept = home.warehouse_file.read_bytes()
    try:
        with duckdb.connect(str(home.warehouse_file)) as connection:
            connection.execute("update fct_kpis set numerator = numerator + 0.01 where kpi_key = 'K01'")
        said = samandel("trace", "K01", "--period", "2026", "--home", home.path, expect=(3,)).stdout
        assert "IS NOT the sum of its 8 lines" in said
        assert "0.01 differs" in said
    finally:
        home.warehouse_file.write_bytes(kept)
