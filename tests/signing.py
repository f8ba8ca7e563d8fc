"""Two approvers for homes of the tests, and their approval of both products' terms; every name is invented.

Their keys are made from their names, so that homes of the same inputs release the same bytes.
"""

from __future__ import annotations

from datetime import date, timedelta
from hashlib import sha256
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from pipelines.candidates.products import PRODUCTS
from pipelines.gate.deciding import Signer, approve_terms
from pipelines.gate.signing import public_text
from pipelines.home import Home
from pipelines.settings import Clock

ANNA, BERIT = "anna", "berit"
_HEADER = "approver_id,name,public_key,valid_from,valid_to\n"


def private_key(approver_id: str) -> Ed25519PrivateKey:
    """Return a person's key."""
    return Ed25519PrivateKey.from_private_bytes(sha256(f"a key of the tests: {approver_id}".encode()).digest())


def write_key(folder: Path, approver_id: str) -> str:
    """Write a person's private key and return its reference."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{approver_id}.pem"
    path.write_bytes(
        private_key(approver_id).private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    path.chmod(0o600)
    return f"file:{path}"


def enter_approvers(home: Home, *persons: str, since: str = "2000-01-01") -> None:
    """Write the register of approvers and their private keys beside the home."""
    rows = [f"{one},Godkjenner {one},{public_text(private_key(one))},{since},\n" for one in persons or (ANNA, BERIT)]
    (home.registers / "approvers.csv").write_text("".join([_HEADER, *rows]))
    for one in persons or (ANNA, BERIT):
        write_key(home.path.parent / f"{home.path.name}-keys", one)


def sign_terms(home: Home, clock: Clock | None = None, *persons: str) -> None:
    """Let both approve both products as they stand; a home of its own, for settings may still be written anew."""
    home = Home(home.path)
    now = clock or Clock.pinned(home.consortium.as_of or date(2026, 11, 15))
    for product in PRODUCTS:
        for one in persons or (ANNA, BERIT):
            until = now.as_of + timedelta(days=365)
            approve_terms(home, now, product, Signer(one), reason="Prøvd og funnet i orden.", expires_on=until)


def with_four_eyes(home: Home, clock: Clock | None = None) -> Home:
    """Enter both approvers and let them approve both products."""
    enter_approvers(home)
    sign_terms(home, clock)
    return home
