"""SAF-T Financial as a stream of records, in constant memory, from bytes that may be hostile.

Belongs here: XML to tokens, tokens to records (the elements that repeat, with their fields), and refusing what is not
XML of this kind. Not here: what the fields mean (saft.py).

Speed decides the form. Expat reports elements and texts into one list; a line's elements come in few shapes, so where
each field stands is found once for each shape and then taken by position. Names carry a sign that no XML text may hold,
so no text is ever taken for an element.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import repeat
from operator import itemgetter
from typing import TYPE_CHECKING, Any, BinaryIO

from pipelines.limits import DEFAULT_LIMITS, Limits
from pipelines.parsing.rejects import Reject

if TYPE_CHECKING:
    from xml.parsers.expat import XMLParserType

NAMESPACE = "urn:StandardAuditFile-Taxation-Financial:NO"
_MARK = "\x01"  # stands between namespace and name; not allowed in XML
_CHUNK = 1 << 17
_MOST_NAMES = 2_000  # the schemas have some 480
_MOST_TOKENS = 1_000_000  # of one record that is not finished: some 20 MiB of XML
_MOST_SHAPES = 5_000
_LONGEST_SHAPE = 2_000  # longer ones are not remembered
_MOST_FIELDS = 10_000  # of one record

# What repeats or holds what repeats, and where alone it counts; the same name elsewhere is passed over.
PARENTS = {
    "AuditFile": "",
    "Header": "AuditFile",
    "MasterFiles": "AuditFile",
    "GeneralLedgerAccounts": "MasterFiles",
    "Account": "GeneralLedgerAccounts",
    "Suppliers": "MasterFiles",
    "Supplier": "Suppliers",
    "TaxTable": "MasterFiles",
    "TaxTableEntry": "TaxTable",
    "TaxCodeDetails": "TaxTableEntry",
    "AnalysisTypeTable": "MasterFiles",
    "AnalysisTypeTableEntry": "AnalysisTypeTable",
    "GeneralLedgerEntries": "AuditFile",
    "Journal": "GeneralLedgerEntries",
    "Transaction": "Journal",
    "Line": "Transaction",
}
# Whole sections that nobody here reads.
_PASSED_OVER = (
    "Customers",
    "Taxonomies",
    "UOMTable",
    "MovementTypeTable",
    "Products",
    "PhysicalStock",
    "Owners",
    "Assets",
    "SourceDocuments",
)
_CONTAINERS = (*PARENTS, *_PASSED_OVER)
# Elements within records whose name matters; the rest are OTHER.
_FIELDS: list[str] = re.findall(
    r"\w+",
    """
    AccountDescription AccountID Address Amount Analysis AnalysisID AnalysisType AnalysisTypeDescription
    AuditFileDateCreated AuditFileVersion BalanceAccount ClosingCreditBalance ClosingDebitBalance
    Company Country CreditAmount CreditTaxAmount CurrencyAmount CurrencyCode DebitAmount DebitTaxAmount
    DefaultCurrencyCode Description DueDate GroupingCategory GroupingCode JournalID Name NumberOfEntries
    OpeningCreditBalance OpeningDebitBalance Period PeriodEnd PeriodEndYear PeriodStart PeriodStartYear
    PeriodYear RecordID ReferenceNumber RegistrationNumber SelectionCriteria SelectionEndDate
    SelectionStartDate SourceDocumentID StandardAccountID StandardTaxCode SupplierID TaxAmount TaxBase
    TaxCode TaxInformation TaxPercentage TaxType TotalCredit TotalDebit TransactionDate TransactionID
    Type VoucherType
    """,
)
# A token's code, one byte: 0 the start of an element, then the starts and the ends of containers, the ends of fields,
# the end of any other element, and text.
_START, _TEXT = 0, 255
_OPENS = {name: code for code, name in enumerate(_CONTAINERS, start=1)}
_CLOSES = {name: code for code, name in enumerate(_CONTAINERS, start=1 + len(_CONTAINERS))}
_FIELD_ENDS = {name: code for code, name in enumerate(_FIELDS, start=1 + 2 * len(_CONTAINERS))}
_OTHER = 1 + 2 * len(_CONTAINERS) + len(_FIELDS)
_NAME_OF = {code: name for names in (_OPENS, _CLOSES, _FIELD_ENDS) for name, code in names.items()}
_STARTS = bytes(range(1 + len(_CONTAINERS)))
_BOUNDARY = re.compile(b"[" + re.escape(bytes([*_OPENS.values(), *_CLOSES.values()])) + b"]")
_TEXT_BYTE = bytes([_TEXT])
_LONGEST_HELD = 1 << 20  # bytes of a line that has only begun
_FIRST_LINE = re.compile(rb"<((?:[A-Za-z_][\w.-]*:)?)Line>")
_ENCODING = re.compile(rb"""(?:\xef\xbb\xbf)?<\?xml[^>]*?encoding\s*=\s*["']([^"']*)["']""")
_SPECIAL = re.compile(rb"<!--|<!\[CDATA\[|<\?|<!")
_CLOSING_OF = {b"<!--": b"-->", b"<![CDATA[": b"]]>", b"<?": b"?>"}
_NOT_SIGNS = bytes(set(range(256)) - set(b"<>"))
_CONTROLS = bytes(set(range(32)) - set(b"\t\n\r"))

Path = tuple[str, ...]


class UnreadableSaft(Exception):
    """The file is refused as a whole, for the reason in ``reject``."""

    def __init__(self, reject: Reject) -> None:
        self.reject = reject
        super().__init__(reject.rule)


def refuse(message: str, *, rule: str = "IN01", path: str | None = None, raw: str | None = None) -> UnreadableSaft:
    """Return the exception that refuses a file."""
    return UnreadableSaft(Reject(rule, message, path=path, raw=raw))


@dataclass
class Record:
    """A record that was opened or closed.

    Attributes:
        name: The element, one of PARENTS.
        is_closed: Whether it ended here; else it begins, and its fields follow until it ends.
        fields: Values by path below the element, in the order of the file; several where the file has several.
    """

    name: str
    is_closed: bool
    fields: list[tuple[Path, str | None]] = field(default_factory=list)

    def text(self, *path: str) -> str | None:
        """Return the first value at a path without surrounding space, or None where it is absent or empty."""
        for found, value in self.fields:
            if found == path and value is not None and (stripped := value.strip()):
                return stripped
        return None

    def texts(self, *path: str) -> list[str]:
        """Return all values at a path, empty ones left out."""
        values = (value.strip() for found, value in self.fields if found == path and value is not None)
        return [value for value in values if value]


class LinePlan:
    """Where the wanted fields stand in a line of one shape.

    Attributes:
        values: Takes the values of LINE_FIELDS from a line's pieces, and MORE_COLUMNS times nothing where it is simple.
        is_simple: It has neither analyses nor tax informations.
        analyses: Takes type and id of each analysis, one after the other; None where there is none.
        taxes: Take the values of TAX_FIELDS, one for each tax information.
    """

    def __init__(self, places: list[tuple[Path, int]]) -> None:
        first: dict[Path, int] = {}
        groups: dict[str, list[dict[Path, int]]] = {"Analysis": [], "TaxInformation": []}
        for path, place in places:
            first.setdefault(path, place)
            group = groups.get(path[0])
            if group is None:
                continue
            if len(path) == 1:  # the group itself: its parts came before it
                group.append({})
            else:
                if not group:
                    group.append({})
                group[-1].setdefault(path[1:], place)
        analyses = [
            place
            for parts in groups["Analysis"]
            if parts
            for place in (parts.get(("AnalysisType",), 0), parts.get(("AnalysisID",), 0))
        ]
        self.analyses = _take(analyses) if analyses else None
        self.taxes = [_take(parts.get(path, 0) for path in TAX_FIELDS) for parts in groups["TaxInformation"] if parts]
        self.is_simple = self.analyses is None and not self.taxes
        nothing = [0] * MORE_COLUMNS if self.is_simple else []
        self.values = _take([*(first.get(path, 0) for path in LINE_FIELDS), *nothing])


LINE_FIELDS: tuple[Path, ...] = (
    ("RecordID",),
    ("AccountID",),
    ("SourceDocumentID",),
    ("SupplierID",),
    ("Description",),
    ("ReferenceNumber",),
    ("DueDate",),
    ("DebitAmount", "Amount"),
    ("CreditAmount", "Amount"),
    ("DebitAmount", "CurrencyCode"),
    ("DebitAmount", "CurrencyAmount"),
    ("CreditAmount", "CurrencyCode"),
    ("CreditAmount", "CurrencyAmount"),
)
MORE_COLUMNS = 4  # made from analyses and tax informations
TAX_FIELDS: tuple[Path, ...] = (
    ("TaxType",),
    ("TaxCode",),
    ("TaxPercentage",),
    ("TaxBase",),
    ("TaxAmount", "Amount"),
    ("DebitTaxAmount", "Amount"),
    ("CreditTaxAmount", "Amount"),
)


def _take(places: Any) -> Callable[[list[Any]], tuple[Any, ...]]:
    wanted = tuple(places)
    if len(wanted) == 1:
        return lambda tokens: (tokens[wanted[0]],)
    return itemgetter(*wanted)


OnLine = Callable[[LinePlan, list[Any]], None]


def read_records(stream: BinaryIO, on_line: OnLine, limits: Limits = DEFAULT_LIMITS) -> Iterator[Record]:
    """Give the records of a file as they begin and end, in order; lines go to ``on_line`` instead.

    Args:
        stream: The file, from its beginning.
        on_line: Called for each line with its plan and its pieces, for the plan to take from.
        limits: The deepest nesting and the longest value that are still read.

    Raises:
        UnreadableSaft: Malformed, truncated, with a document type declaration, too deep, too large in one piece, or
            of another structure.
    """
    exact = _Exact(on_line, limits)
    shortcut = _Shortcut(exact, on_line)
    rest = b""
    while chunk := stream.read(_CHUNK):
        rest += chunk
        cut = shortcut.cut(rest)
        yield from shortcut.take(rest[:cut])
        rest = rest[cut:]
    yield from exact.feed(rest)
    yield from exact.feed(b"", is_last=True)


_LINE_OPENS, _LINE_CLOSES = _OPENS["Line"], _CLOSES["Line"]
_LINE = Record("Line", is_closed=False)  # all lines: they go to on_line


class _Assembler:
    """Puts records together; knows which are open."""

    def __init__(self, on_line: OnLine) -> None:
        self.on_line = on_line
        self.open: list[Record | None] = []  # None: passed over
        self.line_plans: dict[bytes, LinePlan] = {}
        self.shapes: dict[bytes, list[tuple[Path, int]]] = {}
        self.last_shape: bytes | None = None  # of the last line

    def take(self, tokens: list[Any], codes: bytes) -> Iterator[Record]:
        """Take the tokens of a chunk; what belongs to an unfinished piece is left in them."""
        begin = 0
        for found in _BOUNDARY.finditer(codes):
            at = found.start()
            code = codes[at]
            if code == _LINE_CLOSES and self.open[-1] is _LINE:
                self._line(tokens[begin - 1 : at], codes[begin:at])
                self.open.pop()
            else:
                self._fields(tokens, codes, begin, at)
                yield from self._boundary(code)
            begin = at + 1
        if self.open and self.open[-1] is _LINE:
            # A line that has only begun is looked at again when it has ended.
            self.open.pop()
            begin -= 1
        is_passed_over = bool(self.open) and self.open[-1] is None
        del tokens[: len(tokens) if is_passed_over else begin]
        if len(tokens) > _MOST_TOKENS:
            raise refuse("A single record is larger than is read. The file is not SAF-T Financial as it is described.")

    def _line(self, tokens: list[Any], shape: bytes) -> None:
        plan = self.line_plans.get(shape)
        if plan is None:
            plan = LinePlan(_token_places(shape, 1))
            _remember(self.line_plans, shape, plan)
        tokens[0] = None  # where absent fields are taken from
        self.on_line(plan, tokens)
        self.last_shape = shape

    def is_between_lines(self, tokens: list[Any], codes: bytes) -> bool:
        """Return whether a line could stand here; what the open transaction has said so far is then taken."""
        record = self.open[-1] if self.open else None
        if record is None or record.name != "Transaction" or not _is_balanced(codes):
            return False
        self._fields(tokens, codes, 0, len(codes))
        tokens.clear()
        return True

    def next_transaction(self, fields: list[tuple[Path, str | None]]) -> Iterator[Record]:
        """Close the open transaction and open another with these fields."""
        closed = self.open.pop()
        if closed is not None:
            closed.is_closed = True
            yield closed
        record = Record("Transaction", is_closed=False, fields=fields)
        self.open.append(record)
        yield record

    def _fields(self, tokens: list[Any], codes: bytes, begin: int, at: int) -> None:
        """Add the fields between two boundaries to the record that is open."""
        record = self.open[-1] if self.open else None
        if record is None or at - begin < 2:  # a single token is space
            return
        shape = codes[begin:at]
        places = self.shapes.get(shape)
        if places is None:
            places = _token_places(shape, 0)
            _remember(self.shapes, shape, places)
        record.fields += [(path, None if place < 0 else tokens[begin + place]) for path, place in places]
        if len(record.fields) > _MOST_FIELDS:
            raise refuse(f"A single {record.name} has more than {_MOST_FIELDS} fields.")

    def _boundary(self, code: int) -> Iterator[Record]:
        name = _NAME_OF[code]
        if code != _OPENS[name]:
            record = self.open.pop()
            if record is not None:
                record.is_closed = True
                yield record
            return
        parent = self.open[-1] if self.open else Record("", is_closed=False)
        if parent is _LINE:
            raise _odd_structure()
        if parent is None or PARENTS.get(name) != parent.name:
            self.open.append(None)
        elif code == _LINE_OPENS:
            self.open.append(_LINE)
        else:
            record = Record(name, is_closed=False)
            self.open.append(record)
            yield record


def _remember(known: dict[Any, Any], shape: Any, what: Any) -> None:
    if len(known) >= _MOST_SHAPES:
        known.clear()
    if len(shape) <= _LONGEST_SHAPE:
        known[shape] = what


def _token_places(shape: bytes, offset: int) -> list[tuple[Path, int]]:
    """Return the path of every element in a piece and where its text stands among the tokens.

    An element without text stands at ``offset - 1``, which is before the piece.
    """
    return [
        (path, at + 1 + offset if shape[at + 1 : at + 2] == _TEXT_BYTE else offset - 1) for path, at in _paths(shape)
    ]


def _paths(shape: bytes) -> list[tuple[Path, int]]:
    """Return the path of every element in a piece and where it starts, in the order of the file.

    Elements without a meaning here are left out, with their parts. An element comes before its parts.

    Raises:
        UnreadableSaft: An element that is no container of records holds one.
    """
    stack: list[int] = []
    found: list[tuple[int, int]] = []  # start, depth
    name_of: dict[int, str] = {}
    for at, code in enumerate(shape):
        if code == _START:
            found.append((at, len(stack)))
            stack.append(at)
        elif code != _TEXT:
            if not stack:
                raise _odd_structure()
            name_of[stack.pop()] = _NAME_OF.get(code, "")
    if stack:
        raise _odd_structure()
    names: list[str] = []
    places: list[tuple[Path, int]] = []
    for at, depth in found:
        names[depth:] = [name_of[at]]
        if "" not in names:
            places.append((tuple(names), at))
    return places


def _is_balanced(codes: bytes) -> bool:
    rest = codes.translate(None, _STARTS)
    return len(codes) - len(rest) == len(rest) - rest.count(_TEXT_BYTE)


def _odd_structure() -> UnreadableSaft:
    return refuse("A record stands within an element that is not part of SAF-T Financial.")


class _Starts(dict[str, int]):
    """The token of each element's start by its full name; a name that is met for the first time is learnt."""

    def __init__(self, codes: dict[Any, int]) -> None:
        super().__init__({f"{NAMESPACE}{_MARK}{name}": code for name, code in _OPENS.items()})
        self.codes = codes

    def __missing__(self, name: str) -> int:
        namespace, mark, local = name.rpartition(_MARK)
        if not mark:
            raise refuse("Elements stand outside the namespace of SAF-T Financial. Ask the vendor of the system.")
        if len(self) >= _MOST_NAMES:
            raise refuse("The file has more names of elements than SAF-T Financial knows.")
        known = _FIELD_ENDS.get(local, _OTHER) if namespace == NAMESPACE else _OTHER
        self.codes[name] = known
        self[name] = _START
        return _START


