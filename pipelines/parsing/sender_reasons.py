"""Why a file or a row was refused, in bokmål: what is wrong and what to do, by the English message.

Belongs here: a sentence for each reason that a file, a document or a row can be refused for (IN01, IN03, IN13). Not
here: what a rule means as such (sender_texts.py), register forms' own messages (registers_nb.py), the page
(sender_page.py).

A test holds the table against every message that the readers can produce: a new one needs its words here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from pipelines.registers_nb import in_bokmaal


@dataclass(frozen=True)
class Reason:
    """One reason for the sender.

    Attributes:
        fault: What is wrong.
        remedy: What to do; empty where the rule's own remedy says it all.
    """

    fault: str
    remedy: str = ""


_AGAIN = "Ta ut filen på nytt fra systemet den kommer fra, og lever den uendret."
_WHOLE_XLSX = "Åpne filen i Excel, lagre den på nytt som Excel-arbeidsbok (xlsx) uten passord, og lever den."
_PLAIN_ZIP = "Lever filene som de er, eller i en vanlig zip-fil uten passord."
_ASK_SENDER = "Be den som har laget dokumentet om et nytt, og lever det."
_USUAL_EXPORT = "Lever det vanlige uttrekket. Er dette det vanlige, må innkjøpssamarbeidet tilpasse profilen: si fra."
_VENDOR = "Ta ut filen på nytt. Hjelper det ikke, spør leverandøren av regnskapssystemet."
_NOTHING = "Dere trenger ikke gjøre noe."
_SPLIT = "Del den opp og lever delene, eller avtal en høyere grense med innkjøpssamarbeidet."
_FACTS = {
    "BT-1": "fakturanummer",
    "BT-2": "fakturadato",
    "BT-5": "valuta",
    "BT-109": "sum uten merverdiavgift",
    "BT-115": "beløp å betale",
}

# Pattern of the message, what is wrong, what to do; the first that is found in it stands. Named groups are filled in.
_REASONS: tuple[tuple[str, str, str], ...] = (
    # Any file
    (r"^The file is empty", "Filen er tom.", "Ta ut filen på nytt, og se at det er noe i den før dere leverer den."),
    (r"(?:file is|It is) larger than (?P<size>\d+) MiB", "Filen er større enn {size} MiB.", _SPLIT),
    (
        r"^(?P<count>\d+) hidden files in the archive",
        "{count} skjulte filer i arkivet er hoppet over.",
        "Dere trenger ikke gjøre noe, med mindre dere savner noe.",
    ),
    # Archives, and workbooks, which are archives too
    (r"now can be: drop it again", "Arkivet kunne ikke pakkes ut da det kom.", "Lever det på nytt."),
    (r"an archive lies inside it", "Det ligger et arkiv inne i arkivet.", _PLAIN_ZIP),
    (r"is (?:compressed to less|larger than \d+ MiB)", "Filen er for stor når den pakkes ut.", _SPLIT),
    (r"it holds more than (?P<count>\d+) files", "Arkivet har flere enn {count} filer.", _SPLIT),
    (r"it holds no files", "Arkivet er tomt.", "Pakk filene på nytt, og lever arkivet."),
    (r"(?:workbook|it) is protected by a password", "Filen er beskyttet med passord.", "Lagre uten passord."),
    (
        r"unpacked: it is damaged or cut short",
        "Filen er skadet eller ikke hel.",
        "Lagre eller pakk den på nytt, og lever den.",
    ),
    (r"not unpacked: ", "Arkivet har filnavn eller et innhold som ikke tas imot.", _PLAIN_ZIP),
    # Workbooks
    (r"an old workbook \(XLS\)", "Arbeidsboken er i gammelt format (xls) eller har passord.", _WHOLE_XLSX),
    (r"not a workbook that can be read|The workbook is not read", "Filen er ikke en hel arbeidsbok.", _WHOLE_XLSX),
    (
        r"A sheet reaches to ",
        "Et ark går langt ut over selve tabellen.",
        "Slett cellene som står langt fra tabellen, lagre, og lever filen på nytt.",
    ),
    (r"no sheet named '(?P<name>.*?)'", "Arbeidsboken mangler arket «{name}» som er avtalt.", _USUAL_EXPORT),
    # Texts and tables
    (r"name utf-16", "Filen er ikke tekst, eller tekst i en tegnkoding som ikke leses.", "Lagre den som CSV UTF-8."),
    (
        r"encoding is none of|goes on in another encoding",
        "Filens tegnkoding er en annen enn avtalt: æ, ø og å kan ikke leses.",
        "Lagre filen som CSV UTF-8, og lever den på nytt.",
    ),
    (
        r"In row (?P<row>\d+) a quotation mark",
        'I rad {row} begynner et anførselstegn (") som ikke slutter.',
        "Rett raden, eller ta ut filen på nytt.",
    ),
    (r"In row (?P<row>\d+) a field is longer", "I rad {row} er et felt lengre enn det som leses.", _AGAIN),
    (r"it is no table\.$", "Filen er ikke en tabell: en rad er lengre eller bredere enn noen tabell er.", _AGAIN),
    (r"no JSON in UTF-8", "Filen er ikke hel JSON.", _AGAIN),
    (
        r"no list of records|A record holds another one",
        "Filen har ikke postene der de er avtalt å ligge.",
        _USUAL_EXPORT,
    ),
    (r"more cells than we take at once", "Filen har flere celler enn det som leses på én gang.", _SPLIT),
    # Ledgers
    (
        r"^The header does not fit .*Missing: (?P<missing>.*)\. (?:The file is|Read as|The shipped|Ask) ",
        "Overskriftene er ikke de avtalte. Det mangler: {missing}.",
        _USUAL_EXPORT,
    ),
    (r"^The header does not fit ", "Overskriftene er ikke de avtalte.", _USUAL_EXPORT),
    (
        r"^The header has no column (?P<name>.*?) for the amounts",
        "Det er ingen kolonne for beløp. Avtalt er: {name}.",
        _USUAL_EXPORT,
    ),
    (
        r"^The fiscal period cannot be found",
        "Regnskapsperioden står verken i filen eller i filnavnet slik det er avtalt.",
        "Gi filen det avtalte navnet, eller ta med kolonnen for periode.",
    ),
    (
        r"^The header '(?P<name>.*?)' is cut short",
        "Overskriften «{name}» er avkortet, og kan være to ulike kolonner.",
        _USUAL_EXPORT,
    ),
    (
        r"^The amounts (?:contradict|can be read in two ways)",
        "Beløpene er skrevet på en annen måte enn avtalt: komma og punktum kan være byttet om.",
        _USUAL_EXPORT,
    ),
    (
        r"^The sign contradicts",
        "De fleste beløpene er negative, mens utgifter er avtalt som positive.",
        _USUAL_EXPORT,
    ),
    (
        r"^The dates under '(?P<name>.*?)' contradict",
        "Datoene under «{name}» er skrevet på en annen måte enn avtalt.",
        _USUAL_EXPORT,
    ),
    (
        r"^The row has (?P<found>\d+) cells where the header has (?P<width>\d+): it spans",
        'Raden har {found} celler, overskriften {width}: et anførselstegn (") er trolig ikke avsluttet.',
        "Rett raden i kilden, og lever filen på nytt.",
    ),
    (
        r"^The row has (?P<found>\d+) cells where the header has (?P<width>\d+)",
        "Raden har {found} celler, overskriften {width}: en tekst har trolig skilletegnet i seg.",
        "Rett teksten i kilden, og lever filen på nytt.",
    ),
    # XML of any kind
    (
        r"document type declaration",
        "Filen har en dokumenttype (DOCTYPE). Det tas aldri imot, fordi den kan hente noe utenfra.",
        _ASK_SENDER,
    ),
    (
        r"malformed or truncated at line (?P<line>\d+)",
        "Filen er ikke hel XML: den brytes i linje {line}.",
        "Er det en PDF eller en annen slags fil, hører den ikke hjemme her. Ellers: be den som har laget den om en ny.",
    ),
    (r"^The file is no whole XML", "Filen er ikke hel XML.", _VENDOR),
    (r"encoding (?:is|of the file is) unknown", "Filens tegnkoding er ukjent, eller en annen enn den oppgir.", _AGAIN),
    (r"it holds no element", "Filen har ikke noe innhold.", _ASK_SENDER),
    (r"nested more than", "Filen har elementer inne i hverandre dypere enn det som leses.", _ASK_SENDER),
    (r"(?:text or attribute|attribute or comment) is longer", "En tekst er lengre enn det som leses.", _ASK_SENDER),
    # E-invoices
    (
        r"^The SBDH envelope",
        "Konvolutten (SBDH) har ikke nøyaktig ett dokument.",
        "Lever dokumentene hver for seg.",
    ),
    (
        r"^The document is of the kind (?P<kind>\S+) .*not Invoice or CreditNote",
        "Dokumentet er av typen {kind}, ikke faktura eller kreditnota.",
        "Lever bare fakturaer og kreditnotaer her.",
    ),
    (
        r"^The \S+ follows ",
        "Dokumentet følger en annen profil enn dem som leses.",
        "Be avsenderen om fakturaen i EHF Fakturering 3 (Peppol BIS Billing 3).",
    ),
    (r"^An allowance or charge lacks", "En rabatt eller et gebyr mangler beløp eller hva det er.", _ASK_SENDER),
    (r"^A line lacks its net amount", "En fakturalinje mangler nettobeløp (BT-131).", _ASK_SENDER),
    *(
        (rf"^The document has no .*\({code}\)", f"Dokumentet mangler {fact} ({code}).", _ASK_SENDER)
        for code, fact in _FACTS.items()
    ),
    (r"^The document has no ", "Dokumentet mangler en opplysning det må ha.", _ASK_SENDER),
    # SAF-T
    (
        r"^The file is SAF-T Financial (?:version )?(?P<version>.*?);",
        "Filen er en annen versjon av SAF-T Regnskap enn dem som leses (1.10, 1.20 og 1.30).",
        "Ta ut filen på nytt i en av disse.",
    ),
    (r"^The XML root is not that of SAF-T", "Filen er ikke SAF-T Regnskap.", "Ta ut SAF-T Regnskap, og lever den."),
    (
        r"Header|GeneralLedgerEntries|none of a municipality|single .* (?:larger|has more)|SAF-T Financial",
        "Filen er ikke bygd opp som SAF-T Regnskap skal være.",
        _VENDOR,
    ),
    # Notices
    (
        r"not a notice in eForms",
        "Dokumentet er ikke en kunngjøring i eForms.",
        "Lever kunngjøringer slik TED eller Doffin publiserer dem.",
    ),
    (
        r"^The notice (?:has more|states no)|^The buyer is none",
        "Kunngjøringen er ikke slik Doffin og TED publiserer den.",
        "Hent den publiserte kunngjøringen på nytt.",
    ),
    # What came before (IN03)
    (
        r"^The delivery holds the same bytes as (?P<other>.+?) already",
        "Filen er den samme som «{other}» i samme leveranse. Den er regnet én gang.",
        _NOTHING,
    ),
    (
        r"^(?P<shared>\d+) of the file's (?P<count>\d+) postings .*, most of them in (?P<other>.+)\. This file",
        "{shared} av de {count} posteringene i filen står også i andre filer i leveransen, de fleste i «{other}». "
        "Filen er holdt utenfor.",
        "Har filen noe som de andre mangler, lever alt på nytt med hver postering i bare én fil.",
    ),
    (
        r"^The same invoice came before, in (?P<other>.+) of delivery",
        "Den samme fakturaen er levert før, i «{other}». Den er regnet én gang.",
        _NOTHING,
    ),
    (
        r"but other amounts came before, in (?P<other>.+) of delivery",
        "En faktura med samme selger, nummer og dato, men andre beløp, er levert før, i «{other}». Denne er holdt "
        "tilbake.",
        "Spør leverandøren hvilken som er riktig, og si fra til innkjøpssamarbeidet.",
    ),
    (
        r"^The coordinator accepted (?P<other>.+) of delivery",
        "Koordinatoren har godtatt «{other}» i stedet for denne.",
        _NOTHING,
    ),
    (
        r"has delivered the same invoice .* addressed to the host's number",
        "Fakturaen er stilet til et felles nummer, er også levert for en annen kommune, og teller der.",
        "Skal den telle hos dere, avklar det med innkjøpssamarbeidet.",
    ),
    # Drops that were not taken (IN13)
    (
        r"^The prepared package holds nothing of the kind",
        "Pakken har ingen filer av det slaget som skal leveres her.",
        "Lever pakken i innboksen for det den inneholder.",
    ),
    (
        r"client invoices could not be recognised",
        "Pakken er klargjort uten at fakturaer om enkeltpersoner kunne kjennes igjen.",
        "Klargjør reskontro og e-fakturaer sammen, eller med --supplier-list, og lever den nye pakken.",
    ),
    (
        r"^The prepared package keeps (?P<count>[0-9]+) e-invoices that no posting explains",
        "Pakken har med fakturaer som ikke er funnet i reskontroen, og som kan gjelde enkeltpersoner.",
        "Klargjør filene på nytt uten --keep-unexplained, og lever den nye pakken.",
    ),
    (
        r"^This inbox takes nothing else than its own kind",
        "En fil er ikke av det slaget som skal leveres her, og avtalen sier at reskontro og e-faktura skal klargjøres.",
        "Lever skjemaet slik dere fikk det. Kjør «samandel prepare» på reskontro og e-faktura, og lever pakken i "
        "innboksene for dem.",
    ),
    (
        r"SAF-T cannot be prepared",
        "Avtalen sier at filene skal klargjøres, og SAF-T kan ikke klargjøres.",
        "Lever klargjort reskontro i stedet.",
    ),
    (
        r"^The agreement allows prepared packages only",
        "Avtalen sier at filene skal klargjøres før de leveres, og det er de ikke.",
        "Kjør «samandel prepare» på filene, og lever pakken den lager.",
    ),
    (
        r"^The prepared package is not taken",
        "Pakken er ikke slik den var da den ble forseglet.",
        "Klargjør filene på nytt, og lever den nye pakken uten å endre den.",
    ),
)


_RULES = ("IN01", "IN03", "IN13")


@cache
def _compiled() -> tuple[tuple[re.Pattern[str], str, str], ...]:
    return tuple((re.compile(pattern, re.DOTALL), fault, remedy) for pattern, fault, remedy in _REASONS)


def reason_of(rule: str, message: str) -> Reason | None:
    """Return what the sender is told for the message of a reject, or None where its rule says it all."""
    if said := in_bokmaal(message):
        return Reason(said)
    if rule not in _RULES:
        return None
    for pattern, fault, remedy in _compiled():
        if found := pattern.search(message):
            return Reason(fault.format(**found.groupdict()), remedy)
    return None
