"""``samandel prepare``: what a municipality's accountant runs before anything is handed in. Texts are bokmål."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.output import print_json, print_rows
from pipelines.errors import ConfigurationError, SamandelError
from pipelines.prepared import UNEXPLAINED

if TYPE_CHECKING:
    from pipelines.parsing.ledger_profile import Profile
    from pipelines.prepared import Manifest
    from pipelines.preparing.clients import SupplierList
    from pipelines.preparing.package import Package

DEFAULT_OUTPUT = Path("klargjort.zip")
_DOCUMENTS = "ehf"
_KINDS = {"ledger": "Reskontro", _DOCUMENTS: "E-faktura"}
_REMOVED = {
    "attachments": "vedlegg og henvisninger til vedlegg",
    "contacts": "kontaktpersoner, telefoner og e-postadresser",
    "delivery": "leveringssteder og mottakere",
    "notes": "merknader",
    "addresses": "gateadresser",
    "accounts": "bankkontoer og KID",
    "extensions": "utvidelser",
    "buyer_names": "kommunens navn",
    "stopped_texts": "tekster med personopplysninger",
    "unused_cells": "celler i kolonner som ikke brukes",
    "title_rows": "rader over overskriften",
    "sum_rows": "sumrader og gjentatte overskrifter",
    "unexplained": "e-fakturaer som ikke er funnet i reskontroen",
    "client_matched": "klientfakturaer (funnet i reskontroen)",
    "client_listed": "klientfakturaer (leverandør på listen)",
    "client_possible": "mulige klientfakturaer (leverandør med klientutbetalinger)",
    "unreadable": "filer som ikke kan leses",
}
_KEPT_UNEXPLAINED = (
    "OBS: E-fakturaer som er med, men ikke gjenfunnet i reskontroen: {count}. Se over dem.\n"
    "     Mottaket avviser pakken der avtalen krever klargjøring."
)
_UNEXPLAINED = (
    "E-fakturaer som ikke er gjenfunnet i reskontroen, og derfor ikke er med: {count}.\n"
    "     Ta dem med neste gang, når de er bokført, eller legg til --keep-unexplained hvis ingen gjelder klienter."
)
_UNKNOWN_CLIENTS = (
    "OBS: Klientfakturaer kan ikke kjennes igjen: {why}.\n"
    "     Oppgi --supplier-list FIL (en tom fil hvis dere ikke har slike leverandører).\n"
    "     Mottaket avviser pakken der avtalen krever klargjøring."
)


def prepare(
    files: Annotated[list[Path], typer.Argument(help="Reskontro (CSV, TXT, XLSX), EHF-filer, mapper og zip-filer.")],
    output: Annotated[Path, typer.Option("--output", help="Pakken som skrives.")] = DEFAULT_OUTPUT,
    profile: Annotated[
        str | None, typer.Option("--profile", help="Reskontroens profil: navn på en som følger med, eller en YAML-fil.")
    ] = None,
    supplier_list: Annotated[
        Path | None,
        typer.Option(
            "--supplier-list", help="Leverandører av klienttjenester: ett organisasjonsnummer eller navn per linje."
        ),
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="Skriv pakken uten å spørre, også over en som finnes fra før.")
    ] = False,
    keep_unexplained: Annotated[
        bool,
        typer.Option(
            "--keep-unexplained",
            help="Ta med e-fakturaer som ikke er funnet i reskontroen. Mottaket avviser pakken der avtalen krever "
            "klargjøring.",
        ),
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Skriv ut opplysningene som JSON.")] = False,
) -> None:
    """Klargjør filer før innsending: fjerner det mottaket ikke trenger, viser hva, og forsegler resten i en pakke.

    Kjøres hos kommunen. Trenger verken nett eller hjemmemappe. Beløpene er de samme før og etter, øre for øre.
    """
    from pipelines.preparing.words import failure_text

    asks = not (yes or json) and sys.stdin.isatty()
    try:
        _check_output(output, files, may_overwrite=yes or asks)
        make = _maker(files, output, profile, supplier_list)
        package = make(keep_unexplained)
        if asks and not keep_unexplained and _keeps_unexplained(package):
            package = make(True)
        _finish(package, output, asks=asks, json=json)
    except SamandelError as error:
        typer.echo(f"samandel: {failure_text(error)}", err=True)
        raise typer.Exit(error.exit_code) from None


def _maker(
    files: list[Path], output: Path, profile: str | None, supplier_list: Path | None
) -> Callable[[bool], Package]:
    """Return what makes the package, with or without e-invoices that no posting explains."""
    from pipelines.cli.progress import progress_bars
    from pipelines.preparing.inputs import find_inputs
    from pipelines.preparing.package import prepare_package

    loaded = None if profile is None else _load_profile(profile)
    suppliers = _read_suppliers(supplier_list)
    inputs = find_inputs(files, output=output)

    def make(keep_unexplained: bool) -> Package:
        with progress_bars() as progress:
            return prepare_package(
                inputs, profile=loaded, suppliers=suppliers, keep_unexplained=keep_unexplained, progress=progress
            )

    return make


def _keeps_unexplained(package: Package) -> bool:
    """Ask whether e-invoices that no posting explains are kept; only a plain yes counts."""
    count = sum(one.documents for one in package.manifest.taken_out if one.reason == UNEXPLAINED)
    if not count:
        return False
    typer.echo(_UNEXPLAINED.format(count=count))
    return _says_yes("Ta dem med likevel? Mottaket avviser pakken der avtalen krever klargjøring. [j/N]", "n")


def _finish(package: Package, output: Path, *, asks: bool, json: bool) -> None:
    if json:
        _write(package, output)
        left_out = [{"file": name, "reason": reason} for name, reason in package.left_out]
        facts = {"output": str(output), "left_out": left_out, "without_function": list(package.without_function)}
        print_json(facts | package.manifest.document())
        return
    _show(package)
    if asks and not _agrees(output):
        typer.echo("Ingen pakke er skrevet.")
        return
    digest = _write(package, output)
    typer.echo(f"Skrev {output} (SHA-256 {digest}).")
    typer.echo(_where_to(package))


def _agrees(output: Path) -> bool:
    """Ask before a package is written; over one that is there already only a plain yes counts."""
    if output.exists():
        return _says_yes(f"{output} finnes fra før. Skrive over den? [j/N]", "n")
    return _says_yes(f"Skrive {output}? [J/n]", "j")


def _says_yes(question: str, default: str) -> bool:
    answer = typer.prompt(question, default=default, show_default=False)
    return str(answer).strip().lower() in ("j", "ja", "y", "yes")


def _load_profile(named: str) -> Profile:
    from pipelines.parsing.ledger_profile import load_profile
    from pipelines.preparing.words import profile_refused

    try:
        return load_profile(named, None)
    except ConfigurationError as error:
        raise profile_refused(error, named) from None


def _write(package: Package, output: Path) -> str:
    try:
        return package.write(output)
    except OSError:
        raise ConfigurationError(
            "Pakken kan ikke skrives der.", where=f"--output {output}", remedy="Velg en mappe som du kan skrive i."
        ) from None


def _check_output(output: Path, files: list[Path], *, may_overwrite: bool) -> None:
    if output.suffix.lower() != ".zip":
        raise ConfigurationError(
            "Pakken må være en zip-fil.", where=f"--output {output}", remedy="Skriv --output P.zip."
        )
    if any(output.resolve() == file.resolve() for file in files):
        raise ConfigurationError(
            "Pakken ville skrevet over en av filene.", where=f"--output {output}", remedy="Velg et annet navn."
        )
    if not output.resolve().parent.is_dir():
        raise ConfigurationError(
            "Mappen finnes ikke.", where=f"--output {output}", remedy="Lag den, eller velg en annen."
        )
    if output.exists() and not (may_overwrite and output.is_file()):
        raise ConfigurationError(
            "Pakken finnes fra før, og ingenting er skrevet over.",
            where=f"--output {output}",
            remedy="Velg et annet navn, flytt den som er der, eller legg til --yes for å skrive over den.",
        )


def _read_suppliers(path: Path | None) -> SupplierList | None:
    from pipelines.parsing.tabular import UnreadableTable, decode
    from pipelines.preparing.clients import SupplierList

    if path is None:
        return None
    try:
        if not path.is_file():  # a pipe would keep us waiting
            raise UnreadableTable("not a regular file")
        text, _ = decode(path.read_bytes(), ("utf-8-sig", "cp1252"))
    except (OSError, UnreadableTable):
        raise ConfigurationError(
            "Leverandørlisten kan ikke leses.", where=f"--supplier-list {path}", remedy="Lagre den som tekst eller CSV."
        ) from None
    return SupplierList(text)


def _show(package: Package) -> None:
    """Print what is kept, what was removed, and what is not in the package at all."""
    manifest = package.manifest
    rows = [
        _kind_row(manifest, kind, label, currency)
        for kind, label in _KINDS.items()
        for currency in sorted(_currencies(manifest, kind))
    ]
    numbers = tuple(rows[0])[1:] if rows else ()
    print_rows(rows, ("type", *numbers), title="Dette beholdes", right=numbers)
    removed: Counter[str] = Counter()
    for file in manifest.files:
        removed.update(file.removed)
    for one in manifest.taken_out:
        removed[one.reason] += one.documents
    shown = [{"hva": _REMOVED.get(kind, kind), "antall": count} for kind, count in sorted(removed.items())]
    print_rows(shown, ("hva", "antall"), title="Dette er fjernet", right=("antall",))
    profiles = sorted({file.profile for file in manifest.files if file.profile})
    if profiles:
        typer.echo(f"Reskontro lest med profil: {', '.join(profiles)}.")
    for name, reason in package.left_out[:20]:
        typer.echo(f"Ikke med: {name}: {reason}")
    if len(package.left_out) > 20:
        typer.echo(f"Ikke med: og {len(package.left_out) - 20} filer til.")
    if manifest.unexplained:
        typer.echo(_KEPT_UNEXPLAINED.format(count=manifest.unexplained), err=True)
    if unexplained := sum(one.documents for one in manifest.taken_out if one.reason == UNEXPLAINED):
        typer.echo(_UNEXPLAINED.format(count=unexplained))
    if not manifest.clients_known_from:
        names = ", ".join(package.without_function[:20])
        missing = f"ingen rad har tjeneste (funksjon) i {names}" if names else "ingen reskontro er med"
        typer.echo(_UNKNOWN_CLIENTS.format(why=f"{missing}, og ingen leverandørliste"), err=True)


def _currencies(manifest: Manifest, kind: str) -> set[str]:
    kept = {file.currency for file in manifest.files if file.kind == kind and file.currency}
    return kept | {one.currency for one in manifest.taken_out if kind == _DOCUMENTS and one.currency}


def _kind_row(manifest: Manifest, kind: str, label: str, currency: str) -> dict[str, str | int]:
    """Return what became of the files of a kind in a currency."""
    kept = [file for file in manifest.files if (file.kind, file.currency) == (kind, currency)]
    gone = [one for one in manifest.taken_out if kind == _DOCUMENTS and one.currency == currency]
    documents, elsewhere = sum(one.documents for one in gone), sum(one.amount_ore for one in gone)
    amount = sum(file.amount_after_ore for file in kept)
    return {
        "type": label,
        "filer inn": len(kept) + documents,
        "rader inn": sum(file.rows_in for file in kept) + documents,
        "beholdt": sum(file.rows_kept for file in kept),
        "slått sammen": sum(file.rows_aggregated for file in kept) + documents,
        "til sumrader": sum(file.sums for file in kept),
        "fjernet": sum(file.rows_removed for file in kept),
        "beløp inn": _kroner(amount + elsewhere, currency),
        "beløp i pakken": _kroner(amount, currency),
        "beløp tatt ut": _kroner(elsewhere, currency),
    }


def _kroner(ore: int, currency: str) -> str:
    whole, part = divmod(abs(ore), 100)
    return f"{'-' if ore < 0 else ''}{whole:,}".replace(",", " ") + f",{part:02d} {currency}"


def _where_to(package: Package) -> str:
    kinds = [label.lower() for kind, label in _KINDS.items() if package.manifest.names_of(kind)]
    if len(kinds) == 2:
        return "Legg pakken både i innboksen for reskontro og i innboksen for e-faktura: hver av dem tar sin del."
    return f"Legg pakken i innboksen for {kinds[0]}." if kinds else "Det er ingenting å legge i innboksen."


COMMANDS = (prepare,)
