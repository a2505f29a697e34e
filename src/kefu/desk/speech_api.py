"""Routes of sound: answers and sentences read aloud, recordings written down."""

from collections.abc import Iterator
from typing import Any, Literal

from django.http import HttpRequest, StreamingHttpResponse
from ninja import Field, File, Query, Router, Schema
from ninja.files import UploadedFile

from kefu.desk import aloud
from kefu.desk.actor import Actor
from kefu.desk.http.entry import member
from kefu.kit.settings import settings
from kefu.knowledge.sound import FORMATS

router = Router(auth=member)

_FORMATS = f"One of {', '.join(FORMATS)}."


class Wanted(Schema):
    format: str = Field("mp3", description=_FORMATS)


class Words(Schema):
    """`language` is en or zh; told from the text without it."""

    text: str = Field(min_length=1, max_length=2000)
    language: Literal["", "en", "zh"] = ""
    format: str = Field("mp3", description=_FORMATS)


class Segment(Schema):
    """`start` and `end` in seconds."""

    start: float
    end: float
    text: str


class Heard(Schema):
    """`text` is empty where nobody speaks."""

    text: str
    language: str
    segments: list[Segment]


@router.get("/inbox/conversations/{conversation_id}/messages/{message_id}/audio", response={200: bytes}, tags=["Inbox"])
def message_audio(
    request: HttpRequest, conversation_id: str, message_id: str, wanted: Query[Wanted]
) -> StreamingHttpResponse:
    """What the assistant or a member said, as sound. It is sent while it is made, and not stored."""
    made = aloud.answer_aloud(
        _actor(request), conversation_id=conversation_id, message_id=message_id, form=wanted.format
    )
    return _sound(made, wanted.format)


@router.post("/assistant/speech", response={200: bytes}, tags=["Assistant"])
def read_aloud(request: HttpRequest, body: Words) -> StreamingHttpResponse:
    """A sentence in the voice that customers hear; what `kefu speak` does."""
    made = aloud.text_aloud(_actor(request), text=body.text, language=body.language, form=body.format)
    return _sound(made, body.format)


@router.post("/assistant/transcript", response=Heard, tags=["Assistant"])
def write_down(request: HttpRequest, file: File[UploadedFile]) -> dict[str, Any]:
    """What is said in a recording; what `kefu transcribe` does. Personal data in it are not masked."""
    heard = aloud.written_down(_actor(request), file.read(settings().attachment_megabytes * 2**20 + 1))
    return {"text": heard.text, "language": heard.language, "segments": [vars(each) for each in heard.segments]}


def _sound(made: Iterator[bytes], form: str) -> StreamingHttpResponse:
    return StreamingHttpResponse(
        made, content_type=FORMATS[form].media_type, headers={"X-Content-Type-Options": "nosniff"}
    )


def _actor(request: HttpRequest) -> Actor:
    return request.auth  # type: ignore[attr-defined, no-any-return]
