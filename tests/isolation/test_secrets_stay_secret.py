"""No secret of any source reaches a file of the home, a log, an error or Dagster: planted ones are looked for there."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from pipelines.home import Home
from tests.homes import samandel
from tests.integration.transports.conftest import home_with
from tests.integration.transports.test_s3 import checks_after, with_a_real_user
from tests.servers import serve_http, serve_s3, serve_sftp
from tests.unit.dropped import ledger

pytestmark = [pytest.mark.slow]

# Ingest of one owner as the UI would run it, twice, with everything that logs turned up; one library fails with the
# secret in its mouth.
_INGEST = """
import logging, sys
logging.basicConfig(level=logging.INFO, stream=sys.stderr)
import sshfs
real = sshfs.SSHFileSystem.__init__
def failing(self, host, **options):
    if options["username"] == "uforutsett":
        raise RuntimeError(f"connecting with {options} failed")
    real(self, host, **options)
sshfs.SSHFileSystem.__init__ = failing
from pathlib import Path
from pipelines.definitions import build_defs
from pipelines.home import Home
from pipelines.instance import open_instance
from pipelines.landing import transports
from pipelines.partitions import OWNERS, RANGE_END, RANGE_START, sync_partitions
from pipelines.session import Session
from tests.unit.dropped import CLOCK
transports.RETRY_AFTER_SECONDS = (0,)
home = Home(Path(sys.argv[1]))
for _ in range(2):
    session = Session(home, CLOCK, "2026-10")
    with open_instance(home) as instance:
        sync_partitions(instance, OWNERS, ["9901"])
        job = build_defs(session=session).resolve_job_def("ingest")
        tags = {RANGE_START: "9901", RANGE_END: "9901"}
        job.execute_in_process(instance=instance, tags=tags, raise_on_error=False)
    for failure in session.failures:
        print("FAILED", failure.message)
"""


@dataclass
class Planted:
    """A home with sources that work and sources that fail, after its runs.

    Attributes:
        secrets: By what they are, the secrets that were planted.
        said: Everything that was printed.
    """

    home: Home
    keys: Path
    secrets: dict[str, str]
    said: str = ""
    failed: list[str] = field(default_factory=list)


def _forms(secret: str) -> set[bytes]:
    raw = secret.encode()
    # The middle of base64 is the same wherever the secret begins, but for two neighbours.
    coded = {base64.b64encode(b"x" * shift + raw)[4:-4] for shift in range(3)}
    return {raw, raw.hex().encode(), quote(secret).encode(), raw[::-1], *coded}


def _texts(folder: Path) -> Iterator[tuple[Path, bytes]]:
    """Give every file's bytes, and of Parquet what is in it."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield path, path.read_bytes()
            if path.suffix == ".parquet":
                import pyarrow.parquet as pq

                yield path, json.dumps(pq.ParquetFile(path).read().to_pylist(), default=str).encode()


def _where(secret: str, folder: Path) -> set[Path]:
    return {path for path, text in _texts(folder) if any(form in text for form in _forms(secret))}


