"""S3 against moto's server: keys that are refused, buckets that are not there, many objects."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from pipelines.errors import SourceUnreachable
from pipelines.home import Home
from pipelines.landing.store import read_receipts
from pipelines.landing.transports import look_once
from tests.integration.transports.conftest import SECRETS, Serve, home_with, pull_all
from tests.servers import S3Served
from tests.unit.dropped import ledger


@pytest.fixture
def served(serve: Serve) -> S3Served:
    server = serve("s3")
    assert isinstance(server, S3Served)
    return server


def _home(tmp_path: Path, served: S3Served, **changes: Any) -> Home:
    source = {"kind": "ledger", "profile": "semicolon", "settle_seconds": 0, **served.keys(), **changes}
    return home_with(tmp_path / "home", source)


def _refused(home: Home) -> str:
    with pytest.raises(SourceUnreachable) as caught:
        pull_all(home)
    assert read_receipts(home) == []
    assert not any(secret in str(caught.value) for secret in SECRETS.values())
    return str(caught.value)


def with_a_real_user(served: S3Served) -> tuple[str, str]:
    """Make the server check keys and signatures from now on; return the one pair of keys that fits."""
    users = served.make_client("setup", "setup", "iam")
    users.create_user(UserName="innkjop")
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    users.put_user_policy(UserName="innkjop", PolicyName="alt", PolicyDocument=json.dumps(policy))
    key = users.create_access_key(UserName="innkjop")["AccessKey"]
    checks_after(served, "0")
    return str(key["AccessKeyId"]), str(key["SecretAccessKey"])


def checks_after(served: S3Served, requests: str) -> None:
    """Make the server check keys after so many requests; ``inf`` for never."""
    headers = {"Content-Type": "text/plain"}
    urlopen(Request(f"{served.endpoint}/moto-api/reset-auth", data=requests.encode(), headers=headers)).close()


def test_keys_are_checked(tmp_path: Path, served: S3Served, monkeypatch: pytest.MonkeyPatch) -> None:
    served.put("2026-10.csv", ledger())
    access_key, secret_key = with_a_real_user(served)
    monkeypatch.setenv("S3_ACCESS_KEY", access_key)
    try:
        said = _refused(_home(tmp_path / "wrong", served))
        assert "refuses access_key and secret_key" in said
        assert "9901, source ledger: s3://leveranser/out" in said
        monkeypatch.setenv("S3_SECRET_KEY", secret_key)
        assert len(pull_all(_home(tmp_path / "right", served))) == 1
    finally:
        checks_after(served, "inf")


def test_a_bucket_that_does_not_exist_is_said(tmp_path: Path, served: S3Served) -> None:
    assert "The bucket does not exist" in _refused(_home(tmp_path, served, url="s3://finnes-ikke/out"))


def test_a_server_that_is_away_is_said(tmp_path: Path, served: S3Served) -> None:
    assert "cannot be reached" in _refused(_home(tmp_path, served, endpoint="http://127.0.0.1:1"))


def test_marks_of_folders_and_neighbours_are_no_files(tmp_path: Path, served: S3Served) -> None:
    served.put("", b"")
    served.put("halvår/", b"")
    served.put("halvår/a.csv", ledger())
    served.client.put_object(Bucket=served.bucket, Key="output/x.csv", Body=b"next door")
    assert [receipt.drop for receipt in pull_all(_home(tmp_path, served))] == ["halvår"]


@pytest.mark.parametrize("url", ["s3://leveranser", "s3://leveranser/", "s3://leveranser/out/a.csv"])
def test_a_whole_bucket_and_a_single_object_can_be_named(tmp_path: Path, served: S3Served, url: str) -> None:
    served.put("a.csv", ledger())
    (receipt,) = pull_all(_home(tmp_path, served, url=url))
    assert receipt.drop == ("a.csv" if url.endswith("csv") else "out")


def test_more_objects_than_one_page_of_a_listing(
    tmp_path: Path, served: S3Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", "5")
    for number in range(12):
        served.put(f"mange/{number:02d}.csv", f"{number}")
    home = _home(tmp_path, served)
    served.asked.clear()
    assert len(look_once(home, home.consortium.sources_of("9901")[0]).files) == 12
    assert served.looks() == 3
