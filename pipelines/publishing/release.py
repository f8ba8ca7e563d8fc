"""Publish: a candidate that the gate lets out becomes a release, or nothing happens.

Belongs here: the one way to a release; copying, describing and putting it in place so that a kill leaves nothing
visible. Not here: judging (gate/). There is no way to hand a verdict in: the gate's chain is asked.

Order, and why: (1) the candidate's bytes are digested; (2) the gate must have approved exactly that digest; (3) the
bytes are copied, and the copy must have that digest, so that what was changed in between does not leave; (4) the folder
is renamed into place; (5) ``current.json`` is replaced: only now is anything published. A folder above the current
revision is what a kill between (4) and (5) left; the next try with the same bytes finishes it. Of the consortium's mart
the analysts' file is made last, from what was published; where a kill left it behind, the next run makes it.
"""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.candidates.datapackage import FILE_NAME as PACKAGE
from pipelines.candidates.make import candidate_folder
from pipelines.candidates.products import CONSORTIUM_MART, PRODUCTS, CandidateKey
from pipelines.errors import ReleaseDamaged, VerdictMissing
from pipelines.files import exclusive_lock, folder_digest, pretty_json, sha256_file, write_atomically
from pipelines.gate.decision import APPROVE, WAIVE
from pipelines.gate.four_eyes import RULE as FOUR_EYES
from pipelines.home import Home
from pipelines.publishing.analyst_file import write_analyst_file
from pipelines.publishing.changes import changes_bytes
from pipelines.publishing.recall import finish_recalls
from pipelines.publishing.store import (
    CHANGES,
    CHECKSUMS,
    CURRENT,
    MANIFEST,
    RULE_RESULTS,
    ReleaseFolder,
    checksum_lines,
    current_revision,
    file_digests,
    file_problems,
    last_revision,
    period_folder,
    read_manifest,
    release_folder,
    revisions,
)
from pipelines.settings import Clock

if TYPE_CHECKING:
    from pipelines.gate.verdict import Verdict

RELEASED, UNCHANGED = "released", "unchanged"
# What of a rule's answer leaves the house: counts and reasons; example keys stay in the gate's evidence. A reason may
# have a figure of all that was judged: a hidden amount follows from a part of the whole that is withheld. So recipients
# of joint products read of deliveries and form alone why a rule answered as it did.
_REASONS_OF_JOINT = ("IN", "PB")
_RESULT_COLUMNS = ("rule", "title", "version", "severity", "status", "applied", "passed", "reason")


@dataclass(frozen=True)
class PublishResult:
    """What publishing came to.

    Attributes:
        status: RELEASED, or UNCHANGED where the current release already holds these bytes.
        release_id: ``<period>-r<revision>``.
        path: The release's folder.
        digest: The candidate's digest.
    """

    status: str
    release_id: str
    path: Path
    digest: str


def publish(home: Home, key: CandidateKey, clock: Clock) -> PublishResult:
    """Publish a candidate that the gate has approved.

    Raises:
        VerdictMissing: There is no candidate, it is another's or for another month, or the gate has not approved
            exactly these bytes as things stand now. Nothing is published.
        ReleaseDamaged: The current release is no longer what was published.
        WarehouseBusy: Another process is publishing in this home.
    """
    with exclusive_lock(home.path / ".publish.lock", doing="publishing"):
        finish_recalls(home)
        result = _publish(home, key, clock)
        if key.product == CONSORTIUM_MART:
            write_analyst_file(home)
    return result


def _publish(home: Home, key: CandidateKey, clock: Clock) -> PublishResult:
    from pipelines.gate.decisions import find_valid_verdict

    _remove_remnants(period_folder(home, key))
    candidate = candidate_folder(home, key)
    package = _read_package(candidate, key)
    digest = folder_digest(candidate)  # (1)
    verdict = find_valid_verdict(home, key, digest, clock.as_of)  # (2)
    standing, last, pending = _standing(home, key)
    if standing is not None and _digest_of(standing) == digest:
        return PublishResult(UNCHANGED, standing.release_id, standing.folder, digest)
    if pending and _digest_of(pending[-1]) == digest:
        release = pending[-1]
        _require_own_words(release, verdict, package, clock)
    else:
        earlier = [*([last] if last else []), *pending]
        release = _make_release(home, candidate, verdict, package, earlier[-1] if earlier else None, clock)  # (3, 4)
    _make_current(release, digest)  # (5)
    return PublishResult(RELEASED, release.release_id, release.folder, digest)


