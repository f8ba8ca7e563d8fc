"""What the sender's report says in bokmål: of each rule, each state and each kind of source.

Belongs here: words that a municipality's accountant reads. Not here: rules themselves (expectations/rules/), how the
page is laid out (sender_page.py), which facts it has (sender_report.py).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class RuleText:
    """One rule for the sender.

    Attributes:
        title: What is wrong, in a few words.
        explanation: What it means.
        remedy: What to do.
    """

    title: str
    explanation: str
    remedy: str


# (rule, severity) before rule: the same rule may refuse a document or only remark on it.
_RULES: dict[str, RuleText] = {
    "IN01": RuleText(
        "Kan ikke leses",
        "Filen, dokumentet eller raden lar seg ikke lese slik formatet krever. Den er ikke med i noen tall.",
        "Se merknaden under «Teknisk melding», rett filen i systemet den kommer fra, og lever den på nytt.",
    ),
    "IN01 issue": RuleText(
        "Merknad om lesingen",
        "Filen er lest, men noe i den ble hoppet over.",
        "Se «Teknisk melding». Er det som ble hoppet over viktig, lever det på nytt.",
    ),
    "IN03": RuleText(
        "Levert før",
        "Den samme filen, fakturaen eller perioden er levert før. Det som kom først, teller; det er ikke regnet to "
        "ganger.",
        "Er dette den samme fakturaen, trenger dere ikke gjøre noe. Har den andre beløp enn før, spør leverandøren "
        "hvilken "
        "som gjelder. Er en reskontrofil utelatt fordi posteringene også står i en annen fil, kontroller at den ikke "
        "har noe som mangler der; lever i så fall alt på nytt, med hver postering i bare én fil.",
    ),
    "IN04": RuleText(
        "Langt færre rader enn sist",
        "Leveransen skulle erstatte en tidligere, men har mindre enn 70 % av radene. Den er holdt tilbake, og den "
        "forrige "
        "gjelder fortsatt.",
        "Kontroller at uttrekket er fullstendig, og lever hele perioden på nytt. Er det riktig at det er så få rader, "
        "gi "
        "beskjed til innkjøpssamarbeidet.",
    ),
    "IN05": RuleText(
        "Kontrollsummene stemmer ikke",
        "Filen oppgir andre summer enn det linjene i den blir til sammen. Den er ikke hel, og ingenting av den er med.",
        "Ta ut filen på nytt fra regnskapssystemet, og lever den uendret.",
    ),
    "IN05 issue": RuleText(
        "Kontrolltall å se på",
        "Filen mangler kontrollsummer, oppgir et annet antall bilag enn den har, eller har et bilag der debet og "
        "kredit ikke er like. Den er med slik den er.",
        "Se på uttrekket sammen med leverandøren av regnskapssystemet.",
    ),
    "IN06": RuleText(
        "Dato eller beløp kan ikke leses",
        "En dato, en periode eller et beløp er ikke skrevet slik reskontroens profil eller formatet sier. Raden er "
        "ikke med.",
        "Rett verdien i raden og kolonnen som er nevnt, og lever filen på nytt.",
    ),
    "IN06 issue": RuleText(
        "Verdi utelatt eller avrundet",
        "En dato eller et tall kunne ikke leses og er utelatt, eller et beløp hadde flere enn to desimaler og er "
        "avrundet til "
        "hele øre. Raden er med.",
        "Dere trenger ikke gjøre noe, men det lønner seg å rette det i kilden.",
    ),
    "IN08": RuleText(
        "Sum, gjentatt overskrift eller merknad",
        "Raden er ikke en postering, men en sum, en overskrift eller en merknad. Den er holdt utenfor, slik at beløp "
        "ikke "
        "telles to ganger.",
        "Dere trenger ikke gjøre noe.",
    ),
    "IN10": RuleText(
        "Konto uten gruppering",
        "Kontoen oppgir verken standardkonto eller grupperingskode. Det som er ført på den, regnes bare som innkjøp "
        "der kontoplanen hos innkjøpssamarbeidet har kontoen.",
        "Sett grupperingskode på kontoen i regnskapssystemet, eller meld kontoen til innkjøpssamarbeidet.",
    ),
    "IN11": RuleText(
        "Fakturaens summer går ikke opp",
        "Fakturaens linjer, rabatter, gebyrer og merverdiavgift stemmer ikke med summene den oppgir. Den er med slik "
        "den er "
        "oppgitt.",
        "Sammenlign fakturaen med bestillingen, og be leverandøren om en rettelse.",
    ),
    "IN12": RuleText(
        "Raden passer ikke i registeret",
        "En rad i skjemaet har en verdi som registeret ikke tar imot.",
        "Rett raden i skjemaet og lever det på nytt.",
    ),
    "IN13": RuleText(
        "Ikke levert som avtalt",
        "Avtalen sier at filene skal klargjøres før de leveres, eller pakken er endret etter at den ble forseglet. "
        "Innholdet er "
        "ikke tatt inn.",
        "Kjør «samandel prepare» på filene og lever pakken den lager, uten å endre den.",
    ),
    "RF04": RuleText(
        "Organisasjonsnummer med feil kontrollsiffer",
        "Leverandørens organisasjonsnummer kan ikke være riktig. Raden er med, men leverandøren kan ikke kjennes igjen "
        "på "
        "nummeret.",
        "Slå opp riktig nummer i Enhetsregisteret, og rett leverandøren i reskontroen.",
    ),
    "RF10": RuleText(
        "Adressert til en annen",
        "Fakturaen er stilet til en kjøper som ikke er kommunen eller en av enhetene dens. Den er ikke med i noen "
        "tall.",
        "Send fakturaen videre til den den er stilet til. Er nummeret deres eget, be innkjøpssamarbeidet legge det "
        "til.",
    ),
}
_OTHER = RuleText(
    "Annen merknad",
    "Noe i leveransen følger ikke reglene.",
    "Se «Teknisk melding», og spør innkjøpssamarbeidet om noe er uklart.",
)
# Rules that say how much was left out of nothing: nobody must do anything.
HARMLESS = frozenset({"IN08"})
# Their messages are bokmål already and say more than the table.
SPEAK_FOR_THEMSELVES = frozenset({"IN12"})

SOURCES = {
    "ehf": ("E-faktura", "dokumenter"),
    "ledger": ("Reskontro", "rader"),
    "saft": ("SAF-T", "posteringer"),
    "notices": ("Kunngjøringer", "kunngjøringer"),
    "brreg": ("Enhetsregisteret", "enheter"),
    "registers": ("Registerskjema", "rader"),
}
# What the amounts of a kind are.
AMOUNTS = {
    "ehf": "Sum uten merverdiavgift",
    "ledger": "Sum slik reskontroen oppgir den",
    "saft": "Sum debet",
}
# State: what it is called, what it means, what to do next.
STATES = {
    "accepted": (
        "Godtatt",
        "Leveransen er tatt inn og teller med.",
        "Dere trenger ikke gjøre noe.",
    ),
    "accepted_with_rejects": (
        "Godtatt, men noe er avvist",
        "Leveransen er tatt inn. Det som er avvist, er ikke med i tallene.",
        "Se hva som er avvist nedenfor, rett det, og lever filen på nytt. Den nye leveransen tar over for denne.",
    ),
    "held": (
        "Holdt tilbake",
        "Leveransen er lest, men teller ikke med ennå, helt eller delvis.",
        "Se hvorfor i tabellen over perioder. Lever på nytt, eller gi beskjed til innkjøpssamarbeidet om at den er "
        "riktig.",
    ),
    "superseded": (
        "Erstattet",
        "En senere leveranse har tatt over for denne, helt eller delvis.",
        "Dere trenger ikke gjøre noe.",
    ),
    "withdrawn": (
        "Trukket",
        "Leveransen er trukket tilbake og teller ikke med.",
        "Lever på nytt dersom perioden mangler.",
    ),
    "duplicate": (
        "Levert før",
        "De samme filene er levert før. De er ikke regnet to ganger.",
        "Dere trenger ikke gjøre noe.",
    ),
    "empty": (
        "Tom",
        "Det er ingen posteringer eller dokumenter i leveransen.",
        "Kontroller uttrekket, og lever på nytt dersom det skulle vært noe i det.",
    ),
    "failed": (
        "Kunne ikke leses",
        "Ingenting i leveransen kunne tas inn.",
        "Se hvorfor nedenfor, rett filen, og lever den på nytt.",
    ),
    "refused": (
        "Avvist",
        "Leveransen er ikke tatt inn. Innholdet er ikke lagret.",
        "Se hvorfor nedenfor, og lever på nytt slik avtalen sier.",
    ),
}
HELD_FOR_FEW_ROWS = "Langt færre rader enn i leveransen den skulle erstatte (under 70 %). Den forrige gjelder fortsatt."
HELD_FOR_SHARED_ROWS = (
    "Mange av posteringene er også levert for en annen kommune. Kontroller at dette er deres egen fil."
)
HELD_FOR_REPEATED_ROWS = (
    "De samme posteringene er levert før gjennom en annen av kommunens kilder, og teller der. Avklar med "
    "innkjøpssamarbeidet hvilken av de to som skal gjelde."
)
PERIOD_STATES = {
    "accepted": "teller med",
    "held": "holdt tilbake",
    "superseded": "erstattet",
    "withdrawn": "trukket",
}


def rule_text(rule: str, severity: str) -> RuleText:
    """Return what the sender is told of a rule."""
    return _RULES.get(f"{rule} {severity}") or _RULES.get(rule) or _OTHER
