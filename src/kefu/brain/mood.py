"""Signs in a customer's words of wanting a person, and of anger or complaint."""

import re
from enum import StrEnum

_FLAGS = re.IGNORECASE

_PERSON = (
    r"(?:(?:real|live|actual|human|living|physical|customer (?:service|support|care)|support|service|call cent(?:er|"
    r"re)) )*"
    r"(?:human(?: being)?|persons?|people|agents?|representatives?|reps?|operators?|advis[eo]rs?|managers?|"
    r"supervisors?|"
    r"specialists?|employees?|staff(?: members?)?|team members?|colleagues?|associate|someone|somebody|anyone|anybody|"
    r"customer (?:service|support|care)|support(?: team)?|your (?:team|boss)|call cent(?:er|re))"
)
_END = (
    r"(?=$|[.!?,;]| (?:please|now|instead|here|right|today|asap|immediately|to (?:talk|speak|help|assist|call|"
    r"chat|answer)|who|that|on|about|regarding|for help|and|because|again|directly))"
)
# In which a person, or a way to reach one, is asked for outright.
_ASKS_EN = (
    rf"\b(?:speak|talk|chat|speaking|talking|chatting)(?: directly)? (?:to|with) (?:an? |the |some |one of your |"
    rf"your )?{_PERSON}\b",
    rf"\b(?:connect|transfer|forward|refer|switch|pass|put|redirect|route|escalate|hand)(?: (?:me|us|this|it|my \w+|"
    rf"the chat))?"
    rf"(?: over| through| on| back)?(?: (?:to|with))? (?:an? |the |some |your )?{_PERSON}\b",
    rf"\b(?:get|give|find|bring|call|fetch)(?: me)? (?:an? |the |some |your )(?:real |live |actual |human )*"
    rf"(?:human(?: being)?|person|agent|representative|rep|operator|manager|supervisor|advis[eo]r){_END}",
    rf"\b(?:want|need|prefer|like|require|demand)(?: (?:to (?:have|get|reach|contact|see)))?(?: help from)? (?:an? |"
    rf"some )?"
    rf"(?:(?:real|live|actual|human)(?: (?:person|human|agent|being|operator|representative|support|help|assistance|"
    rf"service|chat))+"
    rf"|human(?: being)?|agent|representative|operator|customer (?:service|support)(?: (?:agent|rep\w*))?|manager|"
    rf"supervisor){_END}",
    r"\b(?:is|are) there (?:an? |any )?(?:(?:real|live|actual|human) (?:person|people|human|agents?|beings?|"
    r"operators?)|humans?|"
    r"agents?|(?:one|body|someone|anyone|somebody|anybody|person))(?: \w+){0,2} (?:i|we) (?:can|could|may) (?:talk|"
    r"speak|chat)",
    r"\b(?:can|could|may|let|want to|like to|how (?:do|can) i) (?:i |me |you )?(?:speak|talk|chat|reach|"
    r"get (?:through|hold of|to))"
    r"(?: (?:to|with|of))? (?:an? |the |some )?(?:(?:real|live|actual|human) )*(?:human|person|agent|representative|"
    r"operator|someone|somebody)\b",
    r"\b(?:don'?t|do not|not|no longer|stop|hate|tired of|sick of|instead of|no more) (?:want(?:ing)? )?(?:to )?"
    r"(?:talk(?:ing)?|speak(?:ing)?|chat(?:ting)?)? ?(?:to |with )?(?:an? |the |this |these |your )?"
    r"(?:stupid |dumb |useless )?(?:ro|chat ?)?bots?\b",
    r"\b(?:ask|have|let|get) (?:someone|somebody|an? (?:agent|human|person|colleague|manager)) (?:to )?(?:call|"
    r"contact|ring|phone|"
    r"help|write to|get back to|reach out to) me\b",
    r"\b(?:can|could|would|will) (?:you|someone|somebody|anyone|an agent) (?:please )?(?:call|ring|"
    r"phone) me(?: back)?\b|\bcall me back\b",
    r"^(?:please |i said |just |no,? )*(?:an? )?(?:(?:real|live|actual) )*(?:human|agent|person|representative|"
    r"operator|live chat|live support|"
    r"human (?:agent|support|help|being|please)|real person|customer (?:service|support|care)|support agent|"
    r"talk to a (?:person|human))"
    r"(?:[ ,]+(?:please|pls|now|agent|rep|representative|required|needed))*[\s.!]*$",
    r"^(?:talk|speak) to a (?:person|human)[\s.!]*$",
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
    r"^(?:\W*(?:and|so|but|ok|hi|hello)\W+)?(?:when|what time|until when|how late|how long|which|what (?:is|are|'s))\b"
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


_ANGRY = re.compile(
    r"\b(?:f+u+c+k+\w*|wtf|stfu|bull ?shit|assholes?|bastards?|bitch(?:es)?|piss(?:ed)? off|go to hell|screw you|"
    r"damn (?:you|it|bot))\b"
    r"|\bshit(?:ty)? (?:service|company|product|bot|app|website|support)\b|\bthis is (?:shit|crap)\b|"
    r"\bpiece of (?:shit|crap|junk)\b"
    r"|\b(?:this|that|it|your (?:\w+ ){1,2}|you people|you guys|you)(?:'s|'re| is| are| was)? (?:just |so |"
    r"absolutely |completely |totally |"
    r"really |utterly |beyond |simply |fucking )*(?:ridiculous|unacceptable|outrageous|disgusting|disgraceful|"
    r"pathetic|appalling|"
    r"a (?:complete |total |bloody )?(?:joke|scam|disgrace|rip-?off)|useless|scammers|thieves|liars|crooks|idiots?|"
    r"stupid|terrible|horrible|awful)\b"
    r"|\bi(?:'m| am)(?: \w+){0,2} (?:angry|furious|fed up|outraged|livid|fuming|mad|sick (?:and tired )?of)\b"
    r"|\b(?:fed up|sick and tired|had enough|lost (?:all )?patience)\b"
    r"|\bworst (?:\w+ ){0,2}(?:service|company|shop|store|experience|support|bot|ever)\b|\b(?:terrible|horrible|"
    r"awful|appalling) (?:service|experience|company|support)\b"
    r"|\b(?:i(?:'ll| will| am going to|'m going to)|gonna) (?:sue|report you|take (?:this|you) to court|"
    r"call (?:my lawyer|the police)|never (?:buy|shop|order))"
    r"|\b(?:you|they) (?:\w+ )?(?:scammed|cheated|robbed|lied to|ripped off|stole from) me\b|"
    r"\bwaste of (?:my )?(?:time|money)\b"
    r"|气死|气人|(?:太|真)(?:生气|愤怒)|我(?:很|非常|十分)(?:生气|愤怒|恼火)|垃圾(?:客服|公司|平台|服务|店|网站|"
    r"机器人|东西|app)|(?:真|太|一群|都是)(?:垃圾|骗子)"
    r"|(?:你们|你|这).{0,4}(?:是|就是)(?:骗子|骗人|欺诈|诈骗|坑人|坑爹|忽悠)|什么(?:破|烂|垃圾|狗屁)|破(?:公司|平台|"
    r"客服|机器人)|(?:太|真|实在)(?:过分|差劲|差了|恶心|坑|离谱|无语)"
    r"|忍无可忍|受够了|(?:妈|马)的|他妈|tmd|cnm|尼玛|去死|滚(?:开|蛋|$)|傻[逼bB叉]|sb客服|智障|废物|蠢货|脑残|白痴|"
    r"不要脸|王八蛋|混蛋|耍我|玩我呢"
    r"|(?:要|去)(?:起诉|告)你们|告你们|12315|消费者协会|消协|工商局|找律师|曝光你们|再也不(?:买|来|用)",
    _FLAGS,
)
_COMPLAINT = re.compile(
    r"\b(?:i (?:want|wish|need|would like|am going)|i'd like|let me|i'm (?:going|here)) to (?:\w+ )?(?:complain|"
    r"file a complaint|make a complaint|lodge a complaint|"
    r"raise a complaint|submit a complaint|report a complaint)\b|\bi have a complaint\b|\b(?:very|really|extremely|"
    r"so|deeply) (?:disappointed|unhappy|dissatisfied|frustrated|upset|annoyed)\b"
    r"|\bi(?:'m| am) (?:\w+ )?(?:disappointed|unhappy|dissatisfied|frustrated|upset|annoyed)\b|\bnot (?:happy|"
    r"satisfied) with\b"
    r"|\b(?:nobody|no one|no-one) (?:\w+ )?(?:helps?|answers?|replies|responds?|cares?|is helping)\b|\bthis (?:bot|"
    r"chat) (?:is (?:not|no)|isn'?t|does ?n[o']t) help"
    r"|\byou(?:'re| are) not (?:helping|helpful|listening)\b|\byou (?:don'?t|do not) (?:understand|help|listen)\b"
    r"|我(?:要|想)投诉|投诉(?:你们|一下|你)|(?:很|非常|太|特别)(?:不满|失望|着急|不高兴|不开心|郁闷)|答非所问|"
    r"听不懂(?:人话|吗)|(?:没|无)人(?:管|理|回|处理|回复)|(?:一点|根本|完全)(?:都)?(?:没用|不管用|没有用|帮不上)|"
    r"敷衍|踢皮球",
    _FLAGS,
)
_ASKS_ABOUT = re.compile(
    r"^(?:how|where|who|what|when|can|could|do|does|is|are|which)\b.*\bcomplain|(?:怎么|如何|怎样|哪里|在哪|可以|"
    r"能).{0,6}投诉|投诉.{0,6}(?:电话|渠道|邮箱|多久|流程|方式|入口|在哪)",
    _FLAGS,
)
# Twelve letters or more, nearly all capitals, with two exclamation marks: louder than a product name or "OK!!".
_SHOUTED_LETTERS, _SHOUTED_SHARE = 12, 0.8


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
