"""Telling a rating from anything else that a customer may write after the question how satisfied they are. Pure.

What is not surely a rating is none: a question that is taken for one would be lost, and a rating that is not told is
only one fewer.
"""

import re
import unicodedata
from dataclasses import dataclass

BEST = 5
# What choices are called, and what people write instead. Whole answers, never parts; without "ok" and 好, which say no
# more than that somebody has read.
_WORDS: dict[int, tuple[str, ...]] = {
    5: (
        *("very satisfied", "very good", "very happy", "excellent", "perfect", "great", "amazing", "awesome"),
        *(
            "非常满意",
            "十分满意",
            "很满意",
            "特别满意",
            "超级满意",
            "非常好",
            "很好",
            "特别好",
            "太好了",
            "完美",
            "好评",
        ),
    ),
    4: ("satisfied", "good", "happy", "满意", "比较满意", "还满意", "不错", "挺好", "挺好的", "还不错"),
    3: (
        *("neutral", "average", "so so", "so-so", "neither"),
        *("一般", "一般般", "还行", "还可以", "凑合", "马马虎虎", "中评"),
    ),
    2: (
        "dissatisfied",
        "unsatisfied",
        "not satisfied",
        "not good",
        "poor",
        "bad",
        "unhappy",
        "不满意",
        "不太满意",
        "不好",
    ),
    1: (
        *("very dissatisfied", "very unsatisfied", "very bad", "very poor", "terrible", "awful", "horrible", "worst"),
        *("非常不满意", "很不满意", "十分不满意", "特别不满意", "极不满意", "很差", "太差了", "差评", "差"),
    ),
}
_SCORES = {word: score for score, words in _WORDS.items() for word in words}
_NUMERALS = {"一": 1, "二": 2, "两": 2, "三": 3, "四": 4, "五": 5, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5}
_NUMBER = "|".join(["[1-5]", *_NUMERALS])
# 5分 · 五星好评 · 5/5 · 4 out of 5 · 5 stars · I give 5 · 打5分 · 5 · Very satisfied; "5" alone, but no numeral alone
# (一 may begin anything), and nothing that counts goods (5 件).
_GIVEN = re.compile(
    rf"(?:i (?:would )?(?:give|rate)(?: (?:it|you|this))? (?:a )?|my rating is |rating:? ?|打|给|评分:? ?|我打|我给)?"
    rf"(?P<number>{_NUMBER})"
    rf"(?P<unit> ?(?:/ ?5|out of 5|stars?|points?|分|星|颗星|星好评|分好评))?"
    rf"(?: ?[-–·:.,、] ?| )?(?P<word>[^\d]*)",
    re.IGNORECASE,
)
_FULL, _EMPTY = "★⭐🌟", "☆"
_THUMBS = {"👍": 5, "👎": 1}
_KEYCAP = {0xFE0F: None, 0x20E3: None}  # what makes a digit or a star an emoji
_ENDS = " \t.。!！~～,，;；"
# Where one of these stands, something is asked or wanted, and a person or the assistant should see it.
_ASKS = re.compile(
    r"[?？]|[吗呢么]|怎|什么|哪|几[天个时点号]|多少|为何|请|帮我|麻烦|想要|需要|要求|退款|退货|投诉|转人工|人工"
    r"|\b(?:how|what|when|where|which|who|why|can|could|would|will|please|need|want|refund|cancel|return|help)\b",
    re.IGNORECASE,
)
_REMARK = 300  # characters: what is longer is a message of its own


@dataclass(frozen=True)
class Rating:
    """One to five stars, with what was said beside them."""

    score: int
    comment: str = ""


def read_rating(text: str) -> Rating | None:
    """The rating that a text is; None for what may be anything else.

    `5`, `五星`, `5 分`, `满意`, `Very satisfied`, `★★★★☆`, `👍`; with a remark on lines below, after a comma or a dash.
    """
    first, _, rest = text.strip().partition("\n")
    score = _score(first)
    if score is not None:
        return Rating(score, rest.strip()) if not rest.strip() or is_remark(rest) else None
    head, mark, tail = _cut(text.strip())
    score = _score(head) if mark else None
    return Rating(score, tail.strip()) if score is not None and is_remark(tail) else None


def is_remark(text: str) -> bool:
    """Whether a text says something and asks for nothing: short, no question, no wish."""
    said = text.strip()
    return bool(said) and len(said) <= _REMARK and not _ASKS.search(said) and not said[0].isdigit()


def _score(text: str) -> int | None:
    plain = unicodedata.normalize("NFKC", text).translate(_KEYCAP).strip(_ENDS).lower()
    if not plain:
        return None
    if plain in _SCORES:
        return _SCORES[plain]
    return _stars(plain) or _number(plain)


def _stars(plain: str) -> int | None:
    marks = plain.replace(" ", "")
    if set(marks) <= set(_FULL + _EMPTY):
        full = sum(mark in _FULL for mark in marks)
        return full if 1 <= full <= BEST and len(marks) <= BEST else None
    if set(marks) <= set(_THUMBS) and len(set(marks)) == 1:
        return _THUMBS[marks[0]]
    return None


def _number(plain: str) -> int | None:
    found = _GIVEN.fullmatch(plain)
    if found is None:
        return None
    number, unit, word = found["number"], found["unit"], found["word"].strip(_ENDS + _FULL)
    score = _NUMERALS.get(number) or int(number)
    if word:  # "5 · very satisfied", and not "5 parcels"
        return score if _SCORES.get(word) is not None and abs(_SCORES[word] - score) <= 1 else None
    return score if unit or number.isdigit() or found.start("number") else None


def _cut(text: str) -> tuple[str, str, str]:
    """A short beginning, the mark after it, and the rest. A dash is one between spaces alone: "so-so" has one, too."""
    found = re.match(r"([^,，。.!！;；:：—\n]{1,20}?)([,，。.!！;；:：—]+| +[-–] )\s*(.+)", text, re.DOTALL)
    return (found[1], found[2], found[3]) if found else (text, "", "")
