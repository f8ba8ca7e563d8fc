"""A package: client rows as sums, the same øre before and after, the same bytes from the same files."""

from __future__ import annotations

import io
import json
import zipfile
from decimal import Decimal
from pathlib import Path

import pytest

from pipelines.errors import ProblemsFound
from pipelines.files import sha256_bytes
from pipelines.parsing.ehf import parse_document
from pipelines.parsing.ledger import load_profile, parse_ledger
from pipelines.parsing.ledger_profile import SHIPPED_FOLDER
from pipelines.prepared import MANIFEST, combined_digest, hold_against_manifest, read_manifest
from pipelines.preparing.clients import SupplierList
from pipelines.preparing.inputs import find_inputs
from pipelines.preparing.package import Package, prepare_package
from tests.unit.preparing.test_documents import INVOICE
from tests.unit.test_scanner import SYNTHETIC

SELLER, HELPER = "310028142", "310000108"
HEADER = (
    "Leverandørnr;Leverandørnavn;Organisasjonsnr;Bilagsnr;Fakturanr;Bokføringsdato;Periode;Art;Art tekst;Tjeneste;"
    "Mva-kode;Beløp eks. mva;Tekst;Saksbehandler"
)
ROWS = (
    f"70001;Eksempel Bakeri AS;{SELLER};B1;F-1234;10.09.2026;202609;11150;Matvarer;120;1;1000,00;Brød;Kari Nordmann",
    f"70002;Tiltak og Hjelp AS;{HELPER};B2;9001;11.09.2026;202609;13700;Kjøp fra private;252;1;5000,50;Hos Ola Fjell;x",
    f"70002;Tiltak og Hjelp AS;{HELPER};B3;9002;12.09.2026;202609;13700;Kjøp fra private;252;1;-100,25;Kreditert;x",
    f"70002;Tiltak og Hjelp AS;{HELPER};B2;9001;11.09.2026;202609;14290;Mva;120;;1250,13;Opphold Ola Fjell;x",
    f"{SYNTHETIC};Drosjeeier;;B4;77;13.09.2026;202609;11700;Transport;120;;300,00;Kjøring {SYNTHETIC};x",
    "Sum;;;;;;;;;;;7450,38;;",
)
TOTAL = Decimal("7450.38")


def ledger_text(rows: tuple[str, ...] = ROWS) -> bytes:
    return "\r\n".join(["Reskontro skrevet ut av Kari Nordmann", HEADER, *rows, ""]).encode("utf-8-sig")


def document(invoice_no: str, seller: str = SELLER) -> bytes:
    text = INVOICE.replace("F-12<!-- x -->34", invoice_no) if "F-12<!-- x -->34" in INVOICE else INVOICE
    if invoice_no not in text:
        start = text.index("<cbc:ID>") + len("<cbc:ID>")
        text = text[:start] + invoice_no + text[text.index("</cbc:ID>") :]
    return text.replace(SELLER, seller).encode()


def posting(voucher: str, invoice_no: str, function: str, amount: str, seller: str = f"Bo AS;{HELPER}") -> str:
    return f"9;{seller};{voucher};{invoice_no};11.09.2026;202609;13700;Kjøp;{function};1;{amount};Tekst;x"


def package_of(
    folder: Path, files: dict[str, bytes], suppliers: str | None = None, *, keep_unexplained: bool = False
) -> Package:
    for name, raw in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(raw)
    listed = None if suppliers is None else SupplierList(suppliers)
    return prepare_package(find_inputs([folder]), suppliers=listed, keep_unexplained=keep_unexplained)


def taken_out(package: Package) -> dict[str, int]:
    return {one.reason: one.documents for one in package.manifest.taken_out}


def contents(package: Package) -> dict[str, bytes]:
    package.stream.seek(0)
    with zipfile.ZipFile(io.BytesIO(package.stream.read())) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


