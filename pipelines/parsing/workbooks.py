"""Workbooks from strangers: refused before they are read where they would cost more than an honest one.

Belongs here: what is looked at in the bytes before any reader of workbooks sees them. Not here: reading the cells
(tabular.py).

A reader of workbooks takes room for the whole area that a sheet reaches over, and for as many texts as one states: one
stray cell takes down the process, and with it everybody's run. So every cell's place is looked at first, whatever its
sheet is called and however it is written.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import replace

from pipelines.landing.archives import Archive, RefusedArchive, open_archive
from pipelines.limits import MIB, Limits

_WORKBOOK = "xl/workbook.xml"
_SAVE_AGAIN = "It is not a workbook that can be read: save it again as XLSX."
_OLD_FORMAT = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_MOST_BY_DEFLATION = 1100  # more than the method can do: a workbook's size alone decides
_ROW, _CELL = re.compile(rb"<(?:[^\s<>/:]{1,50}:)?row(?=[\s/>])"), re.compile(rb"<(?:[^\s<>/:]{1,50}:)?c(?=[\s/>])")
_PLACE = re.compile(rb"""\br\s{0,20}=\s{0,20}["']([^"']{0,200})["']""")
_LETTERS_AND_DIGITS = re.compile(rb"\$?([A-Za-z]{0,3})\$?([0-9]{1,7})")
_WORD = re.compile(rb"[A-Za-z0-9$\s]+")
_COUNT = re.compile(rb"""\buniqueCount\s{0,20}=\s{0,20}["']\s{0,20}([0-9]{1,30})""")
_HONEST_COUNT = 10_000


def workbook_refusal(raw: bytes, limits: Limits) -> str | None:
    """Return why a workbook is not read, with the remedy; None where nothing speaks against it."""
    if raw.startswith(_OLD_FORMAT):
        return "It is an old workbook (XLS), or one protected by a password: save it as XLSX without a password."
    unpacked = replace(limits, archive_unpacked_mib=limits.workbook_unpacked_mib, archive_ratio=_MOST_BY_DEFLATION)
    try:
        with open_archive(io.BytesIO(raw), unpacked) as archive:
            if _WORKBOOK not in archive.members:
                return _SAVE_AGAIN
            for content in _contents(archive, limits):
                if problem := _problem(content, limits):
                    return problem
    except RefusedArchive as refused:
        return f"The workbook is not read: {refused}. Save it again as XLSX, deliver it in parts, or as CSV."
    return None


def _contents(archive: Archive, limits: Limits) -> Iterator[bytes]:
    """Give every member's bytes, hidden ones too: a reader opens them all the same."""
    room = limits.workbook_unpacked_mib * MIB
    for name in archive.every_member:
        parts = []
        with archive.open(name) as stream:
            while part := stream.read(MIB):
                parts.append(part)
                room -= len(part)
                if room < 0:
                    raise RefusedArchive(f"unpacked it is larger than {limits.workbook_unpacked_mib} MiB")
        yield b"".join(parts)


def _problem(content: bytes, limits: Limits) -> str | None:
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return _SAVE_AGAIN  # no writer of workbooks uses UTF-16, where nothing below would be seen
    stated = (int(found[1]) for found in _COUNT.finditer(content))
    if any(count > max(_HONEST_COUNT, len(content)) for count in stated):
        return _SAVE_AGAIN
    if b"sheetData" not in content:
        return None
    return _area_problem(content, limits)


def _area_problem(sheet: bytes, limits: Limits) -> str | None:
    """Refuse a sheet that reaches too far: by the places that it states, and by counting where it states none."""
    last_row = last_column = places = 0
    for found in _PLACE.finditer(sheet):
        place = _LETTERS_AND_DIGITS.fullmatch(found[1].strip())
        if place is None:
            if _WORD.fullmatch(found[1]):
                return _SAVE_AGAIN  # too far for any sheet
            continue  # a text that happens to look like it
        last_row = max(last_row, int(place[2]))
        last_column = max(last_column, _column_number(place[1].upper()))
        places += 1
    rows, cells = len(_ROW.findall(sheet)), len(_CELL.findall(sheet))
    if places < rows + cells:
        last_row += rows
        last_column += max((len(_CELL.findall(row)) for row in _ROW.split(sheet)), default=0)
    if last_column > limits.table_columns:
        return f"A sheet reaches to column {last_column}: delete the stray cells far from the table."
    if last_row * max(last_column, 1) > limits.workbook_cells:
        return f"A sheet reaches to row {last_row} and column {last_column}: delete the stray cells far from the table."
    return None


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - ord("A") + 1
    return number
