"""Scripted engines: what the script says, when it fails."""

import pytest

from kefu.contracts.engine import Encoder, Generator, Prompt, Said
from kefu.engines.scripted.engine import ScriptedGenerator
from kefu.engines.scripted_encoder.engine import ScriptedEncoder
from kefu.kit.errors import BadInput, Busy, Unavailable
from kefu.testing.engine_suite import EncoderSuite, GeneratorSuite


class TestGeneratorConforms(GeneratorSuite):
    def make(self) -> Generator:
        return ScriptedGenerator("scripted:demo", {"replies": ["Monday, Tuesday, Wednesday."]})


class TestEncoderConforms(EncoderSuite):
    def make(self) -> Encoder:
        return ScriptedEncoder("scripted:demo", {})


def asked(text: str, **limits: object) -> Prompt:
    return Prompt(instructions="", messages=(Said("contact", text),), **limits)  # type: ignore[arg-type]


async def said(generator: ScriptedGenerator, prompt: Prompt) -> str:
    return "".join([piece async for piece in generator.generate(prompt)])


async def scripted(**options: object) -> ScriptedGenerator:
    generator = ScriptedGenerator("scripted:test", options)
    await generator.load()
    return generator


async def test_a_list_is_said_in_turn() -> None:
    generator = await scripted(replies=["one", "two"])
    assert [await said(generator, asked("?")) for _ in range(3)] == ["one", "two", "one"]


async def test_a_table_answers_by_the_last_message() -> None:
    generator = await scripted(
        replies={r"order (\d+)": "Order {1} is on its way.", "退款": "三天内。"}, default="Sorry?"
    )
    assert await said(generator, asked("Where is ORDER 12?")) == "Order 12 is on its way."
    assert await said(generator, asked("什么时候退款")) == "三天内。"
    assert await said(generator, asked("hm")) == "Sorry?"


async def test_pieces_make_the_reply_again_within_its_limits() -> None:
    reply = "Two  spaces,\na line and 中文，混合 text. "
    generator = await scripted(replies=[reply])
    assert await said(generator, asked("?")) == reply
    assert await said(generator, asked("?", stop=("line",))) == "Two  spaces,\na "
    assert await said(generator, asked("?", max_tokens=2)) == "Two  spaces,"


async def test_it_fails_when_told_and_recovers() -> None:
    generator = await scripted(replies=["one two three"], fail_after=1, failures=1)
    pieces = generator.generate(asked("?"))
    assert await anext(pieces) == "one"
    with pytest.raises(Unavailable):
        await anext(pieces)
    assert await said(generator, asked("?")) == "one two three"


async def test_it_can_be_busy() -> None:
    generator = await scripted(fail_after=0, failure="busy")
    for _ in range(2):
        with pytest.raises(Busy):
            await said(generator, asked("?"))


def test_a_bad_expression_is_refused() -> None:
    with pytest.raises(BadInput, match="replies"):
        ScriptedGenerator("scripted:x", {"replies": {"(": "never"}})


async def test_texts_that_share_words_are_near() -> None:
    encoder = ScriptedEncoder("scripted:x", {})
    await encoder.load()
    rows = await encoder.embed(["How long is delivery?", "delivery: how long?", "Reset my password"], "query")
    assert rows[0] @ rows[1] > rows[0] @ rows[2] + 0.3
    zh = await encoder.embed(["退款多久到账", "退款什么时候到账", "修改登录密码"], "query")
    assert zh[0] @ zh[1] > zh[0] @ zh[2]


async def test_encoder_fails_so_many_times() -> None:
    encoder = ScriptedEncoder("scripted:x", {"failures": 1})
    await encoder.load()
    with pytest.raises(Unavailable):
        await encoder.embed(["a"], "query")
    assert len(await encoder.embed(["a"], "query")) == 1
