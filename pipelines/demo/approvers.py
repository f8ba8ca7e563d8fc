"""The demo's two approvers and their keys: invented persons, and keys that protect nothing.

Belongs here: who they are, their keys beside the home, the register's rows. Not here: what they approve, which the
command that makes the demo lets them do.

The keys are drawn from the seed, so that the same arguments make the same home and the same releases. Whoever has the
code can draw them too: they are for trying things out. Real persons' keys come from 'samandel keys new'.
"""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

from pipelines.files import write_atomically

# Id and name; the names are invented.
APPROVERS = (("anna", "Anna Oppdiktet"), ("bjorn", "Bjørn Påfunn"))
KEY_SUFFIX = ".pem"


def write_approvers(keys: Path, seed: int, began: str) -> bytes:
    """Write the approvers' private keys into a folder, those that lie there kept, and return the register."""
    lines = ["approver_id,name,public_key,valid_from,valid_to"]
    for approver_id, name in APPROVERS:
        path = keys / f"{approver_id}{KEY_SUFFIX}"
        if not path.exists():
            write_atomically(path, _drawn(f"samandel demo {seed} {approver_id}"), mode=0o600)
        lines.append(f"{approver_id},{name},{_public(path.read_bytes())},{began},")
    return "\n".join([*lines, ""]).encode()


def _drawn(text: str) -> bytes:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(text.encode()).digest())
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _public(pem: bytes) -> str:
    from cryptography.hazmat.primitives import serialization

    public = serialization.load_pem_private_key(pem, None).public_key()
    raw = public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return base64.b64encode(raw).decode()
