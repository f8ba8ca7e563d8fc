"""Suppressor and attacker on a table of 20 municipalities x 30 categories x 12 months, all totals of it shown.

Not a test: ``python -m tests.benchmarks.disclosure [--seeds N] [--boxes N] [--others CELLS] [--small TABLES]``.
Municipalities are in regions, categories in groups, months in a year; suppliers stand behind every cell. Printed are
the cells hidden for those who stand behind them and for others' sake, the value withheld, the seconds of the suppressor
and of the attacker, and what the attacker finds with and without the cells that are hidden for others' sake.

With ``--boxes``: cells hidden eight by eight, whether each can be worked out (what the gate asks) and what its exact
interval is; beside it scipy's linprog, begun anew for each cell, on some cells, and what all would take at that rate.
With ``--small``: tables whose every possible content is tried: how many hidden cells leak by that count, how many of
them the attacker finds.
"""

from __future__ import annotations

import argparse
import itertools
import random
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal

from pipelines.candidates.moves import Cell, Relation
from pipelines.candidates.secondary import hide_secondary
from pipelines.candidates.sensitivity import Attacker, Contributor, assess, protection
from pipelines.gate.attack.findings import limit_of, worked_out
from pipelines.gate.attack.intervals import intervals, narrow
from pipelines.gate.attack.system import Name, System, reduce_exactly

P = Decimal("0.15")
Children = Mapping[str, list[str]]
Dimensions = Sequence[Children]


def tree(prefix: str, leaves: int, groups: int) -> dict[str, list[str]]:
    """Children by code: all, its groups, their leaves; a leaf has none."""
    children: dict[str, list[str]] = {f"{prefix}all": [f"{prefix}g{group}" for group in range(groups)]}
    for group in range(groups):
        children[f"{prefix}g{group}"] = [f"{prefix}{leaf}" for leaf in range(leaves) if leaf % groups == group]
    return children | {f"{prefix}{leaf}": [] for leaf in range(leaves)}


MONTHS = [f"t{month}" for month in range(12)]
DIMENSIONS = (tree("m", 20, 4), tree("c", 30, 6), {"tall": MONTHS} | {month: [] for month in MONTHS})
ME = "me"


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
            group = chance.choice([below for below in children.values() if below and not children[below[0]]])
            pairs.append(chance.sample(group, 2))
        found.update(itertools.product(*pairs))
    return found


def large_table(seed: int, boxes: int) -> tuple[System, dict[Name, Decimal]]:
    """What is known of the large table, all totals shown, and the hidden cells' amounts."""
    amounts, system = amounts_of_all_cells(seed), System()
    hidden = {cell: amounts[cell] for cell in sorted(hidden_boxes(seed, boxes))}
    for whole, parts in totals(amounts):
        system.total(whole, parts, "total")
    for cell, amount in amounts.items():
        if cell not in hidden:
            system.know(cell, amount, "shown")
    system.assumed_positive.update(amounts)
    return system, hidden


def suppliers_of_all_cells(seed: int, dimensions: Dimensions = DIMENSIONS) -> dict[Name, dict[str, int]]:
    """Who stands behind each cell with how many øre: some suppliers of a place and trade, most of them each month."""
    chance = random.Random(seed)
    above = [
        {leaf: [code for code in each if leaf in leaves_below(each, code)] for leaf in each} for each in dimensions
    ]
    single = [[code for code, below in each.items() if not below] for each in dimensions]
    found: dict[Name, dict[str, int]] = {}
    for municipality, category in itertools.product(*single[:2]):
        region = above[0][municipality][1]
        pool = [f"{region}/{category}/{number}" for number in range(16)]
        sizes = {payee: chance.lognormvariate(13, 0.9) for payee in chance.sample(pool, chance.randint(3, 12))}
        for month in single[2]:
            bought = {
                payee: round(size * chance.uniform(0.5, 1.5)) for payee, size in sizes.items() if chance.random() < 0.8
            }
            for cell in itertools.product(above[0][municipality], above[1][category], above[2][month]):
                sums = found.setdefault(cell, {})
                for payee, amount in bought.items():
                    sums[payee] = sums.get(payee, 0) + amount
    return found


