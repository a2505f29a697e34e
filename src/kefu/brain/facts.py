"""The figures and marks of a text that an answer must not get wrong: numbers with units, money, dates, times, links.

Each is brought to one form: 1,000 is 1000, ¥99 is 99元 and 99 yuan, 三天 is 3 days, 2026年3月5日 is March 5, 2026.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from typing import ClassVar

from kefu.brain.numerals import chinese_number, english_number
from kefu.knowledge.words import tokenise


class Kind(StrEnum):
    """What a fact is."""

    NUMBER = "number"
    AMOUNT = "amount"
    PERCENT = "percent"
    MONEY = "money"
    DATE = "date"
    TIME = "time"
    WEEKDAY = "weekday"
    MONTH = "month"
    CODE = "code"
    PHONE = "phone"
    EMAIL = "email"
    LINK = "link"


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact in its one form; `text` is how it was written, `after` what follows it in its clause."""

    kind: Kind
    value: str
    unit: str = ""
    text: str = ""
    after: str = field(default="", compare=False)


_MONTHS = ("january", "february", "march", "april", "may", "june", "july", "august", "september", "october",
           "november", "december")  # fmt: skip
_MONTH_OF = {name[:length]: number for number, name in enumerate(_MONTHS, 1) for length in (3, len(name))} | {"sept": 9}
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_WEEKDAY_OF = {name: str(number) for number, name in enumerate(_WEEKDAYS, 1)} | {
    "mon": "1", "tue": "2", "tues": "2", "wed": "3", "thu": "4", "thur": "4", "thurs": "4", "fri": "5", "sat": "6",
    "sun": "7", "一": "1", "二": "2", "三": "3", "四": "4", "五": "5", "六": "6", "日": "7", "天": "7",
}  # fmt: skip
# Units that are written in several ways, each under one name. Working days are not days: the difference is a promise.
_UNITS = {
    "second": "seconds? secs? 秒钟? 秒",
    "minute": "minutes? mins? 分钟",
    "hour": "hours? hrs? 个?小时 个?钟头",
    "working day": "(?:working|business|work)[\\s-]days? weekdays? 个?工作日 个?营业日",
    "day": "(?:calendar |full |consecutive )?days? 天 日 个?自然日",
    "night": "nights? 晚",
    "week": "weeks? wks? 周 个?星期 个?礼拜",
    "month": "(?:calendar )?months? 个月 个自然月",
    "year": "years? yrs? 年",
    "kilogram": "kilograms? kilos? kgs? 公斤 千克",
    "gram": "grams? g 克",
    "kilometre": "kilomet(?:re|er)s? km 公里 千米",
    "centimetre": "centimet(?:re|er)s? cm 厘米",
    "millimetre": "millimet(?:re|er)s? mm 毫米",
    "metre": "met(?:re|er)s? m 米",
    "litre": "lit(?:re|er)s? l 升",
    "millilitre": "millilit(?:re|er)s? ml 毫升",
    "kilobyte": "kb",
    "megabyte": "mb megabytes? 兆",
    "gigabyte": "gb gigabytes?",
    "watt hour": "wh 瓦时",
    "watt": "w watts? 瓦",
    "volt": "v volts? 伏",
    "degree": "°\\s?c ℃ °\\s?f degrees?(?: celsius| fahrenheit)? 摄氏度 度",
    "point": "points? 积分 分",
    "time": "times? 次",
    "piece": "pieces? items? units? pcs 件 个 只 张 台 枚 款 双 套 瓶 箱 包",
    "floor": "floors? 楼 层",
    "person": "people persons? colleagues? members? 人 位 名",
    "tenths": "折",
    "digit": "digits? 位数?",
}
_MONEY = {
    "CNY": "¥ rmb cny yuan renminbi 元人民币 人民币 元 块钱 块 圆",
    "USD": "us\\$ usd \\$ dollars? bucks? 美元 美金",
    "EUR": "€ eur euros? 欧元",
    "GBP": "£ gbp (?:pounds?(?: sterling)) 英镑",
    "HKD": "hk\\$ hkd 港元 港币",
    "JPY": "jpy yen 日元",
    "MOP": "mop 澳门元",
}