class _Exact:
    """Reads any XML of this kind: every element and every text is a token."""

    def __init__(self, on_line: OnLine, limits: Limits) -> None:
        self.assembler = _Assembler(on_line)
        self.tokens: list[Any] = []
        self.codes: dict[Any, int] = {code: code for code in range(1 + len(_CONTAINERS))}
        self.codes |= {f"{NAMESPACE}{_MARK}{name}": code for name, code in _CLOSES.items()}
        self.guard = _Guard(limits)
        self.coded = b""
        self.namespaces = 0  # declared below the root
        self.is_between = False  # known to stand in a transaction, with nothing waiting
        self.parser = _make_parser(self)

    def feed(self, piece: bytes, *, is_last: bool = False) -> Iterator[Record]:
        """Take the next bytes, which may end anywhere, and give the records that begin and end in them."""
        from xml.parsers.expat import ExpatError

        if not piece and not is_last:
            return
        self.is_between = False
        tokens, codes = self.tokens, self.codes
        seam = len(tokens)
        try:
            self.parser.Parse(piece, is_last)
        except ExpatError:
            raise refuse("The file is no whole XML: it is malformed or truncated. Export it again.") from None
        except (ValueError, LookupError):
            raise refuse("The encoding of the file is unknown or does not fit its bytes.") from None
        self.guard.count_bytes(len(piece), len(tokens) - seam)
        if seam and seam < len(tokens) and self._is_text(seam) and self._is_text(seam - 1):
            tokens[seam - 1] += tokens.pop(seam)
            self.guard.check_value(tokens[seam - 1])
        self.coded = bytes(map(codes.get, tokens, repeat(_TEXT)))
        self.guard.count_depth(self.coded[seam:])
        yield from self.assembler.take(tokens, self.coded)
        self.coded = self.coded[len(self.coded) - len(tokens) :]

    def _is_text(self, at: int) -> bool:
        return self.codes.get(self.tokens[at], _TEXT) == _TEXT

    def is_between_lines(self) -> bool:
        """Return whether a line could stand here."""
        if self.is_between and not self.coded:
            return True
        if not self.assembler.is_between_lines(self.tokens, self.coded):
            return False
        self.coded = b""
        self.is_between = True
        return True


