"""Turns: who is claimed first, what a turn is asked, and what happens at the same moment."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection, transaction

from kefu.contracts.turn import Decision, TurnOutcome
from kefu.desk.accounts.queries import events_after, last_event_id
from kefu.desk.inbox import actions, due, queries
from kefu.desk.inbox.models import Turn
from kefu.kit.errors import BadInput, Busy

from .shops import Shop, claim, finish, made_shop

on_postgres = pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer at a time")


@pytest.fixture
def shop(db: None) -> Shop:
    return made_shop()


def test_the_first_of_each_workspace_comes_before_the_second_of_any(shop: Shop) -> None:
    busy, quiet = shop, made_shop()
    many = [busy.start() for _ in range(5)]
    for thread in many:
        busy.say(thread, "Where is my parcel?")
    late = quiet.start()
    quiet.say(late, "Where is my parcel?")
    order = [turn.conversation_id for turn in claim(limit=3)]
    assert order == [many[0], late, many[1]]
    assert [turn.conversation_id for turn in claim(limit=10)] == many[2:]


def test_a_conversation_that_says_much_waits_for_its_own_turn(shop: Shop) -> None:
    talker, other = shop.start(), shop.start()
    shop.say(talker, "one")
    assert [turn.text for turn in claim()] == ["one"]
    shop.say(talker, "two")
    shop.say(other, "another customer")
    shop.say(talker, "three")
    assert [turn.text for turn in claim()] == ["another customer"]


def test_messages_that_come_while_a_turn_is_claimed_join_the_next(shop: Shop) -> None:
    thread = shop.start()
    first = shop.say(thread, "How much is delivery?")
    [working] = claim()
    later = [shop.say(thread, text) for text in ("and to Norway?", "and for shoes?")]
    assert {each.turn_id for each in later} != {first.turn_id}
    assert len({each.turn_id for each in later}) == 1
    assert claim() == []
    finish(working)
    [following] = claim()
    assert following.text == "and to Norway?\nand for shoes?"
    assert [said.text for said in following.history] == ["How much is delivery?"]
    finish(following)
    outcomes = [line.outcome for line in queries.messages(shop.kefu, thread) if line.author == "contact"]
    assert outcomes == ["replied", "merged", "replied"]


def test_a_turn_is_asked_all_of_a_burst_however_long(shop: Shop) -> None:
    thread = shop.start()
    shop.say(thread, "the first")
    [working] = claim()
    burst = [f"line {number}" for number in range(30)]
    for line in burst:
        shop.say(thread, line)
    finish(working)
    [following] = claim()
    assert following.text.split("\n") == burst


def test_a_turn_that_is_taken_over_is_asked_the_same_again(shop: Shop) -> None:
    thread = shop.start()
    shop.say(thread, "the question")
    [claimed] = claim("dies", lease_seconds=-1)
    for number in range(30):
        shop.say(thread, f"and more {number}")
    [again] = claim("second")
    assert (again.id, again.text, again.history, again.attempts) == (claimed.id, "the question", (), 2)
    assert finish(claimed, "dies") is None
    assert finish(again, "second") is not None


def test_outcomes_stored_together_are_as_many_replies_and_none_is_said_twice(shop: Shop) -> None:
    threads = [shop.start() for _ in range(3)]
    for thread in threads:
        shop.say(thread, "Where is my parcel?")
    claimed = claim()
    gone, outcome = claimed[1], TurnOutcome("On its way.", Decision.APPROVED, 1.0, "en", reason="")
    claim("another", lease_seconds=60)  # nothing is due
    Turn.objects.of(shop.workspace_id).filter(id=gone.id).update(claimed_by="another")
    ids = [claimed[0].id, gone.id, claimed[2].id, claimed[0].id]  # a worker that was late took its own claim over
    first, second, third, again = due.finish_turns(worker="worker", outcomes=[(each, outcome, {}) for each in ids])
    assert (second, again) == (None, None)
    assert [each.conversation_id for each in (first, third) if each] == [threads[0], threads[2]]
    lines = [[line.author for line in queries.messages(shop.program, thread)] for thread in threads]
    assert lines == [["contact", "assistant"], ["contact"], ["contact", "assistant"]]


def test_a_hand_over_discards_the_reply_in_the_making(shop: Shop) -> None:
    thread = shop.start()
    shop.say(thread, "How much is delivery?")
    [working] = claim()
    actions.ask_for_member(shop.program, conversation_id=thread)
    finished = finish(working, text="¥12")
    assert finished is not None
    assert finished.reply is None
    lines = queries.messages(shop.kefu, thread)
    assert [line.author for line in lines if line.author != "system"] == ["contact"]
    assert lines[0].outcome == "left"


def test_who_waits_for_a_turn_that_is_left_to_a_member_is_told(shop: Shop) -> None:
    thread = shop.start()
    left = shop.say(thread, "How much is delivery?")
    before = last_event_id()
    actions.ask_for_member(shop.program, conversation_id=thread)
    assert left.turn_id in {event.row_id for event in events_after(before) if event.kind == "turn.finished"}


def test_a_reply_that_was_cut_short_is_not_said_even_when_the_assistant_is_back(shop: Shop) -> None:
    thread = shop.start()
    shop.say(thread, "How much is delivery?")
    [working] = claim()
    finished = finish(working, text="", decision=Decision.HAND_OVER, reason=due.TAKEN_OVER)
    assert finished is not None
    assert finished.reply is None
    assert queries.conversation(shop.kefu, thread).status == "bot"


@pytest.mark.django_db
def test_a_pause_lets_a_burst_end_first() -> None:
    shop = made_shop(settings={"pause_seconds": 3600})
    shop.say(shop.start(), "Hello")
    assert claim() == []


@pytest.mark.parametrize("text", ["", " \n", "x" * 8_001, "a\x00b", "half of \ud83d"])
def test_a_text_that_no_database_takes_is_refused(shop: Shop, text: str) -> None:
    thread = shop.start()
    with pytest.raises(BadInput):
        shop.say(thread, text)
    assert queries.messages(shop.kefu, thread) == []


def test_a_full_queue_refuses_new_turns_and_stores_nothing(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    from kefu.kit import settings

    monkeypatch.setenv("KEFU_PENDING_TURNS_PER_WORKSPACE", "2")
    settings.reload()
    try:
        waiting, *others = [shop.start() for _ in range(3)]
        other_shop = made_shop()
        shop.say(waiting, "one")
        shop.say(others[0], "two")
        with pytest.raises(Busy) as refused:
            shop.say(others[1], "three")
        assert refused.value.retry_after >= 1
        assert queries.messages(shop.kefu, others[1]) == []
        assert shop.say(waiting, "joins the turn that waits").turn_id
        assert other_shop.say(other_shop.start(), "another workspace").turn_id
        finish(claim(limit=1)[0])
        assert shop.say(others[1], "three").turn_id
    finally:
        monkeypatch.undo()
        settings.reload()


@pytest.mark.django_db(transaction=True)
@on_postgres
def test_a_message_that_arrives_while_its_turn_is_being_claimed_gets_a_turn_of_its_own() -> None:
    shop = made_shop()
    thread = shop.start()
    shop.say(thread, "first")
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            [claimed] = claim()
            later = pool.submit(disconnected, shop.say, thread, "second")
            until_blocked()
        second = later.result(60)
    assert claimed.text == "first"
    assert second.turn_id != claimed.id
    finish(claimed)
    assert [turn.text for turn in claim()] == ["second"]


@pytest.mark.django_db(transaction=True)
def test_the_same_key_at_the_same_moment_is_stored_once() -> None:
    shop = made_shop()
    thread = shop.start()
    stored = at_once(6, lambda: shop.say(thread, "Where is my parcel?", "the-key"))
    assert len({each.message.id for each in stored}) == 1
    assert [each.repeated for each in stored].count(False) == 1
    assert len(queries.messages(shop.kefu, thread)) == 1


@pytest.mark.django_db(transaction=True)
def test_messages_at_the_same_moment_are_numbered_without_gaps_and_share_one_turn() -> None:
    shop = made_shop()
    thread = shop.start()
    stored = at_once(6, lambda: shop.say(thread, "Where is my parcel?"))
    assert sorted(each.message.sequence for each in stored) == list(range(1, 7))
    assert len({each.turn_id for each in stored}) == 1


@pytest.mark.django_db(transaction=True)
def test_workers_that_claim_at_the_same_moment_never_share_a_turn() -> None:
    shops = [made_shop() for _ in range(2)]
    for shop in shops:
        for _ in range(6):
            shop.say(shop.start(), "Where is my parcel?")
    claims = at_once(4, lambda: [turn.id for turn in claim(threading.current_thread().name, limit=4)])
    claimed = [turn_id for mine in claims for turn_id in mine]
    assert len(claimed) == len(set(claimed))
    everything = Turn.objects.across_workspaces("both shops").filter(state="claimed")
    assert set(everything.values_list("id", flat=True)) == set(claimed)


def at_once(number: int, call: Callable[[], Any]) -> list[Any]:
    """Call from several threads that wait for each other."""
    together = threading.Barrier(number)

    def one() -> Any:
        together.wait(60)
        return disconnected(call)

    with ThreadPoolExecutor(number) as pool:
        return [each.result(120) for each in [pool.submit(one) for _ in range(number)]]


def disconnected(call: Callable[..., Any], *arguments: Any) -> Any:
    """Call, then close this thread's connection: a test database that somebody holds cannot be dropped."""
    try:
        return call(*arguments)
    finally:
        connection.close()