def _alternatives(table: dict[str, str]) -> str:
    """All ways of writing, longest pattern first, Latin ones ending at a word's end."""
    forms = [form for row in table.values() for form in re.split(r" (?![^(]*\))", row)]
    latin = sorted((form for form in forms if form[-1].isascii() and not form.endswith("\\$")), key=len, reverse=True)
    other = sorted((form for form in forms if form not in latin), key=len, reverse=True)
    return f"(?:(?:{'|'.join(latin)})(?![a-z])|{'|'.join(other)})"


def _names(table: dict[str, str]) -> list[tuple[re.Pattern[str], str]]:
    return [(re.compile(rf"(?:{'|'.join(re.split(r' (?![^(]*[)])', row))})"), name) for name, row in table.items()]


_UNIT, _CURRENCY = _alternatives(_UNITS), _alternatives(_MONEY)
_UNIT_NAMES, _MONEY_NAMES = _names(_UNITS), _names(_MONEY)
_DIGITS = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?(?!\d)|\d+(?:\.\d+)?"
_ZH_DIGITS = "零〇一二两三四五六七八九十百千万亿"
_HAN_NUMBER = rf"[{_ZH_DIGITS}]+(?:点[零〇一二三四五六七八九]+)?"
_HAN_DAY = "[一二三四五六七八九十]{1,3}"
_EN_WORD = (
    r"(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|"
    r"eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundred|thousand|million|dozen)"
)
_EN_NUMBER = rf"\b{_EN_WORD}(?:[ -](?:and )?{_EN_WORD})*\b"
_VALUE = rf"(?:{_DIGITS})(?:\s?[万千亿](?!人民币))?|{_HAN_NUMBER}|{_EN_NUMBER}"
_TO = r"\s*(?:-|–|—|~|～|〜|to|and|or|至|到|或|、)\s*"
# "¥12 or 5 coupons" is no range of money; only these are.
_UP_TO = r"\s*(?:-|–|—|~|～|〜|to|至|到)\s*"
_MONTH_NAME = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may(?!\s[a-z])|june?|july?|aug(?:ust)?|"
    r"sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)
_AM_PM = r"(?:[ap]\.?\s?m\b\.?)"
_PART_OF_DAY = r"(?:凌晨|早上|早晨|上午|中午|下午|晚上|晚间|傍晚|夜里)"

