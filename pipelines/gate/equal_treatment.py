"""DC11: what a workshop learns of others, other suppliers can see too, or it is logged for the tender's annex.

Belongs here: finding every fact of a share that is not the workshop's own, and holding the log against them. Not here:
making the log (candidates/), how much of a cell may be told at all (disclosure.py).

(1) Facts of others are the cells of the market view that show anything of others, or rank them, and the contracts of
    the calendar.
(2) A fact is open where anybody can read it: a contract that was announced. Cells would be open as open data, which
this version does not publish. (3) The policy ``require_open`` lets nothing but open facts out.
"""

from __future__ import annotations

from pipelines.gate.case import Case, examples_of
from pipelines.gate.rules import Finding

_POLICIES = ("log", "require_open")


def facts_open_or_logged(case: Case) -> Finding:
    """DC11: return the facts about others that are neither open nor logged, or that the policy does not let out."""
    policy = case.rules["DC11"].parameters.get("policy", "")
    facts = case.ask(
        """
        with facts as (
            select
                'market_view' as source_table, cast(year as varchar) as year, municipality_no, spend_category,
                '' as contract_id, false as is_open
            from candidate_market_view
            where
                addressable_nok is not null or other_nok_or_suppressed is not null or other_suppliers_band is not null
                or law_entry_headroom_band is not null or rank is not null
            union all
            select
                'contract_calendar', '', '', coalesce(spend_category, ''), contract_id,
                trim(coalesce(notice_id, '')) <> ''
            from candidate_contract_calendar
        ),
        logged as (
            select
                source_table, coalesce(cast(year as varchar), '') as year,
                coalesce(municipality_no, '') as municipality_no,
                coalesce(spend_category, '') as spend_category, coalesce(contract_id, '') as contract_id,
                bool_or(is_open) as said_open
            from candidate_information_log
            group by all
        )
        select source_table, year, municipality_no, spend_category, contract_id, is_open, said_open
        from facts
        left join logged using (source_table, year, municipality_no, spend_category, contract_id)
        order by all
        """
    )
    if not facts:
        return Finding(0, reason="The share tells nothing of others.")
    wrong = {
        "are not in the log": [fact[:5] for fact in facts if fact[6] is None],
        "are said to be open and are not": [fact[:5] for fact in facts if fact[6] and not fact[5]],
        "are not open, which the policy asks for": [fact[:5] for fact in facts if policy != "log" and not fact[5]],
    }
    keys = {key for keys in wrong.values() for key in keys}
    reason = "; ".join(f"{len(keys)} facts of others {what}" for what, keys in wrong.items() if keys)
    if not keys:
        reason = f"{sum(fact[5] for fact in facts)} of {len(facts)} facts of others are open, the rest is logged."
    if policy not in _POLICIES:
        reason = f"DC11's page names no policy of {', '.join(_POLICIES)}: the stricter holds. {reason}"
    return Finding(len(facts), len(keys), reason, examples_of(sorted(keys)), "information_log")
