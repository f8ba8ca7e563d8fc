"""The facts of the gate and its releases as rows: what it answered, what left, what that withheld and how long it took.

Belongs here: the tables, and turning records (decisions, evidence, manifests) into their rows, without reading any.
Not here: reading the records and keeping the rows in a file (facts_file.py).

(1) Days run from the first verdict on what became a release, after the release before it and on other bytes than its,
    to its publication: both are dates that the records hold. Where they run backwards there is no figure.
(2) What cannot be read or is not vouched for by the gate's chain gives ``insufficient``, never a zero. A count of no
    waivers is a zero: the whole chain was read.
(3) A figure over all recipients of a period is of current releases for K31, of all releases for the days.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from functools import cached_property
from typing import Any

from pipelines.candidates.products import PRODUCTS, CandidateKey
from pipelines.publishing.listing import PUBLISHED
from pipelines.tables import Column, Table

Row = dict[str, Any]
ALL = "all"
OK, LOW, INSUFFICIENT = "ok", "low_coverage", "insufficient"
SUPPRESSION_RATE, VALUE_WITHHELD = "suppression_rate", "value_withheld"
LEAD_TIME, WAIVERS, RECALLS = "gate_lead_time", "waiver_count", "recall_count"
_EVERYBODY = "*"  # in a decision that is of no single recipient
_KEYS = {SUPPRESSION_RATE: "K31", VALUE_WITHHELD: "K31", LEAD_TIME: "K32", WAIVERS: "K32", RECALLS: "K32"}
_SECONDS_OF_A_DAY = Decimal(86400)
_LOW_BELOW = Decimal("0.9")  # as in fct_kpis
_SIX = Decimal("0.000001")

_PRODUCT = Column("product", "text", "The product.", required=True)
_RECIPIENT = Column("recipient", "text", "Municipality number, or the workshop's organisation number.", required=True)
_PERIOD = Column("period", "text", "Publication month (YYYY-MM), the last one that the content covers.", required=True)

QUALITY_RESULTS = Table(
    name="fct_quality_results",
    description=(
        "What each rule answered in each verdict of the gate on a candidate, whether it was released or not. What "
        "intake found in single deliveries stands in fct_outcomes and fct_rejects."
    ),
    key=("decision_sequence", "rule"),
    columns=(
        _PRODUCT,
        _RECIPIENT,
        _PERIOD,
        Column("candidate_sha256", "text", "Digest of the bytes that were judged."),
        Column("verdict_state", "text", "What the gate said in all: approved, held, blocked and so on."),
        Column("rule", "text", "Rule id; its page is expectations/rules/<rule>.md."),
        Column("rule_version", "text", "The rule's version."),
        Column("severity", "text", "What a failure does: block, hold, warn or info."),
        Column("status", "text", "passed, failed or not_applicable."),
        Column("reason", "text", "The answer in words; empty where the evidence is gone, or was written anew later."),
        Column("decision_sequence", "integer", "Line of the verdict in gate/decisions.jsonl."),
        Column("applied", "integer", "How many rows, cells or files the rule looked at."),
        Column("passed", "integer", "How many of them passed."),
        Column("is_latest", "boolean", "No later verdict is on the same product, recipient and period."),
        Column("decided_at", "timestamp", "When the verdict was given, by the run's clock."),
    ),
)

RELEASES = Table(
    name="fct_releases",
    description="Every release that is or was current, as its manifest states it.",
    key=("product", "recipient", "release_id"),
    columns=(
        _PRODUCT,
        _RECIPIENT,
        _PERIOD,
        Column("release_id", "text", "<period>-r<revision>."),
        Column("product_version", "text", "The product's version."),
        Column("state", "text", "current, superseded, recalled, or damaged: its manifest cannot be read."),
        Column("supersedes", "text", "The release that it took the place of."),
        Column("digest", "text", "Digest of the candidate that was released."),
        Column("build_id", "text", "The build of the warehouse that it was made from; 'samandel diff' compares two."),
        Column("first_month", "text", "First month (YYYY-MM) that it may cover."),
        Column("last_month", "text", "Last month (YYYY-MM) that it may cover."),
        Column("place", "text", "Its folder, relative to the home."),
        Column("revision", "integer", "1 for the first of the period."),
        Column("decision_sequence", "integer", "Line in gate/decisions.jsonl of the verdict that it left with."),
        Column("municipalities", "integer", "Municipalities that it has months of."),
        Column("months", "integer", "Months that it has rows of somebody for."),
        Column("rows", "integer", "Rows in all of its tables."),
        Column("files", "integer", "Files, its manifest and checksums apart."),
        Column("waivers", "integer", "Waivers that it left with."),
        Column("decided_at", "timestamp", "When its verdict was given, by the run's clock."),
        Column("published_at", "timestamp", "When it was published, by the run's clock."),
    ),
)

RELEASE_METRICS = Table(
    name="fct_release_metrics",
    description=(
        "K31 (what releases withhold) and K32 (the gate's days, waivers, recalls), with the columns of fct_kpis where "
        "they are the same; all where a figure is over all. Of K31 the same cell counts once for each recipient."
    ),
    key=("measure", "product", "recipient", "period", "release_id"),
    columns=(
        Column("kpi_key", "text", "K31 or K32 (dim_kpis)."),
        Column("measure", "text", "Which of the key's measures."),
        _PRODUCT,
        Column("recipient", "text", "The recipient, or all."),
        _PERIOD,
        Column("release_id", "text", "The release; all for counts of waivers and recalls, and over all recipients."),
        Column("state", "text", "ok, low_coverage, or insufficient: no data, which is never a zero."),
        Column("comes_from", "text", "Where the numbers stand, relative to the home; or why there are none."),
        Column("numerator", "figure", "Suppressed cells, hidden NOK (absolute), days, waivers or recalls."),
        Column("denominator", "figure", "Cells, NOK (absolute), releases; empty for counts."),
        Column("value", "figure", "Numerator over denominator, or the count; empty where that says nothing."),
        Column("coverage", "fraction", "The part of the releases that the figure is known of, 0 to 1."),
    ),
)
TABLES = (QUALITY_RESULTS, RELEASES, RELEASE_METRICS)


@dataclass(frozen=True)
class Released:
    """A release as the records state it.

    Attributes:
        key: Product, recipient, period.
        release_id: ``<period>-r<revision>``.
        revision: 1 for the first of the period.
        state: current, superseded, recalled or damaged.
        manifest: What its manifest says; None where it cannot be read.
    """

    key: CandidateKey
    release_id: str
    revision: int
    state: str
    manifest: Mapping[str, Any] | None

    @property
    def place(self) -> str:
        """Return its folder, relative to the home."""
        key = self.key
        return f"releases/{key.product}/{key.recipient}/{key.period}/r{self.revision}"


@dataclass(frozen=True)
class Records:
    """What the facts follow from.

    Attributes:
        decisions: The lines of the gate's chain, verified, oldest first.
        evidence: By its digest, the document of all evidence that is as it was written.
        releases: Every release that is or was current.
    """

    decisions: Sequence[Mapping[str, Any]]
    evidence: Mapping[str, Mapping[str, Any]]
    releases: Sequence[Released]

    @cached_property
    def verdicts(self) -> list[Mapping[str, Any]]:
        """Return the gate's own decisions."""
        return [entry for entry in self.decisions if entry.get("kind") == "verdict"]

    @cached_property
    def verdicts_on(self) -> dict[CandidateKey, list[Mapping[str, Any]]]:
        """Return them by what they are on."""
        found: dict[CandidateKey, list[Mapping[str, Any]]] = {}
        for entry in self.verdicts:
            found.setdefault(_key(entry), []).append(entry)
        return found

    def before(self, released: Released) -> Mapping[str, Any]:
        """Return the manifest of the last readable release of the same before one, or nothing."""
        earlier = [one for one in self._releases_of[released.key] if one.revision < released.revision]
        return next((one.manifest for one in reversed(earlier) if one.manifest), {})

    @cached_property
    def _releases_of(self) -> dict[CandidateKey, list[Released]]:
        found: dict[CandidateKey, list[Released]] = {}
        for one in sorted(self.releases, key=lambda one: one.revision):
            found.setdefault(one.key, []).append(one)
        return found


