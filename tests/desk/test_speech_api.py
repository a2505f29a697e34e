"""Members hear answers and sentences, and have recordings written down; the voice is a server played here."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from kefu.desk.actor import Role
from kefu.desk.inbox import actions, queries
from kefu.desk.speech import Speech
from kefu.desk.wiring import wiring
from kefu.kit.settings import reload
from kefu.knowledge.sound import decode, sound_kind
from kefu.testing.fakes import FakeOpenAIServer

from .desks import BASE, Desk, desk_for
from .shops import Shop, claim, finish, made_shop


@pytest.fixture
def shop(db: None) -> Shop:
    return made_shop()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeOpenAIServer]:
    with FakeOpenAIServer() as made:
        monkeypatch.setenv("KEFU_TRANSCRIBER", "openai:ear")
        monkeypatch.setenv("KEFU_SPEAKER", "openai:voice")
        monkeypatch.setenv("KEFU_SPEECH_URL", made.url)
        reload()
        speech = Speech()
        monkeypatch.setattr(wiring(), "speech", speech)
        yield made
        speech.close()
        monkeypatch.undo()
        reload()


def answered(shop: Shop) -> tuple[str, str, str]:
    """A conversation, what the customer asked, and its answer."""
    thread = shop.start()
    asked = shop.say(thread, "When are you open?").message.id
    [turn] = claim()
    finish(turn)
    return thread, asked, queries.messages(shop.kefu, thread)[-1].id


def heard(desk: Desk, path: str, body: dict[str, Any] | None = None) -> tuple[str, bytes]:
    """The kind of sound, and its bytes."""
    headers = {"X-CSRFToken": desk.csrf}
    method = desk.client.get if body is None else desk.client.post
    answer = method(f"{BASE}{path}", data=body, content_type="application/json", headers=headers)
    assert answer.status_code == 200, answer.content
    return answer.headers["Content-Type"], b"".join(answer.streaming_content)


def test_an_answer_is_heard_by_whoever_may_read_it(shop: Shop, server: FakeOpenAIServer) -> None:
    thread, _, answer = answered(shop)
    place = f"/inbox/conversations/{thread}/messages/{answer}/audio"
    for role in (Role.VIEWER, Role.AGENT):
        kind, sound = heard(desk_for(shop, role), place)
        assert kind == "audio/mpeg"
        assert 0 < decode(sound).seconds < 5
    assert server.requests[-1].body["input"].startswith("From ")
    assert sound_kind(heard(desk_for(shop, Role.AGENT), f"{place}?format=wav")[1]).ending == "wav"
    assert desk_for(shop, Role.AGENT).get(f"{place}?format=wma", expect=422)["field"] == "format"


def test_a_member_s_answer_is_heard_and_a_note_or_a_customer_s_words_are_not(
    shop: Shop, server: FakeOpenAIServer
) -> None:
    thread, asked, _ = answered(shop)
    reply = actions.reply(shop.owner, conversation_id=thread, text="It is on its way.").message.id
    note = actions.note(shop.owner, conversation_id=thread, text="Call them.").message.id
    desk = desk_for(shop, Role.AGENT)
    assert heard(desk, f"/inbox/conversations/{thread}/messages/{reply}/audio")[1]
    spoken = len(server.requests)
    for unspoken in (asked, note, "msg_none"):
        desk.get(f"/inbox/conversations/{thread}/messages/{unspoken}/audio", expect=404)
    assert len(server.requests) == spoken


def test_nobody_of_another_workspace_hears_it(shop: Shop, server: FakeOpenAIServer) -> None:
    thread, _, answer = answered(shop)
    place = f"/inbox/conversations/{thread}/messages/{answer}/audio"
    desk_for(made_shop(), Role.OWNER).get(place, expect=404)
    Desk().get(place, expect=401)
    assert not server.requests


def test_a_sentence_is_read_aloud_in_the_language_asked_for(shop: Shop, server: FakeOpenAIServer) -> None:
    desk = desk_for(shop, Role.AGENT)
    kind, sound = heard(desk, "/assistant/speech", {"text": "包裹周一送达。", "language": "zh"})
    assert kind == "audio/mpeg"
    assert decode(sound).seconds > 0
    assert desk.post("/assistant/speech", {"text": "…"}, expect=422)["field"] == "text"
    desk.post("/assistant/speech", {"text": "Hello", "language": "fr"}, expect=422)
    desk_for(shop, Role.VIEWER).post("/assistant/speech", {"text": "Hello"}, expect=403)


def test_a_recording_is_written_down(shop: Shop, server: FakeOpenAIServer) -> None:
    sound = heard(desk_for(shop, Role.AGENT), "/assistant/speech", {"text": "Hello", "format": "wav"})[1]
    written = sent(desk_for(shop, Role.AGENT), sound)
    assert written.status_code == 200, written.content
    assert set(written.json()) == {"text", "language", "segments"}
    asked = len(server.requests)
    assert sent(desk_for(shop, Role.AGENT), b"hello").status_code == 422
    assert sent(desk_for(shop, Role.VIEWER), sound).status_code == 403
    assert len(server.requests) == asked


def sent(desk: Desk, data: bytes) -> Any:
    return desk.client.post(f"{BASE}/assistant/transcript", {"file": SimpleUploadedFile("said.wav", data)})


def test_the_session_tells_that_a_voice_is_there_and_its_refusal_is_told(shop: Shop, server: FakeOpenAIServer) -> None:
    assert desk_for(shop, Role.AGENT).get("/session")["speech"] == {"hear": True, "speak": True}
    server.fail_next(401)
    thread, _, answer = answered(shop)
    refused = desk_for(shop, Role.AGENT).get(f"/inbox/conversations/{thread}/messages/{answer}/audio", expect=503)
    assert refused["code"]
