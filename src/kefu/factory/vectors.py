"""Texts to vectors with a frozen encoder, in chunks that show progress."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np

from kefu.contracts.engine import Encoder, EngineCard, Matrix, TextKind
from kefu.contracts.job import Tell, Told
from kefu.kit import registry
from kefu.kit.runtime import run

_CHUNK = 64


def encode(
    reference: str, texts: Sequence[str], *, threads: int, tell: Tell | None = None
) -> tuple[Matrix, EngineCard]:
    """float32 [len(texts), dimension] of the texts as questions, and the encoder's card.

    Raises BadInput for a reference that cannot be used, MissingExtra, BadInstallation.
    """
    with loaded(reference, threads=threads) as encoder:
        return embedded(encoder, texts, tell), encoder.card()


@contextmanager
def loaded(reference: str, *, threads: int) -> Iterator["RememberingEncoder"]:
    """A frozen encoder for the time of a training: what trains a head and what seals it want the same vectors.

    Raises BadInput for a reference that cannot be used, MissingExtra, BadInstallation.
    """
    encoder = registry.load("engines", "onnx", Encoder)(reference, {"threads": threads})
    run(encoder.load())
    try:
        yield RememberingEncoder(encoder)
    finally:
        run(encoder.close())


def embedded(encoder: Encoder, texts: Sequence[str], tell: Tell | None = None) -> Matrix:
    """float32 [len(texts), dimension] of the texts as questions."""
    parts = [np.zeros((0, encoder.card().dimension), np.float32)]
    for at in range(0, len(texts), _CHUNK):
        parts.append(run(encoder.embed(texts[at : at + _CHUNK], "query")))
        if tell is not None:
            tell(Told.PROGRESS, {"done": min(at + _CHUNK, len(texts)), "total": len(texts), "unit": "texts"})
    return np.concatenate(parts)


class RememberingEncoder:
    """`contracts.engine.Encoder` that embeds each question once. It belongs to whoever loaded what it stands for."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._known: dict[str, Matrix] = {}

    def card(self) -> EngineCard:
        return self._encoder.card()

    async def load(self) -> None:
        """It is loaded."""

    async def close(self) -> None:
        """Its owner closes it."""

    async def embed(self, texts: Sequence[str], kind: TextKind) -> Matrix:
        if kind != "query" or not texts:
            return await self._encoder.embed(texts, kind)
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        if new:
            self._known.update(zip(new, await self._encoder.embed(new, kind), strict=True))
        return np.stack([self._known[text] for text in texts])
