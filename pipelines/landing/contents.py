"""What a dropped file is by its own bytes, where an agreement lets nothing else than the source's own kind land.

Belongs here: recognising register forms, exports of contracts, notices and files of the company register by what they
must hold. Not here: when it matters (packages.py), whether what they say is right (parsing/). Closed by default: what
is not recognised is none, whatever its name says. Ledgers, e-invoices and SAF-T are recognised nowhere: they are
prepared, or do not land.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import html
import io
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from typing import BinaryIO, cast

from pipelines.contract_profile import REQUIRED, ContractProfile, load_contract_profile, place_headers
from pipelines.errors import ConfigurationError
from pipelines.home import Home, Source
from pipelines.landing.archives import RefusedArchive, is_archive, open_archive
from pipelines.limits import MIB
from pipelines.register_forms import FACTS_SHEET, FORM_KIND, GUIDE_SHEET, LISTS_SHEET, SHEET

_HEAD = 64 * 2**10
_LARGEST_TABLE = 64 * MIB
_HEADER_AMONG = 40
_FORM_SHEETS = {SHEET, GUIDE_SHEET, LISTS_SHEET, FACTS_SHEET}
_FAULTS = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError, RuntimeError, ValueError, KeyError)
_SHEET = re.compile(rb"<(?:\w+:)?sheet\b[^>]*?\bname=[\"']([^\"']*)[\"']")
_TEXT = re.compile(rb"<(?:\w+:)?t(?:\s[^>]*)?>([^<]*)</")
_ROOT = re.compile(
    rb"(?:\xef\xbb\xbf)?(?:\s|<\?[^>]*\?>|<!--(?:(?!-->).)*-->)*<(?:[\w.-]+:)?"
    rb"(?:PriorInformationNotice|ContractNotice|ContractAwardNotice|BusinessRegistrationInformationNotice)[\s>]",
    re.DOTALL,
)
_SAYS_NOTICE = b"eforms-"
# A unit of the register has both; a ledger may have the first.
_UNIT = re.compile(rb"organisasjonsnummer.*organisasjonsform", re.DOTALL | re.IGNORECASE)
_UNITS_BEGIN = re.compile(rb'(?:\xef\xbb\xbf)?\s*(?:[\[{]|"?organisasjonsnummer"?[,;])', re.IGNORECASE)
_GZIP = b"\x1f\x8b"


def is_of_its_kind(home: Home, source: Source, stream: BinaryIO) -> bool:
    """Return whether a dropped file, and every file in it where it is an archive, is what its source is for."""
    recognises = _recogniser(home, source)
    if recognises is None:
        return False
    try:
        if not is_archive(stream):
            return recognises(stream)
        with open_archive(stream, home.consortium.limits) as archive:
            return all(_is_member(archive.open(name), recognises) for name in archive.every_member)
    except (RefusedArchive, *_FAULTS):
        return False


def _is_member(stream: BinaryIO, recognises: Callable[[BinaryIO], bool]) -> bool:
    raw = io.BytesIO()
    with stream:
        while chunk := stream.read(MIB):
            if raw.write(chunk) and raw.tell() > _LARGEST_TABLE:
                return False
    return not is_archive(raw) and recognises(raw)


def _recogniser(home: Home, source: Source) -> Callable[[BinaryIO], bool] | None:
    if source.kind == "registers":
        try:
            profile = load_contract_profile(source.profile, home.path) if source.profile else None
        except ConfigurationError:
            profile = None  # the doctor says so
        return lambda stream: _is_form(stream) or (profile is not None and _is_export(stream, profile))
    return {"notices": _is_notice, "brreg": _is_units}.get(source.kind)


def _head(stream: BinaryIO) -> bytes:
    stream.seek(0)
    return stream.read(_HEAD)


def _is_notice(stream: BinaryIO) -> bool:
    head = _head(stream)
    return bool(_ROOT.match(head)) and _SAYS_NOTICE in head


def _is_units(stream: BinaryIO) -> bool:
    head = _head(stream)
    if head.startswith(_GZIP):
        stream.seek(0)
        with gzip.GzipFile(fileobj=stream) as unpacked:
            head = unpacked.read(_HEAD)
    return bool(_UNITS_BEGIN.match(head) and _UNIT.search(head))


def _is_form(stream: BinaryIO) -> bool:
    """Return whether a workbook has the sheets of a form and no other, and says that it is one."""
    sheets, texts = _workbook(stream)
    return {SHEET, FACTS_SHEET} <= sheets <= _FORM_SHEETS and any(FORM_KIND in some for some in texts)


def _is_export(stream: BinaryIO, profile: ContractProfile) -> bool:
    """Return whether a table has the headers that a contract profile cannot do without."""
    if profile.format == "csv":
        rows: Iterator[list[str]] = _rows(stream, profile)
    else:
        sheets, texts = _workbook(stream)
        rows = iter(texts if len(sheets) == 1 else [])
    return any(set(REQUIRED) <= place_headers(profile, row).keys() for row in rows)


def _rows(stream: BinaryIO, profile: ContractProfile) -> Iterator[list[str]]:
    """Yield the first rows of a text; of one that is no text, none."""
    head = _head(stream)
    for encoding in profile.encoding:
        try:
            text = codecs.getincrementaldecoder(encoding)().decode(head)
        except UnicodeDecodeError:
            continue
        rows = csv.reader(io.StringIO(text, newline=""), delimiter=profile.delimiter)
        try:
            for _, row in zip(range(_HEADER_AMONG), rows, strict=False):
                yield [cell.strip() for cell in row]
        except csv.Error:
            return
        return


def _workbook(stream: BinaryIO) -> tuple[set[str], list[list[str]]]:
    """Return the names of a workbook's sheets, and the texts of each of its parts; nothing of another file."""
    stream.seek(0)
    if not zipfile.is_zipfile(stream):
        return set(), []
    with zipfile.ZipFile(stream) as book:
        parts = [one for one in book.infolist() if one.filename.startswith(("xl/sharedStrings", "xl/worksheets/"))]
        index = book.getinfo("xl/workbook.xml")
        if sum(one.file_size for one in (index, *parts)) > _LARGEST_TABLE:
            return set(), []
        names = {_plain(name) for name in _SHEET.findall(_read(book, index))}
        return names, [[_plain(text) for text in _TEXT.findall(_read(book, part))] for part in parts]


def _read(book: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    with cast(BinaryIO, book.open(member)) as stream:
        return stream.read(_LARGEST_TABLE)


def _plain(raw: bytes) -> str:
    return html.unescape(raw.decode("utf-8", "replace")).strip()
