"""Follow-up questions made to stand alone: "and for shoes?" after "Can I return a coat?", without a language model."""

import re
from collections.abc import Sequence

import rjieba

from kefu.knowledge.words import tokenise

# Longer messages carry their own subject; both languages counted in characters.
_LONGEST_ENGLISH, _LONGEST_CHINESE = 90, 24
# A question with more words of its own than this needs no help from the one before.
_FEW_WORDS = 3

_OPENER = re.compile(
    r"^(?:(?:and|but|or|also|so|then|ok(?:ay)?|what about|how about|what if|same (?:question )?for|"
    r"is it the same (?:for|with|in)|"
    r"does (?:that|this|it) (?:also )?(?:apply|go|count|work) (?:to|for|in|with))\b[ ,]*)+",
    re.IGNORECASE,
)
_HOW_ABOUT = re.compile(r"\b(?:what|how) about\b|\bsame (?:question )?for\b|\bis it the same\b", re.IGNORECASE)
_PRONOUN = re.compile(
    r"\b(?:it|its|this|that|these|those|they|them|their|ones?|there|he|she|him|her|such|else|another|others?)\b",
    re.IGNORECASE,
)
# "my", "the coat": what the pronoun stands for is in the message itself.
_OWN_SUBJECT = re.compile(r"\b(?:my|the|an?|your|our|his|some|any)\s+[a-z]{3,}", re.IGNORECASE)
# "is it possible to return shoes": this "it" stands for what follows.
_EMPTY_IT = re.compile(r"\bit\b.*\b(?:to|for|if|that|when|until|before)\s+\w{3,}", re.IGNORECASE)
_BARE = re.compile(
    r"^(?:(?:and|so|but|ok) )?(?:why(?: not)?|how(?: so| come| exactly)?|when|where|who|which(?: ones?)?|"
    r"what(?: else| for| then)?|how long|how much"
    r"|how many|how often|how soon|how late|since when|until when|for how long|by when|at what time|"
    r"what time)[\s?.!]*$",
    re.IGNORECASE,
)
_PREPOSITION = re.compile(
    r"^(?:for|to|in|on|from|with|without|by|after|before|via|at|over|under|outside|inside|during|within|as|of)\b",
    re.IGNORECASE,
)
_ASKING = re.compile(
    r"\b(?:how (?:long|much|many|often|far|soon|late)|what time|when|what|which|why|where|who|how|take|takes|cost|"
    r"costs|"
    r"work|works|mean|means|happen|happens|apply|applies)\b",
    re.IGNORECASE,
)
_BLANKS_AND_MARKS = " \t\n?？!！.。,，~～…"

_ZH_OPENER = re.compile(r"^(?:那么?|还有|另外|然后|那要是|那如果|换成|改成|如果是|要是|同样)(?!个|些|边|里|天)")
_ZH_ASKS_BACK = re.compile(r"呢[？?。!！~～]*$")
_ZH_PRONOUN = re.compile(r"它|这个|那个|这种|那种|这样|那样|这些|那些|此(?:项|类)|上述|其他的?|别的|另一")
_ZH_BARE = re.compile(
    r"^(?:那|那么|要|大概|一般|一共|总共|需要|具体|是|得)*(?:多久|多长时间|多少钱|多少天|多少|几天|几点|什么时候|"
    r"何时|怎么办|怎么弄|怎么做|为什么|为啥|在哪|在哪里|哪里|去哪"
    r"|怎么操作|怎么申请|可以吗|行吗|能吗|要钱吗|收费吗|免费吗|贵吗|有效期多久|怎么收费|运费多少|要等多久|能退吗|"
    r"能换吗|可以退吗|可以换吗|什么意思|哪些|怎么查|怎么用)"
    r"(?:能?到|才?能|可以|到账|啊|呀|呢|了|的)*[？?。!！~～]*$"
)
_ZH_EDGES = re.compile(
    r"^(?:那么?|还有|另外|然后|要是|如果|是|换成|改成|同样|对于|关于)+|[呢吗嘛啊呀]?[？?。!！~～\s]*$"
)


def standalone(text: str, language: str, earlier: Sequence[str]) -> str | None:
    """A follow-up with its subject from the conversation, or None for a question that stands alone.

    `earlier` are the customer's former questions, oldest first, small talk left out.
    """
    if not earlier or not _follows_up(text, language):
        return None
    topic = _topic(earlier, language)
    return _put_into(text, topic, language) if topic else None


