"""Notices of procurements (eForms: TED, and the Norwegian national E2–E4 on Doffin) to rows.

Belongs here: what stands where in a notice. Not here: which of several versions is in force, and which municipality a
buyer is (dbt). Contacts, addresses, descriptions and tenderers are never read.

(1) A notice has one row for each lot; a planning notice for each part; one without either has one row with lot ''.
    What a notice says of the procedure as a whole stands on each of them.
(2) Lots groups are no lots: what they add is how lots may be awarded together.
(3) Only a notice without an identifier (BT-701) is refused: it could never be told from its next version. Whatever else
    is missing or unreadable costs that value alone, because notices come from many portals and are corrected by a new
    version, not by asking the sender.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from pipelines.limits import DEFAULT_LIMITS, Limits
from pipelines.parsing.dates import parse_xml_date
from pipelines.parsing.hardened_xml import UnreadableXml, parse_xml
from pipelines.parsing.numbers import limited, parse_xml_decimal, to_money
from pipelines.parsing.org_numbers import passes_mod11, read_identifier
from pipelines.parsing.rejects import Reject

if TYPE_CHECKING:
    from lxml import etree

PARSER_VERSION = "1"

UBL = "urn:oasis:names:specification:ubl:schema:xsd:"
ROOTS = ("PriorInformationNotice", "ContractNotice", "ContractAwardNotice", "BusinessRegistrationInformationNotice")
_EXTENSIONS = "http://data.europa.eu/p27/eforms-ubl-extension"
_BUSINESS = "http://data.europa.eu/p27/eforms-business-registration-information-notice/1"
_TAGS = frozenset(f"{{{UBL}{name}-2}}{name}" for name in ROOTS) | {f"{{{_BUSINESS}}}{ROOTS[3]}"}
_NAMESPACES = {
    "cac": f"{UBL}CommonAggregateComponents-2",
    "cbc": f"{UBL}CommonBasicComponents-2",
    "ext": f"{UBL}CommonExtensionComponents-2",
    "efac": f"{_EXTENSIONS}-aggregate-components/1",
    "efbc": f"{_EXTENSIONS}-basic-components/1",
    "efext": f"{_EXTENSIONS}s/1",
}
_CUSTOMIZATION = "eforms-"
_EXTENSION = "ext:UBLExtensions/ext:UBLExtension/ext:ExtensionContent/efext:EformsExtension"
_LOT_SCHEMES = frozenset({"Lot", "Part"})
_CPV = re.compile(r"([0-9]{8})(?:-[0-9])?")
# A code is a word of a list; whatever is longer is a text that has lost its way.
_CODE = re.compile(r"[A-Za-z0-9._:/#-]{1,100}")
_TIME = re.compile(r"([0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})")
_COUNTRIES = {"NOR": "NO"}
# What portals write where they know no number.
_NO_NUMBER = frozenset({"N/A", "NA", "NOTAVAILABLE", "NOTAPPLICABLE", "UNKNOWN", "-"})
# What stands where laws are named and is none: headings of texts (BT-01, BT-09).
_NO_LAWS = frozenset({"CrossBorderLaw", "LocalLegalBasis"})
_LONGEST_TEXT = 2000
# The largest real notices have some hundred lots; without a bound a hostile one would have millions.
MOST_LOTS_OR_BUYERS = 10_000
MOST_ISSUES = 1_000


@dataclass
class ParsedNotice:
    """What a file holds.

    Attributes:
        root: The root's name as ``{namespace}local``, or None where there is none to see.
        lots: Rows of notices, one for each lot; empty where the notice is refused.
        buyers: Rows of notice_buyers.
        rejects: Why the notice is refused.
        issues: What is wrong with a notice that is not refused.
        facts: What ``inspect`` tells of the file, also where the notice is refused.
    """

    root: str | None = None
    lots: list[dict[str, Any]] = field(default_factory=list)
    buyers: list[dict[str, Any]] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    issues: list[Reject] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)


def parse_notice(raw: bytes, limits: Limits = DEFAULT_LIMITS) -> ParsedNotice:
    """Turn the bytes of one notice into rows, or into a reject; no input raises.

    Refused as IN01: what is not XML, has a DOCTYPE, is another root or another profile than eForms (both named), or has
    no notice identifier.
    """
    parsed = ParsedNotice()
    try:
        root = parse_xml(raw, replace(limits, ehf_file_mib=limits.notices_file_mib))
    except UnreadableXml as error:
        message = f"The file cannot be read as XML: {error}. Fetch the notice again."
        parsed.rejects.append(Reject("IN01", message, path="/"))
        return parsed
    parsed.root = str(root.tag)
    name = parsed.root.rpartition("}")[2]
    customization = _text(root.find("cbc:CustomizationID", _NAMESPACES))
    if root.tag not in _TAGS or not (customization or "").startswith(_CUSTOMIZATION):
        # Another standard's notice may use the same root; its profile tells them apart.
        message = (
            f"The document is of the kind {name} (specification {_named(customization)}), not a notice in eForms. "
            "Deliver notices as TED or Doffin publish them."
        )
        parsed.rejects.append(Reject("IN01", message, path=f"/{name}"))
        return parsed
    _Reading(parsed, root, f"/{name}").read()
    return parsed


def _named(customization: str | None) -> str:
    return "not stated" if customization is None else _word(customization) or "not a name"


def _text(element: etree._Element | None) -> str | None:
    if element is None or element.text is None:
        return None
    return element.text.strip()[:_LONGEST_TEXT] or None


class _Reading:
    """One pass over one notice."""

    def __init__(self, parsed: ParsedNotice, root: etree._Element, path: str) -> None:
        self.parsed, self.root, self.path = parsed, root, path
        self.extension = root.find(_EXTENSION, _NAMESPACES)
        self.language = self.code(root, "cbc:NoticeLanguageCode")

    def read(self) -> None:
        parsed = self.parsed
        notice = self.notice()
        placed = enumerate(self.all(self.root, "cac:ProcurementProjectLot"), start=1)
        elements = [(place, lot) for place, lot in placed if _scheme(lot) in _LOT_SCHEMES]  # (2)
        parties = self.all(self.root, "cac:ContractingParty")
        if max(len(elements), len(parties)) > MOST_LOTS_OR_BUYERS:
            message = f"The notice has more than {MOST_LOTS_OR_BUYERS} lots or buyers, which none has. Fetch it again."
            parsed.rejects.append(Reject("IN01", message, path=self.path))
            return
        results = self.lot_results()
        lots = [
            self.lot(element, row_no, f"{self.path}/cac:ProcurementProjectLot[{place}]", results)
            for row_no, (place, element) in enumerate(elements, start=1)
        ]
        rows = [notice | lot for lot in lots] or [notice | {"lot_id": "", "_row_no": 1, "_xpath": self.path}]
        self.remark_repeated(rows)
        names = {key: notice.get(key) for key in ("notice_id", "version")}
        buyers = [buyer | names for buyer in self.buyers(parties)]
        parsed.facts = {
            "notice_id": notice.get("notice_id"),
            "subtype": notice.get("subtype"),
            "lots": len(lots),
            "bt71": _distinct(rows, "reserved_participation"),
            "bt736": _distinct(rows, "reserved_execution"),
            "cpv": _distinct(
                rows,
                "main_cpv_code",
                "additional_cpv_codes",
                "procedure_main_cpv_code",
                "procedure_additional_cpv_codes",
            ),
            "buyer_org_nos": sorted({number for buyer in buyers for number in _numbers(buyer)}),
        }
        if notice.get("notice_id") is None:
            message = "The notice states no identifier (BT-701). Fetch the published notice again."  # (3)
            parsed.rejects = [Reject("IN01", message, path=f"{self.path}/cbc:ID")]
            parsed.issues = []
            return
        parsed.lots, parsed.buyers = rows, buyers

    def notice(self) -> dict[str, Any]:
        """Return what the notice says of itself and of the procedure as a whole."""
        root, extension = self.root, self.extension
        type_code = root.find("cbc:NoticeTypeCode", _NAMESPACES)
        changes = None if extension is None else extension.find("efac:Changes", _NAMESPACES)
        project = root.find("cac:ProcurementProject", _NAMESPACES)
        result = self.amount(extension, "efac:NoticeResult/cbc:TotalAmount", self.path)
        facts = {
            "notice_id": self.text(root, "cbc:ID"),
            "version": self.text(root, "cbc:VersionID") or "",
            "notice_kind": str(root.tag).rpartition("}")[2],
            "subtype": self.code(extension, "efac:NoticeSubType/cbc:SubTypeCode"),
            "notice_type": self.code(root, "cbc:NoticeTypeCode"),
            "form_type": _word(None if type_code is None else type_code.get("listName")),
            "language": self.language,
            "issue_date": self.day(root, "cbc:IssueDate", self.path),
            "publication_no": self.text(extension, "efac:Publication/efbc:NoticePublicationID"),
            "publication_date": self.day(extension, "efac:Publication/efbc:PublicationDate", self.path),
            "changed_notice": self.text(changes, "efbc:ChangedNoticeIdentifier"),
            "change_reason": self.code(changes, "efac:ChangeReason/cbc:ReasonCode"),
            "procedure_id": self.text(root, "cbc:ContractFolderID"),
            "procedure_type": self.code(root, "cac:TenderingProcess/cbc:ProcedureCode"),
            "legal_basis": self.code(root, "cbc:RegulatoryDomain"),
            "legal_references": self.codes(
                root, "cac:TenderingTerms/cac:ProcurementLegislationDocumentReference/cbc:ID", without=_NO_LAWS
            ),
            "result_amount": result[0],
            "result_currency": result[1],
        }
        return facts | {f"procedure_{name}": value for name, value in self.project(project, self.path).items()}

    def project(self, project: etree._Element | None, path: str) -> dict[str, Any]:
        """Return what is bought, at either level."""
        path = f"{path}/cac:ProcurementProject"
        estimated = self.amount(project, "cac:RequestedTenderTotal/cbc:EstimatedOverallContractAmount", path)
        maximum = self.amount(project, f"cac:RequestedTenderTotal/{_EXTENSION}/efbc:FrameworkMaximumAmount", path)
        duration, unit = self.measure(project, "cac:PlannedPeriod/cbc:DurationMeasure", path)
        return {
            "title": self.name(project, "cbc:Name"),
            "contract_nature": self.code(project, "cbc:ProcurementTypeCode"),
            "main_cpv_code": self.cpv(project, "cac:MainCommodityClassification", path),
            "additional_cpv_codes": self.cpv(project, "cac:AdditionalCommodityClassification", path),
            "estimated_amount": estimated[0],
            "estimated_currency": estimated[1],
            "framework_maximum_amount": maximum[0],
            "framework_maximum_currency": maximum[1],
            "contract_start_date": self.day(project, "cac:PlannedPeriod/cbc:StartDate", path),
            "contract_end_date": self.day(project, "cac:PlannedPeriod/cbc:EndDate", path),
            "duration": duration,
            "duration_unit": unit,
            "duration_code": self.code(project, "cac:PlannedPeriod/cbc:DescriptionCode"),
            "renewals": self.count(project, "cac:ContractExtension/cbc:MaximumNumberNumeric", path),
        }

    def lot(self, element: etree._Element, row_no: int, path: str, results: dict[str, str]) -> dict[str, Any]:
        """Return what the notice says of one lot; (1)."""
        terms = element.find("cac:TenderingTerms", _NAMESPACES)
        process = element.find("cac:TenderingProcess", _NAMESPACES)
        requirement = "cac:TendererQualificationRequest/cac:SpecificTendererRequirement/cbc:TendererRequirementTypeCode"
        execution = "cac:ContractExecutionRequirement/cbc:ExecutionRequirementCode"
        lot_id = self.text(element, "cbc:ID") or ""
        project = element.find("cac:ProcurementProject", _NAMESPACES)
        added = "cac:ProcurementAdditionalType/cbc:ProcurementTypeCode"
        system = "cac:ContractingSystem/cbc:ContractingSystemTypeCode"
        return {
            "lot_id": lot_id,
            "lot_kind": _scheme(element),
            **self.project(project, path),
            "reserved_participation": self.codes(terms, requirement, "reserved-procurement"),
            "reserved_execution": self.codes(terms, execution, "reserved-execution"),
            "strategic_procurement": self.codes(project, added, "strategic-procurement"),
            "social_objective": self.codes(project, added, "social-objective"),
            "framework": self.codes(process, system, "framework-agreement"),
            "dynamic_purchasing_system": self.codes(process, system, "dps-usage"),
            **self.deadline("submission", process, "cac:TenderSubmissionDeadlinePeriod", path),
            **self.deadline("participation", process, "cac:ParticipationRequestReceptionPeriod", path),
            **self.deadline("interest", process, f"{_EXTENSION}/efac:InterestExpressionReceptionPeriod", path),
            "winner_selection_status": results.get(lot_id),
            "_row_no": row_no,
            "_xpath": path,
        }

    def deadline(self, name: str, process: etree._Element | None, period: str, path: str) -> dict[str, Any]:
        """Return a deadline's day as stated, and its moment where time and zone are stated too."""
        path = f"{path}/cac:TenderingProcess"
        day = self.day(process, f"{period}/cbc:EndDate", path)
        moment = None
        time = self.text(process, f"{period}/cbc:EndTime")
        if day is not None and time is not None:
            moment = _moment(day, time)
            if moment is None:
                self.issue("IN06", "A time is not written hh:mm:ss with its zone; the day is kept.", path, time)
        return {f"{name}_deadline_date": day, f"{name}_deadline_at": moment}

    def lot_results(self) -> dict[str, str]:
        """Return whether a winner was chosen (BT-142), by lot."""
        found: dict[str, set[str]] = {}
        for result in self.all(self.extension, "efac:NoticeResult/efac:LotResult"):
            status = self.code(result, "cbc:TenderResultCode")
            for lot in self.all(result, "efac:TenderLot/cbc:ID"):
                if status is not None:
                    found.setdefault(_text(lot) or "", set()).add(status)
        return {lot: ",".join(sorted(statuses)) for lot, statuses in found.items()}

    def buyers(self, parties: Iterable[etree._Element]) -> Iterator[dict[str, Any]]:
        """Return every buyer with its number; who serves or represents a buyer is none."""
        organizations = self.organizations()
        for position, party in enumerate(parties, start=1):
            path = f"{self.path}/cac:ContractingParty[{position}]"
            party_id = self.text(party, "cac:Party/cac:PartyIdentification/cbc:ID")
            organization = organizations.get(party_id or "")
            if organization is None:
                self.issue("IN01", "The buyer is none of the organisations that the notice lists.", path, party_id)
            types = "cac:ContractingPartyType/cbc:PartyTypeCode"
            yield {
                "buyer_no": position,
                "party_id": party_id,
                **self.company(organization, path),
                "legal_type": self.codes(party, types, "buyer-legal-type"),
                "_row_no": position,
                "_xpath": path,
            }

    def organizations(self) -> dict[str, etree._Element]:
        """Return the notice's organisations by their own references and by those of their touch points."""
        found: dict[str, etree._Element] = {}
        for organization in self.all(self.extension, "efac:Organizations/efac:Organization"):
            for part in ("efac:Company", "efac:TouchPoint"):
                for reference in self.all(organization, f"{part}/cac:PartyIdentification/cbc:ID"):
                    if (name := _text(reference)) is not None:
                        found.setdefault(name, organization)
        return found

    def company(self, organization: etree._Element | None, path: str) -> dict[str, Any]:
        company = None if organization is None else organization.find("efac:Company", _NAMESPACES)
        country = self.code(company, "cac:PostalAddress/cac:Country/cbc:IdentificationCode")
        country = _COUNTRIES.get(country or "", country)
        stated: dict[str, bool] = {}
        for number in self.all(company, "cac:PartyLegalEntity/cbc:CompanyID"):
            if (text := _text(number)) is not None:
                identifier, is_norwegian = read_identifier(text, number.get("schemeName"), country)
                if identifier not in _NO_NUMBER:
                    stated[identifier] = stated.get(identifier, False) or is_norwegian
        for identifier, is_norwegian in stated.items():
            if is_norwegian and not passes_mod11(identifier):
                message = "The buyer's organisation number fails its check digit."
                self.issue("RF04", message, path, identifier)
        # A Norwegian number that can exist comes first: it is what registers know the buyer by.
        ordered = sorted(stated, key=lambda number: (not stated[number], not passes_mod11(number)))
        is_person = self.text(organization, "efbc:NaturalPersonIndicator") == "true"
        return {
            "org_no": ordered[0] if ordered else None,
            "other_org_nos": ",".join(ordered[1:]) or None,
            "name": None if is_person else self.name(company, "cac:PartyName/cbc:Name"),
            "country": country,
            "is_group_lead": self.flag(organization, "efbc:GroupLeadIndicator"),
        }

    def remark_repeated(self, rows: Iterable[dict[str, Any]]) -> None:
        seen: set[str] = set()
        for row in rows:
            if row["lot_id"] in seen:
                self.issue("IN03", "The notice has this lot identifier twice.", row["_xpath"], row["lot_id"])
            seen.add(row["lot_id"])

    def issue(self, rule: str, message: str, path: str, raw: str | None) -> None:
        if len(self.parsed.issues) < MOST_ISSUES:
            self.parsed.issues.append(Reject(rule, message, path=path, raw=raw))

    def all(self, element: etree._Element | None, path: str) -> list[etree._Element]:
        return [] if element is None else element.findall(path, _NAMESPACES)

    def text(self, element: etree._Element | None, path: str) -> str | None:
        return None if element is None else _text(element.find(path, _NAMESPACES))

    def code(self, element: etree._Element | None, path: str) -> str | None:
        return _word(self.text(element, path))

    def codes(
        self,
        element: etree._Element | None,
        path: str,
        list_name: str | None = None,
        without: frozenset[str] = frozenset(),
    ) -> str | None:
        """Return the codes of one list, sorted and joined by commas."""
        found = {
            text
            for code in self.all(element, path)
            if (list_name is None or code.get("listName") == list_name)
            and (text := _word(_text(code))) is not None
            and text not in without
        }
        return ",".join(sorted(found)) or None

    def cpv(self, project: etree._Element | None, path: str, where: str) -> str | None:
        found = set()
        for code in self.all(project, f"{path}/cbc:ItemClassificationCode"):
            if (text := _text(code)) is None or code.get("listName") not in ("cpv", "CPV", None):
                continue
            if (match := _CPV.fullmatch(text)) is None:
                self.issue("IN06", "A CPV code is not eight digits; it is left out.", f"{where}/{path}", text)
            else:
                found.add(match[1])
        return ",".join(sorted(found)) or None

    def name(self, element: etree._Element | None, path: str) -> str | None:
        """Return a name in the notice's own language, else in Norwegian, else the first."""
        found = {
            text.get("languageID"): " ".join(content.split())
            for text in reversed(self.all(element, path))
            if (content := _text(text)) is not None
        }
        for language in (self.language, "NOB", "NOR", "NNO"):
            if language is not None and language in found:
                return found[language]
        return list(found.values())[-1] if found else None

    def flag(self, element: etree._Element | None, path: str) -> bool | None:
        return {"true": True, "1": True, "false": False, "0": False}.get(self.text(element, path) or "")

    def day(self, element: etree._Element | None, path: str, where: str) -> date | None:
        text = self.text(element, path)
        if text is None:
            return None
        try:
            return parse_xml_date(text)
        except ValueError as error:
            self.issue("IN06", f"A date {error}; it is left out.", f"{where}/{_last(path)}", text)
            return None

    def amount(self, element: etree._Element | None, path: str, where: str) -> tuple[Decimal | None, str | None]:
        """Return an amount in whole hundredths, and its currency."""
        found = None if element is None else element.find(path, _NAMESPACES)
        text = _text(found)
        if found is None or text is None:
            return None, None
        try:
            amount, _ = to_money(parse_xml_decimal(text))
        except ValueError as error:
            self.issue("IN06", f"An amount {error}; it is left out.", f"{where}/{_last(path)}", text)
            return None, None
        return amount, _word(found.get("currencyID"))

    def measure(self, element: etree._Element | None, path: str, where: str) -> tuple[Decimal | None, str | None]:
        found = None if element is None else element.find(path, _NAMESPACES)
        text = _text(found)
        if found is None or text is None:
            return None, None
        try:
            return limited(places=8, digits=16)(text), _word(found.get("unitCode"))
        except ValueError as error:
            self.issue("IN06", f"A duration {error}; it is left out.", f"{where}/{_last(path)}", text)
            return None, None

    def count(self, element: etree._Element | None, path: str, where: str) -> int | None:
        text = self.text(element, path)
        if text is None:
            return None
        if text.isascii() and text.isdigit() and len(text) <= 9:
            return int(text)
        self.issue("IN06", "A number is not a whole number; it is left out.", f"{where}/{_last(path)}", text)
        return None


def _word(text: str | None) -> str | None:
    return text if text is not None and _CODE.fullmatch(text) else None


def _last(path: str) -> str:
    return path.rpartition("/")[2]


def _scheme(lot: etree._Element) -> str | None:
    identifier = lot.find("cbc:ID", _NAMESPACES)
    # Where none is named it is a lot: that is what the element is.
    return "Lot" if identifier is None else identifier.get("schemeName", "Lot")


def _moment(day: date, time: str) -> datetime | None:
    found = _TIME.fullmatch(time)
    if found is None:
        return None
    try:
        return datetime.fromisoformat(f"{day.isoformat()}T{found[1]}{found[2]}").astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _distinct(rows: Iterable[dict[str, Any]], *columns: str) -> list[str]:
    return sorted({code for row in rows for column in columns for code in (row.get(column) or "").split(",") if code})


def _numbers(buyer: dict[str, Any]) -> list[str]:
    return [number for number in (buyer["org_no"], *(buyer["other_org_nos"] or "").split(",")) if number]
