"""How customers say, in the middle of a flow, that they want something else: cancel, correct, ask."""

import re

from kefu.brain.slots.openers import OPENERS, PAUSE
from kefu.contracts.flow import Words
from kefu.knowledge.sentences import sentences
from kefu.knowledge.words import fold

_POLITE = (
    rf"(?:[\s,，.。!！~～…]|\b(?:{OPENERS}|please|thanks|thank you|then|now|no|actually|just|sorry)\b"
    r"|谢谢|吧|了|那|就|那就|好|我|不好意思)*"
)
_CANCEL = (
    r"never ?mind(?: (?:that|it|this))?|forget (?:about )?(?:it|that|this)|leave it|drop it|(?:let's |i(?:'ll"
    r"| will) )?stop(?: it| this| here)?|don't bother|(?:i(?:'ve| have)? )?changed? my mind"
    r"|cancel(?: (?:it|that|this|everything))?|quit|exit|abort|i (?:don't|do not) (?:want|need) (?:it|this|that"
    r"|to (?:continue|go on|do this))(?: any ?more)?"
    r"|forget the whole thing|skip it all|no longer needed|scrap that"
    r"|算了算?|不用了|不弄|不办|不要|不想(?:弄|办|要|继续)|取消|退出|不继续|停止?|不需要|不搞|不问|没事|不必"
)
_CANCELS = re.compile(rf"{_POLITE}(?:{_CANCEL}){_POLITE}(?:(?:{_CANCEL}){_POLITE})?", re.IGNORECASE)
# The same with a reason in the same sentence: "never mind, I found it", 算了，我找到了. Only words that hold no more
# than that: "stop, …", "取消，…" also begin a story.
_CANCELS_FIRST = re.compile(
    rf"{_POLITE}(?:never ?mind(?: (?:that|it|this))?|forget (?:about )?(?:it|that|this)|算了算?|不用了)吧?"
    r"\s*[,，;；]\s*(?P<reason>\S.*)",
    re.IGNORECASE | re.DOTALL,
)
# What says that something said before was wrong. Strong: nothing else begins so. Weak: people also say it otherwise.
_STRONG = re.compile(
    r"\bi (?:really |actually )?mean[t]?\b|\bcorrection\b|\bmy mistake\b|\bmake (?:it|that)\b|\bchange (?:it"
    r"|that|the|my|to)\b|\bchanged? (?:it |that )?to\b|\bshould (?:be|have been)\b"
    r"|^\W*not .{1,40}[,;，；]|\btypo\b|\bnot .{1,40}?,? but\b|\bthe other (?!day|night|week|hand)|\b(?:is|was"
    r"|that's|it's"
    r"|are) (?:wrong|incorrect|not right)\b|\bwrong \w+"
    r"|\b(?:i )?(?:said|wrote|typed|gave you|put)\b.{0,30}\bwrong\b|\binstead of\b|^\W*no[,.!]? .{0,20}\bnot\b"
    r"|不对|错了|说错|打错|写错|输错|搞错|弄错|记错|改成|改为|改到|改一下|换成|换到|换一?下|应该是|更正|我是说"
    r"|我的意思|不是.{1,20}[，,]?(?:而?是|要)|另一个|另外一?个|修改",
    re.IGNORECASE,
)
# Of the strong ones those that also begin an answer: "make it Friday", 改成周五.
_ALSO_ANSWERS = re.compile(
    r"^\W*(?:please |let's )?(?:make (?:it|that)|it should be|改成|改为|换成|应该是)\b", re.IGNORECASE
)
_WEAK = re.compile(
    r"^\W*(?:no|nope|sorry|wait|oops|actually|hmm+|hold on|oh|well)\b|\b(?:actually|instead|rather)\b"
    r"|^\W*(?:不是|不|等等|等一下|哦|啊|抱歉|不好意思|还是)",
    re.IGNORECASE,
)
_CLEARS = re.compile(
    r"\bwrong\b|\bincorrect\b|\bnot right\b|\bchange\b|\bthe other\b|\bdifferent\b|\bedit\b|\bupdate\b|\bredo\b"
    r"|\bagain\b|错|改|换|不对|另|修改|重新",
    re.IGNORECASE,
)
# The part of a correction that is not meant: "not Thursday, Friday", "不是周四，是周五", "Friday instead of Thursday".
_NOT_MEANT = re.compile(
    r"\b(?:not|isn't|instead of|rather than)\b(?: (?:on|at|for|the|in|to|a))* [^,.;，。；]{1,40}?(?=[,.;，。；]"
    r"|\bbut\b|\bit'?s\b|$)|不是[^，,。；;]{1,20}?(?=[，,。；;]|而是|是)|从[^，,。]{1,20}?(?=改|换)",
    re.IGNORECASE,
)
# A placeholder such as <ADDRESS_1> keeps its bracket.
_LEAD = re.compile(
    rf"^(?:[^\w<]|\b(?:{OPENERS}|no|nope|sorry|wait|oops|actually|hold on|i (?:really |actually )?mean[t]?(?: to say)?"
    r"|correction|my mistake|make (?:it|that)|it should (?:be|have been)|it'?s|but"
    r"|change (?:it|that)(?: to)?)\b|不对|不是|说错了|错了|打错了|写错了|改成|改为|换成|应该是|更正|我是说"
    r"|我的意思是|而是|是|啊|哦|抱歉|不好意思)+",
    re.IGNORECASE,
)
# A question ends there, though the next sentence begins with a small letter: "are you kidding?? i said 311".
_QUESTION_ENDS = re.compile(r"(?<=[?？])\s+")
_BEFORE_QUESTIONS = (
    rf"^\W*(?:(?:{OPENERS}|and|but|also|wait|sorry|thanks|thank you|by the way|btw|just|quick question){PAUSE})*"
)
# "Do you …", not "yes, do", "do it"; "have you", not "have a nice day"; "may I", not "May 10th".
_DO = r"do(?= \w)(?! (?:it|that|this|so|not|please)\b)"
_ASKS_EN = re.compile(
    rf"{_BEFORE_QUESTIONS}(?:what|when|where|who|whose|why|how|which|{_DO}|does|did|is|are|am|was|were|can|could"
    r"|will(?! do)|would|should|may(?! \d)"
    r"|ha(?:ve|s)(?= (?:you|i|we|they|he|she|it|my|your|the|there|any)\b))\b(?!'?t\b)",
    re.IGNORECASE,
)
_ASKS_ZH = re.compile(
    r"[吗呢么](?:[\s。.!！~～]*)$|怎么|什么|多少|哪[里儿个些天种家]|为何|为什么|几[点天个]"
    r"|能不能|可不可以|是不是|有没有|是否|能否|请问"
)
# A question after facts, whatever day or number it names: "Do you open on Sundays?", 你们周日几点关门.
_AFTER_FACTS = re.compile(
    rf"{_BEFORE_QUESTIONS}(?:{_DO}|does\b|did\b|are (?:you"
    r"|there|they)\b|is there\b|what(?! about| if)\b|when\b|why\b|how(?! about)\b|where\b|who\b|which\b"
    r"|will (?:you|it|they)\b|have you\b|can (?:you tell|i (?:get|have|know|ask|pay|bring|return|park))\b)"
    r"|你们|怎么|为什么|为何|多少|什么|几点|哪|有没有|是不是|请问",
    re.IGNORECASE,
)


