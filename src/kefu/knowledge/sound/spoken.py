"""Written text as it is said aloud: numbers, order ids, dates and money as a person would speak them.

Marks of layout go, addresses of pages become a word, ids and telephone numbers are read digit by digit. What the voices
read well themselves (English dates, times, percentages, plain numbers) is left to them.
"""

import re
from collections.abc import Callable

_MARKS = re.compile(r"[*_`#>|~]+|^\s*[-•·]\s+", re.MULTILINE)
_LINK = re.compile(r"\[([^\]]+)\]\([^)]*\)")
_URL = re.compile(r"(?:https?://|www\.)[^\s<>()（），。；]+", re.IGNORECASE)
_MAIL = re.compile(r"([\w.+-]+)@([\w-]+(?:\.[\w-]+)+)")
_PLACEHOLDER = re.compile(r"<([A-Z_]+)_\d+>")
_CITATION = re.compile(r"\[\d+\]")
_BLANKS = re.compile(r"[ \t]+")
# Letters and digits mixed, or joined by hyphens: KF-20931, A1B2C3; at least three digits, so that "10kg" is none.
_ID = re.compile(
    r"(?<![\w-])(?=[\w-]*\d[\w-]*\d[\w-]*\d)(?=[\w-]*[A-Za-z])[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*(?![\w-])", re.ASCII
)
_UNIT = re.compile(r"\d+(?:\.\d+)?(?:km|kg|ml|mm|cm|kw|kwh|gb|mb|tb|mah|hz|th|st|nd|rd|am|pm|x)", re.IGNORECASE)
# Seven digits and more without a separator, or a telephone number's groups.
_DIGITS = re.compile(
    r"(?<![\d.,¥$€£])\+?\d{7,}(?![\d.,]\d)|(?<![\d-])(?:\+?\d{1,4}[- ])?\d{3,4}[- ]\d{3,4}(?:[- ]\d{3,4})*(?![\d-])"
)
_GROUPED = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
# What these words announce is a name made of digits, however short.
_CUED = re.compile(
    r"((?:邮编|邮政编码|验证码|取件码|编号|单号|尾号|QQ号?|QQ群号?|群号|房间号|分机|热线|电话|拨打|致电)[是为]?[:：]?\s?"
    r"|\b(?:code|pin|postcode|zip code|extension|hotline|dial|ending in)(?: is)?:?\s)"
    r"(\d{3,6})(?![\d%％-]|[.,:：]\d|\s?[元天个])",
    re.IGNORECASE,
)

# Money by its code, before or behind the amount: USD 20, 99 RMB. Where the word follows as well it says enough.
_COINS = {"USD": "$", "EUR": "€", "GBP": "£", "CNY": "¥", "RMB": "¥"}
_CODED = re.compile(
    r"(?<![A-Za-z])(?:(USD|EUR|GBP|CNY|RMB)\s?(\d[\d,]*(?:\.\d+)?)(?![\d,.]*\s?(?:元|yuan))"
    r"|(?<![\d.,])(\d[\d,]*(?:\.\d+)?)\s?(USD|EUR|GBP|CNY|RMB)(?![A-Za-z]))"
)
# Length by width by height, with or without a unit.
_SIZE = re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?:\s?[x×]\s?\d+(?:\.\d+)?)+(?![\d.]*\d)", re.ASCII)
_BY = re.compile(r"\s?[x×]\s?")

