"""The words of a text that an explanation weighs, and the text without some of them."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import rjieba

_WORD = re.compile(r"<[A-Z_]+_\d+>|\w+(?:['’]\w+)*")
_HAN = re.compile(r"[\u3400-\u9fff]")


@dataclass(frozen=True)
class Word:
    """The characters from `start` to before `end`."""

    text: str
    start: int
    end: int


@dataclass(frozen=True)
class Weighed:
    """A word and how much it speaks for the label; below 0, against it."""

    word: Word
    weight: float


def words_of(text: str) -> tuple[Word, ...]:
    """The words of a text in their order; a run of Chinese characters is cut into words."""
    found: list[Word] = []
    for match in _WORD.finditer(text):
        if not _HAN.search(match[0]):
            found.append(Word(match[0], match.start(), match.end()))
            continue
        at = match.start()
        for piece in rjieba.cut(match[0]):
            start = text.find(piece, at, match.end())
            if start >= 0 and piece.strip():
                found.append(Word(piece, start, start + len(piece)))
                at = start + len(piece)
    return tuple(found)


def without(text: str, words: Sequence[Word], left_out: Collection[int]) -> str:
    """The text without the words of these places."""
    kept, at = [], 0
    for place, word in enumerate(words):
        if place in left_out:
            kept.append(text[at : word.start])
            at = word.end
    return " ".join("".join([*kept, text[at:]]).split())
