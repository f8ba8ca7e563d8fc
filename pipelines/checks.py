"""Asset checks: what Dagster's UI shows of intake and of the gate.

Belongs here: the names of the checks, and turning outcomes and verdicts into their results. Not here: the rules
(gate/, expectations/): a check shows what was decided and decides nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import dagster as dg

from pipelines.gate.evidence import data_docs_file
from pipelines.gate.rules import FAILED, NOT_APPLICABLE, RuleResult, read_rules
from pipelines.gate.verdict import Verdict
from pipelines.home import Home
from pipelines.session import Session
from pipelines.settings import EXPECTATIONS

DELIVERIES_READ = dg.AssetCheckSpec(
    "every_delivery_was_read",
    asset="delivery_outcomes",
    description="No delivery of this run failed to be taken, parsed or settled.",
)
_SHOWN = 20


def deliveries_read(session: Session) -> dg.AssetCheckResult:
    """Return which owners' deliveries failed in this run."""
    failed = {failure.name: failure.message for failure in session.failures}
    for owner, outcomes in session.outcomes.items():
        for outcome in outcomes:
            if outcome["outcome"] == "failed":
                failed.setdefault(owner, f"{outcome.get('rule') or ''} {outcome['message']}".strip())
    return dg.AssetCheckResult(
        check_name=DELIVERIES_READ.name,
        asset_key="delivery_outcomes",
        passed=not failed,
        metadata={owner: failed[owner] for owner in sorted(failed)},
    )


def rule_check_specs() -> list[dg.AssetCheckSpec]:
    """Return one check for every rule that has a page."""
    return [
        dg.AssetCheckSpec(rule.rule, asset="verdicts", description=f"{rule.title} (version {rule.version}).")
        for rule in read_rules(EXPECTATIONS / "rules").values()
    ]


def rule_checks(home: Home, verdicts: Iterable[Verdict]) -> Iterator[dg.AssetCheckResult]:
    """Give what each rule answered over a run's candidates, red where it failed for anybody, with the Data Docs."""
    listed = list(verdicts)
    pages = {
        f"{verdict.product}/{verdict.recipient}": data_docs_file(home, verdict.key, verdict.candidate_sha256)
        for verdict in listed
    }
    for spec in rule_check_specs():
        answers = {
            f"{verdict.product}/{verdict.recipient}": result
            for verdict in listed
            for result in verdict.results
            if result.rule == spec.name
        }
        failed = {name: result for name, result in answers.items() if result.status == FAILED}
        yield dg.AssetCheckResult(
            check_name=spec.name,
            asset_key="verdicts",
            passed=not failed,
            severity=_severity(failed.values()),
            metadata={
                "candidates": len(answers),
                "not_applicable": sum(1 for result in answers.values() if result.status == NOT_APPLICABLE),
                "failed": len(failed),
                **{name: failed[name].reason for name in sorted(failed)[:_SHOWN]},
                **{f"{name}, data docs": dg.MetadataValue.path(pages[name]) for name in sorted(failed)[:_SHOWN]},
            },
        )


def _severity(failed: Iterable[RuleResult]) -> dg.AssetCheckSeverity:
    stops = any(result.severity in ("block", "hold") for result in failed)
    return dg.AssetCheckSeverity.ERROR if stops else dg.AssetCheckSeverity.WARN
