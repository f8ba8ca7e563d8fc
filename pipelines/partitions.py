"""The partitions of the jobs: owners of deliveries, and who receives which product.

Belongs here: their keys, and how a set of keys becomes as few runs as possible. Not here: who is a member
(municipalities.py), which of them are due (due.py).

Both are dynamic: the keys come from the registers and are synced when a run is launched, so that a new member is one
line of members.csv.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from dagster import BackfillPolicy, DagsterInstance, DynamicPartitionsDefinition

from pipelines.candidates.products import CandidateKey

OWNERS = DynamicPartitionsDefinition(name="owners")
PRODUCT_RECIPIENTS = DynamicPartitionsDefinition(name="product_recipient")
# One run over a whole range: a run for each partition costs seconds before it does anything.
ONE_RUN = BackfillPolicy.single_run()

RANGE_START = "dagster/asset_partition_range_start"
RANGE_END = "dagster/asset_partition_range_end"
_SEPARATOR = "|"


def recipient_partition(key: CandidateKey) -> str:
    """Return the partition of a candidate; its period is the run's, not the partition's."""
    return f"{key.product}{_SEPARATOR}{key.recipient}"


def candidate_key(partition: str, period: str) -> CandidateKey:
    """Return the candidate of a partition in a period."""
    product, _, recipient = partition.partition(_SEPARATOR)
    return CandidateKey(product, recipient, period)


def known_keys(instance: DagsterInstance, partitions: DynamicPartitionsDefinition) -> Sequence[str]:
    """Return the keys that an instance knows, in its order."""
    return instance.get_dynamic_partitions(str(partitions.name))


def sync_partitions(instance: DagsterInstance, partitions: DynamicPartitionsDefinition, keys: Iterable[str]) -> None:
    """Add the keys that are new. None is deleted: what a former member delivered stays in view."""
    known = set(known_keys(instance, partitions))
    instance.add_dynamic_partitions(str(partitions.name), [key for key in keys if key not in known])


def contiguous_ranges(wanted: Collection[str], known: Iterable[str]) -> list[tuple[str, str]]:
    """Return the first and last key of every unbroken stretch of wanted keys, in the order in which they are known."""
    ranges: list[tuple[str, str]] = []
    start = last = ""
    for key in known:
        if key in wanted:
            start, last = start or key, key
        elif start:
            ranges.append((start, last))
            start = ""
    return [*ranges, (start, last)] if start else ranges
