"""Recall: a release is taken back; a tombstone is left in its place, and a line in the log.

Belongs here: what a recall does to folders, and finishing one that was cut short. Not here: entering it in the gate's
chain, from which line on its bytes never go out again (gate/deciding.py).

Order, and why: (1) the chain says it: whatever happens next, nothing publishes these bytes; (2) ``current.json`` names
nothing any more; (3) the files move to where they are kept: they are evidence, and its recipient still knows them;
(4) the tombstone takes their place; (5) the log. A kill in between is finished by the next run, or the same command.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pipelines.candidates.products import CONSORTIUM_MART, CandidateKey
from pipelines.errors import ConfigurationError
from pipelines.files import canonical_json, exclusive_lock, folder_in_place, pretty_json, write_atomically
from pipelines.home import Home
from pipelines.publishing.analyst_file import write_analyst_file
from pipelines.publishing.store import (
    CURRENT,
    TOMBSTONE,
    ReleaseFolder,
    candidate_digest,
    current_revision,
    file_digests,
    last_revision,
    period_folder,
    read_manifest,
    release_folder,
    revisions,
)
from pipelines.settings import Clock

if TYPE_CHECKING:
    from pipelines.gate.deciding import Signer
    from pipelines.gate.decision import Decision

LOG = "recalls.jsonl"
_TEXT = "Denne utgivelsen er trukket tilbake. Slett filene du har fått, og bruk ikke tallene i dem."


def recall_release(
    home: Home, key: CandidateKey, release_id: str, clock: Clock, *, reason: str, by: str, signer: Signer | None = None
) -> dict[str, Any]:
    """Take a release back and return what the log says of it; one that was taken back already stays so.

    Raises:
        ConfigurationError: There is no such release, the reason will not do, or the person may not sign.
        WarehouseBusy: Another process is publishing in this home.
    """
    from pipelines.gate.deciding import recall
    from pipelines.publishing.facts_file import ensure_facts

    with exclusive_lock(home.path / ".publish.lock", doing="publishing"):
        finish_recalls(home)
        release = _find(home, key, release_id)
        if not release.is_recalled:
            digest = str((read_manifest(release) or {}).get("digest") or candidate_digest(file_digests(release.files)))
            recall(home, clock, key, digest, release_id, reason=reason, by=by, signer=signer)
            finish_recalls(home)
        ensure_facts(home)
        return dict(json.loads((release.folder / TOMBSTONE).read_text(encoding="utf-8")))


def _find(home: Home, key: CandidateKey, release_id: str) -> ReleaseFolder:
    for release in revisions(home, key):
        if release.release_id == release_id and release.revision <= last_revision(home, key):
            return release
    raise ConfigurationError(
        "There is no such release.",
        where=f"{key.product} for {key.recipient}, {release_id}",
        remedy="See 'samandel release list'.",
    )


def finish_recalls(home: Home) -> None:
    """Bring every recall of the chain to its end; nothing is done where all are.

    Raises:
        VerdictMissing: The chain is broken.
    """
    from pipelines.gate.decision import RECALL
    from pipelines.gate.decisions import read_decisions

    for decision in read_decisions(home):
        if decision.action == RECALL:
            _finish(home, decision)
            if decision.product == CONSORTIUM_MART:
                write_analyst_file(home)


def _finish(home: Home, decision: Decision) -> None:
    key = CandidateKey(decision.product, decision.recipient, decision.period)
    release = release_folder(home, key, int(decision.release_id.rpartition("-r")[2]))
    if current_revision(home, key) == release.revision:
        current = {"release_id": None, "digest": None, "recalled": release.release_id}
        write_atomically(period_folder(home, key) / CURRENT, pretty_json(current).encode())  # (2)
    stated = {
        "state": "recalled",
        "product": key.product,
        "recipient": key.recipient,
        "period": key.period,
        "release_id": release.release_id,
        "digest": decision.candidate_sha256,
        "reason": decision.reason,
        "recalled_by": decision.decided_by,
        "recalled_at": decision.decided_at,
        "sequence": decision.sequence,
        "text": _TEXT,
    }
    if not release.is_recalled:
        if release.folder.is_dir() and not release.kept.exists():
            release.kept.parent.mkdir(parents=True, exist_ok=True)
            release.folder.rename(release.kept)  # (3)
        with folder_in_place(release.folder) as temporary:
            write_atomically(temporary / TOMBSTONE, pretty_json(stated).encode())  # (4)
    _log(home, {name: value for name, value in stated.items() if name not in ("state", "text")})  # (5)


def _log(home: Home, line: dict[str, Any]) -> None:
    path = home.releases / LOG
    written = path.read_bytes() if path.is_file() else b""
    added = canonical_json(line).encode() + b"\n"
    if added not in written.splitlines(keepends=True):
        write_atomically(path, written + added)
