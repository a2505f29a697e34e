"""Chinese names: after a label (收件人, 我叫) whatever they look like, elsewhere if enough speaks for one."""

import re
from collections.abc import Iterator, Sequence
from functools import cache

from kefu.knowledge.masking.entity import Entity
from kefu.knowledge.masking.evidence_zh import (
    ENOUGH,
    Candidate,
    Words,
    after,
    alternatives,
    fits,
    given_characters,
    surnames,
    title,
    weight,
)
from kefu.knowledge.masking.letters import CJK
from kefu.knowledge.masking.lists import keyed, words

_PUNCTUATION = r"\s|:|-|【|\[|「|『|“|\"|\(|,|，"
_HAN_RUN = re.compile(f"[{CJK}]*")
# Names of other peoples of China, and of foreigners, are written with a dot: 买买提·吐尔逊.
_DOTTED = re.compile(rf"[{CJK}]{{1,8}}[·•・][{CJK}]{{1,8}}")


def find_chinese_names(text: str, others: Sequence[Entity] = ()) -> Iterator[Entity]:
    """Yield Chinese names in a plain-form text; `others` are entities found before, whose neighbours may be names."""
    labelled = list(_labelled(text))
    yield from labelled
    if _surname_before_han().search(text):
        yield from _unlabelled(text, [*others, *labelled])


def _labelled(text: str) -> Iterator[Entity]:
    for match in _labels().finditer(text):
        end = _labelled_end(text, match.end(), sure=match[0].rstrip().endswith((":", "是", "叫", "为")))
        if end:
            yield Entity(match.end(), end, "ZH_NAME", text[match.end() : end])


def _unlabelled(text: str, others: Sequence[Entity]) -> Iterator[Entity]:
    in_words = Words(text)
    neighbours = {edge for other in others for edge in (other.start, other.end)}
    position = 0
    while match := _surname_before_han().search(text, position):
        position = match.start() + 1
        surname = len(match[0])
        candidates = [Candidate(text, match.start(), surname, match.end() + given) for given in (2, 1)]
        weighed = [(weight(one, in_words, neighbours), one) for one in candidates if fits(one, in_words)]
        best_weight, best = max(weighed, key=lambda pair: pair[0], default=(0.0, None))
        if best and best_weight >= ENOUGH:
            yield Entity(best.start, best.end, "ZH_NAME", best.name)
            position = best.end


def _labelled_end(text: str, start: int, sure: bool) -> int:
    """Return where the name after a label ends, or 0 if no name follows.

    After "姓名:" (sure) an ordinary word counts as a name if it stands alone: 高峰 is both.
    """
    dotted = _DOTTED.match(text, start)
    if dotted:
        return dotted.end()
    surname = _surname_length(text, start)
    run = _HAN_RUN.match(text, start)
    run_end = run.end() if run else start
    given_start = start + surname
    if not surname or given_start >= run_end or text[given_start] in keyed("name_words_zh")["never"]:
        return 0
    if title().match(text, given_start):
        return 0
    end = run_end if run_end == given_start + 1 else given_start + _given_length(text, given_start, run_end)
    alone = end == run_end or after().match(text, end) is not None
    listed = given_characters()[1].issuperset(text[given_start:end]) and text[start:end] not in words("not_names_zh")
    return end if (alone and (sure or listed)) or not _is_ordinary(text, start, end) else 0


def _is_ordinary(text: str, start: int, end: int) -> bool:
    """Say whether an ordinary word begins where the name would: 联系人|方式, 乘客|应该."""
    import rjieba

    first, tag = rjieba.tag(text[start : end + 4], False)[0]
    if len(first) == 1:
        return first in keyed("name_words_zh")["grammar"] and _starts_word(text, start + 1)
    return not tag.startswith(("nr", "nz", "ns")) or text[start:end] in words("not_names_zh")


def _given_length(text: str, start: int, run_end: int) -> int:
    """Return 1 or 2: whether the second character belongs to the name or begins the next word."""
    lists = keyed("name_words_zh")
    second = text[start + 1]
    if second in lists["never"] or after().match(text, start + 1) or title().match(text, start + 1):
        return 1
    if text[start : start + 2] in lists["notgiven"]:
        return 1
    if start + 2 == run_end or after().match(text, start + 2):
        return 2
    return 1 if second not in given_characters()[1] or _starts_word(text, start + 1) else 2


def _starts_word(text: str, start: int) -> bool:
    """Say whether a word of two characters or more begins here."""
    import rjieba

    cut: list[str] = rjieba.cut(text[start : start + 6], False)
    return bool(cut) and len(cut[0]) > 1


def _surname_length(text: str, start: int) -> int:
    _, single, compound = surnames()
    if text[start : start + 2] in compound:
        return 2
    return 1 if text[start : start + 1] in single else 0


@cache
def _surname_before_han() -> re.Pattern[str]:
    """Match a surname that a character follows that can be in a given name."""
    _, single, compound = surnames()
    never = "".join(sorted(keyed("name_words_zh")["never"]))
    return re.compile(f"(?:{'|'.join(sorted(compound))}|[{''.join(sorted(single))}])(?=(?![{never}])[{CJK}])")


@cache
def _labels() -> re.Pattern[str]:
    """Match a label with what links it to the name; any 某某人 before a colon is one too."""
    label = rf"{alternatives('label')}|[{CJK}]{{2,3}}人(?=\s?:)|recipient|my name is|name|card\s?holder"
    link = rf"(?:(?:{_PUNCTUATION}|{alternatives('link')}){{0,6}})"
    return re.compile(rf"(?:{label}){link}(?=[{CJK}])", re.IGNORECASE)
