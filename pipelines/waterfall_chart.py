"""The waterfall as a picture that reads on paper without colour, and as a page with the same figures as a table.

Belongs here: SVG and HTML of a waterfall, in bokmål. Not here: its figures (waterfall.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from html import escape

from pipelines.waterfall import ALL, TOTAL, Step, Waterfall

_WIDTH, _ROW, _TOP, _BOTTOM = 960, 28, 84, 40
_LABELS_TO, _BARS_FROM, _BARS_TO, _AMOUNTS_AT = 290, 306, 800, 944
_BAR = 18
# What a step does shows in its filling, not in its colour.
_FILLINGS = {"read": "#8a8a8a", TOTAL: "#000000"}
_TAKEN, _ADDED = "url(#taken)", "#ffffff"


def draw_svg(waterfall: Waterfall) -> str:
    """Return the picture; its description holds every figure as text."""
    height = _TOP + _ROW * len(waterfall.steps) + _BOTTOM
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}" '
        'role="img" aria-labelledby="title description" font-family="Arial, Helvetica, sans-serif" font-size="13">',
        f'<title id="title">{escape(title_of(waterfall))}</title>',
        f'<desc id="description">{escape(_in_words(waterfall))}</desc>',
        '<defs><pattern id="taken" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
        '<rect width="6" height="6" fill="#ffffff"/><line x1="0" y1="0" x2="0" y2="6" stroke="#000000" '
        'stroke-width="2.4"/></pattern></defs>',
        f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>',
        f'<text x="16" y="30" font-size="18" font-weight="bold">{escape(title_of(waterfall))}</text>',
        *_legend(),
        *_bars(waterfall),
        f'<text x="16" y="{height - 14}" font-size="11">Kroner uten merverdiavgift. Kreditnotaer er negative.</text>',
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def draw_html(waterfall: Waterfall) -> str:
    """Return a page with the picture and, as its alternative, the table."""
    title = escape(title_of(waterfall))
    rows = "\n".join(
        f'<tr{" class=total" if step.kind == TOTAL else ""}><th scope="row">{escape(step.label_no)}</th>'
        f"<td>{kroner(step.amount, ore=True)}</td><td>{_grouped(step.rows)}</td></tr>"
        for step in waterfall.steps
    )
    return f"""<!DOCTYPE html>
<html lang="nb">
<head>
<meta charset="utf-8">
<title>{title}</title>
<style>
body {{ font-family: Arial, Helvetica, sans-serif; margin: 2rem auto; max-width: 60rem; }}
body {{ color: #000; background: #fff; }}
svg {{ max-width: 100%; height: auto; }}
table {{ border-collapse: collapse; margin-top: 1.5rem; }}
caption {{ text-align: left; font-weight: bold; padding-bottom: .5rem; }}
th, td {{ padding: .2rem 1rem .2rem 0; border-bottom: 1px solid #999; }}
th {{ text-align: left; font-weight: normal; }}
td {{ text-align: right; font-variant-numeric: tabular-nums; }}
thead th, .total th, .total td {{ font-weight: bold; }}
tr, svg {{ break-inside: avoid; }}
</style>
</head>
<body>
<figure style="margin: 0">
{draw_svg(waterfall)}<figcaption>Tabellen nedenfor viser de samme tallene.</figcaption>
</figure>
<table>
<caption>{title}</caption>
<thead><tr><th scope="col">Trinn</th><th scope="col">Kroner</th><th scope="col">Rader</th></tr></thead>
<tbody>
{rows}
</tbody>
</table>
</body>
</html>
"""


def title_of(waterfall: Waterfall) -> str:
    """Return what the picture shows, in bokmål."""
    who = "alle kommuner" if waterfall.municipality_no == ALL else f"{waterfall.name} ({waterfall.municipality_no})"
    return f"Fra leverte filer til innkjøp: {who}{_months(waterfall)}"


def _months(waterfall: Waterfall) -> str:
    first, last = waterfall.first_month, waterfall.last_month
    if first and last:
        return f", {first}" if first == last else f", {first} til {last}"
    return f", fra {first}" if first else f", til {last}" if last else ""


def _in_words(waterfall: Waterfall) -> str:
    return " ".join(f"{step.label_no}: {kroner(step.amount)} kroner." for step in waterfall.steps)


def kroner(amount: Decimal, *, ore: bool = False) -> str:
    """Return an amount as bokmål writes it: no-break spaces between thousands, a comma, a true minus."""
    text = f"{abs(amount):,.{2 if ore else 0}f}".replace(",", "\u00a0").replace(".", ",")
    return f"\u2212{text}" if amount < 0 and text.strip("0,") else text


def _grouped(number: int) -> str:
    return f"{number:,}".replace(",", "\u00a0")


def _legend() -> Iterator[str]:
    at = 16
    for filling, text in (
        ("#8a8a8a", "lest inn"),
        (_TAKEN, "trukket fra"),
        (_ADDED, "lagt til"),
        ("#000000", "innkjøp"),
    ):
        yield f'<rect x="{at}" y="48" width="16" height="12" fill="{filling}" stroke="#000000"/>'
        yield f'<text x="{at + 22}" y="59" font-size="12">{text}</text>'
        at += 120


def _bars(waterfall: Waterfall) -> Iterator[str]:
    spans = list(_spans(waterfall.steps))
    edges = [edge for span in spans for edge in span] or [Decimal(0)]
    low, high = min(Decimal(0), *edges), max(Decimal(0), *edges)
    scale = Decimal(_BARS_TO - _BARS_FROM) / ((high - low) or Decimal(1))

    def across(amount: Decimal) -> Decimal:
        return (_BARS_FROM + (amount - low) * scale).quantize(Decimal("0.1"))

    bottom = _TOP + _ROW * len(spans)
    yield f'<line x1="{across(Decimal(0))}" y1="{_TOP - 6}" x2="{across(Decimal(0))}" y2="{bottom}" stroke="#000000"/>'
    for number, (step, (start, end)) in enumerate(zip(waterfall.steps, spans, strict=True)):
        top = _TOP + _ROW * number
        left, right = sorted((across(start), across(end)))
        weight = ' font-weight="bold"' if step.kind == TOTAL else ""
        yield f'<text x="{_LABELS_TO}" y="{top + 14}" text-anchor="end"{weight}>{escape(step.label_no)}</text>'
        yield (
            f'<rect x="{left}" y="{top}" width="{max(right - left, Decimal(1))}" height="{_BAR}" '
            f'fill="{_filling(step)}" stroke="#000000"/>'
        )
        if number + 1 < len(spans):
            at = across(end)
            ends = f'x1="{at}" y1="{top + _BAR}" x2="{at}" y2="{top + _ROW}"'
            yield f'<line {ends} stroke="#000000" stroke-dasharray="2 2"/>'
        yield f'<text x="{_AMOUNTS_AT}" y="{top + 14}" text-anchor="end"{weight}>{kroner(step.amount)}</text>'


def _spans(steps: tuple[Step, ...]) -> Iterator[tuple[Decimal, Decimal]]:
    reached = Decimal(0)
    for step in steps:
        if step.kind == TOTAL:
            yield Decimal(0), step.amount
        else:
            yield reached, reached + step.amount
            reached += step.amount


def _filling(step: Step) -> str:
    return _FILLINGS.get(step.kind, _TAKEN if step.amount < 0 else _ADDED)
