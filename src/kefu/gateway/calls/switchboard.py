"""The calls that this process carries, each in its room. A call's two browsers must reach the same process."""

import asyncio
from typing import Any

from kefu.contracts.engine import Speaker, Transcriber
from kefu.desk.actor import Actor, system
from kefu.desk.calls import actions, queries
from kefu.desk.calls.queries import CallInfo
from kefu.desk.wiring import wiring
from kefu.gateway.calls.room import Room
from kefu.gateway.rows import Rows
from kefu.gateway.state import Gateway
from kefu.kit.errors import Conflict, KefuError, Unavailable
from kefu.kit.log import Log

_log = Log(__name__)

# What is said to itself once, so that nobody waits while weights are read for their first word.
_WARM = {"en": "Hello.", "zh": "您好。"}
_KEEP_SECONDS = actions.LEASE.total_seconds() / 3


class Switchboard:
    """Opens rooms and finds them."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._rooms: dict[str, Room] = {}
        self._opening = asyncio.Lock()
        self._warmed: dict[str, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._keeping: asyncio.Task[None] | None = None

    async def room(self, gateway: Gateway, actor: Actor, hello: dict[str, Any]) -> Room:
        """The room that somebody's hello asks for: a customer's new or earlier call, the call that a member answers.

        Raises NotFound, NotAllowed, Busy, Conflict for a call that has ended, Unavailable.
        """
        call_id = str(hello.get("call") or "")
        if actor.kind == "member":
            return await self._answered(actor, call_id)
        if call_id:
            call = await self._rows.write(actions.go_on_with_call, actor, call_id=call_id)
        else:
            conversation = str(hello.get("conversation") or "")
            call = await self._rows.write(actions.begin_call, actor, conversation_id=conversation)
            gateway.hub.wake()
        if call.is_over:
            raise Conflict("This call has ended.", call=call.id)
        async with self._opening:  # two tabs may come at the same moment
            room = self._rooms.get(call.id) or await self._open(gateway, call, str(hello.get("language") or ""))
        if room.over.is_set():  # somebody has just hung up
            raise Conflict("This call has ended.", call=call.id)
        return room

    async def close(self) -> None:
        """Carry nothing any more. The calls go on where their browsers come again."""
        rooms, self._rooms = list(self._rooms.values()), {}
        for room in rooms:
            await room.abandon()
        for task in (self._keeping, *self._warmed.values(), *self._tasks):
            if task is not None:
                task.cancel()

    async def _answered(self, actor: Actor, call_id: str) -> Room:
        await self._rows.read(queries.call, actor, call_id)
        room = self._rooms.get(call_id)
        if room is None:
            raise Unavailable("The customer is not on the line; try again in a moment.", call=call_id)
        await room.joined(await self._rows.write(actions.join_call, actor, call_id=call_id))
        return room

    async def _open(self, gateway: Gateway, call: CallInfo, language: str) -> Room:
        try:
            transcriber = await self._rows.long(wiring().speech.transcriber)
            speaker = await self._rows.long(wiring().speech.speaker)
        except KefuError:
            await self._rows.write(actions.end_call, system(call.workspace_id, "calls"), call_id=call.id, by="lost")
            raise
        self._warm(transcriber, speaker, "zh" if language.startswith("zh") else "en")
        self._keeping = self._keeping or asyncio.create_task(self._keep())
        room = self._rooms[call.id] = Room(gateway, call, transcriber, speaker)
        task = asyncio.create_task(self._forget(room))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return room

    async def _forget(self, room: Room) -> None:
        await room.over.wait()
        self._rooms.pop(room.call.id, None)

    def _warm(self, transcriber: Transcriber, speaker: Speaker, language: str) -> None:
        async def warm() -> None:
            try:
                async for sound in speaker.speak(_WARM[language], language):
                    await transcriber.transcribe(sound)
            except KefuError as error:
                _log.warning("speech_not_warmed", reason=error.code)

        if language not in self._warmed:
            self._warmed[language] = asyncio.create_task(warm())

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(_KEEP_SECONDS)
            try:
                if self._rooms:
                    await self._rows.write(actions.keep_calls, list(self._rooms))
            except Exception as error:  # the database is away; the leases last for two more tries
                _log.error("calls_not_kept", exception=error)
