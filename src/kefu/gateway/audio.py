"""Sound over the public API: an answer read aloud."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from kefu.brain.listen import speech
from kefu.desk.inbox import queries
from kefu.desk.wiring import wiring
from kefu.gateway.state import entered
from kefu.kit.errors import BadInput, NotFound
from kefu.knowledge.sound import FORMATS

router = APIRouter(prefix="/v1/conversations", tags=["Conversations"])

Form = Annotated[str, Query(alias="format", description=f"One of {', '.join(FORMATS)}.")]


@router.get("/{conversation_id}/messages/{message_id}/audio", response_class=Response)
async def message_audio(request: Request, conversation_id: str, message_id: str, form: Form = "mp3") -> Response:
    """What the assistant or a member said, as sound. It is made when it is asked for, and not stored."""
    gateway, actor = await entered(request)
    if form not in FORMATS:
        raise BadInput(f"There is no sound format {form!r}. Known: {', '.join(FORMATS)}.", field="format")
    message = await gateway.rows.read(queries.message, actor, conversation_id, message_id)
    if message.author == "contact":
        raise NotFound("What a customer said is their own recording; an answer can be read aloud.", message=message_id)
    speaker = await gateway.rows.long(wiring().speech.speaker)
    language = str((message.answer or {}).get("language", ""))
    made = await speech(message.text, speaker, language=language, form=form)
    if not made:
        raise NotFound("This message has no words to read aloud.", message=message_id)
    headers = {"Cache-Control": "private, max-age=3600", "X-Content-Type-Options": "nosniff"}
    return Response(made, media_type=FORMATS[form].media_type, headers=headers)
