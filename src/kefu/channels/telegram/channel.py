"""The Telegram channel: updates to messages, replies to calls."""

import hmac
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

from pydantic_core import from_json, to_json

from kefu.channels.http import ChannelFailure
from kefu.channels.splitting import split, utf16
from kefu.channels.telegram.client import TelegramClient
from kefu.channels.wording import with_sources
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

_KINDS = ["message", "callback_query"]
_CALLBACK = 64  # bytes that a button may carry
_LENGTH = 4096  # UTF-16 code units of one message
_FILES = {"voice": "audio", "audio": "audio", "document": "file", "video": "file", "video_note": "file"}


class TelegramChannel:
    """One bot: its private chats are conversations."""

    def __init__(self, setup: Setup) -> None:
        values = setup.values
        self._mode = str(values["mode"])
        self._secret = str(values["secret_token"])
        self._hook = setup.hook
        self._memory = setup.memory
        self._client = TelegramClient(str(values["api_url"]), str(values["token"]), allow_private=setup.allow_private)

    async def parse(self, request: Request) -> Parsed:
        """One update, posted by Telegram. Raises RequestRefused."""
        given = request.headers.get("x-telegram-bot-api-secret-token", "")
        if not hmac.compare_digest(given.encode(), self._secret.encode()):
            raise RequestRefused("signature", "The secret token is missing or wrong.")
        try:
            update = from_json(request.body)
            incoming, refused = _incoming(update)
        except (ValueError, KeyError, TypeError, AttributeError):
            raise RequestRefused("damaged", "The body is no update of the Bot API.") from None
        pressed = update.get("callback_query")
        answer = Answer(200, _acknowledged(pressed), "application/json") if pressed else Answer()
        return Parsed(incoming, answer, refused=refused)

    async def fetch(self, media: str) -> Media:
        return Media(*await self._client.download(media))

    def pieces(self, outgoing: Outgoing) -> Sequence[Outgoing]:
        """Files first, each a message of its own; then the text, with the buttons below its end."""
        plain = replace(
            outgoing, text="", quick_replies=(), quick_reply_values=(), attachments=(), audio=None, citations=()
        )
        files = [*outgoing.attachments, *([outgoing.audio] if outgoing.audio else [])]
        made = [replace(plain, attachments=(file,)) for file in files]
        text = with_sources(outgoing.text, outgoing.citations, outgoing.language)
        made += [replace(plain, text=piece) for piece in split(text, _LENGTH, measure=utf16)]
        if made and made[-1].text:
            made[-1] = replace(
                made[-1], quick_replies=outgoing.quick_replies, quick_reply_values=outgoing.quick_reply_values
            )
        return [replace(piece, key=f"{outgoing.key}.{number}") for number, piece in enumerate(made)]

    async def send(self, piece: Outgoing) -> SendResult:
        try:
            if piece.attachments:
                sent = await self._send_file(piece.to, piece.attachments[0])
            else:
                sent = await self._client.call("sendMessage", _text(piece))
        except ChannelFailure as error:
            return error.result
        return Sent(str(sent["message_id"]))

    async def show_typing(self, to: str) -> None:
        """Telegram shows it for five seconds, or until a message comes."""
        await self._client.call("sendChatAction", {"chat_id": to, "action": "typing"})

    async def check_settings(self) -> Sequence[Check]:
        """Ask who the bot is, and set or take away its webhook, as the settings say."""
        try:
            bot = await self._client.call("getMe")
            found = [Check("token", True, _both(f"@{bot.get('username', '')}"), "token")]
        except ChannelFailure as error:
            return [Check("token", False, _both(error.sentence), "token")]
        try:
            found.append(await self._check_mode())
        except ChannelFailure as error:
            found.append(Check("mode", False, _both(error.sentence), "mode"))
        return found

    async def poll(self) -> AsyncGenerator[Polled, None]:
        """Fetch updates. They are confirmed by fetching on from the last of them, so nothing is lost between."""
        offset = int(await self._memory.recall("offset") or 0)
        while self._mode == "polling":
            updates = await self._client.updates(offset, _KINDS)
            incoming: list[Incoming] = []
            refused: list[Any] = []
            for update in updates:
                offset = max(offset, int(update["update_id"]) + 1)
                some, why = _incoming(update)
                incoming += some
                refused += why
            pressed = [update["callback_query"]["id"] for update in updates if "callback_query" in update]
            yield Polled(tuple(incoming), partial(self._confirm, offset, pressed), tuple(refused))

    async def close(self) -> None:
        await self._client.close()

    async def _confirm(self, offset: int, pressed: list[str]) -> None:
        # Telegram keeps updates for a day: an older offset is of no use.
        await self._memory.remember("offset", str(offset), seconds=24 * 3600)
        for each in pressed:
            try:
                await self._client.call("answerCallbackQuery", {"callback_query_id": each})
            except ChannelFailure:
                continue  # the button's clock turns a little longer; nothing else is lost

    async def _send_file(self, to: str, file: File) -> Any:
        family = file.media_type.partition("/")[0]
        if file.media_type in {"image/png", "image/jpeg", "image/webp"}:
            return await self._client.upload("sendPhoto", "photo", file, {"chat_id": to})
        if file.media_type in {"audio/ogg", "audio/mpeg", "audio/mp4"}:
            return await self._client.upload("sendVoice", "voice", file, {"chat_id": to})
        name, field = ("sendAudio", "audio") if family == "audio" else ("sendDocument", "document")
        return await self._client.upload(name, field, file, {"chat_id": to})

    async def _check_mode(self) -> Check:
        if self._mode == "polling":
            await self._client.call("deleteWebhook", {"drop_pending_updates": False})
            return Check("mode", True, {"en": "Kefu fetches the messages.", "zh": "由 Kefu 获取消息。"}, "mode")
        if not self._hook.startswith("https://"):
            sentence = {
                "en": "Telegram calls only https addresses: set KEFU_PUBLIC_URL, or let Kefu fetch the messages.",
                "zh": "Telegram 只能调用 https 地址：请设置 KEFU_PUBLIC_URL，或改用轮询。",
            }
            return Check("mode", False, sentence, "mode")
        body = {"url": self._hook, "secret_token": self._secret, "allowed_updates": _KINDS}
        await self._client.call("setWebhook", body)
        return Check("mode", True, {"en": "Telegram calls Kefu.", "zh": "Telegram 已可推送到 Kefu。"}, "mode")


