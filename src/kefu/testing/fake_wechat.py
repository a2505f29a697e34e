"""WeChat's servers, played on the loopback address, as their documentation says.

They post a customer's message, drop the request after five seconds and send it again, three times in all; they keep the
quota of five messages in 48 hours after the customer's, give tokens that end, and answer with their error codes.

with FakeWeChat() as wechat:
    outcome = await wechat.says("openid", "你好", hook=url)
    assert wechat.texts("openid") == ["您好！"]             # customer-service messages and passive replies, as seen
"""

import asyncio
import hashlib
import itertools
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
from defusedxml.ElementTree import fromstring

from kefu.testing.fakes import FakeServer, Handler, SeenRequest

APP_ID = "wx0123456789abcdef"
APP_SECRET = "0123456789abcdef0123456789abcdef"  # noqa: S105 - of no account
TOKEN = "tokenOfTests"  # noqa: S105
ORIGINAL_ID = "gh_0123456789ab"
QUOTA = 5
WINDOW = 48 * 3600.0
_TEXT = 2048  # bytes
_VOICE = 60 * 1600 + 1000  # bytes: a minute of AMR at 12.2 kbit/s, with the form around it
_TYPING_WINDOW = 30.0  # seconds after the customer's message


@dataclass
class Outcome:
    """How a customer's message went: requests that were dropped, and what the customer saw as the answer to it."""

    tries: int = 0
    drops: int = 0
    error: str = ""
    passive: str = ""
    bodies: list[bytes] = field(default_factory=list)


