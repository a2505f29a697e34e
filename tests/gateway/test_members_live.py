"""Members at the one socket: tickets, everything of their workspace, for as long as they are members."""

import contextlib
import hashlib
import hmac
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from kefu.desk import merging
from kefu.desk.accounts import actions as accounts
from kefu.desk.actor import Actor, Role, system
from kefu.desk.assistants import actions as assistants
from kefu.desk.inbox import actions, queries
from kefu.gateway.gate import visitor_of

from .conftest import Shop, new_visitor
from .test_dispatch import eventually


@pytest.fixture
def anna(shop: Shop) -> Actor:
    return member(shop, "Anna")


def member(shop: Shop, name: str, role: Role = Role.AGENT) -> Actor:
    made = accounts.invite(system(shop.workspace_id), email=f"{name}@{shop.slug}.example", role=role, name=name)
    return Actor(shop.workspace_id, "member", made.member.id, role=role)


@contextlib.contextmanager
def socket_of(address: str, actor: Actor) -> Iterator[ClientConnection]:
    """A member's socket, past the greeting."""
    with said_hello(address, accounts.make_ticket(actor)) as socket:
        assert frame(socket)["type"] == "ready"
        yield socket


@contextlib.contextmanager
def said_hello(address: str, ticket: Any) -> Iterator[ClientConnection]:
    with connect(address.replace("http", "ws", 1) + "/v1/live") as socket:
        socket.send(json.dumps({"type": "hello", "ticket": ticket}))
        yield socket


def frame(socket: ClientConnection, timeout: float = 60) -> dict[str, Any]:
    return dict(json.loads(socket.recv(timeout=timeout)))


def until(socket: ClientConnection, **wanted: Any) -> list[dict[str, Any]]:
    seen: list[dict[str, Any]] = []
    while not seen or any(seen[-1].get(name) != value for name, value in wanted.items()):
        seen.append(frame(socket))
    return seen


def test_a_member_sees_a_customer_served_and_handed_over(address: str, shop: Shop, anna: Actor) -> None:
    with socket_of(address, anna) as socket:
        thread = shop.start()
        shop.say(thread, "What are your opening hours? I am at 138 0013 8000.")
        seen = until(socket, type="reply.completed")
        kinds = [each["type"] for each in seen if each["type"] not in {"reply.delta", "changed"}]
        assert kinds == ["conversation.created", "message.created", "reply.completed"]
        said = next(each["message"] for each in seen if each["type"] == "message.created")
        assert (said["text"], said["masked"]) == ("What are your opening hours? I am at <PHONE_1>.", True)
        shop.post(f"/v1/conversations/{thread}/hand-over")
        updated = until(socket, type="conversation.updated")[-1]
        assert (updated["conversation"]["status"], updated["conversation"]["unread"]) == ("waiting", None)
        assert updated["event"] > seen[-1]["event"]


def test_the_customer_sees_who_came(address: str, shop: Shop, anna: Actor) -> None:
    with new_visitor(address, shop) as visitor:
        thread = visitor.post("/v1/conversations", json={}).json()["id"]
        actions.take(anna, conversation_id=thread)
        shown = visitor.get(f"/v1/conversations/{thread}").json()
        assert (shown["status"], shown["assignee_name"]) == ("open", "Anna")
        actions.note(anna, conversation_id=thread, text="A good customer")
        actions.reply(anna, conversation_id=thread, text="Hello, call me on 138 0013 8000")
        said = visitor.get(f"/v1/conversations/{thread}/messages").json()["messages"]
        assert [(each["author"], each["text"]) for each in said] == [
            ("system", "Anna has joined the conversation."),
            ("member", "Hello, call me on 138 0013 8000"),
        ]


def test_members_see_notes_live_and_customers_do_not(address: str, shop: Shop, anna: Actor) -> None:
    with new_visitor(address, shop) as visitor:
        thread = visitor.post("/v1/conversations", json={}).json()["id"]
        token = visitor.headers["authorization"].removeprefix("Bearer ")
        with socket_of(address, anna) as mine, connect(address.replace("http", "ws", 1) + "/v1/live") as theirs:
            theirs.send(json.dumps({"type": "hello", "token": token}))
            assert frame(theirs)["type"] == "ready"
            actions.note(anna, conversation_id=thread, text="A good customer")
            actions.reply(anna, conversation_id=thread, text="Hello there")
            seen = until(mine, type="message.created")
            assert seen[-1]["message"]["internal"] is True
            told = until(theirs, type="message.created") + until(theirs, type="message.created")
            assert "A good customer" not in str(told)
            assert told[-1]["message"]["text"] == "Hello there"


