"""Many rows of a text ledger at once, in columns; what is not plain goes to the reader of single rows.

Belongs here: the fast way to what ledger_rows.py gives, to the last reject. Not here: any rule of its own. A row is
taken here only where every cell is surely read alike; tests hold the two readers against each other.

From the first block with an odd quotation mark (a text over several lines, a mark within a text) or a bare carriage
return on, the whole rest of the file is read row by row.
"""

from __future__ import annotations

import csv
import os
import re
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from typing import Any

from pipelines.parsing.dates import read_period
from pipelines.parsing.ledger_fit import Evidence
from pipelines.parsing.ledger_profile import PeriodRule
from pipelines.parsing.ledger_rows import Batch, RowReader, period_of_file_name, split_cell
from pipelines.parsing.numbers import NumberStyle
from pipelines.parsing.org_numbers import plain_org_no
from pipelines.parsing.schema import LEDGER_POSTINGS
from pipelines.tables import arrow_schema

Column = Any  # an Arrow array
Flags = Any  # a numpy array, one flag a row
ByRow = Callable[[Iterator[bytes], int, int], Iterator[Batch]]
_MOST_THREADS = 4
_LONGEST_LINE = 100_000  # bytes; a cell of more than 131 072 characters is refused by the reader of single rows
_SAMPLE = 50
_LONGEST_AMOUNT = 40
# What str.strip() takes off
_SPACES = (
    "\t\n\x0b\x0c\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)
_FIRST_BYTES = frozenset(character.encode()[0] for character in _SPACES)
_LAST_BYTES = frozenset(character.encode()[-1] for character in _SPACES)
_BAD = object()


def read_in_columns(blocks: Iterable[bytes], rows: RowReader, header_row: int, by_row: ByRow) -> Iterator[Batch]:
    """Give the rows below the header in batches, in the order of the file.

    Args:
        blocks: The text in UTF-8, in blocks of whole lines.
        rows: The reader of single rows.
        header_row: Number of the header's row; what stands above is left out.
        by_row: Reads blocks row by row, given the number of their first row and how many rows to leave out.
    """
    blocks, first = iter(blocks), 1
    reader = _BlockReader(rows)
    threads = min(_MOST_THREADS, os.cpu_count() or 1)
    waiting: deque[_Task] = deque()
    with ThreadPoolExecutor(threads) as pool:
        for block in blocks:
            lines = block.count(b"\n") + (not block.endswith(b"\n"))
            skip = min(lines, max(0, header_row - first + 1))
            waiting.append(_Task(block, first, skip, pool.submit(reader.read, block, first, skip)))
            first += lines
            if len(waiting) > threads:
                if (batch := reader.accept(waiting[0])) is None:
                    break
                waiting.popleft()
                yield batch
        while waiting and (batch := reader.accept(waiting[0])) is not None:
            waiting.popleft()
            yield batch
        if waiting:
            rest = chain([task.block for task in waiting], blocks)
            yield from by_row(rest, waiting[0].first, waiting[0].skip)


@dataclass
class _Read:
    """A block that was read: its rows, by date column the texts that were dates, and what adds the rows left over."""

    batch: Batch
    dates: dict[str, list[str]] = field(default_factory=dict)
    add_rows: Callable[[Batch], None] = lambda batch: None


@dataclass
class _Task:
    """A block that is being read."""

    block: bytes
    first: int
    skip: int
    future: Future[_Read | None]


class _BlockReader:
    """Reads blocks of one file."""

    def __init__(self, rows: RowReader) -> None:
        self.rows, self.profile = rows, rows.profile
        self.delimiter = self.profile.delimiter
        self.amounts = _Amounts(self.profile.numbers)
        self.org_nos: dict[str, str | None] = {}
        # An amount that could be the header's own text, or a single column, is for the reader of single rows.
        header_text = rows.header[rows.amount_index]
        self.is_usable = self.delimiter.isascii() and rows.width > 1 and self.profile.numbers.read(header_text) is None
        self.schema = arrow_schema(LEDGER_POSTINGS)

    def accept(self, task: _Task) -> Batch | None:
        """Return a block's rows, in the order of blocks; None where it must be read row by row."""
        read = task.future.result()
        if read is None:
            return None
        for column, texts in read.dates.items():
            self.rows.dates[column].note(texts)
        # Not before: a block further on may turn out to lie within a quote, and then its rows are none.
        read.add_rows(read.batch)
        return read.batch

    def read(self, block: bytes, first: int, skip: int) -> _Read | None:
        """Return the rows of a block below its first ``skip`` lines, or None where it must be read row by row.

        ``first`` is the row number of the block's first line. Runs in a thread: it changes nothing that decides.
        """
        import numpy as np

        if not self.is_usable:
            return None
        signs = np.frombuffer(block, dtype=np.uint8)
        ends = np.flatnonzero(signs == ord("\n"))
        if not block.endswith(b"\n"):
            ends = np.append(ends, len(block))
        if self._is_odd(block, signs, ends):
            return None
        if skip == len(ends):
            return _Read(Batch())
        lines = _Lines(block, ends, skip, self.delimiter, quote=self.profile.quote)
        columns = lines.columns()
        if columns < self.rows.width:
            return None
        return _Part(self, lines, first, columns).read()

    def _is_odd(self, block: bytes, signs: Flags, ends: Flags) -> bool:
        import numpy as np

        if block.count(b"\r") != block.count(b"\r\n"):
            return True
        if len(ends) and int(np.diff(ends, prepend=-1).max()) > _LONGEST_LINE:
            return True
        return self.profile.quote and b'"' in block and _has_odd_quotes(signs, ends, ord(self.delimiter))


def _has_odd_quotes(signs: Flags, ends: Flags, delimiter: int) -> bool:
    """Return whether a quotation mark does anything but open, close or double within one line."""
    import numpy as np

    quotes = np.flatnonzero(signs == ord('"'))
    if len(quotes) % 2:
        return True
    opening, closing = quotes[0::2], quotes[1::2]
    before = np.where(opening > 0, signs[opening - 1], ord("\n"))
    after = np.where(closing + 1 < len(signs), signs[np.minimum(closing + 1, len(signs) - 1)], ord("\n"))
    doubled = np.zeros(len(opening) + 1, dtype=bool)
    doubled[1:-1] = closing[:-1] + 1 == opening[1:]
    opens = doubled[:-1] | (before == delimiter) | (before == ord("\n"))
    closes = doubled[1:] | (after == delimiter) | (after == ord("\n")) | (after == ord("\r"))
    # within a line there is an even number of them
    within = np.searchsorted(quotes, ends)
    return not (opens.all() and closes.all() and not (within % 2).any())


class _Lines:
    """The lines of a block from one of them on."""

    def __init__(self, block: bytes, ends: Flags, skip: int, delimiter: str, *, quote: bool) -> None:
        self.block, self.ends, self.skip, self.delimiter, self.quote = block, ends, skip, delimiter, quote
        self.start = int(ends[skip - 1]) + 1 if skip else 0
        self.count = len(ends) - skip

    def cells(self, index: int) -> list[str]:
        """Return the cells of the line at an index, counted from the first one taken."""
        place = self.skip + index
        start = int(self.ends[place - 1]) + 1 if place else 0
        line = self.block[start : int(self.ends[place])].decode()
        quoting: Any = csv.QUOTE_MINIMAL if self.quote else csv.QUOTE_NONE
        return next(csv.reader([line], delimiter=self.delimiter, quoting=quoting))

    def columns(self) -> int:
        """Return how many cells most of the first lines have."""
        counts = Counter(len(self.cells(index)) for index in range(min(self.count, _SAMPLE)))
        return counts.most_common(1)[0][0]


class _Part:
    """One block on its way to postings."""

    def __init__(self, reader: _BlockReader, lines: _Lines, first: int, columns: int) -> None:
        self.reader, self.rows, self.profile = reader, reader.rows, reader.profile
        self.lines, self.first_row, self.columns = lines, first + lines.skip, columns
        self.invalid: list[int] = []
        self.cells: dict[int, Column] = {}
        self.table = self._split()

    def _split(self) -> Any:
        import pyarrow as pa

        arrow_csv = _reader()

        def skip(row: Any) -> str:
            self.invalid.append(row.number - 1)
            return "skip"

        names = [str(index) for index in range(self.columns)]
        return arrow_csv.read_csv(
            pa.py_buffer(memoryview(self.lines.block)[self.lines.start :]),
            arrow_csv.ReadOptions(use_threads=False, block_size=len(self.lines.block) + 1, column_names=names),
            arrow_csv.ParseOptions(
                delimiter=self.lines.delimiter,
                quote_char='"' if self.lines.quote else False,
                ignore_empty_lines=False,
                invalid_row_handler=skip,
            ),
            arrow_csv.ConvertOptions(
                check_utf8=False,
                column_types=dict.fromkeys(names, pa.string()),
                include_columns=[str(index) for index in sorted(self._needed())],
                strings_can_be_null=True,
                quoted_strings_can_be_null=True,
                null_values=[""],
            ),
        )

    def _needed(self) -> set[int]:
        needed = set(self.rows.mapped.values()) | set(range(self.rows.width, self.columns))
        for rule in self.profile.periods:
            if rule.column is not None and (indexes := self.rows.period_indexes(rule)) is not None:
                needed |= {index for index in indexes if index is not None}
        for _, matched, blank in self.rows.sum_rules:
            needed |= set(blank or matched)
        return needed

    def cell(self, index: int) -> Column:
        """Return the stripped texts of a column; null where nothing stands."""
        if index not in self.cells:
            self.cells[index] = _stripped(self._raw(index))
        return self.cells[index]

    def _raw(self, index: int) -> Column:
        return self.table.column(str(index)).combine_chunks()

    def read(self) -> _Read:
        """Return the postings and rejects of the block."""
        import numpy as np
        import pyarrow as pa

        places = np.arange(self.lines.count)
        if self.invalid:
            places = np.delete(places, self.invalid)
        found = self._found = {"_row_no": pa.array(self.first_row + places, pa.int64())}
        unsure = self._are_odd()
        amounts = self.reader.amounts.read(self.cell(self.rows.amount_index), self._raw(self.rows.amount_index))
        unsure |= amounts.unsure
        found["amount"] = amounts.values if self.profile.sign == 1 else _negated(amounts.values)
        dates = {column: _Mapped(self._dates(index), self._date_of(column)) for column, index in self.rows.date_columns}
        for column, mapped in dates.items():
            found[column] = mapped.values(pa.date32())
            unsure |= mapped.bad()
        found["fiscal_period"], no_period = self._periods(dates)
        unsure |= no_period
        unsure |= self._has_one_cell()
        self._read_texts()
        batch = self._batch(places, unsure)
        batch.evidence = amounts.evidence(~unsure)
        self._count_signs(batch)
        left_over = np.concatenate([places[unsure], np.array(self.invalid, dtype=places.dtype)])
        noted = {column: mapped.texts(~unsure) for column, mapped in dates.items()}
        return _Read(batch, noted, partial(self._add_rows, places=left_over))

    def _are_odd(self) -> Flags:
        """Return which rows may be sums or have more cells than the header."""
        import numpy as np

        odd = np.zeros(self.table.num_rows, dtype=bool)
        for index in range(self.rows.width, self.columns):
            odd |= _is_valid(self.cell(index))
        for rule, matched, blank in self.rows.sum_rules:
            if blank:
                candidates = ~np.logical_or.reduce([_is_valid(self.cell(index)) for index in blank])
            else:
                candidates = np.zeros(self.table.num_rows, dtype=bool)
                for index in matched:
                    mapped = _Mapped(self.cell(index).fill_null(""), partial(_is_match, rule.matches))
                    candidates |= mapped.flags()
            odd |= candidates
        return odd

    def _dates(self, index: int) -> Column:
        return _without(self.cell(index), self.profile.missing)

    def _date_of(self, column: str) -> Callable[[str], Any]:
        peek = self.rows.dates[column].peek
        return lambda text: _BAD if (day := peek(text)) is None else day

    def _periods(self, dates: dict[str, _Mapped]) -> tuple[Column, Flags]:
        import numpy as np
        import pyarrow as pa

        pc = _kernels()

        count = self.table.num_rows
        period, bad = pa.nulls(count, pa.string()), np.zeros(count, dtype=bool)
        for rule in self.profile.periods:
            found = self._period(rule, dates)
            if found is None:
                continue
            values, is_bad = found
            period = values if period.null_count == count else pc.coalesce(period, values)
            bad |= is_bad
            if not period.null_count:
                break
        return period, bad | ~_is_valid(period)

    def _period(self, rule: PeriodRule, dates: dict[str, _Mapped]) -> tuple[Column, Flags] | None:
        import numpy as np
        import pyarrow as pa

        count = self.table.num_rows
        if rule.from_file_name is not None:
            period = period_of_file_name(rule, self.rows.file_name)
            return None if period is None else (pa.repeat(pa.scalar(period), count), np.zeros(count, dtype=bool))
        if rule.from_date is not None:
            mapped = dates.get(rule.from_date)
            return (
                None
                if mapped is None
                else (mapped.values(pa.string(), lambda day: f"{day.year:04d}-{day.month:02d}"), mapped.bad())
            )
        if (indexes := self.rows.period_indexes(rule)) is None:
            return None
        index, year_index = indexes
        texts = _without(self.cell(index), self.profile.missing)
        if year_index is not None:
            # Null, where the period is missing, stays null.
            texts = _joined(texts, self.cell(year_index).fill_null(""))
        mapped = _Mapped(texts, lambda text: _read_period(text, rule.style, has_year=year_index is not None))
        return mapped.values(pa.string()), mapped.bad()

    def _has_one_cell(self) -> Flags:
        """Return which rows may have nothing beside an amount."""
        import numpy as np

        alone = np.ones(self.table.num_rows, dtype=bool)
        for index in self._needed() - {self.rows.amount_index}:
            alone &= ~_is_valid(self.cell(index))
            if not alone.any():
                break
        return alone

    def _read_texts(self) -> None:
        import pyarrow as pa

        missing, org_nos = self.profile.missing, self.reader.org_nos
        for column, index, part in self.rows.text_columns:
            texts = _without(self.cell(index), missing)
            if part is not None:
                texts = _Mapped(texts, partial(split_cell, part=part)).values(pa.string())
            self._found[column] = texts
        if self.rows.org_no_index is not None:

            def org_no(text: str) -> str | None:
                if text not in org_nos:
                    org_nos[text] = plain_org_no(text)
                return org_nos[text]

            texts = _without(self.cell(self.rows.org_no_index), missing)
            self._found["supplier_org_no"] = _Mapped(texts, org_no).values(pa.string())

    def _batch(self, places: Flags, unsure: Flags) -> Batch:
        import pyarrow as pa

        columns: dict[str, Column] = {
            name: pa.repeat(pa.scalar(value, pa.string()), len(places)) for name, value in self.rows.base.items()
        }
        columns |= self._found
        schema = pa.schema([field for field in self.reader.schema if field.name in columns])
        table = pa.table([columns[field.name] for field in schema], schema=schema)
        if unsure.any():
            table = table.filter(pa.array(~unsure))
        return Batch(rows_in=table.num_rows, postings=table)

    @staticmethod
    def _count_signs(batch: Batch) -> None:
        pc = _kernels()

        postings: Any = batch.postings
        amounts = postings.column("amount")
        batch.evidence.negative = pc.sum(pc.less(amounts, 0)).as_py() or 0
        batch.evidence.positive = pc.sum(pc.greater(amounts, 0)).as_py() or 0

    def _add_rows(self, batch: Batch, places: Flags) -> None:
        """Read the remaining rows one by one, and put their postings where they belong."""
        import pyarrow as pa

        single = Batch()
        for place in sorted(places.tolist()):
            self.rows.take(self.first_row + place, self.lines.cells(place), 1, single)
        batch.rows_in += single.rows_in
        batch.rejects, batch.issues = single.rejects, single.issues
        batch.evidence.add(single.evidence)
        if single.postings:
            table: Any = batch.postings
            table = pa.concat_tables([table, pa.Table.from_pylist(single.rows(), schema=table.schema)])
            batch.postings = table.sort_by("_row_no")


class _Mapped:
    """A column of texts, each different one converted once by Python."""

    def __init__(self, texts: Column, convert: Callable[[str], Any]) -> None:
        encoded = texts.dictionary_encode()
        self.indices, self.different = encoded.indices, encoded.dictionary.to_pylist()
        self.converted = [convert(text) for text in self.different]

    def values(self, kind: Any, then: Callable[[Any], Any] = lambda value: value) -> Column:
        """Return the converted values, null for null and where a text cannot be converted."""
        import pyarrow as pa

        known = [None if value is _BAD or value is None else then(value) for value in self.converted]
        return pa.array(known, kind).take(self.indices)

    def bad(self) -> Flags:
        """Return where a text cannot be converted."""
        return self._where([value is _BAD for value in self.converted])

    def flags(self) -> Flags:
        """Return the converted values where these are true or false."""
        return self._where(self.converted)

    def _where(self, known: list[bool]) -> Flags:
        import numpy as np
        import pyarrow as pa

        if not any(known):
            return np.zeros(len(self.indices), dtype=bool)
        return _as_numpy(pa.array(known, pa.bool_()).take(self.indices).fill_null(False))

    def texts(self, where: Flags) -> list[str]:
        """Return the different texts of some rows."""
        import pyarrow as pa

        used = self.indices.filter(pa.array(where)).unique().drop_null().to_pylist()
        return [self.different[index] for index in used]


@dataclass
class _ReadAmounts:
    """Amounts of a block: their values, where these are not sure, and what each says of the style."""

    values: Column
    unsure: Flags
    own: Flags
    either: Flags

    def evidence(self, where: Flags) -> Evidence:
        """Return what the amounts of some rows say."""
        return Evidence(own=int((self.own & where).sum()), either=int((self.either & where).sum()))


class _Amounts:
    """Reads amounts of one number style that are written plainly: up to 15 digits, up to two decimals."""

    def __init__(self, style: NumberStyle) -> None:
        self.style = style
        self.decimal, self.other = style.decimal, style.mirrored().decimal
        minus = "-?" if "minus" in style.negative else ""
        part = "" if style.whole else f"(?:{re.escape(style.decimal)}[0-9]{{1,2}})?"
        groups = "|".join(f"(?:{re.escape(sign)}[0-9]{{3}}){{1,4}}" for sign in style.thousands)
        self.plain = f"^{minus}[0-9]{{1,15}}{part}$"
        self.grouped = f"^{minus}[1-9][0-9]{{0,2}}(?:{groups}){part}$" if groups else None
        self.one_group = f"^-?[0-9]{{1,3}}{re.escape(self.other)}[0-9]{{3}}$"
        self.odd_groups = [sign for sign in style.thousands if sign not in " \u00a0\u202f'"]

    def read(self, texts: Column, raw: Column) -> _ReadAmounts:
        """Return the amounts of stripped texts; ``raw`` are the same before stripping."""
        import numpy as np
        import pyarrow as pa

        pc = _kernels()

        texts = self._with_leading_minus(texts)
        sure = _as_numpy(pc.match_substring_regex(texts, self.plain).fill_null(False))
        own = np.zeros(len(texts), dtype=bool) if self.style.whole else _holds(texts, self.decimal)
        either = np.zeros(len(texts), dtype=bool)
        if not sure.all() and self.grouped is not None:
            grouped = _as_numpy(pc.match_substring_regex(texts, self.grouped).fill_null(False)) & ~sure
            if grouped.any():
                own, either = self._evidence_of_groups(texts, grouped, own)
                for sign in self.style.thousands:
                    texts = pc.replace_substring(texts, sign, "")
                sure |= grouped
        if len(raw) and (pc.max(pc.binary_length(raw)).as_py() or 0) > _LONGEST_AMOUNT:
            sure &= _as_numpy(pc.less_equal(pc.binary_length(raw), _LONGEST_AMOUNT).fill_null(False))
        if not sure.all():
            texts = pc.if_else(pa.array(sure), texts, None)
        if self.decimal != ".":
            texts = pc.replace_substring(texts, self.decimal, ".")
        return _ReadAmounts(texts.cast(pa.decimal128(18, 2)), ~sure, own, either)

    def _with_leading_minus(self, texts: Column) -> Column:
        pc = _kernels()

        if "parentheses" in self.style.negative and pc.any(pc.starts_with(texts, "(")).as_py():
            texts = pc.replace_substring_regex(texts, r"^\(([0-9][^()-]*[0-9])\)$", r"-\1")
        if "trailing_minus" in self.style.negative and pc.any(pc.ends_with(texts, "-")).as_py():
            texts = pc.replace_substring_regex(texts, r"^([0-9][^()-]*[0-9])-$", r"-\1")
        return texts

    def _evidence_of_groups(self, texts: Column, grouped: Flags, own: Flags) -> tuple[Any, Any]:
        """Return which amounts only this style reads, and which the mirrored one reads as well, as another amount."""
        import numpy as np

        pc = _kernels()

        without_part = grouped & ~own
        odd = np.logical_or.reduce([_holds(texts, sign) for sign in self.odd_groups] or [np.zeros_like(own)])
        either = np.zeros_like(own)
        if not self.style.whole and self.other in self.style.thousands:
            either = without_part & _as_numpy(pc.match_substring_regex(texts, self.one_group).fill_null(False))
        return own | (without_part & odd & ~either), either


def _is_match(pattern: re.Pattern[str], text: str) -> bool:
    return pattern.search(text) is not None


def _kernels() -> Any:
    # The published types of these functions know less than the functions.
    import pyarrow.compute

    return pyarrow.compute


def _reader() -> Any:
    import pyarrow.csv

    return pyarrow.csv


def _read_period(text: str, style: str, *, has_year: bool) -> Any:
    period, _, year = text.partition("\0")
    try:
        return read_period(period, style, year if has_year else None)
    except ValueError:
        return _BAD


def _joined(texts: Column, more: Column) -> Column:
    pc = _kernels()

    return pc.binary_join_element_wise(texts, more, "\0")


def _as_numpy(flags: Any) -> Flags:
    return flags.to_numpy(zero_copy_only=False)


def _is_valid(values: Column) -> Flags:
    import numpy as np

    return _as_numpy(values.is_valid()) if values.null_count else np.ones(len(values), dtype=bool)


def _holds(texts: Column, sign: str) -> Flags:
    pc = _kernels()

    return _as_numpy(pc.match_substring(texts, sign).fill_null(False))


def _negated(values: Column) -> Column:
    import pyarrow as pa

    pc = _kernels()

    return pc.negate(values).cast(pa.decimal128(18, 2))


def _without(texts: Column, missing: frozenset[str]) -> Column:
    import pyarrow as pa

    pc = _kernels()

    if not missing:
        return texts
    is_missing = pc.is_in(texts, pa.array(sorted(missing), pa.string()))
    return pc.if_else(is_missing, None, texts)


def _stripped(texts: Column) -> Column:
    """Return texts as str.strip() leaves them, null where nothing is left."""
    pc = _kernels()

    if not _may_have_spaces(texts):
        return texts
    stripped = pc.utf8_trim(texts, _SPACES)
    return pc.if_else(pc.equal(pc.binary_length(stripped), 0), None, stripped)


def _may_have_spaces(texts: Column) -> bool:
    """Return whether a text may begin or end with a space, judged by its first and last byte."""
    import numpy as np

    _, places, content = texts.buffers()
    if content is None or not content.size:
        return False
    offsets = np.frombuffer(places, dtype=np.int32)[texts.offset : texts.offset + len(texts) + 1]
    starts, ends = offsets[:-1], offsets[1:]
    filled = ends > starts
    if not filled.all():
        starts, ends = starts[filled], ends[filled]
    signs = np.frombuffer(content, dtype=np.uint8)
    return bool(_table(_FIRST_BYTES)[signs[starts]].any() or _table(_LAST_BYTES)[signs[ends - 1]].any())


def _table(members: frozenset[int]) -> Flags:
    import numpy as np

    table = np.zeros(256, dtype=bool)
    table[sorted(members)] = True
    return table
