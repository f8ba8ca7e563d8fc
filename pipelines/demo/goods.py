"""The goods that the demo's municipalities buy.

Belongs here: the list, in a form that can be read and edited as text. Not here: who sells them (trades.py), how they
are booked (catalogue.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

OPERATING, INVESTMENT = "operating", "investment"
# Art 270 was split from reporting year 2026 on.
SPLIT_ON = date(2026, 1, 1)


@dataclass(frozen=True, slots=True)
class Good:
    """One kind of purchase.

    Attributes:
        trade: Who sells it; ``workshop`` where only workshops do.
        art: KOSTRA art; 271 and 272 stand for 270 before 2026.
        suffix: Last digit of the local account; 0 is the art's general account.
        text: Name of the account.
        category: Workshop category of the account, or None.
        weight: How often it is bought.
        median: Typical net amount in kroner.
        vat: VAT rate in percent.
        functions: KOSTRA functions that buy it.
        cpv_codes: CPV codes of its lines.
        items: What the lines are called.
        unit: UN/ECE Recommendation 20 unit.
        account_class: Operating or investment.
    """

    trade: str
    art: str
    suffix: int
    text: str
    category: str | None
    weight: float
    median: int
    vat: int
    functions: tuple[str, ...]
    cpv_codes: tuple[str, ...]
    items: tuple[str, ...]
    unit: str = "EA"
    account_class: str = OPERATING

    def art_on(self, day: date) -> str:
        """Return the KOSTRA art in force on a day."""
        return "270" if self.art in ("271", "272") and day < SPLIT_ON else self.art


def _read(table: str) -> tuple[Good, ...]:
    rows = [row for row in table.splitlines() if row.strip()]
    return tuple(_read_good(first, second) for first, second in zip(rows[::2], rows[1::2], strict=True))


def _read_good(first: str, second: str) -> Good:
    trade, account, weight, median, vat, unit, functions, *is_investment = first.split()
    text, category, cpv_codes, items = (part.strip() for part in second.split("|"))
    art, _, suffix = account.partition(".")
    return Good(
        trade=trade,
        art=art,
        suffix=int(suffix),
        text=text,
        category=None if category == "-" else category,
        weight=float(weight),
        median=int(median),
        vat=int(vat.rstrip("%")),
        functions=tuple(functions.split(",")),
        cpv_codes=() if cpv_codes == "-" else tuple(cpv_codes.split()),
        items=tuple(items.split("; ")),
        unit=unit,
        account_class=INVESTMENT if is_investment else OPERATING,
    )


# Two rows for each good:
#   trade, art.suffix of the account, weight, median NOK, VAT, unit, KOSTRA functions
#       account text | workshop category | CPV codes | what lines are called
GOODS = _read("""
catering 115.1 2.2 2400 15% EA 100,120,130
    Møteservering | meeting_food | 55520000 15811000 | Rundstykker, møte; Lunsjtallerken; Kaffe og kringle; Påsmurt
catering 115.2 1.2 3600 15% EA 201,202,215
    Skolemat | school_meals | 55523100 55524000 | Skolelunsj; Frukt og brød
catering 115.3 1.0 5200 15% EA 234,257
    Matombringing | meal_delivery | 55521100 55521200 | Middag, levert hjem; Ukemeny
grocery 115.0 8.0 5200 15% KGM 253,202,201
    Matvarer | - | 15500000 15131000 | Meierivarer; Kjøttvarer; Brød, uke; Frukt og grønt; Tørrvarer
office 100.0 3.5 1600 25% EA 120,202,253
    Kontormateriell | - | 30190000 | Kopipapir; Permer; Skriveutstyr; Tonerkassett
teaching 105.0 3.5 3200 0% EA 202,201
    Undervisningsmateriell | - | 22111000 | Lærebok; Arbeidshefte; Lesesett
medical 110.0 3.5 3800 25% EA 253,257,241
    Medisinsk forbruksmateriell | - | 33140000 | Bandasjemateriell; Engangshansker; Sprøyter
medical 114.0 1.6 4200 25% EA 253,257,241
    Medikamenter | - | 33600000 | Legemidler, multidose; Vaksine
supplies 120.0 4.0 2100 25% EA 202,253,130,381
    Annet forbruksmateriell | - | 39800000 39220000 | Rengjøringsmidler; Arbeidstøy; Batterier; Kjøkkenutstyr
gifts 120.1 0.9 1100 25% EA 100,120,130
    Gaver og blomster | gifts | 18530000 | Gavekurv; Lysestaker; Blomsterbukett
packing 120.2 0.7 3100 25% EA 100,120,130
    Pakking og montering | packing | 79920000 79921000 | Pakking av velkomstposer; Montering
moving 120.3 0.8 5600 25% EA 120,130,202
    Flytting og lagring | moving_storage | 98392000 63121100 | Flytting av kontor; Lagerleie
