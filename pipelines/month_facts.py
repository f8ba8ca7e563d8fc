"""What the coordinator's month follows from, read from the home as it is now.

Belongs here: asking outcomes, deliveries, proposals, the gate and the releases, in the words of month.py. Not here:
what there is to do about it (month.py), any text of the guide (month_nb.py). Nothing is changed by reading.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from pipelines import month
from pipelines import month_nb as nb
from pipelines.candidates.products import MUNICIPALITY_EXTRACT, PRODUCTS, CandidateKey, window_ending_in
from pipelines.deliveries import find_delivery, list_deliveries, show_delivery
from pipelines.home import CONSORTIUM, Home
from pipelines.landing.decisions import read_decisions, standing_decisions
from pipelines.municipalities import holds_on, members_on
from pipelines.parsing.sender_texts import held_text, rule_text
from pipelines.settings import Clock

Row = dict[str, Any]
_NOT_TAKEN = ("refused", "failed", "empty")
_ID = "ID"


def read_facts(home: Home, clock: Clock, period: str, *, home_argument: str = "") -> month.Facts:
    """Return what the month's steps follow from.

    Args:
        home: The home.
        clock: The clock.
        period: The month that is to go out.
        home_argument: What a command that is shown says of the home.

    Raises:
        ProblemsFound: Settings or registers are wrong.
        ConfigurationError: There are decisions, and the gate has no key to verify them with.
        VerdictMissing: The chain of decisions is broken.
    """
    from pipelines.due import waiting_by_owner
    from pipelines.gate.approvers import Approvers, private_key_reference
    from pipelines.gate.listing import list_standing

    registers = home.read_registers()
    names = _names(registers, clock.as_of)
    waiting = waiting_by_owner(home)
    out = _released(home, period, names)
    is_out = {key.recipient for key in out if key.product == MUNICIPALITY_EXTRACT}
    listed = list_deliveries(home)
    terms, withheld = _gate(home, clock.as_of, period, names)
    return month.Facts(
        consortium=home.consortium.name,
        period=period,
        as_of=clock.as_of,
        home=home_argument,
        approvers=tuple(sorted(Approvers(registers["approvers"]).on(clock.as_of))),
        keys=private_key_reference(home, _ID),
        run=_run_due(home, clock.as_of, period, registers, is_new=bool(waiting)),
        waiting={owner: tuple(drops) for owner, drops in waiting.items()},
        missing=tuple(_missing(home, clock.as_of, period, registers, is_out)),
        refused=tuple(_refused(home, listed, names, is_out)),
        held=tuple(_held(home, names, is_out)),
        rejects=tuple(_rejects(home, listed, names)),
        proposals=tuple(_proposals(home, names)),
        terms=tuple(terms),
        withheld=tuple(withheld),
        standing=tuple(_standing(one) for one in list_standing(home, clock.as_of)),
        released=tuple(out[key] for key in sorted(out)),
    )


def _names(registers: Mapping[str, list[Row]], as_of: date) -> dict[str, str]:
    """Return what every owner and recipient is called; on the day, else as last."""
    names: dict[str, str] = {CONSORTIUM: "fellesleveranser"}
    for register, key, prefix in (("members", "municipality_no", ""), ("workshops", "org_no", "_workshop_")):
        rows = sorted(registers[register], key=lambda row: (holds_on(row, as_of), row["valid_from"]))
        names |= {row[key]: row["name"] for row in rows}
        names |= {f"{prefix}{row[key]}": row["name"] for row in rows}
    return names


def _run_due(home: Home, as_of: date, period: str, registers: Mapping[str, list[Row]], *, is_new: bool) -> str:
    from pipelines.candidates.make import due_keys
    from pipelines.due import due_owners, owner_keys, unjudged_keys, unsettled_keys
    from pipelines.warehouse.build import is_current

    if is_new or not home.warehouse_file.is_file():
        return month.NEW
    keys = due_keys(home, period, as_of)
    if due_owners(home, owner_keys(home, registers)) or not is_current(home) or unjudged_keys(home, keys):
        return month.CHANGED
    return month.DECIDED if unsettled_keys(home, keys, as_of) else ""


def _missing(
    home: Home, as_of: date, period: str, registers: Mapping[str, list[Row]], is_out: set[str]
) -> Iterable[month.Missing]:
    from pipelines.candidates.coverage import months_missing
    from pipelines.gate.case import last_day
    from pipelines.warehouse.read import connect

    if not home.warehouse_file.is_file():
        return  # before the first run it is not known who lacks what
    window = window_ending_in(period, home.consortium.window_months).months
    with connect(home) as warehouse:
        for member in members_on(registers, as_of):
            lacking: dict[str, list[str]] = {}
            for _, source, which in months_missing(warehouse, home, registers, member.municipality_no, window)[1]:
                lacking.setdefault(source, []).append(which)
            if lacking:
                last = max(which for months in lacking.values() for which in months)
                yield month.Missing(
                    member.municipality_no,
                    member.name,
                    {source: tuple(months) for source, months in sorted(lacking.items())},
                    (as_of - last_day(last)).days,
                    member.municipality_no in is_out,
                )


def _refused(home: Home, listed: Iterable[Row], names: Mapping[str, str], is_out: set[str]) -> Iterable[month.Delivery]:
    for row in _last_of_each_source(listed):
        if row["state"] in _NOT_TAKEN:
            yield _delivery(home, row, names, is_out, str(row["state"]))


def _held(home: Home, names: Mapping[str, str], is_out: set[str]) -> Iterable[month.Delivery]:
    """Return what is held and was not decided on; what was is settled by the next run."""
    decided = standing_decisions(read_decisions(home))
    found = {
        (row["municipality_no"], row["source"], row["delivery_id"]): row for row in list_deliveries(home, None, "held")
    }
    for about, row in found.items():
        if about not in decided:
            yield _delivery(home, row, names, is_out, "held")


def _rejects(home: Home, listed: Iterable[Row], names: Mapping[str, str]) -> Iterable[month.Delivery]:
    for row in _last_of_each_source(listed):
        if row["rejects"] and row["state"] in ("accepted", "mixed"):
            yield _delivery(home, row, names, set(), "accepted")


def _last_of_each_source(listed: Iterable[Row]) -> Iterable[Row]:
    """Return what came last at each source; files that had come before bring no news."""
    last = {(row["municipality_no"], row["source"]): row for row in listed if row["state"] != "duplicate"}
    return last.values()


def _delivery(home: Home, row: Row, names: Mapping[str, str], is_out: set[str], outcome: str) -> month.Delivery:
    owner, source = row["municipality_no"], row["source"]
    receipts = find_delivery(home, row["delivery_id"], owner, source)
    kind = receipts[0].source
    reason, remedy, examples = ("", "", ()) if outcome == "accepted" else _why(home, row, kind, outcome, names)
    return month.Delivery(
        owner=owner,
        name=names.get(owner, owner),
        source=source,
        kind=kind,
        delivery_id=row["delivery_id"],
        drop=_masked(row["drop"]),
        received=row["received_at"].date(),
        outcome=outcome,
        reason=reason,
        remedy=remedy,
        examples=tuple(examples[: month.EXAMPLES]),
        report=_report(home, receipts),
        rejects=row["rejects"],
        is_released=owner in is_out,
    )


def _masked(name: str) -> str:
    from pipelines.mask import mask_file_name

    return mask_file_name(name)


def _report(home: Home, receipts: Iterable[Any]) -> str:
    from pipelines.parsing.sender_report import reports_of

    found = reports_of(home, list(receipts))
    return found[-1].relative_to(home.path).as_posix() if found else ""


def _why(
    home: Home, row: Row, kind: str, outcome: str, names: Mapping[str, str]
) -> tuple[str, str, tuple[str, ...] | list[str]]:
    """Return why a delivery does not count, what the sender should do, and examples, in bokmål."""
    from pipelines.parsing.sender_reasons import reason_of

    facts = show_delivery(home, row["delivery_id"], row["municipality_no"], row["source"])
    said = [one for one in facts["outcomes"] if one["rule"] and one["outcome"] == outcome]
    rule = said[-1]["rule"] if said else "IN01"
    text = rule_text(rule, "reject", kind)
    held = [one for one in facts["periods"] if one["state"] == "held"]
    reason = held_text(held[0]["reason"] or "") if held and outcome == "held" and rule != "IN03" else text.explanation
    examples = [nb.period_held(one["fiscal_period"] or "all", one["rows"]) for one in held]
    if count := facts["documents"].get("held"):
        examples.append(nb.documents_held(count))
    shared = [one for one in facts["shared_with"] if outcome == "held"]
    examples = [
        *(nb.shared(names.get(one["owner"], one["owner"]), one["fiscal_period"], one["postings"]) for one in shared),
        *examples,
    ]
    for one in facts["rejects"]:
        told = reason_of(one["rule"], one["message"])
        fault = told.fault if told else rule_text(one["rule"], one["severity"], kind).title
        examples.append(nb.reject(_masked(one["file"] or ""), one["row"], fault))
    return reason, text.remedy, list(dict.fromkeys(examples))


def _proposals(home: Home, names: Mapping[str, str]) -> Iterable[month.Proposed]:
    from pipelines.proposals import WAITING, list_proposals, show_proposal, shown_facts

    for one in list_proposals(home):
        if one.state == WAITING:
            facts = shown_facts(show_proposal(home, one.proposal_id))
            changes = list(changes_in_words(facts))
            yield month.Proposed(
                one.proposal_id,
                names.get(one.owner, one.owner),
                _masked(one.file_name),
                one.received_at.date(),
                tuple(one.registers),
                tuple(changes[: month.EXAMPLES]),
                len(changes),
                bool(facts["can_be_accepted_whole"]),
                str(facts["difference"]),
            )


def changes_in_words(facts: Row) -> Iterable[str]:
    """Return every change that a shown proposal would make, one a column."""
    for change in facts["changes"]:
        key = ", ".join([*change["key"].values(), f"fra {change['valid_from']}"])
        for column, values in change["columns"].items():
            yield nb.change(change["register"], key, column, values["old"], values["new"])


def read_withheld(home: Home, as_of: date, period: str) -> list[month.Withheld]:
    """Return the month's candidates that do not go out, as they stand now."""
    return _gate(home, as_of, period, _names(home.read_registers(), as_of))[1]


