"""How facts are shown: a table for people, JSON for programs, errors in three parts.

Belongs here: printing. Not here: what is printed.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from pipelines.errors import SamandelError
from pipelines.landing.store import is_odd


def as_json_value(value: Any) -> Any:
    """Return a value as JSON can carry it: decimals as strings (exact), dates in ISO form."""
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): as_json_value(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set):
        return [as_json_value(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        # JSON has no word for it.
        return str(value)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return str(value)


def print_json(value: Any) -> None:
    """Print one JSON document."""
    sys.stdout.write(json.dumps(as_json_value(value), ensure_ascii=False, indent=2) + "\n")


def print_json_line(value: Any) -> None:
    """Print one JSON document on one line."""
    sys.stdout.write(json.dumps(as_json_value(value), ensure_ascii=False) + "\n")


def print_rows(
    rows: Iterable[Mapping[str, Any]], columns: Sequence[str], *, title: str = "", right: Sequence[str] = ()
) -> None:
    """Print rows as a table with the named columns; those in ``right`` are set flush right."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(header_style="bold")
    for name in columns:
        table.add_column(name, justify="right" if name in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(as_text(row.get(name))) for name in columns))
    # Into a file or a pipe nothing is folded away.
    console = Console(width=None if sys.stdout.isatty() else 180)
    if title:
        # In a line of its own, which a path may overrun; a narrow table would fold it.
        console.print(Text(as_text(title), style="italic"), soft_wrap=True)
    console.print(table)


def as_text(value: Any) -> str:
    """Return a cell's text: lists joined, amounts with a thin thousands space, nothing for null."""
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return f"{value:,}".replace(",", " ")
    if isinstance(value, list | tuple | set):
        return ", ".join(as_text(item) for item in value)
    # A name from a stranger must not steer the terminal.
    return "".join("\ufffd" if is_odd(sign) and sign not in "\n\t" else sign for sign in str(value))


def print_error(error: SamandelError) -> None:
    """Print what happened, where, and what to do, to the error stream."""
    sys.stderr.write(f"samandel: {error}\n")


def money(value: Decimal | None) -> str:
    """Return an amount in whole kroner for people, or nothing."""
    return "" if value is None else f"{value:,.0f}".replace(",", " ")


def percent(value: Decimal | float | None) -> str:
    """Return a ratio as a percentage with two decimals, or nothing."""
    return "" if value is None else f"{value * 100:.2f} %"
