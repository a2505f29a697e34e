"""How the words of a text, or the cells of a picture, are weighed for a label.

- occlusion   what the label loses when a word is left out; asks the served model, needs nothing else
- ig          integrated gradients (Sundararajan 2017, captum): from an empty text to this one, summed over each word
- attention   what the last layer's pooled words were made of, traced through all layers (rollout, Abnar 2020)
- shap        Shapley values by the partition explainer (Lundberg 2017, shap); asks the served model
- lime        a linear model of the text with words left out (Ribeiro 2016, lime); asks the served model
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Protocol, get_args

import numpy as np
import numpy.typing as npt

from kefu.contracts.engine import Classifier
from kefu.contracts.model_card import ModelCard
from kefu.factory.explain.cells import Cell, cells_of, without_cells
from kefu.factory.explain.words import Word, without, words_of
from kefu.kit.errors import BadInput
from kefu.kit.optional import require
from kefu.kit.runtime import run
from kefu.knowledge.pictures import is_picture, size_of

MethodName = Literal["occlusion", "ig", "attention", "shap", "lime"]
METHODS: tuple[MethodName, ...] = get_args(MethodName)
Part = Word | Cell
Weights = npt.NDArray[np.float64]
Shares = npt.NDArray[np.float64]

# Points on the way from the empty text: the sum is within about 2% of the whole at 32 (captum's own default is 50).
_IG_STEPS = 32
# Texts with words left out that LIME learns from; fewer, and its weights change from run to run.
_LIME_TEXTS = 500
# Longer texts would ask the model more often than anybody waits for.
MOST_WORDS = 60
# The runtime of models that look at pictures.
PICTURE = "picture"


class Asked(Protocol):
    """A served model: each label's share for each text, [texts, labels] in the card's order."""

    def __call__(self, texts: Sequence[str]) -> Shares: ...


class Method(Protocol):
    """Weighs the parts of a text for the label of that place in the card."""

    def __call__(self, text: str, parts: Sequence[Part], label: int) -> Weights: ...


def asked(engine: Classifier, card: ModelCard) -> Asked:
    """Asks a loaded engine."""

    def ask(texts: Sequence[str]) -> Shares:
        said = run(engine.classify(list(texts)))
        return np.array([[each.scores.get(label, 0.0) for label in card.labels] for each in said], np.float64)

    return ask


def method_of(name: str, folder: Path, card: ModelCard, ask: Asked, *, seed: int = 0) -> Method:
    """Raises BadInput for a method that there is not or that this model has nothing for, MissingExtra."""
    makers: Mapping[str, Callable[[], Method]] = {
        "occlusion": lambda: Occlusion(ask),
        "ig": lambda: _gradients(folder, card),
        "attention": lambda: _attention(folder, card),
        "shap": lambda: Shapley(ask, seed),
        "lime": lambda: Lime(ask, card, seed),
    }
    if name not in makers:
        raise BadInput(f"There is no explanation by {name!r}. Methods: {', '.join(METHODS)}.", method=name)
    return makers[name]()


class Occlusion:
    """A part's weight is what its absence costs the label."""

    def __init__(self, ask: Asked) -> None:
        self._ask = ask

    def __call__(self, text: str, parts: Sequence[Part], label: int) -> Weights:
        found = self._ask([text, *(left_out(text, parts, {place}) for place in range(len(parts)))])[:, label]
        return np.asarray(found[0] - found[1:])


class Shapley:
    """A part's mean share in the label over all orders in which parts could come."""

    def __init__(self, ask: Asked, seed: int) -> None:
        self._ask, self._seed = ask, seed
        self._shap = require("shap", extra="explain")

    def __call__(self, text: str, parts: Sequence[Part], label: int) -> Weights:
        def shares(kept: npt.NDArray[np.bool_]) -> Shares:
            rows = np.asarray(kept, bool)
            return self._ask([left_out(text, parts, set(np.flatnonzero(~row))) for row in rows])[:, [label]]

        background = np.zeros((1, len(parts)), bool)
        explainer = self._shap.PermutationExplainer(shares, background, seed=self._seed)
        # Two orders, there and back: each part is met as often early as late.
        found = explainer(np.ones((1, len(parts)), bool), max_evals=2 * (2 * len(parts) + 1), silent=True)
        return np.asarray(found.values, np.float64).reshape(-1)


class Lime:
    """The slopes of a linear model that does near the text what the network does."""

    def __init__(self, ask: Asked, card: ModelCard, seed: int) -> None:
        self._ask, self._card, self._seed = ask, card, seed
        self._lime = require("lime.lime_tabular", extra="explain")

    def __call__(self, text: str, parts: Sequence[Part], label: int) -> Weights:
        def shares(kept: npt.NDArray[np.float64]) -> Shares:
            return self._ask([left_out(text, parts, set(np.flatnonzero(row < 1))) for row in kept])

        chance = np.random.default_rng(self._seed)
        rows = chance.random((_LIME_TEXTS, len(parts))) < 0.5
        rows[0] = True
        base = self._lime.lime_base.LimeBase(
            lambda distances: np.sqrt(np.exp(-(distances**2) / 0.25**2)), random_state=self._seed
        )
        near = rows.astype(np.float64)
        distances = 1 - near.mean(axis=1) ** 0.5  # the cosine to the whole text
        found = base.explain_instance_with_data(
            near, shares(near), distances, label, len(parts), feature_selection="none"
        )
        weights = np.zeros(len(parts))
        for place, weight in found[1]:
            weights[place] = weight
        return weights


def _gradients(folder: Path, card: ModelCard) -> Method:
    if card.runtime == PICTURE:
        require("captum", extra="explain")
        from kefu.factory.explain.pictures import PictureGradients

        return PictureGradients(_with_weights(folder, card), steps=_IG_STEPS)
    from kefu.factory.explain.inside import Gradients

    require("captum", extra="explain")
    return Gradients(_with_weights(folder, card), card, steps=_IG_STEPS)


def _attention(folder: Path, card: ModelCard) -> Method:
    if card.runtime == PICTURE:
        raise BadInput(
            f"{card.name} looks at pictures without attention; explain it by occlusion, ig, shap or lime.",
            model=card.name,
        )
    from kefu.factory.explain.inside import Rollout

    return Rollout(_with_weights(folder, card), card)


def _with_weights(folder: Path, card: ModelCard) -> Path:
    require("torch", extra="train")
    if card.runtime not in {"onnx", PICTURE} or not (folder / "model.safetensors").is_file():
        raise BadInput(
            f"{card.name} keeps no network to look into; explain it by occlusion, shap or lime, which only ask it.",
            model=card.name,
        )
    return folder


def weighable(text: str) -> tuple[Part, ...]:
    """The words that are weighed, the first MOST_WORDS, or a picture's cells.

    Raises BadInput for a text without words, and for a picture that cannot be read.
    """
    if is_picture(text):
        size_of(text)
        return cells_of(text)
    words = words_of(text)
    if not words:
        raise BadInput("There is no word in this text to explain.")
    return words[:MOST_WORDS]


def left_out(text: str, parts: Sequence[Part], places: Collection[int]) -> str:
    """The text, or the picture, without the parts of these places."""
    cells = [each for each in parts if isinstance(each, Cell)]
    if cells:
        return without_cells(text, cells, places)
    return without(text, [each for each in parts if isinstance(each, Word)], places)


def plain(weights: Any) -> list[float]:
    """As they are printed."""
    return [round(float(each), 6) for each in weights]
