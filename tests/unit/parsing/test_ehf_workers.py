"""Many e-invoices at once: in chunks, on several processes, in order, and the same whatever happens to a helper."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from pipelines.errors import UnreadableDelivery
from pipelines.home import Home
from pipelines.landing.store import LandedFile, store_bytes
from pipelines.parsing import ehf_workers, schema
from pipelines.parsing.ehf_batch import Batch, Buyer, cut_into_chunks
from tests.unit.dropped import BUYER, OWN, invoice

OURS = Buyer(OWN, ({"municipality_no": OWN, "org_no": BUYER, "valid_from": date(2020, 1, 1), "valid_to": None},))
FILES = 600


@pytest.fixture(scope="module")
def landed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Home, list[LandedFile]]:
    """Every tenth document is cut short, every eleventh is somebody else's."""
    home = Home(tmp_path_factory.mktemp("home"))
    files = []
    for number in range(FILES):
        buyer = "310028169" if number % 11 == 0 else BUYER
        raw = invoice(f"F-{number}", net=f"{number}.00", buyer=buyer).encode()
        raw = raw[:-40] if number % 10 == 0 else raw
        files.append(store_bytes(home, OWN, "ehf", f"{number:04d}.xml", raw))
    return home, files


@pytest.fixture(autouse=True)
def helpers_end() -> Iterator[None]:
    yield
    ehf_workers.end_helpers()


def read(landed: tuple[Home, list[LandedFile]], processes: int) -> list[tuple[list[str], Batch]]:
    home, files = landed
    given = ehf_workers.read_files(home, files, OURS, processes=processes)
    return [([file.name for file in chunk], batch) for chunk, batch in given]


def test_several_processes_give_what_one_gives_in_the_same_order(landed: tuple[Home, list[LandedFile]]) -> None:
    one, two = read(landed, 1), read(landed, 2)
    assert [names for names, _ in one] == [names for names, _ in two]
    assert [name for names, _ in two for name in names] == [file.name for file in landed[1]]
    for (_, first), (_, second) in zip(one, two, strict=True):
        assert first.tables == second.tables
        assert (first.notes, first.months, first.documents) == (second.notes, second.months, second.documents)


def test_every_document_is_a_row_or_one_reject(landed: tuple[Home, list[LandedFile]]) -> None:
    batches = [batch for _, batch in read(landed, 2)]
    rejects = sum(is_reject for batch in batches for _, is_reject, _ in batch.notes)
    rows = sum(batch.tables[schema.EHF_INVOICES.name].num_rows for batch in batches)
    assert rejects == len({n for n in range(FILES) if n % 10 == 0 or n % 11 == 0})
    assert rows + rejects == sum(batch.documents for batch in batches) == FILES


def test_a_helper_that_dies_loses_nothing(landed: tuple[Home, list[LandedFile]]) -> None:
    whole = read(landed, 1)
    (helper,) = ehf_workers._helpers(1)
    os.kill(helper.process.pid, signal.SIGSTOP)  # it will die with a chunk in its hands
    home, files = landed
    # From beside: the chunk in its hands may be the one that is waited for.
    killer = threading.Timer(0.3, os.kill, (helper.process.pid, signal.SIGKILL))
    killer.start()
    given = list(ehf_workers.read_files(home, files, OURS, processes=2))
    killer.join()
    assert [[file.name for file in chunk] for chunk, _ in given] == [names for names, _ in whole]
    assert [batch.tables for _, batch in given] == [batch.tables for _, batch in whole]


def test_helpers_end_with_their_parent() -> None:
    parent_end, child_end = os.pipe()
    child = os.fork()
    if child == 0:  # pragma: no cover  the parent that is killed
        (helper,) = ehf_workers._helpers(1)
        os.write(child_end, str(helper.process.pid).encode())
        time.sleep(60)
        os._exit(1)
    helper_pid = int(os.read(parent_end, 20))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    for _ in range(200):
        if not _lives(helper_pid):
            return
        time.sleep(0.05)
    raise AssertionError("a helper outlived its parent")


def _lives(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"  # a dead one that nobody has asked after yet


@pytest.mark.parametrize("processes", [1, 2])
def test_a_landed_file_that_changed_is_told_as_ever(landed: tuple[Home, list[LandedFile]], processes: int) -> None:
    home, files = landed
    changed = LandedFile("0" * 64, files[-1].size, files[-1].name, files[-1].path)
    with pytest.raises(UnreadableDelivery, match="changed"):
        list(ehf_workers.read_files(home, [*files[:-1], changed], OURS, processes=processes))


def test_few_files_start_no_helper(landed: tuple[Home, list[LandedFile]]) -> None:
    home, files = landed
    assert sum(batch.documents for _, batch in ehf_workers.read_files(home, files[:50], OURS)) == 50
    assert ehf_workers._pool == []


def test_chunks_are_bounded_by_number_and_by_size_and_lose_no_file() -> None:
    files = [LandedFile(str(n), 3 * 2**20 if n < 10 else 10, str(n), str(n)) for n in range(1000)]
    chunks = list(cut_into_chunks(files))
    assert [file for chunk in chunks for file in chunk] == files
    assert max(len(chunk) for chunk in chunks) <= 256
    assert max(sum(file.size for file in chunk) for chunk in chunks) <= 8 * 2**20
    assert list(cut_into_chunks([])) == []
    assert [len(chunk) for chunk in cut_into_chunks([LandedFile("x", 2**30, "x", "x")] * 2)] == [1, 1]
