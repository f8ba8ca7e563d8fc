"""HTTPS: where the token goes, what a listing may be, servers that cannot much."""

from __future__ import annotations

import json
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pipelines.errors import SourceUnreachable, UnreadableDelivery
from pipelines.home import Home
from pipelines.landing import remote_https
from pipelines.landing.inbox import waiting_drops
from pipelines.landing.store import read_receipts, verified_path
from tests.integration.transports.conftest import SECRETS, Serve, home_with, pull_all, source_on
from tests.servers import HttpServed, serve_http
from tests.unit.dropped import ledger

TOKEN = SECRETS["HTTPS_TOKEN"]


@pytest.fixture
def served(serve: Serve) -> HttpServed:
    server = serve("https")
    assert isinstance(server, HttpServed)
    server.put("2026-10.csv", ledger())
    return server


def _home(tmp_path: Path, served: HttpServed, path: str = "/out/", **changes: Any) -> Home:
    keys = served.keys() | {"url": f"http://127.0.0.1:{served.port}{path}"} | changes
    source = {"kind": "ledger", "profile": "semicolon", "settle_seconds": 0, **keys}
    return home_with(tmp_path / "home", {key: value for key, value in source.items() if value is not None})


def _refused(home: Home, kind: type[Exception] = SourceUnreachable) -> str:
    with pytest.raises(kind) as caught:
        pull_all(home)
    assert read_receipts(home) == []
    assert not any(secret in str(caught.value) for secret in SECRETS.values())
    assert "9901, source ledger" in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("token", [None, "env:OTHER_TOKEN"], ids=["none", "another"])
def test_a_wrong_token_is_refused_with_what_to_do(
    tmp_path: Path, served: HttpServed, monkeypatch: pytest.MonkeyPatch, token: str | None
) -> None:
    monkeypatch.setenv("OTHER_TOKEN", "kanari-feil-token")
    said = _refused(_home(tmp_path, served, token=token))
    assert "refuses the token (401)" in said
    assert "kanari" not in said, "the server's own words were passed on"


def test_a_token_is_not_needed_where_none_is_asked_for(tmp_path: Path, served: HttpServed) -> None:
    served.token = None
    assert len(pull_all(_home(tmp_path, served, token=None))) == 1
    assert set(served.tokens) == {None}


def test_the_token_does_not_follow_to_another_server(tmp_path: Path, served: HttpServed) -> None:
    with serve_http(tmp_path / "elsewhere") as elsewhere:
        elsewhere.put("2026-10.csv", ledger(amounts=["700,00"]))
        served.redirect_to = f"http://127.0.0.1:{elsewhere.port}/out/"
        served.more = [{"name": "2026-10.csv", "size": len(ledger().encode()), "modified": "x"}]
        served.folder = tmp_path / "empty"
        served.folder.mkdir()
        (receipt,) = pull_all(_home(tmp_path, served))
        assert elsewhere.tokens == [None]
    assert set(served.tokens) == {f"Bearer {TOKEN}"}
    assert "700,00" in verified_path(Home(tmp_path / "home"), receipt.files[0]).read_text()


def test_redirects_without_end_are_said(tmp_path: Path, served: HttpServed) -> None:
    served.redirect_to = f"http://127.0.0.1:{served.port}/out/"
    assert "from place to place" in _refused(_home(tmp_path, served))


@pytest.mark.parametrize("index", ["json", "bare", "page"])
def test_a_listing_is_json_or_a_page_of_links(tmp_path: Path, served: HttpServed, index: str) -> None:
    served.index = index
    served.put("halvår 1/a & b.csv", ledger("202601"))
    served.put("halvår 1/mer/c#.csv", ledger("202602"))
    home = _home(tmp_path, served)
    receipts = pull_all(home)
    assert [receipt.drop for receipt in receipts] == ["2026-10.csv", "halvår 1"]
    assert [file.name for file in receipts[1].files] == ["a & b.csv", "mer/c#.csv"]
    assert pull_all(home) == []
    assert len(served.reads()) == 3


