"""Units of the company register (Enhetsregisteret) to rows: answers of its interface, or its bulk files.

Belongs here: which field is which, in JSON and in CSV, packed with gzip or not. Not here: history of a unit, and
whether a number in an invoice is in the register (dbt); fetching (landing/brreg_api.py). Roles, and with them persons,
are never read; nor are e-mail addresses, telephones and addresses.

Bulk files hold more than a million units: they are read piece by piece. What is kept of a file as a whole is which
numbers it had already (25 MiB for the whole register). An answer of the interface is read as a whole, up to
LARGEST_ANSWER.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import json
import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, BinaryIO

from pipelines.limits import DEFAULT_LIMITS, MIB
from pipelines.parsing.dates import parse_xml_date
from pipelines.parsing.org_numbers import passes_mod11
from pipelines.parsing.rejects import Reject

PARSER_VERSION = "2"
LARGEST_ANSWER = 64 * 2**20  # a page of 10 000 units is about 20 MiB
LARGEST_UNIT = 2**20  # characters; a unit has some thousand
GZIP = b"\x1f\x8b"
_UNPACKED = DEFAULT_LIMITS.brreg_unpacked_mib * MIB  # the bulk JSON is about 3 GiB
_UNITS_AT_ONCE = 5_000
_PIECE = 2**20
_WHITESPACE = re.compile(r"[ \t\r\n]*")
_HEADER = re.compile(rb'(?:\xef\xbb\xbf)?"?organisasjonsnummer"?[,;\r\n]', re.IGNORECASE)
_SUB_UNIT_FORMS = frozenset({"BEDR", "AAFY"})
_BULK_REMEDY = "Fetch the file again and deliver it as it was downloaded."

_Get = Callable[[str], Any]


class UnreadableUnits(ValueError):
    """The file as a whole is no register file, or breaks off; the message says why, and holds nothing from it."""


@dataclass
class ParsedUnits:
    """What a file, or a piece of it, holds; ``rows_in == len(units) + len(rejects)``.

    Attributes:
        rows_in: Units read; 1 where the file as a whole is refused.
        units: Rows of companies.
        rejects: Units that cannot be read, or one for the file.
        issues: Remarks on units that go on.
    """

    rows_in: int = 0
    units: list[dict[str, Any]] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    issues: list[Reject] = field(default_factory=list)


def read_units(stream: BinaryIO, largest_unpacked: int = _UNPACKED) -> Iterator[ParsedUnits]:
    """Read a file's units piece by piece: the CSV or JSON bulk file, a search answer, or one unit, each gzipped or not.

    A unit is refused without an organisation number of nine digits or with another number of columns (IN01), with an
    unreadable date (IN06), or when the file already had its number (IN03).

    Args:
        stream: The file, at its beginning.
        largest_unpacked: How many bytes may come out of a packed file.

    Raises:
        UnreadableUnits: The file is something else, too large, or broken. What was given before must not be kept: a
            register that breaks off is not a smaller register.
    """
    try:
        yield from _in_pieces(_find_units(_unpacked(stream, largest_unpacked)))
    except (gzip.BadGzipFile, zlib.error, EOFError):
        raise UnreadableUnits(f"The packed file is damaged or breaks off. {_BULK_REMEDY}") from None
    except UnicodeDecodeError:
        raise UnreadableUnits(f"The file is not UTF-8. {_BULK_REMEDY}") from None


def is_csv(head: bytes) -> bool:
    """Return whether a file begins like the register's CSV."""
    return bool(_HEADER.match(head))


def _unpacked(stream: BinaryIO, largest: int) -> io.BufferedReader:
    buffered = stream if isinstance(stream, io.BufferedReader) else io.BufferedReader(_Plain(stream), _PIECE)
    if buffered.peek(len(GZIP))[: len(GZIP)] == GZIP:
        return io.BufferedReader(_Bounded(gzip.GzipFile(fileobj=buffered), largest), _PIECE)
    return buffered


_TOO_LARGE_UNPACKED = (
    "The packed file holds more than it may. Deliver the bulk file of the register itself, or raise "
    "limits.brreg_unpacked_mib in consortium.yaml."
)


