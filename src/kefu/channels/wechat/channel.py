"""The WeChat channel: requests to messages, replies to customer-service messages or back with the request."""

import secrets
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from kefu.channels.http import ChannelFailure
from kefu.channels.splitting import split, utf8
from kefu.channels.wechat import crypto, wire
from kefu.channels.wechat.client import NOT_AUTHORISED, WeChatClient
from kefu.channels.wording import with_choices, with_sources
from kefu.contracts.channel import (
    Answer,
    Check,
    File,
    Hold,
    Media,
    Outgoing,
    Parsed,
    Polled,
    QuotaUsedUp,
    Request,
    RequestRefused,
    SendResult,
    Sent,
    Setup,
)

_LENGTH = 2048  # bytes of one text
_MENU = 10  # entries that a message's menu shows on one screen
_ENTRY = 64  # bytes of an entry's id; the reference names no limit, and its examples are short
_TOLERANCE = 600.0  # seconds: WeChat repeats for 15 and its clocks are right, ours may be some minutes off
_TRIES = 3
_MARGIN = 0.5  # seconds before the drop that a reply must go back
_SUCCESS = Answer(200, b"success")
_UNVERIFIED = "unverified"
_NO_SUCH_APP = 40013
_NOT_LISTED = 40164
# Bytes of a frame of 20 ms behind its header, by the mode that the header names (RFC 4867, 5.3).
_AMR_BEGINS = b"#!AMR\n"
_AMR_FRAMES = dict(enumerate((12, 13, 15, 17, 19, 20, 26, 31, 5)))
_VOICE_SECONDS = 60.0  # the longest voice that WeChat's media interface takes
_REMEMBERED = 24 * 3600.0  # an account that was not authorised may be verified by the next day
_SENDABLE = {"image": {"image/png", "image/jpeg", "image/gif"}, "voice": {"audio/amr", "audio/mpeg"}}


