"""The sender's report as a page: facts in, HTML in bokmål out.

Belongs here: how the page is laid out, numbers and days as Norwegians write them, the chart. Not here: which facts
there are (sender_report.py), what is said of a rule or state (sender_texts.py).

Pure: the same facts are the same bytes. The page needs nothing but itself: no script, no font, no address; and every
value is escaped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from html import escape
from typing import TypeVar

from pipelines.parsing.sender_reasons import reason_of
from pipelines.parsing.sender_texts import (
    AMOUNTS,
    HARMLESS,
    PERIOD_STATES,
    SOURCES,
    TAKEN_IN,
    held_text,
    rule_text,
    state_text,
)

PAGE_VERSION = "5"
_SHOWN_ROWS = 200
_SHOWN_FILES = 50
_SHOWN_NAMES = 20
_NBSP = "\u00a0"
_CHART_WIDTH, _CHART_HEIGHT, _CHART_FOOT = 640, 180, 24
_WIDEST_GROUP = 160
_REJECT = "reject"


@dataclass(frozen=True)
class PeriodFacts:
    """One month of a delivery: rows, their sum, and what counts of it."""

    period: str
    rows: int
    amount: Decimal
    state: str = "accepted"
    reason: str | None = None


@dataclass(frozen=True)
class Remark:
    """One row of rejects: masked already."""

    rule: str
    severity: str
    file_name: str
    row_no: int | None
    column: str | None
    raw: str | None
    message: str


@dataclass(frozen=True)
class Contents:
    """What a delivery holds, for comparing it with another."""

    received: str
    rows: int
    periods: tuple[PeriodFacts, ...]
    accounts: frozenset[str] = frozenset()
    suppliers: int = 0
    new_suppliers: int = 0
    gone_suppliers: int = 0
    in_other_currencies: int = 0


@dataclass(frozen=True)
class ReportFacts:
    """Everything that the page says of one delivery.

    Attributes:
        municipality: Name and number of who delivered.
        source: Source kind.
        source_name: The source's name.
        delivery_id: The delivery.
        state: A key of STATES.
        files: Masked names and sizes in bytes.
        is_prepared: It came as a prepared package.
        rows_in: What was read.
        rows_out: What was read well.
        rejects: What was refused.
        not_counted: Of what was read well, what does not count: it came before, is held or was replaced.
        message: Why, where nothing went on.
        contents: What it holds.
        previous: What the delivery held that it replaces or follows, or None.
        remarks: Rejects and issues.
        superseded_by: The deliveries that took over.
        key: What the page was made of; it stands in the page.
    """

    municipality: str
    source: str
    source_name: str
    delivery_id: str
    state: str
    files: tuple[tuple[str, int], ...]
    is_prepared: bool
    rows_in: int
    rows_out: int
    rejects: int
    not_counted: int
    message: str
    contents: Contents
    previous: Contents | None
    remarks: tuple[Remark, ...]
    superseded_by: tuple[str, ...] = ()
    key: str = field(default="", compare=False)


_STYLE = """
body{font-family:system-ui,"DejaVu Sans",sans-serif;line-height:1.5;color:#1b1b1b;background:#fff;max-width:60rem;
margin:0 auto;padding:1.5rem}
h1{font-size:1.6rem;margin:0 0 .25rem}h2{font-size:1.2rem;margin:2rem 0 .5rem;border-bottom:2px solid #d5dbe1}
h3{font-size:1rem;margin:1.25rem 0 .25rem}
table{border-collapse:collapse;margin:.5rem 0;width:100%}
caption{text-align:left;color:#454f59;padding:.25rem 0}
th,td{padding:.3rem .6rem;border-bottom:1px solid #d5dbe1;text-align:left;vertical-align:top;overflow-wrap:break-word}
th{background:#f1f4f7}td.n,th.n{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}
.state{padding:.75rem 1rem;border-left:.5rem solid #1d6b43;background:#eaf5ef;margin:1rem 0}
.state.look{border-color:#9a5b00;background:#fff4e0}.state.wrong{border-color:#a61c1c;background:#fdecec}
.state strong{display:block;font-size:1.15rem}
details{margin:.5rem 0}summary{cursor:pointer;color:#1f4e79}
svg{max-width:100%;height:auto}
@media print{details{display:none}}
"""
_GOOD = ("accepted", "superseded", "duplicate", "none_count", "proposed", "proposal_accepted", "proposal_overtaken")
_TONES = dict.fromkeys(_GOOD, "") | {"failed": " wrong", "refused": " wrong"}
_WHOLE = ("ehf", "notices")  # each file is one document, readable or not
# Of these nothing was read that could be counted or compared.
_UNREAD = ("refused", "duplicate", "duplicate_back", "stuck")


def render_page(facts: ReportFacts) -> bytes:
    """Return the page of one delivery."""
    kind, _ = SOURCES.get(facts.source, (facts.source, "rader"))
    title = f"Kvittering for leveranse: {kind}, {facts.municipality}"
    parts = [
        '<!DOCTYPE html>\n<html lang="nb">\n<head>\n<meta charset="utf-8">',
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">",
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f'<meta name="samandel-report" content="{escape(facts.key)}">',
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>",
        f"<h1>{escape(title)}</h1>",
        f"<p>Mottatt {escape(facts.contents.received)}. Leveransens nummer er "
        f"<code>{escape(facts.delivery_id)}</code>.</p>",
        _state(facts),
        _received(facts),
        _periods(facts),
        _comparison(facts),
        _remarks(facts),
        "</main>\n</body>\n</html>\n",
    ]
    return "\n".join(part for part in parts if part).encode()


def _state(facts: ReportFacts) -> str:
    name, meaning, remedy = state_text(facts.state, facts.source)
    tone = _TONES.get(facts.state, " look")
    later = f" Den eller de som tok over: {escape(', '.join(facts.superseded_by))}." if facts.superseded_by else ""
    return (
        f'<section class="state{tone}" aria-label="Tilstand"><strong>{escape(name)}</strong>{escape(meaning)}{later}'
        f"<br>Dette gjør dere nå: {escape(remedy)}</section>"
    )


def _received(facts: ReportFacts) -> str:
    _, unit = SOURCES.get(facts.source, (facts.source, "rader"))
    total = sum((period.amount for period in facts.contents.periods), Decimal(0))
    rows = [("Filer", _count(len(facts.files)))]
    if facts.state not in _UNREAD:
        rows += _counts(facts, unit)
    if facts.contents.periods:
        rows.append((AMOUNTS[facts.source], f"{_kroner(total)}{_NBSP}kr"))
    if facts.contents.in_other_currencies:
        rows.append(("Dokumenter i annen valuta, ikke med i summene", _count(facts.contents.in_other_currencies)))
    if facts.is_prepared:
        rows.append(("Klargjort", "Ja, pakken er kontrollert mot forseglingen"))
    table = _table("", ("", ""), rows, numbers=(1,), is_keyed=True)
    shown = facts.files[:_SHOWN_FILES]
    names = [(name, f"{_count(-(-size // 1024))}{_NBSP}kB") for name, size in shown]
    more = _more(len(facts.files) - len(shown), "filer")
    files = _table("Filene", ("Navn", "Størrelse"), names, numbers=(1,))
    listed = f"<details><summary>Vis filene</summary>{files}{more}</details>" if names else ""
    return f"<h2>Hva som kom inn</h2>{table}{listed}"


def _counts(facts: ReportFacts, unit: str) -> list[tuple[str, str]]:
    """Return what was read, refused and counts; a file that could not be read is no row."""
    files = 0 if facts.source in _WHOLE else sum(_is_of_file(facts, remark) for remark in facts.remarks)
    counts = [
        ("Filer som ikke er med", files),
        (f"{unit.capitalize()} {'mottatt' if facts.source in _WHOLE else 'lest'}", facts.rows_in - files),
        ("Avvist", facts.rejects - files),
        ("Lest, men teller ikke med", facts.not_counted),
        (TAKEN_IN.get(facts.source, "Teller med"), facts.rows_out - facts.not_counted),
    ]
    optional = ("Filer som ikke er med", "Lest, men teller ikke med")
    return [(name, _count(number)) for name, number in counts if number or name not in optional]


def _is_of_file(facts: ReportFacts, remark: Remark) -> bool:
    # A form that cannot be read may name the row of its header.
    is_whole = remark.row_no is None or (facts.source == "registers" and remark.rule == "IN01")
    return remark.severity == _REJECT and is_whole


def _periods(facts: ReportFacts) -> str:
    periods = facts.contents.periods
    if not periods:
        return ""
    _, unit = SOURCES[facts.source]
    before = {period.period: period.amount for period in (facts.previous.periods if facts.previous else ())}
    has_states = any(period.state != "accepted" for period in periods)
    header = ["Periode", unit.capitalize(), "Sum, kr"] + (["Tilstand", "Hvorfor"] if has_states else [])
    rows: list[Sequence[str]] = []
    for period in periods:
        cells = [_period_name(period.period), _count(period.rows), _kroner(period.amount)]
        if has_states:
            cells += [PERIOD_STATES.get(period.state, period.state), _why(period)]
        rows.append(cells)
    table = _table(AMOUNTS[facts.source], header, rows, numbers=(1, 2))
    return f"<h2>Summer per periode</h2>{_chart(periods, before)}{table}"


def _why(period: PeriodFacts) -> str:
    return held_text(period.reason or "") if period.state == "held" else ""


def _chart(periods: Sequence[PeriodFacts], before: Mapping[str, Decimal]) -> str:
    """Return bars of each period, the delivery before beside them; the table says the same in figures."""
    largest = max([abs(period.amount) for period in periods] + [abs(before.get(p.period, Decimal(0))) for p in periods])
    if not largest:
        return ""
    has_before = any(period.period in before for period in periods)
    width = min(Decimal(_CHART_WIDTH) / len(periods), Decimal(_WIDEST_GROUP))
    wide, middle = width * Decimal("0.35"), width * Decimal("0.4")
    bars = []

    def bar(left: Decimal, amount: Decimal, colour: str, name: str) -> str:
        height = (abs(amount) / largest * (_CHART_HEIGHT - 20)).quantize(Decimal("0.1"))
        top = _CHART_HEIGHT - height
        return (
            f'<rect x="{left:.1f}" y="{top:.1f}" width="{wide:.1f}" height="{height}" fill="{colour}">'
            f"<title>{escape(name)}: {_kroner(amount)} kr</title></rect>"
        )

    for position, period in enumerate(periods):
        left = width * position + width * Decimal("0.1")
        if period.period in before:
            bars.append(bar(left, before[period.period], "#b7c3cf", f"Forrige leveranse, {period.period}"))
        bars.append(bar(left + (middle if has_before else middle / 2), period.amount, "#1f4e79", period.period))
        bars.append(
            f'<text x="{left + middle:.1f}" y="{_CHART_HEIGHT + 16}" font-size="11" text-anchor="middle">'
            f"{escape(period.period)}</text>"
        )
    legend = " Blå søyler er denne leveransen, grå er den forrige." if has_before else ""
    return (
        f'<figure><svg role="img" viewBox="0 0 {_CHART_WIDTH} {_CHART_HEIGHT + _CHART_FOOT}" width="{_CHART_WIDTH}" '
        f'aria-label="Søylediagram over sum per periode. Tallene står i tabellen under.">{"".join(bars)}</svg>'
        f"<figcaption>Sum per periode, i kroner (størrelsen på beløpet).{legend}</figcaption></figure>"
    )


def _comparison(facts: ReportFacts) -> str:
    before, now = facts.previous, facts.contents
    if before is None or facts.state in (*_UNREAD, "failed") or not (before.rows and now.rows):
        return ""
    _, unit = SOURCES[facts.source]
    sums = {period.period: period.amount for period in before.periods}
    ours = {period.period: period.amount for period in now.periods}
    rows: list[tuple[str, ...]] = [
        (f"Antall {unit}", _count(before.rows), _count(now.rows), _signed(now.rows - before.rows, _count)),
    ]
    for period in sorted(sums.keys() | ours.keys()):
        old, new = sums.get(period), ours.get(period)
        rows.append(
            (
                f"Sum {_period_name(period)}",
                "ikke med" if old is None else _kroner(old),
                "ikke med" if new is None else _kroner(new),
                "" if old is None or new is None else _signed(new - old, _kroner),
            )
        )
    table = _table("", ("", "Forrige", "Denne", "Endring"), rows, numbers=(1, 2, 3), is_keyed=True)
    notes = [
        _listed("Kontoer som ikke var med sist", now.accounts - before.accounts),
        _listed("Kontoer som var med sist, og ikke nå", before.accounts - now.accounts),
    ]
    if now.suppliers or before.suppliers:
        notes.append(
            f"<p>Leverandører: {_count(now.suppliers)} nå mot {_count(before.suppliers)} sist; "
            f"{_count(now.new_suppliers)} nye, "
            f"{_count(now.gone_suppliers)} som ikke er med lenger.</p>"
        )
    return (
        f"<h2>Sammenligning med forrige leveranse</h2><p>Den forrige ble mottatt {escape(before.received)}.</p>"
        f"{table}{''.join(notes)}"
    )


def _listed(label: str, codes: Iterable[str]) -> str:
    ordered = sorted(codes)
    if not ordered:
        return ""
    more = f" og {_count(len(ordered) - _SHOWN_NAMES)} til" if len(ordered) > _SHOWN_NAMES else ""
    return f"<p>{escape(label)}: {escape(', '.join(ordered[:_SHOWN_NAMES]))}{more}.</p>"


def _remarks(facts: ReportFacts) -> str:
    # What else is wrong with a refused row is no remark on something that was taken in.
    refused_rows = {(remark.file_name, remark.row_no) for remark in facts.remarks if remark.severity == _REJECT}
    refused, remarked = dict[tuple[str, str], list[Remark]](), dict[tuple[str, str], list[Remark]]()
    for remark in facts.remarks:
        is_refused = remark.severity == _REJECT or (
            remark.row_no is not None and (remark.file_name, remark.row_no) in refused_rows
        )
        if is_refused:
            refused.setdefault((remark.rule, _REJECT), []).append(remark)
        else:
            remarked.setdefault((remark.rule, remark.severity), []).append(remark)
    parts = ["<h2>Hva som er avvist eller ikke teller med</h2>"]
    parts += [_group(facts.source, *key, found) for key, found in sorted(refused.items())]
    if not refused:
        parts += ["<p>Ingenting er avvist.</p>", _technical([facts.message] if facts.message else [])]
    if remarked:
        parts.append("<h2>Merknader</h2><p>Merknadene alene har ikke stoppet noe, men bør ses på.</p>")
        parts += [_group(facts.source, *key, found) for key, found in sorted(remarked.items())]
    return "".join(parts)


_HEADER = ("Fil", "Rad", "Kolonne", "Verdi (skjult)", "Hva som er galt", "Slik retter dere det")


def _group(source: str, rule: str, severity: str, remarks: Sequence[Remark]) -> str:
    text = rule_text(rule, severity, source)
    shown = remarks[:_SHOWN_ROWS]
    reasons = [reason_of(rule, remark.message) for remark in shown]
    rows = [
        (
            remark.file_name,
            "" if remark.row_no is None else _count(remark.row_no),
            remark.column or "",
            remark.raw or "",
            reason.fault if reason else "",
            reason.remedy if reason else "",
        )
        for remark, reason in zip(shown, reasons, strict=True)
    ]
    used = [column for column in range(len(_HEADER)) if column == 0 or any(row[column] for row in rows)]
    filled = [tuple(row[column] for column in used) for row in rows]
    numbers = tuple(place for place, column in enumerate(used) if column == 1)
    table = _table(f"{text.title}, regel {rule}", [_HEADER[column] for column in used], filled, numbers=numbers)
    is_told_apart = all(reason and reason.remedy for reason in reasons)
    todo = "" if rule in HARMLESS or is_told_apart else text.remedy
    todo = f"<p><strong>Slik retter dere det:</strong> {escape(todo)}</p>" if todo else ""
    # Of files each keeps its own message: which one has which fault must not be lost.
    messages = [
        f"{remark.file_name}: {remark.message}" if remark.row_no is None and remark.file_name else remark.message
        for remark in shown
    ]
    faults = {
        (remark.file_name, remark.row_no) if remark.row_no is not None else place: 0
        for place, remark in enumerate(remarks)
    }
    return (
        f"<h3>{escape(text.title)} ({_count(len(faults))})</h3><p>{escape(text.explanation)}</p>{todo}{table}"
        f"{_more(len(remarks) - len(shown), 'linjer')}{_technical(list(dict.fromkeys(messages)))}"
    )


def _technical(messages: Sequence[str]) -> str:
    if not messages:
        return ""
    items = "".join(f'<li lang="en">{escape(message)}</li>' for message in messages[:_SHOWN_NAMES])
    more = _more(len(messages) - _SHOWN_NAMES, "meldinger")
    return f"<details><summary>Teknisk melding (engelsk)</summary><ul>{items}</ul>{more}</details>"


def _more(count: int, unit: str) -> str:
    return f"<p>… og {_count(count)} {unit} til.</p>" if count > 0 else ""


def _table(
    caption: str,
    header: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    numbers: Sequence[int] = (),
    is_keyed: bool = False,
) -> str:
    """Return a table; with ``is_keyed`` the first cell of each row is its heading."""

    def cell(position: int, text: str, *, is_head: bool = False) -> str:
        css = ' class="n"' if position in numbers else ""
        if is_head:
            return f'<th scope="col"{css}>{escape(text)}</th>' if text else f"<td{css}></td>"
        if is_keyed and position == 0:
            return f'<th scope="row">{escape(text)}</th>'
        return f"<td{css}>{escape(text)}</td>"

    head = "".join(cell(position, text, is_head=True) for position, text in enumerate(header)) if any(header) else ""
    body = "".join(f"<tr>{''.join(cell(position, text) for position, text in enumerate(row))}</tr>" for row in rows)
    return (
        f"<table>{f'<caption>{escape(caption)}</caption>' if caption else ''}"
        f"{f'<thead><tr>{head}</tr></thead>' if head else ''}"
        f"<tbody>{body}</tbody></table>"
    )


def _count(number: int) -> str:
    return f"{number:,}".replace(",", _NBSP)


def _kroner(amount: Decimal) -> str:
    return f"{amount:,.2f}".replace(",", _NBSP).replace(".", ",").replace("-", "\u2212")


_Number = TypeVar("_Number", int, Decimal)


def _signed(change: _Number, write: Callable[[_Number], str]) -> str:
    text = write(change).replace("-", "\u2212")
    return f"+{text}" if change > 0 else text


_MONTHS = (
    *("januar", "februar", "mars", "april", "mai", "juni"),
    *("juli", "august", "september", "oktober", "november", "desember"),
)
_YEAR_END = "13"


def _period_name(period: str) -> str:
    """Return ``2026-09`` as september 2026; period 13 is the year-end."""
    year, _, month = period.partition("-")
    if month == _YEAR_END:
        return f"årsoppgjør {year}"
    return f"{_MONTHS[int(month) - 1]} {year}" if month.isdigit() and 1 <= int(month) <= 12 else period
