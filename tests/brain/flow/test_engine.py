"""What a flow does with a customer who answers what it asks."""

from dataclasses import replace

from kefu.brain.flow import begin, go_on
from kefu.contracts.flow_state import (
    Ask,
    CallTool,
    FlowState,
    Rated,
    SetAttribute,
    Start,
    ToolResult,
)

ORDER = """
slots:
  order: {type: pattern, pattern: '[A-Z]{2}[0-9]{6}', question: Which order?}
steps:
- ask: order
- id: look
  call: orders.find
  with: {number: '{{ order }}', copies: '{{ 1 + 1 }}', list: ['{{ order }}', x]}
  save: {status: '{{ result.status }}', parcels: '{{ result.parcels | length }}'}
  on_error:
  - say: 'Our system says {{ error.code }}.'
  - hand_over: {reason: tool, team: orders, note: 'about {{ order }}'}
- say: 'It is {{ status }} in {{ parcels }} parcels.'
"""


def test_asks_for_what_it_needs_and_goes_on_to_the_end(table):
    assert table.say("I want to book a table").said == ["Hello! Let us find you a table.", "For how many people?"]
    assert table.say("three").last == "Which day?"
    assert table.say("next Friday").last == "At what time?"
    assert table.say("half past seven").last == "3 people on Friday, 27 November 2026 at 7:30 pm. Is that right?"
    assert table.say("yes").last == "Inside or on the terrace?"
    assert table.say("indoors").last == "What is your name?"
    assert table.say("Brian White").last == "Your phone number?"
    assert table.say("<PHONE_1>").last == "<PHONE_1>, is that right?"
    assert table.say("yes").last == "Any wishes?"
    assert table.say("A high chair").said == ["Booked, Brian White: number T-17.", "How did I do?"]
    assert table.say("5").outcome == "solved"
    assert table.state.over
    booked = table.calls[-1]
    assert booked.tool == "tables.book"
    assert booked.arguments == {
        "seats": 3, "day": "2026-11-27", "phone": "<PHONE_1>", "wishes": "A high chair",
    }  # fmt: skip


def test_does_not_ask_for_what_the_first_message_says(table):
    table.say("Can I reserve a table for 4 tomorrow at 7 on the terrace?")
    assert table.last == "4 people on Monday, 23 November 2026 at 7 pm. Is that right?"
    assert table.say("yes please").last == "What is your name?"


def test_speaks_the_customers_language(table):
    table.known["language"] = "zh"
    assert table.say("订位，明天晚上七点半4位").last == "4位，2026年11月23日（周一）晚上7:30，对吗？"
    assert table.say("对的").last == "室内还是露台？"


def test_asks_again_and_then_a_person_helps(table):
    table.say("book a table")
    assert table.say("blue").last == "How many people, as a number?"
    assert table.say("blue").last == "How many people, as a number?"
    assert table.say("blue").handed_over.reason == "not_understood"
    assert table.state.outcome == "handed_over"


def test_says_what_is_allowed_when_a_value_is_not(table):
    table.say("book a table")
    assert table.say("20").last == "We seat 1 to 12 people. For how many people?"
    assert table.say("book a table for 12").last == "Which day?"


def test_a_slot_may_be_skipped_when_it_is_not_answered(table):
    table.known["contact"] = {"phone": "<PHONE_9>"}
    table.say("table for 2 tonight at 8, indoors").say("yes").say("Ann")
    assert table.last == "<PHONE_9>, is that right?"
    table.say("yes")
    assert table.say("thanks").said[0] == "Booked, Ann: number T-17."


def test_takes_an_option_and_goes_back_to_ask(table):
    table.tools["tables.find"] = lambda _: {"tables": 0}
    table.say("table for 2 tonight at 8, indoors")
    assert table.say("yes").last == "We are full then. Another day?"
    assert table.say("yes").last == "Which day?"
    assert table.say("tuesday").last == "At what time?"
    table.say("8 pm").say("yes")
    assert table.say("no thanks").outcome == "unsolved"
    assert [call.arguments["day"] for call in table.calls] == ["2026-11-22", "2026-11-24"]


