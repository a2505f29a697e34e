"""Desk's functions, which block, called from coroutines: in a few threads that keep their database connections."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

from kefu.desk.changes import can_write_at_once, connected, disconnect

P = ParamSpec("P")
T = TypeVar("T")

_READERS = 4
_WRITERS_WHERE_SEVERAL_HELP = 8
_LONG = 16  # indexes of so many workspaces made at a time, or sources read


class Rows:
    """One writer on SQLite, where writers only wait for each other; eight on PostgreSQL; four readers."""

    def __init__(self) -> None:
        writers = _WRITERS_WHERE_SEVERAL_HELP if can_write_at_once() else 1
        self._writers = ThreadPoolExecutor(writers, thread_name_prefix="kefu-write")
        self._readers = ThreadPoolExecutor(_READERS, thread_name_prefix="kefu-read")
        # Not the loop's own pool: engines load in that one, and what waits here may wait for an engine.
        self._long = ThreadPoolExecutor(_LONG, thread_name_prefix="kefu-long")

    async def write(self, call: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
        """Run a desk action."""
        return await self._run(self._writers, partial(connected, call, *arguments, **named))

    async def read(self, call: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
        """Run a desk query."""
        return await self._run(self._readers, partial(connected, call, *arguments, **named))

    async def long(self, call: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
        """Run something that takes seconds, in a thread that nobody waits for."""

        def whole() -> T:
            try:
                return connected(call, *arguments, **named)  # type: ignore[no-any-return]
            finally:
                disconnect()

        return await self._run(self._long, whole)

    def close(self) -> None:
        self._long.shutdown(wait=False, cancel_futures=True)
        for pool in (self._writers, self._readers):
            pool.shutdown(wait=True)

    async def _run(self, pool: ThreadPoolExecutor, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(pool, call)
