"""Facts of the gate and its releases say what their records say, and nothing where these say nothing."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml
from typer.testing import CliRunner

from pipelines.candidates.make import candidate_folder, make_candidate
from pipelines.candidates.products import MUNICIPALITY_EXTRACT, WORKSHOP_RELEASE, CandidateKey
from pipelines.cli.main import app
from pipelines.errors import VerdictMissing
from pipelines.gate.decisions import decisions_file
from pipelines.home import Home
from pipelines.publishing import facts
from pipelines.publishing.facts import Records, Released, release_metrics
from pipelines.publishing.facts_file import ensure_facts, read_records, records_digest
from pipelines.publishing.release import publish
from pipelines.settings import Clock
from pipelines.warehouse.read import attach_gate_facts, connect
from tests.unit.candidates.small_home import (
    CLOCK,
    PERIOD,
    WORKSHOPS,
    contributions,
    default_rows,
    market_row,
    write_warehouse,
)
from tests.unit.publishing.approvals import decide, make_and_approve

P1 = CandidateKey(MUNICIPALITY_EXTRACT, "9901", PERIOD)
P2 = CandidateKey(WORKSHOP_RELEASE, WORKSHOPS[0], PERIOD)
LATER = Clock.pinned(date(2026, 11, 18))
CASES = yaml.safe_load(Path(__file__).with_name("release_metrics.yml").read_text(encoding="utf-8"))["unit_tests"]


def records_of(case: dict[str, Any]) -> Records:
    """Return records of the shape in which the gate and publishing write them."""
    given = {part["input"]: part["rows"] for part in case["given"]}
    decisions, evidence = [], {}
    for number, row in enumerate(given["decisions"], 1):
        named = {name: str(row[name]) for name in ("kind", "action", "product", "recipient", "period") if name in row}
        decisions.append(
            {
                **named,
                "sequence": number,
                "candidate_sha256": row["candidate"],
                "state": row.get("state", "approved"),
                "decided_at": f"{row['decided']}T00:00:00Z",
                "evidence_sha256": f"evidence {number}",
                "results": [],
            }
        )
        counted = {name: row[name] for name in ("cells", "suppressed", "hidden_nok", "total_nok") if name in row}
        evidence[f"evidence {number}"] = {"withheld": counted or None}
    released = [
        Released(
            CandidateKey(str(row["product"]), str(row["recipient"]), str(row["period"])),
            f"{row['period']}-r{row['revision']}",
            row["revision"],
            row.get("state", "current"),
            {
                "digest": row["candidate"],
                "published_at": f"{row['published']}T00:00:00Z",
                "verdict": {"sequence": row["sequence"]},
            },
        )
        for row in given["releases"]
    ]
    return Records(decisions, evidence, released)


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_metrics_are_what_the_case_expects(case: dict[str, Any]) -> None:
    expected = case["expect"]["rows"]
    keys = {row["kpi_key"] for row in expected}
    names = list(expected[0])
    found = [
        {name: float(row[name]) if isinstance(row[name], Decimal) else row[name] for name in names}
        for row in release_metrics(records_of(case))
        if row["kpi_key"] in keys
    ]

    def place(row: dict[str, Any]) -> list[str]:
        return [row[name] for name in ("measure", "product", "recipient", "release_id")]

    assert sorted(found, key=place) == sorted(expected, key=place)


def one_release(**changes: Any) -> Released:
    manifest = {"digest": "b", "published_at": "2026-11-18T12:00:00Z", "verdict": {"sequence": 3}}
    return Released(P2, "2026-10-r2", 2, "current", {**manifest, **changes})


def verdict(number: int, digest: str, decided_at: str) -> dict[str, Any]:
    return {
        **{"kind": "verdict", "product": P2.product, "recipient": P2.recipient, "period": P2.period},
        **{"sequence": number, "candidate_sha256": digest, "decided_at": decided_at, "state": "approved"},
        **{"evidence_sha256": f"e{number}", "results": []},
    }


EARLIER = Released(
    P2,
    "2026-10-r1",
    1,
    "superseded",
    {"digest": "a", "published_at": "2026-11-10T00:00:00Z", "verdict": {"sequence": 1}},
)
CHAIN = [
    verdict(1, "a", "2026-11-10T00:00:00Z"),
    verdict(2, "a", "2026-11-12T00:00:00Z"),  # judged again under other code
    verdict(3, "b", "2026-11-17T00:00:00Z"),
]


def days(records: Records, release_id: str = "2026-10-r2") -> dict[str, Any]:
    (row,) = [
        row for row in release_metrics(records) if row["measure"] == facts.LEAD_TIME and row["release_id"] == release_id
    ]
    return row


def test_days_begin_with_the_first_verdict_on_what_is_new() -> None:
    row = days(Records(CHAIN, {}, [EARLIER, one_release()]))
    assert (row["value"], row["state"]) == (Decimal("1.5"), "ok")
    assert row["comes_from"].startswith("gate/decisions.jsonl, line 3; releases/workshop_release/")


@pytest.mark.parametrize(
    "released",
    [
        one_release(published_at="2026-11-16T00:00:00Z"),
        one_release(published_at=None),
        one_release(digest="c"),
        one_release(verdict={}),
        one_release(verdict={"sequence": 9}),
        Released(P2, "2026-10-r2", 2, "damaged", None),
    ],
    ids=["published before it was judged", "no day", "other bytes", "no verdict", "no such line", "no manifest"],
)
def test_days_that_the_records_do_not_vouch_for_are_no_figure(released: Released) -> None:
    row = days(Records(CHAIN, {}, [EARLIER, released]))
    assert (row["value"], row["state"], row["coverage"]) == (None, "insufficient", 0)


def test_a_figure_over_releases_of_which_some_are_not_known_says_so() -> None:
    key = CandidateKey(P2.product, WORKSHOPS[1], P2.period)
    unknown = Released(key, "2026-10-r1", 1, "damaged", None)
    (row,) = [
        row
        for row in release_metrics(Records(CHAIN, {}, [EARLIER, one_release(), unknown]))
        if row["measure"] == facts.LEAD_TIME and row["recipient"] == "all"
    ]
    assert (row["numerator"], row["denominator"], row["state"]) == (Decimal("1.5"), 2, "low_coverage")
    assert row["coverage"] == Decimal("0.666667")


def test_nothing_to_hide_and_no_evidence_are_no_figure_and_nothing_hidden_is_a_zero() -> None:
    def rate(withheld: dict[str, Any] | None) -> tuple[Any, str]:
        evidence = {} if withheld is None else {"e3": {"withheld": withheld}}
        (row,) = [
            row
            for row in release_metrics(Records(CHAIN, evidence, [one_release()]))
            if row["measure"] == facts.SUPPRESSION_RATE and row["recipient"] != "all"
        ]
        return row["value"], row["state"]

    numbers = {"suppressed": 0, "hidden_nok": "0", "total_nok": "10.00"}
    assert rate({"cells": 4, **numbers}) == (0, "ok")
    assert rate({"cells": 0, **numbers}) == (None, "insufficient")
    assert rate({}) == (None, "insufficient")
    assert rate(None) == (None, "insufficient")


def test_a_standing_waiver_is_counted_once_and_not_in_every_period() -> None:
    waiver = {"kind": "decision", "action": "waive", "product": P2.product, "recipient": P2.recipient, "period": ""}
    rows = [
        (row["recipient"], row["period"], row["value"])
        for row in release_metrics(Records([*CHAIN, {**waiver, "sequence": 4}], {}, []))
        if row["measure"] == facts.WAIVERS
    ]
    assert sorted(rows) == sorted(
        [(P2.recipient, PERIOD, 0), ("all", PERIOD, 0), (P2.recipient, "all", 1), ("all", "all", 1)]
    )


@pytest.fixture
def released(home: Home) -> Home:
    """An extract, and a share that hides one of its two cells; judged three days before they were published."""
    hidden = market_row(WORKSHOPS[0], municipality_no="9902", contributions=contributions({"1": "500"}))
    hidden |= {"own_nok": Decimal(0), "addressable_nok": Decimal(500)}
    rows = {**default_rows(), "product_workshop_market_view": [market_row(WORKSHOPS[0]), hidden]}
    write_warehouse(home, rows, build_id="d" * 16)
    for key in (P1, P2):
        make_and_approve(home, key)
        publish(home, key, LATER)
    return home


def ask(home: Home, sql: str) -> list[tuple[Any, ...]]:
    with connect(home) as connection:
        attach_gate_facts(connection, home)
        return connection.execute(sql).fetchall()


def test_facts_are_read_beside_the_warehouse_with_a_word_on_every_column(released: Home) -> None:
    assert ensure_facts(released)
    assert ask(released, "select recipient, state, rows, published_at from fct_releases order by all")[0] == (
        *(WORKSHOPS[0], "current", 8),
        datetime(2026, 11, 18, tzinfo=UTC),
    )
    assert ask(
        released, "select measure, value from gate.fct_release_metrics where release_id != 'all' order by all"
    ) == [
        ("gate_lead_time", Decimal(3)),
        ("gate_lead_time", Decimal(3)),
        ("suppression_rate", Decimal("0.5")),
        ("suppression_rate", None),
        ("value_withheld", Decimal("0.454545")),
        ("value_withheld", None),
    ]
    assert ask(released, "select rule, reason, is_latest from fct_quality_results where product like 'work%'") == [
        ("PV01", "looked at", True)
    ]
    undescribed = "select table_name from duckdb_columns() where database_name = 'gate' and comment is null"
    assert ask(released, undescribed) == []
    keys = {table.name: ", ".join(table.key) for table in facts.TABLES}
    for name, key in keys.items():
        assert ask(released, f"select {key} from {name} group by all having count(*) > 1") == [], name


def test_cells_and_hidden_cells_are_those_of_the_bytes_that_left(released: Home) -> None:
    ensure_facts(released)
    view = released.releases / P2.product / P2.recipient / PERIOD / "r1" / "market_view.parquet"
    counted = duckdb.sql(
        f"select count(*) filter (where suppression_code != ''), count(*) from read_parquet('{view}')"
    ).fetchone()
    sql = "select numerator, denominator from fct_release_metrics where measure = 'suppression_rate' and recipient = ?"
    assert ask(released, sql.replace("?", f"'{WORKSHOPS[0]}'")) == [counted]


def test_facts_are_made_anew_when_a_record_changes_and_only_then(released: Home) -> None:
    assert ensure_facts(released)
    before = released.gate_facts_file.stat().st_mtime_ns
    assert not ensure_facts(released)
    assert released.gate_facts_file.stat().st_mtime_ns == before
    decide(released, P1, make_candidate(released, P1, LATER).digest, state="held", clock=LATER)
    assert ensure_facts(released)
    assert ask(released, "select count(*) from fct_quality_results where not is_latest") == [(1,)]
    released.gate_facts_file.unlink()
    assert ensure_facts(released)
    assert {path.name for path in released.warehouse.iterdir()} == {
        *("samandel.duckdb", "current.json", "gate.duckdb", "gate.json", ".gate.lock")
    }


def test_the_same_records_give_the_same_facts(released: Home) -> None:
    assert facts.all_facts(read_records(released)) == facts.all_facts(read_records(released))
    assert records_digest(released) == records_digest(released)


def test_who_reads_goes_on_with_what_was_there(released: Home) -> None:
    ensure_facts(released)
    with connect(released) as connection:
        attach_gate_facts(connection, released)
        count = connection.execute("select count(*) from fct_quality_results").fetchall()
        decide(released, P1, make_candidate(released, P1, LATER).digest, state="held", clock=LATER)
        assert ensure_facts(released)
        assert connection.execute("select count(*) from fct_quality_results").fetchall() == count


def test_a_chain_that_cannot_be_believed_leaves_the_facts_as_they_were(released: Home) -> None:
    ensure_facts(released)
    before = released.gate_facts_file.read_bytes()
    decisions_file(released).write_bytes(decisions_file(released).read_bytes().replace(b"approved", b"Approved", 1))
    with pytest.raises(VerdictMissing):
        ensure_facts(released)
    assert released.gate_facts_file.read_bytes() == before


def test_evidence_that_was_changed_is_not_believed(released: Home) -> None:
    for path in (released.gate / "evidence").rglob("results.json"):
        path.write_text("{")
    ensure_facts(released)
    assert ask(released, "select distinct state from fct_release_metrics where kpi_key = 'K31'") == [("insufficient",)]
    assert ask(released, "select distinct reason from fct_quality_results") == [(None,)]


def test_a_home_without_releases_has_facts_without_rows(home: Home) -> None:
    ensure_facts(home)
    assert [ask(home, f"select count(*) from {table.name}") for table in facts.TABLES] == [[(0,)]] * 3


def trace(home: Home, *arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["trace", *arguments, "--home", str(home.path)])
    return getattr(done.exception, "exit_code", done.exit_code), f"{done.output}{done.exception or ''}"


def test_the_trace_of_a_figure_of_releases_names_the_release_and_its_suppression_log(released: Home) -> None:
    assert trace(released, "K31")[0] == 2
    ensure_facts(released)
    code, said = trace(released, "k31", "--workshop", WORKSHOPS[0])
    assert code == 0
    named = re.findall(r"\S+ \S+ 2026-10-r1: (\S+); (\S+)\n", said)
    assert len(named) == 2
    for folder, log in named:
        assert (released.path / folder / "market_view.parquet").is_file()
        assert "fewer than three" in (released.path / log).read_text()
    assert "No purchase lines are behind it" in said
    rows = json.loads(trace(released, "K32", "--measure", "waiver_count", "--json")[1])
    assert {(row["recipient"], row["value"], row["comes_from"]) for row in rows} >= {
        ("9901", "0.000000", "gate/decisions.jsonl: no such decision")
    }


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--category", "meeting_food", "is of whole releases"),
        ("--period", "2026-09", "2026-10"),
        ("--municipality", "9999", "There is no figure K31"),
        ("--measure", "waiver_count", "There is no figure K31"),
    ],
)
def test_what_a_release_has_no_figure_of_is_said(released: Home, option: str, value: str, said: str) -> None:
    ensure_facts(released)
    code, answer = trace(released, "K31", option, value)
    assert code == 2
    assert said in answer


def test_no_product_reads_the_facts(released: Home) -> None:
    before = make_candidate(released, P2, CLOCK).digest
    ensure_facts(released)
    assert not make_candidate(released, P2, CLOCK).is_new
    assert make_candidate(released, P2, CLOCK).digest == before
    assert candidate_folder(released, P2).is_dir()
    with connect(released) as connection, pytest.raises(duckdb.CatalogException):
        connection.execute("select * from fct_releases")
