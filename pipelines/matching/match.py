"""The step: read what was parsed, score what is new, write ``matched/``.

Belongs here: which names and texts are asked for, what was scored before, the files. Not here: scoring (suppliers.py,
texts.py), decisions (dbt_project/).

Each file is replaced whole and last of its kind: cut short, a file is the one before or the new one, and the next run
scores what lacks. The same parsed tables give the same bytes, whatever was scored when.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from pipelines.errors import BuildFailed
from pipelines.files import sha256_bytes
from pipelines.home import Home
from pipelines.matching import schema, suppliers, texts
from pipelines.matching.names import name_kind
from pipelines.tables import Table, arrow_table, write_parquet

_FOUR_DECIMALS = Decimal("0.0001")
_NAMES = {
    "ledger_postings": "supplier_name",
    "saft_suppliers": "supplier_name",
    "ehf_invoices": "seller_name",
}

# As in the macros item_text and posting_text of the dbt project; an account that is a word says what was bought.
_BETWEEN_PARTS = "' | '"
_TEXTS = {
    "ehf_invoice_lines": "nullif(item_name, ''), nullif(item_description, '')",
    "ledger_postings": (
        "nullif(posting_text, ''), nullif(local_account_text, ''), "
        "case when regexp_matches(local_account, '[[:alpha:]]{3}') then local_account end"
    ),
}


@dataclass(frozen=True)
class Matched:
    """What a run of the step came to: how much there is, and how much of it was scored now."""

    names: int
    names_scored: int
    register_names: int
    texts: int
    texts_scored: int

    def as_dict(self) -> dict[str, int]:
        """Return the counts by name."""
        return asdict(self)


def matching_version() -> str:
    """Return what the matched tables depend on beside the parsed ones: the code and the training data."""
    return f"{suppliers.model_version()} {texts.model_version()}"


def match_home(home: Home) -> Matched:
    """Bring ``matched/`` up to date with what lies in ``parsed/``.

    Raises:
        BuildFailed: A file of parsed/ or matched/ is damaged; each is named.
    """
    import duckdb
    import pyarrow as pa

    try:
        return Matched(*_match_suppliers(home), *_match_texts(home))
    except (duckdb.Error, pa.ArrowInvalid):
        if damaged := [path.relative_to(home.path).as_posix() for path in _damaged_files(home)]:
            raise BuildFailed(
                "Files of the home are damaged; nothing is built, the last good warehouse stands.",
                where="\n          ".join(damaged),
                remedy="Move them away, and of each delivery under parsed/ its file under parsed/outcomes/; then run"
                " again: what is missing is made anew.",
            ) from None
        raise


def _damaged_files(home: Home) -> Iterator[Path]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    for path in sorted((*home.parsed.glob("*/*/*.parquet"), *home.matched.glob("*.parquet"))):
        try:
            pq.ParquetFile(path).close()
        except pa.ArrowInvalid:
            yield path


def matched_file(home: Home, table: Table) -> Path:
    """Return where a matched table lies."""
    return home.matched / f"{table.name}.parquet"


def ensure_matched(home: Home) -> None:
    """Give every table that dbt reads an empty, typed file where there is none yet."""
    for table in schema.SOURCES:
        if not matched_file(home, table).is_file():
            write_parquet(matched_file(home, table), arrow_table(table, []))


def digest_of(text: str) -> str:
    """Return the digest by which dbt knows a name or a text."""
    return sha256_bytes(text.encode())


def _match_suppliers(home: Home) -> tuple[int, int, int]:
    """Score suppliers' names; return how many there are, were scored now, and in the register."""
    version = suppliers.model_version()
    names = {digest_of(name): name for name in _distinct_names(home)}
    register = _register_names(home)
    known, known_register = _scored_before(home, names, version)
    candidates, scored = suppliers.score_names(sorted(names.values()), register, known, known_register)
    # The memory of the register goes first and is written last: without it nothing counts as scored.
    matched_file(home, schema.REGISTER_NAMES).unlink(missing_ok=True)
    _write(
        home,
        schema.SUPPLIER_NAMES,
        (
            {"name_digest": digest, "name_kind": name_kind(name), "model_version": version}
            for digest, name in sorted(names.items())
        ),
    )
    _write(
        home,
        schema.SUPPLIER_CANDIDATES,
        (
            {"name_digest": digest, "org_no": org_no, "score": as_score(score), "model_version": version}
            for digest, name in sorted(names.items())
            for org_no, score in candidates[name]
        ),
    )
    _write(
        home,
        schema.REGISTER_NAMES,
        ({"org_no": org_no, "name": name, "model_version": version} for org_no, name in sorted(register)),
    )
    return len(names), scored, len(register)


