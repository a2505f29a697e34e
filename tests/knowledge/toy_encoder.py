"""A small deterministic encoder: words hashed into a vector, so that texts that share words are near."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from kefu.contracts.engine import EngineCard, Matrix, TextKind
from kefu.knowledge.words import tokenise

DIMENSION = 64


class ToyEncoder:
    """`same` maps words to the word they mean, across languages too. `calls` counts the texts of each call."""

    def __init__(self, reference: str = "toy", options: Mapping[str, Any] | None = None) -> None:
        self.name = reference
        self.same: Mapping[str, str] = options or {}
        self.calls: list[tuple[int, TextKind]] = []

    def card(self) -> EngineCard:
        return EngineCard(self.name, "1", dimension=DIMENSION)

    async def load(self) -> None:
        """Nothing to read."""

    async def close(self) -> None:
        """Nothing to free."""

    async def embed(self, texts: Sequence[str], kind: TextKind) -> Matrix:
        self.calls.append((len(texts), kind))
        return np.stack([self.vector(text) for text in texts])

    def vector(self, text: str) -> Matrix:
        total = np.full(DIMENSION, 1e-3, np.float32)
        for word in tokenise(text, "en"):
            total += self._word(self.same.get(word, word))
        return (total / np.linalg.norm(total)).astype(np.float32)

    @staticmethod
    def _word(word: str) -> Matrix:
        seed = int.from_bytes(hashlib.sha256(word.encode()).digest()[:4])
        return np.random.default_rng(seed).standard_normal(DIMENSION).astype(np.float32)
