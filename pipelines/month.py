"""The coordinator's month as a list of steps: facts in, steps out.

Belongs here: what there is to do between missing deliveries and releases, in which order, what of it is a decision,
and the commands. Pure. Not here: reading the facts (month_facts.py), every word (month_nb.py), asking (cli/month.py).

There is no state but the home's own: what has been done is no longer among the facts. The order:

(1) what was dropped since the last run is taken first, for all else depends on it; (2) who lacks a month; (3) what came
and was refused; (4) what is held at intake; (5) register rows that are proposed; (6) a run, where any of this was
decided or the gate has not judged what stands; (7) products' terms; (8) candidate by candidate, what the gate holds or
blocks; (9) a run that lets out what was approved; (10) what will soon expire, and what has been released.

Of a candidate that nobody may let out nothing else is asked: its bytes will be others.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from pipelines import month_nb as nb
from pipelines.gate.four_eyes import NEEDED

RUN, MISSING, REFUSED, HELD, REJECTS, PROPOSAL = "run", "missing", "refused", "held", "rejects", "proposal"
TERMS, MEND, WAIVE, APPROVE, RECALLED = "terms", "mend", "waive", "approve", "recalled"
EXPIRES, RELEASED = "expires", "released"
DECISIONS = (HELD, PROPOSAL, TERMS, WAIVE, APPROVE)
# Why a run is due: something was dropped, or nothing is built; something was decided at intake, or must be judged;
# something was decided at the gate.
NEW, CHANGED, DECIDED = "new", "changed", "decided"
RUN_BEFORE = (f"{RUN} {NEW}", f"{RUN} {CHANGED}")  # steps without which what follows may be another
AT_INTAKE = (HELD, PROPOSAL)
SOON = 30  # days before its end on which a decision is told of
EXAMPLES = 3


@dataclass(frozen=True)
class Missing:
    """Months that a member has not delivered.

    Attributes:
        municipality_no: Its number.
        name: Its name.
        months: By source, the months of the window, ``YYYY-MM``, oldest first.
        days: Days since the end of the last of them.
        is_released: Its extract of the month has gone out all the same.
    """

    municipality_no: str
    name: str
    months: dict[str, tuple[str, ...]]
    days: int
    is_released: bool = False


@dataclass(frozen=True)
class Delivery:
    """A delivery that does not count, or not all of it.

    Attributes:
        owner: Whose.
        name: The owner's name.
        source: The source's name.
        kind: The source's kind.
        delivery_id: Its id.
        drop: What was dropped, name masked.
        received: When.
        outcome: refused, failed, empty or held.
        reason: Why, in bokmål, fit for the sender.
        remedy: What the sender should do.
        examples: Three of what it is about, masked; for the coordinator alone.
        report: Where the report to the sender lies, seen from the home; empty where there is none.
        rejects: Rows or documents refused in it.
        is_released: The owner's extract of the month has gone out all the same.
    """

    owner: str
    name: str
    source: str
    kind: str
    delivery_id: str
    drop: str
    received: date
    outcome: str
    reason: str = ""
    remedy: str = ""
    examples: tuple[str, ...] = ()
    report: str = ""
    rejects: int = 0
    is_released: bool = False


@dataclass(frozen=True)
class Proposed:
    """Register rows that wait for a decision.

    Attributes:
        proposal_id: Its id.
        name: Who proposes.
        file: The file that was handed in, name masked.
        received: When.
        registers: The registers concerned.
        examples: The first changes.
        changes: How many there are.
        is_clean: Every row can be taken.
        difference: Digest of exactly these changes.
    """

    proposal_id: str
    name: str
    file: str
    received: date
    registers: tuple[str, ...]
    examples: tuple[str, ...]
    changes: int
    is_clean: bool
    difference: str


@dataclass(frozen=True)
class Item:
    """A rule that withholds.

    Attributes:
        rule: Its id.
        severity: block or hold.
        reason: What the gate said.
        examples: Three of what it found, masked.
        may_be_let_go: It may be waived, and approved for more than one candidate.
    """

    rule: str
    severity: str
    reason: str
    examples: tuple[str, ...]
    may_be_let_go: bool


@dataclass(frozen=True)
class Withheld:
    """A candidate that does not go out.

    Attributes:
        product: Product id.
        title: What the product is called.
        recipient: Municipality number or organisation number.
        name: The recipient's name.
        period: Publication month.
        candidate: The first twelve characters of its digest.
        state: held, blocked or recalled.
        since: Since when.
        items: What withholds it, the gravest first.
    """

    product: str
    title: str
    recipient: str
    name: str
    period: str
    candidate: str
    state: str
    since: str
    items: tuple[Item, ...]


@dataclass(frozen=True)
class Terms:
    """A product whose terms two persons must approve.

    Attributes:
        product: Product id.
        title: What it is called.
        reason: What the gate said.
        since: Since when a candidate waits for it.
        candidates: How many wait.
        signed: Who has approved.
        persons: Who may; None where all approvers may.
    """

    product: str
    title: str
    reason: str
    since: str
    candidates: int
    signed: tuple[str, ...]
    persons: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Standing:
    """A decision for more than one candidate that counts on the day.

    Attributes:
        product: Product id.
        title: What it is called.
        recipient: Whose candidates, ``*`` for the product's terms.
        rule: What it lets go.
        action: approve or waive.
        by: Who decided.
        until: The last day on which it counts.
        days: How many days are left.
    """

    product: str
    title: str
    recipient: str
    rule: str
    action: str
    by: str
    until: date
    days: int


@dataclass(frozen=True)
class Released:
    """A release of the month.

    Attributes:
        title: What the product is called.
        recipient: Whose.
        name: The recipient's name.
        release_id: Which.
        path: Where it lies, seen from the home.
    """

    title: str
    recipient: str
    name: str
    release_id: str
    path: str


@dataclass(frozen=True)
class Facts:
    """All that the steps follow from.

    Attributes:
        consortium: The cooperation's name.
        period: The month that is to go out.
        as_of: The day.
        home: What a command says of the home: empty, or `` --home PATH``.
        approvers: Who may sign on the day.
        keys: Where their keys lie unless another place is named: a reference with ``ID`` in it.
        run: NEW, CHANGED, DECIDED or empty.
        waiting: What lies in inboxes and on servers, by owner.
        missing: Who lacks which month.
        refused: The last delivery of a source, where nothing of it was taken.
        held: Deliveries that are held, wholly or in part.
        rejects: The last delivery of a source, where it counts and rows of it were refused.
        proposals: Register rows that wait.
        terms: Products whose terms wait.
        withheld: Candidates that do not go out.
        standing: What counts for more than one candidate.
        released: What has gone out.
    """

    consortium: str
    period: str
    as_of: date
    home: str = ""
    approvers: tuple[str, ...] = ()
    keys: str = ""
    run: str = ""
    waiting: dict[str, tuple[str, ...]] = field(default_factory=dict)
    missing: tuple[Missing, ...] = ()
    refused: tuple[Delivery, ...] = ()
    held: tuple[Delivery, ...] = ()
    rejects: tuple[Delivery, ...] = ()
    proposals: tuple[Proposed, ...] = ()
    terms: tuple[Terms, ...] = ()
    withheld: tuple[Withheld, ...] = ()
    standing: tuple[Standing, ...] = ()
    released: tuple[Released, ...] = ()


@dataclass(frozen=True)
class Step:
    """One step.

    Attributes:
        kind: One of the kinds above.
        about: What it is about; the same as long as nothing has changed.
        title: What it is, in a line.
        lines: What there is to know.
        who: Who must decide or do it, and with which key.
        since: Since when; empty where that says nothing.
        message: The sentence to send to whoever delivers; empty where there is none.
        commands: What does it without the guide.
        is_open: Something is to be done; else it is told only.
        is_stale: It may be another after the run that comes before it.
        subject: The fact that it is about.
    """

    kind: str
    about: str
    title: str
    lines: tuple[str, ...] = ()
    who: str = ""
    since: str = ""
    message: str = ""
    commands: tuple[str, ...] = ()
    is_open: bool = True
    is_stale: bool = False
    subject: Any = field(default=None, compare=False)

    @property
    def is_decision(self) -> bool:
        """Return whether a person decides here."""
        return self.kind in DECISIONS

    @property
    def candidate(self) -> str:
        """Return the candidate that a step at the gate is about."""
        return self.about.split(" ")[1] if self.kind in (MEND, WAIVE, APPROVE) else self.about

    def as_dict(self) -> dict[str, Any]:
        """Return the step as plain values."""
        names = ("kind", "about", "title", "lines", "who", "since", "message", "commands", "is_open", "is_stale")
        return {**{name: getattr(self, name) for name in names}, "is_decision": self.is_decision}


def plan(facts: Facts) -> list[Step]:
    """Return what there is to do and to know, in order."""
    is_stale = facts.run in (NEW, CHANGED)
    return [
        *_run(facts, NEW),
        *(_missing(facts, one) for one in facts.missing),
        *(_refused(facts, one) for one in facts.refused),
        *(_held(facts, one) for one in facts.held),
        *_rejects(facts),
        *(_proposal(facts, one) for one in facts.proposals),
        *_run(facts, CHANGED),
        *(_terms(facts, one, is_stale=is_stale) for one in facts.terms),
        *(step for one in facts.withheld for step in _withheld(facts, one, is_stale=is_stale)),
        *_run(facts, DECIDED),
        *_expires(facts),
        *_released(facts),
    ]


def decisions_needed(steps: Iterable[Step]) -> int:
    """Return how many decisions a person must take; a product's terms count once for each signature that is missing."""
    return sum(NEEDED - len(step.subject.signed) if step.kind == TERMS else 1 for step in steps if step.is_decision)


