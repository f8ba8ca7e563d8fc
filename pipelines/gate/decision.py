"""A person's decision, and how it stands in the chain: what is signed, word for word.

Belongs here: the decision's facts, the statement that the person's key signs, its plain form. Not here: storing one
(decisions.py), taking one (deciding.py), what it does to a verdict (settled.py).

A decision is about one of three things, and its signature about nothing else:

(1) a candidate: product, recipient, period, the SHA-256 of its bytes, and what each rule found in them;
(2) whatever a recipient's candidates hold until the expiry (*standing*): product, recipient, rules in their version;
(3) the terms of a product (``recipient`` is ``*``): its version, the rules' limits, the registers of four eyes.

The statement also says what the chain held before (``follows``): a signature cannot be moved to another place, and a
chain that was written anew, by whoever holds the gate's key, needs everybody to sign again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any

from pipelines.candidates.products import CandidateKey
from pipelines.files import canonical_json, sha256_bytes
from pipelines.gate.rules import RuleResult

KIND = "decision"
APPROVE, WAIVE, RECALL = "approve", "waive", "recall"
EVERYBODY = "*"
# What these protect is not the consortium's own: no decision lets them go.
NEVER_WAIVED = ("PV", "DC", "TN", "PB")
_DOMAIN = b"samandel decision 1\n"


@dataclass(frozen=True)
class Decision:
    """What a person has decided.

    Attributes:
        action: APPROVE what is held, WAIVE a rule, RECALL a release.
        product: Product id.
        recipient: Whose; EVERYBODY where it is about the product's terms.
        period: Publication month; empty where it is about no single one.
        candidate_sha256: The bytes; empty where it is about no single ones.
        rules: The rules it is about: rule, version, finding_sha256 (empty where it stands whatever they find).
        terms: The digests of the product's terms by name; empty where it is about a candidate.
        reason: Why, in the person's words.
        decided_by: Id of the approver; of whoever ran the command where a recall is not signed.
        public_key: The key that signed, base64; empty where a recall is not signed.
        decided_at: When, as ISO text.
        expires_on: Last day on which it counts, ISO; empty for a recall, which is for good.
        follows: Digest of what the chain said before it.
        signature: Ed25519 over all of the above, base64.
        release_id: The release that is recalled.
        sequence: Its line in the chain.
    """

    action: str
    product: str
    recipient: str
    period: str
    candidate_sha256: str
    rules: tuple[Mapping[str, str], ...]
    terms: Mapping[str, str]
    reason: str
    decided_by: str
    public_key: str
    decided_at: str
    expires_on: str
    follows: str
    signature: str = ""
    release_id: str = ""
    sequence: int = field(default=0, compare=False)

    def statement(self) -> bytes:
        """Return the bytes that are signed: everything but the signature and the place in the file."""
        return _DOMAIN + canonical_json({**self._facts(), "kind": KIND}).encode()

    def as_entry(self) -> dict[str, Any]:
        """Return the decision as a line of the chain states it."""
        return {"kind": KIND, **self._facts(), "signature": self.signature}

    def _facts(self) -> dict[str, Any]:
        stated = asdict(self) | {"rules": [dict(rule) for rule in self.rules], "terms": dict(self.terms)}
        return {name: value for name, value in stated.items() if name not in ("signature", "sequence")}

    @classmethod
    def from_entry(cls, entry: Mapping[str, Any]) -> Decision:
        """Return the decision that a line states.

        Raises:
            ValueError: It states none: a fact is missing, is too much, or is no text.
        """
        facts = {name: value for name, value in entry.items() if name not in ("kind", "previous", "hmac")}
        try:
            decision = cls(**{**facts, "rules": tuple(facts["rules"])})
            stated = decision._facts() | {"signature": decision.signature}
        except (KeyError, TypeError, ValueError):
            raise ValueError("a fact is missing or too much") from None
        if not all(isinstance(value, str) for name, value in stated.items() if name not in ("rules", "terms")):
            raise ValueError("a fact is no text")
        return decision

    @property
    def is_standing(self) -> bool:
        """Return whether it counts whatever the candidates hold."""
        return not self.candidate_sha256 and not self.terms

    def says_the_same(self, other: Decision) -> bool:
        """Return whether another decision says the same; when, why and where in the chain it was taken left out."""
        left_out = ("decided_at", "reason", "follows")
        mine, theirs = self._facts(), other._facts()
        return all(theirs[name] == value for name, value in mine.items() if name not in left_out)

    def has_expired(self, as_of: date) -> bool:
        """Return whether it counts no more on a day; what has no day that can be read has expired."""
        if self.action == RECALL:
            return False
        try:
            return as_of > date.fromisoformat(self.expires_on)
        except ValueError:
            return True

    def is_about(self, key: CandidateKey, candidate_sha256: str) -> bool:
        """Return whether it is about a candidate's bytes, or about all that its recipient gets of the product."""
        if (self.product, self.recipient) != (key.product, key.recipient) or self.terms:
            return False
        return self.is_standing or (self.period, self.candidate_sha256) == (key.period, candidate_sha256)

    def covers(self, result: RuleResult) -> bool:
        """Return whether it is about a rule as it answered: in its version and, unless standing, what it found."""
        return any(
            rule.get("rule") == result.rule
            and rule.get("version") == result.version
            and rule.get("finding_sha256") == ("" if self.is_standing else finding_digest(result))
            for rule in self.rules
        )


def may_be_waived(rule: str) -> bool:
    """Return whether any person may let a rule go."""
    return not rule.startswith(NEVER_WAIVED)


def finding_digest(result: RuleResult) -> str:
    """Return the digest of what a rule found: counts, examples and where; words may change."""
    if result.finding_sha256:
        return result.finding_sha256
    facts = [
        *(result.rule, result.version, result.severity, result.status, result.applied, result.passed),
        *(list(result.examples), result.field),
    ]
    return sha256_bytes(canonical_json(facts).encode())
