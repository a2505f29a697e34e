"""What was promised about conversations: clocks begin, pause and end with what happens; late is written down once."""

import threading
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from kefu.contracts.turn import Decision
from kefu.desk.accounts import actions as accounts
from kefu.desk.accounts import team_actions
from kefu.desk.accounts.models import Event
from kefu.desk.actor import Role
from kefu.desk.inbox import actions, handing, ringing
from kefu.desk.inbox.actions import promises, routes, snoozing
from kefu.desk.inbox.filters import filter_of
from kefu.desk.inbox.models import Conversation, Happening, SlaClock
from kefu.desk.inbox.queries import threads
from kefu.desk.inbox.queries.promises import ClockInfo, clocks, policies
from kefu.desk.insights import rolling
from kefu.desk.insights.due import roll_up
from kefu.desk.insights.queries.cells import Filters
from kefu.desk.insights.queries.period import period_of
from kefu.desk.insights.queries.reports import breakdown
from kefu.desk.rows import now
from kefu.kit.errors import BadInput, Conflict, NotFound

from .shops import Shop, claim, finish, made_shop

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


@pytest.fixture
def shop() -> Shop:
    return made_shop()


def promise(shop: Shop, **given: Any) -> str:
    times = {"first_reply_seconds": 600, "next_reply_seconds": 1200, "resolution_seconds": 7200}
    return promises.create_policy(shop.kefu, **{"name": "All", "in_business_hours": False, **times, **given}).id


def waiting(shop: Shop, **start: Any) -> str:
    thread = shop.start(**start)
    shop.say(thread, "A person, please.")
    actions.ask_for_member(shop.program, conversation_id=thread)
    return thread


def row(shop: Shop, thread: str) -> Conversation:
    return Conversation.objects.of(shop.workspace_id).get(id=thread)


def states(shop: Shop, thread: str) -> dict[str, str]:
    return {each.kind: each.state for each in clocks(shop.kefu, thread)}


def ago(shop: Shop, thread: str, minutes: float) -> None:
    """The running clocks of a conversation began so much earlier."""
    for each in SlaClock.objects.of(shop.workspace_id).filter(conversation_id=thread, since__isnull=False):
        assert each.since is not None
        each.since -= minutes * MINUTE
        each.due_at = now() if each.due_at is not None else None
        each.save()


def ring(shop: Shop) -> int:
    return ringing.ring(ringing.due_clocks())


def figures(shop: Shop) -> list[tuple[str, str]]:
    rows = Happening.objects.of(shop.workspace_id).filter(kind__startswith="sla_").order_by("id")
    return [(each.kind, each.detail["clock"]) for each in rows]


def test_without_promises_there_are_no_clocks(shop: Shop) -> None:
    thread = waiting(shop)
    actions.reply(shop.owner, conversation_id=thread, text="Hello")
    assert clocks(shop.kefu, thread) == []
    assert row(shop, thread).sla_state == ""


def test_a_talk_from_beginning_to_end(shop: Shop) -> None:
    promise(shop)
    thread = waiting(shop)
    assert states(shop, thread) == {"first_reply": "running", "resolution": "running"}
    assert (row(shop, thread).sla_clock, row(shop, thread).sla_state) == ("first_reply", "running")
    actions.reply(shop.owner, conversation_id=thread, text="Which order?")
    assert states(shop, thread) == {"first_reply": "met", "resolution": "paused"}
    assert (row(shop, thread).sla_state, row(shop, thread).sla_due_at) == ("paused", None)
    shop.say(thread, "Number 7")
    assert states(shop, thread) == {"first_reply": "met", "resolution": "running", "next_reply": "running"}
    shop.say(thread, "Please")
    actions.note(shop.owner, conversation_id=thread, text="a note is no reply")
    assert states(shop, thread)["next_reply"] == "running"
    actions.reply(shop.owner, conversation_id=thread, text="It is on its way.")
    assert states(shop, thread) == {"first_reply": "met", "resolution": "paused", "next_reply": "met"}
    actions.resolve(shop.owner, conversation_id=thread)
    assert states(shop, thread)["resolution"] == "met"
    assert figures(shop) == [("sla_met", "first_reply"), ("sla_met", "next_reply"), ("sla_met", "resolution")]
    assert row(shop, thread).sla_state == ""


