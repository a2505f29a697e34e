"""Customers: met, known, changed, exported, erased; personal data only ever sealed."""

from typing import Any

import pytest
from django.db import connection

from kefu.desk import erasure
from kefu.desk.accounts.audit import trail
from kefu.desk.actor import Role
from kefu.desk.contacts import actions, queries
from kefu.desk.contacts.models import Contact, Identity
from kefu.desk.inbox import actions as inbox_actions
from kefu.desk.inbox import queries as inbox
from kefu.desk.inbox.models import Conversation, Message, Turn
from kefu.kit.errors import BadInput, NotAllowed, NotFound

from .shops import Shop, claim, finish, made_shop

PHONE = "+86 138 0013 8000"


@pytest.fixture
def shop(db: None) -> Shop:
    return made_shop()


def meet(shop: Shop, external_id: str | None = None, **profile: Any) -> str:
    return actions.meet(shop.kefu, channel_id=shop.channel_id, external_id=external_id, profile=profile or None)


def test_a_channel_knows_a_contact_by_its_own_id(shop: Shop) -> None:
    known = meet(shop, PHONE, name="Mia Novak")
    assert meet(shop, PHONE) == known
    assert meet(shop, "somebody else") != known
    assert actions.meet(shop.kefu, channel_id="ch_other", external_id=PHONE) != known
    assert meet(shop) != meet(shop)
    assert queries.identities(shop.kefu, known) == [{"channel": shop.channel_id, "id": PHONE}]


def test_nothing_personal_lies_in_the_clear(shop: Shop) -> None:
    meet(shop, PHONE, name="Mia Novak", email="mia@example.com")
    with connection.cursor() as cursor:
        for model in (Contact, Identity):
            cursor.execute(f"SELECT * FROM {model._meta.db_table}")
            stored = b" ".join(
                bytes(value) if isinstance(value, bytes | memoryview) else str(value).encode()
                for row in cursor.fetchall()
                for value in row
            )
            for personal in ("Mia", "Novak", "mia@example.com", PHONE, "13800138000"):
                assert personal.encode() not in stored


def test_the_same_id_looks_different_in_every_workspace(shop: Shop) -> None:
    other = made_shop()
    meet(shop, PHONE)
    meet(other, PHONE)
    digests = Identity.objects.across_workspaces("both shops").values_list("digest", flat=True)
    assert len(set(digests)) == 2


@pytest.mark.parametrize(("external_id", "profile"), [("", None), ("x" * 501, None), (None, {"note": "x" * 4_000})])
def test_what_is_too_long_is_refused(shop: Shop, external_id: str | None, profile: dict[str, str] | None) -> None:
    with pytest.raises(BadInput) as refused:
        actions.meet(shop.kefu, channel_id=shop.channel_id, external_id=external_id, profile=profile)
    assert refused.value.fields["field"] == "contact"
    assert not Contact.objects.of(shop.workspace_id).exists()


def test_a_profile_is_added_to_and_taken_from(shop: Shop) -> None:
    contact = meet(shop, name="Mia", city="Oslo")
    actions.change_profile(shop.kefu, contact_id=contact, changes={"email": " mia@example.com ", "city": None})
    assert queries.contact(shop.kefu, contact).profile == {"name": "Mia", "email": "mia@example.com"}
    with pytest.raises(BadInput):
        actions.change_profile(shop.kefu, contact_id=contact, changes={"email": "nonsense"})
    with pytest.raises(BadInput):
        actions.change_profile(shop.kefu, contact_id=contact, changes={"note": "x" * 5_000})
    actions.change_profile(shop.kefu, contact_id=contact, changes={"email": None, "name": None})
    assert queries.contact(shop.kefu, contact).profile == {}


def test_a_visitor_changes_only_their_own_profile(shop: Shop) -> None:
    visitor, other = shop.visitor(), meet(shop, name="Mia")
    actions.change_profile(visitor, contact_id=other, changes={"name": "Ben"})
    assert queries.contact(shop.kefu, other).profile == {"name": "Mia"}
    assert queries.contact(shop.kefu, str(visitor.contact_id)).profile == {"name": "Ben"}
    with pytest.raises(NotAllowed):
        queries.contact(visitor, other)


