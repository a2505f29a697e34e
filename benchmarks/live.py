"""From event to screen: how long after a message is stored it arrives at the customer's and at every member's socket.

    python benchmarks/live.py [--members 50] [--customers 300] [--rate 20] [--seconds 60] [--limit 300]

A whole service desk at once: `--members 50 --customers 500 --limit 500`. It fails past the limit, in milliseconds, and
where anything was lost.

All members and customers are connected; customers' messages are posted at a steady rate over HTTP. The time runs from
the answer to the POST, which is after the commit, to the frame's arrival; who hears sooner than the sender counts as
0. Two rounds: conversations that members have taken, and conversations that the assistant answers meanwhile.
"""

import argparse
import asyncio
import re
import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from crowd import Customer, Server, Socket, open_all, raise_file_limit

LIMIT_MS = 300.0  # p95 from event to screen with 50 members and 300 customers; 500 with 500 customers
_SETTLE_SECONDS = 3.0
_MESSAGE = re.compile(r'^\{"type":"message.created",.*?"message":\{"id":"(\w+)"')


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--members", type=int, default=50)
    options.add_argument("--customers", type=int, default=300)
    options.add_argument("--rate", type=float, default=20.0)
    options.add_argument("--seconds", type=float, default=60.0)
    options.add_argument("--limit", type=float, default=LIMIT_MS, help="Milliseconds that p95 may take.")
    options.add_argument("--port", type=int, default=8198)
    given = options.parse_args()
    raise_file_limit(2 * (given.members + given.customers) + 500)
    with tempfile.TemporaryDirectory(prefix="kefu-live-") as home:
        server = Server(Path(home), given.port)
        try:
            asyncio.run(measure(server, given))
        finally:
            server.stop()


@dataclass
class Heard:
    """When each message was posted, acknowledged, and heard; by message id, in seconds of this process's clock."""

    posted: dict[str, float] = field(default_factory=dict)
    stored: dict[str, float] = field(default_factory=dict)
    customer: dict[str, float] = field(default_factory=dict)
    members: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def clear(self) -> None:
        for times in (self.posted, self.stored, self.customer, self.members):
            times.clear()

    def by_customer(self, frame: str) -> None:
        if found := _MESSAGE.match(frame):
            self.customer[found[1]] = time.perf_counter()

    def by_member(self, frame: str) -> None:
        if found := _MESSAGE.match(frame):
            self.members[found[1]].append(time.perf_counter())


async def measure(server: Server, given: argparse.Namespace) -> None:
    customers = await asyncio.to_thread(server.customers, given.customers)
    heard = Heard()
    sockets = [Socket(server.port, {"token": each.token}, heard.by_customer) for each in customers]
    await open_all(sockets)
    tickets = await asyncio.to_thread(server.tickets, given.members)
    members = [Socket(server.port, {"ticket": ticket}, heard.by_member) for ticket in tickets]
    await open_all(members)
    half = len(customers) // 2
    await asyncio.to_thread(take, server, [each.conversation for each in customers[:half]])
    await asyncio.sleep(_SETTLE_SECONDS)  # every member hears of each that was taken
    print(f"{given.members} members, {given.customers} customers, {given.rate:g} messages/s for {given.seconds:g} s.\n")
    print("| round | to | heard | p50 ms | p95 ms | from the POST's start p95 ms | server CPU |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    worst = 0.0
    for name, some in (("a member answers", customers[:half]), ("the assistant answers", customers[half:])):
        heard.clear()
        cpu, began = server.seconds_of_cpu(), time.perf_counter()
        await post(server, some, heard, given.rate, given.seconds)
        share = (server.seconds_of_cpu() - cpu) / (time.perf_counter() - began)
        worst = max(worst, report(name, heard, given.members, share))
    lost = [socket.dropped for socket in [*sockets, *members] if socket.dropped]
    print(f"\nSockets dropped: {len(lost)}. Serving process: {server.memory_mb():.0f} MB resident.")
    await asyncio.gather(*(socket.close() for socket in [*sockets, *members]))
    if worst >= given.limit or lost:
        raise SystemExit(f"p95 is {worst:.0f} ms, {len(lost)} sockets dropped; at most {given.limit:.0f} ms and none.")


async def post(server: Server, customers: list[Customer], heard: Heard, rate: float, seconds: float) -> None:
    """Post messages at a steady rate, whether or not the ones before were answered."""
    limits = httpx.Limits(max_connections=100, max_keepalive_connections=100)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}/v1", timeout=60, limits=limits) as client:
        began, running = time.perf_counter(), []
        for number in range(int(rate * seconds)):
            await asyncio.sleep(max(0.0, began + number / rate - time.perf_counter()))
            running.append(asyncio.create_task(say(client, customers[number % len(customers)], heard)))
        await asyncio.gather(*running)
        await asyncio.sleep(_SETTLE_SECONDS)


async def say(client: httpx.AsyncClient, customer: Customer, heard: Heard) -> None:
    began = time.perf_counter()
    answer = await client.post(
        f"/conversations/{customer.conversation}/messages",
        json={"text": "What are your opening hours?"},
        headers={"Authorization": f"Bearer {customer.token}"},
    )
    stored = time.perf_counter()
    message = answer.raise_for_status().json()["message"]["id"]
    heard.posted[message], heard.stored[message] = began, stored


def report(name: str, heard: Heard, members: int, share: float) -> float:
    """Print a round's rows; gives the worse p95 in milliseconds."""
    sent = len(heard.stored)
    own = [(heard.customer[each], each) for each in heard.stored if each in heard.customer]
    others = [(at, each) for each in heard.stored for at in heard.members.get(each, [])]
    worst = 0.0
    for to, times, expected in (("the customer", own, sent), (f"{members} members", others, sent * members)):
        after = sorted(max(0.0, at - heard.stored[each]) * 1000 for at, each in times)
        whole = sorted((at - heard.posted[each]) * 1000 for at, each in times)
        p50, p95, all95 = quantile(after, 0.5), quantile(after, 0.95), quantile(whole, 0.95)
        counted = f"{len(times):,} of {expected:,}"
        print(f"| {name} | {to} | {counted} | {p50:.0f} | {p95:.0f} | {all95:.0f} | {100 * share:.0f} % |", flush=True)
        worst = max(worst, p95 if len(times) == expected else float("inf"))
    return worst


def quantile(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else float("nan")


def take(server: Server, conversations: list[str]) -> None:
    """Let one member have these conversations."""
    from kefu.desk.accounts.actions import invite
    from kefu.desk.actor import Actor, Role, system
    from kefu.desk.inbox import actions

    made = invite(system(server.workspace), email="owner@crowd.example", role=Role.OWNER, name="Owner")
    owner = Actor(server.workspace, "member", made.member.id, role=Role.OWNER)
    for conversation in conversations:
        actions.take(owner, conversation_id=conversation)


if __name__ == "__main__":
    main()
