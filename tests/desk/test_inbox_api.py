"""The inbox through HTTP: each route used well and refused, on one set-up."""

import threading
from typing import Any

import pytest
from django.db import connections

from kefu.contracts.turn import Decision
from kefu.desk.accounts.models import AuditEntry
from kefu.desk.actor import Actor, Role
from kefu.desk.inbox import actions, queries
from kefu.desk.inbox.actions.messages import tell
from kefu.desk.inbox.models import Conversation
from kefu.kit.errors import Conflict

from .desks import Desk, desk_for, desk_of
from .shops import Shop, claim, finish, made_shop

pytestmark = pytest.mark.django_db
ORIGINAL = "Call me at 138 0013 8000"


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
def ben(shop: Shop) -> Desk:
    return desk_for(shop, Role.AGENT)


@pytest.fixture
def waiting(shop: Shop) -> str:
    """A conversation whose customer asked for a person."""
    thread = shop.start(external_id="joe", profile={"name": "Joe", "email": "joe@example.com"})
    shop.say(thread, ORIGINAL)
    actions.ask_for_member(shop.program, conversation_id=thread)
    return f"/inbox/conversations/{thread}"


def thread_of(path: str) -> str:
    return path.rpartition("/")[2]


def texts(desk: Desk, thread: str) -> list[tuple[str, str]]:
    return [(each["author"], each["text"]) for each in desk.get(f"{thread}/messages")["messages"]]


# reading


def test_a_conversation_shows_who_waits_since_when_and_what_was_said(desk: Desk, waiting: str) -> None:
    [row] = desk.get("/inbox/conversations?status=waiting")["conversations"]
    assert row["contact"]["name"] == "Joe"
    assert row["channel"]["name"] == "Website"
    assert row["assignee"] is None
    assert row["waiting_since"] is not None
    assert row["unread"] == 1
    assert row["last_message"]["text"] == "Call me at <PHONE_1>"
    assert desk.get(waiting) == {**row, "contact": desk.get(f"/contacts/{row['contact']['id']}")}


def test_who_waits_is_listed_with_their_own_last_words(shop: Shop, desk: Desk, waiting: str) -> None:
    shop.say(thread_of(waiting), "It is about my lamp, 138 0013 8000")
    thread = Conversation.objects.of(shop.workspace_id).get(id=thread_of(waiting))
    tell(thread, "nobody_came")
    thread.save()
    row = desk.get("/inbox/conversations?status=waiting")["conversations"][0]
    assert row["last_message"]["author"] == "system"
    assert row["asked"] == "It is about my lamp, <PHONE_1>"
    desk.post(f"{waiting}/take")
    assert desk.get(waiting)["asked"] == ""


def test_the_contact_is_shown_with_profile_and_identities(desk: Desk, waiting: str, shop: Shop) -> None:
    contact = desk.get(waiting)["contact"]
    assert contact["profile"] == {"name": "Joe", "email": "joe@example.com"}
    assert contact["identities"] == [{"channel": shop.channel_id, "id": "joe"}]
    changed = desk.patch(f"/contacts/{contact['id']}", {"profile": {"email": None, "plan": "gold"}})
    assert changed["profile"] == {"name": "Joe", "plan": "gold"}
    assert desk.patch(f"/contacts/{contact['id']}", {"profile": {"email": "no"}}, expect=422)["field"] == "email"


def test_viewers_see_no_personal_data_and_change_nothing(shop: Shop, waiting: str, desk: Desk) -> None:
    viewer = desk_for(shop, Role.VIEWER)
    shown = viewer.get(waiting)
    assert shown["contact"] == {"id": shown["contact"]["id"], "name": ""}
    viewer.get(f"/contacts/{shown['contact']['id']}", expect=403)
    message = viewer.get(f"{waiting}/messages")["messages"][0]
    assert message["text"] == "Call me at <PHONE_1>"
    viewer.post(f"/inbox/messages/{message['id']}/reveal", expect=403)
    for verb in ("take", "give-back", "resolve", "reopen"):
        viewer.post(f"{waiting}/{verb}", expect=403)
    viewer.post(f"{waiting}/assign", {"member": None}, expect=403)
    viewer.post(f"{waiting}/messages", {"text": "x"}, expect=403)
    viewer.post(f"{waiting}/notes", {"text": "x"}, expect=403)
    assert desk.get(waiting)["status"] == "waiting"


