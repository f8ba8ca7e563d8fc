"""``samandel gate``: what the gate has said."""

from __future__ import annotations

from typing import Annotated

import typer

from pipelines.cli.options import HomeOption, JsonOption, open_home
from pipelines.cli.output import print_json, print_rows

app = typer.Typer(help="What the gate has said about each candidate.", no_args_is_help=True)


@app.command("list")
def list_(home: HomeOption = None, json: JsonOption = False) -> None:
    """List the latest verdict on each candidate: product, recipient, state and the rules that failed."""
    from pipelines.gate.listing import list_verdicts

    verdicts = list_verdicts(open_home(home))
    if json:
        print_json(verdicts)
        return
    shown = [{**verdict, "candidate": verdict["candidate_sha256"][:12]} for verdict in verdicts]
    print_rows(shown, ("product", "recipient", "period", "state", "rules", "since", "candidate"))


@app.command()
def verify(home: HomeOption = None, json: JsonOption = False) -> None:
    """Verify the chain of decisions: every line signed and following from the last, and as the releases bear witness.

    Exits 3 where it is not.
    """
    from pipelines.gate.decisions import chain_head, verify_chain
    from pipelines.publishing.verify import witness_against_chain

    opened = open_home(home)
    problems = verify_chain(opened)
    # Where a line is not the gate's own, nothing follows from those after it.
    count, head = (0, "") if problems else chain_head(opened)
    problems += witness_against_chain(opened)
    if json:
        print_json({"decisions": count, "head": head, "problems": problems})
    else:
        for problem in problems:
            typer.echo(problem)
        if head:
            said = f"{len(problems)} problems" if problems else "the chain holds"
            typer.echo(f"{count} decisions, head {head[:16]}: {said}")
    if problems:
        raise typer.Exit(3)


@app.command()
def show(
    product: Annotated[str, typer.Argument(help="municipality_extract or workshop_release.")],
    recipient: Annotated[str, typer.Argument(help="Municipality number or organisation number.")],
    period: Annotated[str | None, typer.Argument(help="YYYY-MM (default: the latest).")] = None,
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Show one verdict: every rule with its version, what it looked at, and why it failed."""
    from pipelines.gate.listing import show_verdict

    verdict = show_verdict(open_home(home), product, recipient, period)
    if json:
        print_json(verdict)
        return
    typer.echo(f"{product} for {recipient}, {verdict['period']}: {verdict['state']}")
    typer.echo(f"candidate {verdict['candidate_sha256']}")
    print_rows(
        verdict["results"],
        ("rule", "version", "severity", "status", "applied", "passed", "reason"),
        right=("applied", "passed"),
    )
