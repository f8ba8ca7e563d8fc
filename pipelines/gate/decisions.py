"""The decisions: an append-only chain of the gate's verdicts and of what people decided, each line by the gate's key.

Belongs here: appending so that a kill leaves the chain whole, reading the chain with everything verified, finding the
verdict that lets a candidate out. Not here: giving a verdict (judge.py), taking a decision (deciding.py), what
decisions do to verdicts (settled.py).

A line is canonical JSON: the facts, ``sequence``, ``previous`` (SHA-256 of the line before, without its newline) and
``hmac`` (HMAC-SHA256 over all the rest). A person's decision carries that person's signature too, over its facts and
over what the chain held before it. A last line without a newline is the remnant of a kill: readers leave it out, the
next append cuts it off.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from pipelines import settings
from pipelines.candidates.products import CandidateKey
from pipelines.errors import ConfigurationError, VerdictMissing
from pipelines.files import canonical_json, sha256_bytes, waiting_lock
from pipelines.gate.bindings import Bindings, current_bindings, what_changed
from pipelines.gate.decision import KIND as DECISION
from pipelines.gate.decision import RECALL, Decision
from pipelines.gate.evidence import read_results
from pipelines.gate.rules import FAILED, read_rules
from pipelines.gate.signing import is_signed_by, public_text, sign
from pipelines.gate.verdict import GOES_OUT, Verdict
from pipelines.gate.verdict import KIND as VERDICT
from pipelines.home import Home

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from pipelines.gate.settled import Ground

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
    with _open_chain(home, key) as (stream, whole, entries):
        standing = _latest(entries, verdict.key, verdict.candidate_sha256)
        if standing is not None and _says_the_same(standing, verdict):
            return Verdict.from_entry(standing, verdict.results)
        _append(stream, verdict.as_entry(), whole, key)
    _flush_folder(home.gate)
    return verdict


def append_decision(home: Home, draft: Decision, person: Ed25519PrivateKey | None) -> Decision:
    """Sign a person's decision for the place that it takes in the chain, append it durably, and return it.

    A decision of the same person that says the same is not taken twice: the one that stands is returned.

    Args:
        home: The home.
        draft: The decision without signature and place.
        person: The person's key; None for a recall that nobody signs.

    Raises:
        ConfigurationError: The gate has no key.
        VerdictMissing: The chain is broken; nothing is appended to it.
    """
    key = gate_key(home)
    with _open_chain(home, key) as (stream, whole, entries):
        head = _digests(entries)[-1] if entries else FIRST
        decision = replace(
            draft, follows=head, public_key=public_text(person) if person else "", sequence=len(whole) + 1
        )
        for entry in reversed(_of_kind(entries, DECISION)):
            standing = Decision.from_entry(entry)
            if standing.says_the_same(decision):
                return standing
        if person is not None:
            decision = replace(decision, signature=sign(person, decision.statement()))
        _append(stream, decision.as_entry(), whole, key)
    _flush_folder(home.gate)
    return decision


@contextmanager
def _open_chain(home: Home, key: bytes) -> Iterator[tuple[BinaryIO, list[bytes], list[dict[str, Any]]]]:
    """Give the chain to a single writer: the open file, its whole lines, and what they say, verified."""
    with waiting_lock(home.gate / ".decisions.lock"), decisions_file(home).open("a+b") as stream:
        stream.seek(0)
        whole = _whole_lines(stream.read())
        yield stream, whole, _verified(whole, key)


def _append(stream: BinaryIO, entry: dict[str, Any], whole: list[bytes], key: bytes) -> None:
    stream.truncate(sum(len(line) + 1 for line in whole))
    stream.write(_signed_line(entry, whole, key))
    stream.flush()
    os.fsync(stream.fileno())


def _signed_line(entry: dict[str, Any], whole: list[bytes], key: bytes) -> bytes:
    body = {**entry, "sequence": len(whole) + 1, "previous": sha256_bytes(whole[-1]) if whole else FIRST}
    return canonical_json({**body, "hmac": _signature(body, key)}).encode() + b"\n"


def _signature(body: dict[str, Any], key: bytes) -> str:
    return hmac.new(key, canonical_json(body).encode(), hashlib.sha256).hexdigest()


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
    previous, head = FIRST, FIRST
    for number, line in enumerate(lines, start=1):
        entry = _entry_of(line)
        problem = _line_problem(entry, number, previous, key) or _signature_problem(entry, head)
        if problem:
            yield number, problem
        previous, head = sha256_bytes(line), _next_digest(head, entry)


def _entry_of(line: bytes) -> dict[str, Any]:
    """Return what a line states; nothing where it is not written as the gate writes."""
    try:
        entry = json.loads(line)
    except ValueError:
        return {}
    return entry if isinstance(entry, dict) and canonical_json(entry).encode() == line else {}


def _line_problem(entry: dict[str, Any], number: int, previous: str, key: bytes) -> str:
    if not entry:
        return "is not a decision as the gate writes them"
    if entry.get("previous") != previous or entry.get("sequence") != number:
        return "does not follow from the line before it: the chain is broken"
    body = {name: value for name, value in entry.items() if name != "hmac"}
    given = entry.get("hmac", "")
    if not isinstance(given, str) or not hmac.compare_digest(given.encode(), _signature(body, key).encode()):
        return "is not signed by the gate: its HMAC is wrong"
    return "" if entry.get("kind") in (VERDICT, DECISION) else "is neither a verdict nor a decision"


def _signature_problem(entry: dict[str, Any], head: str) -> str:
    """Say what is wrong with a person's decision; only a recall, which lets nothing out, may go unsigned."""
    if entry["kind"] != DECISION:
        return ""
    try:
        decision = Decision.from_entry(entry)
    except ValueError as error:
        return f"is not a decision that can be read: {error}"
    if decision.follows != head:
        return (
            f"was decided by {decision.decided_by} where the chain said something else: it was moved, or written anew"
        )
    if decision.action == RECALL and not decision.public_key and not decision.signature:
        return ""
    if not is_signed_by(decision.public_key, decision.signature, decision.statement()):
        return f"is not signed by {decision.decided_by}: the signature is wrong"
    return ""


