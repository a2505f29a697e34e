"""Figures in their one form."""

import pytest

from kefu.brain.facts import Kind, find

SAME = [
    ("1,000", "1000", "１０００", "1000.00", "一千"),
    ("¥99", "99元", "99 yuan", "￥99", "RMB 99", "99块", "九十九元", "99.00 CNY"),
    ("$1,250.50", "1250.5 dollars", "USD 1250.50", "1,250.50美元"),
    ("3 days", "三天", "3天", "three days", "3-day", "３天"),
    ("2 working days", "2个工作日", "two business days", "两个工作日"),
    ("24 hours", "24小时", "twenty-four hours", "24 hrs", "二十四小时", "24个小时"),
    ("half a year", "半年"),
    ("2.5 hours", "两个半小时", "2.5小时"),
    ("50%", "50 percent", "百分之五十", "50％", "50 per cent"),
    ("15000元", "1.5万元", "¥15,000", "¥1.5万", "一万五千元"),
    ("March 5, 2026", "5 March 2026", "2026-03-05", "2026年3月5日", "2026/3/5", "Mar 5th, 2026"),
    ("5 March", "3月5日", "三月五日", "March 5th"),
    ("9 a.m.", "9:00", "上午9点", "9am", "09:00"),
    ("9 p.m.", "21:00", "晚上9点", "9 pm", "晚上九点"),
    ("12:30", "中午十二点半", "12:30 pm"),
    ("Monday", "周一", "星期一", "Mondays", "礼拜一"),
    ("400-555-0199", "400 555 0199"),
    ("https://www.shop.example/help/", "shop.example/help", "HTTP://SHOP.example/help."),
    ("Help@Shop.example", "help@shop.example"),
    ("20 kg", "20公斤", "20kg", "20 kilograms", "二十公斤"),
    ("LL123456789012", "ll123456789012"),
]


@pytest.mark.parametrize("forms", SAME, ids=lambda forms: forms[0])
def test_same_fact_in_many_forms(forms: tuple[str, ...]) -> None:
    facts = {tuple((fact.kind, fact.value, fact.unit) for fact in find(form)) for form in forms}
    assert len(facts) == 1
    assert len(facts.pop()) == 1


DIFFERENT = [
    ("3 days", "3 weeks"),
    ("3 days", "3 working days"),
    ("¥99", "$99"),
    ("50%", "50"),
    ("9 am", "9 pm"),
    ("2026-03-05", "2026-05-03"),
    ("15 kg", "15 cm"),
    ("3月", "3个月"),
]


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_different_facts(one: str, other: str) -> None:
    assert {(fact.kind, fact.value, fact.unit) for fact in find(one)} != {
        (fact.kind, fact.value, fact.unit) for fact in find(other)
    }


def test_ranges_give_both_ends_with_the_unit() -> None:
    for text in ("2–4 working days", "2 to 4 working days", "2至4个工作日", "两到四个工作日"):
        assert [(fact.value, fact.unit) for fact in find(text)] == [("2", "working day"), ("4", "working day")]
    assert [(fact.value, fact.unit) for fact in find("¥25–30")] == [("25", "CNY"), ("30", "CNY")]
    assert [(fact.value, fact.unit) for fact in find("两三天")] == [("2", "day"), ("3", "day")]


@pytest.mark.parametrize(
    "text", ["一个包裹", "万一丢了", "one of our agents", "you may return it", "一些商品", "march on"]
)
def test_words_that_only_look_like_figures(text: str) -> None:
    assert find(text) == ()


def test_a_sentence_with_many_facts() -> None:
    facts = find("Call 400-555-0199 on Monday from 9:00, pay ¥12 or 5%, see a.example within 3 days of 1 May 2026.")
    assert [fact.kind for fact in facts] == [
        Kind.PHONE, Kind.WEEKDAY, Kind.TIME, Kind.MONEY, Kind.PERCENT, Kind.LINK, Kind.AMOUNT, Kind.DATE
    ]  # fmt: skip
