"""Words of a text and what a linear tagger sees of each."""

import re
from collections.abc import Iterator, Sequence

from kefu.knowledge.tagging.pieces import Pieces, is_joined

# A placeholder of masked data, a run of letters, a run of digits, one Han character, or one sign.
_WORD = re.compile(r"<[A-Z]+_\d+>|[\u3400-\u9fff\uf900-\ufaff]|[^\W\d_\u3400-\u9fff\uf900-\ufaff]+|\d+|[^\w\s]|_")
# How far to both sides a word is looked at, and how long the beginnings and endings are that tell kinds of words.
_NEAR, _ENDS = 3, (1, 2, 3)
_LONGEST = 4000  # a text past it is a document


def words(text: str) -> Pieces:
    """The words of a text as pieces; `rows` count them."""
    places = [match.span() for match in _WORD.finditer(text[:_LONGEST])]
    return Pieces(tuple(places), tuple(is_joined(text, start) for start, _ in places), tuple(range(len(places))))


def features(text: str, found: Pieces, requested: Sequence[str]) -> Iterator[list[str]]:
    """The features of each word: itself, its shape and ends, its neighbours, and what had been asked."""
    cut = [text[start:end] for start, end in found.places]
    low, shapes = [_folded(word) for word in cut], [_shape(word) for word in cut]
    asked = [f"asked={name}" for name in requested]
    alone = "alone" if len(cut) == 1 else "few" if len(cut) < 4 else "many"
    for at, word in enumerate(low):
        own = [f"word={word}", f"shape={shapes[at]}", "bias"]
        own += [f"{kind}={part}" for size in _ENDS for kind, part in (("begin", word[:size]), ("end", word[-size:]))]
        for far in range(1, _NEAR + 1):
            own += [f"-{far}={_at(low, at - far)}", f"+{far}={_at(low, at + far)}"]
            own += [f"-{far}shape={_at(shapes, at - far)}", f"+{far}shape={_at(shapes, at + far)}"]
        own += [f"-1,0={_at(low, at - 1)} {word}", f"0,+1={word} {_at(low, at + 1)}"]
        own += [f"-2,-1={_at(low, at - 2)} {_at(low, at - 1)}", f"+1,+2={_at(low, at + 1)} {_at(low, at + 2)}"]
        own += [
            f"{each} {part}" for each in asked for part in (f"shape={shapes[at]}", f"at={min(at, 3)} {alone}", word)
        ]
        yield own


def _folded(word: str) -> str:
    """Placeholders are alike whatever their number."""
    return f"{word.partition('_')[0]}>" if word.startswith("<") and len(word) > 1 else word.casefold()


def _at(parts: Sequence[str], place: int) -> str:
    if place < 0:
        return "<begin>"
    return parts[place] if place < len(parts) else "<end>"


def _shape(word: str) -> str:
    """`Aa`, `a`, `A`, `9999`, `han`, or the sign itself: of digits their number counts, of letters only the case."""
    if word.startswith("<") and word.endswith(">"):
        return word.partition("_")[0]
    if word.isdigit():
        return "9" * min(len(word), 5)
    if not word.isalpha():
        return word
    if "\u3400" <= word[0] <= "\u9fff":
        return "han"
    if word.isupper():
        return "A" if len(word) > 1 else "A1"
    return "Aa" if word[0].isupper() else "a"
