"""The webhook channel: how its messages look, both ways."""

import base64
import binascii
from collections.abc import AsyncGenerator, Sequence
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from kefu.channels.webhook.client import WebhookClient, verify
from kefu.contracts.channel import (
    Answer,
    Check,
    File,
    Incoming,
    Media,
    Outgoing,
    Parsed,
    Part,
    Polled,
    Request,
    RequestRefused,
    SendResult,
    Sent,
    Setup,
)
from kefu.kit.ids import new_id
from kefu.kit.settings import settings


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=False)


class ContactIn(_Shape):
    """Whom the other system speaks for: its own id, and what else it wants members to know."""

    id: str = Field(min_length=1, max_length=300)
    name: str = Field(default="", max_length=200)
    email: str = Field(default="", max_length=200)


class FileIn(_Shape):
    """A file: its bytes in base64, or an address that it is fetched from."""

    name: str = Field(default="", max_length=200)
    data: str | None = None
    url: str | None = Field(default=None, pattern=r"^https?://\S+$", max_length=2000)


class LocationIn(_Shape):
    latitude: float = Field(ge=-90, le=90)
    longitude: float = Field(ge=-180, le=180)
    name: str = Field(default="", max_length=200)


class MessageIn(_Shape):
    """What the other system posts."""

    contact: ContactIn
    text: str = Field(default="", max_length=100_000)
    files: list[FileIn] = Field(default_factory=list, max_length=20)
    location: LocationIn | None = None
    thread: str = Field(default="", max_length=200)
    pressed: str = Field(default="", max_length=500)


class WebhookChannel:
    """Messages are posted to the hook; replies are posted to the other system's address."""

    def __init__(self, setup: Setup) -> None:
        self._secret = str(setup.values["secret"])
        self._client = WebhookClient(
            str(setup.values["url"]), str(setup.values["reply_secret"]), allow_private=setup.allow_private
        )

    async def parse(self, request: Request) -> Parsed:
        """One signed message. Raises RequestRefused."""
        if request.method != "POST":
            raise RequestRefused("damaged", "Messages are sent with POST.")
        key = verify(self._secret, request.headers, request.body, request.at)
        try:
            said = MessageIn.model_validate_json(request.body)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"])
            raise RequestRefused("damaged", f"{place or 'The body'}: {first['msg']}") from None
        parts = _parts(said)
        if not parts:
            raise RequestRefused("damaged", "The message has neither text nor files nor a location.")
        profile = {"name": said.contact.name, "email": said.contact.email}
        incoming = Incoming(said.contact.id, key, parts, at=request.at, thread=said.thread, profile=profile)
        return Parsed((incoming,), Answer(202, b'{"status":"stored"}', "application/json"))

    async def fetch(self, media: str) -> Media:
        return Media(await self._client.fetch(media), urlsplit(media).path.rpartition("/")[2])

    def pieces(self, outgoing: Outgoing) -> Sequence[Outgoing]:
        return [outgoing]

    async def send(self, piece: Outgoing) -> SendResult:
        return await self._client.post(piece.key, _message_out(piece))

    async def check_settings(self) -> Sequence[Check]:
        """Post a signed `test`, which the other system may ignore but must answer with a status of 2xx."""
        result = await self._client.post(new_id("test"), {"type": "test"})
        if isinstance(result, Sent):
            sentence = {"en": "The address took a signed test.", "zh": "该地址已接收签名测试消息。"}
            return [Check("send", True, sentence, "url")]
        reason = result.reason
        return [
            Check("send", False, {"en": f"A test was not taken. {reason}", "zh": f"测试消息未被接收。{reason}"}, "url")
        ]

    async def poll(self) -> AsyncGenerator[Polled, None]:
        return
        yield

    async def close(self) -> None:
        await self._client.close()


def _parts(said: MessageIn) -> tuple[Part, ...]:
    parts = [Part("text", said.text, pressed=said.pressed)] if said.text.strip() else []
    parts += [_file(each) for each in said.files]
    if said.location is not None:
        place = said.location
        parts.append(Part("location", place.name, latitude=place.latitude, longitude=place.longitude))
    return tuple(parts)


def _file(given: FileIn) -> Part:
    if given.url is not None and given.data is None:
        return Part("file", media=given.url, name=given.name)
    if given.data is None or given.url is not None:
        raise RequestRefused("damaged", "A file has either data or a url.")
    try:
        data = base64.b64decode(given.data, validate=True)
    except binascii.Error:
        raise RequestRefused("damaged", "A file's data is not base64.") from None
    most = settings().attachment_megabytes
    if len(data) > most * 2**20:
        raise RequestRefused("too_large", f"A file may have at most {most} MB.")
    return Part("file", data=data, name=given.name)


def _message_out(reply: Outgoing) -> dict[str, Any]:
    files = [*reply.attachments, *([reply.audio] if reply.audio else [])]
    return {
        "type": "message.reply",
        "id": reply.key,
        "contact": reply.to,
        "thread": reply.thread,
        "conversation": reply.conversation,
        "reply_to": reply.reply_to,
        "messages": list(reply.messages),
        "author": reply.author,
        "author_name": reply.author_name,
        "language": reply.language,
        "text": reply.text,
        "citations": [{"title": each.title, "url": each.url} for each in reply.citations],
        "quick_replies": list(reply.quick_replies),
        "quick_reply_values": list(reply.quick_reply_values or reply.quick_replies),
        "files": [_file_out(each) for each in files],
    }


def _file_out(file: File) -> dict[str, str]:
    return {"name": file.name, "media_type": file.media_type, "data": base64.b64encode(file.data).decode()}
