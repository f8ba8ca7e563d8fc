"""Ask the public interface of the company register (Enhetsregisteret) for units and for changes.

Belongs here: requests, paging, waiting when the register asks for it, and what an answer means. Not here: which units
are wanted, keeping what was answered (brreg_fetch.py), what a unit's fields mean (parsing/brreg.py).

(1) Units are searched by number, many at once. A search finds only what is registered today: numbers that it does not
    find are asked for one by one. A deleted unit answers with its day of deletion; one that was taken out of the open
    data answers 410; one that never was answers 404.
(2) An answer that is cut, is no JSON or speaks of other units than were asked for is trouble like a broken line, and
    never an absent unit. Trouble that may pass is waited out, as long as the register says or a little longer each
    time, and no more often than WAIT_SECONDS has entries.
(3) Nothing is asked of another server than the one named: no redirect is followed.
(4) Of a unit only the fields that are read further on are kept: no contact, no address, no purpose.
"""

from __future__ import annotations

import contextlib
import email.utils
import http.client
import json
import re
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.message import Message
from typing import Any

from pipelines import __version__
from pipelines.errors import SourceUnreachable

TIMEOUT_SECONDS = 30
WAIT_SECONDS = (1, 4, 15, 60)
LONGEST_WAIT_SECONDS = 300
PAUSE_SECONDS = 0.1  # between two requests, as long as all goes well
NUMBERS_AT_ONCE = 200
PAGE_SIZE = 1_000
MOST_PAGES = 1_000
_DEEPEST = 10_000  # what (page + 1) * size may reach
_LARGEST_ANSWER = 64 * 2**20
_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
_GONE, _UNKNOWN = 410, 404
UNITS, SUB_UNITS = "enheter", "underenheter"
_CHANGED = {UNITS: "oppdaterteEnheter", SUB_UNITS: "oppdaterteUnderenheter"}
_ORG_NO = re.compile(r"[0-9]{9}")
_REMEDY = "Try again later; what was fetched so far is kept. Without the register: samandel brreg fetch --offline."
# (4) Names, and those of what lies below them.
KEPT: dict[str, tuple[str, ...]] = {
    "organisasjonsnummer": (),
    "navn": (),
    "respons_klasse": (),
    "organisasjonsform": ("kode",),
    "registreringsdatoEnhetsregisteret": (),
    "registrertIMvaregisteret": (),
    "slettedato": (),
    "nedleggelsesdato": (),
    "konkurs": (),
    "forretningsadresse": ("kommunenummer",),
    "beliggenhetsadresse": ("kommunenummer",),
    "naeringskode1": ("kode",),
    "institusjonellSektorkode": ("kode",),
    "antallAnsatte": (),
    "overordnetEnhet": (),
}


class _Trouble(Exception):
    """A request did not come to an answer; it may if it is made again."""

    def __init__(self, reason: str, wait: float | None = None) -> None:
        self.reason, self.wait = reason, wait
        super().__init__(reason)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        """(3)."""
        return


