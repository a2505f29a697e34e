"""Which language a text is written in."""

import re
from functools import lru_cache

import pycld2

_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
_KANA = re.compile(r"[\u3040-\u30ff\uff66-\uff9d]")
_HANGUL = re.compile(r"[\uac00-\ud7af\u1100-\u11ff]")
_LATIN_WORD = re.compile(r"[^\W\d_]{2,}")
# A placeholder of masked personal data says nothing about the language around it.
_PLACEHOLDER = re.compile(r"<[A-Z_]+_\d+>")
# Below three words the trigrams of cld2 are a guess: "refund status" may come out as any language.
_ENOUGH_WORDS = 3
# The share of Han characters among letters from which a text that also holds Latin words ("TiDB 怎么升级") is Chinese.
_HAN_SHARE = 0.15
_UNKNOWN = "un"


def detect(text: str, hint: str | None = None) -> str:
    """Give the ISO 639-1 code of a text's language, `zh` for every Chinese.

    Han without kana or hangul is Chinese; other scripts are left to cld2. A text too short to tell is in the language
    of `hint` (the conversation's, the browser's), else in English if its script is Latin or it has no letters at all.
    """
    text = _PLACEHOLDER.sub(" ", text)
    by_script = _by_script(text)
    if by_script:
        return by_script
    words = _LATIN_WORD.findall(text)
    if not words:
        return _primary(hint) or "en"
    code, reliable, percent = _by_trigrams(text)
    if reliable and len(words) >= _ENOUGH_WORDS and percent >= 60:
        return code
    if not "".join(words).isascii() and code != _UNKNOWN:
        return code
    return _primary(hint) or "en"


def _by_script(text: str) -> str | None:
    if _KANA.search(text):
        return "ja"
    if _HANGUL.search(text):
        return "ko"
    han = len(_HAN.findall(text))
    if not han:
        return None
    latin_words = len(_LATIN_WORD.findall(_HAN.sub(" ", text)))
    # A Chinese character carries about half a word: one name in Han does not make an English question Chinese.
    return "zh" if han / 2 >= _HAN_SHARE * (han / 2 + latin_words) else None


# A message is asked about several times on its way.
@lru_cache(maxsize=256)
def _by_trigrams(text: str) -> tuple[str, bool, int]:
    """cld2's first guess: code, whether it trusts it, percent of the text."""
    clean = "".join(char for char in text if char.isprintable() or char.isspace())
    try:
        reliable, _size, details = pycld2.detect(clean.encode(), isPlainText=True)
    except pycld2.error:  # invalid UTF-8 inside, such as lone surrogates
        return _UNKNOWN, False, 0
    _name, code, percent, _score = details[0]
    return code.partition("-")[0], bool(reliable), int(percent)


def _primary(hint: str | None) -> str | None:
    """`zh-CN,zh;q=0.9` and `en_GB` to `zh` and `en`."""
    code = re.split(r"[-_,;]", (hint or "").strip().lower())[0]
    return code if code.isalpha() and len(code) in (2, 3) else None