plants 120.4 0.7 2600 25% EA 335,393
    Planter | nursery_plants | 03121100 03451000 | Sommerblomster; Busker
telecom 130.0 2.6 2900 25% MON 120,202,253
    Telefoni og bredbånd | - | 64200000 | Abonnement mobil; Bredbånd
mailing 130.1 0.9 2300 25% EA 100,120,130
    Utsending og distribusjon | mailing | 79824000 64121200 | Utsending av brev; Distribusjon av brosjyre
printing 140.1 1.2 3400 25% EA 100,120,386
    Trykk og skilt | printing | 79810000 22900000 | Skilt; Brosjyre; Plakater
media 140.0 1.4 4300 25% EA 100,120
    Annonser | - | 79341000 | Stillingsannonse; Kunngjøring
courses 150.0 2.2 5400 0% EA 120,202,253,232
    Kurs og opplæring | - | 80500000 | Kursavgift; Fagdag
persons 160.0 1.6 900 0% EA 120,202,257
    Kjøregodtgjørelse og diett | - | - | Reiseregning
persons 165.0 0.9 2200 0% EA 100,252,211
    Andre godtgjørelser | - | - | Godtgjørelse; Refusjon utlegg
taxi 170.0 1.8 2600 12% EA 202,234
    Skoleskyss og drosje | - | 60120000 | Skyss; Drosjetur
vehicle 170.1 2.0 3900 25% EA 257,332,120
    Drift av kjøretøy | - | 50100000 09130000 | Service; Dekkskift; Drivstoff
vehicle_care 170.2 1.0 1400 25% EA 120,257,332
    Bilpleie | vehicle_care | 50112300 | Bilvask; Innvendig rens
courier 170.3 0.9 1900 25% EA 120,253,257
    Transport og bud | transport_courier | 60161000 60100000 | Varetransport; Budtur
energy 180.0 2.8 14000 25% KWH 130,221,222,261,265
    Strøm | - | 09310000 | Strøm, måned; Nettleie
firewood 184.0 0.8 2400 25% EA 261,265,130
    Ved og bioenergi | firewood | 03413000 | Bjørkeved, sekk; Ved, favn
insurance 185.0 0.6 21000 0% EA 120,130
    Forsikring | - | 66510000 | Premie
guarding 185.1 0.9 4400 25% MON 130,222,261
    Vakt og alarm | - | 79710000 | Vakttjeneste; Alarmoppfølging
property 190.0 1.4 26000 25% MON 130,221,265
    Leie av lokaler | - | 70220000 | Husleie, måned; Felleskostnader
software 195.0 2.2 8800 25% EA 120,202
    Lisenser og avgifter | - | 48000000 | Lisens; Årsavgift
waste 195.1 1.3 3300 25% EA 355,130
    Avfall og gjenvinning | waste_recycling | 90511400 90514000 | Henting av papir; Sortering
furniture 200.0 1.8 6400 25% EA 202,253,120
    Inventar og utstyr | - | 39120000 30200000 | Bord; Skap; PC-skjerm
outdoor 200.1 0.8 7200 25% EA 335,221,222
    Utemøbler og lekeapparater | outdoor_furniture | 34928400 37535200 | Parkbenk; Piknikbord; Huskestativ
furniture_reuse 240.3 0.7 3200 25% EA 130,202
    Møbelreparasjon og ombruk | furniture_reuse | 50850000 39130000 | Omtrekking av stol; Brukt pult
vehicle 210.0 1.2 6900 25% MON 257,332
    Leasing av kjøretøy | - | 34100000 | Leasing, måned
machines 220.0 1.2 5400 25% DAY 332,345,353
    Leie av maskiner | - | 45500000 | Leie gravemaskin; Leie lift
building 230.0 2.8 12000 25% HUR 130,221,222,261,265
    Vedlikehold av bygg | - | 45262000 | Arbeid, tømrer; Materialer og arbeid
plumbing 230.0 1.6 6200 25% HUR 130,221,222,261,265
    Vedlikehold av bygg | - | 45330000 | Arbeid, rørlegger; Deler
electric 230.0 1.8 6600 25% HUR 130,221,222,261,265
    Vedlikehold av bygg | - | 45310000 | Arbeid, elektriker; Materiell
painting 230.1 0.9 8400 25% HUR 130,221,222,261,265
    Malerarbeid | painting | 45442100 | Maling av vegger; Maling utvendig
green 230.2 1.5 5200 25% HUR 335,332,222
    Grøntarbeid | green_areas | 77310000 77311000 77313000 | Plenklipping; Beskjæring; Luking
tidying 230.3 0.8 4300 25% HUR 335,332
    Rydding av sentrum | town_centre_tidying | 90610000 90611000 | Feiing av gater; Rydding av torg
snow 230.4 1.3 5800 25% HUR 332,221,222
    Snørydding og strøing | snow_clearing | 90620000 90630000 | Snørydding; Strøing
