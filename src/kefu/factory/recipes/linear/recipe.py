"""The recipe `linear`: what every other model has to beat."""

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import Field

from kefu.contracts.dataset import Dataset
from kefu.contracts.job import Job, Tell, Told
from kefu.contracts.model_card import ModelCard
from kefu.factory.examples import labelled, languages_of
from kefu.factory.options import RecipeOptions, read_options
from kefu.factory.seal import seal
from kefu.knowledge.ngrams import ngrams

SERVE = "linear.safetensors"
VOCABULARY = "vocabulary.json"
# A feature of one text alone says nothing of the next one.
_LEAST_TEXTS = 2


class LinearOptions(RecipeOptions):
    """Options of `linear`."""

    regularisation: float = Field(default=1.0, gt=0, le=1e4, description="C of the support vector machine")
    features: int = Field(default=60_000, ge=100, le=1_000_000, description="features kept, the most frequent first")


class LinearRecipe:
    """`contracts.job.Recipe`."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._options = read_options(LinearOptions, "linear", options)

    def train(self, job: Job, data: Dataset, valid: Dataset, tell: Tell) -> ModelCard:
        texts, labels = labelled(data)
        folder = Path(job.out)
        fit_linear(
            folder,
            texts,
            labels,
            regularisation=self._options.regularisation,
            features=self._options.features,
            seed=self._options.seed,
        )
        tell(Told.EPOCH, {"epoch": 1, "features": len(json.loads((folder / VOCABULARY).read_text("utf-8")))})
        card = ModelCard(
            name=folder.name,
            task="classify",
            recipe="linear",
            runtime="linear",
            serve=SERVE,
            labels=tuple(sorted(set(labels))),
            languages=languages_of(texts),
            seed=self._options.seed,
            options=self._options.model_dump(),
            data_sha256=data.sha256,
            valid_sha256=valid.sha256,
            licence=self._options.licence,
        )
        return seal(folder, card, data, valid)


def fit_linear(
    folder: Path, texts: Sequence[str], labels: Sequence[str], *, regularisation: float, features: int, seed: int
) -> None:
    """Train the floor and write its two files into `folder`; columns are the sorted labels."""
    from safetensors.numpy import save_file

    floor = _fit(texts, labels, regularisation=regularisation, features=features, seed=seed)
    folder.mkdir(parents=True, exist_ok=True)
    arrays: dict[str, npt.NDArray[Any]] = {
        "weights": np.ascontiguousarray(floor.weights, np.float16),
        "idf": np.ascontiguousarray(floor.idf, np.float32),
        "intercept": np.ascontiguousarray(floor.intercept, np.float32),
    }
    save_file(arrays, folder / SERVE)
    (folder / VOCABULARY).write_text(json.dumps(list(floor.vocabulary), ensure_ascii=False), encoding="utf-8")


@dataclass(frozen=True)
class _Floor:
    """vocabulary: term -> row; weights [terms, labels], idf [terms], intercept [labels]."""

    vocabulary: Mapping[str, int]
    idf: npt.NDArray[np.float32]
    weights: npt.NDArray[np.float64]
    intercept: npt.NDArray[np.float64]


def _fit(texts: Sequence[str], labels: Sequence[str], *, regularisation: float, features: int, seed: int) -> _Floor:
    from sklearn.svm import LinearSVC

    counted = [Counter(ngrams(text)) for text in texts]
    vocabulary = _vocabulary(counted, features)
    idf = _idf(counted, vocabulary)
    machine = LinearSVC(C=regularisation, random_state=seed).fit(_rows(counted, vocabulary, idf), labels)
    weights, intercept = machine.coef_.T, machine.intercept_
    if weights.shape[1] == 1:  # two labels are one column in scikit-learn
        weights, intercept = np.hstack([-weights, weights]), np.array([-intercept[0], intercept[0]])
    return _Floor(vocabulary, idf, weights, intercept)


def _vocabulary(counted: Sequence[Counter[str]], features: int) -> dict[str, int]:
    texts_with = Counter(term for counts in counted for term in counts)
    least = _LEAST_TEXTS if len(counted) > 100 else 1  # a handful of examples shares few features
    kept = [term for term, count in texts_with.items() if count >= least]
    kept.sort(key=lambda term: (-texts_with[term], term))
    return {term: place for place, term in enumerate(kept[:features])}


def _idf(counted: Sequence[Counter[str]], vocabulary: Mapping[str, int]) -> npt.NDArray[np.float32]:
    texts_with = np.zeros(len(vocabulary), np.float32)
    for counts in counted:
        for term in counts:
            if term in vocabulary:
                texts_with[vocabulary[term]] += 1
    return np.asarray(np.log((1 + len(counted)) / (1 + texts_with)) + 1, np.float32)


def _rows(counted: Sequence[Counter[str]], vocabulary: Mapping[str, int], idf: npt.NDArray[np.float32]) -> Any:
    """Sparse rows of unit length, (1 + log count) * idf, as the classifier's engine computes them."""
    from scipy.sparse import csr_matrix

    starts: list[int] = [0]
    places: list[int] = []
    values: list[npt.NDArray[np.float32]] = []
    for counts in counted:
        known = {vocabulary[term]: 1.0 + math.log(count) for term, count in counts.items() if term in vocabulary}
        row = np.fromiter(known.values(), np.float32, len(known)) * idf[list(known)]
        places += known
        values.append(row / max(float(np.linalg.norm(row)), 1e-9))
        starts.append(len(places))
    flat = np.concatenate(values) if values else np.zeros(0, np.float32)
    return csr_matrix((flat, places, starts), shape=(len(counted), len(vocabulary)), dtype=np.float32)
