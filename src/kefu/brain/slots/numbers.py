"""Numbers and amounts of money that people write, in English and Chinese: 1,200, two, 三个, ¥99.5, 两百块."""

import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation

from kefu.brain.numerals import chinese_number, english_number
from kefu.brain.slots.found import Found, apart
from kefu.contracts.flow import Json

_ONES = "one|two|three|four|five|six|seven|eight|nine"
_TEENS = "ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen"
_TENS = "twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety"
_EN_UNIT = f"zero|{_ONES}|{_TEENS}|{_TENS}|hundred|thousand|million|dozen"
# As numbers are built: "four one way tickets" are four, not five.
_TO_99 = rf"(?:(?:{_TENS})(?:[ -](?:{_ONES})\b)?|{_TEENS}|{_ONES})"
_TO_999 = rf"(?:(?:(?:an?|{_TO_99})[ -])?hundred(?:[ -](?:and )?{_TO_99}\b)?|{_TO_99})"
_SCALED = rf"(?:(?:an?|{_TO_999})[ -])?(?:million|thousand|dozen)"
_EN_NUMBER = rf"(?:{_SCALED}(?:[ -](?:and )?{_SCALED})*(?:[ -](?:and )?{_TO_999}\b)?|{_TO_999}|zero)"
# As numbers of rooms and codes are read out: "four eighty three", "four eight three".
_EN_READ_OUT = (
    rf"(?:(?:{_ONES})[ -](?:{_TENS})(?:[ -](?:{_ONES}))?|(?:{_ONES}|zero|oh)(?:[ -](?:{_ONES}|zero|oh)){{2,}})"
)
_DIGITS = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"
_ZH_NUMBER = r"[零〇一二两三四五六七八九十百千万亿]+(?:点[零〇一二三四五六七八九]+)?"
_WRITTEN = re.compile(rf"(?<![\dA-Za-z_.#-])-?(?:{_DIGITS})(?:万|千|k\b)?(?![\d.]*\d)")
_DIGITS_ANYWHERE = re.compile(rf"(?<![\d.A-Za-z#_-])(?:{_DIGITS})(?:万|千)?(?![\dA-Za-z_])")
_WORDS = re.compile(rf"\b(?P<read_out>{_EN_READ_OUT})\b|\b{_EN_NUMBER}\b|\b(?:a )?couple\b")
# "This one", "one of my parcels", "no one": a pronoun and not a count.
_PRONOUN = re.compile(
    r"(?:this|that|the|which|first|second|last|another|other|no|any|some|each|every|new|old|wrong|right)$"
)
# A Han numeral counts something if a measure word follows: 一 alone is in 一下, 一样, 第一.
_ZH_COUNTED = re.compile(
    rf"(?<![第每周期拜统唯万十百千])(?P<number>{_ZH_NUMBER})"
    r"(?=[个個位人名件只台张份杯盒箱瓶双套次天晚间桌大小口盘条本包袋块部辆斤岁])(?!个?样|次性|个?月|天[内后前]"
    r"|下|些|直|起|定|般)"
)
_ONLY_ME = re.compile(
    r"\b(?:just|only) (?:me|myself)\b|\bmyself\b|\bby myself\b|\bjust (?:the )?one\b|就我(?:一个)?(?:人)?"
    r"|我自己|一个人"
)
_ADULTS_AND_CHILDREN = re.compile(
    rf"\b(?P<one>\d+|{_EN_UNIT}) (?:adults?|grown-?ups?)(?:,| and|,? \+| &| plus| with)*"
    rf" (?P<two>\d+|an?|{_EN_UNIT}) (?:child(?:ren)?|kids?|bab(?:y|ies)|infants?|toddlers?)\b"
    r"|(?P<zh_one>\d+|[一二两三四五六七八九十])个?大(?:人)?[、，,和加带]?(?P<zh_two>\d+"
    r"|[一二两三四五六七八九十])个?(?:小(?:孩|朋友)?|孩子|儿童)"
)

_SIGNS = {"¥": "CNY", "￥": "CNY", "hk$": "HKD", "us$": "USD", "$": "USD", "€": "EUR", "£": "GBP"}
_CURRENCIES = {
    "元人民币": "CNY", "人民币": "CNY", "块钱": "CNY", "元": "CNY", "块": "CNY", "圆": "CNY", "rmb": "CNY",
    "cny": "CNY", "yuan": "CNY", "美元": "USD", "美金": "USD", "usd": "USD", "dollars": "USD", "dollar": "USD",
    "bucks": "USD",
    "欧元": "EUR", "euros": "EUR", "euro": "EUR", "eur": "EUR", "英镑": "GBP", "pounds": "GBP", "pound": "GBP",
    "gbp": "GBP", "quid": "GBP", "港币": "HKD", "港元": "HKD", "hkd": "HKD", "日元": "JPY", "yen": "JPY", "jpy": "JPY",
}  # fmt: skip
_LATIN = "|".join(sorted((name for name in _CURRENCIES if name.isascii()), key=len, reverse=True))
_HAN = "|".join(sorted((name for name in _CURRENCIES if not name.isascii()), key=len, reverse=True))
_SIGNED = re.compile(rf"(?P<sign>hk\$|us\$|[¥￥$€£]|\b(?:{_LATIN}) )\s?(?P<number>{_DIGITS})(?P<scale>万|k\b)?")
_UNITED = re.compile(
    rf"(?P<number>{_DIGITS}|(?<![第]){_ZH_NUMBER}|\b{_EN_NUMBER})\s?(?P<scale>万)?\s?"
    rf"(?P<unit>(?:{_LATIN})\b|{_HAN}|[€£$])(?P<tenths>\d|[一二三四五六七八九])?"
)
# Beyond this nothing in a shop is counted, and JSON readers lose digits.
_LARGEST = Decimal(10) ** 15


