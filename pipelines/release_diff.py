"""Hold two releases against each other: what changed, and what was received in between.

Belongs here: which releases are meant, rows of their tables by key, deliveries and register rows by what the two builds
were made from. Not here: publishing (publishing/), keeping what builds were made from (warehouse/history.py), printing
(cli/history.py).

For the coordinator: it names deliveries and register rows. A manifest names its build, whose id is the digest of its
inputs; the record of these stays in the home.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.candidates.datapackage import FILE_NAME as PACKAGE
from pipelines.candidates.products import MUNICIPALITY_EXTRACT
from pipelines.errors import ConfigurationError, ReleaseDamaged
from pipelines.home import CONSORTIUM, Home
from pipelines.landing.settings_delivery import is_settings
from pipelines.landing.store import Receipt, read_all_receipts, read_file, read_receipts
from pipelines.publishing.listing import published
from pipelines.publishing.store import ReleaseFolder, file_problems, read_manifest
from pipelines.registers import REGISTERS, read_register
from pipelines.warehouse.history import read_inputs

Row = dict[str, Any]
ADDED, REMOVED, CHANGED = "added", "removed", "changed"
# What else a release stood on, in the words of its manifest.
_STOOD_ON = {
    "code_sha256": "the code",
    "lock_sha256": "the libraries",
    "expectations_sha256": "the rules and suites",
}


@dataclass(frozen=True)
class Release:
    """One of the two.

    Attributes:
        folder: Where it lies.
        manifest: What it says of itself.
        inputs: What its build was made from, or None where no record was kept.
    """

    folder: ReleaseFolder
    manifest: Row
    inputs: Row | None

    @property
    def facts(self) -> Row:
        """Return what names it."""
        names = ("product", "recipient", "release_id", "period", "published_at", "build_id")
        number = self.inputs["as_of_sequence"] if self.inputs else None
        return {name: self.manifest.get(name) for name in names} | {"as_of_sequence": number}


def find_release(home: Home, given: str) -> Release:
    """Return the release that is meant.

    Args:
        home: The home.
        given: ``<product>/<recipient>/<release_id>``, its folder, or less where only one is meant: the release id, or
            ``<product>/<recipient>/r<revision>``.

    Raises:
        ConfigurationError: There is none, or several.
        ReleaseDamaged: It is not what was published.
    """
    every = [release for release, _ in published(home)]
    found = [release for release in every if _is_meant(release, given)]
    if len(found) != 1:
        names = [_name(release) for release in found or every]
        raise ConfigurationError(
            f"{len(found)} releases are meant by {given}." if found else f"There is no release {given}.",
            where="samandel diff",
            remedy=f"Write product/recipient/release_id, such as {names[-1]}." if names else "Publish one first.",
        )
    (release,) = found
    problems, manifest = file_problems(release), read_manifest(release)
    if problems or manifest is None:
        raise ReleaseDamaged(
            f"A release is no longer what was published: {' '.join(problems)}",
            where=str(release.folder),
            remedy="Restore it from a copy; 'samandel release verify' says more.",
        )
    return Release(release, manifest, read_inputs(home, str(manifest.get("build_id"))))


def _name(release: ReleaseFolder) -> str:
    return f"{release.key.product}/{release.key.recipient}/{release.release_id}"


def _is_meant(release: ReleaseFolder, given: str) -> bool:
    place, revision = f"{release.key.product}/{release.key.recipient}", f"r{release.revision}"
    by_revision = {f"{place}/{revision}", f"{place}/{release.key.period}/{revision}"}
    names = {_name(release), release.release_id, str(release.folder), *by_revision}
    return given.rstrip("/") in names or str(Path(given).resolve()) == str(release.folder.resolve())


def diff_releases(home: Home, before: Release, after: Release) -> Row:
    """Return what changed between two releases of one product.

    Returns:
        ``before, after``: what names each; ``tables``: by table, rows ``added``, ``removed``, ``changed``, each with
        its key, its columns before and after; ``deliveries``, ``registers``: what lies between; ``stood_on``: what else
        is not the same, in words; ``explained``: both builds have a record of their inputs.

    Raises:
        ConfigurationError: They are of two products.
    """
    if before.folder.key.product != after.folder.key.product:
        raise ConfigurationError(
            "The releases are of two products.",
            where=f"{before.folder.key.product}, {after.folder.key.product}",
            remedy="Name two of one product.",
        )
    facts: Row = {"before": before.facts, "after": after.facts, "tables": _tables(before, after)}
    one, other = before.inputs, after.inputs
    facts |= {"explained": bool(one and other), "deliveries": [], "registers": [], "stood_on": []}
    facts["stood_on"] = [words for name, words in _STOOD_ON.items() if _input(before, name) != _input(after, name)]
    if one and other:
        only = after.manifest["recipient"] if after.folder.key.product == MUNICIPALITY_EXTRACT else None
        facts["deliveries"] = diff_deliveries(home, one, other, only)
        facts["registers"] = diff_registers(home, one["registers_delivery_id"], other["registers_delivery_id"])
        models = {"dbt": "the models of the warehouse", "matching": "the matching of names and texts"}
        facts["stood_on"] += [words for name, words in models.items() if one["inputs"][name] != other["inputs"][name]]
    return facts


def _input(release: Release, name: str) -> Any:
    return release.manifest.get("inputs", {}).get(name)


def _tables(before: Release, after: Release) -> list[Row]:
    """Return the differences of every table, in the order of the package."""
    package = json.loads((after.folder.files / PACKAGE).read_text(encoding="utf-8"))
    found = []
    for resource in package["resources"]:
        path = Path(resource["path"])
        if path.suffix != ".parquet":
            continue
        key = resource["schema"]["primaryKey"]
        rows = [_read_rows(release.folder.files / path.name) for release in (before, after)]
        found.append({"table": path.stem, "key": key, **diff_rows(rows[0], rows[1], key)})
    return found


def _read_rows(path: Path) -> list[Row]:
    import pyarrow.parquet as pq

    return pq.ParquetFile(path).read().to_pylist() if path.is_file() else []


def diff_rows(before: Iterable[Row], after: Iterable[Row], key: Sequence[str]) -> dict[str, list[Row]]:
    """Return which rows came, went and changed, by key, in the order of the key."""
    old, new = ({tuple(row.get(name) for name in key): row for row in rows} for rows in (before, after))
    found: dict[str, list[Row]] = {ADDED: [], REMOVED: [], CHANGED: []}
    for values in sorted(old.keys() | new.keys(), key=lambda values: [str(value) for value in values]):
        was, now = old.get(values), new.get(values)
        named = dict(zip(key, values, strict=True))
        if was is None or now is None:
            found[ADDED if was is None else REMOVED].append({"key": named, "row": now or was})
            continue
        columns = [name for name in {**was, **now} if was.get(name) != now.get(name)]
        if columns:
            changes = {name: {"before": was.get(name), "after": now.get(name)} for name in columns}
            found[CHANGED].append({"key": named, "columns": changes})
    return found


def diff_deliveries(home: Home, before: Row, after: Row, municipality_no: str | None = None) -> list[Row]:
    """Return the deliveries that are in one build only, count for other periods, or were read in another way.

    Args:
        home: The home.
        before: What one build was made from.
        after: What the other was made from.
        municipality_no: Only this member's, and the joint ones.
    """
    old, new = ({_key(one): one for one in record["deliveries"]} for record in (before, after))
    receipts = {(one.owner, one.source_name, one.delivery_id): one for one in reversed(read_all_receipts(home))}
    found: list[Row] = []
    for key in sorted(old.keys() | new.keys()):
        owner, source, delivery_id = key
        if municipality_no is not None and owner not in (municipality_no, CONSORTIUM):
            continue
        was, now = old.get(key), new.get(key)
        parsed = [record["inputs"].get(f"{owner}/{delivery_id}") for record in (before, after)]
        if was and now and was["periods"] == now["periods"] and parsed[0] == parsed[1]:
            continue
        found.append(
            {
                "municipality_no": owner,
                "source": source,
                "delivery_id": delivery_id,
                "change": ADDED if was is None else REMOVED if now is None else CHANGED,
                "before": was["periods"] if was else {},
                "after": now["periods"] if now else {},
                "read_anew": bool(was and now and parsed[0] != parsed[1]),
                "received_at": _received(receipts.get(key)),
            }
        )
    found += _documents_settled(before, after, municipality_no, {str(row["municipality_no"]) for row in found})
    return found


def _key(delivery: Row) -> tuple[str, str, str]:
    return delivery["municipality_no"], delivery["source"], delivery["delivery_id"]


def _received(receipt: Receipt | None) -> str | None:
    return receipt.received_at.isoformat() if receipt else None


def _documents_settled(before: Row, after: Row, municipality_no: str | None, told: set[str]) -> list[Row]:
    """Return the members of whom other e-invoices count though no delivery says so: a decision on single invoices."""
    rows = []
    for name in sorted(before["inputs"].keys() & after["inputs"].keys()):
        owner, _, part = name.partition("/")
        is_asked = municipality_no in (None, owner)
        if part == "settled" and owner not in told and is_asked and before["inputs"][name] != after["inputs"][name]:
            facts: Row = {"municipality_no": owner, "source": "", "delivery_id": "", "change": CHANGED, "before": {}}
            rows.append(facts | {"after": {}, "read_anew": False, "received_at": None})
    return rows


def diff_registers(home: Home, before: str, after: str) -> list[Row]:
    """Return the register rows that differ between two deliveries of settings, by register and key."""
    if before == after:
        return []
    settings = {one.delivery_id: one for one in read_receipts(home, CONSORTIUM) if is_settings(one)}
    found = []
    for name, table in REGISTERS.items():
        old, new = (_register_rows(home, settings.get(delivery_id), name) for delivery_id in (before, after))
        for change, rows in diff_rows(old, new, table.key).items():
            found += [{"register": name, "change": change, **row} for row in rows]
    return found


def _register_rows(home: Home, receipt: Receipt | None, name: str) -> list[Row]:
    path = f"registers/{name}.csv"
    file = next((file for file in receipt.files if file.name == path), None) if receipt else None
    if file is None:
        return []
    # Where the register stood in it; no value of the file.
    rows = read_register(REGISTERS[name], read_file(home, file), file=path).rows
    return [{column: value for column, value in row.items() if not column.startswith("_")} for row in rows]


def describe_row(row: Mapping[str, Any]) -> str:
    """Return a key in one line."""
    return re.sub(r"\s+", " ", ", ".join(f"{name} {value}" for name, value in row.items() if value is not None))
