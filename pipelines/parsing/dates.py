"""Dates and fiscal periods as files write them.

Belongs here: text and spreadsheet values to dates and ``YYYY-MM``. Not here: which formats a file uses (ledger
profiles).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from functools import lru_cache

_XML_DATE = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:Z|[+-][0-9]{2}:[0-9]{2})?")
_MIDNIGHT = re.compile(r"[ T]0?0:00(:00(\.0+)?)?$")
_TOKENS = (("yyyy", "%Y"), ("mm", "%m"), ("dd", "%d"), ("yy", "%y"))
_EXCEL_EPOCH = date(1899, 12, 30)  # day 60, which never was, lies before every date that a ledger holds
_MOST_REFUSED = 1000
_LAST_SERIAL = 2_958_465
_LAST_WRITTEN_SERIAL = 109_574  # the end of 2199: in text, a larger number is no day of a ledger
EXCEL_SERIAL = "excel_serial"
# What files have been seen to write; the order is that in which they are proposed.
KNOWN_FORMATS = (
    "dd.mm.yyyy",
    "yyyy-mm-dd",
    "yyyymmdd",
    "dd/mm/yyyy",
    "mm/dd/yyyy",
    "dd-mm-yyyy",
    "dd.mm.yy",
    "dd/mm/yy",
    "yyyy/mm/dd",
    "yyyy.mm.dd",
    "%d %b %Y",
    "%d-%b-%y",
    "%d-%b-%Y",
    EXCEL_SERIAL,
)
_SERIAL = re.compile(r"[0-9]{1,7}(?:[.,][0-9]{1,12})?")
_EIGHT_DIGITS = re.compile(r"[0-9]{8}")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_OTHER_MONTHS = {"mai": 5, "okt": 10, "des": 12}
PERIOD_STYLES = {
    "yyyymm": re.compile(r"(?P<year>[0-9]{4})(?P<month>[0-9]{2})"),
    "yyyy-mm": re.compile(r"(?P<year>[0-9]{4})[-./](?P<month>[0-9]{1,2})"),
    "mm": re.compile(r"(?P<month>[0-9]{1,2})"),
}


def parse_xml_date(text: str) -> date:
    """Return the day of an ``xs:date``; a time zone is taken off.

    Raises:
        ValueError: The text is not a day of the calendar written yyyy-mm-dd.
    """
    found = _XML_DATE.fullmatch(text.strip())
    if found is None:
        raise ValueError("is not a date written yyyy-mm-dd")
    try:
        return date.fromisoformat(found[1])
    except ValueError:
        raise ValueError("is not a day of the calendar") from None


def to_strptime(pattern: str) -> str:
    """Return a format such as ``dd.mm.yyyy`` as strptime wants it; strptime's own formats are left as they are."""
    if "%" in pattern or pattern == EXCEL_SERIAL:
        return pattern
    for token, directive in _TOKENS:
        pattern = pattern.replace(token, directive)
    return pattern


