"""The outbox: replies are sent through channels, what came in is completed, and channels that fetch are watched.

Dispatch runs its loops. The rows are the truth here, too: a wake only saves waiting for the next sweep.
"""

import asyncio
import contextlib
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any

from kefu.brain.listen import speech
from kefu.contracts.channel import File, NotKnown, Outgoing, RefusedForEver, SendResult, TryLater, manifest
from kefu.desk.accounts.queries import EventInfo
from kefu.desk.channels import Opened
from kefu.desk.inbox import actions, arriving, delivering, queries
from kefu.desk.inbox.delivering import ClaimedDelivery
from kefu.desk.wiring import wiring
from kefu.gateway.arrivals import Fetcher, take_in
from kefu.gateway.hub import Hub
from kefu.gateway.intake import Intake
from kefu.gateway.plugins import Plugins
from kefu.gateway.rows import Rows
from kefu.kit.errors import KefuError, NotFound
from kefu.kit.log import Log
from kefu.kit.settings import settings
from kefu.knowledge.sound import FORMATS

_SWEEP_SECONDS = 1.0
_RETRY_SECONDS = 1.0
_STOP_SECONDS = 10.0
_WATCH_SECONDS = 5.0  # a channel whose watcher died is fetched from after so long
_TOGETHER_SECONDS = 0.25  # refusals that come within so long are written down in one go
_WATCH_LEASE = 90.0  # longer than any one fetch waits at a provider
_LONGEST_PAUSE = 60.0
_FORGET_SECONDS = 3600.0

_log = Log(__name__)


