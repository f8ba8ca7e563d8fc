"""Parsing against the physical limit and against what a user would pick instead, side by side in one run.

Not a test: ``python -m tests.benchmarks.parsing [rounds]`` prints a table. Each contestant reads the same bytes,
in turn, A B C A B C …, so that a machine that slows down slows all of them; the medians are printed.
"""

from __future__ import annotations

import csv
import io
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from lxml import etree

from pipelines.demo.make import make_demo
from pipelines.parsing.ehf import parse_document
from pipelines.parsing.ledger import load_profile, parse_ledger


def _race(contestants: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Return the median seconds of each contestant."""
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, run in contestants.items():
            started = time.perf_counter()
            run()
            seconds[name].append(time.perf_counter() - started)
    return {name: median(taken) for name, taken in seconds.items()}


def _print(title: str, megabytes: float, things: int, taken: dict[str, float]) -> None:
    print(f"\n{title}: {things} things, {megabytes:.1f} MB")
    for name, seconds in taken.items():
        print(f"  {name:<46}{things / seconds:>12,.0f} a second{megabytes / seconds:>10.1f} MB/s")


def main(rounds: int = 5) -> None:
    """Make a small demo and race on its files."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        make_demo(home, municipalities=4, months=3, scale=0.05)
        documents = [path.read_bytes() for path in sorted(home.glob("inbox/*/ehf/*/*.xml"))]
        ledgers = [
            path for path in sorted(home.glob("inbox/*/ledger/*.csv")) if path.read_bytes()[:3] == b"\xef\xbb\xbf"
        ]
        postings = [path.read_bytes() for path in ledgers]
    size = sum(map(len, documents)) / 1e6

    def bare() -> None:
        for raw in documents:
            try:
                etree.fromstring(raw)
            except etree.XMLSyntaxError:
                continue

    xml = {
        "lxml, parsing only (the limit)": bare,
        "samandel, parse_document": lambda: [parse_document(raw) for raw in documents],
    }
    _print("E-invoices", size, len(documents), _race(xml, rounds))

    profile = load_profile("semicolon", None)
    texts = [raw.decode("utf-8-sig") for raw in postings]
    rows = sum(text.count("\n") for text in texts)
    tables: dict[str, Callable[[], object]] = {
        "csv, splitting only (the limit in Python)": lambda: [
            list(csv.reader(io.StringIO(text), delimiter=";")) for text in texts
        ],
        "pandas.read_csv with decimal comma": lambda: _read_with_pandas(postings),
        "samandel, parse_ledger": lambda: [parse_ledger(raw, profile, "2026-01.csv") for raw in postings],
    }
    _print("Ledgers", sum(map(len, postings)) / 1e6, rows, _race(tables, rounds))


def _read_with_pandas(files: list[bytes]) -> object:
    import pandas

    return [pandas.read_csv(io.BytesIO(raw), sep=";", decimal=",", encoding="utf-8-sig") for raw in files]


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
