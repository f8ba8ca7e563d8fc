"""Turn what a parser gives into plain JSON, so that it can be compared with a stored expectation.

Belongs here: the form of the ``.expected.json`` files. To renew one after a deliberate change: read the difference that
the failing test prints, then run ``python -m tests.golden.golden FILE…`` and say in the commit why it moved.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import sys
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipelines.parsing.ledger_profile import Profile

HERE = Path(__file__).parent


def parse(path: Path) -> dict[str, Any]:
    """Return what the parser of a golden file's folder gives for it, as plain JSON values."""
    raw = path.read_bytes()
    if path.parent.name == "saft":
        return _parse_saft(raw)
    if path.parent.name == "ehf":
        from pipelines.parsing.ehf import parse_document

        parsed: Any = parse_document(raw)
    elif path.parent.name == "ledgers":
        from pipelines.parsing.ledger import parse_ledger

        parsed = parse_ledger(raw, ledger_profile(path), path.name)
    elif path.parent.name == "notices":
        from pipelines.parsing.notices import parse_notice

        parsed = parse_notice(raw)
    elif path.parent.name == "registers":
        from pipelines.parsing.register_form import parse_form

        parsed = parse_form(raw, path.name.split("__")[0], registers_in_force())
    elif path.parent.name == "contracts":
        from pipelines.contract_profile import load_contract_profile
        from pipelines.parsing.contract_export import parse_contracts

        profile = load_contract_profile(path.name.split("__")[0], HERE)
        parsed = parse_contracts(raw, profile, "_consortium", registers_in_force(), may_speak_for_all=True)
    else:
        from tests.whole_units import parse_units

        parsed = parse_units(raw)
    return {field.name: plain(getattr(parsed, field.name)) for field in dataclasses.fields(parsed)}


def _parse_saft(raw: bytes) -> dict[str, Any]:
    """Return what a SAF-T file gives, its parts put together by table."""
    import io

    from pipelines.parsing.saft import Header, Part, Totals, UnreadableSaft, read_saft

    given: dict[str, Any] = {"rejects": [], "issues": [], "header": None, "refusal": None}

    def give(part: Header | Part) -> None:
        if isinstance(part, Header):
            given["header"] = {name: plain(value) for name, value in vars(part).items() if name != "days"}
            given["header"]["days"] = plain(list(part.days))
            return
        given["rejects"] += plain(part.rejects)
        given["issues"] += plain(part.issues)
        if part.table is not None:
            rows = part.rows if part.columns is None else part.columns.to_pylist()
            given[part.table.name] = given.get(part.table.name, []) + plain(rows)

    totals = Totals()
    try:
        read_saft(io.BytesIO(raw), give, totals)
    except UnreadableSaft as refused:
        return {"refusal": plain(refused.reject)}
    return given | {"totals": {name: plain(value) for name, value in vars(totals).items()}}


@functools.cache
def registers_in_force() -> dict[str, list[dict[str, Any]]]:
    """Return the registers that golden forms and exports are read under."""
    import tempfile

    from tests.unit.registered import make_registered_home

    with tempfile.TemporaryDirectory() as folder:
        return make_registered_home(Path(folder) / "home").read_registers()


def ledger_profile(path: Path) -> Profile:
    """Return the profile that a golden ledger's name begins with: one of ours beside the files, else a shipped one."""
    from pipelines.parsing.ledger_profile import load_profile

    name = path.name.split("__")[0]
    own = HERE / "ledgers" / "profiles" / f"{name}.yml"
    return load_profile(str(own) if own.is_file() else name, None)


def plain(value: Any) -> Any:
    """Return a value as JSON holds it; rejects without what they do not state."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {name: plain(entry) for name, entry in dataclasses.asdict(value).items() if entry is not None}
    if isinstance(value, dict):
        return {name: plain(entry) for name, entry in sorted(value.items()) if entry is not None}
    if isinstance(value, list):
        return [plain(entry) for entry in value]
    if isinstance(value, Decimal | date):
        return str(value)
    return value


def expected_path(path: Path) -> Path:
    """Return where a golden file's expectation lies."""
    return path.with_suffix(path.suffix + ".expected.json")


def golden_files() -> list[Path]:
    """Return every golden file that has an expectation."""
    suffixes = {".xml", ".csv", ".xlsx", ".json", ".txt"}
    return sorted(
        path for path in HERE.glob("*/*") if path.suffix in suffixes and not path.name.endswith(".expected.json")
    )


if __name__ == "__main__":
    for name in sys.argv[1:]:
        text = json.dumps(parse(Path(name)), ensure_ascii=False, indent=1, sort_keys=True) + "\n"
        expected_path(Path(name)).write_text(text, encoding="utf-8")
