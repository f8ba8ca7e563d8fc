"""Contract profiles: how a contract system's spreadsheet export is laid out, read from YAML and checked.

A profile's keys (``columns`` with contract_id, title and valid_from are required):

* ``name``, ``description``; ``format``: csv or xlsx; ``sheet``; ``encoding`` (one or a list), ``delimiter``.
* ``columns``: any of COLUMNS to a header text, or a list of alternatives; case does not matter.
* ``dates``: formats such as dd.mm.yyyy; ``decimal``: comma or point; ``thousands``: list of signs.
* ``yes``, ``no``: what stands for a reserved contract and for one that is not; "" is a blank cell.
* ``exclusivity``: text to yes or no. Whatever is not named is unknown: it is never guessed.
* ``status_kept``: the states of contracts to take; without it all are.
* ``member_separators``: signs between municipalities in one cell; ``all_members``: texts that mean every member.
* ``categories``: text to category key, beside the categories' own names; ``unmapped_category``: reject (default) or
  empty, which leaves it to the CPV code.
* ``prefix_with_owner``: true where the system numbers contracts per municipality: 17 becomes 1804-17.

Belongs here: the keys, their types and their errors; which headers a row of cells has by one. Not here: reading an
export by one (parsing/contract_export.py), telling one from other files before it lands (landing/contents.py).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.errors import ConfigurationError, ProblemsFound
from pipelines.files import read_yaml, sha256_bytes

SHIPPED_FOLDER = Path(__file__).parent / "parsing" / "contract_profiles"
COLUMNS = (
    *("contract_id", "title", "supplier_org_no", "valid_from", "valid_to", "options_to", "category", "cpv"),
    *("estimated_value_nok", "is_reserved", "exclusivity", "notice_id", "members", "status"),
)
REQUIRED = ("contract_id", "title", "valid_from")
_LISTS = ("dates", "yes", "no", "status_kept", "member_separators", "all_members", "thousands")
_TEXTS = ("name", "description", "format", "sheet", "delimiter", "decimal", "unmapped_category")
_KEYS = {*_LISTS, *_TEXTS, "columns", "encoding", "exclusivity", "categories", "prefix_with_owner"}


@dataclass(frozen=True)
class ContractProfile:
    """One layout of a contract register; see the module's docstring for each key."""

    name: str
    digest: str
    format: str
    columns: Mapping[str, tuple[str, ...]]
    sheet: str | None = None
    encoding: tuple[str, ...] = ("utf-8-sig", "cp1252")
    delimiter: str = ";"
    dates: tuple[str, ...] = ("dd.mm.yyyy", "yyyy-mm-dd")
    decimal: str = ","
    thousands: tuple[str, ...] = (" ", "\u00a0", "\u202f", ".")
    yes: tuple[str, ...] = ("ja",)
    no: tuple[str, ...] = ("nei",)
    exclusivity: Mapping[str, str] | None = None
    status_kept: tuple[str, ...] = ()
    member_separators: tuple[str, ...] = (",", ";", "\n")
    all_members: tuple[str, ...] = ()
    categories: Mapping[str, str] | None = None
    unmapped_category: str = "reject"
    prefix_with_owner: bool = False


def place_headers(profile: ContractProfile, headers: Sequence[str]) -> dict[str, int]:
    """Return where in a row of headers each column of a profile stands; the first of its alternatives counts."""
    folded = [header.casefold() for header in headers]
    placed = {}
    for name, alternatives in profile.columns.items():
        found = next((header.casefold() for header in alternatives if header.casefold() in folded), None)
        if found is not None:
            placed[name] = folded.index(found)
    return placed


def shipped_contract_profiles() -> list[str]:
    """Return the names of the profiles that come with the platform."""
    return sorted(path.stem for path in SHIPPED_FOLDER.glob("*.yml"))


def load_contract_profile(name_or_path: str, home_path: Path) -> ContractProfile:
    """Return a shipped profile by its name, or a home's own by its path.

    Raises:
        ConfigurationError: There is no such profile.
        ProblemsFound: It has problems; all of them.
    """
    shipped = SHIPPED_FOLDER / f"{name_or_path}.yml"
    path = shipped if re.fullmatch(r"[a-z0-9_]+", name_or_path) and shipped.is_file() else home_path / name_or_path
    if not path.is_file():
        raise ConfigurationError(
            "There is no such contract profile.",
            where=name_or_path,
            remedy=f"Name a shipped one ({', '.join(shipped_contract_profiles())}) or the path of a profile file.",
        )
    return read_contract_profile(path.read_bytes(), file=name_or_path)


