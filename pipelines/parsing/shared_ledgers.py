"""Ledgers that hold another member's postings: found by what they share, and held.

Belongs here: comparing the ledgers of all members, and deciding which of two is held. Not here: what being held means
for a delivery (settle.py), a member's own ledgers (repeated_ledgers.py).

A ledger names no buyer, so that a wrong file in the right inbox looks like any other. A delivery is held when over
``shared_ledger_percent`` of its distinct (voucher, date, amount), and at least ``shared_ledger_postings`` of them,
stand in what another member's source had accepted when it came. Of two the later one is held, for the earlier one may
have been published; deliveries are walked through in the order of receipt, whoever is due in a run.

What is compared is a hash of each (ledger_hashes.py), and what two deliveries share is kept too: a run compares only
what is new.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.errors import UnreadableDelivery
from pipelines.files import canonical_json, pretty_json, sha256_bytes, write_atomically
from pipelines.home import Home
from pipelines.landing.decisions import read_decisions, standing_decisions
from pipelines.landing.store import RECEIPTS, Receipt, read_receipts
from pipelines.limits import Limits
from pipelines.parsing.books import LEDGERS, Books, Decisions, Delivery, count_periods, counted_receipts, in_order
from pipelines.parsing.ledger_hashes import FOLDER, Ledger, hashed_ledgers, quoted
from pipelines.parsing.repeated_ledgers import find_repeats, repeated_periods

_HOLDS = "holds.json"
Holds = dict[str, dict[Delivery, str]]


@dataclass(frozen=True)
class Share:
    """How many of a delivery's postings another member's delivery has in one of its fiscal periods."""

    owner: str
    source_name: str
    delivery_id: str
    fiscal_period: str
    postings: int


def find_shared(home: Home) -> Holds:
    """Return why which deliveries are held, by owner.

    While an owner's receipts or parsed ledgers cannot be read, what was held before stays held.
    """
    receipts, unreadable = _read_ledger_receipts(home)
    ledgers, damaged = hashed_ledgers(home, receipts)
    receipts = [receipt for receipt in receipts if receipt.owner not in damaged]
    shares = _shares(home, ledgers)
    limits = home.consortium.limits
    involved = _involved(ledgers, shares, limits)
    if not involved:
        holds: Holds = {}
    else:
        decisions = standing_decisions(decision for owner in involved for decision in read_decisions(home, owner))
        holds = hold_shared(
            [one for one in receipts if one.owner in involved], ledgers, shares, decisions, limits, home
        )
    if unreadable or damaged:
        for owner, held in remembered_holds(home).items():
            holds[owner] = {**held, **holds.get(owner, {})}
    return holds


def shares_of(home: Home, owner: str, delivery_id: str) -> list[Share]:
    """Return what a delivery was last found to share with other members' deliveries, the most first."""
    found: list[Share] = []
    for name, entry in _read_json(home.parsed / FOLDER / f"{owner}.json").items():
        if name.partition(".")[0] == delivery_id:
            found += [Share(*share) for share in entry["shares"]]
    return sorted(found, key=lambda share: (-share.postings, share.owner, share.delivery_id, share.fiscal_period))


def remembered_holds(home: Home) -> Holds:
    """Return what was held after the last run that settled."""
    remembered = _read_json(home.parsed / FOLDER / _HOLDS)
    return {
        owner: {(source, delivery_id): reason for source, delivery_id, reason in held}
        for owner, held in remembered.items()
    }


def remember_holds(home: Home, holds: Holds) -> None:
    """Note what is held, once every owner concerned is settled."""
    document = {
        owner: sorted([*delivery, reason] for delivery, reason in held.items()) for owner, held in holds.items() if held
    }
    if document != _read_json(home.parsed / FOLDER / _HOLDS):
        write_atomically(home.parsed / FOLDER / _HOLDS, pretty_json(document).encode())


