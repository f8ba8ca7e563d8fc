"""The waterfall: months summed to the øre, and a picture that says its figures in words too."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from xml.etree import ElementTree

import duckdb
import pytest

from pipelines.errors import ConfigurationError
from pipelines.waterfall import Step, Waterfall, read_waterfall
from pipelines.waterfall_chart import draw_html, draw_svg, kroner

_STEPS = [
    ("ledger_files", 10, "read", "Ledger files", "Regnskapsfiler"),
    ("vat", 150, "not_procurement", "Compensable VAT", "Kompensasjonsberettiget mva."),
    ("procurement_spend", 260, "total", "Procurement spend (K01)", "Innkjøp (K01)"),
]
_AMOUNTS = {
    ("9901", "2026-09"): ("100.10", "-20.00", "80.10"),
    ("9901", "2026-10"): ("50.05", "-10.00", "40.05"),
    ("9901", "none"): ("7.00", "-7.00", "0.00"),
    ("9902", "2026-10"): ("1000.00", "0.00", "1000.00"),
}


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(":memory:") as opened:
        opened.execute("create table dim_municipalities (municipality_no varchar, municipality_name varchar)")
        opened.executemany(
            "insert into dim_municipalities values (?, ?)", [("9901", "Havnesund & <Vik>"), ("9902", "Granholt")]
        )
        opened.execute(
            "create table fct_spend_waterfall (municipality_no varchar, period_month varchar, step_key varchar,"
            " step_order integer, step_kind varchar, label_en varchar, label_no varchar, row_count bigint,"
            " amount_nok decimal(18, 2))"
        )
        rows = [
            (*place, *step, 2, Decimal(amount))
            for place, amounts in _AMOUNTS.items()
            for step, amount in zip(_STEPS, amounts, strict=True)
        ]
        opened.executemany("insert into fct_spend_waterfall values (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
        yield opened


@pytest.mark.parametrize(
    ("municipality_no", "first", "last", "amounts"),
    [
        ("9901", None, None, ["157.15", "-37.00", "120.15"]),
        ("9901", "2026-10", "2026-10", ["50.05", "-10.00", "40.05"]),
        ("9901", "2026-10", None, ["50.05", "-10.00", "40.05"]),
        ("9901", None, "2026-09", ["100.10", "-20.00", "80.10"]),
        ("all", None, None, ["1157.15", "-37.00", "1120.15"]),
    ],
    ids=["all months", "one month", "from a month", "to a month", "all municipalities"],
)
def test_months_sum_and_what_states_no_month_stands_in_the_whole_only(
    connection: duckdb.DuckDBPyConnection, municipality_no: str, first: str | None, last: str | None, amounts: list[str]
) -> None:
    found = read_waterfall(connection, municipality_no, first, last)
    assert [str(step.amount) for step in found.steps] == amounts
    assert found.total == sum(step.amount for step in found.steps if step.kind != "total")


def test_an_unknown_municipality_is_refused_with_those_that_there_are(connection: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(ConfigurationError, match="9901, 9902, or all"):
        read_waterfall(connection, "9999", None, None)


@pytest.mark.parametrize(
    ("municipality_no", "remedy"), [("9901", "There are: 2026-09, 2026-10"), ("9903", "Take in what it has delivered")]
)
def test_months_of_which_there_is_nothing_are_no_zero(
    connection: duckdb.DuckDBPyConnection, municipality_no: str, remedy: str
) -> None:
    connection.execute("insert into dim_municipalities values ('9903', 'Osmark')")
    with pytest.raises(ConfigurationError, match=remedy):
        read_waterfall(connection, municipality_no, "2025-01", "2025-12")


def _example(*amounts: str) -> Waterfall:
    steps = tuple(
        Step(key, kind, label_en, label_no, 1, Decimal(amount))
        for (key, _, kind, label_en, label_no), amount in zip(_STEPS, amounts, strict=True)
    )
    return Waterfall("9901", "Havnesund & <Vik>", "2026-09", "2026-10", steps)


def test_the_picture_says_its_figures_in_words() -> None:
    root = ElementTree.fromstring(draw_svg(_example("1234567.40", "-34567.00", "1200000.40")))
    space = {"svg": "http://www.w3.org/2000/svg"}
    assert root.get("role") == "img"
    assert root.findtext("svg:title", namespaces=space) == (
        "Fra leverte filer til innkjøp: Havnesund & <Vik> (9901), 2026-09 til 2026-10"
    )
    assert root.findtext("svg:desc", namespaces=space) == (
        "Regnskapsfiler: 1\u00a0234\u00a0567 kroner. Kompensasjonsberettiget mva.: \u221234\u00a0567 kroner. "
        "Innkjøp (K01): 1\u00a0200\u00a0000 kroner."
    )


def test_what_a_step_does_shows_without_colour() -> None:
    root = ElementTree.fromstring(draw_svg(_example("100.00", "-20.00", "80.00")))
    bars = [bar for bar in root.iter("{http://www.w3.org/2000/svg}rect") if bar.get("height") == "18"]
    assert [bar.get("fill") for bar in bars] == ["#8a8a8a", "url(#taken)", "#000000"]
    colours = {text for element in root.iter() for text in (element.get("fill"), element.get("stroke")) if text}
    assert all(
        colour in ("url(#taken)", "none") or len(set(colour[1:][::2] + colour[1:][1::2])) <= 2 for colour in colours
    )


def test_bars_hang_together_below_zero_too() -> None:
    root = ElementTree.fromstring(draw_svg(_example("-50.00", "20.00", "-30.00")))
    bars = [bar for bar in root.iter("{http://www.w3.org/2000/svg}rect") if bar.get("height") == "18"]
    spans = [(float(bar.get("x", "")), float(bar.get("x", "")) + float(bar.get("width", ""))) for bar in bars]
    assert spans[0][0] == spans[1][0] == 306.0
    assert spans[0][1] == spans[2][1] == 800.0
    assert spans[1][1] == pytest.approx(spans[2][0])


def test_a_waterfall_without_steps_is_drawn() -> None:
    assert ElementTree.fromstring(draw_svg(Waterfall("all", "", None, None, ()))) is not None


def test_the_page_has_the_same_figures_as_a_table() -> None:
    page = draw_html(_example("1234567.40", "-34567.00", "1200000.40"))
    assert '<html lang="nb">' in page
    assert "Havnesund &amp; &lt;Vik&gt;" in page
    assert '<th scope="row">Innkjøp (K01)</th><td>1\u00a0200\u00a0000,40</td>' in page
    assert "<svg" in page


@pytest.mark.parametrize(
    ("amount", "text"),
    [("0.00", "0"), ("-0.40", "0"), ("-1.50", "\u22122"), ("1234.50", "1\u00a0234")],
    ids=["nothing", "less than a krone", "minus", "half to even"],
)
def test_amounts_are_whole_kroner_in_bokmaal(amount: str, text: str) -> None:
    assert kroner(Decimal(amount)) == text
