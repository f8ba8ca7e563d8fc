"""A released market view as facts: what each of its columns says, and what its rows say together.

Belongs here: the layout of the released files, and nothing of how they are made. Not here: what kinds of figures there
are (figures.py), which releases a recipient holds (held.py).

(1) Each cell has three amounts: addressable = own + other. Own is the recipient's, and known to it.
(2) A row for all municipalities or all categories, or for a parent in a public list, is the sum of all rows below it
    that sum none themselves.
(3) A recipient takes others' amounts to be zero or more: they are net of credit notes, but seldom negative. Where the
    figures say otherwise the assumption goes, not the figures.
(4) A column or a code that nothing here can place, and a sum of nothing, is a problem: what it gives away is not known.
(5) At which level a row is told says only which sums are there: they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from pipelines.gate.attack import figures
from pipelines.gate.attack.system import Name, System

ADDRESSABLE, OWN, OTHER = "addressable", "own", "other"
ALL = "all"
_MUNICIPALITY_NO = re.compile(r"\d{4}")
_DEEPEST = 20  # levels of a public list: one that runs in a circle ends too

KEY, OWN_OR_PUBLIC = "key", "own or public"
AMOUNTS = {"addressable_nok": ADDRESSABLE, "own_nok": OWN, "other_nok_or_suppressed": OTHER}
RATIOS = {"own_ratio": (OWN, ADDRESSABLE), "other_ratio": (OTHER, ADDRESSABLE)}
COUNTS = {"other_suppliers_band": OTHER}
HEADROOMS = {"law_entry_headroom_band": ADDRESSABLE}
RANKS = {"rank": ADDRESSABLE}
_KEYS = ("year", "municipality_no", "spend_category")
_LEVELS = ("told_at",)  # (5)
READS = frozenset({*_KEYS, *_LEVELS, *AMOUNTS, *RATIOS, *COUNTS, *HEADROOMS, *RANKS, "suppression_code"})
# What the other tables of the release hold is the recipient's own or public; no figure of anybody else is in them.
OWN_TABLES: Mapping[str, frozenset[str]] = {
    "own_sales": frozenset(
        {"month", "municipality_no", "spend_category", "net_amount_nok", "invoices", "contract_reference_present"}
    ),
    "contract_calendar": frozenset(
        {"contract_id", "contract_title", "spend_category", "covers_municipalities", "ends_on", "options_to"}
        | {"reserved_flag", "notice_id"}
    ),
    "owner_view": frozenset(
        {"year", "owner_municipality_no", "ownership_fraction", "product_nok", "inclusion_nok", "transfer_nok"}
    ),
    "dependency": frozenset(
        {"period_start", "period_end", "municipality_no", "sales_nok", "total_income_nok", "dependency_ratio"}
        | {"state", "turnover_source"}
    ),
    # Which cells are shown, which the market view says itself.
    "information_log": frozenset(
        {"source_table", "year", "municipality_no", "spend_category", "contract_id", "is_open", "open_where"}
    ),
}


@dataclass(frozen=True)
class Public:
    """What everybody knows beside the figures.

    Attributes:
        parents: The parent of each code of a public list of categories or municipalities.
        categories: The codes of categories.
        limits: By year, the limits that headroom may be stated against.
    """

    parents: Mapping[str, str] = field(default_factory=dict)
    categories: frozenset[str] = frozenset()
    limits: Mapping[str, Sequence[Decimal]] = field(default_factory=dict)


Cell = tuple[str, str, str]  # year, municipality, category


@dataclass
class View:
    """The facts of one released market view.

    Attributes:
        release: What tells its unknowns from those of another release.
        cells: Every row's cell, in order.
        leaves: Codes of municipalities and categories that no row sums.
        sums: The rows that each row for several sums.
        hidden: The cells whose others are not shown.
        shown: Others' amount of each cell that shows it.
        problems: Columns and codes that cannot be placed (4).
    """

    release: str
    cells: list[Cell] = field(default_factory=list)
    leaves: set[str] = field(default_factory=set)
    sums: dict[Cell, tuple[Cell, ...]] = field(default_factory=dict)
    hidden: list[Cell] = field(default_factory=list)
    shown: dict[Cell, Decimal] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def name(self, measure: str, cell: Cell) -> Name:
        """Return the unknown of a cell's measure."""
        return (self.release, measure, *cell)

    def is_leaf(self, cell: tuple[str, ...]) -> bool:
        """Return whether a cell is of one municipality and one category."""
        return cell[1] in self.leaves and cell[2] in self.leaves


