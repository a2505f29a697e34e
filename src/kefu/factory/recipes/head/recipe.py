"""The recipe `head`: logistic regression on a frozen encoder's vectors, helped by the linear floor's margins."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import Field

from kefu.contracts.dataset import Dataset
from kefu.contracts.engine import Matrix
from kefu.contracts.job import Job, Tell, Told
from kefu.contracts.model_card import ModelCard
from kefu.factory.examples import labelled, languages_of
from kefu.factory.extend import with_earlier_examples
from kefu.factory.options import RecipeOptions, read_options
from kefu.factory.recipes.linear.recipe import fit_linear, floor_scores
from kefu.factory.seal import seal
from kefu.factory.vectors import encode

SERVE = "head.safetensors"
# MiniLM is the better encoder of English, e5 of Chinese and across languages.
_ENGLISH, _ANY = "package:minilm-en", "package:e5-small-zh-en"
# What the floor's margins may count beside the logits; chosen on part of the training data.
_FLOOR_WEIGHTS = (0.0, 1.0, 2.0, 4.0, 6.0)
# The share of the training data that this is chosen on, and the fewest rows a label for that to tell anything.
_APART, _ROWS_A_LABEL = 0.1, 20
# With fewer rows a label the margins are a guess; on 5 to 10 a label of BANKING77 this weight was as good as any.
_FEW = 1.0
_FLOOR_FEATURES = 20_000


class HeadOptions(RecipeOptions):
    """Options of `head`."""

    base_model: str = Field(default="", description="package:NAME or path:DIR; empty chooses by the texts' language")
    regularisation: float = Field(default=30.0, gt=0, le=1e6, description="C of the logistic regression")
    floor: bool = Field(default=True, description="whether the linear floor is kept beside the head")


@dataclass(frozen=True)
class Head:
    """weight [labels, d], bias [labels], mean [d]: logits are (vector - mean) @ weight.T + bias."""

    weight: Matrix
    bias: npt.NDArray[np.float32]
    mean: npt.NDArray[np.float32]

    def logits(self, vectors: Matrix) -> Matrix:
        return np.asarray((vectors - self.mean) @ self.weight.T + self.bias, np.float32)


class HeadRecipe:
    """`contracts.job.Recipe`."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._options = read_options(HeadOptions, "head", options)

    def train(self, job: Job, data: Dataset, valid: Dataset, tell: Tell) -> ModelCard:
        options, folder = self._options, Path(job.out)
        data, parents = with_earlier_examples(job, data, tell)
        texts, labels = labelled(data)
        languages = languages_of(texts)
        base = options.base_model or (_ENGLISH if languages == ("en",) else _ANY)
        vectors, encoder = encode(base, texts, threads=options.processor_threads, tell=tell)
        weight = self._floor_weight(texts, labels, vectors) if options.floor else 0.0
        head = fit_head(vectors, labels, regularisation=options.regularisation, seed=options.seed)
        self._write(folder, head, weight, texts, labels)
        tell(Told.EPOCH, {"epoch": 1, "floor_weight": weight})
        card = ModelCard(
            name=folder.name,
            task="classify",
            recipe="head",
            runtime="head",
            serve=SERVE,
            labels=tuple(sorted(set(labels))),
            languages=languages,
            base_model=base,
            base_sha256=encoder.version,
            max_tokens=encoder.max_tokens,
            seed=options.seed,
            options=options.model_dump(),
            data_sha256=data.sha256,
            valid_sha256=valid.sha256,
            parents=parents,
            licence=options.licence,
        )
        return seal(folder, card, data, valid)

    def _floor_weight(self, texts: Sequence[str], labels: Sequence[str], vectors: Matrix) -> float:
        """What the floor counts, chosen on a tenth of the training data that neither was taught."""
        classes = sorted(set(labels))
        if len(texts) < _ROWS_A_LABEL * len(classes):
            return _FEW
        apart = _apart(len(texts), self._options.seed)
        taught = ~apart
        if set(np.array(labels)[taught]) != set(classes):
            return _FEW
        known = [label for label, is_taught in zip(labels, taught, strict=True) if is_taught]
        head = fit_head(vectors[taught], known, regularisation=self._options.regularisation, seed=self._options.seed)
        floor = floor_scores(
            [text for text, is_taught in zip(texts, taught, strict=True) if is_taught],
            known,
            [text for text, is_apart in zip(texts, apart, strict=True) if is_apart],
            features=_FLOOR_FEATURES,
            seed=self._options.seed,
        )
        truth = np.searchsorted(classes, np.array(labels)[apart])
        logits = head.logits(vectors[apart])
        right = {one: int((np.argmax(logits + one * floor, axis=1) == truth).sum()) for one in _FLOOR_WEIGHTS}
        return max(_FLOOR_WEIGHTS, key=lambda one: (right[one], -one))

    def _write(self, folder: Path, head: Head, weight: float, texts: Sequence[str], labels: Sequence[str]) -> None:
        from safetensors.numpy import save_file

        folder.mkdir(parents=True, exist_ok=True)
        arrays = {"weight": head.weight, "bias": head.bias, "mean": head.mean, "floor": np.array([weight], np.float32)}
        save_file({name: np.ascontiguousarray(values, np.float32) for name, values in arrays.items()}, folder / SERVE)
        if self._options.floor:
            fit_linear(
                folder / "linear", texts, labels, regularisation=1.0, features=_FLOOR_FEATURES, seed=self._options.seed
            )


def fit_head(vectors: Matrix, labels: Sequence[str], *, regularisation: float, seed: int) -> Head:
    """Multinomial logistic regression; rows of `weight` are the sorted labels."""
    from sklearn.linear_model import LogisticRegression

    mean = vectors.mean(axis=0)
    fitted = LogisticRegression(C=regularisation, max_iter=500, random_state=seed).fit(vectors - mean, labels)
    weight, bias = fitted.coef_, fitted.intercept_
    if len(weight) == 1:  # two labels are one row in scikit-learn
        weight, bias = np.vstack([-weight, weight]) / 2, np.array([-bias[0], bias[0]]) / 2
    return Head(weight.astype(np.float32), bias.astype(np.float32), mean)


def _apart(rows: int, seed: int) -> npt.NDArray[np.bool_]:
    return np.random.default_rng(seed).random(rows) < _APART
