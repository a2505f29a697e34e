"""The WeChat channel on a running server, before servers that drop, repeat, count and refuse as WeChat's do."""

import asyncio
import time
from collections.abc import Callable, Iterator

import httpx
import pytest
from wechatpy.crypto import WeChatCrypto

from kefu.channels.wechat import wire
from kefu.channels.wechat.crypto import signature
from kefu.desk.actor import system
from kefu.desk.assistants.actions import set_up
from kefu.desk.channels import check_channel
from kefu.desk.inbox import actions, queries
from kefu.testing.fake_wechat import APP_ID, ORIGINAL_ID, TOKEN, FakeWeChat, Outcome

from .conftest import ANSWER, APPROVED, Line, eventually
from .test_telegram import PNG
from .test_wechat_wire import AES_KEY

AMR = b"#!AMR\n" + b"\x3c" * 64
QUESTION = "How much does standard delivery cost?"
FACT = "Standard delivery costs ¥12 and takes 2 to 4 working days."


@pytest.fixture
def line(open_line: Callable[..., Line], wechat: FakeWeChat) -> Line:
    return open_line("wechat", wechat.values)


@pytest.fixture
def quick() -> Iterator[FakeWeChat]:
    """Servers in a hurry: they drop a request after two seconds."""
    with FakeWeChat(drop=2.0) as fake:
        yield fake


def says(wechat: FakeWeChat, line: Line, text: str, openid: str = "openid1") -> Outcome:
    return asyncio.run(wechat.says(openid, text, hook=line.hook))


def test_a_message_is_acknowledged_at_once_and_answered_by_the_customer_service_api(
    line: Line, wechat: FakeWeChat
) -> None:
    outcome = says(wechat, line, APPROVED)
    assert (outcome.tries, outcome.drops, outcome.bodies) == (1, 0, [b"success"])
    assert line.settled(1) == ["sent"]
    assert wechat.texts("openid1") == [ANSWER]


def test_a_repeated_message_is_answered_once(line: Line, wechat: FakeWeChat) -> None:
    message = wechat.message("openid1", "text", Content=APPROVED)
    for _ in range(3):
        asyncio.run(wechat.posts(message, hook=line.hook))
    line.settled(1)
    assert wechat.texts("openid1") == [ANSWER]


def test_safe_mode_goes_both_ways(open_line: Callable[..., Line], wechat: FakeWeChat) -> None:
    independent = WeChatCrypto(TOKEN, AES_KEY, APP_ID)
    wechat.seal = independent.encrypt_message

    def unseal(body: bytes) -> bytes:
        outer = wire.fields(body)
        signed = outer["MsgSignature"], outer["TimeStamp"], outer["Nonce"]
        return bytes(independent.decrypt_message(body.decode(), *signed).encode())

    wechat.unseal = unseal
    line = open_line("wechat", {**wechat.values, "mode": "safe", "aes_key": AES_KEY, "account": "unverified"})
    outcome = says(wechat, line, APPROVED)
    assert (outcome.passive, outcome.error) == (ANSWER, "")


def test_what_was_not_signed_by_wechat_is_refused_and_counted(line: Line, wechat: FakeWeChat) -> None:
    query, body = wechat.signed(wechat.message("openid1", "text", Content=APPROVED))
    assert httpx.post(line.hook, params={**query, "nonce": "2"}, content=body, timeout=60).status_code == 401
    assert httpx.get(line.hook, params={**query, "echostr": "77"}, timeout=60).content == b"77"
    assert line.messages() == []
    assert eventually(lambda: line.traffic().refused) == {"signature": 1}


@pytest.mark.parametrize(
    ("message", "age", "reason"),
    [
        (lambda wechat: wechat.message("openid1", "text", Content=APPROVED), 3600, "replay"),
        (
            lambda wechat: wechat.message("openid1", "text", Content=APPROVED, ToUserName="gh_other"),
            0,
            "unknown_sender",
        ),
        (lambda wechat: b"<xml><MsgType>text</MsgType></xml>", 0, "damaged"),
    ],
    ids=["old", "another account's", "damaged"],
)
def test_what_is_no_message_to_us_is_refused_and_counted_and_nothing_of_it_stored(
    open_line: Callable[..., Line], wechat: FakeWeChat, message: Callable[[FakeWeChat], bytes], age: int, reason: str
) -> None:
    line = open_line("wechat", {**wechat.values, "original_id": ORIGINAL_ID})
    moment, nonce = str(int(time.time()) - age), "1"
    query = {"signature": signature(TOKEN, moment, nonce), "timestamp": moment, "nonce": nonce}
    answer = httpx.post(line.hook, params=query, content=message(wechat), timeout=60)
    assert (answer.status_code >= 400, answer.json()["reason"]) == (True, reason)
    assert line.messages() == []
    assert eventually(lambda: line.traffic().refused) == {reason: 1}
    assert line.traffic().received == 0


