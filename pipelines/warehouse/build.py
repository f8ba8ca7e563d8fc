"""Build the warehouse into a new file and swap it in whole.

Belongs here: what a build depends on, its folder and environment, running dbt on it, the swap. Not here: what is built
(dbt_project/), how much of it is made anew (slices.py), what is kept for that (workings.py), who calls it and when
(assets/), reading the result (read.py).

A build is named by its inputs: the bytes of every parsed file, of the dbt project, and of what matching's scores follow
from beside them. No clock is among them.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

from pipelines.errors import BuildFailed
from pipelines.files import exclusive_lock, pretty_json, sha256_bytes, sha256_file, write_atomically
from pipelines.home import CONSORTIUM, Home
from pipelines.landing.journal import extend_journal
from pipelines.landing.settings_delivery import is_settings
from pipelines.landing.store import read_receipts
from pipelines.matching.match import ensure_matched, match_home, matching_version
from pipelines.settings import DBT_PROJECT, QUIET_TOOLS, child_environment
from pipelines.warehouse.bands import bands_of
from pipelines.warehouse.history import digest_of_inputs, keep_history
from pipelines.warehouse.project import DBT, project_digest
from pipelines.warehouse.rule_gaps import rule_gaps
from pipelines.warehouse.slices import SOURCES_OF_SLICES, Plan, owners_of_shared, plan_build
from pipelines.warehouse.sources import parsed_tables
from pipelines.warehouse.workings import FILE as WORKINGS
from pipelines.warehouse.workings import note_scores, place_workings, record_workings, take_workings

_PARSING = "partial_parse.msgpack"
_SHOWN_FAILURES = 10


@dataclass(frozen=True)
class Build:
    """A build in the making.

    Attributes:
        build_id: First 16 digits of ``input_digest``.
        input_digest: What it is made from.
        folder: Where it grows; removed when it is finished.
        file: The DuckDB file, under its final name.
        environment: What dbt must find in its environment.
        inputs: Digests of what it is made from, by name: the dbt project, matching's version, each delivery's parsed
            files (``<owner>/<delivery>``), what counts of them (``<owner>/settled``), the registers.
        as_of_sequence: The number of the last receipt or decision that there was (landing/journal.py).
        registers_delivery_id: The settings that were in force, or an empty text.
        plan: How much of it is made anew, and why.
    """

    build_id: str
    input_digest: str
    folder: Path
    file: Path
    environment: dict[str, str]
    inputs: dict[str, str]
    as_of_sequence: int
    registers_delivery_id: str
    plan: Plan


def warehouse_lock(home: Home) -> AbstractContextManager[None]:
    """Return the lock that a build holds from start to swap."""
    return exclusive_lock(home.warehouse / ".lock", doing="building the warehouse")


def input_digest(home: Home) -> str:
    """Return the SHA-256 of everything that a build depends on: parsed files, the dbt project, matching's version.

    Matched files are not among them: they follow from these.
    """
    return digest_of_inputs(read_inputs_now(home))


def read_inputs_now(home: Home) -> dict[str, str]:
    """Return the digests of what a build now would be made from, by name: see ``Build.inputs``."""
    lines: dict[str, list[str]] = {}
    for path in _parsed_files(home):
        owner, delivery = path.parent.name.removeprefix("municipality_no="), path.stem.partition(".")[0]
        file = path.relative_to(home.parsed).as_posix()
        lines.setdefault(f"{owner}/{delivery}", []).append(f"{sha256_file(path)} {file}\n")
    delivered = {name: sha256_bytes("".join(files).encode()) for name, files in lines.items()}
    return {"dbt": project_digest(), "matching": sha256_bytes(matching_version().encode()), **delivered}


def _parsed_files(home: Home) -> Iterator[Path]:
    for name in sorted(parsed_tables()):
        # Files of _none are empty and made here: whether they exist yet changes nothing.
        yield from sorted(
            path for path in (home.parsed / name).glob("*/*.parquet") if path.parent.name != "municipality_no=_none"
        )


def is_current(home: Home) -> bool:
    """Return whether the warehouse that stands was made from exactly these inputs."""
    current = home.warehouse / "current.json"
    if not (current.is_file() and home.warehouse_file.is_file()):
        return False
    return bool(json.loads(current.read_text(encoding="utf-8"))["input_digest"] == input_digest(home))


def current_build_id(home: Home) -> str | None:
    """Return the id of the build that stands, or None where there is none."""
    current = home.warehouse / "current.json"
    return str(json.loads(current.read_text(encoding="utf-8"))["build_id"]) if current.is_file() else None


def how_it_was_built(home: Home) -> str:
    """Return how much was made anew for the build that stands, and why; nothing where it is not known."""
    current = home.warehouse / "current.json"
    return str(json.loads(current.read_text(encoding="utf-8")).get("plan", "")) if current.is_file() else ""


def start_build(home: Home, *, full_refresh: bool = False) -> Build:
    """Return a new build: empty, or beginning as the one that stands where most of that can be kept.

    What an earlier kill left half-made is removed. Every parsed and matched table has at least one typed file
    afterwards, so that dbt can read it.
    """
    ensure_tables(home)
    ensure_matched(home)
    inputs = read_inputs_now(home)
    plan = plan_build(home, inputs, full_refresh=full_refresh)
    digest = digest_of_inputs(inputs)
    build_id = digest[:16]
    builds = home.warehouse / "builds"
    shutil.rmtree(builds, ignore_errors=True)
    # One name for all of them: what dbt remembers of a project holds for one place only.
    folder = builds / "next"
    (folder / "target").mkdir(parents=True)
    if _parsing_of(home).is_file():
        shutil.copyfile(_parsing_of(home), folder / "target" / _PARSING)
    file = folder / home.warehouse_file.name
    if plan.slices:
        shutil.copyfile(home.warehouse_file, file)
        take_workings(home, _workings_of(file))
    note_scores(home, _workings_of(file))
    settings = [one for one in read_receipts(home, CONSORTIUM) if is_settings(one)]
    return Build(
        build_id=build_id,
        input_digest=digest,
        folder=folder,
        file=file,
        environment=environment(home, file, plan.slices),
        inputs=inputs,
        as_of_sequence=len(extend_journal(home)),
        registers_delivery_id=settings[-1].delivery_id if settings else "",
        plan=plan,
    )


def _parsing_of(home: Home) -> Path:
    """Return what dbt remembers of its project between the builds of a home; without it, it reads all files anew."""
    return home.warehouse / ".dbt_project.msgpack"


def _workings_of(file: Path) -> Path:
    """Return the folder of the inner relations of a build in the making."""
    return file.with_name("workings")


def environment(home: Home, file: Path, slices: Sequence[str] = ()) -> dict[str, str]:
    """Return what dbt must find in its environment to build one file of one home, whole or some slices of it."""
    return {
        **QUIET_TOOLS,
        "DBT_LOG_LEVEL_FILE": "info",
        "SAMANDEL_BUILD_FILE": str(file.resolve()),
        "SAMANDEL_WORKINGS_FILE": str((_workings_of(file) / WORKINGS).resolve()),
        "SAMANDEL_SLICES": ";".join(slices),
        "SAMANDEL_BANDS": ";".join(bands_of(home, parsed_tables(), slices)),
        # They stand inside a quoted SQL text.
        "SAMANDEL_PARSED": str(home.parsed.resolve()).replace("'", "''"),
        "SAMANDEL_MATCHED": str(home.matched.resolve()).replace("'", "''"),
    }


def ensure_tables(home: Home) -> None:
    """Give every parsed table an empty, typed file, so that no delivery at all still reads as no rows.

    One that an earlier version made is made anew where the table has other columns now.
    """
    import pyarrow.parquet as pq

    from pipelines.tables import arrow_table, write_parquet

    for name, table in parsed_tables().items():
        path = home.parsed / name / "municipality_no=_none" / "empty.parquet"
        if not path.is_file() or pq.read_schema(path).names != list(table.column_names):
            write_parquet(path, arrow_table(table, []))


def finish_build(home: Home, build: Build) -> None:
    """Swap a finished build in: marts, products and seeds, in a file that stands alone; keep the rest for the next.

    Raises:
        BuildFailed: dbt made no file.
    """
    if not build.file.is_file():
        raise BuildFailed("dbt ended without a warehouse file.", where=str(build.file), remedy="Read dbt's messages.")
    _close(build.file)
    # Before the swap: what stands has a history, whenever it is cut short.
    made = {
        "build_id": build.build_id,
        "input_digest": build.input_digest,
        "as_of_sequence": build.as_of_sequence,
        "inputs": build.inputs,
        "registers_delivery_id": build.registers_delivery_id,
    }
    keep_history(home, build.file, made)
    with build.file.open("rb") as stream:
        os.fsync(stream.fileno())
    place_workings(home, _workings_of(build.file), lasting_models(build.folder / "target"))
    build.file.replace(home.warehouse_file)
    write_atomically(
        home.warehouse / "current.json",
        pretty_json({"build_id": build.build_id, "input_digest": build.input_digest, "plan": str(build.plan)}).encode(),
    )
    parsing = build.folder / "target" / _PARSING
    if parsing.is_file():
        parsing.replace(_parsing_of(home))
    record_workings(home, build.build_id, build.inputs, owners_of_shared(home))
    shutil.rmtree(home.warehouse / "builds", ignore_errors=True)


def _close(file: Path) -> None:
    import duckdb

    with duckdb.connect(str(file)) as connection:
        connection.execute("checkpoint")


def lasting_models(target: Path) -> list[str]:
    """Return the names of the models that a build of slices goes on with, by the manifest that dbt left; none without.

    They are those that have slices, and those that it keeps as they are.
    """
    path = target / "manifest.json"
    if not path.is_file():
        return []
    manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    kept = set(kept_nodes(manifest))
    return sorted(
        node["name"]
        for key, node in manifest["nodes"].items()
        if node["resource_type"] == "model" and (key in kept or node["config"].get("materialized") == "incremental")
    )


def kept_nodes(manifest: Mapping[str, Any]) -> list[str]:
    """Return the ids of dbt's nodes that follow from no delivery of one municipality's, each after what it reads.

    A build of slices keeps what they made: what they read has not changed since.
    """
    following = {key for key, source in manifest["sources"].items() if source["source_name"] in SOURCES_OF_SLICES}
    waiting = sorted(following)
    while waiting:
        children = set(manifest["child_map"].get(waiting.pop(), [])) - following
        following |= children
        waiting += children
    read = {key: node.get("depends_on", {}).get("nodes", []) for key, node in manifest["nodes"].items()}
    return [key for key in TopologicalSorter(read).static_order() if key in read and key not in following]


def dbt_arguments(plan: Plan | None = None, *, full_refresh: bool = False) -> list[str]:
    """Return dbt's arguments for a build. Unit tests of models prove our code, not data: they run in our own tests."""
    arguments = ["build", "--exclude-resource-type", "unit_test"]
    if plan and plan.slices:
        arguments += ["--select", *(f"source:{name}+" for name in SOURCES_OF_SLICES)]
    return [*arguments, "--full-refresh"] if full_refresh else arguments