def verify_chain(home: Home) -> list[str]:
    """Return in words where the chain breaks first; empty when each line is the gate's own and follows from the last.

    Raises:
        ConfigurationError: The gate has no key.
    """
    lines = _read_lines(home)
    for number, problem in _problems(lines, gate_key(home)):
        # Most of those after it do not follow either, for no other reason.
        after = len(lines) - number
        more = f" Nothing can be said of the {after} lines after it." if after else ""
        return [f"gate/decisions.jsonl, line {number}: {problem}.{more}"]
    return []


def chain_head(home: Home) -> tuple[int, str]:
    """Return how many decisions there are, and the digest of what they say from the first to the last.

    Raises:
        ConfigurationError: The gate has no key.
        VerdictMissing: The chain is broken.
    """
    digests = chain_digests(home)
    return len(digests), digests[-1] if digests else FIRST


def chain_digests(home: Home) -> list[str]:
    """Return for each line of the chain the digest of what it says up to and with it; raises as ``chain_head``."""
    return _digests(_verified(_read_lines(home), gate_key(home)))


def _digests(entries: list[dict[str, Any]]) -> list[str]:
    """Return for each line the digest of what the chain says up to and with it.

    The gate's marks and what follows from them are left out: homes that decide the same under other keys of the gate
    agree on it.
    """
    found, before = [], FIRST
    for entry in entries:
        before = _next_digest(before, entry)
        found.append(before)
    return found


def _next_digest(before: str, entry: dict[str, Any]) -> str:
    said = {name: value for name, value in entry.items() if name not in ("hmac", "previous")}
    return sha256_bytes(f"{before}\n{canonical_json(said)}".encode())


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


