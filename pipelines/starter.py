"""A new consortium's home: commented settings, empty registers, inboxes and a page for the coordinator.

Belongs here: what ``samandel init`` writes. Not here: the demo (demo/), reading any of it (home.py). What a coordinator
reads in the home is Norwegian bokmål.
"""

from __future__ import annotations

from pathlib import Path

from pipelines.errors import ConfigurationError
from pipelines.files import folder_in_place
from pipelines.registers import REGISTERS, REQUIRED_REGISTERS

# What each register is for, in the coordinator's words; in the order in which they are filled in.
REGISTER_TEXTS = {
    "members": "Hvilke kommuner som er med, fra når, og innbyggertall.",
    "member_org_nos": "Organisasjonsnumrene hver kommune kjøper under.",
    "charts_of_accounts": "Kommunens egne kontoer, og KOSTRA-arten bak hver av dem.",
    "filed_accounts": "Det kommunen har rapportert som KOSTRA-regnskap, etter år og art.",
    "workshops": "Arbeidsinkluderingsbedriftene.",
    "workshop_departments": "Avdelingene i bedriftene.",
    "workshop_owners": "Hvem som eier bedriftene, og hvor stor del.",
    "workshop_capabilities": "Hva bedriftene kan levere, og til hvilke kommuner.",
    "workshop_accounts": "Regnskapstall fra bedriftene.",
    "ripple": "Ringvirkninger: hvor mye av bedriftenes omsetning som blir igjen i regionen.",
    "contracts": "Avtaler og rammeavtaler.",
    "contract_members": "Hvilke kommuner hver avtale gjelder for.",
    "local_limits": "Kommunens egne, strengere beløpsgrenser.",
    "tasks": "Oppgaver kommunene trenger hjelp til.",
    "placements": "Praksisplasser i kommunene, bare antall.",
    "collaborations": "Annet samarbeid mellom kommune og bedrift.",
    "targets": "Mål som kommunestyret har satt.",
    "opportunity_outcomes": "Hva det ble av mulighetene.",
    "supplier_corrections": "Kommunenes svar på foreslåtte organisasjonsnumre for leverandører.",
    "recipients": "Hvem som får hva, og hjemmelen for det.",
    "consents": "Samtykker.",
    "approvers": "Hvem som kan signere beslutninger.",
    "claims": "Publiserte påstander som skal prøves mot tallene.",
}

_SETTINGS = """\
# Innstillingene for samarbeidet. Linjer som begynner med # er forklaringer og eksempler.
# Kjør «samandel doctor --home {name}» når som helst: den sier hva som mangler.

name: ''                  # samarbeidets navn
host: ''                  # vertskommunens nummer, i anførselstegn: '0000'
currency: NOK

publication:
  window_months: 12       # hvor mange måneder en utgivelse ser tilbake, den siste medregnet

# Nøkkelen som porten merker sine avgjørelser med. Den ligger utenfor denne mappen og skal bare kunne leses av
# tjenestekontoen (chmod 600). Uten nøkkel kan ingenting utgis.
#
#   mkdir ../{name}-keys
#   openssl rand -hex 32 > ../{name}-keys/gate_hmac.key
#   chmod 600 ../{name}-keys/gate_hmac.key
#
# keys:
#   gate_hmac: file:../{name}-keys/gate_hmac.key        # eller env:NAVN

# Kommunene og det de leverer. Kildene (kind):
#   ledger  leverandørreskontro; profile sier hvordan filen er bygd opp: unit4, semicolon, xlsx_no,
#           eller en egen fil i denne mappen (profiler/min_kommune.yml)
#   ehf     EHF-fakturaer og -kreditnotaer
#   registers  utfylte skjemaer fra «samandel register forms»; bedriftene leverer sine som _workshop_<org.nr.>
# Filene legges i inbox/<kommunenummer>/<kilde>/, eller i mappen som folder peker på.
members: {{}}
#  '0000':
#    sources:
#      - kind: ledger
#        profile: unit4
#        settle_seconds: 5          # så lenge må en fil ha ligget urørt før den tas
#        schedule: '0 6 * * *'      # kan utelates
#      - kind: ehf
#      - kind: registers

# Felles kilder: Enhetsregisteret i inbox/_consortium/brreg/ (CSV eller JSON fra data.brreg.no, gjerne pakket med gzip).
# Med api henter 'samandel brreg fetch' selv enhetene som er nevnt i leveranser og registre.
# Kunngjøringer (eForms fra Doffin og TED) legges i inbox/_consortium/notices/.
joint_sources:
  - kind: brreg
#    api: https://data.brreg.no/enhetsregisteret/api
#    refresh_days: 30               # så gammel kan en opplysning bli før den hentes på nytt
#  - kind: notices
# Avtaleregisteret som regneark fra avtalesystemet; profile sier hvordan det er bygd opp: kav, kgv_csv, workspace eller
# en egen fil. Radene blir et forslag: «samandel register list».
#  - {{kind: registers, name: avtaler, profile: kav}}
"""

