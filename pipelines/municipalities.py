"""Who the members are, on a day: the one list that partitions, tests and products read.

Belongs here: members and their organisation numbers as of a date, from the registers. Not here: anything that differs
between municipalities (that is data).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Municipality:
    """A member on a day."""

    municipality_no: str
    name: str
    inhabitants: int


def holds_on(row: Row, day: date) -> bool:
    """Return whether a dated register row holds on a day (both ends included)."""
    return bool(row["valid_from"] <= day and (row.get("valid_to") is None or day <= row["valid_to"]))


def overlap_in_time(row: Row, other: Row) -> bool:
    """Return whether there is a day on which two dated register rows both hold."""
    return all(
        first.get("valid_to") is None or second["valid_from"] <= first["valid_to"]
        for first, second in ((row, other), (other, row))
    )


def members_on(registers: Mapping[str, list[dict[str, Any]]], day: date) -> list[Municipality]:
    """Return the members on a day, sorted by number."""
    return sorted(
        (
            Municipality(row["municipality_no"], row["name"], row["inhabitants"])
            for row in registers["members"]
            if holds_on(row, day)
        ),
        key=lambda member: member.municipality_no,
    )


def all_municipality_nos(registers: Mapping[str, list[dict[str, Any]]]) -> list[str]:
    """Return every number that was ever a member, sorted."""
    return sorted({row["municipality_no"] for row in registers["members"]})


def own_org_nos(member_org_nos: Iterable[Row], municipality_no: str, day: date) -> set[str]:
    """Return the organisation numbers under which a member buys on a day."""
    return {row["org_no"] for row in member_org_nos if row["municipality_no"] == municipality_no and holds_on(row, day)}