def _of_kind(entries: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [entry for entry in entries if entry["kind"] == kind]


def _latest(entries: list[dict[str, Any]], key: CandidateKey, digest: str | None = None) -> dict[str, Any] | None:
    """Return the last verdict on a product, recipient and period, and on a digest where one is given."""
    for entry in reversed(_of_kind(entries, VERDICT)):
        named = CandidateKey(entry["product"], entry["recipient"], entry["period"])
        if named == key and digest in (None, entry["candidate_sha256"]):
            return entry
    return None


def _says_the_same(entry: dict[str, Any], verdict: Verdict) -> bool:
    other = verdict.as_entry()
    return all(entry.get(name) == value for name, value in other.items() if name != "decided_at")


def read_verdicts(home: Home) -> list[Verdict]:
    """Return every verdict of the chain, oldest first, results in short.

    Raises:
        VerdictMissing: The chain is broken or holds a line that is not the gate's.
    """
    entries = read_entries(home)
    return [
        Verdict.from_entry(entry, chain_sha256=digest)
        for entry, digest in zip(entries, _digests(entries), strict=True)
        if entry["kind"] == VERDICT
    ]


def read_decisions(home: Home) -> list[Decision]:
    """Return every decision of a person, oldest first, each signature verified.

    Raises:
        VerdictMissing: The chain is broken or holds a line that is not the gate's, or not of whom it names.
    """
    return [Decision.from_entry(entry) for entry in _of_kind(read_entries(home), DECISION)]


def read_entries(home: Home) -> list[dict[str, Any]]:
    """Return what every line of the chain says, oldest first; of a home without decisions no key is asked for.

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


def is_as_decided(verdict: Verdict, ground: Ground) -> bool:
    """Return whether a verdict says what follows from people's decisions on the day; else it must be given anew."""
    settled = ground.settle(verdict.key, verdict.candidate_sha256, verdict.results)
    told = (verdict.state, verdict.decisions, verdict.results)
    return told == (settled.state, settled.sequences, settled.results)


def find_valid_verdict(home: Home, key: CandidateKey, digest: str, as_of: date) -> Verdict:
    """Return the verdict that lets exactly these bytes out, all that it stood on being unchanged on a day.

    Raises:
        ConfigurationError: The gate has no key.
        VerdictMissing: There is none: the message says which of the reasons it is.
    """
    from pipelines.gate.settled import read_ground

    secret = gate_key(home)
    where = f"{key.product} for {key.recipient}, {key.period}"
    entries = _verified(_read_lines(home), secret)
    entry = _releasing_entry(entries, key, digest)
    now = current_bindings(home, key, read_rules(settings.EXPECTATIONS / "rules"))
    if changed := what_changed(Bindings(**entry["bindings"]), now):
        raise VerdictMissing(f"The verdict is no longer valid: {'; '.join(changed)}.", where=where, remedy=_JUDGE_AGAIN)
    results = read_results(home, key, digest, entry["evidence_sha256"])
    if results is None:
        raise VerdictMissing("The verdict's evidence is gone or has been changed.", where=where, remedy=_JUDGE_AGAIN)
    digests = _digests(entries)
    verdict = Verdict.from_entry(entry, results, chain_sha256=digests[entry["sequence"] - 1])
    settled = read_ground(home, as_of).settle(key, digest, results)
    if (settled.state, settled.sequences) != (verdict.state, verdict.decisions):
        raise VerdictMissing(
            f"The decisions that the verdict stood on no longer let it out: on {as_of} it is {settled.state}.",
            where=where,
            remedy=f"See 'samandel gate show {key.product} {key.recipient}' for who must decide; then 'samandel run'.",
        )
    return replace(verdict, grounds=settled.decisions, head=(len(digests), digests[-1]))


def _releasing_entry(entries: list[dict[str, Any]], key: CandidateKey, digest: str) -> dict[str, Any]:
    where = f"{key.product} for {key.recipient}, {key.period}"
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
    if entry["state"] not in GOES_OUT:
        failed = ", ".join(result["rule"] for result in entry["results"] if result["status"] == FAILED)
        raise VerdictMissing(
            f"The gate has {entry['state']} this candidate ({failed}).",
            where=where,
            remedy=f"Look at 'samandel gate show {key.product} {key.recipient}', mend the cause, and run again.",
        )
    return entry
