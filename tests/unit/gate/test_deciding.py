"""What people decide counts for what they signed, on the day, and for nothing else; whatever was changed is refused."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import multiprocessing
from collections.abc import Callable
from dataclasses import fields, replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from pipelines import settings
from pipelines.candidates.products import PRODUCTS, CandidateKey
from pipelines.errors import ConfigurationError, VerdictMissing
from pipelines.files import canonical_json, folder_digest, sha256_bytes
from pipelines.gate import decisions as chain
from pipelines.gate import four_eyes
from pipelines.gate import judge as judging
from pipelines.gate.approvers import Approvers
from pipelines.gate.bindings import current_bindings
from pipelines.gate.deciding import Signer, approve, approve_terms, waive
from pipelines.gate.decision import Decision
from pipelines.gate.decisions import append_decision, decisions_file, find_valid_verdict, read_decisions, verify_chain
from pipelines.gate.listing import list_verdicts, list_waiting, show_verdict
from pipelines.gate.rules import RuleResult, read_rules
from pipelines.gate.settled import read_ground
from pipelines.gate.verdict import Verdict
from pipelines.reference import seed_rows
from pipelines.settings import Clock
from tests.signing import ANNA, BERIT, enter_approvers, private_key, sign_terms
from tests.unit.gate.small_home import CLOCK, EXTRACT, SHARE, SmallHome

GATE_KEY = b"an invented secret of the tests"
GREEN = RuleResult("PV01", "1", "block", "passed", 5, 5)
HOLDS = RuleResult("IN10", "1", "hold", "failed", 5, 2, "3 accounts", ("9901/1999", "9901/2999"), "accounts")
PERSON = RuleResult("DC09", "1", "hold", "failed", 1, 0, "60 % is withheld", (), "market_view")
BLOCKS = RuleResult("IN02", "1", "block", "failed", 2, 1, "2026-09 is missing", ("9901/2026-09",), "months")
UNTIL = date(2026, 12, 31)
WHY = "Kontert om i november."


def conclude(small: SmallHome, *results: RuleResult, key: CandidateKey = EXTRACT, clock: Clock = CLOCK) -> Verdict:
    """Give the verdict that follows from these answers, as judging does once it has them."""
    home = small.home
    ground = read_ground(home, clock.as_of)
    bindings = current_bindings(home, key, read_rules(settings.EXPECTATIONS / "rules"))
    given = [GREEN, *results, *ground.answers(key)]
    return judging._conclude(home, key, folder_digest(small.folder(key)), clock, bindings, ground, given, {}, None)


def find(small: SmallHome, key: CandidateKey = EXTRACT, day: date = CLOCK.as_of) -> Verdict:
    return find_valid_verdict(small.home, key, folder_digest(small.folder(key)), day)


def state(small: SmallHome, key: CandidateKey = EXTRACT, day: date = CLOCK.as_of) -> str:
    return next(row["state"] for row in list_verdicts(small.home, day) if row["recipient"] == key.recipient)


def lines(small: SmallHome) -> list[bytes]:
    return decisions_file(small.home).read_bytes().splitlines()


def marked(entries: list[dict[str, Any]]) -> bytes:
    """Write a chain anew as whoever holds the gate's key could: every line follows and is marked."""
    previous, written = "0" * 64, b""
    for number, entry in enumerate(entries, start=1):
        body = {name: value for name, value in entry.items() if name != "hmac"}
        body |= {"sequence": number, "previous": previous}
        mark = hmac.new(GATE_KEY, canonical_json(body).encode(), hashlib.sha256).hexdigest()
        line = canonical_json({**body, "hmac": mark}).encode()
        previous, written = sha256_bytes(line), written + line + b"\n"
    return written


