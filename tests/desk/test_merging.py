"""Two contacts become one: shown first, done once, and nothing of either is lost."""

import pytest

from kefu.desk import erasure
from kefu.desk.accounts.models import AuditEntry
from kefu.desk.actor import Actor, Role
from kefu.desk.contacts import actions as contacts
from kefu.desk.contacts import queries as known
from kefu.desk.inbox import actions, queries
from kefu.desk.inbox.models import Conversation
from kefu.desk.insights.models import ReportingEvent
from kefu.desk.insights.rolling import recount, roll_up

from .desks import desk_for
from .shops import Shop, claim, finish, made_shop

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop() -> Shop:
    return made_shop(settings={"language": "en"})


def met(shop: Shop, external_id: str, **profile: object) -> tuple[str, str]:
    """A contact with a conversation; their ids."""
    thread = shop.start(external_id=external_id, profile=profile)
    shop.say(thread, "Where is my parcel?")
    return queries.conversation(shop.kefu, thread).contact_id, thread


def test_a_merge_is_shown_and_then_done(shop: Shop) -> None:
    lead = desk_for(shop, Role.SUPERVISOR)
    joe, first = met(shop, "joe", name="Joe", plan="gold")
    jo, second = met(shop, "jo", name="Jo", email="joe@example.com", plan="gold")
    shown = lead.get(f"/contacts/{joe}/merge?other={jo}")
    assert shown["profile"] == {"name": "Joe", "email": "joe@example.com", "plan": "gold"}
    assert (shown["lost"], shown["identities"], shown["conversations"]) == ({"name": "Jo"}, 1, 1)
    assert known.contact(shop.kefu, jo).profile["name"] == "Jo"
    assert lead.post(f"/contacts/{joe}/merge", {"other": jo}) == shown
    assert known.contact(shop.kefu, joe).profile == shown["profile"]
    assert known.contact(shop.kefu, jo).profile == {}
    assert {each["id"] for each in known.identities(shop.kefu, joe)} == {"joe", "jo"}
    assert {each.id for each in queries.conversations(shop.kefu, contact_id=joe)} == {first, second}
    assert known.merged_contacts() == {jo: joe}
    assert AuditEntry.objects.of(shop.workspace_id).get(action="contact.merged").after == {"merged": jo}
    assert contacts.meet(shop.kefu, channel_id=shop.channel_id, external_id="jo") == joe


def test_what_cannot_be_merged_is_refused(shop: Shop) -> None:
    lead, elsewhere = desk_for(shop, Role.SUPERVISOR), made_shop()
    joe, _ = met(shop, "joe")
    jo, _ = met(shop, "jo")
    theirs, _ = met(elsewhere, "joe")
    assert lead.post(f"/contacts/{joe}/merge", {"other": joe}, expect=422)["field"] == "other"
    lead.post(f"/contacts/{joe}/merge", {"other": theirs}, expect=404)
    lead.get(f"/contacts/{joe}/merge?other={theirs}", expect=404)
    desk_for(shop, Role.AGENT).post(f"/contacts/{joe}/merge", {"other": jo}, expect=403)
    lead.post(f"/contacts/{joe}/merge", {"other": jo})
    lead.post(f"/contacts/{joe}/merge", {"other": jo}, expect=409)
    erasure.erase(shop.kefu, joe)
    lead.post(f"/contacts/{met(shop, 'ann')[0]}/merge", {"other": joe}, expect=409)


def test_who_was_merged_twice_is_who_they_are_now(shop: Shop) -> None:
    ids = [met(shop, name)[0] for name in ("a", "b", "c")]
    for kept, gone in ((ids[1], ids[0]), (ids[2], ids[1])):
        contacts.absorb(shop.owner, contact_id=kept, other_id=gone)
    assert known.merged_contacts() == {ids[0]: ids[2], ids[1]: ids[2]}


def test_those_who_are_alike_are_offered_and_others_found(shop: Shop) -> None:
    lead = desk_for(shop, Role.SUPERVISOR)
    joe, _ = met(shop, "joe", name="Joe Doe", email="joe@example.com")
    twin, _ = met(shop, "jo", name="J", email="JOE@example.com")
    ann, _ = met(shop, "ann", name="Ann Lee")
    found = lead.get(f"/contacts/{joe}/alike")["candidates"]
    assert [(each["id"], each["alike"]) for each in found] == [(twin, ["email"])]
    assert [each["id"] for each in lead.get(f"/contacts/{joe}/alike?search=lee")["candidates"]] == [ann]
    desk_for(shop, Role.VIEWER).get(f"/contacts/{joe}/alike", expect=403)


def test_figures_are_the_same_after_a_merge_and_a_recount(shop: Shop) -> None:
    joe, first = met(shop, "joe")
    jo, _ = met(shop, "jo")
    for turn in claim():
        finish(turn)
    actions.resolve(shop.owner, conversation_id=first)
    roll_up()
    before = list(ReportingEvent.objects.of(shop.workspace_id).order_by("id").values())
    desk_for(shop, Role.SUPERVISOR).post(f"/contacts/{joe}/merge", {"other": jo})
    shop.say(first, "Once more")
    roll_up()
    assert list(ReportingEvent.objects.of(shop.workspace_id).order_by("id").values())[: len(before)] == before
    assert recount(shop.workspace_id, repair=False).is_equal


def test_a_visitor_of_either_sees_both_on_their_channel(shop: Shop) -> None:
    joe, first = met(shop, "joe")
    jo, second = met(shop, "jo")
    desk_for(shop, Role.SUPERVISOR).post(f"/contacts/{joe}/merge", {"other": jo})
    visitor = Actor(shop.workspace_id, "visitor", joe, contact_id=joe, channel_id=shop.channel_id)
    assert {each.id for each in queries.conversations(visitor)} == {first, second}
    assert Conversation.objects.of(shop.workspace_id).filter(contact_id=jo).count() == 0