def test_a_page_of_links_leads_nowhere_else(tmp_path: Path, served: HttpServed) -> None:
    served.index = "page"  # it has links upwards, to a sorted view, and to another server
    assert len(pull_all(_home(tmp_path, served))) == 1
    assert {word.partition(" @")[0] for word in served.asked} == {"list", "read 2026-10.csv"}


def test_an_index_may_have_a_name(tmp_path: Path, served: HttpServed) -> None:
    assert [receipt.drop for receipt in pull_all(_home(tmp_path, served, "/out/index.json"))] == ["2026-10.csv"]


@pytest.mark.parametrize("has_head", [True, False], ids=["with HEAD", "without HEAD"])
def test_a_single_file_is_asked_for_and_taken_once(tmp_path: Path, served: HttpServed, has_head: bool) -> None:
    served.has_head = has_head
    home = _home(tmp_path, served, "/out/2026-10.csv")
    assert [receipt.drop for receipt in pull_all(home)] == ["2026-10.csv"]
    assert waiting_drops(home, source_on(home)) == []
    assert pull_all(home) == []
    served.put("2026-10.csv", ledger("202611"), age=60)
    assert [receipt.sequence for receipt in pull_all(home)] == [2]


def test_a_file_of_which_the_server_tells_nothing_is_compared_by_its_bytes(tmp_path: Path, served: HttpServed) -> None:
    served.tells = False
    home = _home(tmp_path, served, "/out/2026-10.csv")
    assert len(pull_all(home)) == 1
    assert waiting_drops(home, source_on(home)) == ["2026-10.csv"]
    assert pull_all(home) == []
    served.put("2026-10.csv", ledger().replace("100,00", "200,00"))
    assert [receipt.sequence for receipt in pull_all(home)] == [2]


def test_without_ranges_a_cut_file_is_read_again_whole(tmp_path: Path, served: HttpServed) -> None:
    served.has_ranges = False
    raw = bytes(range(256)) * (40 << 10)
    served.put("large.csv", raw)
    served.cut_after = 5 << 20
    receipts = pull_all(_home(tmp_path, served))
    assert verified_path(Home(tmp_path / "home"), receipts[-1].files[0]).read_bytes() == raw
    assert served.starts() == [0, 0, 0]


def test_other_bytes_under_a_cut_file_come_whole(tmp_path: Path, served: HttpServed) -> None:
    served.index = "bare"  # so that ranges are asked for by ETag
    old, new = b"a" * (10 << 20), b"b" * (10 << 20)
    served.put("large.csv", old)
    read, changed = served.is_cut, []

    def cut_and_change(count: int) -> bool:
        cut = read(count)
        if cut and not changed:
            changed.append(True)
            served.put("large.csv", new, age=5)
        return cut

    served.is_cut = cut_and_change  # type: ignore[method-assign]
    served.cut_after = 5 << 20
    home = _home(tmp_path, served)
    assert [receipt.drop for receipt in pull_all(home)] == ["2026-10.csv"]
    (receipt,) = pull_all(home)
    assert verified_path(home, receipt.files[0]).read_bytes() == new


def test_a_server_that_is_busy_is_asked_again(tmp_path: Path, served: HttpServed) -> None:
    served.fail_with = [503, 429]
    assert len(pull_all(_home(tmp_path, served))) == 1
    served.fail_with = [500] * 10
    assert "cannot answer now (500)" in _refused_after(Home(tmp_path / "home"))


def _refused_after(home: Home) -> str:
    with pytest.raises(SourceUnreachable) as caught:
        pull_all(home)
    return str(caught.value)


@pytest.mark.parametrize(
    "answer",
    [
        b"{",
        b'{"name": "a"}',
        b'[{"size": 3}]',
        b'[{"name": 3}]',
        b'[{"name": "a", "size": "3"}]',
        b"[" * 100_000,
        b"\xff\xfe",
        b"null",
    ],
    ids=["cut", "no list", "no name", "odd name", "odd size", "deep", "binary", "null"],
)
def test_an_index_that_is_none_is_said(tmp_path: Path, served: HttpServed, answer: bytes) -> None:
    served.listing = answer
    assert "no JSON list" in _refused(_home(tmp_path, served))