def test_what_is_held_goes_out_when_it_is_approved(small: SmallHome) -> None:
    assert conclude(small, HOLDS).state == "held"
    with pytest.raises(VerdictMissing, match="has held this candidate"):
        find(small)
    taken = approve(small.home, CLOCK, EXTRACT, Signer(ANNA), reason=WHY, expires_on=UNTIL)
    assert (taken.state, taken.withheld_by, state(small)) == ("approved", (), "approved")
    assert conclude(small, HOLDS).state == "approved"
    grounds = find(small).grounds
    assert [(one.action, one.decided_by, one.reason) for one in grounds if not one.terms] == [("approve", ANNA, WHY)]


def test_a_blocking_rule_is_waived_and_the_state_says_so(small: SmallHome) -> None:
    conclude(small, BLOCKS)
    with pytest.raises(ConfigurationError, match=r"Nothing holds it that you can approve: it is blocked \(IN02\)"):
        approve(small.home, CLOCK, EXTRACT, Signer(ANNA), reason=WHY, expires_on=UNTIL)
    waive(small.home, CLOCK, EXTRACT, "IN02", Signer(ANNA), reason=WHY, expires_on=UNTIL)
    assert conclude(small, BLOCKS).state == "released_with_waiver"
    assert find(small).state == "released_with_waiver"
    assert [result.status for result in find(small).results if result.rule == "PB03"] == ["passed"]


@pytest.mark.parametrize("rule", ["PV01", "PV08", "DC04", "DC09", "TN01", "PB04"])
def test_rules_that_protect_others_are_never_waived(small: SmallHome, rule: str) -> None:
    conclude(small, replace(HOLDS, rule=rule, severity="block"))
    before = decisions_file(small.home).read_bytes()
    with pytest.raises(ConfigurationError, match=f"{rule} cannot be waived"):
        waive(small.home, CLOCK, EXTRACT, rule, Signer(ANNA), reason=WHY, expires_on=UNTIL)
    assert decisions_file(small.home).read_bytes() == before


