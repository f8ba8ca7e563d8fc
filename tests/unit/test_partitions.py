"""Sets of partitions become as few runs as possible, and partitions become candidates again."""

from __future__ import annotations

import pytest

from pipelines.candidates.products import CandidateKey
from pipelines.partitions import candidate_key, contiguous_ranges, recipient_partition

KNOWN = ["_consortium", "9901", "9902", "9903", "9904"]


@pytest.mark.parametrize(
    ("wanted", "ranges"),
    [
        (set(), []),
        ({"9902"}, [("9902", "9902")]),
        (set(KNOWN), [("_consortium", "9904")]),
        ({"9901", "9902", "9904"}, [("9901", "9902"), ("9904", "9904")]),
        ({"9902", "0301"}, [("9902", "9902")]),
    ],
    ids=["none", "one", "all", "with a gap", "one that is not known"],
)
def test_wanted_keys_become_unbroken_stretches(wanted: set[str], ranges: list[tuple[str, str]]) -> None:
    assert contiguous_ranges(wanted, KNOWN) == ranges


def test_a_candidates_partition_leads_back_to_it() -> None:
    key = CandidateKey("workshop_release", "310000000", "2026-10")
    assert candidate_key(recipient_partition(key), "2026-10") == key
