"""Marked rows of a tiny home: each recipient's own, told by words and amounts that stand nowhere else.

Belongs here: planting them in what members hand in and in the registers, and who may hold which. Not here: running the
home, looking for them.

(1) A member's canary is a purchase of its own: voucher, invoice, codes, project and amount go out to it alone.
(2) A workshop's canary is a sale: its sum goes out to it and to the member that bought; and where its income is stated,
    which goes out to it alone.
(3) One supplier is shared: 9902 spells it in its own way, answers who it is and writes a text. 9901 has a line with the
    same spelling and code, and has answered nothing.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from pipelines.home import Home
from tests.integration.tiny_home import BAKER, MEMBERS, WORKSHOP

SECOND_WORKSHOP = "310000043"
WORKSHOPS = (WORKSHOP, SECOND_WORKSHOP)
# Who buys from which workshop, and for how much beside what a tiny home's members buy of the first anyway.
_SALES = {WORKSHOP: ("9901", "4711.13", "4961.13"), SECOND_WORKSHOP: ("9902", "5822.29", "5822.29")}
_AMOUNTS = {"9901": "81001.37", "9902": "82112.37"}
_ANSWERED_AMOUNT, _UNANSWERED_AMOUNT = "931.07", "932.09"
ANSWERED_CODE = "KANARIRETTKODE9902"
_SPELLING = "Kanaristavet Deig AS"


@dataclass(frozen=True)
class Canary:
    """What tells a recipient's row.

    Attributes:
        owner: Whose it is.
        marks: What of it goes out to its owner.
        kept: What of it was handed in, and goes out to nobody.
        holders: Who else may hold the marks.
    """

    owner: str
    marks: tuple[str, ...]
    kept: tuple[str, ...] = ()
    holders: tuple[str, ...] = ()


def _words(owner: str) -> tuple[str, ...]:
    return tuple(f"KANARI{what}{owner}" for what in ("KODE", "BILAG", "FAKTURA", "ANSVAR", "PROSJEKT"))


CANARIES = (
    *(Canary(no, (*_words(no), _AMOUNTS[no]), (f"Kanaritekst{no}",)) for no in MEMBERS),
    *(Canary(workshop, (total,), (), (buyer,)) for workshop, (buyer, _, total) in _SALES.items()),
    *(Canary(workshop, (f"Kanariregnskap{workshop}",)) for workshop in WORKSHOPS),
    Canary("9902", (ANSWERED_CODE, _ANSWERED_AMOUNT), (_SPELLING, "Kanaritekst om deig", "Kanarigrunn")),
)


def forms_of(mark: str) -> set[str]:
    """Return how a mark may be written: as it is, or as an amount in Norwegian."""
    whole, point, cents = mark.partition(".")
    if not (point and whole.isdigit() and cents.isdigit()):
        return {mark.casefold()}
    grouped = {f"{int(whole):,}".replace(",", sign) for sign in (" ", "\u00a0", "\u202f")}
    return {f"{number}{sign}{cents}" for number in {whole, *grouped} for sign in (".", ",")}


def plant_canaries(home: Home) -> None:
    """Plant every canary in a tiny home before its first run."""
    for number in MEMBERS:
        code, voucher, invoice, cost_centre, project = _words(number)
        rows = [
            _row(
                code,
                "Eksempel Bakeri AS",
                BAKER,
                voucher,
                invoice,
                cost_centre,
                project,
                _AMOUNTS[number],
                f"Kanaritekst{number}",
            )
        ]
        rows += [
            _row("70009", "Kanarivekst AS", workshop, f"8{number}", f"S{number}", "1100", "", amount, "Møtemat")
            for workshop, (buyer, amount, _) in _SALES.items()
            if buyer == number
        ]
        amount = _ANSWERED_AMOUNT if number == "9902" else _UNANSWERED_AMOUNT
        rows.append(
            _row(ANSWERED_CODE, _SPELLING, "", f"9{number}", f"D{number}", "1100", "", amount, "Kanaritekst om deig")
        )
        _append(home.inbox / number / "ledger" / "2026-10.csv", rows, "utf-8-sig")
    _append(
        home.registers / "supplier_corrections.csv",
        [
            "municipality_no,ledger_code,name_in_ledger,proposed_org_no,answer,corrected_org_no,reason,valid_from,valid_to",
            f"9902,{ANSWERED_CODE},{_SPELLING},,other,{BAKER},Kanarigrunn,2020-01-01,",
        ],
    )
    _append(
        home.registers / "workshop_accounts.csv",
        [
            "workshop_org_no,account_kind,total_income_nok,source,valid_from,valid_to",
            *(f"{no},annual,9000000,Kanariregnskap{no},2026-01-01,2026-12-31" for no in WORKSHOPS),
        ],
    )
    second = {
        "workshops": f"{SECOND_WORKSHOP},Kanarivekst AS,9902,2020-01-01,",
        "workshop_owners": f"{SECOND_WORKSHOP},9902,1,2020-01-01,",
        "workshop_capabilities": f"{SECOND_WORKSHOP},meeting_food,9901;9902,2020-01-01,",
    }
    for register, row in second.items():
        _append(home.registers / f"{register}.csv", [row])
    units = home.inbox / "_consortium" / "brreg" / "enheter.json"
    listed = json.loads(units.read_text(encoding="utf-8"))
    listed.append({**listed[0], "organisasjonsnummer": SECOND_WORKSHOP, "navn": "KANARIVEKST AS"})
    units.write_text(json.dumps(listed), encoding="utf-8")


def _row(
    code: str,
    name: str,
    org_no: str,
    voucher: str,
    invoice: str,
    cost_centre: str,
    project: str,
    amount: str,
    text: str,
) -> str:
    day = "10.10.2026"
    return (
        f"{code};{name};{org_no};{voucher};1;{invoice};{day};{day};{day};202610;11150;Matvarer;{cost_centre};120;"
        f"Administrasjon;{project};1;{amount.replace('.', ',')};{text}"
    )


def _append(path: Path, lines: list[str], encoding: str = "utf-8") -> None:
    before = path.read_text(encoding=encoding) if path.is_file() else ""
    ending = "\r\n" if encoding == "utf-8-sig" else "\n"
    # read_text has made all line endings one.
    text = before.rstrip("\n") + ("\n" if before else "") + "\n".join(lines) + "\n"
    path.write_text(text.replace("\n", ending), encoding=encoding, newline="")
