"""What computes a model's logits: TF-IDF weights, a head on a frozen encoder, or a network as ONNX."""

import asyncio
import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from kefu.contracts.engine import Encoder, Matrix
from kefu.contracts.model_card import ModelCard
from kefu.engines.onnx.engine import OnnxEncoder
from kefu.engines.resolve import ModelFiles
from kefu.kit.errors import BadInstallation
from kefu.knowledge.neighbours import Neighbours
from kefu.knowledge.ngrams import ngrams

_LINEAR, _VOCABULARY = "linear.safetensors", "vocabulary.json"
_FLOOR = "linear/"
_NEAR = "near.safetensors"
# Margins of a support vector machine lie about ±1: so small, the energy of many labels says only how many there are.
# Scaled, their softmax is about calibrated (CLINC150: out-of-scope AUROC of the energy 0.49 before, 0.93 after).
_MARGINS = np.float32(8.0)


# Characters that are scored in about 0.2 ms; a thread takes as long to be woken where others work.
_A_QUESTION = 500


@dataclass(frozen=True)
class Outputs:
    """logits [n, labels]; vectors [n, d], d 0 where a runtime has none; the linear floor's scores if it is there."""

    logits: Matrix
    vectors: Matrix
    floor: Matrix | None


class Runtime(Protocol):
    """Runs a model."""

    async def load(self) -> None: ...
    async def run(self, texts: Sequence[str]) -> Outputs: ...
    async def close(self) -> None: ...


def runtime_of(
    card: ModelCard, model: ModelFiles, *, folder: str = "", threads: int, encoder: Encoder | None
) -> Runtime:
    """The runtime that a card names, of the files below `folder` of the model.

    Raises BadInstallation for files that do not fit together.
    """
    if card.runtime == "linear":
        linear = Linear.read(model, "")
        _refuse_other_labels(card, linear.labels)
        return LinearRuntime(linear)
    place = f"{folder}{_FLOOR}"
    floor = Linear.read(model, place) if f"{place}{_LINEAR}" in model.files else None
    if card.runtime == "head":
        return HeadRuntime(card, model, floor, threads=threads, encoder=encoder)
    if card.runtime == "onnx":
        return NetworkRuntime(card, model, floor, threads=threads)
    if card.runtime == "picture":
        from kefu.engines.classifier.pictures import PictureRuntime

        return PictureRuntime(card, model, threads=threads)
    raise BadInstallation(f"The model {card.name} needs the runtime {card.runtime!r}, which this Kefu does not have.")


class Linear:
    """TF-IDF weights: one row a feature, one column a label."""

    def __init__(self, vocabulary: Mapping[str, int], weights: Matrix, idf: Matrix, intercept: Matrix) -> None:
        self._vocabulary = vocabulary
        self._weights, self._idf, self._intercept = weights, idf, intercept

    @property
    def labels(self) -> int:
        return int(self._weights.shape[1])

    @classmethod
    def read(cls, model: ModelFiles, folder: str) -> "Linear":
        arrays = read_arrays(model, f"{folder}{_LINEAR}", ("weights", "idf", "intercept"))
        terms = read_json(model.files[f"{folder}{_VOCABULARY}"])
        if not isinstance(terms, list) or len(terms) != len(arrays["weights"]):
            raise BadInstallation(f"The vocabulary of model {model.name} does not fit its weights.", model=model.name)
        weights = arrays["weights"].astype(np.float32)
        places = {term: place for place, term in enumerate(terms)}
        return cls(places, weights, arrays["idf"].astype(np.float32), arrays["intercept"].astype(np.float32))

    def scores(self, texts: Sequence[str]) -> Matrix:
        return np.stack([self._score(text) for text in texts])

    def _score(self, text: str) -> npt.NDArray[np.float32]:
        counts: Counter[int | None] = Counter(map(self._vocabulary.get, ngrams(text)))
        counts.pop(None, None)  # features that no text taught
        if not counts:
            return self._intercept
        places = np.fromiter(counts, np.int64, len(counts))
        values = np.array([1.0 + math.log(count) for count in counts.values()], np.float32) * self._idf[places]
        values /= np.linalg.norm(values)
        return np.asarray(values @ self._weights[places] + self._intercept, np.float32)


async def _scored(linear: Linear, texts: Sequence[str]) -> Matrix:
    """The scores of texts: those of a question here, since handing it to a thread costs more; of many in a thread."""
    if sum(map(len, texts)) <= _A_QUESTION:
        return linear.scores(texts)
    return await asyncio.to_thread(linear.scores, texts)


class LinearRuntime:
    """The floor: no encoder, no torch."""

    def __init__(self, linear: Linear) -> None:
        self._linear = linear

    async def load(self) -> None:
        """Nothing more."""

    async def run(self, texts: Sequence[str]) -> Outputs:
        logits = _MARGINS * await _scored(self._linear, texts)
        return Outputs(logits, np.zeros((len(texts), 0), np.float32), None)

    async def close(self) -> None:
        """Nothing is held."""


