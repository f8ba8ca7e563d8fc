"""Taking a decision: approving what is held, waiving a rule, approving a product's terms, recalling.

Belongs here: what a person may decide, and the refusals. Not here: storing it (decisions.py), what follows from it
(settled.py), the command (cli/gate.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

from pipelines.candidates.products import PRODUCTS, CandidateKey
from pipelines.errors import ConfigurationError
from pipelines.gate.approvers import Approver, open_key_of
from pipelines.gate.decision import (
    APPROVE,
    EVERYBODY,
    NEVER_WAIVED,
    RECALL,
    WAIVE,
    Decision,
    finding_digest,
    may_be_waived,
)
from pipelines.gate.decisions import append_decision, read_verdicts
from pipelines.gate.four_eyes import NEEDED
from pipelines.gate.four_eyes import RULE as FOUR_EYES
from pipelines.gate.rules import FAILED, RuleResult
from pipelines.gate.settled import Ground, Settled, read_ground
from pipelines.gate.verdict import RECALLED, Verdict
from pipelines.home import Home
from pipelines.landing.store import printable
from pipelines.scanner import find_in_free_text
from pipelines.settings import Clock

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

LONGEST_REASON, MOST_DAYS = 500, 731


@dataclass(frozen=True)
class Signer:
    """Who decides, and how the key is reached.

    Attributes:
        approver_id: Id in the register of approvers.
        key: Reference to the private key; None for where 'samandel keys new' puts it.
        passphrase: Reference to what it is locked with, or None.
    """

    approver_id: str
    key: str | None = None
    passphrase: str | None = None


@dataclass(frozen=True)
class Taken:
    """What taking a decision came to.

    Attributes:
        decision: The decision as it stands in the chain.
        state: How the candidate stands now; of a product's terms: approved or held.
        withheld_by: The rules that still withhold it.
    """

    decision: Decision
    state: str
    withheld_by: tuple[str, ...]


def approve_terms(home: Home, clock: Clock, product: str, signer: Signer, *, reason: str, expires_on: date) -> Taken:
    """Approve a product's terms as they stand, as one of two.

    Raises:
        ConfigurationError: The product is not known, the person may not sign or has signed, the reason or expiry will
            not do.
    """
    if product not in PRODUCTS:
        raise ConfigurationError(
            f"'{product}' is no product.", where="PRODUCT", remedy=f"One of {', '.join(PRODUCTS)}."
        )
    ground = read_ground(home, clock.as_of)
    key, person = _person(home, ground, signer)
    if not ground.may_sign_terms(person):
        there = ground.approvers.on(clock.as_of).values()
        before = sorted(one.approver_id for one in there if ground.may_sign_terms(one))
        raise ConfigurationError(
            f"{signer.approver_id} stands in the register with a key that two approvers have yet to approve.",
            where="registers/approvers.csv",
            remedy=f"Who stood there before approves it: {', '.join(before) or 'nobody who may sign is left'}.",
        )
    draft = _draft(APPROVE, clock, person, reason, expires_on, product=product)
    decision = append_decision(home, replace(draft, terms=ground.terms(product)), key)
    signed = read_ground(home, clock.as_of).signers(product)
    is_whole = len(signed) >= NEEDED
    return Taken(decision, "approved" if is_whole else "held", () if is_whole else (FOUR_EYES,))


def approve(
    home: Home,
    clock: Clock,
    key: CandidateKey,
    signer: Signer,
    *,
    reason: str,
    expires_on: date,
    is_standing: bool = False,
    rule: str | None = None,
) -> Taken:
    """Approve what holds a candidate: exactly its bytes and findings, or, standing, the rules whatever they find.

    Args:
        home: The home.
        clock: The clock.
        key: Product, recipient, period.
        signer: Who approves.
        reason: Why.
        expires_on: The last day on which it counts.
        is_standing: For all of the recipient's candidates until then, but for PV, DC, TN and PB rules.
        rule: Only what this rule holds; None for all that is held.

    Raises:
        ConfigurationError: Nothing that a single person may approve holds it; or as ``approve_terms``.
    """
    ground = read_ground(home, clock.as_of)
    verdict, settled = _judged(home, ground, key)
    found = _failing(settled) if is_standing else settled.withheld_by
    holding = [result for result in found if result.severity == "hold" and result.rule != FOUR_EYES]
    if rule is not None:
        holding = [result for result in holding if result.rule == rule]
    if not holding:
        raise ConfigurationError(
            f"Nothing holds it that you can approve{' for all to come' if is_standing else ''}: it is {settled.state}"
            f"{_by(settled)}.",
            where=_name(key),
            remedy=_what_else(key, settled, is_standing=is_standing),
        )
    return _decide(home, clock, ground, verdict, APPROVE, holding, signer, reason, expires_on, is_standing=is_standing)


def require_waivable(rule: str, where: str) -> None:
    """Refuse what nobody may waive.

    Raises:
        ConfigurationError: The rule protects others than the one who decides.
    """
    if not may_be_waived(rule):
        raise ConfigurationError(
            f"{rule} cannot be waived: {', '.join(NEVER_WAIVED)} rules protect others than the one who decides.",
            where=f"{where}, rule {rule}",
            remedy=f"Mend the cause and run again; expectations/rules/{rule}.md says what it is.",
        )


def waive(
    home: Home,
    clock: Clock,
    key: CandidateKey,
    rule: str,
    signer: Signer,
    *,
    reason: str,
    expires_on: date,
    is_standing: bool = False,
) -> Taken:
    """Waive a rule that withholds a candidate: for exactly its bytes and findings, or, standing, whatever it finds.

    Raises:
        ConfigurationError: The rule cannot be waived, or does not withhold it; or as ``approve_terms``.
    """
    require_waivable(rule, _name(key))
    ground = read_ground(home, clock.as_of)
    verdict, settled = _judged(home, ground, key)
    withholding = [
        result for result in (_failing(settled) if is_standing else settled.withheld_by) if result.rule == rule
    ]
    if not withholding:
        raise ConfigurationError(
            f"{rule} does not withhold it: it is {settled.state}{_by(settled)}.",
            where=_name(key),
            remedy=f"See 'samandel gate show {key.product} {key.recipient} {key.period}'.",
        )
    return _decide(
        home, clock, ground, verdict, WAIVE, withholding, signer, reason, expires_on, is_standing=is_standing
    )


def recall(
    home: Home,
    clock: Clock,
    key: CandidateKey,
    digest: str,
    release_id: str,
    *,
    reason: str,
    by: str,
    signer: Signer | None,
) -> Decision:
    """Enter the recall of a release: its bytes never go out again.

    Args:
        home: The home.
        clock: The clock.
        key: Product, recipient, period.
        digest: The bytes.
        release_id: The release.
        reason: Why.
        by: Who ran the command, where nobody signs.
        signer: Whose key signs it; None for an unsigned one, which is enough to close.

    Raises:
        ConfigurationError: The person may not sign, or the reason will not do.
    """
    person, approver = None, Approver(printable(by), "", "")
    if signer is not None:
        person, approver = _person(home, read_ground(home, clock.as_of), signer)
    draft = _draft(RECALL, clock, approver, reason, None, product=key.product)
    draft = replace(draft, recipient=key.recipient, period=key.period, candidate_sha256=digest, release_id=release_id)
    return append_decision(home, draft, person)


def _decide(
    home: Home,
    clock: Clock,
    ground: Ground,
    verdict: Verdict,
    action: str,
    results: Sequence[RuleResult],
    signer: Signer,
    reason: str,
    expires_on: date,
    *,
    is_standing: bool,
) -> Taken:
    key, person = _person(home, ground, signer)
    draft = _draft(action, clock, person, reason, expires_on, product=verdict.product)
    draft = replace(
        draft,
        recipient=verdict.recipient,
        period="" if is_standing else verdict.period,
        candidate_sha256="" if is_standing else verdict.candidate_sha256,
        rules=tuple(
            {
                "rule": result.rule,
                "version": result.version,
                "finding_sha256": "" if is_standing else finding_digest(result),
            }
            for result in results
        ),
    )
    decision = append_decision(home, draft, key)
    after = read_ground(home, clock.as_of).settle(verdict.key, verdict.candidate_sha256, verdict.results)
    return Taken(decision, after.state, tuple(result.rule for result in after.withheld_by))


def _draft(
    action: str, clock: Clock, person: Approver, reason: str, expires_on: date | None, *, product: str
) -> Decision:
    """Return a decision about a product's terms, to be narrowed, unsigned."""
    return Decision(
        action=action,
        product=product,
        recipient=EVERYBODY,
        period="",
        candidate_sha256="",
        rules=(),
        terms={},
        reason=_checked_reason(reason),
        decided_by=person.approver_id,
        public_key="",
        decided_at=clock.now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        expires_on="" if expires_on is None else _checked_expiry(expires_on, clock).isoformat(),
        follows="",
    )


