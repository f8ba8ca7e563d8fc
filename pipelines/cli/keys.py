"""``samandel keys``: the keys of those who may sign decisions."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.options import AsOfOption, HomeOption, JsonOption, open_home, read_clock
from pipelines.cli.output import print_json, print_rows

app = typer.Typer(
    help="Keys of those who may sign decisions; private halves never lie in the home.", no_args_is_help=True
)


@app.command()
def new(
    approver_id: Annotated[str, typer.Argument(metavar="ID", help="Short name: small letters, digits, - and _.")],
    name: Annotated[str, typer.Option(help="The person's full name.", show_default=False)],
    file: Annotated[
        Path | None, typer.Option(help="Where the private key goes (default: beside the home).", show_default=False)
    ] = None,
    passphrase: Annotated[
        str | None,
        typer.Option(help="Lock it: env:NAME or file:PATH holds the passphrase.", show_default=False),
    ] = None,
    home: HomeOption = None,
    as_of: AsOfOption = None,
    json: JsonOption = False,
) -> None:
    """Make a person's key: the private half in a file that only its owner may read, the public one in the register."""
    from pipelines.gate.approvers import new_key
    from pipelines.gate.signing import fingerprint

    opened = open_home(home)
    made = new_key(opened, approver_id, name, read_clock(opened, as_of).as_of, place=file, passphrase=passphrase)
    key = fingerprint(made.approver.public_key)
    if json:
        print_json(
            {
                "approver_id": approver_id,
                "key": key,
                "public_key": made.approver.public_key,
                "private_key": str(made.private_key),
                "valid_from": made.valid_from,
            }
        )
        return
    typer.echo(f"{approver_id} may sign from {made.valid_from} with key {key}, entered in registers/approvers.csv.")
    typer.echo(f"The private key lies in {made.private_key}. Give it to {approver_id} alone, and keep no copy.")


@app.command("list")
def list_(home: HomeOption = None, as_of: AsOfOption = None, json: JsonOption = False) -> None:
    """List who may sign, and with which key."""
    from pipelines.gate.approvers import list_keys

    opened = open_home(home)
    rows = list_keys(opened, read_clock(opened, as_of).as_of)
    if json:
        print_json(rows)
        return
    shown = [{**row, "counts": "yes" if row["counts"] else "no"} for row in rows]
    print_rows(shown, ("approver_id", "name", "key", "valid_from", "valid_to", "counts", "problem"))