def test_lists_are_narrowed_by_status_owner_channel_and_text(desk: Desk, shop: Shop, waiting: str) -> None:
    mine = f"/inbox/conversations/{shop.start()}"
    shop.say(thread_of(mine), "Where is my parcel?")
    desk.post(f"{mine}/take")

    def found(query: str) -> list[str]:
        return [
            f"/inbox/conversations/{row['id']}" for row in desk.get(f"/inbox/conversations?{query}")["conversations"]
        ]

    assert found("") == [mine, waiting]
    assert found("status=open") == [mine]
    assert found("assignee=me") == [mine]
    assert found("assignee=none") == [waiting]
    assert found(f"channel={shop.channel_id}") == [mine, waiting]
    assert found("channel=ch_other") == []
    assert found("search=PARCEL") == [mine]
    assert found("search=100%25") == []
    desk.get("/inbox/conversations?status=lost", expect=422)


def test_pages_follow_each_other_without_gap_or_repetition(desk: Desk, shop: Shop) -> None:
    made = [shop.start() for _ in range(5)]
    seen, query = [], "limit=2"
    while True:
        page = desk.get(f"/inbox/conversations?{query}")
        seen += [row["id"] for row in page["conversations"]]
        if page["next"] is None:
            break
        query = f"limit=2&after={page['next']}"
    assert seen == made[::-1]
    assert desk.get("/inbox/conversations?after=nonsense", expect=422)["field"] == "after"


def test_messages_are_read_forwards_and_backwards(desk: Desk, shop: Shop) -> None:
    thread = shop.start()
    for number in range(1, 6):
        shop.say(thread, f"{number}")
    path = f"/inbox/conversations/{thread}/messages"

    def found(query: str) -> list[str]:
        return [each["text"] for each in desk.get(f"{path}?{query}")["messages"]]

    assert found("") == ["1", "2", "3", "4", "5"]
    assert found("limit=2") == ["4", "5"]
    assert found("before=4&limit=2") == ["2", "3"]
    assert found("after=3") == ["4", "5"]


def test_what_is_read_is_read_for_that_member_alone(desk: Desk, ben: Desk, shop: Shop, waiting: str) -> None:
    assert desk.get("/inbox/counts")["unread"] == {"waiting": 1, "mine": 0}
    desk.post(f"{waiting}/read", {"sequence": 1}, expect=204)
    desk.post(f"{waiting}/read", {"sequence": 0}, expect=204)
    assert desk.get(waiting)["unread"] == 0
    assert ben.get(waiting)["unread"] == 1
    shop.say(thread_of(waiting), "Hello?")
    assert desk.get(waiting)["unread"] == 1
    assert desk.get("/inbox/counts")["unread"] == {"waiting": 1, "mine": 0}


def test_counts_are_by_status_and_owner(desk: Desk, shop: Shop, waiting: str) -> None:
    mine = shop.start()
    shop.start()
    desk.post(f"/inbox/conversations/{mine}/take")
    found = desk.get("/inbox/counts")
    assert found["status"] == {"bot": 1, "waiting": 1, "open": 1, "resolved": 0}
    assert (found["mine"], found["unassigned"]) == (1, 1)


def test_an_answer_comes_with_its_trace(desk: Desk, shop: Shop) -> None:
    thread = shop.start()
    shop.say(thread, "When are you open?")
    [turn] = claim()
    finish(turn)
    reply = desk.get(f"/inbox/conversations/{thread}/messages")["messages"][1]
    assert reply["answer"]["decision"] == "approved"
    trace = desk.get(f"/inbox/turns/{reply['turn']}")
    assert trace["decision"] == "approved"
    assert trace["trace"] == {"steps": []}
    desk.get("/inbox/turns/turn_other", expect=404)


# owning


def test_taking_tells_the_customer_who_is_there(desk: Desk, shop: Shop, waiting: str) -> None:
    taken = desk.post(f"{waiting}/take")
    assert (taken["status"], taken["assignee"]["name"], taken["waiting_since"]) == ("open", "Agent", None)
    assert texts(desk, waiting)[-1] == ("system", "Agent has joined the conversation.")
    assert desk.post(f"{waiting}/take")["assignee"] == taken["assignee"]
    assert len(texts(desk, waiting)) == 2