def read_contract_profile(raw: bytes, *, file: str) -> ContractProfile:
    """Turn the bytes of a profile into a checked one.

    Raises:
        ProblemsFound: With every problem, each naming file and key.
    """
    import yaml

    try:
        document = read_yaml(raw.decode("utf-8-sig"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ProblemsFound([f"contract profile {file}: cannot be read as YAML: {error}"]) from None
    if not isinstance(document, Mapping):
        raise ProblemsFound([f"contract profile {file}: must be a mapping with format and columns."])
    problems = [f"contract profile {file}, {key}: {text}" for key, text in _problems(document)]
    if problems:
        raise ProblemsFound(problems, remedy="Mend the profile, then run again. Nothing was changed.")
    values: dict[str, Any] = {key: str(document[key]) for key in _TEXTS if document.get(key) is not None}
    values |= {key: tuple(map(str, document[key])) for key in _LISTS if key in document}
    values |= {key: _texts(document[key]) for key in ("exclusivity", "categories") if key in document}
    values.pop("description", None)
    if "encoding" in document:
        values["encoding"] = _alternatives(document["encoding"])
    values["columns"] = {name: _alternatives(header) for name, header in document["columns"].items()}
    values |= {"name": values.get("name", file), "digest": sha256_bytes(raw)}
    return ContractProfile(**values, prefix_with_owner=document.get("prefix_with_owner") is True)


def _alternatives(value: Any) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list) else (str(value),)


def _texts(value: Mapping[Any, Any]) -> dict[str, str]:
    return {str(key).casefold(): _yes_no(answer) for key, answer in value.items()}


def _yes_no(value: Any) -> str:
    # YAML reads an unquoted yes as true.
    return {True: "yes", False: "no"}.get(value, str(value)) if isinstance(value, bool) else str(value)


def _problems(document: Mapping[Any, Any]) -> list[tuple[str, str]]:
    found = [(str(key), f"unknown key; known: {', '.join(sorted(_KEYS))}.") for key in document if key not in _KEYS]
    if document.get("format") not in ("csv", "xlsx"):
        found.append(("format", "must be csv or xlsx."))
    found += [(key, "must be a list.") for key in _LISTS if not isinstance(document.get(key, []), list)]
    maps = ("exclusivity", "categories")
    found += [(key, "must be a mapping.") for key in maps if not isinstance(document.get(key, {}), Mapping)]
    if not isinstance(document.get("prefix_with_owner", False), bool):
        found.append(("prefix_with_owner", "must be true or false."))
    if len(str(document.get("delimiter", ";"))) != 1:
        found.append(("delimiter", "must be one character."))
    if str(document.get("decimal", ",")) not in (",", "."):
        found.append(("decimal", "must be a comma or a point."))
    if document.get("unmapped_category", "reject") not in ("reject", "empty"):
        found.append(("unmapped_category", "must be reject or empty."))
    exclusivity = document.get("exclusivity")
    if isinstance(exclusivity, Mapping) and set(_texts(exclusivity).values()) - {"yes", "no", "unknown"}:
        found.append(("exclusivity", "maps texts to yes, no or unknown."))
    return found + _column_problems(document.get("columns")) + _encoding_problems(document.get("encoding", "utf-8"))


def _column_problems(columns: Any) -> list[tuple[str, str]]:
    if not isinstance(columns, Mapping):
        return [("columns", "must map columns to header texts.")]
    found = [("columns", f"lacks {name}.") for name in REQUIRED if name not in columns]
    unknown = [name for name in columns if name not in COLUMNS]
    found += [(f"columns.{name}", f"unknown; known: {', '.join(COLUMNS)}.") for name in unknown]
    return found


def _encoding_problems(encoding: Any) -> list[tuple[str, str]]:
    import codecs

    try:
        for name in _alternatives(encoding):
            codecs.lookup(name)
    except LookupError:
        return [("encoding", "is no encoding that Python knows.")]
    return []
