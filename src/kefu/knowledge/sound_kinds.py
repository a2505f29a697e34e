"""What sound a file is, told from its bytes: for whoever decodes it, and for whoever only keeps it.

Apart from the decoder, so that keeping a file loads no arithmetic.
"""

from dataclasses import dataclass


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


def may_show_pictures(data: bytes, kind: SoundKind) -> bool:
    """Whether a container of sound may be a film: it can be listened to, and is no recording."""
    if kind is _M4A:
        return data[8:12] not in {b"M4A ", b"M4B "}
    # What a browser records has no pictures in it: Matroska's own word for WebM, and no video codec.
    return kind is _WEBM and (b"webm" not in data[:64] or b"V_" in data[:4096])


def _framed(data: bytes) -> SoundKind | None:
    """MP3 or AAC without a header: each frame begins with eleven or twelve bits set (ISO 11172-3, 13818-7)."""
    if len(data) < 4 or data[0] != 0xFF or data[1] & 0xE0 != 0xE0:
        return None
    if data[1] & 0xF6 == 0xF0:  # layer 0 is AAC's
        return _AAC
    is_layer_2_or_3 = data[1] & 0x06 in {0x02, 0x04}  # 1 is nobody's any more, and looks like UTF-16's mark
    is_possible = data[1] & 0x18 != 0x08 and data[2] & 0xF0 != 0xF0  # a version and a bit rate that exist
    return _MP3 if is_layer_2_or_3 and is_possible else None
