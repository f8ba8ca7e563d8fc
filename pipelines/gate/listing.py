"""What the gate has said, and what waits for a decision, for people and programs that ask.

Belongs here: the latest verdicts as plain rows, as people's decisions have them stand on a day; for what is withheld
why, since when, who must decide and the command. Not here: judging, deciding, printing.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from pipelines.candidates.make import visible_of
from pipelines.candidates.products import CandidateKey
from pipelines.gate.deciding import find_verdict
from pipelines.gate.decision import EVERYBODY, Decision, may_be_waived
from pipelines.gate.decisions import read_verdicts
from pipelines.gate.evidence import data_docs_file, read_facts, read_results
from pipelines.gate.four_eyes import RULE as FOUR_EYES
from pipelines.gate.rules import RuleResult
from pipelines.gate.settled import Ground, Settled, read_ground
from pipelines.gate.verdict import GOES_OUT, HELD, RECALLED, Verdict
from pipelines.home import Home
from pipelines.mask import mask_message

_SHOWN = 3
_DAYS, _TERMS_DAYS = 30, 365  # how long a decision is proposed to count


def list_verdicts(home: Home, as_of: date) -> list[dict[str, Any]]:
    """Return the latest verdict on each product, recipient and period as it stands on a day, with its failed rules.

    ``since`` is when the candidate came into its present state: the first of the unbroken run of equal states, or the
    decision that brought it there.
    """
    return [
        {
            "product": verdict.product,
            "recipient": verdict.recipient,
            "period": verdict.period,
            "state": settled.state,
            "rules": [result.rule for result in settled.results if result.status == "failed"],
            "since": since,
            "candidate_sha256": verdict.candidate_sha256,
        }
        for verdict, settled, since in _latest(home, as_of)[1]
    ]


def list_waiting(home: Home, as_of: date) -> list[dict[str, Any]]:
    """Return what waits for somebody: each withheld candidate, and each product whose terms are to be approved.

    A product's terms stand once, with recipient ``*``, however many candidates wait for them.
    """
    ground, found = _latest(home, as_of)
    waiting = []
    terms: dict[str, dict[str, Any]] = {}
    for verdict, settled, since in found:
        if settled.state in GOES_OUT:
            continue
        items = _items(home, ground, verdict, settled)
        own = [item for item in items if item["rule"] != FOUR_EYES]
        for item in items:
            if item["rule"] == FOUR_EYES:
                about = {"product": verdict.product, "recipient": EVERYBODY, "period": "", "state": HELD}
                product = terms.setdefault(verdict.product, {**about, "since": since, "candidates": 0, "items": [item]})
                product["candidates"] += 1
                product["since"] = min(product["since"], since)
        if own or settled.state == RECALLED:
            about = {"product": verdict.product, "recipient": verdict.recipient, "period": verdict.period}
            waiting.append({**about, "state": settled.state, "since": since, "candidates": 1, "items": own})
    return [*terms.values(), *waiting]


def stated_of(home: Home, as_of: date) -> dict[CandidateKey, dict[str, Any]]:
    """Return for every candidate that was judged how it stands on a day, and what withholds it: state, waiting."""
    ground, found = _latest(home, as_of)
    return {
        verdict.key: {
            "state": settled.state,
            "waiting": [] if settled.state in GOES_OUT else _items(home, ground, verdict, settled),
        }
        for verdict, settled, _ in found
    }


def show_verdict(home: Home, product: str, recipient: str, period: str | None, as_of: date) -> dict[str, Any]:
    """Return the latest verdict on a candidate as it stands on a day: every rule's answer, decisions, what to do.

    Of a share also what it withholds, as its evidence has it, and the visible part of its market's addressable value.

    Raises:
        ConfigurationError: The gate has not judged it.
    """
    verdict = find_verdict(home, product, recipient, period)
    ground, found = _latest(home, as_of)
    latest, settled, since = next(each for each in found if each[0].key == verdict.key)
    full = read_results(home, latest.key, latest.candidate_sha256, latest.evidence_sha256)
    docs = data_docs_file(home, latest.key, latest.candidate_sha256)
    withheld = None
    if full is not None:
        settled = ground.settle(latest.key, latest.candidate_sha256, full)
        withheld = read_facts(home, latest.key, latest.candidate_sha256).get("withheld")
    return {
        **latest.as_entry(),
        "state": settled.state,
        "since": since,
        "is_evidence_intact": full is not None,
        "data_docs": str(docs) if docs.is_file() else None,
        "withheld": withheld,
        "visible_part": visible_of(withheld),
        "results": [result.as_dict() for result in settled.results],
        "decisions": [decision.as_entry() for decision in settled.decisions],
        "waiting": [] if settled.state in GOES_OUT else _items(home, ground, latest, settled),
    }


def _latest(home: Home, as_of: date) -> tuple[Ground, list[tuple[Verdict, Settled, str]]]:
    """Return each candidate's last verdict, how it stands on a day and since when; sorted."""
    latest: dict[CandidateKey, Verdict] = {}
    since: dict[CandidateKey, str] = {}
    ground = read_ground(home, as_of)
    for verdict in read_verdicts(home):
        before = latest.get(verdict.key)
        if before is None or before.state != verdict.state:
            since[verdict.key] = verdict.decided_at
        latest[verdict.key] = verdict
    found = []
    for key in sorted(latest):
        verdict = latest[key]
        settled = ground.settle(key, verdict.candidate_sha256, verdict.results)
        if settled.state != verdict.state:
            since[key] = max([verdict.decided_at, *(decision.decided_at for decision in settled.decisions)])
        found.append((verdict, settled, since[key]))
    return ground, found


