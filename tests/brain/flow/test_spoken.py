"""What customers read for a value, and what tools get for the same one."""

import pytest
from tests.brain.flow.conftest import Talk, flow_of

from kefu.brain.facts import Held, Kind, find
from kefu.brain.flow.templates import evaluate, fill, render

VALUES = {
    "day": "2026-11-27",
    "early": "09:00",
    "late": "19:30",
    "at": "2026-11-27T09:05:00+08:00",
    "price": {"amount": 1299.5, "currency": "CNY"},
    "free": ["09:00", "10:30", "14:00"],
    "is_open": True,
    "weight": 20.0,
    "number": 20261234567,
    "code": "2026-13-45",
    "nothing": None,
}


@pytest.mark.parametrize(
    ("name", "english", "chinese", "french"),
    [
        ("day", "Friday, 27 November 2026", "2026年11月27日（周五）", "2026-11-27"),
        ("early", "9 am", "上午9点", "09:00"),
        ("late", "7:30 pm", "晚上7:30", "19:30"),
        ("at", "Friday, 27 November 2026, 9:05 am", "2026年11月27日（周五）上午9:05", "2026-11-27T09:05:00+08:00"),
        ("price", "¥1,299.50", "¥1,299.50", "¥1,299.50"),
        ("free", "9 am, 10:30 am and 2 pm", "上午9点、上午10:30和下午2点", "09:00, 10:30, 14:00"),
        ("is_open", "yes", "是", "yes"),
        ("weight", "20", "20", "20"),
        ("number", "20261234567", "20261234567", "20261234567"),
        ("code", "2026-13-45", "2026-13-45", "2026-13-45"),
        ("nothing", "", "", ""),
    ],
)
def test_a_value_is_said_as_people_say_it(name, english, chinese, french):
    for language, text in (("en", english), ("zh", chinese), ("fr", french)):
        assert render("{{ " + name + " }}", VALUES, said=language) == text


@pytest.mark.parametrize(
    ("time", "english", "chinese"),
    [
        ("00:00", "midnight", "凌晨0点"),
        ("00:15", "12:15 am", "凌晨0:15"),
        ("11:59", "11:59 am", "上午11:59"),
        ("12:00", "noon", "中午12点"),
        ("12:30", "12:30 pm", "中午12:30"),
        ("13:00", "1 pm", "下午1点"),
        ("23:45", "11:45 pm", "晚上11:45"),
    ],
)
def test_a_time_said_is_the_same_time_to_whoever_checks_figures(time, english, chinese):
    assert (render("{{ t }}", {"t": time}, said="en"), render("{{ t }}", {"t": time}, said="zh")) == (english, chinese)
    for text in (english, chinese):
        assert all(Held([time]).holds(fact) for fact in find(text) if fact.kind is not Kind.WEEKDAY)


def test_conditions_formulas_and_arguments_get_the_value_as_it_is_kept():
    assert fill({"day": "{{ day }}", "note": "on {{ day }} at {{ late }}"}, VALUES) == {
        "day": "2026-11-27", "note": "on 2026-11-27 at 19:30",
    }  # fmt: skip
    assert evaluate("late > '18:00' and day < '2027'", VALUES) is True
    assert render("{% if late == '19:30' %}{{ late }}{% endif %}", VALUES, said="en") == "7:30 pm"


def test_a_text_may_ask_for_the_value_as_it_is_kept():
    assert render("{{ day | string }} {{ late | time }} {{ is_open | string }}", VALUES, said="zh") == (
        "2026-11-27 19:30 True"
    )
    assert render("{{ free | join(' / ') }}", VALUES, said="en") == "9 am / 10:30 am / 2 pm"


FLOW = """
slots:
  seat:
    type: choice
    question: {en: Where?, zh: 坐哪里？}
    choices:
    - {value: in, label: {en: Inside, zh: 室内}}
    - {value: out, label: {en: On the terrace, zh: 露台}}
    confirm: true
  time: {type: time, question: {en: When?, zh: 几点？}}
  vegan: {type: yes_no, question: {en: Vegan?, zh: 素食吗？}}
steps:
- ask: [seat, time, vegan]
- call: tables.book
  with: {seat: '{{ seat }}', time: '{{ time }}', vegan: '{{ vegan }}', note: '{{ seat }} at {{ time }}'}
- say: {en: '{{ seat }} at {{ time }}; vegan: {{ vegan }}.', zh: '{{ seat }}，{{ time }}；素食：{{ vegan }}。'}
"""
HEAD = "schema: kefu.flow/v1\nid: tested\nlanguages: [en, zh]\nwhen: {called: true}\n"


@pytest.mark.parametrize(
    ("language", "turns", "asked", "told"),
    [
        (
            "en",
            ["hello", "the terrace", "yes", "19:30", "no"],
            "On the terrace, is that right?",
            "On the terrace at 7:30 pm; vegan: no.",
        ),
        ("zh", ["你好", "露台", "对", "晚上七点半", "不是"], "露台，对吗？", "露台，晚上7:30；素食：否。"),
    ],
)
def test_customers_read_labels_and_times_and_tools_get_values(language, turns, asked, told):
    talk = Talk(flow_of(FLOW, HEAD), language=language)
    said = [talk.say(each).last for each in turns]
    assert (said[1], said[-1]) == (asked, told)
    assert talk.calls[0].arguments == {"seat": "out", "time": "19:30", "vegan": False, "note": "out at 19:30"}
