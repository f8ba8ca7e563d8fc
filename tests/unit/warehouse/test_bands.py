"""Bands hold every municipality once, in order, and no more than fits, but for one municipality that is more alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.home import Home
from pipelines.warehouse import bands
from pipelines.warehouse.bands import bands_of, starts_of_bands

OWNERS = st.from_regex(r"99[0-9]{2}", fullmatch=True)


def bands_from(sizes: dict[str, int], starts: tuple[str, ...]) -> list[list[str]]:
    """Return the owners of each band, as the SQL takes them."""
    edges = ["", *starts, "~"]
    return [[owner for owner in sorted(sizes) if edges[n] <= owner < edges[n + 1]] for n in range(len(edges) - 1)]


@given(sizes=st.dictionaries(OWNERS, st.integers(0, 100), max_size=12), most=st.integers(1, 150))
def test_every_owner_is_in_one_band_and_no_band_holds_more_than_fits(sizes: dict[str, int], most: int) -> None:
    made = bands_from(sizes, starts_of_bands(sizes, most))
    assert [owner for band in made for owner in band] == sorted(sizes)
    for band in made:
        held = sum(sizes[owner] for owner in band)
        assert held <= most or len([owner for owner in band if sizes[owner]]) == 1


def test_what_fits_is_one_band() -> None:
    assert starts_of_bands({"9901": 60, "9902": 40}, 100) == ()
    assert starts_of_bands({}, 100) == ()


def test_only_what_is_made_anew_is_weighed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bands, "BAND_BYTES", 10)
    home = Home(tmp_path)
    for owner in ("9901", "9902", "9903"):
        file = home.parsed / "ledger_postings" / f"municipality_no={owner}" / "d.parquet"
        file.parent.mkdir(parents=True)
        file.write_bytes(b"x" * 8)
    assert bands_of(home, ["ledger_postings", "rejects"], ()) == ("9902", "9903")
    assert bands_of(home, ["ledger_postings"], ("9901", "9903")) == ("9903",)
    assert bands_of(home, ["ledger_postings"], ("9903",)) == ()