def suppressed(
    behind: Mapping[Name, dict[str, int]], dimensions: Dimensions = DIMENSIONS
) -> tuple[set[Name], set[Name], set[Name]]:
    """The cells that are hidden for those who stand behind them, for others' sake, and those that nothing protects."""
    reader, cells = Attacker(ME), []
    for key, sums in behind.items():
        found = assess((Contributor(payee, amount, amount) for payee, amount in sums.items()), reader)
        value = sum(sums.values())
        cells.append(Cell(key, value, value, protection(found.magnitude), bool(found.reason)))
    relations = [Relation({whole: -1} | dict.fromkeys(parts, 1)) for whole, parts in totals(behind, dimensions)]
    pattern = hide_secondary(cells, relations)
    return {cell.key for cell in cells if cell.is_hidden}, set(pattern.secondary), set(pattern.exposed)


def totals(cells: Iterable[Name], dimensions: Dimensions = DIMENSIONS) -> Iterator[tuple[Name, list[Name]]]:
    """Each cell that is a total in some direction, and the cells next below it."""
    for cell in cells:
        for dimension, children in enumerate(dimensions):
            parts = [(*cell[:dimension], code, *cell[dimension + 1 :]) for code in children[cell[dimension]]]
            if parts:
                yield cell, parts


def told(amounts: Mapping[Name, Decimal], hidden: set[Name], dimensions: Dimensions = DIMENSIONS) -> set[Name]:
    """The hidden cells that the attacker works out."""
    system = System()
    for whole, parts in totals(amounts, dimensions):
        system.total(whole, parts, "total")
    for cell, amount in amounts.items():
        if cell not in hidden:
            system.know(cell, amount, "shown")
    system.assumed_positive.update(amounts)
    return set(narrow(system, {cell: limit_of(P, amounts[cell], amounts[cell]) for cell in hidden}))


def _clocks() -> tuple[float, float]:
    """Seconds on the wall, and those that the processor gave: on a machine that others use, two things."""
    return time.perf_counter(), time.process_time()


def run_suppressed(seed: int) -> None:
    """Print what suppressor and attacker make of one table."""
    behind = suppliers_of_all_cells(seed)
    amounts = {cell: Decimal(sum(sums.values())) / 100 for cell, sums in behind.items()}
    begun = _clocks()
    primary, secondary, exposed = suppressed(behind)
    hidden_at = _clocks()
    found = told(amounts, primary | secondary)
    done = _clocks()
    without = told(amounts, primary)
    of_leaves = {cell for cell in amounts if not any(each[code] for each, code in zip(DIMENSIONS, cell, strict=True))}
    value = sum(amounts[cell] for cell in of_leaves)
    withheld = sum(amounts[cell] for cell in of_leaves & (primary | secondary)) / value
    print(f"table {seed}: {len(amounts)} cells; hidden: {len(primary)} primary, {len(secondary)} secondary", end=", ")
    print(f"{len(exposed)} exposed; {withheld:.1%} of the value")
    for name, first, last in (("suppressor", begun, hidden_at), ("attacker", hidden_at, done)):
        print(f"  {name} {last[0] - first[0]:.1f} s ({last[1] - first[1]:.1f} s of processor)", end="; ")
    print(f"leaks: {len(without)} with the primary alone, {len(found)} with both")


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
    found = narrow(system, limits)
    asked = time.perf_counter()
    exact = intervals(system, hidden)
    done = time.perf_counter()
    free = {name for fact in reduce_exactly(system).facts for name in fact.terms}
    print(f"{len(system.names)} cells, {len(hidden)} hidden, {len(free)} of them not plain from one total")
    print(
        f"worked out within 15 %: {len(found)}, in {asked - begun:.1f} s; exact intervals of all: {done - asked:.1f} s"
    )
    assert set(found) == {cell for cell, interval in exact.items() if interval.is_inside(limits[cell])}
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
    """Run what is asked for."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=1, help="tables that are suppressed and attacked")
    parser.add_argument("--boxes", type=int, default=0, help="how often eight cells are hidden together, such as 540")
    parser.add_argument("--others", type=int, default=20, help="cells that linprog is asked for")
    parser.add_argument("--small", type=int, default=0, help="small tables, such as 300")
    asked = parser.parse_args()
    for seed in range(asked.seeds):
        run_suppressed(seed)
    if asked.boxes:
        run_large(asked.boxes, asked.others)
    if asked.small:
        run_small(asked.small)


if __name__ == "__main__":
    main()
