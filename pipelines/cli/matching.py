"""``samandel matching``: how well suppliers and texts are matched.

Belongs here: the command and its tables. Not here: the figures (matching/evaluate.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from pipelines.cli.options import JsonOption
from pipelines.cli.output import percent, print_json, print_rows
from pipelines.errors import ConfigurationError

app = typer.Typer(help="Suppliers' names and lines' texts: how well they are matched.", no_args_is_help=True)
_SUPPLIERS = ("names", "matched", "wrong", "precision", "recall")
_TEXTS = ("lines", "precision", "recall", "recall_of_likeliest", "baseline_recall")


@app.callback()
def _group() -> None:
    """Suppliers' names and lines' texts: how well they are matched."""


@app.command()
def evaluate(
    ledgers: Annotated[
        Path | None,
        typer.Option(help="Folder of the published ledgers whose rows were judged (default: where it is beside us)."),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Print precision and recall on held-out names and texts; needs no home."""
    from pipelines.matching import evaluate as figures

    if ledgers is not None and not ledgers.is_dir():
        raise ConfigurationError("No such folder.", where=str(ledgers), remedy="Name the folder of published ledgers.")
    facts = figures.evaluate(ledgers or figures.PUBLISHED_LEDGERS)
    if json:
        print_json(facts)
        return
    for name in figures.SETS:
        _print_suppliers(facts[f"suppliers_{name}"], name.replace("_", "-"))
    _print_texts(facts["texts_held_out"], "held-out texts")
    if "texts_published_ledgers" in facts:
        _print_texts(facts["texts_published_ledgers"], "rows of published ledgers, judged by hand")
    else:
        typer.echo("The published ledgers are not here: their rows were not evaluated.")


def _print_suppliers(facts: Mapping[str, Any], title: str) -> None:
    rows = [
        _shown("all", facts),
        *(_shown(f"confidence {confidence}", rates) for confidence, rates in facts["by_confidence"].items()),
        *(_shown(error, rates) for error, rates in facts["by_error"].items()),
    ]
    print_rows(rows, ("", *_SUPPLIERS), title=f"Suppliers, {title} names", right=_SUPPLIERS)
    typer.echo(f"Of {facts['persons']} names of persons {facts['persons_matched']} were matched.")


def _print_texts(facts: Mapping[str, Any], title: str) -> None:
    rows = [
        _shown("all that texts decide", facts),
        *(_shown(category, rates) for category, rates in facts["by_category"].items()),
    ]
    print_rows(rows, ("", *_TEXTS), title=f"Categories, {title}", right=_TEXTS)
    typer.echo(
        f"Accuracy {percent(facts['accuracy'])}; always '{facts['baseline']}': {percent(facts['baseline_accuracy'])}."
    )


def _shown(name: str, rates: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "": name,
        **{
            key: percent(value) if isinstance(value, float) else value
            for key, value in rates.items()
            if key[:2] != "by"
        },
    }
