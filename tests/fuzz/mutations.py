"""Ways to break a file: as bytes, and, for XML, as a tree of real shape.

Belongs here: mutations as hypothesis strategies, so that what breaks a parser is shrunk to its smallest form. Not here:
which parser is fed (parsers.py).
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from functools import cache

from hypothesis import strategies as st
from lxml import etree

_VALUES = st.one_of(
    st.sampled_from(
        [
            *("", " ", "NA", "0", "-0", "-1", "1e9", "NaN", "Infinity", "1,5", "9" * 17, "9" * 40, "0." + "9" * 30),
            *("2026-02-30", "0000-00-00", "9999-12-31", "2026-06-14Z", "true", "S", "NOK", "380", "381"),
            *("310028142", "NO310028142MVA", "0192:310028142", "Eksempel AS", "\u00a0", "\u2028", "\U0001f600"),
        ]
    ),
    st.from_regex(r"-?[0-9]{1,20}(\.[0-9]{0,12})?", fullmatch=True),
    st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=40),
)
_PLACE = st.floats(0, 1, exclude_max=True)
_KINDS = st.sampled_from(["drop", "double", "swap", "text", "attribute", "rename", "empty", "move"])


@st.composite
def broken_bytes(draw: st.DrawFn, seeds: Sequence[bytes]) -> bytes:
    """Give a seed with some places cut out, written over or filled, or arbitrary bytes."""
    if draw(st.integers(0, 9)) == 0:
        return draw(st.binary(max_size=400))
    raw = draw(st.sampled_from(list(seeds)))
    edits = draw(st.lists(st.tuples(_PLACE, st.integers(0, 40), st.binary(max_size=20)), min_size=1, max_size=5))
    for place, length, inserted in edits:
        start = int(place * len(raw))
        raw = raw[:start] + inserted + raw[start + length :]
    return raw[: int(draw(_PLACE) * len(raw))] if draw(st.integers(0, 9)) == 0 else raw


@st.composite
def broken_xml(draw: st.DrawFn, seeds: Sequence[bytes]) -> bytes:
    """Give a well-formed document of real shape with elements dropped, doubled, swapped, moved and rewritten."""
    root = etree.fromstring(draw(st.sampled_from(_documents(tuple(seeds)))))
    for _ in range(draw(st.integers(1, 6))):
        elements = [element for element in root.iter() if isinstance(element.tag, str)]
        chosen = elements[int(draw(_PLACE) * len(elements))]
        other = elements[int(draw(_PLACE) * len(elements))]
        _change(draw, draw(_KINDS), chosen, other)
    encoding = draw(st.sampled_from(["UTF-8", "UTF-16", "ISO-8859-1", "US-ASCII", "UTF-8"]))
    return etree.tostring(root, encoding=encoding, xml_declaration=True)


def _change(draw: st.DrawFn, kind: str, chosen: etree._Element, other: etree._Element) -> None:
    if kind == "text":
        chosen.text = draw(_VALUES)
    elif kind == "attribute":
        name = draw(st.sampled_from(["currencyID", "schemeID", "listID", "unitCode", "listVersionID", "x"]))
        chosen.set(name, draw(_VALUES))
    elif kind == "rename":
        chosen.tag = other.tag
    elif kind == "empty":
        chosen.text = None
        del chosen[:]
    elif chosen.getparent() is not None:
        _move(draw, kind, chosen, other)


def _move(draw: st.DrawFn, kind: str, chosen: etree._Element, other: etree._Element) -> None:
    parent = chosen.getparent()
    if kind == "drop":
        parent.remove(chosen)
    elif kind == "double":
        for _ in range(draw(st.integers(1, 3))):
            parent.insert(parent.index(chosen), copy.deepcopy(chosen))
    elif kind == "swap":
        chosen.text, other.text = other.text, chosen.text
    elif other is not chosen and chosen not in other.iterancestors():
        other.append(chosen)


@cache
def _documents(seeds: tuple[bytes, ...]) -> list[bytes]:
    return [seed for seed in seeds if _is_xml(seed)]


def _is_xml(raw: bytes) -> bool:
    try:
        return etree.fromstring(raw, etree.XMLParser(resolve_entities=False)).getroottree().docinfo.doctype == ""
    except (etree.XMLSyntaxError, ValueError):
        return False
