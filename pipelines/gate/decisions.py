"""The decisions: an append-only chain of verdicts, each signed with the gate's key.

Belongs here: appending a verdict so that a kill leaves the chain whole, reading the chain with everything verified,
finding the verdict that lets a candidate out. Not here: giving one (judge.py).

A line is canonical JSON: the verdict's facts, ``sequence``, ``previous`` (SHA-256 of the line before, without its
newline) and ``hmac`` (HMAC-SHA256 over all the rest). A last line without a newline is the remnant of a kill: readers
leave it out, the next append cuts it off.
"""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pipelines import settings
from pipelines.candidates.products import CandidateKey
from pipelines.errors import ConfigurationError, VerdictMissing
from pipelines.files import canonical_json, sha256_bytes
from pipelines.gate.bindings import Bindings, current_bindings, what_changed
from pipelines.gate.evidence import read_results
from pipelines.gate.rules import FAILED, read_rules
from pipelines.gate.verdict import APPROVED, Verdict
from pipelines.home import Home

FIRST = "0" * 64
_JUDGE_AGAIN = "Judge the candidate again: 'samandel run'."


def decisions_file(home: Home) -> Path:
    """Return where the chain lies."""
    return home.gate / "decisions.jsonl"


def gate_key(home: Home) -> bytes:
    """Return the gate's key.

    Raises:
        ConfigurationError: None is named, or the reference cannot be resolved; never names the key itself.
    """
    reference = home.consortium.gate_key
    if reference is None:
        raise ConfigurationError(
            "The gate has no key: without one no verdict can be given and nothing can be published.",
            where="consortium.yaml, keys.gate_hmac",
            remedy="Name it by reference: gate_hmac: file:PATH (outside the home, mode 0600) or env:NAME.",
        )
    return settings.resolve_secret(reference, home=home.path).encode()


def append_verdict(home: Home, verdict: Verdict) -> Verdict:
    """Append a verdict, durably, and return it; the standing one where it says the same of the same bytes.

    Raises:
        ConfigurationError: The gate has no key.
        VerdictMissing: The chain is broken; nothing is appended to it.
    """
    key = gate_key(home)
    path = decisions_file(home)
    with _append_lock(home), path.open("a+b") as stream:
        stream.seek(0)
        whole = _whole_lines(stream.read())
        entries = _verified(whole, key)
        standing = _latest(entries, verdict.key, verdict.candidate_sha256)
        if standing is not None and _says_the_same(standing, verdict):
            return Verdict.from_entry(standing, verdict.results)
        stream.truncate(sum(len(line) + 1 for line in whole))
        stream.write(_signed_line(verdict.as_entry(), whole, key))
        stream.flush()
        os.fsync(stream.fileno())
    _flush_folder(home.gate)
    return verdict


def _signed_line(entry: dict[str, Any], whole: list[bytes], key: bytes) -> bytes:
    body = {**entry, "sequence": len(whole) + 1, "previous": sha256_bytes(whole[-1]) if whole else FIRST}
    return canonical_json({**body, "hmac": _signature(body, key)}).encode() + b"\n"


def _signature(body: dict[str, Any], key: bytes) -> str:
    return hmac.new(key, canonical_json(body).encode(), hashlib.sha256).hexdigest()


@contextmanager
def _append_lock(home: Home) -> Iterator[None]:
    """Wait for the other writers; the kernel frees the lock when a process dies."""
    home.gate.mkdir(parents=True, exist_ok=True)
    with (home.gate / ".decisions.lock").open("a+") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _flush_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _whole_lines(raw: bytes) -> list[bytes]:
    """Return the lines that were written to their end."""
    return raw.split(b"\n")[:-1]


def _read_lines(home: Home) -> list[bytes]:
    path = decisions_file(home)
    return _whole_lines(path.read_bytes()) if path.is_file() else []


def _problems(lines: list[bytes], key: bytes) -> Iterator[tuple[int, str]]:
    """Give (line number, what is wrong) for every line that is not as the gate wrote it."""
    previous = FIRST
    for number, line in enumerate(lines, start=1):
        problem = _line_problem(line, number, previous, key)
        if problem:
            yield number, problem
        previous = sha256_bytes(line)


def _line_problem(line: bytes, number: int, previous: str, key: bytes) -> str:
    try:
        entry = json.loads(line)
    except ValueError:
        return "is not a decision"
    if not isinstance(entry, dict) or canonical_json(entry).encode() != line:
        return "is not written as the gate writes"
    if entry.get("previous") != previous or entry.get("sequence") != number:
        return "does not follow from the line before it: the chain is broken"
    signature = entry.pop("hmac", "")
    if not isinstance(signature, str) or not hmac.compare_digest(signature.encode(), _signature(entry, key).encode()):
        return "is not signed by the gate: its HMAC is wrong"
    return ""


def verify_chain(home: Home) -> list[str]:
    """Return every problem of the chain in words; empty when each line is the gate's own and follows from the last.

    Raises:
        ConfigurationError: The gate has no key.
    """
    key = gate_key(home)
    return [f"gate/decisions.jsonl, line {number}: {problem}." for number, problem in _problems(_read_lines(home), key)]


