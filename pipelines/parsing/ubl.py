"""What a UBL document is: names of elements, the SBDH envelope, and which specifications are read.

Belongs here: telling an invoice from everything else that is delivered beside it. Not here: what stands in an invoice
(ehf.py), XML as such (hardened_xml.py).
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lxml import etree

UBL = "urn:oasis:names:specification:ubl:schema:xsd:"
INVOICE = f"{{{UBL}Invoice-2}}Invoice"
CREDIT_NOTE = f"{{{UBL}CreditNote-2}}CreditNote"
CBC = f"{{{UBL}CommonBasicComponents-2}}"
CAC = f"{{{UBL}CommonAggregateComponents-2}}"
_SBDH = "{http://www.unece.org/cefact/namespaces/StandardBusinessDocumentHeader}"
SBDH = f"{_SBDH}StandardBusinessDocument"
_SBDH_HEADER = f"{_SBDH}StandardBusinessDocumentHeader"
_PREFIXES = {CBC[1:-1]: "cbc:", CAC[1:-1]: "cac:"}
# Elements that stand several times side by side: their position is part of the path.
_REPEATED = {
    f"{CAC}{name}"
    for name in (
        *("InvoiceLine", "CreditNoteLine", "AllowanceCharge", "TaxSubtotal", "BillingReference"),
        *("CommodityClassification",),
    )
}

_PEPPOL = re.compile(r"urn:cen\.eu:en16931:2017#compliant#urn:fdc:peppol\.eu:2017:poacc:(self)?billing:3\.[0-9]+")
_PEPPOL_PROCESS = re.compile(r"urn:fdc:peppol\.eu:2017:poacc:(self)?billing:[0-9]{2}:[0-9]+\.[0-9]+")
PLAIN = "urn:cen.eu:en16931:2017"
_EHF2 = re.compile(
    r"urn:www\.cenbii\.eu:transaction:biitrns0(10|14):ver2\.[0-9]"
    r":extended:urn:www\.peppol\.eu:bis:peppol[45]a:ver2\.[0-9]"
    r"(:extended:urn:www\.difi\.no:ehf:(faktura|kreditnota):ver2\.[0-9])?"
)
READABLE = "Peppol BIS Billing 3 / EHF 3, Peppol Self-Billing 3, plain EN 16931, EHF 2"


class UnusableEnvelope(ValueError):
    """An SBDH envelope does not hold exactly one XML document; the message says what it holds."""


@cache
def is_readable_profile(customization_id: str | None, profile_id: str | None) -> bool:
    """Return whether a document of this specification (BT-24) and process (BT-23) is one that we read."""
    specification = customization_id or ""
    if specification == PLAIN:
        # BT-23 is free text there, but another authority's process is another kind of document.
        return not (profile_id or "").startswith("urn:") or bool(_PEPPOL_PROCESS.fullmatch(profile_id or ""))
    if _PEPPOL.fullmatch(specification):
        return profile_id is None or bool(_PEPPOL_PROCESS.fullmatch(profile_id))
    return is_ehf2(specification)


def is_ehf2(customization_id: str | None) -> bool:
    """Return whether a specification (BT-24) is EHF 2: the same facts, here and there written otherwise."""
    return bool(_EHF2.fullmatch(customization_id or ""))


def unwrap(root: etree._Element) -> tuple[etree._Element, str]:
    """Return the business document and its path; an SBDH envelope is taken off.

    Raises:
        UnusableEnvelope: The envelope holds no document, or several.
    """
    name = local_name(root)
    if root.tag != SBDH:
        return root, f"/{name}"
    payload = [child for child in root if child.tag != _SBDH_HEADER]
    if len(payload) != 1:
        held = ", ".join(local_name(child) for child in payload[:5])
        raise UnusableEnvelope(f"holds {len(payload)} documents ({held})" if payload else "holds no document")
    return payload[0], f"/{name}/{local_name(payload[0])}"


def local_name(element: etree._Element) -> str:
    """Return an element's name without its namespace."""
    return str(element.tag).rpartition("}")[2]


def path_of(element: etree._Element, document: etree._Element, document_path: str) -> str:
    """Return where an element stands below a document, for messages."""
    steps: list[str] = []
    while element is not document:
        namespace, _, local = str(element.tag)[1:].rpartition("}")
        step = _PREFIXES.get(namespace, "*:") + local
        if element.tag in _REPEATED:
            step += f"[{1 + sum(1 for _ in element.itersiblings(element.tag, preceding=True))}]"
        steps.append(step)
        parent = element.getparent()
        if parent is None:
            break
        element = parent
    return "/".join([document_path, *reversed(steps)])


def text_of(element: etree._Element) -> str | None:
    """Return an element's text without surrounding space; an empty one is none."""
    text = element.text
    return text.strip() or None if text is not None else None


def child_text(element: etree._Element, tag: str) -> str | None:
    """Return the text of an element's first child of this name."""
    for child in element:
        if child.tag == tag:
            return text_of(child)
    return None
