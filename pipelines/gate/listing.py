"""What the gate has said, for people and programs that ask.

Belongs here: the latest verdicts as plain rows. Not here: judging, printing.
"""

from __future__ import annotations

from typing import Any

from pipelines.candidates.products import CandidateKey
from pipelines.errors import ConfigurationError
from pipelines.gate.decisions import read_verdicts
from pipelines.gate.evidence import read_results
from pipelines.gate.verdict import Verdict
from pipelines.home import Home


def list_verdicts(home: Home) -> list[dict[str, Any]]:
    """Return the latest verdict on each product, recipient and period, with the rules that failed.

    ``since`` is when the candidate came into its present state: the first of the unbroken run of equal states.
    """
    latest: dict[CandidateKey, Verdict] = {}
    since: dict[CandidateKey, str] = {}
    for verdict in read_verdicts(home):
        before = latest.get(verdict.key)
        if before is None or before.state != verdict.state:
            since[verdict.key] = verdict.decided_at
        latest[verdict.key] = verdict
    rows = [
        {
            "product": verdict.product,
            "recipient": verdict.recipient,
            "period": verdict.period,
            "state": verdict.state,
            "rules": verdict.failed_rules,
            "since": since[key],
            "candidate_sha256": verdict.candidate_sha256,
        }
        for key, verdict in latest.items()
    ]
    return sorted(rows, key=lambda row: (row["product"], row["recipient"], row["period"]))


def show_verdict(home: Home, product: str, recipient: str, period: str | None = None) -> dict[str, Any]:
    """Return the latest verdict on a candidate with every rule's answer.

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
    verdict = [each for each in found if each.period == newest][-1]
    full = read_results(home, verdict.key, verdict.candidate_sha256, verdict.evidence_sha256)
    return {
        **verdict.as_entry(),
        "is_evidence_intact": full is not None,
        "results": [result.as_dict() for result in (verdict.results if full is None else full)],
    }
