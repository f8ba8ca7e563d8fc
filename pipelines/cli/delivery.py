"""``samandel delivery``: what came in, what counts of it, and deciding on one."""

from __future__ import annotations

import getpass
from typing import Annotated, Any

import typer

from pipelines.cli.options import HomeOption, JsonOption, open_home, read_clock
from pipelines.cli.output import print_json, print_rows
from pipelines.errors import ConfigurationError

app = typer.Typer(help="What members delivered, what counts of it, and why.", no_args_is_help=True)

_IdArgument = Annotated[str, typer.Argument(metavar="ID", help="The delivery's id, or enough of its beginning.")]
_MunicipalityOption = Annotated[str | None, typer.Option(help="The municipality's number.", show_default=False)]
_SourceOption = Annotated[str | None, typer.Option(help="The source's name in consortium.yaml.", show_default=False)]
_ReasonOption = Annotated[str, typer.Option(help="Why; it is kept with the decision.", show_default=False)]
_ByOption = Annotated[str | None, typer.Option(help="Who decides (default: the user).", show_default=False)]


@app.command("list")
def list_(
    municipality: _MunicipalityOption = None,
    state: Annotated[
        str | None, typer.Option(help="Only deliveries in this state, such as held.", show_default=False)
    ] = None,
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """List every delivery: what was read, refused, read and not counted, and what counts of each period."""
    from pipelines.deliveries import STATES, list_deliveries

    if state is not None and state not in STATES:
        raise ConfigurationError(f"'{state}' is not a state.", where="--state", remedy=f"One of {', '.join(STATES)}.")
    rows = list_deliveries(open_home(home), municipality, state)
    if json:
        print_json(rows)
        return
    shown = [{**row, "periods": _periods(row["periods"])} for row in rows]
    columns = (
        "delivery_id",
        "municipality_no",
        "source",
        "received_at",
        "files",
        "rows",
        "rejects",
        "not_counted",
        "state",
        "periods",
    )
    print_rows(shown, columns, right=("files", "rows", "rejects", "not_counted"))


def _periods(states: dict[str, str]) -> str:
    """Return the months of each state: ``accepted 2026-09, 2026-10; held 2026-08``."""
    by_state: dict[str, list[str]] = {}
    for period, state in states.items():
        by_state.setdefault(state, []).append(period)
    return "; ".join(f"{state} {', '.join(periods)}" for state, periods in sorted(by_state.items()))


@app.command()
def show(
    delivery_id: _IdArgument,
    municipality: _MunicipalityOption = None,
    source: _SourceOption = None,
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Show one delivery: receipts, files and digests, the state of its periods, every refusal with its remedy."""
    from pipelines.deliveries import show_delivery

    facts = show_delivery(open_home(home), delivery_id, municipality, source)
    if json:
        print_json(facts)
        return
    typer.echo(f"{facts['delivery_id']} of {facts['municipality_no']}, {facts['source']}: {facts['state']}")
    files = [{**file, "sha256": file["sha256"][:12]} for file in facts["files"]]
    documents = [{"state": state, "documents": count} for state, count in facts["documents"].items()]
    for title, rows in (
        ("Receipts", facts["receipts"]),
        ("Files", files),
        ("Archives", facts["archives"]),
        ("Periods", facts["periods"]),
        ("Documents", documents),
        ("Outcomes", facts["outcomes"]),
        ("Rejects and remarks", facts["rejects"]),
        ("Decisions", facts["decisions"]),
        ("Shared with other members' ledgers (not for the sender)", facts["shared_with"]),
    ):
        _print(title, rows)
    if facts["rejects_left_out"]:
        typer.echo(f"{facts['rejects_left_out']} more; all are in fct_rejects.")


def _print(title: str, rows: list[dict[str, Any]]) -> None:
    if rows:
        print_rows(rows, tuple(rows[0]), title=title)


@app.command()
def report(
    delivery_id: _IdArgument,
    municipality: _MunicipalityOption = None,
    source: _SourceOption = None,
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Say where the report to the sender lies: an HTML page in bokmål for each receipt, to be sent on as it is."""
    from pipelines.deliveries import find_delivery
    from pipelines.parsing.sender_report import reports_of

    opened = open_home(home)
    found = reports_of(opened, find_delivery(opened, delivery_id, municipality, source))
    if not found:
        raise ConfigurationError(
            "The delivery has no report yet.", where=delivery_id, remedy="Run 'samandel run': it writes the reports."
        )
    if json:
        print_json([str(path) for path in found])
        return
    for path in found:
        typer.echo(path)


@app.command()
def withdraw(
    delivery_id: _IdArgument,
    reason: _ReasonOption,
    municipality: _MunicipalityOption = None,
    source: _SourceOption = None,
    by: _ByOption = None,
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Let nothing of a delivery count any more; what it had replaced counts again. Takes effect with the next run."""
    from pipelines.landing.decisions import WITHDRAW

    _decide(WITHDRAW, delivery_id, reason, municipality, source, by, home, json)


@app.command()
def accept(
    delivery_id: _IdArgument,
    reason: _ReasonOption,
    municipality: _MunicipalityOption = None,
    source: _SourceOption = None,
    by: _ByOption = None,
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Let a delivery count that is held or was withdrawn. Takes effect with the next run."""
    from pipelines.landing.decisions import ACCEPT

    _decide(ACCEPT, delivery_id, reason, municipality, source, by, home, json)


def _decide(  # noqa: PLR0913  the options of both commands
    action: str,
    delivery_id: str,
    reason: str,
    municipality: str | None,
    source: str | None,
    by: str | None,
    home: HomeOption,
    json: bool,
) -> None:
    from dataclasses import asdict

    from pipelines.deliveries import decide, find_delivery

    opened = open_home(home)
    receipts = find_delivery(opened, delivery_id, municipality, source)
    decision = decide(
        opened, receipts, action, at=read_clock(opened, None).now, by=by or getpass.getuser(), reason=reason
    )
    if json:
        print_json(asdict(decision))
        return
    done = "withdrawn" if decision.action == "withdraw" else "accepted"
    typer.echo(
        f"{decision.delivery_id} of {decision.owner}, {decision.source_name}: {done}. "
        "Run 'samandel run' for it to take effect."
    )
