"""Samples to bytes of a format that a browser, a telephone or a messenger plays."""

import contextlib
import io
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from kefu.contracts.engine import Sound
from kefu.kit.errors import BadInput
from kefu.kit.optional import require


@dataclass(frozen=True)
class SoundFormat:
    """How a format is written: FFmpeg's container and codec, the rate, and bits a second where the codec asks."""

    media_type: str
    ending: str
    container: str
    codec: str
    rate: int
    bits: int = 0


# Names as OpenAI's `response_format` has them, where they are the same. Opus takes 24 and 48 kHz only of the usual
# rates, AMR nothing but 8; WeChat plays AMR alone.
FORMATS = {
    "wav": SoundFormat("audio/wav", "wav", "wav", "pcm_s16le", 24_000),
    "mp3": SoundFormat("audio/mpeg", "mp3", "mp3", "libmp3lame", 24_000, 64_000),
    "opus": SoundFormat("audio/ogg", "ogg", "ogg", "libopus", 24_000, 32_000),
    "aac": SoundFormat("audio/aac", "aac", "adts", "aac", 24_000, 64_000),
    "flac": SoundFormat("audio/flac", "flac", "flac", "flac", 24_000),
    "amr": SoundFormat("audio/amr", "amr", "amr", "libopencore_amrnb", 8_000, 12_200),
    "pcm": SoundFormat("audio/pcm", "pcm", "s16le", "pcm_s16le", 24_000),
}

# Each packet leaves at once (FFmpeg would else fill a buffer of 32 KB, which is seconds of speech), and a page of Ogg
# holds a fifth of a second (in microseconds) in place of a whole one.
_LIVELY = {"flush_packets": "1", "page_duration": "200000"}

_SLOWEST_STEP = 0.5


def encode(sound: Sound, name: str) -> bytes:
    """The sound in one of FORMATS. Raises BadInput for another name, MissingExtra without the extra `speech`."""
    whole = io.BytesIO()
    writer = _Writer(whole, name)
    writer.write(sound)
    writer.end()
    return whole.getvalue()


class SoundStream:
    """Sound in one of FORMATS while it is made: what is written comes out as bytes that can be played so far.

    A format whose header tells its length (WAV, FLAC) leaves that open. Raises as `encode` does.
    """

    def __init__(self, name: str) -> None:
        self._pipe = _Pipe()
        self._writer = _Writer(self._pipe, name)

    def write(self, sound: Sound) -> bytes:
        """Bytes that are whole by now, perhaps none; every sound has the rate of the first."""
        self._writer.write(sound)
        return self._pipe.take()

    def end(self) -> bytes:
        """The last bytes."""
        self._writer.end()
        return self._pipe.take()


class _Pipe:
    """A file that is only written to: FFmpeg sees that it cannot go back, and fills nothing in later."""

    def __init__(self) -> None:
        self._held = bytearray()

    def write(self, data: bytes) -> int:
        self._held += data
        return len(data)

    def take(self) -> bytes:
        data = bytes(self._held)
        self._held.clear()
        return data


class _Writer:
    """Encodes into a file, sound by sound."""

    def __init__(self, file: Any, name: str) -> None:
        if name not in FORMATS:
            raise BadInput(f"There is no sound format {name!r}. Known: {', '.join(FORMATS)}.", format=name)
        form = FORMATS[name]
        self._av: Any = require("av", extra="speech")
        self._container = self._av.open(file, "w", format=form.container, container_options=_LIVELY)
        self._stream = self._container.add_stream(form.codec, rate=form.rate, layout="mono")
        if form.bits:
            self._stream.bit_rate = form.bits
        self._resampler = self._av.AudioResampler(
            format=self._stream.codec_context.format.name,
            layout="mono",
            rate=form.rate,
            frame_size=_frame_size(self._stream),
        )

    def write(self, sound: Sound) -> None:
        self._mux(self._resampler.resample(_frame(self._av, sound)))

    def end(self) -> None:
        self._mux(self._resampler.resample(None))
        self._container.mux(self._stream.encode(None))
        self._container.close()

    def _mux(self, frames: Iterable[Any]) -> None:
        for frame in frames:
            self._container.mux(self._stream.encode(frame))


def resampled(sound: Sound, rate: int) -> Sound:
    """The sound at another rate. Raises MissingExtra without the extra `speech`."""
    if sound.rate == rate:
        return sound
    av: Any = require("av", extra="speech")
    resampler = av.AudioResampler(format="flt", layout="mono", rate=rate)
    frames = (*resampler.resample(_frame(av, sound)), *resampler.resample(None))
    pieces = [frame.to_ndarray().reshape(-1) for frame in frames] or [np.zeros(0, np.float32)]
    return Sound(np.concatenate(pieces).astype(np.float32, copy=False), rate)


def paced(sound: Sound, speed: float) -> Sound:
    """The sound quicker (`speed` over 1) or slower, at the same pitch. Raises MissingExtra without `speech`."""
    if speed == 1.0 or not sound.samples.size:
        return sound
    av: Any = require("av", extra="speech")
    graph = av.filter.Graph()
    source = graph.add_abuffer(sample_rate=sound.rate, format="flt", layout="mono", time_base=Fraction(1, sound.rate))
    # FFmpeg takes at least half the pace in one step.
    steps = [speed] if speed >= _SLOWEST_STEP else [_SLOWEST_STEP, speed / _SLOWEST_STEP]
    graph.link_nodes(source, *(graph.add("atempo", str(step)) for step in steps), graph.add("abuffersink")).configure()
    graph.push(_frame(av, sound))
    graph.push(None)
    pieces = []
    with contextlib.suppress(av.error.EOFError):
        while True:
            pieces.append(graph.pull().to_ndarray().reshape(-1))
    return Sound(np.concatenate(pieces).astype(np.float32, copy=False), sound.rate)


def _frame(av: Any, sound: Sound) -> Any:
    frame = av.AudioFrame.from_ndarray(sound.samples.reshape(1, -1).astype(np.float32), format="flt", layout="mono")
    frame.sample_rate = sound.rate
    return frame


def _frame_size(stream: Any) -> int:
    stream.codec_context.open(strict=False)
    return int(stream.codec_context.frame_size or 0)
