"""What every engine must do: subclass a suite, say how to make the engine, and pytest runs it.

    class TestMine(EncoderSuite):
        def make(self) -> Encoder:
            return MyEncoder("path:…", {})

Tests run on Kefu's own background loop, where engines live in production, so no plug-in of pytest is needed.
"""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import suppress
from typing import cast

import numpy as np
import pytest

from kefu.contracts.engine import Encoder, Engine, Generator, Matrix, Prompt, Said, TextKind
from kefu.kit.errors import KefuError, Unavailable
from kefu.kit.runtime import run

# Long enough for a small model on a loaded machine; a test that hangs fails instead.
TIMEOUT = 120.0
MANY = 40


class EngineSuite:
    """What encoders and generators have in common."""

    def make(self) -> Engine:
        """A new engine, not loaded. To override."""
        raise NotImplementedError

    def test_says_nothing_before_it_is_loaded(self) -> None:
        with pytest.raises(Unavailable):
            self.make().card()

    def test_loads_twice_and_closes_twice(self) -> None:
        async def both() -> None:
            engine = self.make()
            await engine.load()
            await engine.load()
            assert engine.card().name
            assert engine.card().version
            await engine.close()
            await engine.close()

        run(both(), timeout=TIMEOUT)

    def test_closes_without_being_loaded(self) -> None:
        run(self.make().close(), timeout=TIMEOUT)


class EncoderSuite(EngineSuite):
    """Conformance of an Encoder. `same` is the least cosine between two vectors of one text."""

    same = 0.999

    def make(self) -> Encoder:
        raise NotImplementedError

    @pytest.fixture
    def encoder(self) -> Iterator[Encoder]:
        encoder = self.make()
        run(encoder.load(), timeout=TIMEOUT)
        yield encoder
        run(encoder.close(), timeout=TIMEOUT)

    def test_is_an_encoder(self) -> None:
        assert isinstance(self.make(), Encoder)

    def test_refuses_before_it_is_loaded(self) -> None:
        with pytest.raises(KefuError):
            self._embed(self.make(), ["one"])

    @pytest.mark.parametrize("kind", ["query", "passage"])
    @pytest.mark.parametrize("count", [0, 1, 2, MANY])
    def test_gives_a_unit_row_for_each_text(self, encoder: Encoder, kind: TextKind, count: int) -> None:
        rows = self._embed(encoder, [f"text number {number}" for number in range(count)], kind)
        assert rows.shape == (count, encoder.card().dimension)
        assert rows.dtype == np.float32
        np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1.0, atol=1e-3)

    def test_keeps_the_order_of_texts(self, encoder: Encoder) -> None:
        texts = [f"{'word ' * (number * 7 % 11)}the {number}th of them" for number in range(MANY)]
        together = self._embed(encoder, texts, "passage")
        for number in (0, 7, MANY - 1):
            assert float(together[number] @ self._embed(encoder, [texts[number]], "passage")[0]) > self.same

    def test_takes_any_text(self, encoder: Encoder) -> None:
        odd = ["", " ", "\x00", "退款需要多久？", "🙂" * 50, "half a pair \ud83d", "a" * 100_000]
        rows = self._embed(encoder, odd, "passage")
        assert rows.shape[0] == len(odd)
        assert np.isfinite(rows).all()

    def test_answers_many_callers_at_once(self, encoder: Encoder) -> None:
        texts = [f"question {number}" for number in range(MANY)]

        async def all_at_once() -> list[Matrix]:
            return await asyncio.gather(*(encoder.embed([text], "query") for text in texts))

        for text, row in zip(texts, run(all_at_once(), timeout=TIMEOUT), strict=True):
            assert float(row[0] @ self._embed(encoder, [text])[0]) > self.same

    def test_a_cancelled_call_harms_nobody(self, encoder: Encoder) -> None:
        async def cancel_one() -> Matrix:
            calls = [asyncio.create_task(encoder.embed([f"question {number}"], "query")) for number in range(8)]
            await asyncio.sleep(0)
            calls[3].cancel()
            with suppress(asyncio.CancelledError):
                await calls[3]
            return np.concatenate([await call for number, call in enumerate(calls) if number != 3])

        assert run(cancel_one(), timeout=TIMEOUT).shape[0] == 7

    def test_may_be_awaited_from_another_loop(self, encoder: Encoder) -> None:
        assert asyncio.run(encoder.embed(["from elsewhere"], "query")).shape[0] == 1

    @staticmethod
    def _embed(encoder: Encoder, texts: list[str], kind: TextKind = "query") -> Matrix:
        return run(encoder.embed(texts, kind), timeout=TIMEOUT)


class GeneratorSuite(EngineSuite):
    """Conformance of a Generator. `prompt` must draw at least three pieces of text from it."""

    prompt = Prompt(
        instructions="You are a friendly shop assistant.",
        messages=(Said("contact", "Name the days of the week, one after another."),),
        max_tokens=24,
    )

    def make(self) -> Generator:
        raise NotImplementedError

    @pytest.fixture
    def generator(self) -> Iterator[Generator]:
        generator = self.make()
        run(generator.load(), timeout=TIMEOUT)
        yield generator
        run(generator.close(), timeout=TIMEOUT)

    def test_is_a_generator(self) -> None:
        assert isinstance(self.make(), Generator)

    def test_refuses_before_it_is_loaded(self) -> None:
        with pytest.raises(KefuError):
            self._text(self.make())

    def test_streams_text(self, generator: Generator) -> None:
        pieces = run(_collect(generator, self.prompt), timeout=TIMEOUT)
        assert len(pieces) >= 3
        assert all(isinstance(piece, str) and piece for piece in pieces)

    def test_stops_when_the_iterator_is_closed(self, generator: Generator) -> None:
        async def first_only() -> str:
            stream = cast(AsyncGenerator[str, None], generator.generate(self.prompt))
            first = await anext(stream)
            await stream.aclose()
            with pytest.raises(StopAsyncIteration):
                await anext(stream)
            return first

        assert run(first_only(), timeout=TIMEOUT)
        assert self._text(generator)

    def test_survives_a_cancelled_caller(self, generator: Generator) -> None:
        async def cancel() -> None:
            started = asyncio.Event()

            async def consume() -> None:
                async for _ in generator.generate(self.prompt):
                    started.set()

            task = asyncio.create_task(consume())
            await started.wait()
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

        run(cancel(), timeout=TIMEOUT)
        assert self._text(generator)

    def test_answers_two_callers_at_once(self, generator: Generator) -> None:
        async def both() -> list[list[str]]:
            return list(await asyncio.gather(_collect(generator, self.prompt), _collect(generator, self.prompt)))

        assert all(run(both(), timeout=TIMEOUT))

    def test_takes_a_whole_conversation(self, generator: Generator) -> None:
        said = (
            Said("contact", "Hello"),
            Said("assistant", "Hello! How can I help?"),
            Said("member", "I am a colleague."),
            Said("system", "The conversation was handed back."),
            Said("contact", "你好 🙂"),
            Said("contact", "Name the days of the week."),
        )
        prompt = Prompt(instructions="Be brief.", messages=said, max_tokens=16, stop=("\n\n\n",))
        assert "".join(run(_collect(generator, prompt), timeout=TIMEOUT))

    def _text(self, generator: Generator) -> str:
        return "".join(run(_collect(generator, self.prompt), timeout=TIMEOUT))


async def _collect(generator: Generator, prompt: Prompt) -> list[str]:
    return [piece async for piece in generator.generate(prompt)]
