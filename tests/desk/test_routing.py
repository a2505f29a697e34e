"""Those who wait come to teams and members: offered once, in turn, within limits; again to the next; and escalated."""

import threading
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from kefu.brain.texts import BUILT_IN, promise
from kefu.contracts.turn import Decision, Policy
from kefu.desk.accounts import actions as accounts
from kefu.desk.accounts import team_actions, team_queries
from kefu.desk.accounts.models import Event, Staffing
from kefu.desk.actor import Actor, Role
from kefu.desk.inbox import actions, handing, queries
from kefu.desk.inbox.actions import routes
from kefu.desk.inbox.models import Conversation, Happening, Route
from kefu.desk.inbox.queries.routing import place_in_queue
from kefu.desk.rows import now
from kefu.kit.errors import BadInput, Conflict

from .shops import Shop, claim, finish, made_shop

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop() -> Shop:
    return made_shop()


def at_work(shop: Shop, number: int = 1, **staffing: Any) -> list[Actor]:
    """So many agents with an open window."""
    agents = [shop.member(Role.AGENT) for _ in range(number)]
    for each in agents:
        if staffing:
            team_actions.set_staffing(shop.kefu, member_id=each.id, **staffing)
    here(shop, *agents)
    return agents


def here(shop: Shop, *people: Actor) -> None:
    team_actions.note_seen({shop.workspace_id: [each.id for each in people]})


def team(shop: Shop, people: list[Actor], *, default: bool = True, **given: Any) -> str:
    made = team_actions.create_team(
        shop.kefu,
        **{"name": "Support", "method": "round_robin", "members": [each.id for each in people], **given},
    )
    if default:
        routes.set_routing(shop.kefu, default_team=made.id)
    return made.id


def shut(shop: Shop) -> None:
    """The company is at work for an hour of the day after tomorrow alone."""
    day = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")[(now() + timedelta(days=2)).weekday()]
    accounts.set_hours(shop.kefu, time_zone="UTC", weekly={day: [["09:00", "10:00"]]}, holidays=[], since=now())


def handed_over(shop: Shop, language: str, text: str = "", **start: Any) -> str:
    """The assistant hands a conversation over; gives it."""
    thread = shop.start(**start)
    shop.say(thread, "人工" if language == "zh" else "A person, please.")
    text = text or BUILT_IN[language]["hand_over"]
    told = {"language": language, "promise": promise(text, Policy())}
    finish(claim()[0], text=text, decision=Decision.HAND_OVER, **told)
    hand_on(shop)
    return thread


def waiting(shop: Shop, **start: Any) -> str:
    thread = shop.start(**start)
    shop.say(thread, "A person, please.")
    actions.ask_for_member(shop.program, conversation_id=thread)
    return thread


def row(shop: Shop, thread: str) -> Conversation:
    return Conversation.objects.of(shop.workspace_id).select_related("channel").get(id=thread)


def hand_on(shop: Shop) -> None:
    """All are due: time has passed."""
    Route.objects.of(shop.workspace_id).filter(due_at__isnull=False).update(due_at=now())
    for workspace_id in handing.due_workspaces():
        handing.hand_on(workspace_id)


def too_long(shop: Shop, thread: str) -> None:
    """The time after which leads are told has passed."""
    Route.objects.of(shop.workspace_id).filter(conversation_id=thread).update(escalate_at=now())


def over(shop: Shop, thread: str) -> None:
    """The time to take an offer has passed."""
    past = now() - timedelta(seconds=1)
    Route.objects.of(shop.workspace_id).filter(conversation_id=thread).update(offered_until=past)


# by hand


def test_a_new_workspace_offers_nobody_anything(shop: Shop) -> None:
    at_work(shop, 2)
    thread = waiting(shop)
    hand_on(shop)
    found = row(shop, thread)
    assert (found.status, found.team_id, found.offered_to) == ("waiting", "", "")
    assert handing.due_workspaces() == []  # nothing is looked at again and again


