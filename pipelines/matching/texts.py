"""Which category the text of a line is most like.

Belongs here: the model of texts: what it is trained on, its probabilities, its version. Not here: reading and writing
(match.py), from which probability on a text decides, and what it may not contradict (dbt).

(1) It is trained where it is used, in a second, from texts written for it (training/texts.yml) and the labels of
    categories and of their CPV codes (dbt_project/seeds): a multinomial naive Bayes over letters (three to five in a
    row, inside words) and words, weighed by tf-idf. Nothing is drawn by chance: the same version, the same scores.
(2) Its probabilities are tempered: SHARPNESS is the power at which they are most likely on training texts that the
    model has not seen (five folds); untempered, they claim too much.
(3) A text is compared in lower case and without figures; the first MOST_LETTERS of it count.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.files import sha256_bytes, sha256_file
from pipelines.reference import seed_rows
from pipelines.settings import DBT_PROJECT, PROJECT_ROOT

if TYPE_CHECKING:
    import numpy as np

OTHER = "other"
SHARPNESS = 0.65
MOST_LETTERS = 400
FOLDS = 5
_SMOOTHING = 0.05
_TRAINING = Path(__file__).parent / "training" / "texts.yml"
_SEED = "workshop_categories"
_LABELS = ("label_no", "label_en", "cpv_labels_no")
_NO_LETTERS = re.compile(r"[\W\d_]+")

# A category, its probability, the next one, its probability.
Scored = tuple[str, float, str, float]


@cache
def model_version() -> str:
    """Return the digest of the code and of everything that the model is trained on."""
    from importlib.metadata import version

    code = PROJECT_ROOT / "pipelines" / "matching" / "texts.py"
    seed = DBT_PROJECT / "seeds" / f"{_SEED}.csv"
    lines = [f"{sha256_file(path)} {path.name}" for path in (code, _TRAINING, seed)]
    return sha256_bytes("\n".join([*lines, f"scikit-learn {version('scikit-learn')}"]).encode())[:16]


def compared(text: str) -> str:
    """Return a text as it is compared (3)."""
    return _NO_LETTERS.sub(" ", text[:MOST_LETTERS].casefold()).strip()


def training_texts() -> list[tuple[str, str]]:
    """Return what is written for training, as (category, text), in order."""
    import yaml

    written: dict[str, str] = yaml.safe_load(_TRAINING.read_text(encoding="utf-8"))
    return [(category, text.strip()) for category, texts in written.items() for text in texts.split(";")]


def label_texts() -> Iterator[tuple[str, str]]:
    """Give the labels of categories and of their CPV codes, as (category, text)."""
    for row in seed_rows(_SEED):
        for name in _LABELS:
            yield from ((row["category_key"], label) for label in row[name].split(";") if label.strip())


def fold_of(text: str) -> int:
    """Return the fold of a training text, 0 to FOLDS - 1: from the text alone."""
    return int(sha256_bytes(text.encode())[:8], 16) % FOLDS


class TextModel:
    """A trained model."""

    def __init__(self, examples: Sequence[tuple[str, str]]) -> None:
        """Train on (category, text)."""
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.naive_bayes import MultinomialNB
        from sklearn.pipeline import make_pipeline, make_union

        letters = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), sublinear_tf=True)
        words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, token_pattern=r"\w{2,}")  # noqa: S106
        self._model: Any = make_pipeline(make_union(letters, words), MultinomialNB(alpha=_SMOOTHING))
        self._model.fit([compared(text) for _, text in examples], [category for category, _ in examples])
        self.categories: list[str] = [str(name) for name in self._model.classes_]

    def log_likelihoods(self, texts: Sequence[str]) -> np.ndarray[Any, Any]:
        """Return the joint log likelihood of each text and category, as the model has it."""
        features = self._model[:-1].transform([compared(text) for text in texts])
        return self._model[-1].predict_joint_log_proba(features)  # type: ignore[no-any-return]

    def score(self, texts: Sequence[str]) -> list[Scored]:
        """Return the two most likely categories of each text; a text without letters is of no category."""
        if not texts:
            return []
        import numpy as np

        likely = tempered(self.log_likelihoods(texts), SHARPNESS)
        # Of equally likely ones the first by name.
        order = np.argsort(-likely, axis=1, kind="stable")[:, :2]
        return [
            (
                self.categories[first],
                round(float(likely[row, first]), 4),
                self.categories[second],
                round(float(likely[row, second]), 4),
            )
            if compared(texts[row])
            else (OTHER, 0.0, OTHER, 0.0)
            for row, (first, second) in enumerate(order)
        ]


def tempered(log_likelihoods: np.ndarray[Any, Any], sharpness: float) -> np.ndarray[Any, Any]:
    """Return probabilities of log likelihoods at a sharpness (2)."""
    import numpy as np

    powers = log_likelihoods * sharpness
    powers = np.exp(powers - powers.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def train() -> TextModel:
    """Return the model, trained on all there is (1)."""
    return TextModel([*training_texts(), *label_texts()])
