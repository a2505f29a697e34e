"""Nothing acknowledged is lost: the server is killed again and again while customers write."""

import random
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from ..ports import free_port
from .homes import FAQ, HELP, Home, Server

CONVERSATIONS, CUSTOMERS, KILLS = 200, 8, 7
QUESTIONS = (
    "What are your opening hours?",
    "How much does standard delivery cost?",
    "怎么退货？",
    "My number is 138 0013 8000, call me.",
    "Who won the chess championship in 1972?",
)


@dataclass
class Conversation:
    """What a customer has sent and what of it was acknowledged: (key, text, message id), in order."""

    id: str = ""
    acknowledged: list[tuple[str, str, str]] = field(default_factory=list)


@pytest.fixture
def server(tmp_path: Path) -> Server:
    home = Home(tmp_path / "home", {"KEFU_TURN_LEASE_SECONDS": "2", "KEFU_LOG_LEVEL": "warning"})
    (tmp_path / "help.md").write_text(HELP, encoding="utf-8")
    (tmp_path / "faq.csv").write_text(FAQ, encoding="utf-8")
    added = home.kefu("knowledge", "add", tmp_path / "help.md", tmp_path / "faq.csv", "--json")
    assert added.json["added"] == ["help.md", "faq.csv"]
    return Server(home, free_port())


@pytest.mark.slow
def test_every_acknowledged_message_has_exactly_one_outcome(server: Server) -> None:
    key = server.home.kefu("keys", "create", "customers", "--json").json["key"]
    chance = random.Random(20261121)
    conversations = [Conversation() for _ in range(CONVERSATIONS)]
    work = Work(conversations)
    server.start()
    try:
        with ThreadPoolExecutor(CUSTOMERS) as pool:
            customers = [pool.submit(work.go_on, server.url, key, seed) for seed in range(CUSTOMERS)]
            for kill in range(KILLS):
                server.ready()
                # At random moments of the work, spread over all of it.
                work.until(CONVERSATIONS * (kill + chance.random()) / (KILLS + 1))
                server.kill()
                server.start()
            for each in customers:
                each.result(1200)
        with client(server.url, key) as program:
            for conversation in conversations:
                check(conversation, settled(program, conversation.id))
    finally:
        server.kill()
    assert work.refused > 0, "no customer met a server that was down: the kills came too late"


class Work:
    """Conversations to be held; customers take them one by one."""

    def __init__(self, conversations: list[Conversation]) -> None:
        self._left = iter(conversations)
        self._changed = threading.Condition()
        self._begun = 0
        self.refused = 0

    def go_on(self, url: str, key: str, seed: int) -> None:
        chance = random.Random(seed)
        with client(url, key) as program:
            while (conversation := self._next()) is not None:
                self._hold(program, conversation, chance)

    def until(self, begun: float) -> None:
        """Wait until so many conversations have begun."""
        with self._changed:
            assert self._changed.wait_for(lambda: self._begun >= begun, timeout=900)

    def _next(self) -> Conversation | None:
        with self._changed:
            self._begun += 1
            self._changed.notify_all()
            return next(self._left, None)

    def _hold(self, program: httpx.Client, conversation: Conversation, chance: random.Random) -> None:
        conversation.id = self._sent(program, "/v1/conversations", {}, {})["id"]
        for number in range(chance.randint(1, 4)):
            key, text = f"{conversation.id}-{number}", chance.choice(QUESTIONS)
            # Some wait for the answer, some write on at once.
            path = f"/v1/conversations/{conversation.id}/messages?wait={chance.choice([0, 0, 5])}"
            message = self._sent(program, path, {"text": text}, {"Idempotency-Key": key})["message"]
            conversation.acknowledged.append((key, text, message["id"]))

    def _sent(self, program: httpx.Client, path: str, body: dict[str, Any], headers: dict[str, str]) -> dict[str, Any]:
        """Send until it is acknowledged, as a client does that may not lose anything."""
        while True:
            try:
                answer = program.post(path, json=body, headers=headers)
            except httpx.TransportError:
                self.refused += 1
                threading.Event().wait(0.05)  # a client's pause before it tries again
                continue
            assert answer.status_code in {200, 201}, answer.text
            return answer.json()  # type: ignore[no-any-return]


def client(url: str, key: str) -> httpx.Client:
    return httpx.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=90)


def settled(program: httpx.Client, conversation: str) -> list[dict[str, Any]]:
    """The conversation's messages once none of them is pending; dispatch takes up what dead workers held."""
    for _ in range(3000):
        lines = program.get(f"/v1/conversations/{conversation}/messages", params={"limit": 500}).json()["messages"]
        if all(line["outcome"] != "pending" for line in lines):
            return lines  # type: ignore[no-any-return]
        threading.Event().wait(0.1)
    raise AssertionError(f"Something of {conversation} stays pending: {lines}")


def check(conversation: Conversation, lines: list[dict[str, Any]]) -> None:
    mine = [line for line in lines if line["author"] == "contact"]
    assert [line["id"] for line in mine] == [message_id for _, _, message_id in conversation.acknowledged]
    assert [line["sequence"] for line in lines] == list(range(1, len(lines) + 1))
    replies = Counter(line["turn"] for line in lines if line["author"] == "assistant")
    last_of = {line["turn"]: line["id"] for line in mine}
    for line in mine:
        if line["outcome"] == "left":
            assert replies[line["turn"]] == 0
        else:
            assert line["outcome"] == ("replied" if last_of[line["turn"]] == line["id"] else "merged")
            assert replies[line["turn"]] == 1
    assert set(replies) <= set(last_of)