class Outbox:
    """One a process. Several processes on one PostgreSQL share the work."""

    def __init__(self, rows: Rows, hub: Hub, plugins: Plugins, worker: str) -> None:
        self._rows = rows
        self._intake = Intake(rows)
        self._hub = hub
        self._plugins = plugins
        self._worker = worker
        self._fetcher = Fetcher(rows, plugins, worker)
        self._due = asyncio.Event()
        self._arrivals_due = asyncio.Event()
        self._watch_due = asyncio.Event()
        plugins.when_refused(self._watch_due.set)
        self._in_work: set[asyncio.Task[None]] = set()
        self._watches: dict[str, asyncio.Task[None]] = {}
        self._stopping = False
        self._forget_at = 0.0
        hub.listen(self._heard)

    def loops(self) -> list[tuple[Any, str]]:
        """What dispatch runs for ever, by name."""
        return [
            (self._send_due, "deliveries"),
            (self._keep, "deliveries_kept"),
            (self._fetch, "arrivals"),
            (self._watch, "watches"),
        ]

    async def stop(self) -> None:
        """Claim nothing more, and let what is being sent end: what is cut short is not known to have arrived."""
        self._stopping = True
        for watch in self._watches.values():
            watch.cancel()
        if self._in_work:
            await asyncio.wait(list(self._in_work), timeout=_STOP_SECONDS)
        for task in self._in_work:
            task.cancel()
        await self._plugins.close()

    def _heard(self, event: EventInfo) -> None:
        if event.kind in {"message.created", "delivery.updated", "channel.updated"}:
            self._due.set()
        if event.kind == "arrival.waiting":
            self._arrivals_due.set()
        if event.kind in {"channel.created", "channel.updated"}:
            if event.row_id in self._watches:
                self._watches.pop(event.row_id).cancel()  # begun again with its new settings
            self._watch_due.set()

    # --- what goes out ---

    async def _send_due(self) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._due.wait(), _SWEEP_SECONDS)
        self._due.clear()
        free = settings().deliveries_at_once - len(self._in_work)
        if free <= 0 or self._stopping:
            return
        await self._rows.write(delivering.take_up_interrupted)
        claimed = await self._rows.write(
            delivering.claim_deliveries,
            worker=self._worker,
            limit=free,
            lease_seconds=settings().delivery_lease_seconds,
        )
        for each in claimed:
            self._begin(self._send(each))
        if len(claimed) == free:
            self._due.set()

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._in_work.add(task)
        task.add_done_callback(self._in_work.discard)

    async def _send(self, claimed: ClaimedDelivery) -> None:
        try:
            opened = await self._plugins.get(claimed.channel_id)
            outgoing = await self._rows.long(
                queries.outgoing, claimed.workspace_id, claimed.conversation_id, claimed.batch
            )
            outgoing = await self._read_aloud(opened, outgoing, begun=claimed.pieces_sent > 0)
            pieces = list(opened.plugin.pieces(outgoing))
        except Exception as error:  # nothing was sent yet: it waits until its channel or its files are back
            reason = error.sentence if isinstance(error, KefuError) else type(error).__name__
            _log.error("delivery_not_begun", batch=claimed.batch, exception=error)
            await self._settled(claimed, TryLater(reason), more=False)
            return
        if len(pieces) <= claimed.pieces_sent:
            nothing = RefusedForEver("This channel can carry nothing of it.")
            await self._settled(claimed, nothing, more=False)
        elif not await self._rows.write(delivering.begin, claimed):
            return
        for number in range(claimed.pieces_sent, len(pieces)):
            result = await _sent(opened, pieces[number])
            if not await self._settled(claimed, result, more=number + 1 < len(pieces)):
                break
        self._due.set()  # what the same customer is sent next had to wait for this
        self._hub.wake()

    async def _read_aloud(self, opened: Opened, outgoing: Outgoing, *, begun: bool) -> Outgoing:
        """The reply with its sound, where the customer spoke and the channel can carry it.

        Without a voice the text goes alone; not where a part has gone already, since it would be cut otherwise then.
        """
        capabilities = manifest(opened.info.kind).capabilities
        if not (outgoing.spoken and capabilities.sound and outgoing.text):
            return outgoing
        form = capabilities.sound_format
        try:
            speaker = await self._rows.long(wiring().speech.speaker)
            made = await speech(outgoing.text, speaker, language=outgoing.language, form=form)
        except KefuError as error:
            _log.warning("reply_not_spoken", conversation=outgoing.conversation, reason=error.code)
            if begun:
                raise
            return outgoing
        kind = FORMATS[form]
        return replace(outgoing, audio=File(f"answer.{kind.ending}", kind.media_type, made)) if made else outgoing

    async def _settled(self, claimed: ClaimedDelivery, result: SendResult, *, more: bool) -> bool:
        """Write down how sending ended, however long the database is away; the claim is kept alive meanwhile."""
        while True:
            try:
                return await self._rows.write(delivering.settle, claimed, result, more=more)
            except NotFound:  # the conversation was erased
                return False
            except Exception as error:
                _log.error("delivery_not_settled", batch=claimed.batch, exception=error)
                await asyncio.sleep(_RETRY_SECONDS)

    async def _keep(self) -> None:
        lease = settings().delivery_lease_seconds
        await asyncio.sleep(lease / 3)
        if self._in_work:
            await self._rows.write(delivering.keep_deliveries, worker=self._worker, lease_seconds=lease)

    # --- what comes in ---

    async def _fetch(self) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._arrivals_due.wait(), _SWEEP_SECONDS)
        self._arrivals_due.clear()
        if not self._stopping and await self._fetcher.fetch_due():
            self._hub.wake()
            self._arrivals_due.set()

    async def _watch(self) -> None:
        """See that somebody fetches from each channel that is to be fetched from, and keep house."""
        channels = [each for each in await self._rows.read(queries.pushing_channels) if _polls(each.kind)]
        for each in channels:
            if each.id not in self._watches and not self._stopping:
                self._watches[each.id] = asyncio.create_task(self._watched(each.id))
        for gone in set(self._watches) - {each.id for each in channels}:
            self._watches.pop(gone).cancel()
        await self._plugins.store_refusals()
        if asyncio.get_running_loop().time() >= self._forget_at:
            self._forget_at = asyncio.get_running_loop().time() + _FORGET_SECONDS
            await self._rows.write(arriving.forget_arrivals)
        await asyncio.sleep(_TOGETHER_SECONDS)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._watch_due.wait(), _WATCH_SECONDS)
        self._watch_due.clear()

    async def _watched(self, channel_id: str) -> None:
        pause = _RETRY_SECONDS
        while True:
            try:
                if await self._is_mine(channel_id):
                    await self._poll(channel_id)
                    pause = _RETRY_SECONDS
                await asyncio.sleep(_WATCH_SECONDS)
            except Exception as error:  # the provider is away, or does not know us any more
                reason = error.sentence if isinstance(error, KefuError) else type(error).__name__
                _log.warning("channel_poll_failed", channel=channel_id, error=type(error).__name__)
                with contextlib.suppress(KefuError):
                    opened = await self._plugins.get(channel_id)
                    await self._rows.write(
                        actions.note_error, channel_id, workspace_id=opened.info.workspace_id, error=reason
                    )
                await asyncio.sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE)

    async def _poll(self, channel_id: str) -> None:
        opened = await self._plugins.get(channel_id)
        workspace_id, is_first = opened.info.workspace_id, True
        async for polled in opened.plugin.poll():
            if is_first:
                await self._rows.write(actions.note_recovery, channel_id, workspace_id=workspace_id)
                is_first = False
            for reason in polled.refused:
                self._plugins.count_refusal(opened, reason)
            for incoming in polled.incoming:
                await take_in(self._rows, self._intake, opened, incoming)
            await polled.confirm()
            if polled.incoming:
                self._hub.wake()
            if not await self._is_mine(channel_id):
                return

    async def _is_mine(self, channel_id: str) -> bool:
        return await self._rows.write(actions.take_watch, channel_id, worker=self._worker, seconds=_WATCH_LEASE)


async def _sent(opened: Opened, piece: Outgoing) -> SendResult:
    try:
        return await opened.plugin.send(piece)
    except Exception as error:  # a plug-in's own mistake, at a moment that nobody knows
        _log.error("channel_send_crashed", channel=opened.info.id, kind=opened.info.kind, exception=error)
        return NotKnown(f"The plug-in failed ({type(error).__name__})")


def _polls(kind: str) -> bool:
    return delivering.capabilities(kind).polls
