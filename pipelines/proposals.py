"""Proposed register rows: what waits, what each would change, and the coordinator's decision.

Belongs here: proposals from parsed forms and exports, from the company register and from matching, accepting them into
``registers/*.csv``, refusing them, and the record of both. Not here: reading forms (parsing/), the difference and the
file itself (register_changes.py).

A proposal is what one handed-in file proposes. Nothing takes effect before somebody has accepted the difference that
was shown: it is named by a digest over the proposal, the registers' bytes and every change. Accepting replaces the
files one by one, each whole, and records the decision last: cut short, the proposal still waits, shows what is left,
and can be accepted again. The record ``proposals/decisions.jsonl`` only grows; each line carries the digest of the one
before.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from pipelines.errors import ConfigurationError, ProblemsFound
from pipelines.files import canonical_json, exclusive_lock, pretty_json, sha256_bytes, write_atomically
from pipelines.home import CONSORTIUM, Home
from pipelines.landing.settings_delivery import is_settings
from pipelines.landing.store import read_receipts
from pipelines.municipalities import holds_on
from pipelines.parsing import schema
from pipelines.parsing.store import Placed, place_receipts, table_path
from pipelines.reasons import require_reason
from pipelines.register_changes import Change, Conflict, Difference, changed_file, difference_of
from pipelines.register_forms import build_form, field_text, owner_key, prefilled_mark
from pipelines.registers import REGISTERS, read_register, read_value
from pipelines.registers_nb import FORMS, in_bokmaal
from pipelines.settings import Clock
from pipelines.tables import Table

WAITING, ACCEPTED, REFUSED, OVERTAKEN = "waiting", "accepted", "refused", "overtaken"
COMPANY_REGISTER = "company register"
MATCHING = "matching"
_SHOWN_ID = 12

Row = dict[str, Any]


@dataclass
class Proposal:
    """What one handed-in file proposes.

    Attributes:
        proposal_id: From owner and file: the same file handed in again is the same proposal.
        owner: Municipality number, ``_workshop_<org_no>``, or ``_consortium``.
        file_name: The name under which it was handed in.
        received_at: When.
        delivery_id: The delivery that first brought it; empty for what the platform itself proposes.
        rows: (register, row number, fields as text), in the order of the file.
        rejects: What was refused or remarked on in the file, as parsed.
        prefilled: Digest of the rows that the form was filled with, or None.
        state: WAITING, ACCEPTED, REFUSED, or OVERTAKEN by a later one of the same owner for the same registers.
    """

    proposal_id: str
    owner: str
    file_name: str
    received_at: datetime
    delivery_id: str
    rows: list[tuple[str, int, dict[str, str]]] = field(default_factory=list)
    rejects: list[Row] = field(default_factory=list)
    prefilled: str | None = None
    state: str = WAITING

    @property
    def registers(self) -> list[str]:
        """Return the registers concerned, in the order in which they are written."""
        named = {register for register, _, _ in self.rows}
        return [name for name in REGISTERS if name in named]

    @property
    def refused_rows(self) -> list[Row]:
        """Return the rows that were refused when the file was read."""
        return [row for row in self.rejects if row["severity"] == "reject"]


@dataclass
class Shown:
    """A proposal held against the registers in force.

    Attributes:
        proposal: The proposal.
        differences: One for each register concerned.
        digest: Names exactly this difference.
        is_from_other_rows: The form was filled with other rows than those in force now.
    """

    proposal: Proposal
    differences: list[Difference]
    digest: str
    is_from_other_rows: bool

    @property
    def is_clean(self) -> bool:
        """Return whether every row of the file can be taken."""
        return not self.proposal.refused_rows and not any(one.conflicts for one in self.differences)


def list_proposals(home: Home) -> list[Proposal]:
    """Return every proposal with its state, the earliest first."""
    decided = {entry["proposal_id"]: entry["decision"] for entry in read_decisions(home)}
    found: dict[str, Proposal] = {}
    for proposal in (*_handed_in(home), *_made(home)):
        found.setdefault(proposal.proposal_id, proposal)
    proposals = sorted(found.values(), key=lambda one: (one.received_at, one.owner, one.file_name, one.proposal_id))
    later: set[tuple[str, str]] = set()
    for proposal in reversed(proposals):
        proposal.state = decided.get(proposal.proposal_id, WAITING)
        concerned = {(proposal.owner, register) for register in proposal.registers}
        if proposal.state == WAITING and concerned & later and proposal.delivery_id:
            # An older form accepted now would undo what its own sender has said since.
            proposal.state = OVERTAKEN
        if proposal.state in (WAITING, ACCEPTED):
            later |= concerned
    return proposals


def find_proposal(home: Home, named: str) -> Proposal:
    """Return the one proposal whose id begins with the given text.

    Raises:
        ConfigurationError: There is none, or more than one.
    """
    found = [proposal for proposal in list_proposals(home) if named and proposal.proposal_id.startswith(named)]
    if len(found) != 1:
        raise ConfigurationError(
            "No proposal has that id." if not found else "More than one proposal has an id that begins so.",
            where=named,
            remedy="See 'samandel register list --all'; forms must have been taken by 'samandel run' first.",
        )
    return found[0]


def show_proposal(home: Home, named: str) -> Shown:
    """Return a proposal and what it would change now."""
    return _held_against_registers(home, find_proposal(home, named))


def accept_proposal(
    home: Home, named: str, *, by: str, digest: str, clock: Clock, valid_rows_only: bool = False
) -> list[str]:
    """Write a proposal's changes into the registers and record it; return the registers that changed.

    Args:
        home: The home.
        named: The proposal.
        by: Who accepts it.
        digest: The digest of the difference that was shown.
        clock: When.
        valid_rows_only: Take what can be taken although rows were refused or conflict.

    Raises:
        ConfigurationError: It does not wait, the difference is another one by now, rows were refused, nobody is named,
            or a run is going on.
    """
    with exclusive_lock(home.run_lock, doing="running"):
        shown = show_proposal(home, named)
        _require_waiting(shown.proposal)
        _require_person(by)
        if digest != shown.digest:
            raise ConfigurationError(
                "The difference is not the one that was shown: the registers or the proposal have changed since.",
                where=shown.proposal.proposal_id,
                remedy=f"Look again: samandel register show {shown.proposal.proposal_id}",
            )
        if not shown.is_clean and not valid_rows_only:
            raise ConfigurationError(
                "Rows of it were refused, or conflict with the register.",
                where=shown.proposal.proposal_id,
                remedy="Ask for a mended form, or take the rest with --valid-rows-only.",
            )
        files = _new_files(home, shown.differences)
        for name, (_, after) in files.items():
            path = home.registers / f"{name}.csv"
            write_atomically(path, after, mode=path.stat().st_mode & 0o777 if path.is_file() else 0o644)
        _record(
            home,
            clock,
            shown.proposal,
            ACCEPTED,
            by,
            {
                "difference": shown.digest,
                "valid_rows_only": valid_rows_only,
                "refused_rows": len(shown.proposal.refused_rows) + sum(len(one.conflicts) for one in shown.differences),
                "changes": [
                    {"register": one.table.name, **change_facts(change)}
                    for one in shown.differences
                    for change in one.effective
                ],
                "files": {
                    name: {"before": before and sha256_bytes(before), "after": sha256_bytes(after)}
                    for name, (before, after) in files.items()
                },
            },
        )
        return list(files)


def refuse_proposal(home: Home, named: str, *, by: str, reason: str, clock: Clock) -> None:
    """Record that a proposal is refused, and why.

    Raises:
        ConfigurationError: It was decided on already, nobody is named, or the reason is none or names somebody.
    """
    with exclusive_lock(home.run_lock, doing="running"):
        proposal = find_proposal(home, named)
        if proposal.state not in (WAITING, OVERTAKEN):
            _require_waiting(proposal)
        _require_person(by)
        _record(home, clock, proposal, REFUSED, by, {"reason": require_reason(reason)})


def change_facts(change: Change) -> Row:
    """Return a change as plain values: kind, key, and the columns that differ."""
    return {
        "kind": change.kind,
        "key": {name: field_text(value) for name, value in change.key.items()},
        "valid_from": field_text((change.new or change.old or {}).get("valid_from")),
        "row": change.row_no,
        "columns": {name: {"old": old, "new": new} for name, (old, new) in change.columns().items()},
    }


def shown_facts(shown: Shown) -> Row:
    """Return a shown proposal as plain values, for people and programs."""
    proposal = shown.proposal
    return {
        **listed_facts(proposal),
        "difference": shown.digest,
        "can_be_accepted_whole": shown.is_clean,
        "form_was_made_from_other_rows": shown.is_from_other_rows,
        "changes": [
            {"register": one.table.name, **change_facts(change)}
            for one in shown.differences
            for change in one.effective
        ],
        "unchanged_rows": sum(len(one.changes) - len(one.effective) for one in shown.differences),
        "conflicts": [
            {"register": one.table.name, "row": conflict.row_no, "message": conflict.message}
            for one in shown.differences
            for conflict in one.conflicts
        ],
        "remarks": [
            {
                "severity": row["severity"],
                "rule": row["rule"],
                "row": row["_row_no"],
                "column": row["column_name"],
                "message": row["message"],
                "message_nb": in_bokmaal(row["message"]),
            }
            for row in proposal.rejects
        ],
    }


def listed_facts(proposal: Proposal) -> Row:
    """Return what a list says of a proposal."""
    return {
        "proposal_id": proposal.proposal_id,
        "state": proposal.state,
        "owner": proposal.owner,
        "registers": proposal.registers,
        "file": proposal.file_name,
        "received_at": proposal.received_at,
        "delivery_id": proposal.delivery_id or None,
        "rows": len(proposal.rows),
        "refused_rows": len(proposal.refused_rows),
    }


def propose_sub_units(home: Home, clock: Clock) -> Proposal | None:
    """Propose the units below members' own numbers that member_org_nos lacks; None where it lacks none.

    Units of units are found too. A unit is the member's from when both it and its parent's row hold. What the company
    register has deleted or closed is left out, and so are units below a number that a member only has as its host's.
    """
    registers = home.read_registers()
    known = {row["org_no"] for row in registers["member_org_nos"]}
    parents: dict[str, tuple[str, date]] = {
        row["org_no"]: (row["municipality_no"], row["valid_from"])
        for row in registers["member_org_nos"]
        if row["role"] != "host" and holds_on(row, clock.as_of)
    }
    if not any((home.parsed / schema.COMPANIES.name).glob("*/*.parquet")):
        return None
    rows = []
    asked: set[str] = set()
    with _latest_units(home) as units:
        while new := sorted(parents.keys() - asked):
            asked |= set(new)
            for org_no, name, parent, registered_on in units.below(new):
                if org_no in parents:
                    continue
                municipality_no, since = parents[parent]
                parents[org_no] = (municipality_no, max(since, registered_on or date.min))
                if org_no not in known:
                    rows.append(_sub_unit_row(org_no, name, *parents[org_no]))
    if not rows:
        return None
    rows.sort(key=lambda fields: (fields["municipality_no"], fields["org_no"]))
    return _make(home, clock, CONSORTIUM, "member_org_nos", rows, COMPANY_REGISTER)


def propose_supplier_corrections(home: Home, clock: Clock) -> list[Proposal]:
    """Propose numbers for suppliers in each member's ledger whose own are missing or wrong; one proposal a member.

    They come from the warehouse that stands (``fct_supplier_quality``). A supplier that the register has a row for, of
    whatever day and answer, is left out: it has been asked about.

    Raises:
        ConfigurationError: Nothing has been built yet.
    """
    from pipelines.warehouse.read import connect

    asked = {
        (row["municipality_no"], row["ledger_code"], row["name_in_ledger"])
        for row in home.read_registers()["supplier_corrections"]
    }
    with connect(home) as warehouse:
        found = warehouse.execute(
            "select municipality_no, ledger_code, name_in_ledger, matched_org_no, min(first_spend_date) as since,"
            " max(issue) as issue, max(match_method) as match_method from fct_supplier_quality"
            " group by municipality_no, ledger_code, name_in_ledger, matched_org_no"
            # Two stated numbers that lead to two others are no one proposal.
            " qualify count(*) over (partition by municipality_no, ledger_code, name_in_ledger) = 1"
            " order by municipality_no, ledger_code, name_in_ledger"
        ).fetchall()
    rows: dict[str, list[dict[str, str]]] = {}
    for municipality_no, ledger_code, name, org_no, since, issue, method in found:
        if (municipality_no, ledger_code, name) not in asked:
            rows.setdefault(municipality_no, []).append(
                {
                    "municipality_no": municipality_no,
                    "ledger_code": ledger_code,
                    "name_in_ledger": name,
                    "proposed_org_no": org_no,
                    "answer": "confirmed",
                    "corrected_org_no": "",
                    "reason": f"{issue}, {method}",
                    "valid_from": since.isoformat(),
                    "valid_to": "",
                }
            )
    return [
        _make(home, clock, municipality_no, "supplier_corrections", of_member, MATCHING)
        for municipality_no, of_member in sorted(rows.items())
    ]


def _make(home: Home, clock: Clock, owner: str, register: str, rows: list[dict[str, str]], source: str) -> Proposal:
    """Write a proposal of the platform's own, once; the same rows are the same proposal, whatever became of it."""
    proposal_id = _id_of(owner, sha256_bytes(canonical_json([register, rows]).encode()))
    path = home.proposals / "made" / f"{proposal_id}.json"
    if not path.is_file():
        document = {"register": register, "rows": rows, "made_at": _stamp(clock.now), "from": source, "owner": owner}
        write_atomically(path, pretty_json(document).encode())
    return find_proposal(home, proposal_id)


