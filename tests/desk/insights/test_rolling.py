"""Figures stored live, rolled up, and counted again: always the same, whatever is killed in between."""

import random
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta

import pytest
from django.db import transaction
from django.db.models import Sum

from kefu.contracts.turn import Decision
from kefu.desk import erasure
from kefu.desk.accounts import actions as accounts
from kefu.desk.accounts import team_actions as accounts_of_teams
from kefu.desk.actor import Role
from kefu.desk.inbox import actions as inbox
from kefu.desk.inbox import due
from kefu.desk.inbox.actions import happened
from kefu.desk.inbox.actions.routes import set_team
from kefu.desk.inbox.models import Conversation
from kefu.desk.inbox.queries import get, messages
from kefu.desk.insights import due as insights
from kefu.desk.insights import rolling
from kefu.desk.insights.models import ReportingEvent, RollUp, UnansweredQuestion
from kefu.desk.insights.rolling import recount, roll_up
from kefu.desk.rows import now
from kefu.kit.errors import KefuError

from ..desks import desk_for
from ..shops import Shop, made_shop
from .lives import answer, one_of_each

pytestmark = pytest.mark.django_db


def total(shop: Shop, metric: str, dimension: str = "", value: str = "", channel: str = "", grain: str = "d") -> int:
    rows = RollUp.objects.of(shop.workspace_id).filter(
        metric=metric, grain=grain, dimension=dimension, value=value, channel_id=channel
    )
    return sum(rows.values_list("count", flat=True))


@contextmanager
def killed() -> Iterator[None]:
    """What is done within is undone, as when the process dies before the commit."""
    with suppress(RuntimeError), transaction.atomic():
        yield
        raise RuntimeError("killed")


def test_live_figures_equal_a_recount() -> None:
    shop = made_shop()
    one_of_each(shop)
    while roll_up(limit=7):
        pass
    proof = recount(shop.workspace_id, repair=False)
    assert proof.is_equal, proof
    assert proof.figures == ReportingEvent.objects.of(shop.workspace_id).count() > 40


def test_figures_in_business_hours_equal_a_recount_after_the_hours_have_changed() -> None:
    shop = made_shop()
    weekly = {"mon": [["09:00", "09:01"]]}
    accounts.set_hours(
        shop.owner, time_zone="Asia/Shanghai", weekly=weekly, holidays=[], since=now() - timedelta(days=9)
    )
    one_of_each(shop)
    accounts.set_hours(shop.owner, time_zone="UTC", weekly=None, holidays=[])
    assert recount(shop.workspace_id, repair=False).wrong_conversations == 0


def test_roll_ups_count_each_dimension() -> None:
    shop = made_shop()
    one_of_each(shop)
    roll_up()
    assert total(shop, "conversations") == total(shop, "conversations", grain="h") == 7
    assert total(shop, "conversations", channel=shop.channel_id) == 7
    assert total(shop, "turns", "intent", "hours") == 1
    assert total(shop, "turns", "detail", "refuse") == 2
    assert total(shop, "resolution_time", "who", "person") == 1
    assert total(shop, "turns", "bucket") == 0  # the bucket is the value
    rows = RollUp.objects.of(shop.workspace_id).filter(metric="turns", grain="d", dimension="bucket", channel_id="")
    assert sum(rows.values_list("count", flat=True)) == total(shop, "turns")


def test_a_change_that_is_undone_leaves_no_figure() -> None:
    shop = made_shop()
    thread = shop.start()
    before = ReportingEvent.objects.of(shop.workspace_id).count()
    with killed():
        shop.say(thread, "Hello?")
    assert ReportingEvent.objects.of(shop.workspace_id).count() == before
    shop.say(thread, "Hello?")
    assert recount(shop.workspace_id, repair=False).wrong_conversations == 0


