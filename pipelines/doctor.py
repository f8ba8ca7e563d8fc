"""Examine the installation and a home; say what to do about what is wrong.

Belongs here: read-only checks whose findings a coordinator can act on. Not here: mending anything, quality rules
(gate/).
"""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib import metadata

from pipelines.errors import SamandelError
from pipelines.home import Home, Source
from pipelines.settings import LOCK_FILE, resolve_secret

Finding = dict[str, str]
_TOOLS = ("dagster", "dbt-core", "dbt-duckdb", "duckdb", "great-expectations", "pandas", "pyarrow", "lxml")
_LOOKS_AT_ONCE = 8
_FREE_BYTES_WANTED = 2 << 30


def examine(home: Home) -> list[Finding]:
    """Return findings {check, state (ok|wrong|note), found, remedy}, the installation first."""
    findings = [_python(), *_versions(), _disk(home)]
    for check in (
        _settings,
        _registers,
        _sources,
        _refused_drops,
        _proposals,
        _gate_key,
        _approvers,
        _warehouse,
        _decisions,
    ):
        findings += list(_guarded(check, home))
    return _once(findings)


def _once(findings: list[Finding]) -> list[Finding]:
    """Return the findings with what several checks stumble over told by the first of them only."""
    told: dict[tuple[str, str], str] = {}
    kept = []
    for one in findings:
        key = (one["found"], one["remedy"])
        if one["state"] == "wrong" and key in told:
            kept.append(_finding(one["check"], f"not looked at: mend '{told[key]}' first", state="note"))
            continue
        if one["state"] == "wrong":
            told[key] = one["check"]
        kept.append(one)
    return kept


def _finding(check: str, found: str, remedy: str = "", *, state: str = "") -> Finding:
    return {"check": check, "state": state or ("wrong" if remedy else "ok"), "found": found, "remedy": remedy}


def _guarded(check: Callable[[Home], Iterator[Finding]], home: Home) -> Iterator[Finding]:
    try:
        yield from check(home)
    except SamandelError as error:
        name = check.__name__.removeprefix("_").replace("_", " ")
        yield _finding(name, f"{error.what} {error.where}".strip(), error.remedy or "Mend it.")


def _python() -> Finding:
    version = ".".join(str(part) for part in sys.version_info[:3])
    remedy = "" if sys.version_info >= (3, 11) else "Install Python 3.11 or newer."
    return _finding("python", version, remedy)


def _versions() -> Iterator[Finding]:
    """Hold the installed tools against the lock file."""
    locked = dict(re.findall(r"^([a-z0-9._-]+)==(\S+)", LOCK_FILE.read_text(encoding="utf-8"), re.MULTILINE))
    for tool in _TOOLS:
        try:
            installed = metadata.version(tool)
        except metadata.PackageNotFoundError:
            yield _finding(tool, "not installed", "Run 'make setup'.")
            continue
        remedy = "" if installed == locked.get(tool) else f"The lock says {locked.get(tool)}: run 'make setup'."
        yield _finding(tool, installed, remedy)


def _disk(home: Home) -> Finding:
    place = home.path
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    remedy = "" if free > _FREE_BYTES_WANTED else "Free some space: a build needs room for a second warehouse."
    return _finding("disk", f"{free / (1 << 30):.1f} GiB free at {place}", remedy)


def _settings(home: Home) -> Iterator[Finding]:
    consortium = home.require().consortium
    yield _finding("consortium.yaml", f"{consortium.name}, {len(consortium.sources)} sources")


def _registers(home: Home) -> Iterator[Finding]:
    home.require()
    rows = home.read_registers()
    home.check()
    filled = sum(1 for register in rows.values() if register)
    yield _finding("registers", f"{filled} filled, {len(rows['members'])} member rows, no problems")


def _sources(home: Home) -> Iterator[Finding]:
    home.require()
    sources = home.consortium.sources
    servers = [source for source in sources if source.transport is not None]
    with ThreadPoolExecutor(_LOOKS_AT_ONCE) as looks:
        found = looks.map(lambda source: _server(home, source), servers)
        for source in sources:
            if source.transport is None:
                yield from _folder(home, source)
            yield from _profile(home, source)
        yield from found
    yield _finding("sources", f"{len(sources)} looked at")


def _folder(home: Home, source: Source) -> Iterator[Finding]:
    from pipelines.landing.inbox import left_lying
    from pipelines.landing.no_links import source_folder

    try:
        folder = source_folder(home, source)
    except SamandelError as error:
        yield _finding(_label(source), f"{error.what} {error.where}", error.remedy)
        return
    if not folder.is_dir():
        yield _finding(_label(source), f"{folder} does not exist", "Make the folder, or mend consortium.yaml.")
    if left := left_lying(home, source):
        names = ", ".join(left[:3]) + (f" and {len(left) - 3} more" if len(left) > 3 else "")
        remedy = "Have the files themselves dropped, and remove these."
        yield _finding(_label(source), f"not taken: {names}", remedy, state="note")


