"""Conversations and messages through the public API."""

from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from .conftest import Shop, new_visitor
from .test_dispatch import eventually


def test_a_question_is_answered_with_its_source(shop: Shop) -> None:
    stored = shop.say(shop.start(), "How much does standard delivery cost?")
    reply = stored["reply"]
    assert reply["decision"] in {"extracted", "approved"}
    assert "¥12" in reply["answer"]
    [citation, *_] = reply["citations"]
    assert "¥12" in citation["text"]
    assert citation["document"] == "help.md"


def test_a_faq_is_answered_word_for_word(shop: Shop) -> None:
    reply = shop.say(shop.start(), "what are your opening hours")["reply"]
    assert reply["decision"] == "approved"
    assert reply["answer"] == "We answer from 9:00 to 21:00 every day."


def test_what_nobody_knows_is_refused_and_a_second_time_handed_over(shop: Shop) -> None:
    thread = shop.start()
    assert shop.say(thread, "Who won the chess championship in 1972?")["reply"]["decision"] == "refuse"
    assert shop.say(thread, "And how tall is the Eiffel tower?")["reply"]["decision"] == "hand_over"
    assert shop.get(f"/v1/conversations/{thread}")["status"] == "waiting"
    left = shop.say(thread, "hello?")
    assert left["reply"] is None
    assert left["message"]["outcome"] == "left"


def test_without_waiting_the_message_is_stored_and_answered_all_the_same(shop: Shop) -> None:
    thread = shop.start()
    stored = shop.say(thread, "What are your opening hours?", wait=0)
    assert stored["reply"] is None
    assert stored["message"]["outcome"] == "pending"
    # The same key gives the same message, and waiting for it gives the reply.
    again = shop.say(thread, "Thanks", wait=60)
    assert again["reply"] is not None
    assert [message["author"] for message in shop.messages(thread)].count("assistant") in {1, 2}


def test_a_repeated_key_stores_once_and_gives_the_same_reply(shop: Shop) -> None:
    thread = shop.start()
    first = shop.say(thread, "What are your opening hours?", key="k1")
    second = shop.say(thread, "What are your opening hours?", key="k1", expect=200)
    assert second["message"]["id"] == first["message"]["id"]
    assert second["reply"]["answer"] == first["reply"]["answer"]
    assert len(shop.messages(thread)) == 2


def test_a_key_used_with_another_text_is_a_conflict(shop: Shop) -> None:
    thread = shop.start()
    shop.say(thread, "What are your opening hours?", key="k2")
    assert shop.say(thread, "Something else", key="k2", expect=409)["code"] == "conflict"


@pytest.mark.parametrize("text", ["", "   \n", "x" * 8001, "a\x00b"])
def test_a_text_that_cannot_be_stored_is_refused_with_a_reason(shop: Shop, text: str) -> None:
    problem = shop.say(shop.start(), text, expect=422)
    assert problem["field"] == "text"
    assert problem["detail"]


