"""An encoder that remembers questions: once for a turn, bounded, and nobody can spoil what is remembered."""

import numpy as np

from kefu.contracts.engine import Encoder
from kefu.engines.scripted_encoder.engine import ScriptedEncoder
from kefu.knowledge.remembered import RememberedEncoder


class Counting(ScriptedEncoder):
    asked: list[str]

    async def embed(self, texts, kind):
        self.asked = [*getattr(self, "asked", []), *texts]
        return await super().embed(texts, kind)


async def remembered(most: int = 2) -> tuple[Counting, RememberedEncoder]:
    encoder = Counting("scripted:test", {})
    await encoder.load()
    return encoder, RememberedEncoder(encoder, most)


async def test_a_question_is_embedded_once_and_comes_back_unspoilt() -> None:
    encoder, known = await remembered()
    assert isinstance(known, Encoder)
    first = await known.embed(["a"], "query")
    wanted = first.copy()
    first[:] = 0
    assert np.array_equal(await known.embed(["a"], "query"), wanted)
    assert encoder.asked == ["a"]


async def test_passages_and_batches_are_not_kept() -> None:
    encoder, known = await remembered()
    for _ in range(2):
        await known.embed(["a"], "passage")
        await known.embed(["a", "b"], "query")
    assert encoder.asked == ["a", "a", "b"] * 2


async def test_the_oldest_is_forgotten() -> None:
    encoder, known = await remembered(most=2)
    for text in ("a", "b", "a", "c", "a", "b"):
        await known.embed([text], "query")
    assert encoder.asked == ["a", "b", "c", "b"]
