"""What a verdict stood on, as digests: when any of it changes, the verdict no longer holds.

Belongs here: computing them, and saying in words which one changed. Not here: storing verdicts (decisions.py).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pipelines import settings
from pipelines.candidates.products import CandidateKey
from pipelines.files import canonical_json, sha256_bytes, sha256_file
from pipelines.gate.attack.held import held_digest
from pipelines.gate.rules import Rule
from pipelines.home import CONSORTIUM, Home

ABSENT = "absent"


@dataclass(frozen=True)
class Bindings:
    """What a verdict stood on.

    Attributes:
        rule_versions: Version by rule.
        expectations_sha256: Suites, applicability (a home's own rows included) and the front matter of all rules.
        inputs_digest: What the candidate was made from.
        build_id: The warehouse that it was held against.
        registers_delivery_id: The last landed delivery of registers and settings.
        settings_sha256: The registers and consortium.yaml as they lay when judged.
        code_sha256: Every module of pipelines/.
        lock_sha256: The locked versions of all libraries.
        held_sha256: The releases that the recipient holds beside the candidate.
    """

    rule_versions: Mapping[str, str]
    expectations_sha256: str
    inputs_digest: str
    build_id: str
    registers_delivery_id: str
    settings_sha256: str
    code_sha256: str
    lock_sha256: str
    held_sha256: str = ABSENT

    def as_dict(self) -> dict[str, Any]:
        """Return the bindings as plain values."""
        return {**asdict(self), "rule_versions": dict(self.rule_versions)}


_IN_WORDS = {
    "expectations_sha256": "the suites, the applicability or a rule's settings have changed",
    "inputs_digest": "the candidate's inputs have changed",
    "build_id": "the warehouse has been built again",
    "registers_delivery_id": "registers or settings have been delivered",
    "settings_sha256": "the registers or consortium.yaml have changed",
    "code_sha256": "the code has changed",
    "lock_sha256": "the locked library versions have changed",
    "held_sha256": "the recipient has got another release since",
}


def current_bindings(home: Home, key: CandidateKey, rules: Mapping[str, Rule]) -> Bindings:
    """Return what a verdict given now would stand on."""
    return Bindings(
        rule_versions={rule: rules[rule].version for rule in sorted(rules)},
        expectations_sha256=_expectations_digest(home, rules),
        inputs_digest=_stated(home.candidates / key.product / f"{key.recipient}.inputs.json", "inputs_digest"),
        build_id=_stated(home.warehouse / "current.json", "build_id"),
        registers_delivery_id=_registers_delivery(home),
        settings_sha256=_digest_of([home.consortium_file, *sorted(home.registers.glob("*.csv"))], home.path),
        code_sha256=_code_digest(),
        lock_sha256=sha256_file(settings.LOCK_FILE) if settings.LOCK_FILE.is_file() else ABSENT,
        held_sha256=held_digest(home, key),
    )


def what_changed(then: Bindings, now: Bindings) -> list[str]:
    """Return in words what has changed since a verdict; empty when it still stands."""
    changed = []
    for rule in sorted({*then.rule_versions, *now.rule_versions}):
        before, after = then.rule_versions.get(rule), now.rule_versions.get(rule)
        if before != after:
            changed.append(f"rule {rule} is now version {after or 'none'}, it was judged under {before or 'none'}")
    changed += [words for name, words in _IN_WORDS.items() if getattr(then, name) != getattr(now, name)]
    return changed


def _expectations_digest(home: Home, rules: Mapping[str, Rule]) -> str:
    """Prose on a rule's page may be mended without judging anew; its severity and limits may not."""
    files = [*sorted(settings.EXPECTATIONS.glob("*.yml")), settings.EXPECTATIONS / "applicability.csv"]
    own = home.path / "expectations" / "applicability.csv"
    facts = {
        "rules": {name: [rule.severity, dict(rule.parameters)] for name, rule in rules.items()},
        "shipped": {path.name: sha256_file(path) for path in files},
        "own": sha256_file(own) if own.is_file() else ABSENT,
    }
    return sha256_bytes(canonical_json(facts).encode())


def _registers_delivery(home: Home) -> str:
    from pipelines.landing.store import read_receipts

    receipts = [receipt for receipt in read_receipts(home, CONSORTIUM) if receipt.source == "registers"]
    return receipts[-1].delivery_id if receipts else ABSENT


def _code_digest() -> str:
    package = settings.PROJECT_ROOT / "pipelines"
    return _digest_of(sorted(package.rglob("*.py")), package)


def _digest_of(paths: list[Path], root: Path) -> str:
    lines = [f"{sha256_file(path)}  {path.relative_to(root).as_posix()}\n" for path in paths]
    return sha256_bytes("".join(lines).encode())


def _stated(path: Path, name: str) -> str:
    """Return a fact of a small JSON file; ABSENT where the file or the fact is not there."""
    if not path.is_file():
        return ABSENT
    return str(json.loads(path.read_text(encoding="utf-8")).get(name, ABSENT))
