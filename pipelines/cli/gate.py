"""``samandel gate``: what the gate has said, what waits for a decision, and deciding."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines.cli.options import AsOfOption, HomeOption, JsonOption, home_argument, open_home, read_clock
from pipelines.cli.output import as_text, percent, print_json, print_rows
from pipelines.errors import ConfigurationError

if TYPE_CHECKING:
    from pipelines.gate.deciding import Taken
    from pipelines.home import Home

app = typer.Typer(
    help="What the gate says of each candidate, what is held and why, and deciding.", no_args_is_help=True
)

_ProductArgument = Annotated[str, typer.Argument(help="municipality_extract, workshop_release or consortium_mart.")]
_RecipientArgument = Annotated[str, typer.Argument(help="Municipality number or organisation number.")]
_PeriodArgument = Annotated[str | None, typer.Argument(help="YYYY-MM (default: the latest).", show_default=False)]
_ReasonOption = Annotated[str, typer.Option(help="Why; it goes out with the release.", show_default=False)]
_ByOption = Annotated[str, typer.Option(metavar="ID", help="Who decides: an id of approvers.csv.", show_default=False)]
_ExpiresOption = Annotated[
    str, typer.Option(metavar="YYYY-MM-DD", help="The last day on which it counts.", show_default=False)
]
_StandingOption = Annotated[bool, typer.Option("--standing", help="For all of the recipient's candidates until then.")]
_KeyOption = Annotated[
    str | None,
    typer.Option(help="The private key: file:PATH or env:NAME (default: beside the home).", show_default=False),
]
_PassphraseOption = Annotated[
    str | None, typer.Option(help="What the key is locked with: env:NAME or file:PATH.", show_default=False)
]


@app.command("list")
def list_(home: HomeOption = None, as_of: AsOfOption = None, json: JsonOption = False) -> None:
    """List the latest verdict on each candidate; then what is withheld: why, since when, who must decide, and how."""
    from pipelines.gate.listing import list_verdicts, list_waiting

    opened = open_home(home)
    day = read_clock(opened, as_of).as_of
    verdicts = list_verdicts(opened, day)
    if json:
        print_json(verdicts)
        return
    shown = [{**verdict, "candidate": verdict["candidate_sha256"][:12]} for verdict in verdicts]
    print_rows(shown, ("product", "recipient", "period", "state", "rules", "since", "candidate"))
    for one in list_waiting(opened, day):
        whom = f"for {one['recipient']}, {one['period']}" if one["period"] else f"({one['candidates']} candidates wait)"
        typer.echo(f"\n{one['state']}: {one['product']} {whom}, since {one['since'][:10]}")
        _print_items(opened, one["items"])
        if not one["items"]:
            typer.echo("  These bytes were recalled. Mend the cause and run again: other bytes are judged anew.")


@app.command()
def verify(
    manifest: Annotated[
        Path | None, typer.Option(help="A manifest that left the house, or its folder: the chain must hold its head.")
    ] = None,
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Verify the chain of decisions: every line signed and following from the last, and as the releases bear witness.

    Exits 3 where it is not.
    """
    from pipelines.gate.decisions import chain_head, verify_chain
    from pipelines.publishing.verify import manifest_against_chain, witness_against_chain

    opened = open_home(home)
    problems = verify_chain(opened)
    # Where a line is not the gate's own, nothing follows from those after it.
    count, head = (0, "") if problems else chain_head(opened)
    problems += witness_against_chain(opened)
    if manifest is not None:
        problems += manifest_against_chain(opened, manifest)
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
    product: _ProductArgument,
    recipient: _RecipientArgument,
    period: _PeriodArgument = None,
    home: HomeOption = None,
    as_of: AsOfOption = None,
    json: JsonOption = False,
) -> None:
    """Show one verdict: what withholds it and who must decide, the decisions it stands on, every rule's answer."""
    from pipelines.gate.listing import show_verdict

    opened = open_home(home)
    verdict = show_verdict(opened, product, recipient, period, read_clock(opened, as_of).as_of)
    if json:
        print_json(verdict)
        return
    typer.echo(f"{product} for {recipient}, {verdict['period']}: {verdict['state']} since {verdict['since'][:10]}")
    typer.echo(f"candidate {verdict['candidate_sha256']}")
    if verdict["data_docs"]:
        typer.echo(f"data docs {verdict['data_docs']}")
    if withheld := verdict["withheld"]:
        shown = percent(verdict["visible_part"]) or "no value"
        typer.echo(f"market shown: {shown}; {withheld['suppressed']} of {withheld['cells']} cells withheld")
    _print_items(opened, verdict["waiting"])
    for one in verdict["decisions"]:
        rules = ", ".join(rule["rule"] for rule in one["rules"]) or ("the product's terms" if one["terms"] else "")
        until = f", counts to {one['expires_on']}" if one["expires_on"] else ""
        typer.echo(
            as_text(f"{one['action']} {rules} by {one['decided_by']} {one['decided_at'][:10]}{until}: {one['reason']}")
        )
    print_rows(
        verdict["results"],
        ("rule", "version", "severity", "status", "applied", "passed", "reason"),
        right=("applied", "passed"),
    )


