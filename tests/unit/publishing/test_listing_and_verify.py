"""What is listed is what was published; what was changed since is named, file by file."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipelines.candidates.products import MUNICIPALITY_EXTRACT, WORKSHOP_RELEASE, CandidateKey
from pipelines.cli.main import app
from pipelines.errors import ConfigurationError, ReleaseDamaged
from pipelines.files import sha256_file
from pipelines.gate.decisions import append_verdict, chain_head, decisions_file, read_verdicts, verify_chain
from pipelines.home import Home
from pipelines.publishing.listing import list_releases, show_release
from pipelines.publishing.release import publish
from pipelines.publishing.store import checksum_lines, file_digests
from pipelines.publishing.verify import verify_release, verify_releases, witness_against_chain
from tests.unit.candidates.small_home import CLOCK, PERIOD, WORKSHOPS
from tests.unit.publishing.approvals import make_and_approve
from tests.unit.publishing.test_release import change_data

P1 = CandidateKey(MUNICIPALITY_EXTRACT, "9901", PERIOD)
P2 = CandidateKey(WORKSHOP_RELEASE, WORKSHOPS[0], PERIOD)


@pytest.fixture
def released(home: Home) -> Home:
    """A home with two revisions of an extract and one workshop release."""
    make_and_approve(home, P1)
    publish(home, P1, CLOCK)
    change_data(home)
    for key in (P1, P2):
        make_and_approve(home, key)
        publish(home, key, CLOCK)
    return home


def place(home: Home, revision: str = "r2") -> Path:
    return home.releases / P1.product / P1.recipient / P1.period / revision


def test_every_release_is_listed_with_its_state(released: Home) -> None:
    rows = list_releases(released)
    assert [(row["product"], row["recipient"], row["release_id"], row["state"]) for row in rows] == [
        (P1.product, "9901", "2026-10-r1", "superseded"),
        (P1.product, "9901", "2026-10-r2", "current"),
        (P2.product, WORKSHOPS[0], "2026-10-r1", "current"),
    ]
    assert rows[0].keys() == {"release_id", "product", "recipient", "period", "state", "digest", "path"}
    assert {row["path"] for row in rows[:2]} == {str(place(released, "r1")), str(place(released))}
    assert len({row["digest"] for row in rows}) == 3


def test_a_home_without_releases_lists_none(home: Home) -> None:
    assert list_releases(home) == []
    assert verify_releases(home) == []


def test_a_release_without_a_readable_manifest_is_listed_as_damaged(released: Home) -> None:
    (place(released) / "manifest.json").write_text("{")
    assert [row["state"] for row in list_releases(released)] == ["superseded", "damaged", "current"]
    with pytest.raises(ReleaseDamaged):
        show_release(released, P1.product, "9901")


def test_the_current_release_is_shown_unless_another_is_named(released: Home) -> None:
    current = show_release(released, P1.product, "9901")
    assert (current["release_id"], current["state"], current["supersedes"]) == ("2026-10-r2", "current", "2026-10-r1")
    earlier = show_release(released, P1.product, "9901", "2026-10-r1")
    assert (earlier["release_id"], earlier["state"]) == ("2026-10-r1", "superseded")
    for named in ("2026-10-r3", "2026-09-r1", "r1"):
        with pytest.raises(ConfigurationError, match="no such release"):
            show_release(released, P1.product, "9901", named)


def test_releases_are_as_published(released: Home) -> None:
    results = verify_releases(released)
    assert len(results) == 3
    assert [result["problems"] for result in results] == [[], [], []]
    assert all(result["ok"] for result in results)


def test_one_release_is_found_by_folder_or_name(released: Home) -> None:
    assert verify_release(released, place(released, "r1"))["release_id"] == "2026-10-r1"
    assert verify_release(released, f"{P1.product}/9901/2026-10-r2")["path"] == str(place(released))
    with pytest.raises(ConfigurationError, match="no such release"):
        verify_release(released, "nowhere")
    with pytest.raises(ConfigurationError, match="no such release"):
        verify_releases(released, recipient="9902")
    assert len(verify_releases(released, product=P1.product, recipient="9901")) == 2


def _change(name: str) -> Callable[[Home], None]:
    def spoil(home: Home) -> None:
        path = place(home) / name
        raw = path.read_bytes()
        path.write_bytes(raw[:-2] + bytes([raw[-2] ^ 1]) + raw[-1:])

    return spoil


def _remove(name: str) -> Callable[[Home], None]:
    return lambda home: (place(home) / name).unlink()


def _add(home: Home) -> None:
    (place(home) / "more.csv").write_text("a\n")


def _forge_checksums(home: Home) -> None:
    """Change a file and everything in the home that states its digest, the gate's decisions apart."""
    folder = place(home)
    (folder / "kpi.csv").write_bytes((folder / "kpi.csv").read_bytes().replace(b"8.00", b"9.00"))
    manifest = json.loads((folder / "manifest.json").read_text())
    for each in manifest["files"]:
        each["sha256"] = sha256_file(folder / each["path"])
    from pipelines.publishing.store import candidate_digest

    manifest["digest"] = candidate_digest(file_digests(folder))
    (folder / "manifest.json").write_text(json.dumps(manifest))
    digests = {name: digest for name, digest in file_digests(folder).items() if name != "checksums.sha256"}
    (folder / "checksums.sha256").write_text(checksum_lines(digests.items()))
    current = {"release_id": "2026-10-r2", "digest": manifest["digest"]}
    (folder.parent / "current.json").write_text(json.dumps(current))


