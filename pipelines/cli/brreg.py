"""``samandel brreg``: fetch the units of the company register that the home has met.

Belongs here: the command and its table. Not here: which units are wanted (parsing/brreg_wanted.py), asking for them
(landing/brreg_fetch.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines.cli.options import AsOfOption, HomeOption, JsonOption, open_home, read_clock
from pipelines.cli.output import print_json
from pipelines.errors import ConfigurationError

if TYPE_CHECKING:
    from pipelines.home import Home, Source

app = typer.Typer(
    help="The company register (Enhetsregisteret): fetch the units that are wanted.", no_args_is_help=True
)
_SHOWN = 20
_STEP = "brreg"


@app.callback()
def _group() -> None:
    """The company register (Enhetsregisteret): fetch the units that are wanted."""


@app.command()
def fetch(
    home: HomeOption = None,
    source: Annotated[
        str | None, typer.Option(help="The source to fetch for, where several have api.", show_default=False)
    ] = None,
    offline: Annotated[
        bool, typer.Option("--offline", help="Touch no network: say what is known and what would be asked for.")
    ] = False,
    older_than: Annotated[
        int | None,
        typer.Option(
            min=0,
            metavar="DAYS",
            help="Ask again for units heard of this many days ago; 0: for all (default: refresh_days).",
            show_default=False,
        ),
    ] = None,
    as_of: AsOfOption = None,
    json: JsonOption = False,
) -> None:
    """Ask the register for units met in deliveries and registers that are unknown, old or changed; then run again."""
    opened = open_home(home)
    chosen = _source(opened, source)
    facts = _fetch(opened, chosen, offline=offline, older_than=older_than, as_of=as_of)
    if json:
        print_json(facts)
    else:
        _print(facts)


def _source(home: Home, name: str | None) -> Source:
    sources = [one for one in home.consortium.sources if one.api is not None and name in (None, one.name)]
    if len(sources) == 1:
        return sources[0]
    what = "Several sources have" if sources else "No source has"
    raise ConfigurationError(
        f"{what} the address of the register's interface" + (f" under the name {name}." if name else "."),
        where="consortium.yaml, joint_sources",
        remedy="Name one with --source."
        if sources
        else "Give a source of kind brreg: api: https://data.brreg.no/enhetsregisteret/api.",
    )


def _fetch(home: Home, source: Source, *, offline: bool, older_than: int | None, as_of: str | None) -> dict[str, Any]:
    from pipelines.cli.progress import progress_bars
    from pipelines.files import exclusive_lock
    from pipelines.landing.brreg_api import RegisterApi
    from pipelines.landing.brreg_fetch import changed_units, fetch_units, read_memory
    from pipelines.parsing.brreg_wanted import known_units, met_org_nos, wanted_units

    clock = read_clock(home, as_of)
    met = met_org_nos(home, home.read_registers())
    # What a sub-unit belongs to is wanted as much as the sub-unit itself.
    met |= {unit.parent_org_no for unit in known_units(home, met).values() if unit.parent_org_no}
    known = known_units(home, met)
    refresh_days = source.refresh_days if older_than is None else older_than
    facts: dict[str, Any] = {
        "source": source.name,
        "offline": offline,
        "met": len(met),
        "known": len(known),
        "deleted": sum(unit.is_deleted for unit in known.values()),
    }
    if offline:
        memory = read_memory(home, source)
        wanted = wanted_units(met, known, memory, (), clock.as_of, refresh_days)
        none = {"asked": 0, "found": 0, "requests": 0, "drop": None}
        return facts | {"unknown_to_register": sorted(memory.unknown & met), "wanted": len(wanted)} | none
    api = RegisterApi(source.api or "")
    lock = exclusive_lock(home.inbox / ".fetched.lock", doing="fetching from the company register")
    with lock, progress_bars() as draw:
        memory = read_memory(home, source)
        wanted = wanted_units(met, known, memory, changed_units(api, memory), clock.as_of, refresh_days)
        fetched = fetch_units(home, source, clock, wanted, api, lambda done, total: draw(_STEP, done, total))
    return facts | {
        "unknown_to_register": sorted(read_memory(home, source).unknown & met),
        "wanted": len(wanted),
        "asked": fetched.asked,
        "found": fetched.found,
        "requests": fetched.requests,
        "drop": None if fetched.drop is None else str(fetched.drop),
    }


def _print(facts: dict[str, Any]) -> None:
    typer.echo(
        f"{facts['met']} organisation numbers were met; {facts['known']} are known from landed deliveries, "
        f"{facts['deleted']} of them deleted."
    )
    unknown = facts["unknown_to_register"]
    if unknown:
        more = f" and {len(unknown) - _SHOWN} more" if len(unknown) > _SHOWN else ""
        typer.echo(f"The register has never had {len(unknown)}: {', '.join(unknown[:_SHOWN])}{more}.")
    if facts["offline"]:
        typer.echo(f"Offline: the network was not touched. {facts['wanted']} would be asked for.")
    elif facts["drop"] is None:
        typer.echo(f"{facts['asked']} were asked for, in {facts['requests']} requests; there is nothing new to land.")
    else:
        typer.echo(f"{facts['asked']} were asked for, {facts['found']} found, in {facts['requests']} requests.")
        typer.echo(f"They lie in {facts['drop']} and land at the next samandel run.")