def run_dbt(build: Build, arguments: list[str] | None = None) -> None:
    """Run dbt on a build, in a process of its own.

    Raises:
        BuildFailed: A model, seed or test failed; each is named.
    """
    target = build.folder / "target"
    done = subprocess.run(
        [
            *(*DBT, *(arguments or dbt_arguments(build.plan))),
            *("--project-dir", str(DBT_PROJECT), "--profiles-dir", str(DBT_PROJECT)),
            *("--target-path", str(target), "--log-path", str(build.folder / "logs"), "--no-use-colors"),
        ],
        env=child_environment(**build.environment),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise failure_of(build, done.stdout.splitlines()[-_SHOWN_FAILURES:])


def failure_of(build: Build, otherwise: list[str]) -> BuildFailed:
    """Return why dbt failed on a build: rule rows that do not cover the days in use (RC10), else the nodes that failed.

    Args:
        build: The build that dbt ran on.
        otherwise: What to show where dbt left no results.
    """
    if gaps := rule_gaps(build.file):
        return BuildFailed(
            "Dated rule rows are missing or overlap on days in use; nothing is built, the last good warehouse stands.",
            where="\n          ".join(gaps),
            remedy="Mend the rows named above and run again (expectations/rules/RC10.md).",
        )
    return BuildFailed(
        "The warehouse could not be built; the last good one stands.",
        where="\n          ".join(failed_nodes(build.folder / "target") or otherwise),
        remedy="A failed test of a key or a sum is a fault of ours: report it with the names above.",
    )


def failed_nodes(target: Path) -> list[str]:
    """Return what failed in dbt's last run, by name and message; empty where dbt left no results."""
    path = target / "run_results.json"
    if not path.is_file():
        return []
    results: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["results"]
    return [
        f"{result['unique_id']}: {' '.join(str(result.get('message') or '').split())}"
        for result in results
        if result["status"] in ("error", "fail", "runtime error")
    ]


def build_warehouse(home: Home, *, full_refresh: bool = False) -> bool:
    """Match, build and swap the warehouse unless it is current already; return whether it was built.

    Raises:
        BuildFailed: dbt failed; the last good warehouse stands.
        WarehouseBusy: Another process is building it.
    """
    with warehouse_lock(home):
        if not full_refresh and is_current(home):
            return False
        match_home(home)
        build = start_build(home, full_refresh=full_refresh)
        run_dbt(build, dbt_arguments(build.plan, full_refresh=full_refresh))
        finish_build(home, build)
    return True