def test_a_file_that_is_too_large_is_refused_and_nothing_stored(line: Line, wechat: FakeWeChat) -> None:
    wechat.media["m1"] = (AMR + b"\0" * (10 * 2**20), "voice")
    asyncio.run(wechat.posts(wechat.message("openid1", "voice", Format="amr", MediaId="m1"), hook=line.hook))
    assert eventually(lambda: line.traffic().refused) == {"too_large": 1}
    assert line.messages() == []


def test_the_quota_is_never_exceeded_and_what_waits_goes_as_one(line: Line, wechat: FakeWeChat) -> None:
    says(wechat, line, "I want to talk to a person.")
    line.settled(1)
    member, thread = line.member(), line.messages()[0].conversation_id
    for number in range(9):
        actions.reply(member, conversation_id=thread, text=f"Reply {number}")
        line.settled(number + 2)
    assert (45047, "out of response count limit") not in wechat.refused
    assert len(wechat.pushed) == 5
    assert "kept" in line.states()
    assert line.traffic().kept > 0
    says(wechat, line, "Hello?")
    eventually(lambda: set(line.settled(10)) == {"sent"})
    assert len(wechat.pushed) == 6
    shown = "\n\n".join(wechat.texts("openid1"))
    places = [shown.index(f"Reply {number}") for number in range(9)]
    assert places == sorted(places)
    assert wechat.refused == []


@pytest.mark.parametrize("code", [45015, 45047])
def test_what_wechat_counts_otherwise_is_kept_for_the_next_message(line: Line, wechat: FakeWeChat, code: int) -> None:
    says(wechat, line, "hello")
    line.settled(1)
    wechat.fail_next(200, body={"errcode": code, "errmsg": "out of limit"})
    says(wechat, line, APPROVED)
    assert line.settled(2) == ["sent", "kept"]
    says(wechat, line, "Are you there?")
    eventually(lambda: set(line.settled(3)) == {"sent"})
    assert ANSWER in "".join(wechat.texts("openid1"))


def test_a_token_that_ended_is_renewed_and_the_message_sent_once(line: Line, wechat: FakeWeChat) -> None:
    says(wechat, line, APPROVED)
    line.settled(1)
    wechat.end_tokens()
    says(wechat, line, APPROVED)
    assert line.settled(2) == ["sent", "sent"]
    assert wechat.texts("openid1") == [ANSWER, ANSWER]
    assert wechat.tokens_given == 2


def test_the_token_is_kept_sealed_and_shared(line: Line, wechat: FakeWeChat) -> None:
    from kefu.desk.inbox.models import ChannelValue

    says(wechat, line, APPROVED)
    line.settled(1)
    [row] = ChannelValue.objects.of(line.shop.workspace_id).filter(channel_id=line.channel_id)
    assert b"token1" not in bytes(row.sealed_value)
    assert queries.recalled(line.channel_id, "access_token") == "token1"
    [check, _] = check_channel(line.actor, channel_id=line.channel_id)
    assert check.passed
    assert queries.recalled(line.channel_id, "access_token") == "token2"


def test_what_may_have_arrived_is_marked_for_a_person(line: Line, wechat: FakeWeChat) -> None:
    wechat.silent = 1
    says(wechat, line, APPROVED)
    assert line.settled(1) == ["unsure"]
    assert wechat.texts("openid1") == [ANSWER]


def test_pictures_and_voices_are_fetched_and_pictures_sent(line: Line, wechat: FakeWeChat) -> None:
    wechat.media["m1"], wechat.media["m2"] = (PNG, "image"), (AMR, "voice")
    asyncio.run(wechat.posts(wechat.message("openid1", "image", PicUrl="http://x", MediaId="m1"), hook=line.hook))
    asyncio.run(wechat.posts(wechat.message("openid1", "voice", Format="amr", MediaId="m2"), hook=line.hook))
    lines = eventually(lambda: [row for row in line.messages() if row.author == "contact"][1:] and line.messages())
    kinds = [part["media_type"] for row in lines if row.author == "contact" for part in row.attachments]
    assert kinds == ["image/png", "audio/amr"]
    member, thread = line.member(), lines[0].conversation_id
    picture = actions.add_attachment(member, conversation_id=thread, name="map.png", data=PNG)
    actions.reply(member, conversation_id=thread, text="Here is the map", attachments=[picture.id])
    eventually(lambda: [body for body in wechat.pushed if body["msgtype"] == "image"])
    [body] = [body for body in wechat.pushed if body["msgtype"] == "image"]
    assert PNG in wechat.media[body["image"]["media_id"]][0]