@dataclass
class RegisterApi:
    """The interface under one address.

    Attributes:
        url: Its base, such as https://data.brreg.no/enhetsregisteret/api.
        requests: How many were made.
    """

    url: str
    requests: int = 0
    _opener: urllib.request.OpenerDirector = field(default_factory=lambda: urllib.request.build_opener(_NoRedirect()))

    def units(self, org_nos: Iterable[str]) -> Iterator[tuple[tuple[str, ...], list[dict[str, Any]]]]:
        """Give batch by batch what was asked for and the units found, each by number; sub-units and deleted ones too.

        Raises:
            SourceUnreachable: The register does not answer, however often it is asked.
        """
        wanted = sorted(set(org_nos))
        for start in range(0, len(wanted), NUMBERS_AT_ONCE):
            batch = tuple(wanted[start : start + NUMBERS_AT_ONCE])
            yield batch, self._batch(batch)

    def _batch(self, batch: Sequence[str]) -> list[dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {}
        for kind in (UNITS, SUB_UNITS):
            if missing := [org_no for org_no in batch if org_no not in found]:
                found |= self._search_numbers(kind, missing)
        for org_no in batch:
            if org_no not in found and (unit := self._one(org_no)) is not None:
                found[org_no] = unit
        return [found[org_no] for org_no in sorted(found)]

    def _search_numbers(self, kind: str, org_nos: Sequence[str]) -> dict[str, dict[str, Any]]:
        units = {}
        for unit in self.search(kind, {"organisasjonsnummer": ",".join(org_nos)}, size=len(org_nos)):
            if (org_no := unit.get("organisasjonsnummer")) not in org_nos:
                raise self._failure(f"/{kind}", "answers with units that were not asked for")  # (2)
            units[str(org_no)] = _kept(unit, kind)
        return units

    def search(self, kind: str, criteria: Mapping[str, str], *, size: int = PAGE_SIZE) -> Iterator[dict[str, Any]]:
        """Give the units or sub-units that a search finds, page by page.

        Raises:
            SourceUnreachable: The register does not answer, or has more hits than it lets anybody turn pages for.
        """
        for page in range(MOST_PAGES):
            if (page + 1) * size > _DEEPEST:
                raise self._failure(f"/{kind}", f"finds more than {_DEEPEST} units; ask for fewer")
            answer = self._answer(f"/{kind}", {**criteria, "size": str(size), "page": str(page)}, _is_listing)
            yield from _embedded(answer, kind)
            if page + 1 >= _page_fact(answer, "totalPages", 0):
                return
        raise self._failure(f"/{kind}", "turns page after page without end")

    def changes(self, kind: str, since: datetime) -> Iterator[str]:
        """Give the numbers of units that have changed since a moment; a number may come again.

        Raises:
            SourceUnreachable: The register does not answer.
        """
        asked = {"dato": since.strftime("%Y-%m-%dT%H:%M:%S.000Z")}
        for _ in range(MOST_PAGES):
            answer = self._answer(f"/oppdateringer/{kind}", {**asked, "size": str(PAGE_SIZE)}, _is_listing)
            changes = _embedded(answer, _CHANGED[kind])
            yield from (
                str(change["organisasjonsnummer"])
                for change in changes
                if _ORG_NO.fullmatch(str(change.get("organisasjonsnummer")))
            )
            last = [change["oppdateringsid"] for change in changes if type(change.get("oppdateringsid")) is int]
            if not last or _page_fact(answer, "totalElements", len(changes)) <= len(changes):
                return
            # Pages go no deeper than 10 000: the next ones begin behind the last change instead.
            asked = {"oppdateringsid": str(max(last) + 1)}
        raise self._failure(f"/oppdateringer/{kind}", "lists more changes than can be followed; fetch the bulk file")

    def _one(self, org_no: str) -> dict[str, Any] | None:
        """Return a unit that no search finds, or None where the register never had it; (1)."""
        for kind in (UNITS, SUB_UNITS):
            answer = self._answer(
                f"/{kind}/{org_no}", {}, lambda answer: answer.get("organisasjonsnummer") == org_no, may_be_absent=True
            )
            if answer is not None:
                return _kept(answer, kind)
        return None

    def _answer(
        self,
        path: str,
        criteria: Mapping[str, str],
        is_answer: Callable[[Mapping[str, Any]], bool],
        *,
        may_be_absent: bool = False,
    ) -> Any:
        """Return what a request is answered with, None for a unit that is not there; (2)."""
        query = f"?{urllib.parse.urlencode(criteria, safe=',:')}" if criteria else ""
        for wait in (*WAIT_SECONDS, None):
            try:
                answer = self._ask(f"{self.url.rstrip('/')}{path}{query}", path, may_be_absent)
                if answer is None or is_answer(answer):
                    return answer
                reason, stated = "answers with something else than was asked for", None
            except _Trouble as trouble:
                reason, stated = trouble.reason, trouble.wait
            if wait is None:
                raise self._failure(path, reason)
            time.sleep(min(wait if stated is None else stated, LONGEST_WAIT_SECONDS))
        raise AssertionError("the last try returns or raises")

    def _ask(self, url: str, path: str, may_be_absent: bool) -> Any:
        if self.requests:
            time.sleep(PAUSE_SECONDS)
        self.requests += 1
        headers = {"Accept": "application/json", "User-Agent": f"samandel/{__version__}"}
        request = urllib.request.Request(url, headers=headers)  # noqa: S310  the scheme is checked with the settings
        try:
            with self._opener.open(request, timeout=TIMEOUT_SECONDS) as response:
                raw = response.read(_LARGEST_ANSWER + 1)
                is_cut = len(raw) <= _LARGEST_ANSWER and bool(response.length)
        except urllib.error.HTTPError as error:
            with error:
                return self._refused(error, path, may_be_absent)
        except (OSError, http.client.HTTPException, ValueError) as error:
            kind = type(getattr(error, "reason", error)).__name__
            raise _Trouble(f"cannot be reached, or the line broke ({kind})") from None
        if len(raw) > _LARGEST_ANSWER:
            raise self._failure(path, f"answers with more than {_LARGEST_ANSWER // 2**20} MiB")
        if is_cut:
            raise _Trouble("breaks off")
        return _decoded(raw)

    def _refused(self, error: urllib.error.HTTPError, path: str, may_be_absent: bool) -> Any:
        if error.code in (_UNKNOWN, _GONE) and may_be_absent:
            return _removed(error) if error.code == _GONE else None
        if error.code in _PASSING:
            raise _Trouble(f"cannot answer now ({error.code})", _retry_after(error.headers))
        raise self._failure(path, f"refuses the request ({error.code}); is api in consortium.yaml right?")

    def _failure(self, path: str, reason: str) -> SourceUnreachable:
        return SourceUnreachable(f"The company register {reason}.", where=f"{self.url}{path}", remedy=_REMEDY)


def _removed(error: urllib.error.HTTPError) -> dict[str, Any] | None:
    """Return what is said of a unit that was taken out of the open data: its number and a day, or nothing."""
    with contextlib.suppress(_Trouble, OSError, http.client.HTTPException):
        answer: dict[str, Any] = _decoded(error.read(_LARGEST_ANSWER))
        return answer if "slettedato" in answer else None
    return None


def _decoded(raw: bytes) -> Any:
    try:
        answer = json.loads(raw)
    except (ValueError, RecursionError):
        raise _Trouble("answers with what is no JSON, or breaks off") from None
    if not isinstance(answer, dict):
        raise _Trouble("answers with something else than was asked for")
    return answer


def _retry_after(headers: Message) -> float | None:
    """Return how many seconds a server asks to wait: stated as such, or as a moment beside its own time."""
    stated = (headers.get("Retry-After") or "").strip()
    if stated.isascii() and stated.isdigit():
        return float(stated[:6])
    try:
        moment, now = (email.utils.parsedate_to_datetime(text or "") for text in (stated, headers.get("Date")))
        return max(0.0, (moment - now).total_seconds())
    except (ValueError, TypeError):
        return None


def _embedded(answer: Any, name: str) -> list[dict[str, Any]]:
    embedded = answer.get("_embedded") if isinstance(answer, Mapping) else None
    entries = embedded.get(name) if isinstance(embedded, Mapping) else None
    return [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []


def _is_listing(answer: Mapping[str, Any]) -> bool:
    """Return whether an answer is a page of a search: one without hits has the page and nothing else."""
    return isinstance(answer.get("page"), Mapping) or isinstance(answer.get("_embedded"), Mapping)


def _page_fact(answer: Mapping[str, Any], name: str, default: int) -> int:
    page = answer.get("page")
    fact = page.get(name) if isinstance(page, Mapping) else None
    return fact if type(fact) is int else default


def _kept(unit: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """Return the fields of a unit that are kept, and that it is a sub-unit where the place that answered says so."""
    kept: dict[str, Any] = {}
    for name, below in KEPT.items():
        value = unit.get(name)
        if below:
            value = {part: value[part] for part in below if part in value} if isinstance(value, Mapping) else None
        if value is not None and value != {}:
            kept[name] = value
    is_deleted = "slettedato" in kept
    if kind == SUB_UNITS:
        kept["respons_klasse"] = "SlettetUnderEnhet" if is_deleted else "Underenhet"
    else:
        kept.setdefault("respons_klasse", "SlettetEnhet" if is_deleted else "Enhet")
    return kept
