"""How a source's server is logged in to: closed by default, secrets by reference, no value repeated."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pipelines.access import Access
from pipelines.errors import ProblemsFound
from pipelines.home import Source, read_consortium

HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ"
SFTP = {"url": "sftp://sftp.example.no:2222/ut", "username": "innkjop", "host_key": HOST_KEY, "password": "env:PW"}
S3 = {"url": "s3://leveranser/ledger", "access_key": "env:AK", "secret_key": "file:../keys/s3"}
HTTPS = {"url": "https://filer.example.no/ut/", "token": "env:TOKEN"}
SECRET = "hemmelig-1a2b3c"


def _source(**keys: Any) -> Source:
    document = {"name": "Prøve", "host": "9901", "members": {"9901": {"sources": [{"kind": "ehf", **keys}]}}}
    return read_consortium(json.dumps(document).encode()).sources[0]


def _problems(**keys: Any) -> str:
    with pytest.raises(ProblemsFound) as caught:
        _source(**keys)
    assert SECRET not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("keys", "transport"), [(SFTP, "sftp"), (S3, "s3"), (HTTPS, "https")], ids=["sftp", "s3", "https"]
)
def test_each_transport_has_its_keys(keys: dict[str, str], transport: str) -> None:
    source = _source(**keys)
    assert source.transport == transport
    given = {name: value for name, value in vars(source.access).items() if value is not None}
    assert given == {name: value for name, value in keys.items() if name != "url"}


def test_a_folder_has_no_transport_and_nothing_to_log_in_with() -> None:
    assert (_source().transport, _source().access) == (None, Access())
    assert "password: does not belong to a folder" in _problems(folder="inbox/x", password="env:PW")


@pytest.mark.parametrize(
    ("keys", "key"),
    [
        *((SFTP, key) for key in ("password", "private_key", "passphrase")),
        *((S3, key) for key in ("access_key", "secret_key")),
        (HTTPS, "token"),
    ],
    ids=["password", "private_key", "passphrase", "access_key", "secret_key", "token"],
)
@pytest.mark.parametrize("value", [SECRET, 12345, ["env:X"], "env:", "file:", f"{SECRET} env:X", ""], ids=repr)
def test_a_secret_that_is_no_reference_is_refused_and_not_repeated(keys: dict[str, Any], key: str, value: Any) -> None:
    problems = _problems(
        **{"private_key": "file:k", **keys, key: value} if key == "passphrase" else {**keys, key: value}
    )
    assert f"{key}: a secret must be a reference" in problems
    assert "12345" not in problems


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ({**SFTP, "host_key": None}, "either known_hosts or host_key"),
        ({**SFTP, "known_hosts": "known_hosts"}, "either known_hosts or host_key"),
        ({**SFTP, "username": None}, "username: is missing"),
        ({**SFTP, "password": None}, "private_key or a password"),
        ({**SFTP, "passphrase": "env:X"}, "belongs to a private_key"),
        ({**S3, "secret_key": None}, "secret_key: is missing"),
        ({**S3, "endpoint": f"https://u:{SECRET}@minio.example.no"}, "without name or password"),
        ({**S3, "endpoint": "http://minio.example.no"}, "must be https://"),
        ({**SFTP, "token": "env:X"}, "token: does not belong to sftp://"),
        ({**HTTPS, "url": f"https://u:{SECRET}@filer.example.no/"}, "a name or password stands in it"),
        ({**HTTPS, "url": f"https://filer.example.no/ut?sig={SECRET}"}, "must end with the path"),
        ({**HTTPS, "url": "http://filer.example.no/ut/"}, "must be https://"),
        ({"url": "ftp://filer.example.no/ut"}, "ftp:// is not known; known: sftp, s3, https"),
        ({"folder": f"sftp://u:{SECRET}@filer.example.no/ut"}, "folder: is a URL"),
        ({**HTTPS, "url": "https:///ut"}, "names no server"),
        ({**HTTPS, "url": "https://[::1/ut"}, "is no URL"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_not_closed_is_refused(keys: dict[str, Any], says: str) -> None:
    assert says in _problems(**{key: value for key, value in keys.items() if value is not None})


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
def test_this_machine_may_be_asked_without_https(host: str) -> None:
    assert _source(url=f"http://{host}:8080/ut/", token="env:TOKEN").transport == "https"