def test_a_pressed_option_counts_as_said(table):
    table.tools["tables.find"] = lambda _: {"tables": 0}
    table.say("table for 2 tonight at 8, indoors").say("yes")
    assert table.say("", pressed="again").last == "Which day?"


def test_calls_a_tool_with_values_of_their_own_kind(talk):
    order = talk(ORDER)
    order.tools["orders.find"] = lambda _: {"status": "on its way", "parcels": [1, 2]}
    assert order.say("order AB123456").said == ["It is on its way in 2 parcels."]
    assert order.calls[0].arguments == {"number": "AB123456", "copies": 2, "list": ["AB123456", "x"]}


def test_goes_the_other_way_when_a_tool_fails(talk):
    order = talk(ORDER)
    order.tools["orders.find"] = lambda _: ToolResult("", ok=False, code="timeout", message="took too long")
    assert order.say("AB123456").said == ["Our system says timeout."]
    assert (order.handed_over.team, order.handed_over.note) == ("orders", "about AB123456")


def test_a_person_helps_when_a_tool_fails_and_nothing_is_said_about_that(talk):
    order = talk("steps:\n- call: orders.find\n- say: 'Done: all of it.'")
    order.tools["orders.find"] = lambda _: ToolResult("", ok=False, code="refused")
    assert order.say("hi").handed_over.reason == "tool_failed"


def test_a_turn_that_is_tried_again_asks_for_the_same_call(talk):
    order = talk(ORDER)
    order.say("hello there")
    heard = replace(order.heard("AB123456"), turn_id="turn-9")
    once, again = (go_on(order.state, heard, order.shelf) for _ in range(2))
    assert once == again
    assert isinstance(once.effects[-1], CallTool)
    other_turn = go_on(order.state, replace(heard, turn_id="turn-10"), order.shelf)
    assert other_turn.effects[-1].call_id != once.effects[-1].call_id


def test_two_visits_of_a_step_are_two_calls(talk):
    lottery = talk("steps:\n- repeat: 3\n  steps:\n  - call: draw\n- say: 'Done: all of it.'")
    lottery.say("go")
    assert len({call.call_id for call in lottery.calls}) == 3


def test_a_result_that_nobody_waits_for_changes_nothing(talk):
    order = talk(ORDER)
    waiting = begin(order.flow, order.heard("AB123456"), order.shelf)
    stale = replace(order.heard(""), tool_result=ToolResult("another", value={}))
    assert go_on(waiting.state, stale, order.shelf) == type(waiting)(waiting.state)


def test_a_message_while_a_tool_is_waited_for_asks_for_the_same_call(talk):
    order = talk(ORDER)
    waiting = begin(order.flow, order.heard("AB123456"), order.shelf)
    again = go_on(waiting.state, replace(order.heard("hello?"), turn_id="later"), order.shelf)
    assert again.effects == waiting.effects
    assert again.state == waiting.state


def test_repeats_while_a_condition_holds(talk):
    body = """
slots:
  pin: {type: pattern, pattern: '[0-9]{4}', question: Your PIN?}
steps:
- set: {right: false}
- repeat: 2
  while: not right
  steps:
  - ask: pin
    afresh: true
  - call: check
    with: {pin: '{{ pin }}', round: '{{ round }}'}
    save: {right: '{{ result.right }}'}
  otherwise:
  - hand_over: wrong_pin
- say: 'Welcome, you!'
"""
    right = talk(body)
    right.tools["check"] = lambda arguments: {"right": arguments["pin"] == "1234"}
    assert right.say("hello").say("1111").last == "Your PIN?"
    assert right.say("1234").said == ["Welcome, you!"]
    assert [call.arguments["round"] for call in right.calls] == [1, 2]
    wrong = talk(body)
    wrong.tools["check"] = lambda _: {"right": False}
    assert wrong.say("hello").say("1111").say("2222").handed_over.reason == "wrong_pin"


INNER = """
schema: kefu.flow/v1
id: inner
languages: [en]
when: {called: true}
slots:
  city: {type: text, question: Which city?}
  order: {type: text, question: Which order?}
steps:
- ask: [order, city]
- end: found
"""


