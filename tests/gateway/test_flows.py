"""Flows under a running server: who reads what, versions, hand-overs, what is kept of a customer."""

from typing import Any

import openai
import pytest

from kefu.desk.actor import system
from kefu.desk.assistants import actions, queries
from kefu.desk.contacts.queries import contact
from kefu.desk.inbox.models import Conversation, Message
from kefu.desk.wiring import wiring

from .conftest import Shop, new_visitor
from .test_dispatch import FACT, QUESTION, eventually, let_generate
from .test_stream import sse, until

FLOW = """schema: kefu.flow/v1
id: find
name: {en: Find}
languages: [en]
when: {keywords: {en: [where is it]}}
slots:
  order_number: {type: pattern, pattern: 'LL\\d{12}', question: {en: "Which order?"}}
  again: {type: text, question: {en: "VERSION one: anything else?"}}
steps:
  - ask: order_number
  - call: shop.order
    with: {order_number: "{{ order_number }}"}
    save: {address: "{{ result.address }}", status: "{{ result.status }}"}
    on_error:
      - hand_over: {reason: tool, team: orders, note: "No order {{ order_number }}"}
  - say: {en: "It is {{ status }} and goes to {{ address }}."}
  - set: {contact.last_order: "{{ order_number }}"}
  - ask: again
  - end: solved
"""
TOOL = {
    "name": "shop.order",
    "url": "internal:demo-shop/orders/{order_number}",
    "outputs": {"status": "$.status", "address": {"path": "$.address", "personal": "address"}},
}
ADDRESS = "杭州市西湖区文三路90号2幢301室"


@pytest.fixture
def flow(shop: Shop) -> str:
    kefu = system(shop.workspace_id)
    actions.save_tool(kefu, definition=TOOL)
    made = actions.save_flow(kefu, text=FLOW)
    actions.publish_flow(kefu, flow_id=made.info.id)
    return made.info.id


def reply_to(shop: Shop, thread: str, text: str) -> dict[str, Any]:
    return shop.say(thread, text)["reply"]  # type: ignore[no-any-return]


def live(shop: Shop) -> int | None:
    """The version that the server starts."""
    flow = wiring().mind(shop.workspace_id).flows.get("find")
    return flow.version if flow is not None else None


def test_a_customer_reads_what_a_system_said_and_members_a_placeholder(shop: Shop, flow: str, address: str) -> None:
    with new_visitor(address, shop) as visitor:
        thread = visitor.post("/v1/conversations", json={}).json()["id"]
        for text in ("Where is it?", "LL202611010002"):
            answer = visitor.post(f"/v1/conversations/{thread}/messages?wait=60", json={"text": text}).json()
        assert f"goes to {ADDRESS}." in answer["reply"]["answer"]
        assert answer["reply"]["decision"] == "flow"
        lines = visitor.get(f"/v1/conversations/{thread}/messages").json()["messages"]
        assert f"goes to {ADDRESS}." in lines[-1]["text"]
    stored = Message.objects.of(shop.workspace_id).filter(conversation_id=thread, author="assistant").last()
    assert "goes to <ADDRESS_1>." in stored.text
    turn = shop.get(f"/v1/conversations/{thread}/turns/{lines[-2]['turn']}")
    [step] = [each for each in turn["trace"]["steps"] if each["name"] == "flow"]
    assert (step["flow"], step["version"], step["tool_calls"][0]["outputs"]["address"]) == ("find", 1, "<ADDRESS_1>")
    assert ADDRESS not in repr(turn)
    [call] = queries.tool_calls(system(shop.workspace_id))
    assert (call.state, call.tool) == ("done", "shop.order")


