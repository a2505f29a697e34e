"""Chinese names: a surname and one or two further characters, where something around them says that it is a name.

No list of names exists, so four things are weighed: a cue before ("收件人"), what follows, whether the characters are
common in given names, and whether a dictionary takes them for an ordinary word (高兴, 方便, 周一, 马上).
"""

import re
from collections.abc import Iterator, Sequence
from functools import cache

from kefu.knowledge.masking.addresses_zh import is_known_place
from kefu.knowledge.masking.entity import Entity
from kefu.knowledge.masking.letters import CJK
from kefu.knowledge.masking.lists import lines
from kefu.knowledge.masking.lists import words as word_list

# Labels of a form: what follows is a name whatever it looks like.
_LABEL = (
    r"(?:我|她|他|本人|我的?名字|我的?姓名|老公|老婆)(?:姓名|名字)?叫做?|姓名|名字|真名|大名|全名|[收寄发取]件人|[收发取]货人|联系人|联络人|"
    r"户名|开户[人名]|持卡人|账户名称?|帐户名称?|户主|机主|车主|业主|房主|持有人|乘客|乘车人|乘机人|旅客|入住人|入住者|"
    r"预[订定]人|订票人|订餐人|购票人|购买人|下单人|申请人|申请者|投保人|被保险?人|受益人|投诉人|付款人|收款人|汇款人|转账人|代收人|"
    r"签收人|[\u4e00-\u9fff]{2,3}人(?=\s?[:：])|提货人|自提人|领取人|患者|就诊人|病人|学员|考生|参会人|报名人|租客|承租人|法定代表人|法人代表|经办人|署名|落款|"
    r"称呼我|抬头个人|个人抬头|实名认证人|实名人|认证人|登记人|注册人|收方|recipient|my name is|name|cardholder|姓名/name"
)
# Words that may also be followed by something else: "我是昨天下的单", "客户服务".
_HINT = (
    r"我是|我叫|名叫|叫做|显示|(?:一|问)下|请问|你好|您好|(?<=人)从|信息[:：]?|孩子叫|个人[,，:：]?|我[爸妈哥姐弟妹]|爱人|这边是|这里是|本人|客户|会员|用户|顾客|法人|负责人|老公|老婆|爱人|丈夫|妻子|爸爸?|妈妈?|父亲|母亲|儿子|女儿|"
    r"朋友|同事|室友|家人|孩子|哥哥?|姐姐?|弟弟?|妹妹?|邻居|前台|房东|司机|快递员|骑手|师傅|经理|客服|专员|收|叫|找|给了?|帮|替|请|让|"
    r"由|跟|和|与|及|问|为|对|向|被|把|将|联系|通知|[转发交]给了?|退给|寄给|打给|转到|转交|转账给|改为|改成|换成|更改为|变更为|更名为|是|名下|到"
)
_LINK = r"(?:\s|签[字名]|的?(?:姓名|名字|名称|名)|信息|写的?是|填的?是|改为|改成|换成|应该是|还是|就是|是|为|叫|写|填|:|-|——|【|\[|「|『|“|\"|\(|,|，)"
_LABELLED = re.compile(rf"(?:{_LABEL}){_LINK}{{0,6}}(?=[{CJK}])", re.IGNORECASE)
_HINTED = re.compile(rf"(?:{_HINT})[\s:]?$")