def _run(facts: Facts, why: str) -> Iterator[Step]:
    if facts.run == why:
        yield Step(
            RUN,
            f"run {why}",
            nb.RUN_TITLES[why],
            tuple(nb.waiting(owner, drops) for owner, drops in sorted(facts.waiting.items())),
            nb.COORDINATOR,
            commands=(f"samandel run --month {facts.period}{facts.home}",),
        )


def _missing(facts: Facts, one: Missing) -> Step:
    months = "; ".join(f"{source} {','.join(months)}" for source, months in one.months.items())
    return Step(
        MISSING,
        f"missing {one.municipality_no} {months}",
        nb.missing_title(one.municipality_no, one.name, one.months),
        (nb.late(one.days), *((nb.RELEASED_ANYWAY,) if one.is_released else ())),
        nb.asked(one.name),
        message=nb.missing_message(facts.consortium, one.name, one.months),
        is_open=not one.is_released,
        subject=one,
    )


def _refused(facts: Facts, one: Delivery) -> Step:
    return Step(
        REFUSED,
        f"refused {one.owner} {one.source} {one.delivery_id}",
        nb.refused_title(one.owner, one.name, one.kind, one.outcome),
        (nb.delivered(one.drop, one.received), one.reason, *one.examples),
        nb.asked(one.name),
        f"{one.received}",
        nb.delivery_message(
            one.name, one.kind, one.drop, one.received, one.outcome, one.reason, one.remedy, one.report
        ),
        (f"samandel delivery show {_delivery(one)}{facts.home}",),
        is_open=not one.is_released,
        subject=one,
    )