def _sub_unit_row(org_no: str, name: str | None, municipality_no: str, since: date) -> dict[str, str]:
    return {
        "municipality_no": municipality_no,
        "org_no": org_no,
        "role": "sub-unit",
        "name": name or "",
        "valid_from": since.isoformat(),
        "valid_to": "",
    }


def read_decisions(home: Home) -> list[Row]:
    """Return what was decided, the earliest first.

    Raises:
        ConfigurationError: The record was changed or shortened in the middle.
    """
    path = home.proposals / "decisions.jsonl"
    if not path.is_file():
        return []
    entries: list[Row] = []
    previous = ""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            entry = dict(json.loads(line))
            is_whole = entry["previous"] == previous and {"proposal_id", "decision"} <= entry.keys()
        except (ValueError, TypeError, KeyError):
            is_whole = False
        if not is_whole:
            raise ConfigurationError(
                "The record of decisions on registers has been changed.",
                where=f"proposals/decisions.jsonl, line {number}",
                remedy="Restore it from a backup; it is only ever added to.",
            )
        previous = sha256_bytes(line.encode())
        entries.append(entry)
    return entries


def _record(home: Home, clock: Clock, proposal: Proposal, decision: str, by: str, facts: Mapping[str, Any]) -> None:
    path = home.proposals / "decisions.jsonl"
    # No decision is older than the form it is about, or than the decision before it, whatever the clock says.
    recorded = [datetime.fromisoformat(entry["decided_at"]) for entry in read_decisions(home)[-1:]]
    decided_at = max(clock.now, proposal.received_at, *recorded)
    before = path.read_text(encoding="utf-8") if path.is_file() else ""
    previous = sha256_bytes(before.splitlines()[-1].encode()) if before else ""
    entry = {
        "proposal_id": proposal.proposal_id,
        "decision": decision,
        "by": by.strip(),
        "decided_at": _stamp(decided_at),
        "owner": proposal.owner,
        "registers": proposal.registers,
        "file": proposal.file_name,
        "delivery_id": proposal.delivery_id,
        "previous": previous,
        **facts,
    }
    # The whole file anew, in one step: a line is there or not, never half of it.
    write_atomically(path, f"{before}{canonical_json(entry)}\n".encode())


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _id_of(owner: str, file_sha256: str) -> str:
    return sha256_bytes(f"{owner} {file_sha256}".encode())[:_SHOWN_ID]


