"""``samandel prepare``: runs without a home, shows what it does in bokmål, and writes the package or says why not."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import pytest

from pipelines.preparing.inputs import find_inputs
from tests.homes import samandel, samandel_json
from tests.unit.preparing.test_package import FILES, document, ledger_text


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
    refused = samandel("prepare", tmp_path / "a.pdf", "--output", tmp_path / "p.zip", expect=(2,))
    assert "verken reskontro eller e-faktura" in refused.stderr
    assert not (tmp_path / "p.zip").exists()


def test_documents_alone_warn_that_clients_are_unknown(folder: Path, tmp_path: Path) -> None:
    done = samandel("prepare", folder / "kept.xml", "--output", tmp_path / "p.zip")
    assert "Klientfakturaer kan ikke kjennes igjen" in done.stderr
    assert "ingen reskontro er med" in done.stderr


def test_a_ledger_without_functions_is_named(folder: Path, tmp_path: Path) -> None:
    raw = ledger_text().replace(b";Tjeneste;", b";Avdeling;")
    (folder / "uten.csv").write_bytes(raw)
    done = samandel("prepare", folder, "--output", tmp_path / "p.zip")
    assert "ingen rad har tjeneste (funksjon) i uten.csv" in done.stderr
    assert "--supplier-list" in done.stderr


def test_e_invoices_that_no_posting_explains_are_counted(folder: Path, tmp_path: Path) -> None:
    (folder / "unknown.xml").write_bytes(document("8765", "310000019"))
    done = samandel("prepare", folder, "--output", tmp_path / "p.zip")
    assert "ikke gjenfunnet i reskontroen: 1" in done.stdout


def test_files_none_of_which_can_be_read_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_text('<Invoice xmlns="urn:oasis:names:specification:ubl:schema:xsd:Invoice-2"><x>')
    refused = samandel("prepare", tmp_path / "a.xml", "--output", tmp_path / "p.zip", expect=(2,))
    assert "Ingen av filene kan leses" in refused.stderr
    assert not (tmp_path / "p.zip").exists()


def test_a_pipe_as_supplier_list_is_refused_and_not_waited_for(folder: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    files = (folder, "--output", tmp_path / "p.zip", "--supplier-list", tmp_path / "pipe")
    assert "Leverandørlisten kan ikke leses" in samandel("prepare", *files, expect=(2,)).stderr


def test_again_in_the_same_folder_it_gives_the_same_package(folder: Path) -> None:
    samandel("prepare", folder, "--output", folder / "p.zip")
    first = (folder / "p.zip").read_bytes()
    samandel("prepare", folder, "--output", folder / "p.zip")
    assert (folder / "p.zip").read_bytes() == first


@pytest.mark.parametrize("is_unpacked", [False, True], ids=["zip", "folder"])
def test_a_package_is_no_input(folder: Path, tmp_path: Path, *, is_unpacked: bool) -> None:
    samandel("prepare", folder, "--output", folder / "september.zip")
    if is_unpacked:
        zipfile.ZipFile(folder / "september.zip").extractall(folder)  # noqa: S202  our own
        (folder / "september.zip").unlink()
    refused = samandel("prepare", folder, "--output", tmp_path / "p.zip", expect=(2,))
    assert "Dette er allerede en klargjort pakke." in refused.stderr


@pytest.mark.parametrize("name", ["lenke", "lenke/kept.xml", "fil.xml", "inn/../lenke/kept.xml"])
@pytest.mark.parametrize("absolute", [True, False], ids=["absolute", "relative"])
def test_what_is_named_may_lie_behind_links(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, absolute: bool
) -> None:
    (tmp_path / "lenke").symlink_to(folder)
    (tmp_path / "fil.xml").symlink_to("lenke/kept.xml")
    (tmp_path / "hjem").symlink_to(tmp_path)
    monkeypatch.chdir(tmp_path / "hjem")
    found = find_inputs([tmp_path / "hjem" / name if absolute else Path(name)], output=Path("lenke/p.zip"))
    assert "kept.xml" in {Path(one.name).name for one in found} or [one.name for one in found] == ["fil.xml"]