def numbers(text: str, *, asked: bool = False) -> list[Found]:
    """The numbers in a text, in order. When a number was asked for, "just me" is one and 三 alone is three."""
    lowered = text.lower()
    found = [*_digits(lowered, asked), *_english(lowered), *_chinese(lowered), *_people(lowered)]
    if asked:
        found += [Found("number", 1, *match.span()) for match in _ONLY_ME.finditer(lowered)]
        whole = re.fullmatch(rf"\W*(?:我们|一共|总共|大概)?({_ZH_NUMBER})\W*", lowered)
        if whole is not None:
            found.append(Found("number", _plain(chinese_number(whole[1])), *whole.span(1)))
    return apart(each for each in found if each.value is not None)


def amounts(text: str, currency: str | None = None, *, asked: bool = False) -> list[Found]:
    """The amounts of money in a text; `currency` is the one that a number alone (if asked) or a shared sign means."""
    lowered = text.lower()
    found = []
    for match in _SIGNED.finditer(lowered):
        sign = match["sign"].strip()
        code = _SIGNS.get(sign) or _CURRENCIES[sign]
        found.append(_amount(match, _decimal(match["number"]), match["scale"], _meant(sign, code, currency)))
    for match in _UNITED.finditer(lowered):
        unit = match["unit"]
        code = _CURRENCIES.get(unit) or _SIGNS[unit]
        number = _decimal(match["number"])
        if match["tenths"] and unit == "块" and number is not None:  # 99块5
            number += (_decimal(match["tenths"]) or Decimal(0)) / 10
        found.append(_amount(match, number, match["scale"], _meant(unit, code, currency)))
    known = apart(each for each in found if each is not None)
    if known or not asked:
        return known
    return [
        Found("money", {"amount": each.value, "currency": currency}, each.start, each.end)
        for each in numbers(text, asked=True)
    ]


def _meant(written: str, code: str, currency: str | None) -> str:
    """$ is the shop's own dollar, ¥ its own yuan or yen."""
    shared = {"$": ("USD", "HKD", "AUD", "CAD", "SGD", "NZD", "TWD"), "¥": ("CNY", "JPY"), "￥": ("CNY", "JPY")}
    dollars = ("dollars", "dollar", "bucks")
    return currency if currency and currency in shared.get("$" if written in dollars else written, ()) else code


def _amount(match: re.Match[str], number: Decimal | None, scale: str | None, currency: str) -> Found | None:
    if number is None:
        return None
    number *= {"万": 10_000, "k": 1000}.get(scale or "", 1)
    value = _plain(round(number, 2))
    return Found("money", {"amount": value, "currency": currency}, *match.span()) if value is not None else None


def _digits(text: str, asked: bool) -> Iterator[Found]:
    for match in (_DIGITS_ANYWHERE if not asked else _WRITTEN).finditer(text):
        written = match[0]
        scale = {"万": 10_000, "千": 1000, "k": 1000}.get(written[-1], 1)
        number = _decimal(written.rstrip("万千k"))
        if number is not None:
            yield Found("number", _plain(number * scale), *match.span())


def _english(text: str) -> Iterator[Found]:
    for match in _WORDS.finditer(text):
        words = match[0]
        if words.endswith("couple"):
            yield Found("number", 2, *match.span())
        elif match["read_out"]:
            yield Found("number", int(_read_out(words)), *match.span())
        elif words != "one" or not (_PRONOUN.search(text[: match.start()].rstrip()) or _is_pronoun(text, match.end())):
            yield Found("number", english_number(words.replace(" and ", " ").removeprefix("a ")), *match.span())


def _read_out(words: str) -> str:
    """The digits of a number as it is read out: four eighty three is 483, so is four eight three."""
    parts = [0 if word == "oh" else english_number(word) for word in re.split("[ -]", words)]
    if any(part >= 10 for part in parts):
        return str(parts[0] * 100 + sum(parts[1:]))
    return "".join(map(str, parts))


def read_out(text: str) -> Iterator[tuple[str, int, int]]:
    """The numbers of a text that are read out as codes are, in digits, each with its place."""
    for match in _WORDS.finditer(text.lower()):
        if match["read_out"]:
            yield _read_out(match[0]), *match.span()


def _is_pronoun(text: str, end: int) -> bool:
    return re.match(r" (?:of (?:my|the|your|our|these|those)|that|which|more thing)\b", text[end:]) is not None


def _chinese(text: str) -> Iterator[Found]:
    for match in _ZH_COUNTED.finditer(text):
        yield Found("number", _plain(chinese_number(match["number"])), *match.span("number"))


def _people(text: str) -> Iterator[Found]:
    for match in _ADULTS_AND_CHILDREN.finditer(text):
        one, two = match["one"] or match["zh_one"], match["two"] or match["zh_two"]
        total = sum(int(_decimal("1" if each in ("a", "an") else each) or 0) for each in (one, two))
        yield Found("number", total, *match.span())


def _decimal(written: str) -> Decimal | None:
    try:
        if written[0].isdigit() or written[0] == "-":
            return Decimal(written.replace(",", ""))
        if written.isascii():
            return Decimal(english_number(written.replace(" and ", " ").removeprefix("a ")))
        return chinese_number(written)
    except (InvalidOperation, KeyError, ValueError):
        return None


def _plain(number: Decimal | None) -> Json:
    if number is None or abs(number) > _LARGEST:
        return None
    return int(number) if number == number.to_integral_value() else float(number)
