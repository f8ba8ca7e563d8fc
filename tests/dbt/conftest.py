"""The dbt project parsed once and built once, on a home written by hand; unit tests of models run with it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import duckdb
import pytest

from pipelines.warehouse.build import Build, run_dbt, start_build
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
