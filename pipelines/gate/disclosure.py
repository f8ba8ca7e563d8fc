"""DC01, DC02, DC03, DC08, DC09: no cell of the market view lets a workshop read a competitor, and enough is shown.

Belongs here: recomputing, from the warehouse and the registers alone, who stands behind each published cell. Not here:
suppressing (candidates/); nothing is shared with it, so that an error there is found here.

(1) A cell is a municipality, category and calendar year of addressable purchases: scope core or
    core_service_replacement, category of kind product, payee known, no natural person and not the buyer itself.
(2) Contributors are the payees other than the recipient, by organisation number, else by name; workshops of which one
    member holds more than half are one, those of the recipient's own group none. One that was credited in full hides
    nobody and is none.
(3) What a workshop has consented to publish everybody can take away: it counts, but protects nobody.
(4) Magnitudes are absolute values: a credit note does not make a supplier small.
(5) A cell in which nobody else has any amount is shown as 0 and gives nobody away.
(6) A row for all municipalities or for a group of categories is the sum of all rows below it. What it tells of the
    hidden ones among them, alone or less what another sum tells of some of them, is a cell too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from pipelines.gate.case import Case, examples_of, last_day
from pipelines.gate.rules import Finding

_FIELD = "market_view.other_nok_or_suppressed"
_HIDDEN_WITH_OTHER = ("addressable_nok", "other_nok_or_suppressed", "other_suppliers_band", "law_entry_headroom_band")
# Columns that count people or places, whatever table of a share they stand in.
_COUNTS = ("placements", "places", "persons")
_OF_PEOPLE = ("K33", "K34")
_MARKET_VIEW = "market_view"
_ALL = "all"

Key = tuple[Any, ...]  # year, municipality, category


@dataclass(frozen=True)
class Cell:
    """A published cell of the market view, and what the warehouse says about it.

    Attributes:
        is_sum: It sums other rows.
        contributors: Owner groups other than the recipient's.
        unknown: Those of them whose sums the recipient does not know.
        magnitude: Absolute amounts of the unknown; ``largest`` and ``two_largest`` are parts of it.
    """

    key: tuple[str, ...]
    is_sum: bool
    is_suppressed: bool
    shows: tuple[str, ...]
    addressable: Decimal | None
    own: Decimal | None
    other: Decimal | None
    band: str | None
    true_own: Decimal
    true_other: Decimal
    contributors: int
    unknown: int
    magnitude: Decimal
    largest: Decimal
    two_largest: Decimal


def cells(case: Case) -> list[Cell]:
    """Return every cell of the candidate's market view beside its recomputed contributors."""
    shown = " || ".join(f"case when view.{name} is null then '' else '{name},' end" for name in _HIDDEN_WITH_OTHER)
    rows = case.ask(
        f"""
        select
            cast(view.year as integer), view.municipality_no, view.spend_category,
            coalesce(view.suppression_code, ''), {shown},
            view.addressable_nok, view.own_nok, view.other_nok_or_suppressed, view.other_suppliers_band
        from candidate_market_view as view
        order by 1, 2, 3
        """  # noqa: S608  column names of this module
    )
    count = _counter(case)
    parts = _parts(case, [row[:3] for row in rows])
    return [
        Cell(
            tuple(str(value) for value in row[:3]),
            row[:3] in parts,
            row[3] != "",
            tuple(filter(None, row[4].split(","))),
            *row[5:],
            *count(row[0], parts.get(row[:3], [row[:3]])),
        )
        for row in rows
    ]


def remainders(case: Case) -> list[Cell]:
    """Return what visible sums tell of the hidden rows below them, as cells (6)."""
    listed = cells(case)
    keys: list[Key] = [(int(cell.key[0]), *cell.key[1:]) for cell in listed]
    hidden = {key for key, cell in zip(keys, listed, strict=True) if cell.is_suppressed}
    visible = {key for key, cell in zip(keys, listed, strict=True) if not cell.is_suppressed}
    below = {key: hidden.intersection(parts) for key, parts in _parts(case, keys).items() if key in visible}
    count = _counter(case)
    found: list[Cell] = []
    for key, unknown in sorted(below.items()):
        smaller = [other for other in below.values() if other < unknown]
        crossing = [other for other in below.values() if other & unknown and not (other <= unknown or unknown <= other)]
        known: list[set[Key]] = [set(), *smaller, set[Key]().union(*smaller), *crossing]
        rests = {frozenset(unknown - each) for each in known}
        for rest in sorted(sorted(each) for each in rests if each):
            sums = count(key[0], rest)
            name = (*(str(part) for part in key), f"of {len(rest)} hidden rows")
            shown = (sums[0] + sums[1], sums[0], sums[1], band(sums[2]))
            found.append(Cell(name, True, False, (), *shown, *sums))
    return found


