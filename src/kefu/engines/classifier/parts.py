"""The parts of a model that tell its labels: a head for each language that has its own, and one for all the others."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from kefu.contracts.engine import Encoder, Matrix, RawScores
from kefu.contracts.model_card import ModelCard, OwnHead
from kefu.engines.classifier.runtimes import HeadRuntime, Outputs, Runtime, runtime_of
from kefu.engines.classifier.scope import Scope
from kefu.engines.resolve import ModelFiles
from kefu.kit.errors import BadInstallation
from kefu.knowledge.language import detect

# The part that tells the texts of every language without a head of its own.
REST = "*"
_SCOPE_FILE = "scope.safetensors"


@dataclass(frozen=True)
class Part:
    """A runtime with the statistics of its scope; `scale` brings its logits to the temperature of the model's card.

    `width` is the length of a head's vectors.
    """

    runtime: Runtime
    scope: Scope | None
    scale: float = 1.0

    @property
    def width(self) -> int:
        return self.runtime.width if isinstance(self.runtime, HeadRuntime) else 0

    async def told(self, texts: Sequence[str]) -> RawScores:
        """What this part says of texts, at least one."""
        outputs = await self.runtime.run(texts)
        detectors = self.scope.detectors(outputs) if self.scope is not None else {}
        return RawScores(self._scaled(outputs), outputs.vectors, self._scope_of(detectors, len(texts)), detectors)

    def _scaled(self, outputs: Outputs) -> Matrix:
        return outputs.logits if self.scale == 1.0 else np.float32(self.scale) * outputs.logits

    def _scope_of(self, detectors: Mapping[str, Matrix], texts: int) -> Matrix:
        if self.scope is None:
            return np.full(texts, np.nan, np.float32)
        return self.scope.scope(detectors)


class Parts:
    """All parts of a model, by language."""

    def __init__(self, parts: Mapping[str, Part]) -> None:
        self._parts = dict(parts)

    @classmethod
    def of(
        cls,
        card: ModelCard,
        model: ModelFiles,
        *,
        threads: int,
        encoder: Encoder | None = None,
        encoders: Sequence[Encoder] = (),
    ) -> "Parts":
        """The parts that a card names. `encoder` is the loaded base of the model; else one of `encoders` may be it.

        Raises BadInstallation for files that do not fit together.
        """
        if card.own_heads and card.runtime != "head":
            raise BadInstallation(f"The card of {card.name} names heads of languages beside a {card.runtime} model.")
        base = encoder or _trained_on(card.base_sha256, encoders)
        made = {REST: Part(runtime_of(card, model, threads=threads, encoder=base), _scope(model, ""))}
        for head in card.own_heads:
            folder, base = f"{head.language}/", _trained_on(head.base_sha256, encoders)
            runtime = runtime_of(_card_of(card, head), model, folder=folder, threads=threads, encoder=base)
            made[head.language] = Part(runtime, _scope(model, folder), card.temperature / head.temperature)
        return cls(made)

    async def load(self) -> None:
        for part in self._parts.values():
            await part.runtime.load()

    async def close(self) -> None:
        for part in self._parts.values():
            await part.runtime.close()

    async def told(self, texts: Sequence[str], *, with_vectors: bool) -> RawScores:
        """What is said of texts, at least one, each by the part of its language.

        Vectors of several parts stand in columns of their own: those of different encoders are not comparable.
        Detectors of several parts are left out: each part's are ranked by its own statistics.
        """
        if len(self._parts) == 1:
            return await self._parts[REST].told(texts)
        places = self._places(texts)
        found = {name: await self._parts[name].told([texts[at] for at in own]) for name, own in places.items()}
        if len(found) == 1 and not with_vectors:  # a customer's question
            return next(iter(found.values()))
        labels = next(iter(found.values())).logits.shape[1]
        logits, scope = np.zeros((len(texts), labels), np.float32), np.zeros(len(texts), np.float32)
        for name, said in found.items():
            logits[places[name]], scope[places[name]] = said.logits, said.scope
        return RawScores(logits, self._vectors(len(texts), places, found), scope)

    def _places(self, texts: Sequence[str]) -> dict[str, list[int]]:
        """The places of the texts that each part tells."""
        places: dict[str, list[int]] = {}
        for at, text in enumerate(texts):
            language = detect(text)
            places.setdefault(language if language in self._parts else REST, []).append(at)
        return places

    def _vectors(self, texts: int, places: Mapping[str, list[int]], found: Mapping[str, RawScores]) -> Matrix:
        vectors, column = np.zeros((texts, sum(part.width for part in self._parts.values())), np.float32), 0
        for name, part in self._parts.items():
            if name in found:
                vectors[places[name], column : column + part.width] = found[name].vectors
            column += part.width
        return vectors


def _card_of(card: ModelCard, head: OwnHead) -> ModelCard:
    """The card as a language's own head reads it."""
    serve = f"{head.language}/{card.serve}"
    return replace(card, serve=serve, base_model=head.base_model, base_sha256=head.base_sha256)


def _trained_on(sha256: str | None, encoders: Sequence[Encoder]) -> Encoder | None:
    return next((each for each in encoders if sha256 and each.card().version == sha256), None)


def _scope(model: ModelFiles, folder: str) -> Scope | None:
    statistics = model.files.get(f"{folder}{_SCOPE_FILE}")
    return Scope.read(statistics) if statistics is not None else None