_EN_MONEY = re.compile(r"([$€£¥])\s?(\d+)(?:\.(\d{1,2}))?(?:\s?([KMB])\b)?(?!\d|\.\d)")
_EN_ALWAYS = re.compile(r"(?<![\w/])24/7(?![\w/])")
_EN_MIDNIGHT = re.compile(r"(?<![\d:])0?0:([0-5]\d)(?![\d:])")
_EN_THOUSANDS = {"K": "thousand", "M": "million", "B": "billion"}
_EN_SPAN = re.compile(r"(?<=\d)\s?[–—~]\s?(?=\d)|(?<=:\d\d)\s?-\s?(?=\d{1,2}:\d\d)")
_EN_COINS = {
    "$": ("dollar", "cent", "cents"),
    "€": ("euro", "cent", "cents"),
    "£": ("pound", "penny", "pence"),
    "¥": ("yuan", "fen", "fen"),
}
_ZH_MONEY = re.compile(r"([¥￥$€£])\s?(\d+(?:\.\d+)?)\s?([百千万亿]*)(?:[美欧]?元|英镑)?")
_ZH_COINS = {"¥": "元", "￥": "元", "$": "美元", "€": "欧元", "£": "英镑"}
_ZH_DATE = re.compile(r"(?<!\d)(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?!\d)")
_ZH_YEAR = re.compile(r"(?<!\d)(\d{4})(?=年)")
_ZH_TIME = re.compile(r"(?<!\d)([01]?\d|2[0-4])[:：]([0-5]\d)(?:[:：]([0-5]\d))?(?!\d)")
_ZH_MINUTES = re.compile(r"(?<=\d[点时])0(?=[1-9]分)")
# Versions and addresses of machines: 2.1.3.
_ZH_DOTTED = re.compile(r"(?<![\d.])\d+(?:\.\d+){2,}(?![\d.])")
_ZH_MEASURE = re.compile(
    r"(?<![A-Za-z0-9.-])(\d+(?:\.\d+)?)\s?(kg|g|km|cm|mm|m|ml|mL|L|h|min|mAh|KG|KM|CM|MM|ML)(?![A-Za-z0-9])"
)
_ZH_MEASURES = {
    **{"kg": "公斤", "g": "克", "km": "公里", "cm": "厘米", "mm": "毫米", "m": "米", "ml": "毫升", "l": "升"},
    **{"h": "小时", "min": "分钟", "mah": "毫安时"},
}
_ZH_RANGE = re.compile(r"(?<=[\d%％元点分天日号月])\s?[-–—~～至]\s?(?=\d)")
_ZH_DEGREES = re.compile(r"(?<=\d)\s?(?:°\s?C|℃)")
_ZH_BELOW = re.compile(r"(?<![A-Za-z0-9%％)）-])[-−](?=\d+(?:\.\d+)?(?:度|摄氏度))")
_ZH_MINUS = re.compile(r"(?<![A-Za-z0-9%％)）-])[-−](?=\d)")
# Halves and tenths; 11/22 may be a day.
_ZH_FRACTION = re.compile(r"(?<![\d/.])([1-9])/([2-9]|10)(?![\d/.日号])")
_ZH_PERCENT = re.compile(r"(\d+(?:\.\d+)?)\s?[%％]")
_ZH_CENTS = re.compile(r"(?<=\d)\.0+(?=[元美欧英])|(?<=\.\d)0+(?=[元美欧英])")
_ZH_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_ZH_TWO = re.compile(r"(?<![\d.第])2(?=[个件次位天周年种张份只条台双小]|小时)")
_HAN_DIGITS = str.maketrans("0123456789", "零一二三四五六七八九")

_NAMED = {
    "en": {"link": "the link in the text", "at": " at ", "dot": " dot ", "by": " by "},
    "zh": {"link": "文字里的链接", "at": " at ", "dot": "点", "by": "乘"},
}
_PRIVATE = {
    "PHONE": {"en": "your phone number", "zh": "您的电话号码"},
    "EMAIL": {"en": "your e-mail address", "zh": "您的邮箱"},
    "ADDRESS": {"en": "your address", "zh": "您的地址"},
    "NAME": {"en": "your name", "zh": "您的姓名"},
}
_ANY_PRIVATE = {"en": "the number you gave", "zh": "您提供的号码"}


def spoken(text: str, language: str) -> str:
    """The text to hand to a voice of `language` (en or zh; any other is read as English is)."""
    lang = _voice(language)
    words = _NAMED[lang]
    text = without_marks(text, language)
    text = _MAIL.sub(lambda found: f"{found[1]}{words['at']}{found[2].replace('.', words['dot'])}", text)
    text = _CODED.sub(lambda found: f"{_COINS[found[1] or found[4]]}{found[2] or found[3]}", text)
    text = _SIZE.sub(lambda found: _BY.sub(words["by"], found[0]), text)
    text = _CUED.sub(_named(_han if lang == "zh" else str), text)
    return _tidy(_chinese(text) if lang == "zh" else _english(text))


def without_marks(text: str, language: str) -> str:
    """The text without marks of layout, citations, addresses of pages and placeholders of personal data."""
    lang = _voice(language)
    text = _LINK.sub(r"\1", text)
    text = _PLACEHOLDER.sub(lambda found: _PRIVATE.get(found[1], _ANY_PRIVATE)[lang], text)
    return _tidy(_MARKS.sub(" ", _URL.sub(_NAMED[lang]["link"], _CITATION.sub("", text))))


def _voice(language: str) -> str:
    return "zh" if language.startswith("zh") else "en"


def _tidy(text: str) -> str:
    return "\n".join(line.strip() for line in _BLANKS.sub(" ", text).splitlines() if line.strip())


def _english(text: str) -> str:
    # Numbers in groups of three are amounts, so ids are looked for while they still have their commas.
    text = _GROUPED.sub("", _DIGITS.sub(_apart(str), _ID.sub(_apart(str), text)))
    text = _EN_SPAN.sub(" to ", _EN_MONEY.sub(_english_money, text))
    text = _EN_MIDNIGHT.sub(lambda found: "midnight" if found[1] == "00" else f"12:{found[1]} am", text)
    return _EN_ALWAYS.sub("24 7", text)


