"""A build of some municipalities' slices leaves what a whole build leaves, whatever was delivered in which order."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.deliveries import decide
from pipelines.home import Home
from pipelines.landing.decisions import ACCEPT, WITHDRAW, read_decisions
from pipelines.landing.inbox import pull_source
from pipelines.landing.settings_delivery import is_settings, land_settings
from pipelines.landing.store import read_receipts
from pipelines.matching.match import match_home
from pipelines.past import read_again
from pipelines.settings import Clock
from pipelines.warehouse.build import finish_build, read_inputs_now, run_dbt, start_build
from pipelines.warehouse.slices import Plan, compare_inputs, owners_of_shared
from pipelines.warehouse.workings import Standing, note_scores, scores_that_changed, workings_folder
from tests.homes import make_demo
from tests.integration.sliced_builds import Warehouse, digests_of, models_of

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("slices")]

# How many sequences of deliveries, each of some steps; more take longer: SAMANDEL_SEQUENCES=30.
SEQUENCES = int(os.environ.get("SAMANDEL_SEQUENCES", "3"))
STEPS = 3
MODELS_ONLY = ["build", "--exclude-resource-type", "unit_test", "--exclude-resource-type", "test"]


class Deliveries:
    """What could be delivered of a demo consortium, and a random choice of it."""

    def __init__(self, home: Home, seed: int) -> None:
        self.home, self.chance, self.drops = home, random.Random(seed), 0
        self.clock = Clock.pinned(home.consortium.as_of)  # type: ignore[arg-type]
        shelf = home.path.parent / "shelf"
        home.inbox.rename(shelf)
        self.ledgers = sorted(shelf.glob("99*/ledger/*.csv"))
        self.invoices = sorted(shelf.glob("99*/ehf/*/*.xml"))
        shutil.copytree(shelf / "_consortium", home.inbox / "_consortium")
        self.waiting = [path for path in self.ledgers]
        self.chance.shuffle(self.invoices)
        self.did: list[str] = []

    def take(self) -> None:
        """Land, read and settle what lies there, as a run does."""
        land_settings(self.home, self.clock)
        for source in self.home.consortium.sources:
            pull_source(self.home, source, self.clock)
        read_again(self.home)
        match_home(self.home)

    def something(self) -> None:
        """Let one to three things happen."""
        for _ in range(self.chance.randint(1, 3)):
            happens: Callable[[], str] = self.chance.choices(
                [self.ledger, self.corrected, self.some_invoices, self.withdrawn, self.register_row, self.company],
                [4, 4, 4, 3, 1, 0.3],
            )[0]
            self.did.append(happens())

    def ledger(self) -> str:
        """A ledger that was not delivered yet, early or late."""
        if not self.waiting:
            return self.corrected()
        path = self.waiting.pop(self.chance.randrange(len(self.waiting)))
        return self._drop(path, path.read_bytes())

    def corrected(self) -> str:
        """A month again, without some of its lines."""
        path = self.chance.choice(self.ledgers)
        head, *rows = path.read_bytes().splitlines(keepends=True)
        return self._drop(path, b"".join([head, *(row for row in rows if self.chance.random() > 0.1)]))

    def some_invoices(self) -> str:
        """Some e-invoices of one municipality, of any month, before or after their ledger."""
        self.drops += 1
        taken = [self.invoices.pop() for _ in range(min(len(self.invoices), self.chance.randint(5, 40)))]
        folder = self.home.inbox / "9901" / "ehf" / f"drop{self.drops}"
        for path in taken:
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, folder / path.name)
        return f"{len(taken)} e-invoices of 9901"

    def withdrawn(self) -> str:
        """A delivery is withdrawn, or one that was is accepted again."""
        owner = self.chance.choice(["9901", "9902"])
        receipts = [one for one in read_receipts(self.home, owner) if not is_settings(one) and one.refused is None]
        if not receipts:
            return self.ledger()
        receipt = self.chance.choice(receipts)
        of_it = [one for one in read_decisions(self.home, owner) if one.delivery_id == receipt.delivery_id]
        action = ACCEPT if of_it and of_it[-1].action == WITHDRAW else WITHDRAW
        all_of_it = [one for one in receipts if one.delivery_id == receipt.delivery_id]
        decide(self.home, all_of_it, action, at=self.clock.now, by="Coordinator", reason="Delivered by mistake")
        return f"{action} {owner} {receipt.source} {receipt.delivery_id}"

    def register_row(self) -> str:
        """An account changes its category, or a contract its supplier's number."""
        path = self.home.registers / "charts_of_accounts.csv"
        head, *rows = path.read_text(encoding="utf-8").splitlines(keepends=True)
        rows.pop(self.chance.randrange(len(rows)))
        path.write_text(head + "".join(rows), encoding="utf-8")
        return "an account less in the charts"

    def company(self) -> str:
        """A company has another name in the company register."""
        self.drops += 1
        source = self.home.path.parent / "shelf" / "_consortium" / "brreg" / "enheter.json"
        text = source.read_text(encoding="utf-8").replace(' AS"', f' {self.drops} AS"', 5)
        path = self.home.inbox / "_consortium" / "brreg" / f"enheter{self.drops}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return "five companies with other names"

    def _drop(self, path: Path, content: bytes) -> str:
        self.drops += 1
        owner = path.parent.parent.name
        target = self.home.inbox / owner / "ledger" / f"{path.stem}-{self.drops}.csv"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        return f"ledger {path.stem} of {owner}"


