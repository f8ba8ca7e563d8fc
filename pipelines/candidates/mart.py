"""Cut the consortium's mart (P3): whose rows, which payees nobody is told, and the marts' own words.

Belongs here: what P3 leaves out of the marts that it is made of. Not here: which marts and columns (mart_tables.py),
who has agreed (consent.py), who is a person (dbt decides payee_kind).

(1) Rows are of members that have agreed. Where one of a window's members has not, nothing of all members together is
    shown: what is left out could be had by subtraction.
(2) A payee is named by its number alone, and only where it is a legal entity, a public body or foreign.
(3) On lines of a client function the payee is left out: on strict ones whoever it is but a public body, workshops too;
    on the others where it may itself serve clients: its industry is care, or not known. So is what leads to it: the
    contract, the invoice, the place in its file, and from the invoice's other lines the invoice and their place.
(4) The company register's name of a payee stands in dim_suppliers where some line shows its number, or where it is a
    workshop.
(5) A contract stands there when it covers a member that has agreed; its supplier as in (4).
(6) Rows and amounts are never touched otherwise: sums over a member's lines are its ledger's.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pipelines.candidates.consent import only_consenting
from pipelines.candidates.cut import columns_of, read_rows
from pipelines.candidates.mart_tables import FIGURES
from pipelines.candidates.products import EVERYBODY, CandidateKey, Product, Window

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

NAMED_KINDS = ("legal_entity", "public_body", "foreign")
CARE_DIVISIONS = ("86", "87", "88")  # at least those of rule PV08, which holds what is published against its own
# What leads from a line to its payee: through the contract, whose supplier it is, through other lines of the invoice or
# of the file, or because one workshop alone delivers in a stream.
LEADING = ("contract_id", "contract_match", "invoice_id", "stream", "_file_sha256", "_row_no", "_xpath")
_OF_INVOICE = ("invoice_id", "_file_sha256", "_row_no", "_xpath")
_LEADING_FIGURES = ("in_workshop", "in_contract", "in_reserved")
_STRICT, _CLIENT = "client_strict", "client"
_PERSONS = f"select distinct org_no from main.fct_purchases where coalesce(payee_kind, '') not in {NAMED_KINDS}"  # noqa: S608
_CARE = f"""
    select org_no from main.dim_suppliers
    where nace_code is null or left(nace_code, 2) in {CARE_DIVISIONS}
