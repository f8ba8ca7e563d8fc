"""Who is in the demo consortium: its members and workshops, and how each of them delivers and trades.

Belongs here: facts that were decided by hand. Not here: anything drawn by chance (trading.py).
"""

from __future__ import annotations

from dataclasses import dataclass

LEDGER_AND_EHF, LEDGER_ONLY, EHF_ONLY = "ledger and ehf", "ledger", "ehf"
UNIT4, SEMICOLON, XLSX = "unit4", "semicolon", "xlsx_no"


@dataclass(frozen=True, slots=True)
class Member:
    """A municipality.

    Attributes:
        municipality_no: Its number.
        name: Its name.
        inhabitants: How many live there.
        delivers: LEDGER_AND_EHF, LEDGER_ONLY or EHF_ONLY.
        layout: Ledger layout, or None.
        ledger_has_org_nos: Its ledger export has a column of organisation numbers.
        chart_style: How its account codes are made: five, six or four digits.
        has_coarse_chart: It has no sub-accounts.
    """

    municipality_no: str
    name: str
    inhabitants: int
    delivers: str
    layout: str | None
    chart_style: str
    has_coarse_chart: bool = False
    ledger_has_org_nos: bool = True

    @property
    def has_ledger(self) -> bool:
        """Return whether it hands in a ledger."""
        return self.delivers != EHF_ONLY

    @property
    def has_ehf(self) -> bool:
        """Return whether it hands in e-invoices."""
        return self.delivers != LEDGER_ONLY

    @property
    def post_code(self) -> str:
        """Return the town hall's post code; no such code is in use."""
        return f"99{self.municipality_no[2:]}"


# The first members of the list are a small consortium of their own: whoever asks for four gets every way of delivering.
MEMBERS = (
    Member("9901", "Havnesund", 53_000, LEDGER_AND_EHF, UNIT4, "five"),
    Member("9902", "Granholt", 10_400, LEDGER_ONLY, SEMICOLON, "six"),
    Member("9903", "Osmark", 5_600, EHF_ONLY, None, "five"),
    Member("9904", "Breivold", 15_200, LEDGER_AND_EHF, SEMICOLON, "four"),
    Member("9905", "Tindmark", 9_600, LEDGER_ONLY, UNIT4, "five", ledger_has_org_nos=False),
    Member("9906", "Furuland", 8_100, LEDGER_AND_EHF, XLSX, "six"),
    Member("9907", "Skarmo", 6_300, LEDGER_AND_EHF, UNIT4, "four", has_coarse_chart=True),
    Member("9908", "Lauvskog", 4_700, LEDGER_ONLY, XLSX, "five"),
    Member("9909", "Myrbygd", 4_300, LEDGER_AND_EHF, SEMICOLON, "five"),
    Member("9910", "Elvmark", 4_100, EHF_ONLY, None, "four"),
    Member("9911", "Kvitmo", 3_300, LEDGER_ONLY, UNIT4, "four", ledger_has_org_nos=False),
    Member("9912", "Hestmark", 2_900, LEDGER_AND_EHF, XLSX, "four"),
    Member("9913", "Solbrekk", 2_600, LEDGER_ONLY, SEMICOLON, "five", has_coarse_chart=True),
    Member("9914", "Nesmark", 2_300, LEDGER_AND_EHF, UNIT4, "six"),
    Member("9915", "Tormark", 2_000, LEDGER_AND_EHF, SEMICOLON, "five", has_coarse_chart=True),
    Member("9916", "Almskog", 1_700, LEDGER_ONLY, XLSX, "six"),
    Member("9917", "Ytterholt", 1_300, LEDGER_ONLY, SEMICOLON, "four"),
    Member("9918", "Vindmo", 1_000, LEDGER_AND_EHF, XLSX, "five"),
    Member("9919", "Steinvær", 650, EHF_ONLY, None, "six", has_coarse_chart=True),
    Member("9920", "Skjermo", 450, LEDGER_ONLY, UNIT4, "six"),
)


