"""A model does not go live while the workspace's own tests fail with it; the demo learns its flows."""

from pathlib import Path

import pytest

from kefu.desk import going_live
from kefu.desk.accounts.models import AuditEntry
from kefu.desk.actor import Role
from kefu.desk.assistants import actions, queries
from kefu.desk.assistants.actions import SuiteFailed
from kefu.desk.demo_flows import learn_flows
from kefu.desk.modelhub import actions as models
from kefu.desk.modelhub import queries as modelhub
from kefu.desk.simulation import Simulation
from kefu.kit.errors import BadInput, NotAllowed

from ..desks import desk_of
from ..shops import Shop, made_shop
from ..tiny_model import tiny_model

pytestmark = pytest.mark.django_db
TESTS = """schema: kefu.flow-test/v1
tests:
  - name: courtesy
    turns:
      - say: Thank you
        expect: {answer: {contains: WORDS}}
"""
FLOW = """schema: kefu.flow/v1
id: hello
name: {en: Hello}
languages: [en]
when: {keywords: {en: [good morning]}}
steps:
  - say: {en: Hello there}
"""


@pytest.fixture
def shop() -> Shop:
    return made_shop()


def test_a_model_waits_until_the_tests_pass(shop: Shop, tmp_path: Path) -> None:
    made = models.register_folder(shop.kefu, name="intents", folder=tiny_model(tmp_path / "one"), role="intent")
    version = made.version
    actions.save_suite_file(shop.kefu, name="words.yaml", text=TESTS.replace("WORDS", "xyzzy"))
    with pytest.raises(SuiteFailed) as refused:
        going_live.promote(shop.owner, model_id=version.model_id, version_id=version.id)
    assert refused.value.fields["report"]["failed"] == 1
    actions.save_suite_file(shop.kefu, name="words.yaml", text=TESTS.replace("WORDS", "welcome"))
    going_live.promote(shop.owner, model_id=version.model_id, version_id=version.id, override=True, reason="new")
    assert modelhub.model(shop.kefu, version.model_id).champion is not None


def test_a_first_version_waits_for_the_tests_when_it_is_registered(shop: Shop, tmp_path: Path) -> None:
    actions.save_suite_file(shop.kefu, name="words.yaml", text=TESTS.replace("WORDS", "xyzzy"))
    folder = tiny_model(tmp_path / "one")
    made, report = going_live.register_folder(shop.kefu, name="intents", folder=folder, role="intent")
    assert not made.is_live
    if made.verdict.passed:
        assert report is not None
        assert report.failed == 1
    model = modelhub.model(shop.kefu, made.version.model_id)
    assert (model.champion, model.challenger is not None) == (None, True)
    actions.save_suite_file(shop.kefu, name="words.yaml", text=TESTS.replace("WORDS", "welcome"))
    again, report = going_live.register_folder(shop.kefu, name="intents", folder=folder, role="intent")
    assert (again.is_live, report) == (again.verdict.passed, None)


def test_a_flow_goes_past_the_tests_only_with_a_reason_that_is_kept(shop: Shop) -> None:
    actions.save_suite_file(shop.kefu, name="words.yaml", text=TESTS.replace("WORDS", "xyzzy"))
    flow = actions.make_flow(shop.owner, text=FLOW).info
    with pytest.raises(SuiteFailed):
        actions.publish_flow(shop.owner, flow_id=flow.id)
    with pytest.raises(BadInput):
        actions.publish_flow(shop.owner, flow_id=flow.id, run_tests=False, note=" ")
    with pytest.raises(NotAllowed):
        actions.publish_flow(shop.member(Role.SUPERVISOR), flow_id=flow.id, run_tests=False, note="I want to")
    done = actions.publish_flow(shop.owner, flow_id=flow.id, run_tests=False, note="The test is wrong")
    assert done.info.state == "live"
    kept = AuditEntry.objects.of(shop.workspace_id).get(action="flow.tests_passed_over")
    assert kept.after == {"reason": "The test is wrong"}


def test_going_back_to_a_model_waits_for_the_tests_too(shop: Shop, tmp_path: Path) -> None:
    first = models.register_folder(
        shop.kefu, name="intents", folder=tiny_model(tmp_path / "one"), role="intent"
    ).version
    model_id = first.model_id
    going_live.promote(shop.owner, model_id=model_id, version_id=first.id, override=True, reason="first")
    second = models.register_folder(shop.kefu, name="intents", folder=tiny_model(tmp_path / "two")).version
    going_live.promote(shop.owner, model_id=model_id, version_id=second.id, override=True, reason="second")
    actions.save_suite_file(shop.kefu, name="words.yaml", text=TESTS.replace("WORDS", "xyzzy"))
    with pytest.raises(SuiteFailed):
        going_live.roll_back(shop.owner, model_id=model_id)
    with pytest.raises(BadInput):
        going_live.roll_back(shop.owner, model_id=model_id, override=True)
    back = going_live.roll_back(shop.owner, model_id=model_id, override=True, reason="it is urgent")
    assert back.champion is not None
    assert back.champion.id == first.id


def test_a_paused_flow_comes_back_when_the_tests_pass(shop: Shop) -> None:
    made = actions.save_flow(shop.owner, text=FLOW)
    actions.publish_flow(shop.owner, flow_id=made.info.id)
    actions.pause_flow(shop.owner, flow_id=made.info.id)
    actions.save_suite_file(shop.kefu, name="words.yaml", text=TESTS.replace("WORDS", "xyzzy"))
    desk = desk_of(shop.owner)
    refused = desk.post(f"/flows/{made.info.id}/resume", expect=409)
    assert refused["report"]["failed"] == 1
    desk.post(f"/flows/{made.info.id}/resume", {"override": True}, expect=422)
    assert queries.flow(shop.kefu, "hello").info.state == "paused"
    assert desk.post(f"/flows/{made.info.id}/resume", {"override": True, "reason": "urgent"})["state"] == "live"


def test_the_demo_learns_its_flows_once_and_leaves_changes_alone(shop: Shop) -> None:
    learn_flows(shop.kefu)
    found = queries.flows(shop.kefu)
    assert {flow.key for flow in found} >= {"order_status", "return", "invoice", "address_change", "complaint"}
    assert {flow.state for flow in found} == {"live"}
    assert queries.suite_files(shop.kefu)
    changed = queries.flow(shop.kefu, "return").text + "# ours\n"
    actions.save_flow(shop.kefu, text=changed)
    learn_flows(shop.kefu)
    assert queries.flow(shop.kefu, "return").text == changed
    assert [flow.live_number for flow in queries.flows(shop.kefu)] == [1] * len(found)


def test_a_simulated_customer_reads_what_the_shop_says(shop: Shop) -> None:
    learn_flows(shop.kefu)
    simulation = Simulation(shop.kefu)
    assert simulation.say("Where is my order?").outcome.decision == "flow"
    told = simulation.say("LL202611010002")
    assert "SB202611180042" in told.text
    assert told.flow is not None
    [call] = told.flow["tool_calls"]
    assert (call["tool"], call["state"]) == ("shop.order", "done")
    assert call["outputs"]["address"] == "<ADDRESS_1>"
    moving = Simulation(shop.kefu)
    for said in ("I want to change my delivery address", "LL202611010001", "18 Lotus Street, Springfield, IL 62704"):
        asked = moving.say(said)
    assert "18 Lotus Street" in asked.text
    assert "18 Lotus Street" not in asked.outcome.text
