"""What has been published, for people and programs that ask.

Belongs here: releases and their manifests as plain values. Not here: checking them (verify.py), printing.
"""

from __future__ import annotations

from typing import Any

from pipelines.errors import ConfigurationError, ReleaseDamaged
from pipelines.home import Home
from pipelines.publishing.store import (
    ReleaseFolder,
    all_keys,
    current_revision,
    last_revision,
    read_manifest,
    revisions,
)

PUBLISHED, SUPERSEDED, RECALLED, DAMAGED = "current", "superseded", "recalled", "damaged"


def published(home: Home) -> list[tuple[ReleaseFolder, str]]:
    """Return every release that is or was current, with its state; sorted by product, recipient, period, revision.

    A folder above the last revision that was published never was: its publishing was interrupted.
    """
    found = []
    for key in all_keys(home):
        current, last = current_revision(home, key), last_revision(home, key)
        found += [(release, _state(release, current)) for release in revisions(home, key) if release.revision <= last]
    return found


def _state(release: ReleaseFolder, current: int) -> str:
    if release.is_recalled:
        return RECALLED
    return PUBLISHED if release.revision == current else SUPERSEDED


def list_releases(home: Home) -> list[dict[str, Any]]:
    """Return every release: release_id, product, recipient, period, state, digest, path.

    The state is derived from ``current.json`` and tombstones; a manifest that cannot be read gives ``damaged``.
    """
    rows = []
    for release, state in published(home):
        manifest = read_manifest(release)
        rows.append(
            {
                "release_id": release.release_id,
                "product": release.key.product,
                "recipient": release.key.recipient,
                "period": release.key.period,
                "state": DAMAGED if manifest is None else state,
                "digest": "" if manifest is None else str(manifest.get("digest")),
                "path": str(release.folder),
            }
        )
    return rows


def show_release(home: Home, product: str, recipient: str, release_id: str | None = None) -> dict[str, Any]:
    """Return a release's manifest with its state and path; the newest period's current one unless named.

    Raises:
        ConfigurationError: There is no such release.
        ReleaseDamaged: Its manifest cannot be read.
    """
    found = [
        (release, state)
        for release, state in published(home)
        if (release.key.product, release.key.recipient) == (product, recipient)
        and (release.release_id == release_id if release_id else state == PUBLISHED)
    ]
    if not found:
        raise ConfigurationError(
            "There is no such release.",
            where=f"{product} for {recipient}{f', {release_id}' if release_id else ''}",
            remedy="See 'samandel release list'.",
        )
    release, state = found[-1]
    manifest = read_manifest(release)
    if manifest is None:
        raise ReleaseDamaged(
            "The release's manifest is missing or cannot be read.",
            where=str(release.folder),
            remedy="Restore the folder from a copy; 'samandel release verify' says what else is wrong.",
        )
    return {**manifest, "state": state, "path": str(release.folder)}