def _handed_in(home: Home) -> Iterator[Proposal]:
    receipts = [one for one in read_receipts(home) if one.source == "registers" and not is_settings(one)]
    for owner in sorted({receipt.owner for receipt in receipts}):
        for placed in place_receipts([receipt for receipt in receipts if receipt.owner == owner]):
            if not placed.is_duplicate and table_path(home, schema.PROPOSED_ROWS, owner, placed.name).is_file():
                yield from _of_delivery(home, placed)


def _of_delivery(home: Home, placed: Placed) -> Iterator[Proposal]:
    receipt, found = placed.receipt, dict[str, Proposal]()
    for row in _rows_of(home, schema.PROPOSED_ROWS, placed):
        sha256 = row["_file_sha256"]
        proposal = found.setdefault(
            sha256,
            Proposal(
                _id_of(receipt.owner, sha256),
                receipt.owner,
                row["file_name"],
                receipt.received_at,
                receipt.delivery_id,
                prefilled=row["prefilled"],
            ),
        )
        proposal.rows.append((row["register"], row["_row_no"], json.loads(row["fields"])))
    for row in _rows_of(home, schema.REJECTS, placed):
        if row["_file_sha256"] in found:
            found[row["_file_sha256"]].rejects.append(row)
    yield from found.values()