FILES = {
    "202609.csv": ledger_text(),
    "kept.xml": document("F-1234"),
    "matched.xml": document("9001", HELPER),
    "possible.xml": document("5555", HELPER),
}


def test_client_rows_become_sums_and_the_ledger_still_reads_by_its_profile(tmp_path: Path) -> None:
    kept = contents(package_of(tmp_path, FILES))
    parsed = parse_ledger(kept["ledger/202609.csv"], load_profile("semicolon", None), "202609.csv")
    assert parsed.rejects == []
    assert sum(posting["amount"] for posting in parsed.postings) == TOTAL
    sums = [
        posting for posting in parsed.postings if posting["supplier_name"] is None and posting["voucher_no"] is None
    ]
    assert [(row["local_account"], row["kostra_function"], row["amount"]) for row in sums] == [
        ("13700", "252", Decimal("4900.25")),
        ("14290", "120", Decimal("1250.13")),
    ]
    for row in sums:
        assert {row[name] for name in ("supplier_org_no", "supplier_ledger_code", "posting_text", "invoice_no")} == {
            None
        }
        assert row["posting_date"].isoformat() == "2026-09-30"


def test_nothing_that_gives_a_person_away_is_left(tmp_path: Path) -> None:
    for raw in contents(package_of(tmp_path, FILES)).values():
        for secret in (SYNTHETIC, "Nordmann", "Fjell", "Tiltak og Hjelp", HELPER, "Kari Hemmelig", "99999999"):
            assert secret.encode() not in raw


def test_a_supplier_of_other_things_keeps_its_text_and_its_invoice(tmp_path: Path) -> None:
    kept = contents(package_of(tmp_path, FILES))
    assert "Brød".encode() in kept["ledger/202609.csv"]
    assert parse_document(kept["ehf/kept.xml"]).invoice is not None
    assert {name for name in kept if name.startswith("ehf/")} == {"ehf/kept.xml"}


def test_rows_and_ore_are_all_accounted_for(tmp_path: Path) -> None:
    package = package_of(tmp_path, FILES)
    by_kind = {(file.kind, file.original_name): file for file in package.manifest.files}
    ledger = by_kind["ledger", "202609.csv"]
    assert (ledger.rows_in, ledger.rows_kept, ledger.rows_aggregated, ledger.rows_removed, ledger.sums) == (
        6,
        2,
        3,
        1,
        2,
    )
    assert ledger.amount_before_ore == ledger.amount_after_ore == TOTAL * 100
    assert taken_out(package) == {"client_matched": 1, "client_possible": 1}
    assert sum(one.amount_ore for one in package.manifest.taken_out) == 2 * 10_000
    for file in package.manifest.files:
        assert file.problem() is None


def test_the_manifest_holds_what_the_package_holds(tmp_path: Path) -> None:
    kept = contents(package_of(tmp_path, FILES))
    manifest = read_manifest(kept.pop(MANIFEST))
    hold_against_manifest(manifest, {name: sha256_bytes(raw) for name, raw in kept.items()})
    assert manifest.clients_known_from == ("ledger",)
    digests = {name: sha256_bytes(raw) for name, raw in FILES.items()}
    assert {file.original_sha256 for file in manifest.files} == {digests["202609.csv"], digests["kept.xml"]}
    assert manifest.taken_out_sha256 == combined_digest([digests["matched.xml"], digests["possible.xml"]])


def test_the_manifest_tells_of_no_invoice_that_was_taken_out(tmp_path: Path) -> None:
    client = document("F-77", HELPER).replace(b"Eksempel Mat AS", b"Hjelp Barnevern AS")
    files = FILES | {
        "Hjelp Barnevern AS - F-77 - klient O.N. f2012.xml": client,
        "klient O.N. uleselig.xml": b'<Invoice xmlns="urn:oasis:names:specification:ubl:schema:xsd:Invoice-2"><x>',
    }
    package = package_of(tmp_path, files)
    assert taken_out(package) == {"client_matched": 1, "client_possible": 2, "unreadable": 1}
    for raw in contents(package).values():
        for secret in (b"Barnevern", b"F-77", b"klient", b"O.N.", sha256_bytes(client).encode()):
            assert secret not in raw


