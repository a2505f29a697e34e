"""WeChat's signatures, envelopes and messages, against wechatpy as sender and decryptor, and the documented vector."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from wechatpy import parse_message
from wechatpy.crypto import WeChatCrypto
from wechatpy.utils import check_signature

from kefu.channels.wechat import crypto, wire
from kefu.channels.wechat.channel import WeChatChannel
from kefu.contracts.channel import File, Memory, Outgoing, Request, RequestRefused, Setup
from kefu.testing.fake_wechat import APP_ID, APP_SECRET, TOKEN, FakeWeChat

AES_KEY = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
OLD_KEY = "0123456789ABCDEFGabcdefghijklmnopqrstuvwxyz"


class Remembered(Memory):
    """Values in memory, without an end."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}

    async def recall(self, name: str) -> str | None:
        return self.values.get(name) or None

    async def remember(self, name: str, value: str, *, seconds: float) -> None:
        self.values[name] = value


@pytest.fixture
def make() -> Callable[..., WeChatChannel]:
    def made(**values: Any) -> WeChatChannel:
        whole = {
            "app_id": APP_ID,
            "app_secret": APP_SECRET,
            "token": TOKEN,
            "mode": "safe",
            "aes_key": AES_KEY,
            "previous_aes_key": "",
            "account": "verified",
            "original_id": "",
            "response_seconds": "5",
            "api_url": "http://127.0.0.1:9",
            **values,
        }
        return WeChatChannel(Setup("ch_1", whole, Remembered(), hook="https://x/v1/hooks/ch_1", allow_private=True))

    return made


def sealed_by(key: str, *, app_id: str = APP_ID, is_compatible: bool = False) -> FakeWeChat:
    """WeChat's servers, with envelopes made by wechatpy."""
    fake = FakeWeChat()
    independent = WeChatCrypto(TOKEN, key, app_id)
    fake.seal = independent.encrypt_message
    fake.is_compatible = is_compatible
    return fake


def request(fake: FakeWeChat, message: bytes, **query: str) -> Request:
    signed, body = fake.signed(message)
    return Request("POST", {**signed, **query}, {}, body)


def test_the_documented_vector() -> None:
    expected = "899cf89e464efb63f54ddac96b0a0a235f53aa78"
    assert crypto.signature("AAAAA", "1714037059", "486452656") == expected
    check_signature("AAAAA", expected, "1714037059", "486452656")
    assert crypto.fits(expected, "AAAAA", "1714037059", "486452656")
    assert not crypto.fits(expected, "AAAAB", "1714037059", "486452656")


async def test_the_echo_is_answered_bare(make: Callable[..., WeChatChannel]) -> None:
    timestamp = str(int(time.time()))
    query = {
        "timestamp": timestamp,
        "nonce": "1",
        "echostr": "5812345",
        "signature": crypto.signature(TOKEN, timestamp, "1"),
    }
    parsed = await make().parse(Request("GET", query, {}, b""))
    assert (parsed.answer.status, parsed.answer.body) == (200, b"5812345")
    with pytest.raises(RequestRefused):
        await make().parse(Request("GET", {**query, "signature": "0" * 40}, {}, b""))


@pytest.mark.parametrize("text", ["你好，我的订单 20240518 到哪了？", "a", "]]> <xml> & 😀", "长" * 600])
async def test_what_wechatpy_seals_is_opened(make: Callable[..., WeChatChannel], text: str) -> None:
    fake = sealed_by(AES_KEY)
    message = fake.message("openid", "text", Content=text.replace("]]>", "]]]]><![CDATA[>"))
    [incoming] = (await make().parse(request(fake, message))).incoming
    assert (incoming.contact, incoming.parts[0].text) == ("openid", text)
    assert incoming.external_id == parse_message(message).id.__str__()


