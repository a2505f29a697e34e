"""Many live sockets against a real server process: what `sockets.py` and `live.py` share."""

import asyncio
import contextlib
import json
import os
import re
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

PING_SECONDS = 25.0  # as the widget does
_AT_ONCE = 50  # sockets opened at a time, as when a site's visitors come back after a restart


def raise_file_limit(files: int) -> None:
    """Let this process and its children hold so many sockets open."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < files:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(files, hard), hard))
    if hard < files:
        raise SystemExit(f"This needs {files} open files and the system allows {hard}: raise the hard limit.")


@dataclass(frozen=True)
class Customer:
    token: str
    conversation: str


class Server:
    """`kefu up` on a home folder of its own, whose rows this process makes."""

    def __init__(self, home: Path, port: int) -> None:
        self.port = port
        self._environment = {"KEFU_HOME": str(home), "OMP_NUM_THREADS": "1", "KEFU_LOG_LEVEL": "warning"}
        os.environ.update(self._environment)
        from kefu.cli.session import ready

        ready()
        from kefu.desk.accounts.actions import make_workspace
        from kefu.desk.actor import system
        from kefu.desk.inbox.actions import make_channel
        from kefu.desk.library.actions import add_file
        from kefu.desk.library.due import read_sources
        from kefu.desk.wiring import wiring

        self.workspace = make_workspace(slug="crowd").id
        kefu = system(self.workspace)
        self.channel = make_channel(kefu, kind="web", name="Website").id
        faq = b"question,answer\nWhat are your opening hours?,We answer from 9:00 to 21:00 every day.\n"
        read_sources(self.workspace, [add_file(kefu, name="faq.csv", data=faq).id], embed=wiring().embed)
        wiring().close()
        command = [sys.executable, "-m", "kefu.cli", "up", "--port", str(port)]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        self._wait()

    def customers(self, count: int) -> list[Customer]:
        """So many visitors, each with a conversation."""
        from kefu.desk.actor import system
        from kefu.desk.contacts.actions import meet
        from kefu.desk.inbox.actions import start_conversation
        from kefu.gateway.gate import visitor_of, visitor_token

        made = []
        for _ in range(count):
            contact = meet(system(self.workspace), channel_id=self.channel)
            token = visitor_token(workspace_id=self.workspace, channel_id=self.channel, contact_id=contact)
            made.append(Customer(token, start_conversation(visitor_of(token)).id))
        return made

    def tickets(self, count: int) -> list[str]:
        """One-use tickets of so many members, good for half a minute."""
        from kefu.desk.accounts.actions import invite, make_ticket
        from kefu.desk.actor import Actor, Role, system

        kefu, found = system(self.workspace), []
        for number in range(count):
            email = f"agent{number}@crowd.example"
            made = invite(kefu, email=email, role=Role.AGENT, name=f"Agent {number}")
            found.append(make_ticket(Actor(self.workspace, "member", made.member.id, role=Role.AGENT)))
        return found

    def memory_mb(self) -> float:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024

    def seconds_of_cpu(self) -> float:
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(20)
            return
        self.process.kill()

    def _wait(self) -> None:
        until = time.monotonic() + 180
        while time.monotonic() < until:
            with contextlib.suppress(httpx.TransportError):
                if httpx.get(f"http://127.0.0.1:{self.port}/readyz").status_code == httpx.codes.OK:
                    return
            time.sleep(0.05)
        raise SystemExit("The server did not become ready.")


class Socket:
    """One live socket that stays: says hello, pings as the widget does, hands each frame's text to `heard`.

    Frames are not parsed here: the crowd must cost little beside the server on the same machine.
    """

    def __init__(self, port: int, hello: dict[str, str], heard: Callable[[str], None] | None = None) -> None:
        self._url = f"ws://127.0.0.1:{port}/v1/live"
        self._hello = hello
        self._heard = heard
        self._wire: ClientConnection | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self.pongs = 0
        self.dropped: str | None = None

    async def open(self) -> None:
        self._wire = await connect(self._url, max_queue=None, ping_interval=None, open_timeout=60)
        await self._wire.send(json.dumps({"type": "hello", **self._hello}))
        ready = json.loads(await self._wire.recv())
        assert ready["type"] == "ready", ready
        self._tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._ping())]

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        if self._wire is not None:
            await self._wire.close()

    async def _listen(self) -> None:
        try:
            async for text in self._wire:
                if text.startswith('{"type":"pong"'):
                    self.pongs += 1
                elif self._heard is not None:
                    self._heard(text)
            self.dropped = "closed"
        except ConnectionClosed as closed:
            self.dropped = str(closed)

    async def _ping(self) -> None:
        while self.dropped is None:
            await asyncio.sleep(PING_SECONDS)
            with contextlib.suppress(ConnectionClosed):
                await self._wire.send('{"type": "ping"}')


async def open_all(sockets: list[Socket]) -> None:
    """Open them a few at a time."""
    free = asyncio.Semaphore(_AT_ONCE)

    async def one(socket: Socket) -> None:
        async with free:
            await socket.open()

    await asyncio.gather(*(one(socket) for socket in sockets))
