"""Fetch units of the company register into a source's folder, from which they are taken like anything dropped there.

Belongs here: resuming, one drop out of many answers, remembering who was asked for and when. Not here: the interface
(brreg_api.py), which numbers are wanted (parsing/brreg_wanted.py), making deliveries (inbox.py).

Everything lies in ``inbox/.fetched/<owner>/<source>/``: ``answers/`` (what was answered since the last drop) and
``memory.json`` (who was asked for when, and since when changes are to be followed). It is safe to be killed anywhere:
(1) each answer is kept as it comes, and not asked for again; (2) all answers become one file in the source's folder, by
rename; (3) memory is written; (4) the answers are removed. A kill after (2) makes the same file once more, which lands
as a duplicate.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from pipelines.errors import ConfigurationError
from pipelines.files import canonical_json, pretty_json, sha256_bytes, write_atomically
from pipelines.home import Home, Source
from pipelines.landing.brreg_api import SUB_UNITS, UNITS, RegisterApi
from pipelines.landing.no_links import source_folder
from pipelines.settings import Clock

FETCHED = ".fetched"
_ANSWERS_HOLD_DAYS = 7


@dataclass
class Memory:
    """What was asked for.

    Attributes:
        asked: By number, the day on which it was last asked for, known to the register or not.
        unknown: Which of these the register has never had.
        followed: Up to when changes were followed; None before the first fetch.
    """

    asked: dict[str, date] = field(default_factory=dict)
    unknown: set[str] = field(default_factory=set)
    followed: datetime | None = None


@dataclass(frozen=True)
class Fetched:
    """What a fetch came to.

    Attributes:
        asked: Numbers that were asked for, those of an earlier fetch that was cut included.
        found: How many of them are units, deleted ones included.
        deleted: How many of these are deleted.
        unknown: Numbers that the register has never had.
        requests: How many requests were made.
        drop: The file that was laid in the source's folder; None where nothing was found.
    """

    asked: int
    found: int
    deleted: int
    unknown: tuple[str, ...]
    requests: int
    drop: Path | None


def read_memory(home: Home, source: Source) -> Memory:
    """Return what was asked for so far.

    Raises:
        ConfigurationError: It cannot be read.
    """
    path = _folder(home, source) / "memory.json"
    if not path.is_file():
        return Memory()
    try:
        document = json.loads(path.read_bytes())
        return Memory(
            {str(org_no): date.fromisoformat(day) for org_no, day in document["asked"].items()},
            set(document["unknown"]),
            datetime.fromisoformat(document["followed"]) if document["followed"] else None,
        )
    except (ValueError, TypeError, KeyError, AttributeError):
        raise ConfigurationError(
            "What is remembered of the company register cannot be read.",
            where=str(path),
            remedy="Restore it from a backup, or remove it: everything is asked for again then.",
        ) from None


def changed_units(api: RegisterApi, memory: Memory) -> set[str]:
    """Return the numbers of units that the register says have changed since the last fetch; none before the first.

    Raises:
        SourceUnreachable: The register does not answer.
    """
    if memory.followed is None:
        return set()
    since = memory.followed
    return {org_no for kind in (UNITS, SUB_UNITS) for org_no in api.changes(kind, since)}


def fetch_units(
    home: Home,
    source: Source,
    clock: Clock,
    wanted: Iterable[str],
    api: RegisterApi,
    progress: Callable[[int, int], None] = lambda done, all_of_them: None,
) -> Fetched:
    """Ask for units and lay them in the source's folder as one file; what an earlier fetch was answered is used.

    Raises:
        SourceUnreachable: The register does not answer. What it has answered is kept for the next fetch.
    """
    answers = _folder(home, source) / "answers"
    answered = _read_answers(answers, clock.as_of)
    missing = sorted(set(wanted) - answered.keys())
    total = len(answered) + len(missing)
    progress(len(answered), total)
    for batch, units in api.units(missing):
        by_number = {unit["organisasjonsnummer"]: unit for unit in units}
        answer = {org_no: by_number.get(org_no) for org_no in batch}
        document = {"day": clock.as_of.isoformat(), "units": answer}
        write_atomically(answers / f"{sha256_bytes(canonical_json(list(batch)).encode())[:40]}.json", _json(document))
        answered |= answer  # (1)
        progress(len(answered), total)
    found = [unit for _, unit in sorted(answered.items()) if unit is not None]
    unknown = tuple(sorted(org_no for org_no, unit in answered.items() if unit is None))
    drop = _lay_down(home, source, clock.as_of, found) if found else None
    _remember(home, source, clock, answered.keys(), unknown)
    _remove(answers)
    deleted = sum("slettedato" in unit for unit in found)
    return Fetched(len(answered), len(found), deleted, unknown, api.requests, drop)


def _folder(home: Home, source: Source) -> Path:
    return home.inbox / FETCHED / source.owner / source.name


def _json(value: Any) -> bytes:
    return pretty_json(value).encode()


def _read_answers(folder: Path, today: date) -> dict[str, dict[str, Any] | None]:
    """Return what was answered since the last drop; what is too old, or half a file, is asked for again."""
    answered: dict[str, dict[str, Any] | None] = {}
    for path in sorted(folder.glob("*.json")) if folder.is_dir() else []:
        try:
            document = json.loads(path.read_bytes())
            is_current = date.fromisoformat(document["day"]) >= today - timedelta(days=_ANSWERS_HOLD_DAYS)
            units = dict(document["units"])
        except (OSError, ValueError, TypeError, KeyError):
            is_current, units = False, {}
        if is_current:
            answered |= units
        else:
            path.unlink(missing_ok=True)
    return answered


def _lay_down(home: Home, source: Source, today: date, units: list[dict[str, Any]]) -> Path:
    """(2): write all units as one file that no other has the name of."""
    folder = source_folder(home, source)
    folder.mkdir(parents=True, exist_ok=True)
    path, number = folder / f"brreg-{today.isoformat()}.json", 1
    while path.exists():
        number += 1
        path = folder / f"brreg-{today.isoformat()}-{number}.json"
    write_atomically(path, _json(units))
    return path


def _remember(home: Home, source: Source, clock: Clock, asked: Iterable[str], unknown: Iterable[str]) -> None:
    """(3)."""
    memory = read_memory(home, source)
    asked = set(asked)
    memory.asked |= dict.fromkeys(asked, clock.as_of)
    memory.unknown = (memory.unknown - asked) | set(unknown)
    document = {
        "asked": {org_no: day.isoformat() for org_no, day in memory.asked.items()},
        "unknown": sorted(memory.unknown),
        "followed": clock.now.astimezone(UTC).isoformat(),
    }
    write_atomically(_folder(home, source) / "memory.json", _json(document))


def _remove(answers: Path) -> None:
    """(4)."""
    for path in answers.glob("*.json") if answers.is_dir() else []:
        path.unlink(missing_ok=True)
