"""Intake: what customers say is stored together, where the database has one writer.

Nothing waits for company: while one transaction is in work, what arrives queues, and the next takes it. Each caller is
answered after the commit that holds their own message.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from kefu.desk.changes import can_write_at_once
from kefu.desk.inbox import actions
from kefu.desk.inbox.actions import Arrived, Brought, Incoming, ReceivedMessage
from kefu.gateway.rows import Rows

Given = TypeVar("Given")
Stored = TypeVar("Stored")

_TOGETHER = 32  # a transaction of so many takes some 20 ms; what else wants to be written waits no longer


class Intake:
    """Messages of browsers and programs, and arrivals of channels. One a process."""

    def __init__(self, rows: Rows) -> None:
        self._messages = _Queue(rows, actions.receive_messages)
        self._arrivals = _Queue(rows, actions.arrive_together)

    async def receive(self, said: Incoming) -> ReceivedMessage:
        """Store what a contact said. Raises what `actions.receive_message` raises."""
        return await self._messages.store(said)

    async def arrive(self, brought: Brought) -> Arrived:
        """Store what came in through a channel. Raises what `actions.arrive` raises."""
        return await self._arrivals.store(brought)


class _Queue(Generic[Given, Stored]):
    """Things of one kind that are stored by one function, several at a time."""

    def __init__(self, rows: Rows, store: Callable[[Sequence[Given]], list[Stored | Exception]]) -> None:
        self._rows = rows
        self._store = store
        self._is_one_writer = not can_write_at_once()
        self._waiting: list[tuple[Given, asyncio.Future[Stored]]] = []
        self._storing: asyncio.Task[None] | None = None

    async def store(self, given: Given) -> Stored:
        future: asyncio.Future[Stored] = asyncio.get_running_loop().create_future()
        self._waiting.append((given, future))
        if self._is_one_writer:
            self._storing = self._storing or asyncio.create_task(self._store_all())
        else:
            await self._store_some(1)
        return await future

    async def _store_all(self) -> None:
        try:
            while self._waiting:
                await self._store_some(_TOGETHER)
        finally:
            self._storing = None

    async def _store_some(self, most: int) -> None:
        some, self._waiting = self._waiting[:most], self._waiting[most:]
        outcomes: list[Stored | Exception]
        try:
            outcomes = await self._rows.write(self._store, [given for given, _ in some])
        except Exception as error:  # the database is away: all of them are told
            outcomes = [error] * len(some)
        for (_, future), outcome in zip(some, outcomes, strict=True):
            if future.done():  # its caller has gone
                continue
            if isinstance(outcome, Exception):
                future.set_exception(outcome)
            else:
                future.set_result(outcome)
