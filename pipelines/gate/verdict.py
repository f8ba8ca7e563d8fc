"""A verdict, and how it stands in the chain.

Belongs here: the verdict's facts and their plain form. Not here: giving one (judge.py), storing or trusting one
(decisions.py), its evidence on disk (evidence.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pipelines.candidates.products import CandidateKey
from pipelines.gate.bindings import Bindings
from pipelines.gate.decision import Decision, finding_digest
from pipelines.gate.rules import FAILED, RuleResult

KIND = "verdict"
APPROVED, HELD, BLOCKED = "approved", "held", "blocked"
WITH_WAIVER, RECALLED = "released_with_waiver", "recalled"
GOES_OUT = (APPROVED, WITH_WAIVER)


@dataclass(frozen=True)
class Verdict:
    """What the gate has said about one candidate's bytes.

    Attributes:
        product: Product id.
        recipient: Municipality number or organisation number.
        period: Publication month.
        state: approved, held, blocked, released_with_waiver or recalled.
        candidate_sha256: Digest of the judged folder.
        decided_at: When, as ISO text.
        bindings: What it stood on.
        evidence_sha256: Digest of the evidence folder.
        results: What each rule answered, in order of rule id.
        decisions: The lines of the decisions by people that it stands on.
        sequence: Its line in the chain; 0 where it has not been read from there.
        chain_sha256: Digest of what the chain says up to and with that line.
        grounds: The decisions themselves, where it has been verified.
        head: How many lines the chain had then, and the digest of all that it said.
    """

    product: str
    recipient: str
    period: str
    state: str
    candidate_sha256: str
    decided_at: str
    bindings: Bindings
    evidence_sha256: str
    results: tuple[RuleResult, ...]
    decisions: tuple[int, ...] = ()
    sequence: int = field(default=0, compare=False)
    chain_sha256: str = field(default="", compare=False)
    grounds: tuple[Decision, ...] = field(default=(), compare=False)
    head: tuple[int, str] = field(default=(0, ""), compare=False)

    @property
    def key(self) -> CandidateKey:
        """Return what was judged."""
        return CandidateKey(self.product, self.recipient, self.period)

    @property
    def failed_rules(self) -> list[str]:
        """Return every rule that failed, whatever its severity."""
        return [result.rule for result in self.results if result.status == FAILED]

    def as_entry(self) -> dict[str, Any]:
        """Return the verdict as a decision: results in short, the evidence holds them in full."""
        return {
            "kind": KIND,
            "product": self.product,
            "recipient": self.recipient,
            "period": self.period,
            "state": self.state,
            "candidate_sha256": self.candidate_sha256,
            "decided_at": self.decided_at,
            "bindings": self.bindings.as_dict(),
            "evidence_sha256": self.evidence_sha256,
            "decisions": list(self.decisions),
            "results": [
                {
                    "rule": result.rule,
                    "version": result.version,
                    "severity": result.severity,
                    "status": result.status,
                    "applied": result.applied,
                    "passed": result.passed,
                    **({"finding_sha256": finding_digest(result)} if result.status == FAILED else {}),
                }
                for result in self.results
            ],
        }

    @classmethod
    def from_entry(
        cls, entry: Mapping[str, Any], results: Iterable[RuleResult] | None = None, *, chain_sha256: str = ""
    ) -> Verdict:
        """Return the verdict that a line of the chain states; in short unless full results are given."""
        short = (RuleResult(**stated) for stated in entry["results"])
        return cls(
            **{
                name: entry[name]
                for name in ("product", "recipient", "period", "state", "candidate_sha256", "decided_at")
            },
            bindings=Bindings(**entry["bindings"]),
            evidence_sha256=entry["evidence_sha256"],
            results=tuple(short if results is None else results),
            decisions=tuple(entry.get("decisions", ())),
            sequence=entry["sequence"],
            chain_sha256=chain_sha256,
        )


def state_of(results: Iterable[RuleResult]) -> str:
    """Return blocked, held or approved: the worst that a failed rule asks for; warnings go out with a note."""
    severities = {result.severity for result in results if result.status == FAILED}
    return BLOCKED if "block" in severities else HELD if "hold" in severities else APPROVED
