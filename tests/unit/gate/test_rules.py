"""Pages, answers, the matrix, the suites: what is signed is complete, and nothing signed goes unchecked."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines import settings
from pipelines.errors import ConfigurationError, ProblemsFound
from pipelines.gate.applicability import COLUMNS, PRODUCTS, read_applicability
from pipelines.gate.checks import CHECKS
from pipelines.gate.rules import Finding, Rule, answer, combine, read_rules
from pipelines.gate.settled import ANSWERED_HERE
from pipelines.gate.suites import COLUMN_LIST, ROW_COUNT, read_suite

MATRIX = settings.EXPECTATIONS / "applicability.csv"
RULES = read_rules(settings.EXPECTATIONS / "rules")
NOW = {
    "IN01 IN02 IN03 IN04 IN05 IN06 IN07 IN08 IN09 IN10 IN11 IN12 IN13 RF01 RF02 RF03 RF04 RF05 RF06 RF07 RF08 RF09 "
    "RF10 RF11 RF12 RC01 RC02 RC03 RC04 RC05 RC06 RC07 RC08 RC09 RC10 PV01 PV02 PV03 PV04 PV05 PV06 PV07 PV08 PV09 "
    "PV10 DC01 DC02 DC03 DC04 DC05 DC06 DC07 DC08 DC09 DC10 DC11 TN01 TN02 TN03 TN04 PB01 PB02 PB03 PB04 PB05 PB06"
}
SECTIONS = ("Method", "Output", "Settings", "Exclusions", "Assumptions", "Demo")
A_RULE = Rule("XX01", "1", "block", "A title", "somebody")


def _matrix_rows() -> list[dict[str, str]]:
    with MATRIX.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_every_rule_of_this_version_has_a_page() -> None:
    assert set(RULES) == set(" ".join(NOW).split())


def test_every_page_has_its_sections_and_a_numeric_example() -> None:
    for name in RULES:
        text = (settings.EXPECTATIONS / "rules" / f"{name}.md").read_text(encoding="utf-8")
        headings = [line.removeprefix("## ") for line in text.splitlines() if line.startswith("## ")]
        assert headings == list(SECTIONS), name
        method = text.split("## Method")[1].split("## Output")[0]
        assert any(character.isdigit() for character in method), f"{name} has no numeric example"


def test_every_pair_of_rule_and_product_is_in_the_matrix() -> None:
    named = {(row["rule"], row["product"]) for row in _matrix_rows()}
    assert named == {(rule, product) for rule in RULES for product in PRODUCTS}


def test_what_the_matrix_applies_is_run_and_what_is_run_applies() -> None:
    signed = {(rule, product) for product in PRODUCTS for rule in read_suite(settings.EXPECTATIONS, product).rules}
    applying = {(row["rule"], row["product"]) for row in _matrix_rows() if row["applies"] == "yes"}
    when_given = {(rule, product) for product in PRODUCTS for rule in ANSWERED_HERE}
    assert applying == set(CHECKS) | signed | when_given


def test_the_columns_of_suites_and_product_contract_agree() -> None:
    from pipelines.candidates.products import PRODUCTS as contract

    for product in PRODUCTS:
        signed = {
            name: list(table.columns) for name, table in read_suite(settings.EXPECTATIONS, product).tables.items()
        }
        assert signed == {table.name: table.field_names for table in contract[product].tables}


def test_judging_does_not_import_great_expectations_before_a_suite_is_run() -> None:
    script = "import sys, pipelines.gate.judge, pipelines.gate.listing; print('great_expectations' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_nothing_to_check_is_never_passed() -> None:
    assert answer(A_RULE, "block", Finding(0, reason="no rows")).status == "not_applicable"
    with pytest.raises(ValueError, match="does not say why"):
        answer(A_RULE, "block", Finding(0))


def test_an_answer_counts_what_passed() -> None:
    failed = answer(A_RULE, "warn", Finding(10, 3, "three are wrong", tuple(str(n) for n in range(50))))
    assert (failed.status, failed.applied, failed.passed, failed.severity) == ("failed", 10, 7, "warn")
    assert len(failed.examples) == 20
    assert answer(A_RULE, "warn", Finding(10, 3, is_tolerated=True)).status == "passed"


def test_combining_keeps_what_failed_and_forgets_no_failure() -> None:
    found = combine([Finding(0, reason="empty"), Finding(5, 0, "fine"), Finding(5, 1, "wrong", ("key",), "a.b")])
    assert (found.applied, found.failed, found.reason, found.is_failing) == (10, 1, "wrong", True)
    assert combine([Finding(0, reason="empty"), Finding(5)]).is_failing is False
    assert combine([Finding(0, reason="one"), Finding(0, reason="two")]) == Finding(0, 0, "one two", is_tolerated=True)


def _page(folder: Path, text: str, name: str = "XX01") -> Path:
    (folder / f"{name}.md").write_text(text, encoding="utf-8")
    return folder


FRONT = 'id: XX01\nversion: "1"\nseverity: block\ntitle: A title\nowner: somebody'


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("# XX01\n", "no front matter"),
        (f"---\n{FRONT}\n", "no front matter"),
        ("---\nid: XX01\n---\n", "lacks version, severity, title, owner"),
        (f"---\n{FRONT.replace('XX01', 'XX02')}\n---\n", "states the id XX02"),
        (f"---\n{FRONT.replace('block', 'fatal')}\n---\n", "states the severity fatal"),
        (f"---\n{FRONT.replace(chr(34) + '1' + chr(34), '1')}\n---\n", "lacks version"),
    ],
    ids=["none", "unclosed", "incomplete", "another id", "unknown severity", "version no text"],
)
def test_a_bad_page_is_refused(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        read_rules(_page(tmp_path, text))


def test_a_limit_that_is_not_stated_is_refused(tmp_path: Path) -> None:
    rule = read_rules(_page(tmp_path, f"---\n{FRONT}\nparameters:\n  share: '0.5'\n  word: many\n---\n"))["XX01"]
    assert str(rule.parameter("share")) == "0.5"
    for name in ("word", "absent"):
        with pytest.raises(ConfigurationError, match=f"no number for '{name}'"):
            rule.parameter(name)


def _write_matrix(path: Path, *rows: str) -> Path:
    path.write_text("\n".join([",".join(COLUMNS), *rows]) + "\n", encoding="utf-8")
    return path


EVERY = (
    "XX01,municipality_extract,*,yes,,",
    "XX01,workshop_release,*,no,,no such rows",
    "XX01,consortium_mart,*,no,,no such rows",
)


def test_a_pair_that_is_not_named_is_an_error(tmp_path: Path) -> None:
    matrix = _write_matrix(tmp_path / "applicability.csv", EVERY[0], EVERY[2])
    with pytest.raises(ProblemsFound, match="nothing is said about rule XX01 and product workshop_release"):
        read_applicability(matrix, None, {"XX01": A_RULE})


def test_a_recipient_may_have_its_own_row(tmp_path: Path) -> None:
    matrix = _write_matrix(tmp_path / "applicability.csv", *EVERY, "XX01,municipality_extract,9901,yes,warn,small")
    read = read_applicability(matrix, None, {"XX01": A_RULE})
    assert read.entry("XX01", "municipality_extract", "9901").severity == "warn"
    assert read.entry("XX01", "municipality_extract", "9902").severity == "block"
    with pytest.raises(ConfigurationError, match="does not say"):
        read.entry("XX02", "municipality_extract", "9901")


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("XX09,municipality_extract,*,yes,,", "has no page"),
        ("XX01,open_data,*,yes,,", "is not one of"),
        ("XX01,municipality_extract,,yes,,", "recipient is empty"),
        ("XX01,municipality_extract,*,maybe,,", "write yes or no"),
        ("XX01,municipality_extract,*,yes,fatal,", "severity 'fatal'"),
        ("XX01,municipality_extract,*,no,,", "needs a reason"),
    ],
    ids=["rule", "product", "recipient", "applies", "severity", "reason"],
)
def test_a_bad_row_of_the_matrix_is_refused(tmp_path: Path, row: str, says: str) -> None:
    with pytest.raises(ProblemsFound, match=says):
        read_applicability(_write_matrix(tmp_path / "applicability.csv", *EVERY, row), None, {"XX01": A_RULE})


@pytest.mark.parametrize("row", ["PV03,workshop_release,*,no,,we trust", "DC01,workshop_release,310000007,yes,warn,"])
def test_a_home_cannot_weaken_what_protects_others(tmp_path: Path, row: str) -> None:
    with pytest.raises(ProblemsFound, match="may not be weakened"):
        read_applicability(MATRIX, _write_matrix(tmp_path / "applicability.csv", row), RULES)


def test_a_home_may_set_another_severity_for_its_own_data(tmp_path: Path) -> None:
    own = _write_matrix(tmp_path / "applicability.csv", "IN10,municipality_extract,9901,yes,warn,chart is coming")
    read = read_applicability(MATRIX, own, RULES)
    assert read.entry("IN10", "municipality_extract", "9901").severity == "warn"
    assert read.entry("IN10", "municipality_extract", "9902").severity == "hold"


def _suite(folder: Path, expectations: str, product: str = "municipality_extract") -> Path:
    text = f"product: {product}\ntables:\n  kpi:\n    expectations:\n{expectations}"
    (folder / f"{product}.yml").write_text(text, encoding="utf-8")
    return folder


COUNT = f"      - {{type: {ROW_COUNT}, kwargs: {{min_value: 1}}, meta: {{rule: TN03}}}}\n"
LIST = f"      - {{type: {COLUMN_LIST}, kwargs: {{column_list: [a, b]}}, meta: {{rule: TN03}}}}\n"
UNNAMED = "      - {type: expect_column_to_exist, kwargs: {column: a}}\n"


@pytest.mark.parametrize(
    ("expectations", "says"),
    [(LIST + COUNT, "must begin with"), (COUNT, "must begin with"), (COUNT + LIST + UNNAMED, "name no rule")],
    ids=["wrong order", "no column list", "no rule"],
)
def test_a_bad_suite_is_refused(tmp_path: Path, expectations: str, says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        read_suite(_suite(tmp_path, expectations), "municipality_extract")


def test_a_missing_suite_or_one_of_another_product_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="has no suite"):
        read_suite(tmp_path, "municipality_extract")
    text = (_suite(tmp_path, COUNT + LIST) / "municipality_extract.yml").read_text()
    (tmp_path / "workshop_release.yml").write_text(text)
    with pytest.raises(ConfigurationError, match="must state its product"):
        read_suite(tmp_path, "workshop_release")