class _Shortcut:
    """Takes lines that look like earlier ones without the parser; everything else goes to the exact reader.

    A line, or what stands between the lines of two transactions, is taken here only where (1) it stands in a
    transaction, by the exact reader; (2) its bytes hold no comment, CDATA, processing instruction, reference,
    attribute, control character or ``]]>``, and < and > take turns, so that they are markup and nothing else is;
    (3) the same tags in the same order were read exactly before, under the same namespaces. What is between the tags
    is then text, and the piece is as well-formed as the earlier one was.
    """

    def __init__(self, exact: _Exact, on_line: OnLine) -> None:
        self.exact, self.on_line = exact, on_line
        self.is_on = True
        self.opening = self.closing = ""
        self.plans: dict[tuple[str, ...], LinePlan] = {}
        self.gaps: dict[tuple[str, ...], list[tuple[Path, int]]] = {}

    def cut(self, buffer: bytes) -> int:
        """Return how much of a buffer to take: up to a line that has only begun, else up to a tag that may have."""
        if not self.is_on or len(buffer) > _LONGEST_HELD:
            return len(buffer)
        if self.opening:
            begun = buffer.rfind(f"<{self.opening}>".encode())
            if begun > buffer.rfind(f"<{self.closing}>".encode()):
                return begun
        return max(buffer.rfind(b"<"), 0)

    def take(self, buffer: bytes) -> Iterator[Record]:
        """Take a piece of the file."""
        pieces = self._split(buffer)
        if pieces is None:
            yield from self.exact.feed(buffer)
            return
        tags, texts = pieces[1::2], pieces[2::2]
        if pieces[0]:
            yield from self.exact.feed(pieces[0].encode())
        position, opening, closing = 0, self.opening, self.closing
        try:
            while True:
                begin = tags.index(opening, position)
                if begin > position:
                    yield from self._gap(tags[position:begin], texts[position:begin])
                    position = begin
                end = tags.index(closing, begin) + 1
                line_tags, line_texts = tags[begin:end], texts[begin:end]
                plan = self.plans.get(tuple(line_tags))
                if plan is None or not self.exact.is_between_lines() or _has_reference(line_texts):
                    yield from self._read_line(line_tags, line_texts)
                else:
                    line_texts[0] = None  # where absent fields are taken from
                    self.on_line(plan, line_texts)
                position = end
        except ValueError:  # no further line, or it does not end here
            pass
        yield from self.exact.feed(_join(tags[position:], texts[position:]))

    def _split(self, buffer: bytes) -> list[Any] | None:
        """Return text, tag, text, tag, …, text; None where the exact reader must decide what is what."""
        if self.is_on and (self.exact.namespaces or not _ends_outside(buffer)):
            self.is_on = False
        if not self.is_on:
            return None
        if not self.opening:
            self._find_prefix(buffer)
            return None
        try:
            return list(buffer.decode().replace(">", "<").split("<")) if _is_plain(buffer) else None
        except UnicodeDecodeError:
            return None  # the exact reader says so

    def _find_prefix(self, buffer: bytes) -> None:
        if found := _FIRST_LINE.search(buffer):
            self.opening = found[1].decode() + "Line"
            self.closing = f"/{self.opening}"
        declared = _ENCODING.match(buffer)
        if declared and declared[1].upper() not in (b"UTF-8", b"US-ASCII", b"ASCII"):
            self.is_on = False

    def _read_line(self, tags: list[str], texts: list[Any]) -> Iterator[Record]:
        """Have a line read exactly, and remember how."""
        assembler = self.exact.assembler
        assembler.last_shape = None
        yield from self.exact.feed(_join(tags, texts))
        shape = (assembler.last_shape or b"").translate(None, _TEXT_BYTE)
        if assembler.last_shape is not None and len(shape) == len(tags) - 2 and _are_plain(tags):
            plan = LinePlan([(path, at + 1) for path, at in _paths(shape)])  # the line's own tag is the first
            _remember(self.plans, tuple(tags), plan)

    def _gap(self, tags: list[str], texts: list[Any]) -> Iterator[Record]:
        """Take what stands between two lines: mostly the end of one transaction and the beginning of the next."""
        places = self.gaps.get(tuple(tags))
        if places is not None and self.exact.is_between_lines() and not _has_reference(texts):
            yield from self.exact.assembler.next_transaction([(path, texts[at]) for path, at in places])
            return
        # The text after the last line is space; it is not in the gap.
        records = []
        for record in self.exact.feed(_join(tags, texts)):
            records.append((record.name, record.is_closed))
            yield record
        shape = self.exact.coded.translate(None, _TEXT_BYTE)
        if records == _NEXT_TRANSACTION and len(shape) == len(tags) - 2 and _is_balanced(shape) and _are_plain(tags):
            _remember(self.gaps, tuple(tags), [(path, at + 2) for path, at in _paths(shape)])


