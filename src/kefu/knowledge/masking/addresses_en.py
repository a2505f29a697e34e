"""Postal addresses in English: American and British, whole or in part."""

import re
from collections.abc import Iterator

from kefu.knowledge.masking.entity import Entity
from kefu.knowledge.masking.lists import words

_SUFFIX = (
    r"(?:Street|Str|St|Avenue|Ave|Av|Road|Rd|Boulevard|Blvd|Lane|Ln|Drive|Dr|Court|Ct|Place|Pl|Square|Sq|Terrace|Ter|Way|Parkway|Pkwy|Highway|Hwy|"
    r"Circle|Cir|Crescent|Cres|Close|Grove|Gardens|Gdns|Mews|Row|Hill|Walk|Trail|Trl|Loop|Alley|Plaza|Broadway|Turnpike|Expressway|Freeway|Pike|Path|"
    r"Quay|Wharf|Rise|View|Vale|Green|Heights|Ridge|Run|Bend|Cove|Crossing|Commons|Esplanade|Parade)"
)
_LONG_SUFFIX = (
    r"(?:street|avenue|ave|road|rd|boulevard|blvd|lane|drive|court|place|square|terrace|parkway|highway|crescent|st)"
)
_DIRECTION = r"(?:(?:North|South|East|West|Northeast|Northwest|Southeast|Southwest|N|S|E|W|NE|NW|SE|SW)\.?)"
_CAPITAL = r"(?:(?:Route|Rte|Highway|Hwy|Road|Rd|Avenue|Ave)\s\d{1,4}|[A-Z][\w'’.\-]*|\d{1,3}(?:st|nd|rd|th)|of|the|de|la|del|y)"
_NUMBER = r"(?:\d{1,6}(?:[\-/]\d{1,4})?[A-Za-z]?(?:\s\d/\d)?)"
_UNIT_WORD = r"(?:Apartment|Apt|Unit|Suite|Ste|Flat|Floor|Fl|Room|Rm|Building|Bldg|Lot|Space|Spc|Penthouse|PH|Level|Block|Tower|House)"
_UNIT = rf"(?:{_UNIT_WORD}\.?\s?\#?\s?[A-Za-z]?\-?\d{{0,5}}[A-Za-z]?\b|\#\s?[A-Za-z]?\d{{1,5}}[A-Za-z]?\b|\d{{1,3}}(?:st|nd|rd|th)\s[Ff]l(?:oor)?\b)"
_STATES = (
    "AL|AK|AZ|AR|CA|CO|CT|DE|FL|GA|HI|ID|IL|IN|IA|KS|KY|LA|ME|MD|MA|MI|MN|MS|MO|MT|NE|NV|NH|NJ|NM|NY|NC|ND|OH|OK|OR|PA|RI|SC|SD|TN|TX|UT|VT|VA|WA|WV|"
    "WI|WY|DC|PR|AB|BC|MB|NB|NL|NS|ON|PE|QC|SK|NSW|VIC|QLD|TAS|ACT"
)
_STATE_NAMES = (
    "Alabama|Alaska|Arizona|Arkansas|California|Colorado|Connecticut|Delaware|Florida|Georgia|Hawaii|Idaho|Illinois|Indiana|Iowa|Kansas|Kentucky|"
    "Louisiana|Maine|Maryland|Massachusetts|Michigan|Minnesota|Mississippi|Missouri|Montana|Nebraska|Nevada|New Hampshire|New Jersey|New Mexico|"
    "New York|North Carolina|North Dakota|Ohio|Oklahoma|Oregon|Pennsylvania|Rhode Island|South Carolina|South Dakota|Tennessee|Texas|Utah|Vermont|"
    "Virginia|Washington|West Virginia|Wisconsin|Wyoming|District of Columbia|Ontario|Quebec|British Columbia|Alberta|Manitoba"
)
_STATE = rf"(?:(?:{_STATES})\b|(?:{_STATE_NAMES})\b)"
_ZIP = r"(?:\d{5}(?:-\d{4})?(?![\d\-])|[ABCEGHJ-NPRSTVXY]\d[A-Z]\s?\d[A-Z]\d\b)"
_POSTCODE = r"(?:[A-Z]{1,2}\d[A-Z\d]?\s?\d[ABD-HJLNP-UW-Z]{2}\b)"  # Royal Mail
_COUNTRY = r"(?:USA|U\.S\.A\.|United States|US|UK|U\.K\.|United Kingdom|England|Scotland|Wales|Canada|Australia)\b"
_CITY = r"[A-Z][A-Za-z'’.\-]+(?:[ \-](?:[A-Z][A-Za-z'’.\-]+|of|upon|on|the|de)){0,3}"
_GAP = r"(?:\s*,\s*|\s+|\s*\n\s*)"
_COMMA = r"(?:\s*,\s*|\s*\n\s*)"

