"""Flows and tools through the members' door: drafts, versions, going live, the simulator, tests that refuse."""

from typing import Any

import pytest

from kefu.desk.accounts.models import AuditEntry
from kefu.desk.actor import Role
from kefu.desk.assistants import actions, queries

from ..desks import Desk, desk_for
from ..shops import Shop, made_shop

pytestmark = pytest.mark.django_db
HELLO = """schema: kefu.flow/v1
id: hello
name: {en: Hello}
languages: [en]
when: {keywords: {en: [open sesame]}}
slots:
  colour: {type: text, question: {en: "Which colour?"}}
steps:
  - ask: colour
  - say: {en: "It is {{ colour }}."}
"""
BROKEN = HELLO.replace("- ask: colour", "- ask: size")


@pytest.fixture
def shop() -> Shop:
    return made_shop()


@pytest.fixture
def admin(shop: Shop) -> Desk:
    return desk_for(shop, Role.ADMIN)


@pytest.fixture
def flow(admin: Desk) -> dict[str, Any]:
    return admin.post("/flows", {"text": HELLO}, expect=201)


def test_a_draft_is_kept_with_what_is_wrong_with_it(admin: Desk) -> None:
    made = admin.post("/flows", {"text": BROKEN}, expect=201)
    assert (made["key"], made["state"], made["table"], made["picture"]) == ("hello", "draft", None, None)
    line = BROKEN.splitlines().index("  - ask: size") + 1
    [problem] = [each for each in made["problems"] if each["line"] == line]
    assert problem["severity"] == "error"
    assert problem["fix"]
    refused = admin.post(f"/flows/{made['id']}/publish", {}, expect=422)
    assert refused["code"] == "bad_flow"
    assert line in {each["line"] for each in refused["problems"]}
    mended = admin.put(f"/flows/{made['id']}", {"text": HELLO})
    assert (mended["problems"], mended["table"]["id"]) == ([], "hello")
    assert mended["picture"]["nodes"]
    admin.post("/flows", {"text": HELLO}, expect=409)
    admin.post("/flows", {"text": "no flow at all"}, expect=422)


def test_what_somebody_else_stored_meanwhile_is_not_overwritten(admin: Desk, flow: dict[str, Any]) -> None:
    path, theirs, mine = f"/flows/{flow['id']}", HELLO.replace("It is", "It was"), HELLO.replace("It is", "Is it")
    admin.put(path, {"text": theirs, "base": HELLO})
    assert admin.put(path, {"text": mine, "base": HELLO}, expect=409)["code"] == "draft_changed"
    assert admin.get(path)["text"] == theirs
    admin.put(path, {"text": theirs, "base": HELLO})  # what is stored already
    assert admin.put(path, {"text": mine})["text"] == mine


def test_a_version_goes_live_and_back(admin: Desk, flow: dict[str, Any], shop: Shop) -> None:
    path = f"/flows/{flow['id']}"
    first = admin.post(f"{path}/publish", {"note": "The first"})
    assert (first["state"], first["live_number"], first["has_draft_changes"]) == ("live", 1, False)
    admin.put(path, {"text": HELLO.replace("It is", "It was")})
    assert admin.get(path)["has_draft_changes"] is True
    changes = [line for line in admin.get(f"{path}/diff")["lines"] if line["kind"] != "same"]
    assert [line["kind"] for line in changes] == ["removed", "added"]
    assert admin.post(f"{path}/publish", {})["live_number"] == 2
    assert admin.post(f"{path}/publish", {})["live_number"] == 2  # nothing has changed
    assert admin.post(f"{path}/roll-back", {"number": 1})["live_number"] == 1
    versions = admin.get(f"{path}/versions")["versions"]
    assert [(each["number"], each["note"], each["is_live"]) for each in versions] == [
        (2, "", False),
        (1, "The first", True),
    ]
    assert admin.get(f"{path}/versions/1")["text"] == HELLO
    admin.get(f"{path}/versions/9", expect=404)
    assert admin.post(f"{path}/pause", {})["state"] == "paused"
    assert queries.live_flows(shop.workspace_id) == []
    assert admin.post(f"{path}/resume", {})["state"] == "live"
    [live] = queries.live_flows(shop.workspace_id)
    assert (live.id, live.version) == ("hello", 1)
    actions_done = {entry.action for entry in AuditEntry.objects.of(shop.workspace_id)}
    assert {"flow.made", "flow.published", "flow.rolled_back", "flow.paused", "flow.resumed"} <= actions_done
    admin.delete(path)
    admin.get(path, expect=404)


