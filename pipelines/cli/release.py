"""``samandel release``: what has been published, and taking a release back."""

from __future__ import annotations

import getpass
from typing import Annotated

import typer

from pipelines.cli.options import AsOfOption, HomeOption, JsonOption, open_home, read_clock
from pipelines.cli.output import print_json, print_rows
from pipelines.errors import ConfigurationError

app = typer.Typer(help="What has been published, and whether it is still as it was.", no_args_is_help=True)

_ProductArgument = Annotated[
    str | None, typer.Argument(help="municipality_extract, workshop_release or consortium_mart.")
]
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
    product: Annotated[str, typer.Argument(help="municipality_extract, workshop_release or consortium_mart.")],
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
    covered = [
        {"municipality": one["municipality_no"], "delivered to": one.get("delivered_to"), **one}
        for one in manifest.get("coverage", [])
    ]
    print_rows(covered, ("municipality", "months", "not_delivered", "delivered to"), title="Covers")
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


@app.command()
def recall(
    release: Annotated[str, typer.Argument(metavar="RELEASE", help="product/recipient/release_id, or the product.")],
    reason: Annotated[str, typer.Option(help="Why; it stands on the tombstone.", show_default=False)],
    recipient: Annotated[str | None, typer.Argument(help="The recipient, where RELEASE is the product.")] = None,
    release_id: Annotated[str | None, typer.Argument(help="Such as 2026-10-r1, where RELEASE is the product.")] = None,
    by: Annotated[
        str | None,
        typer.Option(metavar="ID", help="Who signs: an id of approvers.csv (default: unsigned).", show_default=False),
    ] = None,
    key: Annotated[str | None, typer.Option(help="The private key: file:PATH or env:NAME.", show_default=False)] = None,
    passphrase: Annotated[
        str | None, typer.Option(help="What the key is locked with: env:NAME or file:PATH.", show_default=False)
    ] = None,
    home: HomeOption = None,
    as_of: AsOfOption = None,
    json: JsonOption = False,
) -> None:
    """Take a release back: a tombstone is left in its place, and the same bytes never go out again."""
    from pipelines.candidates.products import CandidateKey
    from pipelines.gate.deciding import Signer
    from pipelines.publishing.recall import recall_release

    opened = open_home(home)
    parts = [release, recipient, release_id] if recipient and release_id else release.split("/")
    if len(parts) != 3 or not all(parts):
        raise ConfigurationError(
            "It is not clear which release is meant.",
            where=release,
            remedy="Write product/recipient/release_id, as 'samandel release list' shows them.",
        )
    product, whose, which = (str(part) for part in parts)
    told = recall_release(
        opened,
        CandidateKey(product, whose, which.rpartition("-r")[0]),
        which,
        read_clock(opened, as_of),
        reason=reason,
        by=by or getpass.getuser(),
        signer=Signer(by, key, passphrase) if by else None,
    )
    if json:
        print_json(told)
        return
    typer.echo(
        f"{product} for {whose}, {which}: recalled by {told['recalled_by']} (line {told['sequence']} of the chain)."
    )
    typer.echo(f"Now tell {whose}: delete the files. Mend the cause; other bytes are judged anew by 'samandel run'.")