def test_the_same_files_are_the_same_bytes(tmp_path: Path) -> None:
    first, second = package_of(tmp_path / "a", FILES), package_of(tmp_path / "b", FILES)
    assert first.write(tmp_path / "a.zip") == second.write(tmp_path / "b.zip")


def test_a_listed_supplier_is_a_clients_whatever_the_function(tmp_path: Path) -> None:
    package = package_of(tmp_path, FILES, suppliers=f"{SELLER};Eksempel Bakeri AS\n")
    kept = contents(package)
    assert not any(name.startswith("ehf/") for name in kept)
    assert b"Bakeri" not in kept["ledger/202609.csv"]
    assert package.manifest.clients_known_from == ("ledger", "supplier_list")


def test_documents_alone_say_that_clients_are_unknown(tmp_path: Path) -> None:
    package = package_of(tmp_path, {"a.xml": document("1")})
    assert package.manifest.clients_known_from == ()


def test_an_unreadable_row_is_named_and_nothing_is_prepared(tmp_path: Path) -> None:
    wrong = ROWS[0].replace("1000,00", "tusen Kari")
    with pytest.raises(ProblemsFound) as refused:
        package_of(tmp_path, {"202609.csv": ledger_text((wrong, *ROWS[1:]))})
    assert "rad 3, kolonne Beløp eks. mva" in str(refused.value)
    assert "tusen" not in str(refused.value)


def test_a_personal_number_in_a_files_name_is_in_neither_package_nor_manifest(tmp_path: Path) -> None:
    kept = contents(package_of(tmp_path, {f"202609 {SYNTHETIC}.csv": ledger_text()}))
    assert not any(SYNTHETIC in name for name in kept)
    assert SYNTHETIC not in json.dumps(json.loads(kept[MANIFEST]))


def test_a_workbook_stays_one_and_reads_by_its_profile(tmp_path: Path) -> None:
    golden = Path(__file__).resolve().parents[2] / "golden" / "ledgers" / "xlsx_no__two_sheets_real_dates.xlsx"
    profile = load_profile("xlsx_no", None)
    before = parse_ledger(golden.read_bytes(), profile, golden.name)
    if any(reject.rule != "IN08" for reject in before.rejects):
        with pytest.raises(ProblemsFound):
            package_of(tmp_path, {"a.xlsx": golden.read_bytes()})
        return
    kept = contents(package_of(tmp_path, {"a.xlsx": golden.read_bytes()}))
    after = parse_ledger(kept["ledger/a.xlsx"], profile, "a.xlsx")
    assert sum(row["amount"] for row in after.postings) == sum(row["amount"] for row in before.postings)


def test_a_zip_is_looked_into(tmp_path: Path) -> None:
    archive = tmp_path / "inn" / "alt.zip"
    archive.parent.mkdir()
    with zipfile.ZipFile(archive, "w") as zipped:
        for name, raw in FILES.items():
            zipped.writestr(name, raw)
    package = prepare_package(find_inputs([archive]))
    assert set(contents(package)) == {MANIFEST, "ehf/kept.xml", "ledger/202609.csv"}


def test_one_ledger_without_functions_leaves_clients_unknown(tmp_path: Path) -> None:
    without = ledger_text(ROWS[:1]).replace(b";Tjeneste;", b";Avdeling;")
    files = FILES | {"uten.csv": without}
    package = package_of(tmp_path, files)
    assert (package.manifest.clients_known_from, package.without_function) == ((), ("uten.csv",))
    assert package_of(tmp_path, files, suppliers="").manifest.clients_known_from == ("supplier_list",)


