"""Sound: bytes of any format to samples and back, and text as it is said aloud."""

from kefu.knowledge.sound.decode import decode
from kefu.knowledge.sound.encode import FORMATS, SoundStream, encode, paced, resampled
from kefu.knowledge.sound_kinds import SoundKind, sound_kind

__all__ = ["FORMATS", "SoundKind", "SoundStream", "decode", "encode", "paced", "resampled", "sound_kind"]
