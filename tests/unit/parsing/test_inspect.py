"""inspect answers for every file, whatever it is, with every fact of its format."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from pipelines.errors import ConfigurationError
from pipelines.parsing.inspect import FACTS, inspect_paths

GOLDEN = Path(__file__).resolve().parents[2] / "golden"
COMMON = {"file", "format", "rejects", "issues"}


def facts_of(path: Path, profile: str | None = None) -> dict[str, object]:
    (facts,) = inspect_paths([path], profile)
    return json.loads(json.dumps(facts))


def test_invoice_facts_are_as_the_document_states_them() -> None:
    facts = facts_of(GOLDEN / "ehf" / "credit_note_two_vat_rates.xml")
    assert set(facts) == COMMON | {"profile", "documents"}
    assert facts["format"] == "ubl_credit_note"
    assert facts["profile"] == "urn:fdc:peppol.eu:2017:poacc:billing:01:1.0"
    assert facts["documents"] == [
        {
            "document_type": "381",
            "invoice_no": "K-77",
            "invoice_date": "2026-06-14",
            "currency": "NOK",
            "seller_org_no": "310028142",
            "seller_name": "Eksempel Mat AS",
            "buyer_org_no": "310028150",
            "tax_exclusive_amount": "325.00",
            "tax_amount": "61.25",
            "payable_amount": "386.25",
            "line_count": 2,
            "line_extension_total": "300.00",
            "contract_reference": "R-2024-11",
            "order_reference": None,
        }
    ]


def test_amounts_keep_the_decimals_stated(tmp_path: Path) -> None:
    raw = (GOLDEN / "ehf" / "comment_inside_values.xml").read_text(encoding="utf-8")
    path = tmp_path / "a.xml"
    path.write_text(raw.replace('"NOK">125.00</cbc:Payable', '"NOK">125</cbc:Payable'), encoding="utf-8")
    (document,) = facts_of(path)["documents"]
    assert document["payable_amount"] == "125"


def test_ledger_facts_with_a_guessed_profile() -> None:
    path = GOLDEN / "ledgers" / "unit4__title_lines_sum_row_parentheses.csv"
    facts = facts_of(path)
    assert set(facts) == COMMON | set(FACTS["ledger"])
    assert facts["profile"] == "unit4"
    assert facts["profile_guessed"] is True
    assert facts["encoding"] == "cp1252"
    assert facts["delimiter"] == ";"
    assert facts["header_row"] == 4
    assert facts["rows"] == 4
    assert facts["amount_column"] == "Beløp"
    assert facts["amount_total"] == "99987.99"
    assert {"rule": "IN06", "row": 10, "column": "Bilagsdato"}.items() <= facts["rejects"][1].items()
    assert set(facts["rejects"][0]) == {"rule", "path", "row", "column", "raw", "message"}


def test_named_profile_is_not_guessed_and_a_misfit_is_a_reject() -> None:
    facts = facts_of(GOLDEN / "ledgers" / "unit4__without_org_numbers.csv", "semicolon")
    assert facts["format"] == "ledger"
    assert facts["profile_guessed"] is False
    assert facts["rows"] is None
    assert facts["rejects"][0]["rule"] == "IN01"


def test_workbook_has_no_encoding_and_no_delimiter() -> None:
    facts = facts_of(GOLDEN / "ledgers" / "xlsx_no__two_sheets_real_dates.xlsx")
    assert facts["profile"] == "xlsx_no"
    assert facts["encoding"] is None
    assert facts["delimiter"] is None
    assert facts["amount_total"] == "-765.20"


def test_register_facts_count_deleted_and_sub_units() -> None:
    facts = facts_of(GOLDEN / "brreg" / "units_sub_unit_deleted_and_faults.json")
    assert (facts["format"], facts["units"], facts["deleted"], facts["sub_units"]) == ("brreg", 4, 1, 1)
    assert len(facts["rejects"]) == 4
    assert facts["issues"][0]["rule"] == "RF04"


@pytest.mark.parametrize(
    ("name", "raw", "kind"),
    [
        ("empty.csv", b"", "unknown"),
        ("a.xml", b"<a/>", "unknown"),
        ("cut.xml", (GOLDEN / "ehf" / "truncated__invalid.xml").read_bytes(), "ubl_invoice"),
        ("readme.md", b"hello", "unknown"),
        ("photo.jpg", bytes(range(256)), "unknown"),
        ("a.json", b'{"a": 1}', "unknown"),
        ("a.csv", b"a,b\n1,2\n", "unknown"),
        ("a.xlsx", b"PK\x03\x04broken", "zip"),
        ("bulk.csv", b'"organisasjonsnummer","navn"\n', "brreg"),
        ("s.xml", b'<AuditFile xmlns="urn:StandardAuditFile-Taxation-Financial:NO"><Header>', "saft"),
        (
            "n.xml",
            b'<ContractNotice xmlns="urn:oasis:names:specification:ubl:schema:xsd:ContractNotice-2"/>',
            "notice",
        ),
        ("o.xml", b'<Order xmlns="urn:oasis:names:specification:ubl:schema:xsd:Order-2"/>', "ubl_other"),
    ],
)
def test_what_cannot_be_read_has_a_reject_and_every_key(tmp_path: Path, name: str, raw: bytes, kind: str) -> None:
    path = tmp_path / name
    path.write_bytes(raw)
    facts = facts_of(path)
    assert facts["format"] == kind
    assert facts["rejects"]
    assert set(facts) == COMMON | set(FACTS[kind])


def test_zip_is_recognised_and_told_apart_from_a_workbook(tmp_path: Path) -> None:
    path = tmp_path / "drop.xlsx"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("1.xml", "<a/>")
        archive.writestr("more/2.xml", "<a/>")
        archive.writestr("__MACOSX/._1.xml", "x")
    facts = facts_of(path)
    assert (facts["format"], facts["members"], facts["rejects"]) == ("zip", 2, [])
    (issue,) = facts["issues"]
    assert "1 hidden" in issue["message"]


def test_zip_that_a_run_would_refuse_is_a_reject_with_the_reason(tmp_path: Path) -> None:
    path = tmp_path / "drop.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("../1.xml", "<a/>")
    facts = facts_of(path)
    assert (facts["format"], facts["members"]) == ("zip", None)
    (reject,) = facts["rejects"]
    assert reject["rule"] == "IN01"
    assert "leads out" in reject["message"]


@pytest.mark.parametrize("make", ["pipe", "socket", "device"])
def test_what_is_no_file_is_a_reject_and_keeps_nobody_waiting(tmp_path: Path, make: str) -> None:
    path = tmp_path / "odd.csv"
    if make == "pipe":
        os.mkfifo(path)
    elif make == "socket":
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(path))
    else:
        path = Path("/dev/zero")
    assert facts_of(path)["rejects"]


def test_folders_are_walked_in_order_without_hidden_files(tmp_path: Path) -> None:
    for name in ("b.txt", "a/c.txt", ".hidden", ".git/x"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    files = [facts["file"] for facts in inspect_paths([tmp_path, tmp_path / "b.txt"])]
    assert files == [str(tmp_path / "a/c.txt"), str(tmp_path / "b.txt"), str(tmp_path / "b.txt")]


def test_absent_file_is_a_reject_and_an_absent_profile_is_not(tmp_path: Path) -> None:
    assert facts_of(tmp_path / "nowhere.xml")["rejects"]
    with pytest.raises(ConfigurationError):
        list(inspect_paths([tmp_path], "nowhere"))


def test_looking_at_a_file_does_not_import_heavy_libraries() -> None:
    code = (
        "import sys; import pipelines.parsing.inspect; "
        "print([n for n in ('lxml', 'pyarrow', 'duckdb', 'pandas', 'python_calamine', 'yaml') if n in sys.modules])"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"


def test_every_real_file_is_answered_for(fixtures: Path) -> None:
    seen: dict[str, int] = {}
    for facts in inspect_paths([fixtures]):
        assert set(facts) == COMMON | set(FACTS[facts["format"]])
        json.dumps(facts)
        assert facts["rejects"] or facts["format"] in {
            "ubl_invoice",
            "ubl_credit_note",
            "ledger",
            "brreg",
            "notice",
            "saft",
        }
        seen[facts["format"]] = seen.get(facts["format"], 0) + 1
    assert seen["ubl_invoice"] == 25
    assert seen["ubl_credit_note"] == 3
    assert seen["ledger"] == 7


@pytest.mark.parametrize("shift", range(2))
def test_a_ledger_whose_beginning_ends_inside_a_character_is_read(tmp_path: Path, shift: int) -> None:
    header = "Leverandørnr;Leverandørnavn;Bilagsnr;Bokføringsdato;Periode;Art;Beløp eks. mva;Tekst\n"
    row = "7;Eksempel AS;1;01.10.2026;202610;11500;1,00;"
    path = tmp_path / "2026-10.csv"
    path.write_bytes((header + row + "x" * shift + "ø" * 60_000 + "\n" + (row + "ø" * 60_000 + "\n") * 2).encode())
    (facts,) = inspect_paths([path])
    assert (facts["format"], facts["rows"], facts["amount_total"]) == ("ledger", 3, "3.00")


def test_a_fault_of_ours_in_one_file_leaves_the_others_their_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipelines.parsing import hardened_xml

    (tmp_path / "1.xml").write_text("<a/>")
    (tmp_path / "2.csv").write_text("x;y\n1;2\n")

    def fail(raw: bytes) -> None:
        raise ZeroDivisionError("Kari Nordmann")

    monkeypatch.setattr(hardened_xml, "sniff_root", fail)
    first, second = inspect_paths([tmp_path])
    assert "ZeroDivisionError" in first["rejects"][0]["message"]
    assert "Kari" not in str(first)
    assert second["format"] == "unknown"


def test_a_register_form_is_named_for_what_it_is(tmp_path: Path) -> None:
    path = tmp_path / "skjema.xlsx"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("xl/workbook.xml", '<workbook><sheets><sheet name="Skjemadata"/></sheets></workbook>')
    (facts,) = inspect_paths([path])
    assert "register form" in facts["rejects"][0]["message"]


@pytest.mark.parametrize("name", ["link", "link/a.xml", "file.xml", "real/../link/a.xml", "link/below/../a.xml"])
@pytest.mark.parametrize("absolute", [True, False], ids=["absolute", "relative"])
def test_a_path_that_the_user_names_may_lead_through_links(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, absolute: bool
) -> None:
    (tmp_path / "real" / "below").mkdir(parents=True)
    shutil.copy(GOLDEN / "ehf" / "credit_note_two_vat_rates.xml", tmp_path / "real" / "a.xml")
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "file.xml").symlink_to("link/a.xml")
    (tmp_path / "home").symlink_to(tmp_path)
    monkeypatch.chdir(tmp_path / "home")
    assert facts_of(tmp_path / "home" / name if absolute else Path(name))["format"] == "ubl_credit_note"