def _person(home: Home, ground: Ground, signer: Signer) -> tuple[Ed25519PrivateKey, Approver]:
    may_sign = ground.approvers.on(ground.as_of)
    approver = may_sign.get(signer.approver_id)
    if approver is None:
        raise ConfigurationError(
            f"{signer.approver_id} may not sign on {ground.as_of}.",
            where="registers/approvers.csv",
            remedy=f"Those who may: {', '.join(sorted(may_sign)) or 'nobody'}. 'samandel keys new' enters a person.",
        )
    return open_key_of(home, approver, signer.key, signer.passphrase), approver


def _checked_reason(reason: str) -> str:
    text = printable(" ".join(reason.split()))
    if not text:
        raise ConfigurationError("A decision needs a reason.", where="--reason", remedy="Say why, in a sentence.")
    if len(text) > LONGEST_REASON:
        raise ConfigurationError(
            f"The reason has more than {LONGEST_REASON} characters.", where="--reason", remedy="Say it shorter."
        )
    if found := find_in_free_text(text):
        raise ConfigurationError(
            f"The reason goes out with the release, and holds what may give a person away ({', '.join(found)}).",
            where="--reason",
            remedy="Say why without naming anybody.",
        )
    return text


def _checked_expiry(expires_on: date, clock: Clock) -> date:
    last = clock.as_of + timedelta(days=MOST_DAYS)
    if not clock.as_of <= expires_on <= last:
        raise ConfigurationError(
            f"A decision counts to a day between {clock.as_of} and {last}; this one would to {expires_on}.",
            where="--expires",
            remedy="Name the last day on which it should count.",
        )
    return expires_on


