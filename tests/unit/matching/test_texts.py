"""Texts are scored by a model that is the same wherever it is trained, and texts that were scored stay so."""

from __future__ import annotations

import re
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.home import Home
from pipelines.matching import texts
from pipelines.matching.match import digest_of, match_home
from pipelines.matching.schema import ITEM_TEXTS
from pipelines.matching.texts import OTHER, TextModel, train
from pipelines.parsing import schema
from pipelines.reference import seed_rows
from tests.homes import bytes_of
from tests.unit.matching.test_match import put, rows


@pytest.fixture(scope="module")
def model() -> TextModel:
    return train()


def test_every_category_has_training_texts_and_none_is_unknown() -> None:
    categories = {row["category_key"] for row in seed_rows("workshop_categories")}
    assert {category for category, _ in texts.training_texts()} == categories | {OTHER}


def test_no_held_out_text_was_trained_on() -> None:
    trained = {texts.compared(text) for _, text in texts.training_texts()}
    held_out = {texts.compared(text) for _, text in _held_out()}
    assert len(held_out) > 300
    assert not trained & held_out


def test_most_held_out_words_stand_in_no_training_text() -> None:
    def words(lists: Iterable[tuple[str, str]]) -> list[set[str]]:
        return [set(re.findall(r"[^\W\d_]{3,}", texts.compared(text))) for _, text in lists]

    trained = set().union(*words([*texts.training_texts(), *texts.label_texts()]))
    held_out = words(_held_out())
    assert len(set().union(*held_out) - trained) / len(set().union(*held_out)) > 0.7
    assert sum(not found & trained for found in held_out) > 100


def _held_out() -> list[tuple[str, str]]:
    from pipelines.matching.evaluate import _texts

    return _texts("held_out")


@pytest.mark.parametrize(
    ("text", "category"),
    [
        ("Vask av sengetøy, 40 kg", "laundry"),
        ("MØTEMAT 12 PERSONER", "meeting_food"),
        ("Medfinansiering av VTA-plasser", "vta_cofunding"),
        ("Strøm, måned", "other"),
    ],
)
def test_plain_texts_are_of_their_category(model: TextModel, text: str, category: str) -> None:
    ((found, score, _, _),) = model.score([text])
    assert found == category
    assert score > 0.8


def test_a_text_without_letters_is_of_no_category(model: TextModel) -> None:
    assert model.score(["", "123 45,6 %"]) == [(OTHER, 0.0, OTHER, 0.0)] * 2


@given(st.lists(st.text(max_size=60), max_size=4))
@settings(max_examples=100, deadline=None)
def test_any_text_has_probabilities(model: TextModel, several: list[str]) -> None:
    for _, score, _, runner_up in model.score(several):
        assert 0 <= runner_up <= score <= 1


def test_a_score_depends_on_the_text_alone_and_on_no_training_but_the_one(model: TextModel) -> None:
    listed = [text for _, text in _held_out()[:40]]
    together = model.score(listed)
    assert [train().score([text])[0] for text in listed[:3]] == together[:3]
    assert model.score(listed[::-1])[::-1] == together


def test_lines_are_scored_once_and_never_stored(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    home = Home(tmp_path)
    put(home, schema.EHF_INVOICE_LINES, "e1", {"item_name": "Vask av sengetøy", "item_description": ""})
    posting = {"posting_text": "Møtemat", "local_account_text": "Servering", "local_account": "11150"}
    put(home, schema.LEDGER_POSTINGS, "l1", posting, {"local_account": "Printing"}, {"local_account": "K12"})
    matched = match_home(home)
    assert (matched.texts, matched.texts_scored) == (3, 3)
    found = {row["text_digest"]: row["category_key"] for row in rows(home, ITEM_TEXTS)}
    assert found == {
        digest_of("Vask av sengetøy"): "laundry",
        digest_of("Møtemat | Servering"): "meeting_food",
        digest_of("Printing"): "printing",
    }
    whole = bytes_of(home.matched)
    put(home, schema.EHF_INVOICE_LINES, "e2", {"item_name": "Bjørkeved", "item_description": "40 liter"})
    assert match_home(home).texts_scored == 1
    monkeypatch.setattr(texts, "train", lambda: pytest.fail("nothing is new"))
    assert match_home(home).texts_scored == 0
    for path in (home.parsed / "ehf_invoice_lines").rglob("e2.parquet"):
        path.unlink()
    match_home(home)
    assert bytes_of(home.matched) == whole
