"""What a run was told: the only module that reads the environment.

Belongs here: the home's place, the clock (``as_of``), paths of the installation, resolving secret references.
Not here: what lies in the home (home.py).
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path

from pipelines.errors import ConfigurationError

PROJECT_ROOT = Path(__file__).resolve().parent.parent
DBT_PROJECT = PROJECT_ROOT / "dbt_project"
EXPECTATIONS = PROJECT_ROOT / "expectations"
LOCK_FILE = PROJECT_ROOT / "requirements.lock"

# Usage statistics of the tools are off unless an operator turns them on in the environment.
QUIET_TOOLS = {
    "DAGSTER_DISABLE_TELEMETRY": "yes",
    "DO_NOT_TRACK": "1",
    "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    "GX_ANALYTICS_ENABLED": "false",
}


def silence_tools() -> None:
    """Turn off the usage statistics of Dagster, dbt and Great Expectations for this process and its children."""
    for name, value in QUIET_TOOLS.items():
        os.environ.setdefault(name, value)


def child_environment(**more: str) -> dict[str, str]:
    """Return this process's environment for a child process, with the tools silenced and some names added."""
    return {**QUIET_TOOLS, **os.environ, **more}


def default_home() -> Path:
    """Return the home named by SAMANDEL_HOME, else ``data/demo`` of this installation."""
    named = os.environ.get("SAMANDEL_HOME")
    return Path(named).expanduser().resolve() if named else PROJECT_ROOT / "data" / "demo"


@dataclass(frozen=True)
class Clock:
    """The only clock below the command line.

    Attributes:
        as_of: The day on which the run is made.
        now: The moment written into receipts; midnight UTC of ``as_of`` where the day was pinned, so that the same
            inputs give the same bytes.
    """

    as_of: date
    now: datetime

    @classmethod
    def pinned(cls, as_of: date) -> Clock:
        """Return a clock that stands still at midnight UTC of a day."""
        return cls(as_of, datetime.combine(as_of, time(0), UTC))

    @classmethod
    def real(cls) -> Clock:
        """Return the wall clock, read once."""
        now = datetime.now(UTC).replace(microsecond=0)
        return cls(now.date(), now)


def resolve_secret(reference: str, *, home: Path) -> str:
    """Return the secret that ``env:NAME`` or ``file:PATH`` points to, without its surrounding white space.

    Raises:
        ConfigurationError: The reference has another form, the secret is absent or empty, the file lies inside the
            home (whatever backs up the home would back up the secret), or others may read it (mode not 0600).
            The message names the reference, never the secret.
    """
    kind, _, name = reference.partition(":")
    if kind == "env" and name:
        value = os.environ.get(name, "").strip()
        if not value:
            raise ConfigurationError(
                "A secret is not set.", where=reference, remedy=f"Set the environment variable {name}."
            )
        return value
    if kind == "file" and name:
        return _read_secret_file(reference, Path(name), home)
    raise ConfigurationError(
        "A secret must be given by reference, never in the file itself.",
        where="a secret in consortium.yaml",
        remedy="Write env:NAME or file:PATH (outside the home, mode 0600).",
    )


def _read_secret_file(reference: str, name: Path, home: Path) -> str:
    path = (name if name.is_absolute() else home / name).expanduser().resolve()
    if path.is_relative_to(home.resolve()):
        raise ConfigurationError(
            "A secret file lies inside the home.",
            where=reference,
            remedy="Move it outside the home, mode 0600.",
        )
    if not path.is_file():
        raise ConfigurationError("A secret file does not exist.", where=reference, remedy="Create it with mode 0600.")
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise ConfigurationError("A secret file can be read by others.", where=reference, remedy=f"chmod 600 {name}")
    value = path.read_text(encoding="utf-8").strip()
    if not value:
        raise ConfigurationError("A secret file is empty.", where=reference, remedy="Write the secret into it.")
    return value
