"""The webhook channel on a running server: signed messages in, signed replies out."""

import base64
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from standardwebhooks.webhooks import Webhook

from kefu.contracts.channel import Request
from kefu.desk.actor import Actor, Scope
from kefu.desk.inbox import actions, queries
from kefu.testing.fake_webhook import REPLY_SECRET, SECRET, FakeWebhook
from kefu.testing.fakes import FakeServer, Handler, SeenRequest

from .conftest import ANSWER, APPROVED, Line, eventually

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"0" * 40).decode()


class Pictures(FakeServer):
    """A server whose every file is a picture."""

    def answer(self, handler: Handler, request: SeenRequest) -> None:
        handler.send_whole(200, base64.b64decode(PNG))


@pytest.fixture
def line(open_line: Callable[..., Line], system: FakeWebhook) -> Line:
    return open_line("webhook", system.values)


def test_a_message_is_stored_and_its_reply_posted_once(line: Line, system: FakeWebhook) -> None:
    answer = line.post(system.message("u1", APPROVED, key="m1"))
    assert (answer.status_code, answer.json()) == (202, {"status": "stored"})
    assert line.settled(1) == ["sent"]
    [reply] = system.replies
    assert reply["text"] == ANSWER
    assert (reply["contact"], reply["reply_to"], reply["author"]) == ("u1", "m1", "assistant")


def test_the_reply_satisfies_the_reference_library(line: Line, system: FakeWebhook) -> None:
    line.post(system.message("u1", APPROVED, key="m1"))
    line.settled(1)
    [request] = [each for each in system.requests if each.body["type"] == "message.reply"]
    assert Webhook(REPLY_SECRET).verify(request.raw, dict(request.headers)) == request.body


def test_a_message_that_the_reference_library_signed_is_taken(line: Line) -> None:
    at, body = datetime.now(UTC), '{"contact":{"id":"u1"},"text":"Hello"}'
    headers = {
        "webhook-id": "m9",
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(SECRET).sign("m9", at, body),
    }
    assert line.post(Request("POST", {}, headers, body.encode())).status_code == 202


def test_a_repeated_message_is_stored_once(line: Line, system: FakeWebhook) -> None:
    for _ in range(3):
        assert line.post(system.message("u1", APPROVED, key="m1")).status_code == 202
    line.settled(1)
    assert [row.author for row in line.messages()] == ["contact", "assistant"]
    assert len(system.replies) == 1


@pytest.mark.parametrize(
    ("spoil", "status", "reason"),
    [
        (lambda system: system.message("u1", "Hi", key="m1", at=time.time() - 400), 409, "replay"),
        (lambda system: system.message("u1", "Hi", key="m1", at=time.time() + 400), 409, "replay"),
        (lambda system: _with(system, body=b'{"contact":{"id":"u2"},"text":"Hi"}'), 401, "signature"),
        (lambda system: _with(system, headers={}), 401, "signature"),
        (lambda system: system.message("u1", "", key="m1"), 400, "damaged"),
        (lambda system: system.message("u1", "Hi", key="m1", surprise=1), 400, "damaged"),
        (lambda system: system.message("u1", "Hi", key="m1", files=[{"data": "%%%"}]), 400, "damaged"),
        (lambda system: system.message("u1", "Hi", key="m1", files=[{"data": _large()}]), 413, "too_large"),
    ],
    ids=["old", "of the future", "changed", "unsigned", "empty", "unknown field", "no base64", "large"],
)
def test_what_is_not_genuine_is_refused_and_counted_and_nothing_of_it_stored(
    line: Line, system: FakeWebhook, spoil: Callable[[FakeWebhook], Request], status: int, reason: str
) -> None:
    answer = line.post(spoil(system))
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert line.messages() == []
    assert eventually(lambda: line.traffic().refused) == {reason: 1}
    assert line.traffic().received == 0


@pytest.mark.parametrize("in_pieces", [False, True], ids=["whole", "in pieces"])
def test_a_body_past_the_limit_is_not_read(line: Line, in_pieces: bool) -> None:
    body = b"0" * (15 * 2**20)
    answer = httpx.post(line.hook, content=iter([body]) if in_pieces else body, timeout=90)
    assert (answer.status_code, answer.json()["reason"]) == (413, "too_large")
    assert eventually(lambda: line.traffic().refused) == {"too_large": 1}


def test_files_come_with_the_message(line: Line, system: FakeWebhook) -> None:
    files = [{"name": "lamp.png", "data": PNG}, {"name": "virus.exe", "data": base64.b64encode(b"MZ\0\1").decode()}]
    assert line.post(system.message("u1", "Look at this", key="m1", files=files)).status_code == 202
    said = line.messages()[0]
    assert said.text.splitlines()[0] == "Look at this"
    assert "virus.exe" in said.text
    assert [part["name"] for part in said.attachments] == ["lamp.png"]


def test_a_file_by_its_address_is_fetched_and_what_follows_waits_for_it(line: Line, system: FakeWebhook) -> None:
    with Pictures() as files:
        said = system.message("u1", "Look", key="m1", files=[{"url": f"{files.address}/lamp.png"}])
        assert line.post(said).status_code == 202
        assert line.post(system.message("u1", "It is broken", key="m2")).status_code == 202
        lines = eventually(lambda: [row for row in line.messages() if row.author == "contact"][1:] and line.messages())
    mine = [row for row in lines if row.author == "contact"]
    assert [row.text for row in mine] == ["Look", "It is broken"]
    assert [part["name"] for part in mine[0].attachments] == ["lamp.png"]


