"""Text and voice are equal: a question that is spoken on any channel is answered, and heard where sound can go."""

import asyncio
import base64
from collections.abc import Callable
from functools import cache

import numpy as np
import pytest

from kefu.contracts.engine import Sound
from kefu.engines.tts.engine import EmbeddedSpeaker
from kefu.kit.runtime import run
from kefu.knowledge.sound import decode, encode
from kefu.testing.fake_telegram import FakeTelegram
from kefu.testing.fake_webhook import FakeWebhook
from kefu.testing.fake_wechat import FakeWeChat

from .conftest import ANSWER, APPROVED, Line, eventually

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("speech")]


@cache
def question(form: str) -> bytes:
    """The question with an approved answer, spoken."""

    async def say() -> Sound:
        speaker = EmbeddedSpeaker("package:voices", {"threads": 1})
        await speaker.load()
        pieces = [each async for each in speaker.speak(APPROVED, "en")]
        await speaker.close()
        return Sound(np.concatenate([each.samples for each in pieces]), pieces[0].rate)

    return encode(run(say()), form)


def heard(line: Line) -> list[str]:
    """What the customer is written down to have said."""
    return [row.text.lower().strip(" .?") for row in line.messages() if row.author == "contact"]


def is_spoken(sound: bytes) -> bool:
    return 1.5 < decode(sound).seconds < 10


def test_telegram_gets_a_voice_message_and_the_text(open_line: Callable[..., Line], telegram: FakeTelegram) -> None:
    line = open_line("telegram", telegram.values)
    line.post(telegram.request(telegram.sends_file("42", "voice", question("opus"))))
    assert line.settled(1) == ["sent"]
    assert telegram.texts("42") == [ANSWER]
    assert heard(line) == [APPROVED.lower().strip("?")]
    [voice] = [sent for sent in telegram.sent if "voice" in sent]
    assert is_spoken(voice["voice"])


def test_wechat_gets_amr_and_the_text(open_line: Callable[..., Line], wechat: FakeWeChat) -> None:
    line = open_line("wechat", wechat.values)
    wechat.media["m1"] = (question("amr"), "voice")
    asyncio.run(wechat.posts(wechat.message("openid1", "voice", Format="amr", MediaId="m1"), hook=line.hook))
    assert line.settled(1) == ["sent"]
    assert wechat.texts("openid1")[0] == ANSWER
    [voice] = [body for body in wechat.pushed if body["msgtype"] == "voice"]
    uploaded, kind = wechat.media[voice["voice"]["media_id"]]
    assert kind == "voice"
    assert is_spoken(uploaded[uploaded.index(b"#!AMR") : uploaded.rindex(b"\r\n--")])
    assert heard(line) == [APPROVED.lower().strip("?")]


def test_another_company_s_system_gets_the_sound_beside_the_text(
    open_line: Callable[..., Line], system: FakeWebhook
) -> None:
    line = open_line("webhook", system.values)
    file = {"name": "voice.mp3", "data": base64.b64encode(question("mp3")).decode()}
    line.post(system.message("u1", "", key="m1", files=[file]))
    [reply] = eventually(lambda: system.replies)
    assert reply["text"] == ANSWER
    [sound] = reply["files"]
    assert is_spoken(base64.b64decode(sound["data"]))


def test_who_writes_is_not_spoken_to(open_line: Callable[..., Line], telegram: FakeTelegram) -> None:
    line = open_line("telegram", telegram.values)
    line.post(telegram.request(telegram.says("42", APPROVED)))
    assert eventually(lambda: telegram.texts("42")) == [ANSWER]
    assert not [sent for sent in telegram.sent if "voice" in sent]
