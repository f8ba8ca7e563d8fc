"""The official unit sets of EN 16931: fragments of invoices, each marked with the rules that it keeps or breaks."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from lxml import etree

from pipelines.parsing.ehf import check_figures, parse_document

_SET = "{http://difi.no/xsd/vefa/validator/1.0}"
_CBC = "{urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2}"
_RULE = re.compile(r"; ((?:BR|PEPPOL)-[A-Z0-9-]+)\)")
# Sets of these rules hold a fragment that breaks them by more than the rule's own tolerance; our check must see it.
CHECKED = {
    *("BR-CO-10", "BR-CO-11", "BR-CO-12", "BR-CO-13", "BR-CO-14", "BR-CO-15", "BR-CO-16", "BR-CO-17"),
    *("BR-S-08", "BR-Z-08", "BR-E-08", "BR-AE-08", "BR-IC-08", "BR-G-08", "BR-O-08", "BR-IG-08", "BR-IP-08"),
}


def fragments(folder: Path) -> Iterator[tuple[str, etree._Element, set[str], set[str]]]:
    """Give each fragment with its name, and the rules that it keeps and breaks."""
    for path in sorted(folder.glob("*/*.xml")):
        root = etree.parse(str(path)).getroot()
        assert root.tag == f"{_SET}testSet"
        for number, test in enumerate(root.iterchildren(f"{_SET}test"), start=1):
            marks = {
                outcome: {mark.text.strip() for mark in test.iterfind(f"{_SET}assert/{_SET}{outcome}")}
                for outcome in ("success", "error")
            }
            for document in test.iterchildren("{*}Invoice", "{*}CreditNote"):
                yield f"{path.name} {number}", document, marks["success"], marks["error"]


@pytest.fixture(scope="module")
def sets(fixtures: Path) -> Path:
    return fixtures / "ubl" / "en16931" / "unit"


def test_every_set_is_a_reject_as_it_stands(sets: Path) -> None:
    for path in sorted(sets.glob("*/*.xml")):
        parsed = parse_document(path.read_bytes())
        assert [reject.rule for reject in parsed.rejects] == ["IN01"], path
        assert "testSet" in parsed.rejects[0].message


def test_no_fragment_raises_and_none_is_lost(sets: Path) -> None:
    seen = 0
    for name, document, _, _ in fragments(sets):
        for customization in (None, "urn:cen.eu:en16931:2017"):
            if customization is not None:
                for old in document.findall(f"{_CBC}CustomizationID") + document.findall(f"{_CBC}ProfileID"):
                    document.remove(old)
                stated = etree.Element(f"{_CBC}CustomizationID")
                stated.text = customization
                document.insert(0, stated)
            parsed = parse_document(etree.tostring(document))
            assert (parsed.invoice is None) == bool(parsed.rejects), name
        seen += 1
    assert seen == 1131


def test_no_issue_carries_a_rule_that_the_set_marks_as_kept(sets: Path) -> None:
    """Our issues of IN11 name the rule of EN 16931 whose arithmetic does not hold."""
    wrongly = []
    for name, document, kept, _ in fragments(sets):
        issues = check_figures(document)
        raised = {issue.rule for issue in issues} | {rule for issue in issues for rule in _RULE.findall(issue.message)}
        wrongly += [(name, rule) for rule in sorted(raised & kept)]
    assert wrongly == []


def test_arithmetic_that_the_set_marks_as_broken_is_an_issue(sets: Path) -> None:
    seen, missed = Counter[str](), Counter[str]()
    for _, document, _, broken in fragments(sets):
        raised = {rule for issue in check_figures(document) for rule in _RULE.findall(issue.message)}
        for rule in broken & CHECKED:
            seen[rule] += 1
            missed[rule] += rule not in raised
    assert set(seen) <= CHECKED
    assert sum(seen.values()) == 64
    assert +missed == Counter()
