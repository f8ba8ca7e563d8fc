"""IN01–IN13, RF04, RF10: what a member's own deliveries were like.

Belongs here: reading outcomes, rejects and periods of the member whose extract is judged. Not here: refusing files and
rows (parsing/ has done that). What was refused is in no figure; these rules say how much that was.
"""

from __future__ import annotations

from dataclasses import replace

from pipelines.candidates.coverage import LEDGERS, is_member, months_delivered, months_missing
from pipelines.gate.case import EXTRACT, MART, SHARE, Case, examples_of
from pipelines.gate.rules import Finding
from pipelines.gate.suites import BLOCKED
from pipelines.gate.tenancy import consenting_members

# Where a joint product says whom it speaks of.
_BUYERS = {SHARE: ("candidate_own_sales", "candidate_market_view"), MART: ("candidate_fct_purchases",)}
_NAMED_SOURCES = 6
_NO_DELIVERY = "The municipality has delivered nothing that could be read."


def _refused(case: Case, rule: str, severity: str = "reject") -> list[tuple[str, ...]]:
    """Return one row per refusal: file name, and row or place in it."""
    return case.ask(
        """
        select coalesce(file_name, _delivery_id), coalesce(cast(_row_no as varchar), _xpath, '')
        from fct_rejects
        where municipality_no = $recipient and rule = $rule and severity = $severity
            -- What is proposed for a register is in no figure: its refusals say nothing about the data.
            and source is distinct from 'registers'
        order by all
        """,
        rule=rule,
        severity=severity,
    )


def _read(case: Case, sources: tuple[str, ...], unit: str) -> int:
    """Return how many files, rows_in or rows_out the member's deliveries had at parsing."""
    (count,) = case.ask_one(
        f"""
        select coalesce(sum({unit}), 0)
        from fct_outcomes
        where municipality_no = $recipient and step = 'parsed' and outcome <> 'duplicate' and source in $sources
        """,  # noqa: S608  one of three column names
        sources=list(sources),
    )
    return int(count)


def _counted(case: Case, rule: str, applied: int, *, what: str, nothing: str, severity: str = "reject") -> Finding:
    refused = _refused(case, rule, severity)
    if not applied and not refused:
        return Finding(0, reason=nothing)
    reason = f"{len(refused)} {what}." if refused else ""
    return Finding(max(applied, len(refused)), len(refused), reason, examples_of(refused), "fct_rejects")


def unreadable_files(case: Case) -> Finding:
    """IN01: return the files that could not be read; none of them is in any figure."""
    refused = sorted({row[:1] for row in _refused(case, "IN01")})
    failed_deliveries = case.ask(
        """
        select _delivery_id
        from fct_outcomes
        where municipality_no = $recipient and outcome = 'failed' and rule = 'IN01'
            and source is distinct from 'registers'
            and _delivery_id not in (select _delivery_id from fct_rejects where rule = 'IN01')
        order by all
        """
    )
    wrong = refused + failed_deliveries
    files = _read(case, ("ehf", *LEDGERS), "files")
    if not files and not wrong:
        return Finding(0, reason=_NO_DELIVERY)
    reason = f"{len(wrong)} files could not be read and are in no figure." if wrong else ""
    return Finding(max(files, len(wrong)), len(wrong), reason, examples_of(wrong), "fct_rejects")


def missing_months(case: Case) -> Finding:
    """IN02, own extract: return the months of the window that a source of the member has not delivered."""
    return _missing_months(case, [case.recipient])


def missing_months_of_buyers(case: Case) -> Finding:
    """IN02, workshop's share and mart: the same for every member in it; if there is none, for all.

    A missing month blocks it where that is the policy in its suite; else the member stays with what it has delivered.
    Whatever the policy, it is blocked where nobody has delivered the month that it is for.
    """
    # The market view has sums over all municipalities, which are nobody's.
    named = " union all ".join(f"select municipality_no from {table}" for table in _BUYERS[case.key.product])  # noqa: S608
    rows = case.ask(f"select distinct municipality_no from ({named}) where municipality_no <> 'all' order by 1")  # noqa: S608
    members = sorted({str(row["municipality_no"]) for row in case.registers["members"]})
    agreed = consenting_members(case) & set(members)
    finding = _missing_months(case, sorted(agreed | {str(row[0]) for row in rows}) or members)
    if finding.failed and case.suite.when_a_month_is_missing == BLOCKED:
        finding = replace(finding, severity="block")
    month = case.window[-1]
    delivered = (months_delivered(case.warehouse, case.home, owner) for owner in members)
    if any(month in months for sources in delivered for months in sources.values()):
        return finding
    reason = f"Nobody has delivered {month}. {finding.reason}".strip()
    return replace(finding, failed=max(finding.failed, 1), reason=reason, severity="block")