def _english_money(found: re.Match[str]) -> str:
    coin, one_small, many_small = _EN_COINS[found[1]]
    if found[4]:  # $2.5M
        amount = f"{found[2]}.{found[3]}" if found[3] else found[2]
        return f"{amount} {_EN_THOUSANDS[found[4]]} {coin if coin == 'yuan' else f'{coin}s'}"
    whole, rest = int(found[2]), int((found[3] or "").ljust(2, "0"))
    small = f"{rest} {one_small if rest == 1 else many_small}"
    if rest and not whole:
        return small
    large = f"{whole} {coin if whole == 1 or coin == 'yuan' else f'{coin}s'}"
    if not rest:
        return large
    return f"{large} {rest}" if many_small == "cents" and rest > 1 else f"{large} and {small}"


def _chinese(text: str) -> str:
    text = _ZH_DATE.sub(lambda found: f"{found[1]}年{int(found[2])}月{int(found[3])}日", text)
    text = _ZH_YEAR.sub(lambda found: found[1].translate(_HAN_DIGITS), text)
    text = _ZH_DOTTED.sub(lambda found: _han(found[0]).replace(".", "点"), text)
    text = _ZH_MEASURE.sub(lambda found: f"{found[1]}{_ZH_MEASURES[found[2].lower()]}", text)
    text = _GROUPED.sub("", _DIGITS.sub(_apart(_han), _ID.sub(_apart(_han), text)))
    text = _ZH_RANGE.sub("到", _ZH_DEGREES.sub("摄氏度", text))
    text = _ZH_TIME.sub(_chinese_time, _ZH_MINUS.sub("负", _ZH_BELOW.sub("零下", text)))
    text = _ZH_FRACTION.sub(_chinese_fraction, _ZH_MINUTES.sub("零", text))
    text = _ZH_MONEY.sub(lambda found: f"{found[2]}{found[3]}{_ZH_COINS[found[1]]}", text)
    text = _ZH_CENTS.sub("", text)
    text = _ZH_PERCENT.sub(r"百分之\1", text)
    text = _ZH_TWO.sub("两", text)
    return _ZH_NUMBER.sub(lambda found: said_in_chinese(found[0]), text)


def _chinese_time(found: re.Match[str]) -> str:
    hour, minute = int(found[1]), int(found[2])
    said = "两" if hour == 2 else said_in_chinese(str(hour))
    if found[3]:
        return f"{said}点{said_in_chinese(found[2])}分{said_in_chinese(found[3])}秒"
    if not minute:
        return f"{said}点"
    return f"{said}点半" if minute == 30 else f"{said}点{'零' if minute < 10 else ''}{said_in_chinese(str(minute))}分"


def _chinese_fraction(found: re.Match[str]) -> str:
    return f"{found[2]}分之{found[1]}" if int(found[1]) < int(found[2]) else found[0]


def _han(digits: str) -> str:
    return digits.translate(_HAN_DIGITS)


def _named(digits: Callable[[str], str]) -> Callable[[re.Match[str]], str]:
    return lambda found: found[1] + " ".join(digits(each) for each in found[2])


def _apart(digits: Callable[[str], str]) -> Callable[[re.Match[str]], str]:
    """Each letter and digit by itself, with a pause where groups end."""

    def replaced(found: re.Match[str]) -> str:
        if _UNIT.fullmatch(found[0]):
            return found[0]
        groups = re.split(r"[- ]", found[0].lstrip("+"))
        said = ", ".join(" ".join(digits(each) for each in group) for group in groups if group)
        # A Chinese word right behind would join the last digit: 一 and 共 are 一共.
        return f"{said} " if found.string[found.end() : found.end() + 1] > "\u2e80" else said

    return replaced


_PLACES = ("", "十", "百", "千")
_GROUPS = ("", "万", "亿", "万亿")
_TWO = 2  # of thousands and more it is 两


def said_in_chinese(written: str) -> str:
    """Arabic digits, perhaps with a point, as Mandarin says them: 62.5 is 六十二点五."""
    whole, _, fraction = written.partition(".")
    value = int(whole)
    if value >= 10**16:
        return _han(written)
    said = _whole(value)
    return f"{said}点{_han(fraction)}" if fraction else said


def _whole(value: int) -> str:
    if value == 0:
        return "零"
    groups: list[str] = []
    gap = False
    for place in range(3, -1, -1):
        group = value // 10_000**place % 10_000
        if not group:
            gap = bool(groups)
            continue
        if groups and (gap or group < 1_000):
            groups.append("零")
        groups.append(("两" if group == _TWO and place else _below_ten_thousand(group)) + _GROUPS[place])
        gap = False
    said = "".join(groups)
    return said.removeprefix("一") if said.startswith("一十") else said


def _below_ten_thousand(value: int) -> str:
    said, gap = "", False
    for place in range(3, -1, -1):
        digit = value // 10**place % 10
        if digit:
            said += (
                ("零" if gap else "") + ("两" if digit == _TWO and place == 3 else _han(str(digit))) + _PLACES[place]
            )
            gap = False
        elif said:
            gap = True
    return said
