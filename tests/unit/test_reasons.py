"""What is written beside a decision names nobody."""

from __future__ import annotations

import pytest

from pipelines.errors import ConfigurationError
from pipelines.reasons import require_reason


@pytest.mark.parametrize("text", ["", "  \n ", "Ola Nordmann ringte", "01845000006 er feil", "skriv til a@b.no"])
def test_a_reason_that_is_none_or_gives_a_person_away_is_refused_without_being_repeated(text: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        require_reason(text)
    assert refused.value.where == "--reason"
    assert not text.strip() or text not in str(refused.value)


def test_a_reason_is_kept_on_one_line() -> None:
    assert require_reason("  Feil måned i filen,\n levert på nytt ") == "Feil måned i filen, levert på nytt"
