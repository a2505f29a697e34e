"""A pool of unlabelled texts as trained models see it."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from kefu.contracts.dataset import Dataset
from kefu.contracts.job import Job, Recipe
from kefu.contracts.model_card import ModelCard, read_card
from kefu.factory.data.select import Pool, without_known
from kefu.factory.data.version import kept
from kefu.factory.seal import outputs
from kefu.kit import registry
from kefu.kit.errors import BadInput
from kefu.knowledge.pictures import is_picture

# Known texts that distances are measured to: their vectors cost as much as those of the pool.
_KNOWN = 5000


@contextmanager
def quick_models(labelled: Dataset, recipes: Sequence[str] = ("head",)) -> Iterator[list[Path]]:
    """Models that are trained in seconds on what is labelled, for as long as the block runs.

    Raises BadInput for pictures, which take a network of their own.
    """
    if labelled.examples and is_picture(labelled.examples[0].text):
        raise BadInput("Pictures need a model that was trained on some (the recipe cnn); name it.", missing="models")
    with tempfile.TemporaryDirectory(prefix="kefu-select-") as place:
        folders = []
        for recipe in recipes:
            folder = Path(place) / recipe
            made = registry.load("recipes", recipe, Recipe)({})
            made.train(Job("train", out=str(folder), recipe=recipe), labelled, labelled, lambda told, fields: None)
            folders.append(folder)
        yield folders


def pool_of(
    texts: Sequence[str], models: Sequence[Path], labelled: Dataset | None = None
) -> tuple[Pool, tuple[str, ...]]:
    """The pool as the models see it, and their labels. Vectors are the first model's that has any.

    What is known is what `labelled` holds, or the first model's copy of its data. Raises BadInput for models that do
    not tell labels, know other labels than each other, or an empty pool.
    """
    cards = [read_card(each) for each in models]
    labels = _shared_labels(cards)
    _refuse_others(cards, texts)
    known = labelled if labelled is not None else kept(models[0] / "data", name="train")
    taught = [each.text for each in known.examples] if known is not None else []
    left = without_known(texts, taught)
    if not left:
        raise BadInput("Every text of the pool is empty or labelled already.")
    step = max(1, len(taught) // _KNOWN)
    answers = [outputs(folder, [*left, *taught[::step]]) for folder in models]
    shares = [_softmax(each.logits[: len(left)] / card.temperature) for each, card in zip(answers, cards, strict=True)]
    vectors = next(
        (each.vectors for each in answers if each.vectors.size), np.zeros((len(left) + len(taught[::step]), 1))
    )
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    return Pool(tuple(left), np.stack(shares), unit[: len(left)], unit[len(left) :]), labels


def _shared_labels(cards: Sequence[ModelCard]) -> tuple[str, ...]:
    for card in cards:
        if card.task != "classify":
            raise BadInput(f"{card.name} tells no labels: its task is {card.task}.", model=card.name)
        if card.labels != cards[0].labels:
            raise BadInput(f"{card.name} knows other labels than {cards[0].name}; a committee shares its labels.")
    return cards[0].labels


def _refuse_others(cards: Sequence[ModelCard], texts: Sequence[str]) -> None:
    """Raises BadInput for pictures before a model of texts, and texts before one of pictures."""
    shown = bool(texts) and is_picture(texts[0])
    for card in cards:
        if (card.runtime == "picture") != shown:
            wanted, given = ("texts", "pictures") if shown else ("pictures", "texts")
            raise BadInput(f"{card.name} is a model of {wanted}, and the pool holds {given}.", model=card.name)


def _softmax(logits: np.ndarray) -> np.ndarray:  # type: ignore[type-arg]
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), np.float32)
