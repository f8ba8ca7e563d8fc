"""The dbt project parsed once and built once, on a home written by hand; unit tests of models run with it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import duckdb
import pytest

from pipelines.home import Home
from pipelines.warehouse.build import Build, finish_build, run_dbt, start_build
from pipelines.warehouse.project import ensure_manifest
from tests.dbt.written_home import written_home


@pytest.fixture(scope="session")
def manifest() -> dict[str, Any]:
    """dbt's manifest of the project as it stands."""
    return json.loads(ensure_manifest().read_text())


@pytest.fixture(scope="session")
def build(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """A build that is not finished: staging and intermediate relations are still there."""
    made = start_build(written_home(tmp_path_factory.mktemp("written_home")))
    run_dbt(made, ["build"])
    return made


@pytest.fixture(scope="session")
def warehouse(build: Build) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to that build's file."""
    with duckdb.connect(str(build.file), read_only=True) as connection:
        connection.execute(f"attach '{build.environment['SAMANDEL_WORKINGS_FILE']}' as workings (read_only)")
        connection.execute("set search_path = 'samandel.main,samandel.products,workings.intermediate,workings.staging'")
        yield connection


@pytest.fixture(scope="session")
def finished_home(build: Build, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home whose warehouse is that build, swapped in: what readers open. Its one inbox lies elsewhere."""
    home = Home(tmp_path_factory.mktemp("finished") / "home")
    home.path.mkdir()
    home.consortium_file.write_text(
        "name: Prøve\nhost: '9901'\nmembers:\n  '9901':\n    sources:\n"
        "      - {kind: ledger, profile: semicolon, folder: ../inboxes/9901}\n"
    )
    file = home.warehouse / "builds" / build.build_id / build.file.name
    file.parent.mkdir(parents=True)
    shutil.copy(build.file, file)
    finish_build(home, replace(build, folder=file.parent, file=file))
    return home


@pytest.fixture(scope="session")
def finished(finished_home: Home) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to the finished warehouse."""
    with duckdb.connect(str(finished_home.warehouse_file), read_only=True) as connection:
        yield connection
