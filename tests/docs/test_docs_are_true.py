"""What the documents say is so."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.access import ACCESS_KEYS
from pipelines.home import read_consortium

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [
    *(ROOT / name for name in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "expectations").rglob("*.md")),
]


def _help(*arguments: str) -> str:
    command = [sys.executable, "-m", "pipelines.cli.main", *arguments, "--help"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_the_readme_names_every_document_and_none_names_one_that_is_elsewhere() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [path.name for path in (ROOT / "docs").iterdir() if f"(docs/{path.name})" not in readme] == []
    assert [path for path in DOCUMENTS if "DESIGN" in path.read_text(encoding="utf-8")] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_to_files_lead_somewhere(document: Path) -> None:
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", document.read_text(encoding="utf-8"))
    assert [link for link in links if not (document.parent / link).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_paths_of_the_tree_that_are_named_exist(document: Path) -> None:
    named = re.findall(r"`((?:pipelines|dbt_project|expectations|tests|docs)/[\w./-]+)`", document.read_text("utf-8"))
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_every_make_target_named_in_the_documents_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    text = "\n".join(document.read_text(encoding="utf-8") for document in DOCUMENTS)
    assert {name for name in re.findall(r"`make ([a-z-]+)`", text)} <= targets


def test_every_command_is_in_the_readme_and_every_command_there_exists() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    commands = set(re.findall(r"^│ ([a-z]+) ", _help(), re.MULTILINE))
    assert commands >= {"init", "run", "status", "inspect", "query", "doctor", "up", "gate", "release"}
    named = set(re.findall(r"samandel ([a-z]+)", readme))
    assert commands <= named
    assert named <= commands


def test_every_command_has_help() -> None:
    for command in ("init", "run", "status", "inspect", "query", "doctor", "up"):
        assert len(_help(command).splitlines()) > 5
    for group, names in {"gate": ("list", "show"), "release": ("list", "show", "verify")}.items():
        text = _help(group)
        assert all(name in text for name in names)


def test_every_test_that_the_table_of_corrections_names_exists() -> None:
    text = (ROOT / "docs" / "corrections.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(test_\w+|an?_\w+)`", text))
    tests = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("*.py"))
    models = (ROOT / "dbt_project" / "models").rglob("*unit_tests*.yml")
    tests += "\n".join(path.read_text(encoding="utf-8") for path in models)
    assert len(named) > 15
    assert [name for name in sorted(named) if f"def {name}(" not in tests and f"name: {name}\n" not in tests] == []


def test_every_limit_is_described_with_its_default() -> None:
    from dataclasses import fields

    from pipelines.limits import Limits

    text = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    rows = {f"| `{one.name}` | {one.default:,}".replace(",", " ") for one in fields(Limits)}
    assert [row for row in sorted(rows) if row not in text] == []


def _examples() -> list[str]:
    return re.findall(r"```yaml\n(.*?)```", (ROOT / "docs" / "sources.md").read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.parametrize("example", _examples(), ids=lambda text: " ".join(re.findall(r"\w+(?=://)", text)) or "folder")
def test_the_examples_of_sources_are_settings(example: str) -> None:
    settings = read_consortium(f"name: Prøve\nhost: '9901'\n{example}".encode())
    assert settings.sources
    names = set(re.findall(r"^ +(?:- )?(\w+):", example, re.MULTILINE)) - {"sources"}
    read = {name for source in settings.sources for name, value in vars(source).items() if value}
    read |= {name for source in settings.sources for name, value in vars(source.access).items() if value}
    assert names - {"folder"} <= read


def test_every_key_of_a_server_is_in_an_example() -> None:
    assert {key for key in ACCESS_KEYS if not re.search(rf"^ +{key}:", "".join(_examples()), re.MULTILINE)} == set()
