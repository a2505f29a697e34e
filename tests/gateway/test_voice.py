"""A customer who speaks is answered as one who writes, and the answer can be heard."""

from functools import cache

import httpx
import numpy as np
import pytest

from kefu.contracts.engine import Sound
from kefu.engines.tts.engine import EmbeddedSpeaker
from kefu.kit.runtime import run
from kefu.knowledge.sound import decode, encode, sound_kind

from .conftest import Shop, new_visitor
from .test_attachments import send, upload

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("speech")]


@cache
def spoken(text: str, language: str = "en") -> Sound:
    async def say() -> Sound:
        speaker = EmbeddedSpeaker("package:voices", {"threads": 1})
        await speaker.load()
        pieces = [each async for each in speaker.speak(text, language)]
        await speaker.close()
        return Sound(np.concatenate([each.samples for each in pieces]), pieces[0].rate)

    return run(say())


def ask_aloud(client: httpx.Client, form: str, sound: Sound) -> tuple[str, dict]:
    thread = client.post("/v1/conversations", json={}).json()["id"]
    file = upload(client, thread, f"voice.{form}", encode(sound, form))
    assert file["kind"] == "audio"
    return thread, send(client, thread, attachments=[file["id"]])


@pytest.mark.parametrize("form", ["opus", "amr"])
def test_a_spoken_question_is_answered_and_written_down(visitor: httpx.Client, form: str) -> None:
    thread, stored = ask_aloud(visitor, form, spoken("How much does standard delivery cost?"))
    assert "¥12" in stored["reply"]["answer"]
    asked, answered = visitor.get(f"/v1/conversations/{thread}/messages").json()["messages"]
    assert "delivery cost" in asked["text"]
    assert asked["attachments"][0]["kind"] == "audio"
    assert answered["author"] == "assistant"


def test_what_is_said_and_written_is_taken_in_the_order_of_saying() -> None:
    from django.db import transaction

    from kefu.desk.inbox import actions
    from kefu.desk.inbox.due import claim_turns
    from kefu.desk.inbox.models import Channel, Turn
    from kefu.desk.rows import now
    from kefu.gateway.hearing import hear_recordings
    from kefu.gateway.rows import Rows

    from ..desk.shops import made_shop

    shop = made_shop()
    Channel.objects.of(shop.workspace_id).update(settings={"pause_seconds": 3600})  # the server leaves it to the test
    thread = shop.start()
    for each in ("How much is delivery?", "Where is my parcel?"):
        file = actions.add_attachment(
            shop.program, conversation_id=thread, name="voice.ogg", data=encode(spoken(each), "opus")
        )
        actions.receive_message(shop.program, conversation_id=thread, text="", attachments=[file.id])
        actions.receive_message(shop.program, conversation_id=thread, text="Please.")
    with transaction.atomic():  # in one transaction, so that the server cannot claim first
        Turn.objects.of(shop.workspace_id).update(due_at=now())
        claimed = claim_turns(worker="test", limit=9, lease_seconds=600)
    [turn] = [each for each in claimed if each.conversation_id == thread]
    rows = Rows()
    heard = run(hear_recordings(rows, turn), timeout=300)
    rows.close()
    first, please, second, again = heard.turn.text.splitlines()
    assert "delivery" in first.lower()
    assert "parcel" in second.lower()
    assert (please, again) == ("Please.", "Please.")


def test_personal_data_that_was_spoken_is_masked(shop: Shop) -> None:
    thread, _ = ask_aloud(shop.client, "opus", spoken("Hello. My e-mail is anna at example dot com. Please help me."))
    (asked, *_) = shop.messages(thread)
    assert "@example.com" not in asked["text"]


def test_a_recording_in_which_nobody_speaks_is_told_so(visitor: httpx.Client) -> None:
    noise = Sound((0.05 * np.random.default_rng(3).standard_normal(48_000)).astype(np.float32), 16_000)
    thread, stored = ask_aloud(visitor, "wav", noise)
    assert stored["reply"]["decision"] == "clarify"
    assert "couldn't hear" in stored["reply"]["answer"]
    asked, _ = visitor.get(f"/v1/conversations/{thread}/messages").json()["messages"]
    assert asked["text"] == ""


def test_a_damaged_recording_is_told_so(visitor: httpx.Client) -> None:
    thread = visitor.post("/v1/conversations", json={}).json()["id"]
    file = upload(visitor, thread, "voice.wav", b"RIFF\x24\0\0\0WAVEjunk" + bytes(40))
    assert "couldn't play" in send(visitor, thread, attachments=[file["id"]])["reply"]["answer"]


def test_an_answer_is_read_aloud_in_the_format_asked_for(visitor: httpx.Client) -> None:
    thread = visitor.post("/v1/conversations", json={}).json()["id"]
    send(visitor, thread, text="What are your opening hours?")
    asked, answered = visitor.get(f"/v1/conversations/{thread}/messages").json()["messages"]
    place = f"/v1/conversations/{thread}/messages/{answered['id']}/audio"
    made = visitor.get(place)
    assert made.headers["content-type"] == "audio/mpeg"
    assert 1.5 < decode(made.content).seconds < 10
    assert sound_kind(visitor.get(place, params={"format": "amr"}).content).ending == "amr"
    assert visitor.get(place, params={"format": "wma"}).status_code == 422
    assert visitor.get(f"/v1/conversations/{thread}/messages/{asked['id']}/audio").status_code == 404


def test_nobody_else_hears_an_answer(address: str, shop: Shop, visitor: httpx.Client) -> None:
    thread = visitor.post("/v1/conversations", json={}).json()["id"]
    send(visitor, thread, text="What are your opening hours?")
    answered = visitor.get(f"/v1/conversations/{thread}/messages").json()["messages"][1]
    with new_visitor(address, shop) as stranger:
        assert stranger.get(f"/v1/conversations/{thread}/messages/{answered['id']}/audio").status_code == 404