class WeChatChannel:
    """One Official Account."""

    def __init__(self, setup: Setup) -> None:
        values = setup.values
        self._app_id = str(values["app_id"])
        self._token = str(values["token"])
        self._mode = str(values["mode"])
        self._keys = [str(values[name]) for name in ("aes_key", "previous_aes_key") if values.get(name)]
        self._account = str(values["account"])
        self._original_id = str(values.get("original_id") or "")
        self._drop = float(str(values["response_seconds"]))
        self._hook = setup.hook
        self._memory = setup.memory
        self._client = WeChatClient(
            str(values["api_url"]),
            self._app_id,
            str(values["app_secret"]),
            setup.memory,
            allow_private=setup.allow_private,
        )

    async def parse(self, request: Request) -> Parsed:
        """A message or event, or WeChat's question whether we are who we are. Raises RequestRefused."""
        self._check_signature(request)
        if request.method == "GET":
            return Parsed(answer=Answer(200, request.query.get("echostr", "").encode()))
        try:
            message, sealed_with = self._opened(request)
            incoming = wire.incoming(message)
        except (KeyError, ValueError):
            raise RequestRefused("damaged", "The body is no message of WeChat's.") from None
        if self._original_id and message.get("ToUserName") != self._original_id:
            raise RequestRefused("unknown_sender", "The message is for another account.")
        if incoming is None:
            return Parsed(answer=_SUCCESS)
        respond = partial(self._respond, message["FromUserName"], message.get("ToUserName", ""), sealed_with)
        hold = None
        if await self._is_unverified():
            hold = Hold(max(self._drop - _MARGIN, 0.05), self._drop + _MARGIN, _TRIES, respond)
        return Parsed((incoming,), _SUCCESS, hold)

    async def fetch(self, media: str) -> Media:
        return Media(await self._client.download(media))

    def pieces(self, outgoing: Outgoing) -> Sequence[Outgoing]:
        """Text first, as few messages as it fits into, since five are all that may follow a customer's; then files."""
        plain = replace(
            outgoing, text="", quick_replies=(), quick_reply_values=(), attachments=(), audio=None, citations=()
        )
        text = with_sources(outgoing.text, outgoing.citations, outgoing.language)
        has_menu = 0 < len(outgoing.quick_replies) <= _MENU and utf8(text) <= _LENGTH // 2
        if outgoing.quick_replies and not has_menu:
            text = with_choices(text, outgoing.quick_replies)
        made = [replace(plain, text=piece) for piece in split(text, _LENGTH, measure=utf8)]
        if made and has_menu:
            made[-1] = replace(
                made[-1], quick_replies=outgoing.quick_replies, quick_reply_values=outgoing.quick_reply_values
            )
        for file in outgoing.attachments:
            made.append(
                replace(plain, attachments=(file,)) if _kind(file.media_type) else replace(plain, text=file.name)
            )
        if outgoing.audio is not None and _is_sendable_voice(outgoing.audio):
            made.append(replace(plain, attachments=(outgoing.audio,)))
        return [replace(piece, key=f"{outgoing.key}.{number}") for number, piece in enumerate(made)]

    async def send(self, piece: Outgoing) -> SendResult:
        if await self._is_unverified():
            return QuotaUsedUp("The account may not send by itself: it goes when the customer writes.")
        try:
            await self._client.send(await self._message(piece))
        except ChannelFailure as error:
            if error.fields.get("errcode") == NOT_AUTHORISED:
                await self._memory.remember(_UNVERIFIED, "yes", seconds=_REMEMBERED)
                return QuotaUsedUp(error.sentence)
            return error.result
        return Sent()

    async def show_typing(self, to: str) -> None:
        """WeChat shows it for fifteen seconds, or until a message comes; it counts against no quota."""
        if not await self._is_unverified():
            await self._client.show_typing(to)

    async def check_settings(self) -> Sequence[Check]:
        """Get a token; that WeChat reaches us is seen when it asks, which it does when its own form is saved."""
        try:
            await self._client.token(fresh=True)
        except ChannelFailure as error:
            return [_not_known(error)]
        found = {"en": "WeChat knows the account.", "zh": "微信已确认该账号。"}
        is_whole = self._hook.startswith(("http://", "https://"))
        address = {
            "en": f"Enter this address in WeChat's settings: {self._hook}",
            "zh": f"请在公众平台填写服务器地址：{self._hook}",
        }
        unknown = {
            "en": "WeChat has no address to call: set KEFU_PUBLIC_URL to the one that customers reach.",
            "zh": "微信无法调用 Kefu：请将 KEFU_PUBLIC_URL 设为客户可访问的地址。",
        }
        return [Check("token", True, found, "app_secret"), Check("hook", is_whole, address if is_whole else unknown)]

    async def poll(self) -> AsyncGenerator[Polled, None]:
        return
        yield

    async def close(self) -> None:
        await self._client.close()

    def _check_signature(self, request: Request) -> None:
        timestamp, nonce = request.query.get("timestamp", ""), request.query.get("nonce", "")
        if not crypto.fits(request.query.get("signature", ""), self._token, timestamp, nonce):
            raise RequestRefused("signature", "The signature does not fit.")
        if not timestamp.isascii() or not timestamp.isdecimal():
            raise RequestRefused("signature", "The timestamp is not a number.")
        if abs(request.at.timestamp() - int(timestamp)) > _TOLERANCE:
            raise RequestRefused("replay", "The request was signed too long ago.")

    def _opened(self, request: Request) -> tuple[Mapping[str, str], str]:
        """The message's fields, and the key that its envelope was sealed with; "" for one without.

        Raises RequestRefused, ValueError.
        """
        outer = wire.fields(request.body)
        sealed = outer.get("Encrypt", "")
        if self._mode == "plain" or (self._mode == "compatible" and not sealed):
            return outer, ""
        if not sealed:
            raise RequestRefused("signature", "The message is not encrypted, as the safe mode asks for.")
        query = request.query
        given = query.get("msg_signature", "")
        if not crypto.fits(given, self._token, query["timestamp"], query["nonce"], sealed):
            raise RequestRefused("signature", "The signature of the encrypted message does not fit.")
        for key in self._keys:
            try:
                plain, app_id = crypto.decrypt(key, sealed)
            except crypto.Unreadable:
                continue
            if app_id != self._app_id:
                raise RequestRefused("unknown_sender", "The message is for another account.")
            return wire.fields(plain), key
        raise RequestRefused("signature", "No key opens the message.")

    def _respond(self, to: str, account: str, key: str, reply: Outgoing) -> Answer:
        body = wire.text_reply(to, account, with_choices(reply.text, reply.quick_replies))
        if key:
            timestamp, nonce = str(int(time.time())), secrets.token_hex(8)
            sealed = crypto.encrypt(key, self._app_id, body)
            body = wire.envelope(sealed, crypto.signature(self._token, timestamp, nonce, sealed), timestamp, nonce)
        return Answer(200, body, "application/xml")

    async def _is_unverified(self) -> bool:
        return self._account == _UNVERIFIED or await self._memory.recall(_UNVERIFIED) is not None

    async def _message(self, piece: Outgoing) -> dict[str, Any]:
        if piece.attachments:
            file = piece.attachments[0]
            kind = _kind(file.media_type)
            return {"touser": piece.to, "msgtype": kind, kind: {"media_id": await self._client.upload(file, kind)}}
        if piece.quick_replies:
            entries = [{"id": value, "content": text} for text, value in piece.buttons(_ENTRY)]
            menu = {"head_content": f"{piece.text}\n", "list": entries, "tail_content": ""}
            return {"touser": piece.to, "msgtype": "msgmenu", "msgmenu": menu}
        return {"touser": piece.to, "msgtype": "text", "text": {"content": piece.text}}


def _not_known(error: ChannelFailure) -> Check:
    """Why WeChat gives no token, with the field that mends it where one does."""
    code = error.fields.get("errcode")
    if code == _NOT_LISTED:
        sentence = {
            "en": f"WeChat takes no calls from this server: add its address to the IP whitelist. {error.sentence}",
            "zh": f"微信不接受来自本服务器的调用：请将服务器公网 IP 加入 IP 白名单。{error.sentence}",
        }
        return Check("token", False, sentence)
    field = "app_id" if code == _NO_SUCH_APP else "app_secret" if code else "api_url"
    return Check("token", False, {"en": error.sentence, "zh": error.sentence}, field)


def _is_sendable_voice(voice: File) -> bool:
    """Whether WeChat takes it. A longer one would be refused after its text has gone, which says the same."""
    if voice.media_type == "audio/amr":
        return _amr_seconds(voice.data) <= _VOICE_SECONDS
    return bool(_kind(voice.media_type))


def _amr_seconds(data: bytes) -> float:
    """How long an AMR file plays, by its frames' headers."""
    place, frames = len(_AMR_BEGINS), 0
    while place < len(data):
        place += 1 + _AMR_FRAMES.get(data[place] >> 3 & 15, 0)
        frames += 1
    return frames * 0.02


def _kind(media_type: str) -> str:
    """How WeChat sends a file of this type; empty for one that it does not."""
    return next((kind for kind, types in _SENDABLE.items() if media_type in types), "")
