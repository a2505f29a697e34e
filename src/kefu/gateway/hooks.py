"""Where providers call: `/v1/hooks/{channel}`. What is genuine is stored, acknowledged, and answered from the queue.

A request is checked by its channel before anything of it is kept. One that is refused leaves a line in the log and a
number in the channel's count, and nothing else.
"""

import asyncio
import contextlib
from typing import NoReturn

from fastapi import APIRouter, Request
from starlette.responses import Response

from kefu.contracts.channel import Answer, Hold, Incoming, Reason, RequestRefused
from kefu.contracts.channel import Request as ChannelRequest
from kefu.desk.accounts.queries import EventInfo
from kefu.desk.channels import Opened
from kefu.desk.inbox import delivering
from kefu.desk.inbox.actions import Arrived
from kefu.gateway.arrivals import take_in
from kefu.gateway.dispatch import Dispatch
from kefu.gateway.hub import Hub
from kefu.gateway.intake import Intake
from kefu.gateway.plugins import Plugins
from kefu.gateway.rows import Rows
from kefu.gateway.state import gateway_of
from kefu.kit.settings import settings

_BESIDE_FILE = 2**20  # bytes of a request beside its file, which nobody has checked yet
_LOOK_SECONDS = 1.0  # a reply that another process stored is seen after so long at the latest

router = APIRouter(tags=["Channels"])


@router.get("/v1/hooks/{channel_id}", include_in_schema=False)
@router.post("/v1/hooks/{channel_id}")
async def hook(request: Request, channel_id: str) -> Response:
    """What a channel's provider, or another company's program, sends. The channel says what it looks like."""
    gateway = gateway_of(request)
    body = await _body(request)
    if body is None:
        await gateway.hooks.refuse(channel_id, "too_large", "The request has more bytes than a message with its file.")
    brought = ChannelRequest(
        method=request.method,
        query=dict(request.query_params),
        headers={name.lower(): value for name, value in request.headers.items()},
        body=body,
    )
    answer = await gateway.hooks.take(channel_id, brought)
    return Response(answer.body, status_code=answer.status, media_type=answer.media_type)


async def _body(request: Request) -> bytes | None:
    """What is sent; None for more than a message with its largest file in base64, of which no more is read."""
    most = settings().attachment_megabytes * 4 * 2**20 // 3 + _BESIDE_FILE
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > most:
        return None
    read = bytearray()
    async for piece in request.stream():
        read += piece
        if len(read) > most:
            return None
    return bytes(read)


class Hooks:
    """Takes what providers send. One a process."""

    def __init__(self, rows: Rows, intake: Intake, hub: Hub, plugins: Plugins, dispatch: Dispatch) -> None:
        self._rows = rows
        self._intake = intake
        self._hub = hub
        self._plugins = plugins
        self._dispatch = dispatch
        self._changed: dict[str, asyncio.Event] = {}
        hub.listen(self._heard)

    async def take(self, channel_id: str, request: ChannelRequest) -> Answer:
        """Store what a request brings and say what answers it.

        Raises RequestRefused, NotFound for a channel that is not there or is switched off, Busy: it may come again.
        """
        opened = await self._plugins.get(channel_id)
        try:
            parsed = await opened.plugin.parse(request)
        except RequestRefused as error:
            self._plugins.count_refusal(opened, error.reason)
            raise
        for reason in parsed.refused:
            self._plugins.count_refusal(opened, reason)
        arrived = [await self._stored(opened, each, parsed.hold) for each in parsed.incoming]
        if not arrived:
            return parsed.answer
        self._dispatch.wake()
        self._hub.wake()
        if parsed.hold is None:
            return parsed.answer
        return await self._held(opened, parsed.hold, arrived[-1]) or parsed.answer

    async def refuse(self, channel_id: str, reason: Reason, sentence: str) -> NoReturn:
        """Take nothing of a request that no channel should look at. Raises RequestRefused, NotFound."""
        self._plugins.count_refusal(await self._plugins.get(channel_id), reason)
        raise RequestRefused(reason, sentence)

    async def _stored(self, opened: Opened, incoming: Incoming, hold: Hold | None) -> Arrived:
        return await take_in(self._rows, self._intake, opened, incoming, held=hold is not None)

    async def _held(self, opened: Opened, hold: Hold, arrived: Arrived) -> Answer | None:
        """The reply, if it is there in time; else nothing, at once on the last try, and after the drop on others."""
        changed = self._changed.setdefault(arrived.conversation_id, asyncio.Event())
        loop = asyncio.get_running_loop()
        until, is_last = loop.time() + hold.seconds, arrived.tries >= hold.tries
        try:
            while (left := until - loop.time()) > 0:
                changed.clear()
                if answer := await self._answer(opened, hold, arrived, answered_only=True):
                    return answer
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(changed.wait(), min(left, _LOOK_SECONDS))
            if is_last:
                return await self._answer(opened, hold, arrived, answered_only=False)
            await asyncio.sleep(max(hold.drop - hold.seconds, 0))
        finally:
            self._changed.pop(arrived.conversation_id, None)
        return None

    async def _answer(self, opened: Opened, hold: Hold, arrived: Arrived, *, answered_only: bool) -> Answer | None:
        # Looked at by a reader first: a hundred held requests would keep the one writer from everything else.
        if not await self._rows.read(delivering.may_answer, arrived.id, workspace_id=arrived.workspace_id):
            return None
        reply = await self._rows.write(
            delivering.answer_kept,
            arrived.id,
            workspace_id=arrived.workspace_id,
            pieces=opened.plugin.pieces,
            answered_only=answered_only,
        )
        return hold.respond(reply) if reply is not None else None

    def _heard(self, event: EventInfo) -> None:
        changed = self._changed.get(event.conversation_id)
        if changed is not None:
            changed.set()
