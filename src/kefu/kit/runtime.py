"""One background event loop a process, for synchronous code that needs an engine."""

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

_lock = threading.Lock()
_loop: asyncio.AbstractEventLoop | None = None


def run(coroutine: Coroutine[Any, Any, T], *, timeout: float | None = None) -> T:
    """Run a coroutine on the process's background loop and wait for its result.

    `timeout` in seconds; raises TimeoutError past it and cancels the coroutine.
    """
    future = asyncio.run_coroutine_threadsafe(coroutine, loop())
    try:
        return future.result(timeout)
    except BaseException:
        future.cancel()
        raise


def loop() -> asyncio.AbstractEventLoop:
    """The loop that engines live on: the server's own once `adopt` was called, else a background thread's."""
    global _loop  # noqa: PLW0603 - one loop a process is the point
    with _lock:
        if _loop is None or _loop.is_closed():
            _loop = asyncio.new_event_loop()
            threading.Thread(target=_loop.run_forever, name="kefu-runtime", daemon=True).start()
        return _loop


def adopt(running: asyncio.AbstractEventLoop) -> None:
    """Let the server's loop be the one, so that an engine's queues have one home."""
    global _loop  # noqa: PLW0603
    with _lock:
        _loop = running
