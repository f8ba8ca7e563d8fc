"""The registers' forms in Norwegian bokmål: what each form is called, asks for and answers.

Belongs here: every text that a municipality or a workshop reads in a form or about it. Not here: what a register's
columns are (registers.py), which cells and drop-downs a form has (register_forms.py), checking a form (parsing/).
"""

from __future__ import annotations

from dataclasses import dataclass

MUNICIPALITY, WORKSHOP = "municipality", "workshop"


@dataclass(frozen=True)
class FormText:
    """One register's form.

    Attributes:
        title: What the form is called.
        purpose: What it is for, one or two sentences.
        owner_kind: Who fills it in: MUNICIPALITY or WORKSHOP.
        owner_column: The column that says whose a row is; it is not asked for.
        columns: By column, its label and its help text, in the order of the form.
    """

    title: str
    purpose: str
    owner_kind: str
    owner_column: str
    columns: dict[str, tuple[str, str]]


_FROM = ("Gjelder fra", "Første dag raden gjelder, dd.mm.åååå. Endrer noe seg: skriv dagen det nye gjelder fra.")
_TO = ("Gjelder til", "Siste dag raden gjelder. La stå tom når den fortsatt gjelder.")
_PERIOD_FROM = ("Periode fra", "Første dag i perioden tallene gjelder for, dd.mm.åååå.")
_PERIOD_TO = ("Periode til", "Siste dag i perioden tallene gjelder for, dd.mm.åååå.")
_CATEGORY = ("Kategori", "Velg fra listen.")
_WORKSHOP = ("Bedrift", "Velg bedriften fra listen.")
_SOURCE = ("Kilde", "Hvor tallene eller vedtaket står, for eksempel «Årsregnskap 2025» eller saksnummeret.")

