"""Who may sign decisions: the register ``approvers.csv``, and making a person's key.

Belongs here: whose key counts on a day, new keys, where private keys lie. Not here: signing (signing.py), what a
signature decides (decision.py). The public half stands in the register; the private half lies outside the home, mode
0600, and is read by reference alone.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines import settings
from pipelines.errors import ConfigurationError
from pipelines.files import exclusive_lock, write_atomically
from pipelines.gate.signing import fingerprint, is_public_key, new_private_key, open_private_key, public_text
from pipelines.home import Home
from pipelines.municipalities import holds_on
from pipelines.registers import REGISTERS
from pipelines.scanner import find_in_codes

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

REGISTER = "approvers"
_ID = r"[a-z][a-z0-9_-]{0,31}"


@dataclass(frozen=True)
class Approver:
    """A person who may sign on a day.

    Attributes:
        approver_id: Short name.
        name: Full name.
        public_key: The public half of the person's key, base64.
    """

    approver_id: str
    name: str
    public_key: str


def full_name(row: Mapping[str, Any]) -> str:
    """Return a row's full name, however it is spaced and capitalised."""
    return " ".join(str(row["name"]).split()).casefold()


class Approvers:
    """Whose keys count, on which day.

    (1) What is no Ed25519 key counts for nobody. (2) A key that stands under two persons counts for neither: it is one
    person's at most, and nobody can tell whose.
    """

    def __init__(self, rows: Iterable[Mapping[str, Any]]) -> None:
        self._rows = list(rows)
        owners: dict[str, set[str]] = {}
        for row in self._rows:
            owners.setdefault(row["public_key"], set()).add(row["approver_id"])
        self._shared = {key for key, persons in owners.items() if len(persons) > 1}

    def problem(self, row: Mapping[str, Any]) -> str:
        """Return in words why a row's key counts for nobody; empty where it may count."""
        if not is_public_key(row["public_key"]):
            return "what stands there is no Ed25519 public key"
        return "the key stands under two persons" if row["public_key"] in self._shared else ""

    def on(self, day: date) -> dict[str, Approver]:
        """Return who may sign on a day, by id."""
        return {
            row["approver_id"]: Approver(row["approver_id"], row["name"], row["public_key"])
            for row in self._rows
            if holds_on(row, day) and not self.problem(row)
        }

    def person_of(self, approver_id: str) -> str:
        """Return who an id is, by full name: one person may have had several ids."""
        names = [full_name(row) for row in self._rows if row["approver_id"] == approver_id]
        return names[-1] if names else approver_id

    def is_key_of(self, approver_id: str, public_key: str, day: date) -> bool:
        """Return whether a key is a person's on a day."""
        found = self.on(day).get(approver_id)
        return found is not None and found.public_key == public_key


def private_key_reference(home: Home, approver_id: str) -> str:
    """Return where a person's private key lies unless another place is named."""
    return f"file:../{home.path.name}-keys/{approver_id}.pem"


def open_key_of(home: Home, approver: Approver, reference: str | None, passphrase: str | None) -> Ed25519PrivateKey:
    """Return a person's private key.

    Args:
        home: The home.
        approver: Whose.
        reference: ``file:PATH`` or ``env:NAME``; None for where ``new_key`` puts it.
        passphrase: Reference to what it is locked with, or None.

    Raises:
        ConfigurationError: It cannot be read, others may read it, or it is somebody else's.
    """
    where = reference or private_key_reference(home, approver.approver_id)
    pem = settings.resolve_secret(where, home=home.path)
    secret = None if passphrase is None else settings.resolve_secret(passphrase, home=home.path)
    key = open_private_key(pem, secret, where=where)
    if public_text(key) != approver.public_key:
        raise ConfigurationError(
            f"The key is not the one that {approver.approver_id} has in the register.",
            where=where,
            remedy=f"Name {approver.approver_id}'s own with --key; 'samandel keys list' shows whose is which.",
        )
    return key


@dataclass(frozen=True)
class NewKey:
    """What making a key came to.

    Attributes:
        approver: Whose it is.
        private_key: Where its private half lies.
        valid_from: From when it counts.
    """

    approver: Approver
    private_key: Path
    valid_from: date


