"""A generator shared by many turns: so many answers are made at a time, the others wait their turn."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from kefu.contracts.engine import EngineCard, Generator, Prompt
from kefu.kit.tracing import apart


class BoundedGenerator:
    """Passes everything on to `generator`, but no more prompts at once than `at_once` lets in.

    Waiting counts towards the turn's own limit of time: past it the answer is extracted.
    """

    def __init__(self, generator: Generator, at_once: asyncio.Semaphore) -> None:
        self._generator = generator
        self._at_once = at_once

    def card(self) -> EngineCard:
        return self._generator.card()

    async def load(self) -> None:
        await self._generator.load()

    async def close(self) -> None:
        await self._generator.close()

    async def generate(self, prompt: Prompt) -> AsyncGenerator[str, None]:
        pieces: Any = self._generator.generate(prompt)
        async with self._at_once, aclosing(pieces):
            with apart("engine.generate"):
                async for piece in pieces:
                    yield piece
