"""How many hidden cells the attacker works out of random tables, with suppression off and on.

Not a test: ``python -m tests.benchmarks.leaks [--tables N]``. Three kinds of tables:

* tables with all totals of municipalities, categories and months: hidden for those who stand behind them alone, and
  with what is hidden for others' sake;
* workshops' market views: every sum told and every hidden row ranked, and those that the suppressor lets out; attacked
  by the workshop, and by an owner that knows its own;
* tables of whole kroner whose every possible content is tried, nothing hidden for others' sake: how many cells leak by
  that count, and how many of these the attacker finds.

Printed are tables, hidden cells, cells exposed (nothing can protect them) and leaks found.
"""

from __future__ import annotations

import argparse
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal

from pipelines.candidates import ranking, rollup, suppress
from tests.benchmarks.disclosure import run_small as run_enumerated
from tests.benchmarks.disclosure import suppliers_of_all_cells as suppliers
from tests.benchmarks.disclosure import suppressed, told, tree
from tests.unit.candidates.test_rollup import OWNER, cell, places, published, told_cells

DIMENSIONS = (tree("m", 4, 2), tree("c", 6, 2), tree("t", 4, 1))


def run_totals(tables: int) -> None:
    """Print the leaks of tables with all totals."""
    sums: Counter[str] = Counter()
    for seed in range(tables):
        behind = suppliers(seed, DIMENSIONS)
        amounts = {key: Decimal(sum(each.values())) / 100 for key, each in behind.items()}
        primary, secondary, exposed = suppressed(behind, DIMENSIONS)
        sums["off"] += len(told(amounts, primary, DIMENSIONS))
        sums["on"] += len(told(amounts, primary | secondary, DIMENSIONS))
        sums["cells"] += len(amounts)
        sums["primary"] += len(primary)
        sums["secondary"] += len(secondary)
        sums["exposed"] += len(exposed)
    print(
        f"totals: {tables} tables, {sums['cells']} cells, {sums['primary']} hidden primary, {sums['secondary']} "
        f"secondary, {sums['exposed']} exposed; leaks: {sums['off']} with the primary alone, {sums['on']} with both"
    )


def run_market_views(tables: int) -> None:
    """Print the leaks of market views."""
    sums: Counter[str] = Counter()
    for seed in range(tables):
        chance = random.Random(seed)
        cells = []
        for place in places:
            names = chance.sample("abcdefghij", chance.randint(0, 6))
            cells.append(cell(*place, {name: chance.randint(1, 900) for name in names}))
        found = published(cells)
        with _everything_told():
            open_view = published(cells)
        for owner in ("", OWNER):
            sums["off"] += len(told_cells(open_view, cells, owner))
            sums["on"] += len(told_cells(found, cells, owner))
        sums["cells"] += len(cells)
        sums["hidden"] += len(found.log)
        sums["told"] += len(found.sums)
        sums["told off"] += len(open_view.sums)
        sums["in sums"] += sum(bool(row["suppression_code"] and row["told_at"]) for row in found.rows)
    print(
        f"market views: {tables} tables, {sums['cells']} cells, {sums['hidden']} hidden, {sums['in sums']} of them told"
        f" in a sum; sums told: {sums['told off']} with suppression off, {sums['told']} on; leaks found: {sums['off']} "
        f"off, {sums['on']} on"
    )


@contextmanager
def _everything_told() -> Iterator[None]:
    """Tell every sum, and rank every hidden row."""
    kept = rollup._is_safe, suppress.ranks
    rollup._is_safe = lambda *_: True
    suppress.ranks = lambda untold, attacker, *_: ranking.ranks(untold, attacker, Decimal(1), Decimal(1))
    try:
        yield
    finally:
        rollup._is_safe, suppress.ranks = kept


def main() -> None:
    """Run all three."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--tables", type=int, default=100, help="tables of each kind")
    tables = parser.parse_args().tables
    run_totals(tables)
    run_market_views(tables)
    run_enumerated(tables)


if __name__ == "__main__":
    main()