def test_who_types_is_seen_by_the_other_side(address: str, shop: Shop, anna: Actor) -> None:
    with new_visitor(address, shop) as visitor:
        thread = visitor.post("/v1/conversations", json={}).json()["id"]
        token = visitor.headers["authorization"].removeprefix("Bearer ")
        with socket_of(address, anna) as mine, connect(address.replace("http", "ws", 1) + "/v1/live") as theirs:
            theirs.send(json.dumps({"type": "hello", "token": token}))
            assert frame(theirs)["type"] == "ready"
            for socket in (mine, theirs):
                socket.send(json.dumps({"type": "typing", "conversation": thread}))
            assert until(theirs, type="typing")[-1] == {
                "type": "typing",
                "conversation": thread,
                "author": "member",
                "name": "Anna",
            }
            assert until(mine, type="typing")[-1]["author"] == "contact"


def test_who_is_online_is_told_to_members(address: str, shop: Shop, anna: Actor) -> None:
    ben = member(shop, "Ben")
    with socket_of(address, anna) as socket:
        with said_hello(address, accounts.make_ticket(ben)) as other:
            assert {each["name"] for each in frame(other)["online"]} == {"Anna", "Ben"}
            assert {each["name"] for each in until(socket, type="presence")[-1]["online"]} == {"Anna", "Ben"}
        assert [each["name"] for each in until(socket, type="presence")[-1]["online"]] == ["Anna"]


def test_rows_that_changed_are_named(address: str, shop: Shop, anna: Actor) -> None:
    with socket_of(address, anna) as socket:
        made = accounts.create_key(system(shop.workspace_id), name="new")
        # The workspace's first key, made just before, may still be on its way.
        told = until(socket, type="changed", kind="key.created", id=made.key.id)
        assert made.secret not in str(told)


@pytest.mark.parametrize("ticket", ["", "ticket_wrong", None, 7])
def test_a_bad_ticket_opens_nothing(address: str, ticket: Any) -> None:
    with said_hello(address, ticket) as socket, pytest.raises(ConnectionClosed) as closed:
        socket.recv(timeout=60)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4401


def test_a_used_ticket_opens_nothing(address: str, anna: Actor) -> None:
    ticket = accounts.make_ticket(anna)
    with said_hello(address, ticket) as first:
        assert frame(first)["type"] == "ready"
        with said_hello(address, ticket) as second, pytest.raises(ConnectionClosed):
            second.recv(timeout=60)


def test_an_ended_membership_closes_the_socket_before_the_next_event(address: str, shop: Shop, anna: Actor) -> None:
    with socket_of(address, anna) as socket:
        accounts.change_member(system(shop.workspace_id), member_id=anna.id, is_active=False)
        thread = shop.start()
        shop.say(thread, "What are your opening hours?")
        seen: list[Any] = []
        with pytest.raises(ConnectionClosed) as closed:
            seen.extend(iter(lambda: frame(socket), None))
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4401
    assert thread not in str(seen)


def test_a_viewer_sees_no_names_of_customers(address: str, shop: Shop, anna: Actor) -> None:
    viewer = member(shop, "Vic", Role.VIEWER)
    with socket_of(address, anna) as seeing, socket_of(address, viewer) as viewing:
        shop.start(contact={"id": "7", "profile": {"name": "Mia Novak"}})
        names = [until(socket, type="conversation.created")[-1] for socket in (seeing, viewing)]
        assert [each["conversation"]["contact"]["name"] for each in names] == ["Mia Novak", ""]


def test_another_workspaces_events_are_not_seen(address: str, shop: Shop, other_shop: Shop, anna: Actor) -> None:
    with socket_of(address, anna) as socket:
        foreign, own = other_shop.start(), shop.start()
        seen = until(socket, type="conversation.created")
        assert seen[-1]["conversation"]["id"] == own
        assert foreign not in str(seen)