# Where a fact can start. Most places of a text are passed over by this before the long pattern is tried.
_START = re.compile(
    rf"[\d¥$€£{_ZH_DIGITS}半周星礼上下早晚中凌傍夜]|[+(](?=[(]?\d)|(?<![a-z0-9.@_-])(?:[a-z][a-z0-9_+-]*[\d@]|"
    rf"[a-z0-9-]+\.[a-z]"
    rf"|https?:|half\b|{_EN_WORD}\b|{_MONTH_NAME}\b|(?:mon|tue|wed|thu|fri|sat|sun)|(?:us|hk)\$|(?:rmb|cny|usd|eur|"
    rf"gbp|hkd|jpy|mop)\b)"
)
_SCAN = re.compile(
    rf"""
    (?P<email>[\w.+-]+@[\w-]+(?:\.[\w-]+)+)
  | (?P<link>(?:https?://|www\.)[^\s<>"'，。；）)】」]+|\b(?:[a-z0-9-]+\.)+(?:com|cn|net|org|io|gov|edu|shop|app|example|me|co|de|uk|eu|info)\b(?:/[^\s<>"'，。；）)】」]*)?)
  | (?P<ymd>(?P<y1>(?:19|20)\d\d)\s?[-/.年]\s?(?P<m1>\d{{1,2}})\s?[-/.月]\s?(?P<d1>\d{{1,2}})(?:\s?[日号]|(?!\d)))
  | (?P<mdy>\b(?P<m2>{_MONTH_NAME})\.?\s(?P<d2>\d{{1,2}})(?:st|nd|rd|th)?(?!\d)(?:,?\s(?P<y2>(?:19|20)\d\d)\b)?)
  | (?P<dmy>\b(?P<d3>\d{{1,2}})(?:st|nd|rd|th)?\s(?:of\s)?(?P<m3>{_MONTH_NAME})\b\.?(?:,?\s(?P<y3>(?:19|20)\d\d)\b)?)
  | (?P<md>(?P<m4>\d{{1,2}}|{_HAN_DAY})\s?月\s?(?P<d4>\d{{1,2}}|{_HAN_DAY})\s?[日号])
  | (?P<slashed>\b(?P<a5>\d{{1,2}})/(?P<b5>\d{{1,2}})/(?P<y5>(?:19|20)\d\d)\b)
  | (?P<ym>(?P<y6>(?:19|20)\d\d)\s?年\s?(?P<m6>\d{{1,2}})\s?月)
  | (?P<my>\b(?P<m7>{_MONTH_NAME})\.?,?\s(?P<y7>(?:19|20)\d\d)\b)
  | (?P<zhmonth>(?P<m8>\d{{1,2}}|{_HAN_DAY})月(?:份|初|底|末|中旬)?)
  | (?P<clock>(?P<part1>{_PART_OF_DAY})?\s?(?P<h1>[01]?\d|2[0-4])[:：](?P<n1>[0-5]\d)(?::[0-5]\d)?
      (?:\s?(?P<ap1>{_AM_PM}))?(?!\d))
  | (?P<ampm>\b(?P<h2>1[0-2]|0?[1-9])(?:\.(?P<n2>[0-5]\d))?\s?(?P<ap2>{_AM_PM}))
  | (?P<dian>(?P<part3>{_PART_OF_DAY})?(?P<h3>\d{{1,2}}|[{_ZH_DIGITS}]{{1,3}})点
      (?:(?P<half>半)|(?P<n3>\d{{1,2}}|[{_ZH_DIGITS}]{{1,3}})分|钟|整)?(?![零〇一二三四五六七八九\d]))
  | (?P<phone>(?<![\w.])\+?\(?\d[\d() -]{{5,18}}\d(?![\w%]|[.,]\d)(?=(?:[^\d]|$)))
  | (?P<percent>(?P<p1>{_VALUE})(?:{_TO}(?P<p2>{_VALUE}))?\s?(?:%|percent\b|per\ cent\b|个百分点)
      |百分之(?P<p3>{_HAN_NUMBER}|{_DIGITS}))
  | (?P<prefixed>(?P<c1>{_CURRENCY})\s?(?P<v1>{_DIGITS})(?:\s?(?P<w1>[万千亿]|k\b|m\b))?
      (?:{_UP_TO}(?P<v2>{_DIGITS})(?![\d.,]*\s?(?:%|percent|{_UNIT})))?)
  | (?P<money>(?P<v3>{_VALUE})(?:{_TO}(?P<v4>{_VALUE}))?\s?(?P<half2>半)?(?P<c2>{_CURRENCY})(?!起))
  | (?P<code>\b(?=[a-z0-9-]*\d)(?=[a-z0-9-]*[a-z])(?!\d+[-\s]?{_UNIT})(?!\d+(?:st|nd|rd|th)\b)
      (?!{_EN_WORD}-)[a-z0-9]+(?:-[a-z0-9]+)*)
  | (?P<halfunit>(?:(?P<v5>{_VALUE})\s?个)?半\s?个?(?P<u1>小时|天|年|月|周|钟头|星期)
      |\bhalf\ (?:an?\ )?(?P<u2>hour|day|year|month|week)\b)
  | (?P<amount>(?P<v6>{_VALUE})(?:{_TO}(?P<v7>{_VALUE}))?[\s-]?(?P<u3>{_UNIT}))
  | (?P<weekday>\b(?:{"|".join(_WEEKDAYS)})s?\b|\b(?:mon|tues?|wed|thur?s?|fri)\b|(?:周|星期|礼拜)[一二三四五六日天])
  | (?P<month>\b(?!may\b|march\b)(?:{"|".join(_MONTHS)})\b)
  | (?P<number>{_DIGITS})(?:\s?(?P<w2>[万千亿]))?(?:st|nd|rd|th)?
  | (?P<words>(?!one\b){_EN_NUMBER})
  | (?P<hanzi>(?=[{_ZH_DIGITS}]*[十百千万亿零])[一二两三四五六七八九十][{_ZH_DIGITS}]+)
    """,
    re.VERBOSE | re.IGNORECASE,
)
# Chinese words that only look like numbers with a unit, and English ones: "一个" is "a", "万一" is "in case".
_NOT_NUMBERS = re.compile(
    r"^(?:一\s?(?:个|件|次|只|张|位|名|些|天|台|款|套|种|双|包|层|人)|one (?:time|item|piece|person|unit)s?|万一|"
    r"千万|百万|十分)$"
)
_COMPARED_DIGITS = re.compile(r"\d+(?:\.\d+)?")
# The next words of a clause, among which stands what a number counts: "2 accredited schools", "12 or more hours".
_CLAUSE = re.compile(r"(?:[\s-]?[^\W\d_]+){1,4}")
_YEAR = re.compile(r"(?:19|20)\d\d")


