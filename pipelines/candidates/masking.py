"""Mask the payees whom a municipality's own extract must not name.

Belongs here: which lines name nobody, and what is taken from them. Not here: who is a person (dbt decides payee_kind).

(1) Natural persons, and payees that no register knows, are named nowhere.
(2) A line on a strict client function names nobody but public bodies: who is paid tells who the client is.
(3) Rows and amounts are never touched: sums equal the ledger.
(4) Sole proprietors are named: the extract goes to the municipality that bought from them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from pipelines.candidates.products import MASKED_NAME

if TYPE_CHECKING:
    import pyarrow as pa

NAMELESS_KINDS = ("natural_person", "unknown")
# What leads to the payee: the register's facts, and the ledger's own code, which may be a personal number.
IDENTIFYING = ("org_no", "supplier_ledger_code", "legal_form", "supplier_municipality_no", "nace_code")


def mask_payees(lines: pa.Table, strict_functions: Iterable[str]) -> pa.Table:
    """Return the lines with every payee masked who must not be named; a line without payee_kind is masked.

    Args:
        lines: Rows of the municipality extract.
        strict_functions: KOSTRA functions whose lines name nobody.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    kind: Any = pc.fill_null(lines["payee_kind"], pa.scalar("unknown"))
    function: Any = pc.fill_null(lines["kostra_function"], pa.scalar(""))
    is_strict = pc.is_in(function, value_set=pa.array(sorted(strict_functions), type=pa.string()))
    is_nameless = pc.is_in(kind, value_set=pa.array(NAMELESS_KINDS, type=pa.string()))
    is_masked = pc.or_(is_nameless, pc.and_(is_strict, pc.not_equal(kind, pa.scalar("public_body"))))
    masked = {"supplier_name": MASKED_NAME, **dict.fromkeys(IDENTIFYING)}
    for name, value in masked.items():
        column = pc.if_else(is_masked, pa.scalar(value, pa.string()), lines[name])
        lines = lines.set_column(lines.schema.get_field_index(name), name, column)
    return lines
