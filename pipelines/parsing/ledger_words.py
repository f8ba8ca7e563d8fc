"""What ledgers call their columns, in the languages and abbreviations that have been met.

Belongs here: header words by parsed column. Not here: what the cells below a header look like (ledger_sample.py), which
column is chosen in the end (ledger_suggest.py).
"""

from __future__ import annotations

from pipelines.parsing.ledger_header import folded

PERIOD, YEAR = "period", "year"
_SHORTEST_CUT = 4
# In the order of preference. Words that other columns share (dato, text) stand last.
WORDS: dict[str, tuple[str, ...]] = {
    "amount": (
        *("nettobeløp", "netto beløp", "beløp netto", "beløp eks. mva", "beløp eks mva", "beløp ekskl. mva"),
        *("beløp u/mva", "beløp uten mva", "nettobelopp", "belopp exkl moms", "net amount", "amount net"),
        *("amount excluding vat", "amount excl vat", "amount (net)", "invoice line value (net of vat)", "net value"),
        *("beløp", "belop", "belopp", "amount", "beløp nok", "transaction amount", "invoice amount", "value", "kroner"),
        *("bruttobeløp", "brutto beløp", "beløp inkl. mva", "beløp inkl mva", "beløp m/mva", "gross amount"),
        *("amount including vat", "gross value", "bruttobelopp", "belopp inkl moms"),
    ),
    "posting_date": (
        *("bokføringsdato", "bokført", "bokf.dato", "bokført dato", "bilagsdato", "posteringsdato", "regnskapsdato"),
        *("bokforingsdatum", "bokföringsdatum", "posting date", "voucher date", "transaction date", "paid date"),
        *("payment date", "date paid", "effective date", "booked", "updated", "dato", "datum", "date"),
    ),
    "invoice_date": ("fakturadato", "faktura dato", "fakturadatum", "invoice date", "invoiced"),
    "due_date": ("forfallsdato", "forfall", "forfallsdag", "förfallodatum", "due date"),
    "voucher_no": (
        *("bilagsnr", "bilagsnummer", "bilag", "bilag nr", "verifikationsnummer", "voucher no", "voucher number"),
        *("voucher", "transno", "trans no", "transaction number", "transaction no", "document number", "order"),
    ),
    "voucher_type": ("bilagsart", "bilagstype", "ba", "voucher type", "type"),
    "line_no": ("linje", "linjenr", "linjenummer", "seq no", "line no", "sekvensnr"),
    "invoice_no": ("fakturanr", "fakturanummer", "faktura nr", "invoice number", "invoice no", "invoice reference"),
    "supplier_ledger_code": (
        *("leverandørnr", "leverandørnummer", "levnr", "lev.nr", "lev nr", "resk.nr", "reskontronr", "reskontronummer"),
        *(
            "supplier id",
            "supplier no",
            "supplier number",
            "vendor number",
            "vendor id",
            "leverantor_id",
            "leverantörsnr",
        ),
    ),
    "supplier_name": (
        *("leverandørnavn", "leverandør navn", "leverandør(t)", "resk.nr(t)", "supplier name", "vendor name"),
        *(
            "supplier id(t)",
            "beneficiary name",
            "leverandør",
            "leverantor",
            "leverantör",
            "kreditor",
            "supplier",
            "vendor",
        ),
        *("beneficiary", "navn"),
    ),
    "supplier_org_no": (
        *("organisasjonsnummer", "organisasjonsnr", "org.nr", "orgnr", "org nr", "org. nr", "organisationsnummer"),
        *("foretaksnummer", "leverantor_id", "company number"),
    ),
    "local_account": (
        *("konto", "art", "artskonto", "kontonr", "kontonummer", "konto nr", "konto_nr", "account", "account code"),
        *("expenditure code", "expense code"),
    ),
    "local_account_text": (
        *("konto(t)", "art(t)", "art tekst", "art-tekst", "konto tekst", "konto_tekst", "kontonavn", "kontotekst"),
        *("konto_text", "expenditure category", "expense type", "expenses type", "account description", "spend level"),
    ),
    "cost_centre": (
        *("ansvar", "koststed", "kostnadssted", "kostnadsställe", "forvaltning", "cost centre", "organisational unit"),
        *("service area", "service", "strategic group", "department", "directorate"),
    ),
    "kostra_function": ("tjeneste", "funksjon", "kostrafunksjon", "kostra funksjon", "tjenestekode"),
    "kostra_function_text": (
        *("tjeneste(t)", "funksjon(t)", "tjeneste tekst", "funksjon tekst", "tjeneste-tekst", "funksjon-tekst"),
        "tjeneste_tekst",
    ),
    "project_code": ("prosjekt", "prosjektnr", "prosjektkode", "project"),
    "vat_code": ("mva-kode", "mvakode", "mva kode", "avgiftskode", "av", "momskode", "vat code", "tax code"),
    "contract_reference": ("kontraktnr", "kontrakt", "kontraktnummer", "avtal", "avtale", "contract reference"),
    "posting_text": ("tekst", "bilagstekst", "beskrivelse", "text", "description", "purpose", "narrative"),
    PERIOD: ("periode", "regnskapsperiode", "period", "fiscal period", "month", "måned"),
    YEAR: ("år", "regnskapsår", "year", "fiscal year"),
}
_NET = ("netto", "eks.", "eks mva", "ekskl", "u/mva", "uten mva", "exkl", "net amount", "net of vat", "(net)", "excl")
_GROSS = ("brutto", "inkl", "m/mva", "med mva", "gross", "incl")


def matches(header: str) -> list[tuple[str, float, str]]:
    """Return what a header may name: parsed column, score from 0 to 1, and the word behind it; best first."""
    text = folded(header)
    found = [
        (column, score, word) for column in WORDS if (best := _best(text, WORDS[column])) for score, word in [best]
    ]
    return sorted(found, key=lambda match: -match[1])


def _best(text: str, words: tuple[str, ...]) -> tuple[float, str] | None:
    best: tuple[float, str] | None = None
    for place, word in enumerate(words):
        score = _score(text, folded(word))
        # Of equally good words the earlier one counts a little more.
        weighted = score - place / 1000
        if score and (best is None or weighted > best[0]):
            best = (weighted, word)
    return best


def _score(text: str, word: str) -> float:
    if text == word:
        return 1.0
    if len(text) >= _SHORTEST_CUT and word.startswith(text):
        return 0.8
    if len(word) >= _SHORTEST_CUT and text.startswith(word):
        return 0.6
    return 0.0


def amount_kind(header: str) -> str | None:
    """Return net or gross where a header says so."""
    text = folded(header)
    if any(word in text for word in _NET):
        return "net"
    return "gross" if any(word in text for word in _GROSS) else None