def test_a_team_by_hand_gets_what_is_its_own_and_offers_nobody(shop: Shop) -> None:
    mine = team(shop, at_work(shop), method="manual", escalate_seconds=0)
    thread = waiting(shop)
    hand_on(shop)
    found = row(shop, thread)
    assert (found.team_id, found.offered_to) == (mine, "")


# offers


def test_who_waits_is_offered_to_one_who_takes_it(shop: Shop) -> None:
    [agent] = at_work(shop)
    mine = team(shop, [agent])
    thread = waiting(shop)
    hand_on(shop)
    found = row(shop, thread)
    assert (found.status, found.team_id, found.offered_to) == ("waiting", mine, agent.id)
    actions.take(agent, conversation_id=thread)
    hand_on(shop)
    found = row(shop, thread)
    assert (found.status, found.assignee_id, found.offered_to) == ("open", agent.id, "")
    assert not Route.objects.of(shop.workspace_id).exists()


def test_a_reply_takes_it_too(shop: Shop) -> None:
    [agent] = at_work(shop)
    team(shop, [agent])
    thread = waiting(shop)
    hand_on(shop)
    actions.reply(agent, conversation_id=thread, text="Hello")
    assert row(shop, thread).assignee_id == agent.id


def test_turns_go_round_and_limits_hold(shop: Shop) -> None:
    agents = at_work(shop, 3, conversation_limit=2)
    team(shop, agents)
    threads = [waiting(shop) for _ in range(8)]
    hand_on(shop)
    hand_on(shop)  # safe to run twice
    offered = Counter(row(shop, each).offered_to for each in threads)
    assert offered == {**{agent.id: 2 for agent in agents}, "": 2}
    # The longest waiting are first.
    assert [bool(row(shop, each).offered_to) for each in threads] == [True] * 6 + [False] * 2
    actions.resolve(shop.program, conversation_id=threads[0])
    hand_on(shop)
    assert row(shop, threads[6]).offered_to
    assert not row(shop, threads[7]).offered_to


def test_the_urgent_come_first(shop: Shop) -> None:
    [agent] = at_work(shop, conversation_limit=1)
    team(shop, [agent])
    first, urgent = waiting(shop), waiting(shop)
    routes.set_priority(shop.owner, conversation_id=urgent, priority="urgent")
    hand_on(shop)
    assert (row(shop, first).offered_to, row(shop, urgent).offered_to) == ("", agent.id)


def test_the_least_busy_is_asked(shop: Shop) -> None:
    agents = at_work(shop, 2)
    for _ in range(2):
        actions.take(agents[0], conversation_id=waiting(shop))
    team(shop, agents, method="least_busy")
    threads = [waiting(shop) for _ in range(2)]
    hand_on(shop)
    assert {row(shop, each).offered_to for each in threads} == {agents[1].id}


def test_who_does_not_take_it_lets_it_pass_to_the_next(shop: Shop) -> None:
    agents = at_work(shop, 2)
    team(shop, agents)
    thread = waiting(shop)
    hand_on(shop)
    first = row(shop, thread).offered_to
    over(shop, thread)
    hand_on(shop)
    second = row(shop, thread).offered_to
    assert {first, second} == {each.id for each in agents}
    over(shop, thread)
    hand_on(shop)
    assert row(shop, thread).offered_to == ""  # all have let it pass: a while later they are asked again
    over(shop, thread)
    Route.objects.of(shop.workspace_id).update(offered_until=now() - timedelta(seconds=61))
    hand_on(shop)
    assert row(shop, thread).offered_to == first
    kinds = Happening.objects.of(shop.workspace_id).filter(kind__in=["offered", "passed"]).order_by("id")
    assert list(kinds.values_list("kind", flat=True)) == ["offered", "passed", "offered", "passed", "offered"]


