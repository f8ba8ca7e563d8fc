"""``samandel release``: what has been published."""

from __future__ import annotations

from typing import Annotated

import typer

from pipelines.cli.options import HomeOption, JsonOption, open_home
from pipelines.cli.output import print_json, print_rows

app = typer.Typer(help="What has been published, and whether it is still as it was.", no_args_is_help=True)

_ProductArgument = Annotated[str | None, typer.Argument(help="municipality_extract or workshop_release.")]
_RecipientArgument = Annotated[str | None, typer.Argument(help="Municipality number or organisation number.")]


@app.command("list")
def list_(home: HomeOption = None, json: JsonOption = False) -> None:
    """List every release with its state and digest."""
    from pipelines.publishing.listing import list_releases

    releases = list_releases(open_home(home))
    if json:
        print_json(releases)
        return
    shown = [{**release, "digest": release["digest"][:12]} for release in releases]
    print_rows(shown, ("product", "recipient", "period", "release_id", "state", "digest", "path"))


@app.command()
def show(
    product: Annotated[str, typer.Argument(help="municipality_extract or workshop_release.")],
    recipient: Annotated[str, typer.Argument(help="Municipality number or organisation number.")],
    release_id: Annotated[str | None, typer.Argument(help="Such as 2026-10-r1 (default: the current one).")] = None,
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Show one release's manifest: what it covers, what it was made from, which rules judged it."""
    from pipelines.publishing.listing import show_release

    manifest = show_release(open_home(home), product, recipient, release_id)
    if json:
        print_json(manifest)
        return
    simple = {name: value for name, value in manifest.items() if isinstance(value, str | int)}
    print_rows(
        [{"fact": name, "value": value} for name, value in simple.items()], ("fact", "value"), title=f"{product}"
    )
    print_rows(manifest.get("files", []), ("path", "bytes", "sha256"), title="Files", right=("bytes",))


@app.command()
def verify(
    product: _ProductArgument = None,
    recipient: _RecipientArgument = None,
    release_id: Annotated[str | None, typer.Argument(help="Such as 2026-10-r1 (default: all).")] = None,
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Recompute every digest of the releases and hold them against the manifests and the gate's decisions.

    Exit status 3 where a release is not what was published.
    """
    from pipelines.gate.decisions import gate_key
    from pipelines.publishing.verify import verify_releases

    opened = open_home(home)
    gate_key(opened)  # without the key no decision can be checked: that is no damage to a release
    results = verify_releases(opened, product=product, recipient=recipient, release_id=release_id)
    if json:
        print_json(results)
    else:
        shown = [{**result, "verdict": "as published" if result["ok"] else "DAMAGED"} for result in results]
        print_rows(shown, ("product", "recipient", "release_id", "verdict", "problems"))
    if not all(result["ok"] for result in results):
        raise typer.Exit(3)
