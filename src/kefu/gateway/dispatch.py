"""Dispatch: claims turns that are due, has the brain answer them, stores the outcomes. Nothing else answers.

The row is the truth: `wake` only saves waiting for the next sweep. A process that dies leaves claims whose lease ends,
and another takes them over; storing an outcome checks that the claim is still ours, so nobody answers twice.
"""

import asyncio
import contextlib
import uuid
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from kefu.brain import texts
from kefu.brain.turn import answer
from kefu.contracts.turn import Decision, Policy, TurnOutcome
from kefu.desk import going_live
from kefu.desk.accounts import due as accounts
from kefu.desk.accounts.queries import EventInfo
from kefu.desk.assistants import due as assistants
from kefu.desk.calls import due as calls
from kefu.desk.changes import settle
from kefu.desk.inbox import due as inbox
from kefu.desk.inbox import handing, ringing
from kefu.desk.inbox.due import ClaimedTurn, FinishedTurn
from kefu.desk.insights import due as insights
from kefu.desk.library import due as library
from kefu.desk.library import rehearsals
from kefu.desk.modelhub import due as modelhub
from kefu.desk.wiring import Mind, wiring
from kefu.gateway.counted import figures
from kefu.gateway.hearing import Silence, hear_recordings
from kefu.gateway.hub import Delta, Hub
from kefu.gateway.outbox import Outbox
from kefu.gateway.plugins import Plugins
from kefu.gateway.preparing import prepared
from kefu.gateway.rows import Rows
from kefu.gateway.seeing import see_pictures
from kefu.gateway.signs import TypingSigns
from kefu.gateway.surveys import Asker
from kefu.gateway.webhooks import Webhooks
from kefu.kit.log import Log
from kefu.kit.settings import settings
from kefu.kit.tracing import hand_on, span

_SWEEP_SECONDS = 1.0
_IDLE_SWEEP_SECONDS = 5.0
_FORGET_SECONDS = 3600.0
_RETRY_SECONDS = 1.0
_STOP_SECONDS = 10.0

_log = Log(__name__)


