"""Customers who would rather ask the assistant again than wait for a person."""

from datetime import timedelta
from typing import Any

import pytest

from kefu.desk.inbox import actions, due, queries
from kefu.desk.inbox.models import Conversation
from kefu.desk.rows import now
from kefu.kit.errors import Conflict

from .shops import Shop, claim, finish, made_shop

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop() -> Shop:
    return made_shop()


def waiting(shop: Shop) -> str:
    thread = shop.start()
    actions.ask_for_member(shop.program, conversation_id=thread)
    return thread


def said(shop: Shop, thread: str) -> list[str]:
    return [row.text for row in queries.messages(shop.kefu, thread)]


def status(shop: Shop, thread: str) -> str:
    return queries.conversation(shop.kefu, thread).status


def test_what_was_asked_while_waiting_is_answered_then(shop: Shop) -> None:
    thread = waiting(shop)
    for text in ("When do you open?", "And on Sundays?"):
        assert shop.say(thread, text).turn_id is None
    assert actions.ask_assistant(shop.program, conversation_id=thread).status == "bot"
    [turn] = claim()
    assert turn.text == "When do you open?\nAnd on Sundays?"
    done = finish(turn)
    assert done is not None
    assert done.reply is not None
    assert said(shop, thread)[2:] == ["The assistant is back in the conversation.", "From 9:00 to 21:00."]


def test_nothing_is_answered_twice(shop: Shop) -> None:
    thread = shop.start()
    shop.say(thread, "When do you open?")
    [turn] = claim()
    finish(turn)
    actions.ask_for_member(shop.program, conversation_id=thread)
    for _ in range(2):
        assert actions.ask_assistant(shop.program, conversation_id=thread).status == "bot"
    assert claim() == []
    assert said(shop, thread).count("The assistant is back in the conversation.") == 1


def test_words_call_it_too_and_are_not_taken_for_a_question(shop: Shop) -> None:
    thread = waiting(shop)
    shop.say(thread, "When do you open?")
    stored = shop.say(thread, '"assistant"')
    assert stored.turn_id is None
    assert status(shop, thread) == "bot"
    assert [turn.text for turn in claim()] == ["When do you open?"]


def test_in_chinese(shop: Shop) -> None:
    shop = made_shop(settings={"language": "zh"})
    thread = waiting(shop)
    shop.say(thread, "助手")
    assert said(shop, thread)[-1] == "智能助手已回到对话中。"
    assert claim() == []


def test_not_once_a_member_has_it(shop: Shop) -> None:
    thread = waiting(shop)
    actions.take(shop.owner, conversation_id=thread)
    with pytest.raises(Conflict, match="Owner has this conversation"):
        actions.ask_assistant(shop.program, conversation_id=thread)
    shop.say(thread, "assistant")
    assert status(shop, thread) == "open"


def test_not_where_it_is_switched_off_or_all_is_resolved(shop: Shop) -> None:
    off = made_shop(assistant_on=False)
    thread = waiting(off)
    with pytest.raises(Conflict, match="switched off"):
        actions.ask_assistant(off.program, conversation_id=thread)
    off.say(thread, "assistant")
    assert status(off, thread) == "waiting"
    thread = waiting(shop)
    actions.resolve(shop.program, conversation_id=thread)
    with pytest.raises(Conflict, match="resolved"):
        actions.ask_assistant(shop.program, conversation_id=thread)


@pytest.mark.parametrize(("channel", "offered"), [({}, True), ({"assistant_on": False}, False)])
def test_who_waits_for_long_hears_of_it(channel: dict[str, Any], offered: bool) -> None:
    shop = made_shop(**channel)
    thread = waiting(shop)
    Conversation.objects.of(shop.workspace_id).filter(id=thread).update(due_at=now() - timedelta(seconds=1))
    due.tell_nobody_came()
    assert ('write "assistant"' in said(shop, thread)[-1]) is offered
