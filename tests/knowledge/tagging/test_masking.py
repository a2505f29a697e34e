"""Slots whose texts are masked: places move with the words, whatever stands before, within or behind them."""

import pytest

from kefu.contracts.dataset import Example
from kefu.kit.errors import BadInput
from kefu.knowledge.masking import mask
from kefu.knowledge.tagging.masking import masked_slots, moved
from kefu.knowledge.tagging.rows import SlotSpan

TEXT = "call 13812345678 on friday, or ann@example.com by 9"


def found(spans: list[SlotSpan], text: str = TEXT) -> list[str]:
    masked = mask(text, masked_before=True)
    return [masked.text[each.start : each.end] for each in moved(spans, text, masked)]


def span(words: str, text: str = TEXT) -> SlotSpan:
    start = text.index(words)
    return SlotSpan("s", start, start + len(words))


def test_places_move_with_their_words() -> None:
    assert found([span("call"), span("friday")]) == ["call", "friday"]
    last = SlotSpan("s", len(TEXT) - 1, len(TEXT))
    assert found([last]) == ["9"]


def test_personal_data_are_whole_placeholders() -> None:
    assert found([span("13812345678"), span("ann@example.com")]) == ["<PHONE_1>", "<EMAIL_1>"]
    assert found([span("1381"), span("example.com by")]) == ["<PHONE_1>", "<EMAIL_1> by"]


def test_the_same_number_twice() -> None:
    text = "13812345678 or 13812345678 at noon"
    assert found([span("noon", text)], text) == ["noon"]


def test_what_was_masked_before_stays() -> None:
    text = "call <PHONE_1> or 13912345678 on friday"
    assert found([span("<PHONE_1>", text), span("friday", text)], text) == ["<PHONE_1>", "friday"]


def test_what_only_looks_like_a_placeholder_is_refused() -> None:
    text = "call < phone 1 > on friday"
    with pytest.raises(BadInput, match="take it out"):
        found([span("friday", text)], text)


def test_a_column_that_holds_something_else_is_a_text() -> None:
    row = Example(TEXT, "call", 1, extra={"slots": "phone:13812345678"})
    assert masked_slots(row, mask(TEXT)) == "phone:<PHONE_1>"
