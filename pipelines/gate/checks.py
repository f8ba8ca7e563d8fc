"""Which function answers for which rule and product, and running them all on a case.

Belongs here: the registry, and that no failure to run passes for an answer. Not here: any check; expectations of a
suite need no entry.
"""

from __future__ import annotations

from collections.abc import Callable

from pipelines.gate import (
    coherence,
    completeness,
    disclosure,
    equal_treatment,
    freshness,
    intake,
    mart_privacy,
    names,
    peers,
    plausibility,
    privacy,
    purposes,
    quality,
    reach,
    reconciliation,
    reissues,
    reproduced,
    tenancy,
)
from pipelines.gate.applicability import Applicability
from pipelines.gate.attack import coalition, earlier
from pipelines.gate.attack import findings as attack
from pipelines.gate.case import EXTRACT, MART, SHARE, Case
from pipelines.gate.rules import Finding, RuleResult, answer, combine, not_applicable
from pipelines.gate.settled import ANSWERED_HERE

Check = Callable[[Case], Finding]

CHECKS: dict[tuple[str, str], Check] = {
    ("IN01", EXTRACT): intake.unreadable_files,
    ("IN02", EXTRACT): intake.missing_months,
    ("IN02", SHARE): intake.missing_months_of_buyers,
    ("IN02", MART): intake.missing_months_of_buyers,
    ("IN03", EXTRACT): intake.duplicates,
    ("IN04", EXTRACT): intake.shrunken_deliveries,
    ("IN05", EXTRACT): intake.control_totals,
    ("IN06", EXTRACT): intake.unparsable_values,
    ("IN07", EXTRACT): coherence.dates_in_their_year,
    ("IN08", EXTRACT): intake.sum_lines,
    ("IN09", EXTRACT): coherence.encoding_intact,
    ("IN10", EXTRACT): intake.chart_coverage,
    ("IN11", EXTRACT): intake.document_arithmetic,
    ("IN13", EXTRACT): intake.handed_in_as_agreed,
    ("RF01", EXTRACT): coherence.arts_of_their_year,
    ("RF02", EXTRACT): coherence.functions_of_their_year,
    ("RF03", EXTRACT): coherence.arts_of_their_class,
    ("RF04", EXTRACT): quality.org_number_check_digits,
    ("RF05", EXTRACT): quality.payees_registered,
    ("RF05", SHARE): quality.payees_registered,
    ("RF06", EXTRACT): names.names_agree,
    ("RF07", EXTRACT): coherence.payees_still_there,
    ("RF08", EXTRACT): coherence.cpv_codes_valid,
    ("RF09", EXTRACT): coherence.contracts_resolve,
    ("RF10", EXTRACT): intake.wrong_tenants,
    ("RF11", EXTRACT): coherence.workshop_register_whole,
    ("RF11", SHARE): coherence.workshop_register_whole,
    ("RF12", EXTRACT): quality.streams_decided,
    ("RF12", SHARE): quality.streams_decided,
    ("RC01", EXTRACT): reconciliation.extract_equals_books,
    ("RC01", SHARE): reconciliation.share_equals_books,
    ("RC01", MART): reconciliation.mart_equals_books,
    ("RC02", EXTRACT): plausibility.filed_accounts,
    ("RC03", EXTRACT): plausibility.own_quarters,
    ("RC04", EXTRACT): plausibility.largest_lines,
    ("RC05", EXTRACT): plausibility.common_amounts,
    ("RC06", EXTRACT): plausibility.largest_supplier,
    ("RC07", EXTRACT): plausibility.credit_notes,
    ("RC08", EXTRACT): plausibility.categories_gone,
    ("RC09", EXTRACT): plausibility.claims,
    ("RC09", SHARE): plausibility.claims,
    ("PV01", EXTRACT): privacy.personal_numbers,
    ("PV01", SHARE): privacy.personal_numbers,
    ("PV01", MART): privacy.personal_numbers,
    ("PV02", EXTRACT): privacy.contacts,
    ("PV02", SHARE): privacy.contacts,
    ("PV02", MART): privacy.contacts,
    ("PV03", EXTRACT): privacy.persons_in_extract,
    ("PV03", SHARE): privacy.persons_in_share,
    ("PV03", MART): mart_privacy.persons_in_mart,
    ("PV04", EXTRACT): privacy.sole_proprietors_in_extract,
    ("PV04", SHARE): privacy.sole_proprietors_in_share,
    ("PV04", MART): mart_privacy.sole_proprietors_in_mart,
    ("PV05", EXTRACT): privacy.strict_functions_in_extract,
    ("PV05", MART): mart_privacy.strict_functions_in_mart,
    ("PV06", SHARE): privacy.free_texts,
    ("PV06", MART): privacy.free_texts,
    ("PV07", EXTRACT): names.persons_in_texts,
    ("PV07", SHARE): names.persons_in_texts,
    ("PV07", MART): names.persons_in_texts,
    ("PV08", EXTRACT): names.small_entities_in_extract,
    ("PV08", SHARE): names.small_entities_in_share,
    ("PV08", MART): names.small_entities_in_mart,
    ("PV09", EXTRACT): purposes.recorded_purpose,
    ("PV09", SHARE): purposes.recorded_purpose,
    ("PV09", MART): purposes.recorded_purpose,
    ("PV10", EXTRACT): purposes.within_retention,
    ("PV10", SHARE): purposes.within_retention,
    ("PV10", MART): purposes.within_retention,
    ("DC01", SHARE): disclosure.contributors,
    ("DC02", SHARE): disclosure.dominance,
    ("DC03", SHARE): disclosure.close_estimates,
    ("DC04", SHARE): attack.computable_in_candidate,
    ("DC05", SHARE): earlier.computable_with_earlier,
    ("DC06", SHARE): coalition.computable_with_others,
    ("DC07", EXTRACT): peers.identifiable_peers,
    ("DC07", SHARE): peers.identifiable_peers,
    ("DC07", MART): peers.identifiable_peers,
    ("DC08", SHARE): disclosure.small_counts,
    ("DC08", MART): disclosure.small_counts,
    ("DC09", SHARE): disclosure.withheld_value,
    ("DC10", SHARE): reproduced.same_pattern,
    ("DC11", SHARE): equal_treatment.facts_open_or_logged,
    ("TN01", EXTRACT): tenancy.own_rows_only,
    ("TN01", SHARE): tenancy.own_sales_only,
    ("TN02", SHARE): tenancy.only_consenting_members,
    ("TN02", MART): tenancy.only_consenting_members,
    ("TN03", EXTRACT): tenancy.agreed_shape,
    ("TN03", SHARE): tenancy.agreed_shape,
    ("TN03", MART): tenancy.agreed_shape,
    ("TN04", EXTRACT): reach.nothing_else_in_reach,
    ("TN04", SHARE): reach.nothing_else_in_reach,
    ("TN04", MART): reach.nothing_else_in_reach,
    ("PB01", EXTRACT): completeness.renderings_agree,
    ("PB01", SHARE): completeness.renderings_agree,
    ("PB01", MART): completeness.renderings_agree,
    ("PB02", EXTRACT): completeness.package_is_complete,
    ("PB02", SHARE): completeness.package_is_complete,
    ("PB02", MART): completeness.package_is_complete,
    ("PB05", EXTRACT): reissues.reissue_explained,
    ("PB05", SHARE): reissues.reissue_explained,
    ("PB05", MART): reissues.reissue_explained,
    ("PB06", EXTRACT): freshness.nothing_newer,
    ("PB06", SHARE): freshness.nothing_newer,
    ("PB06", MART): freshness.nothing_newer,
}
# These read whatever lies there; the others ask for columns by name.
_NEED_NO_SHAPE = frozenset({"PV01", "PV02", "PV06", "PV09", "DC07", "TN03", "TN04", "PB01", "PB02", "PB05", "PB06"})


