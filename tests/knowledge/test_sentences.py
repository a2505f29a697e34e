"""Sentences: where they end, and above all where they do not."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kefu.knowledge.sentences import sentences


def cut(text: str) -> list[str]:
    return [text[start:end] for start, end in sentences(text)]


@pytest.mark.parametrize(
    "parts",
    [
        ["Refunds take 5 days.", "They go to your card."],
        ["It costs $3.50 a month.", "Version 2.0.1 is out."],
        ["Dr. Smith and Mrs. J. Jones will help.", "Call them."],
        ["Bring papers, e.g. a passport, i.e. an ID.", "Then wait."],
        ["We open at 5 p.m. on Monday.", "See No. 12 and Sept. 30."],
        ["Write to the U.S. Department of State.", "Good luck."],
        ["See example.com/help.", "Or mail help@example.com."],
        ["Can I cancel?", "Yes!", "Do it today."],
        ["He said “no.”", "We left."],
        ["Wait... there is more.", "iPhone users tap twice."],
    ],
)
def test_english_sentences_end_where_a_reader_ends_them(parts: list[str]) -> None:
    assert cut(" ".join(parts)) == parts


@pytest.mark.parametrize(
    "parts",
    [
        ["三天内到账。", "请耐心等待！", "还有问题吗？"],
        ["运费为3.5元。", "满99元包邮。"],
        ["他说：“可以退。”", "然后就退了。"],
        ["可以退吗?", "可以!", "请联系客服"],
        ["价格是$5.00，含税；不含运费。", "谢谢。"],
    ],
)
def test_chinese_sentences_need_no_space_between_them(parts: list[str]) -> None:
    assert cut("".join(parts)) == parts


def test_a_quoted_full_stop_before_a_comma_is_inside_the_sentence() -> None:
    assert cut("点“确定。”，然后等待。") == ["点“确定。”，然后等待。"]


def test_lines_list_items_and_table_rows_are_sentences() -> None:
    text = "You need\n- a passport\n- a photo. In colour.\n1. Open the app\n\nName | Price. Net\nTea | 3.50\n"
    assert cut(text) == [
        "You need",
        "- a passport",
        "- a photo.",
        "In colour.",
        "1. Open the app",
        "Name | Price. Net",
        "Tea | 3.50",
    ]


def test_lines_of_a_paragraph_wrapped_by_hand_are_joined() -> None:
    first = "To send an article back, open your orders in the app and choose the\narticle that you want to return."
    assert cut(f"{first} Print the label.\n") == [first, "Print the label."]


@given(st.text(alphabet=st.sampled_from("aB1.。!？ \n\r\t\u2028\u200b“”)-|,中"), max_size=120))
def test_sentences_hold_all_text_that_is_not_blank_in_order(text: str) -> None:
    spans = sentences(text)
    assert all(start < end and text[start:end] == text[start:end].strip() for start, end in spans)
    gaps = zip([0, *(end for _, end in spans)], [*(start for start, _ in spans), len(text)], strict=True)
    assert all(before <= after and not text[before:after].strip() for before, after in gaps)


def test_a_megabyte_takes_well_under_a_second() -> None:
    text = "Refunds take 3.5 days, e.g. to a card. 三天内到账。\n" * 22_000
    started = time.thread_time()
    assert len(sentences(text)) == 44_000
    assert time.thread_time() - started < 5  # a third of a second on one free core