def cancels(text: str, also: Words) -> bool:
    """Whether a message says nothing but that the flow should stop; `also` are the flow's own words for it."""
    if _CANCELS.fullmatch(text.strip()):
        return True
    folded = fold(text).strip(" .!。！~")
    return any(folded == fold(word).strip() for words in also.values() for word in words)


def after_cancelling(text: str, also: Words) -> str | None:
    """What follows a first sentence, or its part before a comma, that says that the flow should stop; else None."""
    pieces = [text[start:end] for start, end in sentences(text)]
    if len(pieces) > 1 and cancels(pieces[0], also):
        return " ".join(pieces[1:]).strip()
    begun = _CANCELS_FIRST.fullmatch(text.strip())
    return begun["reason"] if begun else None


def corrects(text: str) -> bool:
    """Whether a message surely says that something before was wrong."""
    return _STRONG.search(text) is not None


def may_answer(text: str) -> bool:
    """Whether a message that corrects could as well answer a question."""
    return not corrects(text) or _ALSO_ANSWERS.search(text) is not None


def may_correct(text: str) -> bool:
    """Whether a message may say so."""
    return _WEAK.search(text) is not None


def wants_it_cleared(text: str) -> bool:
    """Whether a correction says that something is wrong without saying what is right."""
    return _CLEARS.search(text) is not None


def meant(text: str) -> str:
    """A correction without what was not meant and without "no, I meant"."""
    return _LEAD.sub("", _NOT_MEANT.sub(" ", text)).strip() or text


def is_question(text: str) -> bool:
    """Whether a sentence asks something, by its mark or its first words."""
    stripped = text.rstrip(" \n\t.!。！~～”\"'")
    if stripped.endswith(("?", "？")):
        return True
    return _ASKS_EN.match(text) is not None or _ASKS_ZH.search(text) is not None


def asks_for_facts(text: str) -> bool:
    """Whether a question wants to know something, and does not propose a value ("can we do Friday?")."""
    return _AFTER_FACTS.search(text) is not None


def parted(text: str, *, surely_asks: bool = False) -> tuple[str, str]:
    """A message's statements (with questions that propose something), and its questions after facts."""
    told: list[str] = []
    asked: list[str] = []
    whole = [text[start:end].strip() for start, end in sentences(text)] or [text]
    pieces = [piece for each in whole for piece in _QUESTION_ENDS.split(each)]
    for piece in pieces:
        asks = is_question(piece) or (surely_asks and len(pieces) == 1)
        (asked if asks and asks_for_facts(piece) else told).append(piece)
    return " ".join(told), " ".join(asked)
