"""The embedded voices: text to sound sentence by sentence, on a thread of their own; frequent sentences are kept."""

import asyncio
import hashlib
import threading
from collections import OrderedDict
from collections.abc import AsyncGenerator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from pydantic import Field

from kefu.contracts.engine import EngineCard, Sound
from kefu.engines.options import EngineOptions, read_options, speech_threads
from kefu.kit.errors import BadInput, Busy, Unavailable
from kefu.knowledge.sound.sentences import sentences
from kefu.knowledge.sound.spoken import spoken

DEFAULT = "package:voices"
# Between two sentences, in seconds.
_PAUSE = 0.3


class Voice(Protocol):
    """One language's voice. `version` is the SHA-256 of its weights."""

    rate: int
    version: str

    def say(self, sentence: str, speed: float) -> npt.NDArray[np.float32]:
        """Samples of one sentence, as `spoken` gives it."""


class TtsOptions(EngineOptions):
    """Options of the embedded voices."""

    threads: int = Field(
        default=0, ge=0, le=64, description="threads that one sentence may use; 0: KEFU_SPEECH_THREADS"
    )
    speed: float = Field(default=1.0, ge=0.5, le=2.0, description="how quickly it speaks; 1 is the voice's own pace")
    queue: int = Field(default=32, ge=1, description="waiting answers past which a further one is refused")
    cache: int = Field(default=256, ge=0, description="sentences whose sound is kept")


class EmbeddedSpeaker:
    """Text to sound: `package:voices`. A voice is loaded when its language is first spoken."""

    def __init__(self, reference: str, options: Mapping[str, Any]) -> None:
        if reference != DEFAULT:
            raise BadInput(f"{reference!r} is no embedded voice. Expected {DEFAULT}.", reference=reference)
        self._options = read_options(TtsOptions, "tts", options)
        self._lock = threading.Lock()
        self._voices: dict[str, Voice] = {}
        self._kept: OrderedDict[bytes, npt.NDArray[np.float32]] = OrderedDict()
        self._pool: ThreadPoolExecutor | None = None
        self._waiting = 0

    def card(self) -> EngineCard:
        if self._pool is None:
            raise Unavailable("The voices are not loaded.")
        version = "+".join(self._voices[each].version[:12] for each in sorted(self._voices))
        return EngineCard("voices", version or "on demand", ("en", "zh"))

    async def load(self) -> None:
        """Make ready; a voice itself is read when it is first needed. Raises MissingExtra."""
        from kefu.engines.tts import english, mandarin

        with self._lock:
            english.require_installed()
            mandarin.require_installed()
            self._pool = self._pool or ThreadPoolExecutor(1, thread_name_prefix="kefu-voice")

    async def close(self) -> None:
        pool, self._pool = self._pool, None
        self._voices.clear()
        self._kept.clear()
        if pool is not None:
            await asyncio.to_thread(pool.shutdown)

    async def speak(self, text: str, language: str) -> AsyncGenerator[Sound, None]:
        """Yield a sound for each sentence, all but the last with a pause behind it."""
        lang = language.partition("-")[0]
        if lang not in {"en", "zh"}:
            raise BadInput(f"There is no voice for the language {language!r}. There are: en, zh.", language=language)
        said = sentences(spoken(text, lang), lang)
        for number, sentence in enumerate(said, 1):
            samples, rate = await self._said(sentence, lang)
            pause = np.zeros(int(_PAUSE * rate) if number < len(said) else 0, np.float32)
            yield Sound(np.concatenate([samples, pause]), rate)

    async def _said(self, sentence: str, language: str) -> tuple[npt.NDArray[np.float32], int]:
        if self._pool is None:
            raise Unavailable("The voices are not loaded.")
        if self._waiting >= self._options.queue:
            raise Busy("Too many answers are waiting to be spoken.", retry_after=5)
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, self._say, sentence, language)
        finally:
            self._waiting -= 1

    def _say(self, sentence: str, language: str) -> tuple[npt.NDArray[np.float32], int]:
        voice = self._voice(language)
        key = hashlib.blake2b(f"{language}\0{sentence}".encode(), digest_size=16).digest()
        samples = self._kept.pop(key, None)
        if samples is None:
            samples = voice.say(sentence, self._options.speed)
        if self._options.cache:
            self._kept[key] = samples
            while len(self._kept) > self._options.cache:
                self._kept.popitem(last=False)
        return samples, voice.rate

    def _voice(self, language: str) -> Voice:
        from kefu.engines.tts.english import EnglishVoice
        from kefu.engines.tts.mandarin import MandarinVoice

        threads = speech_threads(self._options.threads)
        if language not in self._voices:
            self._voices[language] = EnglishVoice(threads) if language == "en" else MandarinVoice(threads)
        return self._voices[language]
