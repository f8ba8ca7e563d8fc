"""``samandel waterfall`` refuses what it cannot draw, and says why."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.cli.waterfall import waterfall
from pipelines.errors import ConfigurationError


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"month": "2026-13"}, "'2026-13' is not a month"),
        ({"from_month": "January"}, "'January' is not a month"),
        ({"month": "2026-01", "to_month": "2026-02"}, "One month and a span"),
        ({"from_month": "2026-03", "to_month": "2026-02"}, "ends before it begins"),
        ({"chart": Path("chart.png")}, "SVG or an HTML"),
    ],
    ids=["no such month", "no month", "both", "backwards", "another picture"],
)
def test_what_cannot_be_asked_is_refused_before_the_home_is_opened(options: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        waterfall("9901", home=Path("nowhere"), **options)  # type: ignore[arg-type]
