"""What helps a member answer: suggestions, other words, summaries, what was solved before, what is learnt from it."""

import json
from typing import Any

import pytest

from kefu.contracts.turn import Decision
from kefu.desk.actor import Actor, Role
from kefu.desk.contacts import care
from kefu.desk.contacts.models import Consent
from kefu.desk.copilot.models import KeptEdit
from kefu.desk.copilot.said import Exchange
from kefu.desk.copilot.summing import extracted
from kefu.desk.inbox import actions as inbox
from kefu.desk.inbox.queries import conversation
from kefu.desk.library.actions import add_file
from kefu.desk.library.due import read_sources
from kefu.desk.wiring import wiring
from kefu.testing.fakes import FakeOpenAIServer

from .desks import BASE, Desk, desk_for, desk_of
from .shops import Shop, claim, finish, made_shop

pytestmark = pytest.mark.django_db

HOURS = "What are your opening hours?"
ANSWER = "We answer from 9:00 to 21:00 every day."


@pytest.fixture
def shop() -> Shop:
    made = made_shop()
    sheet = add_file(made.kefu, name="faq.csv", data=f"question,answer\n{HOURS},{ANSWER}\n".encode())
    read_sources(made.workspace_id, [sheet.id], embed=wiring().embed)
    wiring().changed(made.workspace_id, "library.changed")
    return made


@pytest.fixture
def member(shop: Shop) -> Actor:
    return shop.member(Role.AGENT)


@pytest.fixture
def desk(member: Actor) -> Desk:
    return desk_of(member)


def asked(shop: Shop, *texts: str) -> str:
    """A conversation that waits for a person."""
    thread = shop.start()
    inbox.ask_for_member(shop.program, conversation_id=thread)
    for text in texts:
        shop.say(thread, text)
    return thread


def copilot(thread: str, what: str) -> str:
    return f"/inbox/conversations/{thread}/copilot/{what}"


def keep_edits(shop: Shop) -> None:
    desk_of(shop.owner).patch("/settings", {"settings": {"keep_copilot_edits": True}})


def agree(shop: Shop, thread: str, *, is_given: bool = True) -> None:
    contact_id = conversation(shop.kefu, thread).contact_id
    care.agree(shop.owner, contact_id=contact_id, kind="training", is_given=is_given, source="chat")


def kept(shop: Shop, desk: Desk, member: Actor) -> str:
    """A conversation with a suggestion that was sent as it was."""
    keep_edits(shop)
    thread = asked(shop, HOURS)
    agree(shop, thread)
    made = desk.post(copilot(thread, "suggestion"))
    sent = inbox.reply(member, conversation_id=thread, text=ANSWER).message.id
    desk.post(copilot(thread, "sent"), {"suggestion": made["id"], "message": sent})
    return thread


# suggestions


def test_the_last_question_is_answered_from_knowledge_with_its_source(shop: Shop, desk: Desk) -> None:
    thread = asked(shop, HOURS)
    found = desk.post(copilot(thread, "suggestion"))
    assert (found["text"], found["decision"], found["question"]) == (ANSWER, "approved", HOURS)
    assert found["sources"][0]["title"] == HOURS
    assert found["id"] is None, "nothing is kept where nobody agreed to it"
    assert not KeptEdit.objects.of(shop.workspace_id).exists()


def test_a_wish_for_a_person_does_not_hide_the_question_before_it(shop: Shop, desk: Desk, member: Actor) -> None:
    thread = asked(shop, HOURS)
    inbox.reply(member, conversation_id=thread, text="One moment please.")
    shop.say(thread, "Can I talk to a person?")
    assert desk.post(copilot(thread, "suggestion"))["text"] == ANSWER


def test_where_nothing_answers_that_is_said(shop: Shop, desk: Desk) -> None:
    thread = asked(shop, "Who won the chess championship in 1972?")
    found = desk.post(copilot(thread, "suggestion"))
    assert (found["text"], found["reason"]) == ("", "nothing_found")
    empty = shop.start()
    assert desk.post(copilot(empty, "suggestion"))["reason"] == "nothing_asked"


def test_viewers_get_no_suggestions(shop: Shop) -> None:
    thread = asked(shop, HOURS)
    viewer = desk_for(shop, Role.VIEWER)
    viewer.post(copilot(thread, "suggestion"), expect=403)
    assert viewer.get(copilot(thread, "summary"))["open"] == HOURS


# what members change


