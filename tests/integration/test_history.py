"""A number that was published is explained later: past states are built again, releases held against each other."""

from __future__ import annotations

import json

import duckdb
import pytest

from pipelines.files import sha256_file
from pipelines.home import Home
from tests.homes import samandel, samandel_json

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("corrected_home")]
FIRST, SECOND = (f"municipality_extract/9901/2026-10-r{number}" for number in (1, 2))


def test_a_past_state_is_built_again_beside_the_one_that_stands(corrected_home: Home) -> None:
    home = corrected_home
    before, now = samandel_json("build", "--list", "--json", "--home", home.path)
    assert (before["is_current"], now["is_current"]) == (False, True)
    standing = sha256_file(home.warehouse_file)
    built = samandel_json("build", "--as-of-sequence", str(before["as_of_sequence"]), "--json", "--home", home.path)
    assert sha256_file(home.warehouse_file) == standing
    assert built["build_id"] == before["build_id"], "the same inputs, read anew, are the same build"
    kept = home.history / "fct_kpis" / f"{before['build_id']}.parquet"
    with duckdb.connect(built["file"], read_only=True) as past:
        assert past.execute("select count(*) from fct_kpis").fetchone() != (0,)
        differing = f"(from fct_kpis except from '{kept}') union all (from '{kept}' except from fct_kpis)"
        assert past.execute(f"select count(*) from ({differing})").fetchone() == (0,)


def test_a_figure_of_a_past_state_is_traced_to_the_file_of_then(corrected_home: Home) -> None:
    number = str(samandel_json("build", "--list", "--json", "--home", corrected_home.path)[0]["as_of_sequence"])
    asked = ("K01", "--municipality", "9901", "--period", "2026-10", "--json", "--home", corrected_home.path)
    samandel("build", "--as-of-sequence", number, "--home", corrected_home.path)
    then, now = (
        samandel_json("trace", *asked, *more)["parts"][0] for more in (("--as-of-sequence", number), ("--limit", "9"))
    )
    assert (then["stated"], now["stated"]) == ("1250.00", "1450.50")
    assert {row["file"] for row in then["rows"]} == {"2026-10.csv"}
    assert {row["file"] for row in now["rows"]} == {"2026-10b.csv"}


def test_what_lies_between_two_releases_is_named(corrected_home: Home) -> None:
    facts = samandel_json("diff", FIRST, SECOND, "--json", "--home", corrected_home.path)
    kpis = next(table for table in facts["tables"] if table["table"] == "kpi")
    assert {"before": "1250.00", "after": "1450.50"} in [
        row["columns"]["numerator"] for row in kpis["changed"] if row["key"]["kpi_key"] == "K01"
    ]
    assert [(row["change"], row["before"], row["after"]) for row in facts["deliveries"]] == [
        ("changed", {"accepted": ["2026-10"]}, {"superseded": ["2026-10"]}),
        ("added", {}, {"accepted": ["2026-10"]}),
    ]
    assert [(row["register"], row["columns"]) for row in facts["registers"]] == [
        ("members", {"inhabitants": {"before": 4000, "after": 4100}})
    ]
    assert facts["stood_on"] == []
    assert facts["explained"] is True


def test_a_release_held_against_itself_says_that_nothing_changed(corrected_home: Home) -> None:
    said = samandel("diff", SECOND, "municipality_extract/9901/r2", "--home", corrected_home.path).stdout
    assert "kpi: no row differs." in said
    assert "No delivery and no register row lies between them." in said


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("2026-10-r1", SECOND),
        (FIRST, "municipality_extract/9901/2026-10-r9"),
        (FIRST, "workshop_release/310000000/2026-10-r1"),
    ],
    ids=["several of that id", "none of that id", "another product"],
)
def test_which_releases_are_meant_must_be_plain(corrected_home: Home, before: str, after: str) -> None:
    assert "remedy:" in samandel("diff", before, after, "--home", corrected_home.path, expect=(2,)).stderr


def test_a_past_state_that_never_was_is_refused(corrected_home: Home) -> None:
    assert (
        "There are 1 to 8"
        in samandel(*("build", "--as-of-sequence", "9", "--home", corrected_home.path), expect=(2,)).stderr
    )
    refused = samandel("build", "--as-of-sequence", "1", "--home", corrected_home.path, expect=(2,)).stderr
    assert "No settings had been received" in refused
    assert (
        "samandel build --as-of-sequence 7"
        in samandel(*("trace", "K01", "--as-of-sequence", "7", "--home", corrected_home.path), expect=(2,)).stderr
    )


def test_a_record_that_was_changed_explains_nothing(corrected_home: Home) -> None:
    manifest = json.loads(
        (corrected_home.releases / "municipality_extract" / "9901" / "2026-10" / "r1" / "manifest.json").read_text()
    )
    path = corrected_home.history / "fct_kpis" / f"{manifest['build_id']}.inputs.json"
    kept = path.read_text()
    try:
        record = json.loads(kept)
        record["inputs"]["9901/settled"] = "0" * 64
        path.write_text(json.dumps(record))
        said = samandel("diff", FIRST, SECOND, "--home", corrected_home.path, expect=(3,)).stderr
        assert "not what was written" in said
        path.unlink()
        facts = samandel_json("diff", FIRST, SECOND, "--json", "--home", corrected_home.path)
        assert facts["explained"] is False
        assert facts["deliveries"] == []
    finally:
        path.write_text(kept)
