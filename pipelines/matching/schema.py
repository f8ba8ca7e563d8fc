"""What the matched tables are: the authority for their names, columns and types.

Belongs here: every table that lies under ``matched/`` and that dbt reads as a source. Not here: how scores come about
(suppliers.py, texts.py), what is decided on them (dbt_project/).

No name and no text is stored, only its SHA-256: dbt knows the text and computes the same digest.
"""

from __future__ import annotations

from pipelines.tables import Column, Table

_MODEL = Column("model_version", "text", "Digest of the code and training data that gave the score.")
_NAME = Column("name_digest", "text", "SHA-256 of the supplier's name as it was handed in (UTF-8).")

SUPPLIER_NAMES = Table(
    "supplier_names",
    "One row per distinct supplier name in ledgers, SAF-T files and e-invoices: what kind of name it is.",
    (
        _NAME,
        Column(
            "name_kind",
            "text",
            "company: a legal form or a trade is in it; person: it reads as a person's name and as nothing else; "
            "person_and_trade: as a person's, with a trade; unsure: neither.",
            allowed=("company", "person", "person_and_trade", "unsure"),
        ),
        _MODEL,
    ),
    ("name_digest",),
)

SUPPLIER_CANDIDATES = Table(
    "supplier_candidates",
    "The units of the company register that a supplier's name is most like, at most five a name; persons' have none.",
    (
        _NAME,
        Column("org_no", "text", "The unit."),
        Column("score", "score", "Likeness of the names, 0 to 1, four decimals."),
        _MODEL,
    ),
    ("name_digest", "org_no"),
)

REGISTER_NAMES = Table(
    "register_names",
    "Which names of which units the candidates were drawn from: what is not in it is new.",
    (
        Column("org_no", "text", "The unit."),
        Column("name", "text", "A name that the register has had for it."),
        _MODEL,
    ),
    ("org_no", "name"),
)

ITEM_TEXTS = Table(
    "item_texts",
    "One row per distinct text of a line: the category that it is most like.",
    (
        Column("text_digest", "text", "SHA-256 of the text as dbt puts it together from the line (UTF-8)."),
        Column("category_key", "text", "The most likely category; 'other' for what no workshop category is."),
        Column("score", "score", "Calibrated probability of the category, 0 to 1, four decimals."),
        Column("runner_up_key", "text", "The second most likely category."),
        Column("runner_up_score", "score", "Its probability."),
        _MODEL,
    ),
    ("text_digest",),
)

TABLES = {table.name: table for table in (SUPPLIER_NAMES, SUPPLIER_CANDIDATES, REGISTER_NAMES, ITEM_TEXTS)}
# What dbt reads; register_names is the step's own memory.
SOURCES = (SUPPLIER_NAMES, SUPPLIER_CANDIDATES, ITEM_TEXTS)
