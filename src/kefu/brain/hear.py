"""Hear: a customer's message becomes normalised text in a known language. Voice and images join here later."""

import re
import unicodedata
from dataclasses import dataclass

from kefu.knowledge.language import detect

# A question longer than this is a pasted text; encoders cut at 128 to 512 tokens anyway. The head and the tail are
# kept: people greet first and ask last.
LONGEST = 2000
# Zero-width and direction marks, soft hyphen, byte-order mark, and control characters other than tab and newline.
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
# Only forms that mean the same character: full-width letters and digits, half-width kana, odd spaces, ligatures.
# Superscripts, fractions and circled numbers would change a figure ("10²" to "102"), so NFKC is not run on all.
_SAFE_TO_FOLD = re.compile("[\uff01-\uff5e\uff61-\uff9f\uffe0-\uffe6\u00a0\u2000-\u200a\u202f\u205f\ufb00-\ufb06]+")
# Full-width punctuation is how Chinese is written; folding it would spoil an echo of the text.
_CHINESE_MARKS = frozenset("！（），：；？～")
_BLANKS = re.compile(r"[ \t\u3000]+")
_BLANK_LINES = re.compile(r"\s*\n\s*")


@dataclass(frozen=True)
class Heard:
    """What was said: normalised text, ISO 639-1 language."""

    text: str
    language: str


def hear(text: str, language_hint: str | None, default_language: str) -> Heard:
    """Normalise a message and tell its language; a text too short to tell is in the hint's, else the default."""
    clean = normalise(text)
    return Heard(text=clean, language=detect(clean, language_hint or default_language))


def normalise(text: str) -> str:
    """NFC, full width folded where safe, invisible characters dropped, blanks collapsed, length bounded."""
    text = unicodedata.normalize("NFC", text)
    text = _INVISIBLE.sub("", text)
    text = _SAFE_TO_FOLD.sub(_fold, text)
    text = _BLANK_LINES.sub("\n", _BLANKS.sub(" ", text)).strip()
    if len(text) > LONGEST:
        half = LONGEST // 2
        text = f"{text[:half]}\n{text[-half:]}"
    return text


def _fold(match: re.Match[str]) -> str:
    return "".join(char if char in _CHINESE_MARKS else unicodedata.normalize("NFKC", char) for char in match.group())
