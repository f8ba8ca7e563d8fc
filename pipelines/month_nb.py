"""What ``samandel month`` says, in bokmål: of each step, each rule of the gate, each question and answer.

Belongs here: every word of the guide, and the sentences that a coordinator sends to those who deliver. Not here: which
steps there are (month.py), asking (cli/month.py), what the sender's own report says (parsing/sender_texts.py). What the
gate found it says in its own words, which are English: they are quoted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from pipelines.parsing.sender_texts import SOURCES

COORDINATOR = "koordinatoren"
NOBODY = "ingen: årsaken må rettes, og så kjører dere på nytt"
WHY, NAME = "BEGRUNNELSE", "NAVN"
_MONTHS = (
    *("januar", "februar", "mars", "april", "mai", "juni"),
    *("juli", "august", "september", "oktober", "november", "desember"),
)

# What each rule of the gate is about, for the coordinator.
RULES: dict[str, str] = {
    "DC01": "Minst tre andre bak hvert tall",
    "DC02": "Ingen dominerer et tall",
    "DC03": "Ingen kan anslå andres tall for nært",
    "DC04": "Skjulte tall forblir skjult",
    "DC05": "Skjulte tall forblir skjult over tid",
    "DC06": "Skjulte tall tåler de andre utgivelsene",
    "DC07": "Kommuner som sammenliknes, er anonyme",
    "DC08": "Ingen antall på én eller to",
    "DC09": "Lite av verdien er holdt tilbake",
    "DC10": "De samme tallene er skjult igjen",
    "DC11": "Leverandører behandles likt",
    "IN01": "Filene kan leses",
    "IN02": "Ingen måned mangler",
    "IN03": "Ingenting er talt to ganger",
    "IN04": "Ingen ny levering er krympet",
    "IN05": "Kontrollsummene stemmer",
    "IN06": "Datoer og beløp kan leses",
    "IN07": "Datoene hører til sitt år",
    "IN08": "Ingen sumlinjer blant radene",
    "IN09": "Teksten er lest slik den er skrevet",
    "IN10": "Kontoplanen har kontoene som er brukt",
    "IN11": "Fakturaenes summer går opp",
    "IN12": "Registerradene passer i registeret",
    "IN13": "Levert slik det er avtalt",
    "PB01": "Vurdert på de ferdige filene",
    "PB02": "Pakken beskriver filene sine",
    "PB03": "Unntakene er hele og lovlige",
    "PB04": "To personer har godkjent produktet",
    "PB05": "En ny utgave sier hva som er endret",
    "PB06": "Ingenting er nyere enn utgivelsen",
    "PV01": "Ingen fødselsnumre",
    "PV02": "Ingen kontaktopplysninger",
    "PV03": "Ingen personer er navngitt",
    "PV04": "Enkeltpersonforetak er skjermet utenfor kommunen",
    "PV05": "Ingen er navngitt på funksjoner for brukere",
    "PV06": "Ingen fritekst er publisert",
    "PV07": "Ingen personnavn i tekstene",
    "PV08": "Små enheter som betjener brukere",
    "PV09": "Formål og grunnlag er ført",
    "PV10": "Ingenting er eldre enn det kan være",
    "RC01": "Summene er lik regnskapet",
    "RC02": "Som rapportert i KOSTRA",
    "RC03": "Likt kommunens egne kvartaler",
    "RC04": "Bæres ikke av noen få linjer",
    "RC05": "Beløp gjentas ikke",
    "RC06": "Bæres ikke av én mottaker",
    "RC07": "Få kreditnotaer",
    "RC08": "Det kjøpes fortsatt i alle kategorier",
    "RC09": "Påstander har dekning",
    "RC10": "Registerradene dekker dagene de brukes",
    "RF01": "Artene finnes det året",
    "RF02": "Funksjonene finnes det året",
    "RF03": "Artene hører til sitt regnskap",
    "RF04": "Organisasjonsnumrene er mulige",
    "RF05": "Mottakerne finnes i et register",
    "RF06": "Navn og nummer passer sammen",
    "RF07": "Mottakerne finnes fortsatt",
    "RF08": "CPV-kodene finnes",
    "RF09": "Avtalene finnes",
    "RF10": "Alt er kjøperens eget",
    "RF11": "Registeret over bedrifter er helt",
    "RF12": "Kjøp hos bedriftene har formål",
    "TN01": "Bare mottakerens egne rader",
    "TN02": "Bare kommuner som har samtykket",
    "TN03": "Akkurat de avtalte kolonnene",
    "TN04": "Utgivelsen peker ikke videre",
}
# What helps before anything is decided; rules without a line have none of their own.
_REMEDIES = {
    "IN02": "Det beste er å få måneden inn og kjøre på nytt. Unntak slipper ut uttrekket uten den.",
    "IN10": "Før kontoene i registers/charts_of_accounts.csv og kjør på nytt, hvis du kan.",
    "RC01": "Summene skal være like. Finn ut hvorfor de ikke er det, før du gjør unntak.",
    "RF05": "Hent Enhetsregisteret på nytt (samandel brreg fetch) og kjør igjen, hvis det er gammelt.",
}

RUN_TITLES = {
    "new": "Kjør først: det ligger noe som ikke er tatt inn",
    "changed": "Kjør: noe er endret siden sist, eller porten har ikke vurdert det som ligger der",
    "decided": "Kjør: det som er avgjort, kan slippes ut",
}
RELEASED_ANYWAY = "Uttrekket for måneden er likevel utgitt."
REJECTS_TITLE = "Leveranser som teller, men der noe er avvist"
REJECTS_MESSAGE = (
    "Hei! Vedlagt er rapporten om det dere leverte. Noen rader er ikke med; rapporten sier hvilke, hvorfor og hva dere "
    "kan gjøre."
)
TERMS_TEXT = (
    "Produktet er nytt, eller regler, grenser, eierskap, avtaler eller hvem som kan godkjenne, er endret siden sist. "
    "Godkjenningen gjelder alle "
    "mottakerne."
)
MEND_TEXT = "Regelen verner andre enn den som avgjør. Den kan ikke fravikes; rett årsaken og kjør på nytt."
RECALLED_TEXT = "Akkurat disse filene er trukket tilbake og går aldri ut igjen. Rett årsaken og kjør på nytt."
EXPIRES_TITLE = "Avgjørelser som snart går ut"


def month(text: str) -> str:
    """Return ``oktober 2026`` for ``2026-10``."""
    year, number = text.split("-")
    return f"{_MONTHS[int(number) - 1]} {year}"


def months(listed: Sequence[str]) -> str:
    """Return months in words, those that follow each other as one: ``juni 2026 og august–oktober 2026``."""
    runs: list[list[str]] = []
    for one in sorted(listed):
        if runs and _number(one) == _number(runs[-1][-1]) + 1:
            runs[-1].append(one)
        else:
            runs.append([one])
    return _listed([month(run[0]) if len(run) == 1 else f"{month(run[0])}–{month(run[-1])}" for run in runs])


def _number(text: str) -> int:
    return int(text[:4]) * 12 + int(text[5:])


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} og {words[-1]}"


def day(when: date) -> str:
    """Return ``2. november 2026``."""
    return f"{when.day}. {_MONTHS[when.month - 1]} {when.year}"


def source(kind: str) -> str:
    """Return what a kind of source, or a source named like one, is called; else its own name."""
    return SOURCES[kind][0] if kind in SOURCES else kind


def waiting(owner: str, drops: Sequence[str]) -> str:
    """Say what lies where."""
    return f"{owner}: {', '.join(drops[:3])}{f' og {len(drops) - 3} til' if len(drops) > 3 else ''}"


def asked(name: str) -> str:
    """Say who must do something."""
    return f"koordinatoren spør {name}"


def _whose(number: str, name: str) -> str:
    return name if number.startswith("_") or name == number else f"{number} {name}"


def missing_title(municipality_no: str, name: str, lacking: Mapping[str, Sequence[str]]) -> str:
    """Say who lacks what."""
    return f"{_whose(municipality_no, name)} mangler {_lacking(lacking)}"


def _lacking(lacking: Mapping[str, Sequence[str]]) -> str:
    return _listed([f"{source(name).lower()} for {months(which)}" for name, which in sorted(lacking.items())])


def missing_message(consortium: str, name: str, lacking: Mapping[str, Sequence[str]]) -> str:
    """Return the sentence to send."""
    return (
        f"Hei! {consortium} mangler {_lacking(lacking)} fra {name}. Kan dere levere på vanlig måte, eller gi beskjed "
        "om når det kommer? Vi kan ikke gi ut deres uttrekk før det er på plass."
    )


def late(days: int) -> str:
    """Say how late."""
    return f"{days} dager etter utgangen av måneden." if days != 1 else "Én dag etter utgangen av måneden."


_OUTCOMES = {
    "refused": "er avvist i innboksen",
    "failed": "kunne ikke leses",
    "empty": "er uten innhold",
    "held": "er holdt tilbake",
}


def refused_title(owner: str, name: str, kind: str, outcome: str) -> str:
    """Say whose delivery was not taken."""
    return f"{_whose(owner, name)}: siste levering av {source(kind).lower()} {_OUTCOMES[outcome]}"


def held_title(owner: str, name: str, kind: str) -> str:
    """Say whose delivery is held."""
    return f"{_whose(owner, name)}: {source(kind).lower()} er holdt tilbake i mottaket"


def delivered(drop: str, received: date) -> str:
    """Say what came when."""
    return f"«{drop}», mottatt {day(received)}."


def delivery_message(  # noqa: PLR0913  each is a part of the sentence
    name: str, kind: str, drop: str, received: date, outcome: str, reason: str, remedy: str, report: str
) -> str:
    """Return the sentence to send about a delivery."""
    attached = " Rapporten om leveransen er vedlagt." if report else ""
    about = f"Hei! Det {name} leverte {day(received)} («{drop}», {source(kind).lower()}) {_OUTCOMES[outcome]}."
    return " ".join(part for part in (about, reason, remedy) if part) + attached


def period_held(period: str, rows: int) -> str:
    """Say which period is held."""
    return f"{month(period) if '-' in period else 'hele leveransen'}: {rows} rader holdt tilbake"


def documents_held(count: int) -> str:
    """Say how many documents are held."""
    return f"{count} dokumenter holdt tilbake"


def shared(owner: str, period: str, postings: int) -> str:
    """Say with whom a ledger shares its postings: for the coordinator, not for the sender."""
    return f"deler {postings} posteringer for {month(period)} med {owner}"


def reject(file: str, row: int | None, text: str) -> str:
    """Say what was refused where."""
    return f"{file}{f', rad {row}' if row else ''}: {text}"


def rejects(owner: str, name: str, kind: str, count: int, report: str) -> str:
    """Say how much was refused of a delivery that counts."""
    return f"{_whose(owner, name)}, {source(kind).lower()}: {count} avvist{f' ({report})' if report else ''}"


def proposal_title(name: str, registers: Sequence[str]) -> str:
    """Say who proposes rows for what."""
    return f"{name} foreslår endringer i {_listed(registers)}"


def change(register: str, key: str, column: str, old: str, new: str) -> str:
    """Say what one row would change."""
    return f"{register}, {key}: {column} {old or '(tomt)'} → {new or '(tomt)'}"


def more(count: int, is_clean: bool) -> tuple[str, ...]:
    """Say how many changes are not shown, and whether rows cannot be taken."""
    hidden = (f"… og {count} til.",) if count > 0 else ()
    return hidden if is_clean else (*hidden, "Noen rader kan ikke tas inn: se «samandel register show».")


def terms_title(title: str, lacking: int) -> str:
    """Say which product waits for whom."""
    return f"«{title}» venter på {'to godkjenninger' if lacking > 1 else 'én godkjenning til'}"


def gate_says(reason: str) -> str:
    """Quote the gate."""
    return f"Porten sier: {reason}"


def waits(candidates: int) -> str:
    """Say how many wait for it."""
    return f"{candidates} utgivelser venter på dette." if candidates != 1 else "Én utgivelse venter på dette."


def _persons(persons: Sequence[str]) -> str:
    return f"{', '.join(persons[:-1])} eller {persons[-1]}" if len(persons) > 1 else persons[0]


def one_signs(persons: Sequence[str], keys: str) -> str:
    """Say who may decide, and with which key."""
    if not persons:
        return "ingen kan godkjenne ennå: lag nøkler med «samandel keys new»"
    return f"{_persons(persons)}, med egen nøkkel ({keys})"


def two_sign(persons: Sequence[str], signed: Sequence[str], keys: str) -> str:
    """Say which two must decide, and who has."""
    if len(persons) < 2:
        return "to personer må godkjenne, og så mange har ikke nøkkel: lag flere med «samandel keys new»"
    done = f"; {_listed(signed)} har godkjent" if signed else ""
    return f"to av {', '.join(persons)}, hver med egen nøkkel ({keys}){done}"


def rule_line(rule: str) -> str:
    """Say what a rule is about."""
    return f"{rule} {RULES.get(rule, '')}".rstrip()


def remedy(rule: str) -> tuple[str, ...]:
    """Say what helps before anything is decided."""
    return (_REMEDIES[rule],) if rule in _REMEDIES else ()


def example(text: str) -> str:
    """Show one of what was found."""
    return f"  · {text}"


def recalled_title(title: str, recipient: str, name: str) -> str:
    """Say what was recalled."""
    return f"{_whose(recipient, name)}: «{title}» er trukket tilbake"


def mend_title(title: str, recipient: str, name: str) -> str:
    """Say what nobody may let out."""
    return f"{_whose(recipient, name)}: «{title}» er stanset og kan ikke slippes ut"


def waive_title(title: str, recipient: str, name: str) -> str:
    """Say what is blocked."""
    return f"{_whose(recipient, name)}: «{title}» er stanset"


def approve_title(title: str, recipient: str, name: str) -> str:
    """Say what is held."""
    return f"{_whose(recipient, name)}: «{title}» er holdt"


def expires(title: str, recipient: str, rule: str, by: str, until: date, days: int) -> str:  # noqa: PLR0913  one line
    """Say which decision ends when."""
    whom = "alle mottakere" if recipient == "*" else recipient
    return f"{rule} for «{title}» til {whom}, avgjort av {by}: går ut {day(until)} (om {days} dager)"


def released_title(period: str, count: int) -> str:
    """Say how much has gone out."""
    return f"{count} utgivelser for {month(period)} er ute: send dem til mottakerne"


def released(title: str, recipient: str, name: str, release_id: str, path: str) -> str:
    """Say what has gone out to whom, and where it lies."""
    return f"{_whose(recipient, name)}: «{title}» {release_id} ({path})"


# The guide itself.
NOTHING_LEFT = "Det er ingenting igjen å gjøre."
LEFT_OFF = "Avsluttet. Skriv «samandel month» når du vil fortsette: veiviseren begynner der du slapp."
RUN_FIRST = "Resten venter på kjøringen. Skriv «samandel month» når du vil fortsette."
ANSWER = "Svar"
NO_ANSWER = "Svar med én av bokstavene."
REASON, REASON_OUT = "Begrunnelse", "Begrunnelse (følger med utgivelsen, navngi ingen)"
PERSON, KEY = "Hvem avgjør", "Nøkkel"
UNTIL, NO_DAY = "Gjelder til og med (åååå-mm-dd)", "Skriv dagen som åååå-mm-dd."
SURE = "Skal endringene inn i registrene?"
DONE, STILL = "Avgjort.", "Avgjort, men utgivelsen holdes fortsatt av {rules}."
SIGNED_BEFORE = "{person} har godkjent allerede. En annen må godkjenne med sin egen nøkkel."
CHANGED_MEANWHILE = "Noe er endret mens du svarte. Ingenting er avgjort; det vises på nytt."
NOT_WHOLE = "Forslaget kan ikke tas inn helt. Bruk kommandoen over, eller be om et rettet skjema."
CHOICES = {
    "run": "kjør nå",
    "next": "videre",
    "leave": "la stå",
    "quit": "avslutt",
    "accept": "la leveransen telle",
    "withdraw": "trekk leveransen",
    "take": "ta inn",
    "refuse": "avslå",
    "sign": "godkjenn",
    "standing": "stående: godta dette for mottakeren til en dato",
    "waive": "gjør unntak",
}


def headline(consortium: str, period: str, open_steps: int, decisions: int) -> str:
    """Say where the month stands."""
    left = (
        f"{open_steps} steg igjen, {decisions} av dem krever en avgjørelse" if decisions else f"{open_steps} steg igjen"
    )
    return f"{consortium}, {month(period)}: {left if open_steps else 'ingenting igjen å gjøre'}."


def step_line(number: int, count: int, title: str) -> str:
    """Open a step."""
    return f"{number}/{count}  {title}"


def since_line(since: str) -> str:
    """Say since when."""
    return f"Siden {day(date.fromisoformat(since))}."


def who_line(who: str) -> str:
    """Say who."""
    return f"Hvem: {who}"


def message_line(message: str) -> str:
    """Show the sentence to send."""
    return f"Å sende: {message}"


STALE = "Kan bli annerledes etter kjøringen."


def command_line(command: str) -> str:
    """Show a command."""
    return f"  $ {command}"


def ran(released: int, unchanged: int, held: int, blocked: int, recalled: int, failed: int) -> str:
    """Say what a run came to."""
    taken_back = f"{recalled} trukket tilbake, " if recalled else ""
    return (
        f"Kjørt: {released} utgitt, {unchanged} uendret, {held} holdt, {blocked} stanset, {taken_back}{failed} feilet."
    )


def failed(step: str, name: str, text: str) -> str:
    """Say what failed."""
    return f"Feilet: {step}, {name}: {text}"
