"""Raw values in rejects, examples, logs and messages: their shape, not what they say.

Belongs here: the masks. Not here: what is masked where, recognising what gives a person away (scanner.py).

A raw value shows its shape only. A file's name is shown, for its sender must find the file by it; what the scanner
recognises in it is not.
"""

from __future__ import annotations

from functools import lru_cache

from pipelines.scanner import recognised_spans

_LONGEST = 40
_LONGEST_EXTENSION = 5


def mask(value: str) -> str:
    """Return a value's shape: letters are x and digits 9, signs and spaces stand; at most 40 characters."""
    return _shape(value[:_LONGEST])


def mask_file_name(name: str) -> str:
    """Return a file's name with everything that gives a person away masked."""
    stem, dot, extension = name.rpartition(".")
    if not (stem and extension.isalnum() and extension.isascii() and len(extension) <= _LONGEST_EXTENSION):
        stem, dot, extension = name, "", ""
    return _mask_spans(*recognised_spans(stem, is_file_name=True), unchanged=stem) + dot + extension


@lru_cache(maxsize=4096)
def mask_message(message: str) -> str:
    """Return a message of ours with whatever in it gives a person away masked."""
    return _mask_spans(*recognised_spans(message), unchanged=message)


def _mask_spans(plain: str, spans: list[tuple[int, int]], *, unchanged: str) -> str:
    if not spans:
        return unchanged
    hidden = list(plain)
    for start, end in spans:
        hidden[start:end] = _shape(plain[start:end])
    return "".join(hidden)


def _shape(text: str) -> str:
    return "".join("9" if sign.isnumeric() else "x" if sign.isalpha() else sign for sign in text)
