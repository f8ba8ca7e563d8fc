"""Which municipalities' slices a build makes anew.

Belongs here: deciding that, and saying why. Not here: what a slice is (dbt_project/macros/slices.sql), building
(build.py).

A slice is one municipality's rows in the sliced models. They follow from the municipality's own deliveries and from
what all share: the dbt project, matching, registers, the company register. Where anything shared has changed, or it
cannot be told, every slice is made anew.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from pipelines.home import Home
from pipelines.warehouse.workings import Standing, read_standing, scores_that_changed

# Parsed tables whose rows nobody but their own municipality's slice reads, or models that are always built whole.
_OF_ONE_MUNICIPALITY = (
    "ehf_",
    "ledger_postings",
    "saft_",
    "notices",
    "notice_buyers",
    "outcomes",
    "rejects",
    "delivery_periods",
    "document_states",
)
# The dbt sources of such tables, and of the scores of what they name: a build of slices makes what follows from them.
SOURCES_OF_SLICES = ("ehf", "landing", "ledger", "matched", "notices", "saft")
_MUNICIPALITY = re.compile(r"[0-9]{4}")
_IN_WORDS = {
    "dbt": "the dbt project is another now",
    "matching": "matching is another version now",
    "_consortium": "registers, settings or another delivery of the consortium changed",
}
_SHOWN = 5


@dataclass(frozen=True)
class Plan:
    """What a build makes anew.

    Attributes:
        slices: Municipalities, sorted; empty where everything is made anew.
        reason: Why, in words, for one line.
    """

    slices: tuple[str, ...]
    reason: str

    def __str__(self) -> str:
        """Return the line that says it."""
        if not self.slices:
            return f"built whole: {self.reason}"
        shown = ", ".join(self.slices[:_SHOWN]) + (" …" if len(self.slices) > _SHOWN else "")
        return f"rebuilt for {len(self.slices)} of the municipalities ({shown}): {self.reason}"


def plan_build(home: Home, inputs: Mapping[str, str], *, full_refresh: bool = False) -> Plan:
    """Return what a build of these inputs has to make anew, beside the build that stands."""
    if full_refresh:
        return Plan((), "asked for")
    standing = read_standing(home)
    if isinstance(standing, str):
        return Plan((), standing)
    plan = compare_inputs(standing, inputs, owners_of_shared(home))
    if plan.slices and (table := scores_that_changed(home)):
        return Plan((), f"scores of names or texts that were there before changed ({table})")
    return plan


def compare_inputs(standing: Standing, inputs: Mapping[str, str], shared_owners: frozenset[str]) -> Plan:
    """Return what to make anew where the build that stands was made from other inputs."""
    changed = sorted(name for name in {*standing.inputs, *inputs} if standing.inputs.get(name) != inputs.get(name))
    owners = {name.partition("/")[0] if "/" in name else name for name in changed}
    if not owners:
        return Plan((), "nothing changed that it is made from")
    for owner in sorted(owners):
        if not _MUNICIPALITY.fullmatch(owner):
            return Plan((), _IN_WORDS.get(owner, f"{owner} changed"))
        if owner in shared_owners | standing.shared_owners:
            return Plan((), f"{owner} delivers something that all share")
    return Plan(tuple(sorted(owners)), f"{len(changed)} of {len(inputs)} inputs changed, all of them their own")


def owners_of_shared(home: Home) -> frozenset[str]:
    """Return the municipalities of whose deliveries something is read for all."""
    return frozenset(
        path.name.removeprefix("municipality_no=")
        for path in home.parsed.glob("*/municipality_no=*")
        if not path.parent.name.startswith(_OF_ONE_MUNICIPALITY)
        and _MUNICIPALITY.fullmatch(path.name.removeprefix("municipality_no="))
        and any(path.glob("*.parquet"))
    )
