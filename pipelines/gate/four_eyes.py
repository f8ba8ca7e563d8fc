"""Four eyes (PB04): what two persons approve together before a product goes out, and whether they have.

Belongs here: the terms of a product as digests, who may sign them and has, the answer of PB04. Not here: signing them
(deciding.py).

The terms are of the product and its parameters, not of a recipient: the first release, and each change of what is
listed in ``IN_WORDS``, needs two approvers with a key each. Registers and lists count by what they say, not by how it
is written.

Who may sign is a term too, of all products: a register of approvers that has changed is approved by those who stood on
the one that two persons approved before, with keys that held there on the day. So nobody makes approvers of himself by
writing there. Until two have approved a register, whoever stands in it may. A key is for ever that of the person with
whom it was first approved, and of whoever has it now: another name on a row makes nobody a second person.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipelines import settings
from pipelines.candidates.products import PRODUCTS
from pipelines.files import canonical_json, sha256_bytes, sha256_file
from pipelines.gate.applicability import Applicability
from pipelines.gate.approvers import REGISTER, Approvers, full_name
from pipelines.gate.decision import APPROVE, EVERYBODY, Decision
from pipelines.gate.rules import Finding, Rule
from pipelines.reference import seed_rows

RULE, NEEDED = "PB04", 2
_APPROVERS = "approvers"
Registers = Mapping[str, list[dict[str, Any]]]
IN_WORDS = {
    "version": "the product's version",
    "parameters": "the rules, their limits or where they apply",
    "suite": "the product's suite",
    "limits": "the members' own purchasing limits",
    "national_limits": "the national purchasing limits",
    "ownership": "the ownership of workshops",
    "contracts": "the contracts",
    _APPROVERS: "who may approve",
}
_REGISTERS = {
    "limits": ("local_limits",),
    "ownership": ("workshop_owners",),
    "contracts": ("contracts", "contract_members"),
}


# The dated list of limits that figures and shares read, and what of it may be mended freely: where a row was read.
_NATIONAL, _WHERE_READ = "thresholds", "source"


def terms_of(
    product: str, rules: Mapping[str, Rule], applicability: Applicability, registers: Registers
) -> dict[str, str]:
    """Return the terms of a product as they stand, each as a digest."""
    national = [{name: row[name] for name in row.keys() - {_WHERE_READ}} for row in seed_rows(_NATIONAL)]
    asked = [entry for entry in applicability.entries if entry.product == product]
    applying = {entry.rule for entry in asked if entry.applies}
    parameters = {
        "rules": {name: [rules[name].severity, dict(rules[name].parameters)] for name in sorted(applying)},
        "matrix": sorted([entry.rule, entry.recipient, entry.applies, entry.severity] for entry in asked),
    }
    return {
        "version": PRODUCTS[product].version,
        "parameters": sha256_bytes(canonical_json(parameters).encode()),
        "suite": sha256_file(settings.EXPECTATIONS / f"{product}.yml"),
        "national_limits": _rows_digest([national]),
        _APPROVERS: _who_may_sign(registers.get(REGISTER, [])),
        **{name: _rows_digest(registers.get(register, []) for register in of) for name, of in _REGISTERS.items()},
    }


@dataclass(frozen=True)
class ApprovedKey:
    """A key in a register of approvers that two persons have approved.

    Attributes:
        person: Whose it was when it was first approved: the digest of the full name.
        until: The last day on which it held there, ISO; empty where it had none.
    """

    person: str
    until: str

    def holds_at(self, moment: str) -> bool:
        """Return whether it held at a moment, ISO."""
        return not self.until or moment[: len(self.until)] <= self.until


def _who_may_sign(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the digest of a register of approvers, and each key in it with whose it is and until when."""
    keys = {f"{row['public_key']}:{_person(full_name(row))}:{row.get('valid_to') or ''}" for row in rows}
    return " ".join([_rows_digest([rows]), *sorted(keys)])


def _keys_in(named: str) -> dict[str, ApprovedKey]:
    found = {}
    for told in named.split(" ")[1:]:
        key, _, rest = told.partition(":")
        person, _, until = rest.partition(":")
        found[key] = ApprovedKey(person, until)
    return found


