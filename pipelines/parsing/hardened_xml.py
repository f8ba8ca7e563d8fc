"""XML from strangers: parsed without DTD, entities or network, or refused with a reason.

Belongs here: the one parser configuration, and recognising a root without parsing the rest. Not here: what the
elements mean (ehf.py).
"""

from __future__ import annotations

import contextlib
import re
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lxml import etree

LARGEST_DOCUMENT = 100 * 2**20  # Peppol's own limit
_SNIFFED = 64 * 2**10
_ATTACHMENTS_WORTH_CUTTING = 64 * 2**10
# An attachment's content holds no '<'; attribute values may hold '>'.
_ATTACHMENT = re.compile(rb"""(<(?:[\w.-]+:)?EmbeddedDocumentBinaryObject(?:[^<>"']|"[^"<]*"|'[^'<]*')*>)[^<]+(?=</)""")
# Before the root only: in a text it is just text. What this does not see the parsed document shows.
_DOCTYPE = re.compile(rb"(?:\xef\xbb\xbf)?(?:\s|<\?[^>]*\?>|<!--(?:(?!-->).)*-->)*<!DOCTYPE", re.IGNORECASE | re.DOTALL)


class UnreadableXml(ValueError):
    """The bytes are not XML that we are willing to read; the message says why, and holds nothing from the document."""


def parse_xml(raw: bytes) -> etree._Element:
    """Return the root of a document; comments and processing instructions are gone, attachments are empty.

    Raises:
        UnreadableXml: Malformed, truncated, too large, too deep, or with a document type declaration.
    """
    from lxml import etree

    if len(raw) > LARGEST_DOCUMENT:
        raise UnreadableXml(f"the file is larger than {LARGEST_DOCUMENT // 2**20} MiB")
    if _DOCTYPE.match(raw, 0, _SNIFFED):
        raise UnreadableXml(_DOCTYPE_REFUSED)
    if len(raw) > _ATTACHMENTS_WORTH_CUTTING:
        raw = _ATTACHMENT.sub(rb"\1", raw)
    try:
        root = etree.fromstring(raw, _parser())
    except etree.XMLSyntaxError as error:
        line, column = error.position
        raise UnreadableXml(f"malformed or truncated at line {line}, column {column}") from None
    except (ValueError, LookupError):
        raise UnreadableXml("its encoding is unknown or does not fit its bytes") from None
    if root is None:
        raise UnreadableXml("it holds no element")
    # Any DOCTYPE makes an internal subset, if an empty one.
    if root.getroottree().docinfo.internalDTD is not None:
        raise UnreadableXml(_DOCTYPE_REFUSED)
    return root


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
