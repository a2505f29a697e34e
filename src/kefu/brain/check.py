"""Check: no number, price, date, link, name or sentence leaves that the cited passages do not hold."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from kefu.brain.facts import Fact, Held, Kind, find
from kefu.brain.injection import instructs_an_assistant
from kefu.brain.understand import is_question
from kefu.knowledge.sentences import sentences
from kefu.knowledge.words import fold, normalised_question, tokenise

# What a customer's own message may lend to an answer: what names their own things, never what a figure promises.
_ECHOED = frozenset({Kind.PHONE, Kind.EMAIL, Kind.LINK})
# An order or an account has so many digits; forms and models with fewer ("FS-2", "X200") are the passages' to know.
_LONG_NUMBER = re.compile(r"(?:\D*\d){5,}\D*")

# The share of a generated sentence's content words that its passages must hold. Words of courtesy are stop words; a
# faithful paraphrase keeps the nouns and figures and changes some verbs.
_SUPPORT = 0.6
# Shorter sentences ("Yes, you can.") are judged by their figures and names alone.
_FEW_TERMS = 2

_PLACEHOLDER = re.compile(r"<[A-Z][A-Z_]*_\d+>")
# Capitalised words, also with marks and digits inside: PayPal, H&M, Wi-Fi. Latin words inside Chinese text are names.
_NAME = re.compile(r"(?<![\w@./-])(?:[A-Z][\w&'’-]*[a-zA-Z&]|[A-Z]{2,})(?:\s+(?:of |and |the )?[A-Z][\w&'’-]+)*")
_LATIN = re.compile(r"[A-Za-z][A-Za-z&'’-]+")
_QUOTED_TITLE = re.compile(r"[《〈「『“\"]([^》〉」』”\"]{1,40})[》〉」』”\"]")
_HAN = re.compile(r"[\u3400-\u9fff]")
# Organisations, places and brands end so in Chinese; what stands before the ending must be known.
_CHINESE_NAME = re.compile(r"[\u4e00-\u9fff]{2,6}(?:快递|物流|银行|支付|公司|集团|宝|仓库|大厦)")
_NOT_NAMES = frozenset(
    "i i'm i'll i've i'd monday tuesday wednesday thursday friday saturday sunday january february march april may june"
    " july august september october november december mon tue wed thu fri sat sun english chinese ok faq".split()
)
_NO_ANSWER = re.compile(
    r"NO_ANSWER|\b(?:i|we) (?:do not|don'?t|am not|'m not|could not|couldn'?t|cannot|can'?t|was unable to|"
    r"were unable to)\b.{0,30}"
    r"\b(?:know|sure|find|have|see|answer|provide|determine|tell|say|information)\b"
    r"|\b(?:not|no|isn'?t|aren'?t|doesn'?t|does not|is not|are not)\b.{0,40}\b(?:mention(?:ed)?|specif(?:y|ied)|"
    r"stated?|provided?|contain(?:ed)?|"
    r"included?|covered|information)\b.{0,40}\b(?:passages?|text|context|documents?|information|sources?|help pages?)\b"
    r"|\b(?:passages?|text|context|documents?|sources?|help pages?)\b.{0,30}\b(?:not|no|n't)\b.{0,30}\b(?:mention|"
    r"specif|state|provide|contain|include|cover|say)"
    r"|\bno (?:information|mention|details?)\b|\bas an ai\b"
    r"|(?:我|我们)?(?:不知道|不清楚|不确定|无法(?:确定|回答|提供|找到|得知)|没有(?:找到|相关|提到|提及|查到))|(?:未|"
    r"没有)(?:提到|提及|说明|包含|提供)|(?:资料|文章|段落|内容|文档)(?:中|里)?(?:没有|未|并未)|作为(?:一个|"
    r"一名)?(?:AI|人工智能|语言模型)",
    re.IGNORECASE,
)
_NEGATION = re.compile(
    r"\b(?:not|no|never|cannot|can'?t|won'?t|don'?t|doesn'?t|isn'?t|aren'?t|without|nor|neither|unable|except|"
    r"excluded?|non)\b|n't\b"
    r"|不(?!仅|但|同|过|久|错|客气|用担心|好意思)|没有|无法|无需|无须|未|非(?!常)|禁止|除外",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Verdict:
    """Whether a text may leave, and what it says that its sources do not."""

    passed: bool
    unsupported: tuple[str, ...] = ()
    reason: str = ""
    no_answer: bool = False


PASSED = Verdict(True)


class Sources:
    """What an answer may say: the cited texts, and the customer's own words for names and codes of things.

    What the customer asked proves nothing: said back, it is neither a figure nor a claim that a text holds.
    """

    def __init__(self, texts: Sequence[str], asked: str = "", language: str = "en") -> None:
        self._texts = tuple(texts)
        self._asked = asked
        self._language = language
        self._held: Held | None = None
        self._words: frozenset[str] | None = None
        self._sentences: tuple[tuple[frozenset[str], bool], ...] | None = None

    def quotes(self, pieces: Iterable[str]) -> bool:
        """Whether every piece stands in a cited text as it is."""
        return all(any(piece in text for text in self._texts) for piece in pieces)

    def unsupported(self, text: str) -> tuple[str, ...]:
        """Figures, links and names of a text that the sources do not hold."""
        facts = find(_PLACEHOLDER.sub(" ", text))
        missing = [fact.text for fact in facts if not self._holds(fact)]
        # "RMB", "PM" and "Wh" belong to figures, which have been judged.
        judged = " ".join(fact.text for fact in facts)
        missing += [name for name in _names(text) if name.lower() not in judged and not self._knows(name)]
        missing += [mark for mark in _PLACEHOLDER.findall(text) if mark not in self._asked and not self.quotes([mark])]
        return tuple(dict.fromkeys(missing))

    def is_asked(self, sentence: str) -> bool:
        """Whether a sentence only says a customer's question back, case and punctuation aside."""
        said = normalised_question(sentence)
        is_theirs = bool(said) and f" {said} " in f" {normalised_question(self._asked)} "
        return is_theirs and is_question(sentence) and self.says_something(sentence)

    def says_something(self, sentence: str) -> bool:
        """Whether a sentence holds more than courtesy: "Sure!" and "Yes, you can." hold nothing to be checked."""
        return bool(find(sentence)) or len(frozenset(tokenise(sentence, self._language))) > _FEW_TERMS

    def support(self, sentence: str) -> float:
        """The share of a sentence's content words that the texts hold; 1 where it has next to none.

        Names, which `unsupported` judges and a customer may lend, count neither way.
        """
        bare = _PLACEHOLDER.sub(" ", sentence)
        names = frozenset(tokenise(" ".join(_names(sentence)), self._language))
        terms = frozenset(tokenise(bare, self._language)) - names
        if len(terms) <= _FEW_TERMS:
            return 1.0
        return len(terms & self._all_words()) / len(terms)

    def contradicts(self, sentence: str) -> bool:
        """Whether a sentence denies what its nearest source sentence affirms, or affirms what that denies."""
        terms = frozenset(tokenise(sentence, self._language))
        if len(terms) <= _FEW_TERMS:
            return False
        nearest = max(self._source_sentences(), key=lambda one: len(one[0] & terms), default=None)
        # Only a close match says the same thing; two sentences about one subject may well differ.
        if nearest is None or len(nearest[0] & terms) < _SUPPORT * len(terms):
            return False
        return nearest[1] != bool(_NEGATION.search(sentence))

    def _holds(self, fact: Fact) -> bool:
        if self._held is None:
            self._held = Held(self._texts)
        if self._held.holds(fact) and (fact.kind is not Kind.NUMBER or self._held.counts(fact)):
            return True
        names_theirs = fact.kind in (Kind.CODE, Kind.NUMBER) and _LONG_NUMBER.fullmatch(fact.value) is not None
        echoed = fact.kind in _ECHOED or names_theirs
        return echoed and fact.text in fold(self._asked)

    def _knows(self, name: str) -> bool:
        folded = fold(name)
        return any(folded in fold(text) for text in (*self._texts, self._asked))

    def _all_words(self) -> frozenset[str]:
        if self._words is None:
            self._words = frozenset(tokenise("\n".join(self._texts), self._language))
        return self._words

    def _source_sentences(self) -> tuple[tuple[frozenset[str], bool], ...]:
        if self._sentences is None:
            pieces = [text[start:end] for text in self._texts for start, end in sentences(text)]
            self._sentences = tuple(
                (frozenset(tokenise(piece, self._language)), bool(_NEGATION.search(piece))) for piece in pieces
            )
        return self._sentences


