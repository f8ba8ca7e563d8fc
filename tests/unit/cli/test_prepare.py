"""``samandel prepare``: runs without a home, shows what it does in bokmål, and writes the package or says why not."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from tests.homes import samandel, samandel_json
from tests.unit.preparing.test_package import FILES


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    below = tmp_path / "inn"
    below.mkdir()
    for name, raw in FILES.items():
        (below / name).write_bytes(raw)
    return below


def test_it_shows_what_is_kept_and_what_was_removed(folder: Path, tmp_path: Path) -> None:
    done = samandel("prepare", folder, "--output", tmp_path / "p.zip")
    for words in ("Dette beholdes", "Dette er fjernet", "klientfakturaer", "7 450,38 NOK", "innboksen for reskontro"):
        assert words in done.stdout
    assert zipfile.is_zipfile(tmp_path / "p.zip")


def test_json_is_the_manifest(folder: Path, tmp_path: Path) -> None:
    facts = samandel_json("prepare", folder, "--output", tmp_path / "p.zip", "--json")
    assert facts["format"] == "samandel-prepared/1"
    assert facts["output"] == str(tmp_path / "p.zip")
    assert facts["left_out"] == []


@pytest.mark.parametrize("output", ["p.csv", "inn/kept.xml", "gone/p.zip"])
def test_a_wrong_output_is_refused_before_anything_is_read(folder: Path, tmp_path: Path, output: str) -> None:
    refused = samandel("prepare", folder / "kept.xml", "--output", tmp_path / output, expect=(2,))
    assert "--output" in refused.stderr


def test_nothing_to_prepare_is_said(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(b"%PDF-1.4")
    refused = samandel("prepare", tmp_path / "a.pdf", "--output", tmp_path / "p.zip", expect=(3,))
    assert "verken reskontro eller e-faktura" in refused.stderr
    assert not (tmp_path / "p.zip").exists()


def test_documents_alone_warn_that_clients_are_unknown(folder: Path, tmp_path: Path) -> None:
    done = samandel("prepare", folder / "kept.xml", "--output", tmp_path / "p.zip")
    assert "Klientfakturaer kan ikke kjennes igjen" in done.stderr
