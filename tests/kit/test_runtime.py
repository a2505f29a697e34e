"""The one background loop: who runs on it, and what cannot wait for it."""

import asyncio
import threading
from collections.abc import Iterator

import pytest

from kefu.kit import runtime


@pytest.fixture(autouse=True)
def _own_loop() -> Iterator[None]:
    """Each test begins with a background loop of the runtime's own, and leaves one behind."""
    with asyncio.Runner() as closed:
        runtime.adopt(closed.get_loop())
    runtime.loop()
    yield
    with asyncio.Runner() as closed:
        runtime.adopt(closed.get_loop())


async def answer() -> int:
    return 42


async def where() -> asyncio.AbstractEventLoop:
    return asyncio.get_running_loop()


def test_a_coroutine_runs_in_the_background() -> None:
    assert runtime.run(answer()) == 42
    assert runtime.run(where()) is runtime.loop() is runtime.run(where())


def test_all_threads_share_one_loop() -> None:
    found: list[asyncio.AbstractEventLoop] = []
    threads = [threading.Thread(target=lambda: found.append(runtime.run(where()))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(found) == {runtime.loop()}


def test_an_error_comes_back_to_the_caller() -> None:
    async def fail() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        runtime.run(fail())


def test_past_its_timeout_a_coroutine_is_cancelled() -> None:
    cancelled = threading.Event()

    async def wait() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    with pytest.raises(TimeoutError):
        runtime.run(wait(), timeout=0.01)
    assert cancelled.wait(10)


def test_waiting_for_oneself_is_refused() -> None:
    async def wait_for_myself() -> int:
        return runtime.run(answer())

    with pytest.raises(RuntimeError, match="await the coroutine instead"):
        runtime.run(wait_for_myself())


def test_another_loop_may_wait_for_it() -> None:
    async def elsewhere() -> int:
        return await asyncio.to_thread(runtime.run, answer())

    assert asyncio.run(elsewhere()) == 42


def test_the_servers_loop_is_the_one_while_it_runs() -> None:
    async def server() -> None:
        runtime.adopt(asyncio.get_running_loop())
        assert runtime.loop() is asyncio.get_running_loop()
        assert await asyncio.to_thread(runtime.run, where()) is asyncio.get_running_loop()

    asyncio.run(server())
    assert runtime.run(answer()) == 42


def test_a_loop_that_stopped_without_being_closed_is_replaced() -> None:
    stopped = asyncio.new_event_loop()

    async def server() -> None:
        runtime.adopt(asyncio.get_running_loop())

    stopped.run_until_complete(server())
    assert runtime.loop() is not stopped
    assert runtime.run(answer(), timeout=10) == 42
    stopped.close()