def hold_shared(
    receipts: Sequence[Receipt],
    ledgers: Mapping[tuple[str, str, str], Ledger],
    shares: Mapping[tuple[str, str], Sequence[Share]],
    decisions: Decisions,
    limits: Limits,
    home: Home,
) -> Holds:
    """Walk through the members' ledgers in the order of receipt, and hold what shares too much with what stands."""
    counts: dict[str, dict[Delivery, Mapping[str, int]]] = defaultdict(dict)
    for (owner, source_name, delivery_id), ledger in ledgers.items():
        if any(one.owner == owner for one in receipts):
            counts[owner][source_name, delivery_id] = count_periods(home, owner, ledger.name)
    by_owner = defaultdict(list)
    for receipt in receipts:
        by_owner[receipt.owner].append(receipt)
    counted = [
        receipt for owner, listed in by_owner.items() for receipt in counted_receipts(listed, counts[owner], decisions)
    ]
    repeats = {
        owner: find_repeats({key: one for key, one in ledgers.items() if key[0] == owner}, limits.shared_ledger_percent)
        for owner in by_owner
    }
    books: dict[tuple[str, str], Books] = {}
    judged: dict[tuple[str, str, str], str | None] = {}
    for receipt in in_order(counted):
        key = (receipt.owner, receipt.source_name, receipt.delivery_id)
        if key not in judged:
            judged[key] = _judge(ledgers[key], shares, books, limits)
        own = {source_name: one for (owner, source_name), one in books.items() if owner == receipt.owner}
        rows = counts[receipt.owner][key[1:]]
        source = books.setdefault(key[:2], Books(decisions))
        source.receive(receipt, rows, judged[key], repeated_periods(key[1:], rows, own, repeats[receipt.owner]))
    holds: Holds = {}
    for (owner, source_name, delivery_id), reason in judged.items():
        if reason:
            holds.setdefault(owner, {})[source_name, delivery_id] = reason
    return holds


def _judge(
    ledger: Ledger,
    shares: Mapping[tuple[str, str], Sequence[Share]],
    books: Mapping[tuple[str, str], Books],
    limits: Limits,
) -> str | None:
    """Return why a delivery is held, going by what stands when it comes in; nothing of the other's is said."""
    shared: dict[tuple[str, str], int] = defaultdict(int)
    for share in shares.get(ledger.place, ()):
        other = books.get((share.owner, share.source_name))
        if other is not None and share.fiscal_period in other.periods_standing(share.delivery_id):
            shared[share.owner, share.source_name] += share.postings
    most = min(max(shared.values(), default=0), ledger.postings)
    if not _is_too_much(most, ledger.postings, limits):
        return None
    return (
        f"{most} of {ledger.postings} postings (voucher, date and amount) stand in the ledger of another member too. "
        "Nothing of the delivery counts until it is clear whose ledger it is: deliver the right one, or let the "
        "coordinator accept this one (samandel delivery accept)."
    )


def _is_too_much(shared: int, postings: int, limits: Limits) -> bool:
    return shared >= limits.shared_ledger_postings and 100 * shared > limits.shared_ledger_percent * postings


def _involved(
    ledgers: Mapping[tuple[str, str, str], Ledger], shares: Mapping[tuple[str, str], Sequence[Share]], limits: Limits
) -> set[str]:
    """Return the members of whom one may have to be held, whatever stands."""
    involved: set[str] = set()
    for ledger in ledgers.values():
        together: dict[str, int] = defaultdict(int)
        for share in shares.get(ledger.place, ()):
            together[share.owner] += share.postings
        for owner, shared in together.items():
            if _is_too_much(shared, ledger.postings, limits):
                involved |= {ledger.receipt.owner, owner}
    return involved


