"""``samandel register``: forms for those who know, and deciding on what they hand in."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines.cli.options import AsOfOption, HomeOption, JsonOption, open_home, read_clock
from pipelines.cli.output import print_json, print_rows
from pipelines.errors import ConfigurationError

if TYPE_CHECKING:
    from pipelines.home import Home
    from pipelines.settings import Clock

app = typer.Typer(
    help="Forms for workshops and municipalities, and deciding on the register rows that they propose.",
    no_args_is_help=True,
)
IdArgument = Annotated[str, typer.Argument(help="The proposal's id, or its first characters.")]
OwnerOption = Annotated[str, typer.Option("--owner", help="Municipality number, or a workshop's organisation number.")]
ByOption = Annotated[str, typer.Option("--by", help="Who decides.")]


@app.command()
def form(
    register: Annotated[str, typer.Argument(help="The register, such as workshop_capabilities or tasks.")],
    owner: OwnerOption,
    output: Annotated[Path | None, typer.Option("--output", help="The file to write (default: named after both).")] = (
        None
    ),
    home: HomeOption = None,
    as_of: AsOfOption = None,
) -> None:
    """Write the bokmål form of a register for one owner, filled with the owner's rows in force."""
    target = output or Path(f"{register}_{_number(owner)}.xlsx")
    _write_form(register, owner, target, home, as_of)


@app.command()
def forms(
    owner: OwnerOption,
    output: Annotated[Path, typer.Option("--output", help="The folder to write them into.")] = Path(),
    home: HomeOption = None,
    as_of: AsOfOption = None,
) -> None:
    """Write every form of one owner."""
    from pipelines.register_forms import forms_of

    for register in forms_of(owner):
        _write_form(register, owner, output / f"{register}_{_number(owner)}.xlsx", home, as_of)


def _number(owner: str) -> str:
    from pipelines.register_forms import owner_key

    return owner_key(owner)


def _write_form(register: str, owner: str, target: Path, home: Path | None, as_of: str | None) -> None:
    from pipelines.files import write_atomically
    from pipelines.register_forms import build_form, rows_to_show, write_form

    found = open_home(home)
    registers = found.read_registers()
    built = build_form(register, owner, registers)
    day = read_clock(found, as_of).as_of
    write_atomically(target, write_form(built, registers, day))
    typer.echo(f"{target}: {len(rows_to_show(built, registers, day))} rows filled in.")