def test_an_index_without_end_is_not_read_to_its_end(
    tmp_path: Path, served: HttpServed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote_https, "_MOST_BYTES_OF_A_LISTING", 100)
    served.more = [{"name": f"{number}.csv", "size": 1, "modified": "x"} for number in range(50)]
    assert "listing is too long" in _refused(_home(tmp_path, served))


def test_a_listed_file_that_is_not_there_stops_no_other(tmp_path: Path, served: HttpServed) -> None:
    served.more = [{"name": "borte.csv"}, {"name": "borte/"}]
    home = _home(tmp_path, served)
    with pytest.raises(UnreadableDelivery, match=r"borte\.csv \(The server has nothing under this URL"):
        pull_all(home)
    assert [receipt.drop for receipt in read_receipts(home)] == ["2026-10.csv"]


def test_a_size_that_is_not_so_is_said(tmp_path: Path, served: HttpServed) -> None:
    served.put("b.csv", "longer than three")
    served.put("c.csv", "shorter than a million")
    sizes = {"2026-10.csv": len(ledger().encode()), "b.csv": 3, "c.csv": 10**6}
    listed = [{"name": name, "size": size, "modified": "x"} for name, size in sizes.items()]
    served.listing = json.dumps(listed).encode()
    home = _home(tmp_path, served)
    with pytest.raises(UnreadableDelivery, match=r"b\.csv \(it has another size.*c\.csv \(it has another size"):
        pull_all(home)
    assert [receipt.drop for receipt in read_receipts(home)] == ["2026-10.csv"]


@pytest.mark.parametrize("tells", [True, False], ids=["size is told", "size is not told"])
def test_a_file_that_would_never_be_read_is_not_copied(tmp_path: Path, served: HttpServed, tells: bool) -> None:
    served.put("stor.csv", b"x" * (3 << 20))
    served.put("god.csv", ledger("202609"))
    names = {"stor.csv": 3 << 20, "god.csv": len(ledger("202609").encode())}
    listed = [{"name": name, "modified": "x"} | ({"size": size} if tells else {}) for name, size in names.items()]
    served.listing = json.dumps(listed).encode()
    served.tells_size = tells
    home = _home(tmp_path, served)
    settings = json.loads(home.consortium_file.read_text())
    limits = {"limits": {"ledger_file_mib": 1, "archive_unpacked_mib": 2}}
    home.consortium_file.write_text(json.dumps(settings | limits))
    home = Home(home.path)
    with pytest.raises(UnreadableDelivery, match=r"stor\.csv \(it is larger than 2 MiB"):
        pull_all(home)
    assert [receipt.drop for receipt in read_receipts(home)] == ["god.csv"]
    if tells:
        assert served.reads() == ["god.csv"]
        assert waiting_drops(home, source_on(home)) == []


def _certificate(folder: Path) -> tuple[Path, Path]:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "cert.pem", folder / "key.pem"
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return paths


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate that no authority has signed, and its key."""
    return _certificate(tmp_path_factory.mktemp("certificate"))


def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path, certificate: tuple[Path, Path]) -> None:
    with serve_http(tmp_path / "served", TOKEN, certificate) as served:
        assert "certificate is not trusted" in _refused(
            _home(tmp_path, served, url=f"https://localhost:{served.port}/out/")
        )
        assert served.tokens == []


def test_https_never_leads_to_http(
    tmp_path: Path, served: HttpServed, certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    import aiohttp.connector

    monkeypatch.setattr(aiohttp.connector, "_SSL_CONTEXT_VERIFIED", ssl.create_default_context(cafile=certificate[0]))
    with serve_http(tmp_path / "safe", TOKEN, certificate) as safe:
        safe.put("2026-10.csv", ledger())
        home = _home(tmp_path, safe, url=f"https://localhost:{safe.port}/out/")
        assert len(pull_all(home)) == 1
        safe.put("2026-11.csv", ledger("202611"))
        safe.redirect_to = f"http://127.0.0.1:{served.port}/out/"
        assert "a place without https" in _refused_after(home)
        assert served.tokens == []