def test_rolling_up_that_is_undone_is_done_once_afterwards() -> None:
    shop = made_shop()
    one_of_each(shop)
    with killed():
        roll_up()
    assert RollUp.objects.of(shop.workspace_id).count() == 0
    roll_up()
    assert roll_up() == 0
    assert recount(shop.workspace_id, repair=False).is_equal


def test_few_new_figures_wait_for_the_next_second(monkeypatch: pytest.MonkeyPatch) -> None:
    shop = made_shop()
    one_of_each(shop)
    assert insights.roll_up() is False  # all that there were: what comes meanwhile is no reason to begin anew
    assert roll_up() == 0
    monkeypatch.setattr(rolling, "AT_ONCE", 2)
    one_of_each(shop)
    assert insights.roll_up() is True
    while insights.roll_up():
        pass
    assert recount(shop.workspace_id, repair=False).is_equal


def test_a_late_figure_goes_into_its_own_hour() -> None:
    shop = made_shop()
    thread = shop.start()
    shop.say(thread, "Hello?")
    Conversation.objects.of(shop.workspace_id).update(created_at=now() - timedelta(hours=30))
    recount(shop.workspace_id)
    inbox.resolve(shop.program, conversation_id=thread)
    roll_up()
    starts = RollUp.objects.of(shop.workspace_id).filter(metric="conversations", grain="h", dimension="", channel_id="")
    assert now() - starts.get(count__gt=0).start > timedelta(hours=29)
    assert recount(shop.workspace_id, repair=False).is_equal


def test_a_recount_makes_figures_of_conversations_that_have_none() -> None:
    shop = made_shop()
    one_of_each(shop)
    roll_up()
    stored = list(ReportingEvent.objects.of(shop.workspace_id).order_by("at", "metric").values_list("metric", "value"))
    ReportingEvent.objects.of(shop.workspace_id).delete()
    RollUp.objects.of(shop.workspace_id).delete()
    UnansweredQuestion.objects.of(shop.workspace_id).delete()
    Conversation.objects.of(shop.workspace_id).update(clock=None)
    assert not recount(shop.workspace_id, repair=False).is_equal
    recount(shop.workspace_id)
    assert recount(shop.workspace_id, repair=False).is_equal
    events = ReportingEvent.objects.of(shop.workspace_id).order_by("at", "metric").values_list("metric", "value")
    assert sorted(events) == sorted(stored)
    assert UnansweredQuestion.objects.of(shop.workspace_id).count() == 2


def test_a_recount_mends_what_was_spoiled() -> None:
    shop = made_shop()
    made = one_of_each(shop)
    roll_up()
    RollUp.objects.of(shop.workspace_id).filter(metric="turns").update(count=99)
    ReportingEvent.objects.of(shop.workspace_id).filter(conversation_id=made["refused"], number=1).delete()
    found = recount(shop.workspace_id)
    assert found.wrong_conversations == 1
    assert found.wrong_roll_ups > 0
    assert recount(shop.workspace_id, repair=False).is_equal


def test_a_conversation_goes_on_after_a_recount_as_if_nothing_was() -> None:
    shop = made_shop()
    made = one_of_each(shop)
    Conversation.objects.of(shop.workspace_id).update(clock=None)
    recount(shop.workspace_id)
    shop.say(made["resolved"], "Once more")
    answer()
    inbox.resolve(shop.program, conversation_id=made["resolved"])
    roll_up()
    assert recount(shop.workspace_id, repair=False).is_equal


def test_ratings_labels_and_teams_are_counted_again_too() -> None:
    shop = made_shop()
    thread = one_of_each(shop)["handed_over"]
    with transaction.atomic():
        row = get(shop.kefu, thread, lock=True)
        happened(row, "teamed", team="team_a")
        happened(row, "labelled", labels=["vip", "bill"])
        happened(row, "surveyed")
        happened(row, "rated", by="contact", score=5)
        row.save()
    roll_up()
    assert total(shop, "csat", "label", ",bill,vip,") == 1
    assert total(shop, "csat", "team", "team_a") == 1
    assert recount(shop.workspace_id, repair=False).is_equal


