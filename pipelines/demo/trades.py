"""The lines of business that the demo's suppliers are in.

Belongs here: the list. Not here: the suppliers (trading.py).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Trade:
    """A line of business.

    Attributes:
        words: What its companies are called.
        nace: Industry code (SN2007).
        legal_forms: Forms to draw from.
        has_sole_proprietors: Sole proprietors work in it.
        paper_only: Sends no e-invoices.
        size: How many suppliers it has, relative to others.
    """

    words: tuple[str, ...]
    nace: str
    legal_forms: tuple[str, ...]
    has_sole_proprietors: bool
    paper_only: bool
    size: float


_MOSTLY_AS = ("AS", "AS", "AS", "AS", "AS", "SA")


def _read(row: str) -> tuple[str, Trade]:
    name, nace, size, legal_forms, remark, words = row.split()
    return name, Trade(
        words=tuple(words.replace("_", " ").split("|")),
        nace="" if nace == "-" else nace,
        legal_forms=_MOSTLY_AS if legal_forms == "AS" else tuple(legal_forms.split("+")),
        has_sole_proprietors=remark == "sole",
        paper_only=remark == "paper",
        size=float(size),
    )


# name, industry code, size, legal forms, what is special, words in the companies' names
TRADES: dict[str, Trade] = dict(
    _read(row)
    for row in """
catering 56.210 1.4 AS sole Catering|Kjøkken|Bakeri|Selskapsmat
grocery 46.390 1 AS - Engros|Storkjøkken|Dagligvare
office 46.180 1 AS - Kontor|Papir|Rekvisita
teaching 58.110 1 AS - Forlag|Læremidler|Skoleutstyr
medical 46.460 1 AS - Helseutstyr|Medisinsk|Apotek
supplies 46.900 1.3 AS - Forsyning|Handel|Varehus
gifts 47.789 1.4 AS sole Gaver|Blomster|Design
packing 82.920 1 AS - Pakk|Emballasje|Montering
telecom 61.100 0.5 AS - Telekom|Nett|Bredbånd
mailing 53.200 1 AS - Distribusjon|Utsending|Bud_og_Post
printing 18.120 1.4 AS sole Trykk|Skilt|Grafisk
media 73.110 1 AS - Media|Avis|Reklame
courses 85.590 1.4 AS sole Kurs|Kompetanse|Opplæring
taxi 49.320 1.5 AS sole Taxi|Persontransport|Turbil
vehicle 45.200 1.4 AS sole Bil|Bilverksted|Motor
vehicle_care 45.200 1.4 AS sole Bilpleie|Bilvask|Bilglans
courier 49.410 1.4 AS sole Transport|Frakt|Varelevering
energy 35.140 0.4 AS - Kraft|Energi
insurance 65.120 0.3 ASA+AS+SA - Forsikring|Forvaltning
guarding 80.100 0.7 AS - Vakt|Sikring|Alarm
firewood 02.200 1.4 AS sole Ved|Skogsdrift|Biobrensel
property 68.209 1.2 AS - Eiendom|Næringsbygg|Utleie
software 62.010 1.2 AS - Data|Programvare|Systemer
waste 38.110 1 AS - Gjenvinning|Ombruk|Renovasjon
furniture 47.591 1 AS - Møbler|Interiør|Innredning
outdoor 46.499 1 AS - Uterom|Lekeapparater|Parkmøbler
furniture_reuse 95.240 1.4 AS sole Møbelverksted|Møbelbruk|Tapetserverksted
machines 77.320 1.2 AS - Maskin|Anlegg|Utleiemaskiner
building 41.200 2.0 AS sole Bygg|Entreprenør|Tømrer
plumbing 43.221 1.4 AS sole Rør|Varme_og_Sanitær
electric 43.210 1.4 AS sole Elektro|Installasjon
painting 43.341 1.4 AS sole Malerservice|Malermester|Overflate
green 81.300 1.4 AS sole Hage|Gartneri|Park_og_Anlegg
tidying 81.291 1 AS - Gatefeiing|Feiing|Byrom
snow 81.299 1.6 AS sole Brøyting|Vintervedlikehold|Graving
service 33.120 1.2 AS - Teknikk|Service|Ventilasjon
caretaker 81.101 1.4 AS sole Vaktmester|Driftsservice|Eiendomsdrift
aids 33.140 1 AS - Hjelpemidler|Rehab|Ortopedi
ict_repair 95.110 1.4 AS sole PC-verksted|IKT-service|Mobilreparasjon
timber 46.739 1.2 AS - Trelast|Byggevarer|Jernvare
carpentry 16.230 1.4 AS sole Snekkeri|Trevare|Finsnekker
cleaning 81.210 1.4 AS sole Renhold|Rengjøring|Vindusvask
laundry 96.010 1.2 AS - Vaskeri|Renseri|Tekstil
sewing 95.290 1.4 AS sole Systue|Skredderi|Søm
consulting 71.129 1.8 AS sole Rådgivning|Konsulent|Prosjekt
archive 82.190 1 AS - Arkiv|Skanning|Makulering
moving 49.420 1.4 AS sole Flytting|Lager|Bytransport
plants 01.300 1.4 AS sole Planteskole|Stauder
care 88.101 1.5 AS+AS+STI - Omsorg|Helse|Botiltak
kindergarten 88.911 1.2 SA+AS+STI - Barnehage|Naturbarnehage
state 84.110 0.3 ORGL paper tilsyn
county 84.110 0.2 FYLK paper fylkeskommune
neighbours 84.110 0.3 KOMM paper kommune
own_enterprises 84.250 0.3 IKS+IKS+KF - Samfunnsdrift|Brannvern|Kulturhus
persons - 4.0 - paper -
""".splitlines()
    if row
)
