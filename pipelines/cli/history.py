"""``samandel build`` and ``samandel diff``: past states, and what changed between two releases."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines.cli.audit import note_question
from pipelines.cli.options import HomeOption, JsonOption, open_home
from pipelines.cli.output import print_json, print_rows
from pipelines.errors import ConfigurationError

if TYPE_CHECKING:
    from pipelines.home import Home

_SHOWN = 40


def build(
    as_of_sequence: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Build the state after the first N receipts and decisions instead, into a file of its own.",
        ),
    ] = None,
    list_: Annotated[bool, typer.Option("--list", help="List the builds that were green, and build nothing.")] = False,
    full_refresh: Annotated[bool, typer.Option("--full-refresh", help="Build from nothing, even if current.")] = False,
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Build the warehouse of what has been parsed, or a past state again beside it.

    Nothing is taken from inboxes and nothing is published. A past state is read and built by the code of today, and
    never replaces the warehouse that stands.
    """
    opened = open_home(home)
    if list_:
        _list_builds(opened, json=json)
    elif as_of_sequence is not None:
        if full_refresh:
            raise ConfigurationError(
                "A past state is always built from nothing.", where="--full-refresh", remedy="Leave it out."
            )
        _build_past(opened, as_of_sequence, json=json)
    else:
        _build_now(opened, full_refresh=full_refresh, json=json)


def _build_now(home: Home, *, full_refresh: bool, json: bool) -> None:
    from pipelines.files import exclusive_lock
    from pipelines.warehouse.build import build_warehouse, current_build_id, how_it_was_built
    from pipelines.warehouse.sources import read_by_another_version

    with exclusive_lock(home.run_lock, doing="running the pipeline"):
        if outdated := read_by_another_version(home):
            raise ConfigurationError(
                "Deliveries were read by another version of Samandel, whose tables have other columns.",
                where=f"{', '.join(outdated[:_SHOWN])}{' and more' if len(outdated) > _SHOWN else ''}",
                remedy="Run 'samandel run': it reads them again, then builds. Nothing is built until then.",
            )
        is_new = build_warehouse(home, full_refresh=full_refresh)
    facts = {
        "build_id": current_build_id(home),
        "file": str(home.warehouse_file),
        "is_new": is_new,
        "plan": how_it_was_built(home),
    }
    if json:
        print_json(facts)
    else:
        typer.echo(f"{'Built' if is_new else 'Current already'}: build {facts['build_id']}, {facts['file']}")
        if facts["plan"]:
            typer.echo(f"It was {facts['plan']}.")


def _build_past(home: Home, sequence: int, *, json: bool) -> None:
    from pipelines.past import build_past

    built = build_past(home, sequence)
    if json:
        print_json(vars(built))
        return
    typer.echo(
        f"Built as of {built.as_of_sequence} (last received: {built.last_received}): build {built.build_id}\n"
        f"{built.file}"
    )


def _list_builds(home: Home, *, json: bool) -> None:
    from pipelines.warehouse.history import list_builds

    builds = list_builds(home)
    if json:
        print_json(builds)
    else:
        print_rows(builds, ("as_of_sequence", "build_id", "last_received", "deliveries", "figures", "is_current"))


def diff(
    before: Annotated[str, typer.Argument(help="A release: product/recipient/release_id, as 'release list' shows it.")],
    after: Annotated[str, typer.Argument(help="Another of the same product.")],
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Say what changed between two releases, and which deliveries and register rows lie between them."""
    from pipelines.release_diff import diff_releases, find_release

    opened = open_home(home)
    releases = [find_release(opened, given) for given in (before, after)]
    note_question(opened, diff=" ".join(f"{one.folder.key.product}/{one.folder.release_id}" for one in releases))
    facts = diff_releases(opened, *releases)
    if json:
        print_json(facts)
    else:
        _print_diff(facts)


def _print_diff(facts: dict[str, Any]) -> None:
    names = ("product", "recipient", "release_id", "published_at", "build_id", "as_of_sequence")
    print_rows([facts["before"], facts["after"]], names, title="Releases")
    for table in facts["tables"]:
        _print_table(table)
    if not facts["explained"]:
        typer.echo("What a build was made from is not known: it is from before such records were kept.")
    _print_between(facts)
    if facts["stood_on"]:
        typer.echo(f"Not the same either: {', '.join(facts['stood_on'])}.")


def _print_table(table: dict[str, Any]) -> None:
    from pipelines.release_diff import describe_row

    counts = {change: len(table[change]) for change in ("changed", "added", "removed")}
    if not any(counts.values()):
        typer.echo(f"{table['table']}: no row differs.")
        return
    rows: list[dict[str, Any]] = []
    for change in counts:
        for row in table[change][:_SHOWN]:
            rows.append({"change": change, "key": describe_row(row["key"]), "columns": _columns(row)})
    title = f"{table['table']}: {', '.join(f'{count} {change}' for change, count in counts.items())}"
    print_rows(rows, ("change", "key", "columns"), title=title)
    if any(count > _SHOWN for count in counts.values()):
        typer.echo(f"The first {_SHOWN} of each are shown: --json gives all.")


def _columns(row: Mapping[str, Any]) -> str:
    changes = row.get("columns", {})
    if not changes:  # a row that came or went: its amounts
        amounts = {name: value for name, value in row["row"].items() if isinstance(value, Decimal)}
        return "\n".join(f"{name}: {value}" for name, value in amounts.items())
    return "\n".join(f"{name}: {values['before']} → {values['after']}" for name, values in changes.items())


def _print_between(facts: dict[str, Any]) -> None:
    from pipelines.release_diff import describe_row

    deliveries = [
        {
            **row,
            "what": f"{row['change']}{', read anew' if row['read_anew'] else ''}",
            "before": _states(row["before"]),
            "after": _states(row["after"]),
        }
        for row in facts["deliveries"]
    ]
    if deliveries:
        columns = ("municipality_no", "source", "delivery_id", "received_at", "what", "before", "after")
        print_rows(deliveries, columns, title="Deliveries between them")
    registers = [
        {
            "register": row["register"],
            "change": row["change"],
            "key": describe_row(row["key"]),
            "columns": _columns(row),
        }
        for row in facts["registers"]
    ]
    if registers:
        print_rows(registers, ("register", "change", "key", "columns"), title="Register rows between them")
    if facts["explained"] and not deliveries and not registers:
        typer.echo("No delivery and no register row lies between them.")


def _states(periods: Mapping[str, list[str]]) -> str:
    """Return periods by state; a long row of them by its ends."""
    return "; ".join(
        f"{state} {', '.join(listed) if len(listed) < 4 else f'{listed[0]} to {listed[-1]}'}"  # noqa: PLR2004
        for state, listed in periods.items()
    )


COMMANDS = (build, diff)
