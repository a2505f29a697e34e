"""No more answers are generated at a time than the setting says."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from typing import Any

import pytest

from kefu.brain.bounded import BoundedGenerator
from kefu.contracts.engine import EngineCard, Generator, Prompt
from kefu.kit.errors import Unavailable

PROMPT = Prompt("Answer.", ())


class Counting:
    """Says two words, giving the others room between; `most` is how many were at it at once."""

    def __init__(self, reference: str = "", options: Mapping[str, Any] | None = None) -> None:
        self.now = self.most = 0

    def card(self) -> EngineCard:
        return EngineCard("counting", "1")

    async def load(self) -> None:
        """Nothing to read."""

    async def close(self) -> None:
        """Nothing to free."""

    async def generate(self, prompt: Prompt) -> AsyncGenerator[str, None]:
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            if prompt.instructions == "Fail.":
                raise Unavailable("It fails.")
            for word in ("two ", "words"):
                await asyncio.sleep(0)
                yield word
        finally:
            self.now -= 1


async def said(generator: Generator, prompt: Prompt = PROMPT) -> str:
    return "".join([piece async for piece in generator.generate(prompt)])


async def test_so_many_at_a_time_and_all_in_the_end() -> None:
    inner = Counting()
    bounded = BoundedGenerator(inner, asyncio.Semaphore(2))
    assert await asyncio.gather(*(said(bounded) for _ in range(7))) == ["two words"] * 7
    assert (inner.most, inner.now) == (2, 0)


async def test_who_leaves_early_or_fails_makes_room() -> None:
    inner = Counting()
    bounded = BoundedGenerator(inner, asyncio.Semaphore(1))
    stream = bounded.generate(PROMPT)
    assert await anext(stream) == "two "
    await stream.aclose()
    with pytest.raises(Unavailable):
        await said(bounded, Prompt("Fail.", ()))
    waiting = asyncio.create_task(said(bounded))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert await asyncio.wait_for(said(bounded), 60) == "two words"
    assert inner.now == 0
