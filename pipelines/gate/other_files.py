"""The texts in a file that nobody agreed on, whatever it is: what it says is scanned before it is refused.

Belongs here: decoding workbooks, archives, PDF, databases, Parquet and plain text into texts, and what is written about
an agreed Parquet file beside its rows. Not here: which files are agreed (TN03), what in a text gives anybody away
(scanner.py). Whatever cannot be decoded is read as it stands; nothing is raised.

(1) A workbook is an archive of XML: what stands between its tags and in its attributes is text, numbers too. (2) An
archive in an archive is opened once more, and of no member more is read than a limit. (3) Of a PDF its compressed
streams are unpacked, and what stands in brackets is text; one that draws its letters as pictures is not read.
"""

from __future__ import annotations

import html
import io
import lzma
import re
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

_MOST_BYTES = 64 * 1024 * 1024
_DEEPEST = 2
_DATABASES = (".duckdb", ".db")
_SCHEMA = b"ARROW:schema"  # the same columns once more, packed
_TAGS = re.compile(r"<[^<>]*>")
_ATTRIBUTES = re.compile(r"=\"([^\"]*)\"")
_STREAMS = re.compile(rb"stream\r?\n(.*?)endstream", re.DOTALL)
_SHOWN = re.compile(rb"\(((?:[^()\\]|\\.)*)\)|<([0-9A-Fa-f\s]+)>")
# What reading an archive that is none, or is damaged, comes to.
NO_ARCHIVE = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError),
    *(RuntimeError, NotImplementedError, OSError, EOFError, ValueError),
)


def texts_of(path: Path) -> Iterator[str]:
    """Give the texts in a file."""
    if path.is_symlink() or not path.is_file():
        return
    if path.suffix in _DATABASES:
        yield from _in_database(path)
    with path.open("rb") as stream:
        yield from _in_bytes(stream.read(_MOST_BYTES), _DEEPEST)


def texts_in(raw: bytes) -> Iterator[str]:
    """Give the texts in the bytes of a file."""
    yield from _in_bytes(raw, _DEEPEST)


def texts_about(path: Path) -> Iterator[str]:
    """Give what a Parquet file says beside its rows: its own and its columns' metadata, and who made it."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        metadata, schema = pq.read_metadata(path), pq.read_schema(path)
    except (pa.ArrowException, OSError):
        return
    yield str(metadata.created_by)
    for stated in (metadata.metadata, schema.metadata, *(field.metadata for field in schema)):
        pairs = ((name, value) for name, value in (stated or {}).items() if name != _SCHEMA)
        yield from (_decoded(value) for pair in pairs for value in pair)


def _in_bytes(raw: bytes, depth: int) -> Iterator[str]:
    if raw.startswith(b"PK") and depth:
        yield from _in_archive(raw, depth)
    elif raw.startswith(b"%PDF"):
        yield from _in_pdf(raw)
    elif raw.startswith(b"PAR1"):
        yield from _in_parquet(raw)
    else:
        text = _decoded(raw)
        yield from (html.unescape(found[1]) for found in _ATTRIBUTES.finditer(text))
        yield from (part for part in html.unescape(_TAGS.sub("\n", text)).splitlines() if part.strip())


def _in_archive(raw: bytes, depth: int) -> Iterator[str]:
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            yield _decoded(archive.comment)
            for member in archive.infolist():
                yield member.filename
                with archive.open(member) as stream:
                    yield from _in_bytes(stream.read(_MOST_BYTES), depth - 1)
    except NO_ARCHIVE:
        yield _decoded(raw)


def _in_pdf(raw: bytes) -> Iterator[str]:
    streams = [_unpacked(found[1]) for found in _STREAMS.finditer(raw)]
    for part in (raw, *streams):
        shown = [_shown(found) for found in _SHOWN.finditer(part)]
        yield from shown
        # A word may be drawn letter by letter.
        yield "".join(shown)


def _unpacked(raw: bytes) -> bytes:
    try:
        return zlib.decompressobj().decompress(raw, _MOST_BYTES)
    except zlib.error:
        return raw


def _shown(found: re.Match[bytes]) -> str:
    if found[1] is not None:
        return _decoded(re.sub(rb"\\([()\\])", rb"\1", found[1]))
    digits = re.sub(rb"\s", b"", found[2])
    return _decoded(bytes.fromhex(digits.decode() + "0" * (len(digits) % 2)))


def _in_parquet(raw: bytes) -> Iterator[str]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        rows = pq.read_table(pa.BufferReader(raw))
    except (pa.ArrowException, OSError):
        yield _decoded(raw)
        return
    for name, column in zip(rows.column_names, rows.columns, strict=True):
        yield name
        yield from (str(value) for value in column.unique().to_pylist() if value is not None)


def _in_database(path: Path) -> Iterator[str]:
    import duckdb

    try:
        with duckdb.connect(str(path), read_only=True, config={"enable_external_access": False}) as database:
            tables = database.execute("select table_name from duckdb_tables()").fetchall()
            for (table,) in tables:
                yield str(table)
                for row in database.execute(f'select * from "{table}"').fetchall():  # noqa: S608  its own tables
                    yield from (str(value) for value in row if value is not None)
    except duckdb.Error:
        return


def _decoded(raw: bytes) -> str:
    """Return bytes as text; two bytes a letter where every other one is zero."""
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return raw.decode("utf-16", errors="replace")
    return raw.decode("utf-8", errors="replace").replace("\x00", "")