def _match_texts(home: Home) -> tuple[int, int]:
    """Score lines' texts; return how many there are, and how many were scored now."""
    version = texts.model_version()
    wanted = {digest_of(text): text for text in _distinct_texts(home)}
    known = {
        row["text_digest"]: row
        for row in _read(home, schema.ITEM_TEXTS)
        if row["model_version"] == version and row["text_digest"] in wanted
    }
    fresh = sorted(wanted.keys() - known.keys())
    if fresh:
        # Trained where there is something to score: loading the library alone takes seconds.
        scores = texts.train().score([wanted[digest] for digest in fresh])
        for digest, (category, score, runner_up, runner_up_score) in zip(fresh, scores, strict=True):
            known[digest] = {
                "text_digest": digest,
                "category_key": category,
                "score": as_score(score),
                "runner_up_key": runner_up,
                "runner_up_score": as_score(runner_up_score),
                "model_version": version,
            }
    _write(home, schema.ITEM_TEXTS, (known[digest] for digest in sorted(known)))
    return len(wanted), len(fresh)


def as_score(value: float) -> Decimal:
    """Return a score with its four decimals."""
    return Decimal(repr(value)).quantize(_FOUR_DECIMALS)


def _write(home: Home, table: Table, rows: Iterable[dict[str, Any]]) -> None:
    """Write a table; a file that would hold the same is left alone."""
    import pyarrow.parquet as pq

    path, made = matched_file(home, table), arrow_table(table, rows)
    if path.is_file():
        there = pq.read_table(path)
        if there.schema == made.schema and there.equals(made):
            return
    write_parquet(path, made)


def _scored_before(
    home: Home, names: dict[str, str], version: str
) -> tuple[suppliers.Candidates, set[suppliers.RegisterName]]:
    """Return the candidates that still hold, by name, and the register they were drawn from; none of another code's."""
    register = _read(home, schema.REGISTER_NAMES)
    listed = _read(home, schema.SUPPLIER_NAMES)
    if any(row["model_version"] != version for row in (*register[:1], *listed[:1])):
        return {}, set()
    if not matched_file(home, schema.REGISTER_NAMES).is_file():
        return {}, set()
    found: suppliers.Candidates = {names[row["name_digest"]]: [] for row in listed if row["name_digest"] in names}
    for row in _read(home, schema.SUPPLIER_CANDIDATES):
        if row["name_digest"] in names:
            found[names[row["name_digest"]]].append((row["org_no"], float(row["score"])))
    return found, {(row["org_no"], row["name"]) for row in register}


def _read(home: Home, table: Table) -> list[dict[str, Any]]:
    import pyarrow.parquet as pq

    path = matched_file(home, table)
    return list(pq.ParquetFile(path).read().to_pylist()) if path.is_file() else []


def _distinct_names(home: Home) -> set[str]:
    found: set[str] = set()
    for table, column in _NAMES.items():
        if relation := _parsed(home, table):
            sql = f"select distinct {column} from {relation} where {column} is not null"  # noqa: S608
            found |= {row[0] for row in _ask(sql)}
    return {name for name in found if name.strip()}


def _distinct_texts(home: Home) -> set[str]:
    """Return the texts of lines of e-invoices and of postings, put together as staging does it."""
    found: set[str] = set()
    for table, parts in _TEXTS.items():
        if relation := _parsed(home, table):
            sql = f"select distinct concat_ws({_BETWEEN_PARTS}, {parts}) from {relation}"  # noqa: S608
            found |= {row[0] for row in _ask(sql)}
    return {text for text in found if text.strip()}


def _register_names(home: Home) -> set[suppliers.RegisterName]:
    """Return the names of companies in accepted deliveries of the register, and of workshops in their own."""
    found: set[suppliers.RegisterName] = set()
    companies, periods = _parsed(home, "companies"), _parsed(home, "delivery_periods")
    if companies and periods:
        found |= set(
            _ask(
                f"""
                with accepted as (
                    select org_no, name, legal_form, is_sub_unit
                    from {companies} as delivered
                    where exists (
                        select 1
                        from {periods} as settled
                        where settled.municipality_no = delivered.municipality_no
                            and settled._delivery_id = delivered._delivery_id
                            and settled.fiscal_period = 'all'
                            and settled.state = 'accepted'
                    )
                )
                select distinct org_no, name
                from accepted
                where name is not null and trim(name) != ''
                    and org_no not in (
                        select org_no from accepted
                        where org_no is not null and (upper(legal_form) = 'ENK' or is_sub_unit)
                    )
                """  # noqa: S608
            )
        )
    if workshops := _parsed(home, "register_workshops"):
        found |= set(_ask(f"select distinct org_no, name from {workshops} where name is not null"))  # noqa: S608
    return found


def _parsed(home: Home, table: str) -> str | None:
    """Return a parsed table as DuckDB reads it, or None where nothing was parsed into it."""
    folder = home.parsed / table
    if not any(folder.glob("*/*.parquet")):
        return None
    files = str(folder.resolve()).replace("'", "''")
    return f"read_parquet('{files}/*/*.parquet', union_by_name = true, hive_partitioning = false)"


def _ask(sql: str) -> list[tuple[Any, ...]]:
    import duckdb

    with duckdb.connect() as connection:
        return list(connection.execute(sql).fetchall())
