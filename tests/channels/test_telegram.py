"""The Telegram channel on a running server, by webhook and by polling; what we send is read by aiogram's types."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from aiogram import methods, types

from kefu.contracts.channel import Outgoing
from kefu.desk.assistants.actions import set_up
from kefu.desk.channels import check_channel
from kefu.desk.inbox import actions, queries
from kefu.gateway.hub import Hub
from kefu.gateway.plugins import Plugins
from kefu.gateway.rows import Rows
from kefu.gateway.signs import TypingSigns
from kefu.kit import settings
from kefu.kit.runtime import run
from kefu.testing.fake_telegram import FakeTelegram

from ..gateway.conftest import Shop
from .conftest import ANSWER, APPROVED, Line, eventually

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 40
OGG = b"OggS" + b"\0" * 60


@pytest.fixture
def line(open_line: Callable[..., Line], telegram: FakeTelegram) -> Line:
    return open_line("telegram", telegram.values)


def test_a_message_is_answered_in_its_chat(line: Line, telegram: FakeTelegram) -> None:
    update = telegram.says("42", APPROVED)
    types.Update.model_validate(update)  # what the fake sends is an update to an independent client, too
    assert line.post(telegram.request(update)).status_code == 200
    assert line.settled(1) == ["sent"]
    assert telegram.texts("42") == [ANSWER]
    sent = methods.SendMessage.model_validate(telegram.sent[0])
    assert (str(sent.chat_id), sent.text) == ("42", ANSWER)
    [delivery] = queries.deliveries(line.actor, line.channel_id, states=("sent",))
    assert delivery.external_id


def test_a_wrong_secret_token_is_refused_and_counted(line: Line, telegram: FakeTelegram) -> None:
    answer = line.post(telegram.request(telegram.says("42", "Hi"), secret="wrong"))
    assert (answer.status_code, answer.json()["reason"]) == (401, "signature")
    assert line.messages() == []
    assert eventually(lambda: line.traffic().refused) == {"signature": 1}


def test_a_repeated_update_is_answered_once(line: Line, telegram: FakeTelegram) -> None:
    update = telegram.says("42", APPROVED)
    for _ in range(3):
        line.post(telegram.request(update))
    line.settled(1)
    assert telegram.texts("42") == [ANSWER]


def test_the_customer_sees_that_the_assistant_composes_an_answer(line: Line, telegram: FakeTelegram) -> None:
    slow = {"replies": [ANSWER], "delay": 1.2 / len(ANSWER.split())}
    set_up(line.actor, policy={"kinds": ["generated"]}, generator="scripted:slow", generator_options=slow)
    line.post(telegram.request(telegram.says("42", APPROVED)))
    assert line.settled(1) == ["sent"]
    assert set(telegram.typing) == {"42"}  # told again where it takes long


def test_a_channel_that_shows_no_typing_is_looked_at_once(shop: Shop) -> None:
    reads: list[str] = []
    looked = asyncio.Event()

    class Counted(Rows):
        async def read(self, call: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
            found = await super().read(call, *arguments, **named)
            reads.append(call.__name__)
            looked.set()
            return found

    def composing() -> list[Any]:
        return [each for each in asyncio.all_tasks() if "_compose" in repr(each.get_coro())]

    async def answer_twice() -> list[Any]:
        rows = Counted()
        signs = TypingSigns(rows, Plugins(rows, Hub(rows)))
        with signs.composing(shop.workspace_id, "conversation", shop.channel_id):
            assert composing()
            await looked.wait()
        with signs.composing(shop.workspace_id, "another", shop.channel_id):
            left = composing()
        rows.close()
        return left

    assert run(answer_twice(), timeout=90) == []
    assert reads == ["channel_kind"]


def test_the_customer_sees_that_a_member_types_but_not_at_each_key(line: Line, telegram: FakeTelegram) -> None:
    line.post(telegram.request(telegram.says("42", APPROVED)))
    line.settled(1)
    conversation = line.messages()[0].conversation_id
    telegram.typing.clear()  # that the assistant composed an answer

    async def type_three_keys() -> None:
        rows = Rows()
        plugins = Plugins(rows, Hub(rows))
        signs = TypingSigns(rows, plugins)
        for _ in range(3):
            signs.wrote(line.shop.workspace_id, conversation)
        await signs.told()
        await plugins.close()
        rows.close()

    run(type_three_keys(), timeout=90)
    assert telegram.typing == ["42"]


def test_groups_and_bots_are_no_customers(line: Line, telegram: FakeTelegram) -> None:
    assert line.post(telegram.request(telegram.in_group(APPROVED))).status_code == 200
    assert line.messages() == []
    assert eventually(lambda: line.traffic().refused) == {"unknown_sender": 1}


@pytest.mark.parametrize("body", [b"", b"[]", b'{"update_id":1,"message":{}}', b'"hello"'])
def test_a_damaged_update_is_refused(line: Line, telegram: FakeTelegram, body: bytes) -> None:
    request = telegram.request({})
    answer = line.post(type(request)("POST", {}, request.headers, body))
    assert (answer.status_code, answer.json()["reason"]) == (400, "damaged")


def test_photos_and_voices_are_kept_as_files(line: Line, telegram: FakeTelegram) -> None:
    line.post(telegram.request(telegram.sends_file("42", "photo", PNG, caption="The lamp")))
    line.post(telegram.request(telegram.sends_file("42", "voice", OGG)))
    lines = eventually(lambda: [row for row in line.messages() if row.author == "contact"][1:] and line.messages())
    photo, voice = [row for row in lines if row.author == "contact"]
    assert photo.text == "The lamp"
    assert [part["media_type"] for part in photo.attachments] == ["image/png"]
    assert [part["media_type"] for part in voice.attachments] == ["audio/ogg"]


def test_a_file_that_is_too_large_is_refused_and_nothing_stored(
    line: Line, telegram: FakeTelegram, monkeypatch: pytest.MonkeyPatch
) -> None:
    large = OGG + b"\0" * (10 * 2**20)
    line.post(telegram.request(telegram.sends_file("42", "voice", large)))
    assert eventually(lambda: line.traffic().refused) == {"too_large": 1}
    assert line.messages() == []


def test_a_button_says_its_text(line: Line, telegram: FakeTelegram) -> None:
    line.post(telegram.request(telegram.says("42", "Hello?")))
    line.settled(1)
    channel = _plugin(line)
    [piece] = channel.pieces(Outgoing("k", "42", "Which one?", quick_replies=("Red", "A very long choice " * 5)))
    _run(channel.send(piece))
    sent = methods.SendMessage.model_validate(telegram.sent[-1])
    assert isinstance(sent.reply_markup, types.InlineKeyboardMarkup)
    pressed = telegram.presses("42", telegram.sent[-1], 1)
    types.Update.model_validate(pressed)
    answer = line.post(telegram.request(pressed))
    assert (
        methods.AnswerCallbackQuery.model_validate(answer.json()).callback_query_id == pressed["callback_query"]["id"]
    )
    said = [row.text for row in line.messages() if row.author == "contact"]
    assert said[-1].startswith("A very long choice")


def test_a_long_reply_goes_in_pieces_that_telegram_takes(line: Line, telegram: FakeTelegram) -> None:
    thread = _thread(line, telegram)
    text = "😀 A sentence of the reply. " * 400
    actions.reply(line.member(), conversation_id=thread, text=text[:8000])
    eventually(lambda: "".join(telegram.texts("42")).count("sentence") == text[:8000].count("sentence"))
    assert set(line.settled(1)) == {"sent"}


def test_a_blocked_bot_is_a_dead_delivery(line: Line, telegram: FakeTelegram) -> None:
    telegram.blocked.add("42")
    line.post(telegram.request(telegram.says("42", APPROVED)))
    assert line.settled(1) == ["dead"]
    assert "blocked" in queries.deliveries(line.actor, line.channel_id)[0].error


def test_too_many_requests_wait_as_long_as_telegram_says(line: Line, telegram: FakeTelegram) -> None:
    telegram.fail_next(
        429, body={"ok": False, "error_code": 429, "description": "Too Many", "parameters": {"retry_after": 1}}
    )
    line.post(telegram.request(telegram.says("42", APPROVED)))
    assert line.settled(1) == ["sent"]
    assert telegram.texts("42") == [ANSWER]


def test_what_may_have_arrived_is_marked_for_a_person_and_not_sent_twice(line: Line, telegram: FakeTelegram) -> None:
    telegram.silent = 1
    line.post(telegram.request(telegram.says("42", APPROVED)))
    assert line.settled(1) == ["unsure"]
    assert telegram.texts("42") == [ANSWER]
    assert "may or may not have reached" in line.messages()[-1].text
    [unsure] = queries.deliveries(line.actor, line.channel_id)
    actions.drop(line.actor, delivery_id=unsure.id)
    assert queries.deliveries(line.actor, line.channel_id) == []


def test_messages_are_fetched_by_polling_each_once(open_line: Callable[..., Line], telegram: FakeTelegram) -> None:
    for number in range(3):
        telegram.says(str(50 + number), APPROVED)
    line = open_line("telegram", {**telegram.values, "mode": "polling"})
    line.settled(3)
    telegram.says("60", APPROVED)
    line.settled(4)
    assert [len(telegram.texts(chat)) for chat in ("50", "51", "52", "60")] == [1, 1, 1, 1]
    actions.pause_channel(line.actor, channel_id=line.channel_id)


def test_a_check_asks_who_the_bot_is_and_sets_its_webhook(
    line: Line, telegram: FakeTelegram, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert [(check.name, check.passed) for check in check_channel(line.actor, channel_id=line.channel_id)] == [
        ("token", True),
        ("mode", False),
    ]
    monkeypatch.setenv("KEFU_PUBLIC_URL", "https://help.example.com")
    settings.reload()
    assert all(check.passed for check in check_channel(line.actor, channel_id=line.channel_id))
    assert telegram.webhook["url"] == f"https://help.example.com/v1/hooks/{line.channel_id}"
    assert telegram.webhook["secret_token"] == telegram.values["secret_token"]


def test_a_wrong_token_is_told(open_line: Callable[..., Line], telegram: FakeTelegram) -> None:
    line = open_line("telegram", {**telegram.values, "token": "123456789:" + "x" * 30})
    [check] = check_channel(line.actor, channel_id=line.channel_id)
    assert (check.passed, check.field) == (False, "token")
    assert "Unauthorized" in check.sentence["en"]


def _plugin(line: Line) -> Any:
    from kefu.desk.channels import open_channel

    return open_channel(line.channel_id).plugin


def _run(coroutine: Any) -> Any:
    from kefu.kit.runtime import run

    return run(coroutine, timeout=90)


def _thread(line: Line, telegram: FakeTelegram) -> str:
    line.post(telegram.request(telegram.says("42", APPROVED)))
    line.settled(1)
    telegram.sent.clear()
    return str(line.messages()[0].conversation_id)
