"""Judging: the bytes in the folder, all rules, one verdict; the suites of Great Expectations included."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines import settings
from pipelines.candidates.products import CandidateKey
from pipelines.errors import ConfigurationError, VerdictMissing
from pipelines.files import folder_digest
from pipelines.gate import judge as judging
from pipelines.gate.decisions import decisions_file, find_valid_verdict, read_verdicts
from pipelines.gate.evidence import evidence_folder
from pipelines.gate.judge import judge
from pipelines.gate.rules import RuleResult
from tests.unit.gate.small_home import CLOCK, EXTRACT, SHARE, SmallHome, reject


def results(small: SmallHome, key: CandidateKey) -> dict[str, RuleResult]:
    return {result.rule: result for result in judge(small.home, key, CLOCK).results}


def failed(small: SmallHome, key: CandidateKey) -> list[str]:
    return judge(small.home, key, CLOCK).failed_rules


@pytest.mark.parametrize("key", [EXTRACT, SHARE], ids=["extract", "share"])
def test_a_good_candidate_is_approved_with_an_answer_from_every_rule(small: SmallHome, key: CandidateKey) -> None:
    verdict = judge(small.home, key, CLOCK)
    assert (verdict.state, verdict.failed_rules) == ("approved", [])
    pages = {path.stem for path in (settings.EXPECTATIONS / "rules").glob("*.md")}
    assert [result.rule for result in verdict.results] == sorted(pages)
    assert all(result.reason for result in verdict.results if result.status == "not_applicable")
    assert find_valid_verdict(small.home, key, folder_digest(small.folder(key)), CLOCK.as_of) == verdict


def test_the_evidence_holds_every_answer(small: SmallHome) -> None:
    verdict = judge(small.home, EXTRACT, CLOCK)
    folder = evidence_folder(small.home, EXTRACT, verdict.candidate_sha256)
    assert folder_digest(folder) == verdict.evidence_sha256
    document = json.loads((folder / "results.json").read_text())
    assert document["rows"] == {"kpi": 1, "municipality_extract": 9}
    assert [result["rule"] for result in document["results"]] == [result.rule for result in verdict.results]
    rows = (folder / "rule_results.csv").read_text().splitlines()
    assert rows[0] == "rule,title,version,severity,status,applied,passed,reason,field,examples"
    assert len(rows) == len(verdict.results) + 1


def test_a_warning_goes_out_with_a_note(small: SmallHome) -> None:
    small.warehouse["fct_rejects"].append(reject("IN01", file_name="cut.xml"))
    small.write()
    verdict = judge(small.home, EXTRACT, CLOCK)
    assert (verdict.state, verdict.failed_rules) == ("approved", ["IN01"])
    assert next(result for result in verdict.results if result.rule == "IN01").severity == "warn"


def test_the_worst_failure_decides(small: SmallHome) -> None:
    small.tables[EXTRACT]["municipality_extract"][0]["local_account"] = "9999"
    small.write()
    assert judge(small.home, EXTRACT, CLOCK).state == "held"
    small.warehouse["fct_delivery_periods"].pop(0)
    small.build_id = "c" * 16
    small.write()
    verdict = judge(small.home, EXTRACT, CLOCK)
    assert (verdict.state, verdict.failed_rules) == ("blocked", ["IN02", "IN10"])


def test_the_same_candidate_is_not_judged_twice(small: SmallHome, monkeypatch: pytest.MonkeyPatch) -> None:
    first = judge(small.home, EXTRACT, CLOCK)
    before = decisions_file(small.home).read_bytes()
    monkeypatch.setattr(judging, "run_suite", lambda *_: pytest.fail("judged again"))
    assert judge(small.home, EXTRACT, CLOCK) == first
    assert decisions_file(small.home).read_bytes() == before


def test_lost_evidence_is_made_again(small: SmallHome) -> None:
    first = judge(small.home, EXTRACT, CLOCK)
    folder = evidence_folder(small.home, EXTRACT, first.candidate_sha256)
    (folder / "results.json").write_text("{}")
    assert judge(small.home, EXTRACT, CLOCK) == first
    assert folder_digest(folder) == first.evidence_sha256
    assert len(read_verdicts(small.home)) == 1


def test_without_a_key_nothing_is_judged(small: SmallHome) -> None:
    text = small.home.consortium_file.read_text()
    small.home.consortium_file.write_text(text.replace("keys: {gate_hmac: file:../keys/gate.key}\n", ""))
    with pytest.raises(ConfigurationError, match="keys.gate_hmac"):
        judge(small.home, EXTRACT, CLOCK)
    assert b'"verdict"' not in decisions_file(small.home).read_bytes()


def test_without_a_candidate_there_is_no_verdict(small: SmallHome) -> None:
    with pytest.raises(VerdictMissing, match="no candidate to judge"):
        judge(small.home, CandidateKey("municipality_extract", "9902", "2026-10"), CLOCK)
    assert read_verdicts(small.home) == []


def test_a_column_too_many_fails_and_keeps_the_other_rules_from_passing(small: SmallHome) -> None:
    small.tables[EXTRACT]["municipality_extract"][0]["supplier_phone"] = "912 34 567"
    small.write()
    found = results(small, EXTRACT)
    assert found["TN03"].status == "failed"
    assert "not agreed: supplier_phone" in found["TN03"].reason
    assert found["PV02"].status == "failed"
    assert found["PV03"].reason.startswith("Could not run")
    assert "PV03 could not run" in found["PB01"].examples


def _rewrite(small: SmallHome, change: Callable[[pa.Table], pa.Table], table: str = "municipality_extract") -> None:
    path = small.folder(EXTRACT) / f"{table}.parquet"
    pq.write_table(change(pq.read_table(path)), path)


def test_a_column_too_few_or_in_another_order_fails(small: SmallHome) -> None:
    _rewrite(small, lambda rows: rows.drop_columns(["xpath"]))
    assert "missing xpath" in results(small, EXTRACT)["TN03"].reason
    small.write()
    _rewrite(small, lambda rows: rows.select(list(reversed(rows.column_names))))
    assert "another order" in results(small, EXTRACT)["TN03"].reason


def test_a_column_of_another_type_is_a_rule_that_could_not_run(small: SmallHome) -> None:
    _rewrite(
        small,
        lambda rows: rows.set_column(
            rows.column_names.index("net_amount_nok"), "net_amount_nok", pa.array(["mye"] * rows.num_rows)
        ),
    )
    found = results(small, EXTRACT)
    assert found["RC01"].status == "failed"
    assert "RC01 could not run" in found["PB01"].reason


@pytest.mark.parametrize("table", ["municipality_extract", "kpi"])
def test_an_empty_table_that_may_not_be_empty_fails(small: SmallHome, table: str) -> None:
    small.tables[EXTRACT][table].clear()
    small.write()
    assert f"Table {table} has no rows." in results(small, EXTRACT)["TN03"].reason


def test_a_share_may_be_empty_and_no_rule_about_its_rows_passes(small: SmallHome) -> None:
    for rows in small.tables[SHARE].values():
        rows.clear()
    small.warehouse["fct_purchases"].clear()
    small.write()
    found = results(small, SHARE)
    nothing_to_check = {rule for rule, result in found.items() if result.status == "not_applicable"}
    assert nothing_to_check >= {"DC01", "DC02", "TN01", "RC01", "PV03", "PV04", "RF12"}
    assert found["TN03"].status == "passed"


def test_files_that_cannot_be_read_are_blocked(small: SmallHome) -> None:
    (small.folder(EXTRACT) / "kpi.parquet").write_bytes(b"PAR1")
    verdict = judge(small.home, EXTRACT, CLOCK)
    assert verdict.state == "blocked"
    assert {"PB01", "TN03"} <= set(verdict.failed_rules)


def test_renderings_that_differ_are_blocked(small: SmallHome) -> None:
    text = small.folder(EXTRACT) / "municipality_extract.csv"
    text.write_text(text.read_text().replace("100.00", "100.01"))
    small.write_inputs(EXTRACT)
    assert failed(small, EXTRACT) == ["PB01"]


def test_files_that_were_not_rendered_are_blocked(small: SmallHome) -> None:
    package = small.folder(EXTRACT) / "datapackage.json"
    package.write_text(package.read_text() + "\n")
    assert failed(small, EXTRACT) == ["PB02"]


def test_bytes_that_change_while_they_are_judged_are_blocked(small: SmallHome, monkeypatch: pytest.MonkeyPatch) -> None:
    run = judging.run_checks

    def meddling(*arguments: object) -> object:
        answers = run(*arguments)
        (small.folder(EXTRACT) / "kpi.csv").write_text("changed")
        return answers

    monkeypatch.setattr(judging, "run_checks", meddling)
    assert "the bytes changed while they were judged" in results(small, EXTRACT)["PB01"].examples


def _package(small: SmallHome, change: Callable[[dict], object]) -> None:
    path = small.folder(EXTRACT) / "datapackage.json"
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))
    small.write_inputs(EXTRACT)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda p: p.pop("title"), "has no title"),
        (lambda p: p["resources"].pop(), "table kpi is not in"),
        (lambda p: p["resources"][1]["schema"]["fields"].pop(), "fields described for kpi"),
        (lambda p: p["resources"][1]["schema"]["fields"][0].pop("description"), "lack a description: kpi_key"),
        (lambda p: p["resources"][1].pop("title"), "neither title nor description"),
    ],
    ids=["title", "table", "field", "description", "table title"],
)
def test_an_incomplete_package_is_blocked(small: SmallHome, change: Callable[[dict], object], says: str) -> None:
    _package(small, change)
    assert says in results(small, EXTRACT)["PB02"].reason


def test_a_candidate_of_another_build_is_blocked(small: SmallHome) -> None:
    small.build_id = "c" * 16
    small.write_warehouse()
    assert "another build" in results(small, EXTRACT)["PB02"].reason


SIGNED: list[tuple[str, CandidateKey, str, dict[str, object]]] = [
    ("PB02", EXTRACT, "municipality_extract", {"payee_kind": "somebody"}),
    ("PB02", EXTRACT, "municipality_extract", {"period_month": "2026-13"}),
    ("PB02", EXTRACT, "kpi", {"state": "fine"}),
    ("RF12", EXTRACT, "municipality_extract", {"stream": "gift"}),
    ("PB02", SHARE, "own_sales", {"month": "October"}),
    ("DC01", SHARE, "market_view", {"suppression_code": "x"}),
    ("PB02", SHARE, "contract_calendar", {"ends_on": None}),
    ("PB02", SHARE, "owner_view", {"ownership_fraction": Decimal("1.5")}),
]


@pytest.mark.parametrize(
    ("rule", "key", "table", "values"), SIGNED, ids=[f"{row[2]} {next(iter(row[3]))}" for row in SIGNED]
)
def test_what_the_suites_say_about_values_is_held(
    small: SmallHome, rule: str, key: CandidateKey, table: str, values: dict[str, object]
) -> None:
    small.tables[key][table][0].update(values)
    small.write()
    assert rule in failed(small, key)


def test_a_value_that_a_suite_refuses_is_masked_in_the_evidence(small: SmallHome) -> None:
    small.tables[EXTRACT]["municipality_extract"][0]["payee_kind"] = "Kari Oppdiktet"
    small.write()
    verdict = judge(small.home, EXTRACT, CLOCK)
    folder: Path = evidence_folder(small.home, EXTRACT, verdict.candidate_sha256)
    assert "Oppdiktet" not in (folder / "results.json").read_text()
    assert "xxxx xxxxxxxxx" in (folder / "results.json").read_text()


def test_masking_is_demanded_twice_over(small: SmallHome) -> None:
    masked = next(row for row in small.tables[EXTRACT]["municipality_extract"] if row["payee_kind"] == "natural_person")
    masked["supplier_name"] = "Kari Oppdiktet"
    small.write()
    found = results(small, EXTRACT)["PV03"]
    assert found.status == "failed"
    assert "expect_column_values_to_be_in_set" in found.reason
    assert "name a natural person" in found.reason


def test_why_cells_are_hidden_is_kept_with_the_evidence(small: SmallHome) -> None:
    log = small.home.candidates / SHARE.product / f"{SHARE.recipient}.suppression_log.csv"
    log.write_text("year,municipality_no,spend_category,code,reason,reason_text\n")
    verdict = judge(small.home, SHARE, CLOCK)
    folder = evidence_folder(small.home, SHARE, verdict.candidate_sha256)
    assert (folder / "suppression_log.csv").read_bytes() == log.read_bytes()
