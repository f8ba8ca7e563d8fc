"""``samandel waterfall``: from all that was read to procurement spend, as a table and as a chart."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.audit import note_question
from pipelines.cli.options import HomeOption, JsonOption, open_home
from pipelines.cli.output import print_json, print_rows
from pipelines.errors import ConfigurationError

if TYPE_CHECKING:
    from pipelines.waterfall import Waterfall

_MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])")
_CHARTS = (".svg", ".html")


def waterfall(  # noqa: PLR0913, PLR0917  one parameter for each option
    municipality: Annotated[str, typer.Argument(metavar="MUNICIPALITY", help="A municipality number, or all.")],
    month: Annotated[str | None, typer.Option(metavar="YYYY-MM", help="One month.")] = None,
    from_month: Annotated[str | None, typer.Option("--from", metavar="YYYY-MM", help="The first month.")] = None,
    to_month: Annotated[str | None, typer.Option("--to", metavar="YYYY-MM", help="The last month.")] = None,
    chart: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw it too: an .svg, or an .html page with the table.")
    ] = None,
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Say how all that was read from files comes to procurement spend (K01), step by step, to the øre."""
    first, last = _read_months(month, from_month, to_month)
    if chart is not None and chart.suffix.lower() not in _CHARTS:
        raise ConfigurationError(
            "A chart is an SVG or an HTML file.",
            where=f"--chart {chart}",
            remedy="Name a file that ends .svg or .html.",
        )
    opened = open_home(home)
    note_question(opened, waterfall=" ".join(part for part in (municipality, first, last) if part))
    from pipelines.warehouse.read import connect
    from pipelines.waterfall import read_waterfall

    with connect(opened) as connection:
        if not connection.execute(
            "select 1 from information_schema.tables where table_name = 'fct_spend_waterfall'"
        ).fetchall():
            raise ConfigurationError(
                "The warehouse was built by an earlier version, which kept no waterfall.",
                where=str(opened.warehouse_file),
                remedy="Build it again: 'samandel run'.",
            )
        found = read_waterfall(connection, municipality, first, last)
    if chart is not None:
        _draw(found, chart)
    if json:
        print_json(found.as_json())
        return
    rows = [{"step": step.label_en, "NOK": step.amount, "rows": step.rows} for step in found.steps]
    print_rows(
        rows, ("step", "NOK", "rows"), title=f"From files to procurement spend: {municipality}", right=("NOK", "rows")
    )


def _read_months(month: str | None, first: str | None, last: str | None) -> tuple[str | None, str | None]:
    if month is not None and (first is not None or last is not None):
        raise ConfigurationError(
            "One month and a span of months at once.", where="--month", remedy="Give --month, or --from and --to."
        )
    for option, value in (("--month", month), ("--from", first), ("--to", last)):
        if value is not None and not _MONTH.fullmatch(value):
            raise ConfigurationError(f"'{value}' is not a month.", where=option, remedy="Write it as yyyy-mm.")
    if first is not None and last is not None and first > last:
        raise ConfigurationError("The span ends before it begins.", where="--to", remedy="Turn the two months round.")
    return (month, month) if month is not None else (first, last)


def _draw(found: Waterfall, path: Path) -> None:
    from pipelines.files import write_atomically
    from pipelines.waterfall_chart import draw_html, draw_svg

    text = draw_svg(found) if path.suffix.lower() == ".svg" else draw_html(found)
    try:
        write_atomically(path, text.encode())
    except OSError as error:
        raise ConfigurationError(
            f"The chart cannot be written: {error.strerror}.", where=str(path), remedy="Name a file that can be."
        ) from None


COMMANDS = (waterfall,)
