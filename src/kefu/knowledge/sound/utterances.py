"""A sound that is still coming in, cut into utterances: when somebody begins, pauses, goes on, and has ended.

A pause is told before it is certain that the utterance has ended, so that whoever recognises can begin already.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from kefu.knowledge.sound.voice import WINDOW, WINDOW_SECONDS, Detector, Samples

Stage = Literal["began", "paused", "went_on", "ended"]

# Probabilities above the first are speech, below the second silence; between them it goes on as it was.
_SPEECH, _SILENCE = 0.5, 0.35
# In seconds. A syllable is longer than the first; a cough or a piece of an answer that the microphone picks up seldom
# lasts as long as the second, which holds while an answer is being played.
_BEGINS_AFTER = 0.096
_INTERRUPTS_AFTER = 0.256
# People pause for a breath within a sentence for a quarter of a second and more; past the second they have ended.
_PAUSE = 0.256
_END = 0.576
# What is kept from before the first loud window, and of the silence behind the last: soft consonants.
_BEFORE = 0.32
_BEHIND = 0.192
# Whisper looks at thirty seconds; longer speech is cut at any window once it is past this.
_LONGEST = 26.0


@dataclass(frozen=True, eq=False)
class Change:
    """What has just become clear. `samples` are, of a pause and of an end, all that was said."""

    stage: Stage
    samples: Samples = field(default_factory=lambda: np.zeros(0, np.float32))


class Utterances:
    """Feed it samples as they come; it gives what changed."""

    def __init__(self, detector: Detector) -> None:
        self._detector = detector
        self._rest = np.zeros(0, np.float32)
        self._before: deque[Samples] = deque(maxlen=_windows(_BEFORE))
        self._said: list[Samples] = []
        self._loud = 0
        self._quiet = 0
        self._paused = False

    @property
    def speaking(self) -> bool:
        """Whether an utterance is under way."""
        return bool(self._said)

    def feed(self, samples: Samples, *, guarded: bool = False) -> Iterator[Change]:
        """What float32 samples of 16,000 a second change; `guarded` while a sound is played that may be picked up."""
        whole = np.concatenate([self._rest, samples])
        cut = len(whole) // WINDOW * WINDOW
        self._rest = whole[cut:]
        for start in range(0, cut, WINDOW):
            window = whole[start : start + WINDOW]
            yield from self._hear(window, self._detector(window), guarded=guarded)

    def end(self) -> Iterator[Change]:
        """The sound has ended: so has what was being said."""
        if self.speaking:
            yield self._ended()

    def _hear(self, window: Samples, probability: float, *, guarded: bool) -> Iterator[Change]:
        if not self.speaking:
            self._before.append(window)
            self._loud = self._loud + 1 if probability >= _SPEECH else 0
            if self._loud >= _windows(_INTERRUPTS_AFTER if guarded else _BEGINS_AFTER):
                self._said = list(self._before)
                self._quiet, self._paused = 0, False
                yield Change("began")
            return
        self._said.append(window)
        is_silent = probability < (_SILENCE if self._quiet == 0 else _SPEECH)
        self._quiet = self._quiet + 1 if is_silent else 0
        if self._quiet == 0 and self._paused:
            self._paused = False
            yield Change("went_on")
        if self._quiet >= _windows(_END) or len(self._said) >= _windows(_LONGEST):
            yield self._ended()
        elif self._quiet >= _windows(_PAUSE) and not self._paused:
            self._paused = True
            yield Change("paused", self._heard())

    def _heard(self) -> Samples:
        """All that was said, with a little of the silence behind it: the same at the pause and at the end of it."""
        silence = max(0, self._quiet - _windows(_BEHIND))
        return np.concatenate(self._said[: len(self._said) - silence])

    def _ended(self) -> Change:
        change = Change("ended", self._heard())
        self._said, self._loud, self._quiet, self._paused = [], 0, 0, False
        self._before.clear()
        return change


def _windows(seconds: float) -> int:
    return round(seconds / WINDOW_SECONDS)
