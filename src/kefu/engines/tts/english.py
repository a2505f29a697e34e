"""The English voice: hibari (Apache-2.0), whose weights and pronunciations lie in its package."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from kefu.engines.resolve import sha256_of
from kefu.kit.errors import BadInstallation, MissingExtra
from kefu.kit.optional import require

_WEIGHTS = "5f70741d4e900f4e85d0037498736cc1b3e1b9a63a13546a5da1e63abf4fccd8"
# Its consonants are noise from a generator; a fixed seed makes the same sentence the same sound.
_SEED = 1


def require_installed() -> None:
    """Raises MissingExtra where the extra is not installed; imports nothing."""
    if find_spec("hibari") is None:
        raise MissingExtra("hibari is not installed. Install it with: pip install 'kefu[speech]'", extra="speech")


class EnglishVoice:
    """An American woman's voice at 24 kHz. Constructing it reads the weights."""

    rate = 24_000
    version = _WEIGHTS

    def __init__(self, threads: int) -> None:
        hibari: Any = require("hibari", extra="speech")
        weights = Path(hibari.__file__).parent / "assets" / "hibari.onnx"
        if not weights.is_file() or sha256_of(weights) != _WEIGHTS:
            raise BadInstallation(
                "The English voice is damaged. Run: pip install --force-reinstall --no-deps hibari-tts==0.2.1"
            )
        self._hibari = hibari.Hibari(model=str(weights), threads=threads)

    def say(self, sentence: str, speed: float) -> npt.NDArray[np.float32]:
        """Samples of one sentence."""
        pieces = list(self._hibari.stream(sentence, speed=speed, seed=_SEED))
        return np.concatenate(pieces).astype(np.float32) if pieces else np.zeros(0, np.float32)

    def phonemes(self, words: str) -> str:
        """English words in the alphabet that Kokoro's voices share."""
        return " ".join(self._hibari.phonemize(words))