def test_who_goes_away_or_says_no_is_passed_over_at_once(shop: Shop) -> None:
    agents = at_work(shop, 3)
    team(shop, agents)
    thread = waiting(shop)
    hand_on(shop)
    by_id = {each.id: each for each in agents}
    first = by_id[row(shop, thread).offered_to]
    team_actions.choose_availability(first, availability="busy")
    hand_on(shop)
    second = by_id[row(shop, thread).offered_to]
    assert second != first
    routes.decline(second, conversation_id=thread)
    hand_on(shop)
    third = by_id[row(shop, thread).offered_to]
    assert third not in {first, second}
    with pytest.raises(Conflict, match="not offered"):
        routes.decline(second, conversation_id=thread)
    # Without a window for three minutes one is away.
    Staffing.objects.of(shop.workspace_id).filter(member_id=third.id).update(seen_at=now() - timedelta(seconds=181))
    hand_on(shop)
    assert row(shop, thread).offered_to == ""


def test_skills_and_languages_are_asked_for(shop: Shop) -> None:
    plain, skilled = at_work(shop, 2)
    team_actions.set_staffing(shop.kefu, member_id=skilled.id, skills=["Billing "], languages=["zh"])
    mine = team(shop, [plain, skilled], default=False)
    rule = {"team": mine, "channels": [shop.channel_id], "skills": ["billing"]}
    routes.set_routing(shop.kefu, rules=[rule])
    thread = waiting(shop)
    hand_on(shop)
    assert row(shop, thread).offered_to == skilled.id


def test_a_conversation_put_back_goes_to_somebody_else(shop: Shop) -> None:
    agents = at_work(shop, 2)
    team(shop, agents)
    thread = waiting(shop)
    actions.take(agents[0], conversation_id=thread)
    actions.assign(agents[0], conversation_id=thread, member_id=None)
    hand_on(shop)
    assert row(shop, thread).offered_to == agents[1].id


# teams


def test_rules_choose_the_team_and_a_flow_may_name_it(shop: Shop) -> None:
    agents = at_work(shop)
    zh = team(shop, agents, name="中文组", languages=["zh"], default=False)
    vip = team(shop, agents, name="VIP", default=False)
    rest = team(shop, agents, name="Rest")
    routes.set_routing(shop.kefu, rules=[{"team": vip, "contact": {"plan": "gold"}}, {"team": zh, "languages": ["zh"]}])
    threads = [
        waiting(shop, external_id="g", profile={"plan": "Gold"}),
        waiting(shop, external_id="z"),
        waiting(shop, external_id="r"),
        waiting(shop, external_id="f"),
    ]
    Conversation.objects.of(shop.workspace_id).filter(id=threads[1]).update(language="zh")
    Route.objects.of(shop.workspace_id).filter(conversation_id=threads[3]).update(wanted="VIP")
    hand_on(shop)
    assert [row(shop, each).team_id for each in threads] == [vip, zh, rest, vip]


def test_a_team_that_has_ended_gets_nothing_more(shop: Shop) -> None:
    mine = team(shop, at_work(shop))
    team_actions.remove_team(shop.kefu, team_id=mine)
    thread = waiting(shop)
    hand_on(shop)
    assert (row(shop, thread).team_id, row(shop, thread).offered_to) == ("", "")
    assert team_queries.team_names(shop.workspace_id, {mine}) == {mine: "Support"}


def test_moving_to_a_team_puts_it_before_the_team(shop: Shop) -> None:
    first, second = at_work(shop, 2)
    team(shop, [first])
    other = team(shop, [second], name="Billing", default=False)
    thread = waiting(shop)
    actions.take(first, conversation_id=thread)
    routes.set_team(first, conversation_id=thread, team_id=other)
    hand_on(shop)
    found = row(shop, thread)
    assert (found.status, found.team_id, found.offered_to) == ("waiting", other, second.id)


