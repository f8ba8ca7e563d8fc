"""Every bokmål text of a product's workbook but those of the product itself.

Belongs here: the words of the front sheet, of the sheet of columns and of charts, and what codes mean. Not here: titles
and descriptions of tables and columns (products.py), cells and formats (workbook.py).
"""

from __future__ import annotations

FRONT_SHEET, COLUMNS_SHEET = "Om utgaven", "Kolonner"
TITLE = "{product}: {recipient}"
FACTS = ("Mottaker", "Publisert for", "Dekker månedene", "Produkt")
WINDOW = "{first} til {last}"
WARNINGS = "Les dette først"
SHEETS, SHEETS_HEADER = "Ark i arbeidsboken", ("Ark", "Hva én rad er", "Rader", "Forbehold")
TOO_LARGE = "Er ikke med i arbeidsboken: et ark har ikke plass. Bruk {table}.csv eller {table}.parquet."
COVERAGE = "Hva som er levert"
COVERAGE_HEADER = ("Kommunenummer", "Måneder med innkjøp", "Måneder uten innkjøp", "Måneder som ikke er levert")
NO_MONTHS = "ingen"
WITHOUT_CONSENT = "Ikke med, for de har ikke samtykket"
CODES, CODES_HEADER = "Koder", ("Kolonne", "Kode", "Betyr")
EMPTY_CODE = "(tom)"
READING = "Slik er tallene skrevet"
READING_TEXTS = (
    "Tall er tall og datoer er datoer; beløp er i norske kroner uten merverdiavgift der ikke annet er sagt.",
    "Numre (organisasjonsnummer, kontoer, bilag) er tekst, så innledende nuller blir stående.",
    "En tom celle betyr at verdien ikke finnes eller er holdt tilbake; den er ikke null kroner.",
    "Overskriften har navnet på norsk og under det kolonnens navn, som er det samme i alle filene i utgaven.",
)
COLUMNS_HEADER = ("Ark", "Kolonne", "Navn", "Forklaring", "Enhet", "Forbehold")
UNITS = {"money": "norske kroner", "fraction": "andel, 0 til 1"}

CODE_MEANINGS: dict[str, dict[str, str]] = {
    "suppression_code": {
        "": "Vist.",
        "p": "Holdt tilbake: for få andre leverandører står bak, eller én eller to av dem har nesten alt.",
        "k": "Holdt tilbake for å verne en annen celle, som ellers kunne vært regnet ut.",
    },
    "told_at": {
        "cell": "Raden selv er fortalt.",
        "category_group": "Fortalt i summen for kategorigruppen i kommunen.",
        "region": "Fortalt i summen for alle kommunene.",
        "region_group": "Fortalt i summen for kategorigruppen i alle kommunene.",
        "municipality": "Fortalt i summen for alle kategorier i kommunen.",
        "total": "Fortalt i summen av alt.",
        "": "Ikke fortalt på noe nivå.",
    },
    "state": {
        "ok": "Grunnlaget er helt.",
        "low_coverage": "En del av grunnlaget mangler eller har ukjent mottaker; les verdien sammen med dekningen.",
        "insufficient": "For lite grunnlag til å si noe.",
        "claim_only": "Oppgitt av andre, ikke regnet ut av leveransene.",
    },
    "payee_kind": {
        "legal_entity": "Foretak.",
        "sole_proprietor": "Enkeltpersonforetak.",
        "public_body": "Offentlig organ.",
        "foreign": "Utenlandsk mottaker.",
        "natural_person": "Privatperson; skjermet.",
        "unknown": "Ukjent mottaker; regnes som person og er skjermet.",
    },
    "stream": {
        "product": "Varer og tjenester fra en arbeidsinkluderingsbedrift.",
        "inclusion": "Tiltaksplasser og annen arbeidsinkludering.",
        "transfer": "Tilskudd og overføringer.",
        "none": "Ikke en arbeidsinkluderingsbedrift.",
    },
    "scope_flag": {
        "core": "Innkjøp.",
        "core_not_addressable": "Innkjøp som det ikke er konkurranse om.",
        "core_service_replacement": "Kjøp som erstatter kommunens egen tjenesteproduksjon.",
        "mixed": "Innkjøp sammen med annet; regnes med.",
        "exempt_property": "Kjøp og leie av eiendom; unntatt.",
        "public_sector": "Kjøp fra det offentlige.",
        "transfer": "Overføring uten motytelse.",
        "vat": "Merverdiavgift.",
        "excluded_person": "Betaling til privatperson.",
        "unknown": "Kan ikke avgjøres.",
    },
    "account_class": {"operating": "Drift.", "investment": "Investering.", "all": "Begge."},
}

SPEND_CHART = "Innkjøp per måned"
SPEND_COLUMNS = ("Måned", "Innkjøp (K01), kroner", "Hos arbeidsinkluderingsbedrifter (K03), kroner")
SPEND_TEXT = "Søylediagram: kommunens innkjøp per måned, og det som er kjøpt hos arbeidsinkluderingsbedrifter."
SALES_CHART = "Salg per måned"
SALES_COLUMNS = ("Måned", "Salg til kommunene, kroner")
SALES_TEXT = "Søylediagram: bedriftens salg til kommunene per måned."
MARKET_CHART = "Synlig marked"
MARKET_COLUMNS = ("Kommune og kategori", "Eget salg, kroner", "Andres salg, kroner")
MARKET_TEXT = "Stolpediagram: de største radene som er vist i markedet for siste år, delt i eget og andres salg."
