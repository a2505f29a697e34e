"""Other systems are told of every event, in order, at least once, and signed."""

import itertools
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook as Reference

from kefu.contracts.turn import Decision
from kefu.desk import erasure
from kefu.desk.accounts.models import AuditEntry, Notification
from kefu.desk.actor import Role
from kefu.desk.inbox import actions as inbox
from kefu.desk.inbox import queries as inbox_queries
from kefu.desk.rows import now
from kefu.desk.surveys import actions as surveys
from kefu.desk.surveys import due as surveys_due
from kefu.desk.webhooks import actions, due, queries
from kefu.desk.webhooks.due import ClaimedWebhook
from kefu.desk.webhooks.events import EVENTS
from kefu.desk.webhooks.models import Webhook, WebhookDelivery
from kefu.gateway.webhooks import shown
from kefu.kit import settings, signatures
from kefu.kit.errors import BadInput, Conflict, NotAllowed, NotFound

from ..desks import desk_for
from ..insights.lives import answer
from ..shops import Shop, made_shop

pytestmark = pytest.mark.django_db
URL = "https://crm.example/kefu"
DOCS = Path(__file__).parents[3] / "docs" / "reference" / "webhooks.md"
RECIPE = DOCS.read_text(encoding="utf-8").partition("```python\n")[2].partition("```")[0]


@pytest.fixture
def shop() -> Shop:
    return made_shop()


