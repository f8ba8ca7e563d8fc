"""Dagster's face of parsing: typed tables, what was refused, what counts.

Belongs here: assets of group ``parsed``. Not here: reading bytes and settling (parsing/).
"""

from collections.abc import Iterator

import dagster as dg

from pipelines.assets import landed
from pipelines.checks import DELIVERIES_READ, deliveries_read
from pipelines.parsing.host_documents import counted_elsewhere, settling_order
from pipelines.parsing.parse import parse_owner
from pipelines.parsing.registers import write_registers
from pipelines.parsing.sender_report import write_reports
from pipelines.parsing.settle import settle
from pipelines.parsing.shared_ledgers import find_shared, remember_holds, remembered_holds
from pipelines.partitions import ONE_RUN, OWNERS
from pipelines.session import Session

GROUP = "parsed"
# Each asset: what it holds, and the parsed tables that it stands for in lineage.
ASSETS: dict[str, tuple[str, tuple[str, ...]]] = {
    "ehf_invoices": ("Header facts of e-invoices and credit notes.", ("ehf_invoices",)),
    "ehf_invoice_lines": ("Lines of e-invoices and credit notes.", ("ehf_invoice_lines",)),
    "ehf_allowance_charges": ("Allowances and charges of e-invoices.", ("ehf_allowance_charges",)),
    "ledger_postings": ("Postings of supplier ledgers, as the ledgers state them.", ("ledger_postings",)),
    "notices": ("Lots of published notices.", ("notices",)),
    "notice_buyers": ("Buyers of published notices.", ("notice_buyers",)),
    "companies": ("Units of the company register.", ("companies",)),
    "delivery_outcomes": ("What each step said of each delivery, and every row refused.", ("outcomes", "rejects")),
    "delivery_states": (
        "What counts: accepted, held and superseded periods, duplicate invoices.",
        ("delivery_periods", "document_states"),
    ),
}
_UPSTREAM = [f"{kind}_deliveries" for kind in landed.KINDS]


@dg.asset(
    group_name=GROUP,
    kinds={"parquet"},
    deps=["register_deliveries"],
    description="The consortium's registers as typed tables.",
)
def registers(session: dg.ResourceParam[Session]) -> dg.MaterializeResult[None]:
    """Write the registers that are in force."""
    with session.without_values("registers"):
        write_registers(session.home)
    return dg.MaterializeResult(metadata={"members": len(session.registers["members"])})


@dg.multi_asset(
    name="parsed_tables",
    specs=[
        dg.AssetSpec(name, deps=[*_UPSTREAM, "registers"], group_name=GROUP, description=text, kinds={"parquet"})
        for name, (text, _) in ASSETS.items()
    ],
    check_specs=[DELIVERIES_READ],
    partitions_def=OWNERS,
    backfill_policy=ONE_RUN,
)
def parsed_tables(
    context: dg.AssetExecutionContext, session: dg.ResourceParam[Session]
) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
    """Parse and settle each owner's deliveries; one that cannot be read stops no other."""
    for owner in session.each("parse", context.partition_keys):
        with session.kept_apart("parse", owner):
            session.outcomes[owner] = parse_owner(session.home, owner, session.registers)
    with session.without_values("settle"):
        _settle(session, [owner for owner in context.partition_keys if not session.has_failed(owner)])
        read = deliveries_read(session)
    yield read
    failed = [owner for owner in context.partition_keys if session.has_failed(owner)]
    if not failed:
        yield from (dg.MaterializeResult(asset_key=name) for name in ASSETS)
        return
    # By hand, so that an owner whose deliveries failed does not look as if they had been read.
    for owner in sorted(set(context.partition_keys) - set(failed)):
        for name in ASSETS:
            context.log_event(dg.AssetMaterialization(name, partition=owner))
    raise dg.Failure(f"Failed for {', '.join(failed)}; all others are parsed.")


def _settle(session: Session, owners: list[str]) -> None:
    """Settle owners when all of them are parsed, and others where what is held of theirs has changed by that."""
    shared, before = find_shared(session.home), remembered_holds(session.home)
    others = {owner for owner in {*shared, *before} - set(owners) if shared.get(owner) != before.get(owner)}
    numbers = session.registers["member_org_nos"]
    for owner in settling_order([*owners, *sorted(others)], numbers):
        if session.has_failed(owner):
            continue
        with session.kept_apart("settle", owner):
            elsewhere = counted_elsewhere(session.home, owner, numbers)
            settle(session.home, owner, shared.get(owner, {}), elsewhere)
            write_reports(session.home, owner, session.registers)
    if not any(session.has_failed(owner) for owner in others):
        remember_holds(session.home, shared)