def _held(facts: Facts, one: Delivery) -> Step:
    return Step(
        HELD,
        f"held {one.owner} {one.source} {one.delivery_id}",
        nb.held_title(one.owner, one.name, one.kind),
        (nb.delivered(one.drop, one.received), one.reason, *one.examples),
        nb.COORDINATOR,
        f"{one.received}",
        nb.delivery_message(
            one.name, one.kind, one.drop, one.received, one.outcome, one.reason, one.remedy, one.report
        ),
        tuple(
            f"samandel delivery {what} {_delivery(one)} --reason '{nb.WHY}'{facts.home}"
            for what in ("accept", "withdraw")
        ),
        subject=one,
    )


def _delivery(one: Delivery) -> str:
    return f"{one.delivery_id} --municipality {one.owner} --source {one.source}"


def _rejects(facts: Facts) -> Iterator[Step]:
    if facts.rejects:
        yield Step(
            REJECTS,
            "rejects",
            nb.REJECTS_TITLE,
            tuple(nb.rejects(one.owner, one.name, one.kind, one.rejects, one.report) for one in facts.rejects),
            nb.COORDINATOR,
            message=nb.REJECTS_MESSAGE,
            is_open=False,
        )


def _proposal(facts: Facts, one: Proposed) -> Step:
    partly = "" if one.is_clean else " --valid-rows-only"
    by = f"--by {nb.NAME}{facts.home}"
    return Step(
        PROPOSAL,
        f"proposal {one.proposal_id}",
        nb.proposal_title(one.name, one.registers),
        (nb.delivered(one.file, one.received), *one.examples, *nb.more(one.changes - len(one.examples), one.is_clean)),
        nb.COORDINATOR,
        f"{one.received}",
        commands=(
            f"samandel register show {one.proposal_id}{facts.home}",
            f"samandel register accept {one.proposal_id} --difference {one.difference}{partly} {by}",
            f"samandel register refuse {one.proposal_id} --reason '{nb.WHY}' {by}",
        ),
        subject=one,
    )


