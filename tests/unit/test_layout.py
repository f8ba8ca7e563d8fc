"""The tree keeps its shape: steps import leftwards, modules have charters, heavy libraries are imported lazily."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PIPELINES = ROOT / "pipelines"
STEPS = ("landing", "parsing", "matching", "warehouse", "candidates", "gate", "publishing")
FACES = ("assets", "cli", "demo", "preparing")
MODULES = sorted(PIPELINES.rglob("*.py"))
MAY_IMPORT_DAGSTER = {
    "assets",
    "checks.py",
    "resources.py",
    "io_managers.py",
    "jobs.py",
    "schedules.py",
    "sensors.py",
    "definitions.py",
    "instance.py",
    "partitions.py",
    "orchestrate.py",
}


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def _place(path: Path) -> str:
    return path.relative_to(PIPELINES).parts[0]


def test_steps_import_only_from_steps_to_their_left() -> None:
    wrong = []
    for path in MODULES:
        place = _place(path)
        if place not in STEPS:
            continue
        right = STEPS[STEPS.index(place) + 1 :] + FACES
        wrong += [
            f"{path.relative_to(ROOT)} imports {name}"
            for name in _imports(path)
            if name.startswith("pipelines.") and name.split(".")[1] in right
        ]
    assert wrong == []


def test_the_demo_shares_no_code_with_the_steps_that_it_tests() -> None:
    allowed = {"demo", "errors", "files"}
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in (PIPELINES / "demo").rglob("*.py")
        for name in _imports(path)
        if name.startswith("pipelines.") and name.split(".")[1] not in allowed
    ]
    assert wrong == []


def test_dagster_appears_only_in_its_faces() -> None:
    wrong = [
        str(path.relative_to(ROOT))
        for path in MODULES
        if _place(path) not in MAY_IMPORT_DAGSTER and any(name.split(".")[0] == "dagster" for name in _imports(path))
    ]
    assert wrong == []


def test_great_expectations_is_imported_in_one_module() -> None:
    importers = {
        str(path.relative_to(PIPELINES))
        for path in MODULES
        if any(name.split(".")[0] == "great_expectations" for name in _imports(path))
    }
    assert importers == {"gate/run_suite.py"}


def test_only_settings_reads_the_environment() -> None:
    readers = {
        str(path.relative_to(PIPELINES))
        for path in MODULES
        if any(text in path.read_text(encoding="utf-8") for text in ("os.environ[", "os.environ.get", "os.getenv"))
    }
    assert readers <= {"settings.py"}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PIPELINES)))
def test_every_module_opens_with_a_charter(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    assert path.stem not in {"utils", "helpers", "common", "misc"}
    assert not path.stem.startswith("dbt_"), "dbt would import it as a plugin"


@pytest.mark.parametrize(
    ("module", "heavy"),
    [
        ("pipelines.cli.main", {"duckdb", "pyarrow", "pandas", "dagster", "dbt", "great_expectations", "lxml"}),
        ("pipelines.gate", {"great_expectations"}),
        ("pipelines.definitions", {"great_expectations"}),
    ],
    ids=["command line", "gate", "definitions"],
)
def test_heavy_libraries_are_imported_by_those_who_need_them(module: str, heavy: set[str]) -> None:
    script = f"import sys, {module}; print(*sorted({heavy!r} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
