"""What a run has to do: owners with something new, candidates that are not yet settled.

Belongs here: deciding that, without doing any of it, so that a run with nothing new ends at once. Not here: doing it
(assets/), launching it (orchestrate.py).

An owner is due when something waits in an inbox, or when anything that its parsed tables depend on is not as it was
after its last ingest: settings, registers, the parsers themselves, receipts, decisions on deliveries, parsed files.
A
candidate is settled when it would be made of the same bytes again, the gate's verdict on them stands, and, if approved,
they are published.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from pipelines import settings
from pipelines.candidates.make import candidate_folder
from pipelines.candidates.make import is_current as is_candidate_current
from pipelines.candidates.products import CandidateKey
from pipelines.files import canonical_json, folder_digest, pretty_json, sha256_bytes, sha256_file, write_atomically
from pipelines.gate.bindings import current_bindings
from pipelines.gate.decisions import is_as_decided, standing_verdict
from pipelines.gate.rules import Rule, read_rules
from pipelines.gate.settled import Ground, read_ground
from pipelines.gate.verdict import GOES_OUT, Verdict
from pipelines.home import CONSORTIUM, Home
from pipelines.landing.decisions import DECISIONS
from pipelines.landing.inbox import waiting_drops
from pipelines.municipalities import all_municipality_nos
from pipelines.parsing.store import stored_key
from pipelines.publishing.store import read_current

_LOOKS_AT_ONCE = 8
_ROOT_MODULES = (
    "contract_profile.py",
    "files.py",
    "limits.py",
    "mask.py",
    "municipalities.py",
    "person_names.py",
    "prepared.py",
    "register_forms.py",
    "registers.py",
    "registers_nb.py",
    "scanner.py",
    "tables.py",
)


def owner_keys(home: Home, registers: Mapping[str, list[dict[str, Any]]]) -> list[str]:
    """Return every owner of deliveries, the consortium itself first."""
    owners = {*all_municipality_nos(registers), *(source.owner for source in home.consortium.sources)}
    return [CONSORTIUM, *sorted(owners - {CONSORTIUM})]


def waiting_by_owner(home: Home) -> dict[str, list[str]]:
    """Return what lies in each owner's inboxes and on its servers, by owner; owners with nothing are left out.

    Servers are looked at side by side: a slow one holds up no other.
    """
    sources = home.consortium.sources
    with ThreadPoolExecutor(_LOOKS_AT_ONCE) as looks:
        found = list(looks.map(lambda source: waiting_drops(home, source), sources))
    waiting: dict[str, list[str]] = {}
    for source, drops in zip(sources, found, strict=True):
        if drops:
            waiting.setdefault(source.owner, []).extend(f"{source.name}/{drop}" for drop in drops)
    return waiting


def due_owners(home: Home, owners: Iterable[str]) -> list[str]:
    """Return the owners whose deliveries must be taken or parsed, in the order given."""
    waiting, ingested, common = waiting_by_owner(home), _read_ingested(home), _common_facts(home)
    return [owner for owner in owners if owner in waiting or ingested.get(owner) != _fingerprint(home, owner, common)]


def remember_ingested(home: Home, owners: Collection[str]) -> None:
    """Note how owners stand after an ingest that went well for them.

    An owner of whose deliveries one could not be parsed at all is left out: the next run tries again.
    """
    common = _common_facts(home)
    done = {owner: _fingerprint(home, owner, common) for owner in owners if _is_all_parsed(home, owner)}
    others = {owner: state for owner, state in _read_ingested(home).items() if owner not in owners}
    write_atomically(_ingested_file(home), pretty_json({**others, **done}).encode())


def unsettled_keys(home: Home, keys: Iterable[CandidateKey], as_of: date) -> list[CandidateKey]:
    """Return the candidates for which making, judging and publishing again on a day would change something."""
    listed = list(keys)
    if not listed:
        return []
    rules, ground = read_rules(settings.EXPECTATIONS / "rules"), read_ground(home, as_of)
    return [key for key in listed if not _is_settled(home, key, rules, ground)]


def unjudged_keys(home: Home, keys: Iterable[CandidateKey]) -> list[CandidateKey]:
    """Return the candidates of which no verdict stands: they would be made of other bytes, or judged by other rules."""
    rules = read_rules(settings.EXPECTATIONS / "rules")
    return [key for key in keys if _standing(home, key, rules) is None]


def _standing(home: Home, key: CandidateKey, rules: Mapping[str, Rule]) -> Verdict | None:
    if not is_candidate_current(home, key):
        return None
    digest = folder_digest(candidate_folder(home, key))
    return standing_verdict(home, key, digest, current_bindings(home, key, rules))


def _is_settled(home: Home, key: CandidateKey, rules: Mapping[str, Rule], ground: Ground) -> bool:
    verdict = _standing(home, key, rules)
    if verdict is None or not is_as_decided(verdict, ground):
        return False
    return verdict.state not in GOES_OUT or (read_current(home, key) or {}).get("digest") == verdict.candidate_sha256


def _ingested_file(home: Home) -> Path:
    return home.parsed / ".ingested.json"


def _read_ingested(home: Home) -> dict[str, str]:
    path = _ingested_file(home)
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else {}


def _common_facts(home: Home) -> list[str]:
    """Return the digests of what every owner's parsed tables depend on: settings, own profiles, parsers."""
    profiles = {home.path / source.profile for source in home.consortium.sources if source.profile}
    files = [home.consortium_file, *home.registers.glob("*.csv"), *(path for path in profiles if path.is_file())]
    # A decision on one member's ledger may let go of another's, or hold it.
    files += home.landing.glob(f"*/*/{DECISIONS}/*.json")
    return [*(f"{sha256_file(path)} {path.relative_to(home.path)}" for path in sorted(files)), _parser_digest()]


@cache
def _parser_digest() -> str:
    package = settings.PROJECT_ROOT / "pipelines"
    files = [
        *_code_of(package / "landing"),
        *_code_of(package / "parsing"),
        *(package / name for name in _ROOT_MODULES),
    ]
    return sha256_bytes("\n".join(f"{sha256_file(path)} {path.name}" for path in files).encode())


def _code_of(folder: Path) -> Iterator[Path]:
    yield from sorted(path for path in folder.rglob("*") if path.suffix in (".py", ".yml"))


def _fingerprint(home: Home, owner: str, common: list[str]) -> str:
    receipts = sorted(
        f"{path.parent.parent.name}/{path.name}" for path in home.landing.glob(f"{owner}/*/receipts/*.json")
    )
    parsed = sorted(path.name for path in _outcome_files(home, owner))
    return sha256_bytes(canonical_json([common, receipts, parsed]).encode())


def _outcome_files(home: Home, owner: str) -> Iterator[Path]:
    yield from (home.parsed / "outcomes" / f"municipality_no={owner}").glob("*.parquet")


def _is_all_parsed(home: Home, owner: str) -> bool:
    return all(stored_key(home, owner, path.stem) is not None for path in _outcome_files(home, owner))