@lru_cache(maxsize=8192)
def find(text: str) -> tuple[Fact, ...]:
    """All facts of a text, in order."""
    folded = _fold(text)
    found: list[Fact] = []
    end = 0
    for start in _START.finditer(folded):
        if start.start() < end:
            continue
        match = _SCAN.match(folded, start.start())
        if match is not None:
            end = match.end()
            clause = _CLAUSE.match(folded, end)
            found += (replace(fact, after=clause.group() if clause else "") for fact in _read(match))
    return tuple(found)


def kinds(text: str) -> frozenset[Kind]:
    """Which kinds of facts a text holds."""
    return frozenset(fact.kind for fact in find(text))


class Held:
    """What a set of texts holds, to be asked whether a fact is among it."""

    def __init__(self, texts: Iterable[str]) -> None:
        known = [fact for text in texts for fact in find(text)]
        self._facts = {(fact.kind, fact.value, fact.unit) for fact in known}
        self._known = known
        # Monday is 1 among weekdays; it is no figure that could hold a price of 1.
        self._values = {value for fact in known if fact.kind is not Kind.WEEKDAY for value in _values(fact)}
        self._plain = {fact.value for fact in known if fact.kind is Kind.NUMBER}
        self._dates = [fact.value for fact in known if fact.kind is Kind.DATE]

    def holds(self, fact: Fact) -> bool:
        """Whether the texts say this figure, of the same thing where both name one."""
        if (fact.kind, fact.value, fact.unit) in self._facts:
            return True
        looser = self._LOOSER.get(fact.kind)
        return looser is not None and looser(self, fact)

    def counts(self, number: Fact) -> bool:
        """Whether a bare number is the texts' figure for what it counts: "2 schools" is not held by "a 2-hour class".

        True where either side does not say what it counts, as in tables, and for years.
        """
        asked = frozenset(tokenise(number.after, "en"))
        if not asked or _YEAR.fullmatch(number.value):
            return True
        alike = (fact for fact in self._known if fact.value == number.value)
        return any(not (counted := _counted(fact)) or asked & counted for fact in alike)

    def _as_any_figure(self, fact: Fact) -> bool:
        return fact.value in self._values

    def _without_unit(self, fact: Fact) -> bool:
        """ "12" in a table whose head says "days": the figure is there, its unit is not said beside it."""
        return fact.value in self._plain

    def _as_longer_link(self, fact: Fact) -> bool:
        return any(link.startswith(f"{fact.value}/") for kind, link, _ in self._facts if kind is Kind.LINK)

    def _with_a_year(self, fact: Fact) -> bool:
        """ "5 March" where the texts say "5 March 2026"."""
        return fact.value.startswith("*-") and any(date.endswith(fact.value[1:]) for date in self._dates)

    def _in_a_date(self, fact: Fact) -> bool:
        return any(date.split("-")[1] == fact.value for date in self._dates)

    _LOOSER: ClassVar[dict[Kind, Callable[["Held", Fact], bool]]] = {
        Kind.NUMBER: _as_any_figure,
        Kind.AMOUNT: _without_unit,
        Kind.MONEY: _without_unit,
        Kind.PERCENT: _without_unit,
        Kind.LINK: _as_longer_link,
        Kind.DATE: _with_a_year,
        Kind.MONTH: _in_a_date,
    }


