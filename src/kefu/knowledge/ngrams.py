"""Words and letters of a text as features: what the linear floor learns from and is served with."""

import itertools
import re
import unicodedata
from functools import lru_cache

_WORD = re.compile(r"[^\W_\u3400-\u9fff]+", re.UNICODE)
_HAN = re.compile(r"[\u3400-\u9fff]+")
# Letters within a word, its edges marked by a space; lengths as in Kefu's reference floor for English.
_LETTERS = (3, 4, 5)
# Chinese needs no segmentation here: one to three characters hold most words.
_CHARACTERS = (1, 2, 3)
# Past it a text is a document; features of its beginning tell the label.
_LONGEST = 4000


# Several models tell something of a question, one after the other.
@lru_cache(maxsize=64)
def ngrams(text: str) -> tuple[str, ...]:
    """Every feature of a text as often as it occurs: words and pairs of words, letters in words, Han characters.

    Names begin with `w:`, `l:` and `h:`, so that a word is not mistaken for a run of letters.
    """
    folded = unicodedata.normalize("NFKC", text[:_LONGEST]).casefold()
    words = _WORD.findall(folded)
    found = [f"w:{word}" for word in words]
    found += [f"w:{first} {second}" for first, second in itertools.pairwise(words)]
    for word in words:
        found += _runs("l:", f" {word} ", _LETTERS)
    for run in _HAN.findall(folded):
        found += _runs("h:", run, _CHARACTERS)
    return tuple(found)


def _runs(mark: str, text: str, lengths: tuple[int, ...]) -> list[str]:
    size = len(text)
    return [mark + text[at : at + length] for length in lengths for at in range(size - length + 1)]
