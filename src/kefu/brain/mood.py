"""Signs in a customer's words of wanting a person, and of anger or complaint."""

import re
from enum import StrEnum
from functools import lru_cache

_FLAGS = re.IGNORECASE
_REMEMBERED = 4096  # many messages are questions that were asked before, in the same words

# One word more, often a curse, stands before the person: "a damn agent", "the next agent".
_A = r"(?:an? |the |some |any |one of your |your )?(?:\w+ )?"
_REAL = r"(?:(?:real|live|actual|human|living|physical|flesh and blood) )"
_SERVICE = r"(?:customer (?:service|support|care)|support|service|help ?desk|call cent(?:er|re))"
# Who can only be a person, and words that may also be somebody else.
_HUMAN = (
    rf"(?:(?:{_REAL}|{_SERVICE} )*(?:humans?(?: being)?|agents?|assistants?|representatives?|reps?|operators?|"
    r"advis[eo]rs?|managers?|supervisors?|specialists?|employees?|staff(?: members?)?|team members?|colleagues?|"
    r"associates?)"
    rf"|{_REAL}+(?:persons?|people))"
)
_ANYONE = rf"(?:{_HUMAN}|persons?|people|someone|somebody|anyone|anybody|{_SERVICE}|your (?:team|boss))"
_TALK = r"\b(?:speak|talk|chat|speaking|talking|chatting)(?: directly)? (?:to|with|wth|wiht)"
_REACH = r"\b(?:contact|reach|contacting|reaching|get hold of|get in touch with|get through to|call|calling)"
_TRANSFER = r"\b(?:connect|transfer|forward|refer|switch|pass|put|redirect|route|hand|escalate)"
# What may follow where "an agent" could still be the subject of something else ("an agent delivered it").
_END = (
    r"(?=$|[.!?,;]| (?:please|now|instead|here|right|today|asap|immediately|to (?:talk|speak|help|assist|call|chat|"
    r"answer)|who|that|on|about|regarding|for help|and|because|again|directly))"
)
# In which a person, or a way to reach one, is asked for outright.
_ASKS_EN = (
    rf"{_TALK} {_A}{_ANYONE}\b",
    rf"{_REACH} {_A}(?:{_HUMAN}|persons?|someone|somebody|{_SERVICE}){_END}",
    rf"{_TRANSFER} (?:me|us|this|it|my \w+|the chat)(?: over| through| on| back)?(?: (?:to|with))? {_A}{_ANYONE}\b",
    rf"{_TRANSFER}(?: (?:to|with)) {_A}{_HUMAN}\b",
    rf"\b(?:get|give|find|bring|call|fetch)(?: me)? (?:an? |the |some |your )(?:{_HUMAN}|persons?){_END}",
    rf"\b(?:want|need|prefer|like|require|demand)(?: to (?:have|get|see))?(?: help from)? (?:an? |some )?"
    rf"(?:{_REAL}+(?:support|help|assistance|service|chat)|{_HUMAN}|customer (?:service|support)){_END}",
    rf"\b(?:is|are) there (?:an? |any )?(?:{_HUMAN}|(?:some|any)(?:one|body)|person)(?: \w+){{0,2}} "
    r"(?:i|we) (?:can|could|may) (?:talk|speak|chat)",
    r"\b(?:don'?t|do not|not|no longer|stop|hate|tired of|sick of|instead of|no more) (?:want(?:ing)? )?(?:to )?"
    r"(?:talk(?:ing)?|speak(?:ing)?|chat(?:ting)?)? ?(?:to |with )?(?:an? |the |this |these |your )?"
    r"(?:stupid |dumb |useless )?(?:ro|chat ?)?bots?\b",
    rf"\b(?:ask|have|let|get) (?:someone|somebody|an? {_HUMAN}) (?:to )?(?:call|contact|ring|phone|help|write to|"
    r"get back to|reach out to) me\b",
    r"(?<!what )\b(?:can|could|would|will) (?:you|someone|somebody|anyone|an agent) (?:please )?(?:call|ring|phone) me"
    rf"(?: back)?{_END}|\bcall me back\b",
    rf"^(?:please |i said |just |no,? )*(?:an? )?(?:{_HUMAN}|person|{_REAL}(?:chat|support|help)|{_SERVICE}|"
    r"(?:talk|speak) to a (?:person|human))(?:[ ,]+(?:please|pls|now|required|needed))*[\s.!]*$",
)
# No wish for a person at all.
_DECLINES_EN = re.compile(
    r"\b(?:don'?t|do not|no) (?:need|want)(?: to)? (?:an? |the |any )?(?:(?:talk|speak) (?:to|with) )?(?:an? |any )?"
    r"(?:real |live )?(?:human|person|agent|representative|operator|someone|anyone)"
    r"|\b(?:someone|somebody|anyone|anybody) else\b",
    _FLAGS,
)
# A question about the people, answered from knowledge if it holds the answer: their hours, numbers, waiting times.
_ABOUT_EN = re.compile(
    r"^(?:\W*(?:and|so|but|ok|hi|hello)\W+)?(?:when|what time|until when|how late|how long|which|what (?:is|are|'s)|"
    r"(?:do|must|should) (?:i|we))\b"
    r"|\b(?:contact|reach|call)(?:ing)? (?:the |your )?(?:customer (?:service|support|care)|support|help ?desk|"
    r"call cent(?:er|re))"
    r"|\b(?:hours|opening|open|closed?|available|at night|weekends?|saturdays?|sundays?|holidays?|midnight|waiting time"
    r"|phone number|telephone number|e-?mail address)\b",
    _FLAGS,
)
_ASKS_EN_RE = re.compile("|".join(f"(?:{sign})" for sign in _ASKS_EN), _FLAGS)

