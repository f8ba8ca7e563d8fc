"""``samandel delivery``: what came, what counts, and decisions that take effect with the next run."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pipelines.deliveries import decide, find_delivery, list_deliveries, show_delivery
from pipelines.due import due_owners, owner_keys, remember_ingested
from pipelines.errors import ConfigurationError, WarehouseBusy
from pipelines.files import exclusive_lock
from pipelines.home import CONSORTIUM, Home
from pipelines.landing.decisions import ACCEPT, WITHDRAW
from tests.homes import samandel, samandel_json
from tests.unit.dropped import NEIGHBOUR, OWN, drop, ingest, invoice, ledger, make_home

AMOUNTS = [f"{number},00" for number in range(1, 11)]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home with a ledger, a shrunken one after it, invoices in an archive's place, and a broken file."""
    home = make_home(tmp_path / "home")
    drop(home, "oktober.csv", ledger(amounts=AMOUNTS))
    ingest(home)
    drop(home, "oktober ny.csv", ledger(amounts=AMOUNTS[:3]))
    drop(home, "mai/1.xml", invoice("F-1"), "ehf")
    drop(home, "mai/2.xml", "<broken", "ehf")
    ingest(home)
    drop(home, "\x1b[31mrødt.csv", "hva;er\ndette;her\n", owner=NEIGHBOUR)
    ingest(home, NEIGHBOUR)
    return home


def test_the_list_says_what_came_and_what_counts(home: Home) -> None:
    rows = samandel_json("delivery", "list", "--home", home.path, "--json")
    assert [
        (row["municipality_no"], row["source"], row["files"], row["rows"], row["rejects"], row["state"], row["periods"])
        for row in rows
    ] == [
        (OWN, "ehf", 2, 1, 1, "accepted", {"all": "accepted"}),
        (OWN, "ledger", 1, 10, 0, "accepted", {"2026-10": "accepted"}),
        (OWN, "ledger", 1, 3, 0, "held", {"2026-10": "held"}),
        (NEIGHBOUR, "ledger", 1, 0, 1, "failed", {}),
    ]
    assert [row["not_counted"] for row in rows] == [0, 0, 3, 0], "held rows are not refused ones"
    assert set(rows[0]) >= {"delivery_id", "received_at", "sequence", "drop"}


def test_the_list_can_be_cut_to_a_municipality_and_a_state(home: Home) -> None:
    (held,) = samandel_json("delivery", "list", "--state", "held", "--home", home.path, "--json")
    assert held["drop"] == "oktober ny.csv"
    (failed,) = samandel_json("delivery", "list", "--municipality", NEIGHBOUR, "--home", home.path, "--json")
    assert failed["state"] == "failed"
    done = samandel("delivery", "list", "--state", "gone", "--home", home.path, expect=(2,))
    assert "not a state" in done.stderr
    done = samandel("delivery", "list", "--municipality", "0000", "--home", home.path, expect=(2,))
    assert OWN in done.stderr


def test_a_name_from_a_stranger_does_not_steer_the_terminal(home: Home) -> None:
    (failed,) = samandel_json("delivery", "list", "--state", "failed", "--home", home.path, "--json")
    for command in (("list",), ("show", failed["delivery_id"])):
        assert "\x1b[31m" not in samandel("delivery", *command, "--home", home.path).stdout


def test_one_delivery_is_shown_with_everything_that_was_said_of_it(home: Home) -> None:
    (listed,) = [
        row for row in samandel_json("delivery", "list", "--home", home.path, "--json") if row["source"] == "ehf"
    ]
    facts = samandel_json("delivery", "show", listed["delivery_id"][:8], "--home", home.path, "--json")
    assert [file["name"] for file in facts["files"]] == ["1.xml", "2.xml"]
    assert all(len(file["sha256"]) == 64 for file in facts["files"])
    assert facts["documents"] == {"accepted": 1}
    assert [(row["step"], row["outcome"]) for row in facts["outcomes"]] == [("landed", "ok"), ("parsed", "ok")]
    (reject,) = facts["rejects"]
    assert (reject["severity"], reject["rule"], reject["file"]) == ("reject", "IN01", "2.xml")
    assert reject["message"]
    text = samandel("delivery", "show", listed["delivery_id"], "--home", home.path).stdout
    assert "Rejects and remarks" in text


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("show", "ffff"), "no delivery"),
        (("show", ""), "no delivery"),
        (("withdraw", "ffff", "--reason", "x"), "no delivery"),
        (("accept", "{accepted}", "--reason", "x"), "Nothing of the delivery is held"),
        (("withdraw", "{accepted}", "--reason", "  "), "needs a reason"),
        (("withdraw", "{accepted}"), "--reason"),
    ],
    ids=["unknown", "empty", "unknown to withdraw", "nothing held", "no reason", "reason left out"],
)
def test_what_cannot_be_done_is_said_and_changes_nothing(home: Home, arguments: tuple[str, ...], says: str) -> None:
    accepted = samandel_json("delivery", "list", "--state", "accepted", "--home", home.path, "--json")[1]["delivery_id"]
    filled = [argument.format(accepted=accepted) for argument in arguments]
    done = samandel("delivery", *filled, "--home", home.path, expect=(2,))
    assert says in done.stderr + done.stdout
    assert not list(home.landing.glob("*/*/decisions/*"))


