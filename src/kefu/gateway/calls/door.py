"""`WS /v1/calls`: a customer's browser calls with a visitor's token, a member's answers with a one-use ticket."""

import asyncio
import json
from typing import Any

from fastapi import APIRouter, WebSocket
from starlette.websockets import WebSocketDisconnect

from kefu.contracts.call import MOST_BYTES, RATE, read_wish
from kefu.desk.actor import Actor
from kefu.gateway.calls.line import Line
from kefu.gateway.calls.room import Room
from kefu.gateway.state import Gateway, gateway_of
from kefu.kit.errors import BadInput, KefuError, NotSignedIn

router = APIRouter(tags=["Live"])

_HELLO_SECONDS = 10.0
_FRAME = 1_024  # characters of what a browser may tell: a token and an id
_REFUSED = 4403
_BAD_TOKEN = 4401
# Sound that comes faster than it can be spoken is no speech. A network that stalled delivers what it held at once.
_AHEAD_SECONDS = 10.0
_BYTES_A_SECOND = 2 * RATE


@router.websocket("/v1/calls")
async def calls(socket: WebSocket) -> None:
    """A call: hello, then frames as in `contracts/call.py`."""
    await socket.accept()
    gateway = gateway_of(socket)
    line = Line(socket)
    try:
        hello = await asyncio.wait_for(_json(socket), _HELLO_SECONDS)
        actor = await _entered(gateway, hello)
        room = await gateway.calls.room(gateway, actor, hello)
        await room.enter(actor, line)
    except WebSocketDisconnect:
        return
    except (KefuError, TimeoutError, ValueError) as error:
        await _refuse(socket, error)
        return
    try:
        await _serve(socket, room, line)
    finally:
        await room.leave(line)


async def _serve(socket: WebSocket, room: Room, line: Line) -> None:
    """Read and write until the browser has gone, or the line is closed here."""
    writing = asyncio.create_task(line.write())
    # What was told before a browser went is read to its end, even where nothing can be sent any more.
    either = [asyncio.create_task(_read(socket, room, line)), asyncio.create_task(line.closed.wait())]
    try:
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (*either, writing):
            task.cancel()
        await asyncio.gather(*either, writing, return_exceptions=True)
        await line.close()


async def _read(socket: WebSocket, room: Room, line: Line) -> None:
    clock = asyncio.get_running_loop().time
    began, heard = clock(), 0
    try:
        while True:
            message = await socket.receive()
            if message["type"] == "websocket.disconnect":
                return
            if (pcm := message.get("bytes")) is not None:
                heard += len(pcm)
                if len(pcm) > MOST_BYTES or heard / _BYTES_A_SECOND > clock() - began + _AHEAD_SECONDS:
                    raise BadInput("That is more sound than anybody speaks.")
                await room.hear(line, pcm)
            else:
                await room.wish(line, read_wish(_parsed(message.get("text") or "")))
    except (KefuError, ValueError) as error:
        line.tell("refused", code=getattr(error, "code", "bad_input"))


async def _entered(gateway: Gateway, hello: dict[str, Any]) -> Actor:
    if "ticket" in hello:
        return await gateway.gate.member_of(str(hello["ticket"]))
    return await gateway.gate.actor_of(str(hello.get("token", "")))


async def _refuse(socket: WebSocket, error: Exception) -> None:
    code = getattr(error, "code", "bad_input")
    sentence = getattr(error, "sentence", "Say hello with a token first.")
    try:
        await socket.send_json({"type": "refused", "code": code, "message": sentence})
        await socket.close(_BAD_TOKEN if isinstance(error, NotSignedIn) else _REFUSED, sentence[:100])
    except (WebSocketDisconnect, RuntimeError):
        return


async def _json(socket: WebSocket) -> dict[str, Any]:
    frame = _parsed(await socket.receive_text())
    if not isinstance(frame, dict):
        raise ValueError("frame is no object")
    return frame


def _parsed(text: str) -> Any:
    if len(text) > _FRAME:
        raise BadInput("The frame is too long.")
    return json.loads(text)
