"""RC10 in words: which dated rule rows a build found missing or overlapping.

Belongs here: reading them from the file that a stopped build left, and saying what to mend. Not here: finding them
(dbt_project/models/marts/fct_rule_gaps.sql).
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

_OPEN_FROM, _OPEN_TO = date(1900, 1, 1), date(9999, 12, 31)
_SHOWN = 20


def rule_gaps(file: Path) -> list[str]:
    """Return one line for each span of days that RC10 stops the build for; none where it did not come so far."""
    import duckdb

    if not file.is_file():
        return []
    try:
        with duckdb.connect(str(file), read_only=True) as connection:
            rows = connection.execute(
                "select rule_table, rule_key, municipality_no, problem, stands_in, row_count, first_day, last_day,"
                " first_day_in_use, last_day_in_use from fct_rule_gaps order by all"
            ).fetchall()
    except duckdb.Error:
        return []
    more = [f"… and {len(rows) - _SHOWN} more spans (fct_rule_gaps)."] if len(rows) > _SHOWN else []
    return [_in_words(*row) for row in rows[:_SHOWN]] + more


def _in_words(  # noqa: PLR0913, PLR0917  the columns of one row
    table: str,
    key: str,
    municipality_no: str,
    problem: str,
    stands_in: str,
    count: int,
    first: date,
    last: date,
    first_used: date,
    last_used: date,
) -> str:
    whose = "" if municipality_no == "all" else f" of {municipality_no}"
    begins = "the beginning" if first == _OPEN_FROM else first.isoformat()
    ends = "today and on" if last == _OPEN_TO else last.isoformat()
    used = first_used.isoformat() if first_used == last_used else f"{first_used} to {last_used}"
    what, mend = (
        ("no row holds", "Add the row that holds then, or move the dates of its neighbours.")
        if problem == "missing"
        else ("more than one row holds", "End the earlier row the day before the later one begins.")
    )
    return (
        f"RC10: {table}, {key}{whose}: {what} from {begins} to {ends}; {count} lines are dated {used}. {mend} "
        f"It stands in {stands_in}."
    )
