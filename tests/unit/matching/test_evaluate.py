"""Matching is as good as docs/matching.md says, on names and texts that it never had."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipelines.matching import evaluate, suppliers, texts
from pipelines.reference import seed_rows

# The levels that docs/matching.md justifies. They may rise, and fall only with a reason there.
LEAST_PRECISION, LEAST_RECALL = 0.95, 0.55
LEAST_TEXT_PRECISION, LEAST_TEXT_RECALL = 0.85, 0.25


@pytest.fixture(scope="module")
def held_out() -> dict[str, Any]:
    return evaluate.evaluate_suppliers("held_out")


def test_suppliers_are_matched_as_well_as_documented(held_out: dict[str, Any]) -> None:
    assert held_out["precision"] >= LEAST_PRECISION
    assert held_out["recall"] >= LEAST_RECALL
    assert held_out["names"] > 1000


def test_no_person_is_matched_to_a_company(held_out: dict[str, Any]) -> None:
    assert held_out["persons"] > 40
    assert held_out["persons_matched"] == 0


def test_no_confidence_claims_more_than_was_measured(held_out: dict[str, Any]) -> None:
    assert set(held_out["by_confidence"]) == {row["confidence"] for row in seed_rows("match_confidences")}
    for confidence, rates in held_out["by_confidence"].items():
        assert rates["precision"] >= float(confidence)


def test_held_out_suppliers_trades_and_errors_are_not_those_of_tuning() -> None:
    sets = {
        name: (evaluate._read(f"{name}_register.csv"), evaluate._read(f"{name}_names.csv")) for name in evaluate.SETS
    }
    (tuning_register, tuning_names), (register, names) = (sets[name] for name in evaluate.SETS)
    assert not {row["org_no"] for row in tuning_register} & {row["org_no"] for row in register}
    assert not {row["name"].split()[0] for row in tuning_register} & {row["name"].split()[0] for row in register}
    shared = {row["error"] for row in tuning_names} & {row["error"] for row in names}
    assert shared == {"not in the register", "a person", "a person, misspelt", "a person, surname first"}


def test_texts_decide_as_well_as_documented() -> None:
    facts = evaluate.evaluate_texts(evaluate._texts("held_out"), texts.train())
    assert facts["precision"] >= LEAST_TEXT_PRECISION
    assert facts["recall"] >= LEAST_TEXT_RECALL
    assert facts["accuracy"] > facts["baseline_accuracy"] + 0.15


def test_probabilities_are_tempered_as_training_asks() -> None:
    assert evaluate.fitted_sharpness() == texts.SHARPNESS


def test_judged_rows_of_published_ledgers_beat_the_majority(fixtures: Path) -> None:
    lines = list(evaluate.labelled_lines(fixtures / "ledgers"))
    assert len(lines) >= 600
    facts = evaluate.evaluate_texts(lines, texts.train())
    assert facts["precision"] >= LEAST_TEXT_PRECISION
    assert facts["recall"] >= 0.6
    assert facts["accuracy"] >= facts["baseline_accuracy"] + 0.2
    assert all({"recall", "baseline_recall"} <= rates.keys() for rates in facts["by_category"].values())


def test_no_text_of_a_published_ledger_is_kept() -> None:
    rows = evaluate._read("labelled_lines.csv")
    assert rows[0].keys() == {"row_digest", "category_key"}
    assert all(len(row["row_digest"]) == 64 for row in rows)


@pytest.mark.parametrize(
    ("scores", "municipality_no", "matched"),
    [
        ([("310000000", 0.88)], "9902", "310000000"),
        ([("310000000", 0.8799)], "9902", None),
        ([("310000000", 0.95), ("310000019", 0.89)], "9902", "310000000"),
        ([("310000000", 0.95), ("310000019", 0.8901)], "9902", None),
        ([("310000000", 0.95), ("310000019", 0.94)], "9901", "310000019"),
        ([("310000000", 0.9199), ("310000019", 0.91)], "9901", None),
        ([], "9901", None),
    ],
    ids=["enough", "not enough", "clear", "not clear", "nearby", "nearby, not enough", "nobody"],
)
def test_the_decision_is_dbts(scores: list[tuple[str, float]], municipality_no: str, matched: str | None) -> None:
    candidates: suppliers.Candidates = {"Utnes Bygg AS": scores}
    place = {"310000000": "9903", "310000019": "9901"}
    assert evaluate.decide("Utnes Bygg AS", candidates, place, municipality_no)[0] == matched
