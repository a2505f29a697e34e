"""Small talk: greetings, thanks, farewells and the like, told from questions by using up every word of a message."""

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache


class SmallTalk(StrEnum):
    """What a message without a question is. The values are keys of `texts`; later ones tell more than earlier ones."""

    ACKNOWLEDGEMENT = "acknowledgement"
    GREETING = "greeting"
    HOW_ARE_YOU = "how_are_you"
    GOODBYE = "goodbye"
    THANKS = "thanks"
    HELP = "help"
    IDENTITY = "identity"


_WEIGHT = {kind: place for place, kind in enumerate(SmallTalk)}
# No small talk is longer; a longer text is a question however politely it opens.
_LONGEST = 160

_ENGLISH = {
    SmallTalk.GREETING: (
        r"hi+|hiya|hello+|hullo|hey+|heya|howdy|greetings|yo|good (?:morning|afternoon|evening|day)|morning|evening",
        r"(?:is )?(?:any|some)(?:one|body) (?:there|here|online)|are you (?:there|here|online|awake)|hi again",
        r"dear (?:sir|madam|team|all|support|customer service)(?: or madam)?|to whom it may concern",
        r"there|again|everyone|everybody|team|guys|folks|sir|madam|ma'?am|dear|friend|kefu|bot|buddy|mate",
    ),
    SmallTalk.HOW_ARE_YOU: (
        r"how (?:are|r) (?:you|u|ya)(?: doing| feeling)?(?: today| this (?:morning|afternoon|evening))?",
        r"how(?:'s| is| are) (?:it|everything|things|life|your day)(?: going)?(?: today| so far)?|how do you do",
        r"(?:what'?s|wh?at is|wassup|sup) ?(?:up|new)?|nice to meet you|pleased to meet you",
        r"(?:i )?hope (?:you'?re|you are|all is|you) (?:do|doing|are|have|having)?(?: a)? ?(?:well|good|fine|great|"
        r"ok|nice"
        r"|good day|great day|nice day)(?: today)?",
    ),
    SmallTalk.THANKS: (
        r"(?:ok |okay |great |many |perfect )?thanks?(?: you)?(?: (?:a lot|a bunch|a million|so much|very much|again|in"
        r" advance|anyways?|for (?:the|your|all(?: the| your)?) (?:help|info|information|answer|reply|time|support"
        r"|quick (?:reply|answer|response))|for (?:helping|answering|asking)(?: me)?))*|thank u|thx|thanx|tysm|ty|"
        r"cheers",
        r"(?:much|really|greatly) appreciated|i (?:really |do )?appreciate (?:it|that|your help|the help)|bless you",
        r"(?:you'?(?:ve| have)? (?:been|were|are|re)|that(?:'s| is| was)|this is|it was) (?:very |really |so |most )?"
        r"(?:helpful|kind|useful|great help|of help)|that help(?:s|ed)(?: me)?(?: a lot)?|great help|good bot",
    ),
    SmallTalk.GOODBYE: (
        r"bye(?:[ -]?bye)?|good ?bye|see (?:you|ya|u)(?: (?:later|soon|around|tomorrow))?|take care|farewell|cya|"
        r"so long",
        r"(?:have|enjoy) (?:a|your|the) (?:very )?(?:nice|good|great|lovely|wonderful|pleasant)? ?(?:day|one|evening|"
        r"weekend"
        r"|night|time|rest of your day)(?: too)?|good night|you too|same to you|talk (?:to you )?later",
        r"(?:no,? )?that(?:'s| is|'ll be| will be| was) (?:all|it|everything)(?: (?:for now|for today|i need(?:ed)?|"
        r"thanks))?",
        r"(?:no )?nothing else|no more questions|i'?m (?:done|all set|good(?: now)?)|(?:i have )?no (?:other|"
        r"further) questions?",
    ),
    SmallTalk.ACKNOWLEDGEMENT: (
        r"ok(?:ay|ey|ie)?|kk?|al(?: )?right|all right|got it|gotcha|i (?:see|understand|got it)|understood|"
        r"sure(?: thing)?|fine",
        r"great|good|perfect|cool|nice|wonderful|awesome|excellent|amazing|fantastic|brilliant|lovely|super|sweet|very",
        r"ye(?:s|ah|p|a)|yup|no+|nope|nah|right|correct|exactly|indeed|absolutely|of course|true|maybe|perhaps|"
        r"agreed|done",
        r"(?:that )?makes sense|sounds (?:good|great|fine)|will do|no (?:problem|worries|thank you|thanks)|"
        r"not (?:now|really)",
        r"lol|lmao|(?:ha){2,}|(?:he){2,}|hm+|u[hm]+|oh+|ah+|aha|wow|oops|well|so|then|please|pls|now|never ?mind|"
        r"forget it",
        r"i (?:will|'ll) (?:try|do|check)(?: (?:it|that))?|let me (?:check|try|think|see)(?: (?:it|that))?|"
        r"good to know|noted",
        r"that'?s (?:fine|ok(?:ay)?|good|great|right|perfect|cool|clear|correct)|i (?:like|love) (?:it|that|you)",
    ),
    SmallTalk.HELP: (
        r"(?:can|could|would|will) (?:you|u|someone|anyone|somebody|anybody) (?:please )?(?:help|"
        r"assist)(?: me)?(?: out)?"
        r"(?: with (?:something|a (?:question|problem|few things)))?(?: please)?|"
        r"(?:please )?help(?: me)?(?: out)?(?: please)?",
        r"i (?:just )?(?:need|want|would like|'?d like|could use) (?:some |your |a little |a bit of )?"
        r"(?:help|assistance|information|info|advice)(?: with something)?|i'?m looking for (?:some )?(?:help|"
        r"information)",
        r"i(?:'ve| have)? (?:got )?(?:a|some|another|one more|a few|a couple of) (?:quick |more )?(?:questions?|"
        r"problems?|issues?)",
        r"(?:can|could|may) i ask (?:you )?(?:a|another|some|one more) ?(?:quick )?(?:questions?|something|thing)|"
        r"question",
        r"(?:can|could|may) i ask (?:you )?something",
    ),
    SmallTalk.IDENTITY: (
        r"(?:and |so )?(?:who|what) (?:exactly )?(?:are|r) (?:you|u)(?: exactly)?|who(?:'s| is) this|"
        r"introduce yourself",
        r"what(?:'s| is) (?:your|ur) name|do you have a name|(?:who|what) am i (?:talking|speaking|chatting) (?:to|"
        r"with)",
        r"(?:are|r) (?:you|u) (?:an? |the )?(?:real |actual |live |just a )*(?:ro)?(?:bot|human|person|ai|a\.i\.|"
        r"machine|computer"
        r"|chat ?bot|human being|program|assistant|agent|chatgpt|real)(?: or (?:an? )?(?:real |"
        r"actual )?(?:ro)?(?:bot|human|person"
        r"|ai|machine|chat ?bot))?",
        r"(?:am i|i'm|i am) (?:talking|speaking|chatting) (?:to|with) (?:an? )?(?:real |actual |live )?(?:ro)?"
        r"(?:bot|human|person|ai|machine|chat ?bot)(?: or (?:an? )?(?:real )?(?:ro)?(?:bot|human|person|ai|machine))?",
        r"is (?:this|that|it) (?:an? )?(?:real |actual )?(?:ro)?(?:bot|human|person|ai|machine|chat ?bot)",
        r"(?:what|how) (?:can|could|do) you (?:do|help)(?: me)?(?: with)?(?: for me)?|who (?:made|created|built) you",
    ),
}
_CHINESE = {
    # Words that open or close a Chinese sentence without meaning, and the polite ways into a question.
    None: (
        r"请问(?:一下)?|(?:我)?想?(?:请教|咨询|问)(?:一下|下)|我?想问问?|麻烦(?:您|你)?(?:问一下|了)?|打扰(?:一下|了|"
        r"您了)?|不好意思",
        r"亲(?:亲|爱的)?|老师|小姐姐|小哥哥|呃+|啊+|哦+|噢|喔",
    ),
    SmallTalk.GREETING: (
        r"(?:你|您|大家|客服)们?好(?!像|多|几|不|吃|用|看)(?:呀|啊|哦|哈)?|哈[喽啰罗]|哈?喽|嗨+|嘿|hello|hi|"
        r"早(?:上好|安|啊)?(?=$|[^\w])|(?:上午|中午|下午|晚上)好",
        r"(?:有人|客服|你|您|亲)?(?:还)?在(?:不在|吗|么|嘛|不)(?:呀|啊)?|有人(?:吗|么|在吗|没)?(?=$|[^\w])|在线吗|"
        r"客服在吗",
    ),
    SmallTalk.HOW_ARE_YOU: (
        r"你?最近(?:怎么样|好吗|还好吗)|(?:你|您)(?:还)?好(?:吗|么)|(?:你|您)(?:今天)?(?:怎么样|过得好吗)|"
        r"吃(?:饭)?了(?:吗|没)",
    ),
    SmallTalk.THANKS: (
        r"(?:好的)?(?:非常|十分|太|多|万分|谢)?(?:谢谢|感谢|多谢|谢了|谢啦|3q|thx|thanks)(?:您|你|啦|了|哈|啊|呀|哦|"
        r"客服|亲|帮助|的帮助|的?解答|的?回复)*"
        r"|谢(?:您|你)?(?=$|[^\w])|辛苦(?:了|啦|您了|你了)?|(?:帮|有)了?(?:我)?(?:大忙|很大帮助)",
    ),
    SmallTalk.GOODBYE: (
        r"再见|拜{1,2}(?:拜)?|88+|回头见|下次(?:见|聊)|晚安|先这样(?:吧)?|就这样(?:吧)?|没(?:有)?(?:其他|别的)?(?:事|"
        r"问题)了|我?(?:没有?|暂时没有?)(?:其他|别的)(?:问题|事)?了?"
        r"|祝(?:您|你)?(?:生活|工作|一切)?(?:愉快|顺利|开心)",
    ),
    SmallTalk.ACKNOWLEDGEMENT: (
        r"好(?:的|吧|滴|哒|嘞|啊|呀|哦)*(?=$|[^\w]|谢|再|拜|我知|知|明|多)|行(?:吧|的|啊)?(?=$|[^\w]|谢|再|我知|知)|"
        r"可以(?:的|了|啊)?(?=$|[^\w]|谢|再)",
        r"(?:我)?(?:知道|明白|了解|懂|清楚|收到|晓得)(?:了|啦|哦|的)*(?=$|[^\w]|谢|再)|原来(?:如此|是这样|"
        r"这样)(?:啊)?|这样(?:啊|呀|子)?(?=$|[^\w]|谢)",
        r"(?:是|对|嗯|没错|不是|不用|不要|不需要|不必|算|没事|没有?|没关系|不客气|OK|okay|ok)(?:的|了|呀|啊|吧|"
        r"哦)*(?=$|[^\w]|谢|再)",
        r"嗯+|哈{2,}|呵{2,}|嘻{2,}|嘿{2,}|太?(?:棒|赞|厉害|不错|好)(?:了|啦)?(?=$|[^\w]|谢)|真(?:棒|好|不错)|"
        r"(?:我)?(?:再)?(?:看看|想想|试试)(?:吧)?(?=$|[^\w]|谢)",
    ),
    SmallTalk.HELP: (
        r"(?:你|您)?(?:可以|能|能不能|可不可以|能否)?帮(?:帮|个|我个|一下|下)?(?:我|忙)(?:一下|个忙|忙)?(?:吗|么|"
        r"吧)?(?=$|[^\w])|求助|救命|帮帮忙",
        r"(?:我)?(?:有|想问|想咨询)(?:个|一个|些|几个)?(?:问题|事|事情)(?:想)?(?:要)?(?:问|咨询|请教)?(?:一下|下|你|"
        r"您|你们)?(?=$|[^\w])|(?:可以|能)问(?:你|您)?(?:个|一个)?问题(?:吗|么)?",
        r"(?:我)?(?:想)?咨询(?:一下|个问题|点事)?(?=$|[^\w])|问(?:个|一个|你个|一下)?问题(?=$|[^\w])",
    ),
    SmallTalk.IDENTITY: (
        r"(?:你|您)(?:到底)?是(?:谁|什么|干什么的|做什么的|哪位|啥)(?=$|[^\w]|啊|呀|呢)|(?:你|您)(?:叫|的名字是|"
        r"的名字叫)(?:什么|啥)(?:名字)?|(?:你|您)(?:贵姓|有名字吗)",
        r"(?:你|您)(?:是|到底是)(?:个|一个|不是|不是个)?(?:真?人|真人|机器人|人工|人工客服|真人客服|机器|AI|ai|"
        r"人工智能|活人|人类|程序|客服)"
        r"(?:还是(?:个)?(?:真?人|真人|机器人|人工|机器|AI|ai|人类))?(?:吗|么|嘛|吧|啊|呢)?(?=$|[^\w])|介绍一下(?:你|"
        r"您)?自己|自我介绍(?:一下)?",
        r"(?:你|您)(?:能|可以|会|都会|都能)(?:做|干|帮我做|帮我|回答)?(?:些)?(?:什么|啥)(?:问题|事|忙)?(?:吗|呢|"
        r"啊)?(?=$|[^\w])|(?:你|您)有(?:什么|哪些)功能|谁(?:开发|创造|做|设计)(?:的|了)你",
    ),
}