def test_a_flow_keeps_its_id(admin: Desk, flow: dict[str, Any]) -> None:
    renamed = admin.put(f"/flows/{flow['id']}", {"text": HELLO.replace("id: hello", "id: goodbye")})
    assert [problem["code"] for problem in renamed["problems"]] == ["id_changed"]
    admin.post(f"/flows/{flow['id']}/publish", {}, expect=422)


def test_a_flow_that_was_saved_before_the_one_it_calls_is_called_by_its_title_once_live(admin: Desk) -> None:
    caller = HELLO.replace("id: hello", "id: caller").replace("{en: Hello}", "{en: Caller}")
    made = admin.post("/flows", {"text": caller + "  - call_flow: hello\n"}, expect=201)
    assert (made["name"], made["state"]) == ("caller", "draft")
    called = admin.post("/flows", {"text": HELLO}, expect=201)
    admin.post(f"/flows/{called['id']}/publish", {})
    assert admin.post(f"/flows/{made['id']}/publish", {})["name"] == "Caller"


def test_a_table_becomes_the_yaml_that_it_is(admin: Desk, flow: dict[str, Any]) -> None:
    found = admin.post("/flows/check", {"table": flow["table"]})
    assert found["problems"] == []
    assert found["table"] == flow["table"]
    assert "id: hello" in found["text"]
    broken = admin.post("/flows/check", {"table": {**flow["table"], "steps": [{"ask": "size"}]}})
    assert broken["problems"]
    admin.post("/flows/check", {}, expect=422)
    assert admin.get("/flows/schema")["properties"]


def test_a_draft_is_simulated_and_nothing_is_kept(admin: Desk, shop: Shop) -> None:
    first = admin.post("/flows/simulate", {"text": "open sesame", "drafts": [HELLO]})
    assert (first["decision"], first["text"]) == ("flow", "Which colour?")
    assert first["flow"]["waiting"]["slot"] == "colour"
    going = {name: first[name] for name in ("state", "remembered", "contact")}
    second = admin.post("/flows/simulate", {"text": "green", "drafts": [HELLO], **going})
    assert (second["text"], second["state"], second["flow"]["outcome"]) == ("It is green.", None, "solved")
    assert queries.flows(shop.kefu) == []
    admin.post("/flows/simulate", {"text": "x", "drafts": [BROKEN]}, expect=422)


def test_tests_that_fail_keep_a_flow_from_going_live(admin: Desk, flow: dict[str, Any]) -> None:
    text = (
        "schema: kefu.flow-test/v1\ntests:\n  - name: colours\n    turns:\n      - say: open sesame\n"
        "        expect: {answer: {contains: Which size}}\n"
    )
    [kept] = [admin.put("/flows/tests", {"name": "hello.yaml", "text": text})]
    refused = admin.post(f"/flows/{flow['id']}/publish", {}, expect=409)
    assert refused["code"] == "tests_failed"
    assert refused["report"]["failed"] == 1
    assert admin.post("/flows/tests/run", {"drafts": True})["passed"] is False
    assert admin.get(f"/flows/{flow['id']}")["state"] == "draft"
    admin.put("/flows/tests", {"name": "hello.yaml", "text": text.replace("size", "colour")})
    assert admin.post(f"/flows/{flow['id']}/publish", {})["state"] == "live"
    admin.put("/flows/tests", {"name": "../evil.yaml", "text": "x"}, expect=422)
    admin.delete(f"/flows/tests/{kept['id']}")
    assert admin.get("/flows/tests")["files"] == []


@pytest.mark.parametrize("role", [Role.SUPERVISOR, Role.AGENT, Role.VIEWER])
def test_others_read_and_change_nothing(shop: Shop, flow: dict[str, Any], role: Role) -> None:
    member = desk_for(shop, role)
    path = f"/flows/{flow['id']}"
    assert member.get("/flows")["flows"][0]["key"] == "hello"
    assert member.get(path)["text"] == HELLO
    member.post("/flows", {"text": HELLO.replace("hello", "other")}, expect=403)
    member.put(path, {"text": HELLO}, expect=403)
    member.delete(path, expect=403)
    for verb, body in (("publish", {}), ("roll-back", {"number": 1}), ("pause", {}), ("resume", {})):
        member.post(f"{path}/{verb}", body, expect=403)
    member.put("/flows/tests", {"name": "a.yaml", "text": "x"}, expect=403)


