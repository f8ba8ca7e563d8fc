"""Leave out of a joint product whoever has not agreed to it.

Belongs here: which members have agreed to a product and version on a day; taking the others' rows out of a table. Not
here: workshops' consent to publish their own sales (sensitivity.py), judging that nobody slipped through (gate/).

(1) A consent is a row of the register ``consents``: the member's number, and the product by its id, which means every
version; by ``id@1``, which means versions 1.x; or by ``id@1.0.0``, which means that one. (2) It must hold on the day on
which the candidate is made: one that has ended is withdrawn. (3) Without a consent a member is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

from pipelines.candidates.products import EVERYBODY, Product
from pipelines.municipalities import holds_on

if TYPE_CHECKING:
    import pyarrow as pa

_NUMBERS = "covers_municipalities"
_BUYERS = ("municipality_no", "owner_municipality_no")


def consenting(consents: Iterable[Mapping[str, Any]], product: Product, today: date) -> frozenset[str]:
    """Return who has agreed to a product's version and has not withdrawn."""
    meant = {product.id, f"{product.id}@{product.version.partition('.')[0]}", f"{product.id}@{product.version}"}  # (1)
    return frozenset(str(row["subject"]) for row in consents if row["product"] in meant and holds_on(row, today))  # (2)


def only_consenting(rows: pa.Table, members: frozenset[str]) -> pa.Table:
    """Return a table without the rows that are of others than some members.

    What is of all together is left out where any part of it is; of a list of numbers the others' are taken out.
    """
    import pyarrow as pa

    buyers = [name for name in _BUYERS if name in rows.column_names]
    if buyers:
        numbers = rows[buyers[0]].to_pylist()
        others = {number for number in numbers if number not in members and number != EVERYBODY}
        if not others:
            return rows
        return rows.filter(pa.array([number in members for number in numbers], pa.bool_()))
    if _NUMBERS in rows.column_names:
        texts = rows[_NUMBERS].to_pylist()
        listed = [[number for number in (text or "").split(";") if number in members] for text in texts]
        at = rows.column_names.index(_NUMBERS)
        left = pa.array([";".join(numbers) for numbers in listed], pa.string())
        return rows.set_column(at, _NUMBERS, left).filter(pa.array([bool(numbers) for numbers in listed], pa.bool_()))
    return rows
