"""``samandel run``: the main job, and the table of what came out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.options import AsOfOption, HomeOption, JsonOption, open_home, read_clock
from pipelines.cli.output import money, percent, print_error, print_json, print_rows
from pipelines.errors import SamandelError

if TYPE_CHECKING:
    from pipelines.home import Home
    from pipelines.summary import MunicipalityLine, OtherLine, RunSummary, WorkshopLine


def run(
    home: HomeOption = None,
    municipality: Annotated[
        list[str] | None, typer.Option(help="Only this municipality's deliveries and extract; may be repeated.")
    ] = None,
    month: Annotated[
        str | None,
        typer.Option(metavar="YYYY-MM", help="The month to publish (default: the last whole one).", show_default=False),
    ] = None,
    as_of: AsOfOption = None,
    full_refresh: Annotated[bool, typer.Option("--full-refresh", help="Build the warehouse from nothing.")] = False,
    json: JsonOption = False,
) -> None:
    """Take what lies in the inboxes, build, judge, publish; end with a table of what came out."""
    from pipelines.cli.progress import progress_bars
    from pipelines.gate.decisions import gate_key
    from pipelines.orchestrate import run_pipeline
    from pipelines.session import month_to_publish, require_month

    opened = open_home(home)
    if month is not None:
        require_month(month)
    named_day = read_clock(opened, as_of) if as_of else None
    opened.check()
    clock = named_day or read_clock(opened, None)
    month_to_publish(month, clock)  # refused before the gate's key is asked for
    gate_key(opened)  # before anything is taken: without it nothing can go out
    with progress_bars() as progress:
        summary = run_pipeline(
            opened,
            clock,
            municipalities=municipality or None,
            month=month,
            full_refresh=full_refresh,
            progress=progress,
        )
    if json:
        print_json(summary.as_dict())
    else:
        _print_summary(summary)
        _print_undecided(opened)
        _print_waiting(opened)
        say_what_is_left(opened)
    raise typer.Exit(summary.exit_code)


def _print_undecided(home: Home) -> None:
    """Say what ledger profiles leave open: their defaults counted in this run, and nobody chose them."""
    from pipelines.parsing.ledger_profile import open_decisions

    for one in open_decisions(home.consortium.sources, home.path):
        typer.echo(f"to decide: {one}")


def _print_waiting(home: Home) -> None:
    """Say how many proposed register rows wait: nobody sees them otherwise."""
    from pipelines.proposals import WAITING, list_proposals

    try:
        waiting = sum(1 for one in list_proposals(home) if one.state == WAITING)
    except SamandelError as error:
        print_error(error)  # what the run has done is done
        return
    if waiting:
        typer.echo(f"{waiting} register proposal{'s' if waiting > 1 else ''} waiting: samandel register list")


def say_what_is_left(home: Home) -> None:
    """Say how much lies in inboxes that no run takes: whoever dropped it thinks that it was delivered."""
    from pipelines.landing.inbox import left_lying

    left = sum(len(left_lying(home, source)) for source in home.consortium.sources)
    if left:
        typer.echo(
            f"{left} not taken in inboxes, for no file was dropped there (links, empty folders): samandel doctor"
        )


def _print_summary(summary: RunSummary) -> None:
    """Print the tables of municipalities, workshops and other recipients, what was withheld and why, and the counts."""
    rows = [
        {
            "municipality": f"{line.municipality_no} {line.name}",
            "deliveries": line.deliveries,
            "rows": line.rows,
            "rejects": line.rejects,
            "spend, NOK": money(line.spend_nok),
            "workshop ratio": percent(line.workshop_ratio),
            "release": line.release_id or "",
            "verdict": line.verdict,
        }
        for line in summary.municipalities
    ]
    numbers = ("deliveries", "rows", "rejects", "spend, NOK", "workshop ratio")
    columns = ("municipality", *numbers, "release", "verdict")
    print_rows(rows, columns, title=f"Municipalities, {summary.period}", right=numbers)
    if summary.workshops:
        rows = [
            {
                "workshop": f"{line.org_no} {line.name}",
                "market shown": percent(line.visible_part),
                "release": line.release_id or "",
                "verdict": line.verdict,
            }
            for line in summary.workshops
        ]
        shown = ("workshop", "market shown", "release", "verdict")
        print_rows(rows, shown, title=f"Workshops, {summary.period}", right=("market shown",))
    if summary.others:
        rows = [
            {
                "recipient": f"{line.recipient} {line.name}",
                "product": line.product,
                "release": line.release_id or "",
                "verdict": line.verdict,
            }
            for line in summary.others
        ]
        print_rows(rows, ("recipient", "product", "release", "verdict"), title=f"Others, {summary.period}")
    for line in summary.municipalities:
        _print_reasons(line.municipality_no, line)
    for workshop in summary.workshops:
        _print_reasons(workshop.org_no, workshop)
    for other in summary.others:
        _print_reasons(other.recipient, other)
    for failure in summary.failures:
        typer.echo(f"failed: {failure.step}, {failure.name}: {failure.message}", err=True)
    for note in summary.notes:
        typer.echo(f"nothing to do: {note}")
    typer.echo(
        f"{summary.released} released, {summary.unchanged} unchanged, {summary.held} held, {summary.blocked} blocked, "
        f"{f'{summary.recalled} recalled, ' if summary.recalled else ''}{summary.failed} failed."
    )


def _print_reasons(recipient: str, line: MunicipalityLine | WorkshopLine | OtherLine) -> None:
    """Print what withholds a release, each rule under what it does, and what its recipient has meanwhile.

    Failures are printed once, for all, below.
    """
    for heading, reason in zip(line.headings, line.reasons, strict=True):
        if heading != "failed":
            typer.echo(f"{heading}: {recipient} {line.name}: {reason}")
    if line.stands:
        typer.echo(f"stands: {recipient} {line.name}: {line.stands} is the last release until then")


COMMANDS = (run,)
