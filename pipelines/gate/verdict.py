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
from pipelines.gate.rules import FAILED, RuleResult

APPROVED, HELD, BLOCKED = "approved", "held", "blocked"


@dataclass(frozen=True)
class Verdict:
    """What the gate has said about one candidate's bytes.

    Attributes:
        product: Product id.
        recipient: Municipality number or organisation number.
        period: Publication month.
        state: approved, held or blocked.
        candidate_sha256: Digest of the judged folder.
        decided_at: When, as ISO text.
        bindings: What it stood on.
        evidence_sha256: Digest of the evidence folder.
        results: What each rule answered, in order of rule id.
        sequence: Its line in the chain; 0 where it has not been read from there.
        chain_sha256: Digest of what the chain says up to and with that line, signatures left out.
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
    sequence: int = field(default=0, compare=False)
    chain_sha256: str = field(default="", compare=False)

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
            "kind": "verdict",
            "product": self.product,
            "recipient": self.recipient,
            "period": self.period,
            "state": self.state,
            "candidate_sha256": self.candidate_sha256,
            "decided_at": self.decided_at,
            "bindings": self.bindings.as_dict(),
            "evidence_sha256": self.evidence_sha256,
            "results": [
                {
                    "rule": result.rule,
                    "version": result.version,
                    "severity": result.severity,
                    "status": result.status,
                    "applied": result.applied,
                    "passed": result.passed,
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
            sequence=entry["sequence"],
            chain_sha256=chain_sha256,
        )


def state_of(results: Iterable[RuleResult]) -> str:
    """Return blocked, held or approved: the worst that a failed rule asks for; warnings go out with a note."""
    severities = {result.severity for result in results if result.status == FAILED}
    return BLOCKED if "block" in severities else HELD if "hold" in severities else APPROVED
