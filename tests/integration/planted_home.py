"""A tiny home with what must not get about planted in it, run well and badly; made once for all who search it.

Belongs here: planting what gives persons away, the runs, forced failures. Not here: canaries
(tests/isolation/canaries.py), searching (test_masking.py, tests/isolation).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from pipelines.assets import parsed as parsed_assets
from pipelines.errors import SamandelError
from pipelines.home import Home
from pipelines.orchestrate import run_pipeline
from pipelines.settings import Clock
from tests.integration.tiny_home import drop_ledger, make_tiny_home
from tests.isolation.canaries import plant_canaries
from tests.signing import sign_terms
from tests.unit.dropped import BUYER, INVOICE
from tests.unit.test_scanner import SYNTHETIC

CLOCK = Clock.pinned(date(2026, 11, 15))
GROUPED = f"{SYNTHETIC[:6]} {SYNTHETIC[6:]}"
SECRETS = (
    SYNTHETIC,
    GROUPED,
    "1234.56.78903",
    "12345678903",
    "912 34 567",
    "kari.hemmelig@post.example",
    "Kari Hemmelig",
    "Ola Fortrolig",
    "Hemmelig",
    "Fortrolig",
)
CONTACTS = ("Petra Kontaktsen", "petra@kontakt.example", "22 99 88 77")


@dataclass(frozen=True)
class Ran:
    """A home after runs over planted deliveries, and all that was said to the user."""

    home: Home
    said: str


def _plant_persons(home: Home) -> None:
    text = home.consortium_file.read_text()
    ehf = '  "9901":\n    sources:\n      - {kind: ehf, settle_seconds: 0}\n'
    home.consortium_file.write_text(text.replace('  "9901":\n    sources:\n', ehf, 1))
    numbers = home.registers / "member_org_nos.csv"
    numbers.write_text(numbers.read_text() + f"9901,{BUYER},enterprise,Lilleby,2020-01-01,\n")
    good = drop_ledger(home, "9901", "2026-08", name=f"2026-08 Kari Hemmelig {SYNTHETIC}")
    lines = good.read_text(encoding="utf-8-sig").splitlines()
    row = lines[1].split(";")
    row[1], row[18] = "Kari Hemmelig", f"Gjelder {GROUPED}, konto 1234.56.78903, tlf 912 34 567"
    broken = []
    for position, secret in enumerate(SECRETS):
        cells = list(row)
        cells[(17, 8, 9)[position % 3]] = secret  # amount, date, period
        broken.append(";".join(cells))
    too_wide = ";".join([*row, *SECRETS])
    junk = ["Skrevet ut av Ola Fortrolig, kari.hemmelig@post.example", *lines[:1], ";".join(row), *broken, too_wide, ""]
    good.write_text("\r\n".join(junk), encoding="utf-8-sig")
    people = [
        ";".join(SECRETS),
        ";".join(reversed(SECRETS)),
        "Kari Hemmelig;Ola Fortrolig;Eva Skjult;Kari Hemmelig",
        "",
    ]
    folder = home.inbox / "9902" / "ledger"
    (folder / "kari_hemmelig.csv").write_text("\n".join(people))
    (folder / f"{SYNTHETIC}.xlsx").write_bytes(b"PK\x03\x04" + ";".join(SECRETS).encode())
    for name, raw in _documents().items():
        path = home.inbox / "9901" / "ehf" / "sending Ola Fortrolig" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(raw)


def _documents() -> dict[str, str]:
    name, mail, phone = CONTACTS
    contact = (
        f"<cac:Contact><cbc:Name>{name}</cbc:Name><cbc:Telephone>{phone}</cbc:Telephone>"
        f"<cbc:ElectronicMail>{mail}</cbc:ElectronicMail></cac:Contact>"
    )
    base = INVOICE.replace("</cac:PartyLegalEntity>", f"</cac:PartyLegalEntity>{contact}", 1)
    secrets = ", ".join(SECRETS)
    noted = base.replace(
        "<cbc:DocumentCurrencyCode>",
        f"<cbc:Note>{secrets}, {', '.join(CONTACTS)}</cbc:Note><cbc:DocumentCurrencyCode>",
        1,
    )
    return {
        "1.xml": noted,
        f"{SYNTHETIC}.xml": noted + "<!-- again -->",
        "date.xml": noted.replace(">2026-06-14<", ">Kari Hemmelig<", 1),
        "amount.xml": noted.replace(">125.00<", f">{SYNTHETIC} kr<"),
        "buyer.xml": noted.replace(BUYER, SYNTHETIC),
        "cut kari hemmelig.xml": noted[:-40],
        "root.xml": f"<Kari>{secrets}</Kari>",
        "empty ola fortrolig.xml": "",
    }


def run_planted(path: Path) -> Ran:
    """Make the home, and run it three times: with one member's failure, with one of all, and well."""
    home = make_tiny_home(path)
    _plant_persons(home)
    plant_canaries(home)
    sign_terms(home)  # canaries have owners, which are among the terms
    said: list[str] = []
    with pytest.MonkeyPatch.context() as patched:
        settle = parsed_assets.settle

        def settle_badly(of: Home, owner: str, *more: object) -> None:
            if owner == "9902":
                try:
                    raise KeyError(SECRETS)
                except KeyError as cause:
                    raise ValueError(f"could not convert {SECRETS}") from cause
            settle(of, owner, *more)

        patched.setattr(parsed_assets, "settle", settle_badly)
        said.append(repr(run_pipeline(home, CLOCK)))

        def write_badly(*_: object) -> None:
            raise ValueError(f"could not convert {SECRETS}")

        patched.setattr(parsed_assets, "settle", settle)
        patched.setattr(parsed_assets, "write_registers", write_badly)
        with pytest.raises(SamandelError) as failed:
            run_pipeline(home, CLOCK)
        said.append(str(failed.value))
    said.append(repr(run_pipeline(home, CLOCK)))
    return Ran(home, "\n".join(said))
