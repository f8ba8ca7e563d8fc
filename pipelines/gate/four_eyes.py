"""Four eyes (PB04): what two persons approve together before a product goes out, and whether they have.

Belongs here: the terms of a product as digests, who may sign them and has, the answer of PB04. Not here: signing them
(deciding.py).

The terms are of the product and its parameters, not of a recipient: the first release, and each change of what is
listed in ``IN_WORDS``, needs two approvers with a key each. Registers and lists count by what they say, not by how it
is written.

Who may sign is a term too, of all products: a register of approvers that has changed is approved by those who stood on
the one that two persons approved before, so that nobody makes approvers of himself by writing there. Until two have
approved a register, whoever stands in it may.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pipelines import settings
from pipelines.candidates.products import PRODUCTS
from pipelines.files import canonical_json, sha256_bytes, sha256_file
from pipelines.gate.applicability import Applicability
from pipelines.gate.approvers import REGISTER, Approvers
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


def _who_may_sign(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the digest of a register of approvers, and the keys in it."""
    return " ".join([_rows_digest([rows]), *sorted({str(row["public_key"]) for row in rows})])


def keys_before(every: Iterable[Decision], approvers: Approvers) -> frozenset[str] | None:
    """Return the keys in the last register of approvers that two persons have approved; None where none was.

    Whoever signs with another key signs for nothing until a register with that key has been approved.
    """
    standing, signed = "", dict[str, dict[str, str]]()
    for decision in every:
        named = decision.terms.get(_APPROVERS, "")
        if named and (not standing or decision.public_key in _keys_in(standing)):
            by = signed.setdefault(named, {})
            by.setdefault(approvers.person_of(decision.decided_by), decision.public_key)
            if len(set(by.values())) >= NEEDED:
                standing, signed = named, {}
    return _keys_in(standing) if standing else None


def _keys_in(named: str) -> frozenset[str]:
    return frozenset(named.split(" ")[1:])


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
    before: frozenset[str] | None = None,
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
    found: dict[str, Decision] = {}
    for decision in counting:
        is_about_them = (decision.action, decision.product, decision.recipient) == (APPROVE, product, EVERYBODY)
        may_sign = before is None or decision.public_key in before
        is_new_key = all(decision.public_key != other.public_key for other in found.values())
        if is_about_them and may_sign and dict(decision.terms) == dict(terms) and is_new_key:
            found.setdefault(approvers.person_of(decision.decided_by), decision)
    return list(found.values())


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
