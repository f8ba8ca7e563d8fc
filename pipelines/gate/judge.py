"""Judge a candidate: every applying rule on its rendered bytes, then a signed verdict with its evidence.

Belongs here: the order of things. Not here: any rule. The candidate is read from its folder alone; the warehouse is
read for recomputation only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pipelines import settings
from pipelines.candidates.make import suppression_log_file, withheld
from pipelines.candidates.products import CandidateKey
from pipelines.errors import VerdictMissing
from pipelines.files import folder_digest
from pipelines.gate.applicability import read_applicability
from pipelines.gate.bindings import Bindings, current_bindings
from pipelines.gate.candidate_files import CandidateFiles, read_candidate
from pipelines.gate.case import Case, window_of
from pipelines.gate.checks import run_checks
from pipelines.gate.completeness import nothing_skipped, renderings_agree
from pipelines.gate.data_docs import page_bytes
from pipelines.gate.decisions import append_verdict, gate_key, is_as_decided, standing_verdict
from pipelines.gate.evidence import data_docs_file, read_facts, write_evidence
from pipelines.gate.rules import Finding, RuleResult, answer, combine, read_rules
from pipelines.gate.run_suite import run_suite
from pipelines.gate.settled import Ground, read_ground
from pipelines.gate.suites import Suite, read_suite
from pipelines.gate.verdict import Verdict
from pipelines.home import Home

if TYPE_CHECKING:
    import duckdb


def judge(home: Home, key: CandidateKey, clock: settings.Clock) -> Verdict:
    """Return the verdict on a candidate, stored with its evidence; the standing one where nothing has changed.

    Raises:
        ConfigurationError: The gate has no key, a rule has no page, or the matrix does not name a pair. Nothing is
            stored.
        VerdictMissing: There is no candidate, or the chain of decisions is broken. Nothing is stored.
    """
    gate_key(home)
    rules = read_rules(settings.EXPECTATIONS / "rules")
    applicability = read_applicability(
        settings.EXPECTATIONS / "applicability.csv", home.path / "expectations" / "applicability.csv", rules
    )
    suite = read_suite(settings.EXPECTATIONS, key.product)
    folder = home.candidates / key.product / key.recipient
    if not folder.is_dir():
        raise VerdictMissing("There is no candidate to judge.", where=str(folder), remedy="Make it: 'samandel run'.")
    digest = folder_digest(folder)
    bindings = current_bindings(home, key, rules)
    ground = read_ground(home, clock.as_of)
    standing = standing_verdict(home, key, digest, bindings)
    if standing is not None:
        if is_as_decided(standing, ground):
            return standing
        # People have decided since, or what they decided has expired: the rules need not be asked again.
        known, page = read_facts(home, key, digest), data_docs_file(home, key, digest)
        docs = page.read_bytes() if page.is_file() else None
        return _conclude(home, key, digest, clock, bindings, ground, standing.results, known, docs)

    window = window_of(key.period, home.consortium.window_months)
    files = read_candidate(folder, suite)
    sections: dict[str, str] = {}
    with _warehouse(home, files) as warehouse:
        found, registers = _run_suites(suite, files, sections), home.read_registers()
        case = Case(home, key, window, files, suite, rules, registers, warehouse, clock.as_of, found)
        results, not_run = run_checks(case, applicability)
        results += ground.answers(key)
        skipped = nothing_skipped(results, set(rules) - {"PB01"}, not_run, same_bytes=folder_digest(folder) == digest)
        final = combine([skipped, renderings_agree(case)])
    severity = applicability.entry("PB01", key.product, key.recipient).severity
    results = sorted([*results, answer(rules["PB01"], severity, final)], key=lambda result: result.rule)
    facts = {
        "window": [window[0], window[-1]],
        "rows": {name: rows.num_rows for name, rows in sorted(files.tables.items())},
        "withheld": withheld(home, key),
    }
    docs = page_bytes(key, digest, sections)
    return _conclude(home, key, digest, clock, bindings, ground, results, facts, docs)


def _conclude(
    home: Home,
    key: CandidateKey,
    digest: str,
    clock: settings.Clock,
    bindings: Bindings,
    ground: Ground,
    results: Sequence[RuleResult],
    facts: Mapping[str, Any],
    docs: bytes | None,
) -> Verdict:
    """Give the verdict that follows from the rules' answers and from what people have decided."""
    settled = ground.settle(key, digest, results)
    stated = {**facts, "state": settled.state, "decisions": [decision.as_entry() for decision in settled.decisions]}
    log = suppression_log_file(home, key)
    evidence_sha256 = write_evidence(home, key, digest, settled.results, stated, log, docs)
    return append_verdict(
        home,
        Verdict(
            product=key.product,
            recipient=key.recipient,
            period=key.period,
            state=settled.state,
            candidate_sha256=digest,
            decided_at=clock.now.strftime("%Y-%m-%dT%H:%M:%SZ"),
            bindings=bindings,
            evidence_sha256=evidence_sha256,
            results=settled.results,
            decisions=settled.sequences,
        ),
    )


def _run_suites(suite: Suite, files: CandidateFiles, docs: dict[str, str]) -> dict[str, Finding]:
    """Return what the suites of all tables found, by rule; a table that cannot be read fails all its rules.

    The Data Docs of each table are put into ``docs``.
    """
    findings: dict[str, list[Finding]] = {}
    for name, table in suite.tables.items():
        if name in files.tables:
            found = run_suite(table, files.tables[name], docs)
        else:
            missing = Finding(1, 1, f"Table {name} cannot be read.", field=name)
            found = dict.fromkeys({expectation.rule for expectation in table.expectations}, missing)
        for rule, finding in found.items():
            findings.setdefault(rule, []).append(finding)
    return {rule: combine(listed) for rule, listed in findings.items()}


@contextmanager
def _warehouse(home: Home, files: CandidateFiles) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the warehouse read-only with the candidate's decoded tables beside it."""
    from pipelines.warehouse.read import connect

    connection = connect(home)
    try:
        for name, rows in files.tables.items():
            connection.register(f"candidate_{name}", rows)
        yield connection
    finally:
        connection.close()