_README = """\
# Hjemmet til innkjøpssamarbeidet

Her ligger alt som hører til samarbeidet: innstillinger, registre, leveranser og utgivelser. Programmet er Samandel.

## Kom i gang

1. Fyll ut `registers/members.csv` og `registers/member_org_nos.csv`, og så de andre registrene etter behov.
2. Skriv samarbeidets navn, vertskommune, kommuner og kilder i `consortium.yaml`.
3. Lag nøkkelen til porten slik det står der, og en nøkkel til hver av to som skal godkjenne:
   `samandel keys new kortnavn --name "Fullt navn" --home {name}`.
4. Kjør `samandel doctor --home {name}` til den ikke har mer å si.
5. Legg filene fra kommunene i `inbox/<kommunenummer>/<kilde>/`, og en fil med enheter fra Enhetsregisteret i
   `inbox/_consortium/brreg/`.
6. Kjør `samandel run --home {name}` hver måned, eller så ofte du vil: den gjør bare det som er nytt.
7. Første gang, og når regler, grenser, eierskap eller avtaler er endret, må to godkjenne:
   `samandel gate list --home {name}` sier hvem og hvordan.

## Registrene

CSV i UTF-8. Første rad er kolonnenavnene og må stå. Datoer skrives `åååå-mm-dd`, desimaler med punktum, ja og nei som
`yes` og `no`. Alle rader er datert: avslutt en rad med `valid_to` i stedet for å slette den. De to første må fylles ut.

| Fil | Hva den er til |
|---|---|
{registers}

## Mappene

| Mappe | Hva som ligger der |
|---|---|
| `inbox/` | det kommunene leverer; tatte filer flyttes til `inbox/.taken/` |
| `landing/` | alle leverte filer slik de kom, for alltid |
| `parsed/`, `warehouse/`, `candidates/`, `dagster/`, `logs/` | lages av programmet |
| `gate/` | avgjørelser og bevis |
| `releases/` | det som er utgitt |

Ta sikkerhetskopi av hele mappen, og av nøkkelen for seg.
"""


def make_starter(home: Path) -> None:
    """Write a starter home.

    Raises:
        ConfigurationError: The folder holds something, or is a file.
    """
    if home.exists() and (not home.is_dir() or any(home.iterdir())):
        raise ConfigurationError(
            "The folder for the new home is not empty.",
            where=str(home),
            remedy="Name a folder that does not exist yet.",
        )
    home = home.resolve()
    rows = "\n".join(
        f"| `{name}.csv`{' (må fylles ut)' if name in REQUIRED_REGISTERS else ''} | {text} |"
        for name, text in REGISTER_TEXTS.items()
    )
    with folder_in_place(home) as folder:
        (folder / "registers").mkdir()
        for name, table in REGISTERS.items():
            (folder / "registers" / f"{name}.csv").write_text(f"{','.join(table.column_names)}\n", encoding="utf-8")
        (folder / "inbox" / "_consortium" / "brreg").mkdir(parents=True)
        (folder / "README.md").write_text(_README.format(name=home.name, registers=rows), encoding="utf-8")
        (folder / "consortium.yaml").write_text(_SETTINGS.format(name=home.name), encoding="utf-8")
