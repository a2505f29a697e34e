"""Names in Latin letters: capitalised words after a cue, or a common first name with a family name behind it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from kefu.knowledge.masking.entity import Entity
from kefu.knowledge.masking.lists import words

_LATIN = "A-Za-zÀ-ÖØ-öø-ÿĀ-ž"
_WORD = re.compile(rf"[{_LATIN}]+(?:['’\-][{_LATIN}]+)*")
_CAPITAL = re.compile(rf"(?<![{_LATIN}'’\-.@/_&<\d])[A-ZÀ-ÖØ-Þ](?:[{_LATIN}'’]|\. ?[A-Z])")
_GAP = re.compile(" {1,2}")
_SAINT = re.compile(r"\. (?=[A-Z])")
_PARTICLES = frozenset(
    re.findall(r"\w+", "de del della la le du dos das da di van von der den ter ten bin ibn binti al el ap abu e y")
)
_SUFFIXES = frozenset(("jr", "sr", "ii", "iii", "iv"))
_MOST_WORDS = 5  # of one name
_REACH = 48  # characters before a name in which a cue stands: "emergency contact's name is actually" fits
_FAR_REACH = 90  # "a booking tomorrow evening at 8:30pm for two people under" fits

# Labels that need no link, and labels that need ":" or "is" because they are words of everyday as well.
_PERSON = (
    r"recipient|card\s?-?holder|account\s?-?holder|policy\s?-?holder|addressee|consignee|payee|beneficiary|passenger|"
    r"attn|c/o|care\sof|signed\sby|emergency\scontact|next\sof\skin"
)
_ROLE = (
    r"receiver|payer|traveller|traveler|guest|attention|contact(?:\sperson)?|customer|client|patient|member|sender|"
    r"buyer|purchaser|subscriber|tenant|applicant|claimant|registrant|employee|student|owner|signed|order|booking|"
    r"card|account|from|to|billed\sto|ship\sto|sold\sto|bill\sto|deliver\sto|user"
)
_SOMEBODY = (
    r"person|agent|someone|somebody|guy|man|woman|lady|colleague|wife|husband|friend|son|daughter|rep|representative|"
    r"driver|employee|manager"
)
_NAME_OF_THING = "".join(rf"(?<!{thing}\s)" for thing in ("restaurant", "hotel", "product", "company", "app", "store"))
_LABEL = re.compile(
    r"(?:\b(?:my|his|her|their|full|first|last|second|middle|given|family|legal|real|sur|christian|maiden)\s?name"
    r"(?:'s|’s)?(?:\sis(?:\sactually|\snow)?)?\s?[:=\-]?"
    rf"|\bnamed?\s?[:=]|{_NAME_OF_THING}\bname(?:\son\s(?:the\s|my\s|this\s)?\w+)?\sis"
    rf"|\b(?:{_SOMEBODY})\s(?:named|called|by\sthe\sname\sof)|\bi(?:'m|’m|\sam)\s(?:called|named)"
    r"|\bcall\sme|\bknown\sas|\bi\sgo\sby|\bin\sthe\sname\sof|\bunder\s(?:the\s|my\s)?name(?:\sof|\sis|:)?"
    rf"|\b(?:{_PERSON})(?:'s|’s)?(?:\sname)?(?:\sis|\swas|\s?[:=\-])?"
    rf"|\b(?:{_ROLE})(?:'s|’s)?(?:\sname)?(?:\sis|\swas|\s?[:=])"
    r"|\b(?:Mr|Mrs|Ms|Miss|Mx|Dr|Prof|Mister|Professor|Doctor|Señor|Madame|Herr|Frau)\b\.?"
    r"|我叫|我的名字是|姓名|名字|收件人|收货人|联系人|户名|持卡人|乘客|旅客|入住人|叫我)[\s:是为叫]*(?:(?:van|von|de|der|den|la|al|el|bin)\s){0,3}$",
    re.IGNORECASE,
)
# After these often stands a name; one of its words must be a known one.
_HINT = re.compile(
    r"(?:\b(?:i(?:'m|’m|\sam)|im|this\sis|it(?:'s|’s|\sis)|here\sis|i\swas|names?|under|hi|hello|hey|dear|from|to|with|"
    r"for|by|and|or|ask|tell|told|asked|contact|meet|met|thank|thanks|cheers|regards|sincerely|best|yours|truly|"
    r"faithfully|love|wishes|is|was|not|agent|rep|representative|colleague|advisor|manager|driver|courier|technician|"
    r"doctor|wife|husband|son|daughter|mother|mom|mum|father|dad|sister|brother|friend|partner|boss|assistant|guest|"
    r"customer|client|passenger|patient|member|neighbou?r|roommate|fianc[eé]e?|uncle|aunt|grand\w+)"
    r"|给|找|和|跟|是|叫|为|帮|联系|[:(])[\s,:\-!]*$",
    re.IGNORECASE,
)
# After these even a doubtful first name alone is a name.
_SELF = re.compile(
    r"\b(?:i(?:'m|’m|\sam)|im|this\sis|my\sname\sis|my\sname(?:'s|’s)|names?|name\sis|it(?:'s|’s)|call\sme|here\sis)"
    r"[\s,:]*$",
    re.IGNORECASE,
)
# After these two capitalised words are a name although neither is known.
_FOR_WHOM = re.compile(
    r"\b(?:this\sis|i(?:'m|’m|\sam)|under|name"
    r"|(?:booking|booked|reservation|reserved|appointment|table)\b[^.?!\n]{0,60}\b(?:for|under|by|of)"
    r"|(?:order|account|room|ticket|placed|registered|ordered)\s(?:\w+\s){0,3}(?:for|under|by))[\s,:]*$",
    re.IGNORECASE,
)
_OF_THING = re.compile(r"\b(?:the|an?|your|our|these|those|some|any|new)\s$", re.IGNORECASE)  # "the Charlotte bag"
_AFTER = re.compile(r"\s(?:here|speaking|is my name|calling|is the name|is my \w+ name)\b", re.IGNORECASE)
_SIGN_OFF = re.compile(
    r"(?:regards|sincerely|thanks|thank you|cheers|yours|best|wishes|love)[ ,.!]*\n\s*$", re.IGNORECASE
)
_LINE_END = re.compile(r"[ .!]*(?:\n|$)")
_CLAUSE_END = re.compile(
    r"\s*(?:$|[,.!?;:\n(，。])|\s(?:and|at|on|in|with|from|here|but|who|is|was|because|so|tomorrow|today|tonight|name|"
    r"party|please|plz|i|my)\b",
    re.IGNORECASE,
)
_SELF_BEFORE_LOWER_CASE = re.compile(r"\b(?:i'?m|i am|this is|my name(?:'s| is)|name:|call me|it's)\s+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Sequence:
    """Words that can be one name: where they stand, and each in lower case."""

    start: int
    end: int
    parts: tuple[str, ...]


def find_latin_names(text: str) -> Iterator[Entity]:
    """Yield names in Latin letters in a plain-form text."""
    position = 0
    while match := _CAPITAL.search(text, position):
        end = _name_end(text, match.start())
        if end:
            yield Entity(match.start(), end, "EN_NAME", text[match.start() : end])
        word = _WORD.match(text, match.start())
        position = max(end, word.end() if word else 0)
    yield from _lower_case(text)


def _name_end(text: str, start: int) -> int:
    """Return where the name that begins at a capital letter ends, or 0 if there is none."""
    after_label = _sequence(text, start, labelled=True)
    if not after_label.parts or text[after_label.end : after_label.end + 1].isdigit():  # SKU6295835
        return 0
    before = text[max(0, start - _REACH) : start]
    if _LABEL.search(before):
        return after_label.end
    sequence = _sequence(text, start, labelled=False)
    return sequence.end if sequence.parts and _is_likely(text, sequence, before) else 0


def _is_likely(text: str, sequence: _Sequence, before: str) -> bool:
    """Say whether capitalised words without a label are a name."""
    if "_".join(sequence.parts[:2]) in words("brands_en") or _OF_THING.search(before):
        return False
    if _SIGN_OFF.search(before) and _LINE_END.match(text, sequence.end):
        return True
    short = len(text) < _REACH  # a reply to "what is your name?" holds little else
    alone = short and not text[: sequence.start].strip() and not text[sequence.end :].strip(" .!")
    expected = alone or _HINT.search(before) is not None or _AFTER.match(text, sequence.end) is not None
    if len(sequence.parts) == 1:
        return _is_likely_first_name(text, sequence, before, expected)
    return _is_likely_full_name(text, sequence, before, expected)


def _is_likely_first_name(text: str, sequence: _Sequence, before: str, expected: bool) -> bool:
    if _is_sure_first_name(sequence.parts[0]):
        return expected
    named = _SELF.search(before) is not None and _CLAUSE_END.match(text, sequence.end) is not None
    return _is_first_name(sequence.parts[0]) and named


def _is_likely_full_name(text: str, sequence: _Sequence, before: str, expected: bool) -> bool:
    first, last = sequence.parts[0], sequence.parts[-1]
    known_last = last not in words("not_names_en") and _is_surname(last)
    if _is_sure_first_name(first) or (_is_first_name(first) and known_last):
        return True
    if _is_first_name(first) or known_last:
        return expected
    far_before = text[max(0, sequence.start - _FAR_REACH) : sequence.start]
    for_whom = _FOR_WHOM.search(far_before) is not None and _CLAUSE_END.match(text, sequence.end) is not None
    return for_whom or _AFTER.match(text, sequence.end) is not None


def _is_first_name(word: str) -> bool:
    return word in words("first_names_en") or word.partition("-")[0] in words("first_names_en")


def _is_sure_first_name(word: str) -> bool:
    return _is_first_name(word) and word not in words("doubtful_first_names_en")


def _is_surname(word: str) -> bool:
    """O'Brien is listed as "obrien"; of Smith-Jones one half suffices."""
    surnames = words("surnames_en")
    return word.replace("'", "") in surnames or any(half in surnames for half in word.split("-"))