def test_what_was_sent_instead_is_kept_with_consent_alone(shop: Shop, desk: Desk, member: Actor) -> None:
    keep_edits(shop)
    thread = asked(shop, HOURS)
    agree(shop, thread)
    made = desk.post(copilot(thread, "suggestion"))
    text = f"{ANSWER} My number is 138 0013 8000."
    sent = inbox.reply(member, conversation_id=thread, text=text).message.id
    body = {"suggestion": made["id"], "message": sent}
    first = desk.post(copilot(thread, "sent"), body)
    assert 0 < first["distance"] < 0.6
    assert desk.post(copilot(thread, "sent"), body) == first
    [row] = lines(desk_of(shop.owner))
    assert (row["question"], row["suggested"]) == (HOURS, ANSWER)
    assert row["sent"].startswith(ANSWER)
    assert "138 0013 8000" not in row["sent"], "personal data leave no conversation"
    agree(shop, thread, is_given=False)
    assert lines(desk_of(shop.owner)) == []
    assert not KeptEdit.objects.of(shop.workspace_id).exists(), "who takes it back is forgotten"


def test_nothing_is_kept_of_a_contact_who_did_not_agree(shop: Shop, desk: Desk) -> None:
    keep_edits(shop)
    thread = asked(shop, HOURS)
    assert desk.post(copilot(thread, "suggestion"))["id"] is None
    agree(shop, asked(shop, HOURS))  # somebody else did
    assert desk.post(copilot(thread, "suggestion"))["id"] is None
    agree(shop, thread)
    assert desk.post(copilot(thread, "suggestion"))["id"]


def test_what_was_kept_before_contacts_were_asked_is_not_exported(shop: Shop, desk: Desk, member: Actor) -> None:
    thread = kept(shop, desk, member)
    Consent.objects.of(shop.workspace_id).all().delete()
    assert lines(desk_of(shop.owner)) == []
    agree(shop, thread)
    assert len(lines(desk_of(shop.owner))) == 1


def test_a_suggestion_that_was_not_used_is_no_training_data(shop: Shop, desk: Desk) -> None:
    keep_edits(shop)
    thread = asked(shop, HOURS)
    agree(shop, thread)
    desk.post(copilot(thread, "suggestion"))
    assert lines(desk_of(shop.owner)) == []


def test_nobody_tells_of_others_messages(shop: Shop, desk: Desk) -> None:
    keep_edits(shop)
    thread = asked(shop, HOURS)
    agree(shop, thread)
    made = desk.post(copilot(thread, "suggestion"))
    theirs = shop.say(thread, "hello?").message.id
    desk.post(copilot(thread, "sent"), {"suggestion": made["id"], "message": theirs}, expect=422)
    colleague = shop.member(Role.SUPERVISOR)
    sent = inbox.reply(colleague, conversation_id=thread, text=ANSWER).message.id
    body = {"suggestion": made["id"], "message": sent}
    desk_of(colleague).post(copilot(thread, "sent"), body, expect=404)


def test_agents_do_not_export(desk: Desk) -> None:
    desk.get("/copilot/edits", expect=403)


def lines(owner: Desk) -> list[Any]:
    answer = owner.client.get(f"{BASE}/copilot/edits")
    assert answer.status_code == 200
    return [json.loads(line) for line in b"".join(answer.streaming_content).decode().splitlines()]  # type: ignore[attr-defined]


# other words


def test_without_a_language_model_nothing_is_rewritten_and_the_reason_is_said(desk: Desk) -> None:
    found = desk.get("/copilot")
    assert found["can_write"] is False
    assert "No language model is set up" in found["reason"]
    refused = desk.post("/copilot/rewrite", {"text": ANSWER, "way": "shorter"}, expect=503)
    assert refused["detail"] == found["reason"]


@pytest.fixture
def generator(shop: Shop, openai_server: FakeOpenAIServer) -> FakeOpenAIServer:
    options = {"base_url": openai_server.url, "retries": 0}
    desk_of(shop.owner).put("/assistant/engines/generator", {"reference": "openai:m", "options": options})
    wiring().changed(shop.workspace_id, "assistant.changed")
    return openai_server


def test_a_reply_is_rewritten_if_its_figures_survive(desk: Desk, generator: FakeOpenAIServer) -> None:
    generator.reply = ["Daily ", "9:00 to 21:00."]
    assert desk.get("/copilot") == {"can_write": True, "reason": ""}
    assert desk.post("/copilot/rewrite", {"text": ANSWER, "way": "shorter"}) == {"text": "Daily 9:00 to 21:00."}
    generator.reply = ["Daily 8:00 to 21:00."]
    refused = desk.post("/copilot/rewrite", {"text": ANSWER, "way": "warmer"}, expect=409)
    assert "9:00" in refused["detail"]


def test_it_is_translated_into_a_language_that_is_known(desk: Desk, generator: FakeOpenAIServer) -> None:
    generator.reply = ["我们每天9:00至21:00在线。"]
    body = {"text": ANSWER, "way": "translate", "language": "zh"}
    assert desk.post("/copilot/rewrite", body) == {"text": "我们每天9:00至21:00在线。"}
    assert "Simplified Chinese" in str(generator.requests[-1].body)
    desk.post("/copilot/rewrite", {**body, "language": "xx"}, expect=422)
    desk.post("/copilot/rewrite", {**body, "text": " "}, expect=422)


