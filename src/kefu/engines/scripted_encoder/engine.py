"""An encoder that counts letters: deterministic, without a model; texts that share words get near vectors."""

import asyncio
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from pydantic import Field

from kefu.contracts.engine import EngineCard, Matrix, TextKind
from kefu.engines.options import EngineOptions, read_options
from kefu.kit.errors import Unavailable

# Three letters tell words apart; two, Chinese ones.
GRAMS = (2, 3)


class ScriptedEncoderOptions(EngineOptions):
    """Options of the scripted encoder."""

    dimension: int = Field(default=256, ge=2, le=4096, description="length of a vector")
    delay: float = Field(default=0.0, ge=0, description="seconds before each answer")
    failures: int = Field(default=0, ge=0, description="how many calls fail before it works")


class ScriptedEncoder:
    """Hashes each text's letter groups into a vector. Reference: `scripted:NAME`."""

    def __init__(self, reference: str, options: Mapping[str, Any]) -> None:
        self._name = reference.partition(":")[2] or "scripted"
        self._options = read_options(ScriptedEncoderOptions, "scripted_encoder", options)
        self._failures_left = self._options.failures
        self._loaded = False

    def card(self) -> EngineCard:
        if not self._loaded:
            raise Unavailable(f"The encoder {self._name} is not loaded.")
        return EngineCard(
            name=self._name, version=f"scripted-{self._options.dimension}", dimension=self._options.dimension
        )

    async def load(self) -> None:
        self._loaded = True

    async def close(self) -> None:
        self._loaded = False

    async def embed(self, texts: Sequence[str], kind: TextKind) -> Matrix:
        self.card()
        await asyncio.sleep(self._options.delay)
        if self._failures_left:
            self._failures_left -= 1
            raise Unavailable("The script says that the encoder fails here.")
        rows = np.zeros((len(texts), self._options.dimension), np.float32)
        for row, text in zip(rows, texts, strict=True):
            self._count(text, row)
        return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)

    def _count(self, text: str, row: Matrix) -> None:
        padded = f" {' '.join(text.lower().split())} ".encode("utf-8", "replace").decode("utf-8")
        for size in GRAMS:
            for start in range(len(padded) - size + 1):
                row[zlib.crc32(padded[start : start + size].encode()) % len(row)] += 1.0
        if not row.any():
            row[0] = 1.0