def _parts(case: Case, keys: Iterable[Key]) -> dict[Key, list[Key]]:
    """Return for each row for several municipalities or categories the rows that it sums."""
    parents = {
        code: parent for code, parent in case.ask("select category_key, parent_key from dim_categories") if parent
    }
    codes = {_ALL, *parents.values()}
    listed = list(keys)
    single = [key for key in listed if not codes & {*key[1:]}]
    return {
        key: [
            part
            for part in single
            if part[0] == key[0] and key[1] in (part[1], _ALL) and key[2] in (part[2], parents.get(part[2]), _ALL)
        ]
        for key in listed
        if codes & {*key[1:]}
    }


def _counter(case: Case) -> Callable[[int, Iterable[Key]], tuple[Any, ...]]:
    """Return what counts those behind some rows of a year together."""
    behind, public = purchases_behind(case), _publishing(case)
    groups: dict[int, dict[str, str]] = {}

    def count(year: int, keys: Iterable[Key]) -> tuple[Any, ...]:
        if year not in groups:
            groups[year] = _groups(case, year)
        payees = [each[1:] for key in keys for each in behind.get(key, [])]
        return _counted(case.recipient, payees, groups[year], public)

    return count


def purchases_behind(case: Case) -> dict[tuple[Any, ...], list[tuple[str, str, Decimal, Decimal]]]:
    """Return month, payee, net and absolute sums by year, municipality and category."""
    found: dict[tuple[Any, ...], list[tuple[str, str, Decimal, Decimal]]] = {}
    for year, municipality_no, category, *sums in case.ask(
        r"""
        select
            cast(purchases.period_month[1:4] as integer), purchases.municipality_no, purchases.category_key,
            purchases.period_month,
            coalesce(
                purchases.org_no,
                upper(regexp_replace(purchases.payee_name, '[^\p{L}\p{N}]+', '', 'g')),
                purchases.purchase_line_id
            ) as payee,
            coalesce(sum(purchases.net_amount_nok), 0), coalesce(sum(abs(purchases.net_amount_nok)), 0)
        from fct_purchases as purchases
        inner join dim_categories as categories
            on categories.category_key = purchases.category_key and categories.kind = 'product'
        where purchases.scope in ('core', 'core_service_replacement')
            and purchases.payee_kind not in ('natural_person', 'unknown')
            and not purchases.is_internal
            and (purchases.municipality_no, purchases.category_key) in (
                select (municipality_no, spend_category) from candidate_market_view
            )
        group by all
        """
    ):
        found.setdefault((year, municipality_no, category), []).append((sums[0], sums[1], sums[2], sums[3]))
    return found


def _groups(case: Case, year: int) -> dict[str, str]:
    """Return the member that held more than half of each workshop on some day of a year, the latest of them."""
    held: dict[str, tuple[date, str]] = {}
    for row in case.registers.get("workshop_owners", []):
        is_of_year = row["valid_from"].year <= year and (row["valid_to"] is None or row["valid_to"].year >= year)
        if is_of_year and row["ownership_fraction"] > Decimal("0.5"):
            latest = (row["valid_from"], row["owner_municipality_no"])
            held[row["workshop_org_no"]] = max(latest, held.get(row["workshop_org_no"], latest))
    return {workshop: member for workshop, (_, member) in held.items()}


def _publishing(case: Case) -> set[str]:
    """Return the workshops that had consented to publish their own sales before the window ended."""
    ends = last_day(case.window[-1])
    return {
        row["subject"]
        for row in case.registers.get("consents", [])
        if row["product"] == "workshop_sales" and row["valid_from"] <= ends
    }


