"""PB01, PB02: the bytes that were judged are the bytes, and the package says what they are.

Belongs here: agreement of the renderings, the data package against the files. Not here: the release's manifest
(publishing/ writes and checks it).
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pipelines.candidates.coverage import months_missing
from pipelines.candidates.make import current_build_id, inputs_digest, inputs_file
from pipelines.files import folder_digest
from pipelines.gate.case import EXTRACT, Case
from pipelines.gate.rules import MAX_EXAMPLES, Finding, RuleResult
from pipelines.gate.tenancy import consenting_members


def renderings_agree(case: Case) -> Finding:
    """PB01, first part: return where the CSV differs from the Parquet, cannot be read, or would run as a formula."""
    files = case.files
    problems = [f"{name} cannot be read" for name in files.unreadable]
    problems += [f"{where} differs from the Parquet" for where in files.differing]
    problems += [f"{where} would be run by a spreadsheet" for where in files.formulas]
    reason = ""
    if problems:
        reason = f"{len(problems)} differences: {'; '.join(problems[:3])}."
    applied = max(files.cells, len(problems), 1)
    return Finding(applied, len(problems), reason, tuple(problems[:MAX_EXAMPLES]), "the candidate's files")


def nothing_skipped(
    results: Iterable[RuleResult], expected: set[str], not_run: Iterable[str], *, same_bytes: bool
) -> Finding:
    """PB01, second part: return the rules that gave no answer or could not run, and bytes that changed meanwhile."""
    answered = {result.rule for result in results}
    problems = [f"{rule} gave no answer" for rule in sorted(expected - answered)]
    problems += [f"{rule} could not run" for rule in sorted(set(not_run))]
    if not same_bytes:
        problems.append("the bytes changed while they were judged")
    reason = f"{'; '.join(problems)}." if problems else ""
    return Finding(len(expected) + 1, len(problems), reason, tuple(problems[:MAX_EXAMPLES]), "the verdict")


def package_is_complete(case: Case) -> Finding:
    """PB02: return what the data package and the record of inputs leave unsaid, or say otherwise than the files."""
    checks = [*_package_checks(case), *_coverage_checks(case), *_input_checks(case)]
    problems = [what for is_right, what in checks if not is_right]
    reason = f"{len(problems)} facts are missing or wrong: {'; '.join(problems[:3])}." if problems else ""
    return Finding(len(checks), len(problems), reason, tuple(problems[:MAX_EXAMPLES]), "datapackage.json, inputs.json")


def _package_checks(case: Case) -> list[tuple[bool, str]]:
    package = case.files.package
    if package is None:
        return [(False, "datapackage.json cannot be read")]
    checks = [(bool(package.get(name)), f"datapackage.json has no {name}") for name in ("name", "title", "resources")]
    resources = package.get("resources")
    by_path = {
        str(resource.get("path")): resource
        for resource in (resources if isinstance(resources, list) else [])
        if isinstance(resource, dict)
    }
    if case.suite.workbook is not None:
        said = " ".join(case.files.words)
        checks += [(fact in said, f"the workbook does not say {fact}") for fact in (case.recipient, case.key.period)]
    for table, columns in case.files.columns_by_table.items():
        described = [by_path[name] for ending in case.suite.formats if (name := f"{table}.{ending}") in by_path]
        checks.append((bool(described), f"table {table} is not in datapackage.json"))
        for resource in described:
            checks += _resource_checks(table, columns, resource)
    return checks


def _resource_checks(table: str, columns: list[str], resource: dict[str, Any]) -> list[tuple[bool, str]]:
    schema = resource.get("schema")
    fields = schema.get("fields", []) if isinstance(schema, dict) else []
    named = [field.get("name") for field in fields]
    undescribed = [str(field.get("name")) for field in fields if not field.get("description")]
    return [
        (
            bool(resource.get("title") or resource.get("description")),
            f"table {table} has neither title nor description",
        ),
        (named == columns, f"the fields described for {table} are not its columns"),
        (not undescribed, f"columns of {table} lack a description: {', '.join(undescribed)}"),
    ]


def _coverage_checks(case: Case) -> list[tuple[bool, str]]:
    """Return for each member in the product whether the package says which of its months have not come."""
    listed = (case.files.package or {}).get("coverage")
    stated = {str(one.get("municipality_no")): one for one in (listed if isinstance(listed, list) else [])}
    members = {str(row["municipality_no"]) for row in case.registers["members"]}
    owners = {case.recipient} if case.key.product == EXTRACT else consenting_members(case) & members
    checks = []
    for owner in sorted(owners):
        lacking = months_missing(case.warehouse, case.home, case.registers, owner, case.window)[1]
        is_said = list(stated.get(owner, {}).get("not_delivered") or []) == sorted({month for _, _, month in lacking})
        checks.append((is_said, f"the coverage of {owner} does not say which months have not come"))
    return checks


def _input_checks(case: Case) -> list[tuple[bool, str]]:
    stated = _read_object(inputs_file(case.home, case.key))
    digest = folder_digest(case.home.candidates / case.key.product / case.recipient)
    return [
        (stated.get("period") == case.key.period, "the record of inputs names another period"),
        (stated.get("build_id") == current_build_id(case.home), "the candidate was made from another build"),
        (stated.get("inputs_digest") == inputs_digest(case.home, case.key), "the candidate was made from other inputs"),
        (stated.get("candidate_sha256") == digest, "the files are not those that were rendered"),
    ]


def _read_object(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return document if isinstance(document, dict) else {}