def _fold(text: str) -> str:
    return unicodedata.normalize("NFKC", text).lower()


def _counted(fact: Fact) -> frozenset[str]:
    """The words for what a fact counts: its unit, or where it has none what follows; empty where nothing does."""
    if fact.kind is Kind.AMOUNT:
        return frozenset(tokenise(f"{fact.unit} {fact.text}", "en")) - {fact.value}
    return frozenset(tokenise(f"{fact.unit} {fact.after}", "en"))


def _values(fact: Fact) -> Iterator[str]:
    yield fact.value
    if fact.kind in (Kind.DATE, Kind.CODE, Kind.PHONE):
        yield from (_plain(Decimal(digits)) for digits in _COMPARED_DIGITS.findall(fact.value.replace("-", " ")))


def _read(match: re.Match[str]) -> Iterator[Fact]:
    shape = next(name for name in _SHAPES if match.group(name) is not None)
    text = match.group().strip()
    if _NOT_NUMBERS.match(text):
        return
    yield from _SHAPES[shape](match, text)


def _read_email(match: re.Match[str], text: str) -> Iterator[Fact]:
    yield Fact(Kind.EMAIL, text.rstrip("."), text=text)


def _read_link(match: re.Match[str], text: str) -> Iterator[Fact]:
    bare = re.sub(r"^(?:https?://)?(?:www\.)?", "", text).rstrip("/.,;:!?")
    yield Fact(Kind.LINK, bare, text=text)


def _read_date(match: re.Match[str], text: str) -> Iterator[Fact]:
    for place in "1234":
        groups = match.groupdict()
        if groups.get(f"m{place}") and groups.get(f"d{place}"):
            year = groups.get(f"y{place}") or "*"
            yield Fact(Kind.DATE, f"{year}-{_month(groups[f'm{place}'])}-{_whole(groups[f'd{place}'])}", text=text)
            return


def _read_slashed(match: re.Match[str], text: str) -> Iterator[Fact]:
    first, second, year = int(match["a5"]), int(match["b5"]), match["y5"]
    # 5/3/2026 is March 5 or May 3; where one cannot be a month the other is.
    month, day = (first, second) if second > 12 or (first <= 12 and first <= second) else (second, first)
    yield Fact(Kind.DATE, f"{year}-{month}-{day}", text=text)


def _read_year_month(match: re.Match[str], text: str) -> Iterator[Fact]:
    place = "6" if match["y6"] else "7"
    yield Fact(Kind.DATE, f"{match[f'y{place}']}-{_month(match[f'm{place}'])}", text=text)


def _read_month(match: re.Match[str], text: str) -> Iterator[Fact]:
    yield Fact(Kind.MONTH, str(_month(match["m8"] or text)), text=text)


def _read_clock(match: re.Match[str], text: str) -> Iterator[Fact]:
    hour = _whole(match["h1"] or match["h2"] or match["h3"])
    minute = 30 if match["half"] else _whole(match["n1"] or match["n2"] or match["n3"] or "0")
    part = (match["ap1"] or match["ap2"] or match["part1"] or match["part3"] or "").lower()
    afternoon = part.startswith("p") or part in ("下午", "晚上", "晚间", "傍晚") or (part == "中午" and hour < 3)
    if afternoon and hour < 12:
        hour += 12
    if hour == 12 and (part.startswith("a") or part == "凌晨"):
        hour = 0
    yield Fact(Kind.TIME, f"{hour % 24}:{minute:02}", text=text)


def _read_phone(match: re.Match[str], text: str) -> Iterator[Fact]:
    digits = "".join(char for char in text if char.isdigit())
    if len(digits) >= 7:
        yield Fact(Kind.PHONE if digits != text else Kind.NUMBER, digits.lstrip("0") or "0", text=text)
    else:
        yield from (Fact(Kind.NUMBER, _plain(Decimal(part)), text=part) for part in re.findall(r"\d+", text))


def _read_percent(match: re.Match[str], text: str) -> Iterator[Fact]:
    for group in ("p1", "p2", "p3"):
        if match[group]:
            yield Fact(Kind.PERCENT, _number(match[group]), "%", text)


