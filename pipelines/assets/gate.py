"""Dagster's face of candidates and gate: what is rendered for each recipient, and what the gate says of it.

Belongs here: assets of group ``gate``. Not here: cutting and rendering (candidates/), rules and verdicts (gate/).
"""

from collections.abc import Iterator

import dagster as dg

from pipelines.candidates.make import open_maker
from pipelines.checks import rule_check_specs, rule_checks
from pipelines.gate.evidence import data_docs_file
from pipelines.gate.judge import judge
from pipelines.partitions import ONE_RUN, PRODUCT_RECIPIENTS, candidate_key
from pipelines.session import Session

GROUP = "gate"


@dg.asset(
    group_name=GROUP,
    kinds={"parquet", "csv"},
    deps=["warehouse_file"],
    partitions_def=PRODUCT_RECIPIENTS,
    backfill_policy=ONE_RUN,
    description="One folder of files per product and recipient: cut, suppressed, rendered, not yet allowed out.",
)
def candidates(context: dg.AssetExecutionContext, session: dg.ResourceParam[Session]) -> dg.MaterializeResult[None]:
    """Cut the products to each recipient and render them."""
    rendered = 0
    with session.without_values("candidates"), open_maker(session.home) as maker:
        for partition in session.each("candidates", context.partition_keys):
            with session.kept_apart("candidates", partition):
                rendered += maker.make(candidate_key(partition, session.period), session.clock).is_new
    return dg.MaterializeResult(metadata={"rendered": rendered, "period": session.period})


@dg.multi_asset(
    name="verdicts",
    specs=[
        dg.AssetSpec(
            "verdicts",
            deps=["candidates"],
            group_name=GROUP,
            kinds={"greatexpectations"},
            description="What the gate says of each candidate's bytes: approved, held or blocked, signed.",
        )
    ],
    check_specs=rule_check_specs(),
    partitions_def=PRODUCT_RECIPIENTS,
    backfill_policy=ONE_RUN,
)
def verdicts(
    context: dg.AssetExecutionContext, session: dg.ResourceParam[Session]
) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
    """Judge each candidate that was made; its verdict decides, the checks only show it."""
    for partition in session.each("gate", context.partition_keys):
        if not session.has_failed(partition):
            with session.kept_apart("gate", partition):
                key = candidate_key(partition, session.period)
                session.verdicts[key] = judge(session.home, key, session.clock)
    states = [verdict.state for verdict in session.verdicts.values()]
    counts = {state: states.count(state) for state in sorted(set(states))}
    pages = {
        f"{key.product}/{key.recipient}": dg.MetadataValue.path(
            data_docs_file(session.home, key, verdict.candidate_sha256)
        )
        for key, verdict in session.verdicts.items()
    }
    yield dg.MaterializeResult(asset_key="verdicts", metadata={**counts, "period": session.period, **pages})
    with session.without_values("gate"):
        checks = list(rule_checks(session.home, session.verdicts.values()))
    yield from checks
