"""Ledger profiles: how one layout of a supplier ledger is written, read from YAML and checked.

A profile's keys (``columns.amount`` and ``period`` are required; docs/ledger-profiles.md explains each):

* ``name``, ``description``; ``format``: csv (also TXT), xlsx or json; ``sheet``: its name, else the first with the
  header; ``records``: in JSON, the key of the list of records, else the document is the list.
* ``encoding``: one, or a list tried in order (a byte order mark wins); ``delimiter``: one character, or tab;
  ``quote``: false where quotation marks are ordinary characters.
* ``skip_leading``: rows before the search for the header; ``header``: ``must_contain`` (header texts, each one or a
  list of alternatives; case and underscores do not matter), ``search_rows``, and ``truncated``: true where the system
  cuts header texts short.
* ``columns``: parsed column to header text, list of alternatives, or ``{header: …, occurrence: 2, part: code}`` (part:
  code or text, of a cell that holds both). A column whose header the file lacks is null, unless it is in
  ``must_contain``.
* ``missing``: texts that mean nothing; ``dates``: formats such as dd.mm.yyyy, or excel_serial.
* ``numbers``: ``decimal``, ``thousands`` (list of signs), ``negative`` (minus, trailing_minus, parentheses), ``whole``:
  true where amounts have no decimals.
* ``amount_kind``: net or gross; ``sign``: -1 where expenses are negative in the file; ``mostly_credits``: true where
  most amounts may be negative although the sign is right.
* ``period``, one or a list tried in order: ``{column: …, style: yyyymm | yyyy-mm | mm, year_column: …}``,
  ``{from: posting_date}`` or ``{from_file_name: …}`` with the groups year and month.
* ``sum_rows``: list of ``{column: header, parsed column or "*", matches: …, blank: [columns]}``.
* ``constants``: parsed text column to a fixed text.

Belongs here: the keys of a profile, their types and their errors. Not here: reading a ledger by one (ledger.py).
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.errors import ConfigurationError, ProblemsFound
from pipelines.files import read_yaml, sha256_bytes
from pipelines.parsing.dates import EXCEL_SERIAL, PERIOD_STYLES, to_strptime
from pipelines.parsing.ledger_decide import MARK, Undecided, find_undecided
from pipelines.parsing.numbers import NEGATIVE_STYLES, NumberStyle
from pipelines.parsing.schema import LEDGER_POSTINGS

if TYPE_CHECKING:
    from pipelines.home import Source

SHIPPED_FOLDER = Path(__file__).parent / "profiles"
FORMATS = ("csv", "xlsx", "json")
PARTS = ("code", "text")
_NOT_MAPPED = {"municipality_no", "amount_kind", "_source", "_delivery_id", "_file_sha256", "_row_no", "_xpath"}
POSTING_COLUMNS = {column.name: column.type for column in LEDGER_POSTINGS.columns if column.name not in _NOT_MAPPED}
DATE_COLUMNS = tuple(name for name, kind in POSTING_COLUMNS.items() if kind == "date")
ANY_COLUMN = "*"
_KEYS = {
    "name",
    "description",
    "format",
    "encoding",
    "delimiter",
    "quote",
    "sheet",
    "records",
    "skip_leading",
    "header",
    "columns",
    "missing",
    "numbers",
    "dates",
    "amount_kind",
    "sign",
    "mostly_credits",
    "period",
    "sum_rows",
    "constants",
}


@dataclass(frozen=True)
class ColumnRule:
    """Where a parsed column stands: one of these headers, at its n-th occurrence; the whole cell or a part of it."""

    column: str
    headers: tuple[str, ...]
    occurrence: int = 1
    part: str | None = None


@dataclass(frozen=True)
class PeriodRule:
    """One way to find a posting's fiscal period; a profile's ways are tried in order.

    Attributes:
        column: Header of the period column, with ``style`` (a key of PERIOD_STYLES) and, for mm, ``year_column``.
        from_date: A date column whose month is the period.
        from_file_name: Expression with the groups year and month.
    """

    column: str | None = None
    style: str = "yyyymm"
    year_column: str | None = None
    from_date: str | None = None
    from_file_name: re.Pattern[str] | None = None


@dataclass(frozen=True)
class SumRule:
    """A row is a sum where the column (header or parsed name; * for any) matches and the others are blank."""

    column: str
    matches: re.Pattern[str]
    blank: tuple[str, ...] = ()


@dataclass(frozen=True)
class Profile:
    """A checked profile; see docs and the shipped profiles for what each key means."""

    name: str
    description: str
    format: str
    encodings: tuple[str, ...]
    delimiter: str
    quote: bool
    sheet: str | None
    records: str | None
    skip_leading: int
    must_contain: tuple[tuple[str, ...], ...]
    search_rows: int
    truncated: bool
    columns: tuple[ColumnRule, ...]
    missing: frozenset[str]
    numbers: NumberStyle
    dates: tuple[str, ...]
    amount_kind: str
    sign: int
    mostly_credits: bool
    periods: tuple[PeriodRule, ...]
    sum_rows: tuple[SumRule, ...]
    constants: Mapping[str, str]
    digest: str = field(compare=False)
    undecided: tuple[Undecided, ...] = field(default=(), compare=False)

    def rule_for(self, column: str) -> ColumnRule | None:
        """Return where a parsed column stands, or None."""
        return next((rule for rule in self.columns if rule.column == column), None)


def shipped_profile_names() -> list[str]:
    """Return the names of the profiles that come with the installation, sorted."""
    return sorted(path.stem for path in SHIPPED_FOLDER.glob("*.yml"))


def load_profile(name_or_path: str, home_path: Path | None) -> Profile:
    """Return a shipped profile by its name, or another by its path (relative to the home, where there is one).

    Raises:
        ConfigurationError: There is no such profile; the message names those that there are.
        ProblemsFound: The file has problems; all of them.
    """
    shipped = SHIPPED_FOLDER / f"{name_or_path}.yml"
    if re.fullmatch(r"[a-z0-9_]+", name_or_path) and shipped.is_file():
        return read_profile(shipped.read_bytes(), file=name_or_path)
    path = Path(name_or_path) if home_path is None else home_path / name_or_path
    if not path.is_file():
        raise ConfigurationError(
            "There is no such ledger profile.",
            where=name_or_path,
            remedy=f"Name a shipped one ({', '.join(shipped_profile_names())}) or the path of a profile file.",
        )
    return read_profile(path.read_bytes(), file=name_or_path)


def open_decisions(sources: Iterable[Source], home_path: Path) -> list[str]:
    """Return what the profiles of ledger sources leave to be decided, by source; those that cannot be read apart."""
    found = []
    for source in sources:
        if source.kind != "ledger" or not source.profile:
            continue
        with contextlib.suppress(ConfigurationError, OSError):
            profile = load_profile(source.profile, home_path)
            found += [f"{source.owner}/{source.name}, {source.profile}: {one}" for one in profile.undecided]
    return found


@lru_cache(maxsize=64)
def read_profile(raw: bytes, *, file: str) -> Profile:
    """Turn the bytes of a profile into a checked one.

    Raises:
        ProblemsFound: With every problem, each naming file and key.
    """
    import yaml

    try:
        text = raw.decode("utf-8-sig")
        document = read_yaml(text)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ProblemsFound([f"ledger profile {file}: cannot be read as YAML: {error}"]) from None
    if not isinstance(document, Mapping):
        raise ProblemsFound([f"ledger profile {file}: must be a mapping with format, columns and period."])
    reader = _Reader(file, document)
    profile = reader.read(sha256_bytes(raw))
    undecided = find_undecided(text)
    if reader.problems:
        open_keys = [f"ledger profile {file}: {one}" for one in undecided]
        first = f"Decide what is marked {MARK} ({', '.join(one.key for one in undecided)}). " if undecided else ""
        remedy = f"{first}Mend the profile, then run again. Nothing was changed."
        raise ProblemsFound(reader.problems + open_keys, remedy=remedy)
    return replace(profile, undecided=undecided)


class _Reader:
    """Collects every problem while reading."""

    def __init__(self, file: str, document: Mapping[Any, Any]) -> None:
        self.file, self.document = file, document
        self.problems: list[str] = []

    def problem(self, key: str, text: str) -> None:
        self.problems.append(f"ledger profile {self.file}, {key}: {text}")

    def read(self, digest: str) -> Profile:
        for key in self.document:
            if key not in _KEYS:
                self.problem(str(key), f"unknown key; known: {', '.join(sorted(_KEYS))}.")
        columns = self.columns()
        header = self.mapping("header", self.document.get("header"), {"must_contain", "search_rows", "truncated"})
        amount = next((rule for rule in columns if rule.column == "amount"), None)
        must_contain = self.alternatives("header.must_contain", header.get("must_contain"))
        return Profile(
            name=self.text("name") or Path(self.file).stem,
            description=self.text("description") or "",
            format=self.choice("format", FORMATS, "csv"),
            encodings=self.encodings(),
            delimiter=self.delimiter(),
            quote=self.flag("quote", self.document.get("quote", True)),
            sheet=self.text("sheet"),
            records=self.text("records"),
            skip_leading=self.whole("skip_leading", self.document.get("skip_leading"), 0),
            must_contain=must_contain or ((amount.headers,) if amount else ()),
            search_rows=self.whole("header.search_rows", header.get("search_rows"), 30, minimum=1),
            truncated=self.flag("header.truncated", header.get("truncated", False)),
            columns=columns,
            missing=frozenset(self.texts("missing", self.document.get("missing"))),
            numbers=self.numbers(),
            dates=self.dates(),
            amount_kind=self.choice("amount_kind", ("net", "gross"), "net"),
            sign=self.sign(),
            mostly_credits=self.flag("mostly_credits", self.document.get("mostly_credits", False)),
            periods=self.periods(columns),
            sum_rows=self.sum_rows(),
            constants=self.constants(columns),
            digest=digest,
        )

    def mapping(self, key: str, value: Any, known: set[str] | None = None) -> Mapping[str, Any]:
        if value is None:
            return {}
        if not isinstance(value, Mapping):
            self.problem(key, "must be a mapping.")
            return {}
        for name in value if known is not None else ():
            if name not in (known or ()):
                self.problem(f"{key}.{name}", f"unknown key; known: {', '.join(sorted(known or ()))}.")
        return {str(name): entry for name, entry in value.items()}

    def text(self, key: str) -> str | None:
        value = self.document.get(key)
        if value is None or (isinstance(value, str) and value):
            return value
        self.problem(key, "must be text; quote it.")
        return None

    def texts(self, key: str, value: Any) -> tuple[str, ...]:
        entries = [] if value is None else value if isinstance(value, list) else [value]
        if all(isinstance(entry, str) and entry for entry in entries):
            return tuple(entries)
        self.problem(key, "must be text or a list of texts; quote numbers.")
        return ()

    def alternatives(self, key: str, value: Any) -> tuple[tuple[str, ...], ...]:
        entries = [] if value is None else value if isinstance(value, list) else [value]
        return tuple(texts for entry in entries if (texts := self.texts(key, entry)))

    def choice(self, key: str, allowed: tuple[str, ...], default: str) -> str:
        value = self.document.get(key, default)
        if value not in allowed:
            self.problem(key, f"must be one of {', '.join(allowed)}.")
            return default
        return str(value)

    def flag(self, key: str, value: Any) -> bool:
        if not isinstance(value, bool):
            self.problem(key, "must be true or false.")
            return False
        return value

    def whole(self, key: str, value: Any, default: int, minimum: int = 0) -> int:
        if value is None:
            return default
        if not isinstance(value, int) or isinstance(value, bool) or value < minimum:
            self.problem(key, f"must be a whole number of at least {minimum}.")
            return default
        return value

    def sign(self) -> int:
        value = self.document.get("sign", 1)
        if value not in (1, -1):
            self.problem("sign", "must be 1 (expenses are positive in the file) or -1 (they are negative).")
            return 1
        return int(value)

    def encodings(self) -> tuple[str, ...]:
        import codecs

        names = self.texts("encoding", self.document.get("encoding")) or ("utf-8-sig", "cp1252")
        for name in names:
            try:
                # base64 and its like are codecs too, but not of text
                known = codecs.lookup(name)._is_text_encoding
            except LookupError:
                known = False
            if not known:
                self.problem("encoding", f"'{name}' is not an encoding; write utf-8-sig, cp1252, iso-8859-1 or utf-16.")
        return names

    def delimiter(self) -> str:
        value = self.document.get("delimiter", ";")
        value = {"tab": "\t", "\\t": "\t"}.get(value, value) if isinstance(value, str) else value
        if not isinstance(value, str) or len(value) != 1 or value in '\r\n"':
            self.problem("delimiter", "must be one character, or the word tab.")
            return ";"
        return value

    def columns(self) -> tuple[ColumnRule, ...]:
        rules = []
        for column, value in self.mapping("columns", self.document.get("columns")).items():
            key = f"columns.{column}"
            if column not in POSTING_COLUMNS:
                self.problem(key, f"not a column of ledger_postings; known: {', '.join(sorted(POSTING_COLUMNS))}.")
            elif (rule := self.column(key, column, value)) is not None:
                rules.append(rule)
        if not any(rule.column == "amount" for rule in rules):
            self.problem("columns.amount", "is required: the header of the amount column.")
        return tuple(rules)

    def column(self, key: str, column: str, value: Any) -> ColumnRule | None:
        occurrence, part = 1, None
        if isinstance(value, Mapping):
            fields = self.mapping(key, value, {"header", "occurrence", "part"})
            value, part = fields.get("header"), fields.get("part")
            occurrence = self.whole(f"{key}.occurrence", fields.get("occurrence"), 1, minimum=1)
            if part is not None and (part not in PARTS or POSTING_COLUMNS[column] != "text"):
                self.problem(f"{key}.part", f"must be one of {', '.join(PARTS)}, and of a text column.")
        headers = self.texts(key, value)
        if headers:
            return ColumnRule(column, headers, occurrence, part)
        self.problem(key, "must be a header text, a list of alternatives, or {header: …, occurrence: 2}.")
        return None

    def numbers(self) -> NumberStyle:
        fields = self.mapping("numbers", self.document.get("numbers"), {"decimal", "thousands", "negative", "whole"})
        style = NumberStyle()
        decimal = fields.get("decimal", style.decimal)
        if decimal not in (",", "."):
            self.problem("numbers.decimal", "must be ',' or '.'.")
            decimal = ","
        default = tuple(sign for sign in style.thousands if sign != decimal)
        thousands = self.texts("numbers.thousands", fields["thousands"]) if "thousands" in fields else default
        if any(len(sign) != 1 or sign.isalnum() or sign in "+-()" for sign in thousands) or decimal in thousands:
            self.problem("numbers.thousands", "must be single signs other than the decimal sign, digits and signs.")
            thousands = ()
        negative = self.texts("numbers.negative", fields.get("negative")) or NEGATIVE_STYLES
        if unknown := sorted(set(negative) - set(NEGATIVE_STYLES)):
            self.problem("numbers.negative", f"{', '.join(unknown)}: must be among {', '.join(NEGATIVE_STYLES)}.")
        return NumberStyle(decimal, thousands, negative, self.flag("numbers.whole", fields.get("whole", False)))

    def dates(self) -> tuple[str, ...]:
        formats = self.texts("dates", self.document.get("dates")) or ("dd.mm.yyyy", "yyyy-mm-dd")
        for pattern in formats:
            directives = to_strptime(pattern)
            if directives != EXCEL_SERIAL and not _is_date_format(directives):
                self.problem("dates", f"'{pattern}' is no date format; write such as dd.mm.yyyy, or {EXCEL_SERIAL}.")
        return formats

    def periods(self, columns: tuple[ColumnRule, ...]) -> tuple[PeriodRule, ...]:
        value = self.document.get("period")
        entries = value if isinstance(value, list) else [value]
        rules = [rule for entry in entries if (rule := self.period(entry, columns)) is not None]
        if not rules and not self.problems:
            self.problem("period", "is required.")
        return tuple(rules)

    def period(self, value: Any, columns: tuple[ColumnRule, ...]) -> PeriodRule | None:
        fields = self.mapping("period", value, {"column", "style", "year_column", "from", "from_file_name"})
        if sum(name in fields for name in ("column", "from", "from_file_name")) != 1:
            self.problem(
                "period",
                "needs exactly one of column (a header, with style), from (a date column) and from_file_name.",
            )
            return None
        if "from" in fields:
            return self.period_from_date(fields["from"], columns)
        if "from_file_name" in fields:
            pattern = self.pattern("period.from_file_name", fields["from_file_name"])
            if pattern is not None and set(pattern.groupindex) < {"year", "month"}:
                self.problem("period.from_file_name", "needs the groups (?P<year>…) and (?P<month>…).")
            return PeriodRule(from_file_name=pattern)
        style = fields.get("style", "yyyymm")
        if style not in PERIOD_STYLES:
            self.problem("period.style", f"must be one of {', '.join(PERIOD_STYLES)}.")
        if style == "mm" and not fields.get("year_column"):
            self.problem("period.year_column", "is required where style is mm: the header of the year.")
        return PeriodRule(column=str(fields["column"]), style=str(style), year_column=fields.get("year_column"))

    def period_from_date(self, value: Any, columns: tuple[ColumnRule, ...]) -> PeriodRule | None:
        if value in DATE_COLUMNS and any(rule.column == value for rule in columns):
            return PeriodRule(from_date=str(value))
        self.problem("period.from", f"must be a mapped date column: {', '.join(DATE_COLUMNS)}.")
        return None

    def pattern(self, key: str, value: Any) -> re.Pattern[str] | None:
        try:
            return re.compile(value)
        except (re.error, TypeError) as error:
            self.problem(key, f"is not a regular expression: {error}.")
            return None

    def sum_rows(self) -> tuple[SumRule, ...]:
        value = self.document.get("sum_rows") or []
        if not isinstance(value, list):
            self.problem("sum_rows", "must be a list of {column: …, matches: …}.")
            return ()
        rules = []
        for number, entry in enumerate(value, start=1):
            key = f"sum_rows[{number}]"
            fields = self.mapping(key, entry, {"column", "matches", "blank"})
            pattern = self.pattern(f"{key}.matches", fields.get("matches"))
            if not isinstance(fields.get("column"), str):
                self.problem(f"{key}.column", "must be a header, a parsed column's name, or '*' for any.")
            elif pattern is not None:
                rules.append(SumRule(fields["column"], pattern, self.texts(f"{key}.blank", fields.get("blank"))))
        return tuple(rules)

    def constants(self, columns: tuple[ColumnRule, ...]) -> Mapping[str, str]:
        fields = self.mapping("constants", self.document.get("constants"))
        mapped = {rule.column for rule in columns}
        for column, value in fields.items():
            if POSTING_COLUMNS.get(column) != "text" or column == "fiscal_period":
                self.problem(f"constants.{column}", "must be a text column of ledger_postings.")
            elif column in mapped:
                self.problem(f"constants.{column}", "is also mapped in columns; keep one.")
            elif not isinstance(value, str):
                self.problem(f"constants.{column}", "must be text; quote it.")
        return {column: str(value) for column, value in fields.items()}


def _is_date_format(directives: str) -> bool:
    sample = datetime(2031, 12, 25)  # noqa: DTZ001 (a day has no zone)
    read: Callable[[str, str], datetime] = datetime.strptime
    try:
        return read(sample.strftime(directives), directives).date() == sample.date()
    except ValueError:
        return False
