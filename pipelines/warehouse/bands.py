"""In which bands the sliced models of a build are made.

Belongs here: deciding that. Not here: what a band is (dbt_project/macros/slices.sql), which slices are made at all
(slices.py).

What a join of lines holds in memory grows with its lines, and beyond DuckDB's limit it is written to disk several times
over: at twenty million lines more than 30 GB for one model. Made in bands of municipalities, it is bounded by a band.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from pipelines.home import Home

# About two million purchase lines, as parsed Parquet: what DuckDB joins within its memory (dbt_project/profiles.yml).
BAND_BYTES = 160_000_000


def bands_of(home: Home, tables: Iterable[str], slices: Sequence[str]) -> tuple[str, ...]:
    """Return the first municipality of each band but the first; none where one band holds all that is made anew.

    Args:
        home: The home.
        tables: Names of the parsed tables.
        slices: The municipalities that are made anew; empty where all are.
    """
    sizes: dict[str, int] = {}
    for table in tables:
        for file in (home.parsed / table).glob("municipality_no=*/*.parquet"):
            owner = file.parent.name.removeprefix("municipality_no=")
            if not slices or owner in slices:
                sizes[owner] = sizes.get(owner, 0) + file.stat().st_size
    return starts_of_bands(sizes, BAND_BYTES)


def starts_of_bands(sizes: Mapping[str, int], most: int) -> tuple[str, ...]:
    """Return the first owner of each band but the first, in order; a band holds ``most`` bytes or one owner."""
    starts: list[str] = []
    held = 0
    for owner in sorted(sizes):
        if held and held + sizes[owner] > most:
            starts.append(owner)
            held = 0
        held += sizes[owner]
    return tuple(starts)