def _read_ledger_receipts(home: Home) -> tuple[list[Receipt], bool]:
    """Return the ledgers' receipts of all members, and whether there was an owner whose could not be read."""
    others = {(one.owner, one.name) for one in home.consortium.sources if one.kind not in LEDGERS}
    owners = sorted({path.parent.parent.name for path in home.landing.glob(f"*/*/{RECEIPTS}")})
    found: list[Receipt] = []
    unreadable = False
    for owner in owners:
        try:
            # Of sources that today bring something else, receipts may list ten thousand files: not read in vain.
            names = {path.parent.name for path in home.landing.glob(f"{owner}/*/{RECEIPTS}")}
            for name in sorted(names):
                if (owner, name) not in others:
                    found += [one for one in read_receipts(home, owner, name) if one.source in LEDGERS]
        except UnreadableDelivery:
            found = [one for one in found if one.owner != owner]
            unreadable = True
    return found, unreadable


def _shares(home: Home, ledgers: Mapping[tuple[str, str, str], Ledger]) -> dict[tuple[str, str], list[Share]]:
    """Return what each delivery shares with those of others that came before it, from what is kept where it can be."""
    every = list({ledger.place: ledger for ledger in ledgers.values()}.values())
    order = {id(one): number for number, one in enumerate(in_order(ledger.receipt for ledger in every))}
    every.sort(key=lambda ledger: order[id(ledger.receipt)])
    kept = {owner: _read_json(home.parsed / FOLDER / f"{owner}.json") for owner in {one.receipt.owner for one in every}}
    entries: dict[str, dict[str, Any]] = defaultdict(dict)
    asked: list[tuple[Ledger, str]] = []
    earlier: list[tuple[str, str, str]] = []
    for ledger in every:
        owner = ledger.receipt.owner
        against = [one for one in earlier if one[0] != owner]
        key = sha256_bytes(canonical_json([ledger.key, against]).encode())
        earlier.append((*ledger.place, ledger.key))
        entry = kept[owner].get(ledger.name)
        if entry is not None and entry["key"] == key:
            entries[owner][ledger.name] = entry
        else:
            asked.append((ledger, key))
    found = _compare([ledger for ledger, _ in asked], every)
    for ledger, key in asked:
        shares = [[*vars(share).values()] for share in found[ledger.place]]
        entries[ledger.receipt.owner][ledger.name] = {"key": key, "shares": shares}
    for owner, listed in entries.items():
        if listed != kept[owner]:
            write_atomically(home.parsed / FOLDER / f"{owner}.json", pretty_json(listed).encode())
    return {
        (owner, name): [Share(*share) for share in entry["shares"]]
        for owner, listed in entries.items()
        for name, entry in listed.items()
    }


def _compare(asked: Sequence[Ledger], every: Sequence[Ledger]) -> dict[tuple[str, str], list[Share]]:
    """Count what deliveries share with those of others that came before, all in one pass."""
    import duckdb

    found: dict[tuple[str, str], list[Share]] = defaultdict(list)
    if not asked or len({ledger.receipt.owner for ledger in every}) < 2:
        return found
    by_file = {str(ledger.file): (number, ledger) for number, ledger in enumerate(every)}
    with duckdb.connect() as connection:
        rows = connection.execute(
            f"""with
            asked as (
                select distinct filename, posting
                from read_parquet({quoted(one.file for one in asked)}, filename = true)
            ),
            every as (
                select filename, fiscal_period, posting
                from read_parquet({quoted(one.file for one in every)}, filename = true)
            )
            select asked.filename, every.filename, every.fiscal_period, count(*)
            from asked
            inner join every on asked.posting = every.posting
                and string_split(asked.filename, '/')[-2] <> string_split(every.filename, '/')[-2]
            group by all
            order by all"""  # noqa: S608  our own files
        ).fetchall()
    for file, other_file, fiscal_period, count in rows:
        (number, ledger), (other_number, other) = by_file[file], by_file[other_file]
        if other_number < number:
            receipt = other.receipt
            share = Share(receipt.owner, receipt.source_name, receipt.delivery_id, fiscal_period, int(count))
            found[ledger.place].append(share)
    return found


def _read_json(path: Path) -> dict[str, Any]:
    """Return what is kept, or nothing: it can all be found out again."""
    try:
        return dict(json.loads(path.read_bytes()))
    except (OSError, ValueError, TypeError):
        return {}
