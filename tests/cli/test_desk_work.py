"""What members do in a conversation and with a contact, on the command line: used well and refused, in this process."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from kefu.cli.contacts import contacts
from kefu.cli.copilot import copilot
from kefu.cli.inbox import inbox
from kefu.desk.accounts.queries import member
from kefu.desk.actor import Actor, Role
from kefu.desk.inbox import actions, queries
from kefu.desk.library.queries import sources
from kefu.kit.errors import BadInput, Conflict, NotFound, Unavailable

from ..desk.shops import Shop, made_shop

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop() -> Shop:
    return made_shop(settings={"language": "en"})


@pytest.fixture
def anna(shop: Shop) -> Actor:
    return shop.member(Role.AGENT)


def run(shop: Shop, group: Any, *arguments: str) -> Any:
    """What a command printed as JSON, else its text; what it raises is raised."""
    done = CliRunner().invoke(group, [*arguments, "-w", shop.slug], catch_exceptions=False, standalone_mode=False)
    return json.loads(done.output) if "--json" in arguments else done.output


def waiting(shop: Shop) -> str:
    thread = shop.start(external_id="joe", profile={"name": "Joe"})
    shop.say(thread, "My lamp is broken. Call me at 138 0013 8000.")
    actions.ask_for_member(shop.program, conversation_id=thread)
    return thread


def test_a_conversation_is_taken_answered_given_away_and_opened_again(shop: Shop, anna: Actor, tmp_path: Path) -> None:
    thread, ben = waiting(shop), shop.member(Role.AGENT)
    who = ("--member", member(anna, anna.id).email)
    assert run(shop, inbox, "show", thread, "--json")["queue_position"] == 1
    assert run(shop, inbox, "take", thread, *who, "--json")["assignee"] == anna.id
    with pytest.raises(Conflict):
        run(shop, inbox, "reply", thread, "It is mine!", "--member", ben.id)
    picture = tmp_path / "receipt.txt"
    picture.write_text("A lamp, 20 euros\n")
    said = ("reply", thread, "Here it is.", "--file", str(picture), "--key", "once", *who)
    first = run(shop, inbox, *said, "--json")
    assert [each["name"] for each in first["attachments"]] == ["receipt.txt"]
    run(shop, inbox, "note", thread, "Look at this", "--mention", ben.id, *who)
    assert [
        each["id"] for each in run(shop, inbox, "list", "--mentioned", "--member", ben.id, "--json")["conversations"]
    ]
    shown = run(shop, inbox, "show", thread)
    assert "Here it is. [receipt.txt]" in shown
    assert "138" not in shown
    assert run(shop, inbox, "assign", thread, "--to", ben.id, *who, "--json")["assignee"] == ben.id
    assert "waiting" in run(shop, inbox, "assign", thread, "--to", "none", "--member", ben.id)
    run(shop, inbox, "resolve", thread)
    assert "open" in run(shop, inbox, "reopen", thread, *who)
    assert "bot" in run(shop, inbox, "give-back", thread, *who)
    with pytest.raises(NotFound):
        run(shop, inbox, "take", thread, "--member", "nobody@shop.example")


def test_a_reply_under_one_key_is_stored_once(shop: Shop, anna: Actor) -> None:
    thread = waiting(shop)
    said = ("reply", thread, "Good morning!", "--key", "once", "--member", anna.id, "--json")
    assert run(shop, inbox, *said)["id"] == run(shop, inbox, *said)["id"]
    texts = [each["text"] for each in run(shop, inbox, "show", thread, "--json")["messages"]]
    assert texts.count("Good morning!") == 1


def test_views_are_saved_listed_used_and_forgotten(shop: Shop, anna: Actor) -> None:
    thread = waiting(shop)
    shop.start()
    run(shop, inbox, "views", "save", "Waits", "--status", "waiting")
    run(shop, inbox, "views", "save", "Mine", "--assignee", "me", "--member", anna.id)
    assert [each["name"] for each in run(shop, inbox, "views", "list", "--json")["views"]] == ["Waits"]
    assert "Mine (own)" in run(shop, inbox, "views", "list", "--member", anna.id)
    [row] = run(shop, inbox, "list", "--view", "waits", "--json")["conversations"]
    assert row["id"] == thread
    assert run(shop, inbox, "list", "--view", "Mine", "--member", anna.id) == ""
    assert "Idle" in run(shop, inbox, "views", "change", "Waits", "--name", "Idle", "--status", "bot")
    [row] = run(shop, inbox, "list", "--view", "Idle", "--json")["conversations"]
    assert row["id"] != thread
    with pytest.raises(BadInput, match="--name"):
        run(shop, inbox, "views", "change", "Idle")
    run(shop, inbox, "views", "remove", "Idle")
    with pytest.raises(NotFound, match="none yet"):
        run(shop, inbox, "list", "--view", "Waits")
    with pytest.raises(BadInput, match="--member"):
        run(shop, inbox, "list", "--unread")
    with pytest.raises(BadInput, match="since"):
        run(shop, inbox, "list", "--since", "yesterday")


def test_several_are_labelled_at_once(shop: Shop) -> None:
    label = actions.add_label(shop.owner, title="VIP", colour="#ff0000")
    threads = [shop.start(), shop.start()]
    assert run(shop, inbox, "label", *threads, "--add", "VIP").count("labelled") == 2
    assert queries.conversation(shop.kefu, threads[1]).labels == (label.id,)


def test_a_contact_is_shown_and_changed(shop: Shop, anna: Actor) -> None:
    thread = waiting(shop)
    contact_id = queries.conversation(shop.kefu, thread).contact_id
    assert "plan: Gold" in run(shop, contacts, "set", contact_id, "plan=Gold", "name=", "--language", "zh")
    run(shop, contacts, "note", contact_id, "Prefers mail", "--member", anna.id)
    shown = run(shop, contacts, "show", contact_id, "--json")
    assert (shown["profile"], shown["language"]) == ({"plan": "Gold"}, "zh")
    assert [each["id"] for each in shown["conversations"]] == [thread]
    assert [each["id"] for each in shown["identities"]] == ["joe"]
    assert "Prefers mail" in run(shop, contacts, "show", contact_id)
    with pytest.raises(BadInput, match="KEY=VALUE"):
        run(shop, contacts, "set", contact_id, "plan")
    with pytest.raises(BadInput, match="what changes"):
        run(shop, contacts, "set", contact_id)


def test_people_who_may_be_one_are_listed(shop: Shop) -> None:
    ids = [
        queries.conversation(shop.kefu, shop.start(external_id=name, profile={"email": "joe@x.example"})).contact_id
        for name in ("joe", "jo")
    ]
    [other] = run(shop, contacts, "alike", ids[0], "--json")["contacts"]
    assert other["id"] == ids[1]


def test_a_faq_entry_is_drafted_and_saved(shop: Shop, anna: Actor) -> None:
    thread = shop.start()
    shop.say(thread, "Do you sell red lamps?")
    actions.reply(anna, conversation_id=thread, text="Yes, from May on.")
    made = run(shop, copilot, "faq-draft", thread, "--save", "--json")
    assert (made["question"], made["answer"]) == ("Do you sell red lamps?", "Yes, from May on.")
    assert [each.id for each in sources(shop.kefu)] == [made["source"]]
    shop.say(thread, "My number is 138 0013 8000, is that right?")
    actions.reply(anna, conversation_id=thread, text="It is.")
    with pytest.raises(Conflict, match="placeholders"):
        run(shop, copilot, "faq-draft", thread, "--save")


def test_without_a_language_model_nothing_is_rewritten(shop: Shop) -> None:
    with pytest.raises(Unavailable, match="No language model"):
        run(shop, copilot, "rewrite", "Delivery costs 5 euros.", "--way", "shorter")