FORMS: dict[str, FormText] = {
    "workshop_departments": FormText(
        "Avdelinger",
        "Avdelingene i bedriften, med tilrettelagte plasser og timer i hver av dem.",
        WORKSHOP,
        "workshop_org_no",
        {
            "department": ("Avdeling", "Avdelingens navn, skrevet likt hver gang."),
            "places": ("Plasser", "Antall tilrettelagte arbeidsplasser, et helt tall."),
            "hours_per_year": (
                "Timer i året",
                "Timer tilrettelagt arbeid i et år der avdelingen leverer det den kan levere, et helt tall.",
            ),
            "valid_from": _FROM,
            "valid_to": _TO,
        },
    ),
    "workshop_capabilities": FormText(
        "Leveranser og kapasitet",
        "Hva bedriften kan levere, til hvilke kommuner, og for hvor mye i måneden.",
        WORKSHOP,
        "workshop_org_no",
        {
            "category_key": _CATEGORY,
            "department": ("Avdeling", "Avdelingen som leverer. Kan stå tom."),
            "delivery_municipality_nos": ("Leverer til", "Velg ja for hver kommune bedriften kan levere til."),
            "monthly_capacity_nok": (
                "Kapasitet per måned",
                "Hvor mye bedriften kan levere i en måned, kroner uten mva. La stå tom hvis det ikke er kjent.",
            ),
            "valid_from": _FROM,
            "valid_to": _TO,
        },
    ),
    "workshop_accounts": FormText(
        "Regnskapstall",
        "Bedriftens egne tall for et regnskapsår eller de siste tolv månedene.",
        WORKSHOP,
        "workshop_org_no",
        {
            "account_kind": ("Type regnskap", "Årsregnskap, eller egen oversikt over de siste tolv månedene."),
            "total_income_nok": ("Sum inntekter", "Alle inntekter i perioden, kroner."),
            "sales_income_nok": ("Salgsinntekter", "Salg av varer og tjenester, kroner uten mva."),
            "programme_income_nok": ("Tiltaksinntekter fra Nav", "Inntekter fra tiltaksplasser, kroner."),
            "owner_sales_nok": ("Salg til eierne", "Salg til kommunene som eier bedriften, kroner uten mva."),
            "outside_sales_nok": (
                "Salg utenfor samarbeidet",
                "Salg til andre enn kommunene i samarbeidet, kroner uten mva.",
            ),
            "source": _SOURCE,
            "valid_from": _PERIOD_FROM,
            "valid_to": _PERIOD_TO,
        },
    ),
    "ripple": FormText(
        "Ringvirkninger",
        "Hvor mye av bedriftens omsetning som går videre i regionen: lokale innkjøp og lønn til innbyggere.",
        WORKSHOP,
        "workshop_org_no",
        {
            "turnover_nok": ("Omsetning", "Bedriftens omsetning i perioden, kroner uten mva."),
            "regional_purchases_nok": (
                "Innkjøp i regionen",
                "Det bedriften kjøpte fra leverandører i regionen, kroner uten mva.",
            ),
            "resident_net_pay_nok": (
                "Netto lønn til innbyggere",
                "Utbetalt lønn etter skatt til dem som bor i regionen, samlet for alle. Kroner.",
            ),
            "source": _SOURCE,
            "valid_from": _PERIOD_FROM,
            "valid_to": _PERIOD_TO,
        },
    ),
    "placements": FormText(
        "Praksisplasser",
        "Hvor mange personer bedriften hadde i praksis i hver kommune. Bare antall, aldri navn.",
        WORKSHOP,
        "workshop_org_no",
        {
            "municipality_no": ("Kommune", "Kommunen som tok imot. Velg fra listen."),
            "placements": ("Antall", "Hvor mange, et helt tall."),
            "valid_from": _PERIOD_FROM,
            "valid_to": _PERIOD_TO,
        },
    ),
    "tasks": FormText(
        "Oppgaver",
        "Oppgaver kommunen trenger hjelp til, og som en bedrift kan tenkes å løse.",
        MUNICIPALITY,
        "municipality_no",
        {
            "task_id": ("Oppgavenummer", "Kommunens eget nummer på oppgaven. Det kan ikke brukes av flere kommuner."),
            "category_key": _CATEGORY,
            "description": ("Beskrivelse", "Hva som skal gjøres, med få ord. Ingen personnavn."),
            "estimated_value_nok": ("Anslått verdi", "Kroner uten mva. for hele tiden raden gjelder."),
            "valid_from": _FROM,
            "valid_to": _TO,
        },
    ),
    "local_limits": FormText(
        "Egne beløpsgrenser",
        "Kommunens egne grenser for innkjøp, der de er strengere enn loven.",
        MUNICIPALITY,
        "municipality_no",
        {
            "limit_key": ("Grense", "Hvilken grense det er. Velg fra listen."),
            "amount_nok": ("Beløp", "Grensen i kroner uten mva."),
            "source": _SOURCE,
            "valid_from": _FROM,
            "valid_to": _TO,
        },
    ),
    "targets": FormText(
        "Mål",
        "Mål kommunestyret har vedtatt for innkjøpene.",
        MUNICIPALITY,
        "municipality_no",
        {
            "kpi_key": ("Måltall", "Hva målet gjelder. Velg fra listen."),
            "baseline": ("Utgangspunkt", "Andelen da målet ble satt, i prosent."),
            "target": ("Mål", "Andelen målet er, i prosent."),
            "valid_from": ("Målt fra", "Dagen utgangspunktet gjelder, dd.mm.åååå."),
            "valid_to": ("Skal nås innen", "Dagen målet skal være nådd, dd.mm.åååå."),
        },
    ),
    "opportunity_outcomes": FormText(
        "Hva det ble av mulighetene",
        "Hva kommunen gjorde med forslagene om å kjøpe fra en bedrift.",
        MUNICIPALITY,
        "municipality_no",
        {
            "workshop_org_no": _WORKSHOP,
            "category_key": _CATEGORY,
            "outcome": ("Resultat", "Velg fra listen."),
            "reason": ("Begrunnelse", "Hvorfor, med få ord. Ingen personnavn."),
            "valid_from": _FROM,
            "valid_to": _TO,
        },
    ),
    "supplier_corrections": FormText(
        "Svar på foreslåtte leverandørnumre",
        "Leverandører i kommunens reskontro som mangler organisasjonsnummer eller har feil, og kommunens svar.",
        MUNICIPALITY,
        "municipality_no",
        {
            "ledger_code": ("Leverandørnummer", "Leverandørens nummer i reskontroen. Har den ingen, skriv navnet."),
            "name_in_ledger": ("Navn i reskontro", "Leverandørens navn slik det står i reskontroen."),
            "proposed_org_no": ("Foreslått org.nr.", "Organisasjonsnummeret som er foreslått, ni siffer."),
            "answer": ("Svar", "Velg fra listen."),
            "corrected_org_no": ("Riktig org.nr.", "Fylles ut når svaret er «et annet nummer», ni siffer."),
            "reason": ("Merknad", "Hvorfor, med få ord."),
            "valid_from": _FROM,
            "valid_to": _TO,
        },
    ),
}

