"""Render a product as one workbook in bokmål: a front sheet, charts, a sheet for each table, and what columns mean.

Belongs here: sheets, headers, widths, formats, charts. Not here: words (workbook_nb.py), rows (sheet_rows.py), what is
drawn (charts.py). A library writes everything but the rows of tables; text is never a formula or a link.

(1) The same content gives the same bytes: no clock, and the workbook is dated the last day that it covers. (2) A table
that no sheet can hold whole is left out, and the front sheet says so. (3) A chart keeps a copy of its sheet's figures,
for readers that only show.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from typing import TYPE_CHECKING, Any

from pipelines.candidates import workbook_nb as nb
from pipelines.candidates.charts import Chart, charts_of
from pipelines.candidates.products import CandidateKey, Field, Product, ProductTable, Window
from pipelines.candidates.sheet_rows import fits, with_rows

if TYPE_CHECKING:
    import pyarrow as pa

_NUMBER_FORMATS = {
    "text": "@",
    "date": "dd.mm.yyyy",
    "integer": "0",
    "money": "#,##0.00",
    "quantity": "#,##0.00######",
    "fraction": "0.00####",
    "figure": "#,##0.00####",
    "boolean": "General",
}
_WIDTHS = {"date": 12, "integer": 9, "money": 16, "quantity": 14, "fraction": 11, "figure": 16, "boolean": 10}
_NARROWEST, _WIDEST = 9, 48
_FOR_THE_BUTTON = 4  # the filter's, beside a header
_WIDEST_PAGE = 14  # columns that a page can hold
_DARK, _LIGHT = "#1F4E79", "#9DC3E6"  # told apart in black and white too


@dataclass(frozen=True)
class Book:
    """What a workbook says of itself.

    Attributes:
        product: What is published.
        key: To whom, for which month.
        recipient_name: The recipient's name.
        window: The months that the content covers.
        coverage: Of each municipality, what the release covers (``coverage.coverage``).
        without_consent: The members that a joint product leaves out; None where it is of one owner.
    """

    product: Product
    key: CandidateKey
    recipient_name: str
    window: Window
    coverage: Sequence[Mapping[str, Any]]
    without_consent: Sequence[str] | None = None


def workbook_bytes(book: Book, tables: Mapping[str, pa.Table]) -> bytes:
    """Return a product's workbook.

    Args:
        book: What it says of itself.
        tables: Rows of each of the product's tables as they are published, in order.
    """
    import xlsxwriter

    buffer = io.BytesIO()
    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_numbers": False,
        "strings_to_urls": False,
    }
    workbook = xlsxwriter.Workbook(buffer, options)
    title = nb.TITLE.format(product=book.product.title, recipient=book.recipient_name)
    workbook.set_properties({"title": title, "created": datetime.combine(book.window.last_day, time())})  # (1)
    formats = _Formats(workbook)
    held = [table for table in book.product.tables if fits(tables[table.name])]  # (2)
    _write_front(workbook.add_worksheet(nb.FRONT_SHEET), book, title, tables, formats)
    for chart in charts_of(book.product.id, tables):
        _write_chart(workbook, chart, formats)
    places = {}
    for table in held:
        sheet = workbook.add_worksheet(table.title)
        _write_table(sheet, table, tables[table.name], formats)
        places[f"xl/worksheets/sheet{len(workbook.worksheets())}.xml"] = tables[table.name]
    _write_columns(workbook.add_worksheet(nb.COLUMNS_SHEET), book.product.tables, formats)
    workbook.close()
    return with_rows(buffer.getvalue(), places)


class _Formats:
    """The formats of a workbook's cells."""

    def __init__(self, workbook: Any) -> None:
        self.title = workbook.add_format({"bold": True, "font_size": 16, "font_color": _DARK})
        self.section = workbook.add_format({"bold": True, "font_size": 12, "font_color": _DARK})
        self.header = workbook.add_format(
            {"bold": True, "bg_color": _DARK, "font_color": "#FFFFFF", "text_wrap": True, "valign": "top", "border": 1}
        )
        self.label = workbook.add_format({"bold": True, "valign": "top"})
        self.text = workbook.add_format({"text_wrap": True, "valign": "top", "num_format": "@"})
        self.count = workbook.add_format({"valign": "top", "num_format": "#,##0"})
        self.cells = {
            # What is edited stays text: without the mark a spreadsheet would then run it.
            kind: workbook.add_format({"num_format": shown, "quote_prefix": kind == "text", "valign": "top"})
            for kind, shown in _NUMBER_FORMATS.items()
        }


