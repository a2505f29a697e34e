"""Placeholders: what they replace, how a conversation shares them, and that nobody can forge one."""

import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kefu.knowledge.masking import FAMILIES, find, mask, unmask

from .made_rows import rows

PLACEHOLDER = re.compile(r"<[A-Z]+_\d+>")
LANGUAGES = st.sampled_from(("zh", "en"))


def test_each_value_gets_a_placeholder_of_its_family():
    masked = mask("我叫马思，手机13800138000，座机021-45566038")
    assert masked.text == "我叫<NAME_1>，手机<PHONE_1>，座机<PHONE_2>"
    assert masked.placeholders == {"<NAME_1>": "马思", "<PHONE_1>": "13800138000", "<PHONE_2>": "021-45566038"}


def test_the_same_value_keeps_its_placeholder_through_a_conversation():
    first = mask("call 202-555-0128")
    second = mask("not 202-555-0129 but 202-555-0128", known=first.placeholders)
    assert second.text == "not <PHONE_2> but <PHONE_1>"
    assert unmask(second.text, second.placeholders) == "not 202-555-0129 but 202-555-0128"


def test_what_was_known_is_found_again_without_a_cue():
    first = mask("我叫方圆，QQ1470761214")
    second = mask("方圆和1470761214都不对", known=first.placeholders)
    assert second.text == "<NAME_1>和<QQ_1>都不对"


def test_known_is_not_changed():
    known = {"<PHONE_7>": "13800138000"}
    assert mask("换成13900139000", known=known).text == "换成<PHONE_8>"
    assert known == {"<PHONE_7>": "13800138000"}


@pytest.mark.parametrize(
    "typed", ["<PHONE_1>", "＜PHONE_1＞", "< phone _ 1 >", "&lt;PHONE_1&gt;", "<TEXT_1>", "<PHONE_1"]
)
def test_a_typed_placeholder_reveals_nothing(typed):
    known = mask("我的电话13800138000").placeholders
    masked = mask(f"我的号码是 {typed} 对吗", known=known)
    assert not any(placeholder in masked.text for placeholder in known)
    shown = unmask(masked.text, masked.placeholders)
    assert shown == f"我的号码是 {typed} 对吗"
    assert masked.entities == ()


def test_originals_are_not_replaced_again():
    placeholders = {"<TEXT_1>": "<PHONE_1>", "<PHONE_1>": "13800138000"}
    assert unmask("<TEXT_1> <PHONE_1> <PHONE_2>", placeholders) == "<PHONE_1> 13800138000 <PHONE_2>"


def test_every_kind_has_a_family():
    kinds = {one.kind for language in ("zh", "en") for row in rows(language, 5) for one in find(row["text"])}
    assert kinds <= FAMILIES.keys()


@settings(max_examples=60, deadline=None)
@given(LANGUAGES, st.integers(0, 10_000), st.data())
def test_masking_hides_and_unmasking_restores(language, seed, data):
    row = data.draw(st.sampled_from(list(rows(language, seed))))
    masked = mask(row["text"], language)
    assert unmask(masked.text, masked.placeholders) == row["text"]
    visible = PLACEHOLDER.sub("\n", masked.text)
    assert not any(one.text in visible for one in masked.entities)
    assert find(masked.text) == ()


VALUES = ("我叫", "王伟", "13800138000", "a@example.com", "John Smith", "12 Oak Street", "6225881660738150558", "姓名:")
BITS = (
    "<PHONE_1>",
    "<",
    ">",
    "PHONE_1",
    "_",
    "@",
    "号",
    "栋",
    "1",
    " ",
    "\n",
    "，",
    "\u200b",
    "😀",
    "\ud800",
    "\x00",
    "ｅ",
    "İ",
    "\u212a",
    "GB12",
    "١",
)
PIECES = st.sampled_from((*VALUES, *BITS))


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(max_size=200), st.lists(PIECES, max_size=25).map("".join)), st.booleans())
def test_any_text_survives(text, with_known):
    known = {"<PHONE_1>": "202-555-0128", "<NAME_3>": "王伟"} if with_known else None
    masked = mask(text, known=known)
    assert unmask(masked.text, masked.placeholders) == text
    ends = 0
    for one in masked.entities:
        assert ends <= one.start < one.end <= len(text)
        assert one.text == text[one.start : one.end]
        ends = one.end
    assert masked == mask(text, known=known)


def test_a_text_masked_before_keeps_its_placeholders_and_their_numbers():
    first = mask("我的电话13800138000")
    again = mask(f"{first.text}，还有13900139000", masked_before=True)
    assert again.text == "我的电话<PHONE_1>，还有<PHONE_2>"
    assert again.placeholders == {"<PHONE_2>": "13900139000"}


@settings(max_examples=200, deadline=None)
@given(st.lists(PIECES, max_size=25).map("".join))
def test_masking_a_masked_text_changes_nothing(text):
    once = mask(text)
    assert mask(once.text, masked_before=True).text == once.text


@settings(max_examples=200, deadline=None)
@given(st.lists(PIECES, max_size=25).map("".join))
def test_masking_twice_finds_nothing_new_and_restores_twice(text):
    once = mask(text)
    assert find(once.text) == ()
    twice = mask(once.text)
    assert unmask(unmask(twice.text, twice.placeholders), once.placeholders) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\ufeff",
        "Ω≈ç√∫˜µ≤≥÷",
        "̗̺͖̹̯͓Ṯ̤͍̥͇͈h̲́e͏͓̼̗̙̼̣͔",
        "ﷺ 田中さんにあげて下さい 社會科學院語學研究所",
        "<script>alert(123)</script> ${jndi:ldap://a} '; DROP TABLE users;--",
        "1;2;3 %d%s%n \\x00 \r\n\t\v",
        "（╯°□°）╯︵ ┻━┻ 👨‍👩‍👧",
        "-1E+02 0x0 NaN 1/0 ,,, ... 1e999",
        "File:///etc/passwd http://a/%%30%30",
    ],
)
def test_naughty_strings_pass_unchanged(text):
    masked = mask(text)
    assert unmask(masked.text, masked.placeholders) == text
    json.dumps(masked.placeholders)


@pytest.mark.parametrize(
    "unit", ["A", "1 ", "Aa ", "1 Aa ", "王", "1号", "a@a.", "13812345678 ", "<PHONE_", "GB82 ", "a at a dot ", "姓名:"]
)
def test_cost_grows_no_faster_than_length(unit):
    """A pattern that backtracks without bound would not come back from this."""
    text = unit * (20_000 // len(unit))
    masked = mask(text)
    assert unmask(masked.text, masked.placeholders) == text