def _secret_file(path: Path, text: str) -> str:
    path.write_text(text)
    path.chmod(0o600)
    return f"file:{path}"


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Planted]:
    place = tmp_path_factory.mktemp("secrets")
    keys = place / "keys"
    keys.mkdir()
    secrets = {
        "password": "kanari/passord+41f0",
        "wrong password": "kanari/feil+passord+93b2",
        "token": "kanari.token.a7c5",
        "wrong token": "kanari.feil.token.d18e",
        "passphrase": "kanari nøkkelfrase 52aa",
        "wrong passphrase": "kanari feil frase 0c3d",
        "wrong secret key": "kanari/feil/hemmelig/6f60",
        "unforeseen": "kanari-uforutsett-7e77",
    }
    with ExitStack() as stack:
        sftp = stack.enter_context(serve_sftp(place / "sftp", secrets["password"]))
        https = stack.enter_context(serve_http(place / "https", secrets["token"]))
        elsewhere = stack.enter_context(serve_http(place / "elsewhere"))
        moved = stack.enter_context(serve_http(place / "moved", secrets["token"]))
        s3 = stack.enter_context(serve_s3())
        for number, served in enumerate((sftp, https, moved, elsewhere, s3)):
            served.put("2026-10.csv", ledger(amounts=[f"{number}00,00"]))
        moved.redirect_to = f"http://127.0.0.1:{elsewhere.port}/out/"
        access_key, secrets["secret key"] = with_a_real_user(s3)
        stack.callback(checks_after, s3, "inf")

        (keys / "id").write_bytes(
            sftp.user_key.export_private_key("openssh", secrets["passphrase"], rounds=1, ignore_few_rounds=True)
        )
        (keys / "id").chmod(0o600)
        private_key = f"file:{keys / 'id'}"
        stranger = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ"
        # Half of the references lead to the environment, half to files.
        environment = {name.replace(" ", "_").upper(): value for name, value in secrets.items() if "key" not in name}
        environment |= {"ACCESS_KEY": access_key}
        secret_key = _secret_file(keys / "secret", secrets["secret key"])
        wrong_secret_key = _secret_file(keys / "wrong-secret", secrets["wrong secret key"])
        by_key = sftp.keys() | {"private_key": private_key, "passphrase": "env:PASSPHRASE"}
        del by_key["password"]
        by_s3 = s3.keys() | {"access_key": "env:ACCESS_KEY", "secret_key": secret_key}
        sources: dict[str, dict[str, Any]] = {
            "good-password": sftp.keys() | {"password": "env:PASSWORD"},
            "good-key": by_key,
            "good-s3": by_s3,
            "good-token": https.keys() | {"token": "env:TOKEN"},
            "good-moved": moved.keys() | {"token": "env:TOKEN"},
            "bad-password": sftp.keys() | {"password": "env:WRONG_PASSWORD"},
            "bad-host-key": sftp.keys() | {"password": "env:PASSWORD", "host_key": stranger},
            "bad-passphrase": by_key | {"passphrase": "env:WRONG_PASSPHRASE"},
            "bad-s3": by_s3 | {"secret_key": wrong_secret_key},
            "bad-bucket": by_s3 | {"url": "s3://finnes-ikke"},
            "bad-token": https.keys() | {"token": "env:WRONG_TOKEN"},
            "bad-path": https.keys() | {"token": "env:TOKEN", "url": f"http://127.0.0.1:{https.port}/borte/x.csv"},
            "bad-line": sftp.keys() | {"password": "env:PASSWORD", "url": "sftp://127.0.0.1:1/"},
            "bad-s3-line": by_s3 | {"endpoint": "http://127.0.0.1:1"},
            "bad-unforeseen": sftp.keys() | {"password": "env:UNFORESEEN", "username": "uforutsett"},
        }
        fixed = {"kind": "ledger", "profile": "semicolon", "settle_seconds": 0}
        home = home_with(place / "home", *({"name": name, **fixed, **keys_} for name, keys_ in sources.items()))
        result = Planted(home, keys, secrets)
        root = Path(__file__).resolve().parents[2]
        run = subprocess.run(
            [sys.executable, "-c", _INGEST, str(home.path)],
            capture_output=True,
            text=True,
            check=False,
            cwd=root,
            env={**os.environ, **environment},
        )
        result.said = run.stdout + run.stderr
        result.failed = [line for line in run.stdout.splitlines() if line.startswith("FAILED")]
        with pytest.MonkeyPatch.context() as patch:
            for name, value in environment.items():
                patch.setenv(name, value)
            for command in (("doctor",), ("doctor", "--json"), ("status",)):
                done = samandel(*command, "--home", home.path, expect=(0, 1, 2, 3))
                result.said += done.stdout + done.stderr
        yield result


def test_the_sources_that_should_work_did_and_the_others_failed_by_name(planted: Planted) -> None:
    landed = {path.parent.name for path in planted.home.landing.glob("9901/*/receipts")}
    assert landed == {"good-password", "good-key", "good-s3", "good-token", "good-moved"}, planted.said
    names = {source.name for source in planted.home.consortium.sources_of("9901")} - landed
    assert len(names) == 10
    for name in names:
        assert f"source {name}" in planted.said, planted.said
    assert len(planted.failed) == 20  # ten sources, two runs
    assert "unexpected" not in planted.said


@pytest.mark.parametrize(
    "what",
    [
        *("password", "wrong password", "token", "wrong token", "passphrase", "wrong passphrase"),
        *("secret key", "wrong secret key", "unforeseen"),
    ],
)
def test_a_secret_is_nowhere_but_in_its_own_file(planted: Planted, what: str) -> None:
    secret = planted.secrets[what]
    assert not any(form in planted.said.encode() for form in _forms(secret))
    assert _where(secret, planted.home.path) == set()
    files = {"secret key": {planted.keys / "secret"}, "wrong secret key": {planted.keys / "wrong-secret"}}
    assert _where(secret, planted.home.path.parent / "keys") == files.get(what, set())


def test_the_search_would_find_what_is_hidden(planted: Planted, tmp_path: Path) -> None:
    import sqlite3

    import pyarrow as pa
    import pyarrow.parquet as pq

    secret = planted.secrets["token"]
    with sqlite3.connect(tmp_path / "a.db") as database:
        database.execute("create table events (text)")
        database.execute("insert into events values (?)", (f"Authorization: Bearer {secret}",))
    pq.write_table(pa.table({"message": [f"{secret} failed"] * 1000}), tmp_path / "b.parquet", compression="zstd")
    (tmp_path / "c.txt").write_text(base64.b64encode(f"user:{secret}".encode()).decode())
    assert {path.name for path in _where(secret, tmp_path)} == {"a.db", "b.parquet", "c.txt"}
    assert list(planted.home.dagster.rglob("*.db")), "Dagster's own records are among what is searched"
    assert any("127.0.0.1" in text.decode("utf-8", "replace") for _, text in _texts(planted.home.path))
