"""Statements written once store and read exactly what the ORM does."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from django.core.exceptions import SynchronousOnlyOperation
from django.db import IntegrityError, connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kefu.desk.accounts.models import Event
from kefu.desk.inbox.models import Conversation, Message, Turn
from kefu.desk.rows import now
from kefu.desk.statements import changed, execute, insert, marks, new, select, select_across_workspaces, update

from .shops import Shop, made_shop

NASTY = [
    "",
    "plain",
    "'; DROP TABLE inbox_message; --",
    "100% %s %(name)s",
    "退款 🎁",
    '"quoted"',
    "\\",
    "a\nb",
    "\u202e",
]


@pytest.fixture
def shop(db: None) -> Shop:
    return made_shop()


@pytest.fixture
def thread(shop: Shop) -> str:
    return shop.start()


def message(shop: Shop, thread: str, **given: Any) -> Message:
    fields = {"sequence": 1, "author": "contact", "text": "Hello", **given}
    return Message(workspace_id=shop.workspace_id, conversation_id=thread, **fields)


def both_ways(store: Callable[[Any], None], row: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """A row's columns after `store`, as the ORM and as our own statement read them."""
    store(row)
    [read] = select(type(row), row.workspace_id, "id = %s", [row.pk])
    by_orm = type(row).objects.of(row.workspace_id).get(pk=row.pk)
    return columns(by_orm), columns(read)


def columns(row: Any) -> dict[str, Any]:
    values = {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}
    return {name: bytes(value) if isinstance(value, memoryview) else value for name, value in values.items()}


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(
    text=st.sampled_from(NASTY) | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00")),
    sealed=st.none() | st.binary(max_size=40),
    answer=st.none() | st.dictionaries(st.sampled_from(NASTY), st.integers() | st.booleans() | st.none()),
    at=st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),
    internal=st.booleans(),
)
def test_an_inserted_row_reads_as_if_the_orm_had_stored_it(
    shop: Shop,
    thread: str,
    text: str,
    sealed: bytes | None,
    answer: dict[str, Any] | None,
    at: datetime,
    internal: bool,
) -> None:
    with transaction.atomic():
        row = message(
            shop, thread, text=text, sealed_original=sealed, answer=answer, created_at=at, is_internal=internal
        )
        by_orm, read = both_ways(insert, row)
        assert read == by_orm
        assert (read["text"], read["sealed_original"], read["answer"]) == (text, sealed, answer)
        assert (read["created_at"], read["is_internal"]) == (at, internal)
        transaction.set_rollback(True)


def test_a_time_of_another_zone_is_the_same_moment(shop: Shop, thread: str) -> None:
    at = datetime(2026, 7, 1, 8, 30, tzinfo=timezone(timedelta(hours=8)))
    _, read = both_ways(insert, message(shop, thread, created_at=at))
    assert read["created_at"] == at
    found = select(Message, shop.workspace_id, "created_at <= %s AND created_at >= %s", [at, at])
    assert len(found) == 1


def test_an_update_changes_the_named_fields_of_that_row_alone(shop: Shop, thread: str) -> None:
    mine, other = message(shop, thread), message(shop, thread, sequence=2)
    insert(mine)
    insert(other)
    mine.text, mine.thumb, mine.answer = "changed", "up", {"decision": "approved"}
    assert update(mine, ("text", "answer")) == 1
    stored = {row.id: row for row in Message.objects.of(shop.workspace_id)}
    assert (stored[mine.id].text, stored[mine.id].thumb, stored[mine.id].answer) == ("changed", "", mine.answer)
    assert stored[other.id].text == "Hello"


def test_an_update_reaches_no_other_workspace(shop: Shop, thread: str) -> None:
    row = message(shop, thread)
    insert(row)
    row.workspace_id, row.text = made_shop().workspace_id, "stolen"
    assert update(row, ("text",)) == 0
    assert Message.objects.of(shop.workspace_id).get(id=row.id).text == "Hello"


def test_an_update_of_a_row_that_is_gone_says_so(shop: Shop, thread: str) -> None:
    row = message(shop, thread)
    insert(row)
    Message.objects.of(shop.workspace_id).delete()
    assert update(row, ("text",)) == 0


def test_the_database_numbers_rows_that_have_no_id(shop: Shop) -> None:
    events = [Event(workspace_id=shop.workspace_id, kind="key.created", row_id=str(number)) for number in range(3)]
    for event in events:
        insert(event)
    ids = [event.id for event in events]
    assert ids == sorted(set(ids))
    assert not events[0]._state.adding
    assert (
        list(Event.objects.of(shop.workspace_id).filter(id__in=ids).order_by("id").values_list("id", flat=True)) == ids
    )


