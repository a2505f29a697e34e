"""Customers are asked once after the end, and their answer is taken for what it is."""

from datetime import timedelta
from typing import Any

import pytest

from kefu.contracts.channel import Incoming, Part
from kefu.contracts.turn import Decision, Kept
from kefu.desk import erasure
from kefu.desk.actor import Actor, Role
from kefu.desk.contacts.care import Blocked, block
from kefu.desk.inbox import actions as inbox
from kefu.desk.inbox import due as inbox_due
from kefu.desk.inbox import queries
from kefu.desk.inbox.models import Conversation, Delivery, Message
from kefu.desk.insights.models import ReportingEvent
from kefu.desk.insights.queries import reports
from kefu.desk.insights.queries.cells import Filters
from kefu.desk.insights.queries.period import period_of
from kefu.desk.insights.rolling import recount, roll_up
from kefu.desk.rows import now
from kefu.desk.surveys import actions, due
from kefu.desk.surveys.models import Survey
from kefu.desk.surveys.queries import survey_of
from kefu.kit.errors import BadInput, Conflict, NotAllowed, NotFound

from ..desks import desk_for
from ..insights.lives import answer
from ..shops import Shop, claim, made_shop, outcome

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop() -> Shop:
    return made_shop()


def ended(shop: Shop, *, by: Actor | None = None) -> str:
    """A conversation that the assistant answered and its customer, or `by`, resolved."""
    thread = shop.start()
    shop.say(thread, "When do you open?")
    answer(intent="hours")
    inbox.resolve(by or shop.program, conversation_id=thread)
    return thread


def asked(shop: Shop, **given: Any) -> str:
    thread = ended(shop, **given)
    assert due.ask_due() == 1
    return thread


def visitor_of(shop: Shop, thread: str) -> Actor:
    contact = queries.conversation(shop.kefu, thread).contact_id
    return Actor(shop.workspace_id, "visitor", contact, contact_id=contact, channel_id=shop.channel_id)


def figures(shop: Shop, metric: str) -> list[int]:
    rows = ReportingEvent.objects.of(shop.workspace_id).filter(metric=metric)
    return list(rows.order_by("id").values_list("value", flat=True))


def equal(shop: Shop) -> bool:
    while roll_up():
        pass
    return recount(shop.workspace_id, repair=False).is_equal


def test_a_customer_is_asked_after_the_end_and_rates_with_stars(shop: Shop) -> None:
    thread = asked(shop)
    visitor = visitor_of(shop, thread)
    assert survey_of(visitor, thread).state == "asked"
    actions.rate(visitor, conversation_id=thread, score=4)
    found = actions.rate(visitor, conversation_id=thread, score=4, comment="Call 13800138000, but quick.")
    assert (found.state, found.score, found.by) == ("rated", 4, "stars")
    assert "13800138000" not in found.comment
    assert "quick" in found.comment
    with pytest.raises(Conflict, match="rated 4 already"):
        actions.rate(visitor, conversation_id=thread, score=5)
    assert (figures(shop, "csat_sent"), figures(shop, "csat"), figures(shop, "csat_good")) == ([1], [4], [1])
    assert queries.conversation(shop.kefu, thread).status == "resolved"
    assert due.ask_due() == 0
    assert equal(shop)


@pytest.mark.parametrize(("text", "score"), [("5", 5), ("满意", 4), ("★★☆☆☆", 2)])
def test_an_answer_in_words_is_a_rating_and_no_new_question(shop: Shop, text: str, score: int) -> None:
    thread = asked(shop)
    before = figures(shop, "incoming_messages")
    stored = shop.say(thread, text)
    assert stored.turn_id is None
    assert claim() == []
    assert queries.conversation(shop.kefu, thread).status == "resolved"
    found = survey_of(shop.kefu, thread)
    assert (found.state, found.score, found.by) == ("rated", score, "words")
    said = queries.messages(shop.kefu, thread)
    assert [(each.author, each.outcome) for each in said[-2:]] == [("contact", "replied"), ("system", "")]
    assert figures(shop, "csat") == [score]
    assert figures(shop, "incoming_messages") == before
    assert equal(shop)


