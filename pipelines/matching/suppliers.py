"""Which units of the company register each supplier's name is most like.

Belongs here: which pairs of a name and a unit are worth a look, their scores, and keeping what was scored before. Not
here: likeness itself (names.py), reading and writing (match.py).

(1) A pair is looked at where a telling word of one and of the other, or the names without spaces, begin alike: the
    same six letters (eight), but for one too many or one too few; and where the names' letters are alike enough for a
    second look (LEAST_RATIO, word by word or without spaces). Whether a pair is looked at depends on it alone.
(2) Persons' names are given no candidates, and persons' enterprises (ENK) and sub-units are none: what only a name
    says, it never says of a person.
(3) At most MOST_CANDIDATES units a name, none below LEAST_SCORE; the best first, then by number.
(4) A name scored before is scored again only where a name of a unit that it was like is gone, and against nothing but
    new names of units else: the result is that of scoring everything anew.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path

from pipelines.files import sha256_bytes, sha256_file
from pipelines.matching.names import folded, likeness, name_kind, telling_words, weight_of
from pipelines.settings import PROJECT_ROOT

MOST_CANDIDATES = 5
LEAST_SCORE = 0.75
LEAST_RATIO = 65
_BEGINNING, _COMPACT_BEGINNING, _LEAST_LETTERS = 6, 8, 3
_CODE = ("matching/names.py", "matching/suppliers.py", "person_names.py")

# A unit's number and one of its names.
RegisterName = tuple[str, str]
# By name: its candidates as (unit, score), the best first.
Candidates = dict[str, list[tuple[str, float]]]


@cache
def model_version() -> str:
    """Return the digest of the code that gives scores."""
    from importlib.metadata import version

    package = PROJECT_ROOT / "pipelines"
    lines = [f"{sha256_file(package / Path(name))} {name}" for name in _CODE]
    return sha256_bytes("\n".join([*lines, f"rapidfuzz {version('rapidfuzz')}"]).encode())[:16]


def score_names(
    names: Collection[str],
    register: Collection[RegisterName],
    known: Mapping[str, list[tuple[str, float]]],
    known_register: Collection[RegisterName],
) -> tuple[Candidates, int]:
    """Return the candidates of every name, and how many names were scored against the whole register.

    Args:
        names: Every name that is wanted, each once.
        register: Every name of every unit that may be a candidate.
        known: What an earlier call with the same code returned; its names only.
        known_register: The ``register`` of that call.
    """
    gone, new = set(known_register) - set(register), set(register) - set(known_register)
    gone_units = {org_no for org_no, _ in gone}
    kept = {
        name: list(known[name])
        for name in names
        if name in known and not any(org_no in gone_units for org_no, _ in known[name])
    }
    fresh = [name for name in names if name not in kept]
    found = _best_scores(fresh, register)
    for name, scores in _best_scores(kept, new).items():
        for org_no, score in kept[name]:
            scores[org_no] = max(score, scores.get(org_no, 0.0))
        found[name] = scores
    result = {name: kept.get(name, []) for name in names}
    result.update((name, _placed(scores)) for name, scores in found.items())
    return result, len(fresh)


def _placed(scores: Mapping[str, float]) -> list[tuple[str, float]]:
    """(3) Return the best, in order."""
    return sorted(scores.items(), key=lambda entry: (-entry[1], entry[0]))[:MOST_CANDIDATES]


def _best_scores(names: Iterable[str], register: Iterable[RegisterName]) -> dict[str, dict[str, float]]:
    """Return the score of each name and unit that are alike; of several names of a unit the best counts."""
    comparable: dict[str, list[str]] = {}
    for name in names:
        if name_kind(name) in ("company", "unsure"):  # (2)
            comparable.setdefault(folded(name), []).append(name)
    by_beginning: dict[str, list[str]] = {}
    for text in comparable:
        for beginning in beginnings(text):
            by_beginning.setdefault(beginning, []).append(text)
    found: dict[str, dict[str, float]] = {}
    for org_no, registered in register if by_beginning else ():
        other = folded(registered)
        texts = {text for beginning in beginnings(other) for text in by_beginning.get(beginning, ())}
        for text in texts:
            score = likeness(text, other) if _is_worth_a_look(text, other) else 0.0
            if score < LEAST_SCORE:
                continue
            for name in comparable[text]:
                scores = found.setdefault(name, {})
                scores[org_no] = max(score, scores.get(org_no, 0.0))
    return found


def _is_worth_a_look(text: str, other: str) -> bool:
    from rapidfuzz.fuzz import ratio, token_ratio

    return bool(
        token_ratio(text, other, score_cutoff=LEAST_RATIO)
        or ratio(text.replace(" ", ""), other.replace(" ", ""), score_cutoff=LEAST_RATIO)
    )


def beginnings(text: str) -> set[str]:
    """Return what a folded name begins with, word by word and without spaces, and each less one letter (1)."""
    words = telling_words(text.split())
    if not words:
        return set()
    telling = [word for word in words if weight_of(word) == 1.0 and len(word) >= _LEAST_LETTERS] or words
    found = {part for word in telling for part in _less_a_letter(word[:_BEGINNING])}
    return found | {f"={part}" for part in _less_a_letter("".join(words)[:_COMPACT_BEGINNING])}


def _less_a_letter(text: str) -> Iterator[str]:
    yield text
    if len(text) > _LEAST_LETTERS:
        yield from (text[:position] + text[position + 1 :] for position in range(len(text)))