def test_a_flow_calls_another_and_gets_its_values(talk):
    outer = talk(
        "steps:\n- call_flow: inner\n  with: {order: '{{ 40 + 2 }}'}\n"
        "  save: {place: '{{ result.city }}', how: '{{ result.outcome }}'}\n"
        "- say: 'To {{ place }}, {{ how }}.'",
        INNER,
    )
    assert outer.say("hello").last == "Which city?"
    assert outer.say("Turin").said == ["To Turin, found."]
    assert outer.outcome == "solved"


LOOKS_UP = """
slots: {order: {type: pattern, pattern: 'AB[0-9]+', question: Which order?}, why: {question: Why?, type: choice,
  choices: [broken, late]}}
steps:
- call_flow: inner
  with: {order: '{{ order }}'}
  save: {order: '{{ result.order }}'}
- ask: why
- say: '{{ order }} is {{ why }}.'
"""
FINDS = """
schema: kefu.flow/v1
id: inner
name: {en: Find}
languages: [en]
when: {called: true}
slots: {order: {type: pattern, pattern: 'AB[0-9]+', question: Number?}}
steps:
- ask: order
- call: find
  repeatable: true
"""


def test_what_a_called_flow_asked_for_is_corrected_by_calling_it_again(talk):
    outer = talk(LOOKS_UP, FINDS)
    outer.say("hello").say("AB1")
    assert outer.say("no, I meant AB2").last == "Why?"
    assert [call.tool for call in outer.calls] == ["find", "find"]
    assert outer.say("the other order").last == "Number?"
    outer.say("AB3")
    assert outer.say("late").said == ["AB3 is late."]


def test_a_called_flow_that_did_something_is_not_called_again(talk):
    outer = talk(LOOKS_UP, FINDS.replace("  repeatable: true\n", ""))
    outer.say("hello").say("AB1")
    outer.say("no, I meant AB2")
    assert len(outer.calls) == 1
    assert "has been done already" in outer.said[0], outer.said


def test_flows_that_call_themselves_end(talk):
    outer = talk(
        "steps:\n- call_flow: again", INNER.replace("inner", "again").replace("- end: found", "- call_flow: again")
    )
    outer.say("hello")
    for word in ("one", "Turin", "two", "Rome"):
        outer.say(word)
    for _ in range(20):
        if outer.state.over:
            break
        outer.say("more words")
    assert outer.handed_over.reason == "flow_failed"


def test_a_flow_that_takes_too_many_steps_ends_with_a_person(talk):
    rounds = "steps:\n- repeat: 100\n  steps:\n  - repeat: 100\n    steps:\n    - set: {a: 1}"
    assert talk(rounds).say("hello").handed_over.reason == "flow_failed"
    calls = "steps:\n- repeat: 100\n  steps:\n  - call: one\n  - call: two\n  - call: three"
    endless = talk(calls).say("hello")
    assert endless.outcome == "failed"
    assert len(endless.calls) < 200


def test_a_template_that_fails_ends_with_a_person(talk):
    broken = talk("steps:\n- call: get\n  save: {n: '{{ result.n }}'}\n- if: n < 3\n  then: [{say: 'Few: {{ n }}'}]")
    broken.tools["get"] = lambda _: {"n": None}
    assert broken.say("go").handed_over.reason == "flow_failed"


def test_a_conversation_goes_on_in_the_version_it_began(table_flow, table):
    table.say("book a table")
    newer = replace(table_flow, version=2, steps=table_flow.steps[:1])
    table.shelf = type(table.shelf)([table_flow, newer])
    assert table.shelf.get("book_table") is newer
    assert table.say("three").last == "Which day?"
    table.shelf = type(table.shelf)([newer])
    assert table.say("friday").handed_over.reason == "flow_failed"