class FakeWeChat(FakeServer):
    """`drop` is after how many seconds a request is dropped; `clock` tells the time that quotas and tokens go by.

    `authorised` says whether the account has the customer-service API. `seal` and `unseal` make and open envelopes, for
    the compatible and safe modes; they come from another implementation than the one that is tested.
    `typing` are the customers who were shown that somebody writes, in order.
    """

    def __init__(self, *, drop: float = 5.0, clock: Callable[[], float] = time.time) -> None:
        super().__init__()
        self.drop = drop
        self.clock = clock
        self.authorised = True
        self.seal: Callable[[str, str, str], str] | None = None
        self.unseal: Callable[[bytes], bytes] | None = None
        self.is_compatible = False
        self.pushed: list[dict[str, Any]] = []
        self.seen: list[tuple[str, str]] = []
        self.refused: list[tuple[int, str]] = []
        self.media: dict[str, tuple[bytes, str]] = {}
        self.typing: list[str] = []
        self.tokens_given = 0
        self.token_seconds = 7200
        self.silent = 0
        self._tokens: dict[str, float] = {}
        self._last_said: dict[str, float] = {}
        self._pushed_since: dict[str, int] = {}
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._next_code = 0

    @property
    def values(self) -> dict[str, str]:
        """The form of the channel that this account is connected to, in plain mode."""
        return {
            "app_id": APP_ID,
            "app_secret": APP_SECRET,
            "token": TOKEN,
            "mode": "plain",
            "api_url": self.address,
            "response_seconds": f"{self.drop:g}",
        }

    # --- what customers do ---

    async def says(self, openid: str, text: str, *, hook: str, **more: str) -> Outcome:
        """A customer writes; the message is posted to the hook as WeChat does."""
        return await self.posts(self.message(openid, "text", Content=text, **more), hook=hook)

    async def happens(self, openid: str, event: str, *, hook: str, **more: str) -> Outcome:
        """An event, such as `subscribe`."""
        return await self.posts(self.message(openid, "event", Event=event, **more), hook=hook)

    def message(self, openid: str, kind: str, **more: str) -> bytes:
        """A message's XML; `more` are elements by name."""
        with self._lock:
            if kind != "event":
                more = {"MsgId": str(24_000_000_000_000_000 + next(self._numbers)), **more}
        given = {
            "ToUserName": ORIGINAL_ID,
            "FromUserName": openid,
            "CreateTime": str(int(time.time())),
            "MsgType": kind,
            **more,
        }
        numbers = {"CreateTime", "MsgId", "Location_X", "Location_Y", "Scale"}
        inner = "".join(
            f"<{name}>{value}</{name}>" if name in numbers else f"<{name}><![CDATA[{value}]]></{name}>"
            for name, value in given.items()
        )
        return f"<xml>{inner}</xml>".encode()

    def presses(self, openid: str, number: int) -> bytes:
        """The XML that comes when a customer presses an entry of the menu that was pushed to them last."""
        menus = [body["msgmenu"] for body in self.pushed if body["touser"] == openid and body["msgtype"] == "msgmenu"]
        entry = menus[-1]["list"][number]
        return self.message(openid, "text", Content=entry["content"], bizmsgmenuid=entry["id"])

    async def posts(self, message: bytes, *, hook: str, tries: int = 3) -> Outcome:
        """Post a message until it is answered within the time, three times at most."""
        sender = fromstring(message.decode())
        openid = sender.findtext("FromUserName") or ""
        self.heard(openid)
        outcome = Outcome()
        async with httpx.AsyncClient(timeout=self.drop + 30) as client:
            while outcome.tries < tries:
                outcome.tries += 1
                query, body = self.signed(message)
                try:
                    async with asyncio.timeout(self.drop):
                        answer = await client.post(
                            hook, params=query, content=body, headers={"content-type": "text/xml"}
                        )
                except (TimeoutError, httpx.TransportError):
                    outcome.drops += 1
                    continue
                outcome.bodies.append(answer.content)
                self._read(openid, answer, outcome)
                return outcome
        outcome.error = "该公众号提供的服务出现故障，请稍后再试"
        return outcome

    def heard(self, openid: str) -> None:
        """The customer has written now: five more messages may follow."""
        with self._lock:
            self._last_said[openid], self._pushed_since[openid] = self.clock(), 0

    def signed(self, message: bytes) -> tuple[dict[str, str], bytes]:
        """The query and the body of a request with this message."""
        timestamp, nonce = str(int(time.time())), str(100_000 + next(self._numbers))
        query = {"signature": _sha1(TOKEN, timestamp, nonce), "timestamp": timestamp, "nonce": nonce}
        if self.seal is None:
            return query, message
        envelope = self.seal(message.decode(), nonce, timestamp)
        sealed = fromstring(envelope).findtext("Encrypt") or ""
        query = {**query, "encrypt_type": "aes", "msg_signature": _sha1(TOKEN, timestamp, nonce, sealed)}
        inner = message.decode()[len("<xml>") : -len("</xml>")] if self.is_compatible else ""
        outer = f"<ToUserName><![CDATA[{ORIGINAL_ID}]]></ToUserName>{inner}<Encrypt><![CDATA[{sealed}]]></Encrypt>"
        return query, f"<xml>{outer}</xml>".encode()

    def texts(self, openid: str) -> list[str]:
        """What a customer has been shown, in order."""
        return [text for person, text in self.seen if person == openid]

    def _read(self, openid: str, answer: httpx.Response, outcome: Outcome) -> None:
        if answer.status_code != 200:
            outcome.error = "该公众号提供的服务出现故障，请稍后再试"
            return
        if answer.content in (b"", b"success"):
            return
        try:
            opened = self.unseal(answer.content) if self.unseal is not None else answer.content
            root = fromstring(opened.decode())
            assert root.findtext("ToUserName") == openid
            assert root.findtext("FromUserName") == ORIGINAL_ID
            assert root.findtext("MsgType") == "text"
            outcome.passive = root.findtext("Content") or ""
        except Exception as error:  # whatever is wrong with it, the customer sees an error
            outcome.error = repr(error)
            return
        with self._lock:
            self.seen.append((openid, outcome.passive))

    # --- what accounts call ---

    def answer(self, handler: Handler, request: SeenRequest) -> None:
        parts = urlsplit(request.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if parts.path == "/cgi-bin/stable_token":
            self._give_token(handler, request.body)
            return
        with self._lock:
            ends = self._tokens.get(query.get("access_token", ""))
        if ends is None or ends < self.clock():
            self._refuse(handler, 40001 if ends is None else 42001, "access_token invalid or expired")
        elif parts.path == "/cgi-bin/message/custom/send":
            self._take(handler, request.body)
        elif parts.path == "/cgi-bin/message/custom/typing":
            self._show_typing(handler, request.body)
        elif parts.path == "/cgi-bin/media/upload" and len(request.raw) > _VOICE and query["type"] == "voice":
            self._refuse(handler, 45007, "playtime out of limit")
        elif parts.path == "/cgi-bin/media/upload":
            media_id = f"media{next(self._numbers)}"
            self.media[media_id] = (request.raw, query["type"])
            handler.send_json(200, {"type": query["type"], "media_id": media_id, "created_at": int(time.time())})
        elif parts.path == "/cgi-bin/media/get" and query.get("media_id") in self.media:
            handler.send_whole(200, self.media[query["media_id"]][0], {"Content-Type": "application/octet-stream"})
        elif parts.path == "/cgi-bin/media/get":
            self._refuse(handler, 40007, "invalid media_id")
        else:
            handler.send_whole(404, b"")

    def refuse_next(self, code: int) -> None:
        """Refuse the next customer-service message with this error."""
        self._next_code = code

    def end_tokens(self) -> None:
        """WeChat forgets every token it gave, as it does now and then."""
        with self._lock:
            self._tokens.clear()

    def _give_token(self, handler: Handler, body: Any) -> None:
        if body.get("appid") != APP_ID or body.get("secret") != APP_SECRET:
            self._refuse(handler, 40125, "invalid appsecret")
            return
        with self._lock:
            valid = [token for token, ends in self._tokens.items() if ends > self.clock()]
            if body.get("force_refresh") or not valid:
                self.tokens_given += 1
                valid = [f"token{self.tokens_given}"]
                self._tokens[valid[0]] = self.clock() + self.token_seconds
        handler.send_json(200, {"access_token": valid[-1], "expires_in": self.token_seconds})

    def _take(self, handler: Handler, body: Any) -> None:
        openid = str(body.get("touser", ""))
        with self._lock:
            code, why = (self._next_code, "refused on request") if self._next_code else self._wrong(openid, body)
            self._next_code = 0
            if not code:
                self._pushed_since[openid] += 1
                self.pushed.append(body)
                self.seen.append((openid, _shown(body)))
        if code:
            self._refuse(handler, code, why)
        elif self.silent:
            self.silent -= 1
            handler.close_connection = True
        else:
            handler.send_json(200, {"errcode": 0, "errmsg": "ok"})

    def _show_typing(self, handler: Handler, body: Any) -> None:
        openid = str(body.get("touser", ""))
        if not self.authorised:
            self._refuse(handler, 48001, "api unauthorized")
        elif body.get("command") != "Typing":
            self._refuse(handler, 45072, "invalid command")
        elif self.clock() - self._last_said.get(openid, 0.0) > _TYPING_WINDOW:
            self._refuse(handler, 45080, "need to interact with the user within 30 seconds")
        else:
            self.typing.append(openid)
            handler.send_json(200, {"errcode": 0, "errmsg": "ok"})

    def _wrong(self, openid: str, body: Any) -> tuple[int, str]:
        if not self.authorised:
            return 48001, "api unauthorized"
        if openid not in self._last_said:
            return 40003, "invalid openid"
        if self.clock() - self._last_said[openid] > WINDOW:
            return 45015, "response out of time limit or subscription is canceled"
        if self._pushed_since[openid] >= QUOTA:
            return 45047, "out of response count limit"
        if body.get("msgtype") == "text" and len(body["text"]["content"].encode()) > _TEXT:
            return 45002, "content size out of limit"
        return 0, ""

    def _refuse(self, handler: Handler, code: int, why: str) -> None:
        self.refused.append((code, why))
        handler.send_json(200, {"errcode": code, "errmsg": why})


def _shown(body: Any) -> str:
    kind = body["msgtype"]
    if kind == "text":
        return str(body["text"]["content"])
    if kind == "msgmenu":
        return "\n".join(
            [body["msgmenu"]["head_content"].strip(), *(each["content"] for each in body["msgmenu"]["list"])]
        )
    return f"[{kind} {body[kind]['media_id']}]"


def _sha1(*parts: str) -> str:
    return hashlib.sha1("".join(sorted(parts)).encode()).hexdigest()  # noqa: S324 - the protocol's own
