"""``samandel month``: the coordinator's month, one step at a time, in bokmål.

Belongs here: asking, and doing what was answered through the same functions as the single commands. Not here: which
steps there are (month.py), what they follow from (month_facts.py), the words (month_nb.py).

The guide keeps nothing of its own: it can be left anywhere, and begins with what the home says is left. Within one
sitting it does not ask again what was left as it is.
"""

from __future__ import annotations

import getpass
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.options import AsOfOption, HomeOption, JsonOption, home_argument, open_home, read_clock
from pipelines.cli.output import as_text, print_error, print_json
from pipelines.errors import ConfigurationError, SamandelError

if TYPE_CHECKING:
    from pipelines import month as months
    from pipelines.gate.deciding import Signer, Taken
    from pipelines.home import Home
    from pipelines.settings import Clock

_DAYS, _STANDING_DAYS, _TERMS_DAYS = 30, 90, 365  # how long a decision is proposed to count
_DONE, _LEFT, _RAN, _AGAIN = "done", "left", "ran", "again"


def month(
    home: HomeOption = None,
    month: Annotated[  # the option's name
        str | None,
        typer.Option(metavar="YYYY-MM", help="The month to publish (default: the last whole one).", show_default=False),
    ] = None,
    by: Annotated[
        str | None, typer.Option(metavar="ID", help="Who decides (default: you are asked).", show_default=False)
    ] = None,
    key: Annotated[str | None, typer.Option(help="The private key: file:PATH or env:NAME.", show_default=False)] = None,
    passphrase: Annotated[
        str | None, typer.Option(help="What the key is locked with: env:NAME or file:PATH.", show_default=False)
    ] = None,
    as_of: AsOfOption = None,
    json: JsonOption = False,
) -> None:
    """Lead through the month, in bokmål: missing deliveries, what is held, what goes out. Can be left at any step.

    With --json, or where nobody can answer, it lists the steps with their commands. Exits 0 where nothing is left to
    do, 1 where something is.
    """
    from pipelines.session import month_to_publish

    opened = open_home(home)
    opened.check()
    clock = read_clock(opened, as_of)
    guide = _Guide(opened, clock, month_to_publish(month, clock), by, key, passphrase)
    if json:
        steps = guide.print_json()
    elif not _is_terminal():
        steps = guide.print_list()
    else:
        steps = guide.lead()
    raise typer.Exit(1 if any(step.is_open for step in steps) else 0)


def _is_terminal() -> bool:
    return sys.stdin.isatty()


class _LeaveOff(Exception):
    """The coordinator goes; nothing is lost."""


