"""A whole register file read at once, as tests want it; a run reads it piece by piece (parsing/brreg.py)."""

from __future__ import annotations

import io

from pipelines.parsing.brreg import ParsedUnits, UnreadableUnits, read_units
from pipelines.parsing.rejects import Reject


def parse_units(raw: bytes) -> ParsedUnits:
    """Turn a file's bytes into units; no input raises. The rules are those of ``read_units``."""
    parsed = ParsedUnits()
    try:
        for piece in read_units(io.BytesIO(raw)):
            parsed.rows_in += piece.rows_in
            parsed.units += piece.units
            parsed.rejects += piece.rejects
            parsed.issues += piece.issues
    except UnreadableUnits as error:
        return ParsedUnits(rows_in=1, rejects=[Reject("IN01", str(error))])
    return parsed