def test_who_comes_second_is_told_the_owner(desk: Desk, ben: Desk, waiting: str) -> None:
    owner = desk.post(f"{waiting}/take")["assignee"]
    for verb, body in [("take", None), ("messages", {"text": "Hi"}), ("give-back", None), ("resolve", None)]:
        refusal = ben.post(f"{waiting}/{verb}", body, expect=409)
        assert refusal["owner"] == owner, verb
    assert desk.get(waiting)["assignee"] == owner


def test_the_assistant_is_silent_while_a_member_owns_it(desk: Desk, shop: Shop, waiting: str) -> None:
    desk.post(f"{waiting}/take")
    assert shop.say(thread_of(waiting), "Are you there?").turn_id is None
    assert claim() == []
    desk.post(f"{waiting}/give-back")
    assert shop.say(thread_of(waiting), "And now?").turn_id is not None
    assert len(claim()) == 1


def test_an_answer_in_work_is_discarded_when_a_member_takes_over(desk: Desk, shop: Shop) -> None:
    thread = shop.start()
    shop.say(thread, "When are you open?")
    [turn] = claim()
    desk.post(f"/inbox/conversations/{thread}/take")
    finished = finish(turn)
    assert finished is not None
    assert finished.reply is None
    assert [author for author, _ in texts(desk, f"/inbox/conversations/{thread}")] == ["contact", "system"]


def test_a_cut_short_answer_stays_discarded_when_the_assistant_has_it_back(desk: Desk, shop: Shop) -> None:
    thread = shop.start()
    shop.say(thread, "When are you open?")
    [turn] = claim()
    desk.post(f"/inbox/conversations/{thread}/take")
    desk.post(f"/inbox/conversations/{thread}/give-back")
    finished = finish(turn, text="", decision=Decision.HAND_OVER, reason="taken_over")
    assert finished is not None
    assert finished.reply is None
    assert desk.get(f"/inbox/conversations/{thread}")["status"] == "bot"


def test_after_resolving_the_next_message_is_the_assistants(desk: Desk, shop: Shop, waiting: str, anna: Actor) -> None:
    desk.post(f"{waiting}/take")
    resolved = desk.post(f"{waiting}/resolve")
    assert (resolved["status"], resolved["resolved_by"]) == ("resolved", f"member:{anna.id}")
    for verb, body in [("take", None), ("messages", {"text": "Hi"}), ("give-back", None), ("assign", {"member": None})]:
        desk.post(f"{waiting}/{verb}", body, expect=409)
    assert shop.say(thread_of(waiting), "One more thing").turn_id is not None
    reopened = desk.get(waiting)
    assert (reopened["status"], reopened["assignee"], reopened["resolved_by"]) == ("bot", None, "")


def test_reopening_makes_it_mine(desk: Desk, waiting: str, anna: Actor) -> None:
    desk.post(f"{waiting}/reopen", expect=409)
    desk.post(f"{waiting}/resolve")
    reopened = desk.post(f"{waiting}/reopen")
    assert (reopened["status"], reopened["assignee"]["id"], reopened["resolved_at"]) == ("open", anna.id, None)


def test_giving_back_needs_an_assistant_on_duty(shop: Shop, desk: Desk, waiting: str) -> None:
    desk_for(shop, Role.ADMIN).patch(f"/channels/{shop.channel_id}", {"assistant_on": False})
    desk.post(f"{waiting}/take")
    desk.post(f"{waiting}/give-back", expect=409)


def test_assigning_by_role(shop: Shop, desk: Desk, ben: Desk, waiting: str, anna: Actor) -> None:
    viewer, other = shop.member(Role.VIEWER), shop.member(Role.AGENT)
    assert desk.post(f"{waiting}/assign", {"member": other.id})["assignee"]["id"] == other.id
    ben.post(f"{waiting}/assign", {"member": anna.id}, expect=409)
    supervisor = desk_for(shop, Role.SUPERVISOR)
    assert supervisor.post(f"{waiting}/assign", {"member": anna.id})["assignee"]["id"] == anna.id
    supervisor.post(f"{waiting}/assign", {"member": viewer.id}, expect=422)
    supervisor.post(f"{waiting}/assign", {"member": made_shop().owner.id}, expect=422)
    back = desk.post(f"{waiting}/assign", {"member": None})
    assert (back["status"], back["assignee"]) == ("waiting", None)