@dataclass
class _Guide:
    """One sitting.

    Attributes:
        home: The home.
        clock: The clock.
        period: The month that is to go out.
        by: Who decides, once that is known.
        key: Reference to the key that was named.
        passphrase: Reference to what it is locked with.
        passed: The steps that were answered in this sitting, by what they are about.
        keys: The keys that were named in this sitting, by person.
    """

    home: Home
    clock: Clock
    period: str
    by: str | None
    key: str | None
    passphrase: str | None
    passed: set[str] = field(default_factory=set)
    keys: dict[str, str] = field(default_factory=dict)

    def steps(self) -> list[months.Step]:
        """Return the steps as the home stands now."""
        from pipelines.home import Home
        from pipelines.month import plan
        from pipelines.month_facts import read_facts

        self.home = Home(self.home.path)  # settings may have been mended meanwhile
        return plan(read_facts(self.home, self.clock, self.period, home_argument=home_argument(self.home)))

    def print_json(self) -> list[months.Step]:
        """Print the steps for programs, and return them."""
        from pipelines.month import decisions_needed

        steps = self.steps()
        print_json(
            {
                "period": self.period,
                "as_of": self.clock.as_of,
                "left": sum(step.is_open for step in steps),
                "decisions": decisions_needed(steps),
                "steps": [step.as_dict() for step in steps],
            }
        )
        return steps

    def print_list(self) -> list[months.Step]:
        """Print the steps with their commands, for people who are not asked, and return them."""
        from pipelines import month_nb as nb

        steps = self.steps()
        self._headline(steps)
        for number, step in enumerate(steps, start=1):
            _show(step, number, len(steps))
            for command in step.commands:
                typer.echo(as_text(nb.command_line(command)))
        return steps

    def _headline(self, steps: list[months.Step]) -> None:
        from pipelines import month_nb as nb
        from pipelines.month import decisions_needed

        count = sum(step.is_open for step in steps)
        typer.echo(nb.headline(self.home.consortium.name, self.period, count, decisions_needed(steps)))

    def lead(self) -> list[months.Step]:
        """Ask step by step until all was answered or the coordinator goes; return the steps as they stand then."""
        from pipelines import month_nb as nb

        try:
            while self._walk():
                pass
        except (_LeaveOff, typer.Abort):
            typer.echo(f"\n{nb.LEFT_OFF}")
        return self.steps()

    def _walk(self) -> bool:
        """Go through the steps as they stand; return whether to look again: after a run, or when something is decided.

        What was decided at intake changes what the gate holds: nothing of that is asked before a run.
        """
        from pipelines import month_nb as nb
        from pipelines.month import AT_INTAKE, RUN, RUN_BEFORE, WAIVE

        steps = self.steps()
        self._headline(steps)
        if not any(step.is_open for step in steps):
            typer.echo(nb.NOTHING_LEFT)
        decided: set[str] = set()
        for number, step in enumerate(steps, start=1):
            if step.about in self.passed:
                continue
            if decided & set(AT_INTAKE) and step.kind not in AT_INTAKE:
                return True
            _show(step, number, len(steps))
            answered = self._ask(step)
            if answered == _AGAIN:
                return True
            self.passed.add(step.about)
            if answered == _RAN:
                return True
            if answered == _DONE:
                decided.add(step.kind)
                self.passed -= {about for about in self.passed if about.startswith(RUN)}
            elif step.about in RUN_BEFORE:
                typer.echo(nb.RUN_FIRST)
                return False
            elif step.kind == WAIVE:  # what else holds it need not be asked: it stays blocked
                self.passed |= {other.about for other in steps if other.candidate == step.candidate}
        return bool(decided)

    def _ask(self, step: months.Step) -> str:
        """Ask about one step till it is answered; what is refused is said, and asked again."""
        from pipelines import month as kinds

        ask: dict[str, Callable[[months.Step], str]] = {
            kinds.RUN: self._run,
            kinds.HELD: self._delivery,
            kinds.PROPOSAL: self._proposal,
            kinds.TERMS: self._terms,
            kinds.WAIVE: self._gate,
            kinds.APPROVE: self._gate,
        }
        while True:
            try:
                return ask.get(step.kind, self._told)(step)
            except SamandelError as error:
                if error.exit_code != ConfigurationError.exit_code and step.kind == kinds.RUN:
                    raise
                print_error(error)
                self.keys.clear()

    def _told(self, step: months.Step) -> str:
        _choose({"v": "next"}, default="v")
        return _LEFT

    def _run(self, step: months.Step) -> str:
        if _choose({"k": "run", "l": "leave"}) == "leave":
            return _LEFT
        from pipelines import month_nb as nb
        from pipelines.cli.progress import progress_bars
        from pipelines.gate.decisions import gate_key
        from pipelines.orchestrate import run_pipeline

        gate_key(self.home)
        with progress_bars() as progress:
            summary = run_pipeline(self.home, self.clock, month=self.period, progress=progress)
        counts = (summary.released, summary.unchanged, summary.held, summary.blocked, summary.recalled, summary.failed)
        typer.echo(nb.ran(*counts))
        for one in summary.failures:
            typer.echo(as_text(nb.failed(one.step, one.name, one.message)))
        return _RAN

    def _delivery(self, step: months.Step) -> str:
        from pipelines import month_nb as nb
        from pipelines.deliveries import decide, find_delivery
        from pipelines.landing.decisions import ACCEPT, WITHDRAW

        chosen = _choose({"g": "accept", "t": "withdraw", "l": "leave"})
        if chosen == "leave":
            return _LEFT
        held: months.Delivery = step.subject
        action = ACCEPT if chosen == "accept" else WITHDRAW
        receipts = find_delivery(self.home, held.delivery_id, held.owner, held.source)
        reason = _text(nb.REASON)
        decide(self.home, receipts, action, at=self.clock.now, by=self.by or getpass.getuser(), reason=reason)
        typer.echo(nb.DONE)
        return _DONE

    def _proposal(self, step: months.Step) -> str:
        from pipelines import month_nb as nb
        from pipelines.month_facts import changes_in_words
        from pipelines.proposals import accept_proposal, refuse_proposal, show_proposal, shown_facts

        one: months.Proposed = step.subject
        if not one.is_clean:
            typer.echo(nb.NOT_WHOLE)
            for command in step.commands:
                typer.echo(nb.command_line(command))
        chosen = _choose({**({"g": "take"} if one.is_clean else {}), "n": "refuse", "l": "leave"})
        by = self.by or getpass.getuser()
        if chosen == "leave":
            return _LEFT
        if chosen == "refuse":
            refuse_proposal(self.home, one.proposal_id, by=by, reason=_text(nb.REASON), clock=self.clock)
        else:
            facts = shown_facts(show_proposal(self.home, one.proposal_id))
            for line in changes_in_words(facts):
                typer.echo(as_text(nb.example(line)))
            if _choose({"j": "take", "l": "leave"}, question=nb.SURE) == "leave":
                return _LEFT
            accept_proposal(self.home, one.proposal_id, by=by, digest=str(facts["difference"]), clock=self.clock)
        typer.echo(nb.DONE)
        return _DONE

    def _terms(self, step: months.Step) -> str:
        from pipelines import month_nb as nb
        from pipelines.gate.deciding import approve_terms

        if _choose({"g": "sign", "l": "leave"}) == "leave":
            return _LEFT
        terms: months.Terms = step.subject
        signer = self._signer()
        if signer.approver_id in terms.signed:
            typer.echo(nb.SIGNED_BEFORE.format(person=signer.approver_id))
            self.by = None
            return _LEFT
        reason, until = _text(nb.REASON_OUT), self._until(_TERMS_DAYS)
        approve_terms(self.home, self.clock, terms.product, signer, reason=reason, expires_on=until)
        self._tell(())
        return _DONE

    def _gate(self, step: months.Step) -> str:
        """Ask about what the gate holds or blocks, and take the decision, with everything that it needs."""
        from pipelines import month as kinds
        from pipelines import month_nb as nb

        one, items = step.subject
        may_stand = any(item.may_be_let_go for item in items)
        choices = {"g": "sign"} if step.kind == kinds.APPROVE else {"u": "waive"}
        if step.kind == kinds.APPROVE and all(item.may_be_let_go for item in items):
            choices["u"] = "waive"
        chosen = _choose({**choices, **({"s": "standing"} if may_stand else {}), "l": "leave"})
        if chosen == "leave":
            return _LEFT
        is_standing = chosen == "standing"
        signer = self._signer()
        reason, until = _text(nb.REASON_OUT), self._until(_STANDING_DAYS if is_standing else _DAYS)
        if not self._is_as_shown(one):
            typer.echo(nb.CHANGED_MEANWHILE)
            return _AGAIN
        is_waiver = chosen == "waive" or step.kind == kinds.WAIVE
        for rule in [item.rule for item in items] if is_waiver else [None]:
            taken = self._decide(one, rule, signer, reason, until, is_standing=is_standing)
        self._tell(taken.withheld_by)
        return _DONE

    def _is_as_shown(self, one: months.Withheld) -> bool:
        """Return whether what is about to be signed is what was shown: a run may have come in between."""
        from pipelines.month_facts import read_withheld

        return one in read_withheld(self.home, self.clock.as_of, self.period)

    def _decide(
        self, one: months.Withheld, rule: str | None, signer: Signer, reason: str, until: date, *, is_standing: bool
    ) -> Taken:
        """Waive a rule, or approve all that is held where none is named."""
        from pipelines.candidates.products import CandidateKey
        from pipelines.gate import deciding

        key = CandidateKey(one.product, one.recipient, one.period)
        if rule is None:
            return deciding.approve(
                self.home, self.clock, key, signer, reason=reason, expires_on=until, is_standing=is_standing
            )
        return deciding.waive(
            self.home, self.clock, key, rule, signer, reason=reason, expires_on=until, is_standing=is_standing
        )

    def _tell(self, withheld_by: tuple[str, ...]) -> None:
        """Say what a decision came to, and let the facts of the gate say it too."""
        from pipelines import month_nb as nb
        from pipelines.publishing.facts_file import ensure_facts

        typer.echo(nb.STILL.format(rules=", ".join(withheld_by)) if withheld_by else nb.DONE)
        ensure_facts(self.home)

    def _signer(self) -> Signer:
        """Return who decides and with which key, which is asked once for each person in a sitting."""
        from pipelines import month_nb as nb
        from pipelines.gate.approvers import private_key_reference
        from pipelines.gate.deciding import Signer

        person = _text(nb.PERSON, default=self.by)
        self.by = person
        if person not in self.keys:
            self.keys[person] = _text(nb.KEY, default=self.key or private_key_reference(self.home, person))
        return Signer(person, self.keys[person], self.passphrase)

    def _until(self, days: int) -> date:
        from pipelines import month_nb as nb

        while True:
            said = _text(nb.UNTIL, default=(self.clock.as_of + timedelta(days)).isoformat())
            try:
                return date.fromisoformat(said)
            except ValueError:
                typer.echo(nb.NO_DAY)


