"""What people's decisions do to what the rules answered: the state of a candidate on a day.

Belongs here: which decisions count, what they cover, the answers of PB03 and PB04, the state. Not here: running rules
(judge.py), taking decisions (deciding.py). Pure but for reading; whoever publishes asks here again.

(1) A decision counts from its line in the chain to its expiry, while its key is in the register for the person who
    signed, on the day it was taken and on the day it is asked. (2) What is held goes out when each holding rule is
    approved, or waived. (3) A blocking rule can only be waived, and PV, DC, TN and PB not at all. (4) PB04 is answered
    by two signatures and by nothing else. (5) What was recalled stays recalled.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from pipelines import settings
from pipelines.candidates.products import CandidateKey
from pipelines.gate.applicability import Applicability, read_applicability
from pipelines.gate.approvers import REGISTER, Approver, Approvers
from pipelines.gate.decision import APPROVE, RECALL, WAIVE, Decision, may_be_waived
from pipelines.gate.four_eyes import RULE as FOUR_EYES
from pipelines.gate.four_eyes import ApprovedKey, Registers, answer_four_eyes, keys_before, signers, terms_of
from pipelines.gate.rules import FAILED, Finding, Rule, RuleResult, answer, not_applicable, read_rules
from pipelines.gate.verdict import APPROVED, RECALLED, WITH_WAIVER, state_of
from pipelines.home import Home

WAIVERS = "PB03"
ANSWERED_HERE = (WAIVERS, FOUR_EYES)
_WITHHOLDING = ("block", "hold")


@dataclass(frozen=True)
class Settled:
    """How a candidate stands.

    Attributes:
        state: approved, held, blocked, released_with_waiver or recalled.
        results: Every rule's answer, PB03 and PB04 as they are on the day.
        decisions: The decisions that it stands on, in order of the chain.
        withheld_by: The answers that still hold or block it, the gravest first.
    """

    state: str
    results: tuple[RuleResult, ...]
    decisions: tuple[Decision, ...]
    withheld_by: tuple[RuleResult, ...]

    @property
    def sequences(self) -> tuple[int, ...]:
        """Return the lines of its decisions."""
        return tuple(decision.sequence for decision in self.decisions)


class Ground:
    """All that decides beside what the rules answered, read once."""

    def __init__(
        self,
        decisions: Iterable[Decision],
        registers: Registers,
        rules: Mapping[str, Rule],
        applicability: Applicability,
        as_of: date,
    ) -> None:
        self.every = list(decisions)
        self.approvers = Approvers(registers.get(REGISTER, []))
        self.rules, self.as_of = rules, as_of
        self._registers, self._applicability = registers, applicability
        self._terms: dict[str, dict[str, str]] = {}
        self.counting = [decision for decision in self.every if self.counts(decision)]

    def counts(self, decision: Decision) -> bool:
        """(1) Return whether a decision counts on the day."""
        if decision.action == RECALL:
            return True
        try:
            taken_on = date.fromisoformat(decision.decided_at[:10])
        except ValueError:
            return False
        return not decision.has_expired(self.as_of) and all(
            self.approvers.is_key_of(decision.decided_by, decision.public_key, day) for day in (taken_on, self.as_of)
        )

    def terms(self, product: str) -> dict[str, str]:
        """Return the terms of a product."""
        if product not in self._terms:
            self._terms[product] = terms_of(product, self.rules, self._applicability, self._registers)
        return self._terms[product]

    def signers(self, product: str) -> list[Decision]:
        """Return who has approved the terms of a product as they stand."""
        return signers(product, self.terms(product), self.counting, self.approvers, self._keys_before)

    @cached_property
    def _keys_before(self) -> dict[str, ApprovedKey] | None:
        return keys_before(self.every, self.approvers)

    def may_sign_terms(self, approver: Approver) -> bool:
        """Return whether a person's approval of a product's terms counts: its key stood in the register before."""
        before = self._keys_before
        if before is None:
            return True
        key = before.get(approver.public_key)
        return key is not None and key.holds_at(self.as_of.isoformat())

    def answers(self, key: CandidateKey) -> list[RuleResult]:
        """Return what PB03 and PB04 answer about a candidate; none where the rule has no page."""
        findings: dict[str, Callable[[], Finding]] = {
            WAIVERS: lambda: _answer_waivers(key, self.every, self.as_of),
            FOUR_EYES: lambda: answer_four_eyes(
                key.product, self.terms(key.product), self.signers(key.product), self.every
            ),
        }
        found = []
        for name, ask in findings.items():
            if name in self.rules:
                entry = self._applicability.entry(name, key.product, key.recipient)
                rule = self.rules[name]
                found.append(
                    answer(rule, entry.severity, ask())
                    if entry.applies
                    else not_applicable(rule, entry.severity, entry.reason)
                )
        return found

    def settle(self, key: CandidateKey, candidate_sha256: str, results: Iterable[RuleResult]) -> Settled:
        """Return how a candidate stands on the day, from what the rules answered about its bytes."""
        given = list(results)
        here = self.answers(key) if any(result.rule in ANSWERED_HERE for result in given) else []
        others = [result for result in given if result.rule not in ANSWERED_HERE]
        now = tuple(sorted([*others, *here], key=lambda result: result.rule))
        about = [decision for decision in self.counting if decision.is_about(key, candidate_sha256)]
        recalls = [decision for decision in about if decision.action == RECALL]
        left: list[RuleResult] = []
        used: list[Decision] = []
        for result in now:
            if result.status == FAILED and result.severity in _WITHHOLDING:
                cover = _cover(result, about)
                used += [cover] if cover else []
                left += [] if cover else [result]
        if here and FOUR_EYES in {result.rule for result in here}:
            used += self.signers(key.product)
        if recalls:
            state, used = RECALLED, [*used, recalls[-1]]
        elif left:
            state = state_of(left)
        else:
            state = WITH_WAIVER if any(decision.action == WAIVE for decision in used) else APPROVED
        by_line = {decision.sequence: decision for decision in used}
        left.sort(key=lambda result: (_WITHHOLDING.index(result.severity), result.rule))
        return Settled(state, now, tuple(by_line[line] for line in sorted(by_line)), tuple(left))


def _cover(result: RuleResult, about: Sequence[Decision]) -> Decision | None:
    """(2, 3, 4) Return the decision that lets a rule's answer go: an approval before a waiver, the latest of each."""
    if result.rule == FOUR_EYES:
        return None
    for action in (APPROVE, WAIVE):
        if action == WAIVE and not may_be_waived(result.rule):
            continue
        if action == APPROVE and result.severity != "hold":
            continue
        for decision in reversed(about):
            is_allowed = may_be_waived(result.rule) or not decision.is_standing
            if decision.action == action and is_allowed and decision.covers(result):
                return decision
    return None


