"""The server is killed at chosen moments of sending, on three channels in a storm of messages.

Each message that was acknowledged is answered once; each reply is delivered once or marked for a person.
"""

import contextlib
import json
import sqlite3
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from kefu.contracts.channel import Request
from kefu.testing.fake_telegram import FakeTelegram
from kefu.testing.fake_webhook import FakeWebhook
from kefu.testing.fake_wechat import FakeWeChat
from kefu.testing.fakes import FakeServer, Handler, SeenRequest

from ..cli.homes import FAQ, Home, Server
from ..ports import free_port
from .conftest import APPROVED

CUSTOMERS = 12  # of each channel
MESSAGES = 2  # of each customer
AT_ONCE = 4  # replies on their way at a time, which are those that a kill leaves in doubt
# After how many sendings of a channel the server does not survive the next, and at what moment of it: each moment and
# each channel, and no more, since every kill is a start of some seconds.
KILLS = {
    "webhook": [(2, "unanswered")],
    "telegram": [(3, "before"), (7, "unanswered")],
    "wechat": [(4, "after")],
}
# One process makes the home, the knowledge and the channels: each command's own takes seconds to start.
MADE = """
import json, sys
from kefu.cli.session import ready, workspace_or_new
ready()
from kefu.desk.inbox.actions import add_channel
from kefu.desk.library.actions import add_file
from kefu.desk.library.due import read_sources
from kefu.desk.wiring import wiring
faq, channels = json.loads(sys.argv[1])
workspace_id, actor = workspace_or_new("")
read_sources(actor.workspace_id, [add_file(actor, name="faq.csv", data=faq.encode()).id], embed=wiring().embed)
wiring().close()
made = {kind: add_channel(actor, kind=kind, name=kind, values=values)[0].id for kind, values in channels.items()}
print(json.dumps(made))
"""