def _person(name: str) -> str:
    return sha256_bytes(name.encode())[:16]


def keys_before(every: Iterable[Decision], approvers: Approvers) -> dict[str, ApprovedKey] | None:
    """Return the keys in the last register of approvers that two persons have approved; None where none was.

    Whoever signs with another key signs for nothing until a register with that key has been approved.
    """
    standing: dict[str, ApprovedKey] | None = None
    first: dict[str, str] = {}
    signed: dict[str, list[Decision]] = {}
    for decision in every:
        named = decision.terms.get(_APPROVERS, "")
        if named:
            there = _keys_in(named) if standing is None else standing
            by = signed.setdefault(named, [])
            by += _new_person(decision, by, approvers, there)
            if len(by) >= NEEDED:
                keys = _keys_in(named)
                standing = {one: ApprovedKey(first.setdefault(one, key.person), key.until) for one, key in keys.items()}
                signed = {}
    return standing


def _new_person(
    decision: Decision, signed: Iterable[Decision], approvers: Approvers, there: Mapping[str, ApprovedKey] | None
) -> list[Decision]:
    """Return the decision where its key may sign and is none of a person who has signed, by then or by now."""
    key = decision.public_key
    if there is not None and (key not in there or not there[key].holds_at(decision.decided_at)):
        return []

    def persons(one: Decision) -> set[str]:
        by_then = {there[one.public_key].person} if there is not None and one.public_key in there else set[str]()
        return by_then | {_person(approvers.person_of(one.decided_by))}

    return [decision] if all(key != one.public_key and not persons(decision) & persons(one) for one in signed) else []


def _rows_digest(registers: Iterable[Sequence[Mapping[str, Any]]]) -> str:
    told = [
        sorted(
            canonical_json({name: str(value) for name, value in row.items() if name != "_row_no" and value is not None})
            for row in rows
        )
        for rows in registers
    ]
    return sha256_bytes(canonical_json(told).encode())


def signers(
    product: str,
    terms: Mapping[str, str],
    counting: Iterable[Decision],
    approvers: Approvers,
    before: Mapping[str, ApprovedKey] | None = None,
) -> list[Decision]:
    """Return one approval of exactly these terms for each person and key, oldest first.

    Two ids with one full name are one person, however many keys it has.

    Args:
        product: The product.
        terms: Its terms now.
        counting: The decisions that count on the day.
        approvers: Whose keys count.
        before: The keys that may sign, by ``keys_before``; None where all may.
    """
    found: list[Decision] = []
    for decision in counting:
        is_about_them = (decision.action, decision.product, decision.recipient) == (APPROVE, product, EVERYBODY)
        if is_about_them and dict(decision.terms) == dict(terms):
            found += _new_person(decision, found, approvers, before)
    return found


def answer_four_eyes(
    product: str, terms: Mapping[str, str], signed: Sequence[Decision], every: Sequence[Decision]
) -> Finding:
    """PB04: return how many of the two persons have not approved the terms as they stand.

    Args:
        product: The product.
        terms: Its terms now.
        signed: One approval of each person that counts on the day.
        every: All decisions, to say what has changed since.
    """
    by = ", ".join(f"{decision.decided_by} (until {decision.expires_on})" for decision in signed)
    if len(signed) >= NEEDED:
        return Finding(NEEDED, 0, f"Approved by {by}.", field="the product's terms")
    missing = NEEDED - len(signed)
    reason = f"{_occasion(product, terms, every)}: {missing} of {NEEDED} approvals are missing"
    return Finding(NEEDED, missing, f"{reason}; {by} approved." if by else f"{reason}.", field="the product's terms")


def _occasion(product: str, terms: Mapping[str, str], every: Sequence[Decision]) -> str:
    earlier = [one for one in every if one.terms and one.product == product]
    if not earlier:
        return "First release of the product"
    changed = changed_terms(earlier[-1].terms, terms)
    return f"Changed since it was approved: {', '.join(changed)}" if changed else "The approvals count no more"


def changed_terms(then: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Return in words which terms differ."""
    return [words for name, words in IN_WORDS.items() if then.get(name) != now.get(name)]
