"""Texts to vectors with a frozen encoder, in chunks that show progress."""

from collections.abc import Sequence

import numpy as np

from kefu.contracts.engine import Encoder, EngineCard, Matrix
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
    encoder = registry.load("engines", "onnx", Encoder)(reference, {"threads": threads})
    run(encoder.load())
    try:
        card = encoder.card()
        parts = [np.zeros((0, card.dimension), np.float32)]
        for at in range(0, len(texts), _CHUNK):
            parts.append(run(encoder.embed(texts[at : at + _CHUNK], "query")))
            if tell is not None:
                tell(Told.PROGRESS, {"done": min(at + _CHUNK, len(texts)), "total": len(texts), "unit": "texts"})
    finally:
        run(encoder.close())
    return np.concatenate(parts), card
