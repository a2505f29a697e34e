"""Recognisers and voices behind an OpenAI-compatible server, against a local one that speaks the real protocol."""

from pathlib import Path

import numpy as np
import pytest

from kefu.contracts.engine import Sound, Speaker, Transcriber
from kefu.desk.speech import Speech
from kefu.engines.openai_compat_speaker.engine import OpenAICompatSpeaker
from kefu.engines.openai_compat_transcriber.engine import OpenAICompatTranscriber
from kefu.kit import registry
from kefu.kit.errors import BadInput, Busy, Unavailable
from kefu.kit.runtime import run
from kefu.kit.settings import settings
from kefu.knowledge.sound import decode, sound_kind
from kefu.testing.fakes import FakeOpenAIServer

RECORDED = Path(__file__).parent / "fixtures" / "en_lj_LJ001-0002.wav"
SILENCE = Sound(np.zeros(16_000, np.float32), 16_000)
NOISE = Sound(np.random.default_rng(7).normal(0, 0.2, 48_000).astype(np.float32), 16_000)


@pytest.fixture(scope="module")
def said() -> Sound:
    """Somebody reads aloud (fixtures/LICENSE)."""
    return decode(RECORDED.read_bytes())


async def recogniser(server: FakeOpenAIServer, **options: object) -> OpenAICompatTranscriber:
    engine = OpenAICompatTranscriber("openai:fake-whisper", {"base_url": server.url, **options})
    await engine.load()
    return engine


async def voice(server: FakeOpenAIServer, **options: object) -> OpenAICompatSpeaker:
    engine = OpenAICompatSpeaker("openai:fake-tts", {"base_url": server.url, **options})
    await engine.load()
    return engine


def test_they_are_plug_ins() -> None:
    assert registry.load("engines", "openai_compat_transcriber", Transcriber) is OpenAICompatTranscriber
    assert registry.load("engines", "openai_compat_speaker", Speaker) is OpenAICompatSpeaker


@pytest.mark.parametrize("sound", [SILENCE, NOISE], ids=["silence", "noise"])
async def test_nobody_is_asked_what_silence_and_noise_mean(openai_server: FakeOpenAIServer, sound: Sound) -> None:
    engine = await recogniser(openai_server)
    before = len(openai_server.requests)
    assert (await engine.transcribe(sound)).text == ""
    assert len(openai_server.requests) == before


async def test_a_recording_is_sent_as_a_file_and_its_transcript_read(
    openai_server: FakeOpenAIServer, said: Sound
) -> None:
    openai_server.api_key = "key-1"
    openai_server.transcript = {
        "text": " 退货需要几天？",
        "language": "chinese",
        "segments": [{"start": 0.2, "end": 1.4, "text": "退货需要几天？", "id": 0}],
    }
    engine = await recogniser(openai_server, api_key="key-1", prompt="Kefu")
    heard = await engine.transcribe(said, "zh")
    assert (heard.text, heard.language) == ("退货需要几天？", "zh")
    assert (heard.segments[0].start, heard.segments[0].end) == (0.2, 1.4)
    sent = openai_server.requests[-1].body
    assert (sent["model"], sent["language"], sent["prompt"]) == ("fake-whisper", "zh", "Kefu")
    assert decode(sent["file"]).seconds == pytest.approx(said.seconds, abs=0.01)


async def test_speech_is_asked_for_sentence_by_sentence_without_marks_of_layout(
    openai_server: FakeOpenAIServer,
) -> None:
    engine = await voice(openai_server, voice="nova", speed=1.2)
    sounds = [each async for each in engine.speak("**It is free.** See https://a.example/b [1].", "en")]
    assert [each.rate for each in sounds] == [16_000, 16_000]
    asked = [request.body for request in openai_server.requests if request.path.endswith("speech")]
    assert [each["input"] for each in asked] == ["It is free.", "See the link in the text ."]
    assert {(each["voice"], each["speed"], each["response_format"]) for each in asked} == {("nova", 1.2, "wav")}


@pytest.mark.parametrize(
    ("given", "language", "asked"),
    [
        ("nova", "zh", "nova"),
        ("en=af_heart, zh=zf_xiaoyi", "zh-CN", "zf_xiaoyi"),
        ("en=af_heart,zh=zf_xiaoyi", "fr", "af_heart"),
    ],
)
async def test_each_language_may_have_a_voice_of_its_own(
    openai_server: FakeOpenAIServer, given: str, language: str, asked: str
) -> None:
    engine = await voice(openai_server, voice=given)
    _ = [each async for each in engine.speak("Hello.", language)]
    assert openai_server.requests[-1].body["voice"] == asked
    with pytest.raises(BadInput, match="no list of voices"):
        _ = [each async for each in (await voice(openai_server, voice="en=a,b")).speak("Hello.", "en")]


async def test_what_the_server_sends_must_be_what_was_asked_for(openai_server: FakeOpenAIServer, said: Sound) -> None:
    openai_server.transcript = {"words": "none"}
    with pytest.raises(Unavailable, match="not what the protocol says"):
        await (await recogniser(openai_server)).transcribe(said)
    openai_server.speech = b"<html>no</html>"
    assert sound_kind(openai_server.speech) is None
    with pytest.raises(Unavailable, match="no sound"):
        _ = [each async for each in (await voice(openai_server)).speak("Hello.", "en")]


async def test_a_busy_server_is_busy_and_a_broken_one_is_asked_again(
    openai_server: FakeOpenAIServer, said: Sound
) -> None:
    engine = await recogniser(openai_server)
    openai_server.fail_next(429, retry_after="7")
    with pytest.raises(Busy) as refused:
        await engine.transcribe(said)
    assert refused.value.retry_after == 7
    openai_server.fail_next(503)
    assert (await engine.transcribe(said)).text == "Hello there."


async def test_a_voice_refuses_a_language_that_it_was_said_not_to_speak(openai_server: FakeOpenAIServer) -> None:
    engine = await voice(openai_server, languages=("en",))
    with pytest.raises(BadInput, match="speaks en"):
        _ = [each async for each in engine.speak("你好。", "zh")]


async def test_nothing_works_before_loading(openai_server: FakeOpenAIServer, said: Sound) -> None:
    with pytest.raises(Unavailable):
        await OpenAICompatTranscriber("openai:m", {"base_url": openai_server.url}).transcribe(said)


def test_the_settings_may_name_a_server_for_each_with_its_own_key(
    openai_server: FakeOpenAIServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    openai_server.api_key = "voices"
    given = {"SPEAKER": "openai:fake-tts", "SPEECH_URL": "http://127.0.0.1:9/v1", "SPEECH_KEY": "recogniser"}
    apart = {"SPEAKER_URL": openai_server.url, "SPEAKER_KEY": "voices", "SPEAKER_VOICE": "en=emma,zh=mei"}
    for name, value in {**given, **apart}.items():
        monkeypatch.setenv(f"KEFU_{name}", value)
    settings.cache_clear()
    engines = Speech()
    try:
        run(_spoken(engines.speaker(), "您好。"))
    finally:
        engines.close()
        monkeypatch.undo()
        settings.cache_clear()
    assert openai_server.requests[-1].body["voice"] == "mei"


async def _spoken(speaker: Speaker, text: str) -> list[Sound]:
    return [each async for each in speaker.speak(text, "zh")]
