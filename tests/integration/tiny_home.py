"""A home of two members and one workshop, small enough to run many times; every name and number invented.

Belongs here: files in the formats that members deliver. Not here: what a run must make of them (test_orchestration.py).
"""

from __future__ import annotations

import json
from pathlib import Path

from pipelines.home import Home
from tests.signing import with_four_eyes

MEMBERS = ("9901", "9902")
WORKSHOP, BAKER = "310000000", "310000019"
MONTHS = ("2026-09", "2026-10")
_HEADER = (
    "Leverandørnr;Leverandørnavn;Organisasjonsnr;Bilagsnr;Linje;Fakturanr;Fakturadato;Forfallsdato;Bokføringsdato;Periode;"
    "Art;Art tekst;Ansvar;Tjeneste;Tjeneste tekst;Prosjekt;Mva-kode;Beløp eks. mva;Tekst"
)


def make_tiny_home(path: Path) -> Home:
    """Write a home whose inboxes hold two months of both members' ledgers."""
    home = Home(path)
    _write(path.parent / f"{path.name}-keys" / "gate_hmac.key", "0123456789abcdef" * 4).chmod(0o600)
    _write(home.consortium_file, consortium_text(path.name))
    for name, text in _REGISTERS.items():
        _write(home.registers / f"{name}.csv", text)
    for municipality_no in MEMBERS:
        for month in MONTHS:
            drop_ledger(home, municipality_no, month)
    _write(home.inbox / "_consortium" / "brreg" / "enheter.json", json.dumps(_UNITS))
    return with_four_eyes(home)


def consortium_text(name: str, *, more: str = "") -> str:
    """Return the settings of a tiny home."""
    members = "".join(
        f'  "{number}":\n    sources:\n'
        '      - {kind: ledger, profile: semicolon, settle_seconds: 0, schedule: "0 5 * * *"}\n'
        for number in MEMBERS
    )
    return (
        'name: Lilleby og omegn\nhost: "9901"\nas_of: 2026-11-15\npublication: {window_months: 2}\n'
        f"keys: {{gate_hmac: file:../{name}-keys/gate_hmac.key}}\nmembers:\n{members}{more}"
        "joint_sources:\n  - {kind: brreg, settle_seconds: 0}\n"
    )


def drop_ledger(home: Home, municipality_no: str, month: str, *, amount: str = "1000,00", name: str = "") -> Path:
    """Drop a ledger of one month: a purchase from a baker, one from the workshop."""
    year, number = month.split("-")
    day = f"10.{number}.{year}"
    rows = [
        f"70001;Eksempel Bakeri AS;{BAKER};{number}01;1;B{municipality_no}{number};{day};{day};{day};{year}{number};"
        f"11150;Matvarer;1100;120;Administrasjon;;1;{amount};Brød",
        f"70002;Eksempel Vekst AS;{WORKSHOP};{number}02;1;W{municipality_no}{number};{day};{day};{day};{year}{number};"
        "11150;Matvarer;1100;120;Administrasjon;;1;250,00;Møtemat",
    ]
    path = home.inbox / municipality_no / "ledger" / f"{name or month}.csv"
    return _write(path, "\r\n".join([_HEADER, *rows, ""]), encoding="utf-8-sig")


def _write(path: Path, text: str, *, encoding: str = "utf-8") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding=encoding, newline="")
    return path


_REGISTERS = {
    "members": (
        "municipality_no,name,inhabitants,agreement,valid_from,valid_to\n"
        "9901,Lilleby,4000,unprepared,2020-01-01,\n9902,Storvik,9000,unprepared,2020-01-01,\n"
    ),
    "member_org_nos": (
        "municipality_no,org_no,role,name,valid_from,valid_to\n"
        "9901,310000027,municipality,Lilleby,2020-01-01,\n9902,310000035,municipality,Storvik,2020-01-01,\n"
    ),
    "workshops": (f"org_no,name,municipality_no,valid_from,valid_to\n{WORKSHOP},Eksempel Vekst AS,9901,2020-01-01,\n"),
    "workshop_owners": (
        f"workshop_org_no,owner_municipality_no,ownership_fraction,valid_from,valid_to\n{WORKSHOP},9901,1,2020-01-01,\n"
    ),
    "workshop_capabilities": (
        "workshop_org_no,category_key,delivery_municipality_nos,valid_from,valid_to\n"
        f"{WORKSHOP},meeting_food,9901;9902,2020-01-01,\n"
    ),
    "consents": (
        "subject,product,document_reference,valid_from,valid_to\n"
        "9901,workshop_release,avtale,2020-01-01,\n9902,workshop_release,avtale,2020-01-01,\n"
    ),
    "charts_of_accounts": (
        "municipality_no,local_account,local_account_text,account_class,kostra_art,category_key,valid_from,valid_to\n"
        "9901,11150,Matvarer,operating,115,meeting_food,2020-01-01,\n"
        "9902,11150,Matvarer,operating,115,meeting_food,2020-01-01,\n"
    ),
}
_UNITS = [
    {
        "organisasjonsnummer": org_no,
        "navn": name,
        "organisasjonsform": {"kode": "AS"},
        "registreringsdatoEnhetsregisteret": "2010-01-01",
    }
    for org_no, name in ((WORKSHOP, "EKSEMPEL VEKST AS"), (BAKER, "EKSEMPEL BAKERI AS"))
]