def test_a_stranger_finds_no_flow(flow: dict[str, Any]) -> None:
    stranger = desk_for(made_shop(), Role.OWNER)
    assert stranger.get("/flows")["flows"] == []
    stranger.get(f"/flows/{flow['id']}", expect=404)
    stranger.post(f"/flows/{flow['id']}/publish", {}, expect=404)


# Tools

TOOL = {
    "name": "shop.order",
    "url": "internal:demo-shop/orders/{order_number}",
    "outputs": {"status": "$.status"},
    "samples": [{"when": {"order_number": "LL1"}, "body": {"status": "sampled"}}],
}


def test_tools_are_made_tried_and_removed(admin: Desk) -> None:
    made = admin.post("/tools", {"definition": TOOL, "credentials": {"kind": "bearer", "token": "s3cret"}}, expect=201)
    assert (made["credentials"], made["origin"]) == ({"kind": "bearer"}, "internal:demo-shop")
    tried = admin.post(f"/tools/{made['id']}/try", {"arguments": {"order_number": "LL202611010002"}})
    assert (tried["state"], tried["status"], tried["outputs"]) == ("done", 200, {"status": "shipped"})
    assert "s3cret" not in repr(tried)
    assert tried["request"]["headers"]["Authorization"] == "Bearer •••"
    sampled = admin.post(f"/tools/{made['id']}/try", {"arguments": {"order_number": "LL1"}, "sample": True})
    assert sampled["outputs"] == {"status": "sampled"}
    admin.post(f"/tools/{made['id']}/try", {"arguments": {}}, expect=422)
    draft = {**TOOL, "url": "internal:demo-shop/nowhere/{order_number}"}
    gone = admin.post("/tools/try", {"definition": draft, "arguments": {"order_number": "1"}})
    assert (gone["state"], gone["problem"]) == ("failed", "not_found")
    admin.put(f"/tools/{made['id']}", {"definition": {**TOOL, "method": "TRACE"}}, expect=422)
    assert admin.get("/tools/calls")["calls"] == []
    admin.delete(f"/tools/{made['id']}")
    assert admin.get("/tools")["tools"] == []


def test_an_agent_tries_no_tool(shop: Shop) -> None:
    agent = desk_for(shop, Role.AGENT)
    actions.save_tool(shop.kefu, definition=TOOL)
    agent.post("/tools/shop.order/try", {"arguments": {"order_number": "LL1"}}, expect=403)
    agent.post("/tools/try", {"definition": TOOL, "arguments": {"order_number": "LL1"}}, expect=403)
    agent.post("/tools/import", {"document": "openapi: 3.0.0"}, expect=403)


# The policy

STRATEGY = {
    "forbidden_words": ["guarantee"],
    "quiet_hours": "22:00-08:00",
    "escalations": [{"contact": {"vip": True}, "moods": ["complaint"], "words": [], "intents": [], "refusals": 0}],
    "disclaimers": [{"key": "tax", "texts": {"en": "No tax advice."}, "topics": ["invoice"], "intents": []}],
}


def test_a_reply_strategy_is_kept(admin: Desk) -> None:
    changed = admin.patch("/assistant", {"policy": STRATEGY})
    assert {name: changed["policy"][name] for name in STRATEGY} == STRATEGY
    assert set(STRATEGY) <= set(changed["set"])


@pytest.mark.parametrize(
    "policy",
    [
        {"quiet_hours": "at night"},
        {"escalations": [{}]},
        {"escalations": [{"moods": ["bored"]}]},
        {"escalations": [{"wishes": 1}]},
        {"disclaimers": [{"key": "a", "texts": {}}]},
        {"disclaimers": [{"key": "a", "texts": {"en": "x"}}, {"key": "a", "texts": {"en": "y"}}]},
        {"forbidden_words": [" "]},
    ],
)
def test_a_strategy_that_says_nothing_is_refused(admin: Desk, policy: dict[str, Any]) -> None:
    admin.patch("/assistant", {"policy": policy}, expect=422)
