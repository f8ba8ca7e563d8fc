"""The attacker on a table of 20 municipalities x 30 categories x 12 months with totals in every direction.

Not a test: ``python -m tests.benchmarks.disclosure [--boxes N] [--small TABLES] [--others CELLS]`` hides cells, asks
whether each can be worked out (what the gate asks) and what its exact interval is, and prints how long each takes;
beside it scipy's linprog, begun anew for each cell, on some cells, and what all would take at that rate. Then small
tables whose every possible content is tried: how many hidden cells leak by that count, how many of them the attacker
finds. Nothing is hidden to protect another cell: what is measured is the attacker.
"""

from __future__ import annotations

import argparse
import itertools
import random
import time
from collections.abc import Mapping
from decimal import Decimal

from pipelines.gate.attack.findings import limit_of, worked_out
from pipelines.gate.attack.intervals import intervals, narrow
from pipelines.gate.attack.system import Name, System, reduce_exactly

P = Decimal("0.15")
Children = Mapping[str, list[str]]


def tree(prefix: str, leaves: int, groups: int) -> dict[str, list[str]]:
    """Children by code: all, its groups, their leaves; a leaf has none."""
    children: dict[str, list[str]] = {f"{prefix}all": [f"{prefix}g{group}" for group in range(groups)]}
    for group in range(groups):
        children[f"{prefix}g{group}"] = [f"{prefix}{leaf}" for leaf in range(leaves) if leaf % groups == group]
    return children | {f"{prefix}{leaf}": [] for leaf in range(leaves)}


DIMENSIONS = (tree("m", 20, 4), tree("c", 30, 6), tree("t", 12, 4))


def amounts_of_all_cells(seed: int) -> dict[Name, Decimal]:
    """Amounts of the leaves, and of every total of them: each parent code holds what all leaves below it hold."""
    chance = random.Random(seed)
    leaves = [{code: leaves_below(each, code) for code in each} for each in DIMENSIONS]
    single = [[code for code, below in each.items() if below == [code]] for each in leaves]
    amounts = {cell: Decimal(round(chance.lognormvariate(10, 1.5) * 100)) / 100 for cell in itertools.product(*single)}
    for dimension in (0, 1, 2):
        codes = [list(each) if at <= dimension else single[at] for at, each in enumerate(DIMENSIONS)]
        for cell in itertools.product(*codes):
            parts = [(*cell[:dimension], code, *cell[dimension + 1 :]) for code in leaves[dimension][cell[dimension]]]
            amounts.setdefault(cell, sum((amounts[part] for part in parts), Decimal(0)))
    return amounts


def leaves_below(children: Children, code: str) -> list[str]:
    """The leaves below a code; itself where it is one."""
    return [leaf for child in children[code] for leaf in leaves_below(children, child)] or [code]


def hidden_boxes(seed: int, boxes: int) -> set[Name]:
    """Leaves hidden two by two by two in each other's groups, so that no single total tells any of them."""
    chance = random.Random(seed)
    found: set[Name] = set()
    for _ in range(boxes):
        pairs = []
        for children in DIMENSIONS:
            group = chance.choice([below for code, below in children.items() if below and "all" not in code])
            pairs.append(chance.sample(group, 2))
        found.update(itertools.product(*pairs))
    return found


def large_table(seed: int, boxes: int) -> tuple[System, dict[Name, Decimal]]:
    """What is known of the large table, all totals shown, and the hidden cells' amounts."""
    amounts, system = amounts_of_all_cells(seed), System()
    hidden = {cell: amounts[cell] for cell in sorted(hidden_boxes(seed, boxes))}
    for cell, amount in amounts.items():
        for dimension, children in enumerate(DIMENSIONS):
            parts = [(*cell[:dimension], code, *cell[dimension + 1 :]) for code in children[cell[dimension]]]
            if parts:
                system.total(cell, parts, "total")
        if cell not in hidden:
            system.know(cell, amount, "shown")
    system.assumed_positive.update(amounts)
    return system, hidden


def others_seconds(system: System, names: list[Name]) -> float:
    """Return the seconds that linprog takes for the two ends of some cells."""
    import numpy as np
    from scipy.optimize import linprog
    from scipy.sparse import csr_array

    reduced = reduce_exactly(system)
    free = sorted({name for fact in reduced.facts for name in fact.terms})
    column = {name: at for at, name in enumerate(free)}
    entries = [(row, column[name], float(w)) for row, f in enumerate(reduced.facts) for name, w in f.terms.items()]
    rows, columns, weights = zip(*entries, strict=True)
    matrix = csr_array((weights, (rows, columns)), shape=(len(reduced.facts), len(free)))
    right = [float(fact.bound.lower or 0) for fact in reduced.facts]
    begun = time.perf_counter()
    for name in names:
        for sign in (1, -1):
            cost = np.zeros(len(free))
            cost[column[name]] = sign
            linprog(cost, A_eq=matrix, b_eq=right, bounds=(0, None), method="highs")
    return time.perf_counter() - begun


def run_large(boxes: int, others: int) -> None:
    """Print the figures of the large table."""
    system, hidden = large_table(7, boxes)
    limits = {cell: limit_of(P, amount, amount) for cell, amount in hidden.items()}
    begun = time.perf_counter()
    told = narrow(system, limits)
    asked = time.perf_counter()
    exact = intervals(system, hidden)
    done = time.perf_counter()
    free = {name for fact in reduce_exactly(system).facts for name in fact.terms}
    print(f"{len(system.names)} cells, {len(hidden)} hidden, {len(free)} of them not plain from one total")
    print(
        f"worked out within 15 %: {len(told)}, in {asked - begun:.1f} s; exact intervals of all: {done - asked:.1f} s"
    )
    assert set(told) == {cell for cell, interval in exact.items() if interval.is_inside(limits[cell])}
    some = sorted(free & set(hidden))[:: max(1, len(free) // max(others, 1))][:others]
    if some:
        seconds = others_seconds(system, some)
        rate = seconds / len(some)
        print(f"linprog: {seconds:.1f} s for {len(some)} cells, {rate * len(free):.0f} s for all at that rate")


def run_small(tables: int) -> None:
    """Print how many leaks of small tables are found."""
    from tests.unit.gate.attack.small_tables import attacked, enumerated, random_table

    cells = leaks = told = both = 0
    for seed in range(tables):
        table = random_table(seed)
        system, names = attacked(table)
        amounts = {names[key]: Decimal(table.amount(key)) for key in table.hidden}
        found = set(worked_out(system, {name: (amount, amount) for name, amount in amounts.items()}, P))
        ends = {names[key]: each for key, each in enumerated(table).items()}
        leaking = {
            name
            for name, amount in amounts.items()
            if amount and ends[name][0] >= amount * (1 - P) and ends[name][1] <= amount * (1 + P)
        }
        cells, leaks, told, both = (
            cells + len(names),
            leaks + len(leaking),
            told + len(found),
            both + len(leaking & found),
        )
    print(f"{tables} small tables, {cells} hidden cells: {leaks} leak by trying all contents")
    print(f"{both} of those found, {told - both} told beside them")


def main() -> None:
    """Run both parts."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--boxes", type=int, default=540, help="how often eight cells are hidden together")
    parser.add_argument("--others", type=int, default=20, help="cells that linprog is asked for")
    parser.add_argument("--small", type=int, default=300, help="small tables")
    asked = parser.parse_args()
    run_large(asked.boxes, asked.others)
    run_small(asked.small)


if __name__ == "__main__":
    main()