def test_a_waiver_of_such_a_rule_that_was_signed_elsewhere_lets_nothing_go(
    small: SmallHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    conclude(small, replace(BLOCKS, rule="DC04"))
    with monkeypatch.context() as patched:
        patched.setattr("pipelines.gate.deciding.may_be_waived", lambda rule: True)
        waive(small.home, CLOCK, EXTRACT, "DC04", Signer(ANNA), reason=WHY, expires_on=UNTIL)
    verdict = conclude(small, replace(BLOCKS, rule="DC04"))
    assert verdict.state == "blocked"
    assert set(verdict.failed_rules) == {"DC04", "PB03"}


def test_a_privacy_rule_that_holds_is_approved_for_these_bytes_only(small: SmallHome) -> None:
    conclude(small, PERSON, key=SHARE)
    with pytest.raises(ConfigurationError, match="for all to come"):
        approve(small.home, CLOCK, SHARE, Signer(ANNA), reason=WHY, expires_on=UNTIL, is_standing=True)
    approve(small.home, CLOCK, SHARE, Signer(ANNA), reason=WHY, expires_on=UNTIL)
    assert state(small, SHARE) == "approved"


FIELDS = [one.name for one in fields(Decision) if one.name != "sequence"]


def _changed(value: Any) -> Any:
    if isinstance(value, list):
        return [{**value[0], "rule": "IN02"}]
    return {**value, "version": "2"} if isinstance(value, dict) else f"{value[:-1]}x" if value else "x"


@pytest.mark.parametrize("name", FIELDS)
def test_a_decision_changed_in_any_field_is_refused_although_the_gates_key_marks_it(
    small: SmallHome, name: str
) -> None:
    conclude(small, HOLDS)
    approve(small.home, CLOCK, EXTRACT, Signer(ANNA), reason=WHY, expires_on=UNTIL)
    entries = [json.loads(line) for line in lines(small)]
    entries[-1][name] = _changed(entries[-1][name])
    decisions_file(small.home).write_bytes(marked(entries))
    (problem,) = verify_chain(small.home)
    assert f"line {len(entries)}: " in problem
    with pytest.raises(VerdictMissing, match="cannot be trusted"):
        find(small)
    with pytest.raises(VerdictMissing, match="cannot be trusted"):
        conclude(small, HOLDS)


def test_a_signature_does_not_pass_to_another_candidate(small: SmallHome) -> None:
    conclude(small, HOLDS)
    approve(small.home, CLOCK, EXTRACT, Signer(ANNA), reason=WHY, expires_on=UNTIL)
    conclude(small, PERSON, key=SHARE)
    entries = [json.loads(line) for line in lines(small)]
    signed = next(entry for entry in entries if entry.get("candidate_sha256") and entry["kind"] == "decision")
    for replay in (
        signed,  # word for word, at another place
        {**signed, "follows": chain.chain_head(small.home)[1]},
        {**signed, "follows": chain.chain_head(small.home)[1], "product": SHARE.product, "recipient": SHARE.recipient},
    ):
        decisions_file(small.home).write_bytes(marked([*entries, replay]))
        with pytest.raises(VerdictMissing, match="cannot be trusted"):
            find(small, SHARE)


def test_an_approval_is_of_exactly_these_bytes_and_findings(small: SmallHome) -> None:
    conclude(small, HOLDS)
    approve(small.home, CLOCK, EXTRACT, Signer(ANNA), reason=WHY, expires_on=UNTIL)
    assert conclude(small, HOLDS, replace(HOLDS, rule="RF12")).state == "held"
    assert conclude(small, replace(HOLDS, applied=6)).state == "held"
    assert conclude(small, replace(HOLDS, version="2")).state == "held"
    assert conclude(small, replace(HOLDS, examples=("9901/3999",))).state == "held"
    assert conclude(small, HOLDS).state == "approved"
    with (small.folder(EXTRACT) / "kpi.csv").open("a") as stream:
        stream.write(" ")
    assert conclude(small, HOLDS).state == "held"


def test_a_standing_approval_counts_for_what_comes_until_it_expires(small: SmallHome) -> None:
    conclude(small, HOLDS)
    approve(small.home, CLOCK, EXTRACT, Signer(ANNA), reason=WHY, expires_on=UNTIL, is_standing=True)
    with (small.folder(EXTRACT) / "kpi.csv").open("a") as stream:
        stream.write(" ")
    assert conclude(small, replace(HOLDS, applied=9)).state == "approved"
    assert conclude(small, replace(HOLDS, version="2")).state == "held"
    assert conclude(small, HOLDS, clock=Clock.pinned(UNTIL)).state == "approved"
    after = Clock.pinned(date(2027, 1, 1))
    assert conclude(small, HOLDS, clock=after).state == "held"
    assert conclude(small, HOLDS, key=SHARE).state == "held"


def test_an_expired_decision_counts_no_more_at_the_day_of_the_run(small: SmallHome) -> None:
    conclude(small, HOLDS)
    approve(small.home, CLOCK, EXTRACT, Signer(ANNA), reason=WHY, expires_on=UNTIL)
    conclude(small, HOLDS)
    assert find(small, day=UNTIL).state == "approved"
    with pytest.raises(VerdictMissing, match="on 2027-01-01 it is held"):
        find(small, day=date(2027, 1, 1))
    assert state(small, day=date(2027, 1, 1)) == "held"


def test_a_person_who_has_left_the_register_decides_nothing_any_more(small: SmallHome) -> None:
    conclude(small, HOLDS)
    approve(small.home, CLOCK, EXTRACT, Signer(ANNA), reason=WHY, expires_on=UNTIL)
    enter_approvers(small.home, BERIT)
    verdict = conclude(small, HOLDS)
    assert (verdict.state, set(verdict.failed_rules)) == ("held", {"IN10", "PB04"})


def test_four_eyes_are_two_keys_of_two_persons(small: SmallHome) -> None:
    decisions_file(small.home).unlink()
    assert conclude(small).failed_rules == ["PB04"]
    sign_terms(small.home, CLOCK, ANNA)
    sign_terms(small.home, CLOCK, ANNA)
    assert len(read_decisions(small.home)) == len(PRODUCTS)
    assert conclude(small).state == "held"
    with pytest.raises(ConfigurationError, match="Nothing holds it that you can approve"):
        approve(small.home, CLOCK, EXTRACT, Signer(BERIT), reason=WHY, expires_on=UNTIL)
    sign_terms(small.home, CLOCK, BERIT)
    assert conclude(small).state == "approved"


def test_one_person_with_two_ids_and_keys_is_one_person(small: SmallHome) -> None:
    register = small.home.registers / "approvers.csv"
    register.write_text(register.read_text().replace("Godkjenner berit", "GODKJENNER  anna"))
    sign_terms(small.home, CLOCK)
    verdict = conclude(small)
    assert verdict.failed_rules == ["PB04"]
    assert "1 of 2 approvals are missing" in next(one.reason for one in verdict.results if one.rule == "PB04")


def test_one_key_under_two_names_is_nobodys(small: SmallHome) -> None:
    register = small.home.registers / "approvers.csv"
    written = register.read_text()
    register.write_text(written.replace(_public(written, BERIT), _public(written, ANNA)))
    with pytest.raises(ConfigurationError, match="may not sign"):
        approve_terms(small.home, CLOCK, EXTRACT.product, Signer(ANNA), reason=WHY, expires_on=UNTIL)
    assert conclude(small).failed_rules == ["PB04"]


CARL, DORA = "carl", "dora"


def test_nobody_becomes_an_approver_by_writing_the_register_alone(small: SmallHome) -> None:
    assert conclude(small).state == "approved"
    enter_approvers(small.home, ANNA, BERIT, CARL, DORA)
    (found,) = [result for result in conclude(small).results if result.rule == "PB04"]
    assert found.reason.startswith("Changed since it was approved: who may approve: 2 of 2 approvals are missing")
    before = lines(small)
    for one in (CARL, DORA):
        with pytest.raises(ConfigurationError, match=r"Who stood there before approves it: anna, berit\."):
            sign_terms(small.home, CLOCK, one)
    assert lines(small) == before
    (waiting,) = [one for one in list_waiting(small.home, CLOCK.as_of) if one["product"] == EXTRACT.product]
    assert waiting["items"][0]["persons"] == [ANNA, BERIT]
    sign_terms(small.home, CLOCK, ANNA)
    assert conclude(small).state == "held"
    sign_terms(small.home, CLOCK, BERIT)
    assert conclude(small).state == "approved"
    # From then on whoever stands in the approved register may, as when somebody leaves.
    enter_approvers(small.home, CARL, DORA)
    assert conclude(small).failed_rules == ["PB04"]
    sign_terms(small.home, CLOCK, CARL, DORA)
    assert conclude(small).state == "approved"


def _row(approver_id: str, key: str, until: str = "") -> dict[str, str]:
    return {"approver_id": approver_id, "name": f"Godkjenner {approver_id}", "public_key": key, "valid_to": until}


def _approved(rows: list[dict[str, str]], day: str, **keys: str) -> list[Decision]:
    """Have persons approve a register on a day, each with a key."""
    told = Decision(**dict.fromkeys(FIELDS, "") | {"rules": (), "terms": {"approvers": four_eyes._who_may_sign(rows)}})
    about = replace(told, action="approve", product=EXTRACT.product, recipient="*", decided_at=f"{day}T12:00:00Z")
    return [replace(about, decided_by=one, public_key=key) for one, key in keys.items()]


@pytest.mark.parametrize("until", ["2026-10-31", ""], ids=["a key that ended", "a key that holds"])
def test_another_name_on_a_key_makes_nobody_a_second_person(until: str) -> None:
    others = [_row("bob", "B"), _row("cara", "C")]
    first = [_row("anna", "A"), *others]
    rolled = [_row("anna", "A", until), _row("anna", "N"), *others]
    renamed = [_row("dag", "A"), _row("anna", "N"), *others]
    chain = [
        *_approved(first, "2026-10-01", anna="A", bob="B"),
        *_approved(rolled, "2026-10-20", bob="B", cara="C"),
        *_approved(renamed, "2026-11-15", anna="N", dag="A"),
    ]
    approvers = Approvers(renamed)
    before = four_eyes.keys_before(chain, approvers)
    signed = four_eyes.signers(EXTRACT.product, chain[-1].terms, chain, approvers, before)
    assert [one.decided_by for one in signed] == ["anna"]


def test_a_key_that_ended_in_the_approved_register_approves_no_other() -> None:
    rows = [_row("anna", "A"), _row("bob", "B"), _row("cara", "C", "2026-10-31")]
    opened = [*rows[:2], _row("cara", "C")]
    chain = _approved(rows, "2026-10-01", anna="A", bob="B") + _approved(opened, "2026-10-31", bob="B", cara="C")
    approvers = Approvers(opened)
    before = four_eyes.keys_before(chain[:2], approvers)
    signed = four_eyes.signers(EXTRACT.product, chain[-1].terms, chain, approvers, before)
    assert [one.decided_by for one in signed] == ["bob", "cara"], "on its last day it holds"
    late = [*chain[:3], *_approved(opened, "2026-11-01", cara="C")]
    signed = four_eyes.signers(EXTRACT.product, chain[-1].terms, late, approvers, before)
    assert [one.decided_by for one in signed] == ["bob"]


def test_a_signature_that_was_put_into_the_chain_with_a_new_key_counts_for_nothing(small: SmallHome) -> None:
    enter_approvers(small.home, ANNA, BERIT, CARL, DORA)
    ground = read_ground(small.home, CLOCK.as_of)
    told = Decision(
        **dict.fromkeys(FIELDS, "")
        | {"rules": (), "terms": ground.terms(EXTRACT.product)}
        | {"action": "approve", "product": EXTRACT.product, "recipient": "*"}
    )
    taken = replace(told, reason=WHY, decided_at="2026-11-15T00:00:00Z", expires_on=UNTIL.isoformat())
    for one in (CARL, DORA):
        append_decision(small.home, replace(taken, decided_by=one), private_key(one))
    assert read_ground(small.home, CLOCK.as_of).signers(EXTRACT.product) == []
    assert conclude(small).failed_rules == ["PB04"]


def _public(register: str, approver_id: str) -> str:
    return next(line.split(",")[2] for line in register.splitlines() if line.startswith(f"{approver_id},"))


TERMS: dict[str, tuple[str, str]] = {
    "contracts": (
        "contracts",
        "contract_id,title,is_reserved,exclusivity,valid_from,valid_to\nK9,Mat,no,no,2026-01-01,\n",
    ),
    "ownership": (
        "workshop_owners",
        "workshop_org_no,owner_municipality_no,ownership_fraction,valid_from,valid_to\n310000007,9901,1,2020-01-01,\n",
    ),
    "limits": (
        "local_limits",
        "municipality_no,limit_key,amount_nok,source,valid_from,valid_to\n9901,eea,5,V,2026-01-01,\n",
    ),
}


@pytest.mark.parametrize("what", TERMS)
def test_changed_terms_need_both_approvals_again_for_all_recipients_at_once(small: SmallHome, what: str) -> None:
    assert conclude(small).state == "approved"
    register, text = TERMS[what]
    (small.home.registers / f"{register}.csv").write_text(text)
    verdict = conclude(small)
    assert verdict.failed_rules == ["PB04"]
    reason = next(result.reason for result in verdict.results if result.rule == "PB04")
    assert what in reason or "purchasing limits" in reason
    sign_terms(small.home, CLOCK)
    assert (conclude(small).state, conclude(small, key=SHARE).state) == ("approved", "approved")


def test_a_release_of_the_platform_that_brings_another_national_limit_needs_both_approvals_again(
    small: SmallHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = seed_rows("thresholds")
    monkeypatch.setattr(
        four_eyes, "seed_rows", lambda _: [row | {"source": "another page"} for row in reversed(listed)]
    )
    assert conclude(small).state == "approved", "where it was read, and in which order it stands, is no term"
    raised = [row | {"amount_nok_ex_vat": "600000"} if row["rule_key"] == "law_entry" else row for row in listed]
    monkeypatch.setattr(four_eyes, "seed_rows", lambda _: raised)
    for key in (EXTRACT, SHARE):
        (found,) = [result for result in conclude(small, key=key).results if result.rule == "PB04"]
        assert (found.status, found.applied - found.passed) == ("failed", 2)
        assert found.reason.startswith("Changed since it was approved: the national purchasing limits: 2 of 2")
    sign_terms(small.home, CLOCK)
    assert conclude(small).state == "approved"


def test_a_register_written_in_another_order_has_not_changed(small: SmallHome) -> None:
    path = small.home.registers / "workshop_owners.csv"
    header, *rows = path.read_text().splitlines()
    path.write_text("\n".join([header, *reversed(rows), ""]))
    assert conclude(small).state == "approved"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda facts: facts.update(reason="  "), "needs a reason"),
        (lambda facts: facts.update(reason="x" * 501), "more than 500 characters"),
        (lambda facts: facts.update(reason="Ring 912 34 567 om det."), "give a person away"),
        (lambda facts: facts.update(expires_on=date(2026, 11, 14)), "counts to a day between"),
        (lambda facts: facts.update(expires_on=date(2030, 1, 1)), "counts to a day between"),
    ],
    ids=["no reason", "long reason", "a telephone number", "expired", "too long"],
)
def test_a_decision_without_a_reason_or_an_expiry_is_refused(
    small: SmallHome, change: Callable[[dict[str, Any]], None], says: str
) -> None:
    conclude(small, HOLDS)
    facts: dict[str, Any] = {"reason": WHY, "expires_on": UNTIL}
    change(facts)
    before = lines(small)
    with pytest.raises(ConfigurationError, match=says):
        approve(small.home, CLOCK, EXTRACT, Signer(ANNA), **facts)
    assert lines(small) == before