def check_quoted(pieces: Sequence[str], sources: Sources) -> Verdict:
    """Judge an approved or extracted answer: every piece must stand in its source word for word."""
    if sources.quotes(pieces):
        return PASSED
    return Verdict(False, tuple(piece for piece in pieces if not sources.quotes([piece])), "not_quoted")


def check_generated(sentence: str, sources: Sources) -> Verdict:
    """Judge one generated sentence before it is shown."""
    if _NO_ANSWER.search(sentence):
        return Verdict(False, reason="no_answer", no_answer=True)
    missing = sources.unsupported(sentence)
    reason = "unsupported_facts" if missing else _objection(sentence, sources)
    return Verdict(False, missing, reason) if reason else PASSED


def _objection(sentence: str, sources: Sources) -> str:
    """Why a sentence without a wrong figure or name may still not leave; empty if it may."""
    if sources.is_asked(sentence):
        return "question_said_back"
    if instructs_an_assistant(sentence):
        return "instruction"
    if sources.support(sentence) < _SUPPORT:
        return "unsupported_sentence"
    return "contradiction" if sources.contradicts(sentence) else ""


def _names(text: str) -> list[str]:
    """Proper names of a text, as far as capitals, quotation marks and endings show them."""
    if _HAN.search(text):
        found = _LATIN.findall(_PLACEHOLDER.sub(" ", text))
        found += _QUOTED_TITLE.findall(text)
        return [name for name in found if name.lower() not in _NOT_NAMES] + _chinese_names(text)
    return [name for match in _NAME.finditer(text) for name in _name_parts(match, text)]


def _chinese_names(text: str) -> list[str]:
    """The last two characters and the ending of what looks like an organisation."""
    return [match.group()[-4:] for match in _CHINESE_NAME.finditer(text)]


def _name_parts(match: re.Match[str], text: str) -> list[str]:
    words = match.group().split()
    opens = not text[: match.start()].strip(" \"'“‘(-*•") or text[: match.start()].rstrip()[-1:] in ".!?:\n"
    # A sentence's first word has a capital anyway, unless it also has one inside.
    if opens and not any(char.isupper() or char.isdigit() for char in words[0][1:]):
        words = words[1:]
    return [word.strip("'’") for word in words if word[0].isupper() and word.lower() not in _NOT_NAMES]
