"""Samples to bytes of a format that a browser, a telephone or a messenger plays."""

import io
from dataclasses import dataclass
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


def encode(sound: Sound, name: str) -> bytes:
    """The sound in one of FORMATS. Raises BadInput for another name, MissingExtra without the extra `speech`."""
    if name not in FORMATS:
        raise BadInput(f"There is no sound format {name!r}. Known: {', '.join(FORMATS)}.", format=name)
    form = FORMATS[name]
    av: Any = require("av", extra="speech")
    whole = io.BytesIO()
    with av.open(whole, "w", format=form.container) as container:
        stream = container.add_stream(form.codec, rate=form.rate, layout="mono")
        if form.bits:
            stream.bit_rate = form.bits
        resampler = av.AudioResampler(
            format=stream.codec_context.format.name, layout="mono", rate=form.rate, frame_size=_frame_size(stream)
        )
        for frame in (*resampler.resample(_frame(av, sound)), *resampler.resample(None)):
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return whole.getvalue()


def resampled(sound: Sound, rate: int) -> Sound:
    """The sound at another rate. Raises MissingExtra without the extra `speech`."""
    if sound.rate == rate:
        return sound
    av: Any = require("av", extra="speech")
    resampler = av.AudioResampler(format="flt", layout="mono", rate=rate)
    frames = (*resampler.resample(_frame(av, sound)), *resampler.resample(None))
    pieces = [frame.to_ndarray().reshape(-1) for frame in frames] or [np.zeros(0, np.float32)]
    return Sound(np.concatenate(pieces).astype(np.float32, copy=False), rate)


def _frame(av: Any, sound: Sound) -> Any:
    frame = av.AudioFrame.from_ndarray(sound.samples.reshape(1, -1).astype(np.float32), format="flt", layout="mono")
    frame.sample_rate = sound.rate
    return frame


def _frame_size(stream: Any) -> int:
    stream.codec_context.open(strict=False)
    return int(stream.codec_context.frame_size or 0)
