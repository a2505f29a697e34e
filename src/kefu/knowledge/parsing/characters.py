"""Bytes to characters, and the characters that could hide text from a reader."""

import re

from charset_normalizer import from_bytes

from kefu.knowledge.parsing.document import Unreadable

_BOMS = (
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\xff\xfe\x00\x00", "utf-32-le"),
    (b"\x00\x00\xfe\xff", "utf-32-be"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
)
# English text in UTF-16 is half zero bytes; a text file that holds a few by accident is not.
_ZERO_SHARE = 0.2
# The encodings of files that people still save. More candidates would only make wrong guesses likelier.
_LEGACY = ["cp1250", "cp1251", "big5", "cp932", "euc_jp", "cp949", "cp1253", "cp1254", "cp1255", "cp1256"]
# charset-normalizer's measure of disorder in what a guess decodes to; its own default bound is 0.2.
_MOST_CHAOS = 0.1
# With fewer bytes beyond ASCII than this, several encodings make as much sense as each other.
_LEAST_EVIDENCE = 40
# The 6,763 characters of GB2312 and its punctuation: what nearly all Chinese text is written with. Other encodings that
# happen to be valid GB18030 decode to rare characters outside of it.
_GB2312_SHARE = 0.8
# Chinese text has about a third of its characters past lead byte C8 (pinyin S to Z: 是, 在, 有, 我, 要); Korean text in
# EUC-KR, which decodes to common Chinese characters too, has none there.
_LAST_KOREAN_LEAD = 0xC8
_KOREAN_BOUND, _KOREAN_SAMPLE = 0.05, 20
# Japanese kana are in GB2312 too: text that is rich in them is EUC-JP.
_KANA_LEADS, _KANA_BOUND = (0xA4, 0xA5), 0.1
# In Windows-1252 text nearly every letter beyond ASCII stands in a word with ASCII letters, and the rest is this.
_WESTERN_SIGNS = frozenset("‘’“”„–—…•€£¥°®©™«»¿¡·×¼½¾²³§±¢´\xa0")
_WESTERN_SHARE = 0.9

# Controls of writing direction and characters without width: they can make a text look other than what it says.
_HIDDEN = re.compile(
    r"[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\U000e0000-\U000e007f]"
)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


def decode(data: bytes) -> str:
    """The text of a file: by its byte order mark, else UTF-8, UTF-16, GB18030 or another encoding that fits.

    Only the byte order mark is removed. Raises Unreadable if no encoding fits well, rather than guess.
    """
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return _strictly(data[len(mark) :], encoding)
    if data[:4096].count(0) > _ZERO_SHARE * len(data[:4096]):
        text = _utf16_without_mark(data)
        if text is None:
            raise Unreadable("The file is not text: many of its bytes are zero.")
        return text
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        return _utf16_without_mark(data) or _gb18030(data) or _legacy(data, error)


def visible(text: str) -> str:
    """The text without characters that are invisible or turn the direction of writing.

    Applied to every document but plain .txt files, whose text stays as it is: search must call it on their passages.
    """
    return _HIDDEN.sub("", text)


def clean(text: str) -> str:
    """`visible` text without control characters other than tab and line ends; hard spaces are spaces."""
    return _CONTROL.sub("", visible(text)).replace("\u00a0", " ")


def _strictly(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise Unreadable(
            f"The file begins as {encoding.upper()} text but byte {error.start:,} does not fit; "
            "save it as UTF-8 and add it again."
        ) from error


def _utf16_without_mark(data: bytes) -> str | None:
    """In UTF-16 every ASCII character, line ends at least, has a zero byte at an even or an odd place."""
    if len(data) % 2 or b"\x00" not in data:
        return None
    odd, even = data[1::2].count(0), data[::2].count(0)
    encoding = "utf-16-le" if odd > even else "utf-16-be"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        return None
    return text if "\x00" not in text and not _CONTROL.search(text) else None


def _gb18030(data: bytes) -> str | None:
    try:
        text = data.decode("gb18030")
    except UnicodeDecodeError:
        return None
    foreign = [character for character in text if character > "\x7f"]
    leads = [lead for lead in map(_gb2312_lead, foreign) if lead]
    if sum(1 for lead in leads if lead in _KANA_LEADS) > _KANA_BOUND * len(leads):
        return None
    ideographs = [lead for lead in leads if lead >= 0xB0]
    late = sum(1 for lead in ideographs if lead > _LAST_KOREAN_LEAD)
    if len(ideographs) >= _KOREAN_SAMPLE and late < _KOREAN_BOUND * len(ideographs):
        return None
    return text if len(leads) >= _GB2312_SHARE * len(foreign) and not _CONTROL.search(text) else None


def _gb2312_lead(character: str) -> int:
    """The first of the character's two bytes in GB2312, or 0 if it is not in there."""
    try:
        coded = character.encode("gb2312")
    except UnicodeEncodeError:
        return 0
    return coded[0] if len(coded) > 1 else 0


def _western(data: bytes) -> str | None:
    try:
        text = data.decode("cp1252")
    except UnicodeDecodeError:
        return None
    if _CONTROL.search(text):
        return None
    foreign = [match.start() for match in re.finditer(r"[^\x00-\x7f]", text)]
    fitting = sum(1 for at in foreign if text[at] in _WESTERN_SIGNS or _is_in_word(text, at))
    return text if fitting >= _WESTERN_SHARE * len(foreign) else None


def _is_in_word(text: str, at: int) -> bool:
    around = text[max(0, at - 1) : at] + text[at + 1 : at + 2]
    return text[at].isalpha() and any(near.isascii() and near.isalpha() for near in around)


def _legacy(data: bytes, error: UnicodeDecodeError) -> str:
    text = None if _is_damaged_utf8(data) else _western(data) or _guessed(data)
    if text is not None:
        return text
    line = data.count(b"\n", 0, error.start) + 1
    raise Unreadable(
        f"The text is not valid UTF-8 (line {line:,}, byte {error.start + 1:,}) and fits no other encoding well; "
        "save it as UTF-8 and add it again."
    )


def _guessed(data: bytes) -> str | None:
    if sum(1 for byte in data if byte > 0x7F) < _LEAST_EVIDENCE:
        return None
    # 100 kB settle the question; the guess is then checked on the whole.
    best = from_bytes(data[:100_000], cp_isolation=_LEGACY).best()
    if best is None or best.chaos > _MOST_CHAOS or best.language in ("Unknown", ""):
        return None
    try:
        text = data.decode(best.encoding)
    except UnicodeDecodeError:
        return None
    return None if _CONTROL.search(text) else text


def _is_damaged_utf8(data: bytes) -> bool:
    """Whether most of the characters beyond ASCII are good UTF-8, so that another encoding would garble them."""
    text = data.decode("utf-8", errors="replace")
    bad = text.count("\ufffd")
    good = sum(1 for character in text if character > "\x7f") - bad
    return good > bad