# summaries


def test_a_summary_tells_what_was_asked_answered_and_is_open(shop: Shop, desk: Desk, member: Actor) -> None:
    thread = shop.start()
    shop.say(thread, HOURS)
    finish(claim()[0], text=ANSWER)
    shop.say(thread, "Who won the chess championship?")
    finish(claim()[0], text="I do not know.", decision=Decision.REFUSE)
    inbox.ask_for_member(shop.program, conversation_id=thread)
    found = desk.get(copilot(thread, "summary"))
    assert [(point["question"], point["by"]) for point in found["points"]] == [
        (HOURS, "approved"),
        ("Who won the chess championship?", "refuse"),
    ]
    assert found["refused"] == [found["open"]] == ["Who won the chess championship?"]
    assert found["text"].splitlines() == [
        f"Asked: {HOURS} → the assistant answered: {ANSWER}",
        "Still open: Who won the chess championship?",
    ]
    inbox.reply(member, conversation_id=thread, text="Somebody else.")
    closed = desk.get(copilot(thread, "summary?language=zh"))
    assert closed["open"] == ""
    assert "同事答：Somebody else." in closed["text"]


def test_a_generated_summary_says_only_what_was_said(
    shop: Shop, desk: Desk, member: Actor, generator: FakeOpenAIServer
) -> None:
    thread = asked(shop, "How much is delivery?")
    inbox.reply(member, conversation_id=thread, text="Delivery costs ¥12.")
    shop.say(thread, "And how long does delivery take?")
    generator.reply = ["The customer asked how much delivery costs. ", "It costs ¥99."]
    found = desk.get(copilot(thread, "summary?written=true"))
    if found["is_generated"]:
        assert found["text"] == "The customer asked how much delivery costs."
    assert "¥99" not in found["text"]


def test_thanks_are_no_question_and_a_wish_for_a_person_hides_none(shop: Shop, desk: Desk, member: Actor) -> None:
    thread = shop.start()
    for text, decision in (
        ("Hello", Decision.APPROVED),
        ("Do you repair bicycles?", Decision.REFUSE),
        ("Can I talk to a person?", Decision.HAND_OVER),
    ):
        shop.say(thread, text)
        finish(claim()[0], text="Well.", decision=decision)
    assert desk.get(copilot(thread, "summary"))["text"] == "Still open: Do you repair bicycles?"
    inbox.reply(member, conversation_id=thread, text="Good morning!")
    inbox.reply(member, conversation_id=thread, text="No, we do not.")
    shop.say(thread, "Great, thanks a lot!")
    inbox.reply(member, conversation_id=thread, text="You are welcome.")
    said = "Good morning!\nNo, we do not."
    assert [(each["question"], each["answer"]) for each in desk.get(copilot(thread, "summary"))["points"]] == [
        ("Do you repair bicycles?", said.replace("\n", " "))
    ]
    draft = desk.get(copilot(thread, "faq-draft"))
    assert (draft["question"], draft["answer"]) == ("Do you repair bicycles?", said)


def test_nothing_asked_is_said_too() -> None:
    none: list[Exchange] = []
    assert extracted(none, (), "en").text == "The customer has not asked anything yet."
    assert extracted(none, (), "zh").text == "客户还没有提问。"


# what was solved before, and what it teaches


def test_resolved_conversations_with_the_same_question_are_found(shop: Shop, desk: Desk, member: Actor) -> None:
    for question, reply in ((HOURS, ANSWER), ("Do you repair bicycles?", "No, we do not.")):
        solved = asked(shop, "Hi there!")
        shop.say(solved, question)
        inbox.reply(member, conversation_id=solved, text=reply)
        inbox.resolve(member, conversation_id=solved)
    still_open = asked(shop, HOURS)
    thread = asked(shop, "What are the opening hours?")
    found = desk.get(copilot(thread, "similar"))["conversations"]
    assert [(each["question"], each["answer"], each["by"]) for each in found] == [(HOURS, ANSWER, "member")]
    assert still_open not in {each["id"] for each in found}
    assert desk.get(copilot(shop.start(), "similar"))["conversations"] == []


def test_what_a_person_answered_becomes_a_draft(shop: Shop, desk: Desk, member: Actor) -> None:
    thread = asked(shop, "Do you repair bicycles?")
    desk.get(copilot(thread, "faq-draft"), expect=404)
    inbox.reply(member, conversation_id=thread, text="No, we do not.")
    assert desk.get(copilot(thread, "faq-draft")) == {
        "question": "Do you repair bicycles?",
        "answer": "No, we do not.",
        "is_masked": False,
    }
