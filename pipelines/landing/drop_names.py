"""What names of dropped files mean, wherever they lie: hidden, unfinished, or such that nobody may follow them.

Belongs here: rules on names alone. Not here: which files make one drop (inbox.py), names inside archives.
"""

from __future__ import annotations

from pathlib import PurePosixPath

from pipelines.landing.store import is_odd

_UNFINISHED = {".part", ".tmp", ".crdownload", ".filepart"}
_LONGEST_PART = 255  # bytes, as file systems have it
_LONGEST_NAME = 1024
_DEEPEST = 16


def is_hidden(name: str) -> bool:
    """Return whether any part of a relative name begins with a point."""
    return any(part.startswith(".") and part not in (".", "..") for part in name.split("/"))


def is_unfinished(name: str) -> bool:
    """Return whether a file is still being written under a passing name."""
    return PurePosixPath(name).suffix.lower() in _UNFINISHED


def name_problem(name: str) -> str | None:
    """Return why a file with this relative name from a server must not be taken; None where it may.

    A name is followed into a folder of ours only if it cannot lead out of it, on any system.
    """
    parts = name.split("/")
    if name.startswith("/") or any(part in ("", ".", "..") for part in parts):
        return "its name leads to another folder"
    if "\\" in name:
        return "its name has a backslash"
    raw = name.encode("utf-8", "surrogateescape")
    # What is not UTF-8 in a name is odd, but old servers have it.
    if any(is_odd(sign) for sign in raw.decode("utf-8", "ignore")):
        return "its name has control characters"
    if len(raw) > _LONGEST_NAME or any(len(part.encode("utf-8", "surrogateescape")) > _LONGEST_PART for part in parts):
        return "its name is too long"
    return "it lies too deep" if len(parts) > _DEEPEST else None