# Straight after a name. Words of two and more characters also settle where a name ends: 李娜|电话.
_AFTER = re.compile(
    r"\s?(?:先生|女士|小姐|太太|同学|老师|本人|一起|代收|签收|收件|收货|亲收|收(?![到取费藏入])|下的?单|下单|购买|买的|订的|预[订定]|办理|申请|来电|"
    r"的(?:账户|账号|帐号|订单|快递|包裹|卡|银行卡|手机|电话|身份证|名字|名义|地址|会员|信息|资料|退款|行程|机票|车票|预[订定]|保单|尾号|户|微信|支付宝)|"
    r"名下|账户|身份证|手机|电话|联系|号码|证件|护照|住在|家住|家在|地址)"
)
_TITLE = re.compile(r"先生|女士|小姐|太太|同学|老师|总|经理|师傅|医生|主任|阿姨|叔叔|大哥|大姐|老板|某|氏|姓|女儿|家[的里人]")
# Characters that are in no given name, so that a name ends before them.
_NEVER = frozenset(
    "的了是在我你他她它这那哪谁们不没无要想请把给被让问说叫做吗呢吧啊呀哦嘛着过还就都也很太会能该再又从到至往去"
    "与及或但而且因所以为如则等个些每各几两只件张次位号元块钱卡单退换货款订购买卖付收寄送发查改填写用户电手机话址证件"
    "您咱其此并只又么什怎哈嗯喂谢帮找跟对将向由于按据打拨接听看见上下里外前后左右吃喝病死脏烂错坏丢"
)
# Surnames that are everyday words; without a label before it such a "name" is mostly grammar or trade.
_EVERYDAY = frozenset(
    "和于向那都能经时单关安全平常成万何任查连解支管步满应强路计季水花鲜原别双利空后有相过会在全包车货米池温高方明白黄金马周钱钟邮易通边凤商乐红左古文盖益习充寿东国广阳司宿布印海牛云宣经幸"
)
# A dictionary may join these to the surname: 找齐|思钧.
_HINT_CHARACTERS = frozenset("找给帮叫替由")
# Characters that begin the next word far more often than they end a name.
_NOT_LAST = frozenset("人宫殿庄园店寺庙桥最讲尽一和有时从对向可于如")
# What a surname and two characters are part of when it is a firm or a place: 梅兰芳大剧院, 康福瑞酒店.
_FIRM = re.compile(
    r"[^，,。！？;；\s]{0,4}?(?:酒店|饭店|宾馆|餐厅|餐馆|酒楼|火锅|烤鸭|公司|集团|医院|大学|中学|小学|大厦|广场|剧院|艺术馆|纪念馆|故居|专卖店|旗舰店|银行|药房|超市)"
    r"|[店牌路街镇村县市区省馆站号]|品牌|国际|系列|[\(（][^)）]{0,10}店"
)
_PROPER = frozenset(("nr", "nrfg", "ns", "nz"))
_PERSON = frozenset(("nr", "nrfg"))  # tags of the dictionary for people; its "nrt" are foreign: 巴菲特
# Those of them that are grammar; not a surname after another Chinese character, nor before a word.
_GRAMMAR = frozenset("和于向时单关连解支管步满应强路计经别双后相全包车货米曾过会")
_NO_SPLIT = frozenset(
    (
        "之前",
        "之后",
        "之间",
        "之类",
        "之一",
        "明天",
        "明年",
        "明早",
        "明晚",
        "东西",
        "先生",
        "可以",
        "可是",
        "可能",
        "生日",
        "来电",
        "心情",
        "正在",
        "正好",
        "方便",
        "方面",
        "中国",
        "晚上",
        "春节",
        "星期",
        "金额",
        "天气",
        "天天",
        "立刻",
        "立马",
        "力度",
    )
)


@cache
def _surnames() -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
    """Return the hundred most common surnames, all of one character, and those of two."""
    common, rest, compound = lines("surnames_zh")
    return frozenset(common), frozenset(common + rest), frozenset(compound.split())


@cache
def _given() -> tuple[frozenset[str], frozenset[str]]:
    """Return characters that hardly occur outside names, and all that are common in names."""
    distinct, shared = lines("given_zh")
    return frozenset(distinct), frozenset(distinct + shared)


@cache
def _candidates() -> re.Pattern[str]:
    _, surnames, compound = _surnames()
    surname = "|".join(sorted(compound)) + "|[" + "".join(sorted(surnames)) + "]"
    return re.compile(f"(?:{surname})(?=(?![{''.join(sorted(_NEVER))}])[{CJK}])")


def find_chinese_names(text: str, others: Sequence[Entity] = ()) -> Iterator[Entity]:
    """Yield Chinese names in a plain-form text; `others` are entities found before, whose neighbours may be names."""
    for match in _LABELLED.finditer(text):
        end = _labelled_end(text, match.end())
        if end:
            yield Entity(match.end(), end, "ZH_NAME", text[match.end() : end])
    if not _candidates().search(text):
        return
    words = _Words(text)
    edges = {edge for other in others for edge in (other.start, other.end)}
    position = 0
    while match := _candidates().search(text, position):
        position = match.start() + 1
        end = _unlabelled_end(text, match.start(), words, edges)
        if end:
            yield Entity(match.start(), end, "ZH_NAME", text[match.start() : end])
            position = end


def _labelled_end(text: str, start: int) -> int:
    """Return where the name after a label ends, or 0 if no name follows."""
    foreign = re.compile(rf"[{CJK}]{{1,8}}[·•・.][{CJK}]{{1,8}}").match(text, start)
    if foreign:
        return foreign.end()
    surname = _surname_length(text, start)
    run = _run_length(text, start)
    if not surname:
        return 0
    given_start = start + surname
    if _TITLE.match(text, given_start) or given_start >= start + run or text[given_start] in _NEVER:
        return 0
    if run == surname + 1:
        return start + run
    return given_start + _given_length(text, given_start, start + run)


def _given_length(text: str, start: int, run_end: int) -> int:
    """Return 1 or 2: whether the second character belongs to the name or begins the next word."""
    second = text[start + 1]
    if second in _NEVER or _AFTER.match(text, start + 1) or _TITLE.match(text, start + 1):
        return 1
    if text[start : start + 2] in _NO_SPLIT:
        return 1
    if start + 2 == run_end:
        return 2
    if _AFTER.match(text, start + 2):
        return 2
    if second not in _given()[1]:
        return 1
    return 1 if _starts_word(text, start + 1) else 2


def _starts_word(text: str, start: int) -> bool:
    """Say whether an ordinary word of two characters or more begins here."""
    import rjieba

    first: str = rjieba.cut(text[start : start + 6], False)[0]
    return len(first) > 1