def _terms(facts: Facts, one: Terms, *, is_stale: bool) -> Step:
    persons = facts.approvers if one.persons is None else one.persons
    left = [person for person in persons if person not in one.signed]
    return Step(
        TERMS,
        f"terms {one.product} {','.join(one.signed)}",
        nb.terms_title(one.title, NEEDED - len(one.signed)),
        (nb.TERMS_TEXT, nb.gate_says(one.reason), nb.waits(one.candidates)),
        nb.two_sign(persons, one.signed, facts.keys),
        one.since[:10],
        commands=(_sign(facts, f"approve {one.product}", left, 365),),
        is_stale=is_stale,
        subject=one,
    )


def _withheld(facts: Facts, one: Withheld, *, is_stale: bool) -> Iterator[Step]:
    name = f"{one.product}/{one.recipient}/{one.period}/{one.candidate}"
    whom = (one.title, one.recipient, one.name)
    who, since = nb.one_signs(facts.approvers, facts.keys), one.since[:10]
    blocks = [item for item in one.items if item.severity == "block"]
    holds = [item for item in one.items if item.severity == "hold"]
    what = f"{one.product} {one.recipient} {one.period}"
    if not one.items:
        lines = (nb.RECALLED_TEXT,)
        yield Step(RECALLED, f"recalled {name}", nb.recalled_title(*whom), lines, nb.COORDINATOR, since, subject=one)
        return
    final = [item for item in blocks if not item.may_be_let_go]
    if final:
        rules = ",".join(item.rule for item in final)
        yield Step(
            MEND,
            f"mend {name} {rules}",
            nb.mend_title(*whom),
            (*_told(final), nb.MEND_TEXT),
            nb.NOBODY,
            since,
            commands=(f"samandel gate show {what}{facts.home}",),
            is_stale=is_stale,
            subject=one,
        )
        return
    for item in blocks:
        yield Step(
            WAIVE,
            f"waive {name} {item.rule}",
            nb.waive_title(*whom),
            (*_told([item]), *nb.remedy(item.rule)),
            who,
            since,
            commands=(_sign(facts, f"waive {what} --rule {item.rule}", facts.approvers, 30),),
            is_stale=is_stale,
            subject=(one, (item,)),
        )
    if holds:
        yield Step(
            APPROVE,
            f"approve {name} {','.join(item.rule for item in holds)}",
            nb.approve_title(*whom),
            (*_told(holds), *(line for item in holds for line in nb.remedy(item.rule))),
            who,
            since,
            commands=(_sign(facts, f"approve {what}", facts.approvers, 30),),
            is_stale=is_stale,
            subject=(one, tuple(holds)),
        )


def _told(items: Iterable[Item]) -> tuple[str, ...]:
    """Return of each rule what it is, what the gate said, and examples."""
    return tuple(
        line
        for item in items
        for line in (
            nb.rule_line(item.rule),
            nb.gate_says(item.reason),
            *(nb.example(example) for example in item.examples[:EXAMPLES]),
        )
    )


def _sign(facts: Facts, what: str, persons: Iterable[str], days: int) -> str:
    by = next(iter(persons), "ID")
    until = date.fromordinal(facts.as_of.toordinal() + days)
    return f"samandel gate {what} --by {by} --expires {until} --reason '{nb.WHY}'{facts.home}"


def _expires(facts: Facts) -> Iterator[Step]:
    soon = [one for one in facts.standing if one.days <= SOON]
    if soon:
        yield Step(
            EXPIRES,
            "expires",
            nb.EXPIRES_TITLE,
            tuple(nb.expires(one.title, one.recipient, one.rule, one.by, one.until, one.days) for one in soon),
            nb.one_signs(facts.approvers, facts.keys),
            commands=tuple(_renewal(facts, one) for one in soon),
            is_open=False,
        )


def _renewal(facts: Facts, one: Standing) -> str:
    if one.recipient == "*":
        return _sign(facts, f"approve {one.product}", [one.by], 365)
    return _sign(facts, f"{one.action} {one.product} {one.recipient} --rule {one.rule} --standing", [one.by], 90)


def _released(facts: Facts) -> Iterator[Step]:
    if facts.released:
        yield Step(
            RELEASED,
            "released",
            nb.released_title(facts.period, len(facts.released)),
            tuple(nb.released(one.title, one.recipient, one.name, one.release_id, one.path) for one in facts.released),
            nb.COORDINATOR,
            commands=(f"samandel release list{facts.home}",),
            is_open=False,
        )
