"""How well matching works, on names and texts that it was neither written for nor trained on.

Belongs here: the held-out sets, precision and recall, calibration. Not here: scoring (suppliers.py, texts.py), and the
decision itself, which is dbt's: it is repeated here with dbt's own numbers (dbt_project.yml, match_confidences.csv).

Suppliers: a register and names in ledgers, all invented; precision is right matches of all matches, recall of all
names whose company is in the register. Companies that are not in the register, with names near to those that
are, and persons are among the names. The tuning set is what the rules and thresholds were chosen by; the held-out set
has other companies, other trades and other kinds of error.

Texts: precision of what a text decides, recall of all texts of workshop categories, and recall by category beside
a baseline that always says what most texts are. ``labelled_lines.csv`` holds the categories of rows of published
ledgers, judged by hand, by the digest of the row; the rows lie elsewhere and are no part of the repository.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from pipelines.matching import suppliers, texts
from pipelines.matching.names import name_kind
from pipelines.reference import seed_rows
from pipelines.settings import DBT_PROJECT, PROJECT_ROOT

SETS = ("tuning", "held_out")
PUBLISHED_LEDGERS = PROJECT_ROOT.parent / "shared" / "fixtures" / "ledgers"
_FOLDER = Path(__file__).parent / "evaluation"
_METHOD = "name_similar"
# In each published ledger the columns that make a line's text, in the order in which staging puts them together.
_TEXT_COLUMNS = {
    "darlington": ("Account",),
    "gateshead": ("Spend Level2", "Spend Level"),
    "oxford": ("Expenditure Category", "expenditure_category"),
}

Facts = dict[str, Any]


@dataclass(frozen=True)
class Limits:
    """The numbers of the decision, as dbt has them."""

    least_score: float
    least_margin: float
    least_score_local: float
    text_least_score: float


@cache
def limits() -> Limits:
    """Return the numbers of the decision from the dbt project."""
    import yaml

    values = yaml.safe_load((DBT_PROJECT / "dbt_project.yml").read_text(encoding="utf-8"))["vars"]
    return Limits(
        values["similar_least_score"],
        values["similar_least_margin"],
        values["similar_least_score_local"],
        values["text_least_score"],
    )


def evaluate(ledgers: Path | None = None) -> Facts:
    """Return every figure; those of published ledgers only where their folder is there."""
    facts: Facts = {f"suppliers_{name}": evaluate_suppliers(name) for name in SETS}
    model = texts.train()
    facts["texts_held_out"] = evaluate_texts(_texts("held_out"), model)
    facts["sharpness"] = fitted_sharpness()
    if ledgers is not None and ledgers.is_dir():
        facts["texts_published_ledgers"] = evaluate_texts(list(labelled_lines(ledgers)), model)
    return facts


def evaluate_suppliers(name: str) -> Facts:
    """Return precision and recall of supplier matching on a set, by kind of error and by confidence."""
    register, names = _read(f"{name}_register.csv"), _read(f"{name}_names.csv")
    company_names = {(row["org_no"], row["name"]) for row in register if row["legal_form"] != "ENK"}
    candidates, _ = suppliers.score_names(sorted({row["name_in_ledger"] for row in names}), company_names, {}, ())
    place = {row["org_no"]: row["municipality_no"] for row in register}
    by_error: dict[str, Counter[str]] = defaultdict(Counter)
    by_confidence: dict[str, Counter[str]] = defaultdict(Counter)
    for row in names:
        matched, confidence = decide(row["name_in_ledger"], candidates, place, row["municipality_no"])
        outcome = "none" if matched is None else "right" if matched == row["org_no"] else "wrong"
        by_error[row["error"]].update(("names", outcome, *(["known"] if row["org_no"] else [])))
        if matched is not None:
            by_confidence[confidence].update(("names", outcome))
    total: Counter[str] = sum(by_error.values(), Counter())
    persons: Counter[str] = sum((by_error[error] for error in by_error if error.startswith("a person")), Counter())
    return {
        **_rates(total),
        "persons": persons["names"],
        "persons_matched": persons["right"] + persons["wrong"],
        "by_error": {error: _rates(counts) for error, counts in sorted(by_error.items())},
        "by_confidence": {confidence: _rates(counts) for confidence, counts in sorted(by_confidence.items())},
    }


def decide(
    name: str, candidates: suppliers.Candidates, place: Mapping[str, str], municipality_no: str
) -> tuple[str | None, str]:
    """Return the unit that a name is matched to, as int_suppliers__similar decides it, and the confidence."""
    found = candidates[name]
    if name_kind(name) != "company" or not found:
        return None, ""
    best = found[0][1]
    # Four decimals, as stored: binary rounding would move the edge.
    close = [org_no for org_no, score in found if round(best - score, 4) < limits().least_margin]
    local = [org_no for org_no in close if place.get(org_no) == municipality_no]
    if len(close) == 1 and best >= limits().least_score:
        return close[0], _confidence("name", best)
    if len(local) == 1 and best >= limits().least_score_local:
        return local[0], _confidence("name_and_municipality", best)
    return None, ""


def _confidence(evidence: str, score: float) -> str:
    return next(
        row["confidence"]
        for row in seed_rows("match_confidences")
        if (row["method"], row["evidence"]) == (_METHOD, evidence)
        and float(row["score_from"]) <= score < float(row["score_below"])
    )


def evaluate_texts(labelled: Sequence[tuple[str, str]], model: texts.TextModel) -> Facts:
    """Return precision and recall of what texts decide, and recall by category beside the majority's."""
    scored = model.score([text for _, text in labelled])
    decided = [
        (truth, category if score >= limits().text_least_score else texts.OTHER)
        for (truth, _), (category, score, _, _) in zip(labelled, scored, strict=True)
    ]
    most_common = Counter(truth for truth, _ in decided).most_common(1)[0][0]
    likeliest = [(truth, category) for (truth, _), (category, _, _, _) in zip(labelled, scored, strict=True)]
    matches = [(truth, category) for truth, category in decided if category != texts.OTHER]
    wanted = [(truth, category) for truth, category in decided if truth != texts.OTHER]
    return {
        "lines": len(decided),
        "precision": _share(matches),
        "recall": _share(wanted),
        "accuracy": _share(decided),
        "accuracy_of_likeliest": _share(likeliest),
        "baseline": most_common,
        "baseline_accuracy": _share([(truth, most_common) for truth, _ in decided]),
        "by_category": {
            category: {
                "lines": sum(1 for truth, _ in decided if truth == category),
                "recall": _share([pair for pair in decided if pair[0] == category]),
                "recall_of_likeliest": _share([pair for pair in likeliest if pair[0] == category]),
                "precision": _share([pair for pair in decided if pair[1] == category]),
                "baseline_recall": 1.0 if category == most_common else 0.0,
            }
            for category in sorted({truth for truth, _ in decided})
        },
    }


