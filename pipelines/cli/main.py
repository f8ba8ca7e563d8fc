"""``samandel``: the commands, and turning failures into messages and exit codes.

Belongs here: the list of commands and the outermost error handling. Not here: what a command does (the modules beside
this one, one per subject).

Exit codes: 0 fine, 1 a run finished with held or blocked releases, 2 bad usage or configuration, 3 a step failed.
"""

from __future__ import annotations

import sys
import warnings
from io import TextIOWrapper
from typing import cast

import typer

from pipelines import __version__
from pipelines.cli import (
    brreg,
    delivery,
    export,
    gate,
    history,
    keys,
    look,
    matching,
    month,
    operate,
    prepare,
    profile,
    register,
    release,
    setup,
    trace,
    waterfall,
    whatif,
)
from pipelines.cli.output import print_error
from pipelines.errors import SamandelError, describe_unexpected
from pipelines.settings import silence_tools

app = typer.Typer(
    name="samandel",
    help="Municipalities' purchase files in; gated, published releases out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)


def _show_version(value: bool) -> None:
    if value:
        typer.echo(f"samandel {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: bool = typer.Option(
        False, "--version", help="Print the version and exit.", callback=_show_version, is_eager=True
    ),
) -> None:
    """Municipalities' purchase files in; gated, published releases out."""


for _command in (
    *setup.COMMANDS,
    *operate.COMMANDS,
    *month.COMMANDS,
    *look.COMMANDS,
    *trace.COMMANDS,
    *whatif.COMMANDS,
    *waterfall.COMMANDS,
    *history.COMMANDS,
    *prepare.COMMANDS,
):
    app.command()(_command)
app.add_typer(brreg.app, name="brreg")
app.add_typer(delivery.app, name="delivery")
app.add_typer(profile.app, name="profile")
app.add_typer(gate.app, name="gate")
app.add_typer(release.app, name="release")
app.add_typer(keys.app, name="keys")
app.add_typer(register.app, name="register")
app.add_typer(matching.app, name="matching")
app.add_typer(export.app, name="export")


def main() -> None:
    """Run the command line; a user sees a message and an exit code, never a traceback."""
    silence_tools()
    for stream in (sys.stdout, sys.stderr):
        # The name of a file need not be UTF-8; \udc80 is also how JSON writes it.
        cast(TextIOWrapper, stream).reconfigure(errors="backslashreplace")
    if not sys.warnoptions:
        # Remarks of libraries to their developers (preview features of Dagster) are no help to a coordinator.
        warnings.simplefilter("ignore")
    try:
        app()
    except SamandelError as error:
        print_error(error)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.stderr.write("samandel: stopped. Run the same command again: it goes on where it was.\n")
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)
    except Exception as error:  # noqa: BLE001  the outermost edge: whatever it is, a user gets words and a file
        _report_unexpected(error)
        sys.exit(3)


def _report_unexpected(error: Exception) -> None:
    """Write where in the code it happened to a private file, and tell the user where that lies."""
    import tempfile
    from pathlib import Path

    with tempfile.NamedTemporaryFile(
        "w", prefix="samandel-error-", suffix=".txt", delete=False, encoding="utf-8"
    ) as report:
        report.write(describe_unexpected(error))
    Path(report.name).chmod(0o600)
    sys.stderr.write(
        f"samandel: an unexpected failure ({type(error).__name__}).\n"
        f"  where:  {report.name} says where in the code; it holds no data\n"
        "  remedy: run the same command again; if it fails again, run 'samandel doctor'.\n"
    )


if __name__ == "__main__":
    main()