async def test_what_we_seal_wechatpy_opens(make: Callable[..., WeChatChannel]) -> None:
    fake = sealed_by(AES_KEY)
    parsed = await make(account="unverified").parse(request(fake, fake.message("openid", "text", Content="你好")))
    assert parsed.hold is not None
    answer = parsed.hold.respond(Outgoing("k", "openid", "您好 ]]> & <b>", quick_replies=("人工",)))
    outer = wire.fields(answer.body)
    plain = WeChatCrypto(TOKEN, AES_KEY, APP_ID).decrypt_message(
        answer.body.decode(), outer["MsgSignature"], outer["TimeStamp"], outer["Nonce"]
    )
    reply = wire.fields(plain.encode())
    assert reply["Content"] == "您好 ]]> & <b>\n\n· 人工"
    assert (reply["ToUserName"], reply["FromUserName"], reply["MsgType"]) == ("openid", "gh_0123456789ab", "text")


@pytest.mark.parametrize("key", [AES_KEY, OLD_KEY])
async def test_both_keys_open_while_the_key_is_changed(make: Callable[..., WeChatChannel], key: str) -> None:
    fake = sealed_by(key)
    parsed = await make(previous_aes_key=OLD_KEY).parse(request(fake, fake.message("openid", "text", Content="hi")))
    assert parsed.incoming[0].parts[0].text == "hi"


@pytest.mark.parametrize("mode", ["plain", "compatible"])
async def test_plain_messages_are_read_in_plain_and_compatible_mode(
    make: Callable[..., WeChatChannel], mode: str
) -> None:
    fake = FakeWeChat()
    parsed = await make(mode=mode).parse(request(fake, fake.message("openid", "text", Content="hi")))
    assert parsed.incoming[0].parts[0].text == "hi"


async def test_compatible_messages_are_read_by_their_envelope(make: Callable[..., WeChatChannel]) -> None:
    fake = sealed_by(AES_KEY, is_compatible=True)
    parsed = await make(mode="compatible").parse(request(fake, fake.message("openid", "text", Content="hi")))
    assert parsed.incoming[0].parts[0].text == "hi"


@pytest.mark.parametrize(
    ("sender", "query", "values", "reason"),
    [
        (lambda: sealed_by(AES_KEY), {"signature": "0" * 40}, {}, "signature"),
        (lambda: sealed_by(AES_KEY), {"msg_signature": "0" * 40}, {}, "signature"),
        (lambda: sealed_by(OLD_KEY), {}, {}, "signature"),
        (FakeWeChat, {}, {}, "signature"),
        (lambda: sealed_by(AES_KEY, app_id="wxffffffffffffffff"), {}, {}, "unknown_sender"),
        (lambda: sealed_by(AES_KEY), {}, {"original_id": "gh_somebodyelse"}, "unknown_sender"),
    ],
    ids=["signature", "envelope's signature", "unknown key", "plain in safe mode", "another app", "another account"],
)
async def test_what_is_not_wechats_is_refused(
    make: Callable[..., WeChatChannel],
    sender: Callable[[], FakeWeChat],
    query: dict[str, str],
    values: dict[str, str],
    reason: str,
) -> None:
    fake = sender()
    with pytest.raises(RequestRefused) as refused:
        await make(**values).parse(request(fake, fake.message("openid", "text", Content="hi"), **query))
    assert refused.value.reason == reason


async def test_a_request_of_long_ago_is_a_replay(make: Callable[..., WeChatChannel]) -> None:
    fake = FakeWeChat()
    timestamp = str(int(time.time()) - 3600)
    query = {"timestamp": timestamp, "nonce": "1", "signature": crypto.signature(TOKEN, timestamp, "1")}
    with pytest.raises(RequestRefused) as refused:
        await make(mode="plain").parse(Request("POST", query, {}, fake.message("openid", "text", Content="hi")))
    assert refused.value.reason == "replay"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<xml>",
        b"{}",
        b"<xml></xml>",
        b'<!DOCTYPE x [<!ENTITY e "x">]><xml>&e;</xml>',
        b"\xff\xfe",
        b"<xml>" + b"x" * 70_000,
    ],
)
async def test_damaged_bodies_are_refused(make: Callable[..., WeChatChannel], body: bytes) -> None:
    fake = FakeWeChat()
    with pytest.raises(RequestRefused) as refused:
        await make(mode="plain").parse(_with_body(fake, body))
    assert refused.value.reason == "damaged"


