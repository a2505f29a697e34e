"""Telegram's Bot API, played on the loopback address: methods, errors, long polling, webhooks.

with FakeTelegram() as telegram:
    update = telegram.says("42", "Hello")       # queued for getUpdates; `request(update)` is its call of a webhook
    ...
    assert telegram.texts("42") == ["Hello yourself"]
"""

import itertools
import json
import re
import threading
import time
from collections.abc import Mapping
from typing import Any

from kefu.contracts.channel import Request
from kefu.testing.fakes import FakeServer, Handler, SeenRequest

TOKEN = "123456789:AAFakeTokenOfTestsAndNothingElse_00"  # noqa: S105 - of no bot
SECRET_TOKEN = "the-secret-token-of-the-webhook"  # noqa: S105
_LENGTH = 4096  # UTF-16 code units of one message


class FakeTelegram(FakeServer):
    """`blocked` are chats that refuse the bot. `silent` breaks so many connections after a message was sent.

    `typing` are the chats that were shown that the bot writes, in order.
    """

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[dict[str, Any]] = []
        self.files: dict[str, bytes] = {}
        self.blocked: set[str] = set()
        self.webhook: dict[str, Any] = {}
        self.acknowledged: list[str] = []
        self.typing: list[str] = []
        self.silent = 0
        self._updates: list[dict[str, Any]] = []
        self._changed = threading.Condition()
        self._numbers = itertools.count(1)

    @property
    def values(self) -> dict[str, str]:
        """The form of the channel that this bot is connected to."""
        return {"token": TOKEN, "secret_token": SECRET_TOKEN, "api_url": self.address, "mode": "webhook"}

    def texts(self, chat: str) -> list[str]:
        """What the bot has said in a chat."""
        return [each["text"] for each in self.sent if str(each["chat_id"]) == chat and "text" in each]

    def says(self, chat: str, text: str = "", **more: Any) -> dict[str, Any]:
        """A private message to the bot, as an update; `more` are further fields of the message."""
        message = {**self._message(chat), **({"text": text} if text else {}), **more}
        return self._queued({"message": message})

    def sends_file(self, chat: str, kind: str, data: bytes, **more: Any) -> dict[str, Any]:
        """A private message with a photo, voice or document."""
        file_id = f"file{next(self._numbers)}"
        self.files[file_id] = data
        held: Any = {"file_id": file_id, "file_unique_id": file_id, "file_size": len(data)}
        if kind == "photo":
            held = [{**held, "width": 9, "height": 9}]
        elif kind == "voice":
            held = {**held, "duration": 1}
        return self.says(chat, **{kind: held}, **more)

    def presses(self, chat: str, sent: Mapping[str, Any], number: int) -> dict[str, Any]:
        """A button below a message that the bot sent."""
        keyboard = sent["reply_markup"]
        message = {**self._message(chat), "text": sent["text"], "reply_markup": keyboard}
        message["from"] = {"id": 1, "is_bot": True, "first_name": "Kefu"}
        query = {
            "id": str(next(self._numbers)),
            "from": self._person(chat),
            "chat_instance": "1",
            "message": message,
            "data": keyboard["inline_keyboard"][number][0]["callback_data"],
        }
        return self._queued({"callback_query": query})

    def in_group(self, text: str) -> dict[str, Any]:
        """A message in a group that the bot was added to."""
        message = {**self._message("-5"), "chat": {"id": -5, "type": "group", "title": "Friends"}, "text": text}
        return self._queued({"message": message})

    def request(self, update: Mapping[str, Any], *, secret: str = SECRET_TOKEN) -> Request:
        """An update as Telegram posts it to a webhook."""
        headers = {"content-type": "application/json", "x-telegram-bot-api-secret-token": secret}
        return Request("POST", {}, headers, json.dumps(update).encode())

    def answer(self, handler: Handler, request: SeenRequest) -> None:
        path = request.path.partition("?")[0]
        if path.startswith(f"/file/bot{TOKEN}/"):
            data = self.files.get(path.rpartition("/")[2].partition(".")[0])
            handler.send_whole(200 if data is not None else 404, data or b"")
            return
        if not path.startswith(f"/bot{TOKEN}/"):
            _fail(handler, 401, "Unauthorized")
            return
        name = path.rpartition("/")[2]
        method = getattr(self, f"_{_snake(name)}", None)
        if method is None:
            _fail(handler, 404, "Not Found")
        else:
            method(handler, request.body or {})

    def _get_me(self, handler: Handler, body: Any) -> None:
        _give(handler, {"id": 123456789, "is_bot": True, "first_name": "Kefu", "username": "kefu_test_bot"})

    def _set_webhook(self, handler: Handler, body: Any) -> None:
        if not str(body.get("url", "")).startswith("https://"):
            _fail(handler, 400, "Bad Request: bad webhook: An HTTPS URL must be provided for webhook")
            return
        self.webhook = body
        _give(handler, True)

    def _delete_webhook(self, handler: Handler, body: Any) -> None:
        self.webhook = {}
        _give(handler, True)

    def _get_updates(self, handler: Handler, body: Any) -> None:
        if self.webhook:
            _fail(handler, 409, "Conflict: can't use getUpdates method while webhook is active")
            return
        until = time.monotonic() + min(float(body.get("timeout", 0)), 2.0)  # so that a test ends soon
        with self._changed:
            # What is asked for from an offset on confirms all before it: it is never given again.
            self._updates = [each for each in self._updates if each["update_id"] >= body.get("offset", 0)]
            while not self._updates and time.monotonic() < until and not self.stopped.is_set():
                self._changed.wait(0.05)
            found = list(self._updates)
        _give(handler, found)

    def _send_message(self, handler: Handler, body: Any) -> None:
        text = str(body.get("text", ""))
        if not text.strip():
            _fail(handler, 400, "Bad Request: message text is empty")
        elif len(text.encode("utf-16-le")) // 2 > _LENGTH:
            _fail(handler, 400, "Bad Request: message is too long")
        else:
            self._take(handler, body)

    def _send_photo(self, handler: Handler, body: Any) -> None:
        self._take(handler, body)

    _send_voice = _send_audio = _send_document = _send_photo

    def _send_chat_action(self, handler: Handler, body: Any) -> None:
        assert body["action"] == "typing"
        self.typing.append(str(body["chat_id"]))
        _give(handler, True)

    def _answer_callback_query(self, handler: Handler, body: Any) -> None:
        self.acknowledged.append(body["callback_query_id"])
        _give(handler, True)

    def _get_file(self, handler: Handler, body: Any) -> None:
        if body["file_id"] not in self.files:
            _fail(handler, 400, "Bad Request: invalid file_id")
            return
        _give(handler, {"file_id": body["file_id"], "file_unique_id": "u", "file_path": f"all/{body['file_id']}"})

    def _take(self, handler: Handler, body: Any) -> None:
        if str(body["chat_id"]) in self.blocked:
            _fail(handler, 403, "Forbidden: bot was blocked by the user")
            return
        self.sent.append(dict(body))
        if self.silent:
            self.silent -= 1
            handler.close_connection = True
            return
        _give(handler, {**self._message(str(body["chat_id"])), "text": body.get("text", "")})

    def _queued(self, update: dict[str, Any]) -> dict[str, Any]:
        update = {"update_id": 1000 + next(self._numbers), **update}
        with self._changed:
            self._updates.append(update)
            self._changed.notify_all()
        return update

    def _message(self, chat: str) -> dict[str, Any]:
        place = {"id": int(chat), "type": "private", "first_name": "Ann"}
        return {
            "message_id": next(self._numbers),
            "date": int(time.time()),
            "chat": place,
            "from": self._person(chat),
        }

    @staticmethod
    def _person(chat: str) -> dict[str, Any]:
        return {"id": abs(int(chat)), "is_bot": False, "first_name": "Ann", "last_name": "Lee"}


def _give(handler: Handler, result: Any) -> None:
    handler.send_json(200, {"ok": True, "result": result})


def _fail(handler: Handler, code: int, description: str) -> None:
    handler.send_json(code, {"ok": False, "error_code": code, "description": description})


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