def learn_view(system: System, rows: Iterable[Mapping[str, Any]], release: str, public: Public) -> View:
    """Add to a system what a released market view says.

    Args:
        system: What is known; grows.
        rows: The table's rows.
        release: What tells this release's unknowns from another's.
        public: What everybody knows.
    """
    view = View(release)
    ranks: dict[str, list[tuple[int, Cell]]] = {}
    for row in rows:
        cell = (str(row["year"]), str(row["municipality_no"]), str(row["spend_category"]))
        view.cells.append(cell)
        view.problems += [f"column {name}" for name in row if name not in READS]
        _learn_row(system, view, cell, row, public)
        if row.get("rank") is not None:
            ranks.setdefault(cell[0], []).append((int(row["rank"]), cell))
    for listed in ranks.values():
        names = [view.name(RANKS["rank"], cell) for _, cell in sorted(listed)]
        figures.ranked(system, names, f"{release}: the ranked list")
    for dimension in (1, 2):
        _place_codes(view, dimension, public)
    _learn_totals(system, view, public)
    view.problems = sorted(set(view.problems))
    return view


def _learn_row(system: System, view: View, cell: Cell, row: Mapping[str, Any], public: Public) -> None:
    says = f"{view.release}: {'/'.join(cell)}"
    addressable, own, other = (view.name(measure, cell) for measure in (ADDRESSABLE, OWN, OTHER))
    system.total(addressable, (own, other), says)  # (1)
    system.assumed_positive.update((addressable, other))  # (3)
    for column, measure in AMOUNTS.items():
        if row.get(column) is not None:
            figures.amount(system, view.name(measure, cell), row[column], f"{says}, {column}")
    for column, (part, whole) in RATIOS.items():
        if row.get(column) is not None:
            figures.ratio(system, view.name(part, cell), view.name(whole, cell), row[column], f"{says}, {column}")
    for column, measure in COUNTS.items():
        if row.get(column) == "0":
            figures.count(system, view.name(measure, cell), 0, f"{says}, {column}")
    for column in HEADROOMS:
        if row.get(column):
            _learn_headroom(system, view, cell, column, str(row[column]), public)
    if row.get("other_nok_or_suppressed") is None:
        view.hidden.append(cell)
    else:
        view.shown[cell] = row["other_nok_or_suppressed"]


def _learn_headroom(system: System, view: View, cell: Cell, column: str, label: str, public: Public) -> None:
    limits = public.limits.get(cell[0])
    if limits:
        says = f"{view.release}: {'/'.join(cell)}, {column}"
        figures.headroom(system, view.name(HEADROOMS[column], cell), label, limits, says)
    else:
        view.problems.append(f"{column} of {cell[0]}: no limit is known")


def _place_codes(view: View, dimension: int, public: Public) -> None:
    """Note which codes no row sums, and which cannot be placed (4)."""
    codes = {cell[dimension] for cell in view.cells}
    for code in sorted(codes - {ALL}):
        is_listed = bool(_MUNICIPALITY_NO.fullmatch(code)) if dimension == 1 else code in public.categories
        if is_listed and not any(_is_below(other, code, public) for other in codes - {code}):
            view.leaves.add(code)
        elif not is_listed and code not in public.parents.values():
            view.problems.append(f"code {code}")


def _learn_totals(system: System, view: View, public: Public) -> None:
    """Add that a row for several municipalities or categories is the sum of the rows below it (2)."""
    leaves = [cell for cell in view.cells if view.is_leaf(cell)]
    for cell in view.cells:
        if view.is_leaf(cell):
            continue
        year, *codes = cell
        parts = [
            leaf
            for leaf in leaves
            if leaf[0] == year and all(_is_below(*pair, public) for pair in zip(leaf[1:], codes, strict=True))
        ]
        view.sums[cell] = tuple(parts)
        if not parts:
            view.problems.append(f"nothing is below {'/'.join(cell)}")
        for measure in (ADDRESSABLE, OWN, OTHER) if parts else ():
            says = f"{view.release}: total {'/'.join(cell)}"
            system.total(view.name(measure, cell), [view.name(measure, part) for part in parts], says)


def _is_below(code: str, above: str, public: Public) -> bool:
    """Return whether a code is another, or below it in a public list."""
    steps = 0
    while code != above and code in public.parents and steps < _DEEPEST:
        code, steps = public.parents[code], steps + 1
    return above in (ALL, code)


def unread_columns(columns_by_table: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the columns of a workshop's release that nobody has said what they give away (4)."""
    known = {**OWN_TABLES, "market_view": READS}
    return sorted(
        f"{table}.{name}"
        for table, names in columns_by_table.items()
        for name in names
        if name not in known.get(table, frozenset())
    )
