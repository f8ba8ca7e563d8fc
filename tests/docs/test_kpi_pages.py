"""Pages, list and unit tests of the KPIs say the same: what a figure is, its unit, the numbers of its example.

Figures of purchases have their unit tests beside their dbt models; those of releases, which no model makes, in a file
of the same shape, whose cases tests/unit/publishing/test_facts.py runs.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipelines.reference import seed_rows
from pipelines.settings import DBT_PROJECT

TESTS = Path(__file__).resolve().parents[1]
PAGES = sorted((TESTS.parent / "docs" / "kpis").glob("K*.md"))
OF_RELEASES = TESTS / "unit" / "publishing" / "release_metrics.yml"
SECTIONS = ["What it says", "Formula", "Example", "What it does not say"]
# A number as a page writes it: thousands apart by spaces, a decimal point, perhaps a percent sign.
NUMBER = re.compile(r"(?<![\w.-])-?\d{1,3}(?: \d{3})+(?:\.\d+)?(?: %)?|(?<![\w.-])-?\d+(?:\.\d+)?(?: %)?")
# What looks like a number and is a name: K03, `res-ws`, dates.
NAMES = re.compile(r"`[^`]*`|\bK\d\d\b|\b\d{4}-\d\d(?:-\d\d)?\b")

Page = dict[str, Any]


def _page(path: Path) -> Page:
    """Return a page's head with its sections, each by its title."""
    _, head, text = path.read_text(encoding="utf-8").split("---\n", 2)
    title, *sections = re.split(r"^## ", text, flags=re.MULTILINE)
    return {
        **yaml.safe_load(head),
        "title": title.strip(),
        "sections": dict(section.split("\n", 1) for section in sections),
    }


def _listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


@cache
def _unit_tests() -> dict[str, dict[str, Any]]:
    """Return every unit test of a model, and every case of figures of releases, by its name."""
    return {
        test["name"]: test
        for path in [*sorted((DBT_PROJECT / "models").rglob("*.yml")), OF_RELEASES]
        for test in yaml.safe_load(path.read_text(encoding="utf-8")).get("unit_tests", [])
    }


def _values(rows: list[dict[str, Any]]) -> set[float]:
    return {
        abs(float(value))
        for row in rows
        for value in row.values()
        if isinstance(value, int | float) and value is not True
    }


def _is_known(number: str, known: set[float], ratios: set[float]) -> bool:
    """Whether a test has the number, or two of its figures' ratio is it, rounded as written."""
    digits = number.removesuffix(" %").replace(" ", "")
    decimals = len(digits.partition(".")[2]) + (2 if number.endswith("%") else 0)
    value = abs(float(digits)) / (100 if number.endswith("%") else 1)
    return any(abs(value - one) < 1e-9 for one in known) or any(
        abs(value - ratio) <= 0.5000001 * 10**-decimals for ratio in ratios
    )


@pytest.fixture(params=PAGES, ids=lambda path: path.stem)
def page(request: pytest.FixtureRequest) -> Page:
    return _page(request.param) | {"stem": request.param.stem}


def test_every_kpi_of_the_list_has_a_page_and_every_page_a_kpi() -> None:
    assert [path.stem for path in PAGES] == sorted({row["kpi_key"] for row in seed_rows("kpis")})


def test_no_measure_stands_under_two_keys() -> None:
    measures = [row["measure"] for row in seed_rows("kpis")]
    assert len(measures) == len(set(measures))


def test_a_page_names_its_measures_and_their_units(page: Page) -> None:
    listed = {row["measure"]: row["unit"] for row in seed_rows("kpis") if row["kpi_key"] == page["stem"]}
    unit = page["unit"]
    said = unit if isinstance(unit, dict) else dict.fromkeys(page["measures"], unit)
    assert page["key"] == page["stem"]
    assert said == listed
    assert list(page["measures"]) == list(listed)


def test_a_page_has_its_sections_in_order_and_none_is_empty(page: Page) -> None:
    assert list(page["sections"]) == SECTIONS
    assert all(len(text.strip()) > 20 for text in page["sections"].values())
    assert re.fullmatch(rf"# {page['stem']} \S.*", page["title"])


def test_an_example_repeats_the_numbers_of_its_unit_test(page: Page) -> None:
    tests = [_unit_tests()[name] for name in _listed(page["unit_test"])]
    expected = [row for test in tests for row in test["expect"]["rows"]]
    given = [row for test in tests for part in test["given"] for row in part["rows"]]
    ratios = {
        float(row["numerator"]) / float(row["denominator"])
        for row in expected
        if row.get("numerator") is not None and row.get("denominator")
    }
    example = page["sections"]["Example"]
    numbers = NUMBER.findall(NAMES.sub(" ", example))
    known = _values(expected + given)
    assert [number for number in numbers if not _is_known(number, known, ratios)] == []

    written = {abs(float(number.replace(" ", "").rstrip("%"))) for number in numbers}
    own = [row for row in expected if row.get("kpi_key") == page["stem"]]
    assert own, "the unit test expects nothing of this key"
    figures = [[row[name] for name in ("numerator", "denominator") if row.get(name) is not None] for row in own]
    # A figure without data has no numbers to repeat.
    assert not any(figures) or any(all(abs(float(value)) in written for value in one) for one in figures if one)


def test_every_state_of_the_list_is_one_that_figures_may_have() -> None:
    models = yaml.safe_load((DBT_PROJECT / "models/marts/_marts__models.yml").read_text(encoding="utf-8"))["models"]
    (state,) = (
        column
        for model in models
        if model["name"] == "fct_kpis"
        for column in model["columns"]
        if column["name"] == "state"
    )
    allowed = set(state["data_tests"][0]["accepted_values"]["arguments"]["values"])
    assert {one for row in seed_rows("kpis") for one in row["states"].split(";")} <= allowed
