"""Recognition and speech at the OpenAI-compatible door."""

import asyncio
import contextlib
import json
import math
from collections.abc import Iterator
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, UploadFile
from pydantic import Field
from starlette.responses import JSONResponse, PlainTextResponse, Response

from kefu.contracts.engine import Transcript
from kefu.desk.actor import Role, Scope
from kefu.desk.wiring import wiring
from kefu.gateway.audio import sound_response
from kefu.gateway.openai import OpenAIRoute
from kefu.gateway.openai_shapes import Lenient, SpeechRequest
from kefu.gateway.state import entered
from kefu.kit.errors import BadInput, NotFound, TooLarge
from kefu.kit.settings import settings
from kefu.knowledge.language import detect
from kefu.knowledge.sound import FORMATS, decode

router = APIRouter(prefix="/v1/audio", tags=["OpenAI-compatible"], route_class=OpenAIRoute)

# What programs that were written for OpenAI ask for; there is one voice a language, and they get it.
_VOICES = frozenset("default alloy ash ballad coral echo fable nova onyx sage shimmer verse marin cedar".split())
_MADE = frozenset({"json", "verbose_json", "text", "srt", "vtt"})


class Recording(Lenient):
    file: UploadFile
    model: str = Field(max_length=300)
    language: str | None = Field(default=None, max_length=12)
    response_format: str = "json"
    stream: bool = False
    granularities: list[str] = Field(default=[], alias="timestamp_granularities[]")


@router.post("/transcriptions")
async def transcriptions(
    request: Request, body: Annotated[Recording, Form(media_type="multipart/form-data")]
) -> Response:
    """What is said in a recording; personal data in it are not masked: it is the caller's own.

    As a stream it comes segment by segment, once all of it was heard. Times are known of segments, not of words.
    """
    gateway, actor = await entered(request)
    actor.require(scope=Scope.CONVERSATIONS, role=Role.AGENT)
    if body.response_format not in _MADE:
        raise BadInput(f"A transcript comes as one of {', '.join(sorted(_MADE))}.", param="response_format")
    if set(body.granularities) - {"segment"}:
        raise BadInput("Only segments have times here, words have none.", param="timestamp_granularities")
    transcriber = await gateway.rows.long(wiring().speech.transcriber)
    _check(body.model, "transcribe", transcriber.card().name)
    data = await body.file.read(settings().attachment_megabytes * 2**20 + 1)
    if len(data) > settings().attachment_megabytes * 2**20:
        raise TooLarge(f"A recording has at most {settings().attachment_megabytes} MB.", param="file")
    with _about("file"):
        sound = await asyncio.to_thread(decode, data, most_seconds=settings().recording_seconds)
    with _about("language"):
        heard = await transcriber.transcribe(sound, body.language.partition("-")[0] if body.language else None)
    if body.stream:
        return Response("".join(_pieces(heard)), media_type="text/event-stream")
    return _shown(heard, body.response_format, sound.seconds)


@router.post("/speech", response_class=Response)
async def make_speech(request: Request, body: SpeechRequest) -> Response:
    """A text read aloud, sent while it is made; formats: mp3, opus, aac, flac, wav, pcm, amr."""
    gateway, actor = await entered(request)
    actor.require(scope=Scope.CONVERSATIONS, role=Role.AGENT)
    if body.response_format not in FORMATS:
        raise BadInput(f"Sound comes as one of {', '.join(FORMATS)}.", param="response_format")
    if body.voice not in _VOICES:
        raise BadInput(f"There is no voice {body.voice!r}; use default.", param="voice")
    speaker = await gateway.rows.long(wiring().speech.speaker)
    _check(body.model, "speak", speaker.card().name)
    language = body.language or detect(body.input, "en")
    made = await sound_response(body.input, speaker, language=language, form=body.response_format, speed=body.speed)
    if made is None:
        raise BadInput("The text holds no words to read aloud.", param="input")
    return made


@contextlib.contextmanager
def _about(param: str) -> Iterator[None]:
    """What is wrong within is wrong with this parameter."""
    try:
        yield
    except BadInput as error:
        error.fields["param"] = param
        raise


def _check(name: str, role: str, real: str) -> None:
    if name not in {role, real}:
        raise NotFound(f"There is no model {name!r} for this. There are: {role}, {real}.", param="model")


def _shown(heard: Transcript, form: str, seconds: float) -> Response:
    if form == "text":
        return PlainTextResponse(heard.text + "\n")
    if form in {"srt", "vtt"}:
        return PlainTextResponse(_captions(heard, form))
    if form == "json":
        return JSONResponse({"text": heard.text})
    segments: list[dict[str, Any]] = [
        {"id": number, "start": each.start, "end": each.end, "text": each.text}
        for number, each in enumerate(heard.segments)
    ]
    whole = {"task": "transcribe", "language": heard.language, "duration": round(seconds, 2), "text": heard.text}
    return JSONResponse({**whole, "segments": segments})


def _pieces(heard: Transcript) -> Iterator[str]:
    """The transcript as the events of a stream; the pieces, joined, are its text."""
    said = 0
    for each in heard.segments:
        end = heard.text.find(each.text, said) + len(each.text)
        yield _event({"type": "transcript.text.delta", "delta": heard.text[said:end]})
        said = end
    yield _event({"type": "transcript.text.done", "text": heard.text})
    yield "data: [DONE]\n\n"


def _event(event: dict[str, Any]) -> str:
    return f"data: {json.dumps(event, ensure_ascii=False)}\n\n"


def _captions(heard: Transcript, form: str) -> str:
    lines = [
        f"{number}\n{_clock(each.start, form)} --> {_clock(each.end, form)}\n{each.text}\n"
        for number, each in enumerate(heard.segments, 1)
    ]
    return ("WEBVTT\n\n" if form == "vtt" else "") + "\n".join(lines)


def _clock(seconds: float, form: str) -> str:
    whole, part = math.floor(seconds), round(seconds % 1 * 1000)
    return f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02}{',' if form == 'srt' else '.'}{part:03}"