def test_no_decision_is_dated_before_what_it_is_about(home: Home) -> None:
    long_ago = datetime(2001, 1, 1, tzinfo=UTC)
    (held,) = list_deliveries(home, OWN, "held")
    receipts = find_delivery(home, held["delivery_id"])
    first = decide(home, receipts, ACCEPT, at=long_ago, by="Kari", reason="hele måneden")
    assert first.at == held["received_at"]
    later = first.at + timedelta(days=3)
    assert decide(home, receipts, WITHDRAW, at=later, by="Kari", reason="likevel ikke").at == later
    assert decide(home, receipts, ACCEPT, at=long_ago, by="Kari", reason="jo").at == later
    with pytest.raises(ConfigurationError, match="Nobody is named"):
        decide(home, receipts, WITHDRAW, at=later, by="  ", reason="x")


def test_what_is_refused_is_shown_in_the_order_in_which_it_stands(home: Home) -> None:
    for name in ("b.csv", "a.csv"):
        drop(home, f"november/{name}", ledger(amounts=["1,00", "x", "2,00", "y"]))
    ingest(home)
    (delivered,) = [one for one in list_deliveries(home, OWN) if one["drop"] == "november"]
    facts = show_delivery(home, delivered["delivery_id"])
    order = [(row["severity"] != "reject", row["file"] or "", row["row"] or 0) for row in facts["rejects"]]
    assert len(order) > 2
    assert order == sorted(order)


def test_an_id_of_two_members_must_be_told_apart(home: Home) -> None:
    drop(home, "lik.csv", ledger(amounts=AMOUNTS), owner=NEIGHBOUR)
    ingest(home, NEIGHBOUR)
    both = [row for row in samandel_json("delivery", "list", "--home", home.path, "--json") if row["rows"] == 10]
    assert len({row["delivery_id"] for row in both}) == 1
    done = samandel("delivery", "show", both[0]["delivery_id"], "--home", home.path, expect=(2,))
    assert "2 deliveries" in done.stderr
    shown = samandel_json(
        "delivery", "show", both[0]["delivery_id"], "--municipality", NEIGHBOUR, "--home", home.path, "--json"
    )
    assert shown["municipality_no"] == NEIGHBOUR


def test_a_decision_makes_everybody_due_and_the_next_ingest_settles_it(home: Home) -> None:
    owners = owner_keys(home, home.read_registers())
    ingest(home, CONSORTIUM)
    remember_ingested(home, owners)
    assert due_owners(home, owners) == []
    (held,) = samandel_json("delivery", "list", "--state", "held", "--home", home.path, "--json")
    decided = samandel_json(
        *("delivery", "accept", held["delivery_id"], "--reason", "hele  måneden", "--by", "Kari"),
        *("--home", home.path, "--json"),
    )
    assert (decided["action"], decided["by"], decided["reason"]) == ("accept", "Kari", "hele måneden")
    assert due_owners(home, owners) == owners
    ingest(home)
    states = [row["state"] for row in samandel_json("delivery", "list", "--home", home.path, "--json")]
    assert states == ["accepted", "superseded", "accepted", "failed"]
    again = samandel("delivery", "accept", held["delivery_id"], "--reason", "x", "--home", home.path, expect=(2,))
    assert "accepted already" in again.stderr
    samandel("delivery", "withdraw", held["delivery_id"], "--reason", "likevel ikke", "--home", home.path)
    facts = samandel_json("delivery", "show", held["delivery_id"], "--home", home.path, "--json")
    assert [one["action"] for one in facts["decisions"]] == ["accept", "withdraw"]
    ingest(home)
    (row,) = samandel_json("delivery", "list", "--state", "withdrawn", "--home", home.path, "--json")
    assert row["delivery_id"] == held["delivery_id"]
    (status,) = [
        one
        for one in samandel_json("status", "--home", home.path, "--json")
        if (one["municipality_no"], one["source"]) == (OWN, "ledger")
    ]
    assert (status["outcome"], status["failing_since"]) == ("withdrawn", None)


def test_no_decision_is_taken_while_a_run_is_at_work(home: Home) -> None:
    (held,) = samandel_json("delivery", "list", "--state", "held", "--home", home.path, "--json")
    with exclusive_lock(home.run_lock, doing="running the pipeline"):
        done = samandel("delivery", "withdraw", held["delivery_id"], "--reason", "x", "--home", home.path, expect=(3,))
    assert "already running" in done.stderr
    assert WarehouseBusy.exit_code == 3