class Killer:
    """Kills the server at chosen moments, and says so."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.killed = threading.Event()
        self.kills: list[tuple[str, str]] = []
        self.left = {name: list(moments) for name, moments in KILLS.items()}
        self.counting = threading.Lock()
        self._killing = threading.Lock()

    def kill(self, channel: str, moment: str) -> None:
        with self._killing:
            if not self.killed.is_set():  # else it is dead already
                self.server.kill()
                self.killed.set()
            self.kills.append((channel, moment))


class Mortal(FakeServer):
    """A provider that the server does not survive: before it takes a message, before it answers, or after it has."""

    name = ""
    sendings = 0
    killer: Killer

    def is_sending(self, request: SeenRequest) -> bool:
        raise NotImplementedError

    def answer(self, handler: Handler, request: SeenRequest) -> None:
        moment = self._moment(request)
        if moment == "before":
            self.killer.kill(self.name, moment)
            handler.close_connection = True
            return
        if moment == "unanswered":
            self.silent = 1
        with contextlib.suppress(ConnectionError):  # another provider's moment came meanwhile
            super().answer(handler, request)
        if moment:
            self.killer.kill(self.name, moment)

    def _moment(self, request: SeenRequest) -> str:
        if not self.is_sending(request):
            return ""
        with self.killer.counting:
            self.sendings += 1
            left = self.killer.left[self.name]
            if not left or self.sendings <= left[0][0] or self.killer.killed.is_set():
                return ""
            return left.pop(0)[1]


class MortalWebhook(Mortal, FakeWebhook):
    name = "webhook"

    def is_sending(self, request: SeenRequest) -> bool:
        return True


class MortalTelegram(Mortal, FakeTelegram):
    name = "telegram"

    def is_sending(self, request: SeenRequest) -> bool:
        return request.path.endswith("/sendMessage")


class MortalWeChat(Mortal, FakeWeChat):
    name = "wechat"

    def is_sending(self, request: SeenRequest) -> bool:
        return "/custom/send" in request.path


@pytest.fixture
def server(tmp_path: Path) -> Server:
    settings = {
        "KEFU_ALLOW_PRIVATE_ADDRESSES": "true",
        "KEFU_DELIVERIES_AT_ONCE": str(AT_ONCE),
        "KEFU_DELIVERY_LEASE_SECONDS": "3",
        "KEFU_DELIVERY_RETRY_SECONDS": "0.1",
        "KEFU_TURN_LEASE_SECONDS": "3",
        "KEFU_LOG_LEVEL": "warning",
    }
    return Server(Home(tmp_path / "home", settings), free_port())


@pytest.mark.slow
def test_a_storm_on_three_channels_survives_kills_at_every_moment_of_sending(server: Server) -> None:
    killer = Killer(server)
    with ExitStack() as stack:
        system, telegram, wechat = (
            stack.enter_context(fake()) for fake in (MortalWebhook, MortalTelegram, MortalWeChat)
        )
        for fake in (system, telegram, wechat):
            fake.killer = killer
        values = {fake.name: dict(fake.values) for fake in (system, telegram, wechat)}
        made = server.home.python(MADE, json.dumps([FAQ, values])).json
        hooks = {name: f"{server.url}/v1/hooks/{channel_id}" for name, channel_id in made.items()}
        stack.callback(server.kill)
        server.start()
        server.ready()
        send: list[Callable[[], Any]] = []
        for number in range(CUSTOMERS):
            send.append(lambda number=number: webhook_customer(system, hooks["webhook"], f"u{number}"))
            send.append(lambda number=number: telegram_customer(telegram, hooks["telegram"], str(100 + number)))
            send.append(lambda number=number: wechat_customer(wechat, hooks["wechat"], f"openid{number}"))
        planned = sum(len(moments) for moments in KILLS.values())
        with ThreadPoolExecutor(6) as pool:
            customers = [pool.submit(each) for each in send]
            quiet = 0
            while (len(killer.kills) < planned or not all(each.done() for each in customers)) and quiet < 300:
                if not killer.killed.wait(1):
                    quiet += 1
                    continue
                server.start()
                server.ready()
                killer.killed.clear()
                quiet = 0
            for each in customers:
                each.result(300)
        rows = settled(server.home.path / "kefu.db")
    planned_kills = sorted((name, how) for name, moments in KILLS.items() for _, how in moments)
    assert sorted(killer.kills) == planned_kills
    check_messages(rows)
    check_deliveries(rows, system, telegram, wechat)


def webhook_customer(system: FakeWebhook, hook: str, contact: str) -> None:
    for number in range(MESSAGES):
        repeated(hook, lambda number=number: system.message(contact, APPROVED, key=f"{contact}-{number}"))


def telegram_customer(telegram: FakeTelegram, hook: str, chat: str) -> None:
    for _ in range(MESSAGES):
        update = telegram.says(chat, APPROVED)
        repeated(hook, lambda update=update: telegram.request(update))


def wechat_customer(wechat: FakeWeChat, hook: str, openid: str) -> None:
    for _ in range(MESSAGES):
        message = wechat.message(openid, "text", Content=APPROVED)
        wechat.heard(openid)
        repeated(hook, lambda message=message: signed(wechat, message))


def signed(wechat: FakeWeChat, message: bytes) -> Request:
    query, body = wechat.signed(message)
    return Request("POST", query, {}, body)


def repeated(hook: str, make: Callable[[], Request]) -> None:
    """Post until it is acknowledged, as every one of the providers does."""
    with httpx.Client(timeout=90) as client:
        while True:
            request = make()
            try:
                answer = client.post(
                    hook, params=dict(request.query), headers=dict(request.headers), content=request.body
                )
            except httpx.TransportError:
                threading.Event().wait(0.1)  # a sender's pause before it tries again
                continue
            if answer.status_code < 300:
                return
            assert answer.status_code >= 500, answer.text


def settled(database: Path) -> dict[str, list[sqlite3.Row]]:
    """The rows once no message and no delivery is undone."""
    for _ in range(4000):
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=30)) as own:
            own.row_factory = sqlite3.Row
            [undone] = own.execute(
                "SELECT (SELECT COUNT(*) FROM inbox_delivery WHERE state IN ('pending', 'claimed'))"
                " + (SELECT COUNT(*) FROM inbox_turn WHERE state <> 'done')"
            ).fetchone()
            if not undone:
                return {
                    name: own.execute(f"SELECT * FROM inbox_{name}").fetchall()
                    for name in ("arrival", "delivery", "message", "turn", "channel")
                }
        threading.Event().wait(0.1)
    raise AssertionError("Something stays undone.")


def check_messages(rows: dict[str, list[sqlite3.Row]]) -> None:
    """Each message is stored once, and its turn answered once, or left it to a member: after three dead workers."""
    said = [row for row in rows["message"] if row["author"] == "contact"]
    assert len(said) == len(rows["arrival"]) == 3 * CUSTOMERS * MESSAGES
    assert {row["state"] for row in rows["arrival"]} == {"stored"}
    answers = Counter(row["turn_id"] for row in rows["message"] if row["author"] == "assistant")
    turns = {row["id"]: row for row in rows["turn"]}
    for row in said:
        outcome = turns[row["turn_id"]]["outcome"] if row["turn_id"] else "left"
        assert outcome in {"replied", "left"}
        assert answers[row["turn_id"]] == (outcome == "replied")
    assert len(answers) > len(said) / 4  # two messages may share an answer; few are left


def check_deliveries(
    rows: dict[str, list[sqlite3.Row]], system: FakeWebhook, telegram: FakeTelegram, wechat: FakeWeChat
) -> None:
    """Each reply has one delivery, and so has what is told to who waits for a member.

    What was sent was received once, and what is unsure at most once.
    """
    kinds = {row["id"]: row["kind"] for row in rows["channel"]}
    told = [row for row in rows["message"] if row["author"] in {"assistant", "system"} and not row["is_internal"]]
    replies = {row["id"]: row["text"] for row in told}
    words = set(replies.values())
    assert {row["message_id"] for row in rows["delivery"]} == set(replies)
    states = {kind: Counter() for kind in KILLS}  # type: ignore[var-annotated]
    for row in rows["delivery"]:
        states[kinds[row["channel_id"]]][row["state"]] += 1
    assert set(states["webhook"]) == {"sent"}
    received = Counter(message for reply in system.replies for message in reply["messages"])
    assert set(received.values()) == {1}
    assert len(received) == states["webhook"]["sent"]
    telegram_texts = [str(each["text"]) for each in telegram.sent]
    wechat_texts = [text for _, text in wechat.seen]
    for kind, texts in (("telegram", telegram_texts), ("wechat", wechat_texts)):
        assert set(states[kind]) <= {"sent", "unsure"}, states
        seen, unsure = sum(text.count(reply) for text in texts for reply in words), states[kind]["unsure"]
        assert states[kind]["sent"] <= seen <= states[kind]["sent"] + unsure
        assert unsure > 0, (kind, states)
    # No more than were on their way when the server was killed; what was only claimed is sent again.
    doubtful = {row["batch"] for row in rows["delivery"] if row["state"] == "unsure"}
    assert len(doubtful) <= AT_ONCE * sum(len(moments) for moments in KILLS.values())
    assert wechat.refused == []
