"""WeChat under load: many customers write at once while every answer takes eight seconds.

    python benchmarks/channels.py [--customers 100] [--engine-seconds 8]

A fake of WeChat's servers posts the messages, drops a request after five seconds, repeats it twice, and counts five
messages after each of the customer's. Three rounds: a verified account, one that can only answer with the request, and
members who reply nine times to each customer at once. Fails if a customer sees an error, an answer twice or none, or
if the quota is exceeded even once.
"""

import argparse
import asyncio
import os
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from crowd import Server, raise_file_limit

from kefu.testing.fake_wechat import QUOTA, FakeWeChat, Outcome

ANSWER = "We answer from 9:00 to 21:00 every day."
QUESTION = "What are your opening hours?"
_PATIENCE = 180.0  # seconds after which an answer counts as lost
_REPLIES = 9  # of a member to one customer: four more than the quota lets through at once


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--customers", type=int, default=100)
    options.add_argument("--engine-seconds", type=float, default=8.0)
    options.add_argument("--port", type=int, default=8197)
    given = options.parse_args()
    raise_file_limit(given.customers * 8 + 500)
    # As many turns and generations at a time as there are customers: what is slow is the engine, not the queue for it.
    at_once = str(given.customers)
    settings = {"ALLOW_PRIVATE_ADDRESSES": "true", "TURNS_AT_ONCE": at_once, "GENERATIONS_AT_ONCE": at_once}
    os.environ.update({f"KEFU_{name}": value for name, value in settings.items()})
    with tempfile.TemporaryDirectory(prefix="kefu-channels-") as home:
        server = Server(Path(home), given.port)
        try:
            slow_down(server, given.engine_seconds)
            failed = asyncio.run(measure(server, given))
        finally:
            server.stop()
    if failed:
        raise SystemExit("A customer saw an error, an answer twice or none, or the quota was exceeded.")


@dataclass
class Round:
    """What customers saw: outcomes of their messages, and seconds from writing to reading the answer."""

    outcomes: list[Outcome] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    lost: int = 0
    twice: int = 0


async def measure(server: Server, given: argparse.Namespace) -> bool:
    print(f"{given.customers} customers at once, {given.engine_seconds:g} s an answer.\n")
    print("| round | messages | errors seen | drops | lost | twice | quota exceeded | p50 s | p95 s | server CPU |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    rounds: list[tuple[str, str, Callable[..., Awaitable[Round]]]] = [
        ("verified account", "verified", two_questions),
        ("account without the API", "unverified", one_question),
        ("members reply nine times", "verified", many_replies),
    ]
    failed = False
    for name, account, play in rounds:
        with FakeWeChat() as wechat:
            channel = await asyncio.to_thread(add, server, name, {**wechat.values, "account": account})
            hook = f"http://127.0.0.1:{server.port}/v1/hooks/{channel}"
            cpu, began = server.seconds_of_cpu(), time.perf_counter()
            seen = await play(server, wechat, hook, given.customers)
            share = (server.seconds_of_cpu() - cpu) / (time.perf_counter() - began)
            failed |= report(name, seen, wechat, share)
    return failed


def report(name: str, seen: Round, wechat: FakeWeChat, share: float) -> bool:
    """Print a row; gives whether anything is wrong with it."""
    errors = sum(bool(each.error) for each in seen.outcomes)
    exceeded = sum(code == 45047 for code, _ in wechat.refused)
    drops = sum(each.drops for each in seen.outcomes)
    print(
        f"| {name} | {len(seen.outcomes)} | {errors} | {drops} | {seen.lost} | {seen.twice} | {exceeded} | "
        f"{waited(seen.seconds)} | {share:.0%} |",
        flush=True,
    )
    return bool(errors or exceeded or seen.lost or seen.twice)


def waited(seconds: list[float]) -> str:
    """Half of the customers' and nineteen in twenty's wait; nothing where nobody was answered, which fails anyway."""
    if not seconds:
        return "– | –"
    times = sorted(seconds)
    return f"{statistics.median(times):.1f} | {times[min(len(times) - 1, int(len(times) * 0.95))]:.1f}"


async def two_questions(server: Server, wechat: FakeWeChat, hook: str, customers: int) -> Round:
    """Each customer asks, reads the answer, and asks again."""
    found = Round()

    async def customer(openid: str) -> None:
        for number in (1, 2):
            began = time.perf_counter()
            found.outcomes.append(await wechat.says(openid, QUESTION, hook=hook))
            await answered(wechat, openid, number, began, found)

    await asyncio.gather(*(customer(f"openid{number}") for number in range(customers)))
    await settled(wechat, found, {f"openid{number}": 2 for number in range(customers)})
    return found