def _with_body(fake: FakeWeChat, body: bytes) -> Request:
    signed, _ = fake.signed(b"")
    return Request("POST", signed, {}, body)


@pytest.mark.parametrize("sealed", ["", "AAAA", "%%%", "A" * 44, "A" * 88])
def test_broken_envelopes_are_unreadable(sealed: str) -> None:
    with pytest.raises(crypto.Unreadable):
        crypto.decrypt(AES_KEY, sealed)


@pytest.mark.parametrize(
    ("kind", "more", "part"),
    [
        ("image", {"PicUrl": "http://x", "MediaId": "m1"}, ("image", "", "m1")),
        ("voice", {"MediaId": "m1", "Format": "amr", "Recognition": "您好"}, ("audio", "", "m1")),
        ("shortvideo", {"MediaId": "m1", "ThumbMediaId": "t"}, ("file", "", "m1")),
        ("link", {"Title": "T", "Description": "D", "Url": "http://x"}, ("text", "T\nD\nhttp://x", "")),
        (
            "location",
            {"Location_X": "22.5", "Location_Y": "113.9", "Scale": "15", "Label": "Office"},
            ("location", "Office", ""),
        ),
        ("event", {"Event": "subscribe", "EventKey": ""}, ("event", "subscribe", "")),
        ("event", {"Event": "unsubscribe", "EventKey": ""}, ("event", "unsubscribe", "")),
        ("event", {"Event": "CLICK", "EventKey": "查询订单"}, ("text", "查询订单", "")),
    ],
)
async def test_every_kind_of_message_is_read_as_wechatpy_reads_it(
    make: Callable[..., WeChatChannel], kind: str, more: dict[str, str], part: tuple[str, str, str]
) -> None:
    fake = FakeWeChat()
    message = fake.message("openid", kind, **more)
    assert parse_message(message).source == "openid"
    [incoming] = (await make(mode="plain").parse(request(fake, message))).incoming
    assert (incoming.parts[0].kind, incoming.parts[0].text, incoming.parts[0].media) == part


async def test_events_that_say_nothing_are_acknowledged(make: Callable[..., WeChatChannel]) -> None:
    fake = FakeWeChat()
    parsed = await make(mode="plain").parse(
        request(fake, fake.message("openid", "event", Event="VIEW", EventKey="http://x"))
    )
    assert (parsed.incoming, parsed.answer.body) == ((), b"success")


@pytest.mark.parametrize(("seconds", "messages"), [(59, 2), (61, 1)])
def test_a_voice_past_a_minute_is_left_to_the_text(
    make: Callable[..., WeChatChannel], seconds: int, messages: int
) -> None:
    frame = b"\x3c" + b"\0" * 31  # 20 ms at 12.2 kbit/s
    voice = File("answer.amr", "audio/amr", b"#!AMR\n" + frame * 50 * seconds)
    pieces = make().pieces(Outgoing("k", "openid", "What is said.", audio=voice, spoken=True))
    assert [bool(each.text) for each in pieces] == [True, False][:messages]


@pytest.mark.parametrize(
    ("code", "field"),
    [(40013, "app_id"), (40125, "app_secret"), (40164, "")],
    ids=["app", "secret", "address of the server"],
)
async def test_why_there_is_no_token_is_told_at_its_field(
    make: Callable[..., WeChatChannel], code: int, field: str
) -> None:
    with FakeWeChat() as fake:
        fake.fail_next(200, body={"errcode": code, "errmsg": "refused"})
        [found] = await make(api_url=fake.address).check_settings()
    assert (found.passed, found.field) == (False, field)
    assert str(code) in found.sentence["en"]
    assert ("IP" in found.sentence["zh"]) == (code == 40164)


async def test_a_server_that_does_not_answer_is_named_by_its_host_alone(make: Callable[..., WeChatChannel]) -> None:
    [found] = await make().check_settings()  # port 9 is closed
    assert found.field == "api_url"
    assert found.sentence["en"] == "127.0.0.1:9 does not answer (ConnectError)."