class _Plain(io.RawIOBase):
    """Any binary stream, as what buffering wants."""

    def __init__(self, stream: BinaryIO) -> None:
        self.stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        piece = self.stream.read(len(buffer))
        buffer[: len(piece)] = piece
        return len(piece)


class _Bounded(io.RawIOBase):
    """Reads on until more has come out of a packed file than may."""

    def __init__(self, unpacking: gzip.GzipFile, largest: int) -> None:
        self.unpacking, self.left = unpacking, largest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        piece = self.unpacking.read1(len(buffer))
        self.left -= len(piece)
        if self.left < 0:
            raise UnreadableUnits(_TOO_LARGE_UNPACKED)
        buffer[: len(piece)] = piece
        return len(piece)


def _in_pieces(found: Iterable[tuple[int, _Get | Reject, bool | None]]) -> Iterator[ParsedUnits]:
    piece, seen = ParsedUnits(), _Seen()
    for row_no, get, is_sub_unit in found:
        piece.rows_in += 1
        result = get if isinstance(get, Reject) else _read_unit(get, row_no, is_sub_unit, seen, piece.issues)
        if isinstance(result, Reject):
            piece.rejects.append(result)
        else:
            piece.units.append(result)
        if piece.rows_in == _UNITS_AT_ONCE:
            yield piece
            piece = ParsedUnits()
    if piece.rows_in:
        yield piece


