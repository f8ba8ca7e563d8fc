"""The contracts of the demo: joint frameworks, single municipalities' own, and some reserved for workshops.

Belongs here: who has a contract with whom, and which members it covers. Not here: the contract register (demo's
registers.py), whether a purchase refers to one (trading.py).
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import date

from pipelines.demo.books import Contract, Workshop
from pipelines.demo.goods import GOODS, OPERATING
from pipelines.demo.suppliers import Choice, SupplierWorld
from pipelines.demo.trades import TRADES

_FRAMEWORKS_PER_TRADE = 2


def agree_contracts(
    world: SupplierWorld, choices: dict[str, dict[str, Choice]], workshops: Sequence[Workshop], seed: int
) -> list[Contract]:
    """Return the contracts, and tell each supplier which of them holds for which member."""
    rng = random.Random(f"{seed}:contracts")
    members = sorted(choices)
    contracts: list[Contract] = []
    for trade in sorted(TRADES):
        good = next((one for one in GOODS if one.trade == trade and one.account_class == OPERATING), None)
        if good is None or TRADES[trade].paper_only or trade in ("care", "kindergarten", "own_enterprises"):
            continue
        for _ in range(_FRAMEWORKS_PER_TRADE):
            covered = tuple(sorted(rng.sample(members, max(1, round(len(members) * rng.choice((0.4, 0.6, 0.8)))))))
            known = choices[covered[0]][trade].suppliers
            supplier = rng.choice([one for one in known if one.legal_form not in ("", "ENK")] or known)
            contract = _draw_contract(rng, len(contracts) + 1, f"Rammeavtale {good.text.lower()}", covered)
            contract.category, contract.supplier_org_no = good.category, supplier.org_no
            contracts.append(contract)
            for municipality_no in covered:
                supplier.contracts.setdefault(municipality_no, contract.contract_id)
                _make_popular(choices[municipality_no][trade], supplier.serial, world)
    contracts += _reserve(rng, len(contracts), workshops, set(members))
    return contracts


def _draw_contract(rng: random.Random, number: int, title: str, members: tuple[str, ...]) -> Contract:
    starts_on = date(rng.choice((2023, 2024, 2025)), rng.randint(1, 10), 1)
    ends_on = date(starts_on.year + rng.choice((3, 4)), 12, 31)
    return Contract(
        contract_id=f"RA-{starts_on.year}-{number:03d}",
        title=title,
        category=None,
        supplier_org_no="",
        is_reserved=False,
        exclusivity=rng.choice(("yes", "no", "unknown")),
        starts_on=starts_on,
        ends_on=ends_on,
        options_to=date(ends_on.year + 2, 12, 31) if rng.random() < 0.5 else None,
        value=rng.randint(4, 90) * 100_000,
        notice_id=f"{starts_on.year}-{rng.randint(100_000, 199_999)}",
        members=members,
    )


def _make_popular(choice: Choice, serial: int, world: SupplierWorld) -> None:
    """Put a contract's supplier among the first that a member buys from."""
    supplier = world.suppliers[serial - 1]
    if supplier in choice.suppliers:
        choice.suppliers.remove(supplier)
    else:
        choice.suppliers.pop()
    choice.suppliers.insert(min(1, len(choice.suppliers)), supplier)


def _reserve(rng: random.Random, before: int, workshops: Sequence[Workshop], members: set[str]) -> list[Contract]:
    """Return the contracts that are reserved for workshops: every other workshop has one with its owners."""
    contracts: list[Contract] = []
    for position, workshop in enumerate(workshops):
        if position % 2:
            continue
        plan, supplier = workshop.plan, workshop.supplier
        covered = tuple(owner for owner, _ in plan.owners if owner in members)
        contract = _draw_contract(rng, before + len(contracts) + 1, "Reservert kontrakt", covered)
        contract.category, contract.supplier_org_no = plan.categories[0], supplier.org_no
        contract.title = f"Reservert kontrakt {plan.categories[0].replace('_', ' ')}"
        contract.is_reserved, contract.exclusivity = True, "no"
        contract.value = rng.randint(2, 9) * 100_000
        contracts.append(contract)
        for municipality_no in covered:
            supplier.contracts[municipality_no] = contract.contract_id
    return contracts
