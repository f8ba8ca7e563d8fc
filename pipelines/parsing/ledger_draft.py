"""A proposed ledger profile as YAML that people read, and as facts for programs.

Belongs here: the text and its comments. Not here: what is decided (ledger_suggest.py). What a person must decide stands
in the text as a comment that says so, with the key left out.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from pipelines.parsing.ledger_decide import MARK
from pipelines.parsing.ledger_sample import SAMPLE_ROWS
from pipelines.parsing.ledger_suggest import Choice, Decision, Suggestion

_SEARCH_ROWS = 30


def draft_profile(suggestion: Suggestion, name: str, file_name: str) -> str:
    """Return the profile as YAML with comments; ``name`` is its name, ``file_name`` what it was made from."""
    return "\n".join(_lines(suggestion, name, file_name)) + "\n"


def _lines(suggestion: Suggestion, name: str, file_name: str) -> Iterator[str]:
    questions, rows = suggestion.questions, min(len(suggestion.layout.rows), SAMPLE_ROWS)
    yield f"# Proposed from {_plain(file_name)}, from its first {rows} rows. Read it before use."
    yield f"# To decide: {len(questions)}. Search for {MARK}." if questions else "# Nothing was left open."
    yield f"name: {_quoted(name)}"
    yield from _layout(suggestion)
    yield "columns:"
    for choice in suggestion.columns:
        yield from _column(choice)
    used = {choice.index for choice in suggestion.columns}
    if unused := [text for index, text in enumerate(suggestion.layout.header) if text and index not in used]:
        yield f"  # not used, or for the period only: {_plain(', '.join(unused))}"
    for one in suggestion.missing:
        yield f"  # CHECK: no column was found for {one.column}: {_plain(one.consequence)} Write it if there is one:"
        yield f'  # {one.column}: ""'
    in_columns = [decision for decision in suggestion.decisions if decision.key.startswith("columns.")]
    for decision in in_columns:
        yield from (f"  {line}" for line in _decision(decision))
    for decision in suggestion.decisions:
        if decision not in in_columns:
            yield from _decision(decision)


def _layout(suggestion: Suggestion) -> Iterator[str]:
    layout = suggestion.layout
    yield f"format: {layout.format}"
    if layout.format == "csv":
        sign = "tab" if layout.delimiter == "\t" else _quoted(layout.delimiter or "")
        yield from _noted("encoding", f"[{', '.join(layout.encodings)}]", layout.reasons)
        yield from _noted("delimiter", sign, layout.reasons)
        if not layout.quote:
            yield from _noted("quote", "false", layout.reasons)
    for key, value in (("sheet", layout.sheet), ("records", layout.records)):
        if value is not None:
            yield from _noted(key, _quoted(value), layout.reasons)
    if "header" in layout.reasons:
        yield f"# row {layout.header_row}: {layout.reasons['header']}"
    yield "header:"
    if suggestion.must_contain:
        yield f"  must_contain: [{', '.join(_quoted(text) for text in suggestion.must_contain)}]"
    yield f"  search_rows: {max(_SEARCH_ROWS, layout.header_row)}"


def _decision(decision: Decision) -> Iterator[str]:
    yield f"# {_plain(decision.why)}"
    if decision.unsure is not None:
        yield f"# {MARK}: {_plain(decision.unsure)}"
    if decision.check is not None:
        yield f"# CHECK: {_plain(decision.check)}"
    yield f"{'# ' if decision.unsure else ''}{decision.key.removeprefix('columns.')}: {decision.value}"


def _noted(key: str, value: str, reasons: dict[str, str]) -> Iterator[str]:
    if key in reasons:
        yield f"# {_plain(reasons[key])}"
    yield f"{key}: {value}"


def _column(choice: Choice) -> Iterator[str]:
    yield f"  # {_plain(choice.why)}"
    if choice.alternatives:
        yield f"  # also considered: {_plain(', '.join(choice.alternatives))}"
    if choice.unsure is not None:
        yield f"  # {MARK}: {_plain(choice.unsure)}"
    value = _quoted(choice.header)
    if choice.part is not None or choice.occurrence > 1:
        more = f", occurrence: {choice.occurrence}" if choice.occurrence > 1 else ""
        more += f", part: {choice.part}" if choice.part is not None else ""
        value = f"{{header: {value}{more}}}"
    yield f"  {'# ' if choice.unsure else ''}{choice.column}: {value}"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _plain(text: str) -> str:
    """Return a text that stays within one comment line."""
    return " ".join("".join(character if character.isprintable() else " " for character in text).split())


def suggestion_facts(suggestion: Suggestion, profile: str) -> dict[str, Any]:
    """Return everything that was decided, with its evidence, for programs."""
    layout = suggestion.layout
    return {
        "format": layout.format,
        "encoding": layout.encoding,
        "delimiter": layout.delimiter,
        "header_row": layout.header_row,
        "columns": [
            {
                "index": index,
                "header": text,
                "chosen_for": [choice.column for choice in suggestion.columns if choice.index == index],
                **_evidence(asdict(facts)),
            }
            for index, (text, facts) in enumerate(zip(layout.header, suggestion.facts, strict=True))
        ],
        "choices": [asdict(choice) for choice in suggestion.columns],
        "decisions": [
            *(
                {"key": key, "value": None, "why": why, "unsure": None, "check": None}
                for key, why in layout.reasons.items()
            ),
            *(asdict(decision) for decision in suggestion.decisions),
        ],
        "questions": suggestion.questions,
        "undecided": [asdict(one) | {"how": one.how} for one in suggestion.undecided],
        "missing": [asdict(one) for one in suggestion.missing],
        "checks": suggestion.checks,
        "profile": profile,
    }


def _evidence(facts: dict[str, Any]) -> dict[str, Any]:
    return {name: round(value, 4) if isinstance(value, float) else value for name, value in facts.items()}
