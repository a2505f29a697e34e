"""One background event loop a process, for synchronous code that needs an engine."""

import asyncio
import atexit
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

_END_SECONDS = 5.0  # what runs on the loop itself takes milliseconds; whatever hangs does not hold up the exit

_lock = threading.Lock()
_loop: asyncio.AbstractEventLoop | None = None
_adopted = False


def run(coroutine: Coroutine[Any, Any, T], *, timeout: float | None = None) -> T:
    """Run a coroutine on the process's background loop and wait for its result.

    `timeout` in seconds; raises TimeoutError past it and cancels the coroutine. From the loop's own thread it raises
    RuntimeError: it would wait for itself for ever.
    """
    home = loop()
    if _running() is home:
        coroutine.close()
        raise RuntimeError("kefu.kit.runtime.run was called on the loop that it waits for: await the coroutine instead")
    future = asyncio.run_coroutine_threadsafe(coroutine, home)
    try:
        return future.result(timeout)
    except BaseException:
        future.cancel()
        raise


def loop() -> asyncio.AbstractEventLoop:
    """The loop that engines live on: the server's own while it runs after `adopt`, else a background thread's."""
    global _loop, _adopted
    with _lock:
        # A server's loop may have stopped without being closed: nobody would ever run what is given to it.
        if _loop is None or _loop.is_closed() or (_adopted and not _loop.is_running()):
            _loop, _adopted = asyncio.new_event_loop(), False
            thread = threading.Thread(target=_loop.run_forever, name="kefu-runtime", daemon=True)
            thread.start()
            atexit.register(_end, _loop, thread)
        return _loop


def adopt(running: asyncio.AbstractEventLoop) -> None:
    """Let the server's loop be the one, so that an engine's queues have one home. It must be running."""
    global _loop, _adopted
    with _lock:
        _loop, _adopted = running, True


def _end(ended: asyncio.AbstractEventLoop, thread: threading.Thread) -> None:
    """Let the thread leave what it runs before the interpreter goes: torn out of native code, it aborts the process."""
    ended.call_soon_threadsafe(ended.stop)
    thread.join(_END_SECONDS)


def _running() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
