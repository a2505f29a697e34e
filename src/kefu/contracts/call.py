"""What goes over a call's socket: sound as binary frames, everything else as JSON objects with a `type`.

A browser sends plain samples, 16 bits little endian, one channel, `RATE` a second, some 20 to 40 ms a frame. What it
is sent has a head of four bytes: whose sound it is, the rate in thousands a second, and the number of an answer's
sentence; samples of the same kind follow.
"""

import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from kefu.kit.errors import BadInput

# What recognisers work on, and what speech on a good telephone line has.
RATE = 16_000
# The longest frame that is taken: half a second. A longer one would only make the speaker wait.
MOST_BYTES = RATE
_HEAD = struct.Struct("<BBH")
_SENTENCES = 2**16


class Origin(IntEnum):
    """Whose sound a frame holds: an answer's that was made here, or that of the person on the other line."""

    ANSWER = 1
    PERSON = 2


def sound_frame(origin: Origin, pcm: bytes, *, rate: int = RATE, sentence: int = 0) -> bytes:
    """A binary frame as a browser gets it; `pcm` are 16-bit samples of `rate`, a whole number of thousands a second."""
    return _HEAD.pack(origin, rate // 1000, sentence % _SENTENCES) + pcm


def read_frame(frame: bytes) -> tuple[Origin, int, int, bytes]:
    """Origin, rate, sentence and samples of a binary frame. Raises BadInput for one that is none."""
    try:
        origin, thousands, sentence = _HEAD.unpack_from(frame)
        return Origin(origin), thousands * 1000, sentence, frame[_HEAD.size :]
    except (struct.error, ValueError) as error:
        raise BadInput("This is no frame of sound.") from error


@dataclass(frozen=True)
class Wish:
    """What somebody on the line tells the server.

    `type` is played (the browser has played the `sentence`, or begins to, by `begun`), hand_over (to a person), hang_up
    or ping.
    """

    type: str
    sentence: int = 0
    begun: bool = False


WISHES = frozenset({"played", "hand_over", "hang_up", "ping"})


def read_wish(frame: Any) -> Wish:
    """A JSON frame of a browser. Raises BadInput for one of another shape."""
    if not isinstance(frame, dict) or frame.get("type") not in WISHES:
        raise BadInput(f"A frame's type is one of {', '.join(sorted(WISHES))}.", field="type")
    sentence, begun = frame.get("sentence", 0), frame.get("begun", False)
    if not isinstance(sentence, int) or not isinstance(begun, bool):
        raise BadInput("A sentence is named by its number.", field="sentence")
    return Wish(str(frame["type"]), sentence, begun)