def test_a_ledger_whose_functions_are_all_blank_has_none(tmp_path: Path) -> None:
    package = package_of(tmp_path, {"a.csv": ledger_text((posting("B1", "1", "", "1,00"),))})
    assert package.manifest.clients_known_from == ()


@pytest.mark.parametrize("function", ["244", "24400", "0244", "00244"])
def test_a_function_is_its_first_three_digits_without_padding(tmp_path: Path, function: str) -> None:
    package = package_of(tmp_path, {"a.csv": ledger_text((posting("B1", "1", function, "1,00"),))})
    assert package.manifest.files[0].rows_aggregated == 1


def test_a_client_invoice_posted_again_is_a_clients_in_every_ledger(tmp_path: Path) -> None:
    rows = (posting("B1", "F-1", "244", "100,00"), posting("B3", "F-2", "120", "30,00"))
    again = (posting("B2", "F1", "", "-100,00"), posting("B2", "F1", "120", "100,00"), posting("B2", "", "120", "5,00"))
    package = package_of(tmp_path, {"202609.csv": ledger_text(rows), "202610.csv": ledger_text(again)})
    assert [file.rows_aggregated for file in package.manifest.files] == [1, 3]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (posting("B1", "F-1", "244", "100,00", "Hjelp og Barnevern;"), "client_matched"),
        (posting("B1", "F-1", "244", "125,00", "Hjelp og Barnevern;"), "client_matched"),
        (posting("B1", "F-1", "244", "99,00", "Hjelp og Barnevern;"), None),
        (posting("B1", "F-1", "120", "100,00", "Hjelp og Barnevern;"), None),
    ],
    ids=["net", "gross", "another amount", "no client"],
)
def test_an_invoice_is_known_by_number_and_amount_however_its_seller_is_spelled(
    tmp_path: Path, row: str, reason: str | None
) -> None:
    rows = (row, posting("B8", "X-9", "120", "1,00", "Annen AS;"))
    files = {"a.csv": ledger_text(rows), "b.xml": document("F-1")}
    package = package_of(tmp_path, files, keep_unexplained=True)
    assert set(taken_out(package)) == ({reason} if reason else set())
    assert package.manifest.unexplained == (reason is None and "99,00" in row)
    assert ("unexplained" in taken_out(package_of(tmp_path, files))) == package.manifest.unexplained


NAMED = document("F-9").replace(b"Eksempel Mat AS", "Hjelp &amp; Bårnevern Nord AS".encode())


@pytest.mark.parametrize(
    "row",
    [
        posting("B1", "F-1", "244", "77,00", "Hjelp og Bårnevern Nord;"),
        posting("B1", "", "244", "77,00", "HJELP OG BAARNEVERN;"),
        posting("B1", "", "244", "77,00", "Hjelp og Bårnevern Nord Norge AS;"),
        posting("B1", "", "244", "77,00", "Hjelp Bår nevern Nord;"),
        posting("B1", "F-9", "244", "77,00", "Nord, Hjelp/Bårnevern A/S;"),
        posting("B1", "", "244", "100,00", "HBN;"),
        posting("B1", "", "244", "-125,00", f"HBN;{HELPER}"),
    ],
    ids=["ampersand", "fewer words", "more words", "spaces", "same number", "net", "gross"],
)
def test_a_clients_supplier_is_known_however_it_is_spelled_even_where_the_rest_is_kept(
    tmp_path: Path, row: str
) -> None:
    rows = (row, posting("B8", "X-9", "120", "1,00", "Annen AS;"))
    package = package_of(tmp_path, {"a.csv": ledger_text(rows), "b.xml": NAMED}, keep_unexplained=True)
    assert set(taken_out(package)) <= {"client_matched", "client_possible"}
    assert len(taken_out(package)) == 1