def test_remembers_with_the_contact_and_does_not_ask_twice(talk):
    body = """
slots:
  size: {type: number, question: Your size?, remember: 30 days, attribute: shoe_size}
steps:
- ask: size
- set: {contact.seen: true, conversation.topic: '{{ size }}'}
- say: 'Size {{ size }}, {{ conversation.topic }}.'
"""
    first = talk(body)
    first.say("hello").say("42")
    kept = [(e.scope, e.name, e.value, e.days) for e in first.effects if isinstance(e, SetAttribute)]
    assert kept == [
        ("contact", "shoe_size", 42, 30), ("contact", "seen", True, None), ("conversation", "topic", 42, None),
    ]  # fmt: skip
    second = talk(body, contact={"shoe_size": 42})
    assert second.say("hello").said == ["Size 42, 42."]


def test_a_rating_is_taken_and_anything_else_is_answered(talk):
    body = "steps:\n- rate: How was I, please?\n  scale: 3\n  into: stars\n- say: 'Thanks: {{ stars | default(0) }}'"
    rated = talk(body).say("hello").say("3 stars")
    assert [(e.score, e.scale) for e in rated.effects if isinstance(e, Rated)] == [(3, 3)]
    assert rated.last == "Thanks: 3"
    assert talk(body).say("hello").say("Where is my parcel?").said == ["[Where is my parcel?]", "Thanks: 0"]
    assert talk(body).say("hello").say("7").said[-1] == "Thanks: 0"


def test_choices_are_offered_as_quick_replies(table):
    table.say("table for 2 tonight at 8").say("yes")
    (question,) = [effect for effect in table.effects if isinstance(effect, Ask)]
    assert question.quick_replies == ("Inside", "Terrace")


def test_nothing_happens_after_the_end(table):
    table.say("book a table").say("never mind")
    after = go_on(table.state, table.heard("hello"), table.shelf)
    assert (after.state, after.effects) == (table.state, ())
    assert FlowState().over
    assert not [effect for effect in table.effects if isinstance(effect, Start)]


def test_whatever_a_tool_answers_can_be_kept(talk):
    deep = []
    for _ in range(5000):
        deep = [deep]
    for answer in (deep, float("nan"), {"a": object(), 1: [10**30, float("inf"), (1, 2)]}):
        kept = talk("steps:\n- call: t\n  save: {v: '{{ result }}'}\n- rate: How was I, please?")
        kept.tools["t"] = lambda _, answer=answer: answer
        assert kept.say("go").state.waiting.kind == "rate"


PHONE_LINE = """
slots:
  size:
    type: choice
    question: Which size?
    choices:
    - {value: half, label: Half}
    - {value: full, label: Half or full}
steps:
- choose: Which line?
  options:
  - value: old
    label: My phone
    steps: [{say: The old one.}]
  - value: new
    label: My phone
    steps: [{ask: size}, {say: 'The new one: {{ size }}.'}]
"""


def test_what_is_pressed_is_taken_exactly_where_words_are_ambiguous(talk):
    line = talk(PHONE_LINE).say("hi")
    assert (line.effects[-1].quick_replies, line.effects[-1].values) == (("My phone", "My phone"), ("old", "new"))
    assert line.say("My phone").last.endswith("Which line?")  # which of the two, nobody knows
    line.say("My phone", pressed="new")
    assert line.effects[-1].values == ("half", "full")
    assert line.say("Half or full", pressed="full").said == ["The new one: Half or full."]


def test_what_was_pressed_for_something_else_is_read_like_words(talk):
    line = talk(PHONE_LINE).say("hi").say("My phone", pressed="new")
    assert line.say("old", pressed="old").last.endswith("Which size?")


def test_another_word_for_yes_or_no_picks_the_option_that_is_one(talk):
    look = """
steps:
- choose: Shall a colleague have a look?
  options:
  - value: look
    label: Yes please
    steps: [{say: Gladly.}]
  - value: leave
    label: No thanks
    steps: [{say: As you like.}]
"""
    assert talk(look).say("hi").say("correct").said == ["Gladly."]
    assert talk(look).say("hi").say("nope").said == ["As you like."]
    unclear = look.replace("No thanks", "Sure")
    assert talk(unclear).say("hi").say("correct").last.endswith("Shall a colleague have a look?")
