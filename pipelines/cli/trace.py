"""``samandel trace``: from a figure to its lines and their files, and from a file to the figures."""

from __future__ import annotations

import json as json_format
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines.cli.audit import note_question
from pipelines.cli.options import HomeOption, JsonOption, open_home
from pipelines.cli.output import as_json_value, print_json, print_rows
from pipelines.errors import ConfigurationError

if TYPE_CHECKING:
    from pipelines.home import Home
    from pipelines.trace_figure import Part, Wanted

_SHOWN = 50


def trace(
    what: Annotated[
        str,
        typer.Argument(metavar="KPI|FILE|SHA256|DELIVERY", help="A figure (K04), or a file, digest or delivery id."),
    ],
    measure: Annotated[str | None, typer.Option(help="Which measure, where the figure has several.")] = None,
    municipality: Annotated[str, typer.Option(help="A municipality number.")] = "all",
    workshop: Annotated[str, typer.Option(metavar="ORG", help="A workshop's organisation number.")] = "all",
    category: Annotated[str, typer.Option(metavar="KEY", help="A category.")] = "all",
    account_class: Annotated[str, typer.Option(help="operating or investment.")] = "all",
    period: Annotated[
        str | None,
        typer.Option(metavar="START..END", help="Or a month, or a year (default: the latest).", show_default=False),
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=0, help=f"Lines to show of each number (default: {_SHOWN}; with --json all).")
    ] = None,
    as_of_sequence: Annotated[
        int | None,
        typer.Option(metavar="N", help="A figure of a past state, which 'build --as-of-sequence N' has built."),
    ] = None,
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """List the purchase lines behind a number, each with its file and row; or say where a file's rows went.

    For the coordinator: it shows all members' lines, names no payee that may be a person, and is audited. Exit status 3
    where the lines do not come to the number.
    """
    opened = open_home(home)
    if not re.fullmatch(r"[Kk]\d\d", what):
        _trace_file(opened, what, None if municipality == "all" else municipality, json=json)
        return
    from pipelines.reference import OF_RELEASES
    from pipelines.trace_figure import Wanted, read_period

    days = read_period(period) if period else None
    wanted = Wanted(what.upper(), measure, municipality, workshop, category, account_class, days)
    if wanted.kpi_key in OF_RELEASES:
        _trace_releases(opened, wanted, json=json)
        return
    file = opened.warehouse_file if as_of_sequence is None else _past(opened, as_of_sequence)
    _trace_figure(opened, file, wanted, limit if limit is not None or json else _SHOWN, json=json)


def _past(home: Home, sequence: int) -> Path:
    from pipelines.past import past_file

    file = past_file(home, sequence)
    if not file.is_file():
        raise ConfigurationError(
            "This past state has not been built.",
            where=str(file),
            remedy=f"Build it: 'samandel build --as-of-sequence {sequence}'.",
        )
    return file


def _trace_figure(home: Home, file: Path, wanted: Wanted, limit: int | None, *, json: bool) -> None:
    import duckdb

    from pipelines.trace_figure import find_figure, trace_lines, trace_parts
    from pipelines.warehouse.read import connect

    note_question(home, trace=_question(wanted))
    with connect(home, file) as connection:
        try:
            figure = find_figure(connection, wanted)
            parts = trace_parts(connection, figure)
        except duckdb.CatalogException:
            raise ConfigurationError(
                "The warehouse was built by an earlier version, which kept no lines of figures.",
                where=str(file),
                remedy="Build it again: 'samandel run'.",
            ) from None
        shown = [(part, trace_lines(connection, home, figure, part.part, limit)) for part in parts]
        if json:
            _write_json(figure.row, shown)
        else:
            _print_figure(figure.row, shown)
    if any(part.difference for part in parts):
        raise typer.Exit(3)


def _trace_releases(home: Home, wanted: Wanted, *, json: bool) -> None:
    from pipelines.trace_release import trace_releases

    note_question(home, trace=_question(wanted))
    rows = trace_releases(home, wanted)
    if json:
        print_json(rows)
        return
    numbers = ("numerator", "denominator", "value", "coverage")
    columns = ("product", "recipient", "release_id", *numbers, "state")
    for measure in dict.fromkeys(row["measure"] for row in rows):
        of_it = [row for row in rows if row["measure"] == measure]
        print_rows(of_it, columns, title=f"{wanted.kpi_key} {measure}, {of_it[0]['period']}", right=numbers)
        for row in of_it:
            typer.echo(f"{row['product']} {row['recipient']} {row['release_id']}: {row['comes_from']}")
    typer.echo("No purchase lines are behind it: it is of releases, and stands in the gate's records named above.")


def _question(wanted: Wanted) -> str:
    return " ".join(str(value) for value in vars(wanted).values() if value is not None)


