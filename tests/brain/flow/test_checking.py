"""Every mistake in a flow's YAML is told with its line and what mends it."""

import time

import pytest

from kefu.brain.flow import BadFlow, check_flow, load_flow

HEAD = "schema: kefu.flow/v1\nid: tested\nlanguages: [en]\nwhen: {called: true}\n"


def problems(text, **names):
    return [(problem.code, problem.line) for problem in check_flow(text, **names).problems]


@pytest.mark.parametrize(
    ("body", "code", "line"),
    [
        ("step: []\nsteps:\n- end: x", "unknown_key", 5),
        ("steps:\n- say: hello", "unknown_reply", 6),
        ("steps:\n- goto: there", "unknown_step", 6),
        ("steps:\n- ask: date", "unknown_slot", 6),
        ("steps:\n- saay: Hi all", "step_kind", 6),
        ("steps:\n- say: Hi all\n  goto: say_1", "step_kind", 6),
        ("steps:\n- say: Hi all\n  then: []", "unknown_key", 7),
        ("steps:\n- id: a\n  say: Hi all\n- id: a\n  end: x", "duplicate_id", 8),
        ("steps:\n- id: Not good\n  end: x", "bad_name", 6),
        ("steps:\n- end: x\n- say: Hi all", "unreachable", 7),
        ("steps:\n- say: 'Hi {{ nobody }}'", "unknown_name", 6),
        ("steps:\n- say: 'Hi {{ a.b() }}'", "bad_template", 6),
        ("steps:\n- say: |\n    Hi\n    {{ a.b() }}", "bad_template", 7),
        ("steps:\n- if: a ==\n  then: []", "bad_template", 6),
        ("steps:\n- if: '{{ 1 }}'\n  then: []", "bad_template", 6),
        ("steps:\n- if: ''\n  then: []", "missing_key", 6),
        ("steps:\n- repeat: 2000\n  steps: [{end: x}]", "wrong_type", 6),
        ("steps:\n- repeat: 2\n  steps: []", "missing_key", 6),
        ("steps:\n- choose: What now?\n  options: []", "missing_key", 6),
        ("steps:\n- choose: What now?\n  options: [a, a]", "duplicate_id", 7),
        ("steps:\n- set: {Bad: 1}", "bad_name", 6),
        ("steps:\n- set: {today: 1}", "bad_name", 6),
        ("steps:\n- set: {other.x: 1}", "bad_name", 6),
        ("steps:\n- id: a\n  set: {x: 1}\n- goto: a", "no_way_out", 6),
        ("steps:\n- id: a\n  set: {x: 1}\n- if: x\n  then: [{goto: a}]", "circle", 6),
        ("slots:\n  a: {type: text, question: What?}\nsteps:\n- ask: a\n- if: a\n  then: [{goto: ask_1}]", "circle", 8),
        ("slots:\n  a: {type: colour}\nsteps:\n- end: x", "unknown_value", 6),
        ("slots:\n  a: {type: text}\nsteps:\n- ask: a", "missing_key", 6),
        ("slots:\n  a: {type: choice, question: What?}\nsteps:\n- ask: a", "missing_key", 6),
        ("slots:\n  a: {type: pattern, question: What?}\nsteps:\n- ask: a", "missing_key", 6),
        ("slots:\n  a: {type: pattern, pattern: '(?=x)', question: What?}\nsteps:\n- ask: a", "bad_pattern", 6),
        ("slots:\n  a: {type: pattern, pattern: '(', question: What?}\nsteps:\n- ask: a", "bad_pattern", 6),
        ("slots:\n  a: {type: number, min: 3, max: 1, question: What?}\nsteps:\n- ask: a", "bad_bound", 6),
        ("slots:\n  a: {type: number, min: today, question: What?}\nsteps:\n- ask: a", "bad_bound", 6),
        ("slots:\n  a: {type: date, max: later, question: What?}\nsteps:\n- ask: a", "bad_bound", 6),
        ("slots:\n  a: {type: number, examples: [many], question: What?}\nsteps:\n- ask: a", "bad_example", 6),
        ("slots:\n  a: {type: text, if_missing: gone, question: What?}\nsteps:\n- ask: a", "unknown_step", 6),
        ("slots:\n  a: {type: text, remember: ages, question: What?}\nsteps:\n- ask: a", "unknown_value", 6),
        ("slots:\n  now: {type: text, question: What?}\nsteps:\n- ask: now", "bad_name", 6),
        ("replies: {_wrong: Oh no}\nsteps:\n- end: x", "unknown_reply", 5),
        ("interrupts: {questions: maybe}\nsteps:\n- end: x", "unknown_value", 5),
        ("steps: {end: x}", "wrong_type", 5),
        ("steps:\n- end", "wrong_type", 6),
        ("steps:\n- end: x\n  end: y", "duplicate_key", 7),
        ("slots: &a {}\nsteps: *a", "alias", 6),
        ("slots: !!python/name:os.system {}\nsteps: []", "tag", 5),
        ("steps: [", "yaml", 6),
        ("steps: " + "[" * 60, "too_deep", 5),
        ("steps: []\n---\nsteps: []", "documents", 6),
    ],
)
def test_a_mistake_and_its_line(body, code, line):
    assert (code, line) in problems(HEAD + body)


