"""The rules: what each page's front matter says, and what a rule answers.

Belongs here: reading ``expectations/rules/<ID>.md``, the result of a rule. Not here: where a rule applies
(applicability.py), how it is checked (the modules named after what they check).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from dataclasses import field as attribute
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from pipelines.errors import ConfigurationError
from pipelines.files import read_yaml

SEVERITIES = ("block", "hold", "warn", "info")
PASSED, FAILED, NOT_APPLICABLE = "passed", "failed", "not_applicable"
MAX_EXAMPLES = 20
_REQUIRED = ("id", "version", "severity", "title", "owner")


@dataclass(frozen=True)
class Rule:
    """A rule as its page states it; the page is the only home of these facts.

    Attributes:
        rule: Its id, such as PV03.
        version: Raised whenever the rule changes its meaning.
        severity: One of SEVERITIES, unless applicability says otherwise for a product.
        title: Five words.
        owner: Who answers for it.
        parameters: Limits, as decimal texts.
    """

    rule: str
    version: str
    severity: str
    title: str
    owner: str
    parameters: Mapping[str, str] = field(default_factory=dict)

    def parameter(self, name: str) -> Decimal:
        """Return a limit.

        Raises:
            ConfigurationError: The page does not state it, or not as a number.
        """
        try:
            return Decimal(self.parameters[name])
        except (KeyError, InvalidOperation):
            raise ConfigurationError(
                f"Rule {self.rule} states no number for '{name}'.",
                where=f"expectations/rules/{self.rule}.md, front matter, parameters",
                remedy=f"Write {name}: '<number>'.",
            ) from None


@dataclass(frozen=True)
class Finding:
    """What one check found: how much it looked at, how much was wrong, and what.

    Attributes:
        applied: How many things (rows, cells, files) were looked at; 0 is "nothing to check", never "passed".
        failed: How many of them were wrong.
        reason: Why nothing was checked, or what is wrong.
        examples: Keys of what was wrong; masked by whoever makes them where they may hold values.
        field: The table and column, or the file.
        is_tolerated: What was wrong is within the rule's limit.
        severity: Another than the matrix gives, where what was found asks for it.
    """

    applied: int
    failed: int = 0
    reason: str = ""
    examples: tuple[str, ...] = ()
    field: str = ""
    is_tolerated: bool = False
    severity: str | None = None

    @property
    def is_failing(self) -> bool:
        """Return whether more is wrong than the rule tolerates."""
        return bool(self.failed) and not self.is_tolerated


@dataclass(frozen=True)
class RuleResult:
    """What a rule answered about one candidate; ``finding_sha256`` only where it was read in short from the chain."""

    rule: str
    version: str
    severity: str
    status: str
    applied: int
    passed: int
    reason: str = ""
    examples: tuple[str, ...] = ()
    field: str = ""
    title: str = ""
    finding_sha256: str = attribute(default="", compare=False, repr=False)

    def as_dict(self) -> dict[str, Any]:
        """Return the result as plain values."""
        stated = {name: value for name, value in asdict(self).items() if name != "finding_sha256"}
        return {**stated, "examples": list(self.examples)}


def combine(findings: Iterable[Finding]) -> Finding:
    """Return several checks of one rule as one finding; what failed is told first, "nothing to check" if all say so."""
    listed = list(findings)
    failing = [finding for finding in listed if finding.is_failing]
    telling = failing or [finding for finding in listed if finding.applied == 0]
    if not failing and any(finding.applied for finding in listed):
        telling = [finding for finding in listed if finding.applied]
    return Finding(
        applied=sum(finding.applied for finding in listed),
        failed=sum(finding.failed for finding in listed),
        reason=" ".join(dict.fromkeys(finding.reason for finding in telling if finding.reason)),
        examples=tuple(example for finding in telling for example in finding.examples)[:MAX_EXAMPLES],
        field=", ".join(dict.fromkeys(finding.field for finding in telling if finding.field)),
        is_tolerated=not failing,
        severity=next((finding.severity for finding in telling if finding.severity), None),
    )


def answer(rule: Rule, severity: str, finding: Finding) -> RuleResult:
    """Return the rule's answer to a finding.

    Raises:
        ValueError: Nothing was checked and nothing says why.
    """
    if finding.is_failing:
        status = FAILED
    elif finding.applied == 0:
        status = NOT_APPLICABLE
        if not finding.reason:
            raise ValueError(f"{rule.rule} checked nothing and does not say why")
    else:
        status = PASSED
    return RuleResult(
        rule=rule.rule,
        version=rule.version,
        severity=(finding.severity or severity) if status == FAILED else severity,
        status=status,
        applied=finding.applied,
        passed=max(finding.applied - finding.failed, 0),
        reason=finding.reason,
        examples=finding.examples[:MAX_EXAMPLES],
        field=finding.field,
        title=rule.title,
    )


def not_applicable(rule: Rule, severity: str, reason: str) -> RuleResult:
    """Return the answer of a rule that the matrix keeps from this product or recipient."""
    return answer(rule, severity, Finding(applied=0, reason=reason))


def read_rules(folder: Path) -> dict[str, Rule]:
    """Return every rule that has a page, by id.

    Raises:
        ConfigurationError: A page's front matter is absent, incomplete or does not fit its file name.
    """
    rules = {path.stem: _read_page(path) for path in sorted(folder.glob("*.md"))}
    if not rules:
        raise ConfigurationError(
            "No rule has a page.", where=str(folder), remedy="Restore expectations/rules/ from the repository."
        )
    return rules


def _read_page(path: Path) -> Rule:
    import yaml

    text = path.read_text(encoding="utf-8")
    _, _, rest = text.partition("---\n")
    front, found, _ = rest.partition("\n---\n")
    try:
        stated = read_yaml(front) if text.startswith("---\n") and found else None
    except yaml.YAMLError:
        stated = None
    if not isinstance(stated, Mapping):
        raise _page_error(path, "has no front matter", f"Begin the page with --- and the keys {', '.join(_REQUIRED)}.")
    missing = [name for name in _REQUIRED if not isinstance(stated.get(name), str) or not stated[name].strip()]
    if missing:
        raise _page_error(path, f"lacks {', '.join(missing)}", "State them as quoted text in the front matter.")
    if stated["id"] != path.stem:
        raise _page_error(path, f"states the id {stated['id']}", "A page is named after its rule.")
    if stated["severity"] not in SEVERITIES:
        raise _page_error(path, f"states the severity {stated['severity']}", f"Use one of {', '.join(SEVERITIES)}.")
    parameters = {str(name): str(value) for name, value in (stated.get("parameters") or {}).items()}
    return Rule(path.stem, stated["version"], stated["severity"], stated["title"], stated["owner"], parameters)


def _page_error(path: Path, what: str, remedy: str) -> ConfigurationError:
    return ConfigurationError(f"The page of rule {path.stem} {what}.", where=str(path), remedy=remedy)
