"""Data Docs say what the suites found, to whoever reads the evidence, and nothing of the values."""

from __future__ import annotations

import re
import sys
from datetime import date

import pyarrow.parquet as pq
import pytest

from pipelines.candidates.products import CandidateKey
from pipelines.gate.deciding import Signer, approve
from pipelines.gate.evidence import data_docs_file
from pipelines.gate.judge import judge
from pipelines.gate.listing import show_verdict
from pipelines.gate.run_suite import run_suite
from pipelines.gate.suites import read_suite
from pipelines.settings import EXPECTATIONS
from tests.signing import ANNA
from tests.unit.gate.small_home import CLOCK, EXTRACT, SHARE, SmallHome

SECRET = "Hemmelig Oppdiktet"


def page_of(small: SmallHome, key: CandidateKey = EXTRACT) -> str:
    verdict = judge(small.home, key, CLOCK)
    path = data_docs_file(small.home, key, verdict.candidate_sha256)
    stated = show_verdict(small.home, key.product, key.recipient, None, CLOCK.as_of)
    assert (stated["data_docs"], stated["is_evidence_intact"]) == (str(path), True)
    return path.read_text(encoding="utf-8")


def spoil(small: SmallHome) -> None:
    """Name a person, in a column whose values the suite holds to a set."""
    rows = small.tables[EXTRACT]["municipality_extract"]
    next(row for row in rows if row["purchase_line_id"] == "p1")["supplier_name"] = SECRET
    small.write()


@pytest.mark.parametrize("key", [EXTRACT, SHARE], ids=["extract", "share"])
def test_every_table_and_expectation_stands_on_the_page(small: SmallHome, key: CandidateKey) -> None:
    page = page_of(small, key)
    for name, table in read_suite(EXPECTATIONS, key.product).tables.items():
        assert f'<h2 id="{name}">' in page
        if small.tables[key][name]:
            assert {item.rule for item in table.expectations} <= set(re.findall("[A-Z]{2}[0-9]{2}", page))


def test_the_page_loads_nothing(small: SmallHome) -> None:
    page = page_of(small)
    assert re.findall(r"<(?:script|link|img|iframe)|src=|url\(|https?://", page) == []
    assert {link[:1] for link in re.findall(r'href="([^"]*)"', page)} == {"#"}


def test_what_was_found_is_shown_by_its_shape(small: SmallHome) -> None:
    spoil(small)
    page = page_of(small)
    assert "Hemmelig" not in page
    assert "xxxxxxxx xxxxxxxxx" in page
    assert "text-danger" in page


def test_a_column_that_is_not_there_is_said_without_a_trace(small: SmallHome) -> None:
    rows = pq.read_table(small.folder(EXTRACT) / "kpi.parquet").drop_columns(["state"])
    docs: dict[str, str] = {}
    run_suite(read_suite(EXPECTATIONS, EXTRACT.product).tables["kpi"], rows, docs)
    assert "could not run" in docs["kpi"]
    assert "Traceback" not in docs["kpi"]
    assert sys.prefix not in docs["kpi"]


def test_a_decision_keeps_the_page(small: SmallHome) -> None:
    small.tables[EXTRACT]["municipality_extract"][0]["local_account"] = "9999"
    small.write()
    assert judge(small.home, EXTRACT, CLOCK).state == "held"
    page = page_of(small)
    approve(
        small.home, CLOCK, EXTRACT, Signer(ANNA), reason="Sett på og funnet i orden.", expires_on=date(2026, 12, 31)
    )
    assert judge(small.home, EXTRACT, CLOCK).state == "approved"
    assert page_of(small) == page
