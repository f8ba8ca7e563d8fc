"""XML from strangers: parsed without DTD, entities or network, or refused with a reason.

Belongs here: the one parser configuration, and recognising a root without parsing the rest. Not here: what the
elements mean (ehf.py).
"""

from __future__ import annotations

import contextlib
import re
from functools import cache
from typing import TYPE_CHECKING

from pipelines.limits import DEFAULT_LIMITS, MIB, Limits

if TYPE_CHECKING:
    from lxml import etree

_SNIFFED = 64 * 2**10
_ATTACHMENTS_WORTH_CUTTING = 64 * 2**10
# An attachment's content holds no '<'; attribute values may hold '>'.
_ATTACHMENT = re.compile(rb"""(<(?:[\w.-]+:)?EmbeddedDocumentBinaryObject(?:[^<>"']|"[^"<]*"|'[^'<]*')*>)[^<]+(?=</)""")
# Before the root only: in a text it is just text. What this does not see the parsed document shows.
_DOCTYPE = re.compile(rb"(?:\xef\xbb\xbf)?(?:\s|<\?[^>]*\?>|<!--(?:(?!-->).)*-->)*<!DOCTYPE", re.IGNORECASE | re.DOTALL)


class UnreadableXml(ValueError):
    """The bytes are not XML that we are willing to read; the message says why, and holds nothing from the document."""


def parse_xml(raw: bytes, limits: Limits = DEFAULT_LIMITS) -> etree._Element:
    """Return the root of a document; comments and processing instructions are gone, attachments are empty.

    Raises:
        UnreadableXml: Malformed, truncated, too large, too deep, or with a document type declaration.
    """
    from lxml import etree

    if len(raw) > limits.ehf_file_mib * MIB:
        raise UnreadableXml(f"the file is larger than {limits.ehf_file_mib} MiB")
    if _DOCTYPE.match(raw, 0, _SNIFFED):
        raise UnreadableXml(_DOCTYPE_REFUSED)
    if len(raw) > _ATTACHMENTS_WORTH_CUTTING:
        raw = _ATTACHMENT.sub(rb"\1", raw)
    try:
        root = etree.fromstring(raw, _parser())
    except etree.XMLSyntaxError as error:
        raise UnreadableXml(_why(error)) from None
    except (ValueError, LookupError):
        raise UnreadableXml("its encoding is unknown or does not fit its bytes") from None
    if root is None:
        raise UnreadableXml("it holds no element")
    # Any DOCTYPE makes an internal subset, if an empty one.
    if root.getroottree().docinfo.internalDTD is not None:
        raise UnreadableXml(_DOCTYPE_REFUSED)
    if limits.xml_depth < DEFAULT_LIMITS.xml_depth and _is_deeper(root, limits.xml_depth):
        raise UnreadableXml(f"its elements are nested more than {limits.xml_depth} deep")
    if limits.xml_value_characters < min(len(raw), DEFAULT_LIMITS.xml_value_characters) and _is_longer(root, limits):
        raise UnreadableXml(f"a text or attribute is longer than {limits.xml_value_characters} characters")
    return root


def _why(error: etree.XMLSyntaxError) -> str:
    """Return why a document cannot be parsed; the parser's own limits are no fault of its form."""
    if "depth" in error.msg:
        return f"its elements are nested more than {DEFAULT_LIMITS.xml_depth} deep"
    if "huge" in error.msg.lower() or "too long" in error.msg:
        return "a name, text or attribute is longer than the parser takes"
    line, column = error.position
    return f"malformed or truncated at line {line}, column {column}"


def _is_deeper(root: etree._Element, depth: int) -> bool:
    """Return whether elements nest deeper than a limit below the parser's own; by default none is looked at again."""
    level = [root]
    for _ in range(depth):
        level = [child for element in level for child in element]
    return bool(level)


def _is_longer(root: etree._Element, limits: Limits) -> bool:
    values = (
        value for element in root.iter() for value in (element.text, element.tail, *element.attrib.values()) if value
    )
    return any(len(value) > limits.xml_value_characters for value in values)


_DOCTYPE_REFUSED = "it has a document type declaration (DOCTYPE), which is never accepted"


@cache
def _parser() -> etree.XMLParser:
    """Return the one parser: documents leave no state in it, and threads take turns."""
    from lxml import etree

    return etree.XMLParser(
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        dtd_validation=False,
        huge_tree=False,
        recover=False,
        # A comment inside a value would otherwise cut the value in two.
        remove_comments=True,
        remove_pis=True,
    )


def sniff_root(raw: bytes) -> str | None:
    """Return the root's name as ``{namespace}local`` from a document's beginning, which may end anywhere."""
    from lxml import etree

    parser = etree.XMLPullParser(
        events=("start",), resolve_entities=False, load_dtd=False, no_network=True, huge_tree=False
    )
    # What was read before a fault is enough, or there is no root.
    with contextlib.suppress(etree.XMLSyntaxError, ValueError, LookupError):
        parser.feed(raw[:_SNIFFED])
    for event in parser.read_events():
        return str(getattr(event[1], "tag", "")) or None
    return None
