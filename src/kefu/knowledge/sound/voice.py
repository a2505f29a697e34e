"""How likely it is that somebody speaks in a sound that is still coming in, 32 ms at a time."""

from functools import cache
from importlib.util import find_spec
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from kefu.contracts.engine import Sound
from kefu.kit.optional import require
from kefu.knowledge.sound.decode import RATE
from kefu.knowledge.sound.encode import resampled

Samples = npt.NDArray[np.float32]

# What Silero's network takes at a time, and how much of the window before it looks at again.
WINDOW = 512
_CONTEXT = 64
# From this probability on it is speech, and from so many windows on more than a click: a tenth of a second.
_SPEECH, _SYLLABLE = 0.5, 3
WINDOW_SECONDS = WINDOW / RATE

# The energy detector: speech is this much louder than the quietest lately, in decibels, and not below a whisper.
_ABOVE_NOISE = 12.0
_FAINTEST = -50.0
_NOISE_RISES = 0.02  # decibels a window: a fan that was switched on is noise again after some seconds


class Detector(Protocol):
    """Hears windows in order and keeps what it needs between them."""

    def __call__(self, window: Samples) -> float:
        """The probability of speech in float32 [WINDOW]."""


def detector() -> Detector:
    """Silero's network where faster-whisper brings it, else one that goes by loudness."""
    return _Silero() if find_spec("faster_whisper") is not None else Loudness()


def somebody_speaks(sound: Sound) -> bool:
    """Whether it holds a spoken syllable: clicks and noise reach fewer windows in a row."""
    samples = resampled(sound, RATE).samples
    hear, heard = detector(), 0
    for at in range(0, len(samples) - WINDOW + 1, WINDOW):
        heard = heard + 1 if hear(samples[at : at + WINDOW]) >= _SPEECH else 0
        if heard >= _SYLLABLE:
            return True
    return False


class _Silero:
    """Silero's voice detector, one window at a time, its memory kept between them."""

    def __init__(self) -> None:
        self._run = _session().run
        self._memory = np.zeros((2, 1, 1, 128), np.float32)
        self._before = np.zeros(_CONTEXT, np.float32)

    def __call__(self, window: Samples) -> float:
        heard = np.concatenate([self._before, window]).reshape(1, -1)
        self._before = window[-_CONTEXT:]
        told, hidden, cell = self._run(None, {"input": heard, "h": self._memory[0], "c": self._memory[1]})
        self._memory = np.stack([hidden, cell])
        return float(np.asarray(told).reshape(-1)[0])


class Loudness:
    """Speech is what is clearly louder than the room."""

    def __init__(self) -> None:
        self._noise = _FAINTEST

    def __call__(self, window: Samples) -> float:
        level = 10 * float(np.log10(np.mean(np.square(window)) + 1e-10))
        self._noise = min(level, self._noise + _NOISE_RISES) if level > _FAINTEST else _FAINTEST
        above = level - max(self._noise, _FAINTEST) - _ABOVE_NOISE
        return float(1 / (1 + np.exp(-above)))


@cache
def _session() -> Any:
    vad: Any = require("faster_whisper.vad", extra="speech")
    return vad.get_vad_model().session