def test_the_key_must_be_the_persons_own_and_closed_and_is_never_told(small: SmallHome) -> None:
    conclude(small, HOLDS)
    keys = small.root / "home-keys"
    secret = (keys / f"{ANNA}.pem").read_text().splitlines()[1]

    def refused(signer: Signer) -> str:
        with pytest.raises(ConfigurationError) as error:
            approve(small.home, CLOCK, EXTRACT, signer, reason=WHY, expires_on=UNTIL)
        assert secret not in str(error.value)
        assert error.value.__cause__ is None
        return str(error.value)

    assert "carla may not sign" in refused(Signer("carla"))
    assert "not the one that anna has" in refused(Signer(ANNA, key=f"file:{keys / 'berit.pem'}"))
    assert "no private key that opens" in refused(Signer(ANNA, key=f"file:{small.root / 'keys' / 'gate.key'}"))
    (keys / f"{ANNA}.pem").chmod(0o640)
    assert "can be read by others" in refused(Signer(ANNA))
    assert all(secret.encode() not in path.read_bytes() for path in small.home.path.rglob("*") if path.is_file())


def _decide(small: SmallHome, approver_id: str) -> None:
    approve(small.home, CLOCK, EXTRACT, Signer(approver_id), reason=WHY, expires_on=UNTIL)


