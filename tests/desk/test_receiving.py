"""Messages of several contacts in one transaction: each is stored or refused by itself, once."""

from dataclasses import replace
from typing import Any

import pytest
from django.db import connection

from kefu.contracts.channel import Incoming as Came
from kefu.contracts.channel import Part
from kefu.desk.actor import system
from kefu.desk.inbox.actions import (
    Brought,
    Incoming,
    ReceivedMessage,
    add_channel,
    arrive_together,
    receive_messages,
)
from kefu.desk.inbox.models import Arrival, Message
from kefu.kit.errors import BadInput, Busy, Conflict, NotFound
from kefu.testing.fake_webhook import SECRET

from .shops import Shop, claim, made_shop


@pytest.fixture
def shop(db: None) -> Shop:
    return made_shop()


def said(shop: Shop, thread: str, text: str, key: str | None = None) -> Incoming:
    return Incoming(shop.program, thread, text, idempotency_key=key)


def texts(shop: Shop) -> list[tuple[str, int, str]]:
    rows = Message.objects.of(shop.workspace_id).order_by("conversation_id", "sequence")
    return [(row.conversation_id, row.sequence, row.text) for row in rows]


def test_all_are_stored_in_order(shop: Shop) -> None:
    one, two = sorted(shop.start() for _ in range(2))
    outcomes = receive_messages([said(shop, one, "first"), said(shop, two, "other"), said(shop, one, "second")])
    assert all(isinstance(each, ReceivedMessage) for each in outcomes)
    assert texts(shop) == [(one, 1, "first"), (one, 2, "second"), (two, 1, "other")]
    assert sorted(turn.text for turn in claim()) == ["first\nsecond", "other"]


def test_one_that_is_refused_does_not_keep_the_others(shop: Shop) -> None:
    one, two = sorted(shop.start() for _ in range(2))
    stranger = made_shop().start()
    incoming = [
        said(shop, one, "first"),
        said(shop, stranger, "not mine"),
        said(shop, one, " "),
        said(shop, two, "other", key="once"),
        said(shop, two, "another text", key="once"),
        said(shop, two, "other", key="once"),
    ]
    stored, foreign, empty, keyed, altered, repeated = receive_messages(incoming)
    assert isinstance(stored, ReceivedMessage)
    assert (type(foreign), type(empty), type(altered)) == (NotFound, BadInput, Conflict)
    assert isinstance(keyed, ReceivedMessage)
    assert isinstance(repeated, ReceivedMessage)
    assert (repeated.repeated, repeated.message.id) == (True, keyed.message.id)
    assert texts(shop) == [(one, 1, "first"), (two, 1, "other")]


def test_the_queue_fills_up_within_a_transaction_too(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    from kefu.kit import settings

    monkeypatch.setenv("KEFU_PENDING_TURNS_PER_WORKSPACE", "2")
    settings.reload()
    try:
        outcomes = receive_messages([said(shop, shop.start(), f"question {number}") for number in range(4)])
    finally:
        monkeypatch.undo()
        settings.reload()
    assert [isinstance(each, Busy) for each in outcomes] == [False, False, True, True]
    assert len(texts(shop)) == 2


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "sqlite", reason="only one writer stores messages together")
def test_they_share_one_transaction() -> None:
    shop = made_shop()
    incoming = [said(shop, shop.start(), f"question {number}") for number in range(3)]
    statements: list[str] = []
    connection.connection.set_trace_callback(statements.append)
    receive_messages(incoming)
    connection.connection.set_trace_callback(None)
    assert [each for each in statements if each.split()[0] in {"BEGIN", "COMMIT", "SAVEPOINT"}] == [
        "BEGIN IMMEDIATE",
        "COMMIT",
    ]


def test_arrivals_that_come_at_once_are_stored_or_refused_each_by_itself(shop: Shop) -> None:
    info, _ = add_channel(
        system(shop.workspace_id), kind="webhook", name="System", values={"url": "https://a.example", "secret": SECRET}
    )
    gone = replace(info, id="ch_gone")

    def came(person: str, key: str) -> Came:
        return Came(person, key, (Part("text", f"Hello from {person}"),))

    stored = arrive_together([Brought(info, came("ann", "1")), Brought(info, came("bob", "2"))])
    assert [each.state for each in stored] == ["stored", "stored"]
    mixed = arrive_together(
        [Brought(info, came("ann", "3")), Brought(gone, came("eve", "4")), Brought(info, came("bob", "2"))]
    )
    assert isinstance(mixed[1], NotFound)
    assert (mixed[0].repeated, mixed[2].repeated, mixed[2].tries) == (False, True, 2)
    assert Arrival.objects.of(shop.workspace_id).count() == 3
    said = Message.objects.of(shop.workspace_id).filter(author="contact").order_by("created_at")
    assert [row.text for row in said] == ["Hello from ann", "Hello from bob", "Hello from ann"]
    statements: list[str] = []

    def note(execute: Any, sql: str, *rest: Any) -> Any:
        statements.append(sql)
        return execute(sql, *rest)

    with connection.execute_wrapper(note):
        arrive_together([Brought(info, came("ann", "5"))])
    assert len(statements) <= 17  # a hundred customers at once wait for one writer