def _read_prefixed(match: re.Match[str], text: str) -> Iterator[Fact]:
    unit = _name(match["c1"], _MONEY_NAMES)
    yield Fact(Kind.MONEY, _number(match["v1"] + (match["w1"] or "").strip()), unit, text)
    if match["v2"]:
        yield Fact(Kind.MONEY, _number(match["v2"]), unit, text)


def _read_money(match: re.Match[str], text: str) -> Iterator[Fact]:
    unit = _name(match["c2"], _MONEY_NAMES)
    for group in ("v3", "v4"):
        if match[group]:
            yield Fact(Kind.MONEY, _number(match[group]), unit, text)


def _read_half(match: re.Match[str], text: str) -> Iterator[Fact]:
    unit = _name(match["u2"] or match["u1"].replace("月", "个月"), _UNIT_NAMES)
    whole = Decimal(_number(match["v5"])) if match["v5"] else Decimal(0)
    yield Fact(Kind.AMOUNT, _plain(whole + Decimal("0.5")), unit, text)


def _read_amount(match: re.Match[str], text: str) -> Iterator[Fact]:
    unit = _name(match["u3"], _UNIT_NAMES)
    for written in (match["v6"], match["v7"]):
        for value in _one_or_two(written) if written else ():
            if unit == "year" and re.fullmatch(r"(?:19|20)\d\d", value):
                yield Fact(Kind.NUMBER, value, text=text)
            else:
                yield Fact(Kind.AMOUNT, value, unit, text)


def _read_weekday(match: re.Match[str], text: str) -> Iterator[Fact]:
    name = text[-1] if text[0] in "周星礼" else text
    yield Fact(Kind.WEEKDAY, _WEEKDAY_OF.get(name) or _WEEKDAY_OF[name.rstrip("s")], text=text)


def _read_code(match: re.Match[str], text: str) -> Iterator[Fact]:
    yield Fact(Kind.CODE, text, text=text)


def _read_number(match: re.Match[str], text: str) -> Iterator[Fact]:
    yield Fact(Kind.NUMBER, _number((match["number"] or text) + (match["w2"] or "")), text=text)


_SHAPES = {
    "email": _read_email, "link": _read_link, "ymd": _read_date, "mdy": _read_date, "dmy": _read_date, "md": _read_date,
    "slashed": _read_slashed, "ym": _read_year_month, "my": _read_year_month, "zhmonth": _read_month,
    "clock": _read_clock, "ampm": _read_clock, "dian": _read_clock, "phone": _read_phone, "percent": _read_percent,
    "prefixed": _read_prefixed, "money": _read_money, "code": _read_code, "halfunit": _read_half,
    "amount": _read_amount, "weekday": _read_weekday, "month": _read_month, "number": _read_number,
    "words": _read_number, "hanzi": _read_number,
}  # fmt: skip


def _one_or_two(written: str) -> tuple[str, ...]:
    """两三 is two or three, 七八 seven or eight; every other number is one."""
    if len(written) == 2 and all(char in _ZH_DIGITS[2:11] for char in written):
        low, high = _number(written[0]), _number(written[1])
        if int(high) - int(low) == 1:
            return low, high
    return (_number(written),)


def _name(written: str, names: list[tuple[re.Pattern[str], str]]) -> str:
    return next((name for pattern, name in names if pattern.fullmatch(written)), written)


def _month(written: str) -> int:
    return _MONTH_OF.get(written.rstrip(".")) or _whole(written)


def _whole(written: str) -> int:
    return int(Decimal(_number(written)))


def _number(written: str) -> str:
    """The decimal form of a number in digits, Chinese or English words."""
    written = written.strip().replace(",", "")
    if written[0].isdigit():
        digits = _COMPARED_DIGITS.match(written)
        assert digits is not None
        scale = {"万": 10_000, "千": 1_000, "亿": 100_000_000, "k": 1_000, "m": 1_000_000}
        return _plain(Decimal(digits.group()) * scale.get(written[digits.end() :].strip(), 1))
    if written[0].isascii():
        return _plain(Decimal(english_number(written)))
    return _plain(chinese_number(written))


def _plain(value: Decimal) -> str:
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
