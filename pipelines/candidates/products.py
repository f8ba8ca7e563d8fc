"""The product contract: which tables a recipient gets, with which columns, types and words.

Belongs here: products, their tables and columns in order, bokmål titles and descriptions, usage warnings, the months
that a period covers. Not here: how the rows come about (dbt_project/models/products), cutting and suppressing (cut.py,
suppress.py), what is expected of the finished files (expectations/).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from pipelines.candidates.mart_tables import MARTS, MartTable
from pipelines.tables import Column, Table

if TYPE_CHECKING:
    import pyarrow as pa

MUNICIPALITY_EXTRACT = "municipality_extract"
WORKSHOP_RELEASE = "workshop_release"
CONSORTIUM_MART = "consortium_mart"
ANALYSTS = "analysts"  # the recipient of the mart whose releases become warehouse/analyst.duckdb
MASKED_NAME = "(skjermet)"
EVERYBODY = "all"


@dataclass(frozen=True, order=True)
class CandidateKey:
    """What a candidate is: a product for a recipient, published for a month.

    Attributes:
        product: Product id.
        recipient: Municipality number (P1), a workshop's organisation number (P2) or ``analysts`` (P3).
        period: Publication month, ``YYYY-MM``.
    """

    product: str
    recipient: str
    period: str


@dataclass(frozen=True)
class Window:
    """The months that a release's content covers.

    Attributes:
        months: Every month, ``YYYY-MM``, oldest first.
    """

    months: tuple[str, ...]

    @property
    def first_day(self) -> date:
        """Return the first day covered."""
        year, month = _parts(self.months[0])
        return date(year, month, 1)

    @property
    def last_day(self) -> date:
        """Return the last day covered."""
        number = _number(self.months[-1]) + 1
        return date(number // 12, number % 12 + 1, 1) - timedelta(days=1)

    @property
    def years(self) -> tuple[int, ...]:
        """Return the calendar years that the months touch."""
        return tuple(sorted({_parts(month)[0] for month in self.months}))


def window_ending_in(period: str, months: int) -> Window:
    """Return the window of a number of months that ends in a publication month."""
    last = _number(period)
    return Window(tuple(f"{number // 12:04d}-{number % 12 + 1:02d}" for number in range(last - months + 1, last + 1)))


def _parts(month: str) -> tuple[int, int]:
    year, number = month.split("-")
    return int(year), int(number)


def _number(month: str) -> int:
    year, number = _parts(month)
    return year * 12 + number - 1


@dataclass(frozen=True)
class Field:
    """A published column.

    Attributes:
        name: Its name in every rendering.
        type: One of ``pipelines.tables.TYPES``.
        title: Bokmål, for people.
        description: Bokmål: what it holds.
        warning: Bokmål: how it must not be read; empty where nothing needs saying.
    """

    name: str
    type: str
    title: str
    description: str
    warning: str = ""


@dataclass(frozen=True)
class ProductTable:
    """A published table.

    Attributes:
        name: Its name, which is its files' stem.
        title: Bokmål.
        description: Bokmål: what one row is.
        source: The table in the warehouse's schema ``products`` (P3: the mart); empty where it is made of the product's
            other tables.
        recipient_column: The source's column that holds the recipient's key; it is not published. Empty where every
            recipient gets the same.
        covers: What of the source belongs to a window: its months (``month``, in ``period_column``) or days (``day``),
            the calendar years it touches (``year``), figures' periods (``period``, in period_start and period_end), or
            ``all``.
        period_column: The column that ``covers`` is about.
        key: The columns that identify a row; rows are sorted by them.
        fields: The published columns in order.
        warning: Bokmål: how the table must not be read.
    """

    name: str
    title: str
    description: str
    source: str
    recipient_column: str
    covers: str
    period_column: str
    key: tuple[str, ...]
    fields: tuple[Field, ...]
    warning: str = ""

    @property
    def field_names(self) -> list[str]:
        """Return the published column names in order."""
        return [field.name for field in self.fields]

    @property
    def arrow_schema(self) -> pa.Schema:
        """Return the published columns as an Arrow schema."""
        from pipelines.tables import arrow_schema

        return arrow_schema(
            Table(self.name, self.description, tuple(Column(f.name, f.type, f.description) for f in self.fields))
        )


@dataclass(frozen=True)
class Product:
    """A product.

    Attributes:
        id: Its name in paths, rules and registers.
        code: P1, P2 …
        version: Raised when a table, a column or its meaning changes.
        title: Bokmål.
        description: Bokmål.
        recipients: The register that its recipients stand in; of ``recipients`` the rows of the product.
        recipient_key: That register's column with the recipient's key.
        tables: In order.
        warnings: Bokmål: what a reader must know before using any of it.
        is_joint: It holds several members' data: those who have agreed to it (consent.py).
        formats: The endings of each table's files.
        has_workbook: It has a workbook too.
    """

    id: str
    code: str
    version: str
    title: str
    description: str
    recipients: str
    recipient_key: str
    tables: tuple[ProductTable, ...]
    warnings: tuple[str, ...] = ()
    is_joint: bool = False
    formats: tuple[str, ...] = ("csv", "excel.csv", "parquet")
    has_workbook: bool = True

    def table(self, name: str) -> ProductTable:
        """Return a table by its name."""
        return next(table for table in self.tables if table.name == name)

    @property
    def file_names(self) -> list[str]:
        """Return every file of a candidate, sorted."""
        of_tables = [f"{table.name}.{ending}" for table in self.tables for ending in self.formats]
        return sorted([*of_tables, *([self.workbook] if self.has_workbook else []), "datapackage.json"])

    @property
    def workbook(self) -> str:
        """Return the name of its workbook."""
        return f"{self.id}.xlsx"


_MUNICIPALITY = Field("municipality_no", "text", "Kommunenummer", "Kjøperens kommunenummer, fire sifre.")
_CATEGORY = Field(
    "spend_category", "text", "Kategori", "Innkjøpskategori, som i kategorilisten for arbeidsinkludering."
)
_NET = "Norske kroner uten merverdiavgift; kreditnotaer er negative."

_EXTRACT = ProductTable(
    name="municipality_extract",
    title="Innkjøpslinjer",
    description="Én rad per innkjøpslinje i kommunens egne leveranser, alle formål, i publiseringsvinduet.",
    source="product_municipality_extract",
    recipient_column="recipient_municipality_no",
    covers="month",
    period_column="period_month",
    key=("period_month", "voucher_no", "line_no", "purchase_line_id"),
    warning=(
        "Summen av radene er regnskapets sum. Filtrer på scope_flag før tallene omtales som innkjøp: merverdiavgift, "
        "overføringer og lønnsnære poster er med."
    ),
    fields=(
        Field("purchase_line_id", "text", "Linje-id", "Entydig for linjen; den samme i senere utgaver."),
        Field("delivery_id", "text", "Leveranse", "Leveransen linjen kom i."),
        Field("fiscal_year", "integer", "Regnskapsår", "Regnskapsåret linjen er ført i."),
        Field("fiscal_period", "text", "Regnskapsperiode", "Regnskapsperioden (ÅÅÅÅ-MM; 13 er årsavslutning)."),
        Field("voucher_no", "text", "Bilagsnummer", "Bilagsnummeret i regnskapet.", "Er ikke entydig mellom år."),
        Field("line_no", "text", "Linjenummer", "Linje i bilaget, der regnskapet har det."),
        Field("voucher_type", "text", "Bilagsart", "Bilagsarten i regnskapet."),
        Field("posting_date", "date", "Bokføringsdato", "Datoen bilaget er bokført på."),
        Field("invoice_date", "date", "Fakturadato", "Leverandørens fakturadato, der den er kjent."),
        Field(
            "invoice_no",
            "text",
            "Fakturanummer",
            "Leverandørens fakturanummer.",
            "Er ikke entydig mellom leverandører.",
        ),
        Field(
            "supplier_ledger_code",
            "text",
            "Reskontronummer",
            "Kommunens egen kode for leverandøren; tom der leverandøren er skjermet.",
        ),
        Field("org_no", "text", "Organisasjonsnummer", "Leverandørens organisasjonsnummer; tomt der det er skjermet."),
        Field(
            "supplier_name",
            "text",
            "Leverandør",
            "Navnet fra kommunens egen leveranse eller Enhetsregisteret; (skjermet) for privatpersoner, ukjente og "
            "linjer på klientfunksjoner.",
        ),
        Field("legal_form", "text", "Organisasjonsform", "Kode fra Enhetsregisteret (AS, ENK, …)."),
        Field(
            "payee_kind",
            "text",
            "Mottakertype",
            "legal_entity, sole_proprietor, public_body, foreign, natural_person eller unknown.",
            "unknown regnes som person til det motsatte er vist.",
        ),
        Field("supplier_municipality_no", "text", "Leverandørens kommune", "Kommunen for forretningsadressen."),
        Field("nace_code", "text", "Næringskode", "Leverandørens første næringskode."),
        Field("local_account", "text", "Konto", "Kommunens egen kontokode."),
        Field("local_account_text", "text", "Kontonavn", "Kontoens navn i kommunens kontoplan."),
        Field("kostra_art", "text", "KOSTRA-art", "Arten kontoen er koblet til i kontoplanen."),
        Field(
            "kostra_function",
            "text",
            "KOSTRA-funksjon",
            "KOSTRA-funksjonen, der regnskapet har den: de tre første sifrene i koden.",
        ),
        Field("cost_centre", "text", "Ansvar", "Ansvarskode i regnskapet."),
        Field("project_code", "text", "Prosjekt", "Prosjektkode i regnskapet."),
        Field("net_amount_nok", "money", "Nettobeløp", _NET),
        Field("vat_amount_nok", "money", "Merverdiavgift", "Merverdiavgift på linjen, der den er kjent."),
        _CATEGORY,
        Field("cpv_code", "text", "CPV-kode", "Åtte sifre, fra fakturalinjen."),
        Field("classification_method", "text", "Klassifisert ved", "cpv, unspsc, contract, account, text eller none."),
        Field(
            "classification_confidence",
            "fraction",
            "Sikkerhet",
            "Hvor sikker klassifiseringen er, 0 til 1.",
            "Er satt per metode, ikke målt per linje.",
        ),
        Field("contract_id", "text", "Avtale", "Avtalen linjen er koblet til."),
        Field("contract_match", "text", "Koblet ved", "Hvordan avtalen er funnet."),
        Field(
            "stream",
            "text",
            "Strøm",
            "For betalinger til arbeidsinkluderingsbedrifter: product, inclusion eller transfer; ellers none.",
        ),
        Field("scope_flag", "text", "Omfang", "Om linjen er et innkjøp: core, mixed, vat, transfer og så videre."),
        Field("quality_flags", "text", "Merknader", "Merknader om linjens kvalitet, skilt med semikolon."),
        Field(
            "period_month",
            "text",
            "Måned",
            "Måneden linjen regnes til (ÅÅÅÅ-MM): fakturadatoens, ellers bilagsdatoens, ellers regnskapsperioden.",
            "Er ikke alltid regnskapsperioden.",
        ),
        Field("file_sha256", "text", "Fil", "SHA-256 for filen linjen kom i."),
        Field("row_no", "integer", "Rad", "Raden i filen, regnet fra 1."),
        Field("xpath", "text", "Sted i XML", "Stedet i e-fakturaen, der linjen kom fra en."),
    ),
)

_FIGURE = (
    Field("kpi_key", "text", "Nøkkeltall", "Nøkkeltallets nummer (K01 …)."),
    Field("measure", "text", "Mål", "Målet nøkkeltallet viser."),
    Field("label_no", "text", "Navn", "Målets navn på norsk."),
    Field("workshop_org_no", "text", "Bedrift", "Bedriftens organisasjonsnummer, eller all."),
    Field("category_key", "text", "Kategori", "Kategorien, eller all."),
    Field("account_class", "text", "Regnskap", "operating (drift), investment (investering) eller all."),
    Field("period_start", "date", "Fra", "Periodens første dag."),
    Field("period_end", "date", "Til", "Periodens siste dag."),
    Field("numerator", "money", "Teller", "Telleren, norske kroner."),
    Field("denominator", "money", "Nevner", "Nevneren, norske kroner; tom for summer."),
    Field("value", "figure", "Verdi", "Verdien: en sum i kroner eller et forholdstall.", "Se målets enhet."),
    Field(
        "coverage",
        "fraction",
        "Dekning",
        "Delen av beløpene som har en kjent mottaker, 0 til 1.",
        "Et forholdstall med lav dekning sier lite.",
    ),
    Field("state", "text", "Tilstand", "ok, low_coverage, insufficient eller claim_only."),
)

_KPI = ProductTable(
    name="kpi",
    title="Nøkkeltall",
    description="Én rad per nøkkeltall, mål, bedrift, kategori, regnskap og periode.",
    source="product_municipality_kpi",
    recipient_column="recipient_municipality_no",
    covers="period",
    period_column="period_end",
    key=(
        "kpi_key",
        "measure",
        "workshop_org_no",
        "category_key",
        "account_class",
        "period_start",
        "period_end",
    ),
    fields=_FIGURE,
    warning="Radene overlapper (all omfatter de øvrige, år omfatter måneder) og skal ikke summeres.",
)

_OWN_SALES = ProductTable(
    name="own_sales",
    title="Eget salg",
    description="Én rad per måned, kommune og kategori som bedriften har solgt varer og tjenester i.",
    source="product_workshop_own_sales",
    recipient_column="recipient_org_no",
    covers="month",
    period_column="month",
    key=("month", "municipality_no", "spend_category"),
    fields=(
        Field("month", "text", "Måned", "Måneden salget regnes til (ÅÅÅÅ-MM)."),
        _MUNICIPALITY,
        _CATEGORY,
        Field("net_amount_nok", "money", "Salg", _NET),
        Field("invoices", "integer", "Fakturaer", "Antall fakturaer."),
        Field("contract_reference_present", "boolean", "Avtalereferanse", "Om noen av fakturaene viser til en avtale."),
    ),
    warning="Slik kommunene har ført det; bedriftens eget regnskap kan ha andre måneder.",
)

_MARKET_VIEW = ProductTable(
    name="market_view",
    title="Markedet",
    description=(
        "Én rad per år, kommune i leveringsområdet og kategori som bedriften kan levere. Der færre enn tre andre "
        "leverandører står bak, eller én eller to av dem har nesten alt, er tallene om andre holdt tilbake. Det samme "
        "gjelder det som er endret siden en tidligere utgave; rader som er rettet for samme måneder, kan være utelatt. "
        "Det som er holdt tilbake, er fortalt i summer der det lar seg gjøre: for kategorigruppen, for alle kommunene "
        "(all) eller begge deler. En sum er av alle radene under den i denne tabellen, også dem som er holdt tilbake."
    ),
    source="product_workshop_market_view",
    recipient_column="recipient_org_no",
    covers="year",
    period_column="year",
    key=("year", "municipality_no", "spend_category"),
    fields=(
        Field(
            "year",
            "integer",
            "År",
            "Kalenderåret.",
            "Et år dekker bare månedene som er levert; et år som ikke er helt levert, kan ikke leses som et helt år.",
        ),
        _MUNICIPALITY,
        _CATEGORY,
        Field(
            "addressable_nok", "money", "Kunne vært levert", f"Alle kjøp i kategorien. {_NET} Tomt der holdt tilbake."
        ),
        Field("own_nok", "money", "Eget salg", f"Bedriftens eget salg. {_NET}"),
        Field(
            "other_nok_or_suppressed",
            "money",
            "Andres salg",
            f"Andre leverandørers salg. {_NET} Tomt der holdt tilbake.",
        ),
        Field(
            "other_suppliers_band",
            "text",
            "Andre leverandører",
            "Antall andre leverandører: 0, 3-4, 5-9 eller 10+. Tomt der holdt tilbake.",
            "Les som tekst; regneark kan gjøre 3-4 om til en dato.",
        ),
        Field(
            "law_entry_headroom_band",
            "text",
            "Rom under innslagspunktet",
            "Kjøpene målt mot beløpet der anskaffelsesloven begynner å gjelde: <0.6, 0.6-0.8, 0.8-1.0 eller >=1.0 av "
            "det. Tomt der holdt tilbake.",
            "Et anslag for hele kategorien samlet; den enkelte anskaffelsen må vurderes for seg.",
        ),
        Field(
            "suppression_code",
            "text",
            "Holdt tilbake",
            "Tom: vist. p: holdt tilbake. k: holdt tilbake for å verne andre.",
        ),
        Field(
            "told_at",
            "text",
            "Fortalt på nivå",
            "Nivået tallene om andre er fortalt på: cell (raden selv), category_group (kategorigruppen i kommunen), "
            "region (alle kommunene), region_group (kategorigruppen i alle kommunene), municipality (alle kategorier "
            "i kommunen) eller total (alt). For en rad som er holdt tilbake: den fineste summen som har den med; tom "
            "der ingen har det.",
        ),
        Field(
            "rank",
            "integer",
            "Rang",
            "Der minst 70 % av beløpet ikke er fortalt på noe nivå: rekkefølgen i året etter hva som kunne vært "
            "levert, størst først, for rader som ellers ikke sier noe om andre; ellers tom.",
            "Sier ikke hvor store radene er, eller hvor langt det er mellom dem.",
        ),
    ),
    warning="En tom celle er ikke null. Summer og radene under dem skal ikke legges sammen.",
)

_CONTRACT_CALENDAR = ProductTable(
    name="contract_calendar",
    title="Avtalekalender",
    description="Én rad per avtale i bedriftens kategorier som gjelder en kommune i leveringsområdet.",
    source="product_workshop_contract_calendar",
    recipient_column="recipient_org_no",
    covers="all",
    period_column="",
    key=("ends_on", "contract_id", "spend_category"),
    fields=(
        Field("contract_id", "text", "Avtalenummer", "Avtalens nummer."),
        Field("contract_title", "text", "Avtale", "Hva avtalen gjelder."),
        _CATEGORY,
        Field("covers_municipalities", "text", "Gjelder", "Kommunenumrene avtalen gjelder, skilt med semikolon."),
        Field("ends_on", "date", "Slutt", "Siste dag uten opsjoner."),
        Field("options_to", "date", "Slutt med opsjoner", "Siste dag om alle opsjoner brukes."),
        Field("reserved_flag", "boolean", "Reservert", "Om avtalen er reservert for arbeidsinkluderingsbedrifter."),
        Field("notice_id", "text", "Kunngjøring", "Kunngjøringen på Doffin."),
    ),
)

_OWNER_VIEW = ProductTable(
    name="owner_view",
    title="Eierne",
    description="Én rad per år og eierkommune: hva eieren har kjøpt og betalt.",
    source="product_workshop_owner_view",
    recipient_column="recipient_org_no",
    covers="year",
    period_column="year",
    key=("year", "owner_municipality_no"),
    fields=(
        Field(
            "year",
            "integer",
            "År",
            "Kalenderåret.",
            "Et år dekker bare månedene som er levert; et år som ikke er helt levert, kan ikke leses som et helt år.",
        ),
        Field("owner_municipality_no", "text", "Eier", "Eierens kommunenummer."),
        Field("ownership_fraction", "fraction", "Eierandel", "Eierandelen, 0 til 1."),
        Field("product_nok", "money", "Varer og tjenester", _NET),
        Field("inclusion_nok", "money", "Arbeidsinkludering", f"Kjøp av tiltaksplasser. {_NET}"),
        Field("transfer_nok", "money", "Tilskudd", "Overføringer uten motytelse, norske kroner."),
    ),
    warning="De tre strømmene er ulike ting og skal ikke legges sammen til et salg.",
)

_DEPENDENCY = ProductTable(
    name="dependency",
    title="Avhengighet",
    description="Én rad per periode og kjøper (all: alle samlet): salget som andel av bedriftens inntekter.",
    source="product_workshop_dependency",
    recipient_column="recipient_org_no",
    covers="period",
    period_column="period_end",
    key=("period_start", "period_end", "municipality_no"),
    fields=(
        Field("period_start", "date", "Fra", "Periodens første dag."),
        Field("period_end", "date", "Til", "Periodens siste dag."),
        Field("municipality_no", "text", "Kjøper", "Kjøperens kommunenummer, eller all."),
        Field("sales_nok", "money", "Salg", f"Bedriftens salg av varer og tjenester. {_NET}"),
        Field(
            "total_income_nok", "money", "Inntekter", "Bedriftens samlede inntekter i perioden, der de er meldt inn."
        ),
        Field("dependency_ratio", "figure", "Avhengighet", "Salget som del av inntektene."),
        Field("state", "text", "Tilstand", "ok, low_coverage, insufficient eller claim_only."),
        Field("turnover_source", "text", "Kilde", "Hvor inntektene er hentet fra."),
    ),
)

_INFORMATION_LOG = ProductTable(
    name="information_log",
    title="Opplysninger om andre",
    description="Én rad per opplysning i denne utgaven som ikke er bedriftens egen.",
    source="",
    recipient_column="",
    covers="all",
    period_column="",
    key=("source_table", "year", "municipality_no", "spend_category", "contract_id"),
    fields=(
        Field("source_table", "text", "Tabell", "Tabellen i utgaven som opplysningen står i."),
        Field("year", "integer", "År", "Kalenderåret, for opplysninger om markedet."),
        Field("municipality_no", "text", "Kommunenummer", "Kommunen, for opplysninger om markedet."),
        Field("spend_category", "text", "Kategori", "Innkjøpskategorien."),
        Field("contract_id", "text", "Avtalenummer", "Avtalen, for opplysninger fra avtalekalenderen."),
        Field("is_open", "boolean", "Åpen", "Om enhver leverandør kan se opplysningen på samme tid."),
        Field("open_where", "text", "Hvor", "Hvor opplysningen er åpen; tomt der den ikke er det."),
    ),
    warning="Legges ved konkurransegrunnlaget når bedriften deltar i en konkurranse som opplysningene gjelder.",
)


def _mart(name: str, stated: MartTable) -> ProductTable:
    """Return a mart as a published table; its words are the mart's own, read where it is made (mart.py)."""
    return ProductTable(
        name=name,
        title=name,
        description="",
        source=name,
        recipient_column="",
        covers=stated.covers,
        period_column=stated.period_column,
        key=stated.key,
        fields=tuple(Field(column, kind, column, "") for column, kind in stated.columns),
    )


