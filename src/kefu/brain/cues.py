"""What a question asks for, and the signs in a sentence that it says just that."""

import re
from dataclasses import dataclass
from functools import lru_cache

from kefu.brain import facts
from kefu.brain.facts import Kind

# The facts that answer a question. First match wins.
_ASKS = (
    (re.compile(r"\bhow (?:long|soon|quick|fast|often)|\bwhen\b|\bwhat (?:time|day|date)|\bdeadline|"
                r"\bhow many (?:days|weeks|months|hours|years)|"
                r"\b(?:opening )?hours\b|多久|多长时间|什么时候|何时|几天|几点|哪天|哪一?年|多少(?:天|年|小时|个?月|"
                r"个?工作日)|期限|时效|几年|日期|时间", re.IGNORECASE),
     frozenset({Kind.AMOUNT, Kind.TIME, Kind.DATE, Kind.WEEKDAY, Kind.MONTH})),
    (re.compile(r"\bhow much|\bcosts?\b|\bprices?\b|\bfees?\b|\bcharges?\b|\bpay for\b|\bexpensive|\bfree\b|多少钱|"
                r"价格|费用|运费|收费|几块|多少元|免费|要钱", re.IGNORECASE),
     frozenset({Kind.MONEY, Kind.PERCENT})),
    (re.compile(r"\b(?:phone|telephone|call|number)\b|电话|热线|号"
                r"码", re.IGNORECASE), frozenset({Kind.PHONE, Kind.CODE})),
    (re.compile(r"\be-?mail|\bmail address|邮箱|邮件|电邮", re.IGNORECASE), frozenset({Kind.EMAIL})),
    (re.compile(r"\b(?:link|website|web ?site|url|web ?page|online)\b|网址|链接|网站|"
                r"官网", re.IGNORECASE), frozenset({Kind.LINK})),
    (re.compile(r"\bhow (?:many|few|big|large|heavy|far|tall|old|high)|\bwhat (?:percentage|percent|size|weight)|"
                r"\b(?:limit|maximum|minimum|at most|at least)\b|"
                r"多少|几(?:个|次|件|种|张|人|位|名|岁|条|家|部)|最多|至少|最少|多重|多大|多高|多远|比例|百分之几|"
                r"第几", re.IGNORECASE),
     frozenset({Kind.NUMBER, Kind.AMOUNT, Kind.PERCENT, Kind.MONEY})),
)  # fmt: skip
_WHERE = re.compile(
    r"\bwhere\b|\bwhich (?:country|countries|city|cities|place|address)|\baddress\b|哪里|哪儿|在哪|地址|何处|"
    r"什么地方|哪个(?:国家|城市|省|地方)|哪(?:国|省|市)",
    re.IGNORECASE,
)
_PLACE = re.compile(
    r"\b(?:road|street|avenue|building|office|warehouse|floor|centre|center|store|account|settings|page|app|menu|"
    r"section|tab)\b|[路街巷]\d*号|[省市区县镇村]|位于|地址|页面|设置|点击|大楼|仓库",
    re.IGNORECASE,
)
_HOW_TO = re.compile(
    r"\bhow (?:do|can|should|would|could|to|does one|may)\b|\bsteps?\b|\bwhat (?:should|do|must) (?:i|we) do|"
    r"\bprocess\b|\bprocedure\b|怎么(?!样)|如何|怎样|步骤|流程|方法|咋",
    re.IGNORECASE,
)
_STEP = re.compile(
    r"^(?:\W*(?:\d{1,2}[.)、]|[-*•])?\s*)(?:open|go|click|tap|select|choose|enter|send|log|sign|visit|call|contact|"
    r"fill|complete|submit|follow|apply|bring|mail|use|request|press|pick|put|print|report|write|ask)\b"
    r"|打开|点击|进入|选择|填写|提交|登录|拨打|联系|申请|输入|前往|按照|首先|然后|扫描|上传|下载|发送至",
    re.IGNORECASE,
)
_WHY = re.compile(r"\bwhy\b|\breasons?\b|为什么|为何|原因|为啥", re.IGNORECASE)
_BECAUSE = re.compile(
    r"\b(?:because|since|due to|so that|as a result|reason|in order to|therefore)\b|因为|由于|因此|所以|为了|原因|导致",
    re.IGNORECASE,
)
_MAY_I = re.compile(
    r"^(?:\W*(?:so |and |then |hi |hello )?)(?:can|could|may|do|does|did|is|are|am|will|would|must|should|has|"
    r"have)\b|吗[？?]?$|能不能|可不可以|是否|能否|可以.{0,12}吗|需不需要|要不要",
    re.IGNORECASE,
)
_VERDICT = re.compile(
    r"\b(?:can|cannot|can't|may|must|not|only|no|yes|required?|allowed|eligible|need|needs|except|unless|possible|"
    r"free)\b|可以|不能|不可|无法|必须|需要|不需要|无需|仅|支持|不支持|除外|不予|允许|禁止|不得|均可",
    re.IGNORECASE,
)
# How much a piece of text gains that holds the kind of fact asked for: as much as a third of all the question's words.
_FACT = 0.34
# And for a verb or word that only makes an answer of this kind likelier.
_WORD = 0.12
_PAIRS = ((_WHERE, _PLACE), (_HOW_TO, _STEP), (_WHY, _BECAUSE), (_MAY_I, _VERDICT))


@dataclass(frozen=True, slots=True)
class Cues:
    """What a question asks for, or what a text offers: kinds of facts, and which of the four signs by number."""

    facts: frozenset[Kind]
    signs: frozenset[int]

    def gain(self, offered: "Cues") -> float:
        """What a text's cues add to its score for the question that has these, 0 to 0.46."""
        return _FACT * bool(self.facts & offered.facts) + _WORD * bool(self.signs & offered.signs)


@lru_cache(maxsize=2048)
def asked(question: str) -> Cues:
    """The cues of a question."""
    wanted: frozenset[Kind] = next((kinds for pattern, kinds in _ASKS if pattern.search(question)), frozenset())
    return Cues(wanted, frozenset(number for number, (asks, _) in enumerate(_PAIRS) if asks.search(question)))


def offered(text: str) -> Cues:
    """The cues of a sentence."""
    return Cues(facts.kinds(text), frozenset(number for number, (_, sign) in enumerate(_PAIRS) if sign.search(text)))