def test_slices_come_to_what_a_whole_build_comes_to(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    make_demo(home.path, "--municipalities", "2", "--months", "3", "--scale", "0.02")
    deliveries = Deliveries(home, seed=5)
    for _ in range(2):
        deliveries.ledger()
    deliveries.some_invoices()
    deliveries.take()

    # (1) dbt itself: whole, then one municipality's slices.
    first = start_build(home)
    assert first.plan.slices == (), first.plan
    run_dbt(first, MODELS_ONLY)
    whole_models = models_of(first)
    finish_build(home, first)
    deliveries.some_invoices()
    deliveries.take()
    second = start_build(home)
    assert second.plan.slices == ("9901",), second.plan
    assert second.environment["SAMANDEL_SLICES"] == "9901"
    run_dbt(second)  # with its tests, which then read these slices alone
    slice_models = models_of(second)
    finish_build(home, second)
    again = Warehouse(tmp_path / "whole", home.warehouse_file)
    again.make_whole(whole_models)
    left, expected = digests_of(home.warehouse_file), again.digests()
    assert {name for name in expected if left[name] != expected[name]} == set()
    assert left.keys() == expected.keys()

    # (2) The same SQL, after many more deliveries.
    kept = Warehouse(tmp_path / "kept", home.warehouse_file)
    kept.make_whole(whole_models)
    sliced = [model.relation for model in whole_models if model.materialized == "incremental"]
    inputs, shared = read_inputs_now(home), owners_of_shared(home)
    note_scores(home, workings_folder(home))
    plans: list[Plan] = []
    for _ in range(SEQUENCES):
        for _ in range(STEPS):
            deliveries.something()
        deliveries.take()
        plan = compare_inputs(Standing(inputs, shared), read_inputs_now(home), owners_of_shared(home))
        deliveries.did.append(str(plan))
        if plan.slices and scores_that_changed(home) is None:
            plans.append(plan)
            kept.make_slices(slice_models, "9901", plan.slices)
        else:
            kept.make_whole(whole_models)
        again.make_whole(whole_models)
        left, expected = kept.digests(sliced), again.digests(sliced)
        differ = {name: (left[name], expected[name]) for name in expected if left[name] != expected[name]}
        assert differ == {}, "\n".join(deliveries.did)
        inputs, shared = read_inputs_now(home), owners_of_shared(home)
        note_scores(home, workings_folder(home))
    print("\n".join([*deliveries.did, f"{len(plans)} of {SEQUENCES} builds were of slices"]))
    assert plans
