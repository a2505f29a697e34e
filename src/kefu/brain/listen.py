"""Listen and speak: a recording becomes words before a turn begins, and an answer becomes sound after it."""

import asyncio
from collections.abc import AsyncIterator

import numpy as np

from kefu.contracts.engine import Sound, Speaker, Transcriber, Transcript
from kefu.knowledge.language import detect
from kefu.knowledge.sound import decode, encode

# Telling a language takes more than a word or two: shorter recordings are taken to be in the conversation's.
_TELLING_SECONDS = 2.0
_TOLD = frozenset({"en", "zh"})


async def listen(
    recording: bytes, transcriber: Transcriber, *, language: str | None = None, most_seconds: float = 300.0
) -> Transcript:
    """What is said in a recording; an empty transcript where nobody speaks.

    `language` is the conversation's, if it is known. Raises BadInput for what is no recording, TooLarge, Unavailable,
    Busy, MissingExtra.
    """
    sound = await asyncio.to_thread(decode, recording, most_seconds=most_seconds)
    is_short = sound.seconds < _TELLING_SECONDS and language in _TOLD
    return await transcriber.transcribe(sound, language if is_short else None)


async def sounds(text: str, speaker: Speaker, language: str) -> AsyncIterator[Sound]:
    """An answer's sound, sentence by sentence, in `language` or the one that its text is in."""
    told = language if language in _TOLD else detect(text, "en")
    async for sound in speaker.speak(text, told if told in _TOLD else "en"):
        yield sound


async def speech(text: str, speaker: Speaker, *, language: str, form: str) -> bytes:
    """An answer as a file of the format `form` (knowledge.sound.FORMATS); empty where it holds no words."""
    made = [each async for each in sounds(text, speaker, language)]
    if not made:
        return b""
    whole = Sound(np.concatenate([each.samples for each in made]), made[0].rate)
    return await asyncio.to_thread(encode, whole, form)