def _counted(
    recipient: str, payees: Iterable[tuple[str, Decimal, Decimal]], groups: dict[str, str], public: set[str]
) -> tuple[Any, ...]:
    """Return own and others' sums, how many contribute, how many of them unknown, and the sizes of the unknown."""
    zero = Decimal(0)
    own = other = zero
    all_nets: dict[str, Decimal] = {}
    nets: dict[str, Decimal] = {}
    sizes: dict[str, Decimal] = {}
    own_group = groups.get(recipient, recipient)
    for payee, net, size in payees:
        if payee == recipient:
            own += net
            continue
        other += net
        group = groups.get(payee, payee)
        if group == own_group:
            continue
        all_nets[group] = all_nets.get(group, zero) + net
        if payee not in public:
            nets[group] = nets.get(group, zero) + net
            sizes[group] = sizes.get(group, zero) + size
    ranked = sorted(sizes.values(), reverse=True)
    contributing = [sum(net != 0 for net in sums.values()) for sums in (all_nets, nets)]
    return (own, other, *contributing, sum(ranked, zero), sum(ranked[:1], zero), sum(ranked[:2], zero))


def is_safe_sum(case: Case, year: int, payees: Iterable[tuple[str, Decimal, Decimal]]) -> bool:
    """Return whether a sum of payees' net and absolute amounts could be shown, by DC01 and DC02."""
    _, _, contributing, unknown, magnitude, largest, two_largest = _counted(
        case.recipient, payees, _groups(case, year), _publishing(case)
    )
    fewest = case.rules["DC01"].parameter("min_contributors")
    one, two = (case.rules["DC02"].parameter(name) for name in ("max_largest_share", "max_two_largest_share"))
    is_counted = not (0 < contributing < fewest or (magnitude > 0 and unknown < fewest))
    return bool(is_counted and largest <= one * magnitude and two_largest <= two * magnitude)


def contributors(case: Case) -> Finding:
    """DC01: return the cells that show others' spend with too few others behind it, or hide it only half."""
    fewest = int(case.rules["DC01"].parameter("min_contributors"))
    listed = [*cells(case), *remainders(case)]
    if not listed:
        return Finding(0, reason="The market view has no cells.")
    wrong = {cell.key: problem for cell in listed if (problem := _problem(cell, fewest))}
    wrong |= dict.fromkeys(_ranked_wrongly(case, listed), "a rank is not that of the warehouse's amounts")
    reason = "; ".join(sorted(set(wrong.values())))
    suppressed = sum(cell.is_suppressed for cell in listed)
    if not wrong:
        reason = f"{suppressed} of {len(listed)} cells are suppressed."
    return Finding(len(listed), len(wrong), reason, examples_of(list(wrong)), _FIELD)


def _problem(cell: Cell, fewest: int) -> str:
    if cell.is_suppressed:
        return f"a suppressed cell still shows {', '.join(cell.shows)}" if cell.shows else ""
    if 0 < cell.contributors < fewest or (cell.magnitude > 0 and cell.unknown < fewest):
        return f"fewer than {fewest} others stand behind a visible cell"
    if (cell.own or Decimal(0), cell.other or Decimal(0)) != (cell.true_own, cell.true_other):
        # What stands behind another amount than the one shown cannot be counted.
        return "a visible cell is not what the warehouse holds"
    if cell.addressable is not None and cell.addressable != cell.true_own + cell.true_other:
        return "a visible cell's total is not the sum of its parts"
    return (
        "" if (cell.band or "0") == band(cell.contributors) else "a visible cell's band is not that of its contributors"
    )


def _ranked_wrongly(case: Case, listed: Iterable[Cell]) -> list[tuple[str, ...]]:
    """Return the ranked cells that are shown, or that are larger than one ranked before them."""
    by_key = {cell.key: cell for cell in listed}
    rows = case.ask(
        """
        select cast(year as varchar), municipality_no, spend_category
        from candidate_market_view
        where rank is not null
        order by year, rank
        """
    )
    wrong, before = [], None
    for key in rows:
        cell = by_key[key]
        is_larger = before is not None and before.key[0] == key[0] and size_of(cell) > size_of(before)
        if is_larger or not cell.is_suppressed or cell.is_sum:
            wrong.append(key)
        before = cell
    return wrong


def size_of(cell: Cell) -> Decimal:
    """Return what a cell holds altogether."""
    return cell.true_own + cell.true_other


def band(count: int) -> str:
    """Return the band in which a number of contributors is published."""
    if count == 0:
        return "0"
    for least, label in ((10, "10+"), (5, "5-9"), (3, "3-4")):
        if count >= least:
            return label
    return ""


