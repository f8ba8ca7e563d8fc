"""How much a file from a stranger may cost: size, depth, width, members of an archive.

Belongs here: the limits, their defaults and what each is for. Not here: enforcing them (landing/archives.py and the
parsers), reading them from consortium.yaml (home.py).

A file beyond a limit is refused with rule IN01 and the limit's name; it never stops anything else. Under ``limits:`` in
consortium.yaml each can be changed; what was refused under the old ones is read again at the next run.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any

MIB = 2**20
_FILE_LIMITS = {
    "ehf": "ehf_file_mib",
    "ledger": "ledger_file_mib",
    "saft": "saft_file_mib",
    "notices": "notices_file_mib",
    "brreg": "brreg_file_mib",
    "registers": "registers_file_mib",
}


def _limit(default: int, description: str, *, most: int | None = None) -> Any:
    return field(default=default, metadata={"description": description, "most": most})


@dataclass(frozen=True)
class Limits:
    """What is still read; every value is a whole number of at least 1. Sizes are in MiB (1 048 576 bytes)."""

    ehf_file_mib: int = _limit(100, "Largest e-invoice, attachments included (Peppol's own limit).")
    ledger_file_mib: int = _limit(512, "Largest ledger file.")
    saft_file_mib: int = _limit(4096, "Largest SAF-T file; it is streamed.")
    notices_file_mib: int = _limit(100, "Largest notice.")
    brreg_file_mib: int = _limit(4096, "Largest extract of the company register.")
    brreg_unpacked_mib: int = _limit(8192, "Largest extract of the company register that comes packed, unpacked.")
    registers_file_mib: int = _limit(64, "Largest register form.")
    # The parser itself gives up beyond these two, so they can only be lowered.
    xml_depth: int = _limit(256, "Deepest nesting of elements.", most=256)
    xml_value_characters: int = _limit(10_000_000, "Longest text or attribute, attachments aside.", most=10_000_000)
    workbook_unpacked_mib: int = _limit(256, "Largest workbook, unpacked.")
    workbook_cells: int = _limit(20_000_000, "Most cells of a sheet, empty ones within its area included.")
    table_columns: int = _limit(1_000, "Widest row of a text table or sheet.")
    field_characters: int = _limit(131_072, "Longest field of a text table.")
    archive_members: int = _limit(50_000, "Most entries of a zip archive, folders and hidden files included.")
    archive_unpacked_mib: int = _limit(4096, "Largest zip archive, unpacked.")
    archive_ratio: int = _limit(200, "Most that a file of more than 1 MiB in an archive may have been compressed by.")
    shared_ledger_percent: int = _limit(
        20, "A ledger sharing more of its postings than this with another one is held.", most=100
    )
    shared_ledger_postings: int = _limit(
        50, "Fewest postings shared for that; fewer may be chance, such as fees of the same bank on the same day."
    )

    def as_read(self, kind: str) -> dict[str, int]:
        """Return the limits that decide how deliveries of a kind are read."""
        others = {name for other, name in _FILE_LIMITS.items() if other != kind}
        return {
            name: value
            for name, value in vars(self).items()
            if name not in others and not name.startswith("shared_ledger_")
        }

    def file_bytes(self, kind: str) -> int:
        """Return the largest file of a kind of source, in bytes."""
        return int(getattr(self, _FILE_LIMITS[kind])) * MIB

    def too_large(self, kind: str, size: int) -> str | None:
        """Return what to say of a file of this size, or None where it is within the limit of its kind."""
        if size <= self.file_bytes(kind):
            return None
        name = _FILE_LIMITS[kind]
        return (
            f"The file is larger than {getattr(self, name)} MiB. Deliver it in parts, or raise limits.{name} in "
            "consortium.yaml."
        )


DEFAULT_LIMITS = Limits()
# Name, and the most it may be set to where there is such a bound.
LIMITS: dict[str, int | None] = {one.name: one.metadata["most"] for one in fields(Limits)}