class _Seen:
    """Which numbers a file had already: one bit for each, in blocks that are made when first met."""

    def __init__(self) -> None:
        self.blocks: dict[int, bytearray] = {}

    def add(self, org_no: str) -> bool:
        """Note a number; return whether it was new."""
        block, bit = divmod(int(org_no), 2**16)
        bits = self.blocks.setdefault(block, bytearray(2**13))
        if bits[bit // 8] >> bit % 8 & 1:
            return False
        bits[bit // 8] |= 1 << bit % 8
        return True


def _find_units(stream: io.BufferedReader) -> Iterator[tuple[int, _Get | Reject, bool | None]]:
    """Give each unit's position, how to ask for its fields, and whether the file says that it is a sub-unit."""
    head = stream.peek(64)[:200]
    if is_csv(head):
        return _find_in_csv(stream)
    start = head.removeprefix(codecs.BOM_UTF8).lstrip(b" \t\r\n")[:1]
    if start == b"[":
        return _find_in_array(stream)
    if start == b"{":
        return _find_in_answer(stream)
    raise UnreadableUnits(
        "The file is not of the company register. Deliver the answer of /enheter or /underenheter, or the bulk file in "
        "CSV or JSON."
    )


def _find_in_csv(stream: io.BufferedReader) -> Iterator[tuple[int, _Get | Reject, bool | None]]:
    text = io.TextIOWrapper(stream, encoding="utf-8-sig", newline="")
    header_line = text.readline(LARGEST_UNIT)
    delimiter = ";" if header_line.count(";") > header_line.count(",") else ","
    # The register spells some names differently in each of its files.
    names = [name.strip().lower() for name in next(csv.reader([header_line], delimiter=delimiter))]
    places = _Places({name: place for place, name in reversed(list(enumerate(names)))})
    is_sub_unit = any(name.startswith("beliggenhetsadresse.") for name in names) or None
    rows = csv.reader(text, delimiter=delimiter, strict=True)
    is_empty = True
    try:
        for row_no, row in enumerate(rows, start=2):
            if not row:
                continue
            is_empty = False
            if len(row) == len(names):
                yield row_no, _cells(row, places), is_sub_unit
            else:
                message = f"The row has {len(row)} columns where the header has {len(names)}. {_BULK_REMEDY}"
                yield row_no, Reject("IN01", message, row_no=row_no), None
    except csv.Error:
        message = f"The file cannot be read as CSV near line {rows.line_num + 1}: quotes are wrong, or it breaks off."
        raise UnreadableUnits(f"{message} {_BULK_REMEDY}") from None
    if is_empty:
        raise UnreadableUnits(f"The file holds a header and no units. {_BULK_REMEDY}")


class _Places(dict[str, int]):
    """Where columns stand, whatever the case of their names; -1 for one that is not there."""

    def __missing__(self, name: str) -> int:
        self[name] = self.get(name.lower(), -1)
        return self[name]


def _cells(row: list[str], places: _Places) -> _Get:
    def get(name: str) -> Any:
        place = places[name]
        return row[place] if place >= 0 else None

    return get


def _find_in_array(stream: io.BufferedReader) -> Iterator[tuple[int, _Get | Reject, bool | None]]:
    for row_no, unit in enumerate(_array(stream), start=1):
        if row_no == 1 and not (isinstance(unit, Mapping) and "organisasjonsnummer" in unit):
            raise UnreadableUnits("The file is a JSON array, but not of units of the company register.")
        if isinstance(unit, Mapping) and "rollegrupper" in unit:
            raise UnreadableUnits(_ROLES)
        yield row_no, _fields(unit), None


_ROLES = "The file holds roles, and with them persons: these are never read. Deliver units (/enheter, /underenheter)."


def _whole(digits: str) -> int | None:
    return int(digits) if len(digits) <= 18 else None  # longer than any count, and slow to read


_DECODER = json.JSONDecoder(parse_int=_whole)


class _Text:
    """A window on a JSON text that is larger than memory should hold."""

    def __init__(self, stream: io.BufferedReader) -> None:
        self.stream, self.decoder = stream, codecs.getincrementaldecoder("utf-8-sig")()
        self.buffer, self.place, self.is_whole = "", 0, False

    def more(self) -> bool:
        """Read on; return whether there was anything."""
        if self.is_whole:
            return False
        piece = self.stream.read(_PIECE)
        self.is_whole = not piece
        self.buffer = self.buffer[self.place :] + self.decoder.decode(piece, final=not piece)
        self.place = 0
        return True

    def sign(self) -> str:
        """Return the next character that is no white space, without taking it; '' at the end."""
        while True:
            self.place = _WHITESPACE.match(self.buffer, self.place).end()  # type: ignore[union-attr]
            if self.place < len(self.buffer):
                return self.buffer[self.place]
            if not self.more():
                return ""

    def value(self) -> Any:
        """Take the next value."""
        self.sign()
        while True:
            try:
                value, end = _DECODER.raw_decode(self.buffer, self.place)
            except json.JSONDecodeError:
                end = -1
            except RecursionError:
                raise UnreadableUnits(f"The JSON is nested too deeply. {_BULK_REMEDY}") from None
            # A number at the end of the window may go on behind it.
            if end >= 0 and (end < len(self.buffer) or self.is_whole):
                self.place = end
                return value
            if len(self.buffer) - self.place > LARGEST_UNIT + _PIECE or not self.more():
                raise UnreadableUnits(f"The JSON is malformed or breaks off. {_BULK_REMEDY}")


def _array(stream: io.BufferedReader) -> Iterator[Any]:
    text = _Text(stream)
    text.sign()
    text.place += 1
    if text.sign() == "]":
        raise UnreadableUnits("The file is an empty JSON array. Deliver the bulk file or a search answer.")
    while True:
        yield text.value()
        sign = text.sign()
        text.place += 1
        if sign == "]":
            break
        if sign != ",":
            raise UnreadableUnits(f"The JSON is malformed or breaks off. {_BULK_REMEDY}")
    if text.sign():
        raise UnreadableUnits(f"The JSON goes on behind its end. {_BULK_REMEDY}")


def _find_in_answer(stream: io.BufferedReader) -> Iterator[tuple[int, _Get | Reject, bool | None]]:
    raw = stream.read(LARGEST_ANSWER + 1)
    if len(raw) > LARGEST_ANSWER:
        raise UnreadableUnits(f"The answer is larger than {LARGEST_ANSWER // 2**20} MiB. Ask for smaller pages.")
    try:
        answer = _DECODER.decode(raw.decode("utf-8-sig"))
    except RecursionError:
        raise UnreadableUnits("The JSON is nested too deeply. Fetch the answer again.") from None
    except json.JSONDecodeError:
        raise UnreadableUnits("The JSON is malformed or breaks off. Fetch the answer again.") from None
    for row_no, (unit, is_sub_unit) in enumerate(_units_of(answer), start=1):
        yield row_no, _fields(unit), is_sub_unit


def _units_of(answer: Mapping[str, Any]) -> list[tuple[Any, bool | None]]:
    if "rollegrupper" in answer:
        raise UnreadableUnits(_ROLES)
    if "organisasjonsnummer" in answer:
        return [(answer, None)]
    embedded = answer.get("_embedded")
    if isinstance(embedded, Mapping):
        lists = [(name == "underenheter", embedded.get(name)) for name in ("enheter", "underenheter")]
        found = [(is_sub_unit, units) for is_sub_unit, units in lists if isinstance(units, list)]
        if found:
            return [(unit, is_sub_unit) for is_sub_unit, units in found for unit in units]
        if any(name.startswith("oppdaterte") for name in embedded):
            raise UnreadableUnits("The file lists changes (/oppdateringer), not units. Deliver the units themselves.")
    elif isinstance(answer.get("page"), Mapping):
        return []  # a search without hits has a page and nothing else
    raise UnreadableUnits(
        "The JSON holds no units of the company register. Deliver the answer of /enheter or /underenheter."
    )


def _fields(unit: Any) -> _Get:
    def get(name: str) -> Any:
        value = unit
        for part in name.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        return value

    return get


def _read_unit(
    get: _Get, row_no: int, is_sub_unit: bool | None, seen: _Seen, issues: list[Reject]
) -> dict[str, Any] | Reject:
    org_no = _text(get, "organisasjonsnummer")
    if org_no is None or len(org_no) != 9 or not (org_no.isascii() and org_no.isdigit()):
        message = "The unit has no organisation number of nine digits. Fetch the register again."
        return Reject("IN01", message, row_no=row_no, column="organisasjonsnummer", raw=org_no)
    try:
        days = {
            "registered_on": _day(get, "registreringsdatoEnhetsregisteret", "registreringsdatoIEnhetsregisteret"),
            "deleted_on": _day(get, "slettedato"),
            "closed_on": _day(get, "nedleggelsesdato"),
        }
    except ValueError as error:
        return Reject("IN06", f"A date of the unit {error}. Fetch the register again.", row_no=row_no)
    if not seen.add(org_no):
        message = "The file has this organisation number twice; the first one counts."
        return Reject("IN03", message, row_no=row_no, column="organisasjonsnummer", raw=org_no)
    if not passes_mod11(org_no):
        message = "The organisation number fails its check digit."
        issues.append(Reject("RF04", message, row_no=row_no, column="organisasjonsnummer", raw=org_no))
    return {
        "org_no": org_no,
        "name": _text(get, "navn"),
        "legal_form": _text(get, "organisasjonsform.kode"),
        **days,
        "is_bankrupt": _flag(get, "konkurs"),
        "is_vat_registered": _flag(get, "registrertIMvaregisteret"),
        "business_municipality_no": _text(get, "forretningsadresse.kommunenummer")
        or _text(get, "beliggenhetsadresse.kommunenummer"),
        "nace_code": _text(get, "naeringskode1.kode"),
        "sector_code": _text(get, "institusjonellSektorkode.kode"),
        "employees": _count(get, "antallAnsatte"),
        "parent_org_no": _text(get, "overordnetEnhet"),
        "is_sub_unit": _is_sub_unit(get) if is_sub_unit is None else is_sub_unit,
        "_row_no": row_no,
        "_xpath": None,
    }


def _is_sub_unit(get: _Get) -> bool | None:
    """Return what a unit says of itself; a parent alone tells nothing, as departments (ORGL) have one too."""
    for stated in (_text(get, "respons_klasse"), _text(get, "_links.self.href")):
        if stated is not None:
            return "underenhet" in stated.lower()
    form = _text(get, "organisasjonsform.kode")
    return None if form is None else form.upper() in _SUB_UNIT_FORMS


def _text(get: _Get, name: str) -> str | None:
    value = get(name)
    if not isinstance(value, str):
        return None
    if not value.isascii():
        # JSON can spell half a character, which no other file can hold.
        value = value.encode("utf-8", "replace").decode("utf-8")
    return value.strip() or None


def _flag(get: _Get, name: str) -> bool | None:
    value = get(name)
    return {"true": True, "false": False}.get(value.lower()) if isinstance(value, str) else _either(value)


def _either(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def _count(get: _Get, name: str) -> int | None:
    value = get(name)
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 9:
        return int(value)
    return value if type(value) is int and 0 <= value < 10**9 else None


def _day(get: _Get, *names: str) -> date | None:
    for name in names:
        if (text := _text(get, name)) is not None:
            return parse_xml_date(text[:10])
    return None
