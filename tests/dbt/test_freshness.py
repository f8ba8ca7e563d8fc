"""``dbt source freshness`` runs on a home and says of every delivered source when it last came."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from pipelines.warehouse.build import Build, run_dbt


def test_the_freshness_of_every_delivered_source_can_be_asked(build: Build, tmp_path: Path) -> None:
    # A file of its own: the build's is held open by other tests, and freshness is read from parsed files.
    file = tmp_path / build.file.name
    files = {"SAMANDEL_BUILD_FILE": str(file), "SAMANDEL_WORKINGS_FILE": str(tmp_path / "workings.duckdb")}
    asked = replace(build, folder=tmp_path, file=file, environment={**build.environment, **files})
    run_dbt(asked, ["source", "freshness"])
    results = json.loads((tmp_path / "target" / "sources.json").read_text())["results"]
    assert {result["unique_id"].split(".")[2] for result in results} == {"ehf", "ledger", "saft", "notices", "brreg"}
    assert all(result["status"] in ("pass", "warn") for result in results), results
