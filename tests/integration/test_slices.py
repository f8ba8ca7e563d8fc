"""A build in bands, or of some municipalities' slices, leaves what a whole build leaves, whatever came when."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Iterator, Sequence
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
from pipelines.warehouse import bands
from pipelines.warehouse.build import finish_build, read_inputs_now, run_dbt, start_build
from pipelines.warehouse.slices import Plan, compare_inputs, owners_of_shared
from pipelines.warehouse.workings import Standing, note_scores, scores_that_changed, workings_folder
from tests.homes import make_demo
from tests.integration.sliced_builds import Model, Warehouse, digests_of, models_of

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("slices")]

# How many sequences of deliveries, each followed by a build; more take longer: SAMANDEL_SEQUENCES=30.
SEQUENCES = int(os.environ.get("SAMANDEL_SEQUENCES", "4"))
MEMBERS = ("9901", "9902", "9903")  # ledger and e-invoices; a ledger; e-invoices
MODELS_ONLY = ["build", "--exclude-resource-type", "unit_test", "--exclude-resource-type", "test"]


class Deliveries:
    """What could be delivered of a demo consortium, and a random choice of it."""

    def __init__(self, home: Home, seed: int) -> None:
        self.home, self.chance, self.drops = home, random.Random(seed), 0
        self.sequences = 0
        self.clock = Clock.pinned(home.consortium.as_of)  # type: ignore[arg-type]
        shelf = home.path.parent / "shelf"
        home.inbox.rename(shelf)
        self.ledgers = sorted(shelf.glob("99*/ledger/*.csv"))
        self.invoices = {owner: sorted(shelf.glob(f"{owner}/ehf/*/*.xml")) for owner in MEMBERS}
        for found in self.invoices.values():
            self.chance.shuffle(found)
        shutil.copytree(shelf / "_consortium", home.inbox / "_consortium")
        self.waiting = list(self.ledgers)
        self.busy = MEMBERS
        self.did: list[str] = []

    def take(self) -> None:
        """Land, read and settle what lies there, as a run does."""
        land_settings(self.home, self.clock)
        for source in self.home.consortium.sources:
            pull_source(self.home, source, self.clock)
        read_again(self.home)
        match_home(self.home)

    def sequence(self) -> None:
        """Let some things happen, as a rule to one municipality; now and then to what all share."""
        self.busy = tuple(self.chance.sample(MEMBERS, self.chance.choice([1, 1, 1, 2])))
        for _ in range(self.chance.randint(1, 3)):
            what = self.chance.choice([self.ledger, self.corrected, self.some_invoices, self.withdrawn])
            self.did.append(what())
        self.sequences += 1
        if self.sequences % 5 == 0:
            self.did.append(self.register_row())
        if self.sequences % 11 == 0:
            self.did.append(self.company())

    def ledger(self) -> str:
        """A ledger that was not delivered yet, early or late."""
        waiting = [path for path in self.waiting if path.parent.parent.name in self.busy]
        if not waiting:
            return self.corrected()
        path = self.chance.choice(waiting)
        self.waiting.remove(path)
        return self._drop(path, path.read_bytes())

    def corrected(self) -> str:
        """A month again, without some of its lines."""
        delivered = [path for path in self.ledgers if path.parent.parent.name in self.busy]
        if not delivered:
            return self.some_invoices()
        path = self.chance.choice(delivered)
        head, *rows = path.read_bytes().splitlines(keepends=True)
        return self._drop(path, b"".join([head, *(row for row in rows if self.chance.random() > 0.1)]))

    def some_invoices(self) -> str:
        """Some e-invoices of any month, before or after their ledger."""
        owner = self.chance.choice(self.busy)
        found = self.invoices[owner]
        if not found:
            return self.withdrawn()
        self.drops += 1
        folder = self.home.inbox / owner / "ehf" / f"drop{self.drops}"
        folder.mkdir(parents=True, exist_ok=True)
        taken = [found.pop() for _ in range(min(len(found), self.chance.randint(3, 12)))]
        for path in taken:
            shutil.copy(path, folder / path.name)
        return f"{len(taken)} e-invoices of {owner}"

    def withdrawn(self) -> str:
        """A delivery is withdrawn, or one that was is accepted again."""
        owner = self.chance.choice(self.busy)
        receipts = [one for one in read_receipts(self.home, owner) if not is_settings(one) and one.refused is None]
        if not receipts:
            return self.some_invoices() if self.invoices[owner] else self.ledger()
        receipt = self.chance.choice(receipts)
        of_it = [one for one in read_decisions(self.home, owner) if one.delivery_id == receipt.delivery_id]
        action = ACCEPT if of_it and of_it[-1].action == WITHDRAW else WITHDRAW
        all_of_it = [one for one in receipts if one.delivery_id == receipt.delivery_id]
        decide(self.home, all_of_it, action, at=self.clock.now, by="Coordinator", reason="Delivered by mistake")
        return f"{action} {owner} {receipt.source} {receipt.delivery_id}"

    def register_row(self) -> str:
        """An account leaves the charts."""
        path = self.home.registers / "charts_of_accounts.csv"
        head, *rows = path.read_text(encoding="utf-8").splitlines(keepends=True)
        rows.pop(self.chance.randrange(len(rows)))
        path.write_text(head + "".join(rows), encoding="utf-8")
        return "an account less in the charts"

    def company(self) -> str:
        """Companies have another name in the company register."""
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


def test_bands_and_slices_come_to_what_a_whole_build_comes_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = Home(tmp_path / "home")
    make_demo(home.path, "--municipalities", "3", "--months", "3", "--scale", "0.02")
    deliveries = Deliveries(home, seed=5)
    for owner in MEMBERS:
        deliveries.busy = (owner,)
        deliveries.ledger()
    deliveries.busy = ("9901",)
    deliveries.some_invoices()
    deliveries.take()

    # (1) dbt itself: whole, a band for each municipality, then one municipality's slices.
    monkeypatch.setattr(bands, "BAND_BYTES", 1)
    first = start_build(home)
    assert first.plan.slices == (), first.plan
    assert first.environment["SAMANDEL_BANDS"].split(";") == ["9902", "9903", "_consortium", "_none"]
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
    plans = [plan for plan in compare(deliveries, kept, again, whole_models, slice_models) if plan.slices]
    print("\n".join([*deliveries.did, f"{len(plans)} of {SEQUENCES} builds were of slices"]))
    assert any(len(plan.slices) < len(MEMBERS) for plan in plans)


def compare(
    deliveries: Deliveries,
    kept: Warehouse,
    again: Warehouse,
    whole_models: Sequence[Model],
    slice_models: Sequence[Model],
) -> Iterator[Plan]:
    """Let sequences of deliveries come, build after each both ways, and hold every table against its other."""
    home = deliveries.home
    kept.make_whole(whole_models)
    sliced = [model.relation for model in whole_models if model.materialized == "incremental"]
    standing = _stand(home)
    for _ in range(SEQUENCES):
        deliveries.sequence()
        deliveries.take()
        plan = compare_inputs(standing, read_inputs_now(home), owners_of_shared(home))
        deliveries.did.append(str(plan))
        if plan.slices and scores_that_changed(home) is None:
            kept.make_slices(slice_models, "9901", plan.slices)
        else:
            kept.make_whole(whole_models)
        again.make_whole(whole_models)
        left, expected = kept.digests(sliced), again.digests(sliced)
        differ = {name: (left[name], expected[name]) for name in expected if left[name] != expected[name]}
        assert differ == {}, "\n".join(deliveries.did)
        standing = _stand(home)
        yield plan


def _stand(home: Home) -> Standing:
    note_scores(home, workings_folder(home))
    return Standing(read_inputs_now(home), owners_of_shared(home))
