"""Listen and speak: a recording becomes words before a turn begins, and an answer becomes sound after it."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator

import numpy as np

from kefu.contracts.engine import Sound, Speaker, Transcriber, Transcript
from kefu.knowledge.language import detect
from kefu.knowledge.sound import SoundStream, decode, encode, paced
from kefu.knowledge.sound.sentences import ends_sentence, first_clause, sentences

# Telling a language takes more than a word or two: shorter recordings are taken to be in the conversation's.
_TELLING_SECONDS = 2.0
_TOLD = frozenset({"en", "zh"})
# Behind a sentence, and behind a clause that is spoken by itself, in seconds.
_PAUSE, _BREATH = 0.3, 0.12


async def listen(
    recording: bytes, transcriber: Transcriber, *, language: str | None = None, most_seconds: float = 300.0
) -> Transcript:
    """What is said in a recording; an empty transcript where nobody speaks.

    `language` is the conversation's, if it is known. Raises BadInput for what is no recording, TooLarge, Unavailable,
    Busy, MissingExtra.
    """
    sound = await asyncio.to_thread(decode, recording, most_seconds=most_seconds)
    return await transcriber.transcribe(sound, _likely(sound, language))


async def listen_to(sound: Sound, transcriber: Transcriber, *, language: str | None = None) -> Transcript:
    """What is said in a sound of somebody who waits on the line. Raises Unavailable, Busy."""
    return await transcriber.transcribe(sound, _likely(sound, language), hurried=True)


def pieces(text: str, language: str, *, is_first: bool) -> list[str]:
    """A text cut for a voice, in order and as it stands; what somebody waits for comes `is_first`, in a short piece."""
    told = _voice(text, language)
    cut = sentences(text, told)
    return [*first_clause(cut[0], told), *cut[1:]] if cut and is_first else cut


async def sounds(text: str, speaker: Speaker, language: str) -> AsyncIterator[Sound]:
    """An answer's sound, sentence by sentence, in `language` or the one that its text is in."""
    async for sound in speaker.speak(text, _voice(text, language)):
        yield sound


async def speech(text: str, speaker: Speaker, *, language: str, form: str) -> bytes:
    """An answer as a file of the format `form` (knowledge.sound.FORMATS); empty where it holds no words."""
    made = [each async for each in sounds(text, speaker, language)]
    if not made:
        return b""
    whole = Sound(np.concatenate([each.samples for each in made]), made[0].rate)
    return await asyncio.to_thread(encode, whole, form)


async def speech_stream(
    text: str, speaker: Speaker, *, language: str, form: str, speed: float = 1.0
) -> AsyncGenerator[bytes, None]:
    """As `speech`, piece by piece while it is made: its first clause can be heard while the rest is still spoken.

    `speed` is beside the voice's own pace.
    """
    stream: SoundStream | None = None
    for piece in pieces(text, language, is_first=True):
        seconds = _PAUSE if ends_sentence(piece) else _BREATH
        async for sound in sounds(piece, speaker, language or _voice(text, language)):
            stream = stream or SoundStream(form)
            pause = np.zeros(int(seconds * sound.rate), np.float32)
            made = await asyncio.to_thread(paced, Sound(np.concatenate([sound.samples, pause]), sound.rate), speed)
            if data := await asyncio.to_thread(stream.write, made):
                yield data
    if stream is not None:
        yield await asyncio.to_thread(stream.end)


def _voice(text: str, language: str) -> str:
    told = language if language in _TOLD else detect(text, "en")
    return told if told in _TOLD else "en"


def _likely(sound: Sound, language: str | None) -> str | None:
    return language if sound.seconds < _TELLING_SECONDS and language in _TOLD else None
