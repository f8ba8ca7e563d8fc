"""Run the expectations of a suite on a table's decoded rows: the only importer of great_expectations.

Belongs here: one ephemeral context per process, turning its results into findings, and into its own Data Docs. Not
here: reading suites (suites.py), rules that are not expectations, the page that Data Docs stand on (data_docs.py).

Data Docs say the same in every process: no time, no random ids, and of values their shape only. Importing
great_expectations takes 8 s and more; it happens at the first call in a process.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from pipelines.gate.rules import Finding, combine
from pipelines.gate.suites import COLUMN_LIST, ROW_COUNT, Expectation, TableSuite
from pipelines.mask import mask
from pipelines.settings import silence_tools

if TYPE_CHECKING:
    import pyarrow as pa


# All sections of a page, by the templates of Great Expectations; its page itself would load scripts from elsewhere.
_SECTIONS = """
{%- for section in sections %}{% set section_loop = loop %}{% include "section.j2" %}{% endfor -%}
"""
_LINK = re.compile(r' href="[^"]*"')


def run_suite(suite: TableSuite, rows: pa.Table, docs: dict[str, str] | None = None) -> dict[str, Finding]:
    """Return what each rule of a table's suite found in its rows; its Data Docs are put into ``docs``.

    An empty table is held to its row count and column list only; every other rule answers "nothing to check", with the
    suite's reason where the table may be empty.
    """
    expectations = list(suite.expectations)
    findings: dict[str, list[Finding]] = {}
    if rows.num_rows == 0:
        expectations = [item for item in expectations if item.type == COLUMN_LIST]
        for item in suite.expectations:
            if item.type == ROW_COUNT and not suite.when_empty:
                findings.setdefault(item.rule, []).append(
                    Finding(1, 1, f"Table {suite.table} has no rows.", field=suite.table)
                )
            elif item.type != COLUMN_LIST:
                reason = suite.when_empty or "there are no rows."
                findings.setdefault(item.rule, []).append(
                    Finding(0, reason=f"Table {suite.table} is empty: {reason}", field=suite.table)
                )
    validated = list(_validate(suite.table, rows, expectations))
    for item, result in validated:
        findings.setdefault(item.rule, []).append(_finding(suite.table, item, result))
    if docs is not None:
        docs[suite.table] = _rendered(suite.table, validated)
    return {rule: combine(found) for rule, found in findings.items()}


def _validate(table: str, rows: pa.Table, expectations: list[Expectation]) -> Iterable[tuple[Expectation, Any]]:
    """Give each expectation with its result; results come in another order than the suite's."""
    batch = _batch_definition().get_batch(batch_parameters={"dataframe": rows.to_pandas()})
    result = batch.validate(_suite(table, expectations), result_format="BASIC")
    batch.data.execution_engine.batch_manager.reset_batch_cache()
    by_position = {found.expectation_config.meta["position"]: found for found in result.results}
    for position, expectation in enumerate(expectations):
        # An expectation without a result would be a check that silently did not run.
        yield expectation, by_position[position]


def _suite(table: str, expectations: list[Expectation]) -> Any:
    import great_expectations as gx

    return gx.ExpectationSuite(
        name=table,
        expectations=[
            {"type": item.type, "kwargs": dict(item.kwargs), "meta": {"rule": item.rule, "position": position}}
            for position, item in enumerate(expectations)
        ],
    )


@lru_cache(maxsize=1)
def _batch_definition() -> Any:
    silence_tools()
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    return (
        context.data_sources.add_pandas("candidates")
        .add_dataframe_asset("table")
        .add_batch_definition_whole_dataframe("rows")
    )