class Dispatch:
    """One a process. Several processes on one PostgreSQL share the work."""

    def __init__(self, rows: Rows, hub: Hub, plugins: Plugins) -> None:
        self._rows = rows
        self._hub = hub
        self._worker = f"worker_{uuid.uuid4().hex[:16]}"
        self._outbox = Outbox(rows, hub, plugins, self._worker)
        self.signs = TypingSigns(rows, plugins)
        self._asker = Asker(rows, hub)
        self._webhooks = Webhooks(rows, hub, self._worker)
        self._due = asyncio.Event()
        self._sources_due = asyncio.Event()
        self._runs_due = asyncio.Event()
        self._routes_due = asyncio.Event()
        self._outcomes: asyncio.Queue[tuple[str, TurnOutcome, dict[str, Any]]] = asyncio.Queue()
        self._in_work: dict[str, asyncio.Task[None]] = {}
        self._conversations: dict[str, str] = {}
        self._cancelled: dict[str, asyncio.Event] = {}
        self._checks: set[asyncio.Task[None]] = set()
        self._minds: dict[str, asyncio.Task[Mind]] = {}
        self._waiting: dict[str, asyncio.Future[FinishedTurn | None]] = {}
        self._loops: list[asyncio.Task[None]] = []
        self._stopping = False
        self._forget_at = 0.0

    @property
    def in_flight(self) -> int:
        return len(self._in_work)

    def start(self) -> None:
        self._hub.listen(self._heard)
        self._loops = [
            asyncio.create_task(self._forever(loop, name))
            for loop, name in [
                (self._claim, "claim"),
                (self._store, "store"),
                (self._keep, "keep"),
                (self._close_idle, "idle"),
                (self._hand_on, "routing"),
                (self._keep_house, "house"),
                (self._read_sources, "sources"),
                (self._change_encoders, "encoders"),
                (self._tend_runs, "runs"),
                (self._measure, "figures"),
                (self._report, "reports"),
                (self._asker.ask, "surveys"),
                *self._outbox.loops(),
                *self._webhooks.loops(),
            ]
        ]

    async def stop(self) -> None:
        """Claim nothing more, give what is in work a moment to end, and leave the rest to its lease."""
        self._stopping = True
        if self._in_work:
            await asyncio.wait(list(self._in_work.values()), timeout=_STOP_SECONDS)
        await self._outbox.stop()
        await self._webhooks.stop()
        for task in [*self._in_work.values(), *self._loops]:
            task.cancel()

    def wake(self) -> None:
        """A turn may be due."""
        self._due.set()

    def wake_sources(self) -> None:
        """A source may be due."""
        self._sources_due.set()

    def expect(self, turn_id: str) -> "asyncio.Future[FinishedTurn | None]":
        """A future of the turn's end, when this process or another stores it."""
        future = self._waiting.get(turn_id)
        if future is None:
            future = self._waiting[turn_id] = asyncio.get_running_loop().create_future()
        return future

    def forget(self, turn_id: str) -> None:
        """Nobody waits for this turn any more."""
        self._waiting.pop(turn_id, None)

    def _heard(self, event: EventInfo) -> None:
        wiring().changed(event.workspace_id, event.kind)
        if event.kind in {"conversation.updated", "member.updated"}:
            self._routes_due.set()
        if event.kind == "turn.finished" and event.row_id in self._waiting:
            future = self._waiting.pop(event.row_id)
            if not future.done():
                future.set_result(None)  # another process stored it: the waiter reads the row
        elif event.kind == "message.created":
            self._due.set()
        elif event.kind == "source.updated":
            self._sources_due.set()
        elif event.kind == "modelhub.run_updated":
            self._runs_due.set()
        elif event.kind == "conversation.updated" and event.conversation_id in self._conversations:
            self._due.set()
            check = asyncio.create_task(self._cancel_if_taken(event.workspace_id, event.conversation_id))
            self._checks.add(check)
            check.add_done_callback(self._checks.discard)

    async def _cancel_if_taken(self, workspace_id: str, conversation_id: str) -> None:
        """A member has the conversation, or somebody resolved it: what is being generated is not wanted any more."""
        status = await self._rows.read(inbox.status_of, workspace_id, conversation_id)
        cancelled = self._cancelled.get(self._conversations.get(conversation_id, ""))
        if status != "bot" and cancelled is not None:
            cancelled.set()

    async def _forever(self, loop: Callable[[], Coroutine[Any, Any, None]], name: str) -> None:
        while True:
            try:
                await loop()
            except asyncio.CancelledError:
                raise
            except Exception as error:  # the database is away: the rows wait, and so do we
                _log.error("dispatch_interrupted", loop=name, exception=error)
                await asyncio.sleep(_RETRY_SECONDS)

    async def _claim(self) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._due.wait(), _SWEEP_SECONDS)
        self._due.clear()
        free = settings().turns_at_once - len(self._in_work)
        if free <= 0 or self._stopping:
            return
        turns = await self._rows.write(
            inbox.claim_turns, worker=self._worker, limit=free, lease_seconds=settings().turn_lease_seconds
        )
        for turn in turns:
            self._in_work[turn.id] = asyncio.create_task(self._work(turn))
            self._conversations[turn.conversation_id] = turn.id
        if len(turns) == free:
            self._due.set()

    async def _work(self, turn: ClaimedTurn) -> None:
        try:
            with (
                span("dispatch.turn", after=[turn.id], turn=turn.id, workspace=turn.workspace_id),
                self.signs.composing(turn.workspace_id, turn.conversation_id, turn.channel_id),
            ):
                hand_on(turn.id)
                outcome = await self._answer(turn)
        except asyncio.CancelledError:
            self._done(turn.id, turn.conversation_id)
            raise
        except Exception as error:
            _log.error("turn_failed", turn=turn.id, workspace=turn.workspace_id, exception=error)
            outcome = _sorry(turn)
        self._outcomes.put_nowait((turn.id, outcome, inbox.trace_of(outcome)))

    async def _answer(self, turn: ClaimedTurn) -> TurnOutcome:
        if turn.attempts > inbox.ATTEMPTS:
            return _sorry(turn)
        mind = await self._mind(turn.workspace_id)
        if mind.pictures is not None:
            turn = await see_pictures(self._rows, turn, mind.pictures)
        if turn.wordless:
            heard = await hear_recordings(self._rows, turn)
            turn = heard.turn
            if not turn.text:
                return _without_words(turn, mind.policy, heard.silence)
        request, tools = await prepared(self._rows, turn, mind)
        publish = self._hub.publish
        return await answer(
            request,
            tools,
            lambda text: publish(Delta(turn.workspace_id, turn.conversation_id, turn.id, text)),
            cancel=self._cancelled.setdefault(turn.id, asyncio.Event()),
        )

    async def _mind(self, workspace_id: str) -> Mind:
        """A workspace's mind, made once however many turns wait for it."""
        # Making one that began before we came may have missed the last change; the next has not.
        for _ in range(2):
            ready = wiring().ready_mind(workspace_id)
            if ready is not None:
                return ready
            making = self._minds.get(workspace_id)
            if making is None:
                making = asyncio.create_task(self._rows.long(wiring().mind, workspace_id))
                self._minds[workspace_id] = making
                making.add_done_callback(lambda _: self._minds.pop(workspace_id, None))
            made = await asyncio.shield(making)
        return made

    async def _store(self) -> None:
        """Store what is ready, together: under load many turns share one transaction."""
        outcomes = [await self._outcomes.get()]
        while not self._outcomes.empty() and len(outcomes) < 32:
            outcomes.append(self._outcomes.get_nowait())
        try:
            with span("dispatch.store", after=[turn_id for turn_id, *_ in outcomes], turns=len(outcomes)):
                finished = await self._rows.write(inbox.finish_turns, worker=self._worker, outcomes=outcomes)
        except Exception:
            for outcome in outcomes:
                self._outcomes.put_nowait(outcome)  # our claims are kept alive until the rows take them
            raise
        for (turn_id, answered, _), each in zip(outcomes, finished, strict=True):
            figures().answered(answered)
            self._done(turn_id, each.conversation_id if each else None)
            future = self._waiting.pop(turn_id, None)
            if future is not None and not future.done():
                future.set_result(each)
        self._due.set()
        self._hub.wake()

    def _done(self, turn_id: str, conversation_id: str | None) -> None:
        self._in_work.pop(turn_id, None)
        self._cancelled.pop(turn_id, None)
        if conversation_id is not None and self._conversations.get(conversation_id) == turn_id:
            del self._conversations[conversation_id]

    async def _keep(self) -> None:
        lease = settings().turn_lease_seconds
        await asyncio.sleep(lease / 3)
        if self._in_work:
            await self._rows.write(
                inbox.keep_claims, worker=self._worker, turn_ids=list(self._in_work), lease_seconds=lease
            )

    async def _close_idle(self) -> None:
        await asyncio.sleep(_IDLE_SWEEP_SECONDS)
        closed = await self._rows.write(inbox.close_idle)
        told = await self._rows.write(inbox.tell_nobody_came)
        woken = await self._rows.write(inbox.wake_snoozed)
        lost = await self._rows.write(calls.end_lost)
        if closed or told or woken or lost:
            self._hub.wake()

    async def _hand_on(self) -> None:
        """Give those who wait to members, as soon as somebody does; and look at clocks of what was promised."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._routes_due.wait(), _SWEEP_SECONDS)
        self._routes_due.clear()
        for workspace_id in await self._rows.read(handing.due_workspaces):
            if await self._rows.write(handing.hand_on, workspace_id) == handing.AT_ONCE:
                self._routes_due.set()  # more wait; others write in between
            self._hub.wake()
        if late := await self._rows.read(ringing.due_clocks):
            await self._rows.write(ringing.ring, late)
            self._hub.wake()

    async def _keep_house(self) -> None:
        await asyncio.sleep(_IDLE_SWEEP_SECONDS)
        await self._rows.read(settle)
        if settings().smtp_url:
            await self._rows.long(accounts.send_mail)
        if asyncio.get_running_loop().time() >= self._forget_at:
            self._forget_at = asyncio.get_running_loop().time() + _FORGET_SECONDS
            await self._rows.write(accounts.forget_old)
            await self._rows.long(inbox.forget_uploads)
            await self._rows.long(modelhub.forget_old_work)

    async def _measure(self) -> None:
        await asyncio.sleep(_SWEEP_SECONDS)
        while await self._rows.write(insights.roll_up):
            pass

    async def _report(self) -> None:
        await asyncio.sleep(_IDLE_SWEEP_SECONDS)
        if wiring().has_encoders:
            for workspace_id in await self._rows.read(insights.due_questions):
                embed = wiring().embed_questions
                await self._rows.long(insights.group_questions, workspace_id, embed=embed)
        await self._rows.long(insights.send_weekly)

    async def _change_encoders(self) -> None:
        await asyncio.sleep(_IDLE_SWEEP_SECONDS)
        for workspace_id in await self._rows.read(assistants.due_encoders):
            await self._rows.long(wiring().prepare_encoders, workspace_id)
            self._hub.wake()

    async def _read_sources(self) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._sources_due.wait(), _SWEEP_SECONDS * 5)
        self._sources_due.clear()
        due = await self._rows.read(library.due_sources)
        by_workspace: dict[str, list[str]] = {}
        for workspace_id, source_id in due:
            by_workspace.setdefault(workspace_id, []).append(source_id)
        for workspace_id, ids in by_workspace.items():
            embed = partial(wiring().embed, workspace_id=workspace_id)
            await self._rows.long(going_live.read_sources, workspace_id, ids, embed=embed)
            wiring().changed(workspace_id, "library.changed")
        for workspace_id in await self._rows.read(rehearsals.due_workspaces):
            await self._rows.long(wiring().rehearse, workspace_id)

    async def _tend_runs(self) -> None:
        """Look after trainings: each second while there are some, else when one is asked for."""
        self._runs_due.clear()
        if await self._rows.long(modelhub.tend):
            await asyncio.sleep(_SWEEP_SECONDS)  # its own events announce themselves here, too
            return
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._runs_due.wait(), _SWEEP_SECONDS * 5)


def _without_words(turn: ClaimedTurn, policy: Policy, silence: Silence) -> TurnOutcome:
    """The answer to a file or recording that says nothing to us: what it is about is asked."""
    language = turn.language or policy.default_language
    return TurnOutcome(
        texts.say(silence, language, policy),
        Decision.CLARIFY,
        0.0,
        language,
        reason="file_without_text" if silence == "file_received" else silence,
        quick_replies=(texts.say("talk_to_person", language, policy),),
    )


def _sorry(turn: ClaimedTurn) -> TurnOutcome:
    language = turn.language or Policy().default_language
    text = texts.say("hand_over_failure", language, Policy())
    promise = texts.promise(text, Policy())
    return TurnOutcome(text, Decision.HAND_OVER, 0.0, language, reason="failed", promise=promise)