class _Words:
    """The words of a text: where they begin and end, and which part of speech a span has if it is one word."""

    def __init__(self, text: str) -> None:
        import rjieba

        self.edges = {0}
        self.tags: dict[tuple[int, int], str] = {}
        position = 0
        for word, tag in rjieba.tag(text, False):
            self.tags[position, position + len(word)] = tag
            position += len(word)
            self.edges.add(position)

    def first(self, start: int) -> int:
        """Return where the word that begins at `start` ends."""
        return min(edge for edge in self.edges if edge > start)


def _unlabelled_end(text: str, start: int, words: _Words, edges: set[int]) -> int:
    """Return where a name without a label ends, or 0 if the evidence does not suffice."""
    best, best_weight = 0, _ENOUGH - 0.1
    surname = _surname_length(text, start)
    for given in (2, 1):
        end = start + surname + given
        if not _fits_words(text, start, surname, end, words):
            continue
        weight = _weight(text, start, surname, end, words, edges)
        if weight > best_weight:
            best, best_weight = end, weight
    return best


# A name needs this much; see `_weight`. Set on the phrasings in tests and on real conversations without names.
_ENOUGH = 1.5


def _fits_words(text: str, start: int, surname: int, end: int, words: _Words) -> bool:
    """Say whether the span begins and ends at word edges and is not itself, nor holds, an ordinary word."""
    if end > len(text) or (end not in words.edges and not _AFTER.match(text, end)):
        return False
    if start not in words.edges and text[start - 1] not in _HINT_CHARACTERS:
        return False
    if any(character in _NEVER or not _is_han(character, 0) for character in text[start + surname : end]):
        return False
    name = text[start:end]
    if name[-1] in _NOT_LAST or name[surname:] in _NO_SPLIT or not word_list("not_names_zh").isdisjoint((name, name[:2])):
        return False
    if _TITLE.match(text, start + surname) or _FIRM.match(text, end):
        return False
    if is_known_place(name[:2]) and len(name) > 2 and (start, start + 2) in words.tags:
        return False  # 沈阳|人
    first_word = words.first(start)
    if start + surname < first_word < end and words.tags[start, first_word] not in _PROPER:
        return False  # 曾经|有, 高兴|时
    if text[start] in _GRAMMAR and _is_han(text, start - 1) and not _HINTED.search(text, 0, start):
        return False  # 由于, 我和
    if (
        text[start] in _GRAMMAR
        and words.tags.get((start + surname, end), "nr") not in _PROPER
        and len(name) > surname + 1
    ):
        return False  # 和|朋友, 于|明天
    return words.tags.get((start, end), "nr") in _PERSON and not is_known_place(name)


def _weight(text: str, start: int, surname: int, end: int, words: _Words, edges: set[int]) -> float:
    """Weigh what speaks for a name at [start, end): 1 for each thing that says so, ½ for what only agrees."""
    common, _, _ = _surnames()
    distinct, listed = _given()
    given = text[start + surname : end]
    everyday = text[start] in _EVERYDAY
    one_word = (start, end) in words.tags
    weight = 0.5 if surname == 2 or text[start] in common else 0.0
    weight += 0.5 if len(given) == 2 else 0.0
    weight -= sum(0.5 for character in given if character not in listed) + 0.25 * (given[-1] not in listed)
    # Half of the dictionary's two-character "people" are words (温馨, 马上), so there the characters prove nothing.
    weight += 0.0 if one_word and len(given) == 1 else sum(0.5 for character in given if character in distinct)
    if one_word:
        weight += 0.5 if len(given) == 2 else -0.25 * (text[start] not in common or everyday)
    elif (start + surname, end) in words.tags and len(given) == 2:
        # A word after the surname: a proper noun in 霍|建华, an ordinary one in 于|明天 and 和|朋友.
        weight += 0.5 if words.tags[start + surname, end] in _PROPER and not everyday else -0.5
    weight -= 0.5 * everyday
    if _HINTED.search(text, 0, start):
        weight += 1.0
    if _AFTER.match(text, end):
        weight += 1.0
    alone_before, alone_after = not _is_han(text, start - 1), not _is_han(text, end)
    weight += 0.5 * alone_before + 0.5 * alone_after
    if alone_before and alone_after and (len(text) == end - start or _near(start, end, edges)):
        weight += 1.0
    return weight


def _near(start: int, end: int, edges: set[int]) -> bool:
    """Say whether another entity ends or begins within two characters: "王小明 138…", "地址，王小明"."""
    return any(edge in edges for edge in (start - 2, start - 1, start, end, end + 1, end + 2))


def _surname_length(text: str, start: int) -> int:
    _, single, compound = _surnames()
    if text[start : start + 2] in compound:
        return 2
    return 1 if text[start : start + 1] in single else 0


def _run_length(text: str, start: int) -> int:
    run = re.compile(f"[{CJK}]*").match(text, start)
    return len(run[0]) if run else 0


def _is_han(text: str, index: int) -> bool:
    return 0 <= index < len(text) and "\u3400" <= text[index] <= "\u9fff"