def test_media_that_wechat_threw_away_is_told_in_the_message(line: Line, wechat: FakeWeChat) -> None:
    asyncio.run(wechat.posts(wechat.message("openid1", "image", PicUrl="http://x", MediaId="gone"), hook=line.hook))
    [said] = eventually(lambda: [row for row in line.messages() if row.author == "contact"])
    assert said.text == "[A file that cannot be kept: image]"


def test_who_subscribes_is_greeted_and_who_leaves_is_left_alone(line: Line, wechat: FakeWeChat) -> None:
    greeting = {"en": "Welcome!", "zh": "欢迎！"}
    actions.change_channel(line.actor, channel_id=line.channel_id, settings={"greeting": greeting})
    asyncio.run(wechat.happens("openid1", "subscribe", EventKey="", hook=line.hook))
    assert line.settled(1) == ["sent"]
    assert wechat.texts("openid1") == ["Welcome!"]
    asyncio.run(wechat.happens("openid1", "unsubscribe", EventKey="", hook=line.hook))
    member, thread = line.member(), line.messages()[0].conversation_id
    actions.reply(member, conversation_id=thread, text="Are you there?")
    assert line.states() == ["sent"]
    says(wechat, line, "I am back")
    actions.reply(member, conversation_id=thread, text="Welcome back")
    assert line.settled(2) == ["sent", "sent"]
    assert wechat.texts("openid1") == ["Welcome!", "Welcome back"]


def test_an_unverified_account_is_answered_with_the_request(open_line: Callable[..., Line], wechat: FakeWeChat) -> None:
    line = open_line("wechat", {**wechat.values, "account": "unverified"})
    outcome = says(wechat, line, APPROVED)
    assert (outcome.tries, outcome.passive) == (1, ANSWER)
    assert wechat.pushed == []
    assert line.settled(1) == ["sent"]


def test_a_slow_answer_goes_back_with_a_repetition(open_line: Callable[..., Line], quick: FakeWeChat) -> None:
    line = open_line("wechat", {**quick.values, "account": "unverified"})
    generate(line, seconds=2.2)
    outcome = says(quick, line, QUESTION)
    assert (outcome.tries, outcome.drops, outcome.error) == (2, 1, "")
    assert outcome.passive.startswith(FACT)
    assert line.settled(1) == ["sent"]
    assert len([row for row in line.messages() if row.author == "contact"]) == 1


def test_a_very_slow_answer_is_kept_for_the_next_message(open_line: Callable[..., Line], quick: FakeWeChat) -> None:
    line = open_line("wechat", {**quick.values, "account": "unverified"})
    generate(line, seconds=7.0)
    outcome = says(quick, line, QUESTION)
    assert (outcome.tries, outcome.drops, outcome.error, outcome.bodies) == (3, 2, "", [b"success"])
    assert eventually(line.states) == ["kept"]
    said = says(quick, line, APPROVED)
    assert said.error == ""
    assert said.passive.startswith(FACT)
    assert said.passive.endswith(ANSWER)
    assert line.settled(2) == ["sent", "sent"]
    assert quick.refused == []


def test_an_account_that_turns_out_not_to_be_verified_answers_with_requests(line: Line, wechat: FakeWeChat) -> None:
    wechat.authorised = False
    outcome = says(wechat, line, APPROVED)
    assert outcome.bodies == [b"success"]
    assert line.settled(1) == ["kept"]
    said = says(wechat, line, APPROVED)
    assert said.passive == f"{ANSWER}\n\n{ANSWER}"
    assert line.settled(2) == ["sent", "sent"]


def test_a_wrong_secret_is_told_in_the_check(open_line: Callable[..., Line], wechat: FakeWeChat) -> None:
    line = open_line("wechat", {**wechat.values, "app_secret": "f" * 32})
    [check] = check_channel(line.actor, channel_id=line.channel_id)
    assert (check.passed, check.field) == (False, "app_secret")
    assert "40125" in check.sentence["en"]


def generate(line: Line, *, seconds: float) -> None:
    """Answers to the question are generated from now on, and take so long."""
    words = FACT.split()
    set_up(
        system(line.shop.workspace_id),
        policy={"kinds": ["approved", "generated"]},
        generator="scripted:test",
        generator_options={"replies": [FACT], "delay": seconds / len(words)},
    )
