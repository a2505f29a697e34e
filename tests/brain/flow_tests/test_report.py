"""What came of a suite, as people and machines read it."""

from xml.etree import ElementTree

from kefu.brain.flow_tests.judge import Seen, failures_of
from kefu.brain.flow_tests.report import CaseResult, Coverage, Failure, SuiteReport
from kefu.brain.flow_tests.shapes import Expect, ExpectedCall

FAILED = CaseResult("a.yaml", "two", (Failure(7, "hi", "step which", "none"), Failure(9, "x", "y", "\x00<&>")), 0.5)
REPORT = SuiteReport((CaseResult("a.yaml", "one", (), 0.25), FAILED), (Coverage("order_status", 2, 3, ("give_up",)),))


def test_the_table_names_failures_and_steps() -> None:
    table = REPORT.table()
    assert "ok   a.yaml  one" in table
    assert "     line 7: expected step which; got none" in table
    assert "order_status: 2 of 3 steps (67%); not: give_up" in table
    assert "1 of 2 tests pass" in table
    assert REPORT.sentence.startswith("1 of 2 tests fail: a.yaml: two: line 7: expected step which")
    assert SuiteReport((), ()).sentence == "All 0 tests pass."


def test_junit_is_xml_whatever_was_said() -> None:
    root = ElementTree.fromstring(REPORT.junit())
    assert root.attrib == {"tests": "2", "failures": "1", "errors": "0", "time": "0.750"}
    [suite] = root
    assert [case.get("name") for case in suite] == ["one", "two"]
    failure = suite[1].find("failure")
    assert failure is not None
    assert failure.text == "line 7: expected step which; got none\nline 9: expected y; got <&>"


def test_json_holds_all_of_it() -> None:
    table = REPORT.as_json()
    assert table["passed"] is False
    assert table["cases"][1]["failures"][0]["line"] == 7
    assert table["coverage"][0]["share"] == 0.6667


def test_what_is_not_as_expected_is_told() -> None:
    seen = Seen(texts=["Hello there"], calls=[("a", {"x": 1})], slots={"s": 2}, flow="f", step="b", decision="flow")
    everything = Expect(
        flow="g", step="c", slots={"s": 3, "t": None}, calls=(ExpectedCall("a", {"x": 2}),), exact="Hello",
        contains=("bye",), not_contains=("THERE",), sources=("page",), decision="refuse", hand_over=True, team="x",
        outcome="solved", quick_replies=("yes",),
    )  # fmt: skip
    said = failures_of(everything, seen)
    assert len(said) == 13
    assert ("slot s 3", "2") in said
    assert ("calls a(x=2)", "a(x=1)") in said
    assert failures_of(Expect(), seen) == []
    right = Expect(
        flow="f", step="b", slots={"s": 2, "t": None}, calls=(ExpectedCall("a", {"x": 1}),), contains=("hello",),
        decision="flow", hand_over=False,
    )  # fmt: skip
    assert failures_of(right, seen) == []
