"""A voice behind any server that speaks the OpenAI protocol."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from typing import Any

from pydantic import Field

from kefu.contracts.engine import Sound
from kefu.engines.openai_compat.server import ServerEngine, ServerOptions
from kefu.kit.errors import BadInput, Unavailable
from kefu.knowledge.sound import decode
from kefu.knowledge.sound.sentences import sentences
from kefu.knowledge.sound.spoken import without_marks


class SpeakerOptions(ServerOptions):
    """Options of the OpenAI-compatible voice."""

    voice: str = Field(default="alloy", max_length=100, description="the voice's name at the server")
    speed: float = Field(default=1.0, ge=0.25, le=4.0, description="how quickly it speaks; 1 is the voice's own pace")


class OpenAICompatSpeaker(ServerEngine[SpeakerOptions]):
    """Sound from a server's /v1/audio/speech, sentence by sentence. Reference: `openai:MODEL`."""

    def __init__(self, reference: str, options: Mapping[str, Any]) -> None:
        super().__init__(reference, options, SpeakerOptions, engine="openai_compat_speaker", noun="voice")

    async def speak(self, text: str, language: str) -> AsyncGenerator[Sound, None]:
        """Yield a sound for each sentence; the server reads numbers and dates as it will."""
        self.card()
        known = self._options.languages
        if known and language.partition("-")[0] not in known:
            raise BadInput(f"The voice speaks {', '.join(known)}, not {language!r}.", language=language)
        body = {"model": self._model, "voice": self._options.voice, "speed": self._options.speed}
        for sentence in sentences(without_marks(text, language), language):
            made = await self._client.post_for_bytes(
                "audio/speech", {**body, "input": sentence, "response_format": "wav"}
            )
            try:
                yield await asyncio.to_thread(decode, made)
            except BadInput as error:
                raise Unavailable(f"The server's speech by {self._model} is no sound that can be read.") from error