def _show(step: months.Step, number: int, count: int) -> None:
    """Print all there is to know of a step."""
    from pipelines import month_nb as nb

    typer.echo()
    typer.secho(as_text(nb.step_line(number, count, step.title)), bold=True)
    if step.is_stale:
        typer.echo(f"  {nb.STALE}")
    lines = [*step.lines, *([nb.since_line(step.since)] if step.since else []), nb.who_line(step.who)]
    lines += [nb.message_line(step.message)] if step.message else []
    for line in lines:
        if line:
            typer.echo(as_text(f"  {line}"))


def _choose(choices: dict[str, str], *, default: str | None = None, question: str | None = None) -> str:
    """Ask for one of several answers, by its letter; leaving off is always one.

    Raises:
        _LeaveOff: That was the answer.
    """
    from pipelines import month_nb as nb

    offered = {**choices, "a": "quit"}
    told = ", ".join(f"{letter} = {nb.CHOICES[choice]}" for letter, choice in offered.items())
    while True:
        said = _text(f"{question or nb.ANSWER} ({told})", default=default).lower()
        if said == "a":
            raise _LeaveOff
        if said in offered:
            return offered[said]
        typer.echo(nb.NO_ANSWER)


def _text(question: str, *, default: str | None = None) -> str:
    return str(typer.prompt(question, default=default)).strip()


COMMANDS = (month,)
