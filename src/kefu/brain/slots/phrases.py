"""Short answers that mean the same in any flow: yes, no, I don't know; and free text without its first words."""

import re

from kefu.brain.slots.found import Found
from kefu.brain.slots.openers import OPENERS, PAUSE
from kefu.knowledge.sentences import sentences

_POLITE = (
    r"(?:[\s,，、.。!！~～]|\b(?:please|thanks|thank you|sir|madam|ma'am|i think|of course|then|thing)\b|谢谢|麻烦|吧"
    r"|啊|呀|哦|的|了|呢)*"
)
_YES_WORDS = (
    "yes yeah yep yup yea ya sure ok okay okey alright indeed absolutely definitely certainly affirmative approved"
    " perfect excellent wonderful lovely awesome brilliant confirm confirmed agree agreed y"
    " 好的 好滴 好哒 好嘞 好呀 好啊 好吧 是的 是啊 对的 对啊 对对 没错 不错 嗯 嗯嗯 恩 行 确认 确定 正确 没问题"
    " 同意 当然 要 需要"
).split()
# What begins otherwise, too: "right now", "good morning", "correct the date"; 好像不对, 对不起, 是不是.
_YES_UNLESS = (
    "right(?! (?:now|away|here|there|after|before))|fine|great|exactly(?! (?:what|when|where|how|which))"
    "|correct(?! (?:the|my|it|that|this|me))|good(?! (?:morning|afternoon|evening|day|night|question|luck|grief|lord))"
    "|好(?!像|久|多|几|些|烦|慢|贵|难)|对(?!不|方|了|面|应|于|比|我)|是(?!不是|否|什么|谁|哪|因为|我|从)|可以(?!吗|不)"
)
# What is said of oneself or of it: agreeing only where it ends there, since "I would rather", "it is not" do not.
_YES_ENDING = (
    "(?:i do|i would|i am|we do|we would|it is|they are|it does)(?=\\W*(?:$|[.,;!]|please|thank|indeed|right|correct))"
)
_THAT = "(?:that|this|it)(?:'s| is| was| would be| will be|'d be|'ll be| sounds| looks| seems)?"
_YES_PHRASES = (
    f"{_YES_ENDING}|{_THAT} (?:all |just |perfectly )?(?:right|correct|fine|ok(?:ay)?|good|great|it|perfect"
    "|true|lovely|wonderful|excellent)(?! (?:now|away))"
    "|(?:they|these|those)(?:'re| are) (?:all )?(?:right|correct|fine)"
    "|of course(?! not)|(?:please )?go ahead|sounds? (?:good|great|fine|perfect|right|lovely|wonderful)|all right"
    "|looks? (?:good|right|fine|correct)|all (?:good|correct|set)|(?:please )?do it|please do(?! not|n't)|yes,? please"
    "|that (?:works|will do)|that'll do|works for me|let's do (?:it|that)|by all means|for sure|you bet|why not"
    "|no (?:problem|worries)|not (?:bad|a problem|an issue)|so be it"
    "|(?:please )?(?:book|reserve|order|send|submit|take) (?:it|that|this|that one|this one)(?! to| from| back)"
    "|就这样|就是这样|是这样|就它|就这个|就这么办|没有问题|没毛病|都对"
    "|这样(?:就)?(?:可以|行|好)"
)
_NO_WORDS = (
    "no nope nah wrong incorrect never negative n"
    " 不是 不对 不用 不要 不行 不太行 没有 不需要 错了 错 否 不了 不可以 不同意 不正确 先不 暂时不 再想想"
).split()
_NO_UNLESS = "not(?! (?:sure|bad|only))|不好(?!意思)|不(?!错|客气|好|知道|清楚|记得|确定)|没(?!收到|听|看|问题|错|事)"
_NO_PHRASES = (
    "no,? thanks?|no,? thank you|not really|not (?:quite|correct|right|yet|now)"
    f"|{_THAT}(?: is|'s)? (?:not|isn't|wasn't|wrong|incorrect)|(?:they|these|those)(?:'re| are) (?:not|wrong|incorrect)"
    "|(?:they|these|those) aren't|(?:that|this|it) (?:isn't|wasn't|won't|doesn't|wouldn't|does not|will not|would not)"
    "|i(?:'m| am) not(?! sure)|i (?:don't|do not|didn't|did not|wouldn't|would not)(?: think so| want to)?"
    "|(?:i'd |i would )?rather not|don't(?! (?:worry|you|they|we))|do not|of course not|nothin'?g?(?: else)?"
    "|that(?:'s| is| will be|'ll be) all|不是的|不太对|没了|没有了|不用了|不必了|都不对|好像不(?:对|是)"
)


