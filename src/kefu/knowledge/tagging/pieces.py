"""A text and what was asked before it, as the pieces that a tagger tags."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

# The question's slots stand before the text as words that an encoder knows: "date, first name: ".
_ASKED = ": "
_HAN = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]")


@dataclass(frozen=True)
class Pieces:
    """Places in the text of what is tagged, whether each is joined to the one before, and where its logits are."""

    places: tuple[tuple[int, int], ...]
    joined: tuple[bool, ...]
    rows: tuple[int, ...]


def asked(text: str, requested: Sequence[str]) -> tuple[str, int]:
    """What the encoder reads, and where the text begins in it."""
    if not requested:
        return text, 0
    said = ", ".join(sorted(name.replace("_", " ").replace("-", " ") for name in requested)) + _ASKED
    return said + text, len(said)


def pieces(encoded: Any, whole: str, start: int) -> Pieces:
    """The tokens of the text itself: `encoded` is a tokenizer's encoding of `whole`, whose text begins at `start`.

    Special tokens and the question's words are left out; blanks that a token begins with are no part of it.
    """
    places, rows = [], []
    for row, (first, end) in enumerate(encoded.offsets):
        begin = max(first, start)
        while begin < end and whole[begin].isspace():
            begin += 1
        if begin < end and first >= start - 1:
            places.append((begin - start, end - start))
            rows.append(row)
    text = whole[start:]
    return Pieces(tuple(places), tuple(is_joined(text, place) for place, _ in places), tuple(rows))


def is_joined(text: str, at: int) -> bool:
    """Whether a text cannot be cut before a place: both sides are letters of one word, or digits of one number."""
    if at <= 0 or at >= len(text):
        return False
    before, after = text[at - 1], text[at]
    if _HAN.match(before) or _HAN.match(after):
        return False
    return (before.isalpha() and after.isalpha()) or (before.isdigit() and after.isdigit())