@pytest.mark.parametrize("blocked_before", ["the end", "the question", "the answer"])
def test_who_is_blocked_is_neither_asked_nor_heard(shop: Shop, blocked_before: str) -> None:
    def block_if(moment: str) -> None:
        if moment == blocked_before:
            block(shop.owner, contact_id=queries.conversation(shop.kefu, thread).contact_id)

    thread = shop.start()
    shop.say(thread, "When do you open?")
    answer(intent="hours")
    block_if("the end")
    inbox.resolve(shop.owner, conversation_id=thread)
    block_if("the question")
    assert due.ask_due() == (1 if blocked_before == "the answer" else 0)
    block_if("the answer")
    with pytest.raises(Blocked):
        actions.rate(visitor_of(shop, thread), conversation_id=thread, score=1)
    assert figures(shop, "csat") == []


def test_anything_else_reopens_as_usual(shop: Shop) -> None:
    thread = asked(shop)
    assert shop.say(thread, "5 parcels are missing, where are they?").turn_id
    assert queries.conversation(shop.kefu, thread).status == "bot"
    assert survey_of(shop.kefu, thread).state == "asked"
    answer()
    shop.say(thread, "5")  # in the middle of a conversation it is whatever was asked there
    assert survey_of(shop.kefu, thread).state == "asked"
    assert len(claim()) == 1
    assert equal(shop)


def test_a_remark_just_after_the_rating_is_its_comment(shop: Shop) -> None:
    thread = asked(shop)
    shop.say(thread, "2")
    shop.say(thread, "It took very long, mail mia@shop.example")
    found = survey_of(shop.kefu, thread)
    assert found.comment.startswith("It took very long")
    assert "mia@" not in found.comment
    shop.say(thread, "And another remark")
    assert queries.conversation(shop.kefu, thread).status == "bot", "one remark is enough; this begins anew"
    assert equal(shop)


def test_after_the_window_a_number_is_a_message(shop: Shop) -> None:
    thread = asked(shop)
    Survey.objects.of(shop.workspace_id).update(until=now() - timedelta(seconds=1))
    assert survey_of(shop.kefu, thread).state == "expired"
    with pytest.raises(Conflict, match="time for it is over"):
        actions.rate(shop.program, conversation_id=thread, score=5)
    assert shop.say(thread, "5").turn_id
    assert figures(shop, "csat") == []


def test_each_end_is_asked_about_once_and_not_again_within_the_window(shop: Shop) -> None:
    thread = asked(shop)
    shop.say(thread, "One thing more: when do you close?")
    answer()
    inbox.resolve(shop.program, conversation_id=thread)
    assert due.ask_due() == 0, "the first survey is still open"
    actions.rate(shop.program, conversation_id=thread, score=3)
    shop.say(thread, "And on Sundays?")
    answer()
    inbox.resolve(shop.program, conversation_id=thread)
    assert due.ask_due() == 1, "another end after a rating"
    assert figures(shop, "csat_sent") == [1, 1]
    assert equal(shop)


def test_nobody_is_asked_where_it_makes_no_sense(shop: Shop) -> None:
    silent = shop.start()
    unanswered = shop.start()
    shop.say(unanswered, "Do you sell moon dust?")
    answer(Decision.REFUSE, "nothing_found")
    for thread in (silent, unanswered):
        inbox.resolve(shop.program, conversation_id=thread)
    assert due.ask_due() == 0
    actions.set_surveys(shop.owner, unanswered=True)
    shop.say(unanswered, "And star dust?")
    inbox.resolve(shop.program, conversation_id=unanswered)
    assert due.ask_due() == 1


