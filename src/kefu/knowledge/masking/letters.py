"""Characters: one plain form of digits, letters and separators that keeps every offset."""

import re

CJK = "\u3400-\u4dbf\u4e00-\u9fff"

# Full-width ASCII, the spaces and the dashes that keyboards and phones put in numbers. One character to one
# character, so that offsets in the plain form are offsets in the message.
_PLAIN = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | dict.fromkeys((0x00A0, 0x2007, 0x202F, 0x3000), " ")
_PLAIN |= dict.fromkeys((0x2010, 0x2011, 0x2012, 0x2013, 0x2014, 0x2212), "-")
for _stop in "，！？；":  # these are full-width ASCII too, but must go on ending a Chinese clause
    del _PLAIN[ord(_stop)]
_ODD = re.compile("[" + "".join(re.escape(chr(code)) for code in _PLAIN) + "]")
_DIGIT = re.compile("[0-9]")
_HAN = re.compile(f"[{CJK}]")
_LATIN = re.compile("[A-Za-z]")


def plain(text: str) -> str:
    """Return the text with full-width digits, letters and odd separators in ASCII; every offset stays as it was."""
    return text.translate(_PLAIN) if _ODD.search(text) else text


def digits_of(text: str) -> str:
    """Return the ASCII digits of a text, in order."""
    return "".join(_DIGIT.findall(text))


def has_digit(text: str) -> bool:
    return _DIGIT.search(text) is not None


def has_han(text: str) -> bool:
    return _HAN.search(text) is not None


def has_latin(text: str) -> bool:
    return _LATIN.search(text) is not None