def _another_current(home: Home) -> None:
    path = place(home).parent / "current.json"
    path.write_text(json.dumps({"release_id": "2026-10-r2", "digest": "0" * 64}))


def _swap(home: Home) -> None:
    shutil.rmtree(place(home))
    shutil.copytree(place(home, "r1"), place(home))


def _spoil_chain(home: Home) -> None:
    path = decisions_file(home)
    path.write_text(path.read_text().replace('"approved"', '"Approved"', 1))


def _empty_chain(home: Home) -> None:
    decisions_file(home).unlink()


@pytest.mark.parametrize(
    ("spoil", "named"),
    [
        (_change("kpi.csv"), "kpi.csv: differs from what was published"),
        (_change("municipality_extract.parquet"), "municipality_extract.parquet: differs"),
        (_change("datapackage.json"), "datapackage.json: differs"),
        (_change("rule_results.csv"), "rule_results.csv: differs"),
        (_change("manifest.json"), "manifest.json: differs"),
        (_change("checksums.sha256"), "was not published"),
        (_remove("kpi.parquet"), "kpi.parquet: is missing"),
        (_remove("manifest.json"), "manifest.json: is missing"),
        (_remove("checksums.sha256"), "checksums.sha256: is missing"),
        (_add, "more.csv: was not published"),
        (_forge_checksums, "no approval of these bytes"),
        (_another_current, "current.json: states another digest"),
        (_swap, "states release_id 2026-10-r1, but lies where 2026-10-r2 belongs"),
        (_spoil_chain, "gate/decisions.jsonl: The gate's decisions cannot be trusted"),
        (_empty_chain, "no approval of these bytes"),
    ],
    ids=[
        "csv", "parquet", "package", "results", "manifest", "checksums", "file gone", "manifest gone",
        "checksums gone", "file added", "everything forged", "current", "swapped", "chain spoilt", "chain gone",
    ],
)  # fmt: skip
def test_what_differs_is_named(released: Home, spoil: Callable[[Home], None], named: str) -> None:
    spoil(released)
    (result,) = verify_releases(released, product=P1.product, release_id="2026-10-r2")
    assert not result["ok"]
    assert any(named in problem for problem in result["problems"]), result["problems"]


def test_a_lost_current_release_and_a_lost_current_file_are_told(released: Home) -> None:
    shutil.rmtree(place(released))
    (released.releases / P2.product / P2.recipient / PERIOD / "current.json").unlink()
    problems = {result["product"]: result["problems"] for result in verify_releases(released) if not result["ok"]}
    assert "the folder is gone" in problems[P1.product][0]
    assert "current.json: is missing" in problems[P2.product][0]


def test_another_release_is_not_blamed(released: Home) -> None:
    _change("kpi.csv")(released)
    assert [result["ok"] for result in verify_releases(released)] == [True, False, True]


def _rebuild_chain(home: Home, verdicts: list) -> None:
    """Write the chain anew with the gate's own key, as who holds it could."""
    decisions_file(home).unlink()
    for verdict in verdicts:
        append_verdict(home, verdict)


def test_releases_bear_witness_to_the_chain_that_they_left_with(released: Home) -> None:
    count, head = chain_head(released)
    manifest = json.loads(
        (place(released).parents[3] / P2.product / P2.recipient / PERIOD / "r1/manifest.json").read_text()
    )
    assert (manifest["verdict"]["sequence"], manifest["verdict"]["chain_sha256"]) == (count, head) == (3, head)
    assert witness_against_chain(released) == []


def test_a_chain_that_was_written_anew_shows_although_it_is_signed(released: Home) -> None:
    first, second, third = read_verdicts(released)
    _rebuild_chain(released, [second, third])  # as if the first had never been
    assert verify_chain(released) == []
    said = witness_against_chain(released)
    assert [line.partition(": ")[0] for line in said] == [
        f"{P1.product} 9901 2026-10-r1",
        f"{P1.product} 9901 2026-10-r2",
        f"{P2.product} {WORKSHOPS[0]} 2026-10-r1",
    ]
    assert "holds no approval" in said[0]
    assert all("it was written anew" in line for line in said[1:])
    _rebuild_chain(released, [first, second])  # cut short
    assert len(witness_against_chain(released)) == 1


def test_a_release_that_says_nothing_of_the_chain_is_told_from_a_chain_written_anew(released: Home) -> None:
    path = place(released) / "manifest.json"
    manifest = json.loads(path.read_text())
    del manifest["verdict"]["chain_sha256"]
    path.write_text(json.dumps(manifest))
    (said,) = witness_against_chain(released)
    assert "an earlier version published it" in said


def test_the_chain_is_verified_on_the_command_line(released: Home) -> None:
    def ask() -> tuple[int, dict]:
        done = CliRunner().invoke(app, ["gate", "verify", "--json", "--home", str(released.path)])
        return done.exit_code, json.loads(done.stdout)

    assert ask() == (0, {"decisions": 3, "head": chain_head(released)[1], "problems": []})
    _rebuild_chain(released, read_verdicts(released)[1:])
    code, answer = ask()
    assert (code, len(answer["problems"])) == (3, 3)
    _spoil_chain(released)
    code, answer = ask()
    assert code == 3
    assert answer["problems"][0].startswith("gate/decisions.jsonl, line ")
