"""Sound: bytes of any format to samples and back, and text as it is said aloud."""

from kefu.knowledge.sound.decode import SoundKind, decode, sound_kind
from kefu.knowledge.sound.encode import FORMATS, encode, resampled

__all__ = ["FORMATS", "SoundKind", "decode", "encode", "resampled", "sound_kind"]
