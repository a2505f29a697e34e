"""Texts to vectors with a frozen encoder, in chunks that show progress."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np

from kefu.contracts.engine import Encoder, EngineCard, Matrix, TextKind
from kefu.contracts.job import Tell, Told
from kefu.kit import registry
from kefu.kit.runtime import run

_CHUNK = 64
# Texts of one run where a head learns. An int8 encoder's vectors then depend a little on their neighbours (cosine 0.992
# to the vectors of single texts), which costs a head nothing (BANKING77, 2,000 texts kept apart: 93.15 and 93.1) and
# saves two fifths of the encoder's time. What calibrates it is embedded one at a time, as it is served.
TAUGHT_AT_ONCE = 16


def encode(
    reference: str, texts: Sequence[str], *, threads: int, tell: Tell | None = None
) -> tuple[Matrix, EngineCard]:
    """float32 [len(texts), dimension] of the texts as questions, and the encoder's card.

    Raises BadInput for a reference that cannot be used, MissingExtra, BadInstallation.
    """
    with loaded(reference, threads=threads) as encoder:
        return embedded(encoder, texts, tell), encoder.card()


@contextmanager
def loaded(reference: str, *, threads: int, batch: int = 0) -> Iterator["RememberingEncoder"]:
    """A frozen encoder for the time of a training: what trains a head and what seals it want the same vectors.

    With a `batch`, texts that are embedded in bulk run so many at a time. Raises BadInput for a reference that cannot
    be used, MissingExtra, BadInstallation.
    """
    encoder = registry.load("engines", "onnx", Encoder)(reference, {"threads": threads, "batch": batch})
    run(encoder.load())
    try:
        yield RememberingEncoder(encoder)
    finally:
        run(encoder.close())


def embedded(encoder: "RememberingEncoder", texts: Sequence[str], tell: Tell | None = None) -> Matrix:
    """float32 [len(texts), dimension] of the texts as questions, in bulk."""
    new = [text for text in dict.fromkeys(texts) if not encoder.knows(text)]
    new.sort(key=len)  # alike in length together: hardly any padding
    for at in range(0, len(new), _CHUNK):
        run(encoder.remember(new[at : at + _CHUNK]))
        if tell is not None:
            tell(Told.PROGRESS, {"done": min(at + _CHUNK, len(new)), "total": len(new), "unit": "texts"})
    return run(encoder.embed(texts, "query"))


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

    def knows(self, text: str) -> bool:
        return text in self._known

    async def remember(self, texts: Sequence[str]) -> None:
        """Embed questions in bulk."""
        self._known.update(zip(texts, await self._encoder.embed(texts, "query"), strict=True))

    async def embed(self, texts: Sequence[str], kind: TextKind) -> Matrix:
        if kind != "query" or not texts:
            return await self._encoder.embed(texts, kind)
        for text in texts:
            if text not in self._known:  # one at a time, as a customer's question is
                await self.remember([text])
        return np.stack([self._known[text] for text in texts])