def test_a_place_is_told_as_text(line: Line, system: FakeWebhook) -> None:
    line.post(system.message("u1", "", key="m1", location={"latitude": 22.5, "longitude": 113.9, "name": "Office"}))
    assert line.messages()[0].text == "📍 Office (22.500000, 113.900000)"


def test_a_reply_is_tried_again_while_the_system_is_down(line: Line, system: FakeWebhook) -> None:
    system.fail_next(503, times=2)
    line.post(system.message("u1", APPROVED, key="m1"))
    assert line.settled(1) == ["sent"]
    assert len(system.replies) == 1
    assert len({each.headers["webhook-id"] for each in system.requests}) == 1


def test_a_reply_that_may_have_arrived_is_sent_again_with_the_same_key(line: Line, system: FakeWebhook) -> None:
    system.silent = 2
    line.post(system.message("u1", APPROVED, key="m1"))
    assert line.settled(1) == ["sent"]
    assert len(system.requests) == 3
    assert len(system.replies) == 1


def test_what_is_refused_for_ever_is_seen_and_sent_again_by_hand(line: Line, system: FakeWebhook) -> None:
    system.fail_next(422)
    line.post(system.message("u1", APPROVED, key="m1"))
    assert line.settled(1) == ["dead"]
    [dead] = queries.deliveries(line.actor, line.channel_id)
    assert "422" in dead.error
    assert queries.channel(line.actor, line.channel_id).last_error == dead.error
    note = line.messages()[-1]
    assert note.is_internal
    assert "did not reach the customer" in note.text
    actions.resend(line.actor, delivery_id=dead.id)
    assert line.settled(1) == ["sent"]
    assert [reply["text"] for reply in system.replies] == [ANSWER]


def test_replies_of_a_member_arrive_in_order(line: Line, system: FakeWebhook) -> None:
    line.post(system.message("u1", "Hello, I need a person.", key="m1"))
    thread = line.messages()[0].conversation_id
    line.settled(1)
    system.fail_next(503)
    member = line.member()
    for number in range(5):
        actions.reply(member, conversation_id=thread, text=f"Reply {number}, my number is 138 0013 8000")
    line.settled(7)
    said = [reply["text"] for reply in system.replies if reply["author"] == "member"]
    assert said == [f"Reply {number}, my number is 138 0013 8000" for number in range(5)]


def test_a_paused_channel_stores_and_sends_nothing_until_it_goes_on(line: Line, system: FakeWebhook) -> None:
    actions.pause_channel(line.actor, channel_id=line.channel_id)
    line.post(system.message("u1", APPROVED, key="m1"))
    eventually(line.states)
    assert line.states() == ["pending"]
    actions.resume_channel(line.actor, channel_id=line.channel_id)
    assert line.settled(1) == ["sent"]
    assert len(system.replies) == 1


def test_a_channel_that_is_switched_off_takes_nothing(line: Line, system: FakeWebhook) -> None:
    actions.change_channel(line.actor, channel_id=line.channel_id, is_active=False)
    assert eventually(lambda: line.post(system.message("u1", "Hi", key="m1")).status_code == 404)


def test_a_check_posts_a_signed_test(line: Line, system: FakeWebhook) -> None:
    from kefu.desk.channels import check_channel

    assert [check.passed for check in check_channel(line.actor, channel_id=line.channel_id)] == [True]
    assert system.requests[-1].body == {"type": "test"}
    assert queries.channel(line.actor, line.channel_id).checked_at is not None
    system.fail_next(500)
    assert [check.passed for check in check_channel(line.actor, channel_id=line.channel_id)] == [False]
    assert "500" in queries.channel(line.actor, line.channel_id).last_error


def _with(system: FakeWebhook, **changed: Any) -> Request:
    whole = system.message("u1", "Hi", key="m1")
    return Request("POST", {}, changed.get("headers", whole.headers), changed.get("body", whole.body))


def _large() -> str:
    return base64.b64encode(b"0" * (10 * 2**20 + 1)).decode()


def test_members_see_how_a_reply_fares_and_send_it_again(line: Line, system: FakeWebhook) -> None:
    def fares() -> list[tuple[str, str | None]]:
        thread = line.messages()[0].conversation_id
        seen = queries.messages(line.member(), thread)
        return [(each.author, each.delivery and each.delivery.state) for each in seen if each.author != "system"]

    system.fail_next(410)
    line.post(system.message("u1", APPROVED, key="m1"))
    assert line.settled(1) == ["dead"]
    assert fares() == [("contact", None), ("assistant", "failed")]
    failed = queries.messages(line.member(), line.messages()[0].conversation_id)[1].delivery
    assert "410" in failed.reason
    actions.resend(line.member(), delivery_id=failed.id)
    assert line.settled(1) == ["sent"]
    assert fares() == [("contact", None), ("assistant", "sent")]
    visitor = Actor(line.shop.workspace_id, "key", "key_of_tests", scopes=frozenset(Scope))
    assert {each.delivery for each in queries.messages(visitor, line.messages()[0].conversation_id)} == {None}
