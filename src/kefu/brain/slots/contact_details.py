"""Telephone numbers, e-mail addresses, names and postal addresses: mostly placeholders, since texts are masked."""

import re
from functools import lru_cache

from kefu.brain.slots.found import Found
from kefu.brain.slots.openers import OPENERS, PAUSE
from kefu.brain.slots.phrases import only_yes_or_no
from kefu.knowledge.masking.lists import words

_PHONE = re.compile(r"<PHONE_\d+>")
_EMAIL = re.compile(r"<EMAIL_\d+>")
_NAME = re.compile(r"<NAME_\d+>")
_ADDRESS = re.compile(r"<ADDRESS_\d+>")
# What masking let through: digits in groups, as a customer may type them when a number was asked for.
_DIGITS = re.compile(r"\+?\d(?:[ ()./-]{0,2}\d){5,14}")
_WRITTEN_EMAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{2,63}){1,4}")
# What says anywhere that a name follows, and what says so at a sentence's beginning only ("it's", "I'm").
_NAMED = re.compile(
    r"\b(?:(?:my|may|the) (?:full |first |last )?name(?:'?s| is| was)?:?|(?:full |first )?name(?:'s| is|:)"
    r"|names|call(?:ed|s)?(?: me)?|under (?:the name (?:of )?)?|i said)\s+(?:is )?|(?:我的?(?:名字|姓名)?(?:叫做?"
    r"|是)|名字(?:叫|是)|姓名[:：是]?)\s*",
    re.IGNORECASE,
)
_CALLED = re.compile(
    rf"(?:^|(?<=[.!?。！？] ))(?:(?:{OPENERS}|no|nope|sorry|wait|actually|i think|i believe|please use){PAUSE}){{0,3}}"
    r"(?:(?:i am|i'm|im|it is|it's|its|it was|this is|that(?:'s| is| was| would be|'ll be|'d be)"
    r"|(?:her|his|their|its) name(?: is|'s| was)|(?:he|she|it)(?: is|'s| was) (?:called|named)"
    r"|(?:book |reserve |put )?(?:it |that )?(?:is )?(?:for|under))\s+(?:me, ?)?|叫我?\s*)?",
    re.IGNORECASE,
)
# A name before what says that it is one: "Sanchez was her maiden name".
_NAME_BEFORE = re.compile(
    rf"(?:^|(?<=[.!?] ))(?:{OPENERS}{PAUSE})?(?P<name>[A-Za-z][a-z'-]+) (?:is|was) (?:my|her|his|their|the|its)"
    r" (?:\w+ ){0,2}name\b",
    re.IGNORECASE,
)
# Who says so of himself without being asked. After "I'm" a name that is a word too needs a greeting before it: "Hi I'm
# mark", but not "I'm rich".
_INTRODUCED = re.compile(
    r"(?:\b(?P<named>(?:my|may) (?:full |first )?name(?:'?s| is)?:?|names|name:|call me"
    r"|(?:reservation|booking|appointment|order|table|room|flight|ride|ticket) (?:for|under))"
    r"|(?P<greets>\b(?:hi|hello|hey)\b[,.! ]*)?(?:\b(?:i am|i'm|im|this is|it's(?: me,)?|its)))\s+"
    r"(?P<name>[a-z][a-z'-]+)\b",
    re.IGNORECASE,
)
_SIGNED = re.compile(
    r"(?:^|[.!?] |\b(?:hi|hello|hey)[,.!]? )(?P<name>[a-z][a-z'-]+)(?: [a-z'-]+)? (?:here|speaking)\b", re.IGNORECASE
)
# A known name that is a sentence of its own, or its first word before a comma: "Mark, from room 12." Months are dates.
_ALONE = re.compile(
    r"(?:^|[.!?] )(?!(?:April|May|June|August)\b)(?P<name>[A-Z][a-z'-]+)(?: [A-Z][a-z'-]+)?(?=[.,!?;]|$)"
)
# Whoever says this gives a name, though no list knows it; two words of it, since more would be a sentence.
_MY_NAME = re.compile(r"\bmy (?:full |first )?name(?:'s| is) (?!not\b)", re.IGNORECASE)
_MOST_OWN_WORDS = 2
# "Brian White, and I need help", "Ann Lee date of birth 1980": a name ends where the sentence goes on.
_NAME_ENDS = re.compile(
    r"[,，.。!！?？;；:：\n(（\d]|\s(?:and|but|please|thanks|from|here|speaking|again|lol|i|my|is|with|date"
    r"|born|account"
    r"|order|room|security|number)\b",
    re.IGNORECASE,
)
_MOST_NAME_WORDS, _LONGEST_NAME = 5, 60
# After a surname that is a word, too, a name ends: "<NAME_1> brown, 1980", but not "<NAME_1> may come".
_NAME_STOPS = re.compile(r"\s*(?:$|[.,;!?\n]|(?:and|but|here|speaking)\b)", re.IGNORECASE)
# Whose name it is that follows: another's.
_OF_ANOTHER = re.compile(
    r"\b(?:dr|doctor|my (?:friend|wife|husband|son|daughter|brother|sister|boss|doctor))\b\.? ?$"
    r"|(?:\b(?:her|his|their)|\w's) (?:first |last |full )?name(?:'s| is| was)? ?$",
    re.IGNORECASE,
)
_FIRST_WORD = re.compile(r"\W{0,3}([A-Za-z][a-z'A-Z-]+)")
_SURNAME = re.compile(r" ([A-Za-z][a-z'A-Z-]+)")
# Of the commonest words of English those that are no names: "I need a flight", "please do", "actually".
_NO_NAMES = frozenset(
    "i i'm i've i'd i'll me my mine you your he his she her it its it's we our they their this that that's these"
    " those a an the and but or so if then there here what when where which who whose why how is are was were be"
    " been am do does don't did have has had can can't could would should may must not no yes ok okay please"
    " thanks thank need want like get got go going make book change cancel help know think mean tell say ask look"
    " find try let's actually maybe well oh wow gee ugh um just only also already again now today tomorrow for"
    " from with about of at on in to by wait sorry sure great good fine hello hi hey goodbye bye"
    " order account number flight room table booking ticket never mind hurry stop nothing none both either neither"
    " much very too more all any"
    " id ids pin code reference seat right alright cool bye some every omg wtf lol darn damn gosh check cancel reserve"
    " excuse pronto asap wrong incorrect missing spelled spelt misspelled misspelt"
    " farewell cheers thx ty tysm ciao congrats congratulations checking"
    " sir madam dr doctor dear bless anyone anybody someone somebody nobody everything something anything".split()
)
_GREETING = re.compile(rf"\W*(?:{OPENERS}|no|thanks?(?: you)?|help|在吗|谢谢)\W*", re.IGNORECASE)
_ADDRESS_LEAD = re.compile(
    r"^(?:(?:yes|ok(?:ay)?|sure|well|好的?)[,，. ]+)*(?:(?:my |the )?(?:new |home |shipping "
    r"|delivery )?address(?:'s| is|:)|it(?:'s| is)"
    r"|(?:please )?(?:ship|send|deliver) (?:it |them )?to|i live (?:at|in)|(?:我的)?(?:新的?|收货|收件"
    r"|家庭)?地址(?:是|为|[:：])?|寄到|送到|发到|改成|是)\s*",
    re.IGNORECASE,
)
# What was asked for is an address, and this is the news of another thing: "actually my phone is <PHONE_1>".
_OTHER_DETAIL = re.compile(
    r"\W*(?:(?:actually|no|sorry|wait|oh|but|and|其实|不对|不是|哦|噢)\W*)*(?:(?:my|the|我的?)\s*)?"
    r"(?:new |correct |新的?)?"
    r"(?:phone|mobile|cell|telephone|number|e-?mail|mail|电话|手机|号码|邮箱|邮件)[^<\d]{0,20}<(?:PHONE|EMAIL)_\d+>\W*",
    re.IGNORECASE,
)
_SHORTEST_ADDRESS, _LONGEST_ADDRESS = 4, 200


