"""The conformance suite that plug-in authors run, over our own channels; each is told how its provider fails."""

import itertools
import time
from typing import Any

from kefu.contracts.channel import NotKnown, QuotaUsedUp, RefusedForEver, Request, SendResult, TryLater
from kefu.testing.channel_suite import CONTACT, ChannelSuite
from kefu.testing.fake_telegram import FakeTelegram
from kefu.testing.fake_webhook import FakeWebhook
from kefu.testing.fake_wechat import FakeWeChat


class TestWebhook(ChannelSuite):
    kind = "webhook"

    def provider(self) -> FakeWebhook:
        return FakeWebhook()

    def values(self, provider: FakeWebhook) -> dict[str, Any]:
        return provider.values

    def message(self, provider: FakeWebhook, text: str, *, key: str = "1") -> Request:
        return provider.message(CONTACT, text, key=key)

    def forged(self, provider: FakeWebhook) -> Request:
        genuine = provider.message(CONTACT, "Hi", key="1")
        return Request("POST", {}, genuine.headers, genuine.body.replace(b"Hi", b"Ho"))

    def stale(self, provider: FakeWebhook) -> Request:
        return provider.message(CONTACT, "Hi", key="1", at=time.time() - 3600)

    def pressed(self, provider: FakeWebhook, number: int) -> Request:
        return provider.presses(CONTACT, number, key=f"pressed-{number}")

    def answers(self, provider: FakeWebhook, result: type[SendResult]) -> bool:
        if result is NotKnown:
            provider.silent = 1
            return True
        status = {TryLater: 503, RefusedForEver: 410}.get(result)
        if status:
            provider.fail_next(status)
        return status is not None


class TestTelegram(ChannelSuite):
    kind = "telegram"

    def provider(self) -> FakeTelegram:
        return FakeTelegram()

    def values(self, provider: FakeTelegram) -> dict[str, Any]:
        return provider.values

    def message(self, provider: FakeTelegram, text: str, *, key: str = "1") -> Request:
        return provider.request({**provider.says(CONTACT, text), "update_id": int(key)})

    def forged(self, provider: FakeTelegram) -> Request:
        return provider.request(provider.says(CONTACT, "Hi"), secret="somebody else's")

    def pressed(self, provider: FakeTelegram, number: int) -> Request:
        return provider.request(provider.presses(CONTACT, provider.sent[-1], number))

    def answers(self, provider: FakeTelegram, result: type[SendResult]) -> bool:
        if result is NotKnown:
            provider.silent = 1
        elif result is RefusedForEver:
            provider.blocked.add(CONTACT)
        elif result is TryLater:
            provider.fail_next(502, body={"ok": False, "error_code": 502, "description": "Bad Gateway"})
        return result is not QuotaUsedUp


class TestWeChat(ChannelSuite):
    kind = "wechat"
    _ids = itertools.count(1)

    def provider(self) -> FakeWeChat:
        return FakeWeChat()

    def prepare(self, provider: FakeWeChat) -> None:
        provider.heard(CONTACT)

    def values(self, provider: FakeWeChat) -> dict[str, Any]:
        return provider.values

    def message(self, provider: FakeWeChat, text: str, *, key: str = "1") -> Request:
        content = text.replace("]]>", "]]]]><![CDATA[>")
        query, body = provider.signed(provider.message(CONTACT, "text", Content=content, MsgId=f"2400000{key}"))
        return Request("POST", query, {}, body)

    def forged(self, provider: FakeWeChat) -> Request:
        genuine = self.message(provider, "Hi")
        return Request("POST", {**genuine.query, "nonce": "another"}, {}, genuine.body)

    def stale(self, provider: FakeWeChat) -> Request:
        from kefu.channels.wechat.crypto import signature
        from kefu.testing.fake_wechat import TOKEN

        long_ago = str(int(time.time()) - 3600)
        query = {"timestamp": long_ago, "nonce": "1", "signature": signature(TOKEN, long_ago, "1")}
        return Request("POST", query, {}, self.message(provider, "Hi").body)

    def pressed(self, provider: FakeWeChat, number: int) -> Request:
        query, body = provider.signed(provider.presses(CONTACT, number))
        return Request("POST", query, {}, body)

    def answers(self, provider: FakeWeChat, result: type[SendResult]) -> bool:
        if result is NotKnown:
            provider.silent = 1
            return True
        provider.refuse_next({TryLater: -1, RefusedForEver: 45002, QuotaUsedUp: 45047}[result])
        return True
