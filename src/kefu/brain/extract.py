"""Extract: the sentences of a passage that answer a question, word for word and in order."""

import itertools
import math
import re
from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from kefu.brain import facts
from kefu.brain.facts import Kind
from kefu.brain.injection import instructs_an_assistant
from kefu.knowledge.sentences import sentences
from kefu.knowledge.words import tokenise

# As much as is read at a glance in a chat bubble. A Chinese character says as much as 1.85 Latin letters.
MOST_SENTENCES = 3
MOST_CHARACTERS = 400
_CJK_WEIGHT = 1.85
_HAN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")


class Part(StrEnum):
    """What a piece of a passage is."""

    SENTENCE = "sentence"
    HEADING = "heading"
    LEAD_IN = "lead_in"
    ITEM = "item"


@dataclass(frozen=True, slots=True)
class Unit:
    """A sentence, heading, lead-in, list item or table row: `text` is the passage's text from `start` to `end`.

    `lead` is the place among the units of the lead-in or heading that it stands under, -1 for none.
    """

    start: int
    end: int
    text: str
    part: Part
    terms: frozenset[str]
    kinds: frozenset[Kind]
    lead: int
    weight: float
    poisoned: bool


@dataclass(frozen=True)
class Extract:
    """Sentences of a passage: their text, and their (start, end) offsets in the passage."""

    text: str
    spans: tuple[tuple[int, int], ...]
    score: float


_ITEM = re.compile(
    r"\s*(?:[-*•·▪◦‣–—]\s|\(?(?:\d{1,2}|[a-z]|[ivx]{1,4})[.)、]\s?|[①-⑳]|[（(][一二三四五六七八九十\d]{1,2}[)）]|"
    r"[一二三四五六七八九十]{1,2}、)",
    re.IGNORECASE,
)
_ROW = re.compile(r"\S \| \S")
_SENTENCE_END = re.compile(r"[.!?。！？…;；,，][\"'”’)）」』]*$")
# A heading is a short line of its own; longer ones are sentences without a full stop.
_LONGEST_HEADING = 90


@lru_cache(maxsize=4096)
def units(text: str, language: str) -> tuple[Unit, ...]:
    """A passage cut into its units."""
    spans = sentences(text)
    parts = [_part(text, spans, place) for place in range(len(spans))]
    made: list[Unit] = []
    lead = -1
    for place, ((start, end), part) in enumerate(zip(spans, parts, strict=True)):
        if part in (Part.HEADING, Part.LEAD_IN):
            under, lead = lead if part is Part.LEAD_IN and lead >= 0 and parts[lead] is Part.HEADING else -1, place
        else:
            paragraph_ends = lead >= 0 and "\n\n" in text[spans[lead][1] : start].strip(" ")
            lead = _lead_of(parts, lead, part, paragraph_ends)
            under = lead
        piece = text[start:end]
        made.append(
            Unit(
                start,
                end,
                piece,
                part,
                frozenset(tokenise(piece, language)),
                facts.kinds(piece),
                under,
                _weight(piece),
                instructs_an_assistant(piece),
            )
        )
    return tuple(made)


def _part(text: str, spans: list[tuple[int, int]], place: int) -> Part:
    start, end = spans[place]
    piece = text[start:end]
    alone = text[:start].rpartition("\n")[2].strip() == "" and text[end:].partition("\n")[0].strip() == ""
    if _ROW.search(piece) or _ITEM.match(piece):
        return Part.ITEM
    if piece.endswith((":", "：")):
        return Part.LEAD_IN
    followed = place + 1 < len(spans)
    if alone and followed and len(piece) <= _LONGEST_HEADING and not _SENTENCE_END.search(piece.rstrip()):
        return Part.HEADING
    # A question on a line of its own with an answer below is a heading too.
    if alone and followed and len(piece) <= _LONGEST_HEADING and piece.rstrip().endswith(("?", "？")):
        return Part.HEADING
    return Part.SENTENCE


def _lead_of(parts: list[Part], lead: int, part: Part, paragraph_ends: bool) -> int:
    """The lead-in of an item stays its lead through the list; a paragraph after the list stands under the heading."""
    if lead < 0 or parts[lead] is Part.HEADING or part is Part.ITEM or not paragraph_ends:
        return lead
    return next((at for at in range(lead, -1, -1) if parts[at] is Part.HEADING), -1)


def _weight(text: str) -> float:
    return len(text) + (_CJK_WEIGHT - 1) * len(_HAN.findall(text))


# What a question asks for, and the facts that show it. First match wins.
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
# How much a unit gains that holds the kind of thing asked for: as much as a third of all the question's words.
_CUE = 0.34
_WEAK_CUE = 0.12
# A unit below a heading or lead-in that shares the question's words is about them too.
_FROM_LEAD = 0.5
# The second sentence of a pair often says what the first one's subject does: a part of the neighbour's score.
_FROM_NEIGHBOUR = 0.25
_EARLY = 0.05
# Sentences join the best one when they score at least this share of it.
_JOINS = 0.45


