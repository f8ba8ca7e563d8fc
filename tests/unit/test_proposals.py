"""Nothing that is handed in takes effect before its difference was shown and accepted by somebody with a name."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from pipelines import proposals
from pipelines import registers_nb as nb
from pipelines.errors import ConfigurationError, ProblemsFound, WarehouseBusy
from pipelines.files import exclusive_lock, sha256_file
from pipelines.home import Home
from pipelines.proposals import (
    Proposal,
    accept_proposal,
    list_proposals,
    propose_sub_units,
    propose_supplier_corrections,
    read_decisions,
    refuse_proposal,
    show_proposal,
    shown_facts,
)
from pipelines.registers import REGISTERS, read_register
from tests.integration.tiny_home import WORKSHOP
from tests.unit.registered import (
    AS_OF,
    CLOCK,
    MEMBER,
    NEIGHBOUR,
    ROWS,
    delivering,
    drop,
    fill,
    form_bytes,
    make_registered_home,
    take,
    write_row,
)

LAUNDRY = {"Kategori": "Vaskeri og tekstilvask", "Leverer til Lilleby (9901)": "ja", "Gjelder fra": date(2026, 12, 1)}
TASK = {
    "Oppgavenummer": "T-9",
    "Kategori": "Vaskeri og tekstilvask",
    "Beskrivelse": "Vask av gardiner",
    "Gjelder fra": date(2026, 12, 1),
}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return make_registered_home(tmp_path / "home")


def hand_in(home: Home, register: str, owner: str, values: dict[str, Any], *, row: int = 2, name: str = "") -> Proposal:
    """Fill one row of a form, hand it in, have it taken, and return the proposal."""
    before = {one.proposal_id for one in list_proposals(home)}
    drop(home, owner, name or f"{register}.xlsx", fill(form_bytes(home, register, owner), write_row(row, values)))
    take(home, owner)
    (new,) = [one for one in list_proposals(home) if one.proposal_id not in before]
    return new


def accept(home: Home, proposal: Proposal, **more: Any) -> list[str]:
    digest = show_proposal(home, proposal.proposal_id).digest
    return accept_proposal(home, proposal.proposal_id, by="Kari Prøve", digest=digest, clock=CLOCK, **more)


def csv_of(home: Home, register: str) -> str:
    return (home.registers / f"{register}.csv").read_text(encoding="utf-8")


def digests(home: Home) -> dict[str, str]:
    return {path.name: sha256_file(path) for path in home.registers.glob("*.csv")}


FILLED: dict[str, tuple[str, dict[str, Any], str]] = {
    "workshop_departments": (
        WORKSHOP,
        {"Avdeling": "Ved", "Plasser": 6, "Timer i året": 6600, "Gjelder fra": date(2026, 12, 1)},
        f"{WORKSHOP},Ved,6,6600,2026-12-01,",
    ),
    "workshop_capabilities": (
        WORKSHOP,
        LAUNDRY | {"Leverer til Storvik (9902)": "ja", "Kapasitet per måned": 12500.5},
        f"{WORKSHOP},laundry,,9901;9902,12500.50,2026-12-01,",
    ),
    "workshop_accounts": (
        WORKSHOP,
        {
            "Type regnskap": "siste tolv måneder",
            "Sum inntekter": 9100000,
            "Salgsinntekter": 4100000.75,
            "Salg til eierne": 1600000,
            "Salg utenfor samarbeidet": 800000,
            "Kilde": "Egen rapport",
            "Periode fra": date(2025, 11, 1),
            "Periode til": date(2026, 10, 31),
        },
        f"{WORKSHOP},rolling,9100000.00,4100000.75,,1600000.00,800000.00,Egen rapport,2025-11-01,2026-10-31",
    ),
    "ripple": (
        WORKSHOP,
        {
            "Omsetning": 4200000,
            "Innkjøp i regionen": 910000,
            "Netto lønn til innbyggere": 1300000,
            "Kilde": "Egen rapport",
            "Periode fra": date(2026, 1, 1),
            "Periode til": date(2026, 12, 31),
        },
        f"{WORKSHOP},4200000.00,910000.00,1300000.00,Egen rapport,2026-01-01,2026-12-31",
    ),
    "placements": (
        WORKSHOP,
        {"Kommune": "Storvik (9902)", "Antall": 2, "Periode fra": date(2026, 7, 1), "Periode til": date(2026, 12, 31)},
        f"9902,{WORKSHOP},2,2026-07-01,2026-12-31",
    ),
    "tasks": (MEMBER, TASK, "T-9,9901,laundry,Vask av gardiner,,2026-12-01,"),
    "local_limits": (
        MEMBER,
        {"Grense": "Kunngjøring i Doffin", "Beløp": 900000, "Kilde": "Sak 40/26", "Gjelder fra": date(2026, 12, 1)},
        "9901,national_notice,900000.00,Sak 40/26,2026-12-01,",
    ),
    "targets": (
        MEMBER,
        {
            "Måltall": "K05 Bedriftenes andel av det de kan levere",
            "Utgangspunkt": 0.1,
            "Mål": 0.155,
            "Målt fra": date(2026, 1, 1),
            "Skal nås innen": date(2028, 12, 31),
        },
        "9901,K05,0.1,0.155,2026-01-01,2028-12-31",
    ),
    "opportunity_outcomes": (
        MEMBER,
        {
            "Bedrift": "Eksempel Vekst AS (310000000)",
            "Kategori": "Vaskeri og tekstilvask",
            "Resultat": "avslått",
            "Begrunnelse": "For dyrt",
            "Gjelder fra": date(2026, 11, 1),
        },
        f"9901,{WORKSHOP},laundry,refused,For dyrt,2026-11-01,",
    ),
    "supplier_corrections": (
        MEMBER,
        {
            "Leverandørnummer": 70002,
            "Navn i reskontro": "Vekst",
            "Foreslått org.nr.": "310000019",
            "Svar": "et annet nummer er riktig",
            "Riktig org.nr.": 310000000,
            "Gjelder fra": date(2026, 11, 1),
        },
        f"9901,70002,Vekst,310000019,other,{WORKSHOP},,2026-11-01,",
    ),
}


def test_every_form_is_tried() -> None:
    assert FILLED.keys() == nb.FORMS.keys()


@pytest.mark.parametrize("register", FILLED)
def test_a_filled_form_becomes_a_row_of_the_register_once_it_is_accepted(home: Home, register: str) -> None:
    owner, values, line = FILLED[register]
    before = csv_of(home, register).splitlines()
    proposal = hand_in(home, register, owner, values, row=2)
    assert proposal.rejects == []
    assert csv_of(home, register).splitlines() == before
    assert accept(home, proposal) == [register]
    after = csv_of(home, register).splitlines()
    assert [text for text in after if text != line] == before
    assert after.count(line) == 1
    raw = (home.registers / f"{register}.csv").read_bytes()
    assert read_register(REGISTERS[register], raw, file=register).problems == []
    assert list_proposals(home)[-1].state == "accepted"


def test_nothing_takes_effect_by_being_handed_in_or_shown(home: Home) -> None:
    before = digests(home)
    proposal = hand_in(home, "tasks", MEMBER, TASK)
    show_proposal(home, proposal.proposal_id)
    assert digests(home) == before
    assert read_decisions(home) == []


def test_the_difference_is_shown_by_key_old_and_new(home: Home) -> None:
    values = {"Kapasitet per måned": 90000, "Gjelder fra": date(2026, 12, 1)}
    proposal = hand_in(home, "workshop_capabilities", WORKSHOP, values, row=1)
    facts = shown_facts(show_proposal(home, proposal.proposal_id))
    assert [(change["kind"], change["key"]["category_key"], change["valid_from"]) for change in facts["changes"]] == [
        ("ended", "meeting_food", "2024-01-01"),
        ("added", "meeting_food", "2026-12-01"),
    ]
    assert facts["changes"][0]["columns"] == {"valid_to": {"old": "", "new": "2026-11-30"}}
    assert facts["changes"][1]["columns"]["monthly_capacity_nok"] == {"old": "", "new": "90000.00"}
    assert facts["can_be_accepted_whole"]
    accept(home, proposal)
    assert csv_of(home, "workshop_capabilities").splitlines()[1:3] == [
        f"{WORKSHOP},meeting_food,Kjøkken,9901;9902,60000.00,2024-01-01,2026-11-30",
        f"{WORKSHOP},meeting_food,Kjøkken,9901;9902,90000.00,2026-12-01,",
    ]


def test_another_difference_than_the_shown_one_is_not_accepted(home: Home) -> None:
    proposal = hand_in(home, "tasks", MEMBER, TASK)
    digest = show_proposal(home, proposal.proposal_id).digest
    path = home.registers / "tasks.csv"
    path.write_text(path.read_text(encoding="utf-8") + "T-8,9902,laundry,Ny,,2026-01-01,\n", encoding="utf-8")
    before = digests(home)
    with pytest.raises(ConfigurationError, match="changed since"):
        accept_proposal(home, proposal.proposal_id, by="Kari", digest=digest, clock=CLOCK)
    assert digests(home) == before
    assert accept(home, proposal) == ["tasks"]
    assert "T-8,9902" in csv_of(home, "tasks")


def test_a_form_made_before_the_register_changed_says_so(home: Home) -> None:
    raw = fill(form_bytes(home, "tasks", MEMBER), write_row(2, TASK))
    path = home.registers / "tasks.csv"
    path.write_text(path.read_text(encoding="utf-8").replace("40000.00", "41000.00"), encoding="utf-8")
    drop(home, MEMBER, "tasks.xlsx", raw)
    take(home, MEMBER)
    shown = show_proposal(home, list_proposals(home)[0].proposal_id)
    assert shown.is_from_other_rows
    assert {"old": "41000.00", "new": "40000.00"} in [
        pair for change in shown_facts(shown)["changes"] for pair in change["columns"].values()
    ]


def test_refused_rows_must_be_left_out_knowingly(home: Home) -> None:
    raw = fill(form_bytes(home, "tasks", MEMBER), write_row(2, TASK))
    drop(home, MEMBER, "tasks.xlsx", fill(raw, write_row(3, TASK | {"Oppgavenummer": "T-10", "Kategori": "Mat"})))
    take(home, MEMBER)
    (proposal,) = list_proposals(home)
    assert [(row["_row_no"], row["rule"]) for row in proposal.refused_rows] == [(6, "IN12")]
    remarks = shown_facts(show_proposal(home, proposal.proposal_id))["remarks"]
    assert [(remark["column"], remark["message_nb"]) for remark in remarks] == [
        ("Kategori", "Velg en verdi fra listen.")
    ]
    with pytest.raises(ConfigurationError, match="refused"):
        accept(home, proposal)
    assert "T-9" not in csv_of(home, "tasks")
    assert accept(home, proposal, valid_rows_only=True) == ["tasks"]
    assert "T-9" in csv_of(home, "tasks")
    assert "T-10" not in csv_of(home, "tasks")
    assert read_decisions(home)[0]["refused_rows"] == 1


def test_a_decision_needs_a_name_and_a_refusal_a_reason(home: Home) -> None:
    proposal = hand_in(home, "tasks", MEMBER, TASK)
    digest = show_proposal(home, proposal.proposal_id).digest
    with pytest.raises(ConfigurationError, match="Nobody"):
        accept_proposal(home, proposal.proposal_id, by=" ", digest=digest, clock=CLOCK)
    with pytest.raises(ConfigurationError, match="reason"):
        refuse_proposal(home, proposal.proposal_id, by="Kari", reason=" ", clock=CLOCK)
    refuse_proposal(home, proposal.proposal_id, by="Kari", reason="Gjelder ikke oss", clock=CLOCK)
    assert [one.state for one in list_proposals(home)] == ["refused"]
    with pytest.raises(ConfigurationError, match="is refused"):
        accept(home, proposal)
    assert "T-9" not in csv_of(home, "tasks")


def test_the_same_form_again_is_the_same_proposal(home: Home) -> None:
    raw = fill(form_bytes(home, "tasks", MEMBER), write_row(2, TASK))
    for name in ("first.xlsx", "second.xlsx"):
        drop(home, MEMBER, name, raw)
        take(home, MEMBER)
    assert len(list_proposals(home)) == 1


def test_a_later_form_overtakes_an_earlier_one(home: Home) -> None:
    first = hand_in(home, "tasks", MEMBER, TASK, name="first.xlsx")
    second = hand_in(home, "tasks", MEMBER, TASK | {"Anslått verdi": 5000}, name="second.xlsx")
    other = hand_in(home, "tasks", NEIGHBOUR, TASK | {"Oppgavenummer": "T-11"})
    states = {one.proposal_id: one.state for one in list_proposals(home)}
    assert states == {first.proposal_id: "overtaken", second.proposal_id: "waiting", other.proposal_id: "waiting"}
    with pytest.raises(ConfigurationError, match="overtaken"):
        accept(home, first)
    accept(home, second)
    with pytest.raises(ConfigurationError, match="overtaken"):
        accept(home, first)
    refuse_proposal(home, first.proposal_id, by="Kari", reason="Erstattet", clock=CLOCK)


def test_a_refused_later_form_gives_way_to_the_earlier_one(home: Home) -> None:
    first = hand_in(home, "tasks", MEMBER, TASK, name="first.xlsx")
    second = hand_in(home, "tasks", MEMBER, TASK | {"Anslått verdi": 5000}, name="second.xlsx")
    refuse_proposal(home, second.proposal_id, by="Kari", reason="Feil", clock=CLOCK)
    assert accept(home, first) == ["tasks"]


def test_a_key_taken_by_another_since_the_form_was_read_is_a_conflict(home: Home) -> None:
    ours = hand_in(home, "tasks", MEMBER, TASK)
    theirs = hand_in(home, "tasks", NEIGHBOUR, TASK)
    accept(home, theirs)
    facts = shown_facts(show_proposal(home, ours.proposal_id))
    assert [(one["row"], "somebody else's" in one["message"]) for one in facts["conflicts"]] == [(5, True)]
    with pytest.raises(ConfigurationError, match="conflict"):
        accept(home, ours)
    assert csv_of(home, "tasks").count("T-9") == 1


def test_nothing_is_decided_while_a_run_is_going_on(home: Home) -> None:
    proposal = hand_in(home, "tasks", MEMBER, TASK)
    with exclusive_lock(home.run_lock, doing="running"), pytest.raises(WarehouseBusy):
        accept(home, proposal)
    assert "T-9" not in csv_of(home, "tasks")


@pytest.mark.parametrize("writes_before_the_kill", [0, 1, 2])
def test_cut_short_anywhere_it_waits_and_can_be_accepted_again(
    home: Home, monkeypatch: pytest.MonkeyPatch, writes_before_the_kill: int
) -> None:
    proposal = hand_in_contracts(home)
    whole = tuple(digests(home).values())
    written: list[Path] = []
    write = proposals.write_atomically

    def cut_short(path: Path, raw: bytes, **more: Any) -> None:
        if len(written) == writes_before_the_kill:
            raise KeyboardInterrupt
        written.append(path)
        write(path, raw, **more)

    monkeypatch.setattr(proposals, "write_atomically", cut_short)
    with pytest.raises(KeyboardInterrupt):
        accept(home, proposal)
    monkeypatch.setattr(proposals, "write_atomically", write)
    assert [one.state for one in list_proposals(home)] == ["waiting"]
    assert read_decisions(home) == []
    home.read_registers()
    accept(home, proposal)
    assert [entry["decision"] for entry in read_decisions(home)] == ["accepted"]
    assert csv_of(home, "contracts").count("A-17") == 1
    assert csv_of(home, "contract_members").count("A-17") == 2
    assert tuple(digests(home).values()) != whole


def hand_in_contracts(home: Home) -> Proposal:
    text = home.consortium_file.read_text(encoding="utf-8")
    joint = "  - {kind: registers, name: contracts, profile: kgv_csv, settle_seconds: 0}\n"
    home.consortium_file.write_text(text + joint, encoding="utf-8")
    export = (
        "Kontrakts-ID;Kontraktsnavn;Leverandør org.nr;Gyldig fra;Gyldig til;Hoved-CPV;Oppdragsgiver;Tilstand\n"
        "A-17;Renhold;310000019;01.01.2026;31.12.2027;90910000-9;Lilleby;Aktiv\n"
        "A-17;Renhold;310000019;01.01.2026;31.12.2027;90910000-9;Storvik kommune;Aktiv\n"
    )
    export = export.replace(";Oppdragsgiver", ";Reservert kontrakt;Oppdragsgiver").replace("-9;", "-9;Nei;")
    drop(home, "_consortium", "avtaler.csv", export.encode(), source="contracts")
    take(home, "_consortium")
    (proposal,) = list_proposals(home)
    assert proposal.rejects == []
    return proposal


def test_contracts_from_an_export_are_accepted_like_a_form(home: Home) -> None:
    proposal = hand_in_contracts(home)
    assert proposal.registers == ["contracts", "contract_members"]
    assert accept(home, proposal) == ["contracts", "contract_members"]
    assert csv_of(home, "contracts").splitlines()[1:] == [
        "A-17,Renhold,cleaning,310000019,no,unknown,,,,2026-01-01,2027-12-31"
    ]
    assert csv_of(home, "contract_members").splitlines()[1:] == [
        "A-17,9901,2026-01-01,2027-12-31",
        "A-17,9902,2026-01-01,2027-12-31",
    ]
    assert home.read_registers()["contracts"][0]["exclusivity"] == "unknown"


def test_the_record_only_grows_and_tells_when_it_was_changed(home: Home) -> None:
    refuse_proposal(home, hand_in(home, "tasks", MEMBER, TASK).proposal_id, by="Kari", reason="Feil", clock=CLOCK)
    accept(home, hand_in(home, "tasks", MEMBER, TASK | {"Anslått verdi": 1}, name="b.xlsx"))
    path = home.proposals / "decisions.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["decision"] for line in lines] == ["refused", "accepted"]
    accepted = json.loads(lines[1])
    assert accepted["by"] == "Kari Prøve"
    assert accepted["files"]["tasks"]["after"] == sha256_file(home.registers / "tasks.csv")
    path.write_text(lines[0].replace("Feil", "Bra") + "\n" + lines[1] + "\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="has been changed"):
        list_proposals(home)


def test_a_damaged_register_is_not_written_to(home: Home) -> None:
    proposal = hand_in(home, "tasks", MEMBER, TASK)
    path = home.registers / "tasks.csv"
    path.write_text(path.read_text(encoding="utf-8") + "broken\n", encoding="utf-8")
    with pytest.raises(ProblemsFound):
        show_proposal(home, proposal.proposal_id)


def test_the_accepted_row_lands_with_the_settings(home: Home) -> None:
    from pipelines.landing.settings_delivery import land_settings

    assert land_settings(home, CLOCK) is not None
    accept(home, hand_in(home, "tasks", MEMBER, TASK))
    landed = land_settings(home, CLOCK)
    assert landed is not None
    (file,) = [file for file in landed.files if file.name == "registers/tasks.csv"]
    assert b"T-9" in (home.path / file.path).read_bytes()


def test_an_id_must_name_one_proposal(home: Home) -> None:
    with pytest.raises(ConfigurationError, match="No proposal"):
        show_proposal(home, "abc")
    with pytest.raises(ConfigurationError, match="No proposal"):
        show_proposal(home, "")


def unit(org_no: str, parent: str | None, **more: Any) -> dict[str, Any]:
    facts = {
        "organisasjonsnummer": org_no,
        "navn": f"ENHET {org_no}",
        "registreringsdatoEnhetsregisteret": "2015-05-01",
        "organisasjonsform": {"kode": "BEDR"},
    }
    return facts | ({"overordnetEnhet": parent} if parent else {}) | more


def test_missing_sub_units_are_proposed_from_the_company_register(home: Home) -> None:
    path = home.registers / "member_org_nos.csv"
    path.write_text(
        path.read_text(encoding="utf-8")
        + "9901,310000035,host,Storvik,2020-01-01,\n9901,310000043,sub-unit,,2020-01-01,\n",
        encoding="utf-8",
    )
    units = [
        unit("310000086", "310000027"),
        unit("310000094", "310000027", registreringsdatoEnhetsregisteret="2023-02-01"),
        unit("310000043", "310000027"),  # known already
        unit("310000108", "310000019"),  # somebody else's
        unit("310000116", "310000035"),  # the neighbour's, not the one's whose host it is
        unit("310000124", "310000027", slettedato="2024-01-01"),
        unit("310000132", "310000086", registreringsdatoEnhetsregisteret="2024-03-01"),  # below one that is missing
        unit("310000140", "310000043"),  # below one that is known
    ]
    drop(home, "_consortium", "underenheter.json", json.dumps(units).encode(), source="brreg")
    take(home, "_consortium")
    proposal = propose_sub_units(home, CLOCK)
    assert proposal is not None
    assert propose_sub_units(home, CLOCK).proposal_id == proposal.proposal_id
    assert accept(home, proposal) == ["member_org_nos"]
    assert sorted(line for line in csv_of(home, "member_org_nos").splitlines() if "ENHET" in line) == [
        "9901,310000086,sub-unit,ENHET 310000086,2020-01-01,",
        "9901,310000094,sub-unit,ENHET 310000094,2023-02-01,",
        "9901,310000132,sub-unit,ENHET 310000132,2024-03-01,",
        "9901,310000140,sub-unit,ENHET 310000140,2020-01-01,",
        "9902,310000116,sub-unit,ENHET 310000116,2020-01-01,",
    ]
    assert propose_sub_units(home, CLOCK) is None
    Home(home.path).check()


def test_rows_of_the_home_are_what_these_tests_think(home: Home) -> None:
    assert all(len(home.read_registers()[name]) >= len(rows) for name, rows in ROWS.items())
    assert delivering(MEMBER) == MEMBER
    assert CLOCK.as_of == AS_OF


def test_a_workshop_that_no_register_knows_is_told_before_anything_lands(home: Home) -> None:
    home.check()
    text = home.consortium_file.read_text(encoding="utf-8")
    home.consortium_file.write_text(text.replace("_workshop_310000078", "_workshop_310000159"), encoding="utf-8")
    with pytest.raises(ProblemsFound, match="_workshop_310000159: not in registers/workshops.csv"):
        Home(home.path).check()


def put_supplier_quality(home: Home, *rows: tuple[str | None, ...]) -> None:
    """Write a warehouse that holds nothing but what owners of ledgers are asked to mend."""
    import duckdb

    home.warehouse.mkdir(exist_ok=True)
    with duckdb.connect(str(home.warehouse_file)) as warehouse:
        warehouse.execute(
            "create table fct_supplier_quality (municipality_no varchar, ledger_code varchar, name_in_ledger varchar,"
            " org_no_in_ledger varchar, matched_org_no varchar, issue varchar, match_method varchar,"
            " first_spend_date date)"
        )
        warehouse.executemany("insert into fct_supplier_quality values (?, ?, ?, ?, ?, ?, ?, ?)", list(rows))


def test_numbers_of_suppliers_are_proposed_to_each_member_once(home: Home) -> None:
    asked = home.read_registers()["supplier_corrections"][0]
    put_supplier_quality(
        home,
        ("9901", "7", "Granholt Bygg", None, "310000019", "org_no_missing", "name_similar", "2026-02-03"),
        ("9901", "7", "Granholt Bygg", "310000001", "310000019", "org_no_invalid", "name_similar", "2026-01-05"),
        ("9902", "8", "Utnes Vask", None, "310000027", "org_no_missing", "e_invoice", "2026-03-01"),
        # Two numbers for one supplier; asked about before.
        ("9902", "9", "Diverse", None, "310000027", "org_no_missing", "e_invoice", "2026-03-01"),
        ("9902", "9", "Diverse", "310000001", "310000019", "org_no_invalid", "e_invoice", "2026-03-01"),
        (asked["municipality_no"], asked["ledger_code"], asked["name_in_ledger"], None, "310000027")
        + ("org_no_missing", "e_invoice", "2026-03-01"),
    )
    first, second = propose_supplier_corrections(home, CLOCK)
    assert (first.owner, second.owner) == ("9901", "9902")
    assert [one.proposal_id for one in propose_supplier_corrections(home, CLOCK)] == [
        first.proposal_id,
        second.proposal_id,
    ]
    assert accept(home, first) == ["supplier_corrections"]
    assert '9901,7,Granholt Bygg,310000019,confirmed,,"org_no_missing, name_similar",2026-01-05,' in csv_of(
        home, "supplier_corrections"
    )
    assert [one.owner for one in propose_supplier_corrections(home, CLOCK)] == ["9902"]
    refuse_proposal(home, second.proposal_id, by="Kari", reason="They are right.", clock=CLOCK)
    assert [one.state for one in propose_supplier_corrections(home, CLOCK)] == ["refused"]


def test_nothing_is_proposed_before_anything_was_built(home: Home) -> None:
    with pytest.raises(ConfigurationError, match="no warehouse"):
        propose_supplier_corrections(home, CLOCK)
