"""Whatever customers write, and whatever they write it to: no crash, no way out of the sandbox, no endless turn.

Texts that are known to be strange or hostile are tried in `tests/flows/test_hostile.py`.
"""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from kefu.brain.flow import begin, go_on, which_starts
from kefu.brain.flow.run import MOST_STEPS
from kefu.brain.flow.templates import render
from kefu.contracts.flow_state import CallTool, End, FlowState, ToolResult
from kefu.kit.errors import BadInput

# What customers of a restaurant write, in pieces that may meet.
PIECES = [
    "yes", "no", "book a table", "never mind", "three", "4 people", "tomorrow", "next Friday", "at 7", "noon", "inside",
    "the second one", "I don't know", "no, I meant Friday", "make it 5 people", "the time", "wrong date", "<PHONE_1>",
    "<NAME_1>", "Do you have parking?", "where is my order", "订位", "明天晚上七点", "三位", "不对，是后天", "算了",
    "好的", "5", "", "{{ people }}", "{% for x in y %}", "另一个", "31 February", "at 25:99", "-1", "9" * 40, "⭐⭐⭐",
]  # fmt: skip
messages = st.lists(st.sampled_from(PIECES), min_size=1, max_size=3).map(" ".join) | st.text(max_size=60)
results = st.sampled_from([{"tables": 0}, {"tables": 2}, None, [], "x", {"tables": "many"}, ToolResult("", ok=False)])


def is_sound(talk):
    """What holds after every turn, whatever was said."""
    assert talk.state.spent <= MOST_STEPS + 1
    assert talk.state.over == (talk.state.waiting is None)
    assert talk.state.over == any(isinstance(effect, End) for effect in talk.effects)
    assert FlowState.from_json(json.loads(json.dumps(talk.state.as_json()))) == talk.state


@settings(max_examples=150, deadline=None)
@given(said=st.lists(messages, min_size=1, max_size=8), came=st.lists(results, min_size=8, max_size=8))
def test_any_conversation(table_flow, new_talk, said, came):
    talk = new_talk(table_flow)
    for tool in ("tables.find", "tables.book"):
        talk.tools[tool] = lambda _: came[len(talk.calls) % len(came)]
    for text in said:
        talk.say(text, language="zh" if any(char > "\u3000" for char in text) else "en")
        is_sound(talk)
    assert len({call.call_id for call in talk.calls}) == len(talk.calls)


@settings(max_examples=60, deadline=None)
@given(before=st.lists(messages, max_size=4), text=messages)
def test_the_same_message_twice_has_the_same_effects(table_flow, new_talk, before, text):
    talk = new_talk(table_flow)
    talk.tools["tables.find"] = lambda _: {"tables": 1}
    talk.say("book a table for 2 tomorrow at 8")
    for each in before:
        talk.say(each)
    if talk.state.over:
        return
    heard = talk.heard(text)
    once, again = go_on(talk.state, heard, talk.shelf), go_on(talk.state, heard, talk.shelf)
    assert once == again
    assert [effect for effect in once.effects if isinstance(effect, CallTool)][1:] == []


@settings(max_examples=200, deadline=None)
@given(st.text(st.sampled_from("{}%()[]|.~_'\"ab0 +-*/<>=,:!ifornd"), max_size=60))
def test_any_template_is_refused_fails_or_gives_a_text(source):
    for tried in (source, "{{ " + source + " }}"):
        try:
            assert isinstance(render(tried, {"a": 1, "b": [1, {"a": 2}]}), str)
        except BadInput:
            continue


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=80))
def test_any_text_may_start_a_flow_or_not(table_flow, new_talk, text):
    talk = new_talk(table_flow)
    which_starts([table_flow], talk.heard(text))
    assert begin(table_flow, talk.heard(text), talk.shelf).effects
