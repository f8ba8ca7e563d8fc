"""The sink keeps count, lineage and order, holds little, and names nothing that is not whole."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.home import Home
from pipelines.landing.store import LandedFile, Receipt
from pipelines.parsing import kinds, schema
from pipelines.parsing.rejects import Reject
from pipelines.parsing.sink import RefusedLate, Sink
from pipelines.parsing.store import table_path
from pipelines.tables import ParquetFile
from tests.unit.dropped import OWN, drop, ingest, ledger, make_home, rows_of

FILE = LandedFile("ab" * 32, 3, "a.csv", "landing/a.csv")
RECEIPT = Receipt("d1", OWN, "ledger", "ledger", 1, datetime(2026, 11, 15, tzinfo=UTC), "drop", None, (FILE,))
POSTINGS = schema.LEDGER_POSTINGS


@pytest.fixture
def sink(tmp_path: Path) -> Sink:
    return Sink(Home(tmp_path), RECEIPT, "d1", [POSTINGS])


def path_of(tmp_path: Path) -> Path:
    return table_path(Home(tmp_path), POSTINGS, OWN, "d1")


def test_rows_and_columns_keep_their_order_and_get_their_lineage(tmp_path: Path, sink: Sink) -> None:
    sink.add(POSTINGS, FILE, [{"voucher_no": "1", "_row_no": 2}])
    sink.add_arrow(POSTINGS, FILE, pa.table({"voucher_no": ["2", "3"], "_row_no": [3, 4]}))
    sink.add(POSTINGS, FILE, [{"voucher_no": "4", "_row_no": 5}])
    sink.rows_in = sink.rows_out = 4
    sink.finish()
    rows = pq.ParquetFile(path_of(tmp_path)).read().to_pylist()
    assert [(row["voucher_no"], row["_row_no"]) for row in rows] == [("1", 2), ("2", 3), ("3", 4), ("4", 5)]
    assert {(row["municipality_no"], row["_delivery_id"], row["_file_sha256"]) for row in rows} == {
        (OWN, "d1", FILE.sha256)
    }


def test_a_lost_row_is_never_written(tmp_path: Path, sink: Sink) -> None:
    sink.add(POSTINGS, FILE, [{"voucher_no": "1"}])
    sink.rows_in, sink.rows_out = 2, 1
    with pytest.raises(AssertionError, match="lost"):
        sink.finish()
    assert not path_of(tmp_path).exists()


def test_an_unknown_column_is_an_error(sink: Sink) -> None:
    with pytest.raises(KeyError, match="voucher"):
        sink.add_arrow(POSTINGS, FILE, pa.table({"voucher": ["1"]}))


def test_what_is_discarded_leaves_nothing(tmp_path: Path, sink: Sink, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ParquetFile, "ROWS_OF_A_GROUP", 2)
    sink.add_arrow(POSTINGS, FILE, pa.table({"_row_no": [1, 2, 3]}))
    assert list(path_of(tmp_path).parent.iterdir())
    sink.discard()
    assert list(path_of(tmp_path).parent.iterdir()) == []


def test_the_same_rows_in_other_batches_are_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ParquetFile, "ROWS_OF_A_GROUP", 4)
    written = []
    for number, sizes in enumerate([(10,), (1, 2, 3, 4), (4, 4, 2)]):
        path = tmp_path / f"{number}.parquet"
        file, start = ParquetFile(path, pa.schema({"row": pa.int64()})), 0
        for size in sizes:
            file.write(pa.table({"row": range(start, start + size)}))
            start += size
        file.finish()
        written.append(path.read_bytes())
        assert [pq.ParquetFile(path).metadata.row_group(n).num_rows for n in range(3)] == [4, 4, 2]
    assert written[0] == written[1] == written[2]


def test_a_file_refused_halfway_leaves_no_row_and_stops_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = make_home(tmp_path / "home")
    drop(home, "2026-10/a.csv", ledger(amounts=["1,00"]))
    drop(home, "2026-10/b.csv", ledger(amounts=["2,00", "3,00"]))
    read = kinds.KINDS["ledger"].read

    def halfway(delivered: kinds.Delivered, files: Sequence[LandedFile], sink: Sink) -> None:
        read(delivered, files, sink)
        for file in files:
            if file.name == "b.csv":
                raise RefusedLate(file, Reject("IN01", "It ends in the middle."))

    monkeypatch.setitem(kinds.KINDS, "ledger", kinds.Kind("ledger", "late", kinds.KINDS["ledger"].tables, halfway))
    (outcome,) = ingest(home)
    assert (outcome["outcome"], outcome["rows_in"], outcome["rows_out"], outcome["rejects"]) == ("ok", 2, 1, 1)
    assert [str(row["amount"]) for row in rows_of(home, "ledger_postings")] == ["1.00"]
    assert [(row["rule"], row["file_name"]) for row in rows_of(home, "rejects")] == [("IN01", "b.csv")]
