"""What a company may write into replies and conditions, and what it may not."""

import contextlib
import time

import pytest

from kefu.brain.flow.templates import BadTemplate, TemplateFailed, evaluate, fill, names_in, render
from kefu.kit.errors import BadInput

NAMES = {
    "people": 4,
    "orders": [{"n": 1, "state": "open"}, {"n": 2, "state": "shut"}],
    "price": {"amount": 1299.5, "currency": "CNY"},
    "word": "hi",
    "day": "2026-11-27",
    "nothing": None,
    "long": "x" * 9000,
}


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("Table for {{ people }}", "Table for 4"),
        ("{{ day | date }}, {{ day | date('zh') }}", "Friday, 27 November 2026, 2026年11月27日（周五）"),
        ("{{ price | money }} {{ 20 | money('USD') }} {{ 1234.5 | number }}", "¥1,299.50 $20.00 1,234.5"),
        ("{{ price.amount + 1 }} {{ 7 // 2 }} {{ 7 % 4 }} {{ -people }}", "1300.5 3 3 -4"),
        ("{% if people > 3 and word %}big{% else %}small{% endif %}", "big"),
        ("{% for o in orders if o.state == 'open' %}{{ loop.index }}:{{ o.n }}{% endfor %}", "1:1"),
        ("{% for k, v in price | items %}{{ k }}={{ v }};{% endfor %}", "amount=1299.5;currency=CNY;"),
        ("{{ orders | part('n') | join('/') }} {{ orders | where('state', 'shut') | length }}", "1/2 1"),
        ("{{ orders | sum('n') }} {{ [3, 1, 2] | sort | first }} {{ ['a', 'a'] | unique | length }}", "3 1 1"),
        ("{{ nobody.at.all | default('?') }}{{ nothing }}{{ nobody }}", "?"),
        ("{{ 'yes' if people is number else 'no' }}", "yes"),
        ("{{ word ~ people }} {{ word | upper }} {{ 'a b' | split | last }} {{ 'abc' | truncate(2) }}", "hi4 HI b a…"),
        ("{{ orders[1].n }}{{ orders[9].n }}{{ word[0] }}", "2h"),
    ],
)
def test_what_it_can_say(source, text):
    assert render(source, NAMES) == text


@pytest.mark.parametrize(
    "source",
    [
        "{{ ''.__class__ }}",
        "{{ word.upper() }}",
        "{{ word['format']('x') }}",
        "{{ self }}",
        "{{ range(9) }}",
        "{{ 2 ** 99 }}",
        "{% set a = 1 %}",
        "{% import 'x' as y %}",
        "{% include 'x' %}",
        "{% extends 'x' %}",
        "{% block x %}{% endblock %}",
        "{% macro m() %}{% endmacro %}",
        "{% call m() %}{% endcall %}",
        "{% filter upper %}x{% endfilter %}",
        "{{ word | attr('__class__') }}",
        "{{ orders | map('upper') }}",
        "{{ orders | tojson }}",
        "{{ word | join(*orders) }}",
        "{% for a in orders recursive %}{% endfor %}",
        "{% for a in orders %}{% for b in orders %}{% for c in orders %}{% endfor %}{% endfor %}{% endfor %}",
        "{% for __a in orders %}{% endfor %}",
        "{{ _few }}",
        "{{ word is callable }}",
        "{{ " + "(" * 200 + "1" + ")" * 200 + " }}",
        "{{ a" + ".b" * 60 + " }}",
        "{{ people",
        "x" * 9000,
    ],
)
def test_what_it_cannot_say(source):
    with pytest.raises(BadTemplate):
        names_in(source + "{{ 1 }}" if "{" not in source else source)
    with pytest.raises(BadInput):
        render(source + "{{ 1 }}" if "{" not in source else source, NAMES)


@pytest.mark.parametrize(
    "source", ["{{ word['__class__'] }}", "{{ orders.append }}", "{{ price.items }}", "{{ loop }}"]
)
def test_objects_are_not_there_to_be_reached(source):
    assert render(source, NAMES) == ""


@pytest.mark.parametrize(
    "source", ["{{ 1 / 0 }}", "{{ nothing < 3 }}", "{{ word * 1000 }}", "{{ 'a' % 1 }}", "{{ word + 1 }}"]
)
def test_what_cannot_be_worked_out(source):
    with pytest.raises(TemplateFailed):
        render(source, NAMES)


@pytest.mark.parametrize(
    "source",
    [
        "{% for a in many %}{% for b in many %}{{ long }}{% endfor %}{% endfor %}",
        "{{ 999999999999 * 999999999999 }}",
        "{{ long ~ long ~ long }}",
        "{{ long | replace('x', long) }}",
        "{{ many | join(long) }}",
        "{{ '%999999999d' | truncate(999999999) }}",
    ],
)
def test_nothing_grows_or_takes_long(source):
    began = time.thread_time()
    with contextlib.suppress(BadInput):
        assert len(render(source, {**NAMES, "many": list(range(100_000))})) <= 4000
    assert time.thread_time() - began < 1


def test_conditions_and_values_keep_their_kind():
    assert evaluate("people > 3 and not nobody", NAMES) is True
    assert evaluate("orders[0]", NAMES) == {"n": 1, "state": "open"}
    assert fill({"a": "{{ people }}", "b": "n {{ people }}", "c": ["{{ orders }}"], "d": 5}, NAMES) == {
        "a": 4, "b": "n 4", "c": [NAMES["orders"]], "d": 5,
    }  # fmt: skip
    with pytest.raises(BadTemplate):
        evaluate("people }}{{ people", NAMES)


def test_what_a_customer_said_is_never_a_template():
    assert (
        render("You said {{ word }}", {"word": "{{ people }}{% for x in y %}"})
        == "You said {{ people }}{% for x in y %}"
    )


def test_names_that_a_template_uses():
    assert names_in("{{ a.b }} {% for o in os %}{{ o }}{{ q }}{% endfor %}") == {"a", "os", "q"}
    assert names_in(["{{ x }}", {"k": "{{ y | default(z) }}"}, 5]) == {"x", "y", "z"}


@pytest.mark.parametrize(
    ("language", "expected"),
    [("zh", "2026年11月27日（周五）"), ("en", "Friday, 27 November 2026"), ("fr", "Friday, 27 November 2026")],
)
def test_a_date_is_said_in_the_language_that_the_flow_speaks(language: str, expected: str) -> None:
    assert render("{{ day | date }}", {"day": "2026-11-27", "language": language}) == expected
    assert render("{{ day | date('en') }}", {"day": "2026-11-27", "language": language}).startswith("Friday")
