"""Where two renderings of a column differ.

Belongs here: holding cells that were read as text against the Parquet's exact values. Not here: reading them
(candidate_files.py, workbook_files.py).
"""

from __future__ import annotations

from typing import Any

_GUARD = r"(^|[;,])'([\"\s]*[=+\-@\t\r])"  # the apostrophe before text that a spreadsheet would run


def where(flags: Any) -> list[int]:
    """Return the positions of the true values."""
    import pyarrow as pa
    import pyarrow.compute as pc

    whole = flags.combine_chunks() if isinstance(flags, pa.ChunkedArray) else flags
    return [int(row) for row in pc.indices_nonzero(whole).to_numpy()]


def differing_rows(exact: Any, text: Any, *, is_guarded: bool = True) -> list[int]:
    """Return the rows in which a text is not the exact value; of a column that is none of its type, the first.

    Args:
        exact: The Parquet's column.
        text: The same as the RFC's form of CSV has it; empty where there is nothing.
        is_guarded: An apostrophe stands before text that a spreadsheet would run.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_string(exact.type) or pa.types.is_large_string(exact.type):
        # An empty text cannot be told from none.
        left, right = (pc.fill_null(side.cast(pa.string()), "") for side in (exact, text))
        if is_guarded:
            left, right = (pc.replace_substring_regex(side, _GUARD, r"\1\2") for side in (left, right))
        return where(pc.not_equal(left, right))
    stated = pc.if_else(pc.equal(text, pa.scalar("")), pa.scalar(None, pa.string()), text)
    try:
        read = stated.cast(exact.type)
    except pa.ArrowException:
        # The first cell that cannot be read as the column's type stands for the column.
        return [next(row for row, value in enumerate(stated) if not _reads_as(value, exact.type))]
    both_null = pc.and_(pc.is_null(read), pc.is_null(exact))
    return where(pc.invert(pc.or_(both_null, pc.fill_null(pc.equal(read, exact), False))))


def _reads_as(value: Any, kind: Any) -> bool:
    import pyarrow as pa

    try:
        value.cast(kind)
    except pa.ArrowException:
        return False
    return True