def _gate(
    home: Home, as_of: date, period: str, names: Mapping[str, str]
) -> tuple[list[month.Terms], list[month.Withheld]]:
    """Return the products whose terms wait, and the month's candidates that do not go out."""
    from pipelines.gate.decision import EVERYBODY
    from pipelines.gate.listing import list_verdicts, list_waiting

    digests = {
        (row["product"], row["recipient"], row["period"]): row["candidate_sha256"] for row in list_verdicts(home, as_of)
    }
    terms, withheld = [], []
    for one in list_waiting(home, as_of):
        product = one["product"]
        if one["recipient"] == EVERYBODY:
            (item,) = one["items"]
            terms.append(
                month.Terms(
                    product,
                    _title(product),
                    item["reason"],
                    one["since"],
                    one["candidates"],
                    tuple(item["signed"]),
                    tuple(item["persons"]),
                )
            )
        elif one["period"] == period:
            digest = digests[(product, one["recipient"], period)]
            items = tuple(
                month.Item(
                    item["rule"], item["severity"], item["reason"], tuple(item["examples"]), bool(item["may_stand"])
                )
                for item in one["items"]
            )
            name = names.get(one["recipient"], one["recipient"])
            about = (product, _title(product), one["recipient"], name, period, digest[:12])
            withheld.append(month.Withheld(*about, one["state"], one["since"], items))
    return terms, withheld


def _title(product: str) -> str:
    return PRODUCTS[product].title if product in PRODUCTS else product


def _standing(row: Row) -> month.Standing:
    names = ("product", "recipient", "rule", "action", "by", "until", "days")
    return month.Standing(title=_title(row["product"]), **{name: row[name] for name in names})


def _released(home: Home, period: str, names: Mapping[str, str]) -> dict[CandidateKey, month.Released]:
    from pipelines.publishing.listing import PUBLISHED, published

    return {
        release.key: month.Released(
            _title(release.key.product),
            release.key.recipient,
            names.get(release.key.recipient, release.key.recipient),
            release.release_id,
            release.folder.relative_to(home.path).as_posix(),
        )
        for release, state in published(home)
        if state == PUBLISHED and release.key.period == period
    }
