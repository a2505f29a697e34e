"""Engines behind an OpenAI-compatible server, against a local one that speaks the real protocol."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterable, AsyncIterator, Iterator
from contextlib import aclosing

import numpy as np
import pytest

from kefu.contracts.engine import Encoder, Generator, Prompt, Said
from kefu.engines.openai_compat.engine import OpenAICompatGenerator
from kefu.engines.openai_compat.wire import chat_request, lines, messages
from kefu.engines.openai_compat_encoder.engine import OpenAICompatEncoder, cut_roughly
from kefu.kit.errors import BadInput, Busy, Unavailable
from kefu.testing.engine_suite import EncoderSuite, GeneratorSuite
from kefu.testing.fakes import FakeOpenAIServer

PROMPT = Prompt(instructions="Be kind.", messages=(Said("contact", "Hello?"),), max_tokens=9, stop=("END",))


class TestGeneratorConforms(GeneratorSuite):
    @pytest.fixture(autouse=True)
    def _server(self) -> Iterator[None]:
        with FakeOpenAIServer() as self.server:
            yield

    def make(self) -> Generator:
        return OpenAICompatGenerator("openai:fake-model", {"base_url": self.server.url})


class TestEncoderConforms(EncoderSuite):
    @pytest.fixture(autouse=True)
    def _server(self) -> Iterator[None]:
        with FakeOpenAIServer() as self.server:
            yield

    def make(self) -> Encoder:
        return OpenAICompatEncoder("openai:fake-model", {"base_url": self.server.url, "batch": 7})


async def loaded(server: FakeOpenAIServer, **options: object) -> OpenAICompatGenerator:
    generator = OpenAICompatGenerator("openai:fake-model", {"base_url": server.url, **options})
    await generator.load()
    server.requests.clear()
    return generator


async def text_of(generator: OpenAICompatGenerator) -> str:
    return "".join([piece async for piece in generator.generate(PROMPT)])


async def test_sends_what_the_protocol_asks_for(openai_server: FakeOpenAIServer) -> None:
    openai_server.api_key = "key-1"
    generator = await loaded(openai_server, api_key="key-1", extra={"seed": 7})
    assert await text_of(generator) == "Hello there."
    (request,) = openai_server.requests
    assert (request.method, request.path) == ("POST", "/v1/chat/completions")
    assert request.headers["authorization"] == "Bearer key-1"
    assert request.body == {
        "model": "fake-model",
        "messages": [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hello?"}],
        "stream": True,
        "temperature": 0.0,
        "max_tokens": 9,
        "stop": ["END"],
        "seed": 7,
    }
    await generator.close()


async def test_card_has_the_servers_word(openai_server: FakeOpenAIServer) -> None:
    generator = await loaded(openai_server)
    assert (generator.card().name, generator.card().version) == ("fake-model", "fake-model@1")
    await generator.close()


async def test_text_comes_before_the_answer_is_finished(openai_server: FakeOpenAIServer) -> None:
    openai_server.reply = ["first", "second"]
    openai_server.pause_between = 30.0
    generator = await loaded(openai_server)
    async with aclosing(generator.generate(PROMPT)) as pieces:
        assert await asyncio.wait_for(anext(pieces), 60) == "first"
    await generator.close()


async def test_closing_the_iterator_hangs_up(openai_server: FakeOpenAIServer) -> None:
    openai_server.reply = ["word "] * 100_000
    generator = await loaded(openai_server)
    async with aclosing(generator.generate(PROMPT)) as pieces:
        await anext(pieces)
    assert await asyncio.to_thread(openai_server.hung_up.wait, 30)
    await generator.close()


async def test_a_server_that_does_not_stream_is_understood(openai_server: FakeOpenAIServer) -> None:
    openai_server.streams = False
    generator = await loaded(openai_server)
    assert await text_of(generator) == "Hello there."
    await generator.close()


async def test_other_line_ends_stay_in_the_text(openai_server: FakeOpenAIServer) -> None:
    openai_server.reply = ["one\u2028two", "\x85three\r\n", "四🙂"]
    generator = await loaded(openai_server)
    assert await text_of(generator) == "one\u2028two\x85three\r\n四🙂"
    await generator.close()


@pytest.mark.parametrize("size", [1, 3, 1000])
async def test_lines_are_the_same_however_the_bytes_arrive(size: int) -> None:
    content = "data: é\r\n\r\ndata: 二\n: alive\nlast".encode()

    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(content), size):
            yield content[start : start + size]

    found = await _list(lines(chunks()))
    assert found == ["data: é".encode(), b"", "data: 二".encode(), b": alive", b"last"]


async def _list(found: AsyncIterable[bytes]) -> list[bytes]:
    return [line async for line in found]


async def test_a_passing_failure_is_tried_again(openai_server: FakeOpenAIServer) -> None:
    generator = await loaded(openai_server)
    openai_server.fail_next(503)
    assert await text_of(generator) == "Hello there."
    assert len(openai_server.requests) == 2
    await generator.close()


async def test_a_lasting_failure_is_unavailable(openai_server: FakeOpenAIServer) -> None:
    generator = await loaded(openai_server)
    openai_server.fail_next(502, times=5)
    with pytest.raises(Unavailable, match=r"failed \(502\)"):
        await text_of(generator)
    assert len(openai_server.requests) == 3
    await generator.close()


async def test_nothing_is_tried_again_once_text_has_come(openai_server: FakeOpenAIServer) -> None:
    generator = await loaded(openai_server, retries=3)
    openai_server.cut_after = 2
    async with aclosing(generator.generate(PROMPT)) as pieces:
        assert [await anext(pieces), await anext(pieces)] == ["Hello", " there"]
        with pytest.raises(Unavailable, match="broke"):
            await anext(pieces)
    assert len(openai_server.requests) == 1
    await generator.close()


@pytest.mark.parametrize(("header", "seconds"), [("7", 7), ("0", 1), ("tomorrow", 5), ("99999", 300), (None, 5)])
async def test_429_is_busy_and_says_when_to_come_back(
    openai_server: FakeOpenAIServer, header: str | None, seconds: int
) -> None:
    generator = await loaded(openai_server)
    openai_server.fail_next(429, **({"Retry_After": header} if header else {}))
    with pytest.raises(Busy) as caught:
        await text_of(generator)
    assert caught.value.retry_after == seconds
    await generator.close()


async def test_a_refused_request_names_the_servers_code_but_not_its_words(openai_server: FakeOpenAIServer) -> None:
    generator = await loaded(openai_server)
    secret = "call me on 555-0100"
    openai_server.fail_next(400, body={"error": {"message": secret, "code": "context_length_exceeded"}})
    with pytest.raises(Unavailable, match=r"400: context_length_exceeded") as caught:
        await text_of(generator)
    assert secret not in str(caught.value)
    await generator.close()


async def test_an_error_inside_the_stream_is_unavailable(openai_server: FakeOpenAIServer) -> None:
    generator = await loaded(openai_server)
    openai_server.error_after = 1
    async with aclosing(generator.generate(PROMPT)) as pieces:
        assert await anext(pieces) == "Hello"
        with pytest.raises(Unavailable, match="broke off with an error: server_error"):
            await anext(pieces)
    await generator.close()


async def test_a_connection_lost_before_any_text_is_tried_again_and_then_unavailable(
    openai_server: FakeOpenAIServer,
) -> None:
    generator = await loaded(openai_server)
    openai_server.cut_after = 0
    with pytest.raises(Unavailable, match="broke"):
        await text_of(generator)
    assert len(openai_server.requests) == 3
    await generator.close()


async def test_a_silent_server_is_given_up(openai_server: FakeOpenAIServer) -> None:
    generator = await loaded(openai_server, timeout=0.2)
    openai_server.latency = 30.0
    with pytest.raises(Unavailable, match=r"no sign of life for 0\.2 seconds"):
        await text_of(generator)
    await generator.close()


async def test_nobody_listens() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound but not listening: connections are refused
        generator = OpenAICompatGenerator("openai:m", {"base_url": f"http://127.0.0.1:{taken.getsockname()[1]}/v1"})
        with pytest.raises(Unavailable, match="cannot be reached"):
            await generator.load()
    await generator.close()


async def test_the_key_is_in_no_error_and_no_log(
    openai_server: FakeOpenAIServer, caplog: pytest.LogCaptureFixture
) -> None:
    openai_server.api_key = "right"
    caplog.set_level(logging.DEBUG)
    generator = OpenAICompatGenerator("openai:m", {"base_url": openai_server.url, "api_key": "sk-wrong-key"})
    with pytest.raises(Unavailable, match="refused the API key") as caught:
        await generator.load()
    assert "sk-wrong-key" not in f"{caught.value}{caught.value.fields}{caplog.text}{vars(generator)}"
    with pytest.raises(BadInput) as refused:
        OpenAICompatGenerator("openai:m", {"base_url": "ftp://x", "api_key": "sk-wrong-key"})
    assert "sk-wrong-key" not in str(refused.value)


async def test_only_so_many_requests_at_a_time(openai_server: FakeOpenAIServer) -> None:
    generator = await loaded(openai_server, max_concurrent=2, queue=2)
    openai_server.latency = 0.05
    results = await asyncio.gather(*(text_of(generator) for _ in range(6)), return_exceptions=True)
    assert openai_server.most_at_once <= 2
    assert results.count("Hello there.") == 4
    assert sum(isinstance(result, Busy) for result in results) == 2
    await generator.close()


def test_turns_alternate_and_begin_with_the_contact() -> None:
    said = (
        Said("assistant", "Hello! How can I help?"),
        Said("contact", "My kettle"),
        Said("contact", "is broken."),
        Said("member", "Which one?"),
        Said("system", "Handed back to the assistant."),
        Said("contact", "The red one."),
    )
    assert messages(Prompt(instructions="", messages=said)) == [
        {"role": "user", "content": "My kettle\n\nis broken."},
        {"role": "assistant", "content": "Which one?"},
        {"role": "user", "content": "[Handed back to the assistant.]\n\nThe red one."},
    ]


def test_a_vendors_other_name_for_the_limit() -> None:
    body = chat_request(PROMPT, "m", max_tokens_field="max_completion_tokens")
    assert body["max_completion_tokens"] == 9
    assert "max_tokens" not in body


@pytest.mark.parametrize("reference", ["fake-model", "openai:", "path:/model"])
def test_a_reference_names_a_model(reference: str) -> None:
    with pytest.raises(BadInput, match="openai:MODEL"):
        OpenAICompatGenerator(reference, {"base_url": "http://localhost/v1"})


async def test_encoder_sends_prefixes_and_keeps_order(openai_server: FakeOpenAIServer) -> None:
    options = {"base_url": openai_server.url, "query_prefix": "query: ", "batch": 2}
    encoder = OpenAICompatEncoder("openai:fake-model", options)
    await encoder.load()
    openai_server.requests.clear()
    rows = await encoder.embed(["a", "b", "c"], "query")
    assert sorted(text for request in openai_server.requests for text in request.body["input"]) == [
        "query: a",
        "query: b",
        "query: c",
    ]
    for row, text in enumerate("abc"):
        np.testing.assert_allclose(rows[row], (await encoder.embed([text], "query"))[0], rtol=1e-6)
    await encoder.close()


async def test_encoder_refuses_an_answer_of_another_shape(openai_server: FakeOpenAIServer) -> None:
    encoder = OpenAICompatEncoder("openai:fake-model", {"base_url": openai_server.url})
    await encoder.load()
    openai_server.dimension = 5
    with pytest.raises(Unavailable, match="do not match"):
        await encoder.embed(["a"], "query")
    await encoder.close()


@pytest.mark.parametrize(("text", "length"), [("a" * 100, 40), ("退" * 100, 10), ("short", 5), ("退a" * 50, 16)])
def test_text_is_cut_by_a_rough_count(text: str, length: int) -> None:
    assert len(cut_roughly(text, 10)) == length
