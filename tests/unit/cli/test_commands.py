"""The command line: exit codes, what a user is told, and JSON to the letter of the contract."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.homes import samandel, samandel_json


@pytest.mark.parametrize(
    "arguments",
    [
        ("run",),
        ("month",),
        ("status",),
        ("gate", "list"),
        ("gate", "show", "municipality_extract", "9901"),
        ("release", "list"),
        ("release", "verify"),
        ("query", "select 1", "--internal"),
    ],
    ids=" ".join,
)
def test_a_folder_that_is_no_home_is_refused_with_a_remedy(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    refused = samandel(*arguments, "--home", tmp_path, expect=(2,))
    assert "consortium.yaml" in refused.stderr
    assert "samandel init" in refused.stderr


def test_a_path_that_does_not_exist_is_named(tmp_path: Path) -> None:
    refused = samandel("inspect", tmp_path / "gone.xml", expect=(2,))
    assert "gone.xml" in refused.stderr


def test_bad_usage_is_exit_2() -> None:
    samandel("run", "--no-such-option", expect=(2,))
    samandel("nonsense", expect=(2,))


@pytest.fixture
def starter(tmp_path: Path) -> Path:
    home = tmp_path / "home"
    samandel("init", home)
    return home


def test_a_second_init_in_the_same_folder_is_refused(starter: Path) -> None:
    refused = samandel("init", starter, expect=(2,))
    assert str(starter) in refused.stderr


def test_every_problem_of_every_register_is_told_at_once(starter: Path) -> None:
    (starter / "registers" / "members.csv").write_text(
        "municipality_no,name,inhabitants,agreement,valid_from,valid_to\n"
        "901,Nord,many,unprepared,2024-01-01,\n"
        "9901,Nord,100,sometimes,01.01.2024,\n"
    )
    (starter / "registers" / "contracts.csv").write_text("contract_id\nA\n")
    refused = samandel("run", "--home", starter, expect=(2,))
    for told in (
        "row 2, column municipality_no",
        "row 2, column inhabitants",
        "row 3, column agreement",
        "contracts.csv",
    ):
        assert told in refused.stderr
    assert "01.01.2024" in refused.stderr
    assert not (starter / "landing").exists()


def test_a_secret_in_the_settings_is_refused_and_never_printed(starter: Path) -> None:
    settings = (starter / "consortium.yaml").read_text()
    lines = [line for line in settings.splitlines() if not line.startswith(("keys:", "  gate_hmac"))]
    (starter / "consortium.yaml").write_text("\n".join([*lines, "keys:", "  gate_hmac: hunter2hunter2"]) + "\n")
    refused = samandel("run", "--home", starter, expect=(2,))
    assert "keys.gate_hmac" in refused.stderr
    assert "hunter2" not in refused.stderr + refused.stdout


def test_month_and_day_must_be_what_they_say(starter: Path) -> None:
    assert "--month" in samandel("run", "--home", starter, "--month", "2026-13", expect=(2,)).stderr
    assert "--as-of" in samandel("run", "--home", starter, "--as-of", "15.11.2026", expect=(2,)).stderr


def test_doctor_says_what_is_missing(starter: Path) -> None:
    findings = json.loads(samandel("doctor", "--json", "--home", starter, expect=(0, 2)).stdout)
    assert {"check", "state", "found", "remedy"} == set(findings[0])
    assert all(finding["remedy"] for finding in findings if finding["state"] == "wrong")
    (starter / "consortium.yaml").unlink()
    findings = json.loads(samandel("doctor", "--json", "--home", starter, expect=(2,)).stdout)
    assert any("consortium.yaml" in finding["found"] for finding in findings if finding["state"] == "wrong")


def test_lists_of_a_new_home_are_empty_json(starter: Path) -> None:
    assert samandel_json("release", "list", "--json", "--home", starter) == []


def test_inspect_prints_one_object_a_line_even_for_rubbish(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_text("<broken")
    (tmp_path / "b.csv").write_bytes(b"\x00\x01\x02")
    lines = samandel("inspect", tmp_path, "--json").stdout.splitlines()
    facts = [json.loads(line) for line in lines]
    assert len(facts) == 2
    assert all(fact["rejects"] for fact in facts)


@pytest.mark.parametrize(
    "line",
    ['gate_hmac: "hunter2hunter2', "keys: {hunter2hunter2: x}", 'x: {url: "sftp://me:hunter2hunter2@host/x"}'],
    ids=["broken YAML", "unknown key", "unknown top key"],
)
def test_what_stands_in_broken_settings_is_not_printed(starter: Path, line: str) -> None:
    (starter / "consortium.yaml").write_text(f"name: A\nhost: '9901'\nmembers: {{}}\n{line}\n")
    refused = samandel("run", "--home", starter, expect=(2,))
    assert "consortium.yaml" in refused.stderr
    assert "hunter2" not in refused.stderr + refused.stdout


def test_a_password_in_an_address_is_refused_and_not_printed(starter: Path) -> None:
    source = '{kind: ehf, url: "sftp://me:hunter2hunter2@host/x"}'
    settings = f"name: A\nhost: '9901'\nmembers: {{'9901': {{sources: [{source}]}}}}\n"
    (starter / "consortium.yaml").write_text(settings)
    for command in ("run", "doctor"):
        refused = samandel(command, "--home", starter, expect=(2,))
        assert "hunter2" not in refused.stderr + refused.stdout


def test_without_the_gates_key_nothing_is_taken(starter: Path) -> None:
    (starter / "registers" / "members.csv").write_text(
        "municipality_no,name,inhabitants,agreement,valid_from,valid_to\n9901,Nord,900,unprepared,2024-01-01,\n"
    )
    (starter / "registers" / "member_org_nos.csv").write_text(
        "municipality_no,org_no,role,name,valid_from,valid_to\n9901,310000043,municipality,Nord,2024-01-01,\n"
    )
    (starter / "consortium.yaml").write_text(
        "name: A\nhost: '9901'\nkeys: {gate_hmac: 'file:../no.key'}\nmembers: {'9901': {sources: [{kind: ehf}]}}\n"
    )
    drop = starter / "inbox" / "9901" / "ehf" / "a.xml"
    drop.parent.mkdir(parents=True)
    drop.write_text("<a/>")
    refused = samandel("run", "--home", starter, expect=(2,))
    assert "no.key" in refused.stderr
    assert drop.exists()
    assert not (starter / "landing").exists()


def test_profile_suggest_writes_what_inspect_accepts(tmp_path: Path) -> None:
    rows = "".join(f"{n};0{n}.10.2026;Eksempel AS;11500;{n},50\n" for n in range(1, 10))
    ledger, profile = tmp_path / "2026-10.csv", tmp_path / "ours.yml"
    ledger.write_text("Bilag;Dato;Leverandør;Konto;Beløp eks. mva\n" + rows, encoding="utf-8")
    facts = samandel_json("profile", "suggest", ledger, "--output", profile, "--json")
    assert facts["read_back"] == {"usable": True, "rows": 9, "rejects": 0, "amount_total": "49.50"}
    assert facts["profile"] == profile.read_text(encoding="utf-8")
    assert [choice["header"] for choice in facts["choices"]][0] == "Beløp eks. mva"
    inspected = json.loads(samandel("inspect", ledger, "--profile", profile, "--json").stdout)
    assert (inspected["profile"], inspected["rows"], inspected["amount_total"]) == ("ours", 9, "49.50")
    refused = samandel("profile", "suggest", ledger, "--output", profile, expect=(2,))
    assert "exists already" in refused.stderr


def test_what_a_profile_leaves_open_is_said_when_it_is_made_and_when_it_is_used(tmp_path: Path) -> None:
    ledger, profile = tmp_path / "2026-10.csv", tmp_path / "ours.yml"
    ledger.write_text("Dato;Ref;Beløp\n" + "05.10.2026;x;1,50\n" * 3, encoding="utf-8")
    shown = samandel("profile", "suggest", ledger, "--output", profile).stdout
    for words in ("amount_kind", "Take the #", f"search for DECIDE in {profile}", "voucher_no", "supplier_name"):
        assert words in shown
    (issue,) = json.loads(samandel("inspect", ledger, "--profile", profile, "--json").stdout)["issues"]
    assert "amount_kind is to be decided" in issue["message"]


def test_a_path_is_shown_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / ("a:smile:[b] " + "langt navn " * 15 + ".csv")
    path.write_text("x")
    assert str(path) in samandel("inspect", path).stdout.splitlines()


def test_the_doctor_tells_one_fault_once(starter: Path) -> None:
    (starter / "registers" / "members.csv").write_text("municipality_no\n901\n")
    findings = json.loads(samandel("doctor", "--json", "--home", starter, expect=(2,)).stdout)
    wrong = [(one["found"], one["remedy"]) for one in findings if one["state"] == "wrong"]
    assert len(wrong) == len(set(wrong))
    (starter / "consortium.yaml").write_text("name: A\n")
    findings = json.loads(samandel("doctor", "--json", "--home", starter, expect=(2,)).stdout)
    assert sum("consortium.yaml, host" in one["found"] for one in findings) == 1
    assert any(one["found"].startswith("not looked at") for one in findings)


def test_profile_suggest_of_what_is_no_table_says_why(tmp_path: Path) -> None:
    (tmp_path / "picture.csv").write_bytes(bytes(range(256)) * 9)
    refused = samandel("profile", "suggest", tmp_path / "picture.csv", expect=(2,))
    assert "No profile can be proposed" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_build_of_what_another_version_read_says_to_read_it_again(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    home = tmp_path / "home"
    samandel("init", home)
    earlier = home / "parsed" / "register_members" / "municipality_no=_consortium" / "settings00000001.parquet"
    earlier.parent.mkdir(parents=True)
    pq.write_table(pa.table({"municipality_no": ["9901"]}), earlier)
    refused = samandel("build", "--home", home, expect=(2,)).stderr
    assert "_consortium/register_members" in refused
    assert "'samandel run'" in refused
    assert not (home / "warehouse" / "builds").exists()