service 240.0 2.4 5600 25% EA 130,221,222,261,265
    Serviceavtaler | - | 50700000 72500000 | Serviceavtale; Reparasjon
caretaker 240.1 1.1 4100 25% HUR 130,222,265
    Vaktmestertjenester | caretaker | 98341130 98341140 | Vaktmestertime; Småreparasjoner
aids 240.2 0.8 3000 25% EA 234,241,257
    Hjelpemidler, vask og service | assistive_aids | 50421000 | Vask av rullestol; Service på seng
ict_repair 240.4 0.8 2200 25% EA 120,202
    Reparasjon av IKT | ict_reuse | 50320000 | Reparasjon av PC; Klargjøring av brukt PC
timber 250.0 2.4 2700 25% MTR 130,221,222,261,265
    Materialer til vedlikehold | - | 44100000 | Trelast; Skruer og beslag; Isolasjon
carpentry 250.1 0.9 5100 25% EA 130,221,222
    Trevarer og snekring | wood_products | 44230000 45421000 | Hylle på mål; Dør; Plantekasse
cleaning 260.0 1.8 5900 25% HUR 130,221,222,261,265
    Renhold | cleaning | 90910000 90911200 90919200 | Renhold, måned; Hovedrengjøring; Vinduspuss
laundry 260.1 1.6 4600 25% KGM 253,241,234
    Vaskeri | laundry | 98310000 98311200 | Vask av sengetøy; Vask av arbeidstøy
sewing 260.2 0.7 1500 25% EA 253,120
    Søm og reparasjon av tekstil | sewing_repair | 98393000 50830000 | Reparasjon av arbeidstøy; Gardiner
consulting 271.0 2.0 15000 25% HUR 120,202,345
    Konsulenttjenester | - | 79400000 71300000 | Rådgivning, time; Prosjektledelse
service 272.0 1.4 7800 25% HUR 120,130
    Andre tjenester | - | 79990000 | Oppdrag; Bistand
archive 272.1 0.8 4200 25% EA 120,130
    Skanning og arkiv | archive_scanning | 79999000 92512100 | Skanning av mapper; Makulering
care 370.0 1.6 42000 0% DAY 253,257,258,252,244
    Kjøp av omsorgstjenester | - | 85000000 | Opphold, døgn; Tjeneste, time
persons 370.0 0.5 14000 0% EA 252
    Kjøp av omsorgstjenester | - | - | Forsterket hjem
state 300.0 0.6 7400 0% EA 120,241
    Kjøp fra staten | - | - | Tjeneste
county 330.0 0.3 11000 0% EA 202,386
    Kjøp fra fylkeskommuner | - | - | Tjeneste
neighbours 350.0 0.6 31000 0% EA 202,232,120
    Kjøp fra kommuner | - | - | Vertskommunesamarbeid
own_enterprises 380.0 0.8 28000 25% MON 345,353,386
    Kjøp fra eget foretak | - | 65000000 | Drift, måned
kindergarten 470.0 1.0 52000 0% EA 201
    Tilskudd til private barnehager | - | - | Driftstilskudd
neighbours 450.0 0.2 24000 0% EA 120,232
    Overføring til kommuner | - | - | Overføring
building 230.5 0.55 190000 25% EA 222,261,221 investment
    Byggeprosjekt | - | 45200000 | Avdrag, entreprise; Endringsmelding
machines 230.6 0.35 150000 25% MTR 332,345,353 investment
    Vei- og ledningsanlegg | - | 45230000 | Grøft og ledning; Asfaltering
consulting 271.5 0.3 46000 25% HUR 222,261,345 investment
    Prosjektering | - | 71300000 | Prosjektering, time
furniture 200.5 0.25 38000 25% EA 222,261 investment
    Inventar i prosjekt | - | 39120000 | Inventar
outdoor 200.6 0.12 26000 25% EA 335,222 investment
    Utemøbler i prosjekt | outdoor_furniture | 37535200 | Lekeapparat
property 285.0 0.02 900000 0% EA 265 investment
    Kjøp av bygg | - | - | Kjøp av bolig
""")

# What only workshops are paid for; the last is co-funding that a bookkeeper has put on art 370, where it looks like a
# purchase of inclusion services.
INCLUSION, COFUNDING, MISBOOKED_COFUNDING = _read("""
workshop 370.1 0 9000 0% MON 273,276
    Kjøp av arbeidstrening | - | 85312510 80530000 | Arbeidsforberedende trening; Avklaring
workshop 470.1 0 8000 0% MON 273
    Medfinansiering VTA | - | - | Medfinansiering av VTA-plasser
workshop 370.1 0 8000 0% MON 273
    Kjøp av arbeidstrening | - | - | Medfinansiering av VTA-plasser
""")


def good_of_category(category: str) -> Good:
    """Return the operating good that stands for a workshop category."""
    return next(good for good in GOODS if good.category == category and good.account_class == OPERATING)
