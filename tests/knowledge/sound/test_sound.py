"""Recordings of every format become the same samples, and what is no recording is refused by one sentence."""

import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kefu.contracts.engine import Sound
from kefu.kit.errors import BadInput, TooLarge
from kefu.knowledge.sound import FORMATS, SoundStream, decode, encode, paced, resampled, sound_kind

RATE = 16_000


def tone(seconds: float = 1.0, rate: int = RATE) -> Sound:
    moments = np.arange(int(seconds * rate)) / rate
    return Sound((0.5 * np.sin(2 * np.pi * 440 * moments)).astype(np.float32), rate)


def pitch(sound: Sound) -> float:
    """The loudest frequency, in hertz."""
    spectrum = np.abs(np.fft.rfft(sound.samples))
    return float(np.argmax(spectrum) * sound.rate / len(sound.samples))


@pytest.mark.parametrize("name", [name for name in FORMATS if name != "pcm"])
def test_a_tone_survives_each_format(name: str) -> None:
    written = encode(tone(), name)
    kind = sound_kind(written)
    assert kind is not None
    assert kind.media_type == FORMATS[name].media_type
    read = decode(written)
    assert read.rate == RATE
    assert read.seconds == pytest.approx(1.0, abs=0.15)
    assert pitch(read) == pytest.approx(440, abs=5)


@pytest.mark.parametrize("name", [name for name in FORMATS if name != "pcm"])
def test_a_sound_can_be_played_while_it_is_made(name: str) -> None:
    stream = SoundStream(name)
    first, second = stream.write(tone(1.0, 24_000)), stream.write(tone(0.5, 24_000))
    assert decode(first).seconds > 0.7
    whole = decode(first + second + stream.end())
    assert whole.seconds == pytest.approx(1.5, abs=0.15)
    assert pitch(whole) == pytest.approx(440, abs=5)


@pytest.mark.parametrize("name", ["narrow", "wide"])
def test_speex_is_heard(name: str) -> None:
    """A tone of our own, written by Debian's speexenc: nothing here can write Speex."""
    written = (Path(__file__).parent / "speex" / f"{name}.spx").read_bytes()
    read = decode(written)
    assert read.seconds == pytest.approx(1.2, abs=0.05)
    assert pitch(read) == pytest.approx(440, abs=5)
    with pytest.raises(BadInput, match="no sound"):
        decode(written[300:])  # bare frames, which say neither that they are Speex nor at what rate


@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100, 48_000])
def test_any_rate_becomes_the_recognisers(rate: int) -> None:
    read = resampled(tone(rate=rate), RATE)
    assert pitch(read) == pytest.approx(440, abs=5)


def written(container: str, codec: str, rate: int, layout: str) -> bytes:
    """A second of a tone, on the left only where there are two channels."""
    av = pytest.importorskip("av")
    whole = io.BytesIO()
    with av.open(whole, "w", format=container) as file:
        stream = file.add_stream(codec, rate=rate, layout=layout)
        left = tone(rate=rate).samples
        channels = np.stack([left, np.zeros_like(left)]) if layout == "stereo" else left.reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(channels, format="fltp", layout=layout)
        frame.sample_rate = rate
        file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    return whole.getvalue()


def test_two_channels_become_one() -> None:
    read = decode(written("wav", "pcm_s16le", RATE, "stereo"))
    assert read.samples.ndim == 1
    assert pitch(read) == pytest.approx(440, abs=5)


@pytest.mark.parametrize(
    "data",
    [b"", b"hello", b"#EXTM3U\nhttp://10.0.0.1/secret", b"ffconcat version 1.0\nfile /etc/passwd", b"RIFF\0\0\0\0WAVE"],
    ids=["empty", "text", "playlist", "list of files", "header alone"],
)
def test_what_is_no_recording_is_refused(data: bytes) -> None:
    with pytest.raises(BadInput):
        decode(data)


def test_rate_and_channels_may_change_in_the_middle_of_a_file() -> None:
    both = written("adts", "aac", 24_000, "mono") + written("adts", "aac", 48_000, "stereo")
    read = decode(both)
    assert read.seconds == pytest.approx(2.0, abs=0.2)
    assert pitch(read) == pytest.approx(440, abs=5)


def test_a_coding_that_nobody_knows_is_refused() -> None:
    whole = bytearray(encode(tone(0.1), "wav"))
    whole[20:22] = b"\xf0\x0f"
    with pytest.raises(BadInput, match="coding of sound that is not known"):
        decode(bytes(whole))


@pytest.mark.parametrize("speed", [0.25, 0.8, 1.0, 1.5, 4.0])
def test_what_is_said_more_quickly_has_the_same_pitch(speed: float) -> None:
    said = paced(tone(2.0), speed)
    assert said.seconds == pytest.approx(2.0 / speed, rel=0.05)
    assert pitch(said) == pytest.approx(440, abs=5)


def test_a_long_recording_is_refused_by_its_length() -> None:
    with pytest.raises(TooLarge, match="longer than 2 seconds"):
        decode(encode(tone(4), "mp3"), most_seconds=2)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(["wav", "mp3", "opus", "amr", "aac", "flac"]), st.data())
def test_a_damaged_recording_is_read_or_refused(name: str, data: st.DataObject) -> None:
    whole = bytearray(encode(tone(0.3), name))
    for _ in range(data.draw(st.integers(1, 8))):
        whole[data.draw(st.integers(4, len(whole) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(4, len(whole)))
    try:
        read = decode(bytes(whole[:cut]), most_seconds=60)
    except BadInput:
        return
    assert np.isfinite(read.samples).all()
    assert np.abs(read.samples).max() <= 1.0


def test_an_unknown_format_names_those_there_are() -> None:
    with pytest.raises(BadInput, match="wav, mp3"):
        encode(tone(), "wma")
