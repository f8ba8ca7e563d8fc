"""Ed25519: a person's key, and what it has signed. No other step imports ``cryptography``.

Belongs here: making, opening and recognising keys, signing and verifying bytes. Not here: whose key it is
(approvers.py), what is signed (decision.py). No message and no exception of the library that is passed on holds
anything of a private key.
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING

from pipelines.errors import ConfigurationError
from pipelines.files import sha256_bytes

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

PUBLIC_KEY_BYTES = 32


def new_private_key(passphrase: str | None = None) -> str:
    """Return a new private key as PEM, locked where a passphrase is given."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    lock: serialization.KeySerializationEncryption = (
        serialization.BestAvailableEncryption(passphrase.encode()) if passphrase else serialization.NoEncryption()
    )
    key = Ed25519PrivateKey.generate()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, lock).decode()


def open_private_key(pem: str, passphrase: str | None, *, where: str) -> Ed25519PrivateKey:
    """Return a private key.

    Raises:
        ConfigurationError: It is no Ed25519 key, or is locked with another passphrase. Names the place only.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    try:
        key = serialization.load_pem_private_key(pem.encode(), passphrase.encode() if passphrase else None)
    except TypeError:
        remedy = "Name the passphrase by reference: --passphrase env:NAME or file:PATH; leave it out for an open key."
        raise ConfigurationError(
            "The key is locked and no passphrase, or the reverse.", where=where, remedy=remedy
        ) from None
    except (ValueError, UnsupportedAlgorithm):
        remedy = "Name the file that 'samandel keys new' wrote, and the passphrase that it was locked with."
        raise ConfigurationError("There is no private key that opens.", where=where, remedy=remedy) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise ConfigurationError(
            "The private key is of another kind than Ed25519.", where=where, remedy="Make one: 'samandel keys new'."
        )
    return key


def public_text(key: Ed25519PrivateKey) -> str:
    """Return a key's public half as the register writes it."""
    return base64.b64encode(key.public_key().public_bytes_raw()).decode()


def is_public_key(text: str) -> bool:
    """Return whether a register's text can be a public key."""
    try:
        return len(base64.b64decode(text, validate=True)) == PUBLIC_KEY_BYTES
    except (binascii.Error, ValueError):
        return False


def fingerprint(public_key: str) -> str:
    """Return what a public key is recognised by; of whatever is none, the text is not repeated."""
    return sha256_bytes(public_key.encode())[:16]


def sign(key: Ed25519PrivateKey, statement: bytes) -> str:
    """Return a signature."""
    return base64.b64encode(key.sign(statement)).decode()


def is_signed_by(public_key: str, signature: str, statement: bytes) -> bool:
    """Return whether a statement was signed with the private half of a key; False for whatever is no key either."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public_key, validate=True))
        key.verify(base64.b64decode(signature, validate=True), statement)
    except (InvalidSignature, ValueError):
        return False
    return True