@dataclass(frozen=True, slots=True)
class WorkshopPlan:
    """A workshop, its owners and what it does.

    Attributes:
        name: Registered name.
        owners: Owner municipality and fraction of ownership.
        categories: What it can deliver, the main thing first.
        neighbours: Municipalities beside the owners that it delivers to.
        idle_owners: Owners that buy nothing from it.
        places: Adapted work places.
        total_income: Income of a year in kroner before the owners' purchases are known.
        sells_inclusion: It sells work training to its owners.
        is_cofunded: Its owners pay co-funding of sheltered places.
        has_rolling_accounts: It has handed in its running twelve months.
        yearly_sales: Sales to each owner in kroner a year where that is a fixed figure, whatever the scale.
        sales_part: Sales as a part of its income.
        owners_part: What its owners stand for of its sales by its annual accounts; None where these say what the demo's
            members were invoiced.
        earlier_accounts: How many annual accounts before the last one it has handed in.
        reports_ripple: It has reported what of its turnover goes on in the region.
    """

    name: str
    owners: tuple[tuple[str, float], ...]
    categories: tuple[str, ...]
    neighbours: tuple[str, ...] = ()
    idle_owners: tuple[str, ...] = ()
    places: int = 30
    total_income: int = 12_000_000
    sells_inclusion: bool = False
    is_cofunded: bool = True
    has_rolling_accounts: bool = True
    yearly_sales: int | None = None
    sales_part: float = 0.4
    owners_part: float | None = None
    earlier_accounts: int = 2
    reports_ripple: bool = True


WORKSHOPS = (
    # The case that the demo is built around: meeting food for three owners, and co-funding from the same three.
    WorkshopPlan(
        "Matlaget Arbeid og Vekst AS",
        (("9902", 0.40), ("9904", 0.35), ("9909", 0.25)),
        ("meeting_food", "packing", "gifts"),
        neighbours=("9907",),
        places=24,
        total_income=11_800_000,
        yearly_sales=50_000,
    ),
    WorkshopPlan(
        "Sentrumslaget Arbeid AS",
        (("9904", 0.60), ("9906", 0.40)),
        ("town_centre_tidying", "green_areas", "snow_clearing", "outdoor_furniture"),
        neighbours=("9901", "9907"),
        places=32,
        total_income=16_500_000,
        sells_inclusion=True,
        owners_part=0.91,
    ),
    WorkshopPlan(
        "Havnesund Industri og Vekst AS",
        (("9901", 1.0),),
        ("laundry", "archive_scanning", "printing", "canteen"),
        neighbours=("9903", "9904"),
        places=85,
        total_income=48_000_000,
        sells_inclusion=True,
    ),
    WorkshopPlan(
        "Fireklang Vekst AS",
        (("9905", 0.40), ("9908", 0.25), ("9910", 0.20), ("9914", 0.15)),
        ("firewood", "wood_products", "painting"),
        neighbours=("9901",),
        idle_owners=("9914",),
        places=28,
        total_income=13_900_000,
    ),
    WorkshopPlan(
        "Tekstiltunet AS",
        (("9903", 0.55), ("9907", 0.45)),
        ("laundry", "assistive_aids", "sewing_repair"),
        neighbours=("9901", "9905"),
        places=22,
        total_income=10_200_000,
        reports_ripple=False,
    ),
    WorkshopPlan(
        "Bilstua Arbeidsinkludering AS",
        (("9901", 1.0),),
        ("vehicle_care", "transport_courier", "waste_recycling"),
        neighbours=("9902",),
        places=40,
        total_income=21_000_000,
        is_cofunded=False,
        sales_part=0.95,
        owners_part=0.93,
    ),
    WorkshopPlan(
        "Driftsringen Vekst AS",
        (("9911", 0.40), ("9912", 0.35), ("9913", 0.25)),
        ("caretaker", "cleaning", "moving_storage"),
        neighbours=("9901", "9906"),
        places=20,
        total_income=9_400_000,
        sells_inclusion=True,
        has_rolling_accounts=False,
    ),
    WorkshopPlan(
        "Ombrukslaget AS",
        (("9915", 0.50), ("9916", 0.50)),
        ("furniture_reuse", "ict_reuse", "mailing", "nursery_plants"),
        neighbours=("9901", "9917", "9918"),
        places=16,
        total_income=7_700_000,
        has_rolling_accounts=False,
        earlier_accounts=0,
        reports_ripple=False,
    ),
)
# The workshop whose published figures (8 per cent of turnover; 50 000 kroner a year) do not fit together.
CLAIMED_WORKSHOP = WORKSHOPS[0].name
# Without accounts of the period, and with a published dependency.
CLAIM_ONLY_WORKSHOP = WORKSHOPS[6].name