def test_all_figures_of_a_conversation_follow_its_labels() -> None:
    shop = made_shop()
    thread = one_of_each(shop)["handed_over"]
    roll_up()
    vip, bill = (inbox.add_label(shop.owner, title=title).id for title in ("VIP", "Bill"))
    before = _totals()
    ann = shop.member(Role.AGENT)
    inbox.label(ann, conversation_id=thread, add=[vip])
    shop.say(thread, "One thing more")  # what is not rolled up yet is counted under the labels, too
    inbox.label(ann, conversation_id=thread, add=[bill], remove=[vip])
    roll_up()
    assert recount(shop.workspace_id, repair=False).is_equal
    assert total(shop, "conversations", "label", f",{bill},") == 1
    assert total(shop, "first_response_time", "label", f",{bill},") > 0
    assert total(shop, "turns", "label", f",{vip},") == 0
    found = desk_for(shop, Role.VIEWER).get("/insights/breakdown?by=label")
    assert [(row["name"], row["conversations_count"]) for row in found["rows"]] == [("Bill", 1)]
    inbox.label(ann, conversation_id=thread, remove=[bill])
    roll_up()
    assert desk_for(shop, Role.VIEWER).get("/insights/breakdown?by=label")["rows"] == []
    assert recount(shop.workspace_id, repair=False).is_equal
    assert {name: number for name, number in _totals().items() if name in before and number < before[name]} == {}


def _totals() -> dict[str, int]:
    rows = RollUp.objects.across_workspaces("a test").filter(grain="d", dimension="", channel_id="")
    return dict(rows.values_list("metric").annotate(Sum("count")).order_by())


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_however_labels_teams_and_rolling_up_fall_in_between_a_recount_is_equal(seed: int) -> None:
    shop, dice = made_shop(), random.Random(seed)
    ann, lead = shop.member(Role.AGENT), shop.member(Role.SUPERVISOR)
    labels = [inbox.add_label(shop.owner, title=title).id for title in ("A", "B", "C")]
    teams = [accounts_of_teams.create_team(shop.owner, name=name).id for name in ("One", "Two")]
    threads = [shop.start() for _ in range(4)]
    for _ in range(40):
        thread = dice.choice(threads)
        step = dice.randrange(8)
        with suppress(KefuError):  # some steps cannot be done as a conversation stands
            if step < 2:
                shop.say(thread, "Hello?")
                answer(dice.choice([Decision.APPROVED, Decision.HAND_OVER]), "anger", intent=dice.choice(["", "hours"]))
            elif step == 2:
                inbox.take(ann, conversation_id=thread)
                inbox.reply(ann, conversation_id=thread, text="Yes.")
            elif step == 3:
                set_team(lead, conversation_id=thread, team_id=dice.choice([None, *teams]))
            elif step == 4:
                inbox.label(ann, conversation_id=thread, add=[dice.choice(labels)], remove=[dice.choice(labels)])
            elif step == 5:
                dice.choice([inbox.resolve, inbox.give_back])(ann, conversation_id=thread)
            else:
                roll_up(limit=dice.choice([3, 500]))
    while roll_up():
        pass
    proof = recount(shop.workspace_id, repair=False)
    assert proof.is_equal, proof
    by_language = desk_for(shop, Role.VIEWER).get("/insights/breakdown?by=language")["rows"]
    assert sum(row["conversations_count"] for row in by_language) <= len(threads)
    assert total(shop, "conversations") == len(threads)


def test_thumbs_are_counted_by_the_last() -> None:
    shop = made_shop()
    thread = shop.start()
    shop.say(thread, "When?")
    answer()
    message = _last_answer(thread, shop)
    for value in ("down", "down", "up"):
        inbox.give_feedback(shop.program, conversation_id=thread, message_id=message, value=value)
    roll_up()
    rows = RollUp.objects.of(shop.workspace_id).filter(
        metric="thumbs", grain="d", dimension="detail", channel_id="", value="down"
    )
    assert sum(rows.values_list("total", flat=True)) == 0
    assert recount(shop.workspace_id, repair=False).is_equal


