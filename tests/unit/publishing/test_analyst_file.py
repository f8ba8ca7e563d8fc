"""What analysts open is the mart as it was released, and nothing else."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from pipelines.candidates.make import due_keys, make_candidate
from pipelines.candidates.products import PRODUCTS, CandidateKey
from pipelines.cli.look import TableFormat, query
from pipelines.errors import ConfigurationError, ReleaseDamaged, VerdictMissing
from pipelines.gate.judge import judge
from pipelines.home import Home
from pipelines.publishing.analyst_file import ensure_analyst_file
from pipelines.publishing.recall import recall_release
from pipelines.publishing.release import publish
from tests.signing import ANNA, with_four_eyes
from tests.unit.candidates.small_home import CLOCK, make_home
from tests.unit.candidates.small_marts import write_marts

KEY = CandidateKey("consortium_mart", "analysts", "2026-10")
REGISTERS = {
    "recipients": (
        "product,recipient,name,purpose,legal_basis,retention_months,valid_from,valid_to\n"
        "consortium_mart,analysts,Analytikerne,Analyser,Avtale,60,2020-01-01,\n"
    ),
    "consents": (
        "subject,product,document_reference,valid_from,valid_to\n"
        "9901,consortium_mart,avtale,2020-01-01,\n9902,consortium_mart,avtale,2020-01-01,\n"
    ),
}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the marts, an approved candidate of them, and no release."""
    folder = tmp_path_factory.mktemp("analysts")
    home = make_home(folder)
    for name, text in REGISTERS.items():
        (home.registers / f"{name}.csv").write_text(text)
    with duckdb.connect(str(home.warehouse_file)) as connection:
        write_marts(connection)
        connection.execute("insert into fct_reconciliation values ('9901', '2026-10', 'ehf_documents', 1, 0)")
    with_four_eyes(home, CLOCK)
    make_candidate(home, KEY, CLOCK)
    verdict = judge(home, KEY, CLOCK)
    failed = [(each.rule, each.reason) for each in verdict.results if each.status == "failed"]
    assert verdict.state == "approved"
    assert [rule for rule, _ in failed] == ["IN02"], "only months are missing, of which the warehouse has one"
    return folder


@pytest.fixture
def home(written: Path, tmp_path: Path) -> Iterator[Home]:
    shutil.copytree(written, tmp_path / "copy")
    yield Home(tmp_path / "copy" / "home")


def tables(home: Home) -> dict[str, int]:
    with duckdb.connect(str(home.analyst_file), read_only=True) as connection:
        names = [row[0] for row in connection.execute("select table_name from duckdb_tables()").fetchall()]
        assert connection.execute("select count(*) from duckdb_views() where not internal").fetchone() == (0,)
        return {name: connection.execute(f'select count(*) from "{name}"').fetchone()[0] for name in names}


def test_the_mart_is_due_for_those_that_stand_in_the_register(home: Home) -> None:
    assert KEY in due_keys(home, "2026-10", CLOCK.as_of)
    (home.registers / "recipients.csv").unlink()
    assert {key.product for key in due_keys(home, "2026-10", CLOCK.as_of)} == {
        "municipality_extract",
        "workshop_release",
    }


def test_its_candidate_is_parquet_alone_and_says_who_is_left_out(home: Home) -> None:
    folder = home.candidates / KEY.product / KEY.recipient
    assert {path.suffix for path in folder.iterdir()} == {".parquet", ".json"}
    assert json.loads((folder / "datapackage.json").read_text())["without_consent"] == ["9903"]


def test_publishing_makes_the_file_of_what_was_released(home: Home) -> None:
    result = publish(home, KEY, CLOCK)
    stated = json.loads((result.path / "manifest.json").read_text())["row_counts"]
    assert tables(home) == stated
    assert set(stated) == {table.name for table in PRODUCTS[KEY.product].tables}
    with duckdb.connect(str(home.analyst_file), read_only=True) as connection:
        silent = connection.execute("select count(*) from duckdb_columns() where not internal and comment is null")
        assert silent.fetchone() == (0,)
        names = [
            row[0]
            for row in connection.execute("select column_name from duckdb_columns() where not internal").fetchall()
        ]
    assert "payee_name" not in names
    assert not ensure_analyst_file(home), "it is as the release is"


