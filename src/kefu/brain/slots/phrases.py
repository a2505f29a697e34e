"""Short answers that mean the same in any flow: yes, no, I don't know; and free text without its first words."""

import re

from kefu.brain.slots.found import Found

_POLITE = (
    r"(?:[\s,，、.。!！~～]|\b(?:please|thanks|thank you|sir|madam|i think|of course|then)\b|谢谢|麻烦|吧"
    r"|啊|呀|哦|的|了|呢)*"
)
_YES_WORDS = (
    "yes yeah yep yup yea ya sure ok okay okey correct right exactly absolutely definitely certainly"
    " indeed fine good great perfect confirm confirmed y agree agreed"
    " 好 好的 是 是的 对 对的 没错 嗯 嗯嗯 可以 行 确认 确定 正确 没问题 同意 要 需要 好啊 好吧 恩"
    " 对对 是啊 对啊"
).split()
_YES_PHRASES = (
    "of course|go ahead|sounds? (?:good|great|fine|perfect)|that(?:'s| is) (?:right|correct|fine|ok(?:ay)?|good"
    "|it|perfect|true)"
    "|looks? (?:good|right|fine|correct)|all (?:good|right|correct|set)|do it|please do|yes,? please|that works"
    "|works for me"
    "|i do|i would|i am|it is|they are|it does|why not|no problem|book it|就这样|就是这样|是这样|就它|就这个"
    "|没有问题|都对"
)
_NO_WORDS = (
    "no nope nah n not wrong incorrect never negative"
    " 不 不是 不对 不用 不要 不行 没有 不需要 错了 错 否 没 不了 不可以 不好 不同意 不正确"
).split()
_NO_PHRASES = (
    "no,? thanks?|no,? thank you|not really|not (?:quite|correct|right|yet|now)|that(?:'s| is) (?:not (?:right"
    "|correct|it)|wrong|incorrect)"
    "|that isn't (?:right|correct|it)|i don't(?: think so| want to)?|don't|it isn't|it's not|that's all"
    "|nothing(?: else)?|不是的|不太对|没了|没有了|不用了|不必了|都不对"
)


def _words(words: list[str], phrases: str) -> re.Pattern[str]:
    listed = "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))
    return re.compile(
        rf"^[\s,，.。!！]*(?:(?:oh|ah|well|um+|uh+|hmm+|so|gee+[sz]*e?|jee+[sz]+e?|ugh+|lol|haha|wow|man|哦|噢|呃|那)[\s,，.!]+){{0,2}}(?:{phrases}|{listed})(?![a-z'])",
        re.IGNORECASE,
    )


_YES, _NO = _words(_YES_WORDS, _YES_PHRASES), _words(_NO_WORDS, _NO_PHRASES)
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
    r"^(?:(?:yes|yeah|ok(?:ay)?|sure|well|um+|uh|oh|so|hi|hello|好的?|嗯|是这样的?|那个)[,，.!！。 ]+){0,3}"
    r"(?:(?:it|that)(?:'s| is| was| would be)|i(?:'d| would) (?:like|prefer)|i(?:'ll| will) (?:take|have)"
    r"|是因为|因为|就是|是)?[\s:：,，]*",
    re.IGNORECASE,
)
_TAIL = re.compile(r"[\s,，.。!！~～]*(?:\b(?:please|thanks|thank you)\b|谢谢)?[\s.。!！~～]*$", re.IGNORECASE)
_ONLY_COURTESY = re.compile(
    r"\W*(?:hi|hello|hey|thanks?(?: you)?|ok(?:ay)?|great|good (?:morning|afternoon|evening)|你好|您好|谢谢"
    r"|好的?|嗯|在吗)*\W*",
    re.IGNORECASE,
)
_LONGEST_TEXT = 1000


def yes_or_no(text: str) -> bool | None:
    """Whether a message begins by agreeing or refusing; None where it does neither."""
    return _first_answer(text)[0]


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
