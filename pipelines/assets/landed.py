"""Dagster's face of landing: what was delivered, by owner and kind of source.

Belongs here: assets of group ``landed``. Not here: taking files (landing/).
"""

from collections.abc import Iterator

import dagster as dg

from pipelines.landing.inbox import pull_source
from pipelines.landing.settings_delivery import land_settings
from pipelines.partitions import ONE_RUN, OWNERS
from pipelines.session import Session

GROUP = "landed"
# The kinds of source that can be pulled today, and what each brings.
KINDS = {
    "ehf": "E-invoices as delivered: write-once bytes with a receipt for each delivery.",
    "ledger": "Supplier ledgers as delivered: write-once bytes with a receipt for each delivery.",
    "notices": "Notices of procurements as delivered: write-once bytes with a receipt for each delivery.",
    "registers": "Register forms and contract exports as delivered; they propose rows and change nothing.",
    "brreg": "Company register extracts as delivered: write-once bytes with a receipt for each delivery.",
}


@dg.asset(
    group_name=GROUP,
    kinds={"file"},
    description="Registers, consortium.yaml and the consortium's own ledger profiles; land when they have changed.",
)
def register_deliveries(session: dg.ResourceParam[Session]) -> dg.MaterializeResult[None]:
    """Land the settings before anything is read under them."""
    with session.without_values("land"):
        receipt = land_settings(session.home, session.clock)
    return dg.MaterializeResult(metadata={"new_delivery": receipt.delivery_id if receipt else "none"})


@dg.multi_asset(
    name="deliveries",
    specs=[
        dg.AssetSpec(f"{kind}_deliveries", group_name=GROUP, description=text, kinds={"file"})
        for kind, text in KINDS.items()
    ],
    partitions_def=OWNERS,
    backfill_policy=ONE_RUN,
)
def deliveries(
    context: dg.AssetExecutionContext, session: dg.ResourceParam[Session]
) -> Iterator[dg.MaterializeResult[None]]:
    """Take what each owner dropped; a source that cannot be pulled stops no other."""
    landed = dict.fromkeys(KINDS, 0)
    for owner in session.each("land", context.partition_keys):
        for source in session.home.consortium.sources_of(owner):
            with session.kept_apart("land", owner):
                landed[source.kind] = landed.get(source.kind, 0) + len(pull_source(session.home, source, session.clock))
    for kind in KINDS:
        yield dg.MaterializeResult(asset_key=f"{kind}_deliveries", metadata={"new_deliveries": landed[kind]})