def test_constraints_hold_as_ever(shop: Shop, thread: str) -> None:
    insert(message(shop, thread))
    with pytest.raises(IntegrityError), transaction.atomic():
        insert(message(shop, thread))
    insert(Turn(workspace_id=shop.workspace_id, conversation_id=thread, last_sequence=1))
    with pytest.raises(IntegrityError), transaction.atomic():
        insert(Turn(workspace_id=shop.workspace_id, conversation_id=thread, last_sequence=2))


def test_a_select_stays_in_its_workspace_whatever_it_asks(shop: Shop, thread: str) -> None:
    insert(message(shop, thread))
    other = made_shop()
    insert(message(other, other.start()))
    for where, values in [("1 = 1", []), ("id = id OR 1 = 1", []), ("text = %s OR TRUE", ["Hello"])]:
        assert {row.workspace_id for row in select(Message, shop.workspace_id, where, values)} == {shop.workspace_id}
    with pytest.raises(ValueError, match="Say why"):
        select_across_workspaces(Message, "", "1 = 1", [])
    everywhere = select_across_workspaces(Message, "a test", "1 = 1", [])
    assert {row.workspace_id for row in everywhere} == {shop.workspace_id, other.workspace_id}


@pytest.mark.parametrize("text", NASTY)
def test_values_are_never_part_of_the_statement(shop: Shop, thread: str, text: str) -> None:
    insert(message(shop, thread, text=text))
    assert [row.text for row in select(Message, shop.workspace_id, "text = %s", [text])] == [text]
    assert execute(f"SELECT text FROM inbox_message WHERE text IN ({marks([text, 'x'])})", [text, "x"]) == [(text,)]


def test_a_locked_row_can_be_changed_by_its_holder(shop: Shop, thread: str) -> None:
    with transaction.atomic():
        [held] = select(Conversation, shop.workspace_id, "id = %s", [thread], lock=True)
        held.status, held.due_at = "waiting", now()
        assert update(held, ("status", "due_at")) == 1
    assert Conversation.objects.of(shop.workspace_id).get(id=thread).status == "waiting"


def test_json_is_stored_as_the_orm_stores_it(shop: Shop, thread: str) -> None:
    trace = {"steps": [{"name": "hear", "ms": 0.1, "language": "zh", "text": "退款"}], "nothing": None}
    insert(Turn(workspace_id=shop.workspace_id, conversation_id=thread, last_sequence=1, trace=trace))
    assert Turn.objects.of(shop.workspace_id).get().trace == trace
    if connection.vendor == "sqlite":
        [(raw,)] = execute("SELECT trace FROM inbox_turn WHERE workspace_id = %s", [shop.workspace_id])
        assert json.loads(raw) == trace


def test_a_new_row_is_as_the_constructor_makes_it(shop: Shop, thread: str) -> None:
    given = {"workspace_id": shop.workspace_id, "conversation_id": thread, "sequence": 1, "author": "contact"}
    at = now()
    made, whole = new(Message, **given, text="Hello", created_at=at), message(shop, thread, created_at=at)
    assert made.id.startswith("msg_")
    assert {**columns(made), "id": ""} == {**columns(whole), "id": ""}
    assert made._state.adding
    insert(made)
    assert Message.objects.of(shop.workspace_id).get() == made
    with pytest.raises(TypeError, match="no column sequense"):
        new(Message, sequense=1)


def test_what_changed_is_told_from_what_was_read_or_stored_last(shop: Shop, thread: str) -> None:
    names = ("status", "language")
    [row] = select(Conversation, shop.workspace_id, "id = %s", [thread])
    assert changed(row, names) == []
    row.status = "waiting"
    assert changed(row, names) == ["status"]
    update(row, names)
    assert changed(row, names) == []
    row.status = "bot"
    assert changed(row, names) == ["status"]
    assert changed(Conversation.objects.of(shop.workspace_id).get(id=thread), names) == list(names)


@pytest.mark.parametrize(
    "value", [{}, [], {"half of a character": "\ud83d"}, {"1": [1.5, -0.0, 10**30, True, None]}, "退款"]
)
def test_any_json_reads_as_it_was_stored_by_either(shop: Shop, thread: str, value: Any) -> None:
    if connection.vendor == "postgresql" and "\\ud83d" in json.dumps(value):
        pytest.skip("PostgreSQL takes no halves of characters")
    insert(Turn(workspace_id=shop.workspace_id, conversation_id=thread, last_sequence=1, trace=value))
    [row] = select(Turn, shop.workspace_id, "TRUE", [])
    assert row.trace == Turn.objects.of(shop.workspace_id).get().trace == value
    Turn.objects.of(shop.workspace_id).update(trace=value)  # as the ORM writes it
    [row] = select(Turn, shop.workspace_id, "TRUE", [])
    assert row.trace == value


async def test_statements_refuse_to_block_an_event_loop(db: None) -> None:
    with pytest.raises(SynchronousOnlyOperation):
        execute("SELECT 1", [])