def _missing_months(case: Case, owners: list[str]) -> Finding:
    expected = 0
    missing: list[tuple[str, str, str]] = []
    for owner in owners:
        expected_of, missing_of = months_missing(case.warehouse, case.home, case.registers, owner, case.window)
        expected, missing = expected + expected_of, missing + missing_of
    unlabelled = case.ask(
        """
        select municipality_no, source_name, _delivery_id
        from fct_delivery_periods
        where municipality_no in $owners and fiscal_period is null and state = 'accepted'
        """,
        owners=owners,
    )
    if not expected:
        nobody = "Nobody whose purchases it is about was a member in any of its months."
        return Finding(1, 1, nobody, tuple(owners), "registers/members.csv")
    reason = _named_months(missing, expected) if missing else ""
    if unlabelled:
        reason = f"{reason} {len(unlabelled)} deliveries have rows of no period.".strip()
    failed = len(missing) + len(unlabelled)
    return Finding(
        max(expected, failed),
        failed,
        reason,
        examples_of([*missing, *unlabelled]),
        "fct_delivery_periods.fiscal_period",
    )


def _named_months(missing: list[tuple[str, str, str]], expected: int) -> str:
    """Return which months each source lacks: ``2 of 24 …: 9901 ledger 2026-08 to 2026-09``."""
    by_source: dict[str, list[str]] = {}
    for owner, source_name, month in missing:
        by_source.setdefault(f"{owner} {source_name}", []).append(month)
    named = [f"{source} {', '.join(_runs(months))}" for source, months in sorted(by_source.items())]
    more = f"; and {len(named) - _NAMED_SOURCES} more sources" if len(named) > _NAMED_SOURCES else ""
    listed = "; ".join(named[:_NAMED_SOURCES])
    return f"{len(missing)} of {expected} expected months have not been delivered: {listed}{more}."


def _runs(months: list[str]) -> list[str]:
    """Return months in order, those that follow each other as one: ``2026-08 to 2026-10``."""
    runs: list[list[str]] = []
    for month in sorted(months):
        if runs and _number(month) == _number(runs[-1][-1]) + 1:
            runs[-1].append(month)
        else:
            runs.append([month])
    return [run[0] if len(run) == 1 else f"{run[0]} to {run[-1]}" for run in runs]


def _number(month: str) -> int:
    return int(month[:4]) * 12 + int(month[5:])


def duplicates(case: Case) -> Finding:
    """IN03: return the deliveries and documents that had come before; each counts once."""
    deliveries, repeated = case.ask_one(
        """
        select count(*), count(*) filter (came_before)
        from (
            select
                source_name, sequence,
                bool_or(outcome = 'duplicate' or (outcome = 'held' and rule is not distinct from 'IN03')) as came_before
            from fct_outcomes
            where municipality_no = $recipient and source is distinct from 'registers'
            group by all
        )
        """
    )
    refused = _refused(case, "IN03")
    applied = deliveries + _read(case, ("ehf", *LEDGERS), "rows_in")
    if not applied:
        return Finding(0, reason=_NO_DELIVERY)
    failed = repeated + len(refused)
    reason = f"{repeated} deliveries and {len(refused)} documents or rows had come before." if failed else ""
    return Finding(applied, failed, reason, examples_of(refused), "fct_rejects, fct_outcomes")


def shrunken_deliveries(case: Case) -> Finding:
    """IN04: return the periods for which a later delivery has far fewer rows than what it would replace; it is held."""
    periods = case.ask(
        """
        select source_name, fiscal_period, _delivery_id, state = 'held'
        from fct_delivery_periods
        where municipality_no = $recipient and source in ('ledger', 'saft') and fiscal_period in $window
            -- What is held as another member's is told by RF10, as the same books twice by IN03.
            and _delivery_id not in (
                select _delivery_id
                from fct_outcomes
                where municipality_no = $recipient and outcome = 'held' and rule in ('RF10', 'IN03')
            )
        order by all
        """
    )
    if not periods:
        return Finding(0, reason="The municipality has no ledger period in the window.")
    held = [row[:3] for row in periods if row[3]]
    reason = f"{len(held)} redelivered periods are held; the earlier delivery stands." if held else ""
    return Finding(len(periods), len(held), reason, examples_of(held), "fct_delivery_periods.state")