def test_idle_ends_are_asked_about_by_a_setting(shop: Shop) -> None:
    for after_idle in (False, True):
        actions.set_surveys(shop.owner, after_idle=after_idle)
        thread = shop.start()
        shop.say(thread, "When?")
        answer()
        Conversation.objects.of(shop.workspace_id).filter(id=thread).update(due_at=now() - timedelta(minutes=1))
        assert inbox_due.close_idle() == 1
        assert due.ask_due() == int(after_idle)


def test_a_delay_is_waited_for_and_going_on_calls_it_off(shop: Shop) -> None:
    actions.set_surveys(shop.owner, delay_seconds=600)
    early, late = ended(shop), ended(shop)
    assert due.ask_due() == 0
    assert survey_of(shop.kefu, late).state == "waiting"
    shop.say(early, "One question more, when do you close?")
    Survey.objects.of(shop.workspace_id).filter(state="waiting").update(due_at=now())
    assert due.ask_due() == 1
    assert [survey_of(shop.kefu, each).state for each in (early, late)] == ["none", "asked"]


def test_off_for_a_workspace_or_a_channel(shop: Shop) -> None:
    actions.set_surveys(shop.owner, channels_off=(shop.channel_id,))
    ended(shop)
    actions.set_surveys(shop.owner, channels_off=(), is_on=False)
    ended(shop)
    assert not Survey.objects.of(shop.workspace_id).exists()


def test_on_a_pushing_channel_the_question_goes_out_with_buttons(shop: Shop) -> None:
    channel, _ = inbox.add_channel(
        shop.kefu, kind="webhook", name="Hook", values={"url": "https://shop.example/hook", "secret": ""}
    )
    arrived = inbox.arrive(channel, Incoming("mia", "m-1", (Part("text", "我的订单在哪里？"),)))
    for turn in claim():
        inbox_due.finish_turns(worker="worker", outcomes=[(turn.id, outcome("在路上。", language="zh"), {})])
    inbox.resolve(shop.kefu, conversation_id=arrived.conversation_id)
    assert due.ask_due() == 1
    last = Delivery.objects.of(shop.workspace_id).order_by("-sequence")[0]
    Delivery.objects.of(shop.workspace_id).filter(id=last.id).update(batch="b")
    out = queries.outgoing(shop.workspace_id, arrived.conversation_id, "b")
    assert "满意" in out.text
    assert out.quick_replies[0] == "5 · 非常满意"
    inbox.arrive(channel, Incoming("mia", "m-2", (Part("text", out.quick_replies[0]),)))
    assert survey_of(shop.kefu, arrived.conversation_id).score == 5


def test_a_flow_that_asks_for_a_rating_uses_the_same_rows(shop: Shop) -> None:
    thread = shop.start()
    shop.say(thread, "Done")
    [turn] = claim()
    inbox_due.finish_turns(
        worker="worker", outcomes=[(turn.id, outcome("How did I do?", kept=Kept(rating_asked=True)), {})]
    )
    assert figures(shop, "csat_sent") == [1]
    shop.say(thread, "10")
    [turn] = claim()
    inbox_due.finish_turns(worker="worker", outcomes=[(turn.id, outcome("Thanks!", kept=Kept(rating=(10, 10))), {})])
    found = survey_of(shop.kefu, thread)
    assert (found.state, found.score, found.by) == ("rated", 5, "flow")
    inbox.resolve(shop.program, conversation_id=thread)
    assert due.ask_due() == 0, "rated in this conversation already"
    assert figures(shop, "csat") == [5]
    assert equal(shop)


