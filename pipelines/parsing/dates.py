"""Dates and fiscal periods as files write them.

Belongs here: text and spreadsheet values to dates and ``YYYY-MM``. Not here: which formats a file uses (ledger
profiles).
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta

_XML_DATE = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:Z|[+-][0-9]{2}:[0-9]{2})?")
_MIDNIGHT = re.compile(r"[ T]0?0:00(:00(\.0+)?)?$")
_TOKENS = (("yyyy", "%Y"), ("mm", "%m"), ("dd", "%d"), ("yy", "%y"))
_EXCEL_EPOCH = date(1899, 12, 30)  # day 60, which never was, lies before every date that a ledger holds
_LAST_SERIAL = 2_958_465
EXCEL_SERIAL = "excel_serial"
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
    """Reads dates by a layout's formats; remembers what it has read, as ledgers repeat themselves."""

    def __init__(self, formats: tuple[str, ...]) -> None:
        self.formats = formats
        self._seen: dict[str, date] = {}

    def read(self, value: object) -> date:
        """Return the date of a text, a spreadsheet's date or its serial number.

        Raises:
            ValueError: It is none of these, or not a day of the calendar. The message says why, without the value.
        """
        if isinstance(value, str):
            known = self._seen.get(value)
            if known is None:
                known = self._seen[value] = self._read_text(value)
            return known
        if isinstance(value, datetime):
            return value.date()
        if isinstance(value, date):
            return value
        if isinstance(value, int | float) and not isinstance(value, bool):
            return self._read_number(value)
        raise ValueError(f"is not a date ({', '.join(self.formats)})")

    def _read_text(self, text: str) -> date:
        stripped = _MIDNIGHT.sub("", text.strip())
        for pattern in self.formats:
            try:
                if pattern == EXCEL_SERIAL:
                    return _from_serial(float(stripped))
                return datetime.strptime(stripped, to_strptime(pattern)).date()  # noqa: DTZ007 (a day has no zone)
            except (ValueError, OverflowError):
                continue
        raise ValueError(f"is not a date written {' or '.join(self.formats)}")

    def _read_number(self, value: float) -> date:
        # 20261015 typed as a number is a date, not day 20 million.
        if value > _LAST_SERIAL and value == int(value):
            return self._read_text(str(int(value)))
        return _from_serial(value)


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
