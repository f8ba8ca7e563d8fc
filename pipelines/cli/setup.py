"""``samandel init``, ``doctor`` and ``up``: getting a home, checking it, and opening the UI."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.options import HomeOption, JsonOption, open_home, read_clock
from pipelines.cli.output import print_json, print_rows
from pipelines.errors import ConfigurationError
from pipelines.home import Home


def init(
    home: Annotated[Path, typer.Argument(help="The folder to make.")],
    demo: Annotated[bool, typer.Option("--demo", help="Make the demo consortium: every name and number invented.")] = (
        False
    ),
    municipalities: Annotated[int, typer.Option(min=1, max=20, help="Demo: how many members.")] = 20,
    months: Annotated[int, typer.Option(min=1, max=12, help="Demo: how many months, ending 2026-10.")] = 12,
    scale: Annotated[
        float | None, typer.Option(min=0.001, max=4, help="Demo: 1 is the real size; the default is small.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Demo: the same seed gives the same bytes.")] = 2026,
) -> None:
    """Make a home: a commented starter, or with --demo a whole consortium to try."""
    target = home.expanduser().resolve()
    if demo:
        from pipelines.cli.progress import progress_bars
        from pipelines.demo.make import DEFAULT_SCALE, make_demo

        with progress_bars() as progress:
            make_demo(
                target,
                municipalities=municipalities,
                months=months,
                scale=DEFAULT_SCALE if scale is None else scale,
                seed=seed,
                progress=progress,
                decide=_approve_demo,
            )
        typer.echo(f"Made the demo consortium in {target}. Next: samandel run --home {home}")
        return
    if scale is not None or (municipalities, months, seed) != (20, 12, 2026):
        raise ConfigurationError(
            "--municipalities, --months, --scale and --seed belong to the demo.", where="init", remedy="Add --demo."
        )
    from pipelines.starter import make_starter

    make_starter(target)
    typer.echo(f"Made a home in {target}. Next: fill in consortium.yaml and registers/, then samandel doctor.")


def _approve_demo(folder: Path, keys: Path) -> None:
    """Let both approvers of the demo approve every product, so that its first run releases them."""
    from datetime import timedelta

    from pipelines.candidates.products import PRODUCTS
    from pipelines.demo.approvers import APPROVERS, KEY_SUFFIX
    from pipelines.gate.deciding import Signer, approve_terms

    home = Home(folder)
    clock = read_clock(home, None)
    reason = "Første utgivelse i demoen: regler, grenser, eierskap og avtaler er gjennomgått."
    for product in PRODUCTS:
        for approver_id, _ in APPROVERS:
            signer = Signer(approver_id, key=f"file:{keys / (approver_id + KEY_SUFFIX)}")
            until = clock.as_of + timedelta(days=365)
            approve_terms(home, clock, product, signer, reason=reason, expires_on=until)


def doctor(home: HomeOption = None, json: JsonOption = False) -> None:
    """Check the installation, the home, its sources and the disk; say what to do about what is wrong."""
    from pipelines.doctor import examine
    from pipelines.settings import default_home

    findings = examine(Home((home or default_home()).expanduser().resolve()))
    if json:
        print_json(findings)
    else:
        print_rows(findings, ("check", "state", "found", "remedy"))
    if any(finding["state"] == "wrong" for finding in findings):
        raise typer.Exit(2)


def up(
    port: Annotated[int, typer.Option(min=1, max=65535, help="The port on 127.0.0.1.")] = 3000,
    home: HomeOption = None,
) -> None:
    """Open Dagster's web UI and daemon on this home, for this machine only (127.0.0.1)."""
    from pipelines.orchestrate import start_ui

    start_ui(open_home(home), port)


COMMANDS = (init, doctor, up)
