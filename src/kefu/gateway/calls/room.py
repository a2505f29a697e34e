"""One call in this process: the customer's line, the line of a member who answered, and what passes between them."""

import asyncio
import uuid
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any

from kefu.contracts.call import Origin, Wish, sound_frame
from kefu.contracts.engine import Speaker, Transcriber
from kefu.desk.accounts.queries import EventInfo
from kefu.desk.actor import Actor, system
from kefu.desk.calls import actions, queries
from kefu.desk.calls.queries import CallInfo
from kefu.desk.calls.schemas import call_json
from kefu.desk.inbox import actions as inbox
from kefu.desk.inbox import queries as threads
from kefu.desk.inbox.queries import MessageInfo
from kefu.gateway.calls.ear import Ear, Utterance
from kefu.gateway.calls.keeping import Keeper
from kefu.gateway.calls.line import Line
from kefu.gateway.calls.voice import Voice
from kefu.gateway.hub import Delta, Live, Subscription
from kefu.gateway.state import Gateway
from kefu.kit.errors import KefuError, NotFound
from kefu.kit.log import Log
from kefu.kit.settings import settings

_log = Log(__name__)

# A browser whose connection broke comes back within seconds; who has not by then has hung up.
_BACK_WITHIN = 25.0
# Members' lines are looked after as often: their membership may have ended.
_SWEEP, _RETRY = 5.0, 1.0
# What was being said when a line ends is still recognised, if that takes no longer; a process that stops has less time.
_LAST_WORDS, _STOP = 8.0, 4.0


class _Side:
    """The customer, or the member: who they are, their line, and what is heard of them."""

    def __init__(self, room: "Room", actor: Actor, line: Line, ear: Ear) -> None:
        self.room = room
        self.actor = actor
        self.line = line
        self.ear = ear


class _Heard:
    """What is heard on one side: told to both, and kept as messages by whoever said it."""

    def __init__(self, room: "Room", author: str) -> None:
        self._room = room
        self._author = author

    def began(self) -> None:
        self._room.somebody_began(self._author)

    def understood(self, text: str) -> None:
        self._room.tell_side(self._author, "utterance.partial", text=text)

    async def said(self, utterance: Utterance) -> None:
        await self._room.said(self._author, utterance)


