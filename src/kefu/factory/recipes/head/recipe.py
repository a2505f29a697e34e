"""The recipe `head`: logistic regression on a frozen encoder's vectors, near examples and the floor beside it.

Where the data hold enough English beside other languages, English gets a head of its own on the encoder that search
embeds it with: a customer's question is then embedded once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import Field

from kefu.contracts.dataset import Dataset
from kefu.contracts.engine import Matrix
from kefu.contracts.job import Job, Tell, Told
from kefu.contracts.model_card import CARD_FILE, ModelCard, OwnHead
from kefu.factory.examples import labelled, languages_of, searching
from kefu.factory.extend import with_earlier_examples
from kefu.factory.languages import Division, divided
from kefu.factory.near import near_arrays
from kefu.factory.options import RecipeOptions, read_options
from kefu.factory.recipes.linear.recipe import fit_linear
from kefu.factory.seal import seal, write_card
from kefu.factory.vectors import TAUGHT_AT_ONCE, embedded, loaded
from kefu.knowledge.embedding import DEFAULT_ENCODERS

SERVE = "head.safetensors"
_FLOOR_FEATURES = 20_000


class HeadOptions(RecipeOptions):
    """Options of `head`."""

    base_model: str = Field(default="", description="package:NAME or path:DIR; empty chooses by the texts' language")
    by_language: bool = Field(default=True, description="English by a head of its own; no: one head for all languages")
    regularisation: float = Field(default=30.0, gt=0, le=1e6, description="C of the logistic regression")
    # Both weights lie on a plateau: on four tenths of BANKING77's training data kept apart in turn, 1 to 4 and 0.5 to 1
    # are within half a point, and choosing them on one tenth picks its noise.
    floor_weight: float = Field(default=2.0, ge=0, le=100, description="what the linear floor's margins count; 0: none")
    near_weight: float = Field(default=1.0, ge=0, le=100, description="what near examples count; 0: none are kept")


@dataclass(frozen=True)
class Head:
    """weight [labels, d], bias [labels], mean [d]: logits are (vector - mean) @ weight.T + bias."""

    weight: Matrix
    bias: npt.NDArray[np.float32]
    mean: npt.NDArray[np.float32]


class HeadRecipe:
    """`contracts.job.Recipe`."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._options = read_options(HeadOptions, "head", options)

    def train(self, job: Job, data: Dataset, valid: Dataset, tell: Tell) -> ModelCard:
        data, parents = with_earlier_examples(job, data, tell)
        languages, folder = languages_of(labelled(data)[0]), Path(job.out)
        base = self._options.base_model or searching(labelled(data)[0])
        division = self._division(data, valid, languages, tell)
        if division is None:
            card = self._head(folder, base, data, valid, tell)
        else:
            card = self._head(folder, base, division.rest, division.rest_valid, tell)
            card = replace(card, own_heads=(self._own(folder, division, tell),))
        card = replace(card, languages=languages, data_sha256=data.sha256, valid_sha256=valid.sha256, parents=parents)
        return write_card(folder, card)

    def _division(self, data: Dataset, valid: Dataset, languages: Sequence[str], tell: Tell) -> Division | None:
        """The data of a head for English and of one for the rest; None where there is one for all."""
        if self._options.base_model or not self._options.by_language or "en" not in languages or len(languages) < 2:
            return None
        division = divided(data, valid, "en")
        if isinstance(division, str):
            tell(Told.NOTE, {"sentence": f"One head tells the texts of all languages: {division}."})
            return None
        english, rest = len(division.own.examples), len(division.rest.examples)
        told = f"English texts have a head of their own, of {english} rows; that of all others learns {rest}."
        tell(Told.NOTE, {"sentence": told})
        return division

    def _own(self, folder: Path, division: Division, tell: Tell) -> OwnHead:
        """Train and calibrate a language's own head in the model's folder of its name."""
        place = folder / division.language
        card = self._head(place, DEFAULT_ENCODERS["en"], division.own, division.own_valid, tell)
        (place / CARD_FILE).unlink()  # the model has one card, which pins these files, too
        return OwnHead(division.language, str(card.base_model), str(card.base_sha256), card.temperature)

    def _head(self, folder: Path, base: str, data: Dataset, valid: Dataset, tell: Tell) -> ModelCard:
        """A calibrated head of its own card."""
        texts, labels = labelled(data)
        with loaded(base, threads=self._options.processor_threads, batch=TAUGHT_AT_ONCE) as encoder:
            vectors = embedded(encoder, texts, tell)
            card, running = self._fit(folder, vectors, texts, labels, tell), encoder.card()
            card = replace(card, base_model=base, base_sha256=running.version, max_tokens=running.max_tokens)
            return seal(folder, card, data, valid, encoder=encoder)

    def _fit(self, folder: Path, vectors: Matrix, texts: Sequence[str], labels: Sequence[str], tell: Tell) -> ModelCard:
        options = self._options
        head = fit_head(vectors, labels, regularisation=options.regularisation, seed=options.seed)
        self._write(folder, head, vectors, labels)
        if options.floor_weight:
            fit_linear(
                folder / "linear", texts, labels, regularisation=1.0, features=_FLOOR_FEATURES, seed=options.seed
            )
        tell(Told.EPOCH, {"epoch": 1})
        return ModelCard(
            name=folder.name,
            task="classify",
            recipe="head",
            runtime="head",
            serve=SERVE,
            labels=tuple(sorted(set(labels))),
            seed=options.seed,
            options=options.model_dump(),
            licence=options.licence,
        )

    def _write(self, folder: Path, head: Head, vectors: Matrix, labels: Sequence[str]) -> None:
        from safetensors.numpy import save_file

        folder.mkdir(parents=True, exist_ok=True)
        beside = np.array([self._options.floor_weight, self._options.near_weight])
        arrays = {"weight": head.weight, "bias": head.bias, "mean": head.mean, "beside": beside}
        kept: dict[str, Any] = {name: np.ascontiguousarray(found, np.float32) for name, found in arrays.items()}
        if self._options.near_weight:
            owners = np.searchsorted(sorted(set(labels)), labels)
            kept |= near_arrays(vectors - head.mean, owners)
        save_file(kept, folder / SERVE)


def fit_head(vectors: Matrix, labels: Sequence[str], *, regularisation: float, seed: int) -> Head:
    """Multinomial logistic regression; rows of `weight` are the sorted labels."""
    from sklearn.linear_model import LogisticRegression

    mean = vectors.mean(axis=0)
    fitted = LogisticRegression(C=regularisation, max_iter=500, random_state=seed).fit(vectors - mean, labels)
    weight, bias = fitted.coef_, fitted.intercept_
    if len(weight) == 1:  # two labels are one row in scikit-learn
        weight, bias = np.vstack([-weight, weight]) / 2, np.array([-bias[0], bias[0]]) / 2
    return Head(weight.astype(np.float32), bias.astype(np.float32), mean)