def _incoming(update: Mapping[str, Any]) -> tuple[tuple[Incoming, ...], tuple[Any, ...]]:
    """What an update brings, and why it is not taken: only people in private chats are customers."""
    pressed = update.get("callback_query")
    message = pressed["message"] if pressed else update.get("message")
    if message is None:
        return (), ()
    person = pressed["from"] if pressed else message.get("from") or {}
    if message["chat"]["type"] != "private" or person.get("is_bot"):
        return (), ("unknown_sender",)
    parts = (_pressed(pressed),) if pressed else _parts(message)
    if not parts:
        return (), ()
    name = " ".join(filter(None, (person.get("first_name"), person.get("last_name"))))
    incoming = Incoming(
        contact=str(message["chat"]["id"]),
        external_id=str(update["update_id"]),
        parts=parts,
        at=datetime.fromtimestamp(message["date"], UTC) if message.get("date") else None,
        profile={"name": name},
        context={"message_id": str(message["message_id"])},
    )
    return (incoming,), ()


def _parts(message: Mapping[str, Any]) -> tuple[Part, ...]:
    text = message.get("text") or message.get("caption") or ""
    if text.startswith("/start"):
        return (Part("event", "subscribe"),)
    parts = [Part("text", text)] if text.strip() else []
    if photos := message.get("photo"):
        parts.append(Part("image", media=max(photos, key=lambda each: each.get("file_size", 0))["file_id"]))
    for kind, family in _FILES.items():
        if held := message.get(kind):
            parts.append(Part(family, media=held["file_id"], name=held.get("file_name", "")))  # type: ignore[arg-type]
    if sticker := message.get("sticker"):
        parts.append(Part("text", sticker.get("emoji") or "🙂"))
    if contact := message.get("contact"):
        parts.append(Part("text", " ".join(filter(None, (contact.get("first_name"), contact.get("phone_number"))))))
    if place := message.get("location"):
        name = (message.get("venue") or {}).get("title", "")
        parts.append(Part("location", name, latitude=place["latitude"], longitude=place["longitude"]))
    return tuple(parts)


def _pressed(query: Mapping[str, Any]) -> Part:
    """What a button says: its text, which stands in the message that it belongs to."""
    rows = (query["message"].get("reply_markup") or {}).get("inline_keyboard") or []
    said = next((each["text"] for row in rows for each in row if each.get("callback_data") == query["data"]), "")
    return Part("text", said or query["data"], pressed=query["data"])


def _acknowledged(query: Mapping[str, Any]) -> bytes:
    """Telegram takes a call as the answer to its own: the button stops turning."""
    return to_json({"method": "answerCallbackQuery", "callback_query_id": query["id"]})


def _text(piece: Outgoing) -> dict[str, Any]:
    body: dict[str, Any] = {
        "chat_id": piece.to,
        "text": piece.text,
        "link_preview_options": {"is_disabled": True},
    }
    if piece.quick_replies:
        rows = [[{"text": text, "callback_data": value}] for text, value in piece.buttons(_CALLBACK)]
        body["reply_markup"] = {"inline_keyboard": rows}
    return body


def _both(sentence: str) -> dict[str, str]:
    return {"en": sentence, "zh": sentence}