class Room:
    """A call. It is opened by the customer's line and ends with it, or when somebody hangs up."""

    def __init__(self, gateway: Gateway, call: CallInfo, transcriber: Transcriber, speaker: Speaker) -> None:
        self.call = call
        self.over = asyncio.Event()
        self._gateway = gateway
        self._transcriber = transcriber
        self._keeper = Keeper(gateway, call)
        self._voice = Voice(speaker, self._note_unheard)
        self._customer: _Side | None = None
        self._member: _Side | None = None
        self._language = ""
        self._alone_since = _now()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._loops = [asyncio.create_task(self._follow()), asyncio.create_task(self._look_after())]

    async def enter(self, actor: Actor, line: Line) -> None:
        """Somebody's browser is on the line; the one before, if it is still there, is closed."""
        is_customer = actor.kind == "visitor"
        author = "contact" if is_customer else "member"
        before = self._customer if is_customer else self._member
        if before is not None:
            before.line.tell("refused", code="elsewhere")  # another tab: the two would take the line from each other
            await before.line.close()
            await self._gone(before)
        ear = Ear(self._transcriber, _Heard(self, author), lambda: self._language or None)
        side = _Side(self, actor, line, ear)
        if is_customer:
            self._customer = side
        else:
            self._member = side
        line.tell("ready", call=call_json(self.call), members=self._member is not None)
        if is_customer and self.call.state != "joined":
            self._voice.attach(line)

    async def leave(self, line: Line) -> None:
        """A browser's connection has ended; what it was in the middle of saying is written down."""
        for side in (self._customer, self._member):
            if side is not None and side.line is line:
                await self._gone(side)
                self._alone_since = _now()

    async def hear(self, line: Line, pcm: bytes) -> None:
        """Sound of one side: listened to, and passed on while both are on the line."""
        side, other = self._sides(line)
        if side is None or self.over.is_set():
            return
        if other is not None and self.call.state == "joined":
            other.line.relay(sound_frame(Origin.PERSON, pcm))
        await side.ear.feed(pcm, guarded=side is self._customer and self._voice.sounds)

    async def wish(self, line: Line, wish: Wish) -> None:
        """What a browser tells."""
        side, _ = self._sides(line)
        if side is None:
            return
        if wish.type == "ping":
            line.tell("pong")
        elif wish.type == "hang_up":
            await self.end("contact" if side is self._customer else "member", side.actor)
        elif side is not self._customer:
            return
        elif wish.type == "played":
            self._voice.played(wish.sentence, begun=wish.begun)
        elif wish.type == "hand_over":
            conversation = self.call.conversation_id
            await self._gateway.rows.write(inbox.ask_for_member, side.actor, conversation_id=conversation)
            self._gateway.hub.wake()

    async def end(self, by: str, actor: Actor | None = None) -> None:
        """Hang up for both, at once. What was said until now is written down before the call's row ends."""
        if self.over.is_set():
            return
        self.over.set()
        self.tell("call.updated", call=call_json(replace(self.call, state="ended", ended_by=by)))
        await asyncio.gather(*(side.ear.finish(_LAST_WORDS) for side in self._both()))
        actor = actor or system(self.call.workspace_id, "calls")
        try:
            self.call = await self._gateway.rows.write(actions.end_call, actor, call_id=self.call.id, by=by)
        except NotFound:  # the conversation was erased
            _log.info("call_erased", call=self.call.id)
        finally:  # where the database is away, its lease ends it
            self._gateway.hub.wake()
            await self._close()

    async def joined(self, call: CallInfo) -> None:
        """A member has answered, as the row says."""
        await self._became(call)
        self._gateway.hub.wake()

    async def abandon(self) -> None:
        """This process stops: the browsers are told to come again, and what was said until now is written down."""
        if not self.over.is_set():
            self.over.set()
            await asyncio.gather(*(side.ear.finish(_STOP) for side in self._both()))
            await self._close()

    def tell(self, kind: str, **fields: Any) -> None:
        """Tell both sides."""
        for side in self._both():
            side.line.tell(kind, **fields)

    def tell_side(self, author: str, kind: str, **fields: Any) -> None:
        """Tell whoever spoke: the other side may read what was said masked only, as the message."""
        side = self._customer if author == "contact" else self._member
        if side is not None:
            side.line.tell(kind, **fields)

    def somebody_began(self, author: str) -> None:
        """Somebody speaks: an answer that is being played stops."""
        self.tell_side(author, "utterance.began")
        if author == "contact":
            self._voice.interrupt()

    async def said(self, author: str, utterance: Utterance) -> None:
        """An utterance has ended: it is a message like any other, and told once that is stored."""
        if utterance.text == "":
            self.tell_side(author, "utterance.nothing")
            if author == "contact":
                self._voice.go_on()
            return
        self._language = utterance.language or self._language
        if author == "contact":
            self._voice.give_up()
        try:
            message = await self._keeper.keep(author, self._actor(author), utterance, key=uuid.uuid4().hex)
        except KefuError as error:
            _log.warning("utterance_not_kept", call=self.call.id, reason=error.code)
            self.tell_side(author, "utterance.failed", code=error.code)
            return
        self.tell_side(author, "utterance.final", message=message.id, text=message.text)

    def _actor(self, author: str) -> Actor:
        side = self._customer if author == "contact" else self._member
        if side is not None:
            return side.actor
        raise NotFound("Nobody is on this line any more.")

    async def _follow(self) -> None:
        """What happens in the conversation, whoever does it."""
        here = self.call
        while not self.over.is_set():
            try:
                with self._gateway.hub.subscribed(here.workspace_id, {here.conversation_id}) as subscription:
                    await self._change(actions.follow_status, here.workspace_id, call_id=here.id)
                    await self._read(subscription)
            except Exception as error:  # the database is away: ask again what became of the call
                _log.error("call_not_followed", call=here.id, exception=error)
                await asyncio.sleep(_RETRY)

    async def _read(self, subscription: Subscription) -> None:
        while True:
            happened = await subscription.queue.get()
            if happened is None:
                return
            try:
                await self._happened(happened)
            except KefuError as error:
                _log.warning("call_event_missed", call=self.call.id, reason=error.code)

    async def _happened(self, happened: Live) -> None:
        if isinstance(happened, Delta):
            if self.call.state == "talking":
                self._voice.add(happened.turn_id, happened.text, self._language)
        elif not isinstance(happened, EventInfo):
            return
        elif happened.kind == "message.created":
            await self._message(happened.row_id)
        elif happened.kind == "conversation.updated":
            await self._change(actions.follow_status, self.call.workspace_id, call_id=self.call.id)
        elif happened.kind == "conversation.erased":
            await self.end("lost")
        elif happened.kind == "call.updated" and happened.row_id == self.call.id:
            await self._change(queries.call, system(self.call.workspace_id, "calls"), self.call.id)

    async def _message(self, message_id: str) -> None:
        reader = system(self.call.workspace_id, "calls")
        row: MessageInfo = await self._gateway.rows.read(threads.message, reader, self.call.conversation_id, message_id)
        is_for_customer = row.author != "contact" and not row.is_internal
        if not is_for_customer or self.call.state == "joined" or self.call.is_over:
            return
        language = str((row.answer or {}).get("language", "")) or self._language
        self._voice.complete(row.turn_id or row.id, row.id, row.text, language)

    async def _change(self, call: Any, *arguments: Any, **named: Any) -> None:
        """Do something with the call's row, and tell both sides what became of it."""
        await self._became(await self._gateway.rows.write(call, *arguments, **named))

    async def _became(self, call: CallInfo) -> None:
        before, self.call = self.call, call
        if self.call.is_over:
            if not self.over.is_set():
                self.over.set()
                await self._close()
            return
        if (before.state, before.member_id) == (self.call.state, self.call.member_id):
            return
        self.tell("call.updated", call=call_json(self.call))
        if self.call.state == "joined":
            self._voice.interrupt()
            self._voice.give_up()
        elif before.state == "joined":
            if self._customer is not None:
                self._voice.attach(self._customer.line)
            if self._member is not None:
                await self._dismiss(self._member)

    async def _look_after(self) -> None:
        """End the call that nobody is on, or that lasts too long; let it ring again where the member is gone."""
        until = _now() + 60 * settings().call_minutes
        while not self.over.is_set():
            await asyncio.sleep(_SWEEP)
            try:
                await self._sweep(until)
            except Exception as error:  # the database is away; the next sweep tries again
                _log.error("call_not_looked_after", call=self.call.id, exception=error)

    async def _sweep(self, until: float) -> None:
        alone = _now() - self._alone_since >= _BACK_WITHIN
        if _now() >= until:
            await self.end("limit")
        elif self._customer is None and alone:
            await self.end("lost")
        elif self.call.state == "joined" and self._member is None and alone:
            await self._change(actions.leave_call, self.call.workspace_id, call_id=self.call.id)
            self._gateway.hub.wake()
        elif self._member is not None:
            await self._check(self._member)

    async def _check(self, side: _Side) -> None:
        try:
            await self._gateway.gate.still(side.actor)
        except KefuError:  # the membership has ended
            await self._dismiss(side)

    async def _dismiss(self, side: _Side) -> None:
        await self._gone(side)
        await side.line.close()
        self._alone_since = _now()

    async def _gone(self, side: _Side) -> None:
        await side.ear.finish(_LAST_WORDS)
        await side.ear.close()
        if side is self._customer:
            self._customer = None
            self._voice.attach(None)
        elif side is self._member:
            self._member = None

    async def _close(self) -> None:
        if self.call.is_over:
            self.tell("ended", call=call_json(self.call))
        for side in self._both():
            await side.ear.close()
            await side.line.close()
        self._customer = self._member = None
        await self._voice.close()
        current = asyncio.current_task()
        for task in (*self._loops, *self._tasks):
            if task is not current:
                task.cancel()

    def _both(self) -> list[_Side]:
        return [side for side in (self._customer, self._member) if side is not None]

    def _sides(self, line: Line) -> tuple[_Side | None, _Side | None]:
        """Whose line it is, and the other side."""
        if self._customer is not None and self._customer.line is line:
            return self._customer, self._member
        if self._member is not None and self._member.line is line:
            return self._member, self._customer
        return None, None

    def _note_unheard(self, message_id: str, start: int) -> None:
        self.tell("reply.unheard", message=message_id, start=start)
        self._spawn(
            self._gateway.rows.write(inbox.note_unheard, self.call.workspace_id, message_id=message_id, start=start)
        )

    def _spawn(self, work: Coroutine[Any, Any, Any]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _now() -> float:
    return asyncio.get_running_loop().time()
