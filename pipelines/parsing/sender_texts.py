"""What the sender's report says in bokmål: of each rule, each state and each kind of source.

Belongs here: words that a municipality's accountant reads. Not here: rules themselves (expectations/rules/), why a
single file or row was refused (sender_reasons.py), how the page is laid out (sender_page.py), which facts it has
(sender_report.py).
"""

from __future__ import annotations

import re
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


# "RULE severity source", "RULE severity" and "RULE source" before the rule alone: one may refuse a document or only
# remark on it, and mean something else in a form than in an e-invoice.
_RULES: dict[str, RuleText] = {
    "IN01": RuleText(
        "Kan ikke leses",
        "Filen, dokumentet eller raden lar seg ikke lese slik formatet krever. Den er ikke med i noen tall.",
        "Rett filen i systemet den kommer fra, og lever den på nytt.",
    ),
    "IN01 issue": RuleText(
        "Merknad om lesingen",
        "Filen er lest, men noe i den ble hoppet over.",
        "Er det som ble hoppet over viktig, lever det på nytt.",
    ),
    "IN03": RuleText(
        "Levert mer enn én gang",
        "Det samme, eller noe med samme nummer, er levert mer enn én gang. Bare én av dem teller.",
        "Skal den telle likevel, si fra til innkjøpssamarbeidet.",
    ),
    "IN03 issue saft": RuleText(
        "Konto eller leverandør står to ganger",
        "En konto eller leverandør mangler nummer, eller har samme nummer som en annen. Den første gjelder.",
        "Rett det i regnskapssystemet før neste uttrekk.",
    ),
    "IN03 issue notices": RuleText(
        "Del står to ganger",
        "To deler av kunngjøringen har samme nummer.",
        "Be den som lyste ut, om å rette kunngjøringen.",
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
        "Fakturaens linjer, rabatter, gebyrer og merverdiavgift stemmer ikke med summene den oppgir. Den leses slik "
        "den er oppgitt.",
        "Sammenlign fakturaen med bestillingen, og be leverandøren om en rettelse.",
    ),
    "IN12": RuleText(
        "Raden passer ikke i registeret",
        "En rad i skjemaet har en verdi som registeret ikke tar imot.",
        "Rett raden i skjemaet og lever det på nytt.",
    ),
    "IN12 issue": RuleText(
        "Merknad om en rad",
        "En rad i filen er ikke tatt med som den står.",
        "Dere trenger ikke gjøre noe hvis det stemmer.",
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
    "RF10 registers": RuleText(
        "Gjelder noen andre",
        "Skjemaet eller raden tilhører noen andre enn dere, og er ikke med i forslaget.",
        "Lever deres eget skjema, og bruk numre som ingen andre bruker.",
    ),
    "RF10 saft": RuleText(
        "Et annet foretaks regnskap",
        "Filen oppgir at regnskapet er for et foretak som ikke er kommunen eller en av enhetene dens. Ingenting av den "
        "er med.",
        "Lever kommunens egen fil. Er nummeret deres eget, be innkjøpssamarbeidet legge det til.",
    ),
}
_OTHER = RuleText(
    "Annen merknad",
    "Noe i leveransen følger ikke reglene.",
    "Se «Teknisk melding», og spør innkjøpssamarbeidet om noe er uklart.",
)
# Rules that say how much was left out of nothing: nobody must do anything.
HARMLESS = frozenset({"IN08"})

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
# What the rest is called, where it does not count.
TAKEN_IN = {"registers": "Med i forslaget"}
# State: what it is called, what it means, what to do next. "state source" before the state alone.
STATES = {
    "accepted": (
        "Godtatt",
        "Leveransen er tatt inn og teller med.",
        "Dere trenger ikke gjøre noe.",
    ),
    "accepted_with_rejects": (
        "Godtatt, men noe er avvist",
        "Leveransen er tatt inn. Det som er avvist, er ikke med i tallene.",
        "Se hva som er avvist nedenfor, og lever det på nytt når det er rettet. Resten teller allerede.",
    ),
    **dict.fromkeys(
        ("accepted_with_rejects ledger", "accepted_with_rejects saft"),
        (
            "Godtatt, men noe er avvist",
            "Leveransen er tatt inn. Det som er avvist, er ikke med i tallene.",
            "Se hva som er avvist nedenfor, rett det, og lever hele leveransen på nytt. Den nye tar over for denne, "
            "periode for periode.",
        ),
    ),
    "accepted_partly": (
        "Godtatt, men ikke alt teller med",
        "Leveransen er tatt inn. Noe av den er levert før, erstattet eller holdt tilbake, og teller ikke med.",
        "Se hva det gjelder nedenfor.",
    ),
    "none_count": (
        "Levert før",
        "Alle dokumentene i leveransen er levert før. De er ikke regnet to ganger.",
        "Dere trenger ikke gjøre noe.",
    ),
    "proposed": (
        "Mottatt, venter på godkjenning",
        "Skjemaet er lest. Det som er meldt inn, gjelder først når koordinatoren har godtatt det.",
        "Dere trenger ikke gjøre noe.",
    ),
    "proposed_with_rejects": (
        "Mottatt, venter på godkjenning, men noe er avvist",
        "Skjemaet er lest. Rader som er avvist, er ikke med. Resten gjelder først når koordinatoren har godtatt det.",
        "Se hva som er avvist nedenfor, rett det i skjemaet, og lever hele skjemaet på nytt.",
    ),
    "proposal_accepted": (
        "Godkjent",
        "Koordinatoren har godtatt det som er meldt inn. Rader som er avvist, er ikke med.",
        "Dere trenger ikke gjøre noe, med mindre noe er avvist nedenfor.",
    ),
    "proposal_refused": (
        "Ikke godkjent",
        "Koordinatoren har ikke godtatt det som er meldt inn. Ingenting er endret.",
        "Spør innkjøpssamarbeidet om hvorfor, og lever et nytt skjema om noe skal endres.",
    ),
    "proposal_overtaken": (
        "Erstattet av et senere skjema",
        "Dere har levert et nyere skjema for det samme. Dette gjelder ikke.",
        "Dere trenger ikke gjøre noe.",
    ),
    "held": (
        "Holdt tilbake",
        "Leveransen er lest, men teller ikke med ennå, helt eller delvis.",
        "Se hvorfor i tabellen over perioder. Lever på nytt, eller gi beskjed til innkjøpssamarbeidet om at den er "
        "riktig.",
    ),
    "held ehf": (
        "Holdt tilbake",
        "Leveransen er lest, men ingen av dokumentene teller med. Noe er holdt tilbake, og kan komme med senere; det "
        "som er avvist, gjør det ikke.",
        "Se hvorfor nedenfor, og avklar med leverandøren eller innkjøpssamarbeidet hva som er riktig.",
    ),
    "superseded": (
        "Erstattet",
        "En senere leveranse har tatt over for denne, helt eller delvis.",
        "Dere trenger ikke gjøre noe.",
    ),
    "withdrawn": (
        "Trukket",
        "Leveransen er trukket tilbake og teller ikke med.",
        "Lever riktige filer dersom noe mangler nå. De samme filene om igjen teller ikke.",
    ),
    "duplicate": (
        "Levert før",
        "De samme filene er levert før. De er ikke regnet to ganger.",
        "Se kvitteringen for den første: det som står der, gjelder fortsatt.",
    ),
    "duplicate_back": (
        "Levert før, og gjelder igjen",
        "De samme filene er levert før. Siden de kom sist nå, har de tatt over for det som er levert etter den gangen.",
        "Er det ikke meningen, lever de nyeste filene på nytt.",
    ),
    "empty": (
        "Tom",
        "Det er ingen posteringer eller dokumenter i leveransen.",
        "Kontroller uttrekket, og lever på nytt dersom det skulle vært noe i det.",
    ),
    "empty registers": (
        "Tomt",
        "Det er ingen utfylte rader i skjemaet.",
        "Fyll ut skjemaet og lever det på nytt, dersom noe skulle meldes inn.",
    ),
    "stuck": (
        "Ikke lest ennå",
        "Leveransen er tatt vare på, men noe hos innkjøpssamarbeidet hindrer at den leses. Den teller ikke med ennå.",
        "Dere trenger ikke gjøre noe: innkjøpssamarbeidet må rette det. Den blir lest uten at dere leverer på nytt.",
    ),
    "failed": (
        "Kunne ikke tas inn",
        "Ingenting i leveransen kunne tas inn.",
        "Se hvorfor nedenfor, og lever på nytt når det er rettet.",
    ),
    "refused": (
        "Avvist",
        "Leveransen er ikke tatt inn, og innholdet er ikke lest. Filene ligger til side hos innkjøpssamarbeidet til "
        "koordinatoren sletter dem.",
        "Se hvorfor nedenfor, og lever på nytt slik avtalen sier. Be koordinatoren slette filene som er lagt til side.",
    ),
}
HELD_FOR_SHARED_ROWS = (
    "Mange av posteringene er også levert for en annen kommune. Kontroller at dette er deres egen fil."
)
HELD_FOR_BOOKS_TWICE = (
    "Den samme perioden er også levert som reskontro, og den teller. Avklar med innkjøpssamarbeidet hvilken av de to "
    "som skal gjelde."
)
HELD_FOR_REPEATED_ROWS = (
    "De samme posteringene er levert før gjennom en annen av kommunens kilder, og teller der. Avklar med "
    "innkjøpssamarbeidet hvilken av de to som skal gjelde."
)
_FEWER = re.compile(r"(\d+) rows would replace (\d+): fewer than (\d+) %")
PERIOD_STATES = {
    "accepted": "teller med",
    "held": "holdt tilbake",
    "superseded": "erstattet",
    "withdrawn": "trukket",
}


def rule_text(rule: str, severity: str, source: str = "") -> RuleText:
    """Return what the sender is told of a rule."""
    keys = (f"{rule} {severity} {source}", f"{rule} {severity}", f"{rule} {source}", rule)
    return next((_RULES[key] for key in keys if key in _RULES), _OTHER)


def state_text(state: str, source: str) -> tuple[str, str, str]:
    """Return what a state is called for a kind of source, what it means and what to do next."""
    return STATES.get(f"{state} {source}") or STATES[state]


def held_text(reason: str) -> str:
    """Return why a period is held; whose ledger it shares rows with is not for the sender."""
    if found := _FEWER.search(reason):
        now, before, percent = found.groups()
        return (
            f"{now} rader nå mot {before} i leveransen den skulle erstatte: færre enn {percent} %. Den forrige gjelder "
            "fortsatt."
        )
    if "A ledger of the same period" in reason:
        return HELD_FOR_BOOKS_TWICE
    return HELD_FOR_SHARED_ROWS if "another member" in reason else HELD_FOR_REPEATED_ROWS