_NEXT_TRANSACTION = [("Transaction", True), ("Transaction", False)]


def _is_plain(buffer: bytes) -> bool:
    signs = buffer.translate(None, _NOT_SIGNS)
    if signs != b"<>" * (len(signs) // 2) or b"<!" in buffer or b"<?" in buffer or b"]]>" in buffer:
        return False
    return len(buffer.translate(None, _CONTROLS)) == len(buffer)


def _join(tags: list[str], texts: list[Any]) -> bytes:
    return "".join([f"<{tag}>{text}" for tag, text in zip(tags, texts, strict=True)]).encode()


def _has_reference(texts: list[Any]) -> bool:
    return "&" in "".join(texts)


def _are_plain(tags: list[str]) -> bool:
    return len(tags) <= _LONGEST_SHAPE and not any("=" in tag or tag.endswith("/") for tag in tags)


def _ends_outside(buffer: bytes) -> bool:
    """Return whether a piece that begins outside comments, CDATA and processing instructions also ends there."""
    position = 0
    while found := _SPECIAL.search(buffer, position):
        closing = _CLOSING_OF.get(found[0], b">")
        end = buffer.find(closing, found.end())
        if end < 0:
            return False
        position = end + len(closing)
    return True


class _Guard:
    """What bounds memory while XML is read: depth, and the size of a single piece."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.depth = 0
        self.silent = 0

    def count_bytes(self, size: int, tokens: int) -> None:
        """A tag or comment that does not end is kept by the parser; it must end within the limit."""
        self.silent = 0 if tokens else self.silent + size
        if self.silent > self.limits.xml_value_characters:
            raise self._too_long()

    def check_value(self, text: str) -> None:
        if len(text) > self.limits.xml_value_characters:
            raise self._too_long()

    def count_depth(self, codes: bytes) -> None:
        rest = codes.translate(None, _STARTS)
        self.depth += len(codes) - len(rest) - (len(rest) - rest.count(_TEXT_BYTE))
        if self.depth > self.limits.xml_depth:
            raise refuse(f"Elements are nested more than {self.limits.xml_depth} deep.")

    def _too_long(self) -> UnreadableSaft:
        most = self.limits.xml_value_characters
        return refuse(f"A text, attribute or comment is longer than {most} characters.")


def _make_parser(exact: _Exact) -> XMLParserType:
    from xml.parsers import expat

    parser = expat.ParserCreate(namespace_separator=_MARK)
    parser.buffer_text = True
    parser.buffer_size = _CHUNK
    parser.ordered_attributes = True  # a list costs less than a dictionary; nobody reads it
    append, starts = exact.tokens.append, _Starts(exact.codes)

    def start_root(name: str, _: Any) -> None:
        if name != f"{NAMESPACE}{_MARK}AuditFile":
            raise refuse(f"The XML root is not that of SAF-T Financial NO (AuditFile in {NAMESPACE}).", path="/*")
        append(starts[name])
        parser.StartElementHandler = start
        parser.StartNamespaceDeclHandler = count_namespace

    def start(name: str, _: Any) -> None:
        append(starts[name])

    def count_namespace(*_: Any) -> None:
        exact.namespaces += 1

    def refuse_doctype(*_: Any) -> None:
        raise refuse("The file has a document type declaration (DOCTYPE), which is never accepted.")

    # Without a document type there are no entities, and expat fetches nothing.
    parser.StartDoctypeDeclHandler = refuse_doctype
    parser.StartElementHandler = start_root
    parser.EndElementHandler = append
    parser.CharacterDataHandler = append
    return parser
