"""Where releases lie and what lies in one.

Belongs here: places, revisions, the current one, reading manifests, holding a release's bytes against its checksums.
Not here: publishing (release.py), recalling (recall.py), the decisions behind a release (verify.py).

Of a recalled release a tombstone is left where its files lay; the files are kept with the gate's evidence.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.candidates.products import CandidateKey
from pipelines.files import sha256_bytes, sha256_file
from pipelines.home import Home

CHECKSUMS, MANIFEST, RULE_RESULTS, CURRENT = "checksums.sha256", "manifest.json", "rule_results.csv", "current.json"
TOMBSTONE = "recalled.json"
CHANGES = "changes_since_previous.csv"  # of a re-issue
MADE_BY_PUBLISHING = (CHECKSUMS, MANIFEST, RULE_RESULTS, CHANGES)  # all else in a release is the candidate
_REVISION = re.compile(r"r([1-9]\d*)")
_PERIOD = re.compile(r"\d{4}-(0[1-9]|1[0-2])")


@dataclass(frozen=True)
class ReleaseFolder:
    """A release as it lies on disk.

    Attributes:
        key: Product, recipient, period.
        revision: 1 for the first of the period.
        folder: Where its files lie; where its tombstone lies, if it was recalled.
        kept: Where its files are kept after a recall.
    """

    key: CandidateKey
    revision: int
    folder: Path
    kept: Path

    @property
    def release_id(self) -> str:
        """Return ``<period>-r<revision>``."""
        return f"{self.key.period}-r{self.revision}"

    @property
    def is_recalled(self) -> bool:
        """Return whether a tombstone stands in its place."""
        return (self.folder / TOMBSTONE).is_file()

    @property
    def files(self) -> Path:
        """Return where its files lie now."""
        return self.kept if self.is_recalled else self.folder


def release_folder(home: Home, key: CandidateKey, revision: int) -> ReleaseFolder:
    """Return where a revision lies, whether it is there or not."""
    kept = home.recalled / key.product / key.recipient / key.period / f"r{revision}"
    return ReleaseFolder(key, revision, period_folder(home, key) / f"r{revision}", kept)


def period_folder(home: Home, key: CandidateKey) -> Path:
    """Return where the releases of a product, recipient and period lie."""
    return home.releases / key.product / key.recipient / key.period


def revisions(home: Home, key: CandidateKey) -> list[ReleaseFolder]:
    """Return every revision of a period, oldest first, the current one or not."""
    folder = period_folder(home, key)
    found = [
        release_folder(home, key, int(match.group(1)))
        for path in (folder.iterdir() if folder.is_dir() else ())
        if path.is_dir() and (match := _REVISION.fullmatch(path.name))
    ]
    return sorted(found, key=lambda release: release.revision)


def all_keys(home: Home) -> list[CandidateKey]:
    """Return everything that has a folder among the releases, sorted."""
    return sorted(
        CandidateKey(path.parent.parent.name, path.parent.name, path.name)
        for path in home.releases.glob("*/*/*")
        if path.is_dir() and _PERIOD.fullmatch(path.name)
    )


def read_current(home: Home, key: CandidateKey) -> dict[str, Any] | None:
    """Return what ``current.json`` says; None where nothing is published or the file cannot be read."""
    return _read_object(period_folder(home, key) / CURRENT)


def current_revision(home: Home, key: CandidateKey) -> int:
    """Return the number of the current revision; 0 where none is: nothing was published, or it was recalled."""
    return _revision_of(key, (read_current(home, key) or {}).get("release_id"))


def last_standing(home: Home, key: CandidateKey) -> str | None:
    """Return the id of the recipient's newest current release of the product up to the period; None where it has none.

    Where a month's own is withheld, this is what its recipient still has.
    """
    periods = sorted(
        path.name for path in (home.releases / key.product / key.recipient).glob("*") if _PERIOD.fullmatch(path.name)
    )
    for period in reversed([period for period in periods if period <= key.period]):
        current = read_current(home, CandidateKey(key.product, key.recipient, period)) or {}
        if current.get("release_id"):
            return str(current["release_id"])
    return None


def last_revision(home: Home, key: CandidateKey) -> int:
    """Return the number of the last revision that was ever published; 0 where none was."""
    recalled = [release.revision for release in revisions(home, key) if release.is_recalled]
    stated = _revision_of(key, (read_current(home, key) or {}).get("recalled"))
    return max([current_revision(home, key), stated, *recalled])


def _revision_of(key: CandidateKey, release_id: Any) -> int:
    match = _REVISION.fullmatch(str(release_id).removeprefix(f"{key.period}-"))
    return int(match.group(1)) if match else 0


def read_manifest(release: ReleaseFolder) -> dict[str, Any] | None:
    """Return a release's manifest; None where it is absent or cannot be read."""
    return _read_object(release.files / MANIFEST)