_ZH_PERSON = (
    r"(?:人工|真人|活人|(?:人工|真人|在线)?客服(?:人员|专员|经理|代表|主管)?|专员|(?:值班|店|大堂)?经理|"
    r"主管|领导|负责人|老板|工作人员|管理员)"
)
_ASKS_ZH = (
    rf"转(?:接|到|给|去|回|成)?(?:一下|个|下)?(?:到|给)?(?:你们的?)?{_ZH_PERSON}",
    r"(?:找|要|叫|换|接|呼叫|联系|需要|请求|切换?|连接|召唤|来)(?:一下|一个|个|下|你们的?|到|进|成|一位|位)*(?:人工|"
    r"真人|活人)(?!费|成本|智能|审核|皮革|草)",
    r"(?:找|叫|换|接|呼叫|请|喊)(?:一下|一个|个|下|你们的?|到|一位|位|回)*(?:客服(?!电话|号码|时间|邮箱|几点)|专员|"
    r"经理|主管|领导|负责人|老板|工作人员)(?:来|过来|出来|处理|说|谈|聊|接|和|跟|联系|回|给)?",
    rf"(?:和|跟|与|同)(?:一?(?:个|位))?(?:你们的?)?(?:{_ZH_PERSON}|人)(?:直接)?(?:聊|说话|说|谈|沟通|对话|讲|交流|"
    rf"通话)",
    r"不(?:想|要|愿意)(?:再)?(?:和|跟|与)(?:你|这个)?(?:机器人|机器|AI|人工智能|程序)(?:聊|说|谈|对话|讲|沟通)?|"
    r"(?:不要|别|讨厌|滚)(?:给我)?机器人",
    r"(?:有没有|有)(?:一个|个)?(?:真人|活人|人工)(?:客服|服务|在|可以|能|吗|啊|呢|$)",
    rf"(?:让|叫|请|安排)(?:你们的?)?(?:一个|个|一位|位)?(?:{_ZH_PERSON}|人)(?:来|回复|联系|打|给我|跟我|和我|处理|帮)",
    r"(?:给我|请|能不能给我|可以给我|能给我)(?:回个?电话?|打个?电话|回电)",
    r"^[\s!！]*(?:请|我要|我想要?|给我|麻烦)?(?:人工|真人|人工客服|真人客服|人工服务|人工坐席|在线客服|客服人员|"
    r"客服)(?:呢|在吗|在哪|吧|啊|谢谢|服务)?[\s!！。.~～?？]*$",
)
_DECLINES_ZH = re.compile(
    r"(?:不用|不需要|不要|无需|别|不必)(?:再|给我|帮我)?(?:转|找|叫|接)?(?:接|到)?(?:人工|客服|真人)"
)
_ABOUT_ZH = re.compile(
    r"几点|什么时候|何时|周末|周[一二三四五六日]|星期|节假日|晚上|夜里|半夜|全天|24小时|多久|上班|下班|营业"
    r"|(?:服务|工作|在线|等待)时间|电话(?:是|多少)|号码|邮箱"
)
_ASKS_ZH_RE = re.compile("|".join(f"(?:{sign})" for sign in _ASKS_ZH), _FLAGS)