def extract(question: str, text: str, language: str) -> Extract | None:
    """The best sentences of a passage for a question; None where no sentence may be shown.

    Whole sentences as they stand, at most three or 400 characters, a list or a table row with the line that introduces
    it, never a heading alone, never a sentence that instructs an assistant.
    """
    cut = units(text, language)
    if not cut:
        return None
    scores = _scores(question, cut, language)
    candidates = [at for at, unit in enumerate(cut) if unit.part is not Part.HEADING and not unit.poisoned]
    if not candidates:
        return None
    best = max(candidates, key=lambda at: (scores[at], -at))
    chosen = _choose(cut, scores, best)
    return Extract(_join(text, cut, chosen), tuple((cut[at].start, cut[at].end) for at in chosen), scores[best])


def _scores(question: str, cut: tuple[Unit, ...], language: str) -> list[float]:
    terms = frozenset(tokenise(question, language))
    frequency = Counter(term for unit in cut for term in unit.terms & terms)
    rarity = {term: math.log(1 + len(cut) / count) for term, count in frequency.items()}
    mass = sum(rarity.values()) or 1.0
    own = [sum(rarity[term] for term in unit.terms & terms) / mass for unit in cut]
    wanted, signs = _cues(question)
    scores = []
    for at, unit in enumerate(cut):
        score = own[at]
        if unit.lead >= 0:
            score = max(score, _union(cut, at, terms, rarity, mass))
        score += _cue(unit, wanted, signs)
        if at and cut[at - 1].part is Part.SENTENCE and unit.part is Part.SENTENCE:
            score += _FROM_NEIGHBOUR * own[at - 1]
        scores.append(score - _EARLY * at / len(cut))
    return scores


def _union(cut: tuple[Unit, ...], at: int, terms: frozenset[str], rarity: dict[str, float], mass: float) -> float:
    """A unit's words count fully, those that only its lead holds in part."""
    unit, lead = cut[at], cut[cut[at].lead]
    own, inherited = unit.terms & terms, (lead.terms - unit.terms) & terms
    return (sum(rarity[term] for term in own) + _FROM_LEAD * sum(rarity[term] for term in inherited)) / mass


@lru_cache(maxsize=2048)
def _cues(question: str) -> tuple[frozenset[Kind], tuple[re.Pattern[str], ...]]:
    wanted: frozenset[Kind] = next((kinds for pattern, kinds in _ASKS if pattern.search(question)), frozenset())
    pairs = ((_WHERE, _PLACE), (_HOW_TO, _STEP), (_WHY, _BECAUSE), (_MAY_I, _VERDICT))
    return wanted, tuple(sign for asks, sign in pairs if asks.search(question))


def _cue(unit: Unit, wanted: frozenset[Kind], signs: tuple[re.Pattern[str], ...]) -> float:
    gain = _CUE if wanted & unit.kinds else 0.0
    return gain + _WEAK_CUE * any(sign.search(unit.text) for sign in signs)


def _choose(cut: tuple[Unit, ...], scores: list[float], best: int) -> list[int]:
    """The best unit with what it needs, then others that score nearly as well or carry on from it, within the limit."""
    chosen = _with_lead(cut, {best})
    if cut[best].part is Part.LEAD_IN:
        chosen |= _list_after(cut, best, chosen)
    ranked = sorted(range(len(cut)), key=lambda at: (-scores[at], at))
    order = [best + 1, *(at for at in ranked if scores[at] >= _JOINS * scores[best])]
    for at in order:
        if at in chosen or at >= len(cut) or cut[at].part in (Part.HEADING, Part.LEAD_IN) or cut[at].poisoned:
            continue
        wider = _with_lead(cut, chosen | {at})
        if _fits(cut, wider):
            chosen = wider
    return sorted(chosen)


def _with_lead(cut: tuple[Unit, ...], chosen: set[int]) -> set[int]:
    """Items come with the line that introduces them, rows of a table also with its head."""
    leads = {
        cut[at].lead
        for at in chosen
        if cut[at].part is Part.ITEM and cut[at].lead >= 0 and not cut[cut[at].lead].poisoned
    }
    heads = {_table_head(cut, at) for at in chosen if _ROW.search(cut[at].text)}
    return chosen | leads | {at for at in heads if not cut[at].poisoned}


def _table_head(cut: tuple[Unit, ...], at: int) -> int:
    while at and _ROW.search(cut[at - 1].text):
        at -= 1
    return at


def _list_after(cut: tuple[Unit, ...], lead: int, chosen: set[int]) -> set[int]:
    """The units that a lead-in introduces, as many as fit."""
    held = set(chosen)
    for at in range(lead + 1, len(cut)):
        if cut[at].lead != lead or cut[at].part in (Part.HEADING, Part.LEAD_IN):
            break
        if not cut[at].poisoned and _fits(cut, held | {at}):
            held.add(at)
    return held


def _fits(cut: tuple[Unit, ...], chosen: set[int]) -> bool:
    running = sum(1 for at in chosen if cut[at].part is Part.SENTENCE)
    return running <= MOST_SENTENCES and sum(cut[at].weight for at in chosen) <= MOST_CHARACTERS


def _join(text: str, cut: tuple[Unit, ...], chosen: list[int]) -> str:
    """The chosen units as they stand; what lies between two that are not neighbours is left out."""
    pieces = [cut[chosen[0]].text]
    for before, at in itertools.pairwise(chosen):
        gap = text[cut[before].end : cut[at].start]
        if at != before + 1:
            gap = "\n" if "\n" in gap or cut[at].part is Part.ITEM else ("" if _HAN.search(cut[at].text) else " ")
        pieces += [gap, cut[at].text]
    return "".join(pieces).strip()