def test_a_viewer_does_not_see_who_customers_are(shop: Shop) -> None:
    contact = meet(shop, name="Mia")
    viewer = shop.member(Role.VIEWER)
    assert queries.names(viewer, {contact}) == {}
    assert queries.names(shop.member(Role.AGENT), {contact}) == {contact: "Mia"}
    with pytest.raises(NotAllowed):
        queries.contact(viewer, contact)


def conversation_of(shop: Shop, external_id: str, text: str) -> tuple[str, str]:
    """A conversation of a contact and an answer to it; gives the contact and the conversation."""
    thread = shop.start(external_id=external_id, profile={"name": "Mia Novak"})
    shop.say(thread, text)
    for turn in claim():
        finish(turn)
    return inbox.conversation(shop.kefu, thread).contact_id, thread


def test_everything_kept_of_a_contact_is_handed_out_as_it_was_said(shop: Shop) -> None:
    contact, thread = conversation_of(shop, "customer-7", f"Call me at {PHONE}")
    member = shop.member(Role.AGENT)
    inbox_actions.reply(member, conversation_id=thread, text="I will call.")
    inbox_actions.note(member, conversation_id=thread, text="She sounds angry.")
    given = erasure.export(shop.owner, contact)
    assert given["contact"]["profile"] == {"name": "Mia Novak"}
    assert given["contact"]["identities"] == [{"channel": shop.channel_id, "id": "customer-7"}]
    [conversation] = given["conversations"]
    said = [(line["author"], line["text"]) for line in conversation["messages"]]
    assert ("contact", f"Call me at {PHONE}") in said
    assert ("member", "I will call.") in said
    assert "angry" not in repr(given)
    assert trail(shop.owner, limit=1)[0].action == "contact.exported"
    for role in (Role.SUPERVISOR, Role.AGENT):
        with pytest.raises(NotAllowed):
            erasure.export(shop.member(role), contact)


def test_erasing_leaves_nothing_of_a_contact_and_all_of_the_others(shop: Shop) -> None:
    contact, thread = conversation_of(shop, "customer-7", f"Call me at {PHONE}")
    other, other_thread = conversation_of(shop, "customer-8", "Where is my parcel?")
    assert erasure.erase(shop.owner, contact) == 1
    gone = queries.contact(shop.kefu, contact)
    assert (gone.profile, gone.erased_at is not None) == ({}, True)
    assert queries.identities(shop.kefu, contact) == []
    with pytest.raises(NotFound):
        inbox.conversation(shop.kefu, thread)
    for model in (Message, Turn):
        left = model.objects.of(shop.workspace_id).values_list("conversation_id", flat=True)
        assert set(left) == {other_thread}
    assert queries.contact(shop.kefu, other).profile == {"name": "Mia Novak"}
    assert meet(shop, "customer-7") != contact
    with pytest.raises(NotFound):
        erasure.erase(shop.owner, "contact_nobody")


def test_erasing_while_a_turn_is_worked_on_ends_the_turn(shop: Shop) -> None:
    thread = shop.start(external_id="customer-7")
    shop.say(thread, "Where is my parcel?")
    [working] = claim()
    erasure.erase(shop.owner, inbox.conversation(shop.kefu, thread).contact_id)
    assert finish(working) is None
    assert not Conversation.objects.of(shop.workspace_id).exists()


def test_an_original_is_revealed_to_who_may_answer_and_that_is_kept(shop: Shop) -> None:
    _, thread = conversation_of(shop, "customer-7", f"Call me at {PHONE}")
    [line] = [each for each in inbox.messages(shop.kefu, thread) if each.author == "contact"]
    assert PHONE not in line.text
    assert line.is_masked
    assert inbox_actions.reveal(shop.member(Role.AGENT), message_id=line.id) == f"Call me at {PHONE}"
    assert trail(shop.owner, limit=1)[0].action == "message.revealed"
    for actor in (shop.member(Role.VIEWER), shop.program):
        with pytest.raises(NotAllowed):
            inbox_actions.reveal(actor, message_id=line.id)
