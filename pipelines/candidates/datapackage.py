"""Describe a candidate's files: ``datapackage.json`` by the Frictionless specification.

Belongs here: the document. Not here: the words (products.py), the bytes (render.py). It holds no time and no place, so
that the same tables give the same package.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pipelines.candidates.products import CandidateKey, Field, Product, ProductTable, Window
from pipelines.candidates.render import EXCEL_CSV
from pipelines.files import pretty_json, sha256_bytes

FILE_NAME = "datapackage.json"
_TYPES = {
    "text": "string",
    "date": "date",
    "integer": "integer",
    "boolean": "boolean",
    "money": "number",
    "quantity": "number",
    "fraction": "number",
    "figure": "number",
}
_MEDIA = {"csv": "text/csv", EXCEL_CSV: "text/csv", "parquet": "application/vnd.apache.parquet"}
_WORKBOOK = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
# What of Excel's form a reader must know, by column type; numbers have a decimal comma.
_IN_EXCEL: dict[str, dict[str, Any]] = {
    "date": {"format": "%d.%m.%Y"},
    "boolean": {"trueValues": ["ja"], "falseValues": ["nei"]},
    "number": {"decimalChar": ","},
}


def package_bytes(
    product: Product,
    key: CandidateKey,
    *,
    recipient_name: str,
    window: Window,
    coverage: Sequence[Mapping[str, Any]],
    files: Mapping[str, bytes],
    without_consent: list[str] | None = None,
) -> bytes:
    """Return the document that describes a candidate's files.

    Args:
        product: What is published.
        key: To whom, for which month.
        recipient_name: The recipient's name.
        window: The months that the content covers.
        coverage: By municipality, the months that have purchases and those that have not come (coverage.py).
        files: The candidate's other files by name.
        without_consent: The members that a joint product leaves out; None where it is of one owner.
    """
    document: dict[str, Any] = {
        "name": f"{key.product}-{key.recipient}-{key.period}".lower().replace("_", "-"),
        "title": f"{product.title}: {recipient_name}, {key.period}",
        "description": product.description,
        "version": product.version,
        "product": product.id,
        "recipient": key.recipient,
        "period": key.period,
        "window": {"from": window.months[0], "to": window.months[-1]},
        "coverage": list(coverage),
        **({} if without_consent is None else {"without_consent": without_consent}),
        "usage_warnings": list(product.warnings),
        "resources": [
            resource
            for table in product.tables
            for resource in (
                _resource(table, ending, _MEDIA[ending], files[f"{table.name}.{ending}"]) for ending in product.formats
            )
        ],
    }
    if product.has_workbook:
        document["resources"].append(_workbook(product, files[product.workbook]))
    return pretty_json(document).encode()


def _workbook(product: Product, raw: bytes) -> dict[str, Any]:
    return {
        "name": "workbook",
        "type": "file",
        "path": product.workbook,
        "title": f"{product.title} (arbeidsbok)",
        "description": "Alle tabellene som ark, med forklaringer og diagrammer.",
        "format": "xlsx",
        "mediatype": _WORKBOOK,
        "hash": f"sha256:{sha256_bytes(raw)}",
        "bytes": len(raw),
    }


def _resource(table: ProductTable, ending: str, mediatype: str, raw: bytes) -> dict[str, Any]:
    file_format = ending.rsplit(".", maxsplit=1)[-1]
    resource: dict[str, Any] = {
        "name": {"csv": table.name, EXCEL_CSV: f"{table.name}-excel"}.get(ending, f"{table.name}-{ending}"),
        # Reading Parquet would take another package: for a validator it is a file, whose hash and size are checked.
        "type": "table" if file_format == "csv" else "file",
        "path": f"{table.name}.{ending}",
        "title": table.title,
        "description": table.description,
        "format": file_format,
        "mediatype": mediatype,
        "hash": f"sha256:{sha256_bytes(raw)}",
        "bytes": len(raw),
        "schema": {"fields": [_field(field, ending) for field in table.fields], "primaryKey": list(table.key)},
    }
    if file_format == "csv":
        resource["encoding"] = "utf-8"
        resource["schema"]["missingValues"] = [""]
    if ending == EXCEL_CSV:
        resource["title"] += " (for Excel)"
        resource["dialect"] = {"delimiter": ";", "lineTerminator": "\r\n"}
    if table.warning:
        resource["usage_warning"] = table.warning
    return resource


def _field(field: Field, ending: str) -> dict[str, Any]:
    described: dict[str, Any] = {
        "name": field.name,
        "type": _TYPES[field.type],
        "title": field.title,
        "description": field.description,
    }
    if ending == EXCEL_CSV:
        described |= _IN_EXCEL.get(described["type"], {})
    return {**described, "usage_warning": field.warning} if field.warning else described
