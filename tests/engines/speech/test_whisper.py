"""Recordings become text where somebody speaks, and nothing where nobody does."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from kefu.contracts.engine import Sound, Transcriber
from kefu.engines.tts.engine import EmbeddedSpeaker
from kefu.engines.whisper.engine import WhisperTranscriber
from kefu.kit import registry
from kefu.kit.errors import BadInput, BadInstallation, Busy, Unavailable
from kefu.kit.runtime import run
from kefu.knowledge.sound import decode, encode

RECORDED = Path(__file__).parent / "fixtures" / "en_lj_LJ001-0002.wav"
RATE = 16_000

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("speech")]


@pytest.fixture(scope="module")
def whisper() -> Iterator[WhisperTranscriber]:
    engine = WhisperTranscriber("package:whisper-base", {"threads": 1})
    run(engine.load())
    yield engine
    run(engine.close())


def test_it_is_a_plug_in_that_transcribes() -> None:
    assert registry.load("engines", "whisper", Transcriber) is WhisperTranscriber
    assert registry.manifests("engines")["whisper"].extra == "speech"


def test_a_recording_is_written_down_with_its_language_and_times(whisper: WhisperTranscriber) -> None:
    sound = decode(RECORDED.read_bytes())
    heard = run(whisper.transcribe(sound))
    assert heard.language == "en"
    assert heard.text.lower().strip(" .") == "in being comparatively modern"
    assert 0 <= heard.segments[0].start < heard.segments[-1].end <= sound.seconds + 0.1


def test_a_telephone_recording_is_understood(whisper: WhisperTranscriber) -> None:
    narrow = decode(encode(decode(RECORDED.read_bytes()), "amr"))
    assert "modern" in run(whisper.transcribe(narrow)).text


def test_times_count_the_silence_that_was_dropped(whisper: WhisperTranscriber) -> None:
    speech = decode(RECORDED.read_bytes()).samples
    quiet = np.zeros(5 * RATE, np.float32)
    heard = run(whisper.transcribe(Sound(np.concatenate([quiet, speech]), RATE)))
    assert heard.segments[0].start == pytest.approx(5.0, abs=0.5)
    assert heard.speech < 3.0


@pytest.mark.parametrize("level", [0.0, 0.002, 0.05, 0.3])
def test_no_words_are_invented_for_silence_and_noise(whisper: WhisperTranscriber, level: float) -> None:
    noise = level * np.random.default_rng(7).standard_normal(6 * RATE)
    assert run(whisper.transcribe(Sound(noise.astype(np.float32), RATE))).text == ""


def test_a_tone_and_a_click_say_nothing(whisper: WhisperTranscriber) -> None:
    moments = np.arange(3 * RATE) / RATE
    tone = (0.4 * np.sin(2 * np.pi * 1000 * moments)).astype(np.float32)
    click = np.zeros(3 * RATE, np.float32)
    click[RATE : RATE + 40] = 0.9
    assert run(whisper.transcribe(Sound(tone, RATE))).text == ""
    assert run(whisper.transcribe(Sound(click, RATE))).text == ""
    assert run(whisper.transcribe(Sound(np.zeros(0, np.float32), RATE))).text == ""


@pytest.mark.parametrize("seconds", [0.1, 0.2])
def test_no_phrase_is_invented_for_the_end_of_a_word(whisper: WhisperTranscriber, seconds: float) -> None:
    # A call that begins while somebody is speaking hears the end of "modern": to Whisper, "Thank you very much."
    sound = decode(RECORDED.read_bytes()).samples
    last = np.flatnonzero(np.abs(sound) > 0.05)[-1]
    tail = np.concatenate([sound[last - int(seconds * RATE) : last], np.zeros(RATE // 5, np.float32)])
    assert "thank" not in run(whisper.transcribe(Sound(tail, RATE), "en")).text.lower()


def test_mandarin_is_told_and_written_in_simplified_characters(whisper: WhisperTranscriber) -> None:
    async def said() -> Sound:
        speaker = EmbeddedSpeaker("package:voices", {"threads": 1})
        await speaker.load()
        pieces = [each async for each in speaker.speak("退货需要几天？运费谁来付？", "zh")]
        await speaker.close()
        return Sound(np.concatenate([each.samples for each in pieces]), pieces[0].rate)

    heard = run(whisper.transcribe(run(said())))
    assert heard.language == "zh"
    # The voice has an accent; what matters here are the script and that most of it is understood.
    assert "需要几天" in heard.text
    assert not set("貨運費幾") & set(heard.text)


def test_a_language_nobody_knows_is_refused(whisper: WhisperTranscriber) -> None:
    with pytest.raises(BadInput, match="tlh"):
        run(whisper.transcribe(decode(RECORDED.read_bytes()), "tlh"))


def test_a_full_queue_says_when_to_come_again() -> None:
    engine = WhisperTranscriber("package:whisper-base", {"threads": 1, "queue": 1})
    run(engine.load())

    async def two() -> None:
        import asyncio

        sound = decode(RECORDED.read_bytes())
        first = asyncio.ensure_future(engine.transcribe(sound))
        await asyncio.sleep(0)
        with pytest.raises(Busy):
            await engine.transcribe(sound)
        await first

    run(two())
    run(engine.close())


def test_nothing_is_said_before_loading_and_after_closing() -> None:
    engine = WhisperTranscriber("package:whisper-base", {})
    with pytest.raises(Unavailable):
        engine.card()
    run(engine.close())
    with pytest.raises(Unavailable):
        run(engine.transcribe(Sound(np.zeros(RATE, np.float32), RATE)))


def test_references_that_lead_nowhere_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="whisper-base"):
        run(WhisperTranscriber("package:whisper-enormous", {}).load())
    with pytest.raises(BadInstallation, match=r"model\.bin"):
        run(WhisperTranscriber(f"path:{tmp_path}", {}).load())