def _answer_waivers(key: CandidateKey, every: Iterable[Decision], as_of: date) -> Finding:
    """PB03: return which waivers on a recipient's product lack a person, reason, expiry or rule, or waive too much."""
    waivers = [
        one for one in every if one.action == WAIVE and (one.product, one.recipient) == (key.product, key.recipient)
    ]
    standing = [one for one in waivers if not one.has_expired(as_of)]
    if not standing:
        return Finding(0, reason="No waiver is in force.")
    wrong = [one for one in standing if not _is_whole(one)]
    examples = tuple(f"line {one.sequence}" for one in wrong)
    reason = f"{len(wrong)} waivers may not let anything go." if wrong else ""
    return Finding(len(standing), len(wrong), reason, examples, "gate/decisions.jsonl")


def _is_whole(waiver: Decision) -> bool:
    rules = [str(rule.get("rule", "")) for rule in waiver.rules]
    return bool(rules and waiver.reason and waiver.decided_by and waiver.expires_on) and all(map(may_be_waived, rules))


def read_ground(home: Home, as_of: date) -> Ground:
    """Return all that decides on a day.

    Raises:
        ConfigurationError: A rule has no page, or the matrix has problems.
        VerdictMissing: The chain is broken or holds a line that is not the gate's.
    """
    from pipelines.gate.decisions import read_decisions

    rules = read_rules(settings.EXPECTATIONS / "rules")
    matrix = read_applicability(
        settings.EXPECTATIONS / "applicability.csv", home.path / "expectations" / "applicability.csv", rules
    )
    return Ground(read_decisions(home), home.read_registers(), rules, matrix, as_of)