def find_verdict(home: Home, product: str, recipient: str, period: str | None) -> Verdict:
    """Return the latest verdict on a recipient's candidate, of the newest period unless one is named.

    Raises:
        ConfigurationError: The gate has not judged it.
    """
    found = [
        verdict
        for verdict in read_verdicts(home)
        if (verdict.product, verdict.recipient) == (product, recipient) and period in (None, verdict.period)
    ]
    if not found:
        raise ConfigurationError(
            "The gate has no verdict on this.",
            where=f"{product} for {recipient}{f', {period}' if period else ''}",
            remedy="See 'samandel gate list' for what it has judged.",
        )
    newest = max(verdict.period for verdict in found)
    return [each for each in found if each.period == newest][-1]


def _judged(home: Home, ground: Ground, key: CandidateKey) -> tuple[Verdict, Settled]:
    verdict = find_verdict(home, key.product, key.recipient, key.period)
    return verdict, ground.settle(verdict.key, verdict.candidate_sha256, verdict.results)


def _failing(settled: Settled) -> list[RuleResult]:
    """Return what may be let go for all to come, let go already or not: one is renewed before its end."""
    return [
        result
        for result in settled.results
        if result.status == FAILED and result.severity in ("block", "hold") and may_be_waived(result.rule)
    ]


def _name(key: CandidateKey) -> str:
    return f"{key.product} for {key.recipient}, {key.period}"


def _by(settled: Settled) -> str:
    rules = ", ".join(result.rule for result in settled.withheld_by if result.status == FAILED)
    return f" ({rules})" if rules else ""


def _what_else(key: CandidateKey, settled: Settled, *, is_standing: bool) -> str:
    rules = {result.rule for result in settled.withheld_by}
    if settled.state == RECALLED:
        return "What was recalled stays recalled: mend the cause; other bytes are judged anew."
    if is_standing and any(not may_be_waived(rule) for rule in rules - {FOUR_EYES}):
        return "PV, DC, TN and PB rules are approved release by release: leave --standing out."
    if FOUR_EYES in rules:
        return f"{FOUR_EYES} takes two persons' approvals of the product: samandel gate approve {key.product}"
    if rules:
        return f"A blocking rule is mended, or waived: samandel gate waive {key.product} {key.recipient} --rule RULE"
    return "See 'samandel gate list'."