YES, NO = "ja", "nei"
# What stands in the drop-down instead of the register's own word, by register and column.
ALLOWED: dict[tuple[str, str], dict[str, str]] = {
    ("workshop_accounts", "account_kind"): {"annual": "årsregnskap", "rolling": "siste tolv måneder"},
    ("opportunity_outcomes", "outcome"): {"taken_up": "tatt i bruk", "refused": "avslått", "expired": "utløpt"},
    ("supplier_corrections", "answer"): {
        "confirmed": "nummeret er riktig",
        "refused": "nummeret er feil",
        "other": "et annet nummer er riktig",
    },
}
# Limits that a municipality can have of its own (rule_key in the seed thresholds).
LIMITS = {
    "law_entry": "Når anskaffelsesloven begynner å gjelde",
    "national_notice": "Kunngjøring i Doffin",
    "eea": "Kunngjøring i EØS",
}

GUIDE = (
    "Slik fyller du ut skjemaet",
    "1. Skriv bare i de hvite cellene i arket «Skjema». Det dere har meldt inn før, står der allerede.",
    "2. Velg fra listen der cellen har en liste. Andre ord blir avvist.",
    "3. Skriv datoer som dd.mm.åååå, og tall uten kr og uten mellomrom.",
    "4. Ny rad: skriv den på første tomme linje.",
    "5. Noe er endret: skriv det nye i raden, og sett datoen det nye gjelder fra. Den gamle raden avsluttes da dagen "
    "før, og historikken beholdes.",
    "6. Noe var skrevet feil: rett det i raden og la datoen stå. Da rettes den gamle raden.",
    "7. Noe gjelder ikke lenger: skriv siste dag i kolonnen lengst til høyre. Ikke slett raden: en rad som mangler, "
    "blir stående slik den er.",
    "8. Ikke skriv personnavn, fødselsnumre eller kontonumre noe sted.",
    "9. Lagre som Excel-arbeidsbok (xlsx) og lever filen i innboksen dere bruker for registre.",
    "Hva som skjer etterpå",
    "Hver rad blir kontrollert. Rader med feil sendes tilbake med rad, kolonne og hva som må rettes. Resten vises for "
    "koordinatoren som et forslag, og gjelder først når koordinatoren har godtatt dem.",
)
PERIOD_GUIDE = (
    "Tall for en ny periode: skriv en ny rad med periodens første og siste dag. Overlapper den med en periode som er "
    "meldt inn før, erstatter den nye raden den gamle."
)