def _share(pairs: Iterable[tuple[str, str]]) -> float | None:
    listed = list(pairs)
    return round(sum(truth == category for truth, category in listed) / len(listed), 4) if listed else None


def fitted_sharpness() -> float:
    """Return the sharpness at which training texts outside a fold are likeliest to a model trained on the rest."""
    import numpy as np

    written = texts.training_texts()
    likely, truths = [], []
    for fold in range(texts.FOLDS):
        rest = [example for example in written if texts.fold_of(example[1]) != fold]
        model = texts.TextModel([*rest, *texts.label_texts()])
        unseen = [example for example in written if texts.fold_of(example[1]) == fold]
        likely.append(model.log_likelihoods([text for _, text in unseen]))
        truths += [model.categories.index(category) for category, _ in unseen]
    joint, rows = np.vstack(likely), np.arange(len(truths))

    def loss(sharpness: float) -> float:
        return float(-np.log(texts.tempered(joint, sharpness)[rows, truths] + 1e-12).mean())

    return min((step / 20 for step in range(1, 31)), key=loss)


def labelled_lines(ledgers: Path) -> Iterator[tuple[str, str]]:
    """Give category and text of the rows of published ledgers that were judged by hand."""
    labels = {row["row_digest"]: row["category_key"] for row in _read("labelled_lines.csv")}
    for path in sorted(ledgers.rglob("*.csv")):
        columns = _TEXT_COLUMNS.get(path.parent.name, ())
        for row in _published_rows(path):
            category = labels.pop(row_digest(row), None)
            if category is not None:
                yield category, " | ".join(row[name] for name in columns if row.get(name))


def row_digest(row: Mapping[str, Any]) -> str:
    """Return the digest by which a row of a published ledger is known: of its fields, in order."""
    fields = (value or "" for value in row.values() if not isinstance(value, list))
    return hashlib.sha256("\x1f".join(fields).encode()).hexdigest()


def _published_rows(path: Path) -> Iterator[dict[str, Any]]:
    raw = path.read_bytes()
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("cp1252", errors="replace")
    yield from csv.DictReader(text.splitlines())


def _texts(name: str) -> list[tuple[str, str]]:
    return [(row["category_key"], row["text"]) for row in _read(f"{name}_texts.csv")]


def _read(file: str) -> list[dict[str, str]]:
    raw = (_FOLDER / file).read_text(encoding="utf-8")
    return list(csv.DictReader(io.StringIO(raw, newline="")))


def _rates(counts: Mapping[str, int]) -> Facts:
    matched = counts["right"] + counts["wrong"]
    known = counts["known"]
    return {
        "names": counts["names"],
        "matched": matched,
        "wrong": counts["wrong"],
        "precision": round(counts["right"] / matched, 4) if matched else None,
        "recall": round(counts["right"] / known, 4) if known else None,
    }
