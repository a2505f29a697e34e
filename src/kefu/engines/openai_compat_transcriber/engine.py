"""A recogniser behind any server that speaks the OpenAI protocol."""

import asyncio
from collections.abc import Mapping
from typing import Any

from pydantic import Field

from kefu.contracts.engine import EngineCard, Segment, Sound, Transcript
from kefu.engines.openai_compat.engine import ServerOptions, model_name, version_word
from kefu.engines.options import read_options
from kefu.kit.errors import Unavailable
from kefu.knowledge.sound import encode

# What servers answer with: English names in `verbose_json`, codes elsewhere.
_CODES = {"english": "en", "chinese": "zh", "mandarin": "zh", "cantonese": "zh", "yue": "zh"}


class TranscriberOptions(ServerOptions):
    """Options of the OpenAI-compatible recogniser."""

    languages: tuple[str, ...] = Field(default=(), description="codes of the languages that the model knows")
    prompt: str = Field(default="", max_length=800, description="words that the recogniser should expect")


class OpenAICompatTranscriber:
    """Text from a server's /v1/audio/transcriptions. Reference: `openai:MODEL`."""

    def __init__(self, reference: str, options: Mapping[str, Any]) -> None:
        self._options = read_options(TranscriberOptions, "openai_compat_transcriber", options)
        self._model = model_name(reference, self._options.model)
        self._client = self._options.client()
        self._card: EngineCard | None = None

    def card(self) -> EngineCard:
        if self._card is None:
            raise Unavailable(f"The recogniser {self._model} is not loaded.")
        return self._card

    async def load(self) -> None:
        version = version_word(self._model, await self._client.models())
        self._card = EngineCard(self._model, version, self._options.languages)

    async def close(self) -> None:
        self._card = None
        await self._client.close()

    async def transcribe(self, sound: Sound, language: str | None = None, *, hurried: bool = False) -> Transcript:
        self.card()
        recording = await asyncio.to_thread(encode, sound, "wav")
        wanted = {"language": language, "prompt": self._options.prompt}
        fields = {"model": self._model, "response_format": "verbose_json", **{k: v for k, v in wanted.items() if v}}
        answer = await self._client.post_file("audio/transcriptions", fields, "recording.wav", recording, "audio/wav")
        try:
            text = str(answer["text"]).strip()
            told = str(answer.get("language") or language or "").lower()
            segments = tuple(
                Segment(float(each["start"]), float(each["end"]), str(each["text"]).strip())
                for each in answer.get("segments") or ()
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise Unavailable(f"The server's transcript by {self._model} is not what the protocol says.") from error
        return Transcript(text, _CODES.get(told, told), segments, round(sound.seconds, 2))