def _remove_remnants(folder: Path) -> None:
    """Remove what a killed try left half-made; nothing of it was ever visible."""
    for remnant in sorted(folder.glob(".*")):
        if remnant.is_dir():
            shutil.rmtree(remnant)
        else:
            remnant.unlink()


def _read_package(candidate: Path, key: CandidateKey) -> dict[str, Any]:
    """Return the candidate's own description, if it is the one that is to be published."""
    path = candidate / PACKAGE
    try:
        package = json.loads(path.read_text(encoding="utf-8"))
        stated = CandidateKey(*(str(package[name]) for name in ("product", "recipient", "period")))
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        raise VerdictMissing(
            "There is no whole candidate to publish.", where=str(path), remedy="Make it and judge it: 'samandel run'."
        ) from None
    if stated != key:
        raise VerdictMissing(
            f"The candidate is {stated.product} for {stated.recipient}, {stated.period}.",
            where=f"{key.product} for {key.recipient}, {key.period}",
            remedy="Make the one that is to be published and judge it: 'samandel run'.",
        )
    return dict(package)


def _standing(home: Home, key: CandidateKey) -> tuple[ReleaseFolder | None, ReleaseFolder | None, list[ReleaseFolder]]:
    """Return the current release, the last one that was (it may be recalled), and whole ones that never were current.

    Raises:
        ReleaseDamaged: One of them is not what was published, or is gone.
    """
    current = current_revision(home, key)
    there = revisions(home, key)
    standing = next((release for release in there if release.revision == current), None)
    highest = last_revision(home, key)
    last = next((release for release in there if release.revision == highest), None)
    pending = [release for release in there if release.revision > highest]
    problems = [f"r{current}: the folder is gone."] if current and standing is None else []
    for release in [*([standing] if standing else []), *pending]:
        problems += [f"{release.release_id}, {problem}" for problem in file_problems(release)]
    if problems:
        raise ReleaseDamaged(
            f"What was published is no longer what it was: {' '.join(problems)}",
            where=str(period_folder(home, key)),
            remedy="Restore the folder from a copy, then publish again. Nothing was changed.",
        )
    return standing, last, pending


def _require_own_words(release: ReleaseFolder, verdict: Verdict, package: dict[str, Any], clock: Clock) -> None:
    """Refuse a release left by a killed try if its manifest says anything that this verdict and candidate do not.

    Raises:
        ReleaseDamaged: It was written, or changed, by another hand.
    """
    stated = read_manifest(release) or {}
    ours = _manifest(release.folder, release, verdict, package, None, clock)
    # When it was made, what it follows and how long the chain was are the earlier try's own; files are held against the
    # checksums.
    differing = sorted(
        name
        for name in (ours.keys() | stated.keys()) - {"published_at", "supersedes", "files", "chain"}
        if ours.get(name) != stated.get(name)
    )
    if differing:
        raise ReleaseDamaged(
            f"A release that was never made current says other things than its verdict: {', '.join(differing)}.",
            where=str(release.folder),
            remedy="Find out who wrote it; move the folder away, then run again. Nothing was changed.",
        )


def _digest_of(release: ReleaseFolder) -> str:
    return str((read_manifest(release) or {}).get("digest"))


