"""Frames of a call: read as they were written, and refused when they are none."""

from typing import Any

import pytest

from kefu.contracts.call import Origin, Wish, read_frame, read_wish, sound_frame
from kefu.kit.errors import BadInput


def test_a_sound_frame_is_read_as_it_was_written() -> None:
    frame = sound_frame(Origin.ANSWER, b"\1\2\3\4", rate=24_000, sentence=70_000)
    assert read_frame(frame) == (Origin.ANSWER, 24_000, 70_000 % 65_536, b"\1\2\3\4")
    assert read_frame(sound_frame(Origin.PERSON, b""))[:2] == (Origin.PERSON, 16_000)


@pytest.mark.parametrize("frame", [b"", b"\1\2\3", b"\7\20\0\0ab"])
def test_other_bytes_are_no_sound_frame(frame: bytes) -> None:
    with pytest.raises(BadInput):
        read_frame(frame)


def test_wishes_are_read() -> None:
    assert read_wish({"type": "played", "sentence": 3, "begun": True}) == Wish("played", 3, True)
    assert read_wish({"type": "hang_up", "more": "later"}) == Wish("hang_up")


@pytest.mark.parametrize(
    "frame", [None, [], {}, {"type": "dance"}, {"type": "played", "sentence": "3"}, {"type": "played", "begun": 1}]
)
def test_other_shapes_are_no_wish(frame: Any) -> None:
    with pytest.raises(BadInput):
        read_wish(frame)