"""  # noqa: S608  names of this module


def described(product: Product, warehouse: duckdb.DuckDBPyConnection) -> Product:
    """Return the product with its tables and columns described in the words that stand in the warehouse."""
    words = dict(
        warehouse.execute(
            "select table_name, comment from duckdb_tables() where schema_name = 'main'"
            " union all"
            " select table_name || '.' || column_name, comment from duckdb_columns() where schema_name = 'main'"
        ).fetchall()
    )
    return replace(
        product,
        tables=tuple(
            replace(
                table,
                description=words.get(table.source) or "",
                fields=tuple(
                    replace(field, description=words.get(f"{table.source}.{field.name}") or "")
                    for field in table.fields
                ),
            )
            for table in product.tables
        ),
    )


def cut_mart(
    warehouse: duckdb.DuckDBPyConnection,
    product: Product,
    key: CandidateKey,
    window: Window,
    members: frozenset[str],
    without: Collection[str],
) -> dict[str, pa.Table]:
    """Return the published rows of each of the mart's tables.

    Args:
        warehouse: The last green build.
        product: P3.
        key: To whom, for which month.
        window: The months that the content covers.
        members: Who has agreed.
        without: The window's members that have not.

    Raises:
        BuildFailed: The warehouse's table is absent or lacks a column.
    """
    tables = {}
    for table in product.tables:
        rows = only_consenting(read_rows(warehouse, table, columns_of(table), key, window, schema="main"), members)
        if without and "municipality_no" in rows.column_names:  # (1)
            rows = _where(rows, "municipality_no", [EVERYBODY], is_in=False)
        tables[table.name] = rows
    for name in ("fct_kpis", "dim_kpis"):
        tables[name] = _where(tables[name], "kpi_key", FIGURES)
    covered = tables["bridge_contract_members"]["contract_id"].to_pylist()
    tables["dim_contracts"] = _where(tables["dim_contracts"], "contract_id", covered)  # (5)
    _hide_payees(tables, _numbers(warehouse, _PERSONS), _numbers(warehouse, _CARE))
    return {table.name: tables[table.name].cast(table.arrow_schema) for table in product.tables}


def _hide_payees(tables: dict[str, pa.Table], persons: list[str], care: list[str]) -> None:
    """Empty what leads to payees that nobody is told, in the tables themselves."""
    import pyarrow.compute as pc

    lines: Any = tables["fct_purchases"]
    kind: Any = pc.fill_null(lines["payee_kind"], "unknown")
    is_private: Any = pc.invert(_is_in(kind, ["public_body"]))
    is_strict = pc.and_(_is_in(lines["function_privacy_class"], [_STRICT]), is_private)  # (3)
    is_client = _is_in(lines["function_privacy_class"], [_CLIENT])
    is_care = pc.and_(pc.and_(is_client, is_private), _is_in(lines["org_no"], care))
    is_nameless = pc.or_(pc.invert(_is_in(kind, NAMED_KINDS)), _is_in(lines["org_no"], persons))  # (2)
    is_client_line = pc.or_(is_strict, is_care)
    lines = _emptied(lines, "org_no", pc.or_(is_nameless, is_client_line))
    lines = _emptied(lines, "workshop_org_no", is_strict)
    # What is left of an invoice when its other lines are taken away is the client's line: they lead to it no more.
    shared = pc.or_(is_client_line, _is_in(lines["invoice_id"], lines["invoice_id"].filter(is_client_line).to_pylist()))
    for name in LEADING:
        lines = _emptied(lines, name, shared if name in _OF_INVOICE else is_client_line)
    tables["fct_purchases"] = lines

    figures: Any = tables["fct_kpi_lines"]
    strict = lines["purchase_line_id"].filter(is_strict).to_pylist()
    is_strict_figure = _is_in(figures["purchase_line_id"], strict)
    figures = _emptied(figures, "workshop_org_no", is_strict_figure)
    client = _is_in(figures["purchase_line_id"], lines["purchase_line_id"].filter(is_client_line).to_pylist())
    for name in figures.column_names:
        if name.startswith(_LEADING_FIGURES):
            figures = _emptied(figures, name, client)
    tables["fct_kpi_lines"] = figures

    suppliers, contracts = tables["dim_suppliers"], tables["dim_contracts"]
    is_workshop: Any = suppliers["is_workshop"]  # rows of null are none that filter takes
    workshops = suppliers["org_no"].filter(is_workshop).to_pylist()
    shown = [*lines["org_no"].unique().to_pylist(), *workshops]  # (4)
    tables["dim_suppliers"] = _where(suppliers, "org_no", shown)
    is_untold = pc.invert(_is_in(contracts["supplier_org_no"], shown))
    tables["dim_contracts"] = _emptied(contracts, "supplier_org_no", is_untold)


def _numbers(warehouse: duckdb.DuckDBPyConnection, sql: str) -> list[str]:
    return [str(row[0]) for row in warehouse.execute(sql).fetchall()]


def _is_in(column: Any, values: Iterable[str | None]) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    return pc.is_in(column, value_set=pa.array(sorted({value for value in values if value is not None}), pa.string()))


def _where(rows: pa.Table, name: str, values: Iterable[str | None], *, is_in: bool = True) -> pa.Table:
    """Return the rows whose column is one of some values, or is none of them."""
    import pyarrow.compute as pc

    found = _is_in(rows[name], values)
    return rows.filter(found if is_in else pc.invert(found))


def _emptied(rows: pa.Table, name: str, where: Any) -> pa.Table:
    """Return rows with a column empty in some of them."""
    import pyarrow as pa
    import pyarrow.compute as pc

    column: Any = pc.if_else(where, pa.scalar(None, rows.schema.field(name).type), rows[name])
    return rows.set_column(rows.schema.get_field_index(name), name, column)
