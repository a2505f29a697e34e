"""One browser's end of a call: what it is to be sent waits in a bounded queue."""

import asyncio
import contextlib
import json
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

# Frames that may wait. Sound made here comes in pieces of a fifth of a second, so that is the better part of a minute.
_WAITING = 256
# Another person's sound is of use at once or never: past half a second of 40 ms frames the oldest are left out.
_RELAYED = 12
_GONE = 1001


class Line:
    """Sends frames in order. A reader that takes none for long is cut off; its browser comes back."""

    def __init__(self, socket: WebSocket) -> None:
        self._socket = socket
        self._queue: asyncio.Queue[tuple[int, str | bytes]] = asyncio.Queue(_WAITING)
        self._era = 0
        self._relayed = 0
        self.closed = asyncio.Event()

    def tell(self, kind: str, **fields: Any) -> None:
        """Send a JSON frame."""
        frame = json.dumps({"type": kind, **fields}, ensure_ascii=False, separators=(",", ":"))
        try:
            self._queue.put_nowait((-1, frame))
        except asyncio.QueueFull:
            self.closed.set()

    async def play(self, frame: bytes) -> None:
        """Send a piece of an answer's sound once there is room for it."""
        await self._queue.put((self._era, frame))

    def relay(self, frame: bytes) -> None:
        """Send a piece of the other person's sound, unless the browser lags behind."""
        if self._queue.qsize() < _RELAYED:
            self._queue.put_nowait((self._era, frame))

    def forget_sound(self) -> None:
        """Send no sound that still waits: it was interrupted."""
        self._era += 1

    async def write(self) -> None:
        """Send what is queued; for a task of its own. Whoever reads hears that the other end is gone."""
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            while not self.closed.is_set():
                era, frame = await self._queue.get()
                if isinstance(frame, str):
                    await self._socket.send_text(frame)
                elif era == self._era:
                    await self._socket.send_bytes(frame)

    async def close(self) -> None:
        """Send what was told last, and close."""
        while not self._queue.empty():
            _, frame = self._queue.get_nowait()
            if isinstance(frame, str):
                with contextlib.suppress(WebSocketDisconnect, RuntimeError):
                    await self._socket.send_text(frame)
        self.closed.set()
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            await self._socket.close(_GONE)