async def one_question(server: Server, wechat: FakeWeChat, hook: str, customers: int) -> Round:
    """Each customer asks; who has no answer when WeChat gives up asks for it once more."""
    found = Round()

    async def customer(openid: str) -> None:
        began = time.perf_counter()
        found.outcomes.append(await wechat.says(openid, QUESTION, hook=hook))
        if not wechat.texts(openid):
            found.outcomes.append(await wechat.says(openid, QUESTION, hook=hook))
        await answered(wechat, openid, 1, began, found)

    await asyncio.gather(*(customer(f"openid{number}") for number in range(customers)))
    return found


async def many_replies(server: Server, wechat: FakeWeChat, hook: str, customers: int) -> Round:
    """A member replies nine times to each customer at once; what the quota keeps comes with the customer's next."""
    found = Round()
    openids = [f"openid{number}" for number in range(customers)]
    found.outcomes += await asyncio.gather(*(wechat.says(each, QUESTION, hook=hook) for each in openids))
    for each in openids:
        await answered(wechat, each, 1, time.perf_counter(), found)
    found.seconds.clear()
    began = time.perf_counter()
    await asyncio.to_thread(reply_often, server, hook.rpartition("/")[2])
    # The assistant's answer and four more are all that may go: the others wait, whatever their number.
    await until(lambda: all(pushes(wechat, each) > 1 for each in openids))
    found.outcomes += await asyncio.gather(*(wechat.says(each, "Thank you", hook=hook) for each in openids))
    for each in openids:
        await until(lambda each=each: shown(wechat, each, f"Reply {_REPLIES}") > 0)
        found.seconds.append(time.perf_counter() - began)
        for number in range(1, _REPLIES + 1):
            times = shown(wechat, each, f"Reply {number}")
            found.lost += times == 0
            found.twice += times > 1
    assert max(pushes(wechat, each) for each in openids) <= 2 * QUOTA
    return found


async def answered(wechat: FakeWeChat, openid: str, number: int, began: float, found: Round) -> None:
    """Wait until the customer reads the how-manieth answer."""
    if await until(lambda: shown(wechat, openid, ANSWER) >= number):
        found.seconds.append(time.perf_counter() - began)
    else:
        found.lost += 1


async def until(is_so: Callable[[], bool]) -> bool:
    """Look again and again whether something is so; False where it does not become so."""
    ends = time.perf_counter() + _PATIENCE
    while not is_so():
        if time.perf_counter() > ends:
            return False
        await asyncio.sleep(0.05)
    return True


async def settled(wechat: FakeWeChat, found: Round, expected: dict[str, int]) -> None:
    """What comes twice comes within the next seconds."""
    await asyncio.sleep(3)
    found.twice += sum(max(shown(wechat, openid, ANSWER) - number, 0) for openid, number in expected.items())


def shown(wechat: FakeWeChat, openid: str, text: str) -> int:
    return sum(each.count(text) for each in wechat.texts(openid))


def pushes(wechat: FakeWeChat, openid: str) -> int:
    return sum(body["touser"] == openid for body in list(wechat.pushed))


def slow_down(server: Server, seconds: float) -> None:
    """Every answer is generated, word by word, and takes so long."""
    from kefu.desk.actor import system
    from kefu.desk.assistants.actions import set_up

    set_up(
        system(server.workspace),
        policy={"kinds": ["generated"]},
        generator="scripted:slow",
        generator_options={"replies": [ANSWER], "delay": seconds / len(ANSWER.split())},
    )


def add(server: Server, name: str, values: dict[str, str]) -> str:
    from kefu.desk.actor import system
    from kefu.desk.inbox.actions import add_channel

    return add_channel(system(server.workspace), kind="wechat", name=name, values=values)[0].id


def reply_often(server: Server, channel_id: str) -> None:
    from kefu.desk.accounts.actions import invite
    from kefu.desk.actor import Actor, Role, system
    from kefu.desk.inbox import actions, queries

    kefu = system(server.workspace)
    made = invite(kefu, email="member@crowd.example", role=Role.AGENT, name="Mia")
    member = Actor(server.workspace, "member", made.member.id, role=Role.AGENT)
    threads = queries.threads(kefu, queries.Filter(channel_id=channel_id), limit=1000)
    for number in range(1, _REPLIES + 1):
        for each in threads:
            actions.reply(member, conversation_id=each.conversation.id, text=f"Reply {number}")


if __name__ == "__main__":
    main()
