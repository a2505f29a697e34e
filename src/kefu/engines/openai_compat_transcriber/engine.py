"""A recogniser behind any server that speaks the OpenAI protocol."""

import asyncio
from collections.abc import Mapping
from typing import Any

from pydantic import Field

from kefu.contracts.engine import Segment, Sound, Transcript
from kefu.engines.openai_compat.server import ServerEngine, ServerOptions
from kefu.kit.errors import Unavailable
from kefu.knowledge.sound import encode
from kefu.knowledge.sound.voice import somebody_speaks

# What servers answer with: English names in `verbose_json`, codes elsewhere.
_CODES = {"english": "en", "chinese": "zh", "mandarin": "zh", "cantonese": "zh", "yue": "zh"}


class TranscriberOptions(ServerOptions):
    """Options of the OpenAI-compatible recogniser."""

    prompt: str = Field(default="", max_length=800, description="words that the recogniser should expect")


class OpenAICompatTranscriber(ServerEngine[TranscriberOptions]):
    """Text from a server's /v1/audio/transcriptions. Reference: `openai:MODEL`."""

    def __init__(self, reference: str, options: Mapping[str, Any]) -> None:
        super().__init__(reference, options, TranscriberOptions, engine="openai_compat_transcriber", noun="recogniser")

    async def transcribe(self, sound: Sound, language: str | None = None, *, hurried: bool = False) -> Transcript:
        self.card()
        # Recognisers invent words for silence and noise, and not every server drops them.
        if not await asyncio.to_thread(somebody_speaks, sound):
            return Transcript("", "")
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
