"""The home of a consortium: where everything lies, and reading its settings and registers.

Belongs here: paths of a home, ``consortium.yaml`` as typed objects, all registers read and checked at once. Not here:
what a register's columns are (registers.py), writing any of it (demo/ and ``samandel init``).
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from pipelines.access import ACCESS_KEYS, Access, read_access, transport_of
from pipelines.errors import ConfigurationError, ProblemsFound
from pipelines.files import KEY_TWICE, read_yaml
from pipelines.limits import DEFAULT_LIMITS, LIMITS, Limits
from pipelines.municipalities import overlap_in_time
from pipelines.registers import REGISTERS, REQUIRED_REGISTERS, read_register

SOURCE_KINDS = ("ehf", "ledger", "saft", "notices", "brreg", "registers")
PROFILED = ("ledger", "registers")
CONSORTIUM = "_consortium"  # the owner of joint deliveries: register bulk, the registers themselves
DEFAULT_SETTLE_SECONDS = 5
DEFAULT_REFRESH_DAYS = 30


@dataclass(frozen=True)
class Source:
    """One place from which one owner's deliveries come.

    Attributes:
        owner: Municipality number, ``_workshop_<org_no>`` or ``_consortium``.
        name: The source's name, unique per owner; the kind unless the owner has several of a kind.
        kind: One of SOURCE_KINDS.
        url: A folder (absolute, or relative to the home) or a URL.
        profile: Profile of a ledger (a shipped name, or a path relative to the home) or of a contract register. None
            for other kinds.
        settle_seconds: A file must have stopped growing for this long before it is taken.
        schedule: Cron expression, or None for the inbox sensor only.
        access: How the server of a URL is logged in to.
        api: Base of the company register's interface, which ``samandel brreg fetch`` asks; answers go to the folder.
        refresh_days: After how many days that command asks for a unit again.
    """

    owner: str
    name: str
    kind: str
    url: str
    profile: str | None = None
    settle_seconds: int = DEFAULT_SETTLE_SECONDS
    schedule: str | None = None
    access: Access = Access()
    api: str | None = None
    refresh_days: int = DEFAULT_REFRESH_DAYS

    @property
    def transport(self) -> str | None:
        """Return ``sftp``, ``s3`` or ``https``; None for a folder."""
        return transport_of(self.url)


@dataclass(frozen=True)
class Consortium:
    """What consortium.yaml says.

    Attributes:
        name: The cooperation's name.
        host: Municipality number of the host.
        currency: Always NOK today.
        as_of: A pinned clock (the demo's), or None for today.
        window_months: How many months a release looks back on, its own included.
        gate_key: Reference to the gate's HMAC key, or None where none is named (then nothing can be published).
        sources: Every source of every owner, sorted by owner and name.
        limits: How much a delivered file may cost.
    """

    name: str
    host: str
    currency: str = "NOK"
    as_of: date | None = None
    window_months: int = 12
    gate_key: str | None = None
    sources: tuple[Source, ...] = field(default=())
    limits: Limits = DEFAULT_LIMITS

    def sources_of(self, owner: str) -> tuple[Source, ...]:
        """Return the sources of one owner."""
        return tuple(source for source in self.sources if source.owner == owner)


@dataclass(frozen=True)
class Home:
    """A consortium's home folder; see ARCHITECTURE.md for what each folder holds."""

    path: Path

    @property
    def consortium_file(self) -> Path:
        """Return where the settings lie."""
        return self.path / "consortium.yaml"

    @property
    def registers(self) -> Path:
        """Return the folder of the registers."""
        return self.path / "registers"

    @property
    def inbox(self) -> Path:
        """Return the folder that members drop files into."""
        return self.path / "inbox"

    @property
    def landing(self) -> Path:
        """Return the write-once store of delivered bytes."""
        return self.path / "landing"

    @property
    def parsed(self) -> Path:
        """Return the folder of typed Parquet."""
        return self.path / "parsed"

    @property
    def matched(self) -> Path:
        """Return the folder of scores of names and texts."""
        return self.path / "matched"

    @property
    def warehouse(self) -> Path:
        """Return the folder of the warehouse and its builds."""
        return self.path / "warehouse"

    @property
    def warehouse_file(self) -> Path:
        """Return the last green warehouse."""
        return self.warehouse / "samandel.duckdb"

    @property
    def gate_facts_file(self) -> Path:
        """Return the facts of the gate and its releases, which are attached to the warehouse for reading."""
        return self.warehouse / "gate.duckdb"

    @property
    def analyst_file(self) -> Path:
        """Return the database that analysts open: the consortium's mart as it was released."""
        return self.warehouse / "analyst.duckdb"

    @property
    def history(self) -> Path:
        """Return the folder of what each green build said."""
        return self.path / "history"

    @property
    def proposals(self) -> Path:
        """Return the folder of what was decided on proposed register rows, and of those that the platform makes."""
        return self.path / "proposals"

    @property
    def candidates(self) -> Path:
        """Return the folder of what is rendered but not yet allowed out."""
        return self.path / "candidates"

    @property
    def gate(self) -> Path:
        """Return the folder of decisions and evidence."""
        return self.path / "gate"

    @property
    def recalled(self) -> Path:
        """Return the folder where recalled releases are kept, in the same order of folders as ``releases``."""
        return self.gate / "recalled"

    @property
    def releases(self) -> Path:
        """Return the folder of what is published."""
        return self.path / "releases"

    @property
    def reports(self) -> Path:
        """Return the folder of the reports to those who delivered."""
        return self.path / "reports"

    @property
    def dagster(self) -> Path:
        """Return Dagster's own folder."""
        return self.path / "dagster"

    @property
    def logs(self) -> Path:
        """Return the folder of logs."""
        return self.path / "logs"

    @property
    def run_lock(self) -> Path:
        """Return the lock that one run at a time holds."""
        return self.path / ".run.lock"

    def place(self, path: str | Path) -> Path:
        """Return what a path in the settings means.

        ``..`` and the administrator's links are resolved: those above the home, and inbox/ itself; no others.
        """
        written = _as_written(self.path / path)
        for known in (self.inbox, self.path):
            if written.is_relative_to(_as_written(known)):
                return known.resolve() / written.relative_to(_as_written(known))
        return written

    def folder_problem(self, source: Source) -> str | None:
        """Return why a source's folder is no place for what members drop; None where it is one."""
        top, inbox, folder = self.path.resolve(), self.inbox.resolve(), self.place(source.url)
        if top.is_relative_to(folder) or inbox.is_relative_to(folder):
            return "the home or its inbox/ lies in it."
        if folder.is_relative_to(inbox):
            fits = not any(part.startswith(".") for part in folder.relative_to(inbox).parts)
        else:
            fits = not folder.is_relative_to(top)
        return None if fits else "within the home, files are dropped below inbox/, in folders that are not hidden."

    def require(self) -> Home:
        """Return self if this is a home.

        Raises:
            ConfigurationError: The folder or its consortium.yaml does not exist.
        """
        if not self.consortium_file.is_file():
            raise ConfigurationError(
                "This is not a home: consortium.yaml does not exist.",
                where=str(self.path),
                remedy="Make one with 'samandel init HOME' (or --demo), or name another with --home or SAMANDEL_HOME.",
            )
        return self

    @cached_property
    def consortium(self) -> Consortium:
        """Return the settings, read and checked once.

        Raises:
            ProblemsFound: With every problem in the file, by key.
        """
        self.require()
        return read_consortium(self.consortium_file.read_bytes())

    def check(self) -> None:
        """Read settings and registers, and say everything that is wrong with either at once.

        Raises:
            ConfigurationError: The folder is not a home.
            ProblemsFound: With every problem of consortium.yaml and of every register.
        """
        self.require()
        problems: list[str] = []
        for read in (lambda: self.consortium, self.read_registers):
            try:
                read()
            except ProblemsFound as found:
                problems += found.problems
        if not problems:
            problems = self._unknown_members() + self._folder_problems()
        if problems:
            raise ProblemsFound(problems, remedy="Mend the files, then run again. Nothing was changed.")

    def _unknown_members(self) -> list[str]:
        """Say which owners in consortium.yaml no register knows: their files would land and never be seen again."""
        registers = self.read_registers()
        members = {row["municipality_no"] for row in registers["members"]}
        buyers = {row["municipality_no"] for row in registers["member_org_nos"]}
        owners = sorted({source.owner for source in self.consortium.sources if source.owner.isdigit()})
        problems = [
            f"consortium.yaml, members.{owner}: not in registers/members.csv; add a row there, or take it out here."
            for owner in owners
            if owner not in members
        ]
        problems += [
            f"registers/member_org_nos.csv: {owner} has no organisation number; add the one it buys under."
            for owner in owners
            if owner in members and owner not in buyers
        ]
        workshops = {f"_workshop_{row['org_no']}" for row in registers["workshops"]}
        problems += [
            f"consortium.yaml, members.{owner}: not in registers/workshops.csv; add a row there, or take it out here."
            for owner in sorted({source.owner for source in self.consortium.sources})
            if owner.startswith("_workshop_") and owner not in workshops
        ]
        if self.consortium.host not in members:
            problems.append(f"consortium.yaml, host: {self.consortium.host} is not in registers/members.csv.")
        return problems + _shared_numbers(registers["member_org_nos"])

    def _folder_problems(self) -> list[str]:
        """Say which folders no source may have, or two sources have: what lies there would be taken as another's."""
        sources = [source for source in self.consortium.sources if source.transport is None]
        labels = {source: f"members.{source.owner}, source {source.name}" for source in sources}
        problems = [
            f"consortium.yaml, {label}: its folder {source.url} cannot be used: {problem}"
            for source, label in labels.items()
            if (problem := self.folder_problem(source))
        ]
        taken: dict[Path, Source] = {}
        for source in sorted(sources, key=lambda source: len(self.place(source.url).parts)):
            folder = self.place(source.url)
            other = next((taken[place] for place in (folder, *folder.parents) if place in taken), None)
            if other:
                text = f"its folder {source.url} is that of {labels[other]}, or lies in it."
                problems.append(f"consortium.yaml, {labels[source]}: {text}")
            taken.setdefault(folder, source)
        return problems

    def read_registers(self) -> dict[str, list[dict[str, Any]]]:
        """Return every register's typed rows by register name; an absent optional register is empty.

        Raises:
            ProblemsFound: With every problem of every register, by file, row and column.
        """
        problems: list[str] = []
        rows: dict[str, list[dict[str, Any]]] = {}
        for name, table in REGISTERS.items():
            path = self.registers / f"{name}.csv"
            if not path.is_file():
                rows[name] = []
                if name in REQUIRED_REGISTERS:
                    problems.append(f"registers/{name}.csv: does not exist; it is required.")
                continue
            result = read_register(table, path.read_bytes(), file=f"registers/{name}.csv")
            rows[name] = result.rows
            problems += result.problems
        if self.registers.is_dir():
            known = {f"{name}.csv" for name in REGISTERS}
            problems += [
                f"registers/{path.name}: not a register; known: {', '.join(sorted(known))}."
                for path in sorted(self.registers.iterdir())
                if path.is_file() and path.name not in known and not path.name.startswith(".")
            ]
        if problems:
            raise ProblemsFound(problems, remedy="Mend the registers, then run again. Nothing was changed.")
        return rows


def _as_written(path: Path) -> Path:
    return Path(os.path.normpath(path.absolute()))


def _shared_numbers(rows: list[dict[str, Any]]) -> list[str]:
    """Say which number two members buy under on one day: only a host's may stand under others, as their host."""
    own = [row for row in rows if row["role"] != "host"]
    return [
        f"registers/member_org_nos.csv, row {row['_row_no']}, column org_no: it is {other['municipality_no']}'s too "
        f"(row {other['_row_no']}). Where one of them pays for the other, give that row the role host."
        for position, row in enumerate(own)
        for other in own[:position]
        if row["org_no"] == other["org_no"]
        and row["municipality_no"] != other["municipality_no"]
        and overlap_in_time(row, other)
    ]


# Both name folders of the home.
_OWNER = r"[0-9]{4}|_workshop_[0-9A-Z]{2,20}"
_SOURCE_NAME = r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}"
_TOP_KEYS = {"name", "host", "currency", "as_of", "publication", "keys", "members", "joint_sources", "limits"}
_SOURCE_KEYS = {
    "name",
    "kind",
    "folder",
    "url",
    "profile",
    "settle_seconds",
    "schedule",
    "api",
    "refresh_days",
} | ACCESS_KEYS


