"""A workspace's tests with its whole assistant: flows, tools by samples, answers from knowledge, what is refused."""

from pathlib import Path

import pytest

import kefu
from kefu.brain.flow_tests import read_tests
from kefu.contracts.suite import SuiteReport
from kefu.desk.assistants import actions, queries
from kefu.desk.assistants.tools.files import tools_of
from kefu.desk.suites import report_of, run_suite

from ..shops import Shop, made_shop

pytestmark = pytest.mark.django_db(transaction=True)
DEMO = Path(kefu.__file__).parent / "demo"
HELLO = """schema: kefu.flow/v1
id: hello
name: {en: Hello}
languages: [en]
when: {keywords: {en: [open sesame]}}
slots:
  code: {type: pattern, pattern: '[A-Z]\\d', question: {en: "Which code?"}}
steps:
  - id: ask
    ask: code
  - id: look
    call: shop.door
    with: {code: "{{ code }}"}
    save: {door: "{{ result.door }}"}
  - id: tell
    say: {en: "It is the {{ door }} door."}
"""
TOOL = {"name": "shop.door", "url": "https://shop.example/doors/{code}", "outputs": {"door": "$.door"}}
TESTS = """schema: kefu.flow-test/v1
tools:
  shop.door: [{with: {code: A1}, result: {door: green}}]
tests:
  - name: the green door
    turns:
      - say: open sesame
        expect: {flow: hello, step: ask, answer: Which code, decision: flow}
      - say: A1
        expect: {calls: [{tool: shop.door, with: {code: A1}}], answer: green door, hand_over: false, outcome: solved}
"""


@pytest.fixture
def shop() -> Shop:
    made = made_shop()
    actions.save_tool(made.owner, definition=TOOL)
    return made


def ran(shop: Shop, tests: str = TESTS, drafts: tuple[str, ...] = (HELLO,)) -> SuiteReport:
    actions.save_suite_file(shop.owner, name="doors.yaml", text=tests)
    return run_suite(shop.owner, files=queries.suite_files(shop.owner), drafts=drafts)


def test_a_draft_passes(shop: Shop) -> None:
    report = ran(shop)
    assert (report.passed, report.total, report.failures) == (True, 1, ())
    assert report.coverage == {"hello/ask": 1, "hello/look": 1, "hello/tell": 1}


def test_what_is_not_as_expected_is_named(shop: Shop) -> None:
    report = ran(shop, TESTS.replace("answer: green door", "answer: red door"))
    assert (report.passed, report.failed) == (False, 1)
    [failure] = report.failures
    assert (failure.file, failure.test, failure.said) == ("doors.yaml", "the green door", "A1")
    assert failure.line == TESTS.splitlines().index("      - say: A1") + 1
    assert ("red door" in failure.wanted, "green door" in failure.got) == (True, True)


def test_a_call_without_a_sample_fails_and_calls_nobody(shop: Shop) -> None:
    report = ran(shop, TESTS.replace("{code: A1}, result", "{code: B2}, result"))
    assert any("no sample answers the call of shop.door" in each.got for each in report.failures)


def test_the_workspace_s_own_samples_answer_after_the_test_s(shop: Shop) -> None:
    own = {**TOOL, "samples": [{"when": {"code": "A1"}, "body": {"door": "green"}}]}
    actions.save_tool(shop.owner, definition=own)
    assert ran(shop, TESTS.replace("{with: {code: A1}, result: {door: green}}", "")).passed


def test_what_a_question_is_answered_is_expected_too(shop: Shop) -> None:
    tests = """schema: kefu.flow-test/v1
tests:
  - turns:
      - say: What is the capital of the moon?
        expect: {decision: refuse, calls: [], sources: []}
"""
    assert ran(shop, tests).passed
    assert not ran(shop, tests.replace("refuse", "approved")).passed


def test_publishing_runs_them(shop: Shop) -> None:
    actions.save_suite_file(shop.owner, name="doors.yaml", text=TESTS.replace("green door", "red door"))
    draft = actions.save_flow(shop.owner, text=HELLO)
    with pytest.raises(actions.SuiteFailed):
        actions.publish_flow(shop.owner, flow_id=draft.info.id)
    actions.save_suite_file(shop.owner, name="doors.yaml", text=TESTS)
    assert actions.publish_flow(shop.owner, flow_id=draft.info.id).info.live_number == 1


def test_the_demo_s_tests_pass_with_the_whole_assistant(shop: Shop) -> None:
    for definition in tools_of((DEMO / "tools.yaml").read_text(encoding="utf-8")):
        actions.save_tool(shop.owner, definition=definition)
    drafts = [path.read_text(encoding="utf-8") for path in sorted((DEMO / "flows").glob("*.yaml"))]
    tests = [
        read_tests(path.read_text(encoding="utf-8"), path.name) for path in sorted((DEMO / "tests").glob("*.yaml"))
    ]
    report = report_of(shop.owner, tests=tests, drafts=drafts)
    assert report.passed, report.table()
