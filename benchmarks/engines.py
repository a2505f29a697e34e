"""The encoders that the benchmarks run: Kefu's own, remembering what they embedded."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from kefu.contracts.engine import Encoder, EngineCard, Matrix, TextKind
from kefu.engines.onnx.engine import OnnxEncoder
from kefu.knowledge.embedding import DEFAULT_ENCODERS

Encoders = Mapping[str, Encoder]


async def encoders() -> Encoders:
    """The default encoders by language, loaded."""
    english = Remembering(DEFAULT_ENCODERS["en"], {})
    others = Remembering(DEFAULT_ENCODERS["*"], {})
    await english.load()
    await others.load()
    return {"en": english, "*": others}


class Remembering:
    """An encoder that embeds each text once, since a benchmark asks the same question in several settings."""

    def __init__(self, reference: str, options: Mapping[str, Any]) -> None:
        self._encoder = OnnxEncoder(reference, options)
        self._known: dict[tuple[str, TextKind], Matrix] = {}

    def card(self) -> EngineCard:
        return self._encoder.card()

    async def load(self) -> None:
        await self._encoder.load()

    async def close(self) -> None:
        await self._encoder.close()

    async def embed(self, texts: Sequence[str], kind: TextKind) -> Matrix:
        new = [text for text in dict.fromkeys(texts) if (text, kind) not in self._known]
        if new:
            for text, vector in zip(new, await self._encoder.embed(new, kind), strict=True):
                self._known[text, kind] = vector
        return np.stack([self._known[text, kind] for text in texts])