def phones(text: str, language: str, *, asked: bool = False) -> list[Found]:
    """Telephone numbers: placeholders; when asked for, also digits that masking let through, as E.164 if valid."""
    found = [Found("phone", match[0], *match.span()) for match in _PHONE.finditer(text)]
    if found or not asked:
        return found
    return [
        Found("phone", number, *match.span())
        for match in _DIGITS.finditer(text)
        for number in [_international(match[0], "CN" if language == "zh" else "US")]
    ]


@lru_cache(maxsize=1024)
def _international(written: str, region: str) -> str:
    import phonenumbers

    try:
        number = phonenumbers.parse(written, region)
        if phonenumbers.is_valid_number(number):
            return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))
    except phonenumbers.NumberParseException:
        pass
    return re.sub(r"[^\d+]", "", written)


def emails(text: str) -> list[Found]:
    """E-mail addresses: placeholders, or what masking let through in lower case."""
    found = [Found("email", match[0], *match.span()) for match in _EMAIL.finditer(text)]
    return found or [Found("email", match[0].lower(), *match.span()) for match in _WRITTEN_EMAIL.finditer(text)]


def names(text: str, *, asked: bool = False) -> list[Found]:
    """Names: placeholders; known first names that someone gives as his own; when asked for, whatever can be one."""
    found = [_whole(text, match) for match in _NAME.finditer(text)]
    own = [each for each in found if not _OF_ANOTHER.search(text[: each.start])]
    if not asked:
        return own or found or _introduced(text)
    # "Cooper, and my pet's name is <NAME_1>": masking may have known one of two.
    told = [each for each in _told(text) if not any(each.overlaps(other) for other in found)]
    return [*own, *told] or found


