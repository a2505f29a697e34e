"""Bytes to samples. The kind is told from the bytes and only that kind's reader is run.

FFmpeg, left to guess, would also open playlists, which name other files and addresses.
"""

import io
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from kefu.contracts.engine import Sound
from kefu.kit.errors import BadInput, TooLarge
from kefu.kit.optional import require
from kefu.knowledge.sound_kinds import READABLE, SoundKind, sound_kind

# What recognisers work on.
RATE = 16_000
# A container that claims more channels or a rate past these is not a recording of somebody who speaks.
_MOST_CHANNELS = 8
_RATES = range(4_000, 192_001)
# Damaged packets in a row after which the rest is given up: a broken transmission has a few, a lying file nothing else.
_MOST_DAMAGED = 50


def decode(data: bytes, *, most_seconds: float = 600.0) -> Sound:
    """One channel of 16,000 samples a second from the bytes of a recording; several channels are averaged.

    Raises BadInput for what is no recording, is silent of any packet or too damaged to read, TooLarge past
    `most_seconds`, MissingExtra without the extra `speech`.
    """
    if not data:
        raise BadInput("The recording is empty.")
    kind = sound_kind(data)
    if kind is None:
        raise BadInput(f"This is no sound that can be read. Readable: {READABLE}.")
    pieces: list[np.ndarray[Any, np.dtype[np.float32]]] = []
    samples = 0
    for piece in _decoded(data, kind):
        samples += len(piece)
        if samples > most_seconds * RATE:
            raise TooLarge(f"The recording is longer than {most_seconds:g} seconds.")
        pieces.append(piece)
    if not samples:
        raise BadInput("The recording holds no sound.")
    return Sound(np.concatenate(pieces), RATE)


def _decoded(data: bytes, kind: SoundKind) -> Iterator[np.ndarray[Any, np.dtype[np.float32]]]:
    av: Any = require("av", extra="speech")
    try:
        with av.open(io.BytesIO(data), format=kind.reader, metadata_errors="ignore") as container:
            if not container.streams.audio:
                raise BadInput("The file has no sound track.")
            stream = container.streams.audio[0]
            _refuse_odd(stream)
            for piece in _resampled(av, _frames(av, container, stream)):
                yield _finite(piece.to_ndarray().reshape(-1))
    except av.error.FFmpegError as error:
        raise BadInput(f"The recording is damaged and cannot be read as {kind.ending}.") from error


def _resampled(av: Any, frames: Iterable[Any]) -> Iterator[Any]:
    """Frames at our rate. In the middle of a file, damaged or joined of several, rate and channels may change."""
    resampler: Any = None
    before = None
    for frame in frames:
        frame.pts = None  # gaps in a damaged file's clock are not filled with silence
        shape = (frame.format.name, frame.layout.name, frame.sample_rate)
        if shape != before:
            yield from resampler.resample(None) if resampler else ()
            resampler, before = av.AudioResampler(format="flt", layout="mono", rate=RATE), shape
        yield from resampler.resample(frame)
    yield from resampler.resample(None) if resampler else ()


def _frames(av: Any, container: Any, stream: Any) -> Iterator[Any]:
    """What can be decoded; single packets that cannot are passed over."""
    damaged = 0
    for packet in container.demux(stream):
        try:
            yield from packet.decode()
            damaged = 0
        except av.error.FFmpegError:
            damaged += 1
            if damaged > _MOST_DAMAGED:
                raise


def _refuse_odd(stream: Any) -> None:
    if stream.codec_context is None:
        raise BadInput("The recording's header names a coding of sound that is not known.")
    if stream.codec_context.rate not in _RATES or not 1 <= stream.codec_context.channels <= _MOST_CHANNELS:
        raise BadInput("The recording's header names a rate or a number of channels that no recording of speech has.")


def _finite(samples: np.ndarray[Any, Any]) -> np.ndarray[Any, np.dtype[np.float32]]:
    bounded: np.ndarray[Any, np.dtype[np.float32]] = np.clip(np.nan_to_num(samples.astype(np.float32)), -1.0, 1.0)
    return bounded
