"""The demo's flows are sound, in both languages, and pass their own tests with every step gone through."""

from pathlib import Path

import pytest

import kefu
from kefu.brain.flow import Shelf, check_flow, load_flow
from kefu.brain.flow_tests import on_shelf, read_tests, run_suite
from kefu.desk.assistants.tools.files import tools_of
from kefu.desk.assistants.tools.spec import checked_spec

DEMO = Path(kefu.__file__).parent / "demo"
FLOWS = sorted((DEMO / "flows").glob("*.yaml"))
SIX = {"order_status", "return", "invoice", "address_change", "appointment", "complaint"}


def test_the_six_are_there() -> None:
    assert {path.stem for path in FLOWS} >= SIX


@pytest.mark.parametrize("path", FLOWS, ids=lambda path: path.stem)
def test_a_flow_is_sound_and_speaks_both_languages(path: Path) -> None:
    tools = {checked_spec(each).name for each in tools_of((DEMO / "tools.yaml").read_text(encoding="utf-8"))}
    checked = check_flow(path.read_text(encoding="utf-8"), tools=tools, flows={each.stem for each in FLOWS})
    assert checked.problems == ()
    assert checked.flow is not None
    assert checked.flow.id == path.stem
    assert set(checked.flow.languages) == {"en", "zh"}


def test_their_tests_pass_and_go_through_every_step() -> None:
    flows = [load_flow(path.read_text(encoding="utf-8")) for path in FLOWS]
    tests = [
        read_tests(path.read_text(encoding="utf-8"), path.name) for path in sorted((DEMO / "tests").glob("*.yaml"))
    ]
    report = run_suite(tests, on_shelf(Shelf(flows)), flows=flows)
    assert report.passed, report.table()
    assert {each.flow: each.missing for each in report.coverage if each.missing} == {}
    assert {each.name.removesuffix(".yaml") for each in tests} >= SIX


@pytest.mark.parametrize(
    "text",
    [
        "How long do I have to return something?",
        "Can I return shoes that I have worn?",
        "When do I get my invoice?",
        "How do I complain?",
        "Which statuses does an order have?",
        "What does assembly cost?",
        "退货要多久？",
        "发票什么时候开？",
        "在哪里投诉？",
        "安装要多少钱？",
    ],
)
def test_questions_are_left_to_knowledge(text: str) -> None:
    from kefu.brain.flow_tests import Case, Turn

    language = "zh" if text[0] > "\u3000" else "en"
    flows = [load_flow(path.read_text(encoding="utf-8")) for path in FLOWS]
    talk = on_shelf(Shelf(flows))(Case("x", 1, (), language))
    assert talk.say(Turn(text, 1), 1).path == []
