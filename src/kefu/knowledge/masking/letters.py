"""Characters: one plain form of digits, letters and separators that keeps every offset."""

import re

CJK = "\u3400-\u4dbf\u4e00-\u9fff"

# Full-width ASCII, the spaces and dashes that keyboards and phones put in numbers, and halves of surrogate pairs, which
# no library takes. One character to one character, so that offsets in the plain form are offsets in the message.
_FULL_WIDTH = {
    code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F) if chr(code) not in "，！？；"
}  # these end clauses
_PLAIN = (
    _FULL_WIDTH
    | dict.fromkeys((0x00A0, 0x2007, 0x202F, 0x3000), ord(" "))
    | dict.fromkeys((0x2010, 0x2011, 0x2012, 0x2013, 0x2014, 0x2212), ord("-"))
    | dict.fromkeys(range(0xD800, 0xE000), 0xFFFD)
)
_ODD = re.compile("[\uff01-\uff5e\u00a0\u2007\u202f\u3000\u2010-\u2014\u2212\ud800-\udfff]")
_DIGIT = re.compile("[0-9]")
_HAN = re.compile(f"[{CJK}]")
_LATIN = re.compile("[A-Za-z]")


def plain(text: str) -> str:
    """Return the text with full-width digits, letters and odd separators in ASCII; every offset stays as it was."""
    return text.translate(_PLAIN) if _ODD.search(text) else text


def digits_of(text: str) -> str:
    """Return the ASCII digits of a text, in order."""
    return "".join(_DIGIT.findall(text))


def has_han(text: str) -> bool:
    return _HAN.search(text) is not None


def has_latin(text: str) -> bool:
    return _LATIN.search(text) is not None
