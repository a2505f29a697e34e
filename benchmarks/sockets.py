"""How many idle customers one process holds: open sockets, none dropped, memory before and after.

    python benchmarks/sockets.py [--sockets 1000] [--seconds 300]

Each socket is a visitor of its own with a conversation, compresses as browsers do and pings every 25 s as the widget
does. At the end a member's word in one conversation must arrive, so that silence is not taken for health.
"""

import argparse
import asyncio
import tempfile
import time
from pathlib import Path

from crowd import Server, Socket, open_all, raise_file_limit


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--sockets", type=int, default=1000)
    options.add_argument("--seconds", type=float, default=300.0)
    options.add_argument("--port", type=int, default=8197)
    given = options.parse_args()
    raise_file_limit(2 * given.sockets + 500)
    with tempfile.TemporaryDirectory(prefix="kefu-sockets-") as home:
        server = Server(Path(home), given.port)
        try:
            asyncio.run(measure(server, given.sockets, given.seconds))
        finally:
            server.stop()


async def measure(server: Server, count: int, seconds: float) -> None:
    customers = await asyncio.to_thread(server.customers, count)
    heard: list[str] = []
    sockets = [Socket(server.port, {"token": each.token}, heard.append) for each in customers]
    before, cpu = server.memory_mb(), server.seconds_of_cpu()
    began = time.monotonic()
    await open_all(sockets)
    opening, opened = time.monotonic() - began, server.memory_mb()
    cpu_opening, cpu = server.seconds_of_cpu() - cpu, server.seconds_of_cpu()
    await asyncio.sleep(seconds)
    after, cpu_idle = server.memory_mb(), server.seconds_of_cpu() - cpu
    dropped = [socket.dropped for socket in sockets if socket.dropped is not None]
    arrived = await reached(server, customers[-1].conversation, heard)
    print(f"| {count:,} idle sockets, {seconds:.0f} s, one process | |")
    print("| --- | --- |")
    print(f"| dropped | {len(dropped)} {sorted(set(dropped)) if dropped else ''} |")
    print(f"| pings answered | {sum(socket.pongs for socket in sockets):,} |")
    print(f"| memory before any socket | {before:.0f} MB |")
    print(f"| memory with all open | {opened:.0f} MB ({1024 * (opened - before) / count:.0f} KB a socket) |")
    print(f"| memory after {seconds:.0f} s | {after:.0f} MB |")
    print(f"| opening them all | {opening:.1f} s, {cpu_opening:.1f} s of CPU |")
    print(f"| CPU while idle | {100 * cpu_idle / seconds:.1f} % of one core |")
    print(f"| a word said afterwards arrived | {'yes' if arrived else 'NO'} |")
    await asyncio.gather(*(socket.close() for socket in sockets))
    if dropped or not arrived:
        raise SystemExit(1)


async def reached(server: Server, conversation: str, heard: list[str]) -> bool:
    """Whether what is said in one conversation arrives at exactly its own socket."""
    await asyncio.to_thread(say, server.workspace, conversation)
    until = time.monotonic() + 10
    while not heard and time.monotonic() < until:  # noqa: ASYNC110 - a frame comes or it does not
        await asyncio.sleep(0.05)
    await asyncio.sleep(1.0)
    return sum('"message.created"' in frame for frame in heard) == 1


def say(workspace: str, conversation: str) -> None:
    from kefu.desk.actor import system
    from kefu.desk.inbox.actions import receive_message

    receive_message(system(workspace), conversation_id=conversation, text="Is anybody there?")


if __name__ == "__main__":
    main()
