"""Names in Latin letters: capitalised words after a cue, or a common first name with a family name behind it."""

import re
from collections.abc import Iterator
from functools import cache

from kefu.knowledge.masking.entity import Entity
from kefu.knowledge.masking.lists import words

_LATIN = "A-Za-zÀ-ÖØ-öø-ÿĀ-ž"
_WORD = re.compile(rf"[{_LATIN}]+(?:['’\-][{_LATIN}]+)*")
_CAPITAL = re.compile(rf"(?<![{_LATIN}'’\-.@/_&<\d])[A-ZÀ-ÖØ-Þ][{_LATIN}]")
_PARTICLES = frozenset(
    "de del della la le du dos das da di van von der den ter ten bin ibn binti al el ap st abu e y".split()
)
_SUFFIXES = frozenset(("jr", "sr", "ii", "iii", "iv"))

# After these stands a name, whatever its words: labels that need no link, labels that need ":" or "is", and titles.
_OF_PERSON = r"recipient|card\s?-?holder|account\s?-?holder|policy\s?-?holder|addressee|consignee|payee|beneficiary|passenger|attn|c/o|care\sof|signed\sby|emergency\scontact|next\sof\skin"
_OF_ROLE = (
    r"receiver|payer|traveller|traveler|guest|attention|contact(?:\sperson)?|customer|client|patient|member|sender|buyer|purchaser|subscriber|tenant|applicant|"
    r"claimant|registrant|employee|student|owner|signed|order|booking|card|account|from|to|billed\sto|ship\sto|sold\sto|bill\sto|deliver\sto|user"
)
_LABEL = re.compile(
    r"(?:\b(?:my|his|her|their|full|first|last|second|middle|given|family|legal|real|sur|christian|maiden)\s?name(?:'s|’s)?(?:\sis(?:\sactually|\snow)?)?\s?[:=\-]?"
    r"|\bnamed?\s?[:=]|(?<!restaurant\s)(?<!hotel\s)(?<!product\s)(?<!company\s)(?<!app\s)(?<!store\s)\bname(?:\son\s(?:the\s|my\s|this\s)?\w+)?\sis"
    r"|\b(?:person|agent|someone|somebody|guy|man|woman|lady|colleague|wife|husband|friend|son|daughter|rep|representative|driver|employee|manager)\s(?:named|called|by\sthe\sname\sof)"
    r"|\bcall\sme|\bi(?:'m|’m|\sam)\s(?:called|named)|\bknown\sas|\bi\sgo\sby|\bin\sthe\sname\sof|\bunder\s(?:the\s|my\s)?name(?:\sof|\sis|:)?"
    rf"|\b(?:{_OF_PERSON})(?:'s|’s)?(?:\sname)?(?:\sis|\swas|\s?[:=\-])?|\b(?:{_OF_ROLE})(?:'s|’s)?(?:\sname)?(?:\sis|\swas|\s?[:=])"
    r"|\b(?:Mr|Mrs|Ms|Miss|Mx|Dr|Prof|Mister|Professor|Doctor|Señor|Madame|Herr|Frau)\b\.?"
    r"|我叫|我的名字是|姓名|名字|收件人|收货人|联系人|户名|持卡人|乘客|旅客|入住人|叫我)[\s:是为叫：]*$",
    re.IGNORECASE,
)
# After these often stands a name; one of its words must be a known one, or two capitalised words must end the clause.
_HINT = re.compile(
    r"(?:\b(?:i(?:'m|’m|\sam)|im|this\sis|it(?:'s|’s|\sis)|here\sis|i\swas|names?|under|hi|hello|hey|dear|from|to|with|for|by|and|or|ask|tell|told|asked|contact|meet|met|thank|thanks"
    r"|cheers|regards|sincerely|best|yours|truly|faithfully|love|wishes|is|was|not|agent|rep|representative|colleague|advisor|manager|driver|courier|technician|doctor"
    r"|wife|husband|son|daughter|mother|mom|mum|father|dad|sister|brother|friend|partner|boss|assistant|guest|customer|client|passenger|patient|member|neighbou?r|roommate|fianc[eé]e?|uncle|aunt|grand\w+)"
    r"|给|找|和|跟|是|叫|为|帮|联系|[:(])[\s,:\-–—!]*$",
    re.IGNORECASE,
)
_SELF = re.compile(
    r"\b(?:i(?:'m|’m|\sam)|im|this\sis|my\sname\sis|my\sname(?:'s|’s)|names?|name\sis|it(?:'s|’s)|call\sme|here\sis)[\s,:]*$",
    re.IGNORECASE,
)
# After these two capitalised words are a name although neither is known.
_FOR_WHOM = re.compile(
    r"\b(?:this\sis|i(?:'m|’m|\sam)|under|name|(?:booking|booked|reservation|reserved|appointment|table)\b[^.?!\n]{0,60}\b(?:for|under|by|of)"
    r"|(?:order|account|room|ticket|placed|registered|ordered)\s(?:\w+\s){0,3}(?:for|under|by))[\s,:]*$",
    re.IGNORECASE,
)
_AFTER = re.compile(r"\s(?:here|speaking|is my name|calling|is the name|is my \w+ name)\b", re.IGNORECASE)
_DETERMINER = re.compile(
    r"\b(?:the|a|an|your|our|these|those|some|any|new)\s$", re.IGNORECASE
)  # of a thing: "the Charlotte bag"
_LINE_END = re.compile(r"[ .!]*(?:\n|$)")
_SIGN_OFF = re.compile(
    r"(?:regards|sincerely|thanks|thank you|cheers|yours|best|wishes|love)[ ,.!]*\n\s*$", re.IGNORECASE
)
_CLAUSE_END = re.compile(
    r"\s*(?:$|[,.!?;:\n(，。])|\s(?:and|at|on|in|with|from|here|but|who|is|was|because|so|tomorrow|today|tonight|name|party|please|plz|i|my)\b",
    re.IGNORECASE,
)
_CUES_REACH = 90  # "a booking tomorrow evening at 8:30pm for two people under" fits


