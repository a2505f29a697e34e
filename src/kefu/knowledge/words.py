"""Texts cut into the words that search counts."""

import re
import unicodedata
from functools import lru_cache
from typing import Any

import opencc
import rjieba
import snowballstemmer

# Words, numbers with their inner marks ("3.5", "1,500", "24-month" is two), and runs of Han or kana.
_TOKEN = re.compile(
    r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u3040-\u30ff]+"
    r"|\d+(?:[.,:]\d+)*"
    r"|[^\W\d_]+(?:['’][^\W\d_]+)?"
)
_CJK = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u3040-\u30ff]")
_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
_KANA = re.compile(r"[\u3040-\u30ff\uff66-\uff9d]")
_BETWEEN_DIGITS = re.compile(r"(?<=\d),(?=\d)")
_PUNCTUATION_AND_BLANKS = re.compile(r"[\W_]+")

STOP_WORDS = frozenset(
    (
        "a about after all also am an and any anyone are as at be because been being but by can could did do does"
        " doing done during for from get getting give given go going got had has have having he hello her here hey"
        " hi him his how i if im in into is it its ive just know let like make many may me might more most much"
        " must my myself need no not of off ok okay on one or other our out over own please same she should so some"
        " something such tell than thank thanks that the their them then there these they thing this those through"
        " to too up us very want wanted was way we were what when where which while who whom why will with wonder"
        " wondering would yes you your yours"
    ).split()
)
# Words of asking and of grammar, which stand in any Chinese question.
STOP_WORDS_ZH = frozenset(
    (
        "的 了 吗 呢 吧 啊 呀 么 是 在 我 你 您 他 她 它 我们 你们 他们 咱们 这 那 这个 那个 这些 那些 哪 哪个 哪些"
        " 什么 怎么 怎样 如何 怎么样 为什么 为何 请问 请 想 要 和 与 或 及 以及 也 都 就 还 又 再 很 把 被 给 对 从"
        " 到 向 于 而 且 但 但是 如果 因为 所以 可以 能 能否 能不能 可不可以 可否 是否 是不是 有 没有 有没有 多少"
        " 几 谁 哪里 哪儿 哪位 一下 一个 上 下 里 中 后 前 时 时候 之 其 其中 等 会 会不会 该 应该 需要 知道 告诉"
        " 帮 帮忙 谢谢 你好 您好 有关 关于 进行 使用"
    ).split()
)


def tokenise(text: str, language: str) -> list[str]:
    """Cut a text into index terms, in order, stop words left out.

    Latin words are folded and stemmed by the Snowball stemmer of `language` (English where there is none). Han runs
    give jieba's search words and character bigrams: the words are precise, the bigrams survive a wrong cut.
    """
    terms: list[str] = []
    for token in _TOKEN.findall(fold(text)):
        if _CJK.match(token):
            terms += _chinese(token)
        elif token[0].isdigit():
            terms.append(token)
        elif token not in STOP_WORDS:
            terms.append(_stem(token, language))
    return terms


def fold(text: str) -> str:
    """NFKC, lower case, no accents on Latin letters, no thousands separators, Chinese in simplified characters."""
    text = unicodedata.normalize("NFKC", text).lower()
    if not text.isascii():
        text = simplified(_without_accents(text))
    return _BETWEEN_DIGITS.sub("", text.replace("’", "'"))


def simplified(text: str) -> str:
    """A Chinese text in simplified characters, whichever it was written in; other texts, Japanese too, as they are.

    Customers in Taiwan and Hong Kong ask in traditional ones what a help page may say in the others. About 5 µs.
    """
    if text.isascii() or not _HAN.search(text) or _KANA.search(text):
        return text
    return str(_converter().convert(text))


def normalised_question(text: str) -> str:
    """A question's form for exact comparison: case, width, accents, punctuation and blanks do not count."""
    folded = _PUNCTUATION_AND_BLANKS.sub(" ", fold(text)).strip()
    return re.sub(r"(?<=[^\x00-\x7f]) | (?=[^\x00-\x7f])", "", folded)


def _chinese(run: str) -> list[str]:
    words = [word for word in rjieba.cut_for_search(run) if word not in STOP_WORDS_ZH]
    known = set(words)
    bigrams = [pair for pair in (run[at : at + 2] for at in range(len(run) - 1)) if pair not in known]
    return words + [pair for pair in bigrams if pair not in STOP_WORDS_ZH]


def _without_accents(text: str) -> str:
    parts = unicodedata.normalize("NFD", text)
    return unicodedata.normalize("NFC", "".join(char for char in parts if not "\u0300" <= char <= "\u036f"))


@lru_cache(maxsize=1)
def _converter() -> Any:
    return opencc.OpenCC("t2s")


@lru_cache(maxsize=100_000)
def _stem(word: str, language: str) -> str:
    word = word.removesuffix("'s")
    return str(_stemmer(language).stemWord(word.replace("'", "")))


@lru_cache(maxsize=64)
def _stemmer(language: str) -> Any:
    name = _SNOWBALL.get(language, "english")
    return snowballstemmer.stemmer(name)


_SNOWBALL = {
    "da": "danish",
    "de": "german",
    "es": "spanish",
    "fi": "finnish",
    "fr": "french",
    "it": "italian",
    "nl": "dutch",
    "no": "norwegian",
    "pt": "portuguese",
    "ru": "russian",
    "sv": "swedish",
}