def test_names_that_must_exist_outside():
    text = HEAD + "steps:\n- call: orders.fnd\n- call_flow: othr"
    assert problems(text) == []
    found = check_flow(text, tools={"orders.find"}, flows={"other"}).problems
    assert [(each.code, each.line, each.fix) for each in found] == [
        ("unknown_tool", 6, "Did you mean 'orders.find'?"), ("unknown_flow", 7, "Did you mean 'other'?"),
    ]  # fmt: skip


def test_each_text_is_in_each_language():
    text = "schema: kefu.flow/v1\nid: a\nlanguages: [en, zh]\nwhen: {called: true}\nsteps:\n- say: {en: Hello}\n"
    (problem,) = check_flow(text).problems
    assert (problem.code, problem.line, problem.fix) == ("missing_language", 6, "Add zh: ...")
    assert problem.step == "say_1"
    extra = text.replace("{en: Hello}", "{en: Hello, zh: 你好, fr: Salut}")
    assert [(each.code, each.severity) for each in check_flow(extra).problems] == [("other_language", "warning")]
    assert check_flow(extra).flow is not None


def test_slots_and_variables_are_filled_before_they_are_used():
    head = HEAD.replace("{called: true}", "{intents: [x]}")
    slot = "slots:\n  a: {type: text, question: What?}\nsteps:\n- say: 'It is {{ a }}'"
    assert problems(head + slot) == [("never_filled", 6)]
    assert problems(HEAD + slot) == []  # the flow that calls it fills it
    assert problems(head + slot + "\n- ask: a") == []
    assert problems(head + "steps:\n- if: later\n  then: []\n- set: {later: 1}") == [("used_before_set", 6)]
    assert problems(head + "steps:\n- call: t\n  save: {v: '{{ result.v }}'}\n- say: 'It is {{ v }}'") == []


def test_what_is_of_no_use_is_a_warning():
    head = HEAD.replace("when: {called: true}\n", "")
    found = check_flow(head + "slots:\n  a: {type: text}\nreplies: {b: Oh no}\nsteps:\n- end: x")
    assert {problem.code for problem in found.problems} == {"never_starts", "unused_slot", "unused_reply"}
    assert found.flow is not None


@pytest.mark.parametrize(
    "text", ["", "- 1", "null", "\x00", "\ud800", "a" * 300_000, "? [a]\n: b", "{{ x }}: 1", "steps: 5"]
)
def test_whatever_it_is_given_it_says_what_is_wrong(text):
    checked = check_flow(text)
    assert checked.flow is None
    assert all(problem.sentence and problem.fix for problem in checked.problems)


def test_the_error_tells_the_first_problem_and_holds_all():
    with pytest.raises(BadFlow) as error:
        load_flow(HEAD + "steps:\n- goto: a\n- goto: b")
    assert error.value.sentence.startswith("Line 6: There is no step 'a'.")
    assert "1 more" in error.value.sentence
    assert error.value.fields["problems"][1]["line"] == 7


def test_no_yes_and_dates_are_texts_where_texts_are_meant():
    flow = load_flow(
        HEAD
        + "slots:\n  a:\n    type: choice\n    question: no\n"
        + "    choices: [yes, no, 2026-12-01, 11:00]\nsteps:\n- ask: a"
    )
    assert [choice.value for choice in flow.slots[0].choices] == ["yes", "no", "2026-12-01", "11:00"]


@pytest.mark.parametrize(
    "text",
    [
        HEAD + "steps:\n" + "- set: {a: 1}\n" * 15_000,
        HEAD + "steps:\n- set:\n" + "".join(f"    v{at}: 1\n" for at in range(15_000)),
        HEAD + "steps:\n" + "".join(f"- say: Hi {{{{ u{at} }}}}\n" for at in range(400)),
        HEAD + "steps:\n- say: '" + "".join(f"{{{{ u{at} }}}}" for at in range(700)) + "'\n",
        HEAD + "steps:\n" + "".join(f"- id: s{at}\n  goto: s{at + 1}\n" for at in range(499)),
    ],
    ids=["steps", "variables", "templates", "names", "gotos"],
)
def test_a_file_that_is_too_much_is_told_so_soon(text):
    began = time.thread_time()
    assert check_flow(text).flow is None
    assert time.thread_time() - began < 5
