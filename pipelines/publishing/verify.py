"""Verify: is a release still what was published, and did the gate approve it?

Belongs here: recomputing every digest of a release, holding it against manifest, current.json and the gate's decisions.
Not here: mending anything.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pipelines.errors import ConfigurationError, SamandelError
from pipelines.home import Home
from pipelines.publishing.listing import PUBLISHED, published
from pipelines.publishing.store import (
    CURRENT,
    MANIFEST,
    ReleaseFolder,
    all_keys,
    current_revision,
    file_problems,
    read_current,
    read_manifest,
    release_folder,
    revisions,
)


def verify_releases(
    home: Home, *, product: str | None = None, recipient: str | None = None, release_id: str | None = None
) -> list[dict[str, Any]]:
    """Return for each release whether it is what was published: product, recipient, period, release_id, ok, problems.

    Args:
        home: The home.
        product: Only this product's.
        recipient: Only this recipient's.
        release_id: Only this one, superseded or not.

    Raises:
        ConfigurationError: Something is named and there is no such release.
    """
    approved, distrust = _approved(home)
    digests = [] if distrust else _digests(home)
    results = [
        _result(
            release,
            [
                *_problems(home, release, state == PUBLISHED),
                *_gate_problems(release, approved, distrust),
                *([] if distrust else _head_problems(read_manifest(release) or {}, digests)),
            ],
        )
        for release, state in published(home)
    ]
    results += _without_current(home)
    wanted = {"product": product, "recipient": recipient, "release_id": release_id}
    chosen = [
        result for result in results if all(value is None or result[name] == value for name, value in wanted.items())
    ]
    if not chosen and any(wanted.values()):
        raise ConfigurationError(
            "There is no such release.",
            where=", ".join(value for value in wanted.values() if value),
            remedy="See 'samandel release list'.",
        )
    return sorted(chosen, key=lambda result: (result["product"], result["recipient"], result["path"]))


def witness_against_chain(home: Home) -> list[str]:
    """Return what the releases say against the gate's chain: that it lacks a line that they left with."""
    approved, distrust = _approved(home)
    if distrust:
        return []  # said of the chain itself, once
    digests = _digests(home)
    return [
        f"{release.key.product} {release.key.recipient} {release.release_id}: {problem}"
        for release, _ in published(home)
        for problem in (
            _gate_problems(release, approved, distrust) or _head_problems(read_manifest(release) or {}, digests)
        )
    ]


def manifest_against_chain(home: Home, place: Path) -> list[str]:
    """Return what a manifest that left the house says against the gate's chain.

    Args:
        home: The home.
        place: The manifest, or the folder that it lies in; wherever it comes from.

    Raises:
        ConfigurationError: There is no manifest that can be read.
    """
    path = place / MANIFEST if place.is_dir() else place
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        verdict, head = dict(manifest["verdict"]), dict(manifest["chain"])
        witnessed = [(verdict["sequence"], verdict["chain_sha256"]), (head["decisions"], head["head"])]
    except (OSError, ValueError, KeyError, TypeError):
        raise ConfigurationError(
            "There is no manifest that bears witness to the gate's chain.",
            where=str(path),
            remedy="Name the manifest.json of a release, or the folder that it lies in.",
        ) from None
    digests = _digests(home)
    if all(_holds(digests, *each) for each in witnessed):
        return []
    return [f"{path}: is of another chain than this one, or of a longer one: the chain was written anew or cut short."]


def _digests(home: Home) -> list[str]:
    from pipelines.gate.decisions import chain_digests

    try:
        return chain_digests(home)
    except SamandelError:
        return []


def _holds(digests: list[str], count: Any, digest: Any) -> bool:
    return isinstance(count, int) and 0 < count <= len(digests) and digests[count - 1] == digest


