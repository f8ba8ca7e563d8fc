"""Verdicts of the real gate's chain, given without running its rules."""

from __future__ import annotations

from pipelines import settings
from pipelines.candidates.make import make_candidate, suppression_log_file, withheld
from pipelines.candidates.products import CandidateKey
from pipelines.gate.bindings import current_bindings
from pipelines.gate.decisions import append_verdict
from pipelines.gate.evidence import write_evidence
from pipelines.gate.rules import FAILED, PASSED, RuleResult, read_rules
from pipelines.gate.verdict import APPROVED, Verdict
from pipelines.home import Home
from pipelines.settings import Clock
from tests.unit.candidates.small_home import CLOCK


def decide(home: Home, key: CandidateKey, digest: str, *, state: str = APPROVED, clock: Clock = CLOCK) -> Verdict:
    """Append a decision on some bytes, as things stand now."""
    status = PASSED if state == APPROVED else FAILED
    result = RuleResult("PV01", "1", "block", status, 10, 10, "looked at", ("kpi.state/=x",), "kpi.state", "Title")
    facts = {"withheld": withheld(home, key)}
    evidence = write_evidence(home, key, digest, [result], facts, suppression_log_file(home, key))
    bindings = current_bindings(home, key, read_rules(settings.EXPECTATIONS / "rules"))
    decided_at = clock.now.strftime("%Y-%m-%dT%H:%M:%SZ")
    verdict = Verdict(key.product, key.recipient, key.period, state, digest, decided_at, bindings, evidence, (result,))
    return append_verdict(home, verdict)


def make_and_approve(home: Home, key: CandidateKey, clock: Clock = CLOCK) -> str:
    """Make a candidate, let the gate approve it, and return its digest."""
    digest = make_candidate(home, key, clock).digest
    decide(home, key, digest, clock=clock)
    return digest