def _rows_of(home: Home, table: Table, placed: Placed) -> list[Row]:
    import pyarrow.parquet as pq

    path = table_path(home, table, placed.receipt.owner, placed.name)
    return list(pq.ParquetFile(path).read().to_pylist()) if path.is_file() else []


def _made(home: Home) -> Iterator[Proposal]:
    for path in sorted((home.proposals / "made").glob("*.json")):
        document = json.loads(path.read_bytes())
        rows = [(document["register"], number, row) for number, row in enumerate(document["rows"], start=1)]
        made_at = datetime.fromisoformat(document["made_at"])
        yield Proposal(path.stem, document.get("owner", CONSORTIUM), document["from"], made_at, "", rows)


class _Units:
    """The units of the company register that have a parent, each as its latest delivery states it."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def below(self, parents: Sequence[str]) -> list[tuple[str, str | None, str, date | None]]:
        """Return number, name, parent and day of registration of the units right below some numbers."""
        # A list in the text: a bound parameter would load pandas.
        listed = ", ".join("'" + org_no.replace("'", "''") + "'" for org_no in parents)
        found = self._connection.execute(
            f"select org_no, name, parent_org_no, registered_on from units where parent_org_no in ({listed}) "  # noqa: S608
            "and deleted_on is null and closed_on is null order by org_no"
        )
        return list(found.fetchall())


@contextmanager
def _latest_units(home: Home) -> Iterator[_Units]:
    import duckdb

    receipts = [receipt for receipt in read_receipts(home) if receipt.source == "brreg"]
    receipts.sort(key=lambda receipt: (receipt.received_at, receipt.owner, receipt.source_name, receipt.sequence))
    columns = "org_no, name, parent_org_no, registered_on, deleted_on, closed_on"
    with duckdb.connect() as connection:
        # Of a bulk file's million units few are anybody's here: none becomes a Python object before it is asked for.
        connection.execute("create table deliveries (delivery_id varchar, place integer)")
        for place, receipt in enumerate(receipts):
            connection.execute(f"insert into deliveries values ('{receipt.delivery_id}', {place})")  # noqa: S608
        files = sorted(str(path) for path in (home.parsed / schema.COMPANIES.name).glob("*/*.parquet"))
        listed = ", ".join("'" + file.replace("'", "''") + "'" for file in files)
        connection.execute(
            f"""create table units as
            select {columns}
            from read_parquet([{listed}], hive_partitioning = false, union_by_name = true) as companies
            inner join (select delivery_id, max(place) as place from deliveries group by all) as received
                on companies._delivery_id = received.delivery_id
            qualify row_number() over (
                partition by org_no order by received.place desc, companies._row_no desc
            ) = 1"""  # noqa: S608  our own names, digests and paths
        )
        yield _Units(connection)


def _held_against_registers(home: Home, proposal: Proposal) -> Shown:
    registers = home.read_registers()
    differences = []
    for name in proposal.registers:
        table = REGISTERS[name]
        typed = [
            (row_no, {column.name: read_value(column, fields.get(column.name, "")) for column in table.columns})
            for register, row_no, fields in proposal.rows
            if register == name
        ]
        taken = _rows_of_others(home, proposal, name, registers)
        own = [(row_no, row) for row_no, row in typed if _short_key(table.key, row) not in taken]
        difference = difference_of(table, registers[name], own)
        difference.conflicts += [
            Conflict(row_no, _SOMEBODY_ELSES) for row_no, row in typed if _short_key(table.key, row) in taken
        ]
        differences.append(difference)
    bytes_in_force = [[name, _digest_in_force(home, name)] for name in proposal.registers]
    facts = [
        proposal.proposal_id,
        bytes_in_force,
        [[one.table.name, change_facts(change)] for one in differences for change in one.changes],
        [[one.table.name, conflict.row_no, conflict.message] for one in differences for conflict in one.conflicts],
    ]
    digest = sha256_bytes(canonical_json(facts).encode())[:16]
    return Shown(proposal, differences, digest, _is_from_other_rows(proposal, registers))


_SOMEBODY_ELSES = "The row is somebody else's in the register: it cannot be changed by this owner."


def _short_key(key: Sequence[str], row: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(row.get(name) for name in key if name != "valid_from")


def _rows_of_others(
    home: Home, proposal: Proposal, register: str, registers: Mapping[str, list[Row]]
) -> set[tuple[Any, ...]]:
    """Return the keys in force that this owner may not touch."""
    if proposal.owner in (CONSORTIUM, home.consortium.host) and register not in FORMS:
        return set()
    table, owner = REGISTERS[register], owner_key(proposal.owner)
    if register in FORMS:
        column = FORMS[register].owner_column
        return {_short_key(table.key, row) for row in registers[register] if row[column] != owner}
    covered: dict[str, set[str]] = {}
    for row in registers["contract_members"]:
        covered.setdefault(row["contract_id"], set()).add(row["municipality_no"])
    return {
        _short_key(table.key, row) for row in registers[register] if covered.get(row["contract_id"], set()) != {owner}
    }


def _digest_in_force(home: Home, register: str) -> str | None:
    raw = _bytes_in_force(home, register)
    return None if raw is None else sha256_bytes(raw)


def _bytes_in_force(home: Home, register: str) -> bytes | None:
    path: Path = home.registers / f"{register}.csv"
    return path.read_bytes() if path.is_file() else None


def _is_from_other_rows(proposal: Proposal, registers: Mapping[str, list[Row]]) -> bool:
    if proposal.prefilled is None or not proposal.registers:
        return False
    try:
        form = build_form(proposal.registers[0], proposal.owner, registers)
        made_on = date.fromisoformat(proposal.prefilled.partition(" ")[0])
    except (ConfigurationError, ValueError):
        return True
    return prefilled_mark(form, registers, made_on) != proposal.prefilled


def _new_files(home: Home, differences: Iterable[Difference]) -> dict[str, tuple[bytes | None, bytes]]:
    """Return the registers that change: their bytes before and after, the latter read again and found good."""
    files = {}
    for difference in differences:
        if not difference.effective:
            continue
        name = difference.table.name
        before = _bytes_in_force(home, name)
        after = changed_file(difference, before)
        if problems := read_register(difference.table, after, file=f"registers/{name}.csv").problems:
            raise ProblemsFound(problems, remedy="Nothing was changed: mend the register, or ask for another form.")
        files[name] = (before, after)
    return files


def _require_waiting(proposal: Proposal) -> None:
    if proposal.state == WAITING:
        return
    remedy = (
        "Decide on the later form; refuse this one."
        if proposal.state == OVERTAKEN
        else "Ask for a new form if something is to change."
    )
    raise ConfigurationError(f"The proposal is {proposal.state}.", where=proposal.proposal_id, remedy=remedy)


def _require_person(by: str) -> None:
    if not by.strip():
        raise ConfigurationError("Nobody is named.", where="--by", remedy="Name who decides.")
