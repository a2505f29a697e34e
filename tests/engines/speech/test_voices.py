"""Text becomes sound, sentence by sentence, in English and Mandarin."""

from collections.abc import Iterator

import numpy as np
import pytest

from kefu.contracts.engine import Sound, Speaker
from kefu.engines.tts.engine import EmbeddedSpeaker
from kefu.kit import registry
from kefu.kit.errors import BadInput, Unavailable
from kefu.kit.runtime import run

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("speech")]


@pytest.fixture(scope="module")
def voices() -> Iterator[EmbeddedSpeaker]:
    engine = EmbeddedSpeaker("package:voices", {"threads": 1})
    run(engine.load())
    yield engine
    run(engine.close())


def said(engine: EmbeddedSpeaker, text: str, language: str) -> list[Sound]:
    async def collect() -> list[Sound]:
        return [each async for each in engine.speak(text, language)]

    return run(collect())


def test_it_is_a_plug_in_that_speaks() -> None:
    assert registry.load("engines", "tts", Speaker) is EmbeddedSpeaker


@pytest.mark.parametrize(
    ("text", "language", "sentences"),
    [("Hello. Your parcel arrives on Monday.", "en", 2), ("您好。包裹周一送达。", "zh", 2)],
)
def test_each_sentence_comes_as_a_sound_of_its_own(
    voices: EmbeddedSpeaker, text: str, language: str, sentences: int
) -> None:
    sounds = said(voices, text, language)
    assert len(sounds) == sentences
    for sound in sounds:
        assert sound.rate == 24_000
        assert 0.3 < sound.seconds < 8
        assert np.abs(sound.samples).max() > 0.05
        assert np.isfinite(sound.samples).all()


def test_the_same_sentence_sounds_the_same(voices: EmbeddedSpeaker) -> None:
    fresh = EmbeddedSpeaker("package:voices", {"threads": 1, "cache": 0})
    run(fresh.load())
    first, again = said(fresh, "Goodbye.", "en"), said(fresh, "Goodbye.", "en")
    run(fresh.close())
    assert np.array_equal(first[0].samples, again[0].samples)


def test_english_words_inside_chinese_are_heard(voices: EmbeddedSpeaker) -> None:
    without, with_it = said(voices, "请联系客服。", "zh"), said(voices, "请联系WeChat客服。", "zh")
    assert with_it[0].seconds > without[0].seconds + 0.2


def test_what_has_no_words_makes_no_sound(voices: EmbeddedSpeaker) -> None:
    assert said(voices, " … !! \n", "en") == []


def test_a_language_without_a_voice_is_refused(voices: EmbeddedSpeaker) -> None:
    with pytest.raises(BadInput, match="There are: en, zh"):
        said(voices, "Guten Tag.", "de")


def test_an_unknown_voice_is_refused_and_an_unloaded_one_is_silent() -> None:
    with pytest.raises(BadInput, match="package:voices"):
        EmbeddedSpeaker("package:opera", {})
    with pytest.raises(Unavailable):
        EmbeddedSpeaker("package:voices", {}).card()
    with pytest.raises(Unavailable):
        said(EmbeddedSpeaker("package:voices", {}), "Hello.", "en")
