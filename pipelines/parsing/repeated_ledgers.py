"""A member's own ledgers that hold the same postings: in two of its sources, or in two files of one drop.

Belongs here: what two of a member's sources share in a fiscal period, which file of a drop repeats others. Not here:
other members' ledgers (shared_ledgers.py), what being held means (books.py), the same bytes again (parse.py, store.py).

A ledger that was saved anew has other bytes and the same postings. Two of them repeat each other where all of the
smaller one's distinct postings stand in the other, however few; or at least LEAST_SHARED of them and over
``shared_ledger_percent``. It goes by the smaller one, so that it makes no difference which came first. Below five, two
systems that both begin at voucher 1 can have the same monthly fees on the same day.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.landing.store import LandedFile
from pipelines.mask import mask_file_name
from pipelines.parsing.books import Books, Delivery
from pipelines.parsing.ledger_hashes import IDENTIFIED, IDENTITY, Ledger, quoted
from pipelines.parsing.rejects import Reject

if TYPE_CHECKING:
    import duckdb

LEAST_SHARED = 5
# Of one drop all files are read by one profile: a voucher divided equally between units stands in the file of each, and
# only how it is accounted for tells them apart.
_ACCOUNTED = "local_account, cost_centre, kostra_function, project_code"
# Two deliveries of two sources and the fiscal period in which they repeat each other: postings shared, and of how many.
Repeats = Mapping[tuple[Delivery, Delivery, str], tuple[int, int]]


def is_repeated(shared: int, postings: int, percent: int) -> bool:
    """Return whether the smaller of two sets of postings repeats the other."""
    return 0 < postings <= shared or (shared >= LEAST_SHARED and 100 * shared > percent * postings)


def find_repeats(ledgers: Mapping[tuple[str, str, str], Ledger], percent: int) -> Repeats:
    """Return where deliveries of two sources of one kind, all of one owner, repeat each other; each pair both ways.

    Args:
        ledgers: The owner's ledgers by owner, source name and delivery id.
        percent: ``limits.shared_ledger_percent``.
    """
    import duckdb
    import pyarrow as pa

    kinds = {source_name: ledger.receipt.source for (_, source_name, _), ledger in ledgers.items()}
    if len(kinds) == len(set(kinds.values())):
        return {}
    deliveries = pa.table(
        {
            "filename": [str(ledger.file) for ledger in ledgers.values()],
            "source": [ledger.receipt.source for ledger in ledgers.values()],
            "source_name": [source_name for _, source_name, _ in ledgers],
            "delivery_id": [delivery_id for _, _, delivery_id in ledgers],
        }
    )
    with duckdb.connect() as connection:
        connection.register("deliveries", deliveries)
        rows = connection.execute(
            f"""with
            postings as (
                select deliveries.*, fiscal_period, posting
                from read_parquet({quoted({ledger.file for ledger in ledgers.values()})}, filename = true)
                inner join deliveries using (filename)
            ),
            counts as (
                select source_name, delivery_id, fiscal_period, count(*) as postings
                from postings
                group by all
            ),
            shares as (
                select
                    one.source_name, one.delivery_id, other.source_name as other_name, other.delivery_id as other_id,
                    one.fiscal_period, count(*) as shared
                from postings as one
                inner join postings as other
                    on one.fiscal_period = other.fiscal_period
                    and one.posting = other.posting
                    and one.source = other.source
                    and one.source_name <> other.source_name
                group by all
            )
            select shares.*, least(mine.postings, theirs.postings)
            from shares
            inner join counts as mine using (source_name, delivery_id, fiscal_period)
            inner join counts as theirs
                on other_name = theirs.source_name
                and other_id = theirs.delivery_id
                and shares.fiscal_period = theirs.fiscal_period"""  # noqa: S608  our own files
        ).fetchall()
    return {
        ((name, delivery_id), (other_name, other_id), period): (shared, postings)
        for name, delivery_id, other_name, other_id, period, shared, postings in rows
        if is_repeated(shared, postings, percent)
    }


def repeated_periods(
    delivery: Delivery, periods: Iterable[str], books: Mapping[str, Books], repeats: Repeats
) -> dict[str, str]:
    """Return in which periods a delivery that comes in repeats what stands in another source, and what to say."""
    found: dict[str, str] = {}
    for period in periods:
        for source_name, other in sorted(books.items()):
            standing = other.delivery_standing(period)
            pair = (delivery, (source_name, standing or ""), period)
            if source_name != delivery[0] and pair in repeats:
                shared, postings = repeats[pair]
                found.setdefault(
                    period,
                    f"{shared} of {postings} postings (voucher, date and amount) count already in delivery {standing} "
                    f"of the source '{source_name}'. Withdraw the one of the two that should not count, or accept this "
                    "one if both hold purchases of their own.",
                )
    return found


def repeated_files(postings: Path, files: Sequence[LandedFile], percent: int) -> dict[str, Reject]:
    """Return by digest which of a drop's files repeat others of it; the larger of two is kept, of equals the first.

    Args:
        postings: The parsed postings of the drop.
        files: Its files, in order.
        percent: ``limits.shared_ledger_percent``.
    """
    import duckdb

    found: dict[str, Reject] = {}
    with duckdb.connect() as connection:
        connection.execute(
            f"""create table postings as
            select distinct _file_sha256 as file, hash({IDENTITY}, {_ACCOUNTED}) as posting
            from read_parquet({quoted([postings])}, hive_partitioning = false)
            where {IDENTIFIED}"""  # noqa: S608  our own file
        )
        counts = dict(connection.execute("select file, count(*) from postings group by all").fetchall())
        # What stands in one file only repeats nothing: as a rule that is all.
        connection.execute(
            """create table shared as
            from postings where posting in (select posting from postings group by all having count(*) > 1)"""
        )
        sharing = {file for (file,) in connection.execute("select distinct file from shared").fetchall()}
        names = {file.sha256: file.name for file in reversed(files)}  # of the same bytes the first one is read
        kept: list[str] = []
        for file in sorted((file for file in names if file in sharing), key=lambda file: _rank(file, counts, files)):
            shared, most = _shared_with(connection, file, kept)
            if not is_repeated(shared, counts[file], percent):
                kept.append(file)
                continue
            found[file] = Reject(
                "IN03",
                f"{shared} of the file's {counts[file]} postings (voucher, date, amount and accounts) stand in other "
                f"files of the same drop too, most of them in {mask_file_name(names[most])}. This file is left out. If "
                "it holds purchases of its own, deliver the drop again with every posting in one file only.",
            )
    return found


def _rank(file: str, counts: Mapping[str, int], files: Sequence[LandedFile]) -> tuple[int, int]:
    return -counts[file], next(number for number, one in enumerate(files) if one.sha256 == file)


def _shared_with(connection: duckdb.DuckDBPyConnection, file: str, kept: Sequence[str]) -> tuple[int, str]:
    """Return how many of a file's postings stand in files that are kept, and in which one most of them do."""
    rows = connection.execute(
        """select other.file, count(*)
        from shared as one
        inner join shared as other using (posting)
        where one.file = $file and list_contains($kept, other.file)
        group by all""",
        {"file": file, "kept": list(kept)},
    ).fetchall()
    ((together,),) = connection.execute(
        """select count(*) from shared
        where file = $file and posting in (select posting from shared where list_contains($kept, file))""",
        {"file": file, "kept": list(kept)},
    ).fetchall()
    return together, min(rows, key=lambda row: (-row[1], kept.index(row[0])), default=("", 0))[0]