@cache
def _lists() -> tuple[frozenset[str], frozenset[str], frozenset[str], frozenset[str]]:
    return words("first_names_en"), words("surnames_en"), words("doubtful_first_names_en"), words("not_names_en")


def find_latin_names(text: str) -> Iterator[Entity]:
    """Yield names in Latin letters in a plain-form text."""
    position = 0
    while match := _CAPITAL.search(text, position):
        end = _name_end(text, match.start())
        if end:
            yield Entity(match.start(), end, "EN_NAME", text[match.start() : end])
        position = end or _word_end(text, match.start())
    yield from _lower_case(text)


def _name_end(text: str, start: int) -> int:
    """Return where the name that begins at a capital letter ends, or 0 if there is none."""
    before = text[max(0, start - _CUES_REACH) : start]
    labelled = _LABEL.search(before) is not None
    end, parts = _sequence(text, start, labelled)
    if not parts:
        return 0
    return end if labelled or _is_likely(text, start, end, parts, before) else 0


def _is_likely(text: str, start: int, end: int, parts: list[str], before: str) -> bool:
    """Say whether an unlabelled sequence of capitalised words is a name."""
    first_names, _, doubtful, not_names = _lists()
    first, last = parts[0], parts[-1]
    known_first = first in first_names or first.split("-")[0] in first_names
    sure_first = known_first and first not in doubtful
    known_last = len(parts) > 1 and last not in not_names and _is_surname(last)
    hinted = _HINT.search(before) is not None
    alone = not text[:start].strip() and not text[end:].strip(" .!")
    if "_".join(parts[:2]) in words("brands_en") or _DETERMINER.search(before):
        return False
    if _SIGN_OFF.search(before) and _LINE_END.match(text, end):
        return True
    if len(parts) > 1:
        if sure_first or (known_first and known_last):
            return True
        if known_first or known_last:
            return hinted or alone or _AFTER.match(text, end) is not None
        if _AFTER.match(text, end):
            return True
        return _FOR_WHOM.search(before) is not None and _CLAUSE_END.match(text, end) is not None
    if sure_first:
        return hinted or alone or _AFTER.match(text, end) is not None
    return known_first and _SELF.search(before) is not None and _CLAUSE_END.match(text, end) is not None


def _is_surname(word: str) -> bool:
    """O'Brien is listed as "obrien"; of Smith-Jones one half suffices."""
    surnames = words("surnames_en")
    return word.replace("'", "") in surnames or any(half in surnames for half in word.split("-"))


def _sequence(text: str, start: int, labelled: bool) -> tuple[int, list[str]]:
    """Return the end of the capitalised words that can be one name, and these words in lower case."""
    first_names, surnames, _, not_names = _lists()
    parts: list[str] = []
    end = position = start
    while len(parts) < 5 and (match := _WORD.match(text, position)):
        word = _without_possessive(match[0])
        lower = word.lower().replace("’", "'")
        known = lower in (surnames if parts else first_names) or (labelled and lower in surnames)
        if parts and lower in _PARTICLES and not word[0].isupper():
            position = match.end() + 1
            continue
        if parts and lower == "st" and re.compile(r"\. [A-Z]").match(text, match.end()):
            position = match.end() + 2  # "St. Clair"
            continue
        if (
            not word[0].isupper()
            or (lower in not_names and not known)
            or (len(word) == 1 and not parts and not labelled)
        ):
            break
        parts.append(lower)
        end = match.start() + len(word)
        if len(word) < len(match[0]):
            break
        position = _next_word(text, end, initial=len(word) == 1 or lower in _SUFFIXES)
        if position == 0:
            break
    return (end, parts) if parts and len(parts[0]) > 1 or (labelled and len(parts) > 1) else (start, [])


def _next_word(text: str, end: int, initial: bool) -> int:
    """Return where the next word of the name begins: after one space, or after an initial's full stop; else 0."""
    if initial and text[end : end + 1] == ".":
        end += 1
    gap = re.compile(" {1,2}").match(text, end)
    return gap.end() if gap else 0


def _without_possessive(word: str) -> str:
    return word[:-2] if word.lower().endswith(("'s", "’s")) else word


def _lower_case(text: str) -> Iterator[Entity]:
    """Yield names typed without capitals, straight after "my name is", "i'm" or "this is", if the words are known."""
    first_names, surnames, doubtful, not_names = _lists()
    for match in re.finditer(r"\b(?:i'?m|i am|this is|my name(?:'s| is)|name:|call me|it's)\s+", text, re.IGNORECASE):
        first = _WORD.match(text, match.end())
        if not first or not first[0].islower() or first[0] not in first_names or first[0] in not_names:
            continue
        second = _WORD.match(text, first.end() + 1) if text[first.end() : first.end() + 1] == " " else None
        with_surname = second is not None and second[0] in surnames and second[0] not in not_names
        if first[0] in doubtful and not with_surname:
            continue
        end = second.end() if second and with_surname else first.end()
        yield Entity(match.end(), end, "EN_NAME", text[match.end() : end])


def _word_end(text: str, start: int) -> int:
    match = _WORD.match(text, start)
    return match.end() if match else start + 1
