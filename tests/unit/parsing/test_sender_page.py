"""The sender's page: bokmål, every value escaped, nothing from elsewhere, the same facts the same bytes."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines import settings as installation
from pipelines.parsing.sender_page import Contents, PeriodFacts, Remark, ReportFacts, render_page
from pipelines.parsing.sender_texts import STATES, rule_text

GOLDEN = Path(__file__).resolve().parents[2] / "golden" / "reports" / "ledger_with_rejects.html"
HELD_TEXT = "40 rows would replace 100: fewer than 70 %. Deliver the whole period again."
FACTS = ReportFacts(
    municipality="Eksempel kommune (9901)",
    source="ledger",
    source_name="ledger",
    delivery_id="0123456789abcdef",
    state="held",
    files=(("2026-10.csv", 40_000),),
    is_prepared=True,
    rows_in=1_240,
    rows_out=1_237,
    rejects=3,
    not_counted=40,
    message="",
    contents=Contents(
        "15.11.2026",
        1_237,
        (
            PeriodFacts("2026-09", 40, Decimal("-1000.50"), "held", HELD_TEXT),
            PeriodFacts("2026-10", 1_197, Decimal("1234567.89")),
        ),
        frozenset({"11150", "11200"}),
        12,
        2,
        1,
    ),
    previous=Contents("15.10.2026", 100, (PeriodFacts("2026-09", 100, Decimal("90000.00")),), frozenset({"11150"}), 11),
    remarks=(
        Remark("IN06", "reject", "2026-10.csv", 17, "Beløp", "9 999,9x", "The value is not a number."),
        Remark("IN08", "reject", "2026-10.csv", 1241, None, None, "The row is a sum of other rows. It is not counted."),
        Remark("RF04", "issue", "2026-10.csv", 20, "Org.nr", "999999999", "The number fails its check digit."),
    ),
    key="k",
)


class _Page(HTMLParser):
    """Collects tags with their attributes, and the text."""

    def __init__(self, raw: bytes) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(raw.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_is_what_it_was() -> None:
    assert render_page(FACTS) == GOLDEN.read_bytes()


def test_it_is_bokmal_with_headings_and_table_headers() -> None:
    page = _Page(render_page(FACTS))
    assert ("html", {"lang": "nb"}) in page.tags
    names = [name for name, _ in page.tags]
    assert names.count("h1") == 1
    assert names.count("h2") >= 4
    assert any(name == "th" and attributes.get("scope") == "col" for name, attributes in page.tags)
    assert any(name == "th" and attributes.get("scope") == "row" for name, attributes in page.tags)
    for words in (
        "Holdt tilbake",
        "1\u00a0234\u00a0567,89",
        "\u22121\u00a0000,50",
        "oktober 2026",
        "Slik retter dere det",
    ):
        assert words in page.text


def test_it_asks_for_nothing_from_elsewhere_and_runs_nothing() -> None:
    page = _Page(render_page(FACTS))
    assert not {name for name, _ in page.tags} & {"script", "link", "img", "iframe", "object", "form", "base"}
    for _, attributes in page.tags:
        assert not {name for name in attributes if name in ("src", "href") or name.startswith("on")}
    assert b"url(" not in render_page(FACTS)


EVIL = "<script>alert('x')</script>\"'&"


def test_every_value_is_escaped() -> None:
    remark = Remark("IN12", "reject", EVIL, 1, EVIL, EVIL, f"In row 1 a quotation mark {EVIL}")
    contents = Contents(EVIL, 1, (PeriodFacts(EVIL, 1, Decimal(1), "held", EVIL),), frozenset({EVIL}))
    facts = ReportFacts(
        EVIL,
        "ledger",
        EVIL,
        EVIL,
        "held",
        ((EVIL, 1),),
        False,
        1,
        1,
        0,
        0,
        EVIL,
        contents,
        contents,
        (remark,),
        (EVIL,),
        EVIL,
    )
    raw = render_page(replace(facts, previous=Contents(EVIL, 1, contents.periods, frozenset({EVIL + "2"}))))
    assert b"<script" not in raw
    page = _Page(raw)
    assert page.text.count("<script>alert('x')</script>") >= 8
    assert not any(name == "script" for name, _ in page.tags)


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=40), st.sampled_from(sorted(STATES)), st.decimals(-(10**12), 10**12, places=2))
def test_any_values_give_a_page_without_scripts(text: str, state: str, amount: Decimal) -> None:
    contents = Contents("15.11.2026", 1, (PeriodFacts("2026-13", 1, amount),))
    facts = replace(FACTS, municipality=text, state=state, contents=contents, files=((text, 1),))
    page = _Page(render_page(facts))
    assert not any(name == "script" for name, _ in page.tags)


def test_every_rule_that_can_refuse_has_its_own_words() -> None:
    rules = {path.stem for path in (installation.EXPECTATIONS / "rules").glob("*.md")}
    code = "".join(
        path.read_text(encoding="utf-8")
        for folder in ("parsing", "landing")
        for path in (installation.PROJECT_ROOT / "pipelines" / folder).glob("*.py")
        if not path.name.startswith("sender_")
    )
    named = {rule for rule in re.findall(r'"([A-Z]{2}[0-9]{2})"', code) if rule in rules}
    assert named >= {"IN01", "IN03", "IN06", "IN08", "RF10"}
    without = sorted(rule for rule in named if rule_text(rule, "reject").title == "Annen merknad")
    assert without == []


@pytest.mark.parametrize("state", STATES)
def test_every_state_says_what_to_do(state: str) -> None:
    page = _Page(render_page(replace(FACTS, state=state)))
    assert STATES[state][0] in page.text
    assert "Dette gjør dere nå" in page.text


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        (
            "6 rows would replace 10: fewer than 70 %.",
            "6 rader nå mot 10 i leveransen den skulle erstatte: færre enn 70 %",
        ),
        ("60 of 60 postings stand in the ledger of another member too.", "en annen kommune"),
        ("6 of 6 postings count already in delivery a of the source 'agency'.", "en annen av kommunens kilder"),
        ("A ledger of the same period counts already, and both hold the same purchases.", "levert som reskontro"),
    ],
)
def test_each_reason_for_holding_a_period_has_its_own_words(reason: str, said: str) -> None:
    contents = Contents("rows.csv", 1, (PeriodFacts("2026-10", 1, Decimal(1), "held", reason),), frozenset())
    assert said in render_page(replace(FACTS, contents=contents)).decode()