def test_a_generation_ends_when_a_member_takes_over(address: str, shop: Shop, anna: Actor) -> None:
    kefu = system(shop.workspace_id)
    reply = "Standard delivery costs ¥12. " * 130  # 26 s, just under what a generation may take
    assistants.set_up(kefu, policy={"kinds": ["generated"]})
    assistants.set_generator(kefu, reference="scripted:slow", options={"default": reply, "delay": 0.05})
    with socket_of(address, anna) as socket, ThreadPoolExecutor(1) as pool:
        thread = shop.start()
        answered = pool.submit(shop.say, thread, "How much does standard delivery cost?")
        until(socket, type="reply.delta")
        actions.take(anna, conversation_id=thread)
        stored = answered.result(20)  # the whole reply would take longer
    assert stored["reply"] is None
    left = queries.turn(kefu, stored["message"]["turn"])
    assert (left.outcome, (left.trace or {})["reason"]) == ("left", "taken_over")
    assert [row.author for row in queries.messages(kefu, thread)] == ["contact", "system"]


# who a visitor is


def signed(secret: str, user: str) -> dict[str, str]:
    return {"id": user, "hash": hmac.new(secret.encode(), user.encode(), hashlib.sha256).hexdigest()}


@pytest.fixture
def secret(shop: Shop) -> str:
    return actions.new_identity_secret(system(shop.workspace_id), channel_id=shop.channel_id)


def arrive(address: str, shop: Shop, expect: int = 201, **body: Any) -> Any:
    answer = httpx.post(f"{address}/v1/channels/{shop.channel_id}/visitors", json=body, timeout=60)
    assert answer.status_code == expect, answer.text
    return answer.json()


def profile_of(shop: Shop, contact_id: str) -> dict[str, Any]:
    from kefu.desk.contacts.queries import contact

    return contact(system(shop.workspace_id), contact_id).profile


def test_a_signed_user_is_the_same_contact_in_every_browser(address: str, shop: Shop, secret: str) -> None:
    first = arrive(address, shop, identity={**signed(secret, "42"), "name": "Mia", "profile": {"plan": "gold"}})
    second = arrive(address, shop, identity={**signed(secret, "42"), "email": "mia@example.com"})
    assert first["contact"] == second["contact"]
    assert profile_of(shop, first["contact"]) == {"name": "Mia", "plan": "gold", "email": "mia@example.com"}
    assert arrive(address, shop, identity=signed(secret, "43"))["contact"] != first["contact"]


def test_what_was_said_before_logging_in_stays(address: str, shop: Shop, secret: str) -> None:
    nameless = arrive(address, shop)
    with httpx.Client(base_url=address, headers={"Authorization": f"Bearer {nameless['token']}"}, timeout=60) as client:
        thread = client.post("/v1/conversations", json={}).json()["id"]
    known = arrive(address, shop, token=nameless["token"], identity=signed(secret, "42"))
    assert known["conversation"]["id"] == thread
    again = arrive(address, shop, identity=signed(secret, "42"))
    assert again["conversation"]["id"] == thread
    other = arrive(address, shop)
    with httpx.Client(base_url=address, headers={"Authorization": f"Bearer {other['token']}"}, timeout=60) as client:
        second = client.post("/v1/conversations", json={}).json()["id"]
    joined = arrive(address, shop, token=other["token"], identity=signed(secret, "42"))
    assert {each.id for each in queries.conversations(visitor_of(joined["token"]))} == {thread, second}


def test_two_users_of_one_browser_stay_apart(address: str, shop: Shop, secret: str) -> None:
    first = arrive(address, shop, identity=signed(secret, "42"))
    with httpx.Client(base_url=address, headers={"Authorization": f"Bearer {first['token']}"}, timeout=60) as client:
        thread = client.post("/v1/conversations", json={}).json()["id"]
    second = arrive(address, shop, token=first["token"], identity=signed(secret, "43"))
    assert second["contact"] != first["contact"]
    assert second["conversation"] is None
    assert queries.conversation(visitor_of(first["token"]), thread).id == thread