def new_key(
    home: Home, approver_id: str, name: str, day: date, *, place: Path | None = None, passphrase: str | None = None
) -> NewKey:
    """Make a person's key and enter the person in the register; a key that lies there without a row is taken up.

    Args:
        home: The home.
        approver_id: Short name.
        name: Full name.
        day: From when it counts.
        place: Where the private half goes; None for a folder beside the home.
        passphrase: Reference to what it is locked with, or None.

    Raises:
        ConfigurationError: The id is no short name, has a key already, or the place lies inside the home.
    """
    _require_id(approver_id)
    if not " ".join(name.split()) or find_in_codes(name):
        raise ConfigurationError("That is no name of a person.", where="--name", remedy="Write the full name.")
    path = (place or home.path.parent / f"{home.path.name}-keys" / f"{approver_id}.pem").expanduser().resolve()
    if path.is_relative_to(home.path.resolve()):
        raise ConfigurationError(
            "A private key may not lie inside the home.", where=str(path), remedy="Name a place outside it."
        )
    secret = None if passphrase is None else settings.resolve_secret(passphrase, home=home.path)
    with exclusive_lock(home.registers / f".{REGISTER}.lock", doing="making keys"):
        rows = home.read_registers()[REGISTER]
        if any(
            row["approver_id"] == approver_id and (row["valid_to"] is None or row["valid_to"] >= day) for row in rows
        ):
            raise ConfigurationError(
                f"{approver_id} has a key that counts.",
                where=f"registers/{REGISTER}.csv",
                remedy="Write the last day of the old one into valid_to, then make a new one the day after.",
            )
        if not path.exists():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_atomically(path, new_private_key(secret).encode(), mode=0o600)
        pem = settings.resolve_secret(f"file:{path}", home=home.path)
        approver = Approver(
            approver_id, " ".join(name.split()), public_text(open_private_key(pem, secret, where=str(path)))
        )
        if any(row["public_key"] == approver.public_key and row["approver_id"] != approver_id for row in rows):
            raise ConfigurationError(
                "The key is another person's already: two persons need two keys.",
                where=str(path),
                remedy="Name another file: a new key is made there.",
            )
        _enter(home, approver, day)
    return NewKey(approver, path, day)


def _require_id(approver_id: str) -> None:
    if not re.fullmatch(_ID, approver_id):
        raise ConfigurationError(
            f"'{approver_id}' is no short name.",
            where="ID",
            remedy="Small letters, digits, - and _, beginning with a letter, at most 32: anna, k-berg.",
        )


def _enter(home: Home, approver: Approver, day: date) -> None:
    """Add a person to the register as it is written, other rows untouched."""
    path = home.registers / f"{REGISTER}.csv"
    names = REGISTERS[REGISTER].column_names
    written = path.read_text(encoding="utf-8-sig") if path.is_file() else ",".join(names) + "\n"
    header = written.split("\n", 1)[0]
    delimiter = ";" if header.count(";") > header.count(",") else ","
    row = {
        "approver_id": approver.approver_id,
        "name": approver.name,
        "public_key": approver.public_key,
        "valid_from": day.isoformat(),
        "valid_to": "",
    }
    columns = [name.strip() for name in next(csv.reader([header.rstrip("\r")], delimiter=delimiter))]
    line = io.StringIO()
    csv.writer(line, delimiter=delimiter, lineterminator="\n").writerow([row[name] for name in columns])
    whole = written if written.endswith("\n") else f"{written}\n"
    write_atomically(path, (whole + line.getvalue()).encode())


def list_keys(home: Home, day: date) -> list[dict[str, Any]]:
    """Return every key of the register: whose, what it is recognised by, whether it counts on a day."""
    rows = home.read_registers()[REGISTER]
    approvers = Approvers(rows)
    return [
        {
            "approver_id": row["approver_id"],
            "name": row["name"],
            "key": fingerprint(row["public_key"]),
            "valid_from": row["valid_from"],
            "valid_to": row["valid_to"],
            "counts": holds_on(row, day) and not approvers.problem(row),
            "problem": approvers.problem(row),
        }
        for row in rows
    ]