def chain_head(home: Home) -> tuple[int, str]:
    """Return how many decisions there are, and the digest of what they say from the first to the last.

    Raises:
        ConfigurationError: The gate has no key.
        VerdictMissing: The chain is broken.
    """
    entries = _verified(_read_lines(home), gate_key(home))
    return len(entries), _digests(entries)[-1] if entries else FIRST


def _digests(entries: list[dict[str, Any]]) -> list[str]:
    """Return for each decision the digest of what the chain says up to and with it.

    Signatures and what follows from them are left out: homes that decide the same under other keys agree on it.
    """
    found, before = [], FIRST
    for entry in entries:
        said = {name: value for name, value in entry.items() if name not in ("hmac", "previous")}
        before = sha256_bytes(f"{before}\n{canonical_json(said)}".encode())
        found.append(before)
    return found


def _verified(lines: list[bytes], key: bytes) -> list[dict[str, Any]]:
    """Return the decisions.

    Raises:
        VerdictMissing: A line is not the gate's, or the chain is broken: then no line of it is believed.
    """
    for number, problem in _problems(lines, key):
        raise VerdictMissing(
            f"The gate's decisions cannot be trusted: line {number} {problem}.",
            where=f"gate/decisions.jsonl, line {number}",
            remedy="Find out who wrote it, restore the file from a copy, judge again. Nothing is published till then.",
        )
    return [json.loads(line) for line in lines]


def _latest(entries: list[dict[str, Any]], key: CandidateKey, digest: str | None = None) -> dict[str, Any] | None:
    """Return the last decision on a product, recipient and period, and on a digest where one is given."""
    for entry in reversed(entries):
        named = CandidateKey(entry["product"], entry["recipient"], entry["period"])
        if named == key and digest in (None, entry["candidate_sha256"]):
            return entry
    return None


def _says_the_same(entry: dict[str, Any], verdict: Verdict) -> bool:
    other = verdict.as_entry()
    return all(entry[name] == value for name, value in other.items() if name != "decided_at")


def read_verdicts(home: Home) -> list[Verdict]:
    """Return every verdict of the chain, oldest first, results in short.

    Raises:
        VerdictMissing: The chain is broken or holds a line that is not the gate's.
    """
    lines = _read_lines(home)
    entries = _verified(lines, gate_key(home)) if lines else []
    return [
        Verdict.from_entry(entry, chain_sha256=digest) for entry, digest in zip(entries, _digests(entries), strict=True)
    ]


def read_lines(home: Home) -> list[dict[str, Any]]:
    """Return every line of the chain as it stands there, oldest first.

    Raises:
        VerdictMissing: The chain is broken or holds a line that is not the gate's.
    """
    lines = _read_lines(home)
    return _verified(lines, gate_key(home)) if lines else []


def standing_verdict(home: Home, key: CandidateKey, digest: str, now: Bindings) -> Verdict | None:
    """Return the verdict on these bytes, whatever it says, if all that it stood on is unchanged; else None.

    Raises:
        VerdictMissing: The chain is broken or holds a line that is not the gate's.
    """
    entry = _latest(_verified(_read_lines(home), gate_key(home)), key, digest)
    if entry is None or what_changed(Bindings(**entry["bindings"]), now):
        return None
    results = read_results(home, key, digest, entry["evidence_sha256"])
    return None if results is None else Verdict.from_entry(entry, results)


def find_valid_verdict(home: Home, key: CandidateKey, digest: str) -> Verdict:
    """Return the green verdict on exactly these bytes, all that it stood on being unchanged.

    Raises:
        ConfigurationError: The gate has no key.
        VerdictMissing: There is none: the message says which of the reasons it is.
    """
    secret = gate_key(home)
    where = f"{key.product} for {key.recipient}, {key.period}"
    entries = _verified(_read_lines(home), secret)
    latest = _latest(entries, key)
    if latest is None:
        raise VerdictMissing("The gate has not judged this candidate.", where=where, remedy=_JUDGE_AGAIN)
    entry = _latest(entries, key, digest)
    if entry is None:
        raise VerdictMissing(
            f"The gate has judged other bytes: {latest['candidate_sha256'][:16]}…, these are {digest[:16]}….",
            where=where,
            remedy=_JUDGE_AGAIN,
        )
    if entry["state"] != APPROVED:
        failed = ", ".join(result["rule"] for result in entry["results"] if result["status"] == FAILED)
        raise VerdictMissing(
            f"The gate has {entry['state']} this candidate ({failed}).",
            where=where,
            remedy=f"Look at 'samandel gate show {key.product} {key.recipient}', mend the cause, and run again.",
        )
    now = current_bindings(home, key, read_rules(settings.EXPECTATIONS / "rules"))
    if changed := what_changed(Bindings(**entry["bindings"]), now):
        raise VerdictMissing(f"The verdict is no longer valid: {'; '.join(changed)}.", where=where, remedy=_JUDGE_AGAIN)
    results = read_results(home, key, digest, entry["evidence_sha256"])
    if results is None:
        raise VerdictMissing("The verdict's evidence is gone or has been changed.", where=where, remedy=_JUDGE_AGAIN)
    return Verdict.from_entry(entry, results, chain_sha256=_digests(entries)[entry["sequence"] - 1])
