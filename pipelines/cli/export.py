"""``samandel export marts``: the marts as Parquet, for analysts inside the house."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.audit import note_question
from pipelines.cli.options import HomeOption, JsonOption, open_home
from pipelines.cli.output import print_json, print_rows
from pipelines.cli.progress import progress_bars

app = typer.Typer(help="Copies for analysts inside the house.", no_args_is_help=True, rich_markup_mode="rich")


@app.command()
def marts(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new or empty folder, or an earlier export.")],
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Write every mart of the warehouse as Parquet, descriptions included.

    For analysts inside the house: the files hold names and single invoices, and no gate has seen them. Nobody but you
    can read them, they go to no place that members or recipients read, and that you made them is audited.
    """
    from pipelines.warehouse.build import current_build_id
    from pipelines.warehouse.export import export_marts

    opened = open_home(home)
    note_question(opened, export=f"marts {folder.expanduser().resolve()}")
    with progress_bars() as progress:
        written = export_marts(opened, folder, progress)
    if json:
        facts = {"folder": str(folder.expanduser().resolve()), "build_id": current_build_id(opened)}
        print_json({**facts, "tables": [vars(one) for one in written]})
        return
    print_rows([vars(one) for one in written], ("table", "rows", "sha256"), title=str(folder), right=("rows",))
    typer.echo("For analysts inside the house: names and single invoices are in it, and no gate has seen it.")