def test_the_report_shows_ratings_with_their_comments(shop: Shop) -> None:
    agent = shop.member(Role.AGENT)
    thread = shop.start()
    shop.say(thread, "A person, please")
    inbox.ask_for_member(shop.program, conversation_id=thread)
    inbox.reply(agent, conversation_id=thread, text="Here I am.")
    inbox.resolve(agent, conversation_id=thread)
    due.ask_due()
    actions.rate(shop.program, conversation_id=thread, score=5, comment="Kind and quick")
    actions.rate(shop.program, conversation_id=asked(shop), score=1, comment="Robot")
    while roll_up():
        pass
    period = period_of(shop.kefu)
    found = reports.csat(shop.kefu, period, Filters())
    assert found.totals["csat_score"] == 0.5
    assert found.totals["csat_response_rate"] == 1.0
    assert [(each["score"], each["comment"]) for each in found.more["comments"]] == [
        (1, "Robot"),
        (5, "Kind and quick"),
    ]
    of_member = reports.csat(shop.kefu, period, Filters.of(member=agent.id))
    assert [each["conversation"] for each in of_member.more["comments"]] == [thread]
    [satisfied] = [row for row in reports.funnel(shop.kefu, period, Filters()).rows if row["stage"] == "satisfied"]
    assert satisfied["conversations"] == 1


def test_members_do_not_rate_and_bad_ratings_are_refused(shop: Shop) -> None:
    thread = asked(shop)
    with pytest.raises(NotAllowed):
        actions.rate(shop.member(Role.AGENT), conversation_id=thread, score=5)
    with pytest.raises(BadInput, match="1 to 5"):
        actions.rate(shop.program, conversation_id=thread, score=6)
    with pytest.raises(NotFound):
        actions.rate(shop.visitor(), conversation_id=thread, score=5)
    with pytest.raises(Conflict, match="No rating is asked"):
        actions.rate(shop.program, conversation_id=shop.start(), score=5)


def test_settings_are_an_admins_and_checked(shop: Shop) -> None:
    desk = desk_for(shop, Role.ADMIN)
    shown = desk.patch("/surveys/settings", {"questions": {"en": "How was it?", "zh": ""}, "window_hours": 24})
    assert shown["questions"] == {"en": "How was it?"}
    assert shown["window_hours"] == 24
    assert desk.patch("/surveys/settings", {"window_hours": 0}, expect=422)["field"] == "window_hours"
    assert desk.patch("/surveys/settings", {"channels_off": ["ch_x"]}, expect=422)["field"] == "channels_off"
    assert desk.patch("/surveys/settings", {"thanks": {"fr": "Merci"}}, expect=422)["field"] == "thanks"
    desk_for(shop, Role.AGENT).patch("/surveys/settings", {"is_on": False}, expect=403)
    thread = asked(shop)
    assert survey_of(visitor_of(shop, thread), thread).question == "How was it?"
    viewer = desk_for(shop, Role.VIEWER)
    assert viewer.get(f"/inbox/conversations/{thread}/survey")["state"] == "asked"
    actions.rate(shop.program, conversation_id=thread, score=2, comment="Meh")
    assert [each["comment"] for each in viewer.get("/surveys/ratings?most=3&commented=true")["ratings"]] == ["Meh"]
    assert viewer.get("/surveys/ratings?most=1")["ratings"] == []


def test_what_was_rated_goes_with_an_erased_contact_and_is_handed_out(shop: Shop) -> None:
    thread = asked(shop)
    actions.rate(shop.program, conversation_id=thread, score=2, comment="Meh")
    contact = queries.conversation(shop.kefu, thread).contact_id
    [held] = erasure.export(shop.owner, contact)["conversations"]
    assert [(each["score"], each["comment"]) for each in held["ratings"]] == [(2, "Meh")]
    erasure.erase(shop.owner, contact)
    assert not Survey.objects.of(shop.workspace_id).exists()


def test_asking_twice_asks_once(shop: Shop) -> None:
    thread = ended(shop)
    row = Survey.objects.of(shop.workspace_id).get()
    asked_ = [actions.ask(row.id, workspace_id=shop.workspace_id, conversation_id=thread) for _ in range(2)]
    assert asked_ == [True, False]
    assert figures(shop, "csat_sent") == [1]
    assert Message.objects.of(shop.workspace_id).filter(author="system").count() == 0, "a website shows stars"