def _profile(home: Home, source: Source) -> Iterator[Finding]:
    """Read a source's profile and say what it leaves open."""
    from pipelines.contract_profile import load_contract_profile
    from pipelines.parsing.ledger_profile import load_profile

    if not source.profile:
        return
    try:
        if source.kind == "registers":
            load_contract_profile(source.profile, home.path)
            return
        profile = load_profile(source.profile, home.path)
    except SamandelError as error:
        yield _finding(_label(source), f"{error.what} {error.where}".strip(), error.remedy or "Mend the profile.")
        return
    for one in profile.undecided:
        yield _finding(_label(source), f"{source.profile}: {one}", state="note")


def _label(source: Source) -> str:
    return f"source {source.owner}/{source.name}"


def _server(home: Home, source: Source) -> Finding:
    """Log in to a source's server and look what lies there; nothing is taken."""
    from pipelines.landing.transports import look_once

    try:
        look = look_once(home, source)
    except SamandelError as error:
        return _finding(_label(source), f"{error.what} {error.where}", error.remedy)
    if look.refused:
        names = ", ".join(look.refusals[:3])
        return _finding(_label(source), f"{len(look.refused)} refused: {names}", "Mend what the reasons say.")
    return _finding(_label(source), f"{source.url} answers, {len(look.versions)} files, {len(look.files)} of them new")


def _refused_drops(home: Home) -> Iterator[Finding]:
    """Tell what lies refused: it may well be personal data, and nothing ever takes it away by itself."""
    from pipelines.landing.inbox import REFUSED

    lying: dict[str, int] = {}
    for path in sorted((home.inbox / REFUSED).glob("*/*/*")):
        place = "/".join(path.parts[-3:-1])
        lying[place] = lying.get(place, 0) + 1
    if not lying:
        yield _finding("refused drops", f"none in inbox/{REFUSED}")
        return
    places = ", ".join(f"{place} ({count})" for place, count in lying.items())
    remedy = "Ask the sender for what was agreed, then delete them: they may be personal data that you should not hold."
    yield _finding("refused drops", f"{sum(lying.values())} in inbox/{REFUSED}: {places}", remedy, state="note")


def _proposals(home: Home) -> Iterator[Finding]:
    from pipelines.proposals import WAITING, list_proposals

    waiting = sum(1 for one in list_proposals(home) if one.state == WAITING)
    if waiting:
        yield _finding("proposals", f"{waiting} wait for a decision: samandel register list", state="note")
    else:
        yield _finding("proposals", "none wait; the record of decisions is whole")


def _gate_key(home: Home) -> Iterator[Finding]:
    reference = home.require().consortium.gate_key
    if reference is None:
        remedy = "Write keys: gate_hmac: file:PATH in consortium.yaml (see docs/operations.md)."
        yield _finding("gate key", "none named: nothing can be published", remedy)
        return
    resolve_secret(reference, home=home.path)
    yield _finding("gate key", f"{reference.partition(':')[0]} reference resolves")


def _approvers(home: Home) -> Iterator[Finding]:
    """Tell whether there are two who may sign: without them no product goes out."""
    from pipelines.gate.approvers import REGISTER, Approvers
    from pipelines.settings import Clock

    as_of = home.require().consortium.as_of
    rows = home.read_registers()[REGISTER]
    approvers = Approvers(rows)
    for row in rows:
        if problem := approvers.problem(row):
            where = f"registers/{REGISTER}.csv, row {row['_row_no']}: {problem}"
            yield _finding("approvers", where, "Write what 'samandel keys new' printed, for each person a key.")
    may_sign = approvers.on(as_of or Clock.real().as_of)
    if len(may_sign) < 2:
        remedy = "Make a key for each of two persons: 'samandel keys new'."
        yield _finding("approvers", f"{len(may_sign)} may sign, a release needs two", remedy, state="note")
    else:
        yield _finding("approvers", f"{len(may_sign)} may sign: {', '.join(sorted(may_sign))}")


def _warehouse(home: Home) -> Iterator[Finding]:
    if not home.warehouse_file.is_file():
        yield _finding("warehouse", "not built yet", state="note")
        return
    from pipelines.warehouse.read import connect

    with connect(home) as connection:
        row = connection.execute("select count(*) from main.fct_purchases").fetchone()
    yield _finding("warehouse", f"opens, {row[0] if row else 0} purchase lines")


def _decisions(home: Home) -> Iterator[Finding]:
    if not (home.gate / "decisions.jsonl").is_file():
        yield _finding("decisions", "none yet", state="note")
        return
    from pipelines.gate.decisions import verify_chain

    problems = verify_chain(home)
    remedy = "The gate's log was changed: restore it from a backup; nothing is published until then."
    yield _finding("decisions", "; ".join(problems[:3]) or "the chain holds", remedy if problems else "")
