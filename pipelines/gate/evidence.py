"""The evidence of a verdict: every rule's answer with its examples, kept beside the decisions.

Belongs here: writing and reading ``gate/evidence/…``. Not here: the verdict itself. Evidence lies outside what the
candidate's digest covers, and never feeds a product.
"""

from __future__ import annotations

import csv
import io
import json
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pipelines.candidates.products import CandidateKey
from pipelines.files import folder_digest, folder_in_place, pretty_json, write_atomically
from pipelines.gate.data_docs import FILE_NAME as DATA_DOCS
from pipelines.gate.rules import RuleResult
from pipelines.home import Home

RESULTS_JSON, RESULTS_CSV, SUPPRESSION_LOG = "results.json", "rule_results.csv", "suppression_log.csv"
_COLUMNS = ("rule", "title", "version", "severity", "status", "applied", "passed", "reason", "field", "examples")


def evidence_folder(home: Home, key: CandidateKey, candidate_sha256: str) -> Path:
    """Return where the evidence on a candidate lies."""
    return home.gate / "evidence" / key.product / key.recipient / key.period / candidate_sha256[:16]


def write_evidence(
    home: Home,
    key: CandidateKey,
    candidate_sha256: str,
    results: Sequence[RuleResult],
    facts: Mapping[str, Any],
    suppression_log: Path | None = None,
    data_docs: bytes | None = None,
) -> str:
    """Write the evidence, replacing what an earlier judgement of the same bytes left, and return its digest.

    Args:
        home: The home.
        key: Product, recipient, period.
        candidate_sha256: What was judged.
        results: What every rule answered.
        facts: What else is known of the candidate.
        suppression_log: Why cells of it are hidden; copied where it is there.
        data_docs: The page of what the suites found.
    """
    folder = evidence_folder(home, key, candidate_sha256)
    document = {
        "product": key.product,
        "recipient": key.recipient,
        "period": key.period,
        "candidate_sha256": candidate_sha256,
        **facts,
        "results": [result.as_dict() for result in results],
    }
    for remnant in folder.parent.glob(f".{folder.name}.*"):  # of an earlier try that was killed
        shutil.rmtree(remnant)
    with folder_in_place(folder) as temporary:
        write_atomically(temporary / RESULTS_JSON, pretty_json(document).encode())
        write_atomically(temporary / RESULTS_CSV, _as_csv(results))
        if suppression_log is not None and suppression_log.is_file():
            write_atomically(temporary / SUPPRESSION_LOG, suppression_log.read_bytes())
        if data_docs is not None:
            write_atomically(temporary / DATA_DOCS, data_docs)
    return folder_digest(folder)


def read_results(home: Home, key: CandidateKey, candidate_sha256: str, evidence_sha256: str) -> list[RuleResult] | None:
    """Return the full results behind a verdict; None where the evidence is gone or not what it was."""
    folder = evidence_folder(home, key, candidate_sha256)
    if not folder.is_dir() or folder_digest(folder) != evidence_sha256:
        return None
    document = json.loads((folder / RESULTS_JSON).read_text(encoding="utf-8"))
    return [RuleResult(**{**stated, "examples": tuple(stated["examples"])}) for stated in document["results"]]


def read_documents(home: Home, verdicts: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return what the evidence says that lies as it was written, by its digest.

    Args:
        home: The home.
        verdicts: Lines of the chain, each naming what was judged and the digest of its evidence.
    """
    vouched: dict[Path, set[str]] = {}
    for entry in verdicts:
        key = CandidateKey(entry["product"], entry["recipient"], entry["period"])
        vouched.setdefault(evidence_folder(home, key, entry["candidate_sha256"]), set()).add(entry["evidence_sha256"])
    digests = {folder: folder_digest(folder) for folder in vouched if folder.is_dir()}
    return {
        digest: json.loads((folder / RESULTS_JSON).read_text(encoding="utf-8"))
        for folder, digest in digests.items()
        if digest in vouched[folder]
    }


def data_docs_file(home: Home, key: CandidateKey, candidate_sha256: str) -> Path:
    """Return where the page of what the suites found lies."""
    return evidence_folder(home, key, candidate_sha256) / DATA_DOCS


def read_facts(home: Home, key: CandidateKey, candidate_sha256: str) -> dict[str, Any]:
    """Return what else the evidence says of a candidate."""
    document = json.loads((evidence_folder(home, key, candidate_sha256) / RESULTS_JSON).read_text(encoding="utf-8"))
    stated = ("product", "recipient", "period", "candidate_sha256", "results")
    return {name: value for name, value in document.items() if name not in stated}


def _as_csv(results: Sequence[RuleResult]) -> bytes:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for result in results:
        stated = {**result.as_dict(), "examples": " | ".join(result.examples)}
        writer.writerow([_plain(stated[name]) for name in _COLUMNS])
    return buffer.getvalue().encode()


def _plain(value: Any) -> Any:
    """Return a cell that no spreadsheet runs."""
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t")) else value