@pytest.mark.django_db(transaction=True)
def test_of_two_who_take_at_the_same_moment_exactly_one_wins(shop: Shop) -> None:
    members = [shop.member(Role.AGENT) for _ in range(2)]
    for _ in range(10):
        thread = shop.start()
        actions.ask_for_member(shop.program, conversation_id=thread)
        together, outcomes = threading.Barrier(2), {}

        def take(actor: Actor, thread: str = thread, together: Any = together, outcomes: Any = outcomes) -> None:
            together.wait()
            try:
                outcomes[actor.id] = actions.take(actor, conversation_id=thread)
            except Conflict as refusal:
                outcomes[actor.id] = refusal
            finally:
                connections.close_all()

        racing = [threading.Thread(target=take, args=(actor,)) for actor in members]
        for each in racing:
            each.start()
        for each in racing:
            each.join()
        owner = Conversation.objects.of(shop.workspace_id).get(id=thread).assignee_id
        loser = next(actor for actor in members if actor.id != owner)
        assert outcomes[owner].assignee_id == owner
        assert outcomes[loser.id].fields["owner"]["id"] == owner
        joined = [row for row in queries.messages(shop.kefu, thread) if row.author == "system"]
        assert len(joined) == 1


# saying


def test_replying_takes_what_nobody_owns_and_reaches_the_customer(desk: Desk, shop: Shop, waiting: str) -> None:
    said = desk.post(f"{waiting}/messages", {"text": "Hello there"}, expect=201)
    assert (said["author"], said["author_name"], said["internal"]) == ("member", "Agent", False)
    assert desk.get(waiting)["status"] == "open"
    assert "Hello there" in [row.text for row in queries.messages(shop.program, thread_of(waiting))]


def test_a_repeated_key_stores_once_and_meets_no_customers_key(desk: Desk, ben: Desk, shop: Shop, waiting: str) -> None:
    shop.say(thread_of(waiting), "Hello", key="same")
    first = desk.post(f"{waiting}/messages", {"text": "Hi"}, 201, Idempotency_Key="same")
    assert desk.post(f"{waiting}/messages", {"text": "Hi"}, 200, Idempotency_Key="same") == first
    desk.post(f"{waiting}/messages", {"text": "Other"}, 409, Idempotency_Key="same")
    ben.post(f"{waiting}/notes", {"text": "Hi"}, 201, Idempotency_Key="same")


@pytest.mark.parametrize("text", ["", "  ", "x" * 8001, "a\x00b"])
def test_what_cannot_be_said_is_refused(desk: Desk, waiting: str, text: str) -> None:
    assert desk.post(f"{waiting}/messages", {"text": text}, expect=422)["field"] == "text"
    assert desk.post(f"{waiting}/notes", {"text": text}, expect=422)["field"] == "text"


def test_notes_are_for_members_alone(desk: Desk, ben: Desk, shop: Shop, waiting: str) -> None:
    note = ben.post(f"{waiting}/notes", {"text": "He is a good customer"}, expect=201)
    assert note["internal"] is True
    assert ("member", "He is a good customer") in texts(desk, waiting)
    assert desk.get(waiting)["status"] == "waiting"
    assert "He is a good customer" not in [row.text for row in queries.messages(shop.program, thread_of(waiting))]


def test_revealing_is_audited(desk: Desk, waiting: str, shop: Shop, anna: Actor) -> None:
    message = desk.get(f"{waiting}/messages")["messages"][0]
    assert message["masked"] is True
    assert desk.post(f"/inbox/messages/{message['id']}/reveal") == {"text": ORIGINAL}
    entry = AuditEntry.objects.of(shop.workspace_id).get(action="message.revealed")
    assert (entry.actor_id, entry.row_id) == (anna.id, message["id"])
    desk.post("/inbox/messages/msg_other/reveal", expect=404)
