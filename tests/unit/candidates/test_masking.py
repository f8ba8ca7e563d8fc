"""The municipality's own extract names nobody whom it must not, and loses no øre."""

from __future__ import annotations

from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.candidates.masking import IDENTIFYING, mask_payees
from pipelines.candidates.products import MASKED_NAME, MUNICIPALITY_EXTRACT, PRODUCTS
from tests.unit.candidates.small_home import extract_row

SCHEMA = PRODUCTS[MUNICIPALITY_EXTRACT].table("municipality_extract").arrow_schema
KINDS = ("legal_entity", "sole_proprietor", "public_body", "foreign", "natural_person", "unknown", None)


def lines_of(*facts: dict) -> pa.Table:
    rows = [extract_row("9901", number, **fact) for number, fact in enumerate(facts)]
    return pa.table({name: pa.array([row.get(name) for row in rows], SCHEMA.field(name).type) for name in SCHEMA.names})


@pytest.mark.parametrize(
    ("payee_kind", "function", "is_named"),
    [
        ("legal_entity", "120", True),
        ("sole_proprietor", "120", True),
        ("foreign", None, True),
        ("natural_person", "120", False),
        ("unknown", "120", False),
        (None, "120", False),
        ("legal_entity", "251", False),
        ("sole_proprietor", "251", False),
        ("public_body", "251", True),
    ],
)
def test_who_is_named(payee_kind: str | None, function: str | None, is_named: bool) -> None:
    (line,) = mask_payees(lines_of({"payee_kind": payee_kind, "kostra_function": function}), ["251"]).to_pylist()
    if is_named:
        assert line["supplier_name"] == "Firma AS"
        assert all(line[name] is not None for name in IDENTIFYING)
    else:
        assert line["supplier_name"] == MASKED_NAME
        assert all(line[name] is None for name in IDENTIFYING)


@settings(max_examples=50)
@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "payee_kind": st.sampled_from(KINDS),
                "kostra_function": st.sampled_from(["120", "251", None]),
                "supplier_name": st.sampled_from(["Firma AS", "Kari Nordmann", None]),
                "net_amount_nok": st.decimals(-10_000, 10_000, places=2),
            }
        ),
        max_size=8,
    )
)
def test_no_row_and_no_amount_is_touched(facts: list[dict]) -> None:
    lines = lines_of(*facts)
    masked = mask_payees(lines, ["251"])
    assert masked.schema == lines.schema
    untouched = [name for name in SCHEMA.names if name not in ("supplier_name", *IDENTIFYING)]
    assert masked.select(untouched) == lines.select(untouched)
    assert sum(masked["net_amount_nok"].to_pylist(), Decimal(0)) == sum(
        (fact["net_amount_nok"] for fact in facts), Decimal(0)
    )
