"""``samandel whatif``: what it would mean to move a part of a need to a workshop."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

import typer

from pipelines.cli.audit import note_question
from pipelines.cli.options import HomeOption, JsonOption, open_home
from pipelines.cli.output import print_json, print_rows
from pipelines.errors import ConfigurationError

# What stands under each number, in the order in which it is shown.
_SHOWN = {
    "category_spend_nok": "What the member buys of it that the workshop could deliver, NOK in twelve months",
    "wished_nok": "The part that is to move, NOK",
    "moved_nok": "What moves: no more than what no workshop is paid for today, NOK",
    "workshop_before_nok": "Paid to the workshop before, NOK",
    "workshop_after_nok": "and after, NOK",
    "workshop_spend_ratio_before": "Workshops' part of what is bought (K04) before",
    "workshop_spend_ratio_after": "and after",
    "workshop_addressable_ratio_before": "Workshops' part of what they could deliver (K05) before",
    "workshop_addressable_ratio_after": "and after",
    "need_bought_nok": "Bought of the need, whoever is paid, NOK",
    "entry_limit_nok": "Limit for direct purchase, NOK",
    "headroom_to_workshop_nok": "Room for direct purchase from the workshop (K07), NOK",
    "headroom_used_nok": "of which this uses, NOK",
    "beyond_headroom_nok": "Beyond that room: another way to buy is needed for, NOK",
    "free_capacity_nok": "What the workshop has free (K35), NOK in twelve months",
    "beyond_capacity_nok": "Beyond what it has free, NOK",
    "places": "Adapted work places that it carries (K34)",
}


def whatif(
    municipality: Annotated[str, typer.Argument(metavar="MUNICIPALITY", help="A municipality number.")],
    category: Annotated[str, typer.Argument(metavar="CATEGORY", help="A product category, such as laundry.")],
    workshop: Annotated[str, typer.Argument(metavar="WORKSHOP", help="A workshop's organisation number.")],
    percent: Annotated[str, typer.Option(metavar="X", help="How much of the spend moves, above 0 to 100.")],
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Show what moving a part of what a municipality buys to a workshop would give: ratios, room, places, ways to buy.

    For the coordinator, and audited. What nobody has reported is not known, never zero.
    """
    part = _percent(percent)
    opened = open_home(home)
    import duckdb

    from pipelines.warehouse.read import connect
    from pipelines.whatif import find_opportunity, move

    note_question(opened, whatif=f"{municipality} {category} {workshop} {percent}")
    with connect(opened) as connection:
        try:
            found = find_opportunity(connection, municipality, category, workshop)
        except duckdb.CatalogException:
            raise ConfigurationError(
                "The warehouse was built by an earlier version, which knew no opportunities.",
                where=str(opened.warehouse_file),
                remedy="Build it again: 'samandel run'.",
            ) from None
    result = move(found.standing, part)
    key = {"municipality_no": municipality, "category_key": category, "workshop_org_no": workshop}
    days = {"period_start": found.period[0], "period_end": found.period[1], "months_with_data": found.months_with_data}
    if json:
        facts = {"feasibility": found.feasibility, "feasibility_reason": found.feasibility_reason}
        print_json({**key, **days, **result, **facts, "routes": found.routes})
        return
    _print({**key, **days}, result, found.routes)


def _percent(text: str) -> Decimal:
    try:
        value = Decimal(text.replace(",", ".").removesuffix("%").strip())
        if 0 < value <= 100:  # noqa: PLR2004
            return value
    except InvalidOperation:
        pass
    raise ConfigurationError(
        f"'{text}' is not a percentage.", where="--percent", remedy="Write a number above 0, at most 100."
    )


def _print(key: dict[str, Any], result: dict[str, Any], routes: list[dict[str, Any]]) -> None:
    title = (
        f"{key['municipality_no']} {key['category_key']}: {result['percent']} % to {key['workshop_org_no']},"
        f" {key['period_start']} to {key['period_end']}"
    )
    rows = [
        {"what": text, "number": "not known" if result[name] is None else result[name]} for name, text in _SHOWN.items()
    ]
    print_rows(rows, ("what", "number"), title=title, right=("number",))
    if key["months_with_data"] < 12:  # noqa: PLR2004
        typer.echo(f"Purchases of {key['months_with_data']} of the twelve months are known.")
    print_rows(routes, ("label_no", "state", "reason_no", "check_no"), title="Ways to buy")


COMMANDS = (whatif,)
