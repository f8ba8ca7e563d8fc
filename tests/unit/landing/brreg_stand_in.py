"""A stand-in for the register's interface on this machine: its real shapes, invented units, and faults on demand.

Belongs here: answering requests. Not here: what the client must make of the answers (test_brreg_api.py).
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

BASE = "/enhetsregisteret/api"


@dataclass
class Fault:
    """What one request is answered with instead of what it asked for.

    Attributes:
        status: The HTTP status.
        body: The body; None for the right one.
        headers: More headers.
        cut: The stated length is longer than what is sent, and the line ends.
        part: A request whose path holds this; others are answered as usual.
    """

    status: int = 200
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: bool = False
    part: str = ""


@dataclass
class StandIn:
    """What the stand-in has and was asked.

    Attributes:
        units: By number.
        sub_units: By number.
        deleted: Units that are deleted: answered with 200 one by one, in no search.
        removed: Taken out of the open data: answered with 410.
        changes: What /oppdateringer lists, in order.
        faults: Answers to give first.
        largest_page: No page is longer, whatever is asked for.
        asked: Paths with their queries.
        agents: User agents.
    """

    units: dict[str, dict[str, Any]] = field(default_factory=dict)
    sub_units: dict[str, dict[str, Any]] = field(default_factory=dict)
    deleted: dict[str, dict[str, Any]] = field(default_factory=dict)
    removed: set[str] = field(default_factory=set)
    changes: list[tuple[int, str]] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    largest_page: int = 10_000
    asked: list[str] = field(default_factory=list)
    agents: set[str] = field(default_factory=set)
    url: str = ""

    def answer(self, path: str, query: dict[str, str]) -> tuple[int, Any]:
        kind, _, org_no = path.removeprefix(f"{BASE}/").partition("/")
        if kind == "oppdateringer":
            return 200, self._changes(org_no, query)
        known = {"enheter": self.units, "underenheter": self.sub_units}.get(kind)
        if known is None:
            return 404, {"status": 404}
        if org_no:
            return self._one(kind, known, org_no)
        wanted = query.get("organisasjonsnummer", "").split(",")
        hits = [known[number] for number in sorted(known) if number in wanted or wanted == [""]]
        return 200, self._page(kind, hits, query)

    def _one(self, kind: str, known: Mapping[str, Any], org_no: str) -> tuple[int, Any]:
        if org_no in known:
            return 200, known[org_no]
        if kind == "enheter" and org_no in self.deleted:
            return 200, self.deleted[org_no]
        if kind == "enheter" and org_no in self.removed:
            return 410, {"organisasjonsnummer": org_no, "slettedato": "2026-03-01"}
        return 404, None

    def _page(self, kind: str, hits: list[Any], query: dict[str, str]) -> Any:
        size = min(int(query.get("size", "20")), self.largest_page)
        number = int(query.get("page", "0"))
        pages = -(-len(hits) // size)
        shown = hits[number * size : (number + 1) * size]
        page = {"size": size, "totalElements": len(hits), "totalPages": pages, "number": number}
        return {**({"_embedded": {kind: shown}} if shown else {}), "page": page}

    def _changes(self, kind: str, query: dict[str, str]) -> Any:
        first = int(query.get("oppdateringsid", "0"))
        listed = [
            {
                "oppdateringsid": number,
                "dato": "2026-10-05T04:01:22.299Z",
                "organisasjonsnummer": org_no,
                "endringstype": "Endring",
                "_links": {"enhet": {"href": f"{self.url}/{kind}/{org_no}"}},
            }
            for number, org_no in self.changes
            if kind == "enheter" and number >= first
        ]
        name = {"enheter": "oppdaterteEnheter", "underenheter": "oppdaterteUnderenheter"}[kind]
        return self._page(name, listed, query)


def unit(org_no: str, name: str = "EKSEMPEL AS", **more: Any) -> dict[str, Any]:
    """Return a unit as the interface answers, contacts included."""
    return {
        "organisasjonsnummer": org_no,
        "navn": name,
        "organisasjonsform": {"kode": "AS", "beskrivelse": "Aksjeselskap", "_links": {}},
        "registreringsdatoEnhetsregisteret": "2001-02-03",
        "registrertIMvaregisteret": True,
        "epostadresse": "prove@example.invalid",
        "telefon": "00 00 00 00",
        "forretningsadresse": {"adresse": ["Prøveveien 1"], "kommunenummer": "9901", "land": "Norge"},
        "naeringskode1": {"kode": "56.210", "beskrivelse": "Cateringvirksomhet"},
        "konkurs": False,
        "_links": {"self": {"href": f"https://data.example.invalid/enhetsregisteret/api/enheter/{org_no}"}},
    } | more


def sub_unit(org_no: str, parent: str) -> dict[str, Any]:
    """Return a sub-unit as the interface answers."""
    return {
        "organisasjonsnummer": org_no,
        "navn": "EKSEMPEL AVD ØST",
        "organisasjonsform": {"kode": "BEDR"},
        "overordnetEnhet": parent,
        "beliggenhetsadresse": {"adresse": ["Prøveveien 2"], "kommunenummer": "9902"},
    }


class _Handler(BaseHTTPRequestHandler):
    stand_in: StandIn

    def do_GET(self) -> None:  # noqa: N802  the server's own name
        stand_in = self.stand_in
        stand_in.asked.append(self.path)
        stand_in.agents.add(self.headers.get("User-Agent", ""))
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        status, document = stand_in.answer(parts.path, query)
        raw = b"" if document is None else json.dumps(document).encode()
        fault = next((fault for fault in stand_in.faults if fault.part in self.path), None)
        if fault is not None:
            stand_in.faults.remove(fault)
            status, raw = fault.status, raw if fault.body is None else fault.body
        self.send_response(status)
        for name, value in (fault.headers if fault else {}).items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw) + (10 if fault and fault.cut else 0)))
        self.end_headers()
        self.wfile.write(raw)
        if fault and fault.cut:
            self.close_connection = True

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def serving(stand_in: StandIn) -> Iterator[StandIn]:
    """Serve on a free port of the loopback device."""
    handler = type("Handler", (_Handler,), {"stand_in": stand_in})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    stand_in.url = f"http://127.0.0.1:{server.server_port}{BASE}"
    try:
        yield stand_in
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