def all_facts(records: Records) -> dict[str, list[Row]]:
    """Return the rows of every table by its name, sorted by their keys; the same records give the same rows."""
    return {
        QUALITY_RESULTS.name: _in_order(QUALITY_RESULTS, quality_results(records)),
        RELEASES.name: _in_order(RELEASES, releases(records)),
        RELEASE_METRICS.name: _in_order(RELEASE_METRICS, release_metrics(records)),
    }


def _in_order(table: Table, rows: list[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: tuple(row[name] for name in table.key))


def quality_results(records: Records) -> list[Row]:
    """Return a row for each rule of each verdict."""
    latest = {_key(entry): entry["sequence"] for entry in records.verdicts}
    return [
        {
            **_named(_key(entry)),
            "candidate_sha256": entry["candidate_sha256"],
            "verdict_state": entry["state"],
            "rule": result["rule"],
            "rule_version": result["version"],
            "severity": result["severity"],
            "status": result["status"],
            "reason": reasons.get(result["rule"]),
            "decision_sequence": entry["sequence"],
            "applied": result["applied"],
            "passed": result["passed"],
            "is_latest": latest[_key(entry)] == entry["sequence"],
            "decided_at": _moment(entry["decided_at"]),
        }
        for entry in records.verdicts
        for reasons in [_reasons(records.evidence.get(entry["evidence_sha256"]))]
        for result in entry["results"]
    ]


def _reasons(document: Mapping[str, Any] | None) -> dict[str, str]:
    return {result["rule"]: result.get("reason") for result in (document or {}).get("results", [])}


def releases(records: Records) -> list[Row]:
    """Return a row for each release."""
    return [_release(released) for released in records.releases]


def _release(released: Released) -> Row:
    manifest: Mapping[str, Any] = released.manifest or {}
    window, verdict = manifest.get("window") or {}, manifest.get("verdict") or {}
    is_read = released.manifest is not None
    return {
        **_named(released.key),
        "release_id": released.release_id,
        "product_version": manifest.get("version"),
        "state": released.state,
        "supersedes": manifest.get("supersedes"),
        "digest": manifest.get("digest"),
        "build_id": manifest.get("build_id"),
        "first_month": window.get("from"),
        "last_month": window.get("to"),
        "place": released.place,
        "revision": released.revision,
        "decision_sequence": verdict.get("sequence"),
        "municipalities": len(manifest.get("municipalities", [])) if is_read else None,
        "months": len(manifest.get("months", [])) if is_read else None,
        "rows": sum(manifest.get("row_counts", {}).values()) if is_read else None,
        "files": len(manifest.get("files", [])) if is_read else None,
        "waivers": len(manifest.get("waivers", [])) if is_read else None,
        "decided_at": _moment(verdict.get("decided_at")),
        "published_at": _moment(manifest.get("published_at")),
    }


@dataclass(frozen=True)
class _Found:
    """A measure of one release: its numbers, and where they stand; None and why where there are none."""

    released: Released
    numerator: Decimal | None
    denominator: Decimal | None
    comes_from: str


def release_metrics(records: Records) -> list[Row]:
    """Return K31 and K32: by release, by recipient, and over all recipients of a product and period."""
    rows: list[Row] = []
    for measure, find in _BY_RELEASE.items():
        found = [find(records, released) for released in records.releases]
        rows += [_metric(measure, one.released.key, one.released.release_id, [one], one.comes_from) for one in found]
        counted = [one for one in found if measure == LEAD_TIME or one.released.state == PUBLISHED]
        which = "all" if measure == LEAD_TIME else "the current"
        for (product, period), group in _grouped(counted):
            known = sum(one.numerator is not None for one in group)
            words = f"{which} releases of the period: known of {known} of {len(group)}"
            rows.append(_metric(measure, CandidateKey(product, ALL, period), ALL, group, words))
    return [*rows, *_counts(records, WAIVERS, "waive"), *_counts(records, RECALLS, "recall")]


def _grouped(found: Iterable[_Found]) -> Iterator[tuple[tuple[str, str], list[_Found]]]:
    groups: dict[tuple[str, str], list[_Found]] = {}
    for one in found:
        groups.setdefault((one.released.key.product, one.released.key.period), []).append(one)
    yield from sorted(groups.items())


def _metric(measure: str, key: CandidateKey, release_id: str, found: Sequence[_Found], comes_from: str) -> Row:
    """Return a ratio over one or several releases, of which some may not be known."""
    known = [one for one in found if one.numerator is not None and one.denominator]
    numerator = sum((one.numerator or Decimal(0) for one in known), Decimal(0)) if known else None
    denominator = sum((one.denominator or Decimal(0) for one in known), Decimal(0)) if known else None
    coverage = (Decimal(len(known)) / len(found)).quantize(_SIX, ROUND_HALF_UP)
    state = INSUFFICIENT if not known else LOW if coverage < _LOW_BELOW else OK
    value = (numerator / denominator).quantize(_SIX, ROUND_HALF_UP) if numerator is not None and denominator else None
    return _row(measure, key, release_id, state, comes_from, numerator, denominator, value, coverage)


def _row(
    measure: str,
    key: CandidateKey,
    release_id: str,
    state: str,
    comes_from: str,
    numerator: Decimal | None,
    denominator: Decimal | None,
    value: Decimal | None,
    coverage: Decimal,
) -> Row:
    return {
        "kpi_key": _KEYS[measure],
        "measure": measure,
        **_named(key),
        "release_id": release_id,
        "state": state,
        "comes_from": comes_from,
        "numerator": numerator,
        "denominator": denominator,
        "value": value,
        "coverage": coverage,
    }


def _withheld(records: Records, released: Released, part: str, whole: str) -> _Found:
    """Return two of the numbers that the evidence of a release's bytes holds of what they withhold."""

    def none(why: str) -> _Found:
        return _Found(released, None, None, f"{released.place}: {why}")

    if not _has_cells_to_hide(released.key.product):
        return none("the product has no cells that are hidden")
    digest = (released.manifest or {}).get("digest")
    # Of the verdicts on the same bytes any: only the last one's evidence stands.
    entry = next(
        (
            entry
            for entry in reversed(records.verdicts_on.get(released.key, []))
            if entry["candidate_sha256"] == digest and entry["evidence_sha256"] in records.evidence
        ),
        None,
    )
    if entry is None:
        return none("no evidence that the gate vouches for is on these bytes")
    stated = records.evidence[entry["evidence_sha256"]].get("withheld")
    if not stated:
        return none("its evidence does not say what is withheld; an earlier version wrote it")
    numbers = Decimal(str(stated[part])), Decimal(str(stated[whole]))
    if not numbers[1]:
        return none("there is nothing to show or to hide")
    key = released.key
    log = f"gate/evidence/{key.product}/{key.recipient}/{key.period}/{str(digest)[:16]}/suppression_log.csv"
    return _Found(released, *numbers, f"{released.place}; {log}")


def _has_cells_to_hide(product: str) -> bool:
    known = PRODUCTS.get(product)
    return known is not None and any(
        field.name == "suppression_code" for table in known.tables for field in table.fields
    )


def _suppressed(records: Records, released: Released) -> _Found:
    return _withheld(records, released, "suppressed", "cells")


def _value(records: Records, released: Released) -> _Found:
    return _withheld(records, released, "hidden_nok", "total_nok")


def _days(records: Records, released: Released) -> _Found:
    """(1) Return the days from the first verdict on what became a release to its publication."""
    manifest, before = released.manifest or {}, records.before(released)
    let_out, published = _sequence(manifest), _moment(manifest.get("published_at"))
    judged = [
        entry
        for entry in records.verdicts_on.get(released.key, [])
        if _sequence(before) < entry["sequence"] <= let_out and entry["candidate_sha256"] != before.get("digest")
    ]
    is_vouched_for = any(
        entry["sequence"] == let_out and entry.get("candidate_sha256") == manifest.get("digest")
        for entry in records.decisions[max(let_out - 1, 0) : let_out]
    )
    began = _moment(judged[0]["decided_at"]) if judged else None
    if began is None or not is_vouched_for or published is None:
        return _Found(released, None, None, f"{released.place}: the gate's chain holds no verdict that it left with")
    first = judged[0]["sequence"]
    which = f"line {let_out}" if first == let_out else f"lines {first} to {let_out}"
    lines = f"gate/decisions.jsonl, {which}; {released.place}/manifest.json"
    seconds = int((published - began).total_seconds())
    if seconds < 0:
        return _Found(released, None, None, f"{lines}: it was published before it was judged, by the runs' clocks")
    days = (Decimal(seconds) / _SECONDS_OF_A_DAY).quantize(_SIX, ROUND_HALF_UP)
    return _Found(released, days, Decimal(1), lines)


_BY_RELEASE: dict[str, Callable[[Records, Released], _Found]] = {
    SUPPRESSION_RATE: _suppressed,
    VALUE_WITHHELD: _value,
    LEAD_TIME: _days,
}


def _counts(records: Records, measure: str, action: str) -> Iterator[Row]:
    """(2) Yield how many decisions of a kind there are, by recipient and period and over all recipients.

    Each recipient and period that was judged or released has a count. A standing decision is of all periods.
    """
    lines: dict[CandidateKey, list[int]] = {key: [] for key in records.verdicts_on}
    lines |= {released.key: [] for released in records.releases}
    for entry in records.decisions:
        if entry.get("action") == action:
            key = _key(entry)
            key = CandidateKey(key.product, key.recipient.replace(_EVERYBODY, ALL), key.period or ALL)
            lines.setdefault(key, []).append(entry["sequence"])
    totals: dict[CandidateKey, list[int]] = {}
    for key, sequences in lines.items():
        totals.setdefault(CandidateKey(key.product, ALL, key.period), []).extend(sequences)
    for key, sequences in {**lines, **totals}.items():
        named = f", line {', '.join(map(str, sorted(sequences)))}" if sequences else ": no such decision"
        count = Decimal(len(sequences))
        yield _row(measure, key, ALL, OK, f"gate/decisions.jsonl{named}", count, None, count, Decimal(1))


def _sequence(manifest: Mapping[str, Any]) -> int:
    """Return the line of the chain that a release left with; 0 where its manifest says none."""
    stated = (manifest.get("verdict") or {}).get("sequence")
    return stated if isinstance(stated, int) else 0


def _key(entry: Mapping[str, Any]) -> CandidateKey:
    return CandidateKey(entry["product"], entry["recipient"], entry["period"])


def _named(key: CandidateKey) -> Row:
    return {"product": key.product, "recipient": key.recipient, "period": key.period}


def _moment(text: str | None) -> datetime | None:
    try:
        return datetime.strptime(text or "", "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None