def _follows_up(text: str, language: str) -> bool:
    return _follows_up_chinese(text) if language == "zh" else _follows_up_english(text)


def _topic(earlier: Sequence[str], language: str) -> str:
    """The latest question that stands alone, and the latest follow-up to it if one came after."""
    for back, question in enumerate(reversed(earlier)):
        if not _follows_up(question, language):
            last = earlier[-1]
            return question if back == 0 else _put_into(last, question, language)
    return earlier[-1]


def _follows_up_english(text: str) -> bool:
    text = text.strip()
    if len(text) > _LONGEST_ENGLISH:
        return False
    if _BARE.match(text) or _HOW_ABOUT.search(text):
        return True
    rest = _OPENER.sub("", text)
    own = len(tokenise(_ASKING.sub(" ", rest), "en"))
    if rest != text or _PREPOSITION.match(text):
        return own <= _FEW_WORDS
    return bool(
        _PRONOUN.search(text) and own <= _FEW_WORDS and not _OWN_SUBJECT.search(text) and not _EMPTY_IT.search(text)
    )


def _follows_up_chinese(text: str) -> bool:
    text = text.strip()
    if len(text) > _LONGEST_CHINESE:
        return False
    return any(sign.search(text) for sign in (_ZH_BARE, _ZH_ASKS_BACK, _ZH_OPENER, _ZH_PRONOUN))


def _put_into(text: str, topic: str, language: str) -> str:
    """The topic with the follow-up's word in the place of its like, else both one after the other."""
    if language == "zh":
        return _put_into_chinese(text, topic)
    return _put_into_english(text, topic)


def _put_into_english(text: str, topic: str) -> str:
    fragment = _OPENER.sub("", text.strip()).strip(_BLANKS_AND_MARKS)
    subject = topic.strip(_BLANKS_AND_MARKS)
    preposition = _PREPOSITION.match(fragment)
    # "How long is delivery to Germany?" and "to France?": the phrase after the same preposition is exchanged.
    if preposition and len(fragment.split()) <= 5:
        place = re.search(rf"\b{preposition.group()}\s+(?:the |my |an? )?\w+", subject, re.IGNORECASE)
        if place:
            return f"{subject[: place.start()]}{fragment}{subject[place.end() :]}?"
        return f"{subject} {fragment}?"
    name = _only_name(fragment)
    other = _last_name(subject)
    if name and other:
        return f"{subject[: other.start()]}{name}{subject[other.end() :]}?"
    return f"{subject}? {text.strip()}"


def _only_name(fragment: str) -> str | None:
    return fragment if re.fullmatch(r"(?:[A-Z][\w-]+)(?: [A-Z][\w-]+){0,2}", fragment) else None


def _last_name(subject: str) -> re.Match[str] | None:
    """The last capitalised word that does not open a sentence."""
    found = list(re.finditer(r"(?<=[a-z,] )[A-Z][\w-]+(?: [A-Z][\w-]+)*", subject))
    return found[-1] if found and found[-1].group() != "I" else None


def _put_into_chinese(text: str, topic: str) -> str:
    fragment = _ZH_EDGES.sub("", text.strip())
    subject = topic.strip(_BLANKS_AND_MARKS)
    if _ZH_ASKS_BACK.search(text) and 0 < len(fragment) <= 8:
        place = _its_like(fragment, subject)
        if place:
            return f"{subject[: place[0]]}{fragment}{subject[place[1] :]}？"
    return f"{subject}，{fragment or text}？"


def _its_like(fragment: str, subject: str) -> tuple[int, int] | None:
    """Where in the subject the word stands that a fragment replaces: the first of the same part of speech."""
    tags = [(word, tag) for word, tag in rjieba.tag(fragment) if tag[0] in "nstm"]
    if not tags or fragment not in ("".join(word for word, _ in tags), fragment):
        return None
    wanted = tags[-1][1]
    at = 0
    first: tuple[int, int] | None = None
    for word, tag in rjieba.tag(subject):
        span = (at, at + len(word))
        at += len(word)
        if tag == wanted:
            return span
        if first is None and tag[0] == wanted[0] and len(word) > 1:
            first = span
    return first