class _Lines:
    """Writes a sheet of words line by line."""

    def __init__(self, sheet: Any, formats: _Formats) -> None:
        self._sheet, self._formats, self._row = sheet, formats, 0

    def add(self, *cells: Any, style: Any = None) -> None:
        """Write cells side by side; text as text, counts as numbers."""
        for column, value in enumerate(cells):
            if isinstance(value, int):
                self._sheet.write_number(self._row, column, value, style or self._formats.count)
            elif value:
                self._sheet.write_string(self._row, column, str(value), style or self._formats.text)
        self._row += 1

    def skip(self) -> None:
        """Leave a line empty."""
        self._row += 1

    def section(self, title: str, rows: Iterable[Sequence[Any]], header: Sequence[str] = ()) -> None:
        """Write a titled list after an empty line; nothing where it has no rows."""
        listed = list(rows)
        if not listed:
            return
        self.skip()
        self.add(title, style=self._formats.section)
        if header:
            self.add(*header, style=self._formats.header)
        for cells in listed:
            self.add(*cells)


def _write_front(sheet: Any, book: Book, title: str, tables: Mapping[str, pa.Table], formats: _Formats) -> None:
    product, window = book.product, book.window
    for column, width in enumerate((34, 62, 22, 62)):
        sheet.set_column(column, column, width)
    sheet.hide_gridlines(2)
    _on_paper(sheet, 4)
    lines = _Lines(sheet, formats)
    lines.add(title, style=formats.title)
    lines.skip()
    stated = (
        f"{book.recipient_name} ({book.key.recipient})",
        book.key.period,
        nb.WINDOW.format(first=window.months[0], last=window.months[-1]),
        f"{product.code} {product.id}, {product.version}",
    )
    for label, value in zip(nb.FACTS, stated, strict=True):
        lines.add(label, value)
    lines.add("", product.description)
    lines.section(nb.WARNINGS, ([warning] for warning in product.warnings))
    lines.section(nb.SHEETS, (_sheet_line(table, tables[table.name]) for table in product.tables), nb.SHEETS_HEADER)
    lines.section(nb.COVERAGE, _coverage_lines(book), nb.COVERAGE_HEADER)
    lines.section(nb.WITHOUT_CONSENT, ([number] for number in book.without_consent or ()))
    lines.section(nb.CODES, _code_lines(product.tables), nb.CODES_HEADER)
    lines.section(nb.READING, ([text] for text in nb.READING_TEXTS))


def _sheet_line(table: ProductTable, rows: pa.Table) -> tuple[Any, ...]:
    warning = table.warning if fits(rows) else nb.TOO_LARGE.format(table=table.name)
    return table.title, table.description, rows.num_rows, warning


def _coverage_lines(book: Book) -> Iterator[tuple[str, ...]]:
    for covered in book.coverage:
        without = [month for month in book.window.months if month not in covered["months"]]
        listed = covered["months"], without, covered["not_delivered"]
        yield covered["municipality_no"], *(", ".join(months) or nb.NO_MONTHS for months in listed)


def _code_lines(tables: Iterable[ProductTable]) -> Iterator[tuple[str, str, str]]:
    names = dict.fromkeys(field.name for table in tables for field in table.fields)
    for name in names:
        for code, meaning in nb.CODE_MEANINGS.get(name, {}).items():
            yield name, code or nb.EMPTY_CODE, meaning