@pytest.mark.parametrize("function", ["244", "120"])
def test_an_invoice_of_what_a_clients_voucher_comes_to_is_a_clients(tmp_path: Path, function: str) -> None:
    rows = (posting("B1", "", "244", "60,00", "HBN;"), posting("B1", "", function, "40,00", "Rest;"))
    package = package_of(tmp_path, {"a.csv": ledger_text(rows), "b.xml": NAMED}, keep_unexplained=True)
    assert taken_out(package) == {"client_possible": 1}


def test_another_supplier_with_a_number_of_its_own_is_not_taken_for_a_client(tmp_path: Path) -> None:
    rows = (
        posting("B1", "", "244", "77,00", f"Eksempel;{HELPER}"),
        posting("B2", "", "120", "100,00", f"Mat;{SELLER}"),
    )
    package = package_of(tmp_path, {"a.csv": ledger_text(rows), "b.xml": document("F-9")})
    assert (taken_out(package), package.manifest.unexplained) == ({}, 0)


def test_a_posting_of_something_else_explains_an_invoice_first(tmp_path: Path) -> None:
    rows = (posting("B1", "F-1", "244", "100,00", "Hjelp;"), posting("B2", "F-1", "120", "100,00", f"Mat;{SELLER}"))
    package = package_of(tmp_path, {"a.csv": ledger_text(rows), "b.xml": document("F-1")})
    assert [file.kept_name for file in package.manifest.files if file.kind == "ehf"] == ["ehf/b.xml"]


def test_a_number_that_must_go_is_the_same_in_ledger_and_e_invoice(tmp_path: Path) -> None:
    rows = tuple(posting(f"B{no}", number, "120", "1,00") for no, number in enumerate((SYNTHETIC, "Kari Nordmann")))
    kept = contents(package_of(tmp_path, {"a.csv": ledger_text(rows), "b.xml": document(SYNTHETIC, HELPER)}))
    postings = parse_ledger(kept["ledger/a.csv"], load_profile("semicolon", None), "a.csv").postings
    numbers = [row["invoice_no"] for row in postings]
    assert len(set(numbers)) == 2
    assert not {None, SYNTHETIC, "Kari Nordmann"} & set(numbers)
    invoice = parse_document(kept["ehf/b.xml"]).invoice
    assert invoice is not None
    assert invoice["invoice_no"] == numbers[0]


@pytest.mark.parametrize(
    ("old", "new", "column"), [(";11150;", ";1234.56.78903;", "Art"), (";120;", ";Kari Nordmann;", "Tjeneste")]
)
def test_a_code_that_must_stay_and_gives_away_is_named(tmp_path: Path, old: str, new: str, column: str) -> None:
    files = {"202609.csv": ledger_text((ROWS[0].replace(old, new), *ROWS[1:])), "202610.csv": ledger_text()}
    with pytest.raises(ProblemsFound) as refused:
        package_of(tmp_path, files)
    assert len(refused.value.problems) == 1
    assert f"202609.csv, rad 3, kolonne {column}:" in refused.value.problems[0]
    assert "Nordmann" not in str(refused.value)


def test_amounts_without_decimals_stay_so(tmp_path: Path) -> None:
    shipped = (SHIPPED_FOLDER / "semicolon.yml").read_text(encoding="utf-8")
    (tmp_path / "whole.yml").write_text(shipped.replace("numbers:", "numbers:\n  whole: true"), encoding="utf-8")
    profile = load_profile(str(tmp_path / "whole.yml"), None)
    (tmp_path / "a.csv").write_bytes(
        ledger_text(
            (posting("B1", "1", "244", "100"), posting("B2", "2", "244", "-30"), posting("B3", "3", "120", "7"))
        )
    )
    kept = contents(prepare_package(find_inputs([tmp_path / "a.csv"]), profile=profile))
    parsed = parse_ledger(kept["ledger/a.csv"], profile, "a.csv")
    assert [row["amount"] for row in parsed.postings] == [Decimal(7), Decimal(70)]