def test_bad_rules_are_refused_by_name(shop: Shop) -> None:
    with pytest.raises(BadInput, match="no team") as refused:
        routes.set_routing(shop.kefu, rules=[{"team": "team_nobody"}])
    assert refused.value.fields["field"] == "rules.0.team"
    mine = team(shop, [])
    for rule in ({"team": mine, "channels": ["ch_none"]}, {"team": mine, "colour": "red"}):
        with pytest.raises(BadInput):
            routes.set_routing(shop.kefu, rules=[rule])
    with pytest.raises(Conflict, match="already"):
        team_actions.create_team(shop.kefu, name="Support")
    with pytest.raises(BadInput, match="method"):
        team_actions.change_team(shop.kefu, team_id=mine, method="lottery")


# nobody takes it


def test_when_nobody_takes_it_supervisors_are_told_and_asked(shop: Shop) -> None:
    supervisor = shop.member(Role.SUPERVISOR)
    here(shop, supervisor)
    team(shop, at_work(shop), skills=["billing"])
    thread = waiting(shop)
    hand_on(shop)
    assert row(shop, thread).offered_to == ""
    [agent] = [each for each in team_queries.staff(shop.kefu) if each.role is Role.AGENT]
    team_actions.choose_availability(shop.kefu, availability="away", member_id=agent.id)
    too_long(shop, thread)
    hand_on(shop)
    hand_on(shop)
    found = row(shop, thread)
    assert (found.escalated_at is not None, found.offered_to) == (True, supervisor.id)
    kinds = Event.objects.of(shop.workspace_id).filter(kind="conversation.escalated")
    assert kinds.count() == 1
    note = queries.messages(shop.kefu, thread)[-1]
    assert (note.is_internal, "Supervisor" in note.text) == (True, True)


# places


def test_customers_have_places_by_urgency_and_time(shop: Shop) -> None:
    threads = [waiting(shop) for _ in range(3)]
    hand_on(shop)
    assert [place_in_queue(row(shop, each)) for each in threads] == [1, 2, 3]
    told = Event.objects.of(shop.workspace_id).filter(kind="conversation.moved")
    assert told.count() == 3
    routes.set_priority(shop.owner, conversation_id=threads[2], priority="high")
    assert [place_in_queue(row(shop, each)) for each in threads] == [2, 3, 1]
    actions.resolve(shop.program, conversation_id=threads[2])
    hand_on(shop)
    assert [place_in_queue(row(shop, each)) for each in threads] == [1, 2, None]
    assert told.filter(conversation_id=threads[1]).count() >= 1


def test_who_asks_for_a_person_hears_their_place_at_once(shop: Shop) -> None:
    waiting(shop)
    thread = shop.start()
    assert actions.ask_for_member(shop.program, conversation_id=thread).queue_position == 2
    assert actions.take(shop.owner, conversation_id=thread).queue_position is None


def test_in_words_a_place_is_told_once_and_only_where_nothing_shows_it(shop: Shop) -> None:
    hook = actions.make_channel(shop.kefu, kind="webhook", name="Hook").id
    threads = [waiting(shop, channel_id=channel) for channel in (shop.channel_id, hook, shop.channel_id)]
    hand_on(shop)
    hand_on(shop)
    texts = [[said.text for said in queries.messages(shop.kefu, each) if said.author == "system"] for each in threads]
    assert texts[0] == texts[2] == []
    assert texts[1] == ["You are number 2 in the queue. A person will answer you here."]


def test_outside_of_hours_the_customer_hears_when_people_are_back(shop: Shop) -> None:
    shut(shop)
    thread = waiting(shop)
    hand_on(shop)
    hand_on(shop)
    said = [each.text for each in queries.messages(shop.kefu, thread) if each.author == "system"]
    assert len(said) == 1
    assert "We are back on" in said[0]
    assert "at 09:00 (UTC)" in said[0]
    shown = queries.conversation(shop.kefu, thread)
    assert (shown.status, shown.address_wanted) == ("waiting", True)
    assert row(shop, thread).due_at is None  # that nobody is free is not told on top


