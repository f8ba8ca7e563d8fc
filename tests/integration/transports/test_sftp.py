"""SFTP against asyncssh's own server: who is trusted, who is let in, what a login may not see."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from pipelines.doctor import examine
from pipelines.errors import ConfigurationError, SourceUnreachable, UnreadableDelivery
from pipelines.home import Home
from pipelines.landing import transports
from pipelines.landing.store import read_receipts
from tests.integration.transports.conftest import SECRETS, Serve, home_with, pull_all
from tests.servers import USER, SftpServed
from tests.unit.dropped import ledger


@pytest.fixture
def served(serve: Serve) -> SftpServed:
    server = serve("sftp")
    assert isinstance(server, SftpServed)
    server.put("ut/2026-10.csv", ledger())
    return server


def _home(tmp_path: Path, served: SftpServed, path: str = "/ut", **changes: Any) -> Home:
    keys = served.keys() | {"url": f"sftp://127.0.0.1:{served.port}{path}"} | changes
    source = {"kind": "ledger", "profile": "semicolon", "settle_seconds": 0, **keys}
    return home_with(tmp_path / "home", {key: value for key, value in source.items() if value is not None})


def _key_file(path: Path, key: asyncssh.SSHKey, passphrase: str | None = None) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(key.export_private_key("openssh", passphrase, rounds=1, ignore_few_rounds=True))
    path.chmod(0o600)
    return f"file:{path}"


def _refused(home: Home, kind: type[Exception] = SourceUnreachable) -> str:
    with pytest.raises(kind) as caught:
        pull_all(home)
    assert read_receipts(home) == []
    assert not any(secret in str(caught.value) for secret in SECRETS.values())
    assert "ledger" in str(caught.value)
    assert "9901" in str(caught.value)
    return str(caught.value)


def test_a_password_lets_in(tmp_path: Path, served: SftpServed) -> None:
    assert len(pull_all(_home(tmp_path, served))) == 1
    assert set(served.logins) == {"password"}


@pytest.mark.parametrize("passphrase", [None, "lang og trygg"], ids=["without passphrase", "with passphrase"])
def test_a_key_lets_in(
    tmp_path: Path, served: SftpServed, monkeypatch: pytest.MonkeyPatch, passphrase: str | None
) -> None:
    key = _key_file(tmp_path / "keys" / "id", served.user_key, passphrase)
    changes: dict[str, Any] = {"private_key": key, "password": None}
    if passphrase:
        monkeypatch.setenv("PASSPHRASE", passphrase)
        changes["passphrase"] = "env:PASSPHRASE"
    assert len(pull_all(_home(tmp_path, served, **changes))) == 1
    assert set(served.logins) == {"key"}


@pytest.mark.parametrize("wrong", ["password", "username", "key"])
def test_a_wrong_login_is_refused_with_what_to_do(
    tmp_path: Path, served: SftpServed, monkeypatch: pytest.MonkeyPatch, wrong: str
) -> None:
    changes: dict[str, Any] = {}
    if wrong == "password":
        monkeypatch.setenv("SFTP_PASSWORD", "et-annet-passord")
    elif wrong == "username":
        changes = {"username": "noen-andre"}
    else:
        stranger = asyncssh.generate_private_key("ssh-ed25519")
        changes = {"private_key": _key_file(tmp_path / "keys" / "id", stranger), "password": None}
    said = _refused(_home(tmp_path, served, **changes))
    assert "refuses the login" in said
    assert "Check username, private_key and password" in said
    assert "et-annet-passord" not in said


@pytest.mark.parametrize("how", ["host_key", "known_hosts"])
def test_another_host_key_is_refused_before_anything_is_sent(tmp_path: Path, served: SftpServed, how: str) -> None:
    stranger = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode().strip()
    changes: dict[str, Any] = {"host_key": stranger}
    if how == "known_hosts":
        (tmp_path / "known_hosts").write_text(f"[127.0.0.1]:{served.port} {stranger}\n")
        changes = {"host_key": None, "known_hosts": str(tmp_path / "known_hosts")}
    assert "host key that is not the one in the settings" in _refused(_home(tmp_path, served, **changes))
    assert served.logins == []


def test_an_unknown_host_is_refused(tmp_path: Path, served: SftpServed) -> None:
    (tmp_path / "known_hosts").write_text(f"annen.example.no {served.public_host_key}\n")
    home = _home(tmp_path, served, host_key=None, known_hosts="../known_hosts")
    assert "host key that is not the one in the settings" in _refused(home)
    assert served.logins == []


def test_a_known_host_is_trusted(tmp_path: Path, served: SftpServed) -> None:
    (tmp_path / "known_hosts").write_text(f"[127.0.0.1]:{served.port} {served.public_host_key}\n")
    assert len(pull_all(_home(tmp_path, served, host_key=None, known_hosts="../known_hosts"))) == 1


def test_what_the_settings_name_must_be_there_and_fit(
    tmp_path: Path, served: SftpServed, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = _key_file(tmp_path / "keys" / "id", served.user_key, "riktig")
    monkeypatch.setenv("PASSPHRASE", "kanari-feil-frase")
    monkeypatch.delenv("UNSET", raising=False)
    _key_file(tmp_path / "keys" / "open", served.user_key)
    (tmp_path / "keys" / "open").chmod(0o644)
    cases: list[tuple[dict[str, Any], str]] = [
        ({"host_key": None, "known_hosts": "../nowhere"}, "known host keys cannot be read"),
        ({"host_key": "ssh-ed25519 AAAA"}, "no public key"),
        ({"private_key": key, "passphrase": "env:PASSPHRASE"}, "private key cannot be used"),
        ({"private_key": key}, "private key cannot be used"),
    ]
    for number, (changes, says) in enumerate(cases):
        said = _refused(_home(tmp_path / str(number), served, **changes), ConfigurationError)
        assert says in said
        assert "kanari" not in said
    for number, (reference, says) in enumerate(
        [("env:UNSET", "is not set"), (f"file:{tmp_path}/keys/open", "can be read by others")]
    ):
        with pytest.raises(ConfigurationError, match=says):
            pull_all(_home(tmp_path / f"secret-{number}", served, password=reference))


def test_links_are_not_followed(tmp_path: Path, served: SftpServed) -> None:
    (tmp_path / "outside.csv").write_text("outside")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "b.csv").write_text("outside")
    for name, target in (("link.csv", "outside.csv"), ("linked", "outside"), ("loop", served.folder)):
        (served.folder / "ut" / name).symlink_to(tmp_path / target)
    assert [receipt.drop for receipt in pull_all(_home(tmp_path, served))] == ["2026-10.csv"]


@pytest.mark.parametrize("path", ["/ut/", "/ut/2026-10.csv", "/~/ut"], ids=["folder", "one file", "from the login"])
def test_a_path_is_a_folder_or_a_file(tmp_path: Path, served: SftpServed, path: str) -> None:
    assert [receipt.drop for receipt in pull_all(_home(tmp_path, served, path))] == ["2026-10.csv"]


def test_odd_names_are_taken_as_they_are(tmp_path: Path, served: SftpServed) -> None:
    for name in (os.fsdecode(b"r\xe5data.csv"), "med mellomrom og #?%20.csv", "blåbær.csv"):
        served.put(f"ut/{name}", ledger(amounts=[f"{len(name)},00"]))
    home = _home(tmp_path, served)
    drops = [receipt.drop for receipt in pull_all(home)]
    assert sorted(drops) == sorted(["2026-10.csv", "r\ufffddata.csv", "med mellomrom og #?%20.csv", "blåbær.csv"])
    assert pull_all(home) == []


def test_a_path_that_does_not_exist_is_said(tmp_path: Path, served: SftpServed) -> None:
    assert "path does not exist on the server" in _refused(_home(tmp_path, served, "/nowhere"))


def test_a_folder_that_may_not_be_listed_holds_up_itself_only(
    tmp_path: Path, served: SftpServed, monkeypatch: pytest.MonkeyPatch
) -> None:
    served.put("ut/låst/a.csv", ledger())
    scandir = asyncssh.SFTPServer.scandir

    def refusing(self: asyncssh.SFTPServer, path: bytes) -> Any:
        if path.endswith("låst".encode()):
            raise asyncssh.SFTPPermissionDenied("no")
        return scandir(self, path)

    monkeypatch.setattr(asyncssh.SFTPServer, "scandir", refusing)
    home = _home(tmp_path, served)
    with pytest.raises(UnreadableDelivery, match=r"låst/ \(The server does not let us read this\)"):
        pull_all(home)
    assert [receipt.drop for receipt in read_receipts(home)] == ["2026-10.csv"]


def test_a_server_that_is_away_is_tried_again_and_then_named(
    tmp_path: Path, served: SftpServed, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    monkeypatch.setattr(transports, "RETRY_AFTER_SECONDS", (1, 4))
    monkeypatch.setattr(transports.time, "sleep", waits.append)
    home = _home(tmp_path, served, url="sftp://127.0.0.1:1/ut")
    assert "cannot be reached" in _refused(home)
    assert waits == [1, 4]


def test_doctor_logs_in_and_says_what_is_wrong(tmp_path: Path, served: SftpServed) -> None:
    found = {finding["check"]: finding for finding in examine(_home(tmp_path / "good", served))}
    assert found["source 9901/ledger"]["state"] == "ok"
    assert "1 files, 1 of them new" in found["source 9901/ledger"]["found"]
    stranger = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode().strip()
    found = {finding["check"]: finding for finding in examine(_home(tmp_path / "bad", served, host_key=stranger))}
    assert found["source 9901/ledger"]["state"] == "wrong"
    assert "Ask the server's owner" in found["source 9901/ledger"]["remedy"]
    assert USER not in str(found)