def _print_items(home: Home, items: list[dict[str, Any]]) -> None:
    """Print what withholds a candidate: the rule and why, examples, who must decide, the command."""
    there = home_argument(home)
    for item in items:
        does = "blocks" if item["severity"] == "block" else "holds"
        typer.echo(as_text(f"  {item['rule']} {does} ({item['title']}): {item['reason']}"))
        for example in item["examples"]:
            typer.echo(as_text(f"      {example}"))
        typer.echo(f"    who: {item['who']}")
        if item["command"]:
            typer.echo(f"    how: {item['command']}{there}")


@app.command()
def approve(
    product: _ProductArgument,
    reason: _ReasonOption,
    by: _ByOption,
    expires: _ExpiresOption,
    recipient: Annotated[
        str | None, typer.Argument(help="Whose candidate; left out: the product's terms, by two persons.")
    ] = None,
    period: _PeriodArgument = None,
    rule: Annotated[str | None, typer.Option(help="Only what this rule holds.", show_default=False)] = None,
    standing: _StandingOption = False,
    key: _KeyOption = None,
    passphrase: _PassphraseOption = None,
    home: HomeOption = None,
    as_of: AsOfOption = None,
    json: JsonOption = False,
) -> None:
    """Approve what the gate holds, signed with your key: a candidate as it is, or a product's terms (four eyes)."""
    from pipelines.gate import deciding

    opened = open_home(home)
    clock, until = read_clock(opened, as_of), _day(expires)
    signer = deciding.Signer(by, key, passphrase)
    if recipient is None:
        if standing or rule:
            raise ConfigurationError(
                "A product's terms are approved whole, and for all recipients.",
                where="--standing" if standing else "--rule",
                remedy="Leave it out, or name the recipient.",
            )
        taken = deciding.approve_terms(opened, clock, product, signer, reason=reason, expires_on=until)
    else:
        about = deciding.find_verdict(opened, product, recipient, period).key
        taken = deciding.approve(
            opened, clock, about, signer, reason=reason, expires_on=until, is_standing=standing, rule=rule
        )
    _finish(opened, taken, json)


@app.command()
def waive(
    product: _ProductArgument,
    recipient: _RecipientArgument,
    rule: Annotated[str, typer.Option(help="The rule that is let go.", show_default=False)],
    reason: _ReasonOption,
    by: _ByOption,
    expires: _ExpiresOption,
    period: _PeriodArgument = None,
    standing: _StandingOption = False,
    key: _KeyOption = None,
    passphrase: _PassphraseOption = None,
    home: HomeOption = None,
    as_of: AsOfOption = None,
    json: JsonOption = False,
) -> None:
    """Let a rule go that withholds a candidate, signed with your key. PV, DC, TN and PB rules are never waived."""
    from pipelines.gate import deciding

    opened = open_home(home)
    clock, until = read_clock(opened, as_of), _day(expires)
    signer = deciding.Signer(by, key, passphrase)
    deciding.require_waivable(rule, f"{product} for {recipient}")
    about = deciding.find_verdict(opened, product, recipient, period).key
    taken = deciding.waive(opened, clock, about, rule, signer, reason=reason, expires_on=until, is_standing=standing)
    _finish(opened, taken, json)


@app.command()
def standing(home: HomeOption = None, as_of: AsOfOption = None, json: JsonOption = False) -> None:
    """List what counts for longer than one candidate: standing decisions and products' terms."""
    from pipelines.gate.listing import list_standing

    opened = open_home(home)
    rows = list_standing(opened, read_clock(opened, as_of).as_of)
    if json:
        print_json(rows)
        return
    columns = ("product", "recipient", "rule", "action", "by", "until", "days", "reason")
    print_rows(rows, columns, right=("days",))


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ConfigurationError(
            f"'{text}' is not a date.", where="--expires", remedy="Write it as yyyy-mm-dd."
        ) from None


def _finish(home: Home, taken: Taken, json: bool) -> None:
    """Say what was decided, then let the facts of the gate say it too."""
    from pipelines.publishing.facts_file import ensure_facts

    _print_taken(taken, json)
    ensure_facts(home)


def _print_taken(taken: Taken, json: bool) -> None:
    decision = taken.decision
    if json:
        print_json(
            {
                **decision.as_entry(),
                "sequence": decision.sequence,
                "state": taken.state,
                "withheld_by": taken.withheld_by,
            }
        )
        return
    rules = ", ".join(str(rule["rule"]) for rule in decision.rules) or "its terms"
    done = "approved" if decision.action == "approve" else "waived"
    whom = (
        ""
        if decision.terms
        else f" for {decision.recipient}{f', {decision.period}' if decision.period else ', standing'}"
    )
    typer.echo(
        f"{decision.product}{whom}: {rules} {done} by {decision.decided_by} until {decision.expires_on} "
        f"(line {decision.sequence} of the chain)."
    )
    if taken.withheld_by:
        typer.echo(f"It is {taken.state} still: {', '.join(taken.withheld_by)}. See 'samandel gate list'.")
    else:
        typer.echo(f"It is {taken.state}: 'samandel run' lets it out.")