class Person(StrEnum):
    """Whether a message is about talking to a person: not at all, a question about it, or the wish itself."""

    NO = "no"
    ASKED_ABOUT = "asked_about"
    WANTED = "wanted"


@lru_cache(maxsize=_REMEMBERED)
def person(text: str) -> Person:
    """Tell whether a customer asks in words for a person instead of the assistant."""
    english = _ASKS_EN_RE.search(text) and not _DECLINES_EN.search(text)
    chinese = _ASKS_ZH_RE.search(text) and not _DECLINES_ZH.search(text)
    if not english and not chinese:
        return Person.NO
    about = _ABOUT_EN.search(text) if english else _ABOUT_ZH.search(text)
    return Person.ASKED_ABOUT if about else Person.WANTED


class Mood(StrEnum):
    """How a customer feels, as far as plain words tell."""

    CALM = "calm"
    COMPLAINT = "complaint"
    ANGRY = "angry"


_VERY = r"(?:just |so |absolutely |completely |totally |really |utterly |beyond |simply |fucking )*"
_BAD = (
    r"(?:ridiculous|unacceptable|outrageous|disgusting|disgraceful|pathetic|appalling|useless|terrible|horrible|awful|"
    r"a (?:complete |total |bloody )?(?:joke|scam|disgrace|rip-?off))"
)
_CROOKS = r"(?:scammers|thieves|liars|crooks|idiots?|stupid|useless|a joke|a scam)"
_ANGRY_EN = (
    r"\b(?:f+u+c+k+ (?:you|off|this|that|it)|stfu|bull ?shit|assholes?|bastards?|bitch(?:es)?|piss(?:ed)? off|"
    r"go to hell|screw you)\b",
    r"\bdamn (?:you|it|bot)\b|\bshit(?:ty)? (?:service|company|product|bot|app|website|support)\b",
    r"\bthis is (?:shit|crap)\b|\bpiece of (?:shit|crap|junk)\b",
    rf"\b(?:this|that|it|your (?:\w+ ){{1,2}})(?:'s| is| are| was) {_VERY}{_BAD}\b",
    rf"\byou(?: people| guys)?(?:'re| are)? {_VERY}(?:{_CROOKS}|{_BAD})\b",
    r"\bi(?:'m| am)(?: \w+){0,2} (?:angry|furious|fed up|outraged|livid|fuming|mad|sick (?:and tired )?of)\b",
    r"\b(?:fed up|sick and tired|lost (?:all )?patience)\b|\bi(?:'ve| have) had enough(?=[.!,]|$| of (?:this|you))",
    r"\bworst (?:\w+ ){0,2}(?:service|company|shop|store|experience|support|bot|ever)\b",
    r"\b(?:terrible|horrible|awful|appalling|disgusting) (?:service|experience|company|support)\b",
    r"\b(?:i(?:'ll| will| am going to|'m going to)|gonna) (?:sue|report you|take (?:this|you) to court|"
    r"call (?:my lawyer|"
    r"the police)|never (?:buy|shop|order))\b",
    r"\b(?:you|they) (?:\w+ )?(?:scammed|cheated|robbed|lied to|ripped off|stole from) me\b|\bwaste of my (?:time|"
    r"money)\b",
)
_ANGRY_ZH = (
    r"气死|气人|(?:太|真)(?:生气|愤怒)|我(?:很|非常|十分)(?:生气|愤怒|恼火)|忍无可忍|受够了",
    r"垃圾(?:客服|公司|平台|服务|店|网站|机器人|东西|app)|(?:真|太|一群|都是)(?:垃圾|骗子)|破(?:公司|平台|客服|机器人)",
    r"(?:你们|你|这).{0,4}(?:是|就是)(?:骗子|骗人|欺诈|诈骗|坑人|坑爹|忽悠)|什么(?:破|烂|垃圾|狗屁)",
    r"(?:太|真|实在)(?:过分|差劲|差了|恶心|坑|离谱|无语)|不要脸|耍我|玩我呢|再也不(?:买|来|用)",
    r"(?:妈|马)的|他妈|tmd|cnm|尼玛|去死|滚(?:开|蛋|$)|傻[逼bB叉]|sb客服|智障|废物|蠢货|脑残|白痴|王八蛋|混蛋",
    r"(?:要|去)(?:起诉|告)你们|告你们|12315|消费者协会|消协|工商局|找律师|曝光你们",
)
_ANGRY = re.compile("|".join(f"(?:{sign})" for sign in (*_ANGRY_EN, *_ANGRY_ZH)), _FLAGS)
_COMPLAINS = (
    r"\b(?:i (?:want|wish|need|would like|am going|have)|i'd like|let me|i'm (?:going|here)|help me) (?:to )?(?:\w+ )?"
    r"(?:complain\b|(?:file|make|lodge|raise|submit|report) an? (?:\w+ )?(?:complaint|reclamation)\b)",
    # A curse at a thing is a bad mood; at us it is anger.
    r"\b(?:f+u+c+k+\w*|wtf|bloody|goddamn|god ?damn it)\b",
    r"\b(?:complaint|reclamation|claim) against (?:you|your|ur)\b|\bi have a complaint\b",
    r"\b(?:very|really|extremely|so|deeply) (?:disappointed|unhappy|dissatisfied|frustrated|upset|annoyed)\b",
    r"\bi(?:'m| am) (?:\w+ )?(?:disappointed|unhappy|dissatisfied|frustrated|upset|annoyed)\b",
    r"\bnot (?:happy|satisfied) with\b|\b(?:nobody|no one|no-one) (?:\w+ )?(?:helps?|answers?|replies|responds?|"
    r"cares?)\b",
    r"\bthis (?:bot|chat) (?:is (?:not|no)|isn'?t|does ?n[o']t) help|\byou(?:'re| are) not (?:helping|helpful|"
    r"listening)\b",
    r"\byou (?:don'?t|do not) (?:understand|help|listen)\b",
    r"我(?:要|想)投诉|投诉(?:你们|一下|你)|(?:很|非常|太|特别)(?:不满|失望|着急|不高兴|不开心|郁闷)",
    r"答非所问|听不懂(?:人话|吗)|(?:没|无)人(?:管|理|回|处理|回复)|敷衍|踢皮球",
    r"(?:一点|根本|完全)(?:都)?(?:没用|不管用|没有用|帮不上)",
)
_COMPLAINT = re.compile("|".join(f"(?:{sign})" for sign in _COMPLAINS), _FLAGS)
# "How do I complain?" is a question like any other.
_ASKS_ABOUT = re.compile(
    r"^(?:how|where|who|what|when|can|could|do|does|is|are|which)\b.*\bcomplain"
    r"|(?:怎么|如何|怎样|哪里|在哪|可以|能).{0,6}投诉|投诉.{0,6}(?:电话|渠道|邮箱|多久|流程|方式|入口|在哪)",
    _FLAGS,
)
# Twelve letters or more, nearly all capitals, with two exclamation marks: louder than a product name or "OK!!".
_SHOUTED_LETTERS, _SHOUTED_SHARE = 12, 0.8


@lru_cache(maxsize=_REMEMBERED)
def mood(text: str) -> Mood:
    """Tell anger and complaint by words; asking how to complain is neither."""
    if _ANGRY.search(text):
        return Mood.ANGRY
    if _shouts(text) or (_COMPLAINT.search(text) and not _ASKS_ABOUT.search(text)):
        return Mood.COMPLAINT
    return Mood.CALM


def _shouts(text: str) -> bool:
    if text.count("!") + text.count("！") < 2:
        return False
    letters = [char for char in text if char.isascii() and char.isalpha()]
    return len(letters) >= _SHOUTED_LETTERS and sum(map(str.isupper, letters)) > _SHOUTED_SHARE * len(letters)