def test_a_body_that_breaks_off_is_said_to_be_no_json(shop: Shop) -> None:
    answer = shop.client.post(
        f"/v1/conversations/{shop.start()}/messages", content=b'{"text": ', headers={"Content-Type": "application/json"}
    )
    problem = answer.json()
    assert (answer.status_code, problem["field"]) == (422, "body")
    assert problem["detail"] == "The body is not JSON: Expecting value at character 9."


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"words": 1}', b'{"text": 5}', b"\xff\xfe"])
def test_a_body_of_another_shape_is_a_problem_document(shop: Shop, body: bytes) -> None:
    path = f"/v1/conversations/{shop.start()}/messages"
    answer = shop.client.post(path, content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_body_past_the_limit_is_refused(shop: Shop) -> None:
    path = f"/v1/conversations/{shop.start()}/messages"
    assert shop.client.post(path, json={"text": "x" * 1_200_000}).status_code == 413


def test_personal_data_is_masked_for_the_program_and_kept_for_the_contact(shop: Shop, visitor: httpx.Client) -> None:
    thread = visitor.post("/v1/conversations", json={}).json()["id"]
    said = "Write to me at jo@example.com"
    shown = visitor.post(f"/v1/conversations/{thread}/messages", json={"text": said}).json()["message"]["text"]
    assert shown == said
    assert shop.messages(thread)[0]["text"] == "Write to me at <EMAIL_1>"
    assert visitor.get(f"/v1/conversations/{thread}/messages").json()["messages"][0]["text"] == said


def test_what_comes_at_once_is_each_answered_by_itself(shop: Shop, other_shop: Shop) -> None:
    threads = [shop.start() for _ in range(12)]
    threads[5] = other_shop.start()

    def said(number: int) -> int:
        body = {"text": f"What are your opening hours? {number}"}
        # Waits for its reply: turns still at work would meet the database being emptied for the next test.
        return shop.client.post(f"/v1/conversations/{threads[number]}/messages?wait=60", json=body).status_code

    with ThreadPoolExecutor(12) as pool:
        answered = list(pool.map(said, range(12)))
    assert answered == [404 if number == 5 else 201 for number in range(12)]
    for number in {*range(12)} - {5}:
        assert shop.messages(threads[number])[0]["text"] == f"What are your opening hours? {number}"
    assert other_shop.messages(threads[5]) == []


def test_messages_after_a_sequence(shop: Shop) -> None:
    thread = shop.start()
    shop.say(thread, "What are your opening hours?")
    assert [m["sequence"] for m in shop.messages(thread)] == [1, 2]
    later = shop.get(f"/v1/conversations/{thread}/messages?after=1")["messages"]
    assert [m["author"] for m in later] == ["assistant"]


def test_a_resolved_conversation_opens_again_with_the_assistant(shop: Shop) -> None:
    thread = shop.start()
    assert shop.post(f"/v1/conversations/{thread}/resolve")["status"] == "resolved"
    assert shop.say(thread, "What are your opening hours?")["reply"]["decision"] == "approved"
    assert shop.get(f"/v1/conversations/{thread}")["status"] == "bot"


def test_asking_for_a_person_silences_the_assistant(shop: Shop) -> None:
    thread = shop.start()
    assert shop.post(f"/v1/conversations/{thread}/hand-over")["status"] == "waiting"
    assert shop.say(thread, "What are your opening hours?")["reply"] is None


def test_whoever_waits_may_ask_the_assistant_again(shop: Shop) -> None:
    thread = shop.start()
    shop.post(f"/v1/conversations/{thread}/hand-over")
    left = shop.say(thread, "What are your opening hours?", key="asked while waiting")
    assert (left["reply"], left["message"]["outcome"]) == (None, "left")
    assert shop.client.delete(f"/v1/conversations/{thread}/hand-over").json()["status"] == "bot"
    answered = shop.say(thread, "What are your opening hours?", key="asked while waiting", expect=200)
    assert answered["reply"]["decision"] == "approved"


def test_feedback_is_kept_on_the_answer(shop: Shop) -> None:
    thread = shop.start()
    shop.say(thread, "What are your opening hours?")
    answer = shop.messages(thread)[1]["id"]
    shop.post(f"/v1/conversations/{thread}/messages/{answer}/feedback", {"value": "down"}, expect=204)
    assert shop.messages(thread)[1]["thumb"] == "down"
    question = shop.messages(thread)[0]["id"]
    shop.post(f"/v1/conversations/{thread}/messages/{question}/feedback", {"value": "up"}, expect=404)


def test_a_turn_explains_itself(shop: Shop) -> None:
    thread = shop.start()
    turn = shop.say(thread, "How much does standard delivery cost?")["message"]["turn"]
    trace = shop.get(f"/v1/conversations/{thread}/turns/{turn}")["trace"]
    assert [step["name"] for step in trace["steps"]][:3] == ["hear", "mask", "understand"]
    assert trace["passages"]


def test_a_known_contact_is_met_again(shop: Shop) -> None:
    first = shop.post("/v1/conversations", {"contact": "customer-7"}, expect=201)
    second = shop.post("/v1/conversations", {"contact": {"id": "customer-7"}}, expect=201)
    assert first["contact"] == second["contact"]
    assert first["id"] != second["id"]


def test_another_workspace_sees_nothing(shop: Shop, other_shop: Shop) -> None:
    thread = shop.start()
    turn = shop.say(thread, "What are your opening hours?")["message"]["turn"]
    for path in ("", "/messages", "/events", f"/turns/{turn}"):
        other_shop.get(f"/v1/conversations/{thread}{path}", expect=404)
    other_shop.say(thread, "hello", expect=404)
    other_shop.post("/v1/conversations", {"channel": shop.channel_id}, expect=404)
    assert other_shop.get("/v1/conversations")["conversations"] == []


def test_a_visitor_sees_only_their_own(address: str, shop: Shop, visitor: httpx.Client) -> None:
    mine = visitor.post("/v1/conversations", json={}).json()["id"]
    with new_visitor(address, shop) as stranger:
        assert stranger.get(f"/v1/conversations/{mine}").status_code == 404
        assert stranger.get(f"/v1/conversations/{mine}/messages").status_code == 404
        assert stranger.post(f"/v1/conversations/{mine}/messages", json={"text": "hi"}).status_code == 404
        assert stranger.get("/v1/conversations").json() == {"conversations": []}
    assert visitor.get("/v1/knowledge/sources").status_code == 403


def test_a_visitor_with_their_token_stays_who_they_were(address: str, shop: Shop) -> None:
    path = f"{address}/v1/channels/{shop.channel_id}/visitors"
    first = httpx.post(path, json={}, timeout=60).json()
    again = httpx.post(path, json={"token": first["token"]}, timeout=60).json()
    forged = httpx.post(path, json={"token": first["token"][:-3] + "abc"}, timeout=60).json()
    assert again["contact"] == first["contact"]
    assert forged["contact"] != first["contact"]


@pytest.mark.parametrize(
    "header", [None, "Bearer", "Bearer nonsense", "Bearer kefu_nonsense", "Basic abc", "Bearer ä.b"]
)
def test_without_a_valid_token_nothing_opens(address: str, header: str | None) -> None:
    headers = {"Authorization": header.encode()} if header else {}
    answer = httpx.get(f"{address}/v1/conversations", headers=headers, timeout=60)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"


def test_a_revoked_key_opens_nothing_at_once(shop: Shop) -> None:
    from kefu.desk.accounts.actions import revoke_key
    from kefu.desk.actor import system

    shop.get("/v1/conversations")
    revoke_key(system(shop.workspace_id), key_id=shop.key_id)
    # The server learns of another process's write within its 100 ms poll.
    eventually(lambda: shop.client.get("/v1/conversations").status_code == 401)


def test_a_key_does_only_what_its_scopes_allow(address: str, shop: Shop) -> None:
    from kefu.desk.accounts.actions import create_key
    from kefu.desk.actor import Scope, system

    made = create_key(system(shop.workspace_id), name="reader", scopes=(Scope.KNOWLEDGE_READ,))
    reader = httpx.Client(base_url=address, headers={"Authorization": f"Bearer {made.secret}"}, timeout=60)
    assert reader.get("/v1/knowledge/sources").status_code == 200
    assert reader.post("/v1/knowledge/articles", json={"title": "a", "text": "b"}).status_code == 403
    assert reader.post("/v1/conversations", json={}).status_code == 403


def test_health(address: str) -> None:
    assert httpx.get(f"{address}/healthz", timeout=60).json()["status"] == "ok"
    assert httpx.get(f"{address}/readyz", timeout=60).json()["database"] == "ok"
