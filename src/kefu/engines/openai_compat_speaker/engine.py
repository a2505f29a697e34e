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

    voice: str = Field(
        default="alloy", max_length=200, description="the voice's name at the server; en=NAME,zh=NAME for each language"
    )
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
        voice = voice_for(self._options.voice, language)
        body = {"model": self._model, "voice": voice, "speed": self._options.speed}
        for sentence in sentences(without_marks(text, language), language):
            made = await self._client.post_for_bytes(
                "audio/speech", {**body, "input": sentence, "response_format": "wav"}
            )
            try:
                yield await asyncio.to_thread(decode, made)
            except BadInput as error:
                raise Unavailable(f"The server's speech by {self._model} is no sound that can be read.") from error


def voice_for(given: str, language: str) -> str:
    """The voice of a language: most servers have one for each. The first stands in where none is named for it.

    Raises BadInput where names for languages and a name for all are mixed.
    """
    pairs = [each.strip().partition("=") for each in given.split(",")]
    if all(not mark for _, mark, _ in pairs):
        return given.strip()
    named = {code.strip(): name.strip() for code, _, name in pairs}
    if not all(code and name for code, name in named.items()):
        raise BadInput(f"{given!r} is no list of voices. Expected one name, or en=NAME,zh=NAME.", setting="voice")
    return named.get(language.partition("-")[0], next(iter(named.values())))
