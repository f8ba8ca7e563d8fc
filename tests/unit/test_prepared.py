"""A manifest is taken only as it was sealed, and a package only with the bytes that were sealed."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.files import canonical_json, sha256_bytes
from pipelines.prepared import (
    Manifest,
    NotPrepared,
    PreparedFile,
    TakenOut,
    combined_digest,
    hold_against_manifest,
    read_manifest,
)

FILE = PreparedFile("ledger", "a.csv", "0" * 64, "ledger/a.csv", "1" * 64, 3, 1, 2, 0, 1, "NOK", 500, 500, {})
OUT = TakenOut("client_matched", "NOK", 2, 700)
MANIFEST = Manifest("samandel 0", ("ledger",), (FILE,), (OUT,), "2" * 64)


def resealed(**changes: object) -> bytes:
    body = {name: value for name, value in MANIFEST.document().items() if name != "seal"} | changes
    return json.dumps({**body, "seal": sha256_bytes(canonical_json(body).encode())}).encode()


def test_a_sealed_manifest_reads_as_it_was() -> None:
    assert read_manifest(MANIFEST.as_bytes()) == MANIFEST


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (MANIFEST.as_bytes().replace(b'"rows_kept": 1', b'"rows_kept": 2'), "changed after"),
        (resealed(format="samandel-prepared/9"), "format"),
        (resealed(files=[{"kind": "ledger"}]), "lacks"),
        (resealed(files=[MANIFEST.document()["files"][0] | {"rows_in": 4}]), "rows are missing"),
        (resealed(files=[MANIFEST.document()["files"][0] | {"amount_after_ore": 4}]), "amounts"),
        (resealed(files=[MANIFEST.document()["files"][0] | {"kind": "brreg"}]), "kind"),
        (resealed(files=[MANIFEST.document()["files"][0] | {"rows_in": "x"}]), "rows are missing"),
        (resealed(format="samandel-prepared/1"), "format"),
        (resealed(files=[MANIFEST.document()["files"][0] | {"kept_name": None}]), "not kept"),
        (resealed(taken_out=[MANIFEST.document()["taken_out"][0] | {"reason": "Hjelp AS"}]), "taken out"),
        (resealed(taken_out=[MANIFEST.document()["taken_out"][0] | {"currency": "Hjelp AS"}]), "taken out"),
        (resealed(taken_out=[MANIFEST.document()["taken_out"][0] | {"documents": "Hjelp"}]), "taken out"),
        (resealed(taken_out_sha256=None), "digest"),
        (resealed(taken_out=[]), "digest"),
        (resealed(clients_known_from=["x"]), "unknown words"),
        (resealed(clients_known_from="ledger"), "unknown words"),
        (resealed(clients_known_from=[["ledger"]]), "unknown words"),
        (b"[]", "format"),
        (b"\xff", "read"),
        (b"[" * 100_000, "read"),
    ],
    ids=[
        "changed",
        "format",
        "keys",
        "rows",
        "amounts",
        "kind",
        "type",
        "former format",
        "nothing kept",
        "reason",
        "currency",
        "count",
        "no digest",
        "digest of nothing",
        "word",
        "text",
        "nested",
        "list",
        "bytes",
        "deep",
    ],
)
def test_any_other_is_refused_with_a_reason(raw: bytes, reason: str) -> None:
    with pytest.raises(NotPrepared, match=reason):
        read_manifest(raw)


@given(st.binary(max_size=200))
def test_any_bytes_are_refused(raw: bytes) -> None:
    with pytest.raises(NotPrepared):
        read_manifest(raw)


@pytest.mark.parametrize(
    ("digests", "reason"),
    [
        ({}, "missing"),
        ({"ledger/a.csv": "2" * 64}, "changed"),
        ({"ledger/a.csv": "1" * 64, "ledger/b.csv": "1" * 64}, "does not name"),
    ],
    ids=["missing", "changed", "unknown"],
)
def test_a_package_with_other_files_is_refused(digests: dict[str, str], reason: str) -> None:
    with pytest.raises(NotPrepared, match=reason):
        hold_against_manifest(MANIFEST, digests)


def test_one_digest_stands_for_many_in_any_order() -> None:
    assert combined_digest(["a", "b"]) == combined_digest(["b", "a"]) != combined_digest(["a"])
    assert combined_digest(["a"]) != "a"
    assert combined_digest([]) is None