def test_processes_that_decide_at_once_keep_the_chain_whole_and_decide_once_each(small: SmallHome) -> None:
    conclude(small, HOLDS)
    before = len(lines(small))
    context = multiprocessing.get_context("fork")
    deciders = [context.Process(target=_decide, args=(small, one)) for one in (ANNA, ANNA, BERIT, BERIT)]
    for decider in deciders:
        decider.start()
    for decider in deciders:
        decider.join(120)
    assert verify_chain(small.home) == []
    said = [one.decided_by for one in read_decisions(small.home) if not one.terms]
    # Whoever comes second may find nothing held any more; nobody decides twice.
    assert len(said) == len(set(said)) == len(lines(small)) - before
    assert said
    assert state(small) == "approved"


def test_a_kill_right_after_the_append_loses_nothing(small: SmallHome, monkeypatch: pytest.MonkeyPatch) -> None:
    conclude(small, HOLDS)

    def killed(folder: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(chain, "_flush_folder", killed)
        with pytest.raises(KeyboardInterrupt):
            approve(small.home, CLOCK, EXTRACT, Signer(ANNA), reason=WHY, expires_on=UNTIL)
    assert state(small) == "approved"
    taken = len(lines(small))
    assert conclude(small, HOLDS).state == "approved"
    assert len(lines(small)) == taken + 1


@pytest.mark.parametrize("kept", [0.1, 0.5, 0.999], ids=["a few bytes", "half a line", "all but the newline"])
def test_a_decision_torn_by_a_kill_was_not_taken_and_can_be_taken_again(small: SmallHome, kept: float) -> None:
    conclude(small, HOLDS)
    before = decisions_file(small.home).read_bytes()
    approve(small.home, CLOCK, EXTRACT, Signer(ANNA), reason=WHY, expires_on=UNTIL)
    after = decisions_file(small.home).read_bytes()
    decisions_file(small.home).write_bytes(after[: len(before) + int((len(after) - len(before) - 1) * kept)])
    assert (state(small), verify_chain(small.home)) == ("held", [])
    approve(small.home, CLOCK, EXTRACT, Signer(ANNA), reason=WHY, expires_on=UNTIL)
    assert decisions_file(small.home).read_bytes() == after


def test_a_chain_written_anew_by_whoever_holds_the_gates_key_lacks_the_signatures(small: SmallHome) -> None:
    conclude(small, HOLDS)
    approve(small.home, CLOCK, EXTRACT, Signer(ANNA), reason=WHY, expires_on=UNTIL)
    entries = [json.loads(line) for line in lines(small)]
    decisions_file(small.home).write_bytes(marked(entries[1:]))
    assert "it was moved, or written anew" in verify_chain(small.home)[0]


def test_what_waits_says_why_since_when_who_and_how(small: SmallHome) -> None:
    many = tuple(f"9901/{number}" for number in range(5))
    conclude(small, replace(HOLDS, examples=many), replace(BLOCKS, examples=("Kari 01018012345",)))
    (waiting,) = list_waiting(small.home, CLOCK.as_of)
    assert (waiting["state"], waiting["since"]) == ("blocked", "2026-11-15T00:00:00Z")
    blocks, holds = waiting["items"]
    assert (blocks["rule"], holds["rule"]) == ("IN02", "IN10")
    assert holds["examples"] == list(many[:3])
    assert "12345" not in blocks["examples"][0]
    assert holds["who"] == "one of anna, berit"
    assert holds["command"].startswith(
        "samandel gate approve municipality_extract 9901 2026-10 --by anna --expires 2026-12-15"
    )
    assert "gate waive municipality_extract 9901 2026-10 --rule IN02" in blocks["command"]
    assert show_verdict(small.home, EXTRACT.product, EXTRACT.recipient, None, CLOCK.as_of)["waiting"] == [blocks, holds]


def test_terms_wait_once_however_many_candidates_wait_for_them(small: SmallHome) -> None:
    decisions_file(small.home).unlink()
    sign_terms(small.home, CLOCK, ANNA)
    conclude(small)
    conclude(small, key=SHARE)
    first, second = list_waiting(small.home, CLOCK.as_of)
    assert {first["recipient"], second["recipient"]} == {"*"}
    (item,) = first["items"]
    assert item["who"] == "two of anna, berit; anna has approved"
    assert item["command"].startswith(f"samandel gate approve {EXTRACT.product} --by berit --expires 2027-11-15")


def test_signatures_are_those_of_the_keys_in_the_register(small: SmallHome) -> None:
    decision = read_decisions(small.home)[0]
    private_key(ANNA).public_key().verify(base64.b64decode(decision.signature), decision.statement())
