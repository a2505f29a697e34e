"""Dispatch under a running server: bursts, long generations, hand-overs, workers that died, full queues."""

import statistics
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import transaction

from kefu.desk.actor import system
from kefu.desk.assistants.actions import set_up
from kefu.desk.inbox import actions, due
from kefu.desk.inbox.actions import make_channel
from kefu.desk.wiring import wiring
from kefu.kit import settings

from .conftest import WITHIN, Shop
from .test_stream import sse, until

FACT = "Standard delivery costs ¥12 and takes 2 to 4 working days."
QUESTION = "How much does standard delivery cost?"
APPROVED = "What are your opening hours?"


def let_generate(shop: Shop, reply: str, *, delay: float = 0.0) -> None:
    """Answers are generated from now on: `reply` word by word, `delay` seconds before each."""
    set_up(
        system(shop.workspace_id),
        policy={"kinds": ["approved", "extracted", "generated"]},
        generator="scripted:test",
        generator_options={"replies": [reply], "delay": delay},
    )


def eventually(look: Callable[[], Any]) -> Any:
    """What `look` gives once it is true."""
    limit = time.monotonic() + WITHIN
    while time.monotonic() < limit:
        if found := look():
            return found
        threading.Event().wait(0.02)  # the server has work to do in this process
    raise AssertionError("It never came.")


def contact_lines(shop: Shop, thread: str) -> list[dict[str, Any]]:
    return [line for line in shop.messages(thread) if line["author"] == "contact"]


@contextmanager
def generating(shop: Shop, thread: str) -> Iterator[dict[str, Any]]:
    """A long answer is being generated to this conversation; gives the message it answers. Ended by a hand-over."""
    with shop.client.stream("GET", f"/v1/conversations/{thread}/events") as stream:
        lines = stream.iter_lines()
        next(lines)
        stored = shop.say(thread, QUESTION, wait=0)["message"]
        until(sse(lines), "reply.delta")
        yield stored
        shop.post(f"/v1/conversations/{thread}/hand-over")


def test_a_generated_answer_is_streamed_sentence_by_sentence(shop: Shop) -> None:
    let_generate(shop, f"{FACT} Orders of ¥99 or more ship free.")
    thread = shop.start()
    with shop.client.stream("GET", f"/v1/conversations/{thread}/events") as stream:
        lines = stream.iter_lines()
        next(lines)
        shop.say(thread, QUESTION, wait=0)
        seen = until(sse(lines), "reply.completed")
    deltas = [data for _, name, data in seen if name == "reply.delta"]
    completed = seen[-1][2]
    assert completed["answer"]["decision"] == "generated"
    assert len(deltas) == 2
    assert "".join(delta["text"] for delta in deltas) == completed["text"] == f"{FACT} Orders of ¥99 or more ship free."
    assert {(delta["conversation"], delta["turn"]) for delta in deltas} == {(thread, completed["turn"])}


def test_what_no_passage_holds_is_never_streamed(shop: Shop) -> None:
    let_generate(shop, f"{FACT} Express delivery costs ¥35. {FACT}")
    thread = shop.start()
    with shop.client.stream("GET", f"/v1/conversations/{thread}/events") as stream:
        lines = stream.iter_lines()
        next(lines)
        shop.say(thread, QUESTION, wait=0)
        seen = until(sse(lines), "reply.completed")
    assert "¥35" not in repr(seen)


def test_a_hand_over_during_generation_discards_the_reply(shop: Shop) -> None:
    let_generate(shop, " ".join([FACT] * 30), delay=0.03)
    thread = shop.start()
    with generating(shop, thread) as question:
        shop.post(f"/v1/conversations/{thread}/hand-over")
        turn = eventually(lambda: done(shop, thread, question["turn"]))
    assert turn["outcome"] == "left"
    lines = shop.messages(thread)
    assert "assistant" not in {line["author"] for line in lines}
    assert [line["outcome"] for line in contact_lines(shop, thread)] == ["left"]


def done(shop: Shop, thread: str, turn_id: str) -> dict[str, Any] | None:
    turn = shop.get(f"/v1/conversations/{thread}/turns/{turn_id}")
    return turn if turn["state"] == "done" else None


def test_a_burst_while_a_turn_is_worked_on_is_answered_once(shop: Shop) -> None:
    let_generate(shop, " ".join([FACT] * 3), delay=0.08)  # three seconds, for two messages to be stored within
    thread = shop.start()
    shop.say(thread, QUESTION, wait=0)
    eventually(lambda: claimed(shop))
    for text in ("And on Sundays?", "I mean the lamp."):
        shop.say(thread, text, wait=0)
    last = shop.say(thread, APPROVED, wait=WITHIN)
    assert last["reply"] is not None
    lines = contact_lines(shop, thread)
    assert [line["outcome"] for line in lines] == ["replied", "merged", "merged", "replied"]
    assert lines[0]["turn"] != lines[1]["turn"] == lines[2]["turn"] == lines[3]["turn"]
    replies = [line["turn"] for line in shop.messages(thread) if line["author"] == "assistant"]
    assert replies == [lines[0]["turn"], lines[3]["turn"]]


def claimed(shop: Shop) -> bool:
    from kefu.desk.inbox.models import Turn

    return Turn.objects.of(shop.workspace_id).filter(state="claimed").exists()


