"""Slots of a text whose personal data were replaced: where they stand in the masked text."""

import json
from collections.abc import Sequence

from kefu.contracts.dataset import Example
from kefu.kit.errors import BadInput
from kefu.knowledge.masking import Masked, mask
from kefu.knowledge.tagging.rows import SLOTS, SlotSpan, spans_of

# Begin and end in the original, and in the masked text.
_Piece = tuple[int, int, int, int]


def masked_slots(example: Example, masked: Masked) -> str:
    """A row's column of slots as it goes with the masked text; one that holds anything else is masked as a text is.

    Raises BadInput like `moved`.
    """
    try:
        spans = spans_of(example)
    except BadInput:  # other people's columns are called so too
        return mask(example.extra[SLOTS], masked_before=True).text
    places = moved(spans, example.text, masked)
    return json.dumps(
        [{"slot": each.slot, "start": each.start, "end": each.end} for each in places], ensure_ascii=False
    )


def moved(spans: Sequence[SlotSpan], text: str, masked: Masked) -> list[SlotSpan]:
    """The slots of `text` in `masked.text`; one that cuts into personal data holds the whole placeholder.

    Raises BadInput for a text in which something looks like a placeholder and is none: its places cannot be told.
    """
    if not spans or masked.text == text:
        return list(spans)
    pieces = _replaced(text, masked)
    return [SlotSpan(each.slot, _at(each.start, pieces, 0), _at(each.end, pieces, 1)) for each in spans]


def _replaced(text: str, masked: Masked) -> list[_Piece]:
    """What was replaced, in order."""
    names = {original: placeholder for placeholder, original in masked.placeholders.items()}
    pieces: list[_Piece] = []
    made, position = "", 0
    for entity in masked.entities:
        made += text[position : entity.start]
        pieces.append((entity.start, entity.end, len(made), len(made) + len(names[entity.text])))
        made += names[entity.text]
        position = entity.end
    if made + text[position:] != masked.text:
        raise BadInput("A text with slots holds something like <NAME_1>; take it out, or write it in other words.")
    return pieces


def _at(place: int, pieces: Sequence[_Piece], end: int) -> int:
    """A place of the original in the masked text; within a piece it is that one's beginning (0) or end (1)."""
    shift = 0
    for first, last, new_first, new_last in pieces:
        if first < place < last:
            return new_last if end else new_first
        if place < last:
            break
        shift = new_last - last
    return place + shift
