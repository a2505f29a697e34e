"""Models of the factory, served without torch: a label or a number for a text."""

import asyncio
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import Field

from kefu.contracts.engine import Classified, Encoder, EngineCard, Matrix, RawScores
from kefu.contracts.model_card import ModelCard
from kefu.engines.classifier.parts import Parts
from kefu.engines.options import EngineOptions, read_options
from kefu.engines.packed import unpacked
from kefu.engines.resolve import ModelFiles, resolve
from kefu.kit.errors import BadInput, BadInstallation, Unavailable
from kefu.kit.settings import settings

_ENDINGS = (".onnx", ".safetensors", ".json")
# Files that only training reads; serving neither opens nor checks them.
_FOR_TRAINING = ("model.safetensors", "config.json", "report.json")


class ClassifierOptions(EngineOptions):
    """Options of the classifier."""

    threads: int = Field(default=0, ge=0, le=64, description="threads that one run may use; 0 for KEFU_THREADS")
    # A process that has the encoder loaded hands it over, so that it is not loaded twice.
    encoder: Any = Field(default=None, description="the loaded encoder that a head's base model names, if there is one")
    encoders: Any = Field(default=(), description="loaded encoders, of which a head takes the one it was trained on")


class ClassifierEngine:
    """A model folder, ready to answer; may be awaited from any event loop."""

    def __init__(self, reference: str, options: Mapping[str, Any]) -> None:
        self._reference = reference
        self._options = read_options(ClassifierOptions, "classifier", options)
        self._loading = threading.Lock()
        self._card: ModelCard | None = None
        self._version = ""
        self._parts: Parts | None = None

    def card(self) -> EngineCard:
        card = self._loaded()
        return EngineCard(card.name, self._version, card.languages, max_tokens=card.max_tokens)

    def model_card(self) -> ModelCard:
        """All that is known of the model. Raises Unavailable before `load`."""
        return self._loaded()

    async def load(self) -> None:
        if self._parts is not None:
            return
        encoder, encoders = self._options.encoder, self._options.encoders
        if encoder is not None and not isinstance(encoder, Encoder):
            raise BadInput("The option encoder must be a loaded encoder.", option="encoder")
        if not isinstance(encoders, list | tuple) or not all(isinstance(each, Encoder) for each in encoders):
            raise BadInput("The option encoders must be a list of loaded encoders.", option="encoders")
        await asyncio.to_thread(self._load)
        assert self._parts is not None
        await self._parts.load()

    async def close(self) -> None:
        parts, self._parts, self._card = self._parts, None, None
        if parts is not None:
            await parts.close()

    async def classify(self, texts: Sequence[str]) -> list[Classified]:
        card, found = self._loaded(), await self._told(texts)
        if card.task != "classify":
            raise BadInput(f"{card.name} gives numbers, not labels.", model=card.name)
        shares = _softmax(found.logits / np.float32(card.temperature))
        return [_classified(card, row, float(one)) for row, one in zip(shares, found.scope, strict=True)]

    async def raw(self, texts: Sequence[str]) -> RawScores:
        return await self._told(texts, with_vectors=True)

    async def score(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        card, found = self._loaded(), await self._told(texts)
        if card.task != "score":
            raise BadInput(f"{card.name} gives labels, not numbers.", model=card.name)
        return np.clip(found.logits[:, 0], -1.0, 1.0)

    def _loaded(self) -> ModelCard:
        if self._card is None:
            raise Unavailable(f"The classifier {self._reference} is not loaded.")
        return self._card

    async def _told(self, texts: Sequence[str], *, with_vectors: bool = False) -> RawScores:
        if self._parts is None:
            raise Unavailable(f"The classifier {self._reference} is not loaded.")
        if not texts:
            width = len(self._loaded().labels) or 1
            return RawScores(np.zeros((0, width), np.float32), np.zeros((0, 0), np.float32), np.zeros(0, np.float32))
        return await self._parts.told(texts, with_vectors=with_vectors)

    def _load(self) -> None:
        with self._loading:
            if self._parts is not None:
                return
            model = serving_files(self._reference)
            card = ModelCard.from_table(model.card)
            if card.serve not in model.sha256:
                raise BadInstallation(f"The card of model {card.name} does not list {card.serve}, which it serves.")
            threads = self._options.threads or settings().threads
            handed = {"encoder": self._options.encoder, "encoders": self._options.encoders}
            self._parts = Parts.of(card, model, threads=threads, **handed)
            self._version = model.sha256[card.serve]
            self._card = card


def serving_files(reference: str) -> ModelFiles:
    """A model's checked files without those that only training reads. Raises BadInput, BadInstallation."""
    scheme, _, place = reference.partition(":")
    if scheme != "path":
        return resolve(reference, _ENDINGS)
    folder = unpacked(Path(place).expanduser())
    reference, card = f"path:{folder}", _card_table(folder)
    kept = [each for each in card.get("files", ()) if _serves(str(each.get("path", "")), card)]
    return resolve(reference, _ENDINGS, card={**card, "files": kept})


def _serves(path: str, card: Mapping[str, Any]) -> bool:
    if path.endswith(".onnx"):
        return path == card.get("serve")
    return path not in _FOR_TRAINING and not path.startswith(("data/", "checkpoint/"))


def _card_table(folder: Path) -> dict[str, Any]:
    from dataclasses import asdict

    from kefu.contracts.model_card import read_card

    return asdict(read_card(folder))


def _classified(card: ModelCard, shares: npt.NDArray[np.float32], scope: float) -> Classified:
    order = np.argsort(-shares, kind="stable")
    scores = {card.labels[place]: float(shares[place]) for place in order}
    outside = card.scope_threshold is not None and not np.isnan(scope) and scope < card.scope_threshold
    best = card.labels[order[0]]
    return Classified(best, scores[best], bool(outside), scope, scores)


def _softmax(logits: Matrix) -> Matrix:
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True), np.float32)