def _write_columns(sheet: Any, tables: Iterable[ProductTable], formats: _Formats) -> None:
    lines = _Lines(sheet, formats)
    lines.add(*nb.COLUMNS_HEADER, style=formats.header)
    listed = [(table, field) for table in tables for field in table.fields]
    for table, field in listed:
        unit = nb.UNITS.get(field.type, "")
        lines.add(table.title, field.name, field.title, field.description, unit, field.warning)
    for column, width in enumerate((22, 28, 28, 70, 16, 50)):
        sheet.set_column(column, column, width)
    sheet.freeze_panes(1, 0)
    sheet.autofilter(0, 0, len(listed), len(nb.COLUMNS_HEADER) - 1)
    _on_paper(sheet, len(nb.COLUMNS_HEADER))


def _write_table(sheet: Any, table: ProductTable, rows: pa.Table, formats: _Formats) -> None:
    """Write a table's sheet but for its rows: the second row has a cell of each column's format in their place."""
    sheet.set_row(0, 34)
    for column, field in enumerate(table.fields):
        sheet.write_string(0, column, f"{field.title}\n{field.name}", formats.header)
        sheet.set_column(column, column, _width(field, rows[field.name]))
    for column, field in enumerate(table.fields):
        sheet.write_blank(1, column, None, formats.cells[field.type])
    sheet.freeze_panes(1, 0)
    sheet.autofilter(0, 0, max(rows.num_rows, 1), len(table.fields) - 1)
    sheet.ignore_errors({"number_stored_as_text": f"A1:XFD{rows.num_rows + 1}"})
    _on_paper(sheet, len(table.fields))


def _width(field: Field, column: Any) -> int:
    import pyarrow.compute as pc

    header = max(len(field.title), len(field.name)) + _FOR_THE_BUTTON
    longest = (pc.max(pc.utf8_length(column)).as_py() or 0) + 2 if field.type == "text" else _WIDTHS[field.type]
    return int(min(_WIDEST, max(_NARROWEST, header, longest)))


def _on_paper(sheet: Any, columns: int) -> None:
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.repeat_rows(0)
    if columns <= _WIDEST_PAGE:
        sheet.fit_to_pages(1, 0)


def _write_chart(workbook: Any, chart: Chart, formats: _Formats) -> None:
    sheet = workbook.add_worksheet(chart.title)
    sheet.set_column(0, 0, 34)
    sheet.set_column(1, len(chart.columns) - 1, 22)
    for column, header in enumerate(chart.columns):
        sheet.write_string(0, column, header, formats.header)
    for number, row in enumerate(chart.rows, start=1):
        sheet.write_string(number, 0, str(row[0]), formats.cells["text"])
        for column, amount in enumerate(row[1:], start=1):
            if amount is not None:
                sheet.write_number(number, column, float(amount), formats.cells["money"])
    _on_paper(sheet, len(chart.columns))
    if not chart.rows:
        return
    kind = {"type": "bar", "subtype": "stacked"} if chart.is_lying else {"type": "column"}
    drawn = workbook.add_chart(kind)
    last = len(chart.rows)
    for column in range(1, len(chart.columns)):
        drawn.add_series(
            {
                "name": [chart.title, 0, column],
                "categories": [chart.title, 1, 0, last, 0],
                "values": [chart.title, 1, column, last, column],
                # (3)
                "name_data": [chart.columns[column]],
                "categories_data": [str(row[0]) for row in chart.rows],
                "values_data": [None if row[column] is None else float(row[column]) for row in chart.rows],
                "fill": {"color": (_DARK, _LIGHT)[column - 1]},
                "border": {"color": "#000000", "width": 0.75},
            }
        )
    drawn.set_title({"name": chart.title})
    drawn.set_legend({"position": "bottom"})
    amounts, labels = ("x_axis", "y_axis") if chart.is_lying else ("y_axis", "x_axis")
    getattr(drawn, f"set_{amounts}")({"num_format": "#,##0", "name": "kroner"})
    getattr(drawn, f"set_{labels}")({"reverse": chart.is_lying, "label_position": "low"})
    drawn.set_size({"width": 900, "height": 480})
    sheet.insert_chart(1, len(chart.columns) + 1, drawn, {"description": chart.text})
