"""Whatever members, customers, time and merges do to conversations, snoozes and labels stay what they should be."""

from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from kefu.desk.actor import Actor, Role
from kefu.desk.contacts import actions as contacts
from kefu.desk.inbox import actions, due, queries
from kefu.desk.inbox.models import Conversation, Happening
from kefu.desk.inbox.queries.labels import labels_of
from kefu.desk.insights.rolling import recount, roll_up
from kefu.desk.rows import now
from kefu.kit.errors import Conflict

from .shops import Shop, made_shop

pytestmark = pytest.mark.django_db
HOURS = st.sampled_from([None, 1, 5, 30])
WHICH = st.integers(0, 1)


class Inbox(RuleBasedStateMachine):
    """Two conversations of two contacts, two members, and a model of who has which and what is snoozed."""

    @initialize()
    def open(self) -> None:
        self.shop: Shop = made_shop(settings={"language": "en"})
        self.people: list[Actor] = [self.shop.member(Role.AGENT), self.shop.member(Role.SUPERVISOR)]
        self.labels = [actions.add_label(self.shop.owner, title=each).id for each in ("a", "b")]
        self.threads = [self.shop.start(external_id=name) for name in ("joe", "jo")]
        self.snoozed: dict[int, datetime | None] = {}
        self.labelled: dict[int, list[str]] = {0: [], 1: []}
        self.merged = False

    def row(self, which: int) -> Conversation:
        return Conversation.objects.of(self.shop.workspace_id).get(id=self.threads[which])

    def try_it(self, which: int, call: Any, who: int, **given: Any) -> bool:
        try:
            call(self.people[who], conversation_id=self.threads[which], **given)
        except Conflict:
            return False
        return True

    @rule(which=WHICH)
    def customer_writes(self, which: int) -> None:
        self.shop.say(self.threads[which], "Hello")
        self.snoozed.pop(which, None)

    @rule(which=WHICH, who=WHICH)
    def take(self, which: int, who: int) -> None:
        before = self.row(which)
        if self.try_it(which, actions.take, who) and before.assignee_id != self.people[who].id:
            self.snoozed.pop(which, None)

    @rule(which=WHICH, who=WHICH, hours=HOURS)
    def snooze(self, which: int, who: int, hours: int | None) -> None:
        before = self.row(which)
        until = now() + timedelta(hours=hours) if hours else None
        done = self.try_it(which, actions.snooze, who, until=until)
        may = before.status == "open" and (who == 1 or before.assignee_id == self.people[who].id)
        assert done == may
        if done:
            self.snoozed[which] = until

    @rule(which=WHICH, who=WHICH)
    def wake(self, which: int, who: int) -> None:
        if self.try_it(which, actions.wake, who):
            self.snoozed.pop(which, None)

    @rule(which=WHICH, who=WHICH)
    def reply(self, which: int, who: int) -> None:
        before = self.row(which)
        if self.try_it(which, actions.reply, who, text="We look into it") and before.status != "open":
            self.snoozed.pop(which, None)

    @rule(which=WHICH, verb=st.sampled_from([actions.resolve, actions.give_back, actions.reopen_for_member]))
    def change(self, which: int, verb: Any) -> None:
        if self.try_it(which, verb, 1):
            self.snoozed.pop(which, None)

    @rule(which=WHICH, to=st.sampled_from([0, 1, None]))
    def assign(self, which: int, to: int | None) -> None:
        before = self.row(which)
        member = None if to is None else self.people[to].id
        if self.try_it(which, actions.assign, 1, member_id=member) and before.assignee_id != member:
            self.snoozed.pop(which, None)

    @rule(which=WHICH, label=WHICH, gives=st.booleans())
    def label(self, which: int, label: int, gives: bool) -> None:
        one = [self.labels[label]]
        actions.label(self.people[0], conversation_id=self.threads[which], **{"add" if gives else "remove": one})
        others = [each for each in self.labelled[which] if each not in one]
        has = one[0] in self.labelled[which]
        self.labelled[which] = self.labelled[which] if gives and has else [*others, *(one if gives else [])]

    @rule(hours=st.sampled_from([2, 10, 40]))
    def time_passes(self, hours: int) -> None:
        rows = Conversation.objects.of(self.shop.workspace_id)
        for row in rows.filter(due_at__isnull=False):
            rows.filter(id=row.id).update(due_at=row.due_at - timedelta(hours=hours))
        ended = [each for each, until in self.snoozed.items() if until and until <= now() + timedelta(hours=hours)]
        for _ in range(2):  # run twice: nothing more is done
            due.wake_snoozed()
            due.close_idle()
        for which, until in list(self.snoozed.items()):
            if which in ended:
                del self.snoozed[which]
            elif until:
                self.snoozed[which] = until - timedelta(hours=hours)
                rows.filter(id=self.threads[which]).update(snoozed_until=self.snoozed[which])

    @precondition(lambda self: not self.merged)
    @rule()
    def merge(self) -> None:
        kept, gone = (self.row(which).contact_id for which in (0, 1))
        with transaction.atomic():
            contacts.absorb(self.shop.owner, contact_id=kept, other_id=gone)
            actions.move_conversations(self.shop.owner, from_contact=gone, to_contact=kept)
        self.merged = True

    @invariant()
    def all_is_as_it_should_be(self) -> None:
        if not hasattr(self, "threads"):
            return
        for which in (0, 1):
            row = self.row(which)
            assert row.is_snoozed == (which in self.snoozed)
            assert not row.is_snoozed or (row.status == "open" and row.assignee_id)
            assert row.is_snoozed or row.snoozed_until is None
            if row.is_snoozed:
                assert row.due_at == row.snoozed_until == self.snoozed[which]
            elif row.status in {"open", "bot"}:
                assert row.due_at is not None
            assert list(labels_of(row.labels)) == self.labelled[which]
            told = Happening.objects.of(self.shop.workspace_id).filter(conversation_id=row.id)
            kinds = list(told.filter(kind__in=["snoozed", "woken"]).order_by("id").values_list("kind", flat=True))
            assert (kinds[-1:] == ["snoozed"]) == row.is_snoozed
            assert all(pair != ("woken", "woken") for pair in pairwise(kinds))
        own = queries.Filter(snoozed=True)
        assert {each.conversation.id for each in queries.threads(self.shop.owner, own)} == {
            self.threads[which] for which in self.snoozed
        }
        if self.merged:
            assert self.row(0).contact_id == self.row(1).contact_id

    def teardown(self) -> None:
        if hasattr(self, "threads"):
            roll_up()
            assert recount(self.shop.workspace_id, repair=False).is_equal


def test_snoozes_labels_and_merges_stay_true_to_their_model() -> None:
    run_state_machine_as_test(
        Inbox,
        settings=settings(
            max_examples=8, stateful_step_count=15, deadline=None, suppress_health_check=[HealthCheck.too_slow]
        ),
    )
