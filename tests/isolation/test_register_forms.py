"""Nobody changes another's register rows: not by a form, not by its hidden sheet, not by a key, not by an export."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from pipelines import registers_nb as nb
from pipelines.errors import ConfigurationError
from pipelines.home import Home
from pipelines.proposals import accept_proposal, list_proposals, show_proposal
from tests.integration.tiny_home import WORKSHOP
from tests.unit.registered import (
    CLOCK,
    MEMBER,
    NEIGHBOUR,
    OTHER_WORKSHOP,
    drop,
    fill,
    form_bytes,
    make_registered_home,
    take,
    write_row,
)

OWNERS = (MEMBER, NEIGHBOUR, WORKSHOP, OTHER_WORKSHOP)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return make_registered_home(tmp_path / "home")


@pytest.mark.parametrize("register", nb.FORMS)
def test_a_form_in_anybody_elses_inbox_proposes_nothing(home: Home, register: str) -> None:
    owner = MEMBER if nb.FORMS[register].owner_kind == nb.MUNICIPALITY else WORKSHOP
    raw = form_bytes(home, register, owner)
    others = [other for other in OWNERS if other != owner]
    for other in others:
        drop(home, other, "form.xlsx", raw)
    take(home, *others)
    assert list_proposals(home) == []


@pytest.mark.parametrize("register", nb.FORMS)
def test_no_form_holds_a_word_of_anybody_else(home: Home, register: str) -> None:
    owner, neighbour = (
        (MEMBER, NEIGHBOUR) if nb.FORMS[register].owner_kind == nb.MUNICIPALITY else (WORKSHOP, OTHER_WORKSHOP)
    )
    path = home.registers / f"{register}.csv"
    rows = path.read_text(encoding="utf-8").splitlines()
    column = nb.FORMS[register].owner_column
    place = rows[0].split(",").index(column)
    fields = rows[1].split(",")
    fields[place] = neighbour
    marked = [f"canary{number}" if text and name in ("description", "reason", "source", "department") else text
              for number, (name, text) in enumerate(zip(rows[0].split(","), fields, strict=True))]  # fmt: skip
    if "task_id" in rows[0]:
        marked[0] = "T-canary"
    kept = [line for line in rows if line.split(",")[place] != neighbour]
    path.write_text("\n".join([*kept, ",".join(marked), ""]), encoding="utf-8")
    from openpyxl import load_workbook

    book = load_workbook(home.path / _saved(home, register, owner))
    cells = [str(cell) for sheet in book.worksheets for row in sheet.values for cell in row if cell is not None]
    assert not [text for text in cells if "canary" in text]


def _saved(home: Home, register: str, owner: str) -> str:
    (home.path / "form.xlsx").write_bytes(form_bytes(home, register, owner))
    return "form.xlsx"


def test_a_neighbours_task_cannot_be_taken_over_even_when_it_was_read_first(home: Home) -> None:
    ours = {
        "Oppgavenummer": "T-77",
        "Kategori": "Ved",
        "Beskrivelse": "Ved til rådhuset",
        "Gjelder fra": date(2026, 12, 1),
    }
    drop(home, NEIGHBOUR, "form.xlsx", fill(form_bytes(home, "tasks", NEIGHBOUR), write_row(2, ours)))
    take(home, NEIGHBOUR)
    path = home.registers / "tasks.csv"
    path.write_text(path.read_text(encoding="utf-8") + "T-77,9901,firewood,Vår,,2026-01-01,\n", encoding="utf-8")
    before = path.read_bytes()
    (proposal,) = list_proposals(home)
    shown = show_proposal(home, proposal.proposal_id)
    assert [conflict.row_no for one in shown.differences for conflict in one.conflicts] == [5]
    with pytest.raises(ConfigurationError):
        accept_proposal(home, proposal.proposal_id, by="Kari", digest=shown.digest, clock=CLOCK)
    accept_proposal(home, proposal.proposal_id, by="Kari", digest=shown.digest, clock=CLOCK, valid_rows_only=True)
    assert path.read_bytes() == before


def test_a_municipality_cannot_change_a_contract_that_covers_another(home: Home) -> None:
    (home.registers / "contracts.csv").write_text(
        "contract_id,title,is_reserved,exclusivity,valid_from,valid_to\n"
        "17,Felles,no,yes,2025-01-01,2027-12-31\n18,Egen,no,yes,2025-01-01,2027-12-31\n"
    )
    (home.registers / "contract_members.csv").write_text(
        "contract_id,municipality_no,valid_from,valid_to\n17,9901,2025-01-01,2027-12-31\n"
        "17,9902,2025-01-01,2027-12-31\n18,9902,2025-01-01,2027-12-31\n"
    )
    text = home.consortium_file.read_text(encoding="utf-8")
    own = '  "9902":\n    sources:\n'
    export = "      - {kind: registers, name: contracts, profile: kgv_csv, settle_seconds: 0}\n"
    home.consortium_file.write_text(text.replace(own, own + export), encoding="utf-8")
    lines = (
        "Avtalenummer;Tittel;Gyldig fra;Gyldig til;Reservert kontrakt;Oppdragsgiver;Tilstand",
        "17;Overtatt;01.01.2025;31.12.2027;Nei;Storvik;Aktiv",
        "18;Egen, ny tittel;01.01.2025;31.12.2027;Nei;Storvik;Aktiv",
        "19;Ny;01.01.2025;31.12.2027;Nei;Storvik;Aktiv",
    )
    drop(home, NEIGHBOUR, "avtaler.csv", "\n".join(lines).encode(), source="contracts")
    take(home, NEIGHBOUR)
    (proposal,) = list_proposals(home)
    shown = show_proposal(home, proposal.proposal_id)
    assert {conflict.row_no for one in shown.differences for conflict in one.conflicts} == {2}
    assert {change.key["contract_id"] for one in shown.differences for change in one.effective} == {"18", "19"}
