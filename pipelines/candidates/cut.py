"""Cut a published table to one recipient: the only way out of the joint tables.

Belongs here: reading a product table, keeping one recipient's rows of one window, the published columns and types. Not
here: what is hidden in them (suppress.py, masking.py), files (render.py).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pipelines.candidates.consent import only_consenting
from pipelines.candidates.earlier import NOTHING, Earlier
from pipelines.candidates.masking import mask_payees
from pipelines.candidates.products import CandidateKey, ProductTable, Window
from pipelines.candidates.sensitivity import Attacker
from pipelines.candidates.suppress import CONTRIBUTOR_COLUMNS, Suppressed, suppress_market_view
from pipelines.errors import BuildFailed
from pipelines.warehouse.sources import SQL_TYPES

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

_COVERS = {
    "month": "{column} in (select unnest($months))",
    "day": "{column} between $first_day and $last_day",
    "year": "cast({column} as integer) in (select unnest($years))",
    # Figures whose period ends in the window, and the calendar years that it touches.
    "period": (
        "(period_end between $first_day and $last_day"
        " or (date_part('year', period_end) in (select unnest($years))"
        " and period_start = make_date(date_part('year', period_end)::integer, 1, 1)"
        " and period_end = make_date(date_part('year', period_end)::integer, 12, 31)))"
    ),
    "all": "true",
}
# Published columns that suppression makes; the others are read.
_DECIDED = {
    "other_nok_or_suppressed",
    "other_suppliers_band",
    "law_entry_headroom_band",
    "suppression_code",
    "told_at",
    "rank",
}


@dataclass(frozen=True)
class Cut:
    """What of a table a recipient may get.

    Attributes:
        rows: Exactly the published columns.
        suppressed: What was withheld, and why; None where the table shows nothing about others.
        cells: What it was withheld from, and the sums that are told of it; they stay in the house.
    """

    rows: pa.Table
    suppressed: Suppressed | None = None
    cells: list[dict[str, Any]] = field(default_factory=list)


def cut_table(
    warehouse: duckdb.DuckDBPyConnection,
    table: ProductTable,
    key: CandidateKey,
    window: Window,
    attacker: Callable[[int], Attacker],
    earlier: Earlier = NOTHING,
    members: frozenset[str] | None = None,
) -> Cut:
    """Return what of a product's table the recipient may get.

    Args:
        warehouse: The last green build.
        table: What is cut.
        key: To whom, for which month.
        window: The months that the content covers.
        attacker: What the recipient knows of a calendar year without any release.
        earlier: The releases that it holds.
        members: Whose rows a joint product may hold; None where the table is of one owner.

    Raises:
        BuildFailed: The warehouse's table is absent, lacks a column, or gave a row of another recipient.
    """
    if table.name == "market_view":
        read = {field.name: field.type for field in table.fields if field.name not in _DECIDED} | CONTRIBUTOR_COLUMNS
        cells = _of(members, read_rows(warehouse, table, read, key, window)).to_pylist()
        suppressed = suppress_market_view(cells, attacker, earlier)
        return Cut(_as_published(table, suppressed.rows), suppressed, [*cells, *suppressed.sums])
    rows = read_rows(warehouse, table, columns_of(table), key, window)
    if table.name == "municipality_extract":
        rows = mask_payees(rows, strict_functions(warehouse))
    return Cut(_of(members, rows).cast(table.arrow_schema))


def _of(members: frozenset[str] | None, rows: pa.Table) -> pa.Table:
    return rows if members is None else only_consenting(rows, members)


def _as_published(table: ProductTable, rows: list[dict[str, Any]]) -> pa.Table:
    import pyarrow as pa

    schema = table.arrow_schema
    return pa.table({name: pa.array([row[name] for row in rows], schema.field(name).type) for name in schema.names})


def columns_of(table: ProductTable) -> dict[str, str]:
    """Return the published columns and their types."""
    return {field.name: field.type for field in table.fields}


def read_rows(
    warehouse: duckdb.DuckDBPyConnection,
    table: ProductTable,
    columns: Mapping[str, str],
    key: CandidateKey,
    window: Window,
    schema: str = "products",
) -> pa.Table:
    """Return what of a table is the recipient's, or everybody's, and belongs to the window.

    Raises:
        BuildFailed: The warehouse's table is absent, lacks a column, or gave a row of another recipient.
    """
    import duckdb

    selected = ", ".join(f'cast("{name}" as {SQL_TYPES[kind]}) as "{name}"' for name, kind in columns.items())
    condition = _COVERS[table.covers].format(column=f'"{table.period_column}"')
    known = {
        "recipient": key.recipient,
        "months": list(window.months),
        "years": list(window.years),
        "first_day": window.first_day,
        "last_day": window.last_day,
    }
    recipient = f'"{table.recipient_column}"' if table.recipient_column else "$recipient"
    try:
        rows = warehouse.execute(
            f'select {recipient} as _recipient, {selected} from {schema}."{table.source}"'  # noqa: S608
            f" where {recipient} = $recipient and {condition}",
            {name: value for name, value in known.items() if name == "recipient" or f"${name}" in condition},
        ).to_arrow_table()
    except (duckdb.CatalogException, duckdb.BinderException, duckdb.ConversionException) as error:
        raise BuildFailed(
            f"The product table {table.source} is not as agreed: {str(error).splitlines()[0]}",
            where=f"warehouse/samandel.duckdb, schema {schema}",
            remedy="Build the warehouse again with this version: 'samandel run'.",
        ) from error
    if set(rows["_recipient"].unique().to_pylist()) - {key.recipient}:
        raise BuildFailed(
            f"The product table {table.source} gave another recipient's rows.", where=key.recipient, remedy="Report it."
        )
    return rows.drop_columns(["_recipient"])


def strict_functions(warehouse: duckdb.DuckDBPyConnection) -> list[str]:
    """Return the client functions whose lines name nobody, whatever year: a retired code stays as private as it was."""
    rows = warehouse.execute(
        "select distinct cast(kostra_function as varchar) from main.kostra_sensitive_functions"
        " where privacy_class = 'client_strict' order by 1"
    ).fetchall()
    return [row[0] for row in rows]
