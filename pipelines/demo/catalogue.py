"""How purchases are booked and sorted: a member's own accounts, KOSTRA arts and functions, CPV.

Belongs here: the demo's own copy of the lists, written for the generator. Not here: the platform's seeds; the two agree
because both follow the same published lists, not because they share them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from pipelines.demo.goods import OPERATING, SPLIT_ON, Good

VAT_ART = "429"

# Scope by KOSTRA art. 270 holds to 2025, 271 and 272 from 2026; goods are booked accordingly.
_CORE_ARTS = "100 105 110 114 115 120 130 140 150 170 184 200 209 210 220 230 240 250 260 270 271 272"
SCOPE_BY_ART = (
    dict.fromkeys(_CORE_ARTS.split(), "core")
    | dict.fromkeys(("180", "181", "182", "183", "185"), "core_not_addressable")
    | dict.fromkeys(("190", "280", "285"), "exempt_property")
    | dict.fromkeys(("300", "330", "350", "380"), "public_sector")
    | dict.fromkeys(("400", "430", "450", "470", "480"), "transfer")
    | dict.fromkeys(("160", "165"), "excluded_person")
    | {"195": "mixed", "370": "core_service_replacement", VAT_ART: "vat"}
)
ART_TEXTS = {
    "100": "Kontormateriell",
    "105": "Undervisningsmateriell",
    "110": "Medisinsk forbruksmateriell",
    "114": "Medikamenter",
    "115": "Matvarer",
    "120": "Annet forbruksmateriell og tjenester",
    "130": "Post, bank og telefoni",
    "140": "Annonser og informasjon",
    "150": "Opplæring og kurs",
    "160": "Kjøregodtgjørelse og diett",
    "165": "Andre oppgavepliktige godtgjørelser",
    "170": "Transport og drift av kjøretøy",
    "180": "Strøm",
    "184": "Bioenergi",
    "185": "Forsikring, vakt og sikring",
    "190": "Leie av lokaler",
    "195": "Avgifter, gebyrer og lisenser",
    "200": "Inventar og utstyr",
    "210": "Kjøp og leie av transportmidler",
    "220": "Leie av driftsmidler",
    "230": "Vedlikehold og byggetjenester",
    "240": "Serviceavtaler og reparasjoner",
    "250": "Materialer til vedlikehold",
    "260": "Renhold og vaskeri",
    "270": "Andre tjenester",
    "271": "Andre tjenester, del 1",
    "272": "Andre tjenester, del 2",
    "280": "Grunnerverv",
    "285": "Kjøp av bygg",
    "300": "Kjøp fra staten",
    "330": "Kjøp fra fylkeskommuner",
    "350": "Kjøp fra kommuner",
    "370": "Kjøp fra private",
    "380": "Kjøp fra eget foretak",
    "450": "Overføring til kommuner",
    "470": "Tilskudd til private",
    VAT_ART: "Kompensasjonsberettiget mva",
}
FUNCTION_TEXTS = {
    "100": "Politisk styring",
    "120": "Administrasjon",
    "121": "Forvaltning av eiendommer",
    "130": "Administrasjonslokaler",
    "201": "Barnehage",
    "202": "Grunnskole",
    "211": "Styrket tilbud til førskolebarn",
    "215": "Skolefritidstilbud",
    "221": "Barnehagelokaler",
    "222": "Skolelokaler",
    "232": "Forebygging, helsestasjon",
    "234": "Aktivisering av eldre",
    "241": "Diagnose, behandling, rehabilitering",
    "244": "Barnevernstjeneste",
    "252": "Barneverntiltak utenfor familien",
    "253": "Institusjon",
    "257": "Hjemmetjenester, del 1",
    "258": "Hjemmetjenester, del 2",
    "261": "Institusjonslokaler",
    "265": "Kommunale boliger",
    "273": "Kommunale sysselsettingstiltak",
    "276": "Kvalifiseringsprogrammet",
    "332": "Kommunale veier",
    "335": "Rekreasjon i tettsted",
    "345": "Distribusjon av vann",
    "353": "Avløpsnett",
    "355": "Innsamling av avfall",
    "381": "Idrettsanlegg",
    "386": "Kulturbygg",
    "393": "Gravplasser",
}

# CPV codes of what workshops can deliver, by category.
WORKSHOP_CPV = {
    "meeting_food": "55520000 55523000 15811000 15812000",
    "canteen": "55510000 55512000",
    "school_meals": "55523100 55524000",
    "meal_delivery": "55521100 55521200 85312200",
    "laundry": "98310000 98311000 98311200 98312000 98315000",
    "sewing_repair": "98393000 50830000",
    "cleaning": "90910000 90911200 90919200 90911300",
    "green_areas": "77310000 77311000 77312000 77313000 77314000 77340000 77211500",
    "town_centre_tidying": "90610000 90611000",
    "snow_clearing": "90620000 90630000",
    "caretaker": "98341130 98341140",
    "packing": "79920000 79921000",
    "mailing": "79824000 64121200 60161000",
    "printing": "79810000 79820000 79971000 22900000",
    "archive_scanning": "79999000 79560000 92512000 92512100",
    "firewood": "03413000",
    "wood_products": "45420000 45421000 44230000",
    "outdoor_furniture": "34928400 37535200 39150000",
    "furniture_reuse": "50850000 39130000",
    "vehicle_care": "50112300 50112000 50110000",
    "waste_recycling": "90511400 90514000 90512000 90500000",
    "transport_courier": "60161000 60100000",
    "painting": "45442100",
    "ict_reuse": "50320000",
    "assistive_aids": "50421000 50400000",
    "moving_storage": "98392000 63120000 63121100",
    "nursery_plants": "03121100 03451000",
    "gifts": "18530000",
    "inclusion_service": "85312510 80530000",
}
# What people who fill in a form call them.
WORKSHOP_NAMES = {
    "meeting_food": "møteservering",
    "canteen": "kantine",
    "school_meals": "skolemat",
    "meal_delivery": "matombringing",
    "laundry": "vaskeri",
    "sewing_repair": "søm",
    "cleaning": "renhold",
    "green_areas": "grøntarbeid",
    "town_centre_tidying": "rydding av sentrum",
    "snow_clearing": "snørydding",
    "caretaker": "vaktmester",
    "packing": "pakking",
    "mailing": "utsending",
    "printing": "trykk",
    "archive_scanning": "skanning og arkiv",
    "firewood": "ved",
    "wood_products": "trevarer",
    "outdoor_furniture": "utemøbler",
    "furniture_reuse": "ombruk av møbler",
    "vehicle_care": "bilpleie",
    "waste_recycling": "gjenvinning",
    "transport_courier": "transport og bud",
    "painting": "malerarbeid",
    "ict_reuse": "ombruk av datautstyr",
    "assistive_aids": "hjelpemidler",
    "moving_storage": "flytting og lagring",
    "nursery_plants": "planter",
    "gifts": "gaveartikler",
    "inclusion_service": "arbeidstrening",
}
INCLUSION_CPV = ("85312510", "80530000")
_PREFIXES = sorted(
    ((code.rstrip("0"), category) for category, codes in WORKSHOP_CPV.items() for code in codes.split()),
    key=lambda entry: (-len(entry[0]), entry[0], entry[1]),
)


def workshop_category_of(cpv_code: str) -> str | None:
    """Return the workshop category that a CPV code falls under, by its longest prefix, or None."""
    return next((category for prefix, category in _PREFIXES if cpv_code.startswith(prefix)), None)


@dataclass(frozen=True, slots=True)
class Account:
    """An account of one member's own chart, valid between two days."""

    code: str
    text: str
    account_class: str
    art: str
    category: str | None
    valid_from: date
    valid_to: date | None

    @property
    def scope(self) -> str:
        """Return how purchases on the account count."""
        return SCOPE_BY_ART[self.art]


