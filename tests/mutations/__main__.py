"""Does the gate stop what each rule forbids? ``python -m tests.mutations [--home HOME] [RULE …]``.

Breaks the data in the way that each rule names, hands it to the gate as a run does (the rendered bytes and the
warehouse to ``judge``, files in an inbox to the intake, a register with a gap to the build), and prints rules ×
stopped. Ends with 1 if any rule with a page slips. Without --home a small demo is made and run first.

*Stopped* is: the rule failed where it had not, and the verdict is blocked (block) or held or blocked (hold). A rule
that only warns or informs must say so in the verdict, which goes out with the release.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq

from pipelines import settings
from pipelines.candidates.products import CandidateKey
from pipelines.gate.rules import FAILED, PASSED, RuleResult, read_rules
from pipelines.gate.verdict import APPROVED, BLOCKED, Verdict
from pipelines.home import Home
from tests.homes import make_demo, run
from tests.mutations.at_candidates import EXTRACT, MUTATIONS, SHARE, Mutation
from tests.mutations.at_deliveries import DELIVERIES
from tests.mutations.broken_home import BrokenHome

# What people decide is told of the chain of decisions, whose tests break it: tests/unit/gate.
OF_DECISIONS = {"PB03", "PB04"}
_TRIED = 4  # candidates of each product that are judged as they are, at most
DEMO = ("--municipalities", "3", "--months", "3", "--scale", "0.1")


@dataclass(frozen=True)
class Answer:
    """What became of one mutation: stopped or said, and by what."""

    rule: str
    place: str
    what: str
    answer: str
    is_caught: bool


def candidates_of(home: Home) -> dict[str, list[CandidateKey]]:
    """Return every candidate of a home by product, in order of recipient."""
    found: dict[str, list[CandidateKey]] = {EXTRACT: [], SHARE: []}
    for product, keys in found.items():
        for path in sorted((home.candidates / product).glob("[!.]*/datapackage.json")):
            period = json.loads(path.read_text(encoding="utf-8"))["period"]
            keys.append(CandidateKey(product, path.parent.name, str(period)))
    return found


class Whole:
    """A home's candidates as the gate judges them before anything is broken: judged when first needed."""

    def __init__(self, home: Home, folder: Path) -> None:
        """Order them: extracts with few lines first, shares with many visible cells."""
        self._home, self._folder = home, folder
        self._keys = {product: sorted(keys, key=self._size)[:_TRIED] for product, keys in candidates_of(home).items()}
        self._verdicts: dict[CandidateKey, Verdict] = {}

    def _size(self, key: CandidateKey) -> int:
        folder = self._home.candidates / key.product / key.recipient
        if key.product == EXTRACT:
            return int(pq.read_metadata(folder / f"{EXTRACT}.parquet").num_rows)
        return -pq.read_table(folder / "market_view.parquet")["suppression_code"].to_pylist().count("")

    def of(self, key: CandidateKey) -> Verdict:
        """Return the verdict on a candidate as it is."""
        if key not in self._verdicts:
            whole = BrokenHome(self._home, key, self._folder / f"{key.product}-{key.recipient}")
            whole.seal()
            self._verdicts[key] = whole.judge()
        return self._verdicts[key]

    def choose(self, product: str, rule: str) -> CandidateKey:
        """Return the first candidate that nothing withholds, in which the rule passes, or does not apply yet."""
        keys = self._keys[product]
        whole = [key for key in keys if not _withheld_by(self.of(key)) | self._failing(key, rule)] or keys[:1]
        asked = (key for key in whole if any(one.rule == rule and one.status == PASSED for one in self.of(key).results))
        return next(asked, whole[0])

    def _failing(self, key: CandidateKey, rule: str) -> set[str]:
        return {rule} & set(self.of(key).failed_rules)