def _words(words: list[str], phrases: str, unless: str) -> re.Pattern[str]:
    """An answer after whatever says nothing: "um, yes", "okay, no"."""
    listed = "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))
    return re.compile(
        rf"^[\s,，.。!！]*(?:{OPENERS}{PAUSE}){{0,3}}(?:{phrases}|{listed}|{unless})(?![a-z'])", re.IGNORECASE
    )


_YES, _NO = _words(_YES_WORDS, _YES_PHRASES, _YES_UNLESS), _words(_NO_WORDS, _NO_PHRASES, _NO_UNLESS)
_REST_IS_POLITE = re.compile(rf"^{_POLITE}$", re.IGNORECASE)
_UNKNOWN = re.compile(
    r"\b(?:i )?(?:do(?:n'?t| not)|can(?:'?t|not)|didn'?t|couldn'?t) (?:really |actually )?(?:know|remember"
    r"|recall|have (?:it|one|that|them|the|my|an?)\b|find|think of|get)"
    r"|\bno idea\b|\b(?:i'?m |i am )?not (?:really |quite )?sure\b|\b(?:i )?(?:have |'ve |kind of |kinda "
    r"|totally |seem to have )*(?:forgot(?:ten)?|lost|misplaced)\b"
    r"|\bunsure\b|\bdunno\b|\bidk\b|\bi haven'?t (?:got|received)\b|\bno clue\b"
    r"|不知道|不清楚|忘记?了|忘掉了|不记得|记不(?:得|清|起)|想不起来|找不到|不确定|没有(?:订单|编?号|单)|没收到",
    re.IGNORECASE,
)
_LEAD = re.compile(
    rf"^(?:{OPENERS}{PAUSE}){{0,3}}"
    r"(?:是这样的?[,，.!！。 ]+)?(?:(?:it|that)(?:'s| is| was| would be)|i(?:'d| would) (?:like|prefer)"
    r"|i(?:'ll| will) (?:take|have)|是因为|因为|就是|是)?[\s:：,，]*",
    re.IGNORECASE,
)
_TAIL = re.compile(r"[\s,，.。!！~～]*(?:\b(?:please|thanks|thank you)\b|谢谢)?[\s.。!！~～]*$", re.IGNORECASE)
_ONLY_COURTESY = re.compile(rf"\W*(?:(?:{OPENERS}|thanks?(?: you)?|谢谢|在吗)(?:{PAUSE}|$))*\W*", re.IGNORECASE)
_LONGEST_TEXT = 1000


def yes_or_no(text: str) -> bool | None:
    """Whether a message begins by agreeing or refusing, or ends with a sentence that does no more; None for neither."""
    first = _first_answer(text)[0]
    if first is not None:
        return first
    pieces = [text[start:end] for start, end in sentences(text)]
    return only_yes_or_no(pieces[-1]) if len(pieces) > 1 else None


def only_yes_or_no(text: str) -> bool | None:
    """The same for a message that says nothing besides: "yes, correct", "no, thanks"."""
    first, end = _first_answer(text)
    while first is not None and not _REST_IS_POLITE.match(text[end:]):
        text = text[end:]
        answer, end = _first_answer(text)
        if answer is not first:
            return None
    return first


def _first_answer(text: str) -> tuple[bool | None, int]:
    """What a text begins with and where that ends: of "no" and "no problem" the longer one."""
    yes, no = _YES.match(text), _NO.match(text)
    if no is not None and (yes is None or no.end() >= yes.end()):
        return False, no.end()
    return (True, yes.end()) if yes is not None else (None, 0)


def does_not_know(text: str) -> bool:
    """Whether a message says that its author cannot tell."""
    return _UNKNOWN.search(text) is not None


def free_text(text: str, subject: tuple[str, ...] = ()) -> list[Found]:
    """A message without "it is" and, if it names the subject asked about, without "my doctor is"; [] for courtesies."""
    if _ONLY_COURTESY.fullmatch(text):
        return []
    start = 0
    for word in subject:
        named = re.match(rf"^(?:(?:yes|sure|ok(?:ay)?|well)[,. ]+)*(?:my|the|our"
        rf"|我的?)?\s*(?:[\w' -]{{0,20}}\s)?{re.escape(word)}(?:'s name)?(?:'s| is| was| are|:|是|为"
        rf"|：)\s*", text, re.IGNORECASE)  # fmt: skip
        if named is not None and named.end() > start:
            start = named.end()
    if not start:
        lead = _LEAD.match(text)
        start = lead.end() if lead else 0
    tail = _TAIL.search(text, start)
    end = tail.start() if tail else len(text)
    value = text[start:end].strip() or text.strip()
    return [Found("text", value[:_LONGEST_TEXT], start, max(end, start + 1))] if value else []