def _make_release(
    home: Home,
    candidate: Path,
    verdict: Verdict,
    package: dict[str, Any],
    earlier: ReleaseFolder | None,
    clock: Clock,
) -> ReleaseFolder:
    """Put a whole release in place, not yet current."""
    folder = period_folder(home, verdict.key)
    number = earlier.revision + 1 if earlier else 1
    release = release_folder(home, verdict.key, number)
    folder.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".r{number}.", suffix=".tmp", dir=folder))
    try:
        temporary.chmod(0o755)
        _copy_candidate(candidate, temporary, verdict)
        _write(temporary / RULE_RESULTS, _results_csv(verdict))
        if earlier is not None:
            notes = changes_bytes(PRODUCTS[verdict.product], earlier.files, temporary)
            _write(temporary / CHANGES, notes)
        described = _manifest(temporary, release, verdict, package, earlier, clock)
        _write(temporary / MANIFEST, pretty_json(described).encode())
        _write(temporary / CHECKSUMS, checksum_lines(file_digests(temporary).items()).encode())
        _flush_folder(temporary)
        temporary.rename(release.folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    _flush_folder(folder)
    return release


def _copy_candidate(candidate: Path, target: Path, verdict: Verdict) -> None:
    for path in sorted(candidate.rglob("*")):
        if path.is_file():
            copy = target / path.relative_to(candidate)
            copy.parent.mkdir(parents=True, exist_ok=True)
            _write(copy, path.read_bytes())
    copied = folder_digest(target)
    if copied != verdict.candidate_sha256:
        raise VerdictMissing(
            f"The candidate was changed while it was published: {verdict.candidate_sha256[:16]}… was approved, "
            f"{copied[:16]}… was copied.",
            where=str(candidate),
            remedy="Find out what changed it, then judge the candidate again: 'samandel run'.",
        )


def _write(path: Path, raw: bytes) -> None:
    with path.open("wb") as stream:
        stream.write(raw)
        stream.flush()
        os.fsync(stream.fileno())


def _flush_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _make_current(release: ReleaseFolder, digest: str) -> None:
    folder = release.folder.parent
    current = {"release_id": release.release_id, "digest": digest}
    write_atomically(folder / CURRENT, pretty_json(current).encode())
    _flush_folder(folder)


def _manifest(
    folder: Path,
    release: ReleaseFolder,
    verdict: Verdict,
    package: dict[str, Any],
    earlier: ReleaseFolder | None,
    clock: Clock,
) -> dict[str, Any]:
    coverage = package["coverage"]
    bindings = verdict.bindings.as_dict()
    return {
        "product": release.key.product,
        "product_code": PRODUCTS[release.key.product].code,
        "version": package["version"],
        "title": package["title"],
        "recipient": release.key.recipient,
        "release_id": release.release_id,
        "period": release.key.period,
        "window": package["window"],
        "published_at": clock.now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "supersedes": earlier.release_id if earlier else None,
        "digest": verdict.candidate_sha256,
        "build_id": bindings["build_id"],
        "inputs": {name: value for name, value in bindings.items() if name not in ("build_id", "rule_versions")},
        "verdict": {
            "state": verdict.state,
            "decided_at": verdict.decided_at,
            "evidence_sha256": verdict.evidence_sha256,
            # What leaves the house bears witness to the chain: one rebuilt or cut short no longer says so.
            "sequence": verdict.sequence,
            "chain_sha256": verdict.chain_sha256,
        },
        "rules": [
            {name: getattr(result, name) for name in ("rule", "version", "severity", "status", "applied", "passed")}
            for result in verdict.results
        ],
        "chain": {"decisions": verdict.head[0], "head": verdict.head[1]},
        "waivers": _decided(verdict, WAIVE),
        "approvals": _decided(verdict, APPROVE),
        "municipalities": [each["municipality_no"] for each in coverage if each["months"]],
        "months": sorted({month for each in coverage for month in each["months"]}),
        "coverage": coverage,
        "row_counts": _row_counts(folder, release.key),
        "files": [
            {"path": path.name, "bytes": path.stat().st_size, "sha256": sha256_file(path)}
            for path in sorted(folder.iterdir())
        ],
    }


def _decided(verdict: Verdict, action: str) -> list[dict[str, Any]]:
    """Return the decisions of people that let the release out; ids of approvers, no names and no keys."""
    return [
        {
            "rules": [str(rule["rule"]) for rule in decision.rules] or [FOUR_EYES],
            "decided_by": decision.decided_by,
            "reason": decision.reason,
            "decided_at": decision.decided_at,
            "expires_on": decision.expires_on,
            "sequence": decision.sequence,
        }
        for decision in verdict.grounds
        if decision.action == action
    ]


def _row_counts(folder: Path, key: CandidateKey) -> dict[str, int]:
    import pyarrow.parquet as pq

    return {
        table.name: int(pq.read_metadata(folder / f"{table.name}.parquet").num_rows)
        for table in PRODUCTS[key.product].tables
    }


def _results_csv(verdict: Verdict) -> bytes:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(_RESULT_COLUMNS)
    is_joint = PRODUCTS[verdict.key.product].is_joint
    for result in verdict.results:
        is_told = not is_joint or result.rule.startswith(_REASONS_OF_JOINT)
        told = result if is_told else replace(result, reason="")
        writer.writerow([_harmless(str(getattr(told, name))) for name in _RESULT_COLUMNS])
    return buffer.getvalue().encode()


def _harmless(text: str) -> str:
    """Return text that no spreadsheet runs."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