def _compiled() -> list[tuple[SmallTalk | None, re.Pattern[str]]]:
    table: list[tuple[SmallTalk | None, re.Pattern[str]]] = []
    for kind, phrases in _ENGLISH.items():
        table.append((kind, re.compile(rf"(?:{'|'.join(phrases)})(?![\w'’-])", re.IGNORECASE)))
    for other, phrases in _CHINESE.items():
        table.append((other, re.compile("|".join(phrases), re.IGNORECASE)))
    return table


_PHRASES = _compiled()
# Everything between words: blanks, punctuation, emoji and other symbols. A placeholder's < starts a word.
_BETWEEN = re.compile(r"[^\w<]*")
_WORDS = re.compile(r"\w")
_EMOJI = re.compile("[\u2190-\u2bff\U0001f000-\U0001faff]")
_CHARACTERS = re.compile(r"[\u3400-\u9fff]")
# After a bare "hello" only such a word shows that the greeting is over: not in "hello kitty bag".
_OPENS_A_QUESTION = re.compile(
    r"(?:i|i'm|i'd|i've|my|we|our|how|what|when|where|which|who|why|can|could|do|does|did|is|are|was|will|would|"
    r"should|may|"
    r"please|am|has|have|if|the|there|just|need|want|looking)\b",
    re.IGNORECASE,
)
_OVER = frozenset(",，.。!！?？~～:：;；…")
_POLITE_END = re.compile(
    r"(?<=[\w?？。！!.,，)）])[\s,，.。!！~～-]*(?:(?:many )?thanks?(?: you)?(?: (?:a lot|so much|very much|again|"
    r"in advance|for your help))*|thx"
    r"|cheers|(?:非常)?谢谢(?:您|你|啦|了)?|感谢|麻烦(?:您|你)?了|辛苦了)[\s.。!！~～]*$",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Sorted:
    """What is left to ask of a message, and what it is when nothing is left. `empty` means it has no words at all."""

    question: str
    small_talk: SmallTalk | None = None
    empty: bool = False


# A message is sorted again with each of the turns that look back at it.
@lru_cache(maxsize=4096)
def sort(text: str) -> Sorted:
    """Take the courtesies off a message; a message that is nothing else is small talk."""
    if not _WORDS.search(text):
        is_nod = bool(_EMOJI.search(text))
        return Sorted("", SmallTalk.ACKNOWLEDGEMENT if is_nod else None, empty=not is_nod)
    at, kinds, only_polite = _use_up(text)
    if at == len(text) and len(text) <= _LONGEST:
        said = [kind for kind in kinds if kind is not None]
        return Sorted("", max(said, key=_WEIGHT.__getitem__)) if said else Sorted("", empty=True)
    start = at if _may_cut(text, at, only_polite) else 0
    question = _POLITE_END.sub("", text[start:]).strip()
    return Sorted(question or text)


def _use_up(text: str) -> tuple[int, list[SmallTalk | None], bool]:
    """How far phrases reach from the start, their kinds, and whether all are courtesies that open a question."""
    kinds: list[SmallTalk | None] = []
    at = _end(_BETWEEN, text, 0)
    while at < len(text):
        kind, end = _longest(text, at)
        if end == at:
            break
        kinds.append(kind)
        at = _end(_BETWEEN, text, end)
    polite = {SmallTalk.GREETING, SmallTalk.HOW_ARE_YOU, SmallTalk.THANKS, SmallTalk.HELP, None}
    return at, kinds, bool(kinds) and polite.issuperset(kinds)


def _longest(text: str, at: int) -> tuple[SmallTalk | None, int]:
    best: tuple[SmallTalk | None, int] = (None, at)
    for kind, pattern in _PHRASES:
        end = _end(pattern, text, at)
        if end > best[1]:
            best = (kind, end)
    return best


def _end(pattern: re.Pattern[str], text: str, at: int) -> int:
    match = pattern.match(text, at)
    return match.end() if match else at


def _may_cut(text: str, at: int, only_polite: bool) -> bool:
    """Whether the small talk before `at` is plainly over.

    A mark shows it; after courtesies also a Chinese character or a word that opens a question.
    """
    if text[at - 1 : at] in _OVER or text[at - 2 : at].strip() in _OVER:
        return at > 0
    return only_polite and bool(_CHARACTERS.match(text, at) or _OPENS_A_QUESTION.match(text, at))
