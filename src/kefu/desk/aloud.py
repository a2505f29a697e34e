"""What members hear, and have written down: answers, sentences of their own, recordings of their own."""

from collections.abc import AsyncGenerator, Iterator

from kefu.brain.listen import speech_stream
from kefu.contracts.engine import Transcript
from kefu.desk.actor import Actor, Role
from kefu.desk.inbox import queries
from kefu.desk.wiring import wiring
from kefu.kit.errors import BadInput, NotFound, TooLarge
from kefu.kit.runtime import run
from kefu.kit.settings import settings
from kefu.knowledge.sound import FORMATS, decode


def answer_aloud(actor: Actor, *, conversation_id: str, message_id: str, form: str) -> Iterator[bytes]:
    """An answer as sound of the format `form`, piece by piece while it is made.

    Raises NotFound also where it holds no words, BadInput for the format, MissingExtra, Unavailable.
    """
    actor.require_role(Role.VIEWER)
    _check(form)
    text, language = queries.words_to_read(actor, conversation_id, message_id)
    made = _spoken(text, language, form)
    if made is None:
        raise NotFound("This message has no words to read aloud.", message=message_id)
    return made


def text_aloud(actor: Actor, *, text: str, language: str, form: str) -> Iterator[bytes]:
    """A text as the customers' voice says it, in `language` or the one that it is in; nothing is stored.

    Raises BadInput where it holds no words or for the format, MissingExtra, Unavailable.
    """
    actor.require_role(Role.AGENT)
    _check(form)
    made = _spoken(text, language, form)
    if made is None:
        raise BadInput("The text holds no words to read aloud.", field="text")
    return made


def written_down(actor: Actor, data: bytes) -> Transcript:
    """What is said in a recording, as customers' recordings are heard; nothing is stored.

    Raises BadInput for what is no recording, TooLarge, MissingExtra, Unavailable.
    """
    actor.require_role(Role.AGENT)
    if len(data) > settings().attachment_megabytes * 2**20:
        raise TooLarge(f"A recording has at most {settings().attachment_megabytes} MB.", field="file")
    sound = decode(data, most_seconds=settings().recording_seconds)  # before an engine is loaded for nothing
    return run(wiring().speech.transcriber().transcribe(sound, None))


def _check(form: str) -> None:
    if form not in FORMATS:
        raise BadInput(f"There is no sound format {form!r}. Known: {', '.join(FORMATS)}.", field="format")


def _spoken(text: str, language: str, form: str) -> Iterator[bytes] | None:
    """None where the text holds no words; what speaking its first clause raises is raised at once."""
    stream = speech_stream(text, wiring().speech.speaker(), language=language, form=form)
    first = run(_next(stream))
    return _from(first, stream) if first else None


def _from(first: bytes, rest: AsyncGenerator[bytes, None]) -> Iterator[bytes]:
    try:
        piece = first
        while piece:
            yield piece
            piece = run(_next(rest))
    finally:
        run(rest.aclose())


async def _next(stream: AsyncGenerator[bytes, None]) -> bytes:
    return await anext(stream, b"")
