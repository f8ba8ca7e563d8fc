"""Write files so that a kill leaves the old state or the new one, never half of it.

Belongs here: atomic writes, digests, canonical JSON, reading YAML, the run lock. Not here: what is written (every step
has its own renderer).
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from pipelines.errors import WarehouseBusy

_CHUNK = 1 << 20
KEY_TWICE = "a key is stated twice"


def read_yaml(text: str) -> Any:
    """Return what a YAML text says, read by libyaml where it is there: ten times as fast, and every command reads some.

    Raises:
        yaml.YAMLError: It is not YAML; or a key is stated twice (KEY_TWICE), of which YAML would drop the first.
    """
    import yaml

    return yaml.load(text, Loader=_yaml_loader())  # noqa: S506  made of a safe one


@cache
def _yaml_loader() -> Any:
    import yaml

    class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
        def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> Any:
            seen = set()
            for key, _ in node.value:
                if isinstance(key, yaml.ScalarNode) and key.tag != "tag:yaml.org,2002:merge":
                    if (key.tag, key.value) in seen:
                        raise yaml.constructor.ConstructorError(None, None, KEY_TWICE, key.start_mark)
                    seen.add((key.tag, key.value))
            return super().construct_mapping(node, deep=deep)

    return Loader


def sha256_bytes(raw: bytes) -> str:
    """Return the hexadecimal SHA-256 of some bytes."""
    return hashlib.sha256(raw).hexdigest()


def sha256_file(path: Path) -> str:
    """Return the hexadecimal SHA-256 of a file, read in chunks of 1 MiB."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def folder_digest(folder: Path) -> str:
    """Return the SHA-256 over the sorted lines ``sha256  path`` of all files in a folder: the digest of a candidate."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    lines = sorted(f"{sha256_file(path)}  {path.relative_to(folder).as_posix()}\n" for path in files)
    return sha256_bytes("".join(lines).encode())


def canonical_json(value: Any) -> str:
    """Return JSON with sorted keys and no spaces: the same value is the same text."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def pretty_json(value: Any) -> str:
    """Return JSON that people can read: sorted keys, two spaces, a final newline."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, indent=2) + "\n"


def write_atomically(path: Path, raw: bytes, *, mode: int = 0o644) -> None:
    """Write bytes to a temporary file beside ``path``, flush them to disk, and rename it into place."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(raw)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.chmod(mode)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


@contextlib.contextmanager
def folder_in_place(target: Path) -> Iterator[Path]:
    """Give a temporary folder beside ``target``; on success it replaces ``target``, on failure it is removed."""
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=".tmp", dir=target.parent))
    temporary.chmod(0o755)
    try:
        yield temporary
        if target.exists():
            discarded = temporary.with_name(temporary.name + ".old")
            target.rename(discarded)
            temporary.rename(target)
            shutil.rmtree(discarded)
        else:
            temporary.rename(target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


@contextlib.contextmanager
def waiting_lock(path: Path) -> Iterator[None]:
    """Hold an flock for the duration of the block, after whoever holds it; the kernel frees it when a process dies."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def exclusive_lock(path: Path, *, doing: str) -> Iterator[None]:
    """Hold an flock for the duration of the block; the kernel frees it when the process dies.

    Raises:
        WarehouseBusy: Another live process holds it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise WarehouseBusy(
                f"Another process is already {doing} in this home.",
                where=str(path),
                remedy="Wait until it has ended, or end it, and try again.",
            ) from error
        yield