_STREET = (
    rf"(?:(?:{_UNIT}{_GAP})?(?<![\d$£€#.,\-]){_NUMBER}[ ,]\s?(?:{_DIRECTION}\s)?(?:(?!(?:Street|Road|Drive|Way)\s)(?:{_CAPITAL}\s){{1,4}}{_SUFFIX}|Broadway)\b\.?(?:\s{_DIRECTION}(?![\w']))?"
    r"|\b(?:P\.?\s?O\.?\s?Box|Post Office Box)\s\#?\d{1,6})"
)
# The tail that says most comes first: "Washington" and "Kansas" are towns in "Washington, DC 20001", "Kansas City, MO".
_CITIES = rf"(?:{_COMMA}{_CITY}){{0,3}}?(?:{_GAP}{_CITY})??"
_TAIL = (
    rf"(?:{_CITIES}{_GAP}{_STATE}\.?{_GAP}{_ZIP}|{_CITIES}{_GAP}{_POSTCODE}|(?:{_COMMA}{_CITY}){{1,2}}?{_COMMA}{_STATE}|{_CITIES}{_GAP}(?:{_ZIP}|{_STATE}))"
    rf"(?:{_GAP}{_COUNTRY})?"
)
_REST = rf"(?P<units>(?:{_GAP}{_UNIT}){{0,3}})(?P<tail>{_TAIL})?"
_ADDRESS = re.compile(_STREET + _REST)
_TOWN = re.compile(rf"\s*,\s*(?:in\s)?({_CITY})(?=\s*(?:[,.;!?\n]|$))")
# A number and words without any street suffix count when a town with a state and a ZIP code follows, or a postcode.
_NAMED = re.compile(
    rf"(?:(?:{_UNIT}{_GAP})?(?<![\d$£€#.,\-]){_NUMBER}\s(?:{_CAPITAL}\s?){{1,4}}(?:{_GAP}{_UNIT})?)?(?<![\w]){_COMMA}?(?:{_CITY}{_COMMA}){{1,2}}{_STATE}\.?{_GAP}{_ZIP}(?:{_GAP}{_COUNTRY})?"
    rf"|{_NUMBER}\s(?:{_CAPITAL}\s?){{1,4}}(?:{_COMMA}{_CITY}){{0,3}}{_GAP}{_POSTCODE}"
)
_LOWER = re.compile(
    rf"(?<![\d$£€#.,\-]){_NUMBER}\s(?:(?:n|s|e|w|north|south|east|west)\.?\s)?(?:[a-z'\-]+|\d{{1,3}}(?:st|nd|rd|th))(?:\s[a-z'\-]+){{0,2}}\s{_LONG_SUFFIX}\b\.?"
    rf"(?:{_GAP}{_UNIT}){{0,2}}(?:{_COMMA}[a-z' ]{{2,25}}?(?:{_GAP}(?:{_STATE})\b(?:{_GAP}{_ZIP})?|{_GAP}{_ZIP}))?",
    re.IGNORECASE,
)
_LIVES = re.compile(r"(?:\b(?:at|to|address|is|in|my|from|on)|:)[\s:]*$", re.IGNORECASE)
_GATE = re.compile(
    rf"\d[\w\-/]*,?\s.*?\b{_SUFFIX}\b|\bP\.?\s?O\.?\s?Box|\bPost Office Box|\b{_STATE}\.?,?\s+\d{{5}}|\d[ABD-HJLNP-UW-Z]{{2}}\b",
    re.IGNORECASE | re.DOTALL,
)


def find_english_addresses(text: str) -> Iterator[Entity]:
    """Yield street addresses and post boxes; with a British postcode the kind is UK_ADDRESS, else US_ADDRESS."""
    if not _GATE.search(text):
        return
    for match in _ADDRESS.finditer(text):
        end = match.end() if match["tail"] else _with_town(text, match.end())
        yield _entity(text, match.start(), end)
    for match in _NAMED.finditer(text):
        yield _entity(text, match.start(), match.end())
    for match in _LOWER.finditer(text):
        if _LIVES.search(text[: match.start()]):
            yield _entity(text, match.start(), match.end())


def _with_town(text: str, end: int) -> int:
    """A town may follow without state or code: "12 Oak Street, Springfield."""
    match = _TOWN.match(text, end)
    if match and match[1].split()[0].lower() not in words("not_names_en"):
        return match.end()
    return end


def _entity(text: str, start: int, end: int) -> Entity:
    end = start + len(text[start:end].rstrip(" .,\n"))  # a full stop after "St" or "CA" mostly ends the sentence
    british = re.search(_POSTCODE, text[start:end]) is not None
    return Entity(start, end, "UK_ADDRESS" if british else "US_ADDRESS", text[start:end])
