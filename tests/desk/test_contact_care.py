"""The contact's page at the members' door: attributes, consent, blocking, language, notes, lists and tables."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext

from kefu.contracts.channel import Incoming, Part
from kefu.desk.accounts.queries import forget_hours
from kefu.desk.actor import Role
from kefu.desk.calls.actions import begin_call
from kefu.desk.contacts import actions as contacts
from kefu.desk.contacts.care import Blocked, has_agreed
from kefu.desk.contacts.models import Consent, Contact
from kefu.desk.facts import facts_of, remembered_facts
from kefu.desk.inbox import actions as inbox
from kefu.desk.inbox.models import Message
from kefu.desk.inbox.queries import channel, conversation
from kefu.desk.rows import now
from kefu.kit.errors import BadInput, NotAllowed

from .desks import BASE, Desk, desk_for, desk_of
from .shops import Shop, claim, made_shop

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop() -> Shop:
    return made_shop()


@pytest.fixture
def owner(shop: Shop) -> Desk:
    return desk_of(shop.owner)


@pytest.fixture
def agent(shop: Shop) -> Desk:
    return desk_for(shop, Role.AGENT)


def known(shop: Shop, external_id: str = "customer-7", **profile: Any) -> tuple[str, str]:
    """A contact and their conversation."""
    thread = shop.start(external_id=external_id, profile=profile or {"name": "Mia Novak", "email": "mia@example.com"})
    return conversation(shop.kefu, thread).contact_id, thread


# attributes


@pytest.mark.parametrize(
    ("attribute", "given", "kept"),
    [
        ({"kind": "number"}, "1,250.5", 1250.5),
        ({"kind": "number"}, 3, 3),
        ({"kind": "date"}, "2026-03-01", "2026-03-01"),
        ({"kind": "choice", "choices": ["Gold", "Silver"]}, "gold", "Gold"),
        ({"kind": "yes_no"}, "是", True),
        ({"kind": "yes_no"}, False, False),
        ({"kind": "text"}, " blue ", "blue"),
    ],
)
def test_a_value_becomes_what_its_attribute_is(
    shop: Shop, owner: Desk, attribute: dict[str, Any], given: Any, kept: Any
) -> None:
    owner.put("/contacts/attributes", {"key": "a1", "title": "A1", **attribute})
    contact_id, _ = known(shop)
    assert owner.patch(f"/contacts/{contact_id}", {"profile": {"a1": given}})["profile"]["a1"] == kept


@pytest.mark.parametrize(
    ("attribute", "given"),
    [
        ({"kind": "number"}, "many"),
        ({"kind": "number"}, "nan"),
        ({"kind": "date"}, "01.03.2026"),
        ({"kind": "choice", "choices": ["Gold"]}, "Bronze"),
        ({"kind": "yes_no"}, "perhaps"),
        ({"kind": "text"}, "x" * 501),
    ],
)
def test_a_value_that_does_not_fit_names_its_attribute(
    shop: Shop, owner: Desk, attribute: dict[str, Any], given: str
) -> None:
    owner.put("/contacts/attributes", {"key": "a1", "title": "A1", **attribute})
    contact_id, _ = known(shop)
    assert owner.patch(f"/contacts/{contact_id}", {"profile": {"a1": given}}, expect=422)["field"] == "a1"
    with pytest.raises(BadInput):  # programs are held to it, too
        contacts.change_profile(shop.program, contact_id=contact_id, changes={"a1": given})


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"key": "Plan"}, "key"),
        ({"key": "plan", "kind": "choice"}, "choices"),
        ({"key": "plan", "kind": "text", "choices": ["x"]}, "choices"),
        ({"key": "plan", "title": "x" * 101}, "title"),
        ({"key": "plan", "kind": "colour"}, "kind"),
    ],
)
def test_definitions_that_cannot_be_are_refused(owner: Desk, body: dict[str, Any], field: str) -> None:
    assert owner.put("/contacts/attributes", body, expect=422)["field"] == field


def test_definitions_are_an_admins_and_written_down(owner: Desk, agent: Desk) -> None:
    agent.put("/contacts/attributes", {"key": "plan"}, expect=403)
    owner.put("/contacts/attributes", {"key": "plan", "title": "Plan"})
    owner.put("/contacts/attributes", {"key": "plan", "title": "Plan", "is_told": True})
    entry = owner.get("/audit?kind=attribute")["entries"][0]
    assert (entry["before"]["is_told"], entry["after"]["is_told"]) == (False, True)
    assert agent.get("/contacts/attributes")["attributes"][0]["title"] == "Plan"
    owner.delete("/contacts/attributes/plan")
    owner.delete("/contacts/attributes/plan", expect=404)


def test_the_assistant_knows_what_it_was_permitted(shop: Shop, owner: Desk) -> None:
    for key, is_told in (("plan", True), ("debt", False)):
        owner.put("/contacts/attributes", {"key": key, "is_told": is_told})
    contact_id, thread = known(shop, plan="Gold", debt="200", colour="blue")
    assert set(facts_of(shop.workspace_id, thread, contact_id).contact) == {"plan", "colour"}


def test_of_whom_nothing_is_known_nothing_is_read(shop: Shop) -> None:
    _, thread = known(shop, plan="Gold")
    shop.say(thread, "Hello?")
    [about_known] = claim()
    nobody = shop.start()
    shop.say(nobody, "Hello?")
    [about_nobody] = claim()
    assert (about_known.has_profile, about_nobody.has_profile) == (True, False)
    forget_hours(shop.workspace_id)
    assert remembered_facts(shop.workspace_id) is None
    read = facts_of(shop.workspace_id, nobody, about_nobody.contact_id)
    with CaptureQueriesContext(connection) as queries:
        remembered = remembered_facts(shop.workspace_id)
    assert not queries
    assert remembered == replace(read, now=remembered.now)
    assert timedelta() <= remembered.now - read.now < timedelta(minutes=1)


# consent


def test_consent_is_kept_with_where_and_when(shop: Shop, agent: Desk) -> None:
    contact_id, _ = known(shop)
    agent.post(f"/contacts/{contact_id}/consents", {"kind": "training", "is_given": True, "source": "Newsletter form"})
    found = agent.post(f"/contacts/{contact_id}/consents", {"kind": "training", "is_given": False, "source": "By mail"})
    assert [(each["is_given"], each["source"]) for each in found["consents"]] == [(False, "By mail")]
    assert [each["is_given"] for each in found["consent_history"]] == [False, True]
    assert has_agreed(shop.workspace_id, contact_id, "training") is False
    agent.post(f"/contacts/{contact_id}/consents", {"kind": "fame", "is_given": True, "source": "x"}, expect=422)
    agent.post(f"/contacts/{contact_id}/consents", {"kind": "training", "is_given": True, "source": " "}, expect=422)


def test_erasing_takes_consent_and_notes_along(shop: Shop, owner: Desk) -> None:
    contact_id, _ = known(shop)
    owner.post(f"/contacts/{contact_id}/consents", {"kind": "training", "is_given": True, "source": "x"})
    owner.post(f"/contacts/{contact_id}/notes", {"text": "Likes tea."}, expect=201)
    contacts.erase(shop.kefu, contact_id=contact_id)
    assert not Consent.objects.of(shop.workspace_id).exists()
    assert owner.get(f"/contacts/{contact_id}/care")["notes"] == []


# blocking


def test_a_blocked_contact_is_refused_and_counted(shop: Shop, owner: Desk, agent: Desk) -> None:
    contact_id, thread = known(shop)
    agent.post(f"/contacts/{contact_id}/block", expect=403)
    supervisor = desk_for(shop, Role.SUPERVISOR)
    assert supervisor.post(f"/contacts/{contact_id}/block")["is_blocked"] is True
    with pytest.raises(NotAllowed) as refused:
        inbox.receive_message(shop.program, conversation_id=thread, text="Hello")
    assert refused.value.code == "contact_blocked"
    [error] = inbox.receive_messages([inbox.Incoming(shop.program, thread, "Hello again")])
    assert isinstance(error, NotAllowed)
    assert not Message.objects.of(shop.workspace_id).exists()
    found = supervisor.get(f"/contacts/{contact_id}/care")
    assert (found["is_blocked"], found["refused"]) == (True, 2)
    assert supervisor.delete(f"/contacts/{contact_id}/block", expect=200)["is_blocked"] is False
    shop.say(thread, "Hello")
    told = [entry["action"] for entry in owner.get("/audit?kind=contact")["entries"]]
    assert told == ["contact.unblocked", "contact.blocked"]


def test_what_a_blocked_contact_sends_over_a_channel_is_acknowledged_and_dropped(shop: Shop) -> None:
    contact_id, _ = known(shop)
    info = channel(shop.kefu, shop.channel_id)
    desk_of(shop.owner).post(f"/contacts/{contact_id}/block")
    incoming = Incoming(contact="customer-7", external_id="m1", parts=(Part("text", text="Hello"),))
    first, again = inbox.arrive(info, incoming), inbox.arrive(info, incoming)
    assert (first.state, again.state, again.repeated) == ("dropped", "dropped", True)
    assert not Message.objects.of(shop.workspace_id).exists()
    assert Contact.objects.of(shop.workspace_id).get(id=contact_id).refused == 1


def test_a_blocked_contact_cannot_call(shop: Shop) -> None:
    visitor = shop.visitor()
    thread = inbox.start_conversation(visitor).id
    desk_of(shop.owner).post(f"/contacts/{visitor.contact_id}/block")
    with pytest.raises(Blocked):
        begin_call(visitor, conversation_id=thread)


def test_a_contact_who_writes_was_seen_just_now_and_asking_costs_nothing_more(shop: Shop) -> None:
    contact_id, thread = known(shop)
    mine = Contact.objects.of(shop.workspace_id).filter(id=contact_id)
    mine.update(last_seen_at=now() - timedelta(hours=1))
    with CaptureQueriesContext(connection) as first:
        shop.say(thread, "Hello")
    assert now() - mine.get().last_seen_at < timedelta(minutes=1)
    with CaptureQueriesContext(connection) as second:
        shop.say(thread, "Hello?")
    asked = [len([each for each in held if "UPDATE contacts_contact" in each["sql"]]) for held in (first, second)]
    assert asked == [1, 0]


# language, notes, history


def test_the_preferred_language_is_the_turns_where_words_do_not_tell(shop: Shop, agent: Desk) -> None:
    contact_id, thread = known(shop)
    assert agent.put(f"/contacts/{contact_id}/language", {"language": "zh"})["language"] == "zh"
    shop.say(thread, "OK")
    [turn] = [each for each in claim() if each.conversation_id == thread]
    assert turn.language == "zh"
    later = shop.start(external_id="customer-7")
    assert conversation(shop.kefu, later).language == "zh"
    agent.put(f"/contacts/{contact_id}/language", {"language": "Chinese"}, expect=422)


def test_notes_are_for_members_and_go_by_their_author_or_a_supervisor(shop: Shop, agent: Desk) -> None:
    contact_id, _ = known(shop)
    note = agent.post(f"/contacts/{contact_id}/notes", {"text": "Likes tea."}, expect=201)
    assert (note["text"], note["author"]) == ("Likes tea.", "Agent")
    desk_for(shop, Role.AGENT).delete(f"/contacts/notes/{note['id']}", expect=403)
    desk_for(shop, Role.VIEWER).get(f"/contacts/{contact_id}/care", expect=403)
    desk_for(shop, Role.SUPERVISOR).delete(f"/contacts/notes/{note['id']}")
    assert agent.get(f"/contacts/{contact_id}/care")["notes"] == []


def test_history_goes_over_all_channels(shop: Shop, agent: Desk) -> None:
    contact_id, thread = known(shop)
    other = inbox.make_channel(shop.kefu, kind="api", name="Shop app").id
    contacts.name(shop.kefu, contact_id=contact_id, channel_id=other, external_id="m7")
    second = shop.start(external_id="m7", channel_id=other)
    history = agent.get(f"/contacts/{contact_id}/care")["history"]
    assert {(each["id"], each["channel"]) for each in history} == {(thread, "Website"), (second, "Shop app")}


# lists and tables


def test_the_list_is_searched_and_goes_on(shop: Shop, agent: Desk) -> None:
    for number in range(5):
        known(shop, f"c{number}", name=f"Person {number}", email=f"p{number}@example.com")
    first = agent.get("/contacts?limit=2")
    rest = agent.get(f"/contacts?limit=3&after={first['next'].replace('+', '%2B')}")
    names = [each["name"] for each in first["contacts"] + rest["contacts"]]
    assert names == [f"Person {number}" for number in (4, 3, 2, 1, 0)]
    assert rest["next"] is None
    assert [each["name"] for each in agent.get("/contacts?search=P3@EXAMPLE")["contacts"]] == ["Person 3"]
    assert [each["name"] for each in agent.get("/contacts?search=c2")["contacts"]] == ["Person 2"]
    assert agent.get("/contacts?blocked=true")["contacts"] == []
    agent.get("/contacts?after=nonsense x", expect=422)
    desk_for(shop, Role.VIEWER).get("/contacts", expect=403)


def test_a_table_comes_in_and_goes_out(shop: Shop, owner: Desk, agent: Desk) -> None:
    owner.put("/contacts/attributes", {"key": "plan", "kind": "choice", "choices": ["Gold", "Silver"]})
    known(shop, "u1", name="Old Name")
    table = (
        "\ufeffid,name,plan,language,consent_marketing\n"
        "u1,New Name,gold,zh,yes\nu2,=cmd,Silver,,\nu3,Bea,Bronze,,\n,Nobody,,,\n"
    )
    found = imported(owner, shop, table)
    assert (found["made"], found["changed"]) == (1, 1)
    assert [number for number, _ in found["problems"]] == [4, 5]
    answer = owner.client.get(f"{BASE}/contacts/export")
    text = b"".join(answer.streaming_content).decode()
    assert "New Name" in text
    assert "Gold" in text
    assert ",'=cmd," in text
    agent.get("/contacts/export", expect=403)
    told = [entry["action"] for entry in owner.get("/audit?kind=contacts")["entries"]]
    assert told == ["contacts.exported", "contacts.imported"]


@pytest.mark.parametrize("table", ["name\nMia\n", "id,id\n1,2\n", "\xff"])
def test_what_is_no_table_is_refused(shop: Shop, owner: Desk, table: str) -> None:
    imported(owner, shop, table, status=422)


def imported(desk: Desk, shop: Shop, table: str, status: int = 200) -> Any:
    file = SimpleUploadedFile("people.csv", table.encode("latin-1" if table == "\xff" else "utf-8"), "text/csv")
    answer = desk.client.post(f"{BASE}/contacts/import?channel_id={shop.channel_id}", {"file": file})
    assert answer.status_code == status, answer.content
    return answer.json()


# the audit trail


def test_the_trail_is_filtered_and_taken_out(shop: Shop, owner: Desk) -> None:
    admin = shop.member(Role.ADMIN)
    desk = desk_of(admin)
    desk.post("/keys", {"name": "=program"}, expect=201)
    assert [each["action"] for each in owner.get(f"/audit?member={admin.id}")["entries"]] == ["key.created"]
    assert owner.get("/audit?kind=key.created&member=system")["entries"] == []
    assert owner.get("/audit?kind=key&until=2020-01-01T00:00:00Z")["entries"] == []
    assert len(owner.get("/audit?kind=key&since=2020-01-01T00:00:00Z")["entries"]) == 1
    assert "key.created" in owner.get("/audit/kinds")["kinds"]
    answer = owner.client.get(f"{BASE}/audit/export?kind=key")
    lines = b"".join(answer.streaming_content).decode().splitlines()
    assert len(lines) == 2
    assert "key.created" in lines[1]
    desk_for(shop, Role.SUPERVISOR).get("/audit/export", expect=403)