@pytest.mark.parametrize("wrong", ["", "0" * 64, "another user's"])
def test_a_wrong_signature_is_refused(address: str, shop: Shop, secret: str, wrong: str) -> None:
    wrong = signed(secret, "43")["hash"] if wrong == "another user's" else wrong
    assert arrive(address, shop, 403, identity={"id": "42", "hash": wrong})["code"] == "identity_invalid"


def test_without_a_secret_nobody_is_known(address: str, shop: Shop) -> None:
    assert arrive(address, shop, 403, identity=signed("", "42"))["code"] == "identity_invalid"


def test_what_visitors_say_of_themselves_is_kept(address: str, shop: Shop) -> None:
    known = arrive(address, shop, attributes={"name": "Mia", "vip": True})
    arrive(address, shop, token=known["token"], attributes={"email": "mia@example.com"})
    assert profile_of(shop, known["contact"]) == {"name": "Mia", "vip": True, "email": "mia@example.com"}
    arrive(address, shop, 422, token=known["token"], attributes={"email": "nobody"})
    arrive(address, shop, 422, token=known["token"], attributes={"x": "y" * 5000})


def test_who_waited_in_vain_leaves_an_address(address: str, shop: Shop) -> None:
    with new_visitor(address, shop) as visitor:
        thread = visitor.post("/v1/conversations", json={}).json()["id"]
        path = f"/v1/conversations/{thread}/address"
        assert visitor.post(path, json={"email": "nobody"}).status_code == 422
        assert visitor.post(path, json={"email": "mia@example.com"}).json()["address_wanted"] is False
        contact_id = queries.conversation(system(shop.workspace_id), thread).contact_id
        assert profile_of(shop, contact_id) == {"email": "mia@example.com"}


def test_members_see_who_looks_at_a_conversation_and_customers_do_not(address: str, shop: Shop, anna: Actor) -> None:
    ben = member(shop, "Ben")
    with new_visitor(address, shop) as visitor, socket_of(address, anna) as annas:
        thread = visitor.post("/v1/conversations", json={}).json()["id"]
        token = visitor.headers["authorization"].removeprefix("Bearer ")
        with connect(address.replace("http", "ws", 1) + "/v1/live") as theirs, socket_of(address, ben) as bens:
            theirs.send(json.dumps({"type": "hello", "token": token}))
            bens.send(json.dumps({"type": "looking", "conversation": thread}))
            seen = until(annas, type="looking")[-1]
            assert seen == {"type": "looking", "conversation": thread, "people": [{"id": ben.id, "name": "Ben"}]}
            with said_hello(address, accounts.make_ticket(anna)) as second:
                assert frame(second)["looking"] == {thread: [{"id": ben.id, "name": "Ben"}]}
            theirs.send(json.dumps({"type": "looking", "conversation": thread}))
            theirs.send(json.dumps({"type": "ping"}))
            assert "looking" not in {each["type"] for each in until(theirs, type="pong")}
        assert until(annas, type="looking", people=[])[-1]["conversation"] == thread


def test_a_note_that_names_a_member_is_told_live(address: str, shop: Shop, anna: Actor) -> None:
    ben = member(shop, "Ben")
    thread = shop.start()
    with socket_of(address, anna) as socket:
        actions.note(ben, conversation_id=thread, text="@Anna look", mentions=[anna.id])
        told = until(socket, type="changed", kind="mention.created")[-1]
        assert (told["id"], told["conversation"]) == (anna.id, thread)


def test_a_merged_visitors_token_is_the_other_contacts(address: str, shop: Shop) -> None:
    kefu = system(shop.workspace_id)
    with new_visitor(address, shop) as one, new_visitor(address, shop) as other:
        threads = [each.post("/v1/conversations", json={}).json()["id"] for each in (one, other)]
        kept, gone = (queries.conversation(kefu, each).contact_id for each in threads)
        merging.merge(kefu, contact_id=kept, other_id=gone)

        def shown(visitor: httpx.Client) -> set[str]:
            return {each["id"] for each in visitor.get("/v1/conversations").json()["conversations"]}

        eventually(lambda: shown(other) == set(threads))  # the server reads of the merge after it is stored
        assert shown(one) == set(threads)