def _head_problems(manifest: dict[str, Any], digests: list[str]) -> list[str]:
    """Say where the chain is shorter than, or other than, the one whose head the release left with."""
    head = manifest.get("chain")
    if not isinstance(head, dict) or _holds(digests, head.get("decisions"), head.get("head")):
        return []
    return [
        "gate/decisions.jsonl: does not reach the head that this release left with: it was cut short or written anew."
    ]


def verify_release(home: Home, place: Path | str) -> dict[str, Any]:
    """Return whether one release is what was published.

    Args:
        home: The home.
        place: Its folder, or ``<product>/<recipient>/<release_id>``.

    Raises:
        ConfigurationError: There is no such release.
    """
    named = {str(place), str(Path(place).resolve())}
    for result in verify_releases(home):
        by_id = f"{result['product']}/{result['recipient']}/{result['release_id']}"
        if named & {result["path"], str(Path(result["path"]).resolve()), by_id}:
            return result
    raise ConfigurationError("There is no such release.", where=str(place), remedy="See 'samandel release list'.")


def _result(release: ReleaseFolder, problems: list[str]) -> dict[str, Any]:
    return {
        "product": release.key.product,
        "recipient": release.key.recipient,
        "period": release.key.period,
        "release_id": release.release_id,
        "ok": not problems,
        "problems": problems,
        "path": str(release.folder),
    }


def _problems(home: Home, release: ReleaseFolder, is_current: bool) -> list[str]:
    problems = file_problems(release)
    manifest = read_manifest(release) or {}
    stated = (read_current(home, release.key) or {}).get("digest")
    if is_current and stated != manifest.get("digest"):
        problems.append(f"{CURRENT}: states another digest than the release's manifest.")
    return problems


def _without_current(home: Home) -> list[dict[str, Any]]:
    """Return the periods that have releases and nothing that says which is current, or say it of one that is gone."""
    results = []
    for key in all_keys(home):
        there, current = revisions(home, key), current_revision(home, key)
        if read_current(home, key) is None and there:
            problem = f"{CURRENT}: is missing or cannot be read; publishing was interrupted, or somebody removed it."
            results.append(_result(there[-1], [problem]))
        elif current and all(release.revision != current for release in there):
            gone = release_folder(home, key, current)
            results.append(_result(gone, file_problems(gone)))
    return results


Approvals = dict[tuple[str, ...], set[tuple[int, str]]]


def _approved(home: Home) -> tuple[Approvals, str]:
    """Return what the gate has approved, on which lines, and why its decisions cannot be believed where that is so."""
    from pipelines.gate.decisions import read_verdicts
    from pipelines.gate.verdict import GOES_OUT

    try:
        verdicts = read_verdicts(home)
    except SamandelError as error:
        return {}, error.what
    approved: Approvals = {}
    for verdict in verdicts:
        if verdict.state in GOES_OUT:
            facts = (
                verdict.product,
                verdict.recipient,
                verdict.period,
                verdict.candidate_sha256,
                verdict.decided_at,
                verdict.evidence_sha256,
            )
            approved.setdefault(facts, set()).add((verdict.sequence, verdict.chain_sha256))
    return approved, ""


def _gate_problems(release: ReleaseFolder, approved: Approvals, distrust: str) -> list[str]:
    if distrust:
        return [f"gate/decisions.jsonl: {distrust}"]
    manifest = read_manifest(release)
    if manifest is None:
        return []
    verdict = manifest.get("verdict") or {}
    key = release.key
    facts = (manifest.get("digest"), verdict.get("decided_at"), verdict.get("evidence_sha256"))
    lines = approved.get((key.product, key.recipient, key.period, *map(str, facts)))
    if lines is None:
        return ["gate/decisions.jsonl: holds no approval of these bytes with the verdict that the manifest states."]
    if "chain_sha256" not in verdict:
        return [
            "manifest.json: does not say what the gate's chain held; an earlier version published it: publish anew."
        ]
    if (verdict.get("sequence"), verdict.get("chain_sha256")) not in lines:
        return ["gate/decisions.jsonl: is not the chain that this release left with: it was written anew."]
    return []