def read_consortium(raw: bytes) -> Consortium:
    """Turn the bytes of consortium.yaml into settings.

    Raises:
        ProblemsFound: With every problem, each naming the key and what to write.
    """
    import yaml

    try:
        document = read_yaml(raw.decode("utf-8-sig"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        # Where it is, never what stands there: the line may hold what should have been a reference.
        mark = getattr(error, "problem_mark", None)
        place = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        if getattr(error, "problem", None) == KEY_TWICE:
            raise ProblemsFound(
                [f"consortium.yaml{place}: {KEY_TWICE}; only one would count."], remedy="Put both under one key."
            ) from None
        raise ProblemsFound(
            [f"consortium.yaml{place}: cannot be read as YAML."],
            remedy="Look at quotes, colons and indentation there and in the line before.",
        ) from None
    if not isinstance(document, Mapping):
        raise ProblemsFound(
            ["consortium.yaml: must be a mapping with name, host and members."],
            remedy="Write the file anew or restore it; 'samandel init' in an empty folder makes a commented one.",
        )
    reader = _Reader()
    consortium = reader.read(document)
    if reader.problems:
        raise ProblemsFound(reader.problems, remedy="Mend consortium.yaml, then run again. Nothing was changed.")
    return consortium


class _Reader:
    """Collects every problem while reading, so that a user mends the file once."""

    def __init__(self) -> None:
        self.problems: list[str] = []

    def problem(self, key: str, text: str) -> None:
        self.problems.append(f"consortium.yaml, {key}: {text}")

    def read(self, document: Mapping[Any, Any]) -> Consortium:
        for key in document:
            if key not in _TOP_KEYS:
                self.problem(str(key), f"unknown key; known: {', '.join(sorted(_TOP_KEYS))}.")
        publication = self.mapping(document, "publication")
        keys = self.mapping(document, "keys")
        if set(keys) - {"gate_hmac"}:
            self.problem("keys", "unknown key below it; known: gate_hmac.")
        gate_key = keys.get("gate_hmac")
        if gate_key is not None and not str(gate_key).startswith(("env:", "file:")):
            # The value itself is not repeated: it may be the secret.
            self.problem("keys.gate_hmac", "a secret must be a reference: env:NAME or file:PATH.")
            gate_key = None
        sources = self.member_sources(document) + self.sources(
            CONSORTIUM, document.get("joint_sources", []), "joint_sources"
        )
        return Consortium(
            name=self.text(document, "name"),
            host=self.text(document, "host"),
            currency=str(document.get("currency", "NOK")),
            as_of=self.day(document, "as_of"),
            window_months=self.whole(publication, "window_months", 12, "publication.window_months", minimum=1),
            gate_key=None if gate_key is None else str(gate_key),
            sources=tuple(sorted(sources, key=lambda source: (source.owner, source.name))),
            limits=self.limits(self.mapping(document, "limits")),
        )

    def limits(self, entries: Mapping[Any, Any]) -> Limits:
        given: dict[str, int] = {}
        for key, value in entries.items():
            path = f"limits.{key}"
            if key not in LIMITS:
                self.problem(path, f"unknown key; known: {', '.join(LIMITS)}.")
                continue
            given[key] = self.whole(entries, key, getattr(DEFAULT_LIMITS, key), path, minimum=1)
            most = LIMITS[key]
            if most is not None and given[key] > most:
                self.problem(path, f"{value} is more than can be read: at most {most}.")
        return Limits(**given)

    def mapping(self, document: Mapping[Any, Any], key: str) -> Mapping[Any, Any]:
        value = document.get(key) or {}
        if isinstance(value, Mapping):
            return value
        self.problem(key, "must be a mapping.")
        return {}

    def text(self, document: Mapping[Any, Any], key: str) -> str:
        value = document.get(key)
        if not isinstance(value, str) or not value.strip():
            self.problem(key, "must be text; quote numbers: '9901'.")
            return ""
        return value.strip()

    def day(self, document: Mapping[Any, Any], key: str) -> date | None:
        value = document.get(key)
        if value is None or (isinstance(value, date) and not isinstance(value, datetime)):
            return value
        self.problem(key, "must be a date: yyyy-mm-dd.")
        return None

    def whole(self, document: Mapping[Any, Any], key: str, default: int, path: str, *, minimum: int = 0) -> int:
        value = document.get(key, default)
        if isinstance(value, int) and not isinstance(value, bool) and value >= minimum:
            return value
        self.problem(path, f"must be a whole number of at least {minimum}.")
        return default

    def member_sources(self, document: Mapping[Any, Any]) -> list[Source]:
        members = self.mapping(document, "members")
        if not members:
            self.problem("members", "must name at least one municipality and its sources.")
        sources: list[Source] = []
        for municipality_no, entry in members.items():
            path = f"members.{municipality_no}"
            if not isinstance(municipality_no, str):
                self.problem(path, "the municipality number must be quoted text: '0301'.")
                continue
            if not re.fullmatch(_OWNER, municipality_no):
                self.problem(path, "must be a municipality number of four digits, or _workshop_ with its org number.")
                continue
            if not isinstance(entry, Mapping):
                self.problem(path, "must hold 'sources'.")
                continue
            sources += self.sources(municipality_no, entry.get("sources", []), f"{path}.sources")
        return sources

    def sources(self, owner: str, entries: Any, path: str) -> list[Source]:
        if not isinstance(entries, list):
            self.problem(path, "must be a list of sources.")
            return []
        sources: list[Source] = []
        for position, entry in enumerate(entries):
            source = self.source(owner, entry, f"{path}[{position}]")
            if source is None:
                continue
            if any(source.name == other.name for other in sources):
                self.problem(f"{path}[{position}].name", f"'{source.name}' stands twice; give each source a name.")
            sources.append(source)
        return sources

    def source(self, owner: str, entry: Any, path: str) -> Source | None:
        if not isinstance(entry, Mapping):
            self.problem(path, "must be a mapping with kind and folder or url.")
            return None
        for key in entry:
            if key not in _SOURCE_KEYS:
                self.problem(f"{path}.{key}", f"unknown key; known: {', '.join(sorted(_SOURCE_KEYS))}.")
        kind = entry.get("kind")
        if kind not in SOURCE_KINDS:
            self.problem(f"{path}.kind", f"must be one of {', '.join(SOURCE_KINDS)}.")
            return None
        self.profile(entry, kind, path)
        if re.search(r"//[^/]*@", str(entry.get("url") or "")):
            self.problem(f"{path}.url", "a name or password stands in it: secrets are given by reference only.")
        if entry.get("folder") and entry.get("url"):
            self.problem(path, "give folder or url, not both.")
        name = str(entry.get("name") or kind)
        if not re.fullmatch(_SOURCE_NAME, name):
            self.problem(f"{path}.name", "must be letters, digits, - and _ only: it names folders.")
            return None
        if owner == CONSORTIUM and kind == "registers" and name == "registers":
            self.problem(f"{path}.name", "'registers' is what the settings land under; give the source another name.")
        return Source(
            owner=owner,
            name=name,
            kind=str(kind),
            url=str(entry.get("url") or entry.get("folder") or f"inbox/{owner}/{name}"),
            profile=entry.get("profile"),
            settle_seconds=self.whole(entry, "settle_seconds", DEFAULT_SETTLE_SECONDS, f"{path}.settle_seconds"),
            schedule=entry.get("schedule"),
            access=read_access(entry, path, self.problem),
            api=self.api(entry, kind, path),
            refresh_days=self.whole(entry, "refresh_days", DEFAULT_REFRESH_DAYS, f"{path}.refresh_days"),
        )

    def profile(self, entry: Mapping[Any, Any], kind: Any, path: str) -> None:
        if kind == "ledger" and not entry.get("profile"):
            self.problem(f"{path}.profile", "a ledger needs a profile: a shipped name or a file in the home.")
        if entry.get("profile") and kind not in PROFILED:
            self.problem(
                f"{path}.profile",
                f"a source of kind {kind} is read without one: take it out, or write the kind that the files are "
                f"({' or '.join(PROFILED)}).",
            )

    def api(self, entry: Mapping[Any, Any], kind: Any, path: str) -> str | None:
        api = entry.get("api")
        if api is None:
            return None
        if kind != "brreg" or entry.get("url"):
            self.problem(f"{path}.api", "only a source of kind brreg has it, and that with a folder: no url beside it.")
        if not re.fullmatch(
            r"https://[^/@?#]+(/[^@?#]*)?|http://(127\.0\.0\.1|localhost)(:[0-9]+)?(/[^@?#]*)?", str(api)
        ):
            self.problem(f"{path}.api", "must be https://, such as https://data.brreg.no/enhetsregisteret/api.")
        return str(api)
