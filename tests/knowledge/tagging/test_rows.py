"""Slot data as files have them, and texts cut into pieces."""

import json
from pathlib import Path

import pytest

from kefu.kit.errors import BadInput
from kefu.knowledge.labels import read, write
from kefu.knowledge.tagging.features import features, words
from kefu.knowledge.tagging.pieces import asked, is_joined
from kefu.knowledge.tagging.rows import SlotSpan, slots_of, tagged_rows

RESTAURANT = [
    {
        "userInput": {"text": "7 pm for two"},
        "context": {"requestedSlots": ["time"]},
        "labels": [
            {"slot": "time", "valueSpan": {"endIndex": 4}},
            {"slot": "people", "valueSpan": {"startIndex": 9, "endIndex": 12}},
        ],
    },
    {"userInput": {"text": "is it open?"}},
]


def file(tmp_path: Path, rows: object) -> Path:
    path = tmp_path / "slots.json"
    path.write_text(json.dumps(rows), encoding="utf-8")
    return path


def test_restaurants_8k_is_read(tmp_path: Path) -> None:
    data = read(file(tmp_path, RESTAURANT))
    first, second = tagged_rows(data, "slots.json")
    assert first.spans == (SlotSpan("time", 0, 4), SlotSpan("people", 9, 12))
    assert first.requested == ("time",)
    assert (second.spans, second.requested) == ((), ())
    assert slots_of([first, second]) == ("people", "time")


def test_written_and_read_again_it_is_the_same(tmp_path: Path) -> None:
    data = read(file(tmp_path, RESTAURANT))
    write(data, tmp_path / "kept.jsonl.gz")
    again = read(tmp_path / "kept.jsonl.gz")
    assert again.sha256 == data.sha256
    assert [row.spans for row in tagged_rows(again, "")] == [row.spans for row in tagged_rows(data, "")]


def test_a_slot_without_its_place_is_a_bad_row(tmp_path: Path) -> None:
    rows = [*RESTAURANT, {"userInput": {"text": "seven"}, "labels": [{"slot": "time"}]}]
    with pytest.raises(BadInput, match="column labels: a slot without its place"):
        read(file(tmp_path, rows))


def test_a_place_past_the_text_is_named(tmp_path: Path) -> None:
    data = read(file(tmp_path, [{"text": "seven", "slots": [{"slot": "time", "start": 2, "end": 9}]}]))
    with pytest.raises(BadInput, match="Row 1: the slot 'time' from 2 to 9"):
        tagged_rows(data, "slots.json")


def test_data_without_slots_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="holds no slots"):
        tagged_rows(read(file(tmp_path, [{"text": "seven", "label": "x"}])), "slots.json")


def test_words_are_cut_between_letters_and_digits() -> None:
    found = words("At 11:45pm 我要两位")
    assert ["At 11:45pm 我要两位"[start:end] for start, end in found.places] == [
        "At", "11", ":", "45", "pm", "我", "要", "两", "位",
    ]  # fmt: skip
    assert not any(found.joined)
    assert [names[0] for names in features("At 11", words("At 11"), ("time",))] == ["word=at", "word=11"]


@pytest.mark.parametrize(
    ("text", "at", "joined"), [("seven", 3, True), ("45pm", 2, False), ("两位", 1, False), ("a b", 1, False)]
)
def test_what_cannot_be_cut(text: str, at: int, joined: bool) -> None:
    assert is_joined(text, at) is joined


def test_what_was_asked_stands_before_the_text() -> None:
    assert asked("7", ("first_name", "date")) == ("date, first name: 7", 18)
    assert asked("7", ()) == ("7", 0)
