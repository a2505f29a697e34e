"""Sound over the public API: an answer read aloud, sent while it is made."""

from collections.abc import AsyncGenerator
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response, StreamingResponse

from kefu.brain.listen import speech_stream
from kefu.contracts.engine import Speaker
from kefu.desk.inbox import queries
from kefu.desk.wiring import wiring
from kefu.gateway.state import entered
from kefu.kit.errors import BadInput, NotFound
from kefu.knowledge.sound import FORMATS

router = APIRouter(prefix="/v1/conversations", tags=["Conversations"])

Form = Annotated[str, Query(alias="format", description=f"One of {', '.join(FORMATS)}.")]


@router.get("/{conversation_id}/messages/{message_id}/audio", response_class=Response)
async def message_audio(request: Request, conversation_id: str, message_id: str, form: Form = "mp3") -> Response:
    """What the assistant or a member said, as sound. It is made when it is asked for, and not stored.

    It is sent while it is made: the first clause can be played before the rest is there.
    """
    gateway, actor = await entered(request)
    if form not in FORMATS:
        raise BadInput(f"There is no sound format {form!r}. Known: {', '.join(FORMATS)}.", field="format")
    text, language = await gateway.rows.read(queries.words_to_read, actor, conversation_id, message_id)
    speaker = await gateway.rows.long(wiring().speech.speaker)
    made = await sound_response(text, speaker, language=language, form=form)
    if made is None:
        raise NotFound("This message has no words to read aloud.", message=message_id)
    made.headers.update({"Cache-Control": "private, max-age=3600", "X-Content-Type-Options": "nosniff"})
    return made


async def sound_response(
    text: str, speaker: Speaker, *, language: str, form: str, speed: float = 1.0
) -> Response | None:
    """A text read aloud, sent while it is made; None where it holds no words.

    Raises what speaking its first clause raises; where the rest fails the connection ends before its time.
    """
    stream = speech_stream(text, speaker, language=language, form=form, speed=speed)
    first = await anext(stream, b"")
    if not first:
        return None
    return StreamingResponse(_from(first, stream), media_type=FORMATS[form].media_type)


async def _from(first: bytes, rest: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    try:
        yield first
        async for data in rest:
            yield data
    finally:
        await rest.aclose()