def _told(case: Case) -> list[Cell]:
    """Return what is told of others: visible cells, and what sums tell of the hidden ones."""
    return [*(cell for cell in cells(case) if not cell.is_suppressed), *remainders(case)]


def dominance(case: Case) -> Finding:
    """DC02: return the visible cells in which one or two others hold nearly everything."""
    rule = case.rules["DC02"]
    one, two = rule.parameter("max_largest_share"), rule.parameter("max_two_largest_share")
    visible = [cell for cell in _told(case) if cell.magnitude > 0]
    if not visible:
        return Finding(0, reason="The market view shows no cell with others' spend.")
    wrong = [
        cell.key for cell in visible if cell.largest > one * cell.magnitude or cell.two_largest > two * cell.magnitude
    ]
    reason = f"{len(wrong)} visible cells are dominated by one or two others." if wrong else ""
    return Finding(len(visible), len(wrong), reason, examples_of(wrong), _FIELD)


def close_estimates(case: Case) -> Finding:
    """DC03: return the visible cells from which the recipient could estimate the largest other too closely.

    What it knows, its own and what is public, it takes away; what is left beside the largest is all that protects it.
    """
    p = case.rules["DC03"].parameter("p_percent") / 100
    visible = [cell for cell in _told(case) if cell.magnitude > 0]
    if not visible:
        return Finding(0, reason="The market view shows no cell with others' spend.")
    wrong = [cell.key for cell in visible if cell.magnitude - cell.largest < p * cell.largest]
    reason = f"{len(wrong)} visible cells let the largest other be estimated within {p:.0%}." if wrong else ""
    return Finding(len(visible), len(wrong), reason, examples_of(wrong), _FIELD)


def small_counts(case: Case) -> Finding:
    """DC08: return the cells that show a count too small to show: of others in a band, of people or of places."""
    fewest = int(case.rules["DC08"].parameter("min_count"))
    shown = cells(case) if _MARKET_VIEW in case.files.tables else []
    banded = [cell for cell in shown if not cell.is_suppressed and cell.band]
    wrong: list[tuple[Any, ...]] = [cell.key for cell in banded if 0 < cell.contributors < fewest]
    counted = len(banded)
    for table, rows in sorted(case.files.tables.items()):
        for name in (name for name in rows.column_names if name.startswith(_COUNTS)):
            values = rows[name].to_pylist()
            counted += len(values)
            wrong += [(table, name, row) for row, value in enumerate(values, 1) if value and 0 < value < fewest]
        if {"kpi_key", "value"} <= set(rows.column_names):
            figures = [row for row in rows.select(["kpi_key", "value"]).to_pylist() if row["kpi_key"] in _OF_PEOPLE]
            counted += len(figures)
            wrong += [(table, row["kpi_key"]) for row in figures if row["value"] and 0 < row["value"] < fewest]
    if not counted:
        return Finding(0, reason="The candidate shows no count of others, people or places.")
    reason = f"{len(wrong)} cells show a count under {fewest}." if wrong else ""
    return Finding(counted, len(wrong), reason, examples_of(wrong), "market_view.other_suppliers_band")


def withheld_value(case: Case) -> Finding:
    """DC09: return the cells told at no level where they are so much of the market that the share is of little use."""
    most = case.rules["DC09"].parameter("max_withheld")
    listed = cells(case)
    sums = _parts(case, [(int(cell.key[0]), *cell.key[1:]) for cell in listed])
    told = {
        tuple(map(str, part))
        for cell in listed
        if cell.is_sum and not cell.is_suppressed
        for part in sums[int(cell.key[0]), *cell.key[1:]]
    }
    sized = [(cell, abs(cell.true_own + cell.true_other)) for cell in listed if not cell.is_sum]
    total = sum((size for _, size in sized), Decimal(0))
    if not total:
        return Finding(0, reason="The market view has no value to show or withhold.")
    hidden = [(cell.key, size) for cell, size in sized if cell.is_suppressed and cell.key not in told and size]
    part = sum((size for _, size in hidden), Decimal(0)) / total
    is_too_much = part > most
    return Finding(
        len(sized),
        len(hidden) if is_too_much else 0,
        f"{part:.1%} of the addressable value is withheld{f', over {most:.0%}' if is_too_much else ''}.",
        examples_of([key for key, _ in hidden]) if is_too_much else (),
        _FIELD,
    )