def test_pieces_that_are_shown_are_what_is_stored(shop: Shop, flow: str) -> None:
    kefu = system(shop.workspace_id)
    actions.save_flow(kefu, text=FLOW.replace("VERSION one: anything else?", "Anything else for {{ address }}?"))
    let_generate(shop, FACT)
    actions.publish_flow(kefu, flow_id=flow)
    eventually(lambda: live(shop) == 2)  # and what was changed before it
    thread = shop.start()
    reply_to(shop, thread, "Where is it?")
    reply_to(shop, thread, "LL202611010002")
    with shop.client.stream("GET", f"/v1/conversations/{thread}/events") as stream:
        lines = stream.iter_lines()
        next(lines)
        shop.say(thread, QUESTION, wait=0)
        seen = until(sse(lines), "reply.completed")
    pieces = [data["text"] for _, name, data in seen if name == "reply.delta"]
    assert "".join(pieces) == seen[-1][2]["text"]
    assert f"Anything else for {ADDRESS}?" in pieces[-1]


def test_a_flow_answers_programs_that_speak_openais_protocol_piece_by_piece(
    shop: Shop, flow: str, address: str
) -> None:
    with openai.OpenAI(base_url=f"{address}/v1", api_key=shop.key, max_retries=0, timeout=60) as client:
        said = []
        for text in ("Where is it?", "LL202611010002"):
            messages = [{"role": "user", "content": text}]
            chunks = list(client.chat.completions.create(model="assistant", messages=messages, user="u8", stream=True))
            said.append("".join(chunk.choices[0].delta.content or "" for chunk in chunks))
            assert (chunks[-1].kefu["decision"], chunks[-1].kefu["answer"]) == ("flow", said[-1])
            assert chunks[-1].choices[0].finish_reason == "stop"
    assert said[0] == "Which order?"
    assert f"goes to {ADDRESS}." in said[1]
    [call] = queries.tool_calls(system(shop.workspace_id))
    assert (call.state, call.tool) == ("done", "shop.order")


def test_a_run_goes_on_in_the_version_that_it_began(shop: Shop, flow: str) -> None:
    thread = shop.start()
    reply_to(shop, thread, "Where is it?")
    kefu = system(shop.workspace_id)
    actions.save_flow(kefu, text=FLOW.replace("VERSION one", "VERSION two"))
    actions.publish_flow(kefu, flow_id=flow)
    eventually(lambda: live(shop) == 2)
    assert "VERSION one" in reply_to(shop, thread, "LL202611010002")["answer"]
    other = shop.start()
    reply_to(shop, other, "Where is it?")
    assert "VERSION two" in reply_to(shop, other, "LL202611010002")["answer"]
    actions.pause_flow(kefu, flow_id=flow)
    eventually(lambda: live(shop) is None)
    assert reply_to(shop, other, "no, thanks")["decision"] == "flow"
    assert reply_to(shop, shop.start(), "Where is it?")["decision"] != "flow"


def test_a_flow_that_hands_over_leaves_a_note_and_no_state(shop: Shop, flow: str) -> None:
    thread = shop.start()
    reply_to(shop, thread, "Where is it?")
    row = Conversation.objects.of(shop.workspace_id).get(id=thread)
    assert row.assistant_state["frames"][0]["flow"] == "find"
    assert reply_to(shop, thread, "LL000000000000")["decision"] == "hand_over"
    row.refresh_from_db()
    assert (row.status, row.assistant_state) == ("waiting", None)
    notes = Message.objects.of(shop.workspace_id).filter(conversation_id=thread, is_internal=True)
    assert [note.text for note in notes] == ["→ orders\nNo order LL000000000000"]
    assert all("No order" not in line["text"] for line in shop.messages(thread))


def test_what_a_flow_learnt_is_kept_with_the_customer(shop: Shop, flow: str) -> None:
    thread = shop.start(contact="customer-7")
    reply_to(shop, thread, "Where is it?")
    reply_to(shop, thread, "LL202611010002")
    row = Conversation.objects.of(shop.workspace_id).get(id=thread)
    profile = contact(system(shop.workspace_id), row.contact_id).profile
    assert profile["last_order"] == "LL202611010002"
