"""``samandel prepare``: runs without a home, shows what it does in bokmål, and writes the package or says why not."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import pytest

from pipelines.cli import prepare as prepare_command
from pipelines.preparing.inputs import find_inputs
from pipelines.preparing.package import prepare_package
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
    assert facts["format"] == "samandel-prepared/2"
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
    assert "ikke er gjenfunnet i reskontroen, og derfor ikke er med: 1" in done.stdout
    assert "ehf/unknown.xml" not in zipfile.ZipFile(tmp_path / "p.zip").namelist()
    done = samandel("prepare", folder, "--output", tmp_path / "q.zip", "--keep-unexplained")
    assert "ikke gjenfunnet i reskontroen: 1" in done.stderr
    assert "ehf/unknown.xml" in zipfile.ZipFile(tmp_path / "q.zip").namelist()


@pytest.mark.parametrize(("answer", "is_kept"), [("", False), ("n", False), ("tja", False), ("ja", True)])
def test_only_a_plain_yes_keeps_what_no_posting_explains(
    folder: Path, monkeypatch: pytest.MonkeyPatch, answer: str, *, is_kept: bool
) -> None:
    (folder / "unknown.xml").write_bytes(document("8765", "310000019"))
    monkeypatch.setattr("typer.prompt", lambda text, default, **_: answer or default)
    package = prepare_package(find_inputs([folder]))
    assert prepare_command._keeps_unexplained(package) == is_kept
    assert not prepare_command._keeps_unexplained(prepare_package(find_inputs([folder / "202609.csv"])))


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
    samandel("prepare", folder, "--output", folder / "p.zip", "--yes")
    assert (folder / "p.zip").read_bytes() == first


@pytest.mark.parametrize("more", [(), ("--json",)], ids=["plain", "json"])
def test_a_file_is_never_written_over_without_a_yes(folder: Path, tmp_path: Path, more: tuple[str, ...]) -> None:
    (tmp_path / "p.zip").write_bytes(b"mine")
    refused = samandel("prepare", folder, "--output", tmp_path / "p.zip", *more, expect=(2,))
    assert "--yes" in refused.stderr
    assert (tmp_path / "p.zip").read_bytes() == b"mine"
    samandel("prepare", folder, "--output", tmp_path / "p.zip", *more, "--yes")
    assert zipfile.is_zipfile(tmp_path / "p.zip")


@pytest.mark.parametrize(("answer", "is_written"), [("", False), ("n", False), ("tja", False), ("ja", True)])
def test_over_a_package_that_is_there_only_a_plain_yes_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str, *, is_written: bool
) -> None:
    monkeypatch.setattr("typer.prompt", lambda text, default, **_: answer or default)
    assert prepare_command._agrees(tmp_path / "p.zip") == (answer in ("", "ja"))
    (tmp_path / "p.zip").write_bytes(b"mine")
    assert prepare_command._agrees(tmp_path / "p.zip") == is_written


def test_a_refused_row_and_a_wrong_profile_are_told_in_bokmaal(folder: Path, tmp_path: Path) -> None:
    (folder / "feil.csv").write_bytes(ledger_text().replace(b",", b"x"))
    (tmp_path / "p.yml").write_text("columns: {amount: ''}", encoding="utf-8")
    for more in ((), ("--profile", "gone"), ("--profile", tmp_path / "p.yml")):
        refused = samandel("prepare", folder, "--output", tmp_path / "p.zip", *more, expect=(2,)).stderr
        for word in ("remedy", "where", "The ", "problem", "There is", "delivered", "Name a"):
            assert word not in refused, refused
        assert "gjør:" in refused


def test_a_place_that_cannot_be_written_to_is_bad_usage(folder: Path) -> None:
    assert "--output /proc/p.zip" in samandel("prepare", folder, "--output", "/proc/p.zip", expect=(2,)).stderr


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
