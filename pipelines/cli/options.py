"""The options that several commands share, and what they resolve to.

Belongs here: --home, --as-of, --json. Not here: options of one command.
"""

from __future__ import annotations

import shlex
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from pipelines.errors import ConfigurationError
from pipelines.home import Home
from pipelines.settings import Clock, default_home

HomeOption = Annotated[
    Path | None,
    typer.Option("--home", help="The consortium's home (default: SAMANDEL_HOME, else data/demo).", show_default=False),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print facts as JSON.")]
AsOfOption = Annotated[
    str | None,
    typer.Option(
        "--as-of", metavar="YYYY-MM-DD", help="The day on which the run is made (default: today).", show_default=False
    ),
]


def open_home(path: Path | None) -> Home:
    """Return the named home, or the default one.

    Raises:
        ConfigurationError: It is not a home.
    """
    return Home((path or default_home()).expanduser().resolve()).require()


def home_argument(home: Home) -> str:
    """Return what a command that is shown must say of the home: nothing where it is the default one."""
    return "" if home.path == default_home() else f" --home {shlex.quote(str(home.path))}"


def read_clock(home: Home, as_of: str | None) -> Clock:
    """Return the clock: pinned by --as-of, else by the home's own ``as_of``, else the wall clock.

    Raises:
        ConfigurationError: --as-of is not a date.
    """
    if as_of is not None:
        try:
            return Clock.pinned(date.fromisoformat(as_of))
        except ValueError:
            raise ConfigurationError(
                f"'{as_of}' is not a date.", where="--as-of", remedy="Write it as yyyy-mm-dd."
            ) from None
    pinned = home.consortium.as_of
    return Clock.pinned(pinned) if pinned else Clock.real()