@app.command("list")
def list_(
    every: Annotated[bool, typer.Option("--all", help="Those decided on too.")] = False,
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """List the proposals that wait for a decision."""
    from pipelines.proposals import OVERTAKEN, WAITING, list_proposals, listed_facts

    rows = [listed_facts(one) for one in list_proposals(open_home(home)) if every or one.state in (WAITING, OVERTAKEN)]
    if json:
        print_json(rows)
        return
    columns = ("proposal_id", "state", "owner", "registers", "file", "received_at", "rows", "refused_rows")
    print_rows(rows, columns, right=("rows", "refused_rows"))


@app.command()
def show(proposal: IdArgument, home: HomeOption = None, json: JsonOption = False) -> None:
    """Show what a proposal would change in the registers in force, and what was refused of it."""
    from pipelines.proposals import show_proposal, shown_facts

    facts = shown_facts(show_proposal(open_home(home), proposal))
    if json:
        print_json(facts)
        return
    _print_shown(facts)
    if facts["state"] != "waiting":
        return
    partly = "" if facts["can_be_accepted_whole"] else " --valid-rows-only"
    options = f"--difference {facts['difference']}{partly} --by NAME"
    typer.echo(f"To accept: samandel register accept {facts['proposal_id']} {options}")


def _print_shown(facts: dict[str, Any]) -> None:
    typer.echo(f"{facts['proposal_id']} from {facts['owner']}: {facts['file']} ({facts['state']})")
    if facts["state"] == "waiting" and facts["form_was_made_from_other_rows"]:
        typer.echo("The registers have changed since the form was made: look at every change.")
    print_rows(list(_change_rows(facts["changes"])), ("register", "change", "key", "column", "old", "new", "row"))
    typer.echo(f"{facts['unchanged_rows']} rows are as they were. Rows that are not in the file stay as they are.")
    if facts["conflicts"]:
        print_rows(facts["conflicts"], ("register", "row", "message"), title="Conflicts: not applied")
    if facts["remarks"]:
        columns = ("severity", "row", "column", "message", "message_nb")
        print_rows(facts["remarks"], columns, title="Refused or remarked on (message_nb: what the sender reads)")


def _change_rows(changes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    rows = []
    for change in changes:
        first = {
            "register": change["register"],
            "change": change["kind"],
            "key": ", ".join([*change["key"].values(), f"from {change['valid_from']}"]),
            "row": change["row"],
        }
        for column, values in change["columns"].items():
            rows.append({**first, "column": column, **values})
            first = {}
    return rows


@app.command()
def accept(
    proposal: IdArgument,
    by: ByOption,
    difference: Annotated[
        str | None, typer.Option("--difference", help="The digest that 'show' printed; without it you are asked.")
    ] = None,
    valid_rows_only: Annotated[
        bool, typer.Option("--valid-rows-only", help="Take the rest although rows were refused or conflict.")
    ] = False,
    home: HomeOption = None,
) -> None:
    """Write a proposal's changes into the registers; they take effect at the next run."""
    from pipelines.proposals import accept_proposal, show_proposal, shown_facts

    found = open_home(home)
    if difference is None:
        facts = shown_facts(show_proposal(found, proposal))
        difference = _confirmed(facts)
    changed = accept_proposal(
        found, proposal, by=by, digest=difference, clock=read_clock(found, None), valid_rows_only=valid_rows_only
    )
    files = ", ".join(f"registers/{name}.csv" for name in changed) or "no file; everything was as proposed already"
    typer.echo(f"Accepted. Changed: {files}.")


def _confirmed(facts: dict[str, Any]) -> str:
    import sys

    if not sys.stdin.isatty():
        raise ConfigurationError(
            "Which difference is accepted was not said.",
            where="--difference",
            remedy=f"Look first: samandel register show {facts['proposal_id']}",
        )
    _print_shown(facts)
    if not typer.confirm("Accept these changes?"):
        typer.echo("Nothing was changed.")
        raise typer.Exit
    return str(facts["difference"])


@app.command()
def refuse(
    proposal: IdArgument,
    reason: Annotated[str, typer.Option("--reason", help="Why; it is recorded.")],
    by: ByOption,
    home: HomeOption = None,
) -> None:
    """Record that a proposal is not taken, and why."""
    from pipelines.proposals import refuse_proposal

    found = open_home(home)
    refuse_proposal(found, proposal, by=by, reason=reason, clock=read_clock(found, None))
    typer.echo("Refused.")


@app.command()
def propose(
    register: Annotated[
        str,
        typer.Argument(
            help="member_org_nos: sub-units of members that it lacks; "
            "supplier_corrections: numbers that suppliers in members' ledgers lack or have wrong."
        ),
    ],
    home: HomeOption = None,
    as_of: AsOfOption = None,
) -> None:
    """Propose rows from what the platform knows; they are shown and accepted like a form's."""
    makers = {"member_org_nos": _propose_sub_units, "supplier_corrections": _propose_corrections}
    if register not in makers:
        raise ConfigurationError(
            f"Nothing can be proposed for {register}.", where="register propose", remedy=f"Known: {', '.join(makers)}."
        )
    found = open_home(home)
    makers[register](found, read_clock(found, as_of))


def _propose_sub_units(home: Home, clock: Clock) -> None:
    from pipelines.proposals import propose_sub_units

    proposal = propose_sub_units(home, clock)
    if proposal is None:
        typer.echo("Nothing to propose: the company register knows no sub-unit of a member that is missing.")
        return
    typer.echo(f"{len(proposal.rows)} sub-units. Next: samandel register show {proposal.proposal_id}")


def _propose_corrections(home: Home, clock: Clock) -> None:
    from pipelines.proposals import propose_supplier_corrections

    proposals = propose_supplier_corrections(home, clock)
    for one in proposals:
        typer.echo(f"{one.owner}: {len(one.rows)} suppliers. Next: samandel register show {one.proposal_id}")
    if not proposals:
        typer.echo("Nothing to propose: no supplier's number is surely another, or all have been asked about.")
