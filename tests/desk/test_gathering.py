"""What a workspace knows and what was said in it become texts to learn from, masked."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from kefu.cli import data_texts
from kefu.contracts.turn import Citation, Decision
from kefu.desk import own_data
from kefu.desk.actor import Role
from kefu.desk.contacts.care import agree
from kefu.desk.erasure import erase
from kefu.desk.inbox import actions as inbox
from kefu.desk.inbox.queries import conversation
from kefu.desk.inbox.queries.chats import chats
from kefu.desk.library.actions import add_file
from kefu.desk.library.due import read_sources
from kefu.desk.wiring import wiring
from kefu.factory.data.read import read as read_labels
from kefu.kit.errors import KefuError, NotAllowed
from kefu.knowledge.pairs import pairs_of

from .desks import desk_for
from .shops import Shop, claim, finish, made_shop

pytestmark = pytest.mark.django_db

PAGE = "# Refunds\n\nRefunds take five days. Ask mara@example.com.\n"


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Shop:
    monkeypatch.setattr(data_texts, "ready", lambda: None)  # the database is the test's own, and ready
    made = made_shop()
    page = add_file(made.kefu, name="refunds.md", data=PAGE.encode())
    read_sources(made.workspace_id, [page.id], embed=wiring().embed)
    return made


def gather(shop: Shop, out: Path, *arguments: str) -> Result:
    return CliRunner().invoke(data_texts.gather, ["--out", str(out), *arguments, "-w", shop.slug])


def rows(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def begun(shop: Shop, *, agreed: bool | None = True) -> str:
    """A conversation with a new contact, and what they said to training; None: nothing."""
    thread = shop.start()
    if agreed is not None:
        contact = conversation(shop.kefu, thread).contact_id
        agree(shop.kefu, contact_id=contact, kind="training", is_given=agreed, source="form")
    return thread


def answered(shop: Shop) -> str:
    """A conversation with an answer of a member and a note that nobody outside sees."""
    thread = begun(shop)
    inbox.ask_for_member(shop.program, conversation_id=thread)
    shop.say(thread, "My mail is otto@example.com")
    shop.say(thread, "Where is it?")
    member = shop.member(Role.AGENT)
    inbox.take(member, conversation_id=thread)
    inbox.reply(member, conversation_id=thread, text="On its way.")
    inbox.note(member, conversation_id=thread, text="He is angry.")
    return thread


def test_knowledge_and_conversations_are_written_masked(shop: Shop, tmp_path: Path) -> None:
    answered(shop)
    out = tmp_path / "texts.jsonl"
    said = gather(shop, out)
    assert "2 texts are in" in said.output
    page, thread = (str(each["text"]) for each in rows(out))
    assert "Refunds take five days. Ask <EMAIL_1>." in page
    assert thread.startswith("My mail is <EMAIL_1>\nWhere is it?\n")
    assert "angry" not in thread
    assert json.loads(gather(shop, out, "--no-conversations", "--json").output)["texts"] == 1


def test_chats_have_question_and_answer_apart(shop: Shop, tmp_path: Path) -> None:
    answered(shop)
    shop.say(begun(shop), "Nobody answers")
    gather(shop, tmp_path / "chats.jsonl", "--chats")
    [chat] = rows(tmp_path / "chats.jsonl")
    assert [each["role"] for each in chat["messages"]] == ["user", "assistant"]
    assert chat["messages"][-1]["content"] == "On its way."


def cites(text: str) -> dict[str, Any]:
    return {"citations": (Citation("pas_1", "doc_1", "Help", text, 0, len(text)),)}


def asked(shop: Shop, thread: str, text: str, *, thumb: str = "", pressed: str = "", **answer: Any) -> None:
    """A question, its answer, and what the customer thought of it."""
    inbox.receive_message(shop.program, conversation_id=thread, text=text, pressed=pressed)
    [turn] = claim()
    done = finish(turn, **answer)
    assert done is not None
    if thumb:
        assert done.reply is not None
        inbox.give_feedback(shop.program, conversation_id=thread, message_id=done.reply.id, value=thumb)


def test_what_customers_found_good_are_pairs(shop: Shop, tmp_path: Path) -> None:
    asked(shop, begun(shop), "Where is my money?", thumb="up", **cites("Refunds take five days."))
    asked(shop, begun(shop), "Where is my money?", thumb="down", **cites("Pay by card."))
    asked(shop, begun(shop), "Is it open?", thumb="down", **cites("Closed on Mondays."))  # nothing answers it
    asked(shop, begun(shop), "Nobody said whether this was right", **cites("Something."))
    out = tmp_path / "pairs.jsonl"
    said = gather(shop, out, "--pairs").output
    assert "1 pairs are in" in said
    assert "Left out: 1 answers were neither judged nor chosen by a customer." in said
    assert "Left out: 1 questions have only answers that customers found wrong." in said
    [pair] = pairs_of(read_labels(out), "pairs.jsonl")
    assert (pair.question, pair.passage) == ("Where is my money?", "Refunds take five days.")
    assert pair.negatives == ("Pay by card.",)


def test_an_answer_that_was_chosen_answers_what_was_asked_first(shop: Shop, tmp_path: Path) -> None:
    thread = begun(shop)
    offered = {"decision": Decision.CLARIFY, "quick_replies": ("Refunds",), "quick_reply_values": ("refunds",)}
    asked(shop, thread, "money", **offered)
    asked(shop, thread, "Refunds", pressed="refunds", **cites("Refunds take five days."))
    asked(shop, thread, "money again", **offered)
    asked(shop, thread, "Never mind, where are you?", **cites("We are in Utrecht."))  # written, not chosen
    gather(shop, tmp_path / "pairs.jsonl", "--pairs")
    [pair] = rows(tmp_path / "pairs.jsonl")
    assert (pair["question"], pair["passage"]) == ("money", "Refunds take five days.")


@pytest.mark.parametrize("agreed", [None, False])
def test_only_who_agreed_teaches_models(shop: Shop, tmp_path: Path, agreed: bool | None) -> None:
    asked(shop, begun(shop, agreed=agreed), "Where is my money?", thumb="up", **cites("Refunds take five days."))
    for option in ("--pairs", "--chats"):
        refused = gather(shop, tmp_path / "none.jsonl", option).exception
        assert isinstance(refused, KefuError)
        assert "1 conversations are of contacts who did not agree to training" in refused.sentence
    asked(shop, begun(shop), "When do I get it?", thumb="up", **cites("Refunds take five days."))
    gather(shop, tmp_path / "some.jsonl", "--pairs")
    assert [each["question"] for each in rows(tmp_path / "some.jsonl")] == ["When do I get it?"]


def test_nothing_is_written_without_texts_and_agents_may_not_read_it_all(shop: Shop, tmp_path: Path) -> None:
    refused = gather(shop, tmp_path / "chats.jsonl", "--chats").exception
    assert isinstance(refused, KefuError)
    assert "no conversation with an answer yet" in refused.sentence
    assert isinstance(gather(shop, tmp_path / "texts.txt").exception, KefuError)
    with pytest.raises(NotAllowed):
        chats(shop.member(Role.AGENT))


def test_what_is_gathered_through_the_door_is_a_dataset_with_what_was_left_out(shop: Shop) -> None:
    answered(shop)
    shop.say(begun(shop), "Nobody answers")
    shop.say(begun(shop, agreed=None), "Not of me")
    desk = desk_for(shop, Role.ADMIN)
    made = desk.post("/datasets/gather", {"kind": "chats", "name": "what was said"}, expect=201)
    assert made["latest"]["left_out"] == {"not_agreed": 1, "unanswered": 1}
    assert (made["latest"]["rows"], made["latest"]["format"]) == (1, "gathered chats")
    [row] = desk.get(f"/datasets/{made['id']}/rows")["rows"]
    assert row["text"] == "My mail is <EMAIL_1>\nWhere is it?"
    again = desk.post("/datasets/gather", {"kind": "chats", "name": "what was said"}, expect=201)
    assert (again["id"], again["versions"]) == (made["id"], 1)
    answered(shop)
    assert desk.post("/datasets/gather", {"kind": "chats", "name": "what was said"}, expect=201)["versions"] == 2


def test_other_data_are_not_gathered_over_and_wrong_asking_is_refused(shop: Shop) -> None:
    desk = desk_for(shop, Role.ADMIN)
    texts = desk.post("/datasets/gather", {"kind": "texts", "name": "all"}, expect=201)
    assert texts["latest"]["left_out"] == {}
    answered(shop)
    assert "other data" in desk.post("/datasets/gather", {"kind": "chats", "name": "all"}, expect=409)["detail"]
    lacking = desk.post("/datasets/gather", {"kind": "pairs", "name": "good"}, expect=422)
    assert lacking["detail"].startswith("The workspace has no answer that a customer found good yet.")
    desk.post("/datasets/gather", {"kind": "songs", "name": "good"}, expect=422)
    desk_for(shop, Role.SUPERVISOR).post("/datasets/gather", {"kind": "texts", "name": "more"}, expect=403)


def test_who_no_longer_agrees_is_taken_out_of_what_was_gathered(shop: Shop) -> None:
    first, second = answered(shop), answered(shop)
    desk = desk_for(shop, Role.ADMIN)
    made = desk.post("/datasets/gather", {"kind": "chats", "name": "what was said"}, expect=201)
    alone = desk.post("/datasets/gather", {"kind": "texts", "name": "all"}, expect=201)
    assert (made["latest"]["rows"], alone["latest"]["rows"]) == (2, 3)
    assert "contact" not in own_data.gather(shop.owner, kind="chats").as_lines().decode()
    gone = conversation(shop.kefu, first).contact_id
    agree(shop.kefu, contact_id=gone, kind="marketing", is_given=False, source="form")
    assert desk.get(f"/datasets/{made['id']}")["latest"]["rows"] == 2
    agree(shop.kefu, contact_id=gone, kind="training", is_given=False, source="form")
    assert desk.get(f"/datasets/{made['id']}")["latest"]["rows"] == 1
    assert desk.get(f"/datasets/{alone['id']}")["latest"]["rows"] == 2
    erase(shop.owner, conversation(shop.kefu, second).contact_id)
    desk.get(f"/datasets/{made['id']}", expect=404)
    assert desk.get(f"/datasets/{alone['id']}")["latest"]["rows"] == 1