@pytest.fixture
def mail_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The settings name one; nothing is sent to it, since nobody runs dispatch."""
    monkeypatch.setenv("KEFU_SMTP_URL", "smtp://mail.example.com")
    settings.reload()
    yield
    monkeypatch.delenv("KEFU_SMTP_URL")
    settings.reload()


def hooked(shop: Shop, *events: str) -> str:
    return actions.add_webhook(shop.owner, name="CRM", url=URL, events=events or tuple(EVENTS)).webhook.id


def planned() -> int:
    return due.plan(shown=shown, looked={})


def claimed(limit: int = 100) -> list[ClaimedWebhook]:
    return due.claim_webhooks(worker="worker", limit=limit, lease_seconds=60)


def taken(shop: Shop, hook: str) -> list[dict[str, Any]]:
    """Everything that is due, sent and taken, in the order in which it was sent."""
    bodies = []
    while some := claimed():
        for each in some:
            bodies.append(json.loads(each.body))
            due.settle_webhook(each, status=200)
    assert queries.webhook(shop.owner, hook).waiting == 0
    return bodies


def test_a_conversations_life_is_told_in_order_under_chatwoots_names(shop: Shop) -> None:
    hook = hooked(shop)
    agent = shop.member(Role.AGENT)
    thread = shop.start(external_id="customer-7", profile={"name": "Mia Novak"})
    shop.say(thread, "Where is my order? 13800138000")
    answer(Decision.HAND_OVER, "asked_for_person")
    inbox.reply(agent, conversation_id=thread, text="On its way.")
    inbox.note(agent, conversation_id=thread, text="Only for us")
    inbox.resolve(agent, conversation_id=thread)
    surveys_due.ask_due()
    surveys.rate(shop.program, conversation_id=thread, score=5)
    assert planned() > 0
    made = queries.webhook(shop.owner, hook).waiting
    planned()  # whoever has not looked yet finds the same events, and makes nothing more of them
    assert queries.webhook(shop.owner, hook).waiting == made
    told = taken(shop, hook)
    names = [each["event"] for each in told]
    assert names.count("conversation_created") == names.count("contact_created") == names.count("csat_rated") == 1
    changes = [
        each["changed_attributes"][0]["status"] for each in told if each["event"] == "conversation_status_changed"
    ]
    steps = ["bot", "waiting", "open", "resolved"]
    assert [(each["previous_value"], each["current_value"]) for each in changes] == list(itertools.pairwise(steps))
    said = [each["message"]["text"] for each in told if each["event"] == "message_created"]
    assert "On its way." in said
    assert not any("Only for us" in text or "13800138000" in text for text in said)
    ids = [int(each["id"].removeprefix("evt_")) for each in told if "conversation" in each]
    assert ids == sorted(ids)
    assert next(each for each in told if each["event"] == "csat_rated")["rating"] == {"score": 5}


def test_only_what_is_subscribed_to_is_told_and_only_from_then_on(shop: Shop) -> None:
    shop.say(shop.start(), "Before")
    hook = hooked(shop, "message_created")
    thread = shop.start()
    shop.say(thread, "After")
    planned()
    assert [each["message"]["text"] for each in taken(shop, hook)] == ["After"]


def test_the_signature_is_what_the_recipe_and_the_reference_library_say(shop: Shop) -> None:
    made = actions.add_webhook(shop.owner, name="CRM", url=URL, events=["message_created"])
    shop.say(shop.start(), "Hello")
    planned()
    [each] = claimed()
    timestamp = int(now().timestamp())
    sent = signatures.headers(each.secret, each.id, timestamp, each.body)
    assert Reference(made.secret).verify(each.body.decode(), sent)["event"] == "message_created"
    recipe: dict[str, Any] = {}
    exec(RECIPE, recipe)
    assert recipe["is_kefus"](made.secret, sent, each.body)
    assert not recipe["is_kefus"](made.secret, sent, each.body + b" ")
    assert not recipe["is_kefus"](signatures.new_secret(), sent, each.body)
    assert not recipe["is_kefus"](made.secret, {**sent, "webhook-timestamp": str(timestamp - 301)}, each.body)


def test_one_conversation_waits_for_what_failed_and_others_do_not(shop: Shop) -> None:
    hooked(shop, "message_created")
    first, other = shop.start(), shop.start()
    shop.say(first, "One")
    shop.say(first, "Two")
    shop.say(other, "Three")
    planned()
    one, three = sorted(claimed(), key=lambda each: json.loads(each.body)["message"]["text"])
    assert [json.loads(each.body)["message"]["text"] for each in (one, three)] == ["One", "Three"]
    assert claimed() == [], "the second waits for the first"
    due.settle_webhook(one, status=503, error="down")
    assert claimed() == [], "and while the first is tried again"
    WebhookDelivery.objects.of(shop.workspace_id).update(due_at=now())
    [again] = claimed()
    assert (again.id, again.body) == (one.id, one.body), "the same id and body"
    due.settle_webhook(again, status=200)
    assert json.loads(claimed()[0].body)["message"]["text"] == "Two"


def test_what_a_dead_worker_had_is_sent_again_and_its_late_word_changes_nothing(shop: Shop) -> None:
    hook = hooked(shop, "message_created")
    shop.say(shop.start(), "Hello")
    planned()
    [lost] = claimed()
    WebhookDelivery.objects.of(shop.workspace_id).update(lease_until=now() - timedelta(seconds=1))
    [again] = due.claim_webhooks(worker="another", limit=10, lease_seconds=60)
    due.settle_webhook(lost, status=500, error="late")
    [row] = queries.webhook_deliveries(shop.owner, hook)
    assert (row.state, row.attempts) == ("claimed", 2)
    due.settle_webhook(again, status=200)
    assert [each.state for each in queries.webhook_deliveries(shop.owner, hook)] == ["sent"]


def test_what_is_tried_too_often_is_given_up_seen_and_sent_again(shop: Shop) -> None:
    hook = hooked(shop, "message_created")
    shop.say(shop.start(), "Hello")
    planned()
    for _ in range(due.ATTEMPTS):
        [each] = claimed()
        due.settle_webhook(each, status=500, error="The other system answered with status 500.")
        WebhookDelivery.objects.of(shop.workspace_id).filter(state="pending").update(due_at=now())
    [dead] = queries.webhook_deliveries(shop.owner, hook, state="dead")
    assert (dead.status, dead.error) == (500, "The other system answered with status 500.")
    assert claimed() == []
    assert actions.resend_webhook(shop.owner, webhook_id=hook) == 1
    due.settle_webhook(claimed()[0], status=204)
    found = queries.webhook(shop.owner, hook)
    assert (found.dead, found.failing_since, found.last_error) == (0, None, "")
    assert actions.resend_webhook(shop.owner, webhook_id=hook, delivery_id=dead.id) == 1, "one that was sent, again"


@pytest.mark.usefixtures("mail_server")
def test_a_system_that_fails_for_a_day_is_paused_and_its_people_told(shop: Shop) -> None:
    hook = hooked(shop, "message_created")
    thread = shop.start()
    shop.say(thread, "Hello")
    planned()
    due.settle_webhook(claimed()[0], status=None, error="no answer")
    Webhook.objects.of(shop.workspace_id).update(failing_since=now() - due.PAUSE_AFTER)
    WebhookDelivery.objects.of(shop.workspace_id).update(due_at=now())
    due.settle_webhook(claimed()[0], status=None, error="no answer")
    found = queries.webhook(shop.owner, hook)
    assert found.paused_at is not None
    assert found.paused_by == "kefu"
    assert Notification.objects.of(shop.workspace_id).filter(about=hook).count() == 1
    shop.say(thread, "Meanwhile")
    planned()
    assert claimed() == [], "nothing is sent while it is paused"
    actions.pause_webhook(shop.owner, webhook_id=hook, paused=False)
    assert [each["message"]["text"] for each in taken(shop, hook)] == ["Hello", "Meanwhile"], "and nothing was lost"


def test_planning_that_is_killed_or_done_twice_tells_each_event_once(shop: Shop) -> None:
    hook = hooked(shop, "message_created")
    shop.say(shop.start(), "Hello")
    planned()
    Webhook.objects.of(shop.workspace_id).update(after=0)  # as if the place had not been stored
    planned()
    assert len(taken(shop, hook)) == 1


def test_what_an_erased_contact_said_is_sent_to_nobody(shop: Shop) -> None:
    hook = hooked(shop, "message_created")
    thread = shop.start()
    shop.say(thread, "Hello")
    planned()
    erasure.erase(shop.owner, inbox_queries.conversation(shop.kefu, thread).contact_id)
    assert claimed() == []
    assert queries.webhook_deliveries(shop.owner, hook) == []


def test_events_of_another_workspace_are_not_told(shop: Shop) -> None:
    other = made_shop()
    hook = hooked(shop)
    other.say(other.start(), "Not yours")
    planned()
    assert taken(shop, hook) == []
    with pytest.raises(NotFound):
        actions.remove_webhook(other.owner, webhook_id=hook)


def test_bad_webhooks_are_refused(shop: Shop) -> None:
    for given, field in (
        ({"url": "ftp://crm.example"}, "url"),
        ({"url": "https://user:secret@crm.example"}, "url"),
        ({"events": ["message_deleted"]}, "events"),
        ({"events": []}, "events"),
        ({"name": " "}, "name"),
    ):
        with pytest.raises(BadInput) as refused:
            actions.add_webhook(shop.owner, **{"name": "CRM", "url": URL, "events": ["message_created"], **given})
        assert refused.value.fields["field"] == field
    hooked(shop)
    with pytest.raises(Conflict):
        hooked(shop)
    with pytest.raises(NotAllowed):
        actions.add_webhook(shop.member(Role.SUPERVISOR), name="B", url=URL, events=["message_created"])


def test_the_members_door(shop: Shop) -> None:
    desk = desk_for(shop, Role.ADMIN)
    made = desk.post("/webhooks", {"name": "CRM", "url": URL, "events": ["message_created"]}, expect=201)
    assert made["secret"].startswith("whsec_")
    listed = desk.get("/webhooks")
    assert "secret" not in listed["webhooks"][0]
    assert {each["name"] for each in listed["events"]} == set(EVENTS)
    again = desk.post(f"/webhooks/{made['id']}/secret")
    assert again["secret"] != made["secret"]
    desk.patch(f"/webhooks/{made['id']}", {"events": ["csat_rated", "message_created"]})
    shop.say(shop.start(), "Hello")
    planned()
    [waiting] = desk.get(f"/webhooks/{made['id']}/deliveries?state=pending")["deliveries"]
    assert waiting["body"]["message"]["text"] == "Hello"
    assert desk.post(f"/webhooks/{made['id']}/pause")["paused_by"]
    assert desk.post(f"/webhooks/{made['id']}/resume")["paused_at"] is None
    assert desk.post(f"/webhooks/{made['id']}/deliveries/{waiting['id']}/resend") == {"count": 1}
    desk.delete(f"/webhooks/{made['id']}")
    assert desk.get("/webhooks")["webhooks"] == []
    desk_for(shop, Role.SUPERVISOR).get("/webhooks", expect=403)
    kept = AuditEntry.objects.of(shop.workspace_id).filter(action__startswith="webhook.")
    assert not any("whsec_" in json.dumps([row.before, row.after]) for row in kept)


def test_the_reference_names_every_event() -> None:
    text = DOCS.read_text(encoding="utf-8")
    assert all(f"`{name}`" in text for name in EVENTS)
