"""Bytes to samples. The kind is told from the bytes and only that kind's reader is run.

FFmpeg, left to guess, would also open playlists, which name other files and addresses.
"""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from kefu.contracts.engine import Sound
from kefu.kit.errors import BadInput, TooLarge
from kefu.kit.optional import require

# What recognisers work on.
RATE = 16_000
# A container that claims more channels or a rate past these is not a recording of somebody who speaks.
_MOST_CHANNELS = 8
_RATES = range(4_000, 192_001)
# Damaged packets in a row after which the rest is given up: a broken transmission has a few, a lying file nothing else.
_MOST_DAMAGED = 50


@dataclass(frozen=True)
class SoundKind:
    """A format of sound: its media type, the usual ending, and FFmpeg's name of its reader."""

    media_type: str
    ending: str
    reader: str


_WAV = SoundKind("audio/wav", "wav", "wav")
_OGG = SoundKind("audio/ogg", "ogg", "ogg")
_MP3 = SoundKind("audio/mpeg", "mp3", "mp3")
_AAC = SoundKind("audio/aac", "aac", "aac")
_M4A = SoundKind("audio/mp4", "m4a", "mov")
_WEBM = SoundKind("audio/webm", "webm", "matroska")
_AMR = SoundKind("audio/amr", "amr", "amr")
_FLAC = SoundKind("audio/flac", "flac", "flac")
_AIFF = SoundKind("audio/aiff", "aiff", "aiff")
_CAF = SoundKind("audio/x-caf", "caf", "caf")
_AU = SoundKind("audio/basic", "au", "au")

_BEGINNINGS = (
    (b"OggS", _OGG),
    (b"ID3", _MP3),
    (b"#!AMR", _AMR),
    (b"fLaC", _FLAC),
    (b"\x1a\x45\xdf\xa3", _WEBM),
    (b"caff", _CAF),
    (b".snd", _AU),
)
READABLE = "WAV, MP3, M4A, AAC, Ogg (Opus, Vorbis, Speex), WebM, AMR, FLAC, AIFF, CAF, AU"


def sound_kind(data: bytes) -> SoundKind | None:
    """The format that the bytes begin as; None for none that is read."""
    for beginning, kind in _BEGINNINGS:
        if data.startswith(beginning):
            return kind
    if data[:4] in {b"RIFF", b"RF64"} and data[8:12] == b"WAVE":
        return _WAV
    if data[:4] == b"FORM" and data[8:12] in {b"AIFF", b"AIFC"}:
        return _AIFF
    if data[4:8] == b"ftyp":
        return _M4A
    return _framed(data)


def decode(data: bytes, *, most_seconds: float = 600.0) -> Sound:
    """One channel of 16,000 samples a second from the bytes of a recording; several channels are averaged.

    Raises BadInput for what is no recording, is silent of any packet or too damaged to read, TooLarge past
    `most_seconds`, MissingExtra without the extra `speech`.
    """
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


def _framed(data: bytes) -> SoundKind | None:
    """MP3 or AAC without a header: each frame begins with eleven or twelve bits set."""
    if len(data) < 4 or data[0] != 0xFF:
        return None
    if data[1] & 0xF6 == 0xF0:
        return _AAC
    return _MP3 if data[1] & 0xE0 == 0xE0 and data[1] & 0x06 else None


def _decoded(data: bytes, kind: SoundKind) -> Iterator[np.ndarray[Any, np.dtype[np.float32]]]:
    av: Any = require("av", extra="speech")
    try:
        with av.open(io.BytesIO(data), format=kind.reader, metadata_errors="ignore") as container:
            if not container.streams.audio:
                raise BadInput("The file has no sound track.")
            stream = container.streams.audio[0]
            _refuse_odd(stream)
            resampler = av.AudioResampler(format="flt", layout="mono", rate=RATE)
            for frame in _frames(av, container, stream):
                frame.pts = None  # gaps in a damaged file's clock are not filled with silence
                for piece in resampler.resample(frame):
                    yield _finite(piece.to_ndarray().reshape(-1))
            for piece in resampler.resample(None):
                yield _finite(piece.to_ndarray().reshape(-1))
    except av.error.FFmpegError as error:
        raise BadInput(f"The recording is damaged and cannot be read as {kind.ending}.") from error


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
    if stream.codec_context.rate not in _RATES or not 1 <= stream.codec_context.channels <= _MOST_CHANNELS:
        raise BadInput("The recording's header names a rate or a number of channels that no recording of speech has.")


def _finite(samples: np.ndarray[Any, Any]) -> np.ndarray[Any, np.dtype[np.float32]]:
    bounded: np.ndarray[Any, np.dtype[np.float32]] = np.clip(np.nan_to_num(samples.astype(np.float32)), -1.0, 1.0)
    return bounded