def test_the_assistant_owes_nothing_and_a_new_stay_begins_anew(shop: Shop) -> None:
    promise(shop)
    thread = shop.start()
    shop.say(thread, "Hello")
    assert clocks(shop.kefu, thread) == []
    [turn] = claim()
    finish(turn, decision=Decision.HAND_OVER)
    assert states(shop, thread) == {"first_reply": "running", "resolution": "running"}
    actions.take(shop.owner, conversation_id=thread)
    actions.give_back(shop.owner, conversation_id=thread)
    assert states(shop, thread) == {"first_reply": "dropped", "resolution": "dropped"}
    actions.ask_for_member(shop.program, conversation_id=thread)
    assert [each.state for each in clocks(shop.kefu, thread)] == ["dropped", "dropped", "running", "running"]
    assert figures(shop) == []


def test_where_the_assistant_is_off_nothing_is_owed_before_the_customer_writes(shop: Shop) -> None:
    promise(shop)
    off = actions.make_channel(shop.kefu, kind="api", name="No assistant", assistant_on=False).id
    thread = shop.start(channel_id=off)
    assert clocks(shop.kefu, thread) == []
    shop.say(thread, "Hello?")
    assert states(shop, thread) == {"first_reply": "running", "resolution": "running"}


def test_it_warns_and_then_it_is_late_once(shop: Shop) -> None:
    promise(shop, warn_seconds=120)
    thread = waiting(shop)
    assert (ring(shop), ringing.due_clocks()) == (0, [])
    ago(shop, thread, 8.5)
    soon = filter_of(shop.owner, {"sla": "soon", "status": ["waiting"]})
    assert threads(shop.owner, soon) == []
    assert ring(shop) == 1
    assert row(shop, thread).sla_state == "warned"
    assert [each.conversation.id for each in threads(shop.owner, soon)] == [thread]
    assert ring(shop) == 0
    ago(shop, thread, 2)
    assert (ring(shop), ring(shop)) == (1, 0)
    assert row(shop, thread).sla_state == "breached"
    actions.reply(shop.owner, conversation_id=thread, text="Sorry")
    assert states(shop, thread)["first_reply"] == "missed"
    assert figures(shop) == [("sla_missed", "first_reply")]
    kinds = Event.objects.of(shop.workspace_id).filter(kind__startswith="conversation.sla_").order_by("id")
    assert list(kinds.values_list("kind", flat=True)) == ["conversation.sla_warned", "conversation.sla_breached"]


def test_a_late_reply_is_late_also_before_dispatch_comes_by(shop: Shop) -> None:
    promise(shop)
    thread = waiting(shop)
    ago(shop, thread, 11)
    actions.reply(shop.owner, conversation_id=thread, text="Sorry")
    assert states(shop, thread)["first_reply"] == "missed"
    assert figures(shop) == [("sla_missed", "first_reply")]
    late = Happening.objects.of(shop.workspace_id).get(kind="sla_missed")
    assert abs(late.created_at - (now() - MINUTE)) < timedelta(seconds=40)  # when it became late, not when we saw it
    assert ring(shop) == 0


def test_snoozing_stops_all_clocks(shop: Shop) -> None:
    promise(shop)
    thread = waiting(shop)
    actions.take(shop.owner, conversation_id=thread)
    snoozing.snooze(shop.owner, conversation_id=thread, until=now() + timedelta(hours=3))
    assert set(states(shop, thread).values()) == {"paused"}
    ago(shop, thread, 300)
    assert ring(shop) == 0
    snoozing.wake(shop.owner, conversation_id=thread)
    assert set(states(shop, thread).values()) == {"running"}
    assert clocks(shop.kefu, thread)[0].left_seconds > 500


def test_the_night_does_not_count_where_business_hours_are_promised(shop: Shop) -> None:
    day = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")[(now() + timedelta(days=2)).weekday()]
    accounts.set_hours(
        shop.kefu, time_zone="UTC", weekly={day: [["09:00", "10:00"]]}, holidays=[], since=now() - MINUTE
    )
    promise(shop, in_business_hours=True)
    promise(shop, name="Clock", place=1)
    thread = waiting(shop)
    first = clocks(shop.kefu, thread)[0]
    opens = datetime.fromisoformat(f"{(now() + timedelta(days=2)).date()}T09:00:00+00:00")
    assert first.ends_at == opens + 10 * MINUTE
    ago(shop, thread, 600)
    assert ring(shop) == 0
    assert clocks(shop.kefu, thread)[0].left_seconds == 600