def test_a_team_may_have_hours_of_its_own(shop: Shop) -> None:
    day = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")[(now() + timedelta(days=2)).weekday()]
    hours = {"time_zone": "Asia/Shanghai", "weekly": {day: [["09:00", "10:00"]]}, "holidays": []}
    team(shop, [], hours=hours)
    thread = waiting(shop)
    hand_on(shop)
    assert "(Asia/Shanghai)" in queries.messages(shop.kefu, thread)[-1].text


PASSING = {"en": "I'm passing you to a person, who will answer you here.", "zh": BUILT_IN["zh"]["hand_over"]}


@pytest.mark.parametrize(("language", "when"), [("en", "We are back on"), ("zh", "我们将于")])
@pytest.mark.parametrize("kind", ["web", "webhook"])
def test_while_nobody_is_at_work_no_person_is_promised(shop: Shop, kind: str, language: str, when: str) -> None:
    shut(shop)
    channel = actions.make_channel(shop.kefu, kind=kind, name="Shut").id
    thread = handed_over(shop, language, channel_id=channel)
    said = [each.text for each in queries.messages(shop.kefu, thread) if each.author != "contact"]
    assert len(said) == 1
    assert when in said[0]
    assert PASSING[language] not in said[0]
    shown = queries.conversation(shop.kefu, thread)
    assert (shown.status, shown.address_wanted) == ("waiting", True)


def test_an_apology_stays_before_when_people_are_back(shop: Shop) -> None:
    shut(shop)
    thread = handed_over(shop, "en", text=BUILT_IN["en"]["hand_over_anger"])
    said = queries.messages(shop.kefu, thread)[-1].text
    assert said.startswith("I'm sorry that this has been a bad experience. Nobody of our team is here at the moment.")


def test_who_is_at_work_is_told_by_the_hours_of_the_team_it_goes_to(shop: Shop) -> None:
    shut(shop)
    team(shop, [], hours={"time_zone": "UTC", "weekly": None, "holidays": []})
    thread = handed_over(shop, "en")
    hand_on(shop)
    assert queries.messages(shop.kefu, thread)[-1].text == BUILT_IN["en"]["hand_over"]


# at once


@pytest.mark.django_db(transaction=True)
def test_two_who_take_at_once_never_both_own_it(shop: Shop) -> None:
    agents = at_work(shop, 2)
    team(shop, agents)
    thread = waiting(shop)
    hand_on(shop)
    refused: list[str] = []

    def take(actor: Actor) -> None:
        try:
            actions.take(actor, conversation_id=thread)
        except Conflict:
            refused.append(actor.id)
        finally:
            connection.close()

    racing = [threading.Thread(target=take, args=(each,)) for each in agents]
    for each in racing:
        each.start()
    for each in racing:
        each.join()
    assert len(refused) == 1
    assert row(shop, thread).assignee_id == next(each.id for each in agents if each.id not in refused)


@pytest.mark.django_db(transaction=True)
def test_passes_at_once_offer_each_conversation_once_and_keep_to_limits(shop: Shop) -> None:
    agents = at_work(shop, 2, conversation_limit=2)
    team(shop, agents)
    threads = [waiting(shop) for _ in range(6)]

    def give_out() -> None:
        try:
            handing.hand_on(shop.workspace_id)
        finally:
            connection.close()

    racing = [threading.Thread(target=give_out) for _ in range(3)]
    for each in racing:
        each.start()
    for each in racing:
        each.join()
    hand_on(shop)
    offered = Counter(row(shop, each).offered_to for each in threads)
    assert offered == {agents[0].id: 2, agents[1].id: 2, "": 2}
    assert Happening.objects.of(shop.workspace_id).filter(kind="offered").count() == 4