_AS_DELIVERED = "Kommunene er med så langt de har levert; not_delivered i coverage sier hvilke måneder som mangler."

PRODUCTS: dict[str, Product] = {
    product.id: product
    for product in (
        Product(
            id=MUNICIPALITY_EXTRACT,
            code="P1",
            version="1.0.0",
            title="Kommunens egne innkjøp",
            description="Kommunens egne leveranser, gjort sammenliknbare: alle linjer og kommunens nøkkeltall.",
            recipients="members",
            recipient_key="municipality_no",
            tables=(_EXTRACT, _KPI),
            warnings=(
                "Bare for mottakerkommunen. Enkeltpersonforetak er navngitt.",
                "Klassifiseringen er maskinell; se classification_method og classification_confidence.",
            ),
        ),
        Product(
            id=WORKSHOP_RELEASE,
            code="P2",
            version="1.2.0",
            title="Bedriftens del av kommunenes innkjøp",
            description=(
                "For én arbeidsinkluderingsbedrift: eget salg, markedet rundt, avtaler, eiere og avhengighet."
            ),
            recipients="workshops",
            recipient_key="org_no",
            tables=(_OWN_SALES, _MARKET_VIEW, _CONTRACT_CALENDAR, _OWNER_VIEW, _DEPENDENCY, _INFORMATION_LOG),
            warnings=(
                "Bare for mottakerbedriften.",
                _AS_DELIVERED,
                "Kommuner som ikke har samtykket til produktet, er ikke med; se without_consent.",
            ),
            is_joint=True,
        ),
        Product(
            id=CONSORTIUM_MART,
            code="P3",
            version="1.0.0",
            title="Samarbeidets analysegrunnlag",
            description=(
                "For samarbeidets egne analytikere: innkjøpslinjer, fakturaer, nøkkeltall og muligheter, uten personer "
                "og fritekst. Tabellene heter det samme som i datavarehuset."
            ),
            recipients="recipients",
            recipient_key="recipient",
            tables=tuple(_mart(name, stated) for name, stated in MARTS.items()),
            warnings=(
                "Bare for samarbeidets egne ansatte: tallene viser det som er holdt tilbake i bedriftenes utgaver.",
                _AS_DELIVERED,
                "Kommuner som ikke har samtykket til produktet, er ikke med; se without_consent.",
                "Mottakeren er skjult for personer, ukjente, enkeltpersonforetak og på linjer på klientfunksjoner.",
            ),
            is_joint=True,
            formats=("parquet",),
            has_workbook=False,
        ),
    )
}
