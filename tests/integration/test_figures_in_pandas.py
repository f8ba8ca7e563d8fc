"""K01 to K06, K10, K14 and K18 are, to the øre, what pandas makes of the raw files in a way of its own."""

from __future__ import annotations

import re
import shutil
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.homes import ask, make_demo, run
from tests.integration import recomputed

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("two_members")]

ROOT = Path(__file__).resolve().parents[2]
TWELVE_MONTHS = ("2025-11", "2026-10")
PERIODS = [*((f"2026-{month:02}",) * 2 for month in range(1, 11)), ("2026-01", "2026-12"), TWELVE_MONTHS]

Figures = dict[tuple[str, ...], dict[str, Any]]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two members, twelve months, thinned; a copy of what they handed in lies beside it."""
    made = tmp_path_factory.mktemp("two_members") / "home"
    make_demo(made, "--municipalities", "2", "--months", "12", "--scale", "0.03")
    shutil.copytree(made / "inbox", made.parent / "handed_in")
    run(made)
    return made


@pytest.fixture(scope="module")
def in_pandas(home: Path) -> Figures:
    """Every figure that was recomputed."""
    lines, facts = recomputed.purchases(home, home.parent / "handed_in", ROOT / "dbt_project" / "seeds")
    return recomputed.figures_of(lines, facts, PERIODS)


@pytest.fixture(scope="module")
def in_warehouse(home: Path, in_pandas: Figures) -> Figures:
    """The same measures as the warehouse has them, in øre."""
    rows = ask(
        home,
        f"""
        select measure, municipality_no, workshop_org_no, account_class, numerator, denominator,
            strftime(period_start, '%Y-%m') as first_month, strftime(period_end, '%Y-%m') as last_month
        from fct_kpis
        where category_key = 'all' and measure in ({", ".join(f"'{key[0]}'" for key in in_pandas)})
        """,
    )
    keys = ("measure", "municipality_no", "workshop_org_no", "account_class", "first_month", "last_month")
    return {
        tuple(row[key] for key in keys): {
            name: None if row[name] is None else int(Decimal(row[name]) * 100) for name in ("numerator", "denominator")
        }
        for row in rows
    }


def test_the_other_way_shares_nothing_with_the_platform() -> None:
    text = Path(recomputed.__file__).read_text(encoding="utf-8")
    assert re.findall(r"^(?:from|import) (?:pipelines|tests|duckdb|dbt)", text, re.MULTILINE) == []


@pytest.mark.parametrize(
    "measure",
    [
        "procurement_spend",
        "addressable_spend",
        "workshop_product_spend",
        "workshop_spend_ratio",
        "workshop_addressable_ratio",
        "workshop_inclusion_spend",
        "workshop_transfer",
        "contract_compliance_strict",
        "contract_compliance_loose",
        "local_spend_ratio",
        "over_total_income",
        "over_sales_income",
    ],
)
def test_a_figure_is_the_same_both_ways(measure: str, in_pandas: Figures, in_warehouse: Figures) -> None:
    ours = {key: parts for key, parts in in_pandas.items() if key[0] == measure}
    # Where nothing was bought the warehouse may have no row.
    differing = {
        key: (parts, in_warehouse.get(key))
        for key, parts in ours.items()
        if parts != in_warehouse.get(key) and (key in in_warehouse or parts["numerator"])
    }
    assert differing == {}
    assert sum(parts["numerator"] != 0 for parts in ours.values()) >= 5
    assert len(ours.keys() & in_warehouse.keys()) >= 5
