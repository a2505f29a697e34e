"""What computes the logits of a text's pieces: a network as ONNX, or weights of features. Synchronous."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from kefu.contracts.engine import Matrix
from kefu.contracts.model_card import ModelCard
from kefu.engines.classifier.runtimes import read_arrays, read_json
from kefu.engines.onnx.session import TextSession
from kefu.engines.resolve import ModelFiles
from kefu.kit.errors import BadInstallation
from kefu.knowledge.tagging.features import features, words
from kefu.knowledge.tagging.lattice import tag_names
from kefu.knowledge.tagging.pieces import Pieces, asked, pieces

_LOGITS, _VOCABULARY = "logits", "vocabulary.json"


class TagRuntime(Protocol):
    """Runs a model."""

    def run(self, text: str, requested: Sequence[str]) -> tuple[Matrix, Pieces]:
        """Logits [pieces, tags] and the pieces of the text."""


def runtime_of(card: ModelCard, model: ModelFiles, *, threads: int) -> TagRuntime:
    """The runtime that a card names. Raises BadInstallation for files that do not fit together."""
    if card.runtime == "linear":
        return LinearTags(card, model)
    if card.runtime == "onnx":
        return NetworkTags(card, model, threads=threads)
    raise BadInstallation(f"The model {card.name} needs the runtime {card.runtime!r}, which this Kefu does not have.")


class NetworkTags(TextSession):
    """A network with the output `logits` for each token."""

    def __init__(self, card: ModelCard, model: ModelFiles, *, threads: int) -> None:
        super().__init__(model, threads=threads, max_tokens=card.max_tokens)
        if _LOGITS not in self.outputs:
            raise BadInstallation(f"{card.serve} of model {card.name} does not give logits.", model=card.name)
        logits, _ = self.run("first", ())
        _refuse_other_tags(card, logits.shape[1])

    def run(self, text: str, requested: Sequence[str]) -> tuple[Matrix, Pieces]:
        whole, start = asked(text, requested)
        encoded = self.encode(whole)
        found = pieces(encoded, whole, start)
        ids = np.array([encoded.ids], np.int64)
        (logits,) = self.compute_ids((_LOGITS,), ids, np.ones_like(ids)) if ids.size else (np.zeros((1, 0, 1)),)
        return np.asarray(logits[0][list(found.rows)], np.float32), found


class LinearTags:
    """A row of weights for each feature."""

    def __init__(self, card: ModelCard, model: ModelFiles) -> None:
        arrays = read_arrays(model, card.serve, ("weights", "intercept"))
        terms = read_json(model.files[_VOCABULARY]) if _VOCABULARY in model.files else None
        if not isinstance(terms, list) or len(terms) != len(arrays["weights"]):
            raise BadInstallation(f"The vocabulary of model {model.name} does not fit its weights.", model=model.name)
        self._weights = arrays["weights"].astype(np.float32)
        self._intercept = arrays["intercept"].astype(np.float32)
        self._vocabulary = {term: place for place, term in enumerate(terms)}
        _refuse_other_tags(card, len(self._intercept))

    def run(self, text: str, requested: Sequence[str]) -> tuple[Matrix, Pieces]:
        found = words(text)
        rows = [self._row(names) for names in features(text, found, requested)]
        return np.array(rows, np.float32).reshape(len(rows), len(self._intercept)), found

    def _row(self, names: Sequence[str]) -> Matrix:
        known = sorted({self._vocabulary[name] for name in names if name in self._vocabulary})
        return np.asarray(self._weights[known].sum(axis=0) + self._intercept, np.float32)


def _refuse_other_tags(card: ModelCard, found: int) -> None:
    """Raises BadInstallation when the weights give another number of tags than the card's slots have."""
    wanted = len(tag_names(card.labels))
    if found != wanted:
        raise BadInstallation(
            f"{card.serve} of model {card.name} gives {found} tags, its card names {len(card.labels)} slots.",
            model=card.name,
        )
