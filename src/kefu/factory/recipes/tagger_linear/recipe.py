"""The recipe `tagger_linear`: what every tagger has to beat.

A logistic regression tells each word's tag from itself, its shape, its neighbours and what had been asked; the best
tagging that is one at all is found as for `tagger`.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import Field

from kefu.contracts.dataset import Dataset
from kefu.contracts.job import Job, Tell, Told
from kefu.contracts.model_card import ModelCard
from kefu.factory.evaluate.spans import span_f1
from kefu.factory.evaluate.tagging import served_spans
from kefu.factory.examples import languages_of
from kefu.factory.options import RecipeOptions, read_options
from kefu.factory.seal import write_card
from kefu.kit.errors import BadInput
from kefu.knowledge.tagging.features import features, words
from kefu.knowledge.tagging.lattice import tag_names, targets
from kefu.knowledge.tagging.rows import TaggedRow, slots_of, tagged_rows

SERVE, VOCABULARY = "tagger.safetensors", "vocabulary.json"
# A feature of one word alone says nothing of the next one, where there are words enough to see it twice.
_LEAST, _MANY = 2, 1000
_STEPS = 300  # of L-BFGS; it has settled by then


class TaggerLinearOptions(RecipeOptions):
    """Options of `tagger_linear`."""

    regularisation: float = Field(default=1.0, gt=0, le=1e4, description="C of the logistic regression")
    features: int = Field(default=120_000, ge=100, le=1_000_000, description="features kept, the most frequent first")


class TaggerLinearRecipe:
    """`contracts.job.Recipe`."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._options = read_options(TaggerLinearOptions, "tagger_linear", options)

    def train(self, job: Job, data: Dataset, valid: Dataset, tell: Tell) -> ModelCard:
        if job.extend:
            raise BadInput("A tagger cannot be extended; train it on all the rows.", extend=job.extend)
        rows, checked = tagged_rows(data, "the data"), tagged_rows(valid, "the validation data")
        slots, out, options = slots_of(rows), Path(job.out), self._options
        if not slots:
            raise BadInput("No row of the data has a slot in it.")
        _fit(out, rows, slots, options)
        card = ModelCard(
            name=out.name,
            task="tag",
            recipe="tagger_linear",
            runtime="linear",
            serve=SERVE,
            labels=slots,
            languages=languages_of([row.text for row in rows]),
            seed=options.seed,
            options=options.model_dump(),
            data_sha256=data.sha256,
            valid_sha256=valid.sha256,
            licence=options.licence,
        )
        card = write_card(out, card)
        reached = span_f1(checked, served_spans(out, checked))
        tell(Told.EPOCH, {"epoch": 1, "span_f1": round(reached, 5)})
        return write_card(out, replace(card, metrics={**card.metrics, "valid_span_f1": reached}))


def _fit(folder: Path, rows: Sequence[TaggedRow], slots: Sequence[str], options: TaggerLinearOptions) -> None:
    """Learn, and write the two files that serve: weights [features, tags] and the features' names."""
    from safetensors.numpy import save_file
    from sklearn.linear_model import LogisticRegression

    seen, meant = _words(rows, slots)
    vocabulary = _vocabulary(seen, options.features)
    model = LogisticRegression(C=options.regularisation, max_iter=_STEPS, random_state=options.seed)
    model.fit(_matrix(seen, vocabulary), meant)
    tags = len(tag_names(slots))
    weights = np.zeros((len(vocabulary), tags), np.float32)
    # A tag that no word has (the second word of a slot that always has one) is never chosen.
    intercept = np.full(tags, -30.0, np.float32)
    coefficients, bias = model.coef_, model.intercept_
    if len(model.classes_) == 2:  # two tags are one column in scikit-learn
        coefficients, bias = np.vstack([-coefficients, coefficients]) / 2, np.array([-bias[0], bias[0]]) / 2
    for row, tag in enumerate(model.classes_):
        weights[:, tag], intercept[tag] = coefficients[row], bias[row]
    folder.mkdir(parents=True, exist_ok=True)
    save_file({"weights": np.ascontiguousarray(weights, np.float16), "intercept": intercept}, folder / SERVE)
    (folder / VOCABULARY).write_text(json.dumps(list(vocabulary), ensure_ascii=False), encoding="utf-8")


def _words(rows: Sequence[TaggedRow], slots: Sequence[str]) -> tuple[list[list[str]], npt.NDArray[np.int64]]:
    seen: list[list[str]] = []
    meant: list[int] = []
    for row in rows:
        found = words(row.text)
        seen += features(row.text, found, row.requested)
        meant += targets(found.places, row.spans, slots)
    return seen, np.array(meant, np.int64)


def _vocabulary(seen: Sequence[Sequence[str]], most: int) -> dict[str, int]:
    counts = Counter(name for names in seen for name in names)
    least = _LEAST if len(seen) > _MANY else 1
    kept = sorted((name for name, count in counts.items() if count >= least), key=lambda name: (-counts[name], name))
    return {name: place for place, name in enumerate(kept[:most])}


def _matrix(seen: Sequence[Sequence[str]], vocabulary: Mapping[str, int]) -> Any:
    from scipy.sparse import csr_matrix

    places = [sorted({vocabulary[name] for name in names if name in vocabulary}) for names in seen]
    starts = np.concatenate([[0], np.cumsum([len(each) for each in places])])
    flat = np.fromiter((place for each in places for place in each), np.int64)
    return csr_matrix((np.ones(len(flat), np.float32), flat, starts), shape=(len(seen), len(vocabulary)))
