"""``samandel profile``: making a ledger profile for a layout that no shipped one fits.

Belongs here: showing what was decided and why, writing the file. Not here: deciding (parsing/ledger_suggest.py).
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines.cli.options import JsonOption
from pipelines.cli.output import print_json, print_rows
from pipelines.errors import ConfigurationError
from pipelines.parsing.ledger_decide import MARK

if TYPE_CHECKING:
    from pipelines.parsing.ledger_suggest import Suggestion

app = typer.Typer(no_args_is_help=True, help="Ledger profiles: how one layout of a supplier ledger is written.")


@app.callback()
def _profile() -> None:
    """Ledger profiles: how one layout of a supplier ledger is written."""


@app.command()
def suggest(
    file: Annotated[Path, typer.Argument(help="A ledger: CSV, TXT, XLSX or JSON.")],
    output: Annotated[Path | None, typer.Option(help="Write the profile to this file (YAML).")] = None,
    json: JsonOption = False,
) -> None:
    """Propose a profile for a ledger, saying what was decided and why; what is unsure is left for you to decide."""
    from pipelines.parsing.ledger_draft import draft_profile, suggestion_facts
    from pipelines.parsing.ledger_suggest import suggest_profile
    from pipelines.parsing.tabular import UnreadableTable

    _check(file, output)
    try:
        suggestion = suggest_profile(file, file.name)
    except UnreadableTable as error:
        raise ConfigurationError(
            "No profile can be proposed.", where=str(file), remedy=f"{error} docs/ledger-profiles.md shows how."
        ) from None
    text = draft_profile(suggestion, _name(output or file), file.name)
    reading = _read_back(file, text)
    if output is not None:
        _write(output, text)
    if json:
        print_json(suggestion_facts(suggestion, text) | {"read_back": reading, "output": output and str(output)})
        return
    _show(suggestion, file)
    print_rows([{"fact": key, "value": value} for key, value in reading.items()], ("fact", "value"), title="Read by it")
    if output is None:
        sys.stdout.write(f"\n{text}")
    _show_open(suggestion, output)
    if output is not None:
        sys.stdout.write(f"\nWritten to {output}.\n")


def _check(file: Path, output: Path | None) -> None:
    if file.is_dir():
        raise ConfigurationError("That is a folder.", where=str(file), remedy="Name one ledger file in it.")
    if not file.is_file():
        raise ConfigurationError("No such file.", where=str(file), remedy="Check the path.")
    if output is not None and output.exists():
        raise ConfigurationError(
            "The file exists already.", where=f"--output {output}", remedy="Name a new one, or remove it first."
        )


def _name(path: Path) -> str:
    return re.sub(r"[^a-z0-9]+", "_", path.stem.lower()).strip("_") or "proposed"


def _write(output: Path, text: str) -> None:
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(
            f"The profile cannot be written: {error.strerror}.", where=str(output), remedy="Name a file that can be."
        ) from None


def _read_back(file: Path, text: str) -> dict[str, Any]:
    """Read the file by the proposed profile and say what came of it."""
    from pipelines.errors import ProblemsFound
    from pipelines.parsing.ledger import Ledger, LedgerRefused
    from pipelines.parsing.ledger_profile import read_profile

    try:
        ledger = Ledger(file, read_profile(text.encode(), file="proposed"), file.name)
        batches = [(batch.rows_out, len(batch.rejects), batch.amount_total()) for batch in ledger.batches()]
    except ProblemsFound as error:
        return {"usable": False, "message": " ".join(error.problems)}
    except LedgerRefused as refused:
        return {"usable": False, "message": refused.reject.message}
    rows, rejects, totals = (sum(column) for column in zip(*batches, strict=True)) if batches else (0, 0, 0)
    return {"usable": True, "rows": rows, "rejects": rejects, "amount_total": f"{totals:.2f}"}


def _show(suggestion: Suggestion, file: Path) -> None:
    layout = suggestion.layout
    decided = [{"key": key, "value": _value(suggestion, key), "why": why} for key, why in layout.reasons.items()]
    decided += [
        {"key": f"columns.{choice.column}", "value": _of_part(choice.header, choice.part), "why": _why(choice)}
        for choice in suggestion.columns
    ]
    decided += [
        {"key": decision.key, "value": "(to decide)" if decision.unsure else decision.value, "why": decision.why}
        for decision in suggestion.decisions
    ]
    print_rows(decided, ("key", "value", "why"), title=str(file))
    if suggestion.checks:
        print_rows([{"to check": text} for text in suggestion.checks], ("to check",), title="Decided, but look at it")


def _show_open(suggestion: Suggestion, output: Path | None) -> None:
    """Say what is left for a person, and what to do about it; last, so that it is not scrolled away."""
    if suggestion.missing:
        rows = [{"column": one.column, "without it": one.consequence} for one in suggestion.missing]
        print_rows(
            rows, ("column", "without it"), title="Not found: name its header under 'columns' if the file has it"
        )
    if suggestion.undecided:
        rows = [{"key": one.key, "to decide": one.question, "how": one.how} for one in suggestion.undecided]
        title = f"Only you can say: search for {MARK} in {output or 'the profile'}"
        print_rows(rows, ("key", "to decide", "how"), title=title)


def _value(suggestion: Suggestion, key: str) -> str:
    layout = suggestion.layout
    known = {"encoding": layout.encoding, "delimiter": layout.delimiter, "header": f"row {layout.header_row}"}
    known |= {"sheet": layout.sheet, "records": layout.records, "quote": str(layout.quote).lower()}
    return str(known.get(key) or "").replace("\t", "tab")


def _of_part(header: str, part: str | None) -> str:
    return header if part is None else f"{header} (the {part})"


def _why(choice: Any) -> str:
    others = f" Also considered: {', '.join(choice.alternatives)}." if choice.alternatives else ""
    return ("To decide. " if choice.unsure else "") + f"{choice.why}.{others}"