def _withheld_by(verdict: Verdict) -> set[str]:
    """Return what withholds a candidate; who approved the terms of a product is not copied with it."""
    failed = (result for result in verdict.results if result.status == FAILED)
    return {result.rule for result in failed if result.severity in ("block", "hold")} - OF_DECISIONS


def break_candidates(home: Home, folder: Path, mutations: Sequence[Mutation]) -> Iterator[Answer]:
    """Give what the gate says of each mutation of a home's candidates."""
    whole = Whole(home, folder / "whole")
    for number, mutation in enumerate(mutations):
        key = whole.choose(mutation.product, mutation.rule)
        broken = BrokenHome(home, key, folder / str(number))
        mutation.do(broken)
        if not mutation.by_hand:
            broken.seal()
        yield _answer(mutation, whole.of(key), broken.judge())
        shutil.rmtree(folder / str(number))


def _answer(mutation: Mutation, before: Verdict, after: Verdict) -> Answer:
    was, found = (_result(verdict, mutation.rule) for verdict in (before, after))
    has_failed = found.status == FAILED and (was.status != FAILED or _failed(found) > _failed(was))
    stops = {"block": after.state == BLOCKED, "hold": after.state != APPROVED}.get(found.severity, True)
    stops = stops and (was.severity not in ("block", "hold") or not _withheld_by(before))
    told = after.state if found.severity in ("block", "hold") else f"said ({found.severity})"
    return Answer(
        mutation.rule,
        f"candidate, {mutation.way}",
        mutation.what,
        told if has_failed else f"SLIPPED: {found.status}, {found.reason}",
        has_failed and stops,
    )


def _result(verdict: Verdict, rule: str) -> RuleResult:
    return next(result for result in verdict.results if result.rule == rule)


def _failed(result: RuleResult) -> int:
    return result.applied - result.passed


def break_deliveries(folder: Path, rules: Sequence[str]) -> Iterator[Answer]:
    """Give what the intake and the build say of each broken delivery."""
    for number, delivery in enumerate(each for each in DELIVERIES if each.rule in rules):
        place = folder / f"delivery-{number}"
        place.mkdir()
        by = delivery.refused(place)
        is_caught = delivery.rule in by
        told = "refused" if is_caught else f"SLIPPED: refused by {', '.join(sorted(by)) or 'nothing'}"
        yield Answer(delivery.rule, "intake" if delivery.rule != "RC10" else "build", delivery.what, told, is_caught)


def slipping(answers: Sequence[Answer], rules: Sequence[str]) -> list[str]:
    """Return the rules of which a mutation slipped, or that nobody tried."""
    caught = {answer.rule for answer in answers}
    return sorted({answer.rule for answer in answers if not answer.is_caught} | (set(rules) - caught - OF_DECISIONS))


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; return 1 if anything slips."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutations")
    parser.add_argument("rules", nargs="*", metavar="RULE", help="only these rules")
    parser.add_argument("--home", type=lambda text: Path(text).resolve(), help="a home that has run; it is not changed")
    asked = parser.parse_args(arguments)
    rules = asked.rules or sorted(read_rules(settings.EXPECTATIONS / "rules"))
    with tempfile.TemporaryDirectory(prefix="mutations-") as name:
        folder, path = Path(name), asked.home
        if path is None:
            path = folder / "demo" / "home"
            make_demo(path, *DEMO)
            run(path)
        answers = []
        mutations = [mutation for mutation in MUTATIONS if mutation.rule in rules]
        for answer in (*break_deliveries(folder, rules), *break_candidates(Home(path), folder, mutations)):
            answers.append(answer)
        for answer in sorted(answers, key=lambda each: (each.rule, each.place)):
            print(f"{answer.rule}  {answer.place:<22}  {answer.what:<48}  {answer.answer}")
    slipped = slipping(answers, rules)
    print(
        f"{len(rules)} rules, {len(answers)} ways to break what they guard: {len(slipped)} rules slip. {slipped or ''}"
    )
    return 1 if slipped else 0


if __name__ == "__main__":
    sys.exit(main())
