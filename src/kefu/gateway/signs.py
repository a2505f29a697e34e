"""Customers see that somebody writes, on channels that can show it: the assistant composing, a member typing.

A sign is not worth a delay or a retry: it is told beside the work; who cannot be told is left alone for a while.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kefu.contracts.channel import ShowsTyping
from kefu.desk.inbox import queries
from kefu.desk.inbox.delivering import capabilities
from kefu.gateway.plugins import Plugins
from kefu.gateway.rows import Rows
from kefu.kit.log import Log

_log = Log(__name__)

# An answer that is there within a moment needs no announcement.
_AFTER_SECONDS = 0.6
# Telegram shows a sign for five seconds, WeChat for fifteen; a member's browser tells of typing every few seconds.
_AGAIN_SECONDS = 4.5
_AFTER_FAILURE_SECONDS = 60.0
_KEPT = 10_000  # conversations whose last sign is remembered, and channels that can show one or cannot


class TypingSigns:
    """One a process."""

    def __init__(self, rows: Rows, plugins: Plugins) -> None:
        self._rows = rows
        self._plugins = plugins
        self._next: OrderedDict[str, float] = OrderedDict()
        self._tasks: set[asyncio.Task[None]] = set()
        self._able: dict[str, bool] = {}

    @contextmanager
    def composing(self, workspace_id: str, conversation_id: str, channel_id: str) -> Iterator[None]:
        """Tell the customer again and again, for as long as the context lasts, if the channel can show it."""
        if not self._able.get(channel_id, True):
            yield
            return
        task = asyncio.create_task(self._compose(workspace_id, conversation_id, channel_id))
        try:
            yield
        finally:
            task.cancel()

    def wrote(self, workspace_id: str, conversation_id: str) -> None:
        """A member is typing."""
        if self._is_due(conversation_id):
            task = asyncio.create_task(self._show(workspace_id, conversation_id))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def told(self) -> None:
        """Wait until what is being told has been."""
        await asyncio.gather(*self._tasks)

    async def _compose(self, workspace_id: str, conversation_id: str, channel_id: str) -> None:
        if not await self._is_able(workspace_id, channel_id):
            return
        await asyncio.sleep(_AFTER_SECONDS)
        while True:
            if self._is_due(conversation_id):
                await self._show(workspace_id, conversation_id)
            await asyncio.sleep(_AGAIN_SECONDS)

    async def _is_able(self, workspace_id: str, channel_id: str) -> bool:
        """Whether a channel can show it: as its kind, which stays what it is. A web chat does by its socket."""
        if channel_id not in self._able:
            try:
                kind = await self._rows.read(queries.channel_kind, workspace_id, channel_id)
            except Exception as error:  # a sign less
                _log.info("typing_not_shown", channel=channel_id, error=type(error).__name__)
                return False
            if len(self._able) >= _KEPT:
                self._able.clear()
            self._able[channel_id] = capabilities(kind).typing
        return self._able[channel_id]

    def _is_due(self, conversation_id: str) -> bool:
        """Whether a sign may be told now; if so, it counts as told."""
        now = asyncio.get_running_loop().time()
        if now < self._next.get(conversation_id, 0.0):
            return False
        self._not_before(conversation_id, now + _AGAIN_SECONDS / 2)
        return True

    def _not_before(self, conversation_id: str, moment: float) -> None:
        self._next[conversation_id] = moment
        self._next.move_to_end(conversation_id)
        while len(self._next) > _KEPT:
            self._next.popitem(last=False)

    async def _show(self, workspace_id: str, conversation_id: str) -> None:
        try:
            place = await self._rows.read(queries.typing_place, workspace_id, conversation_id)
            plugin: Any = None
            if place is not None and capabilities(place.kind).typing:
                plugin = (await self._plugins.get(place.channel_id)).plugin
            if place is None or not isinstance(plugin, ShowsTyping):
                # Neither will be otherwise soon: a web chat shows it by its socket.
                self._not_before(conversation_id, asyncio.get_running_loop().time() + _AFTER_FAILURE_SECONDS)
                return
            await plugin.show_typing(place.to)
        except Exception as error:  # a sign less
            _log.info("typing_not_shown", conversation=conversation_id, error=type(error).__name__)
            self._not_before(conversation_id, asyncio.get_running_loop().time() + _AFTER_FAILURE_SECONDS)