def until_blocked() -> None:
    """Return once another connection waits for a lock of ours."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        with connection.cursor() as cursor:
            cursor.execute("SELECT COUNT(*) FROM pg_locks WHERE NOT granted")
            if cursor.fetchone()[0]:
                return
    raise AssertionError("Nobody waits.")


@pytest.mark.skipif(connection.vendor != "sqlite", reason="SQLite tells how it reads a statement that it has run")
def test_no_message_costs_more_because_many_were_answered_before(shop: Shop) -> None:
    thread = shop.start()
    statements: list[str] = []
    connection.connection.set_trace_callback(statements.append)
    shop.say(thread, "Where is my parcel?")
    [working] = claim()
    finish(working)
    connection.connection.set_trace_callback(None)
    read = [line for statement in statements for line in how_read(statement)]
    growing = [line for line in read if line.startswith(("SCAN turn", "SCAN inbox_")) or "(workspace_id=?)" in line]
    assert growing
    assert all("turn_undone" in line for line in growing)


def how_read(statement: str) -> list[str]:
    """SQLite's plan for a statement: SEARCH by an index, or SCAN from end to end."""
    if not statement.lstrip().startswith(("SELECT", "UPDATE")):
        return []
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN QUERY PLAN " + statement.replace("%", "%%"))
        return [row[3] for row in cursor.fetchall()]