def run_checks(case: Case, applicability: Applicability) -> tuple[list[RuleResult], list[str]]:
    """Return what every rule but PB01, PB03 and PB04 answered, in order of id, and the rules that could not run.

    Those three are answered when the verdict is given: they are about the verdict, and people's decisions.

    A rule that could not run has failed, whatever it would have said.
    """
    has_shape = all(
        case.files.columns_by_table.get(name) == list(table.columns) for name, table in case.suite.tables.items()
    )
    results, not_run = [], []
    for name, rule in sorted(case.rules.items()):
        if name in ("PB01", *ANSWERED_HERE):
            continue
        entry = applicability.entry(name, case.key.product, case.recipient)
        if not entry.applies:
            results.append(not_applicable(rule, entry.severity, entry.reason))
            continue
        finding = _run(case, name, has_shape=has_shape)
        if finding is None:
            not_run.append(name)
            finding = Finding(1, 1, "Could not run: the candidate does not have the agreed columns and types.")
        results.append(answer(rule, entry.severity, finding))
    return results, not_run


def _run(case: Case, rule: str, *, has_shape: bool) -> Finding | None:
    """Return what a rule found, by its check and by the suites; None where it could not run."""
    import duckdb

    if not has_shape and rule not in _NEED_NO_SHAPE:
        return None
    signed = case.suite_findings.get(rule)
    check = CHECKS.get((rule, case.key.product))
    if check is None:
        return signed
    try:
        found = check(case)
    except (duckdb.BinderException, duckdb.ConversionException):
        # A column of another type than agreed. Anything else is a fault of ours and no verdict is given.
        return None
    # The check counts what the rule is about; the suite's expectations add what they found wrong.
    return combine([found, signed]) if signed is not None and signed.is_failing else found
