"""The demo home: the same arguments make the same bytes, in the size that was asked for."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from pipelines.demo.make import DEFAULT_SCALE, make_demo
from pipelines.demo.trading import keep_books, window_months
from pipelines.errors import ConfigurationError
from pipelines.home import Home
from tests.homes import bytes_of


def _books(**arguments):
    wanted = {"municipalities": 20, "months": 12, "scale": DEFAULT_SCALE, "seed": 2026} | arguments
    return keep_books(**wanted, progress=lambda step, done, total: None)


def test_the_same_seed_makes_the_same_bytes(tmp_path: Path) -> None:
    small = {"municipalities": 6, "months": 4, "scale": 0.01}
    for place in ("a", "b"):
        make_demo(tmp_path / place / "home", **small)
    make_demo(tmp_path / "c" / "home", **small, seed=7)
    first, second, other = (bytes_of(tmp_path / place / "home") for place in "abc")
    assert first == second
    assert any(name.endswith(".xlsx") for name in first)
    assert first["truth.json"] != other["truth.json"]


def test_the_key_lies_beside_the_home_and_is_made_once(tmp_path: Path) -> None:
    make_demo(tmp_path / "first", municipalities=1, months=1, scale=0.001)
    key = tmp_path / "first-keys" / "gate_hmac.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert len(bytes.fromhex(key.read_text().strip())) == 32
    assert Home(tmp_path / "first").consortium.gate_key == "file:../first-keys/gate_hmac.key"
    kept = tmp_path / "second-keys" / "gate_hmac.key"
    kept.parent.mkdir()
    kept.write_text("mine\n")
    make_demo(tmp_path / "second", municipalities=1, months=1, scale=0.001)
    assert kept.read_text() == "mine\n"


def test_a_folder_that_holds_something_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "mine.txt").write_text("mine")
    with pytest.raises(ConfigurationError, match="not empty"):
        make_demo(tmp_path / "home")
    assert [path.name for path in tmp_path.rglob("*")] == ["home", "mine.txt"]


def test_the_default_is_small_and_keeps_every_member() -> None:
    books = _books()
    assert 12_000 <= sum(len(one.invoices) for one in books.members) <= 15_000
    assert len(books.members) == 20
    assert sum(one.member.inhabitants for one in books.members) == pytest.approx(140_000, rel=0.01)


def test_shares_are_about_those_of_real_consortia() -> None:
    books = _books()
    pairs = [(one, invoice) for one in books.members for invoice in one.invoices]
    electronic = [invoice for one, invoice in pairs if invoice.is_electronic and one.member.has_ehf]
    posted = [invoice for one, invoice in pairs if one.member.has_ledger]
    net = sum(invoice.net for _, invoice in pairs)
    assert sum(bool(invoice.contract_reference) for invoice in electronic) / len(electronic) == pytest.approx(
        0.35, abs=0.05
    )
    assert sum(invoice.is_credit_note for _, invoice in pairs) / len(pairs) == pytest.approx(0.03, abs=0.01)
    assert sum(len(invoice.postings) for invoice in posted) / len(posted) == pytest.approx(2.5, abs=0.3)
    assert sum(i.net for _, i in pairs if i.supplier.legal_form == "ENK") / net == pytest.approx(0.015, abs=0.015)
    assert net / 100 == pytest.approx(DEFAULT_SCALE * 3.8e9, rel=0.15)


def test_scale_thins_invoices_in_proportion() -> None:
    counts = {
        scale: sum(len(one.invoices) for one in _books(scale=scale, municipalities=5).members) for scale in (0.1, 0.2)
    }
    assert counts[0.2] / counts[0.1] == pytest.approx(2, rel=0.1)


def test_members_deliver_in_the_three_ways_and_layouts() -> None:
    members = [one.member for one in _books(months=1, scale=0.001).members]
    ways = [member.delivers for member in members]
    assert [ways.count(way) for way in ("ledger and ehf", "ledger", "ehf")] == [9, 8, 3]
    assert sum(not member.ledger_has_org_nos for member in members) == 2
    layouts = [member.layout for member in members]
    assert all(layouts.count(layout) >= 4 for layout in ("unit4", "semicolon", "xlsx_no"))


@pytest.mark.parametrize(("municipalities", "months"), [(1, 1), (2, 2), (3, 2), (4, 4), (5, 3)])
def test_smaller_consortia_are_whole_homes(tmp_path: Path, municipalities: int, months: int) -> None:
    seen: list[tuple[str, int, int]] = []
    home = Home(tmp_path / "home")
    make_demo(
        home.path, municipalities=municipalities, months=months, scale=0.005, progress=lambda *step: seen.append(step)
    )
    registers = home.read_registers()
    assert len(registers["members"]) == municipalities
    assert home.consortium.window_months == months
    assert len({source.owner for source in home.consortium.sources}) == municipalities + 1
    assert seen[-1] == ("files", municipalities, municipalities)
    for number in (row["municipality_no"] for row in registers["members"]):
        assert any((home.inbox / number).rglob("*.*"))


def test_the_window_ends_in_october_2026() -> None:
    assert window_months(12)[0] == "2025-11"
    assert window_months(1) == ["2026-10"]