def control_totals(case: Case) -> Finding:
    """IN05: return the SAF-T files whose own totals are not the sums of their lines."""
    return _counted(
        case,
        "IN05",
        _read(case, ("saft",), "files"),
        what="files state other totals than their lines sum to",
        nothing="The municipality delivers no SAF-T.",
    )


def unparsable_values(case: Case) -> Finding:
    """IN06: return the rows whose date or amount could not be read."""
    rows = _read(case, ("ehf", *LEDGERS), "rows_in")
    finding = _counted(case, "IN06", rows, what="rows have a date or amount that cannot be read", nothing=_NO_DELIVERY)
    limit = case.rules["IN06"].parameter("max_share")
    is_tolerated = bool(finding.applied) and finding.failed <= limit * finding.applied
    return Finding(
        finding.applied, finding.failed, finding.reason, finding.examples, finding.field, is_tolerated=is_tolerated
    )


def sum_lines(case: Case) -> Finding:
    """IN08: return the sum lines and repeated headers that stood among a ledger's rows."""
    return _counted(
        case,
        "IN08",
        _read(case, LEDGERS, "rows_in"),
        what="rows are sums or repeated headers and were left out",
        nothing="The municipality delivers no ledger.",
    )


def document_arithmetic(case: Case) -> Finding:
    """IN11: return the e-invoices whose own sums do not add up; they count as stated."""
    # A document may have several remarks; it is one document.
    wrong = sorted({row[:1] for row in _refused(case, "IN11", "issue")})
    documents = _read(case, ("ehf",), "rows_out")
    if not documents and not wrong:
        return Finding(0, reason="The municipality delivers no e-invoices.")
    reason = f"{len(wrong)} e-invoices have sums that do not add up." if wrong else ""
    return Finding(max(documents, len(wrong)), len(wrong), reason, examples_of(wrong), "fct_rejects")


def handed_in_as_agreed(case: Case) -> Finding:
    """IN13: return the files that were not taken because the member's agreement does not allow them as they were."""
    return _counted(
        case,
        "IN13",
        _read(case, ("ehf", *LEDGERS), "files"),
        what="files were not taken: the agreement does not allow them, or a prepared package was changed",
        nothing=_NO_DELIVERY,
    )


def chart_coverage(case: Case) -> Finding:
    """IN10: return the accounts in the extract that the member's chart of accounts does not hold."""
    chart = {
        row["local_account"] for row in case.registers["charts_of_accounts"] if row["municipality_no"] == case.recipient
    }
    used = case.ask(
        """
        select distinct local_account
        from candidate_municipality_extract
        where local_account is not null and local_account <> ''
        order by all
        """
    )
    if not used:
        return Finding(0, reason="No row of the extract carries an account.")
    unknown = [row for row in used if row[0] not in chart]
    reason = f"{len(unknown)} of {len(used)} accounts are not in the chart of accounts." if unknown else ""
    return Finding(len(used), len(unknown), reason, examples_of(unknown), f"{EXTRACT}.local_account")


def wrong_tenants(case: Case) -> Finding:
    """RF10: return documents addressed to somebody else, ledgers held as another's, and rows outside membership."""
    refused = _refused(case, "RF10")
    ledgers = case.ask(
        """
        select distinct source_name, _delivery_id
        from fct_outcomes
        where municipality_no = $recipient and outcome = 'held' and rule = 'RF10'
        order by all
        """
    )
    months = case.ask(
        """
        select period_month, count(*)
        from fct_purchases
        where municipality_no = $recipient and period_month in $window
        group by all
        order by all
        """
    )
    outside = [(month,) for month, _ in months if not is_member(case.registers, case.recipient, month)]
    applied = _read(case, ("ehf",), "rows_in") + sum(rows for _, rows in months)
    failed = len(refused) + len(ledgers) + sum(rows for month, rows in months if (month,) in outside)
    if not applied and not failed:
        return Finding(0, reason=_NO_DELIVERY)
    reason = f"{len(refused)} documents are addressed to somebody else and were refused." if refused else ""
    if ledgers:
        reason = f"{reason} {len(ledgers)} ledgers share their postings with another member's and are held.".strip()
    if outside:
        reason = f"{reason} {len(outside)} months lie outside the membership.".strip()
    return Finding(
        max(applied, failed), failed, reason, examples_of([*refused, *ledgers, *outside]), "fct_rejects, fct_purchases"
    )