def test_no_verdict_no_file(home: Home) -> None:
    with (home.candidates / KEY.product / KEY.recipient / "dim_rules.parquet").open("ab") as stream:
        stream.write(b"x")
    with pytest.raises(VerdictMissing):
        publish(home, KEY, CLOCK)
    assert not home.analyst_file.exists()


def test_no_verdict_leaves_the_file_that_stands(home: Home) -> None:
    publish(home, KEY, CLOCK)
    before = home.analyst_file.read_bytes()
    shutil.rmtree(home.candidates / KEY.product / KEY.recipient)
    with pytest.raises(VerdictMissing):
        publish(home, KEY, CLOCK)
    assert home.analyst_file.read_bytes() == before


def test_a_lost_file_is_made_again_and_a_damaged_release_is_not_shown(home: Home) -> None:
    result = publish(home, KEY, CLOCK)
    home.analyst_file.unlink()
    assert ensure_analyst_file(home)
    before = home.analyst_file.read_bytes()
    home.analyst_file.with_suffix(".json").unlink()
    path = result.path / "fct_purchases.parquet"
    path.chmod(0o644)
    path.write_bytes((result.path / "dim_rules.parquet").read_bytes())
    with pytest.raises(ReleaseDamaged, match="no longer what was published"):
        ensure_analyst_file(home)
    assert home.analyst_file.read_bytes() == before


def test_what_is_taken_back_is_not_asked(home: Home) -> None:
    publish(home, KEY, CLOCK)
    recall_release(home, KEY, "2026-10-r1", CLOCK, reason="Et medlem var med for mye.", by=ANNA)
    assert not home.analyst_file.exists()
    assert not ensure_analyst_file(home)


def test_a_member_that_withdraws_is_gone_from_the_next_release(home: Home) -> None:
    publish(home, KEY, CLOCK)
    register = home.registers / "consents.csv"
    register.write_text(
        register.read_text().replace(
            "9902,consortium_mart,avtale,2020-01-01,", "9902,consortium_mart,avtale,2020-01-01,2026-11-01"
        )
    )
    make_candidate(home, KEY, CLOCK)
    verdict = judge(home, KEY, CLOCK)
    answer = next(each for each in verdict.results if each.rule == "TN02")
    assert (verdict.state, answer.reason) == ("approved", "Left out, for they have not agreed: 9902, 9903.")
    result = publish(home, KEY, CLOCK)
    with duckdb.connect(str(home.analyst_file), read_only=True) as connection:
        assert connection.execute("select distinct municipality_no from fct_purchases").fetchall() == [("9901",)]
    with (result.path / "changes_since_previous.csv").open(encoding="utf-8", newline="") as stream:
        assert {"removed"} <= {row["change"] for row in csv.DictReader(stream) if row["table"] == "fct_purchases"}


def test_analysts_ask_it_and_nothing_else(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ConfigurationError, match="no warehouse for analysts") as refused:
        query("select 1", home=home.path)
    assert "registers/recipients.csv" in refused.value.remedy
    publish(home, KEY, CLOCK)
    query("select count(*) as lines from fct_purchases", table_format=TableFormat.CSV, home=home.path)
    assert capsys.readouterr().out == "lines\n11\n"
    released = home.releases / KEY.product / KEY.recipient / "2026-10" / "r1" / "dim_rules.parquet"
    for sql in (
        f"from '{released}'",
        f"attach '{home.warehouse_file}'",
        "set lock_configuration = false",
        "drop table dim_rules",
    ):
        with pytest.raises(ConfigurationError, match="cannot be answered"):
            query(sql, home=home.path)
    assert not (home.path / "logs").exists()
