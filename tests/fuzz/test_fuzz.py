"""A bounded run of the fuzzer over every parser, at every test run; longer ones by hand (``python -m tests.fuzz``)."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.mutations import broken_bytes, broken_xml
from tests.fuzz.parsers import PARSERS


@pytest.mark.parametrize("name", sorted(PARSERS))
def test_seeds_of_a_parser_end_as_rows_and_as_rejects(name: str) -> None:
    fuzzed = PARSERS[name]
    assert {fuzzed.run(raw) for raw in fuzzed.seeds()} == {"rows", "rejects"}


@pytest.mark.parametrize("name", sorted(PARSERS))
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_broken_bytes_end_as_rows_or_rejects(name: str, data: st.DataObject) -> None:
    fuzzed = PARSERS[name]
    assert fuzzed.run(data.draw(broken_bytes(fuzzed.seeds()))) in {"rows", "rejects"}


@pytest.mark.parametrize("name", sorted(name for name, fuzzed in PARSERS.items() if fuzzed.is_xml))
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_broken_documents_end_as_rows_or_rejects(name: str, data: st.DataObject) -> None:
    fuzzed = PARSERS[name]
    assert fuzzed.run(data.draw(broken_xml(fuzzed.seeds()))) in {"rows", "rejects"}
