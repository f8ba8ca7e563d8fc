"""Fuzz one parser, or all, for as long as wanted: ``python -m tests.fuzz [PARSER|all] [SECONDS] [SEED]``.

Prints how many inputs ended as rows and how many as rejects; an input that broke a promise is printed as hypothesis
shrank it, and the exit status is 1. The same seed gives the same inputs.
"""

from __future__ import annotations

import sys
import time
from collections import Counter

from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.fuzz.mutations import broken_bytes, broken_xml
from tests.fuzz.parsers import PARSERS, Fuzzed

_SETTINGS = settings(
    max_examples=200,
    deadline=None,
    database=None,
    phases=(Phase.generate, Phase.shrink),
    suppress_health_check=list(HealthCheck),
)


def fuzz(fuzzed: Fuzzed, seconds: float, first_seed: int = 0) -> Counter[str]:
    """Feed a parser until the time is up, in rounds of its own seed; return the counts."""
    counts: Counter[str] = Counter()
    seeds = fuzzed.seeds()
    strategies = {"bytes": broken_bytes(seeds)} | ({"xml": broken_xml(seeds)} if fuzzed.is_xml else {})
    until, number = time.monotonic() + seconds, first_seed
    while time.monotonic() < until:
        for name, strategy in strategies.items():

            def one(raw: bytes) -> None:
                if time.monotonic() < until:
                    counts[f"{name}: {fuzzed.run(raw)}"] += 1  # noqa: B023  run at once, in this turn of the loop

            seed(number)(_SETTINGS(given(strategy)(one)))()
        number += 1
    counts["seed"] = number
    return counts


def main(name: str = "all", seconds: str = "60", first_seed: str = "0") -> int:
    """Fuzz and print; return the exit status."""
    failed = 0
    for parser in PARSERS if name == "all" else [name]:
        try:
            counts = fuzz(PARSERS[parser], float(seconds), int(first_seed))
        except Exception as error:  # noqa: BLE001  the next parser has its turn
            failed = 1
            print(f"{parser}: {type(error).__name__}: {error}", *getattr(error, "__notes__", ()), sep="\n")
            continue
        next_seed = counts.pop("seed")
        shown = ", ".join(f"{what} {count}" for what, count in sorted(counts.items()))
        print(f"{parser}: {counts.total()} inputs in {seconds} s ({shown}); next seed {next_seed}")
    return failed


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:4]))
