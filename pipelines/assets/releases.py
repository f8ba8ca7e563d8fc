"""Dagster's face of publishing: what has left the house.

Belongs here: the asset of group ``releases``. Not here: publishing, and refusing to (publishing/).
"""

from collections.abc import Iterator

import dagster as dg

from pipelines.gate.verdict import GOES_OUT
from pipelines.partitions import ONE_RUN, PRODUCT_RECIPIENTS, candidate_key
from pipelines.publishing.analyst_file import ensure_analyst_file
from pipelines.publishing.facts_file import ensure_facts
from pipelines.publishing.release import publish
from pipelines.session import Session


@dg.multi_asset(
    name="releases",
    specs=[
        dg.AssetSpec(
            "releases",
            deps=["verdicts"],
            group_name="releases",
            kinds={"file"},
            skippable=True,
            description="Published, immutable folders. A partition without one was held, blocked or failed.",
        )
    ],
    partitions_def=PRODUCT_RECIPIENTS,
    backfill_policy=ONE_RUN,
)
def releases(
    context: dg.AssetExecutionContext, session: dg.ResourceParam[Session]
) -> Iterator[dg.MaterializeResult[None]]:
    """Publish what may go out; the publisher asks the gate's chain itself."""
    for partition in session.each("publish", context.partition_keys):
        key = candidate_key(partition, session.period)
        verdict = session.verdicts.get(key)
        if verdict is None or verdict.state not in GOES_OUT:
            continue
        with session.kept_apart("publish", partition):
            result = session.published[key] = publish(session.home, key, session.clock)
            # By hand, so that a recipient without a release does not look as if it had one.
            facts = {"release_id": result.release_id, "status": result.status, "path": str(result.path)}
            context.log_event(dg.AssetMaterialization("releases", partition=partition, metadata=facts))
    with session.kept_apart("publish", "facts"):
        ensure_facts(session.home)
    with session.kept_apart("publish", "analyst_file"):
        ensure_analyst_file(session.home)
    failed = [partition for partition in context.partition_keys if session.has_failed(partition)]
    if failed:
        raise dg.Failure(f"Failed for {', '.join(failed)}; all others are dealt with.")
    yield from ()