# What is said of a row, as the register's owner reads it: the English message of a reject, and the same in bokmål.
REMARKS = {
    "Not a register form of this home, and its source names no contract profile.": (
        "Filen er ikke et skjema fra samarbeidet. Be koordinatoren om et nytt. Regnskap og fakturaer har egne mapper."
    ),
    "The form's hidden sheet was changed or has been lost. Ask for a new form.": (
        "Skjemaet er endret slik at det ikke kan leses. Be om et nytt skjema."
    ),
    "The form's register or owner is not known here. Ask for a new form.": (
        "Skjemaet gjelder et register eller noen som ikke er kjent her. Be om et nytt skjema."
    ),
    "The form is of an older or newer version. Ask for a new form.": (
        "Skjemaet er av en annen versjon. Be om et nytt skjema."
    ),
    "The sheet Skjema or its header row is missing. Ask for a new form.": (
        "Arket «Skjema» eller overskriftene mangler. Be om et nytt skjema."
    ),
    "A column of the form is missing. Ask for a new form.": "En kolonne mangler. Be om et nytt skjema.",
    "Not a column of the form. Take it out, or ask for a new form.": (
        "Kolonnen hører ikke til skjemaet. Ta den bort, eller be om et nytt skjema."
    ),
    "More rows than a form may have. Hand in several forms.": "For mange rader. Lever flere skjemaer.",
    "The form is somebody else's. Hand in your own.": "Skjemaet tilhører noen andre. Lever deres eget.",
    "The row's key is in use by somebody else. Take another one.": (
        "Nummeret er brukt av en annen kommune. Velg et annet."
    ),
    "A value is required.": "Feltet må fylles ut.",
    "Not one of the values in the drop-down list.": "Velg en verdi fra listen.",
    "Written as text. Type it as a number, without kr or spaces.": (
        "Tallet er lagret som tekst. Skriv det på nytt, uten kr og mellomrom."
    ),
    "Not a number that the column can hold.": "Tallet passer ikke i kolonnen. Se hjelpeteksten øverst.",
    "Not a day of the calendar written dd.mm.yyyy.": "Datoen kan ikke leses. Skriv den som dd.mm.åååå.",
    "Not text that a register can hold: shorten it, on one line.": "Teksten er for lang eller har ulovlige tegn.",
    "Holds a personal number, contact data or the name of a person. Leave it out.": (
        "Feltet har et fødselsnummer, kontaktopplysninger eller et personnavn. Ta det bort."
    ),
    "Does not have the form that the column asks for.": "Verdien har ikke riktig form. Se hjelpeteksten øverst.",
    "The last day is before the first. Mend the dates.": "Siste dag er før første dag. Rett datoene.",
    "Does not go together with the answer.": "Passer ikke sammen med svaret i raden.",
    "The same row stands above. Keep one of them.": "Raden står to ganger. Behold én av dem.",
    "The dates overlap those of another row. Mend the dates.": "Datoene overlapper med en annen rad. Rett datoene.",
    # Contract registers by profile.
    "No row holds the headers that the contract profile names.": (
        "Ingen rad har overskriftene som er avtalt for avtaleregisteret."
    ),
    "Left out: its status is none of those that the profile keeps.": "Tas ikke med: avtalen har en annen status.",
    "Another row of the same contract states something else. Mend one of them.": (
        "En annen rad for samme avtale sier noe annet. Rett en av dem."
    ),
    "Not a day of the calendar as the profile writes dates.": "Datoen kan ikke leses.",
    "Not an amount in whole øre as the profile writes numbers.": "Beløpet kan ikke leses.",
    "Not an organisation number: its check digit or its form is wrong.": "Organisasjonsnummeret er ikke riktig.",
    "Neither what the profile calls reserved nor what it calls not reserved.": (
        "Det går ikke fram om avtalen er reservert."
    ),
    "No category is called that, and the profile maps it to none.": "Kategorien er ukjent.",
    "Not a CPV code of eight digits.": "CPV-koden skal ha åtte siffer.",
    "Names no municipality that the contract covers.": "Det går ikke fram hvilke kommuner avtalen gjelder for.",
    "Covers other municipalities than the one that hands it in. Let the host hand it in.": (
        "Avtalen gjelder andre kommuner også. La vertskommunen levere den."
    ),
    "Names a municipality that is no member, or that two members are called.": (
        "Navngir en kommune som ikke er med, eller et navn flere kommuner har."
    ),
}


def in_bokmaal(message: str) -> str | None:
    """Return what a form's sender is told for the message of a reject, or None where it is no remark on a form."""
    return REMARKS.get(message)
