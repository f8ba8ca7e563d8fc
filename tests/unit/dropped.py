"""A home of two members with an inbox, and files to drop into it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from pipelines.home import Home, Source
from pipelines.landing.inbox import pull_source
from pipelines.landing.settings_delivery import land_settings
from pipelines.landing.store import Receipt
from pipelines.parsing.parse import parse_owner
from pipelines.parsing.settle import settle
from pipelines.settings import Clock

OWN, NEIGHBOUR = "9901", "9902"
BUYER, OTHER_BUYER, SELLER = "310028150", "310000043", "310028142"
CLOCK = Clock.pinned(date(2026, 11, 15))
INVOICE = (Path(__file__).resolve().parents[1] / "golden" / "ehf" / "comment_inside_values.xml").read_text()

CONSORTIUM_YAML = """
name: Eksempelsamarbeidet
host: "9901"
members:
  "9901":
    sources:
      - {kind: ledger, profile: semicolon, settle_seconds: 0}
      - {kind: ehf, settle_seconds: 0}
  "9902":
    sources:
      - {kind: ledger, profile: semicolon, settle_seconds: 0}
joint_sources:
  - {kind: brreg, settle_seconds: 0}
"""
MEMBERS = """municipality_no,name,inhabitants,agreement,valid_from,valid_to
9901,Eksempel kommune,4500,unprepared,2020-01-01,
9902,Annen kommune,5300,unprepared,2020-01-01,
"""
MEMBER_ORG_NOS = f"""municipality_no,org_no,role,valid_from,valid_to
9901,{BUYER},municipality,2020-01-01,
9902,{OTHER_BUYER},municipality,2020-01-01,
"""
LEDGER_HEADER = "Leverandørnr;Leverandørnavn;Bilagsnr;Fakturanr;Bokføringsdato;Periode;Art;Beløp eks. mva"


def make_home(path: Path, consortium: str = CONSORTIUM_YAML) -> Home:
    """Write a home with settings and the two registers that must be there."""
    (path / "registers").mkdir(parents=True)
    (path / "consortium.yaml").write_text(consortium, encoding="utf-8")
    (path / "registers" / "members.csv").write_text(MEMBERS, encoding="utf-8")
    (path / "registers" / "member_org_nos.csv").write_text(MEMBER_ORG_NOS, encoding="utf-8")
    return Home(path)


def source_of(home: Home, name: str, owner: str = OWN) -> Source:
    """Return a source of consortium.yaml."""
    return next(source for source in home.consortium.sources_of(owner) if source.name == name)


def drop(home: Home, name: str, content: str | bytes, source: str = "ledger", owner: str = OWN) -> Path:
    """Put a file into an inbox, as a member would."""
    path = home.inbox / owner / source / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def pull(home: Home, source: str = "ledger", owner: str = OWN) -> list[Receipt]:
    """Take what lies in an inbox."""
    return pull_source(home, source_of(home, source, owner), CLOCK)


def ingest(home: Home, owner: str = OWN) -> list[dict[str, Any]]:
    """Do what a run does for one owner; return the outcomes of what was parsed."""
    land_settings(home, CLOCK)
    for source in home.consortium.sources_of(owner):
        pull_source(home, source, CLOCK)
    outcomes = parse_owner(home, owner, home.read_registers())
    settle(home, owner)
    return outcomes


def ledger(period: str = "202610", amounts: Iterable[str] = ("100,00",)) -> str:
    """Return a ledger of one posting per amount."""
    rows = [
        f"50{number};Eksempel Mat AS;{number};F-{number};20.10.2026;{period};11150;{amount}"
        for number, amount in enumerate(amounts, start=1)
    ]
    return "\n".join([LEDGER_HEADER, *rows]) + "\n"


def invoice(number: str = "F-1", *, net: str = "100.00", buyer: str = BUYER, day: str = "2026-06-14") -> str:
    """Return an e-invoice of one line; VAT is stated as none, so that its sums hold."""
    changes = {
        "F-<!-- serie -->12<![CDATA[34]]>": number,
        "2026-06-14": day,
        BUYER: buyer,
        ">100.00<": f">{net}<",
        ">125.00<": f">{net}<",
        ">25.00<": ">0.00<",
        ">25<": ">0<",
        "<cbc:ID>S<": "<cbc:ID>Z<",
        ">10.00<": f">{Decimal(net) / 10}<",
    }
    text = INVOICE
    for old, new in changes.items():
        text = text.replace(old, new)
    return text


def rows_of(home: Home, table: str, owner: str = OWN) -> list[dict[str, Any]]:
    """Return all rows of a parsed table of an owner, file by file."""
    import pyarrow.parquet as pq

    folder = home.parsed / table / f"municipality_no={owner}"
    return [row for path in sorted(folder.glob("*.parquet")) for row in pq.ParquetFile(path).read().to_pylist()]
