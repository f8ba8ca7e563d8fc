"""Reading e-invoices on all processors: chunks of files go to helper processes, and come back in order.

Belongs here: the helper processes, which chunk goes where, and keeping the order. Not here: what a chunk gives
(ehf_batch.py).

The parent reads chunks as well, so that a small delivery waits for nobody and a helper that dies costs its chunk's time
only: the parent reads that chunk itself, and meets the same fault, if it was the chunk's. Helpers are started with a
clean interpreter (a fork of a process with threads may hang), live as long as their parent, and end when its pipe
closes, however it ended. Chunks are cut alike whatever the number of processes, and written in order: the bytes that
come out are the same.
"""

from __future__ import annotations

import atexit
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection
from pathlib import Path

from pipelines.home import Home
from pipelines.landing.store import LandedFile
from pipelines.parsing.ehf_batch import Batch, Buyer, cut_into_chunks, read_chunk

_WORTH_A_HELPER = 400  # files; fewer are read before a helper has started
_MOST_AHEAD = 16  # chunks that a helper may be ahead of what is written: they lie in memory
_PROCESSORS = 8  # beyond that the writing is what takes the time
_START = "import sys; sys.path.insert(0, {root!r}); from pipelines.parsing.ehf_workers import serve; serve()"


def read_files(
    home: Home, files: Sequence[LandedFile], buyer: Buyer, *, processes: int | None = None
) -> Iterator[tuple[Sequence[LandedFile], Batch]]:
    """Give the chunks of a delivery's files and what each gave, in order.

    Args:
        home: The home.
        files: What to read.
        buyer: Whose documents they should be.
        processes: How many processes read; by default as many as there are processors, for many files.

    Raises:
        UnreadableDelivery: A file's bytes are gone, or are no longer those that were received.
    """
    chunks = list(cut_into_chunks(files))
    if processes is None:
        processes = min(_PROCESSORS, len(os.sched_getaffinity(0))) if len(files) >= _WORTH_A_HELPER else 1
    helpers = _helpers(min(processes, len(chunks)) - 1)
    if not helpers:
        for chunk in chunks:
            yield chunk, read_chunk(home, chunk, buyer)
        return
    yield from _Round(home, chunks, buyer).run(helpers)


class _Helper:
    """One helper process and the pipe to it."""

    def __init__(self) -> None:
        root = str(Path(__file__).resolve().parents[2])
        self.in_use = threading.Lock()
        self.process = subprocess.Popen(  # noqa: S603  our own interpreter and our own code
            [sys.executable, "-c", _START.format(root=root)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,  # a Ctrl-C is the parent's to handle
        )
        if self.process.stdin is None or self.process.stdout is None:
            raise AssertionError("the pipes were asked for")
        self.requests = Connection(os.dup(self.process.stdin.fileno()), readable=False)
        self.answers = Connection(os.dup(self.process.stdout.fileno()), writable=False)
        self.process.stdin.close()
        self.process.stdout.close()

    def read(self, home: Home, chunk: Sequence[LandedFile], buyer: Buyer) -> Batch | None:
        """Return what a chunk gave, or None where the helper could not read it or is gone."""
        try:
            with self.in_use:
                self.requests.send((Home(home.path), chunk, buyer))
                answer = self.answers.recv()
        except (OSError, EOFError):
            self.end()
            return None
        return answer if isinstance(answer, Batch) else None

    def is_alive(self) -> bool:
        return self.process.poll() is None and not self.requests.closed

    def end(self) -> None:
        self.requests.close()
        self.answers.close()
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait()


_pool: list[_Helper] = []
_pool_lock = threading.Lock()


def _helpers(wanted: int) -> list[_Helper]:
    """Return living helpers, starting those that are missing; they serve all deliveries of this process."""
    with _pool_lock:
        _pool[:] = [helper for helper in _pool if helper.is_alive()]
        try:
            while len(_pool) < wanted:
                _pool.append(_Helper())
        except OSError:
            pass  # no process to be had: fewer read, to the same result
        return _pool[: max(0, wanted)]


def end_helpers() -> None:
    """End the helper processes; the next large delivery starts new ones."""
    with _pool_lock:
        while _pool:
            _pool.pop().end()


atexit.register(end_helpers)


class _Round:
    """The chunks of one delivery, being read by the parent and its helpers."""

    def __init__(self, home: Home, chunks: Sequence[Sequence[LandedFile]], buyer: Buyer) -> None:
        self.home, self.chunks, self.buyer = home, chunks, buyer
        self.changed = threading.Condition()
        self.next_chunk = self.written = 0
        self.reading: set[int] = set()
        self.done: dict[int, Batch | None] = {}
        self.is_over = False

    def run(self, helpers: Sequence[_Helper]) -> Iterator[tuple[Sequence[LandedFile], Batch]]:
        """Give the chunks and what they gave, in order."""
        threads = [threading.Thread(target=self.drive, args=(helper,), daemon=True) for helper in helpers]
        for thread in threads:
            thread.start()
        try:
            while self.written < len(self.chunks):
                yield self.chunks[self.written], self.next_written()
                with self.changed:
                    self.written += 1
                    self.changed.notify_all()
        finally:
            with self.changed:
                self.is_over = True
                self.changed.notify_all()
            for thread in threads:
                thread.join()

    def next_written(self) -> Batch:
        """Return what the chunk gave that is to be written next; until it is there the parent reads others."""
        while True:
            with self.changed:
                if self.written in self.done:
                    batch = self.done.pop(self.written)
                    if batch is not None:
                        return batch
                    mine = self.written  # a helper could not: the parent meets the fault, or there is none
                elif (taken := self.take()) is not None:
                    mine = taken
                else:
                    self.changed.wait()
                    continue
            batch = read_chunk(self.home, self.chunks[mine], self.buyer)
            if mine == self.written:
                return batch
            self.done[mine] = batch

    def take(self) -> int | None:
        """Take the next chunk that nobody reads, unless too many lie finished already; the lock is held."""
        if self.is_over or self.next_chunk >= min(len(self.chunks), self.written + _MOST_AHEAD):
            return None
        self.next_chunk += 1
        return self.next_chunk - 1

    def drive(self, helper: _Helper) -> None:
        """Have a helper read chunks until there are none."""
        while helper.is_alive():
            with self.changed:
                while (mine := self.take()) is None:
                    if self.is_over or self.next_chunk >= len(self.chunks):
                        return
                    self.changed.wait()
            batch = helper.read(self.home, self.chunks[mine], self.buyer)
            with self.changed:
                self.done[mine] = batch
                self.changed.notify_all()


def serve() -> None:
    """Answer requests on the standard streams until the parent closes them: a helper's whole life."""
    answers = Connection(os.dup(1), readable=False)
    os.dup2(2, 1)  # what anything prints must not stand between the answers
    requests = Connection(os.dup(0), writable=False)
    while True:
        try:
            home, chunk, buyer = requests.recv()
        except (EOFError, OSError):
            return
        try:
            answer: Batch | None = read_chunk(home, chunk, buyer)
        except Exception:  # noqa: BLE001  the parent reads the chunk itself and says what is wrong
            answer = None
        try:
            answers.send(answer)
        except OSError:
            return