def _finding(table: str, item: Expectation, outcome: Any) -> Finding:
    column = item.kwargs.get("column") or ", ".join(item.kwargs.get("column_list") or ())
    field = f"{table}.{column}" if column and item.type != COLUMN_LIST else table
    if _raised(outcome.exception_info):
        return Finding(
            1, 1, f"{item.type} could not run on {field}: a column is missing or has another type.", (), field
        )
    result: Mapping[str, Any] = outcome.result
    elements = int(result.get("element_count") or 0)
    applied = elements - int(result.get("missing_count") or 0) if "element_count" in result else 1
    if outcome.success:
        reason = "" if applied else f"{field} holds no values."
        return Finding(applied, int(result.get("unexpected_count") or 0), reason, (), field, is_tolerated=True)
    if item.type == COLUMN_LIST:
        return Finding(1, 1, f"Table {table}: {_column_difference(item, result)}.", (), field)
    if item.type == ROW_COUNT:
        return Finding(1, 1, f"Table {table} has {result.get('observed_value')} rows.", (), field)
    failed = int(result.get("unexpected_count") or 1)
    # The values themselves may be what must not be seen.
    examples = tuple(sorted({mask(str(value)) for value in result.get("partial_unexpected_list") or ()}))
    return Finding(max(applied, failed), failed, f"{field} does not meet {item.type}.", examples, field)


def _raised(information: Mapping[str, Any]) -> bool:
    if "raised_exception" in information:
        return bool(information["raised_exception"])
    return any(bool(nested.get("raised_exception")) for nested in information.values())


def _column_difference(item: Expectation, result: Mapping[str, Any]) -> str:
    expected, found = list(item.kwargs["column_list"]), list(result.get("observed_value") or ())
    missing = [name for name in expected if name not in found]
    extra = [name for name in found if name not in expected]
    parts = [f"{label} {', '.join(names)}" for label, names in (("missing", missing), ("not agreed:", extra)) if names]
    return "; ".join(parts) or "the columns stand in another order"


def _rendered(table: str, validated: Sequence[tuple[Expectation, Any]]) -> str:
    """Return the Data Docs of a table as a piece of HTML, after which rule each expectation belongs to."""
    from great_expectations.core import ExpectationSuiteValidationResult

    results = [_shown(outcome) for _, outcome in validated]
    right = sum(bool(result.success) for result in results)
    statistics = {
        "evaluated_expectations": len(results),
        "successful_expectations": right,
        "unsuccessful_expectations": len(results) - right,
        "success_percent": 100.0 * right / len(results) if results else None,
    }
    page, template = _renderers()
    document = page.render(
        ExpectationSuiteValidationResult(
            success=right == len(results), results=results, suite_name=table, statistics=statistics, meta={}
        )
    )
    by_rule: dict[str, list[str]] = {}
    for item, outcome in validated:
        by_rule.setdefault(item.rule, []).append(f"{item.type} {'met' if outcome.success else 'not met'}")
    rules = "".join(f"<li>{rule}: {'; '.join(told)}</li>" for rule, told in sorted(by_rule.items()))
    # Its links lead to other pages of a site that is not there.
    return f"<ul>{rules}</ul>\n" + _LINK.sub("", template.render(document.to_json_dict()))


@lru_cache(maxsize=1)
def _renderers() -> tuple[Any, Any]:
    from great_expectations.render.renderer.page_renderer import ValidationResultsPageRenderer
    from great_expectations.render.view.view import DefaultJinjaPageView

    environment = DefaultJinjaPageView().env
    environment.filters["generate_html_element_uuid"] = lambda prefix=None: prefix or ""
    return ValidationResultsPageRenderer(), environment.from_string(_SECTIONS)


def _shown(outcome: Any) -> Any:
    """Return a result as it may be shown: of values their shape, of errors that there was one."""
    shown = deepcopy(outcome)
    if _raised(shown.exception_info):
        message = "It could not run: a column is missing or has another type."
        shown.exception_info = {"raised_exception": True, "exception_message": message, "exception_traceback": ""}
        shown.result = {}
        return shown
    masked = [mask(str(value)) for value in shown.result.get("partial_unexpected_list") or ()]
    kept = {name: value for name, value in shown.result.items() if "unexpected" not in name or _is_number(value)}
    if masked:
        counts = sorted(Counter(masked).items())
        kept["partial_unexpected_list"] = sorted(set(masked))
        kept["partial_unexpected_counts"] = [{"value": value, "count": count} for value, count in counts]
    shown.result = kept
    return shown


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float)
