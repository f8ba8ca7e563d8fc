"""Dagster's face of the warehouse: every dbt model as an asset, and the file that is swapped in.

Belongs here: assets of group ``warehouse``, dbt's tests as their checks. Not here: what is built (dbt_project/), the
build's folder, environment and swap (warehouse/).

A build always goes into a new file: selecting some models in the UI shows only those, but all are built, and without
``warehouse_file`` in the selection nothing is swapped in.
"""

import json
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, DbtCliInvocation, dbt_assets
from packaging.version import Version

from pipelines.assets import parsed
from pipelines.errors import BuildFailed
from pipelines.session import Session
from pipelines.settings import DBT_PROJECT, child_environment
from pipelines.warehouse.build import (
    Build,
    dbt_arguments,
    failure_of,
    finish_build,
    kept_nodes,
    start_build,
    warehouse_lock,
)
from pipelines.warehouse.project import DBT, ensure_manifest

GROUP = "warehouse"
_BUILT = ("model", "seed", "snapshot")
# What is said of something that a build of slices kept, and of its tests.
_KEPT = {"kept": "Nothing that it follows from has changed since it was built and tested."}


class Translator(DagsterDbtTranslator):
    """Names: a model is called as in dbt, a source as the asset that parses it."""

    def __init__(self) -> None:
        super().__init__(settings=DagsterDbtTranslatorSettings(enable_duplicate_source_asset_keys=True))

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        """Return the key of the asset that stands for a node."""
        name = str(dbt_resource_props["name"])
        return dg.AssetKey(_parsed_asset(name) if dbt_resource_props["resource_type"] == "source" else name)

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str:
        """Return the one group of all models."""
        return GROUP


def _parsed_asset(table: str) -> str:
    if table.startswith("register_"):
        return "registers"
    return next((name for name, (_, tables) in parsed.ASSETS.items() if table in tables), table)


@cache
def read_manifest() -> dict[str, Any]:
    """Return dbt's manifest, parsed anew only where the project has changed."""
    manifest: dict[str, Any] = json.loads(ensure_manifest().read_text(encoding="utf-8"))
    return manifest


def warehouse_assets() -> list[dg.AssetsDefinition]:
    """Return the models and the swap; reads the manifest, which takes some seconds after a change of the project."""
    manifest = read_manifest()
    nodes = [node for node in manifest["nodes"].values() if node["resource_type"] in _BUILT]

    @dbt_assets(manifest=manifest, name="warehouse_models", dagster_dbt_translator=Translator())
    def warehouse_models(context: dg.AssetExecutionContext, session: dg.ResourceParam[Session]) -> Iterator[Any]:
        """Build everything into a new file."""
        with session.without_values("build"):
            session.until_the_end.enter_context(warehouse_lock(session.home))
            session.build = start_build(session.home, full_refresh=session.full_refresh)
        context.log.info("The warehouse is %s.", session.build.plan)
        done = 0
        for event in _run_dbt(context, session.build, manifest, full_refresh=session.full_refresh):
            done += isinstance(event, dg.Output)
            session.progress("build", min(done, len(nodes)), len(nodes) + 1)
            yield event

    @dg.asset(
        group_name=GROUP,
        deps=[dg.AssetKey(str(node["name"])) for node in nodes if node["schema"] not in ("staging", "intermediate")],
        kinds={"duckdb"},
        description="samandel.duckdb: a finished build, swapped in whole. Only a build in which all of dbt went well.",
    )
    def warehouse_file(session: dg.ResourceParam[Session]) -> dg.MaterializeResult[None]:
        """Swap the build in."""
        if session.build is None:
            raise BuildFailed(
                "There is no build to swap in.",
                where="job build_warehouse",
                remedy="Run the whole job: a build and its swap belong together.",
            )
        with session.without_values("build"):
            finish_build(session.home, session.build)
        session.progress("build", len(nodes) + 1, len(nodes) + 1)
        return dg.MaterializeResult(metadata={"build_id": session.build.build_id, "plan": str(session.build.plan)})

    return [warehouse_models, warehouse_file]


def _run_dbt(
    context: dg.AssetExecutionContext, build: Build, manifest: dict[str, Any], *, full_refresh: bool
) -> Iterator[Any]:
    """Run dbt in a process of its own and give its events as Dagster's.

    The process is started here rather than through dagster-dbt's resource: that one loads dbt a second time into this
    process and takes the build's environment from this process's own.
    """
    target = build.folder / "target"
    environment = {
        **build.environment,
        "DBT_LOG_FORMAT": "json",
        "DBT_TARGET_PATH": str(target),
        "DBT_LOG_PATH": str(build.folder / "logs"),
        "DBT_PROFILES_DIR": str(DBT_PROJECT),
        "DBT_PROJECT_DIR": str(DBT_PROJECT),
        "PYTHONUNBUFFERED": "1",
    }
    invocation = DbtCliInvocation.run(
        args=[*DBT, *dbt_arguments(build.plan, full_refresh=full_refresh)],
        env=child_environment(**environment),
        manifest=manifest,
        dagster_dbt_translator=Translator(),
        project_dir=DBT_PROJECT,
        target_path=target,
        raise_on_error=False,
        context=context,
        adapter=None,
        cli_version=Version("1.11"),
    )
    selected = context.selected_asset_keys
    if build.plan.slices:
        # First: Dagster wants each asset after those that it follows from, and holds back what follows from silence.
        kept = [manifest["nodes"][key] for key in kept_nodes(manifest)]
        keys = [Translator().get_asset_key(node) for node in kept if node["resource_type"] in _BUILT]
        yield from (
            dg.Output(None, context.output_for_asset_key(key), metadata=_KEPT) for key in keys if key in selected
        )
    tested: set[dg.AssetCheckKey | None] = set()
    for event in invocation.stream():
        about = _about(event, context)
        if about is None or about in selected:
            tested.add(_check_key(event))
            yield event
    if not invocation.is_successful():
        raise failure_of(build, [str(build.folder / "logs")])
    if build.plan.slices:
        for check in sorted(context.selected_asset_check_keys - tested):
            yield dg.AssetCheckResult(passed=True, asset_key=check.asset_key, check_name=check.name, metadata=_KEPT)


def _about(event: Any, context: dg.AssetExecutionContext) -> dg.AssetKey | None:
    """Return the asset that an event is about; none where it is about no single one."""
    key: dg.AssetKey | None = (
        context.asset_key_for_output(event.output_name)
        if isinstance(event, dg.Output)
        else getattr(event, "asset_key", None)
    )
    return key


def _check_key(event: Any) -> dg.AssetCheckKey | None:
    """Return the check that an event is the result of; none where it is no such result."""
    if not isinstance(event, dg.AssetCheckResult) or event.asset_key is None or event.check_name is None:
        return None
    return dg.AssetCheckKey(event.asset_key, event.check_name)