class DateReader:
    """Reads dates by a layout's formats; remembers what it has read, as ledgers repeat themselves.

    Attributes:
        formats: The formats, tried in order.
        refused: Texts that were no dates by them; the first thousand.
    """

    def __init__(self, formats: tuple[str, ...]) -> None:
        self.formats = formats
        self._seen: dict[str, date] = {}
        self._peeked: dict[str, date] = {}
        self.refused: set[str] = set()

    def read(self, value: object) -> date:
        """Return the date of a text, a spreadsheet's date or its serial number.

        Raises:
            ValueError: It is none of these, or not a day of the calendar. The message says why, without the value.
        """
        if isinstance(value, str):
            known = self._seen.get(value)
            if known is None:
                try:
                    known = self._seen[value] = self.parse(value)
                except ValueError:
                    if len(self.refused) < _MOST_REFUSED:
                        self.refused.add(value)
                    raise
            return known
        if isinstance(value, datetime):
            return value.date()
        if isinstance(value, date):
            return value
        if isinstance(value, int | float) and not isinstance(value, bool):
            return self._read_number(value)
        raise ValueError(f"is not a date ({', '.join(self.formats)})")

    def peek(self, text: str) -> date | None:
        """Return the date of a text, or None where it is none, without counting it."""
        known = self._seen.get(text) or self._peeked.get(text)
        if known is None:
            try:
                known = self._peeked[text] = self.parse(text)
            except ValueError:
                return None
        return known

    def note(self, texts: Iterable[str]) -> None:
        """Count texts that were peeked at."""
        for text in texts:
            if text not in self._seen:
                self._seen[text] = self._peeked[text]

    @property
    def read_texts(self) -> int:
        """Return how many different texts have been read."""
        return len(self._seen)

    def parse(self, text: str) -> date:
        """Return the date of a text, without remembering it.

        Raises:
            ValueError: It is none, or not a day of the calendar.
        """
        stripped = _MIDNIGHT.sub("", text.strip())
        for pattern in self.formats:
            try:
                if pattern == EXCEL_SERIAL:
                    return _from_serial(_serial(stripped))
                if pattern == "yyyymmdd" and not _EIGHT_DIGITS.fullmatch(stripped):
                    continue  # strptime would make a day of 2026215
                return datetime.strptime(stripped, to_strptime(pattern)).date()  # noqa: DTZ007 (a day has no zone)
            except (ValueError, OverflowError):
                continue
        raise ValueError(f"is not a date written {' or '.join(self.formats)}")

    def _read_number(self, value: float) -> date:
        # 20261015 typed as a number is a date, not day 20 million.
        if _LAST_SERIAL < value < 10**8 and value == int(value):
            return self.parse(str(int(value)))
        return _from_serial(value)


def formats_that_read(texts: Iterable[str]) -> list[str]:
    """Return the known formats that read every one of some texts; none where there are no texts."""
    texts = list(texts)
    return [pattern for pattern in KNOWN_FORMATS if texts and all(_reads(pattern, text) for text in texts)]


@lru_cache(maxsize=64)
def _reader_of(pattern: str) -> DateReader:
    return DateReader((pattern,))


def _reads(pattern: str, text: str) -> bool:
    try:
        _reader_of(pattern).parse(text)
    except ValueError:
        return False
    return True


def _serial(text: str) -> float:
    if _SERIAL.fullmatch(text) is None or (value := float(text.replace(",", "."))) > _LAST_WRITTEN_SERIAL:
        raise ValueError("is not a spreadsheet's date number")
    return value


def _from_serial(value: float) -> date:
    if not 1 <= value <= _LAST_SERIAL:
        raise ValueError("is not a spreadsheet's date number")
    return _EXCEL_EPOCH + timedelta(days=int(value))


def read_period(text: str, style: str, year: str | None = None) -> str:
    """Return a fiscal period as ``YYYY-MM``; 13 is the year-end.

    Raises:
        ValueError: The text is not a period in this style.
    """
    found = PERIOD_STYLES[style].fullmatch(text.strip())
    if found is None:
        raise ValueError(f"is not a period written {style}")
    return make_period(year if style == "mm" else found["year"], found["month"])


def make_period(year: str | None, month: str | None) -> str:
    """Return ``YYYY-MM`` from a year and a month (digits, or an English or Norwegian month's name).

    Raises:
        ValueError: Either is missing or no period of a year (01–13).
    """
    if year is None or month is None or not re.fullmatch(r"[0-9]{4}", year.strip()):
        raise ValueError("has no year of four digits")
    number = int(month) if month.strip().isdigit() else _month_number(month)
    if not 1 <= number <= 13:
        raise ValueError("is not one of the periods 01 to 13 of a year")
    return f"{year.strip()}-{number:02d}"


def _month_number(name: str) -> int:
    short = name.strip().lower()[:3]
    if short in _MONTHS:
        return _MONTHS.index(short) + 1
    return _OTHER_MONTHS.get(short, 0)
