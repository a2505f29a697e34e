"""Files of tests: what is read, and that what is wrong is told with its line."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kefu.brain.flow_tests.read import BadTests, read_tests
from kefu.brain.flow_tests.shapes import ExpectedCall, ToolSample, sample_for

WHOLE = """\
schema: kefu.flow-test/v1
language: zh
now: 2026-11-22T10:00+08:00
contact: {name: Ada}
tools:
  shop.order:
    - with: {order_number: LL1}
      result: {status: shipped, day: 2026-11-27}
    - error: not_found
tests:
  - name: one
    turns:
      - say: where is it
        intent: order_status
        candidates: {order: LL1}
        expect:
          step: which
          slots: {order: LL1, people: 4, day: null}
          calls: [shop.order, {tool: shop.order, with: {order_number: LL1}}]
          answer: {contains: on its way, not_contains: [lost]}
          hand_over: {team: orders}
  - turns:
      - press: "yes"
        expect: {answer: done, calls: [], hand_over: false}
    tools:
      shop.order: [{result: 1}]
"""


def test_a_whole_file() -> None:
    first, second = read_tests(WHOLE, "a.yaml").cases
    assert (first.name, first.language, first.contact) == ("one", "zh", {"name": "Ada"})
    assert first.now is not None
    assert first.now.astimezone(UTC) == datetime(2026, 11, 22, 2, tzinfo=UTC)
    turn = first.turns[0]
    assert (turn.line, turn.intent, turn.candidates) == (13, "order_status", {"order": "LL1"})
    assert turn.expect.slots == {"order": "LL1", "people": 4, "day": None}
    assert turn.expect.calls == (ExpectedCall("shop.order"), ExpectedCall("shop.order", {"order_number": "LL1"}))
    assert (turn.expect.contains, turn.expect.not_contains) == (("on its way",), ("lost",))
    assert (turn.expect.hand_over, turn.expect.team) == (True, "orders")
    assert second.turns[0].press == "yes"
    assert second.turns[0].expect.calls == ()
    assert second.turns[0].expect.hand_over is False
    assert second.samples["shop.order"][0].value == 1


def test_samples_are_chosen_by_arguments() -> None:
    samples = read_tests(WHOLE).cases[0].samples["shop.order"]
    shipped = sample_for(samples, {"order_number": "LL1", "more": 1})
    assert shipped is not None
    assert shipped.value == {"status": "shipped", "day": "2026-11-27"}
    assert sample_for(samples, {"order_number": "LL2"}) == ToolSample(None, None, "not_found")
    assert sample_for(samples[:1], {"order_number": "LL2"}) is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("tests: []", "line 1: write `schema: kefu.flow-test/v1` first"),
        ("schema: kefu.flow-test/v1\ntests: []", "there is no test in it"),
        ("schema: kefu.flow-test/v1\ntest: []", "line 2: 'test' is not known; expected: did you mean tests?"),
        ("schema: kefu.flow-test/v1\ntests:\n - turns: []", "line 3: turns is not right; expected: a test needs turns"),
        ("schema: kefu.flow-test/v1\ntests:\n - turns:\n   - sai: x", "line 4: 'sai' is not known"),
        ("schema: kefu.flow-test/v1\ntests:\n - turns:\n   - intent: x", "line 4: say is not right"),
        (
            "schema: kefu.flow-test/v1\ntests:\n - turns:\n   - say: x\n     expect: {stpe: a}",
            "line 5: 'stpe' is not known; expected: did you mean step?",
        ),
        ("schema: kefu.flow-test/v1\nnow: soon\ntests:\n - turns: [{say: x}]", "line 2: now is not right"),
        (
            "schema: kefu.flow-test/v1\ntools: {a: [{}]}\ntests:\n - turns: [{say: x}]",
            "has either `result:` or `error:`",
        ),
        ("schema: kefu.flow-test/v1\na: &x 1\ntests: [*x]", "aliases"),
        ("schema: kefu.flow-test/v1\nschema: x", "line 2: 'schema' stands twice"),
        ("[", "not YAML"),
        ("- 1", "expected `schema: kefu.flow-test/v1`"),
        ("", "expected `schema: kefu.flow-test/v1`"),
        ("[" * 50, "nested deeper"),
    ],
)
def test_what_is_wrong_is_told(text: str, said: str) -> None:
    with pytest.raises(BadTests) as raised:
        read_tests(text, "a.yaml")
    assert said in raised.value.sentence
    assert raised.value.sentence.startswith("a.yaml")


@given(st.text(max_size=300))
def test_any_text_is_read_or_refused(text: str) -> None:
    for each in (
        text,
        f"schema: kefu.flow-test/v1\ntests:\n{text}",
        f"schema: kefu.flow-test/v1\ntests:\n - turns:\n   - say: {text}",
    ):
        try:
            read_tests(each)
        except BadTests:
            continue