def test_a_refusal_is_judged_and_counted_by_the_last_verdict() -> None:
    shop = made_shop()
    thread = shop.start()
    shop.say(thread, "When?")
    answer(Decision.REFUSE, "nothing_found")
    refusal = _last_answer(thread, shop)
    desk, path = desk_for(shop, Role.AGENT), f"/inbox/conversations/{thread}/messages/{refusal}/verdict"
    for verdict in ("wrong", "right", "right"):
        desk.put(path, {"verdict": verdict}, expect=204)
    assert desk.get(f"/inbox/conversations/{thread}/messages")["messages"][-1]["verdict"] == "right"
    roll_up()
    assert desk.get("/insights/reports/assistant")["totals"]["refusal_precision"] == 1
    desk.put(path, {"verdict": "wrong"}, expect=204)
    roll_up()
    found = desk.get("/insights/reports/assistant")["totals"]
    assert (found["refusal_precision"], found["handoff_correctness"]) == (0, None)
    assert recount(shop.workspace_id, repair=False).is_equal
    desk.put(path, {"verdict": "perhaps"}, expect=422)
    desk.put(path.replace(refusal, "msg_other"), {"verdict": "right"}, expect=404)
    desk_for(shop, Role.VIEWER).put(path, {"verdict": "right"}, expect=403)


def test_merging_contacts_changes_no_figure() -> None:
    shop = made_shop()
    one_of_each(shop)
    one, other = Conversation.objects.of(shop.workspace_id).values_list("contact_id", flat=True)[:2]
    inbox.move_conversations(shop.program, from_contact=one, to_contact=other)
    roll_up()
    assert recount(shop.workspace_id, repair=False).is_equal


def test_figures_of_an_erased_contact_stay_and_name_no_conversation() -> None:
    shop = made_shop()
    thread = one_of_each(shop)["refused"]
    roll_up()
    before = total(shop, "unanswered")
    contact = Conversation.objects.of(shop.workspace_id).get(id=thread).contact_id
    erasure.erase(shop.owner, contact)
    assert not ReportingEvent.objects.of(shop.workspace_id).filter(conversation_id=thread).exists()
    assert not UnansweredQuestion.objects.of(shop.workspace_id).filter(conversation_id=thread).exists()
    assert total(shop, "unanswered") == before == 2
    assert recount(shop.workspace_id).is_equal


def test_conversations_closed_for_idling_are_counted() -> None:
    shop = made_shop()
    thread = shop.start()
    shop.say(thread, "When?")
    answer()
    Conversation.objects.of(shop.workspace_id).filter(id=thread).update(due_at=now())
    due.close_idle()
    roll_up()
    assert total(shop, "bot_resolutions", "detail", "idle") == 1
    assert recount(shop.workspace_id, repair=False).is_equal


def test_workspaces_do_not_meet() -> None:
    mine, other = made_shop(), made_shop()
    one_of_each(mine)
    other.say(other.start(), "Hello?")
    roll_up()
    assert total(other, "incoming_messages") == 1
    assert recount(other.workspace_id).conversations == 1
    assert recount(mine.workspace_id, repair=False).is_equal


def test_released_members_conversations_are_counted() -> None:
    shop = made_shop()
    ann = shop.member(Role.AGENT)
    thread = shop.start()
    shop.say(thread, "Hello?")
    inbox.take(ann, conversation_id=thread)
    inbox.release(shop.owner, member_id=ann.id)
    roll_up()
    assert recount(shop.workspace_id, repair=False).is_equal
    assert total(shop, "assignments", "member", ann.id) == 1


def _last_answer(thread: str, shop: Shop) -> str:
    return next(each.id for each in messages(shop.kefu, thread) if each.author == "assistant")
