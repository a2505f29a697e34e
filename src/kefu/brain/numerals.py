"""Numbers written in words, Chinese and English."""

import re
from decimal import Decimal

_ZH_DIGIT = {char: value for value, char in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
_ZH_SMALL = {"十": 10, "百": 100, "千": 1000}
_ZH_LARGE = {"万": 10_000, "亿": 100_000_000}
_UNITS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen"
    " eighteen nineteen"
)
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_EN = {word: value for value, word in enumerate(_UNITS.split())} | {
    word: 10 * value for value, word in enumerate(_TENS.split(), 2)
}
_EN_SCALE = {"hundred": 100, "thousand": 1000, "million": 1_000_000, "dozen": 12}


def chinese_number(written: str) -> Decimal:
    """三百二十五 is 325, 二〇二四 is 2024, 两万五 is 25000, 三点五 is 3.5."""
    whole, _, fraction = written.partition("点")
    if fraction:
        return _chinese_whole(whole) + Decimal("0." + "".join(str(_ZH_DIGIT[char]) for char in fraction))
    return _chinese_whole(whole)


def _chinese_whole(written: str) -> Decimal:
    if all(char in _ZH_DIGIT for char in written):
        return Decimal("".join(str(_ZH_DIGIT[char]) for char in written) or "0")
    total = section = digit = 0
    last_scale = 1
    for char in written:
        if char in _ZH_DIGIT:
            digit = _ZH_DIGIT[char]
            last_scale = 1 if digit == 0 else last_scale
        elif char in _ZH_SMALL:
            section += (digit or 1) * _ZH_SMALL[char]
            digit, last_scale = 0, _ZH_SMALL[char]
        else:
            total = (total + section + digit or 1) * _ZH_LARGE[char]
            section = digit = 0
            last_scale = _ZH_LARGE[char]
    # 两万五 is 25000 and 三百二 is 320: a last digit counts in tenths of the scale before it.
    return Decimal(total + section + digit * (last_scale // 10 if last_scale > 10 else 1))


def english_number(written: str) -> int:
    """twenty-four is 24, two hundred and five is 205, two dozen is 24."""
    total = current = 0
    for word in re.split(r"[ -]+", written.lower()):
        if word in _EN:
            current += _EN[word]
        elif word in _EN_SCALE:
            scale = _EN_SCALE[word]
            current = (current or 1) * scale
            if scale >= 1000:
                total, current = total + current, 0
    return total + current