@pytest.mark.parametrize("same_workspace", [True, False], ids=["of the same workspace", "of another workspace"])
def test_a_long_generation_does_not_delay_another_customers_answer(
    shop: Shop, other_shop: Shop, same_workspace: bool
) -> None:
    """Medians of up to twenty answers before, during and after: the machine's own noise is in first and last.

    A tenth of a second more is a delay, or, on a machine where an answer takes longer than that, another such answer.
    """
    let_generate(shop, " ".join([FACT] * 60), delay=0.07)  # 28 s, just under what a generation may take
    asks = shop if same_workspace else other_shop
    median_of_answers(asks, 3)
    before = median_of_answers(asks, 20)
    with generating(shop, shop.start()) as question:
        during = median_of_answers(asks, 20)
        turn = shop.get(f"/v1/conversations/{question['conversation']}/turns/{question['turn']}")
        assert turn["state"] == "claimed", "the generation ended before the measurement"
    after = median_of_answers(asks, 20)
    usual = max(before, after)
    assert during - usual < max(0.100, usual), f"{before:.3f} {during:.3f} {after:.3f}"


def median_of_answers(shop: Shop, number: int) -> float:
    """Seconds from question to approved answer, each in a conversation of its own; fewer where they take long."""
    taken: list[float] = []
    until = time.monotonic() + 10
    while len(taken) < number and (time.monotonic() < until or len(taken) < 5):
        thread = shop.start()
        began = time.perf_counter()
        reply = shop.say(thread, APPROVED)["reply"]
        taken.append(time.perf_counter() - began)
        assert reply["decision"] == "approved"
    return statistics.median(taken)


def test_what_a_dead_worker_claimed_is_answered_by_another(shop: Shop) -> None:
    thread = shop.start()
    with transaction.atomic():
        # In one transaction, so that the server cannot claim before the worker that is going to die.
        stored = actions.receive_message(system(shop.workspace_id), conversation_id=thread, text=APPROVED)
        mine = due.claim_turns(worker="dead", limit=1000, lease_seconds=0.2)
    assert stored.turn_id in [turn.id for turn in mine]
    lines = eventually(lambda: [line for line in shop.messages(thread) if line["author"] == "assistant"])
    assert [line["turn"] for line in lines] == [stored.turn_id]
    [turn] = [turn for turn in mine if turn.id == stored.turn_id]
    assert due.leave_turn(worker="dead", turn_id=turn.id, text="too late") is None
    assert len(shop.messages(thread)) == 2


def test_a_turn_that_ended_three_workers_is_left_to_a_member(shop: Shop) -> None:
    thread = shop.start()
    with transaction.atomic():
        stored = actions.receive_message(system(shop.workspace_id), conversation_id=thread, text=APPROVED)
        for _ in range(due.ATTEMPTS):
            due.claim_turns(worker="dead", limit=1000, lease_seconds=-1)
    lines = eventually(lambda: [line for line in shop.messages(thread) if line["author"] == "assistant"])
    assert lines[0]["turn"] == stored.turn_id
    assert lines[0]["answer"]["decision"] == "hand_over"
    assert shop.get(f"/v1/conversations/{thread}")["status"] == "waiting"


def test_a_full_queue_answers_429_and_says_when_to_come_again(
    shop: Shop, other_shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    kefu = system(shop.workspace_id)
    slow = make_channel(kefu, kind="web", name="Slow", settings={"pause_seconds": 3600})
    threads = [shop.post("/v1/conversations", {"channel": slow.id}, expect=201)["id"] for _ in range(3)]
    monkeypatch.setenv("KEFU_PENDING_TURNS_PER_WORKSPACE", "2")
    settings.reload()
    try:
        for thread in threads[:2]:
            shop.say(thread, "Hello", wait=0)
        path = f"/v1/conversations/{threads[2]}/messages"
        refused = shop.client.post(path, json={"text": "Hello"})
        assert refused.status_code == 429
        assert int(refused.headers["retry-after"]) >= 1
        assert refused.json()["code"] == "busy"
        assert shop.messages(threads[2]) == []
        shop.say(threads[0], "joins the turn that waits", wait=0)
        assert other_shop.say(other_shop.start(), APPROVED)["reply"]["decision"] == "approved"
    finally:
        monkeypatch.undo()
        settings.reload()
    shop.say(threads[2], "Hello", wait=0)


def test_many_customers_at_once_each_get_their_own_answer(shop: Shop, other_shop: Shop) -> None:
    """Sixteen at a time in two workspaces; every answer stands in its own conversation, once."""
    threads = [(each, each.start()) for each in (shop, other_shop) for _ in range(12)]
    work = iter(threads)
    guard, failed = threading.Lock(), []

    def customer() -> None:
        while True:
            with guard:
                place = next(work, None)
            if place is None:
                return
            mine, thread = place
            try:
                assert mine.say(thread, APPROVED, wait=WITHIN)["reply"]["decision"] == "approved"
            except AssertionError as error:
                failed.append(error)

    customers = [threading.Thread(target=customer) for _ in range(16)]
    for each in customers:
        each.start()
    for each in customers:
        each.join(2 * WITHIN)
    assert failed == []
    for mine, thread in threads:
        assert [line["author"] for line in mine.messages(thread)] == ["contact", "assistant"]


def test_a_server_that_starts_with_many_turns_waiting_answers_them_all(shop: Shop) -> None:
    """Its encoders are not loaded yet: whoever waits for them must not keep them from being loaded."""
    threads = [shop.start() for _ in range(24)]
    wiring().close()
    with ThreadPoolExecutor(24) as pool:
        for each in [pool.submit(shop.say, thread, APPROVED, wait=WITHIN) for thread in threads]:
            assert each.result(2 * WITHIN)["reply"]["decision"] == "approved"
