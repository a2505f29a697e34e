"""Telephone numbers, e-mail addresses, names and postal addresses: mostly placeholders, since texts are masked."""

import re
from functools import lru_cache

from kefu.brain.slots.found import Found

_PHONE = re.compile(r"<PHONE_\d+>")
_EMAIL = re.compile(r"<EMAIL_\d+>")
_NAME = re.compile(r"<NAME_\d+>")
_ADDRESS = re.compile(r"<ADDRESS_\d+>")
# What masking let through: digits in groups, as a customer may type them when a number was asked for.
_DIGITS = re.compile(r"\+?\d(?:[ ()./-]{0,2}\d){5,14}")
_WRITTEN_EMAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{2,63}){1,4}")
# What says anywhere that a name follows, and what says so at a sentence's beginning only ("it's", "I'm").
_NAMED = re.compile(
    r"\b(?:my (?:full |first |last )?name(?:'s| is)|name(?:'s| is|:)|call me)\s+|(?:我的?(?:名字|姓名)?(?:叫做?"
    r"|是)|名字(?:叫|是)|姓名[:：是]?)\s*",
    re.IGNORECASE,
)
_CALLED = re.compile(
    r"(?:^|(?<=[.!?。！？] ))(?:(?:hi|hello|hey|yes|yeah|yep|sure|ok(?:ay)?|well|oh|of course|certainly|i think"
    r"|i believe"
    r"|你好|您好|好的?|可以)[,，.!！。 ]+){0,3}(?:(?:i am|i'm|im|it is|it's|its|this is|that(?:'s| is"
    r"| would be))\s+|叫我?\s*)?",
    re.IGNORECASE,
)
# "Brian White, and I need help", "Ann Lee date of birth 1980": a name ends where the sentence goes on.
_NAME_ENDS = re.compile(
    r"[,，.。!！?？;；:：\n(（\d]|\s(?:and|but|please|thanks|from|here|speaking|again|lol|i|my|is|with|date"
    r"|born|account"
    r"|order|room|security|number)\b",
    re.IGNORECASE,
)
_MOST_NAME_WORDS, _LONGEST_NAME = 5, 60
# Of the commonest words of English those that are no names: "I need a flight", "please do", "actually".
_NO_NAMES = frozenset(
    "i i'm i've i'd i'll me my mine you your he his she her it its it's we our they their this that that's these"
    " those a an the and but or so if then there here what when where which who whose why how is are was were be"
    " been am do does don't did have has had can can't could would should may must not no yes ok okay please"
    " thanks thank need want like get got go going make book change cancel help know think mean tell say ask look"
    " find try let's actually maybe well oh wow gee ugh um just only also already again now today tomorrow for"
    " from with about of at on in to by wait sorry sure great good fine hello hi hey goodbye bye"
    " order account number flight room table booking ticket".split()
)
_GREETING = re.compile(r"\W*(?:hi|hello|hey|hi there|good (?:morning|afternoon|evening)|ok(?:ay)?|yes|no|sure"
r"|thanks?(?: you)?|help|你好|您好|在吗|好的?|谢谢|可以)\W*", re.IGNORECASE)  # fmt: skip
_ADDRESS_LEAD = re.compile(
    r"^(?:(?:yes|ok(?:ay)?|sure|well|好的?)[,，. ]+)*(?:(?:my |the )?(?:new |home |shipping "
    r"|delivery )?address(?:'s| is|:)|it(?:'s| is)"
    r"|(?:please )?(?:ship|send|deliver) (?:it |them )?to|i live (?:at|in)|(?:我的)?(?:新的?|收货|收件"
    r"|家庭)?地址(?:是|为|[:：])?|寄到|送到|发到|改成|是)\s*",
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
    """Names: placeholders; when asked for, also what follows "my name is" or stands alone."""
    found = [Found("name", match[0], *match.span()) for match in _NAME.finditer(text)]
    if found or not asked:
        return found
    named = _NAMED.search(text)
    starts = [named.end()] if named else [match.end() for match in _CALLED.finditer(text)]
    return next(([name] for start in starts if (name := _name_at(text, start)) is not None), [])


def _name_at(text: str, start: int) -> Found | None:
    """The name that begins there, if the words there could be one."""
    ends = _NAME_ENDS.search(text, start + 1)
    end = ends.start() if ends else len(text)
    name = text[start:end].strip(" 的\"'“”")
    plausible = 0 < len(name) <= _LONGEST_NAME and len(name.split()) <= _MOST_NAME_WORDS
    if not plausible or any(char.isdigit() for char in name) or _GREETING.fullmatch(name) or _is_sentence(name):
        return None
    at = text.index(name, start)
    return Found("name", name, at, at + len(name))


def _is_sentence(name: str) -> bool:
    """Whether words that could stand for a name say something: one of them is a word that no name has."""
    return any(word in _NO_NAMES for word in re.findall(r"[a-z']+", name.lower()))


def addresses(text: str, *, asked: bool = False) -> list[Found]:
    """Postal addresses: placeholders; when asked for, the message without "my address is", placeholder and all."""
    found = [Found("address", match[0], *match.span()) for match in _ADDRESS.finditer(text)]
    if not asked:
        return found
    lead = _ADDRESS_LEAD.match(text)
    if not found and lead is None and _GREETING.fullmatch(text):
        return []
    start = found[0].start if found else lead.end() if lead else 0
    address = text[start:].strip(" .。,，;；!！\n")[:_LONGEST_ADDRESS]
    if not found and len(address) < _SHORTEST_ADDRESS:
        return []
    return [Found("address", " ".join(address.split()), start, start + len(address))]