@dataclass(slots=True)
class Chart:
    """A member's chart of accounts.

    Attributes:
        style: five, six or four digits long.
        is_coarse: One account per art, without sub-accounts and categories.
        accounts: By code.
    """

    style: str
    is_coarse: bool
    accounts: dict[str, Account] = field(default_factory=dict)

    def account_for(self, good: Good, day: date) -> Account:
        """Return the account on which a good is booked on a day."""
        art = good.art_on(day)
        if self.is_coarse:
            return self._account(good.account_class, art, 0, ART_TEXTS[art], None)
        return self._account(good.account_class, art, good.suffix, good.text, good.category)

    def vat_account(self, account_class: str) -> Account:
        """Return the account of compensable VAT in an account class."""
        return self._account(account_class, VAT_ART, 0, ART_TEXTS[VAT_ART], None)

    def _account(self, account_class: str, art: str, suffix: int, text: str, category: str | None) -> Account:
        code = self._code(account_class, art, suffix)
        account = self.accounts.get(code)
        if account is None:
            valid_from = SPLIT_ON if art in ("271", "272") else date(2020, 1, 1)
            valid_to = date(2025, 12, 31) if art == "270" else None
            account = Account(code, text, account_class, art, category, valid_from, valid_to)
            self.accounts[code] = account
        return account

    def _code(self, account_class: str, art: str, suffix: int) -> str:
        # The middle digits are the member's own: two of the styles differ from KOSTRA.
        local = {"370": "371", "470": "471"}.get(art, art) if self.style != "four" else art
        if self.style == "five":
            return f"{'1' if account_class == OPERATING else '0'}{local}{suffix}"
        if self.style == "six":
            return f"{'1' if account_class == OPERATING else '3'}{local}{suffix}0"
        return f"{local}{suffix}" if account_class == OPERATING else f"0{local}{suffix}"
