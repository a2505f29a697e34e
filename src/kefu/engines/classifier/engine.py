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
from kefu.engines.classifier.runtimes import Outputs, Runtime, runtime_of
from kefu.engines.classifier.scope import Scope
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


class ClassifierEngine:
    """A model folder, ready to answer; may be awaited from any event loop."""

    def __init__(self, reference: str, options: Mapping[str, Any]) -> None:
        self._reference = reference
        self._options = read_options(ClassifierOptions, "classifier", options)
        self._loading = threading.Lock()
        self._card: ModelCard | None = None
        self._version = ""
        self._runtime: Runtime | None = None
        self._scope: Scope | None = None

    def card(self) -> EngineCard:
        card = self._loaded()
        return EngineCard(card.name, self._version, card.languages, max_tokens=card.max_tokens)

    def model_card(self) -> ModelCard:
        """All that is known of the model. Raises Unavailable before `load`."""
        return self._loaded()

    async def load(self) -> None:
        if self._runtime is not None:
            return
        encoder = self._options.encoder
        if encoder is not None and not isinstance(encoder, Encoder):
            raise BadInput("The option encoder must be a loaded encoder.", option="encoder")
        await asyncio.to_thread(self._load)
        assert self._runtime is not None
        await self._runtime.load()

    async def close(self) -> None:
        runtime, self._runtime, self._card = self._runtime, None, None
        if runtime is not None:
            await runtime.close()

    async def classify(self, texts: Sequence[str]) -> list[Classified]:
        card, outputs = self._loaded(), await self._outputs(texts)
        if card.task != "classify":
            raise BadInput(f"{card.name} gives numbers, not labels.", model=card.name)
        scope = self._scope_of(outputs)
        shares = _softmax(outputs.logits / np.float32(card.temperature))
        return [_classified(card, row, float(one)) for row, one in zip(shares, scope, strict=True)]

    async def raw(self, texts: Sequence[str]) -> RawScores:
        outputs = await self._outputs(texts)
        detectors = self._scope.detectors(outputs) if self._scope is not None else {}
        return RawScores(outputs.logits, outputs.vectors, self._scope_of(outputs), detectors)

    async def score(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        card, outputs = self._loaded(), await self._outputs(texts)
        if card.task != "score":
            raise BadInput(f"{card.name} gives labels, not numbers.", model=card.name)
        return np.clip(outputs.logits[:, 0], -1.0, 1.0)

    def _loaded(self) -> ModelCard:
        if self._card is None:
            raise Unavailable(f"The classifier {self._reference} is not loaded.")
        return self._card

    async def _outputs(self, texts: Sequence[str]) -> Outputs:
        if self._runtime is None:
            raise Unavailable(f"The classifier {self._reference} is not loaded.")
        if not texts:
            width = len(self._loaded().labels) or 1
            return Outputs(np.zeros((0, width), np.float32), np.zeros((0, 0), np.float32), None)
        return await self._runtime.run(texts)

    def _scope_of(self, outputs: Outputs) -> npt.NDArray[np.float32]:
        if self._scope is None:
            return np.full(len(outputs.logits), np.nan, np.float32)
        return self._scope.scope(outputs)

    def _load(self) -> None:
        with self._loading:
            if self._runtime is not None:
                return
            model = serving_files(self._reference)
            card = ModelCard.from_table(model.card)
            if card.serve not in model.sha256:
                raise BadInstallation(f"The card of model {card.name} does not list {card.serve}, which it serves.")
            threads = self._options.threads or settings().threads
            self._runtime = runtime_of(card, model, threads=threads, encoder=self._options.encoder)
            statistics = model.files.get("scope.safetensors")
            self._scope = Scope.read(statistics) if statistics is not None else None
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