def _items(home: Home, ground: Ground, verdict: Verdict, settled: Settled) -> list[dict[str, Any]]:
    """Return for each rule that withholds a candidate why, three examples, who must decide, and how."""
    told = read_results(home, verdict.key, verdict.candidate_sha256, verdict.evidence_sha256) or ()
    full = {result.rule: result for result in [*told, *ground.answers(verdict.key)]}
    return [_item(ground, verdict, full.get(result.rule, result), result) for result in settled.withheld_by]


def _who_may_sign(ground: Ground, rule: str) -> list[str]:
    """Return who may decide on a rule: on a product's terms those who may sign them."""
    there = ground.approvers.on(ground.as_of)
    return sorted(one for one, person in there.items() if rule != FOUR_EYES or ground.may_sign_terms(person))


def list_standing(home: Home, as_of: date) -> list[dict[str, Any]]:
    """Return what people have decided for longer than one candidate and that counts on a day, the first to end first.

    These are standing approvals and waivers, by rule, and the approvals of products' terms as they are (``recipient``
    is ``*``). ``days`` is how long they count still; one that a later decision of the same outlasts is left out.
    """
    ground = read_ground(home, as_of)
    latest: dict[tuple[str, ...], dict[str, Any]] = {}
    for decision in ground.counting:
        is_of_terms = bool(decision.terms) and dict(decision.terms) == ground.terms(decision.product)
        if not (decision.is_standing or is_of_terms):
            continue
        until = date.fromisoformat(decision.expires_on)
        for rule in _rules_that_stand(ground, decision):
            by = decision.decided_by if decision.terms else ""
            key = (decision.action, decision.product, decision.recipient, rule, by)
            if key in latest and latest[key]["until"] > until:
                continue
            latest[key] = {
                "action": decision.action,
                "product": decision.product,
                "recipient": decision.recipient,
                "rule": rule,
                "by": decision.decided_by,
                "until": until,
                "days": (until - as_of).days,
                "reason": decision.reason,
                "sequence": decision.sequence,
            }
    return sorted(latest.values(), key=lambda row: (row["until"], row["product"], row["recipient"], row["rule"]))


def _rules_that_stand(ground: Ground, decision: Decision) -> list[str]:
    """Return the rules that it lets go: in their version, and none that protects others than who decided."""
    if decision.terms:
        return [FOUR_EYES]
    return [
        rule["rule"]
        for rule in decision.rules
        if may_be_waived(rule["rule"])
        and rule["rule"] in ground.rules
        and ground.rules[rule["rule"]].version == rule["version"]
    ]


def _item(ground: Ground, verdict: Verdict, full: RuleResult, result: RuleResult) -> dict[str, Any]:
    persons = _who_may_sign(ground, result.rule)
    who, command = _who_and_how(ground, verdict, result, persons)
    rule = ground.rules.get(result.rule)
    return {
        "rule": result.rule,
        "severity": result.severity,
        "title": rule.title if rule else result.title,
        "owner": rule.owner if rule else "",
        "reason": full.reason or f"{result.applied - result.passed} of {result.applied}.",
        "examples": [mask_message(example) for example in full.examples[:_SHOWN]],
        "who": who,
        "persons": persons,
        "signed": [one.decided_by for one in ground.signers(verdict.product)] if result.rule == FOUR_EYES else [],
        "may_stand": may_be_waived(result.rule),
        "command": command,
    }


def _who_and_how(ground: Ground, verdict: Verdict, result: RuleResult, persons: list[str]) -> tuple[str, str]:
    """Return who must decide on a rule that withholds, and the command; no command where nobody may."""
    one_of = f"one of {', '.join(persons)}" if persons else "an approver; there is none: samandel keys new"
    about = f"{verdict.product} {verdict.recipient} {verdict.period}"
    if result.rule == FOUR_EYES:
        signed = [decision.decided_by for decision in ground.signers(verdict.product)]
        left = [person for person in persons if person not in signed]
        two = f"two of {', '.join(persons)}" if persons else "two approvers; there are none: samandel keys new"
        said = f"{two}; {', '.join(signed)} has approved" if signed else two
        return said, _command(f"approve {verdict.product}", left, ground.as_of + timedelta(_TERMS_DAYS))
    until = ground.as_of + timedelta(_DAYS)
    if result.severity == "hold":
        return one_of, _command(f"approve {about}", persons, until)
    if may_be_waived(result.rule):
        return f"mend the cause; or {one_of}", _command(f"waive {about} --rule {result.rule}", persons, until)
    return "nobody: mend the cause and run again", ""


def _command(what: str, persons: list[str], until: date) -> str:
    by = persons[0] if persons else "ID"
    return f"samandel gate {what} --by {by} --expires {until} --reason 'WHY'"