def _sequence(text: str, start: int, labelled: bool) -> _Sequence:
    """Return the capitalised words from `start` that can be one name; no parts if there is none."""
    parts: list[str] = []
    end = position = start
    while len(parts) < _MOST_WORDS and (match := _WORD.match(text, position)):
        word = match[0][:-2] if match[0].lower().endswith(("'s", "’s")) else match[0]
        lower = word.lower().replace("’", "'")
        if parts and lower in _PARTICLES and word.islower():
            position = match.end() + 1
            continue
        saint = _SAINT.match(text, match.end()) if parts and lower == "st" else None
        if saint:
            position = saint.end()  # Lily St. Clair
            continue
        if not _can_be_part(word, lower, bool(parts), labelled):
            break
        parts.append(lower)
        end = match.start() + len(word)
        position = _next_word(text, end, initial=len(word) == 1 or lower in _SUFFIXES)
        if position == 0 or len(word) < len(match[0]):
            break
    whole = bool(parts) and (len(parts[0]) > 1 or (labelled and len(parts) > 1))
    return _Sequence(start, end if whole else start, tuple(parts) if whole else ())


def _can_be_part(word: str, lower: str, has_parts: bool, labelled: bool) -> bool:
    if not word[0].isupper() or (len(word) == 1 and not has_parts and not labelled):
        return False
    known = lower in words("surnames_en" if has_parts else "first_names_en")
    return known or (labelled and lower in words("surnames_en")) or lower not in words("not_names_en")


def _next_word(text: str, end: int, initial: bool) -> int:
    """Return where the next word of the name begins: after one space, or after an initial's full stop; else 0."""
    gap = _GAP.match(text, end + 1 if initial and text[end : end + 1] == "." else end)
    return gap.end() if gap else 0


def _lower_case(text: str) -> Iterator[Entity]:
    """Yield names typed without capitals, straight after "my name is", "i'm" or "this is", if the words are known."""
    for match in _SELF_BEFORE_LOWER_CASE.finditer(text):
        first = _WORD.match(text, match.end())
        if not first or not first[0].islower() or not _is_first_name(first[0]) or first[0] in words("not_names_en"):
            continue
        second = _WORD.match(text, first.end() + 1) if text[first.end() : first.end() + 1] == " " else None
        full = second is not None and _is_surname(second[0]) and second[0] not in words("not_names_en")
        if full or _is_sure_first_name(first[0]):
            end = second.end() if second and full else first.end()
            yield Entity(match.end(), end, "EN_NAME", text[match.end() : end])
