"""What a run came to: the facts behind the table at its end, and the exit code.

Belongs here: reading them from the warehouse, gate and releases. Not here: doing any of it (orchestrate.py),
printing (cli/).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from pipelines.candidates.make import visible_part
from pipelines.candidates.products import (
    MUNICIPALITY_EXTRACT,
    WORKSHOP_RELEASE,
    CandidateKey,
    Window,
    window_ending_in,
)
from pipelines.home import Home
from pipelines.municipalities import holds_on, members_on
from pipelines.session import Failure, Session

FINE, WITHHELD, FAILED = 0, 1, 3
_APPROVED, _HELD, _BLOCKED, _FAILED, _NONE = "approved", "held", "blocked", "failed", "none"
_WITH_WAIVER, _RECALLED = "released_with_waiver", "recalled"
_GOES_OUT = (_APPROVED, _WITH_WAIVER)
_HEADINGS = {"block": _BLOCKED, "hold": _HELD}


@dataclass(frozen=True)
class MunicipalityLine:
    """One municipality in the table.

    Attributes:
        municipality_no: Its number.
        name: Its name.
        deliveries: Deliveries received so far.
        rows: Rows and documents that its deliveries gave.
        rejects: Rows and documents refused.
        spend_nok: K01 over the release's window, all account classes; None without figures.
        workshop_ratio: K04 over the same; None without figures.
        release_id: The month's current release, or None.
        verdict: approved, released_with_waiver, held, blocked, recalled, failed or none.
        reasons: Why not approved: rule and reason, or what failed.
        headings: What each reason does: blocked, held or failed.
        stands: Where the month's own is withheld, the recipient's last release, of whatever month: it stands.
    """

    municipality_no: str
    name: str
    deliveries: int
    rows: int
    rejects: int
    spend_nok: Decimal | None
    workshop_ratio: Decimal | None
    release_id: str | None
    verdict: str
    reasons: tuple[str, ...]
    headings: tuple[str, ...]
    stands: str | None = None


@dataclass(frozen=True)
class WorkshopLine:
    """One workshop in the table; other fields as in MunicipalityLine.

    Attributes:
        visible_part: The part of its market's addressable value that its release shows; None without any value.
    """

    org_no: str
    name: str
    visible_part: Decimal | None
    release_id: str | None
    verdict: str
    reasons: tuple[str, ...]
    headings: tuple[str, ...]
    stands: str | None = None


@dataclass(frozen=True)
class OtherLine:
    """One recipient of another product in the table; other fields as in MunicipalityLine."""

    product: str
    recipient: str
    name: str
    release_id: str | None
    verdict: str
    reasons: tuple[str, ...]
    headings: tuple[str, ...]
    stands: str | None = None


@dataclass(frozen=True)
class RunSummary:
    """What a run came to.

    Attributes:
        period: The month that was published.
        municipalities: The members, or those that were asked for.
        workshops: The workshops; none where municipalities were asked for.
        released: Candidates published now.
        unchanged: Candidates whose current release already holds the same bytes.
        held: Candidates that the gate held.
        blocked: Candidates that the gate blocked.
        recalled: Candidates of exactly the bytes that were recalled.
        others: Who stands in the register of recipients for other products, such as the analysts.
        failed: Candidates and owners for which a step failed.
        failures: What failed: step, name, message.
        notes: What was left out because nothing had changed.
    """

    period: str
    municipalities: tuple[MunicipalityLine, ...]
    workshops: tuple[WorkshopLine, ...]
    released: int
    unchanged: int
    held: int
    blocked: int
    failed: int
    failures: tuple[Failure, ...]
    notes: tuple[str, ...]
    recalled: int = 0
    others: tuple[OtherLine, ...] = ()

    @property
    def exit_code(self) -> int:
        """Return 0 fine, 1 something withheld, 3 a step failed for somebody, whatever the cause."""
        if self.failures:
            return FAILED
        return WITHHELD if self.held or self.blocked or self.recalled else FINE

    def as_dict(self) -> dict[str, Any]:
        """Return the summary as plain values."""
        return {**asdict(self), "exit_code": self.exit_code}


@dataclass(frozen=True)
class _Delivered:
    """What one owner has delivered so far."""

    deliveries: int = 0
    rows: int = 0
    rejects: int = 0


@dataclass(frozen=True)
class _Standing:
    """How one candidate stands after the run."""

    release_id: str | None
    verdict: str
    reasons: tuple[str, ...]
    headings: tuple[str, ...]
    stands: str | None = None


def summarise(session: Session, keys: Collection[CandidateKey], notes: Collection[str]) -> RunSummary:
    """Return what a run over these candidates came to."""
    from pipelines.gate.listing import stated_of

    stated = stated_of(session.home, session.clock.as_of) if keys else {}
    standings = {key: _standing(session, key, stated.get(key)) for key in keys}
    verdicts = [standing.verdict for standing in standings.values()]
    released = sum(1 for result in session.published.values() if result.status == "released")
    return RunSummary(
        period=session.period,
        municipalities=_municipalities(session, standings),
        workshops=_workshops(session, standings),
        released=released,
        unchanged=sum(verdicts.count(state) for state in _GOES_OUT) - released,
        held=verdicts.count(_HELD),
        blocked=verdicts.count(_BLOCKED),
        recalled=verdicts.count(_RECALLED),
        others=_others(session, standings),
        failed=len({failure.name for failure in session.failures}),
        failures=tuple(session.failures),
        notes=tuple(notes),
    )


def _standing(session: Session, key: CandidateKey, stated: dict[str, Any] | None) -> _Standing:
    from pipelines.publishing.store import last_standing, read_current

    current = read_current(session.home, key)
    release_id = str(current["release_id"]) if current and current.get("release_id") else None
    stands = last_standing(session.home, key)
    failed = [failure.message for failure in session.failures if failure.name == f"{key.product}|{key.recipient}"]
    if failed:
        return _Standing(release_id, _FAILED, tuple(failed), (_FAILED,) * len(failed), stands)
    if stated is None:
        return _Standing(release_id, _NONE, (), (), stands)
    withholding = stated["waiting"]
    return _Standing(
        release_id,
        str(stated["state"]),
        tuple(f"{result['rule']}: {result['reason']}" for result in withholding),
        tuple(_HEADINGS[result["severity"]] for result in withholding),
        None if stated["state"] in _GOES_OUT else stands,
    )


def _municipalities(session: Session, standings: dict[CandidateKey, _Standing]) -> tuple[MunicipalityLine, ...]:
    window = window_ending_in(session.period, session.home.consortium.window_months)
    delivered, figures = _ask_warehouse(session.home, window)
    lines = []
    for member in members_on(session.registers, session.clock.as_of):
        number = member.municipality_no
        standing = standings.get(CandidateKey(MUNICIPALITY_EXTRACT, number, session.period))
        if standing is None:
            continue
        counts = delivered.get(number, _Delivered())
        spend, at_workshops = figures.get(number, (None, None))
        failures = _failures_of(session, number)
        lines.append(
            MunicipalityLine(
                municipality_no=number,
                name=member.name,
                deliveries=counts.deliveries,
                rows=counts.rows,
                rejects=counts.rejects,
                spend_nok=spend,
                workshop_ratio=round(at_workshops / spend, 6) if spend and at_workshops is not None else None,
                release_id=standing.release_id,
                verdict=standing.verdict,
                reasons=(*standing.reasons, *failures),
                headings=(*standing.headings, *(_FAILED for _ in failures)),
                stands=standing.stands,
            )
        )
    return tuple(lines)


def _failures_of(session: Session, owner: str) -> list[str]:
    return [f"{failure.step}: {failure.message}" for failure in session.failures if failure.name == owner]


def _workshops(session: Session, standings: dict[CandidateKey, _Standing]) -> tuple[WorkshopLine, ...]:
    lines = []
    for row in sorted(session.registers["workshops"], key=lambda row: str(row["org_no"])):
        key = CandidateKey(WORKSHOP_RELEASE, row["org_no"], session.period)
        standing = standings.get(key)
        if standing is not None and holds_on(row, session.clock.as_of):
            lines.append(
                WorkshopLine(
                    org_no=row["org_no"],
                    name=row["name"],
                    visible_part=visible_part(session.home, key),
                    release_id=standing.release_id,
                    verdict=standing.verdict,
                    reasons=standing.reasons,
                    headings=standing.headings,
                    stands=standing.stands,
                )
            )
    return tuple(lines)


def _others(session: Session, standings: dict[CandidateKey, _Standing]) -> tuple[OtherLine, ...]:
    names = {(row["product"], row["recipient"]): str(row["name"]) for row in session.registers["recipients"]}
    return tuple(
        OtherLine(
            product=key.product,
            recipient=key.recipient,
            name=names.get((key.product, key.recipient), ""),
            release_id=standing.release_id,
            verdict=standing.verdict,
            reasons=standing.reasons,
            headings=standing.headings,
            stands=standing.stands,
        )
        for key, standing in sorted(standings.items())
        if key.product not in (MUNICIPALITY_EXTRACT, WORKSHOP_RELEASE)
    )


def _ask_warehouse(home: Home, window: Window) -> tuple[dict[str, _Delivered], dict[str, tuple[Decimal, Decimal]]]:
    """Return what was delivered, and procurement spend with the part of it at workshops, by municipality.

    Spend is summed over the window's months, so that a window of any length has one.
    """
    from pipelines.warehouse.read import connect

    with connect(home) as warehouse:
        delivered = warehouse.execute(
            """
            select
                municipality_no,
                count(*) filter (where step = 'landed' and outcome <> 'refused'),
                coalesce(sum(rows_out) filter (where step = 'parsed'), 0),
                coalesce(sum(rejects), 0)
            from main.fct_outcomes
            group by municipality_no
            """
        ).fetchall()
        figures = warehouse.execute(
            """
            select municipality_no, sum(denominator), sum(numerator)
            from main.fct_kpis
            where kpi_key = 'K04' and workshop_org_no = 'all' and category_key = 'all' and account_class = 'all'
                and period_end = last_day(period_start) and period_start between $first and $last
            group by municipality_no
            """,
            {"first": window.first_day, "last": window.last_day},
        ).fetchall()
    return (
        {number: _Delivered(*(int(count) for count in counts)) for number, *counts in delivered},
        {number: (spend, at_workshops) for number, spend, at_workshops in figures if spend is not None},
    )