def _write_json(figure: dict[str, Any], parts: list[tuple[Part, Iterator[dict[str, Any]]]]) -> None:
    """Write one document, line by line: a figure may have a million lines."""

    def text(value: Any) -> str:
        return json_format.dumps(as_json_value(value), ensure_ascii=False)

    sys.stdout.write(f'{{"figure": {text(figure)},\n"parts": [')
    for number, (part, lines) in enumerate(parts):
        facts = text({**vars(part), "difference": part.difference})
        # "lines" of the part is their count.
        sys.stdout.write(f'{"," if number else ""}\n{facts[:-1]}, "rows": [')
        for place, line in enumerate(lines):
            sys.stdout.write(f"{',' if place else ''}\n{text(line)}")
        sys.stdout.write("]}")
    sys.stdout.write("]}\n")


def _print_figure(figure: dict[str, Any], parts: list[tuple[Part, Iterator[dict[str, Any]]]]) -> None:
    columns = ("municipality_no", "workshop_org_no", "category_key", "account_class", "period_start", "period_end")
    numbers = ("numerator", "denominator", "value", "coverage")
    print_rows([figure], (*columns, *numbers, "state"), title=f"{figure['kpi_key']} {figure['measure']}", right=numbers)
    for part, lines in parts:
        rows = [_shown(line) for line in lines]
        if rows:
            names = ("municipality", "month", "NOK", "payee", "category", "file", "where", "delivery", "posting")
            print_rows(rows, names, title=f"{part.part}: {part.lines} lines", right=("NOK",))
        if len(rows) < part.lines:
            typer.echo(f"{part.lines - len(rows)} more lines: --limit N, or --json for all.")
        typer.echo(_said(part))


def _shown(line: dict[str, Any]) -> dict[str, Any]:
    posting = line["posting"]
    return {
        "municipality": line["municipality_no"],
        "month": line["period_month"],
        "NOK": line["net_amount_nok"],
        "payee": line["payee_name"] or f"({line['payee_kind']})",
        "category": line["category_key"],
        "file": f"{line['file']} {line['sha256'][:12]}",
        "where": _place(line),
        "delivery": f"{line['source']} {line['delivery_id']}",
        "posting": f"{posting['file']} {_place(posting)}" if posting else "",
    }


def _place(row: dict[str, Any]) -> str:
    return str(row["xpath"]) if row["xpath"] else f"row {row['row']}"


def _said(part: Part) -> str:
    """Return in words whether the lines come to the number."""
    if part.found is None:
        return f"{part.part} {part.stated}: {part.explanation}"
    what = {"net_amount_nok": "the sum of", "lines": "the count of", "invoices": "the invoices of"}[part.quantity]
    if part.difference:
        return (
            f"{part.part} {part.stated} IS NOT {what} its {part.lines} lines, {part.found}: {part.difference} differs."
        )
    return f"{part.part} {part.stated} is {what} its {part.lines} lines."


def _trace_file(home: Home, what: str, municipality_no: str | None, *, json: bool) -> None:
    from pipelines.trace_file import find_files, trace_file

    found = find_files(home, what, municipality_no)
    for receipts, digests in found:
        note_question(home, trace=f"delivery {receipts[0].owner} {receipts[0].delivery_id} {' '.join(digests)}")
    traces = [trace_file(home, receipts, digests) for receipts, digests in found]
    if json:
        print_json(traces)
    else:
        for facts in traces:
            _print_trace(facts)
    if any(facts["unaccounted_nok"] for facts in traces):
        raise typer.Exit(3)


def _print_trace(facts: dict[str, Any]) -> None:
    named = [f"{file['file']} {file['sha256'][:12]}" for file in facts["files"][:5]]
    more = len(facts["files"]) - len(named)
    typer.echo(
        f"{facts['municipality_no']} {facts['source']}, delivery {facts['delivery_id']}: {facts['state']}\n"
        f"  received {', '.join(one['received_at'].date().isoformat() for one in facts['receipts'])}\n"
        f"  {', '.join(named)}{f' and {more} more' if more > 0 else ''}"
    )
    print_rows(facts["outcomes"], ("step", "outcome", "rule", "rows_in", "rows_out", "rejects", "message"))
    if facts["rejects"]:
        print_rows(facts["rejects"], ("severity", "rule", "rows"), title="Refused, or remarked on", right=("rows",))
    if facts["rows"]:
        numbers = ("rows", "amount_nok")
        print_rows(facts["rows"], ("went", "period", *numbers), title="Where its rows went", right=numbers)
    columns = ("kpi_key", "measure", "part", "lines", "amount_nok", "first_month", "last_month")
    if not facts["is_built"]:
        typer.echo("The warehouse has not been built since this was settled: 'samandel run'.")
    elif facts["figures"]:
        print_rows(facts["figures"], columns, title="Figures that they are in", right=("lines", "amount_nok"))
    else:
        typer.echo("No line of it is in a figure.")
    if facts["unaccounted_nok"]:
        typer.echo(f"{facts['unaccounted_nok']} NOK of the accepted rows are in no purchase line of this file.")


COMMANDS = (trace,)
