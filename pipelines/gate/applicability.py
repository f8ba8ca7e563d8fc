"""Where each rule applies: the matrix rule × product × recipient.

Belongs here: reading ``expectations/applicability.csv`` and a home's own rows on top of it. Not here: what a rule is
(rules.py). A pair of rule and product that the matrix does not name is an error, never a pass.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pipelines.errors import ConfigurationError, ProblemsFound
from pipelines.gate.rules import SEVERITIES, Rule

COLUMNS = ("rule", "product", "recipient", "applies", "severity", "reason")
PRODUCTS = ("municipality_extract", "workshop_release", "consortium_mart")
EVERY_RECIPIENT = "*"
# A home may not weaken these for itself: what they protect is not its own.
_PROTECTED = ("PV", "DC", "TN", "PB")


@dataclass(frozen=True)
class Entry:
    """Whether a rule applies to a product and recipient, with which severity, and why (not)."""

    rule: str
    product: str
    recipient: str
    applies: bool
    severity: str
    reason: str


@dataclass(frozen=True)
class Applicability:
    """The matrix."""

    entries: tuple[Entry, ...]

    def entry(self, rule: str, product: str, recipient: str) -> Entry:
        """Return what holds for a rule, product and recipient; a row for the recipient wins, then the later row.

        Raises:
            ConfigurationError: The matrix says nothing about the pair.
        """
        found = [entry for entry in self.entries if (entry.rule, entry.product) == (rule, product)]
        own = [entry for entry in found if entry.recipient == recipient]
        general = [entry for entry in found if entry.recipient == EVERY_RECIPIENT]
        if not (own or general):
            raise ConfigurationError(
                f"The matrix does not say whether rule {rule} applies to {product} for {recipient}.",
                where="expectations/applicability.csv",
                remedy="Add a row for the pair; where the rule does not apply, say why.",
            )
        return (own or general)[-1]


def read_applicability(shipped: Path, overrides: Path | None, rules: dict[str, Rule]) -> Applicability:
    """Return the shipped matrix with a home's own rows on top.

    Args:
        shipped: The repository's ``applicability.csv``.
        overrides: A home's own file, which need not exist.
        rules: Every rule with a page.

    Raises:
        ProblemsFound: With every problem: an unknown rule, product or severity, a missing reason, a pair that is not
            named, an override that weakens a rule which protects others.
    """
    problems: list[str] = []
    entries = list(_read(shipped, rules, problems))
    named = {(entry.rule, entry.product) for entry in entries if entry.recipient == EVERY_RECIPIENT}
    problems += [
        f"{shipped.name}: nothing is said about rule {rule} and product {product}; add a row with recipient *."
        for rule in rules
        for product in PRODUCTS
        if (rule, product) not in named
    ]
    if overrides is not None and overrides.is_file():
        own = list(_read(overrides, rules, problems))
        problems += _weakened(entries, own)
        entries += own
    if problems:
        raise ProblemsFound(problems, remedy="Mend the matrix; nothing was judged.")
    return Applicability(tuple(entries))


def _read(path: Path, rules: dict[str, Rule], problems: list[str]) -> Iterable[Entry]:
    reader = csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig"), newline=""))
    if tuple(reader.fieldnames or ()) != COLUMNS:
        problems.append(f"{path.name}, row 1: the header must be {','.join(COLUMNS)}.")
        return
    for row in reader:
        where = f"{path.name}, row {reader.line_num}"
        found = _row_problems({name: (row[name] or "").strip() for name in COLUMNS}, rules)
        problems += [f"{where}: {problem}" for problem in found]
        if not found:
            severity = row["severity"].strip() or rules[row["rule"].strip()].severity
            yield Entry(
                row["rule"].strip(),
                row["product"].strip(),
                row["recipient"].strip(),
                row["applies"].strip() == "yes",
                severity,
                row["reason"].strip(),
            )


def _row_problems(row: dict[str, str], rules: dict[str, Rule]) -> list[str]:
    checks = (
        (row["rule"] not in rules, f"rule '{row['rule']}' has no page in expectations/rules/."),
        (row["product"] not in PRODUCTS, f"product '{row['product']}' is not one of {', '.join(PRODUCTS)}."),
        (not row["recipient"], "recipient is empty; write * for every recipient."),
        (row["applies"] not in ("yes", "no"), f"applies is '{row['applies']}'; write yes or no."),
        (
            row["severity"] not in ("", *SEVERITIES),
            f"severity '{row['severity']}' is not one of {', '.join(SEVERITIES)}.",
        ),
        (row["applies"] == "no" and not row["reason"], "a rule that does not apply needs a reason."),
    )
    return [problem for is_wrong, problem in checks if is_wrong]


def _weakened(shipped: list[Entry], own: list[Entry]) -> list[str]:
    default = {(entry.rule, entry.product): entry for entry in shipped if entry.recipient == EVERY_RECIPIENT}
    problems = []
    for entry in own:
        stands = default.get((entry.rule, entry.product))
        if stands is None or not stands.applies or not entry.rule.startswith(_PROTECTED):
            continue
        if not entry.applies or SEVERITIES.index(entry.severity) > SEVERITIES.index(stands.severity):
            problems.append(
                f"this home's applicability.csv: rule {entry.rule} may not be weakened for {entry.product}; "
                "it protects others than its reader."
            )
    return problems
