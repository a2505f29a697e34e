"""Every order of receiving, claiming, finishing, dying and taking over: nothing is lost and nothing answered twice."""

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from kefu.contracts.turn import Decision
from kefu.desk.actor import Role
from kefu.desk.inbox import actions, due, queries
from kefu.desk.inbox.models import Conversation, Message, Turn
from kefu.desk.rows import now
from kefu.kit.errors import Conflict

from .shops import Shop, claim, finish, made_shop

WORKERS = ("north", "south", "east")
TEXTS = ("Where is my parcel?", "Call me at 138 0013 8000", "怎么退货？", "and the shoes?")
SHOPS, THREADS_EACH = 2, 2


class Turns(RuleBasedStateMachine):
    """`_held` is what each worker believes to hold; a claim whose lease has ended may be in several hands."""

    held = Bundle("held")
    sent = Bundle("sent")

    @initialize()
    def open_shops(self) -> None:
        everything = Conversation.objects.across_workspaces("what an earlier example left is not of this one")
        Turn.objects.across_workspaces("likewise").delete()
        everything.update(due_at=None)
        self.shops = [made_shop() for _ in range(SHOPS)]
        self.agents = {shop.workspace_id: shop.member(Role.AGENT) for shop in self.shops}
        self.threads = [(shop, shop.start()) for shop in self.shops for _ in range(THREADS_EACH)]
        self.said: dict[str, list[str]] = {thread: [] for _, thread in self.threads}
        self.owner_of: dict[str, str] = {}  # turn -> the worker whose claim counts
        self.expired: set[str] = set()
        self.keys = 0

    # what customers and members do

    @rule(target=sent, place=st.integers(0, SHOPS * THREADS_EACH - 1), text=st.sampled_from(TEXTS), keyed=st.booleans())
    def receive(self, place: int, text: str, keyed: bool) -> Any:
        shop, thread = self.threads[place]
        before = self._status(shop, thread)
        self.keys += 1
        key = f"key-{self.keys}" if keyed else None
        stored = shop.say(thread, text, key)
        self.said[thread].append(stored.message.id)
        assert not stored.repeated
        assert (stored.turn_id is not None) == (before in {"bot", "resolved"})
        return (place, text, key, stored.message.id) if key else multiple()

    @rule(message=sent)
    def receive_again(self, message: tuple[int, str, str, str]) -> None:
        place, text, key, message_id = message
        shop, thread = self.threads[place]
        again = shop.say(thread, text, key)
        assert again.repeated
        assert again.message.id == message_id
        with pytest.raises(Conflict):
            shop.say(thread, text + "!", key)

    @rule(place=st.integers(0, SHOPS * THREADS_EACH - 1))
    def hand_over(self, place: int) -> None:
        shop, thread = self.threads[place]
        actions.ask_for_member(shop.program, conversation_id=thread)

    @rule(place=st.integers(0, SHOPS * THREADS_EACH - 1))
    def resolve(self, place: int) -> None:
        shop, thread = self.threads[place]
        actions.resolve(shop.program, conversation_id=thread)
        assert self._status(shop, thread) == "resolved"

    @rule(place=st.integers(0, SHOPS * THREADS_EACH - 1), then_back=st.booleans())
    def member_takes(self, place: int, then_back: bool) -> None:
        shop, thread = self.threads[place]
        if self._status(shop, thread) == "resolved":
            return
        agent = self.agents[shop.workspace_id]
        actions.reply(agent, conversation_id=thread, text="A person here.")
        if then_back:
            actions.give_back(agent, conversation_id=thread)

    @rule(place=st.integers(0, SHOPS * THREADS_EACH - 1))
    def fall_idle(self, place: int) -> None:
        shop, thread = self.threads[place]
        rows = Conversation.objects.of(shop.workspace_id).filter(id=thread, status__in=["bot", "open"])
        rows.update(due_at=now() - timedelta(seconds=1))
        due.close_idle()
        working = Turn.objects.of(shop.workspace_id).filter(conversation_id=thread).exclude(state="done").exists()
        if rows.exists():
            assert working
            rows.update(due_at=now() + timedelta(hours=1))

    # what workers do

    @rule(target=held, worker=st.sampled_from(WORKERS), limit=st.integers(1, 5))
    def claim(self, worker: str, limit: int) -> Any:
        claimed = claim(worker, limit=limit)
        assert len(claimed) <= limit
        assert len({turn.conversation_id for turn in claimed}) == len(claimed)
        for turn in claimed:
            assert turn.id not in self.owner_of or turn.id in self.expired, "a live claim was taken over"
            assert turn.text == self._text_of(turn)
            self.owner_of[turn.id] = worker
            self.expired.discard(turn.id)
        return multiple(*((worker, turn) for turn in claimed))

    @rule(claimed=held)
    def lease_ends(self, claimed: tuple[str, due.ClaimedTurn]) -> None:
        worker, turn = claimed
        due.keep_claims(worker=worker, turn_ids=[turn.id], lease_seconds=-1)
        if self.owner_of.get(turn.id) == worker:
            self.expired.add(turn.id)

    @rule(claimed=held)
    def sign_of_life(self, claimed: tuple[str, due.ClaimedTurn]) -> None:
        worker, turn = claimed
        due.keep_claims(worker=worker, turn_ids=[turn.id], lease_seconds=60)
        if self.owner_of.get(turn.id) == worker:
            self.expired.discard(turn.id)

    @rule(claimed=consumes(held), decision=st.sampled_from(Decision), twice=st.booleans())
    def finish(self, claimed: tuple[str, due.ClaimedTurn], decision: Decision, twice: bool) -> None:
        worker, turn = claimed
        status = due.status_of(turn.workspace_id, turn.conversation_id)
        before = self._lines(turn)
        finished = finish(turn, worker, decision=decision)
        if self.owner_of.get(turn.id) != worker:
            assert finished is None, "a worker finished what another had taken over"
            assert self._lines(turn) == before
            return
        del self.owner_of[turn.id]
        self.expired.discard(turn.id)
        assert finished is not None
        assert (finished.reply is not None) == (status == "bot")
        assert len(self._lines(turn)) == len(before) + (status == "bot")
        if decision is Decision.HAND_OVER and status == "bot":
            assert finished.status == "waiting"
        if twice:
            assert finish(turn, worker, text="twice") is None
            assert len(self._lines(turn)) == len(before) + (status == "bot")

    @rule(claimed=consumes(held))
    def give_up(self, claimed: tuple[str, due.ClaimedTurn]) -> None:
        worker, turn = claimed
        left = due.leave_turn(worker=worker, turn_id=turn.id, text="A colleague will look at it.")
        mine = self.owner_of.get(turn.id) == worker
        assert (left is not None) == mine
        if mine:
            del self.owner_of[turn.id]
            self.expired.discard(turn.id)

    # what always holds

    @invariant()
    def in_order_and_answered_at_most_once(self) -> None:
        if not hasattr(self, "threads"):
            return
        for shop, thread in self.threads:
            lines = list(Message.objects.of(shop.workspace_id).filter(conversation_id=thread).order_by("sequence"))
            assert [line.sequence for line in lines] == list(range(1, len(lines) + 1))
            assert [line.id for line in lines if line.author == "contact"] == self.said[thread]
            replies = Counter(line.turn_id for line in lines if line.author == "assistant")
            assert set(replies.values()) <= {1}
            states = Counter(
                Turn.objects.of(shop.workspace_id).filter(conversation_id=thread).values_list("state", flat=True)
            )
            assert states["claimed"] <= 1
            assert states["pending"] <= 1
        working = Turn.objects.across_workspaces("all shops").filter(state="claimed").values_list("id", flat=True)
        assert set(working) == set(self.owner_of)

    def teardown(self) -> None:
        """Every worker has died; a last one takes up what they left, until nothing is due."""
        if not hasattr(self, "threads"):
            return
        for turn_id, worker in self.owner_of.items():
            due.keep_claims(worker=worker, turn_ids=[turn_id], lease_seconds=-1)
        while claimed := claim("last"):
            for turn in claimed:
                assert finish(turn, "last") is not None
        for shop, thread in self.threads:
            self._each_has_one_outcome(shop, thread)

    def _each_has_one_outcome(self, shop: Shop, thread: str) -> None:
        lines = queries.messages(shop.kefu, thread, limit=10_000)
        replies = Counter(line.turn_id for line in lines if line.author == "assistant")
        mine = [line for line in lines if line.author == "contact"]
        last_of = {line.turn_id: line.id for line in mine}
        for line in mine:
            expected = {"left": 0, "replied": 1, "merged": 1}[line.outcome]
            assert not line.turn_id or replies[line.turn_id] == expected
            assert line.outcome == "left" or (line.outcome == "replied") == (last_of[line.turn_id] == line.id)
        assert set(replies) <= set(last_of)

    def _status(self, shop: Shop, thread: str) -> str:
        return queries.conversation(shop.kefu, thread).status

    def _lines(self, turn: due.ClaimedTurn) -> list[str]:
        rows = Message.objects.of(turn.workspace_id).filter(conversation_id=turn.conversation_id)
        return list(rows.exclude(author="system").values_list("id", flat=True))

    def _text_of(self, turn: due.ClaimedTurn) -> str:
        rows = Message.objects.of(turn.workspace_id).filter(turn_id=turn.id, author="contact").order_by("sequence")
        return "\n".join(rows.values_list("text", flat=True))


@pytest.mark.django_db
def test_any_order_of_events_leaves_each_message_with_one_outcome() -> None:
    run_state_machine_as_test(
        Turns,
        settings=settings(
            max_examples=20,
            stateful_step_count=30,
            deadline=None,  # the machine is shared: a slow step is no failure
            suppress_health_check=list(HealthCheck),
        ),
    )
