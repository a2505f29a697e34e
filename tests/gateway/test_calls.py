"""Calls over a real socket: what is said is written down and answered aloud, interrupted, and handed to a member."""

import contextlib
import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import httpx
import numpy as np
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from kefu.contracts.call import RATE, Origin, read_frame
from kefu.desk.accounts import actions as accounts
from kefu.desk.actor import Actor, Role, system
from kefu.desk.calls import actions as calls
from kefu.desk.calls import due, queries
from kefu.desk.calls.models import Call
from kefu.desk.inbox import actions as inbox
from kefu.desk.inbox.queries import message
from kefu.desk.rows import now
from kefu.kit.errors import Busy
from kefu.kit.settings import settings
from kefu.knowledge.sound import resampled

from .conftest import Shop, new_visitor
from .test_dispatch import eventually
from .test_members_live import member
from .test_voice import spoken

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("speech")]

HOURS = "What are your opening hours?"
_FRAME = RATE // 25  # 40 ms
_PATIENCE = 120


class Caller:
    """A browser on the line. Reads in order; sound is counted by whose it is."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.heard: dict[Origin, int] = dict.fromkeys(Origin, 0)

    def tell(self, kind: str, **fields: Any) -> None:
        self.socket.send(json.dumps({"type": kind, **fields}))

    def say(self, text: str, language: str = "en") -> None:
        """A sentence and the silence behind it, as fast as the network takes them."""
        self.send(pcm(text, language) + bytes(2 * RATE))

    def send(self, sound: bytes) -> None:
        for start in range(0, len(sound), 2 * _FRAME):
            self.socket.send(sound[start : start + 2 * _FRAME])

    def next(self) -> dict[str, Any]:
        while True:
            frame = self.socket.recv(timeout=_PATIENCE)
            if isinstance(frame, str):
                return dict(json.loads(frame))
            origin, _, _, samples = read_frame(frame)
            self.heard[origin] += len(samples) // 2

    def until(self, kind: str, **wanted: Any) -> dict[str, Any]:
        while True:
            frame = self.next()
            if frame["type"] == kind and all(frame.get(name) == value for name, value in wanted.items()):
                return frame

    def until_heard(self, origin: Origin) -> None:
        before = self.heard[origin]
        while self.heard[origin] == before:
            frame = self.socket.recv(timeout=_PATIENCE)
            if isinstance(frame, bytes):
                found, _, _, samples = read_frame(frame)
                self.heard[found] += len(samples) // 2

    def answer(self) -> str:
        """What is spoken until the sentence has come; the browser plays it."""
        sentence = self.until("reply.sentence")
        self.until("reply.spoken", sentence=sentence["sentence"])
        self.tell("played", sentence=sentence["sentence"])
        return str(sentence["text"])


@cache
def pcm(text: str, language: str) -> bytes:
    samples = resampled(spoken(text, language), RATE).samples
    quiet = np.zeros(RATE // 4, np.float32)
    return (np.concatenate([quiet, samples]) * 32767).astype("<i2").tobytes()


@contextlib.contextmanager
def on_the_line(address: str, **hello: Any) -> Iterator[Caller]:
    with connect(address.replace("http", "ws", 1) + "/v1/calls") as socket:
        socket.send(json.dumps({"type": "hello", **hello}))
        yield Caller(socket)


def token_of(client: httpx.Client) -> str:
    return client.headers["authorization"].removeprefix("Bearer ")


@pytest.fixture
def thread(visitor: httpx.Client) -> str:
    return str(visitor.post("/v1/conversations", json={}).json()["id"])


@pytest.fixture
def caller(address: str, visitor: httpx.Client, thread: str) -> Iterator[Caller]:
    with on_the_line(address, token=token_of(visitor), conversation=thread) as made:
        ready = made.next()
        assert ready["type"] == "ready", ready
        yield made


def said_in(visitor: httpx.Client, thread: str) -> list[dict[str, Any]]:
    return list(visitor.get(f"/v1/conversations/{thread}/messages").json()["messages"])


def test_what_is_said_is_a_message_and_its_answer_is_heard(
    visitor: httpx.Client, thread: str, caller: Caller, shop: Shop
) -> None:
    caller.say(HOURS)
    caller.until("utterance.began")
    final = caller.until("utterance.final")
    assert "opening hours" in final["text"].lower()
    assert "9:00" in caller.answer()
    assert caller.heard[Origin.ANSWER] > RATE
    # What is spoken may be ahead of what is stored.
    asked, answered = eventually(lambda: said_in(visitor, thread)[1:] and said_in(visitor, thread))
    assert (asked["id"], asked["text"]) == (final["message"], final["text"])
    assert [file["kind"] for file in asked["attachments"]] == ["audio"]
    assert asked["outcome"] == "replied"
    assert answered["answer"]["decision"] == "approved"
    caller.tell("hang_up")
    ended = caller.until("ended")["call"]
    assert (ended["state"], ended["ended_by"]) == ("ended", "contact")
    assert said_in(visitor, thread)[-1]["author"] == "system"


def test_personal_data_that_is_said_is_masked_for_everybody_else(shop: Shop, thread: str, caller: Caller) -> None:
    caller.say("Hello. My e-mail is anna at example dot com. Please help me.")
    caller.until("utterance.final")
    (asked, *_) = shop.messages(thread)
    assert "@example.com" not in asked["text"]


def test_silence_and_noise_are_no_messages(visitor: httpx.Client, thread: str, caller: Caller) -> None:
    noise = (0.02 * 32767 * np.random.default_rng(5).standard_normal(2 * RATE)).astype("<i2").tobytes()
    caller.send(noise + bytes(4 * RATE))
    caller.tell("ping")
    assert caller.next()["type"] == "pong"
    assert said_in(visitor, thread) == []


def test_who_interrupts_is_heard_and_what_was_not_played_is_marked(
    shop: Shop, visitor: httpx.Client, thread: str, caller: Caller
) -> None:
    caller.say("How can I return an item?")
    first = caller.until("reply.sentence")
    caller.until("reply.spoken", sentence=first["sentence"])
    caller.tell("played", sentence=first["sentence"], begun=True)
    caller.say(HOURS)
    caller.until("interrupt")
    unheard = caller.until("reply.unheard")
    assert unheard["start"] == len(first["text"])
    assert "9:00" in caller.answer()
    [returns] = [each for each in said_in(visitor, thread) if each["id"] == unheard["message"]]
    assert returns["author"] == "assistant"
    owner = system(shop.workspace_id)
    assert (message(owner, thread, returns["id"]).answer or {})["unheard_from"] == unheard["start"]


def test_a_member_answers_both_hear_each_other_and_all_is_written_down(
    address: str, shop: Shop, visitor: httpx.Client, thread: str, caller: Caller
) -> None:
    anna = member(shop, "Anna")
    caller.tell("hand_over")
    ringing = caller.until("call.updated")["call"]
    assert ringing["state"] == "ringing"
    assert [each.id for each in queries.calls_under_way(anna)] == [ringing["id"]]
    with on_the_line(address, ticket=accounts.make_ticket(anna), call=ringing["id"]) as desk:
        assert desk.until("ready")["call"]["member"]["name"] == "Anna"
        joined = caller.until("call.updated")["call"]
        assert (joined["state"], joined["member"]["name"]) == ("joined", "Anna")
        caller.say(HOURS)
        desk.until_heard(Origin.PERSON)
        caller.until("utterance.final")
        desk.say("We answer from nine in the morning.")
        caller.until_heard(Origin.PERSON)
        final = desk.until("utterance.final")
        assert "nine" in final["text"].lower() or "9" in final["text"]
        desk.tell("hang_up")
        assert desk.until("ended")["call"]["ended_by"] == "member"
    assert caller.until("call.updated")["call"]["state"] == "ended"  # at once; the rest is written down meanwhile
    assert caller.until("ended")["call"]["ended_by"] == "member"
    authors = [each["author"] for each in said_in(visitor, thread)]
    assert authors == ["system", "contact", "member", "system"]
    assert said_in(visitor, thread)[2]["author_name"] == "Anna"
    assert said_in(visitor, thread)[1]["outcome"] == "left"


def test_a_broken_line_comes_back_to_its_call(address: str, visitor: httpx.Client, thread: str) -> None:
    token = token_of(visitor)
    with on_the_line(address, token=token, conversation=thread) as first:
        call = first.until("ready")["call"]["id"]
    with on_the_line(address, token=token, call=call) as again:
        assert again.until("ready")["call"]["id"] == call
        again.say(HOURS)
        assert "9:00" in again.answer()
        again.tell("hang_up")
        again.until("ended")
    with on_the_line(address, token=token, call=call) as late:
        assert late.until("refused")["code"] == "conflict"


def test_strangers_are_on_no_line(
    address: str, shop: Shop, other_shop: Shop, visitor: httpx.Client, thread: str, caller: Caller
) -> None:
    call = queries.calls_under_way(system(shop.workspace_id))[0].id
    stranger, viewer = member(other_shop, "Eve"), member(shop, "Vic", Role.VIEWER)
    ben = member(shop, "Ben")
    with new_visitor(address, shop) as other:
        hellos = [
            ({"token": "kefu_nonsense"}, "not_signed_in"),
            ({"token": token_of(other), "conversation": thread}, "not_found"),
            ({"token": token_of(other), "call": call}, "not_found"),
            ({"token": shop.key, "conversation": thread}, "not_allowed"),
            ({"ticket": accounts.make_ticket(stranger), "call": call}, "not_found"),
            ({"ticket": accounts.make_ticket(viewer), "call": call}, "not_allowed"),
            ({"ticket": accounts.make_ticket(ben), "call": "call_none"}, "not_found"),
            ({}, "not_signed_in"),
        ]
        for hello, code in hellos:
            with on_the_line(address, **hello) as line:
                assert line.until("refused")["code"] == code, hello
                with pytest.raises(ConnectionClosed):
                    line.next()
    assert queries.call(system(shop.workspace_id), call).state == "talking"


def test_a_channel_that_takes_no_calls_says_so(address: str, shop: Shop, visitor: httpx.Client, thread: str) -> None:
    shown = visitor.post(f"/v1/channels/{shop.channel_id}/visitors", json={}).json()["channel"]
    assert shown["voice"]["calls"] is True
    inbox.change_channel(system(shop.workspace_id), channel_id=shop.channel_id, settings={"calls": False})
    shown = visitor.post(f"/v1/channels/{shop.channel_id}/visitors", json={}).json()["channel"]
    assert shown["voice"]["calls"] is False
    with on_the_line(address, token=token_of(visitor), conversation=thread) as line:
        assert line.until("refused")["code"] == "not_allowed"


def test_more_sound_than_anybody_speaks_is_refused(visitor: httpx.Client, thread: str, caller: Caller) -> None:
    with contextlib.suppress(ConnectionClosed):  # cut off while it still sends
        for _ in range(100):
            caller.socket.send(bytes(RATE))
    with contextlib.suppress(ConnectionClosed):
        assert caller.until("refused")["code"] == "bad_input"
    assert said_in(visitor, thread) == []


def test_a_call_that_no_process_carries_is_ended(shop: Shop, visitor: httpx.Client, thread: str) -> None:
    Call.objects.create(workspace_id=shop.workspace_id, conversation_id=thread, lease_until=now())
    due.end_lost()  # or the running server does, which may be at it
    last = eventually(lambda: said_in(visitor, thread))[-1]
    assert last["author"] == "system"
    assert re.fullmatch(r"The call was cut off after 0:\d\d\.", last["text"])
    assert queries.calls_under_way(system(shop.workspace_id)) == []


def test_a_workspace_has_so_many_lines(shop: Shop, monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    limited = settings().model_copy(update={"calls_per_workspace": 1})
    monkeypatch.setattr(calls, "settings", lambda: limited)

    def call_of(client: httpx.Client) -> str:
        conversation = client.post("/v1/conversations", json={}).json()["id"]
        contact = client.get(f"/v1/conversations/{conversation}").json()["contact"]
        actor = Actor(shop.workspace_id, "visitor", contact, contact_id=contact, channel_id=shop.channel_id)
        return calls.begin_call(actor, conversation_id=conversation).id

    with new_visitor(address, shop) as one, new_visitor(address, shop) as two:
        first = call_of(one)
        with pytest.raises(Busy, match="All lines are taken"):
            call_of(two)
        calls.end_call(system(shop.workspace_id), call_id=first, by="contact")
        call_of(two)