class HeadRuntime:
    """A linear layer on the vectors of a frozen encoder."""

    def __init__(
        self, card: ModelCard, model: ModelFiles, floor: Linear | None, *, threads: int, encoder: Encoder | None
    ) -> None:
        arrays = read_arrays(model, card.serve, ("weight", "bias", "mean", "beside"))
        self._weight, self._bias, self._mean = (arrays[name].astype(np.float32) for name in ("weight", "bias", "mean"))
        _refuse_other_labels(card, len(self._bias))
        self._card, self._floor = card, floor
        self._floor_weight, self._near_weight = (float(weight) for weight in arrays["beside"])
        self._near = Neighbours(arrays["near"], arrays["owners"], len(self._bias)) if self._near_weight else None
        self._own = encoder is None
        self._encoder: Encoder = encoder or OnnxEncoder(str(card.base_model), {"threads": threads})

    @property
    def width(self) -> int:
        """The length of its vectors."""
        return int(self._weight.shape[1])

    async def load(self) -> None:
        if self._own:
            await self._encoder.load()
        found = self._encoder.card()
        if self._card.base_sha256 and found.version != self._card.base_sha256:
            raise BadInstallation(
                f"{self._card.name} was trained on another version of {self._card.base_model}; train it again.",
                model=self._card.name,
            )
        if found.dimension != self._weight.shape[1]:
            raise BadInstallation(f"{self._card.name} does not fit the encoder {found.name}.", model=self._card.name)

    async def run(self, texts: Sequence[str]) -> Outputs:
        vectors = await self._encoder.embed(texts, "query")
        centred = vectors - self._mean
        logits = centred @ self._weight.T + self._bias
        if self._near is not None:
            logits += self._near_weight * self._near.log_shares(centred)
        floor = await _scored(self._floor, texts) if self._floor is not None else None
        if floor is not None:
            logits += self._floor_weight * floor
        return Outputs(np.asarray(logits, np.float32), vectors, floor)

    async def close(self) -> None:
        if self._own:
            await self._encoder.close()


class NetworkRuntime:
    """A fine-tuned network; runs on a thread of its own."""

    def __init__(self, card: ModelCard, model: ModelFiles, floor: Linear | None, *, threads: int) -> None:
        self._card, self._model, self._floor, self._threads = card, model, floor, threads
        self._near, self._near_weight = _near(card, model)
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="kefu-classifier")
        self._network: Any = None

    async def load(self) -> None:
        from kefu.engines.classifier.network import Network

        loop = asyncio.get_running_loop()
        self._network = await loop.run_in_executor(
            self._pool, lambda: Network(self._card, self._model, threads=self._threads)
        )

    async def run(self, texts: Sequence[str]) -> Outputs:
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._run, texts)

    async def close(self) -> None:
        self._network = None
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _run(self, texts: Sequence[str]) -> Outputs:
        logits, vectors = self._network.run(texts)
        if self._near is not None:
            logits = logits + self._near_weight * self._near.log_shares(vectors)
        if self._floor is None:
            return Outputs(logits, vectors, None)
        floor = self._floor.scores(texts)
        return Outputs(logits + np.float32(self._card.floor_weight) * floor, vectors, floor)


def _near(card: ModelCard, model: ModelFiles) -> tuple[Neighbours | None, np.float32]:
    """A network's near examples and what they count, where it keeps some."""
    if _NEAR not in model.files:
        return None, np.float32(0.0)
    arrays = read_arrays(model, _NEAR, ("near", "owners", "weight"))
    return Neighbours(arrays["near"], arrays["owners"], len(card.labels)), np.float32(arrays["weight"][0])


def _refuse_other_labels(card: ModelCard, found: int) -> None:
    """Raises BadInstallation when the weights give another number of labels than the card names."""
    if card.task == "classify" and found != len(card.labels):
        raise BadInstallation(
            f"{card.serve} of model {card.name} tells {found} labels apart, its card names {len(card.labels)}.",
            model=card.name,
        )


def read_arrays(model: ModelFiles, path: str, names: tuple[str, ...]) -> dict[str, Any]:
    """The arrays of a safetensors file, these names among them. Raises BadInstallation."""
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    if path not in model.files:
        raise BadInstallation(f"The card of model {model.name} does not list {path}.", model=model.name)
    try:
        arrays: dict[str, Any] = load_file(model.files[path])
    except (OSError, SafetensorError) as error:
        raise BadInstallation(f"{path} of model {model.name} cannot be read.", model=model.name) from error
    if missing := [name for name in names if name not in arrays]:
        raise BadInstallation(f"{path} of model {model.name} has no {', '.join(missing)}.", model=model.name)
    return arrays


def read_json(path: Path) -> Any:
    """A JSON file's value. Raises BadInstallation."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadInstallation(f"{path.name} cannot be read.", file=path.name) from error
