"""A home with a row in every register that has a form, and filling forms in as a person would.

Belongs here: invented registers of two members and two workshops, opening a form with a spreadsheet library. Not here:
what must become of a form (test_register_forms.py, test_proposals.py and others).
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from openpyxl import load_workbook

from pipelines.home import Home
from pipelines.register_forms import FIRST_ROW, HEADER_ROW, SHEET, WORKSHOP_OWNER, build_form, write_form
from pipelines.registers import REGISTERS
from pipelines.settings import Clock
from tests.integration.tiny_home import WORKSHOP, make_tiny_home

MEMBER, NEIGHBOUR = "9901", "9902"
OTHER_WORKSHOP = "310000078"
AS_OF = date(2026, 11, 15)
CLOCK = Clock(AS_OF, datetime(2026, 11, 15, 9, tzinfo=UTC))
# One row of every owner's own, and one of somebody else's.
ROWS = {
    "workshops": [f"{OTHER_WORKSHOP},Storvik Arbeid AS,9902,,,,2020-01-01,"],
    "workshop_departments": [f"{WORKSHOP},Kjøkken,12,13200,2024-01-01,", f"{OTHER_WORKSHOP},Vaskeri,8,,2024-01-01,"],
    "workshop_capabilities": [
        f"{WORKSHOP},meeting_food,Kjøkken,9901;9902,60000.00,2024-01-01,",
        f"{WORKSHOP},laundry,,9901,,2024-01-01,2025-06-30",
        f"{OTHER_WORKSHOP},laundry,Vaskeri,9902,45000.50,2024-01-01,",
    ],
    "workshop_accounts": [
        f"{WORKSHOP},annual,9000000.00,4000000.00,5000000.00,1500000.00,,Årsregnskap 2025,2025-01-01,2025-12-31",
        f"{OTHER_WORKSHOP},annual,1000000.00,,,,,Årsregnskap 2025,2025-01-01,2025-12-31",
    ],
    "ripple": [f"{WORKSHOP},4000000.00,900000.25,1200000.00,Egen rapport,2025-01-01,2025-12-31"],
    "placements": [f"9901,{WORKSHOP},3,2026-01-01,2026-06-30", f"9902,{OTHER_WORKSHOP},1,2026-01-01,2026-06-30"],
    "tasks": [
        "T-1,9901,meeting_food,Mat til møter i rådhuset,40000.00,2026-08-01,2027-07-31",
        "T-2,9902,laundry,Vask av arbeidstøy,25000.00,2026-08-01,",
    ],
    "local_limits": ["9901,law_entry,300000.00,Sak 12/26,2026-07-01,", "9902,law_entry,250000.00,Sak 3/26,2026-07-01,"],
    "targets": ["9901,K04,0.02,0.035,2026-01-01,2028-12-31"],
    "opportunity_outcomes": [f"9901,{WORKSHOP},meeting_food,taken_up,Avtale om fast levering,2026-09-01,"],
    "supplier_corrections": ["9901,70001,Sentrum bakeri,310000019,confirmed,,,2026-09-01,"],
}


def make_registered_home(path: Path) -> Home:
    """Write a tiny home with a row in every register that has a form."""
    home = make_tiny_home(path)
    for name, rows in ROWS.items():
        columns = REGISTERS[name].column_names
        lines = [",".join(columns), *rows]
        if name == "workshops":
            lines[1:1] = [f"{WORKSHOP},Eksempel Vekst AS,9901,,,,2020-01-01,"]
        (home.registers / f"{name}.csv").write_text("\n".join([*lines, ""]), encoding="utf-8")
    sources = "    sources:\n      - {kind: registers, settle_seconds: 0}\n"
    text = home.consortium_file.read_text(encoding="utf-8")
    ledger = '      - {kind: ledger, profile: semicolon, settle_seconds: 0, schedule: "0 5 * * *"}\n'
    text = text.replace(ledger, f"{ledger}      - {{kind: registers, settle_seconds: 0}}\n")
    workshops = "".join(f'  "{WORKSHOP_OWNER}{number}":\n{sources}' for number in (WORKSHOP, OTHER_WORKSHOP))
    home.consortium_file.write_text(text.replace("joint_sources:", f"{workshops}joint_sources:"), encoding="utf-8")
    return Home(path)


def delivering(owner: str) -> str:
    """Return the owner of deliveries for a number."""
    return owner if len(owner) == 4 or owner.startswith("_") else f"{WORKSHOP_OWNER}{owner}"


def form_bytes(home: Home, register: str, owner: str) -> bytes:
    """Return an owner's form of a register."""
    registers = home.read_registers()
    return write_form(build_form(register, owner, registers), registers, AS_OF)


def fill(raw: bytes, change: Callable[[Any], None]) -> bytes:
    """Return a form as saved by a spreadsheet program after a person has changed the sheet «Skjema»."""
    workbook = load_workbook(io.BytesIO(raw))
    change(workbook[SHEET])
    saved = io.BytesIO()
    workbook.save(saved)
    return saved.getvalue()


def write_row(row_no: int, values: Mapping[str, Any]) -> Callable[[Any], None]:
    """Return a change that writes values below their labels; row 1 is the first that may be filled in."""

    def change(sheet: Any) -> None:
        labels = {cell.value: cell.column for cell in sheet[HEADER_ROW + 1]}
        for label, value in values.items():
            sheet.cell(FIRST_ROW + row_no, labels[label]).value = value

    return change


def drop(home: Home, owner: str, name: str, raw: bytes, *, source: str = "registers") -> Path:
    """Hand a file in."""
    path = home.inbox / delivering(owner) / source / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(raw)
    return path


def take(home: Home, *owners: str) -> None:
    """Land and parse what owners have handed in, without building anything."""
    from pipelines.landing.inbox import pull_source
    from pipelines.parsing.parse import parse_owner

    fresh = Home(home.path)
    for owner in map(delivering, owners):
        for source in fresh.consortium.sources_of(owner):
            pull_source(fresh, source, CLOCK)
        parse_owner(fresh, owner, fresh.read_registers())