def _told(text: str) -> list[Found]:
    """Names that masking let through: what follows "my name is", then what stands where an answer begins."""
    found = [
        Found("name", match["name"], *match.span("name"))
        for match in _NAME_BEFORE.finditer(text)
        if not _is_sentence(match["name"])
    ]
    for pattern in (_NAMED, _CALLED):
        starts = (match.end() for match in pattern.finditer(text))
        name = next((name for start in starts if (name := _name_at(text, start)) is not None), None)
        if name is not None and not any(name.overlaps(other) for other in found):
            found.append(name)
    return found or _introduced(text)


def _whole(text: str, match: re.Match[str]) -> Found:
    """A placeholder, with a surname in small letters that masking left beside it: "<NAME_1> brown"."""
    after = _SURNAME.match(text, match.end())
    is_surname = after is not None and after[1].islower() and after[1] in words("surnames_en")
    if after is not None and is_surname and _NAME_STOPS.match(text, after.end()):
        return Found("name", text[match.start() : after.end()], match.start(), after.end())
    return Found("name", match[0], *match.span())


def _introduced(text: str) -> list[Found]:
    """The first known name, in small letters as masking leaves them, that is told as one's own."""
    for match in (*_INTRODUCED.finditer(text), *_SIGNED.finditer(text), *_ALONE.finditer(text)):
        told = match.groupdict()
        sure = bool(told.get("named") or told.get("greets") is not None or match.re is not _INTRODUCED)
        if _is_first_name(match["name"], sure=sure):
            return [_with_surname(text, match.start("name"), match.end("name"))]
    own = [name for match in _MY_NAME.finditer(text) if (name := _name_at(text, match.end())) is not None]
    return [each for each in own[:1] if len(str(each.value).split()) <= _MOST_OWN_WORDS]


def _is_first_name(word: str, *, sure: bool) -> bool:
    """Whether a word is a first name; one that is a word, too, only where it is sure that a name is told."""
    lower = word.lower()
    is_one = lower in words("first_names_en") and lower not in words("not_names_en") and lower not in _NO_NAMES
    return is_one and (sure or lower not in words("doubtful_first_names_en"))


def _with_surname(text: str, start: int, end: int) -> Found:
    """A first name, and the word after it if that is a surname."""
    after = _SURNAME.match(text, end)
    if after is not None and after[1].lower() in words("surnames_en") and after[1].lower() not in words("not_names_en"):
        end = after.end()
    return Found("name", text[start:end], start, end)


def _name_at(text: str, start: int) -> Found | None:
    """The name that begins there, if the words there could be one."""
    ends = _NAME_ENDS.search(text, start + 1)
    end = ends.start() if ends else len(text)
    name = text[start:end].strip(" 的\"'“”")
    plausible = 0 < len(name) <= _LONGEST_NAME and len(name.split()) <= _MOST_NAME_WORDS
    plausible = plausible and only_yes_or_no(name) is None  # "yup"
    if not plausible or any(char.isdigit() or char == "<" for char in name) or _GREETING.fullmatch(name):
        return _known_name(text, start)
    if _is_sentence(name) or len(name.split()) > 2:  # "ben need a flight", "angela hurry up"
        return _known_name(text, start) or (None if _is_sentence(name) else _found_at(text, name, start))
    return _found_at(text, name, start)


def _found_at(text: str, name: str, start: int) -> Found:
    at = text.index(name, start)
    return Found("name", name, at, at + len(name))


def _known_name(text: str, start: int) -> Found | None:
    """A known first name, if one stands there, followed by no surname that nobody knows."""
    first = _FIRST_WORD.match(text, start)
    if first is None or not _is_first_name(first[1], sure=True):
        return None
    found = _with_surname(text, first.start(1), first.end(1))
    after = _SURNAME.match(text, found.end)
    is_surname = after is not None and after[1][0].isupper() and after[1].lower() not in _NO_NAMES
    return None if is_surname else found


def _is_sentence(name: str) -> bool:
    """Whether words that could stand for a name say something: one of them is a word that no name has."""
    return any(word in _NO_NAMES for word in re.findall(r"[a-z']+", name.lower()))


def addresses(text: str, *, asked: bool = False) -> list[Found]:
    """Postal addresses: placeholders; when asked for, the message without "my address is", placeholder and all."""
    found = [Found("address", match[0], *match.span()) for match in _ADDRESS.finditer(text)]
    if not asked:
        return found
    lead = _ADDRESS_LEAD.match(text)
    if not found and ((lead is None and _GREETING.fullmatch(text)) or _OTHER_DETAIL.fullmatch(text)):
        return []
    start = found[0].start if found else lead.end() if lead else 0
    address = text[start:].strip(" .。,，;；!！\n")[:_LONGEST_ADDRESS]
    if not found and len(address) < _SHORTEST_ADDRESS:
        return []
    return [Found("address", " ".join(address.split()), start, start + len(address))]