def test_the_first_promise_that_fits_counts_and_changes_with_the_conversation(shop: Shop) -> None:
    team = team_actions.create_team(shop.kefu, name="VIP").id
    urgent = promise(shop, name="Urgent", first_reply_seconds=60, conditions={"priorities": ["urgent"]})
    of_team = promise(shop, name="Of a team", place=1, first_reply_seconds=120, conditions={"teams": [team]})
    gold = promise(shop, name="Gold", place=2, first_reply_seconds=180, conditions={"contact": {"plan": "gold"}})
    rest = promise(shop, name="Rest", place=3)
    thread = waiting(shop, external_id="g", profile={"plan": "Gold"})
    other = waiting(shop, external_id="s")

    def first(each: str) -> ClockInfo:
        return clocks(shop.kefu, each)[0]

    assert (first(thread).policy_id, first(other).policy_id) == (gold, rest)
    routes.set_team(shop.owner, conversation_id=other, team_id=team)
    assert (first(other).policy_id, first(other).target_seconds) == (of_team, 120)
    routes.set_priority(shop.owner, conversation_id=other, priority="urgent")
    assert (first(other).policy_id, first(other).target_seconds) == (urgent, 60)
    shown = row(shop, other).sla_due_at
    assert shown is not None
    assert shown - now() < timedelta(seconds=61)


def test_what_follows_when_it_is_late(shop: Shop) -> None:
    agent = shop.member(Role.AGENT)
    team = team_actions.create_team(shop.kefu, name="Second line", members=[agent.id]).id
    promise(shop, resolution_seconds=1200, on_breach={"team": team, "priority": "urgent", "mail": True})
    thread = waiting(shop)
    actions.reply(shop.owner, conversation_id=thread, text="Hello")
    shop.say(thread, "And?")
    ago(shop, thread, 21)
    ring(shop)
    found = row(shop, thread)
    assert (found.status, found.team_id, found.priority) == ("waiting", team, 3)
    assert ("sla_missed", "resolution") in figures(shop)
    assert len(figures(shop)) == len(set(figures(shop)))


def test_promises_are_checked_listed_and_removed(shop: Shop) -> None:
    for wrong in (
        {"first_reply_seconds": None, "next_reply_seconds": None, "resolution_seconds": None},
        {"first_reply_seconds": 0},
        {"conditions": {"colour": ["red"]}},
        {"conditions": {"teams": ["team_none"]}},
        {"conditions": {"priorities": ["huge"]}},
        {"on_breach": {"team": "team_none"}},
        {"on_breach": {"fire": True}},
        {"colour": "red"},
        {"name": " "},
    ):
        with pytest.raises(BadInput):
            promise(shop, **wrong)
    made = promise(shop)
    with pytest.raises(Conflict, match="already"):
        promise(shop)
    promises.change_policy(shop.kefu, policy_id=made, first_reply_seconds=60)
    assert [each.first_reply_seconds for each in policies(shop.kefu)] == [60]
    thread = waiting(shop)
    promises.remove_policy(shop.kefu, policy_id=made)
    assert policies(shop.kefu) == []
    with pytest.raises(NotFound):
        promises.remove_policy(shop.kefu, policy_id=made)
    actions.reply(shop.owner, conversation_id=thread, text="Hello")
    assert states(shop, thread)["first_reply"] == "met"  # what was promised is kept
    promise(shop)  # the name is free again


def test_figures_by_team_are_the_same_counted_again(shop: Shop) -> None:
    team = team_actions.create_team(shop.kefu, name="Support").id
    routes.set_routing(shop.kefu, default_team=team)
    promise(shop)
    kept, late = waiting(shop), waiting(shop)
    handing.hand_on(shop.workspace_id)
    ago(shop, late, 11)
    ring(shop)
    for each in (kept, late):
        actions.reply(shop.owner, conversation_id=each, text="Hello")
        actions.resolve(shop.owner, conversation_id=each)
    while roll_up():
        pass
    assert rolling.recount(shop.workspace_id, repair=False).is_equal
    period = period_of(shop.kefu, first="", last="", time_zone="")
    names = ["sla_met_rate", "sla_first_reply_met_rate", "sla_resolution_met_rate", "sla_count"]
    [of_team] = [
        each for each in breakdown(shop.kefu, period, Filters(), by="team", metrics=names).rows if each["id"] == team
    ]
    assert of_team["name"] == "Support"
    assert [of_team[each] for each in names] == [0.75, 0.5, 1.0, 4]


@pytest.mark.django_db(transaction=True)
def test_rung_at_once_it_is_late_once(shop: Shop) -> None:
    promise(shop)
    thread = waiting(shop)
    ago(shop, thread, 11)
    due = ringing.due_clocks()

    def tell() -> None:
        try:
            ringing.ring(due)
        finally:
            connection.close()

    racing = [threading.Thread(target=tell) for _ in range(3)]
    for each in racing:
        each.start()
    for each in racing:
        each.join()
    ring(shop)
    assert figures(shop) == [("sla_missed", "first_reply")]
