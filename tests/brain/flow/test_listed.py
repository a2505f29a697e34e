"""The customer picks one of what a tool found: by number, name, place, price, time, or whichever."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kefu.brain.flow import Shelf, begin, check_flow, dump_flow, go_on, load_flow, picture
from kefu.contracts.flow import Flow
from kefu.contracts.flow_state import Ask, CallTool, FlowState, HandOver, Say, Stepped, ToolResult, Understood

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
TEXT = """
schema: kefu.flow/v1
id: dinner
languages: [en, zh]
when: {keywords: {en: [dinner], zh: [晚饭]}}
steps:
- call: tables.find
  save: {places: '{{ result.places }}'}
  repeatable: true
- choose: {en: 'Which one?', zh: 哪一家？}
  from: places
  label: {en: '{{ item.name }}, {{ item.price }}', zh: '{{ item.name }}，{{ item.price }}'}
  compare: {price: price, time: free_at, rating: stars, distance: metres}
  into: place
  otherwise:
  - say: {en: 'Nothing is free.', zh: 都没有空位。}
  - end: unsolved
- say: {en: 'Booked: {{ place.name }}.', zh: '订好了：{{ place.name }}。'}
"""
PLACES = [
    {"name": "Golden Dragon", "price": 42, "free_at": "19:30", "stars": 4.1, "metres": 900},
    {"name": "Sea View", "price": 25, "free_at": "9:15", "stars": 4.8, "metres": 1500},
    {"name": "海底捞火锅", "price": 88, "free_at": "21:00", "stars": 3.9, "metres": 200},
]


@pytest.fixture(scope="module")
def flow() -> Flow:
    return load_flow(TEXT)


def said(text: str, turn: int, **more: object) -> Understood:
    return Understood("c", f"t{turn}", NOW, text, **more)  # type: ignore[arg-type]


def offered(flow: Flow, places: list[dict[str, object]], language: str = "en") -> Stepped:
    """The conversation up to the question."""
    shelf = Shelf([flow])
    heard = said("dinner please", 1, language=language)
    stepped = begin(flow, heard, shelf)
    call = stepped.effects[-1]
    assert isinstance(call, CallTool)
    told = ToolResult(call.call_id, True, {"places": places})  # type: ignore[dict-item]
    return go_on(stepped.state, Understood("c", "t1", NOW, heard.text, language=language, tool_result=told), shelf)


def outcome(flow: Flow, state: FlowState, text: str, language: str = "en", **more: object) -> str:
    stepped = go_on(state, said(text, 2, language=language, **more), Shelf([flow]))
    return " ".join(each.text for each in stepped.effects if isinstance(each, Say | Ask))


def test_the_list_is_offered_with_numbers_and_buttons(flow: Flow) -> None:
    asked = offered(flow, PLACES).effects[-1]
    assert isinstance(asked, Ask)
    assert asked.text == "Which one?\n1. Golden Dragon, 42\n2. Sea View, 25\n3. 海底捞火锅, 88"
    assert asked.quick_replies == ("Golden Dragon, 42", "Sea View, 25", "海底捞火锅, 88")
    assert asked.values == ("1", "2", "3")


@pytest.mark.parametrize(("text", "name"), [
    ("2", "Sea View"), ("number 2 please", "Sea View"), ("the second one", "Sea View"), ("the last one", "海底捞火锅"),
    ("Golden Dragon", "Golden Dragon"), ("the dragon", "Golden Dragon"), ("golden dragn", "Golden Dragon"),
    ("sea view please", "Sea View"), ("the cheapest", "Sea View"), ("Cheapest one you have", "Sea View"),
    ("the most expensive one", "海底捞火锅"), ("the earliest", "Sea View"), ("the latest one", "海底捞火锅"),
    ("the nearest", "海底捞火锅"), ("the best one", "Sea View"), ("the one for 42", "Golden Dragon"),
    ("whichever", "Golden Dragon"), ("I don't mind", "Golden Dragon"),
])  # fmt: skip
def test_one_is_picked_in_english(flow: Flow, text: str, name: str) -> None:
    assert outcome(flow, offered(flow, PLACES).state, text) == f"Booked: {name}."


@pytest.mark.parametrize(("text", "name"), [
    ("第二个", "Sea View"), ("2", "Sea View"), ("最便宜的", "Sea View"), ("最贵的那个", "海底捞火锅"),
    ("海底捞", "海底捞火锅"),
    ("要海底捞吧", "海底捞火锅"), ("最后一个", "海底捞火锅"), ("最近的", "海底捞火锅"), ("最早的", "Sea View"),
    ("随便", "Golden Dragon"),
])  # fmt: skip
def test_one_is_picked_in_chinese(flow: Flow, text: str, name: str) -> None:
    assert outcome(flow, offered(flow, PLACES, "zh").state, text, "zh") == f"订好了：{name}。"


def test_a_pressed_button_is_taken_exactly(flow: Flow) -> None:
    assert outcome(flow, offered(flow, PLACES).state, "Sea View, 25", pressed="2") == "Booked: Sea View."


def test_what_is_not_understood_is_asked_again(flow: Flow) -> None:
    assert outcome(flow, offered(flow, PLACES).state, "purple").startswith("Sorry, I did not understand that.")


def test_an_empty_list_goes_the_other_way(flow: Flow) -> None:
    stepped = offered(flow, [])
    assert [each.text for each in stepped.effects if isinstance(each, Say)] == ["Nothing is free."]
    assert stepped.state.outcome == "unsolved"
    bare = load_flow(TEXT.split("  otherwise:", maxsplit=1)[0] + "- say: {en: 'Booked {{ place.name }}.', zh: 好}\n")
    assert any(isinstance(each, HandOver) for each in offered(bare, []).effects)


def test_it_is_written_back_and_drawn(flow: Flow) -> None:
    assert load_flow(dump_flow(flow)) == flow
    labels = [edge.label for edge in picture(flow).edges if edge.source == "choose_1"]
    assert labels == ["chosen", "otherwise"]


@pytest.mark.parametrize(("old", "new", "code"), [
    ("  from: places\n", "", "missing_key"),
    ("  into: place\n", "", "missing_key"),
    ("  label: {en: '{{ item.name }}, ", "  ignored: {en: '{{ item.name }}, ", "missing_key"),
    ("compare: {price: price,", "compare: {colour: price,", "unknown_comparison"),
    ("from: places", "from: plces", "unknown_name"),
    ("  into: place\n", "  into: place\n  options: [a, b]\n", "two_lists"),
])  # fmt: skip
def test_mistakes_are_named_with_their_line(old: str, new: str, code: str) -> None:
    problems = check_flow(TEXT.replace(old, new)).problems
    assert code in {each.code for each in problems}
    assert all(each.line for each in problems)


FIELDS = st.sampled_from(["name", "price", "free_at", "stars", "metres"])
PLAIN = st.none() | st.booleans() | st.floats() | st.text(max_size=20)
_VALUES = st.recursive(
    PLAIN, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(FIELDS, inner, max_size=5), max_leaves=12
)


@given(
    places=st.lists(_VALUES, max_size=12), text=st.text(max_size=40) | st.sampled_from(["the cheapest", "最早的", "2"])
)
@settings(max_examples=150, deadline=None)
def test_no_list_and_no_words_break_it(flow: Flow, places: list[object], text: str) -> None:
    stepped = offered(flow, places)  # type: ignore[arg-type]
    if stepped.state.waiting is not None and text.strip():
        outcome(flow, stepped.state, text)
