"""Sound that is still coming in is cut into utterances: a recording of somebody, whatever its pieces are."""

from pathlib import Path

import numpy as np
import pytest

from kefu.knowledge.sound import decode
from kefu.knowledge.sound.utterances import Change, Utterances
from kefu.knowledge.sound.voice import Detector, Loudness, Samples, detector

RECORDED = Path(__file__).parents[2] / "engines" / "speech" / "fixtures" / "en_lj_LJ001-0002.wav"
RATE = 16_000


def quiet(seconds: float) -> Samples:
    """A room in which nobody speaks."""
    return (0.0005 * np.random.default_rng(1).standard_normal(int(seconds * RATE))).astype(np.float32)


@pytest.fixture(scope="module")
def speech() -> Samples:
    return decode(RECORDED.read_bytes()).samples


@pytest.fixture(params=[detector, Loudness], ids=["network", "loudness"])
def ears(request: pytest.FixtureRequest) -> Detector:
    made: Detector = request.param()
    return made


def changes(utterances: Utterances, samples: Samples, piece: int = 640, **how: bool) -> list[Change]:
    return [
        change for at in range(0, len(samples), piece) for change in utterances.feed(samples[at : at + piece], **how)
    ]


def stages(found: list[Change]) -> list[str]:
    return [change.stage for change in found]


@pytest.mark.parametrize("piece", [160, 640, 7_001])
def test_a_sentence_begins_pauses_and_ends(ears: Detector, speech: Samples, piece: int) -> None:
    found = changes(Utterances(ears), np.concatenate([quiet(0.5), speech, quiet(1.0)]), piece)
    assert stages(found) == ["began", "paused", "ended"]
    assert len(found[-1].samples) / RATE == pytest.approx(len(speech) / RATE, abs=0.5)
    assert np.array_equal(found[1].samples, found[2].samples)  # what was begun in the pause holds at the end


def test_who_goes_on_after_a_breath_has_said_one_thing(ears: Detector, speech: Samples) -> None:
    found = changes(Utterances(ears), np.concatenate([quiet(0.5), speech, quiet(0.4), speech, quiet(1.0)]))
    assert stages(found) == ["began", "paused", "went_on", "paused", "ended"]
    assert len(found[-1].samples) > 1.9 * len(speech)


def test_two_sentences_are_two_utterances(ears: Detector, speech: Samples) -> None:
    found = changes(Utterances(ears), np.concatenate([quiet(0.5), speech, quiet(1.0), speech, quiet(1.0)]))
    assert stages(found).count("ended") == 2


def test_silence_clicks_and_noise_begin_nothing() -> None:
    noise = (0.05 * np.random.default_rng(2).standard_normal(3 * RATE)).astype(np.float32)
    click = quiet(1.0)
    click[8000:8100] = 0.9
    for sound in (np.zeros(2 * RATE, np.float32), quiet(2.0), click, noise):
        assert changes(Utterances(detector()), sound) == []


def test_a_short_sound_does_not_interrupt_an_answer(speech: Samples) -> None:
    loud = int(np.argmax(np.abs(speech)))
    cough = np.concatenate([quiet(1.0), speech[loud : loud + RATE // 6], quiet(1.0)])
    always = Always(cough)
    assert stages(changes(Utterances(always), cough)) == ["began", "paused", "ended"]
    assert changes(Utterances(Always(cough)), cough, guarded=True) == []


def test_speech_without_end_is_cut(speech: Samples) -> None:
    found = changes(Utterances(Always(speech)), np.resize(speech, 60 * RATE))
    assert stages(found) == ["began", "ended", "began", "ended", "began"]  # the rest is under way
    assert all(len(change.samples) <= 27 * RATE for change in found)


def test_the_end_of_the_line_ends_what_was_being_said(ears: Detector, speech: Samples) -> None:
    utterances = Utterances(ears)
    changes(utterances, np.concatenate([quiet(0.5), speech[: len(speech) * 2 // 3]]))
    assert utterances.speaking
    [last] = utterances.end()
    assert last.stage == "ended"
    assert len(last.samples) > RATE
    assert not utterances.speaking


class Always:
    """Whatever is not nearly silent is speech."""

    def __init__(self, sound: Samples) -> None:
        self._least = 0.02 * float(np.max(np.abs(sound)))

    def __call__(self, window: Samples) -> float:
        return float(np.max(np.abs(window)) > self._least)
