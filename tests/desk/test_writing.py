"""What helps members to write: drafts, canned replies, transcripts by mail."""

import json
from collections.abc import Iterator

import pytest

from kefu.desk.accounts.due import _message
from kefu.desk.accounts.models import AuditEntry, Notification
from kefu.desk.actor import Actor, Role
from kefu.desk.contacts import actions as contacts
from kefu.desk.inbox import actions, queries
from kefu.desk.inbox.models import Draft, Message
from kefu.kit.settings import settings

from .desks import Desk, desk_for, desk_of
from .shops import Shop, made_shop

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
def thread(shop: Shop) -> str:
    made = shop.start(external_id="joe", profile={"name": "Joe Doe", "email": "joe@example.com", "plan": "gold"})
    shop.say(made, "Call me at 138 0013 8000")
    return made


@pytest.fixture
def mails(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("KEFU_SMTP_URL", "smtp://localhost")
    settings.cache_clear()
    yield
    monkeypatch.undo()
    settings.cache_clear()


# drafts


def test_a_draft_is_kept_for_its_member_and_gone_once_it_is_said(desk: Desk, shop: Shop, thread: str) -> None:
    place = f"/inbox/conversations/{thread}"
    desk.put(f"{place}/draft", {"text": "Dear Joe"}, expect=204)
    desk.put(f"{place}/draft", {"text": "Dear Joe,", "internal": True}, expect=204)
    [kept] = desk.get("/inbox/drafts")["drafts"]
    assert (kept["conversation"], kept["text"], kept["internal"]) == (thread, "Dear Joe,", True)
    assert desk.get(f"/inbox/drafts?conversation={thread}")["drafts"] == [kept]
    assert desk_for(shop, Role.AGENT).get("/inbox/drafts")["drafts"] == []
    assert b"Joe" not in bytes(Draft.objects.of(shop.workspace_id).get().sealed_text)
    desk.post(f"{place}/messages", {"text": "Dear Joe,"}, expect=201)
    assert desk.get("/inbox/drafts")["drafts"] == []
    desk.put(f"{place}/draft", {"text": "More"}, expect=204)
    desk.put(f"{place}/draft", {"text": " "}, expect=204)
    assert desk.get("/inbox/drafts")["drafts"] == []
    desk.put(f"{place}/draft", {"text": "x" * 9000}, expect=422)
    desk.put("/inbox/conversations/conv_other/draft", {"text": "x"}, expect=404)
    desk_for(shop, Role.VIEWER).put(f"{place}/draft", {"text": "x"}, expect=403)


# canned replies


def test_canned_replies_are_ones_own_or_everybodys(desk: Desk, shop: Shop) -> None:
    lead = desk_for(shop, Role.SUPERVISOR)
    own = desk.post("/canned", {"shortcut": "/hi", "text": "Hi!"}, expect=201)
    shared = lead.post("/canned", {"shortcut": "bye", "text": "Bye!", "language": "en", "is_shared": True}, expect=201)
    assert [each["shortcut"] for each in desk.get("/canned")["canned"]] == ["bye", "hi"]
    assert [each["shortcut"] for each in lead.get("/canned")["canned"]] == ["bye"]
    assert desk.post("/canned", {"shortcut": "hi", "text": "Again"}, expect=409)["field"] == "shortcut"
    desk.post("/canned", {"shortcut": "hi", "text": "您好", "language": "zh"}, expect=201)
    desk.patch(f"/canned/{shared['id']}", {"text": "x"}, expect=403)
    assert desk.patch(f"/canned/{own['id']}", {"text": "Hello!"})["text"] == "Hello!"
    lead.delete(f"/canned/{own['id']}", expect=404)
    desk.delete(f"/canned/{own['id']}")


@pytest.mark.parametrize(
    ("shortcut", "text", "field"),
    [
        ("with space", "x", "shortcut"),
        ("", "x", "shortcut"),
        ("x", "", "text"),
        ("x", "x" * 4001, "text"),
        ("x", "{{ contact.name", "text"),
        ("x", "{{ contact.__class__ }}", "text"),
        ("x", "{{ ''.join(contact) }}", "text"),
        ("x", "{{ password }}", "text"),
        ("x", "{% set contact = 1 %}", "text"),
    ],
)
def test_what_cannot_be_used_is_refused_when_it_is_written(desk: Desk, shortcut: str, text: str, field: str) -> None:
    assert desk.post("/canned", {"shortcut": shortcut, "text": text}, expect=422)["field"] == field


def filled(desk: Desk, thread: str, text: str) -> dict[str, object]:
    made = desk.post("/canned", {"shortcut": f"s{abs(hash(text))}", "text": text}, expect=201)
    found: dict[str, object] = desk.post(f"/canned/{made['id']}/fill", {"conversation_id": thread})
    return found


def test_variables_have_the_values_of_the_conversation(desk: Desk, thread: str) -> None:
    text = "Hi {{ contact.name }}, {{member.name}} of {{workspace.title}} here. {{ contact.plan|default('free') }}"
    found = filled(desk, thread, text)
    assert str(found["text"]).startswith("Hi Joe Doe, Agent of desk-")
    assert str(found["text"]).endswith(" here. gold")
    assert found["missing"] == []


def test_what_has_no_value_stays_for_the_member_to_fill_in(desk: Desk, thread: str) -> None:
    found = filled(desk, thread, "At {{ contact.phone }} or {{contact.street|default('home')}}?")
    assert found == {"text": "At {{contact.phone}} or home?", "missing": ["contact.phone"]}


def test_a_value_that_looks_like_a_template_is_text(desk: Desk, shop: Shop, thread: str) -> None:
    contact = queries.conversation(shop.kefu, thread).contact_id
    contacts.change_profile(shop.kefu, contact_id=contact, changes={"plan": "{{ member.name }}"})
    assert filled(desk, thread, "Plan: {{ contact.plan }}")["text"] == "Plan: {{ member.name }}"


def test_a_filled_in_name_is_masked_once_it_is_said(desk: Desk, shop: Shop, thread: str) -> None:
    text = filled(desk, thread, "Hi {{ contact.name }} ({{ contact.email }})")["text"]
    desk.post(f"/inbox/conversations/{thread}/messages", {"text": text}, expect=201)
    row = Message.objects.of(shop.workspace_id).get(author="member")
    assert row.text == "Hi <NAME_1> (<EMAIL_1>)"
    said = queries.messages(shop.program, thread)
    assert "Joe" not in json.dumps([each.text for each in said])


# transcripts


def mailed(shop: Shop) -> list[tuple[str, str, str]]:
    """Address, plain text and HTML of what is queued."""
    found = []
    for row in Notification.objects.of(shop.workspace_id).order_by("created_at"):
        message = _message(row)
        parts = {part.get_content_type(): part.get_content() for part in message.walk() if not part.is_multipart()}
        found.append((str(message["To"]), str(parts["text/plain"]), str(parts["text/html"])))
    return found


@pytest.mark.usefixtures("mails")
def test_a_customer_gets_what_was_said_and_no_notes(desk: Desk, shop: Shop, thread: str) -> None:
    place = f"/inbox/conversations/{thread}"
    desk.post(f"{place}/messages", {"text": "See <b>here</b>"}, expect=201)
    desk.post(f"{place}/notes", {"text": "a difficult one"}, expect=201)
    assert desk.post(f"{place}/transcript", {}, expect=202) == {"to": "joe@example.com"}
    [(to, text, html)] = mailed(shop)
    assert to == "joe@example.com"
    assert "138 0013 8000" in text
    assert "Agent · " in text
    assert "See <b>here</b>" in text
    assert "See &lt;b&gt;here&lt;/b&gt;" in html
    assert "difficult" not in text + html


@pytest.mark.usefixtures("mails")
def test_an_address_gets_it_masked_from_leads_and_whole_from_admins(desk: Desk, shop: Shop, thread: str) -> None:
    place = f"/inbox/conversations/{thread}/transcript"
    desk.post(place, {"to": "boss@example.com"}, expect=403)
    lead, admin = desk_for(shop, Role.SUPERVISOR), desk_for(shop, Role.ADMIN)
    lead.post(place, {"to": "boss@example.com", "with_originals": True}, expect=403)
    assert lead.post(place, {"to": "nobody"}, expect=422)["field"] == "to"
    lead.post(place, {"to": "boss@example.com"}, expect=202)
    admin.post(place, {"to": "boss@example.com", "with_originals": True}, expect=202)
    masked, whole = (text for _, text, _ in mailed(shop))
    assert "<PHONE_1>" in masked
    assert "138 0013 8000" in whole
    kept = AuditEntry.objects.of(shop.workspace_id).filter(action="conversation.mailed").order_by("id")
    assert [row.after["masked"] for row in kept] == [True, False]


def test_without_an_address_or_a_mail_server_nothing_is_queued(
    desk: Desk, shop: Shop, thread: str, request: pytest.FixtureRequest
) -> None:
    assert "mail server" in desk.post(f"/inbox/conversations/{thread}/transcript", {}, expect=409)["detail"]
    request.getfixturevalue("mails")
    nameless = shop.start()
    assert desk.post(f"/inbox/conversations/{nameless}/transcript", {}, expect=422)["field"] == "to"
    assert mailed(shop) == []


@pytest.mark.usefixtures("mails")
def test_a_transcript_goes_though_somebody_takes_the_conversation(desk: Desk, shop: Shop, thread: str) -> None:
    desk.post(f"/inbox/conversations/{thread}/transcript", {}, expect=202)
    actions.take(shop.owner, conversation_id=thread)
    assert [row.state for row in Notification.objects.of(shop.workspace_id)] == ["pending"]
