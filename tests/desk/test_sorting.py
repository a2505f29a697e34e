"""An inbox is sorted: labels, snoozes, filters and views, mentions, many at once; each used well and refused."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from kefu.desk.accounts.models import Notification
from kefu.desk.accounts.team_actions import create_team
from kefu.desk.actor import Actor, Role
from kefu.desk.inbox import actions, due, filters, queries
from kefu.desk.inbox.models import Conversation, Happening
from kefu.desk.insights.rolling import recount, roll_up
from kefu.desk.rows import now
from kefu.kit.settings import settings

from .desks import Desk, desk_for, desk_of
from .shops import Shop, claim, made_shop

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop() -> Shop:
    return made_shop(settings={"language": "en"})


@pytest.fixture
def anna(shop: Shop) -> Actor:
    return shop.member(Role.AGENT)


@pytest.fixture
def desk(anna: Actor) -> Desk:
    return desk_of(anna)


@pytest.fixture
def lead(shop: Shop) -> Desk:
    return desk_for(shop, Role.SUPERVISOR)


def started(shop: Shop, text: str = "Hello") -> str:
    thread = shop.start()
    shop.say(thread, text)
    return thread


def listed(desk: Desk, query: str = "") -> list[str]:
    return [row["id"] for row in desk.get(f"/inbox/conversations?{query}")["conversations"]]


# labels


def test_labels_are_made_changed_and_removed_by_leads(desk: Desk, lead: Desk) -> None:
    vip = lead.post("/inbox/labels", {"title": " VIP ", "colour": "#AA0000"}, expect=201)
    assert (vip["title"], vip["colour"]) == ("VIP", "#aa0000")
    assert lead.post("/inbox/labels", {"title": "vip"}, expect=409)["field"] == "title"
    assert lead.post("/inbox/labels", {"title": "x", "colour": "red"}, expect=422)["field"] == "colour"
    desk.post("/inbox/labels", {"title": "mine"}, expect=403)
    bill = lead.post("/inbox/labels", {"title": "Bill"}, expect=201)
    assert lead.patch(f"/inbox/labels/{bill['id']}", {"title": "Invoice"})["title"] == "Invoice"
    assert [each["title"] for each in desk.get("/inbox/labels")["labels"]] == ["Invoice", "VIP"]
    lead.delete(f"/inbox/labels/{vip['id']}")
    lead.delete(f"/inbox/labels/{vip['id']}", expect=404)
    lead.post("/inbox/labels", {"title": "vip"}, expect=201)


def test_a_conversation_is_given_labels_and_listed_by_all_of_them(desk: Desk, shop: Shop) -> None:
    vip, bill = (actions.add_label(shop.owner, title=each).id for each in ("VIP", "Bill"))
    both, one, none = started(shop), started(shop), started(shop)
    assert desk.post(f"/inbox/conversations/{both}/labels", {"add": [vip, bill, vip]})["labels"] == [vip, bill]
    desk.post(f"/inbox/conversations/{one}/labels", {"add": [vip]})
    assert listed(desk, f"label={vip}") == [one, both]
    assert listed(desk, f"label={vip}&label={bill}") == [both]
    assert desk.post(f"/inbox/conversations/{both}/labels", {"remove": [vip]})["labels"] == [bill]
    assert desk.post(f"/inbox/conversations/{none}/labels", {"add": ["lbl_other"]}, expect=422)["field"] == "add"
    desk_for(shop, Role.VIEWER).post(f"/inbox/conversations/{none}/labels", {"add": [vip]}, expect=403)


def test_what_is_there_already_is_not_labelled_again(shop: Shop, anna: Actor) -> None:
    vip = actions.add_label(shop.owner, title="VIP").id
    thread = started(shop)
    for _ in range(2):
        actions.label(anna, conversation_id=thread, add=[vip])
    assert Happening.objects.of(shop.workspace_id).filter(kind="labelled").count() == 1
    many = [actions.add_label(shop.owner, title=f"label {number}").id for number in range(12)]
    with pytest.raises(Exception, match="at most 12"):
        actions.label(anna, conversation_id=thread, add=many)


def test_figures_are_told_apart_by_label_and_keep_the_name_of_one_that_is_gone(desk: Desk, shop: Shop) -> None:
    vip = actions.add_label(shop.owner, title="VIP").id
    thread = started(shop)
    actions.label(shop.program, conversation_id=thread, add=[vip])
    actions.take(shop.owner, conversation_id=thread)
    actions.resolve(shop.owner, conversation_id=thread)
    actions.remove_label(shop.owner, label_id=vip)
    roll_up()
    rows = desk.get("/insights/breakdown?by=label&metric=resolutions_count")["rows"]
    assert [(row["id"], row["name"], row["resolutions_count"]) for row in rows] == [(vip, "VIP", 1)]
    assert recount(shop.workspace_id, repair=False).is_equal


# snooze


def test_a_snoozed_conversation_is_off_its_owners_list_until_its_time(desk: Desk, shop: Shop) -> None:
    thread = started(shop)
    desk.post(f"/inbox/conversations/{thread}/take")
    until = now() + timedelta(hours=4)
    snoozed = desk.post(f"/inbox/conversations/{thread}/snooze", {"until": until.isoformat()})
    assert (snoozed["is_snoozed"], snoozed["status"]) == (True, "open")
    assert listed(desk, "assignee=me&snoozed=false") == []
    assert listed(desk, "assignee=me&snoozed=true") == [thread]
    assert (desk.get("/inbox/counts")["mine"], desk.get("/inbox/counts")["snoozed"]) == (0, 1)
    assert due.wake_snoozed() == 0
    pass_time(shop, timedelta(hours=5))
    assert (due.close_idle(), due.wake_snoozed(), due.wake_snoozed()) == (0, 1, 0)
    awake = desk.get(f"/inbox/conversations/{thread}")
    assert (awake["is_snoozed"], awake["status"], awake["snoozed_until"]) == (False, "open", None)
    assert woken(shop) == ["time"]


def test_a_customer_who_writes_ends_the_snooze(desk: Desk, shop: Shop) -> None:
    thread = started(shop)
    desk.post(f"/inbox/conversations/{thread}/take")
    desk.post(f"/inbox/conversations/{thread}/snooze", {})
    pass_time(shop, timedelta(days=30))
    assert (due.close_idle(), due.wake_snoozed()) == (0, 0)
    desk.post(f"/inbox/conversations/{thread}/messages", {"text": "We are still looking"}, expect=201)
    assert desk.get(f"/inbox/conversations/{thread}")["is_snoozed"]
    shop.say(thread, "Any news?")
    assert not desk.get(f"/inbox/conversations/{thread}")["is_snoozed"]
    assert woken(shop) == ["contact"]


@pytest.mark.parametrize("verb", ["wake", "give-back", "resolve"])
def test_a_snooze_ends_with_what_follows(desk: Desk, shop: Shop, verb: str) -> None:
    thread = started(shop)
    desk.post(f"/inbox/conversations/{thread}/take")
    desk.post(f"/inbox/conversations/{thread}/snooze", {})
    assert not desk.post(f"/inbox/conversations/{thread}/{verb}")["is_snoozed"]
    assert len(woken(shop)) == 1


def test_only_what_is_ones_own_is_snoozed_and_into_the_future(desk: Desk, shop: Shop) -> None:
    thread = started(shop)
    place = f"/inbox/conversations/{thread}"
    assert desk.post(f"{place}/snooze", {}, expect=409)["conversation_status"] == "bot"
    desk.post(f"{place}/take")
    for until in ("2020-01-01T00:00:00Z", "2999-01-01T00:00:00Z", (now() + timedelta(hours=1)).replace(tzinfo=None)):
        assert desk.post(f"{place}/snooze", {"until": str(until)}, expect=422)["field"] == "until"
    assert desk_for(shop, Role.AGENT).post(f"{place}/snooze", {}, expect=409)["owner"]["name"] == "Agent"


def pass_time(shop: Shop, stretch: timedelta) -> None:
    """All that was due by then is due now."""
    rows = Conversation.objects.of(shop.workspace_id).filter(due_at__isnull=False)
    for row in rows:
        rows.filter(id=row.id).update(due_at=row.due_at - stretch)


def woken(shop: Shop) -> list[str]:
    return list(Happening.objects.of(shop.workspace_id).filter(kind="woken").values_list("by", flat=True))


# filters


def test_filters_combine(desk: Desk, anna: Actor, shop: Shop) -> None:
    vip = actions.add_label(shop.owner, title="VIP").id
    mine, german, old = started(shop, "parcel one"), started(shop, "parcel two"), started(shop, "parcel three")
    actions.take(anna, conversation_id=mine)
    actions.label(anna, conversation_id=mine, add=[vip])
    rows = Conversation.objects.of(shop.workspace_id)
    rows.filter(id=german).update(language="de", intent="delivery")
    rows.filter(id=old).update(last_activity_at=now() - timedelta(days=9), intent="delivery")
    assert listed(desk, f"label={vip}&assignee=me&status=open") == [mine]
    assert listed(desk, f"label={vip}&status=bot") == []
    assert listed(desk, "language=de") == [german]
    assert listed(desk, "intent=delivery") == [german, old]
    assert listed(desk, "intent=delivery&days=7") == [german]
    assert listed(desk, f"until={(now() - timedelta(days=1)).isoformat()}".replace("+", "%2B")) == [old]
    assert listed(desk, "status=bot&status=open") == [mine, german, old]
    assert listed(desk, f"search=parcel&label={vip}") == [mine]
    assert listed(desk, "search=three&intent=delivery") == [old]
    assert listed(desk, "unread=true") == [mine]
    desk.post(f"/inbox/conversations/{mine}/read", {"sequence": 99}, expect=204)
    assert listed(desk, "unread=true") == []
    found = desk.get("/inbox/choices")
    assert found == {"languages": ["de"], "intents": ["delivery"]}
    desk.get("/inbox/conversations?status=lost", expect=422)


def test_what_customers_want_is_kept_with_the_conversation(desk: Desk, shop: Shop) -> None:
    thread = started(shop)
    [turn] = claim()
    due.finish_turns(
        worker="worker",
        outcomes=[(turn.id, _outcome(), {"steps": [{"name": "sense", "intent": "hours"}]})],
    )
    assert listed(desk, "intent=hours") == [thread]


def _outcome() -> Any:
    from .shops import outcome

    return outcome()


@pytest.mark.skipif(connection.vendor != "sqlite", reason="SQLite tells how it reads a statement")
@pytest.mark.parametrize(
    "wanted",
    [
        {},
        {"snoozed": False},
        {"status": ["waiting"]},
        {"status": ["waiting", "open"], "label": ["lbl_1"]},
        {"status": ["resolved"]},
        {"status": ["resolved"], "label": ["lbl_1"]},
        {"status": ["resolved"], "language": "zh", "intent": "refund", "days": 30},
        {"assignee": "me"},
        {"assignee": "me", "status": ["resolved"]},
        {"assignee": "me", "status": ["resolved"], "label": ["lbl_1"]},
        {"channel": "ch_1"},
        {"channel": "ch_1", "language": "zh"},
        {"label": ["lbl_1", "lbl_2"]},
        {"intent": "refund"},
        {"since": "2026-11-01T00:00:00+00:00", "until": "2026-11-02T00:00:00+00:00"},
        {"unread": True},
        {"mentioned": True},
        {"snoozed": True, "assignee": "me", "status": ["open"]},
        {"team": "team_1"},
        {"priority": 2},
        {"team": "team_1", "status": ["resolved"], "priority": 1},
    ],
    ids=lambda wanted: "-".join(wanted) or "all",
)
def test_every_filter_is_read_from_an_index(shop: Shop, anna: Actor, wanted: dict[str, Any]) -> None:
    chosen = filters.chosen(anna, filters.filter_of(anna, wanted))
    lines = plan(chosen)
    own = [line for line in lines if " thread" in line]
    assert own, lines
    assert all(line.startswith("SEARCH") for line in own), lines
    narrow = {"label", "language", "intent", "team", "priority"} & set(wanted)
    if narrow and not {"bot", "waiting", "open"} & set(wanted.get("status", ())):
        assert any("COVERING INDEX conversation_list" in line for line in own), lines
    few = set(wanted.get("status", ())) & {"waiting", "open"} or "unread" in wanted
    assert not few or any("conversation_inbox" in line or "conversation_owner" in line for line in own), lines
    if wanted.get("status") == ["resolved"] or not wanted:
        assert not any(line == "USE TEMP B-TREE FOR ORDER BY" for line in lines), lines


def plan(chosen: filters.Chosen) -> list[str]:
    order = "ORDER BY thread.last_activity_at DESC, thread.id DESC LIMIT 50"
    sql = f"EXPLAIN QUERY PLAN SELECT thread.id FROM {chosen.table} WHERE {chosen.where} {order}"
    with connection.cursor() as cursor:
        cursor.execute(sql, [str(value) for value in chosen.values])
        return [row[3] for row in cursor.fetchall()]


@pytest.mark.parametrize("size", [1, 7])
def test_a_list_costs_the_same_statements_whatever_its_length(
    shop: Shop, anna: Actor, size: int, django_assert_max_num_queries: Any
) -> None:
    vip = actions.add_label(shop.owner, title="VIP").id
    for _ in range(size):
        actions.label(anna, conversation_id=started(shop), add=[vip])
    with django_assert_max_num_queries(6):
        assert len(queries.threads(anna, queries.Filter(labels=(vip,)))) == size


# views


def test_views_are_kept_for_oneself_or_for_all(desk: Desk, lead: Desk, shop: Shop) -> None:
    thread = started(shop)
    mine = desk.post("/inbox/views", {"name": "With bots", "chosen": {"status": ["bot"]}}, expect=201)
    shared = lead.post("/inbox/views", {"name": "Lately", "chosen": {"days": 7}, "is_shared": True}, expect=201)
    lead.post("/inbox/views", {"name": "Own", "chosen": {"assignee": "me"}}, expect=201)
    assert [each["name"] for each in desk.get("/inbox/views")["views"]] == ["Lately", "With bots"]
    assert desk.get("/inbox/views/counts")["counts"] == {mine["id"]: 1, shared["id"]: 1}
    assert listed(desk, "status=bot") == [thread]
    assert desk.post("/inbox/views", {"name": "Lately", "chosen": {}}, expect=201)["is_shared"] is False
    assert desk.post("/inbox/views", {"name": "Lately", "chosen": {}}, expect=409)["field"] == "name"
    desk.post("/inbox/views", {"name": "All", "chosen": {}, "is_shared": True}, expect=403)
    desk.patch(f"/inbox/views/{shared['id']}", {"name": "Mine now"}, expect=403)
    changed = desk.patch(f"/inbox/views/{mine['id']}", {"chosen": {"status": ["open"], "snoozed": False}})
    assert changed["chosen"] == {"status": ["open"], "snoozed": False}
    lead.delete(f"/inbox/views/{mine['id']}", expect=404)
    desk.delete(f"/inbox/views/{mine['id']}")
    desk.post("/inbox/views", {"name": "x", "chosen": {"colour": "red"}}, expect=422)


# mentions


@pytest.fixture
def mails(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("KEFU_SMTP_URL", "smtp://localhost")
    settings.cache_clear()
    yield
    monkeypatch.undo()
    settings.cache_clear()


@pytest.mark.usefixtures("mails")
def test_who_is_named_in_a_note_is_told_once(desk: Desk, shop: Shop) -> None:
    ben = shop.member(Role.AGENT)
    bens, thread = desk_of(ben), started(shop)
    note = {"text": "@Agent please look", "mentions": [ben.id]}
    for status in (201, 200):
        desk.post(f"/inbox/conversations/{thread}/notes", note, expect=status, Idempotency_Key="once")
    assert bens.get("/inbox/counts")["mentions"] == 1
    assert listed(bens, "mentioned=true") == [thread]
    assert listed(desk, "mentioned=true") == []
    [mail] = Notification.objects.of(shop.workspace_id).filter(state="pending")
    bens.post(f"/inbox/conversations/{thread}/mentions/seen", expect=204)
    assert bens.get("/inbox/counts")["mentions"] == 0
    assert listed(bens, "mentioned=true") == [thread]
    mail.refresh_from_db(from_queryset=Notification.objects.of(shop.workspace_id))
    assert mail.state == "dropped"
    stranger = made_shop().owner.id
    refused = {"text": "Hi", "mentions": [stranger]}
    assert desk.post(f"/inbox/conversations/{thread}/notes", refused, expect=422)["field"] == "mentions"


# many at once


def test_many_are_dealt_with_in_one_call_each_with_its_own_result(desk: Desk, anna: Actor, shop: Shop) -> None:
    vip = actions.add_label(shop.owner, title="VIP").id
    mine, theirs = started(shop), started(shop)
    actions.take(anna, conversation_id=mine)
    actions.take(shop.member(Role.AGENT), conversation_id=theirs)
    both = [mine, theirs, "conv_other"]

    def done(action: str, **given: Any) -> list[bool]:
        answer = desk.post("/inbox/many", {"conversations": both, "action": action, **given})
        assert [each["conversation"] for each in answer["results"]] == both
        return [each["done"] for each in answer["results"]]

    assert done("label", add=[vip]) == [True, True, False]
    assert done("read") == [True, True, False]
    assert done("snooze", until=(now() + timedelta(hours=1)).isoformat()) == [True, False, False]
    assert done("wake") == [True, False, False]
    orders = create_team(shop.owner, name="Orders", members=[anna.id]).id
    assert done("team", team=orders) == [True, False, False]  # somebody else has the second
    assert done("priority", priority="urgent") == [True, True, False]
    assert done("priority", priority="at once") == [False, False, False]
    row = desk.get(f"/inbox/conversations/{mine}")
    assert (row["team"]["id"], row["priority"], row["status"]) == (orders, "urgent", "open")
    assert done("team", team=None) == [True, False, False]
    assert done("resolve") == [True, False, False]
    assert done("assign", member=anna.id) == [False, False, False]
    answer = desk.post("/inbox/many", {"conversations": [theirs], "action": "resolve"})
    assert answer["results"][0]["code"] == "conflict"
    assert "has this conversation" in answer["results"][0]["detail"]
    assert [desk.get(f"/inbox/conversations/{each}")["status"] for each in (mine, theirs)] == ["resolved", "open"]
    desk.post("/inbox/many", {"conversations": [], "action": "resolve"}, expect=422)
    desk.post("/inbox/many", {"conversations": [mine], "action": "erase"}, expect=422)
    desk_for(shop, Role.VIEWER).post("/inbox/many", {"conversations": [mine], "action": "resolve"}, expect=403)
