"""`kefu inbox`, `kefu labels`, `kefu canned`: used well and refused, in this process."""

import json
from typing import Any

import pytest
from click.testing import CliRunner

from kefu.cli.contacts import contacts
from kefu.cli.inbox import canned, inbox, labels
from kefu.desk.accounts.queries import member
from kefu.desk.accounts.team_actions import create_team
from kefu.desk.actor import Role
from kefu.desk.inbox import actions, queries
from kefu.kit.errors import BadInput, Conflict

from ..desk.shops import Shop, made_shop

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop() -> Shop:
    return made_shop(settings={"language": "en"})


def run(shop: Shop, group: Any, *arguments: str) -> Any:
    """What a command printed as JSON, else its text; what it raises is raised."""
    done = CliRunner().invoke(group, [*arguments, "-w", shop.slug], catch_exceptions=False, standalone_mode=False)
    return json.loads(done.output) if "--json" in arguments else done.output


def test_conversations_are_labelled_listed_and_snoozed(shop: Shop) -> None:
    agent = shop.member(Role.AGENT)
    thread, other = shop.start(), shop.start()
    shop.say(thread, "Where is my parcel?")
    made = run(shop, labels, "add", "VIP", "--colour", "#ff0000", "--json")
    assert run(shop, labels, "list", "--json") == {"labels": [made]}
    assert run(shop, inbox, "label", thread, "--add", "vip", "--json") == {"id": thread, "labels": ["VIP"]}
    [row] = run(shop, inbox, "list", "--label", "VIP", "--json")["conversations"]
    assert (row["id"], row["labels"], row["last_message"]) == (thread, ["VIP"], "Where is my parcel?")
    assert "#VIP" in run(shop, inbox, "list", "--search", "parcel")
    actions.take(agent, conversation_id=thread)
    address = member(agent, agent.id).email
    assert "until the customer writes" in run(shop, inbox, "snooze", thread, "--member", address)
    assert [each["id"] for each in run(shop, inbox, "list", "--snoozed", "--json")["conversations"]] == [thread]
    run(shop, inbox, "wake", thread, "--member", agent.id)
    assert run(shop, inbox, "resolve", thread, other).count("resolved") == 2
    run(shop, labels, "change", "VIP", "--title", "Gold")
    run(shop, labels, "remove", "gold")
    with pytest.raises(BadInput, match="none yet"):
        run(shop, labels, "remove", "gold")


def test_many_are_given_to_a_team_and_told_how_urgent_they_are(shop: Shop) -> None:
    agent = shop.member(Role.AGENT)
    team = create_team(shop.owner, name="Orders", members=[agent.id])
    threads = [shop.start(), shop.start()]
    for thread in threads:
        actions.take(agent, conversation_id=thread)
    who = ["--member", agent.id]
    said = run(shop, inbox, "route", *threads, "--team", "Orders", "--priority", "high", *who)
    assert (said.count("given to the team"), said.count("priority set")) == (2, 2)
    row = queries.conversation(shop.kefu, threads[0])
    assert (row.team_id, row.priority) == (team.id, "high")
    assert "no such conversation" in run(shop, inbox, "route", "conv_other", "--team", "", *who)
    with pytest.raises(BadInput, match="--team"):
        run(shop, inbox, "route", *threads, *who)


def test_consent_is_kept_and_listed(shop: Shop) -> None:
    contact_id = queries.conversation(shop.kefu, shop.start()).contact_id
    assert run(shop, contacts, "consent", contact_id) == ""
    given = ["--kind", "training", "--source", "form"]
    [kept] = run(shop, contacts, "consent", contact_id, *given, "--json")["consents"]
    assert (kept["kind"], kept["is_given"], kept["source"]) == ("training", True, "form")
    assert "not given" in run(shop, contacts, "consent", contact_id, *given, "--taken-back")


def test_a_merge_is_shown_before_it_is_done(shop: Shop) -> None:
    ids = []
    for name in ("joe", "jo"):
        thread = shop.start(external_id=name, profile={"name": name})
        ids.append(queries.conversation(shop.kefu, thread).contact_id)
    assert "say --yes" in run(shop, inbox, "merge", *ids)
    assert run(shop, inbox, "merge", *ids, "--yes", "--json")["lost"] == {"name": "jo"}
    with pytest.raises(Conflict):
        run(shop, inbox, "merge", *ids, "--yes")


def test_canned_replies_are_kept_and_filled(shop: Shop) -> None:
    thread = shop.start(external_id="joe", profile={"name": "Joe"})
    made = run(shop, canned, "add", "hi", "Hi {{ contact.name }}!", "--json")
    assert run(shop, canned, "fill", made["id"], thread) == "Hi Joe!\n"
    run(shop, canned, "change", made["id"], "--shortcut", "hello")
    assert [each["shortcut"] for each in run(shop, canned, "list", "--json")["canned"]] == ["hello"]
    run(shop, canned, "remove", made["id"])
    assert run(shop, canned, "list", "--json") == {"canned": []}