def _read_object(path: Path) -> dict[str, Any] | None:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return document if isinstance(document, dict) else None


def file_digests(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every file in a folder by its path."""
    return {
        path.relative_to(folder).as_posix(): sha256_file(path) for path in sorted(folder.rglob("*")) if path.is_file()
    }


def checksum_lines(digests: Iterable[tuple[str, str]]) -> str:
    """Return sorted lines ``sha256  path``, as sha256sum reads them and as the candidate digest is made of them."""
    return "".join(sorted(f"{digest}  {name}\n" for name, digest in digests))


def candidate_digest(digests: dict[str, str]) -> str:
    """Return the digest of the candidate inside a release."""
    lines = checksum_lines((name, digest) for name, digest in digests.items() if name not in MADE_BY_PUBLISHING)
    return sha256_bytes(lines.encode())


def file_problems(release: ReleaseFolder) -> list[str]:
    """Return, in words, where a release's bytes are not those that were published; empty when all are."""
    if not release.files.is_dir():
        return [f"{release.release_id}: the folder is gone."]
    digests = file_digests(release.files)
    problems = list(_checksum_problems(release, digests))
    manifest = read_manifest(release)
    if manifest is None:
        return [*problems, f"{MANIFEST}: is missing or cannot be read."]
    return [*problems, *_manifest_problems(release, manifest, digests)]


def _checksum_problems(release: ReleaseFolder, digests: dict[str, str]) -> Iterator[str]:
    if CHECKSUMS not in digests:
        yield f"{CHECKSUMS}: is missing."
        return
    stated = {}
    for line in (release.files / CHECKSUMS).read_text(encoding="utf-8", errors="replace").splitlines():
        digest, _, name = line.partition("  ")
        stated[name] = digest
    there = {name: digest for name, digest in digests.items() if name != CHECKSUMS}
    for name in sorted(stated.keys() | there.keys()):
        if name not in there:
            yield f"{name}: is missing."
        elif name not in stated:
            yield f"{name}: was not published."
        elif stated[name] != there[name]:
            yield f"{name}: differs from what was published ({there[name][:12]}…, published {stated[name][:12]}…)."


def _manifest_problems(release: ReleaseFolder, manifest: dict[str, Any], digests: dict[str, str]) -> Iterator[str]:
    place = {
        "product": release.key.product,
        "recipient": release.key.recipient,
        "period": release.key.period,
        "release_id": release.release_id,
    }
    for name, value in place.items():
        if manifest.get(name) != value:
            yield f"{MANIFEST}: states {name} {manifest.get(name)}, but lies where {value} belongs."
    # Checksums and manifest cannot state themselves; the rules' results are stated beside the candidate's files.
    stated = {str(each.get("path")): each.get("sha256") for each in manifest.get("files", [])}
    there = {name: digest for name, digest in digests.items() if name not in (CHECKSUMS, MANIFEST)}
    if stated != there:
        differing = sorted(name for name in stated.keys() | there.keys() if stated.get(name) != there.get(name))
        yield f"{', '.join(differing)}: not as the manifest states."
    if manifest.get("digest") != candidate_digest(digests):
        yield f"{MANIFEST}: states the digest {str(manifest.get('digest'))[:12]}…, the files give another."
