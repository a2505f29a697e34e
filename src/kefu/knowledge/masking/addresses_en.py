"""Postal addresses in English: American and British, whole or in part."""

import re
from collections.abc import Iterator

from kefu.knowledge.masking.entity import Entity
from kefu.knowledge.masking.lists import words

# Every repeated part below needs a separator that the part itself cannot hold, and has an upper bound: otherwise a
# long row of capitals would take the pattern minutes.
_SUFFIX = (
    r"(?:Street|Str|St|Avenue|Ave|Av|Road|Rd|Boulevard|Blvd|Lane|Ln|Drive|Dr|Court|Ct|Place|Pl|Square|Sq|Terrace|Ter|"
    r"Way|Parkway|Pkwy|Highway|Hwy|Circle|Cir|Crescent|Cres|Close|Grove|Gardens|Gdns|Mews|Row|Hill|Walk|Trail|Trl|Loop|"
    r"Alley|Plaza|Broadway|Turnpike|Expressway|Freeway|Pike|Path|Quay|Wharf|Rise|View|Vale|Green|Heights|Ridge|Run|"
    r"Bend|Cove|Crossing|Commons|Esplanade|Parade)"
)
_LOWER_SUFFIX = (
    r"(?:street|avenue|ave|road|rd|boulevard|blvd|lane|drive|court|place|square|terrace|parkway|highway|crescent|st)"
)
_STATE = (
    r"(?:(?:A[LKZR]|C[AOT]|D[EC]|FL|GA|HI|I[DLNA]|K[SY]|LA|M[EDAINSOT]|N[EVHJMYCD]|O[HKR]|P[AR]|RI|S[CD]|T[NX]|UT|V[TA]|"
    r"W[AVIY]|AB|BC|MB|NB|NL|NS|ON|PE|QC|SK|NSW|VIC|QLD|TAS|ACT|Alabama|Alaska|Arizona|Arkansas|California|Colorado|"
    r"Connecticut|Delaware|Florida|Georgia|Hawaii|Idaho|Illinois|Indiana|Iowa|Kansas|Kentucky|Louisiana|Maine|Maryland|"
    r"Massachusetts|Michigan|Minnesota|Mississippi|Missouri|Montana|Nebraska|Nevada|New Hampshire|New Jersey|"
    r"New Mexico|New York|North Carolina|North Dakota|Ohio|Oklahoma|Oregon|Pennsylvania|Rhode Island|South Carolina|"
    r"South Dakota|Tennessee|Texas|Utah|Vermont|Virginia|Washington|West Virginia|Wisconsin|Wyoming|"
    r"District of Columbia|Ontario|Quebec|British Columbia|Alberta|Manitoba)\b)"
)
_ZIP = r"(?:\d{5}(?:-\d{4})?(?![\d\-])|[ABCEGHJ-NPRSTVXY]\d[A-Z]\s?\d[A-Z]\d\b)"  # United States, Canada
_POSTCODE = r"(?:[A-Z]{1,2}\d[A-Z\d]?\s?\d[ABD-HJLNP-UW-Z]{2}\b)"  # Royal Mail
_COUNTRY = r"(?:USA|U\.S\.A\.|United States|US|UK|U\.K\.|United Kingdom|England|Scotland|Wales|Canada|Australia)\b"

_GAP = r"(?:\s?,\s{0,2}|\s{1,2})"
_COMMA = r"(?:\s?,\s{0,2}|\s?\n\s?)"
_NUMBER = r"(?<![\d$£€#.,\-])(?:\d{1,6}(?:[\-/]\d{1,4})?[A-Za-z]?(?:\s\d/\d)?)"
_DIRECTION = r"(?:(?:North|South|East|West|Northeast|Northwest|Southeast|Southwest|NE|NW|SE|SW|N|S|E|W)\b\.?)"
_NAME = (
    r"(?:(?:Route|Rte|Highway|Hwy|Road|Rd|Avenue|Ave)\s\d{1,4}|[A-Z][\w'’.\-]{0,20}|\d{1,3}(?:st|nd|rd|th)|"
    r"of|the|de|la|del|y)"
)
_UNIT = (
    r"(?:(?:Apartment|Apt|Unit|Suite|Ste|Flat|Floor|Fl|Room|Rm|Building|Bldg|Lot|Space|Spc|Level|Block|Tower|House)"
    r"\.?\s?\#?\s?(?:\d{1,5}[A-Za-z]?|[A-Za-z]-?\d{0,4})\b|Penthouse\b|\#\s?[A-Za-z]?\d{1,5}[A-Za-z]?\b|"
    r"\d{1,3}(?:st|nd|rd|th)\s[Ff]l(?:oor)?\b)"
)
_CITY = r"(?:[A-Z][A-Za-z'’.\-]{1,20}(?:\s(?:[A-Z][A-Za-z'’.\-]{1,20}|of|upon|on|the|de)){0,3})"

_STREET = (
    rf"(?:(?:{_UNIT}{_GAP})?{_NUMBER}(?:\s|,\s)(?:{_DIRECTION}\s)?"
    rf"(?:(?!(?:Street|Road|Drive|Way)\s)(?:{_NAME}\s){{1,4}}{_SUFFIX}|Broadway)\b\.?(?:\s{_DIRECTION}(?![\w']))?"
    r"|\b(?:P\.?\s?O\.?\s?Box|Post Office Box)\s\#?\d{1,6})"
)
# What says most comes first: "Washington" and "Kansas" are towns in "Washington, DC 20001" and "Kansas City, MO".
_CITIES = rf"(?:{_COMMA}{_CITY}){{0,3}}?(?:{_GAP}{_CITY})??"
_TAIL = (
    rf"(?:{_CITIES}{_GAP}{_STATE}\.?{_GAP}{_ZIP}|{_CITIES}{_GAP}{_POSTCODE}|(?:{_COMMA}{_CITY}){{1,2}}?{_COMMA}{_STATE}"
    rf"|{_CITIES}{_GAP}(?:{_ZIP}|{_STATE}))(?:{_GAP}{_COUNTRY})?"
)
_ADDRESS = re.compile(rf"{_STREET}(?:{_GAP}{_UNIT}){{0,3}}(?P<tail>{_TAIL})?")
# A number and words without any street suffix count when a town with a state and a ZIP code follows, or a postcode;
# so does the town with state and code alone.
_NAMED = re.compile(
    rf"(?:(?:{_UNIT}{_GAP})?{_NUMBER}(?:\s{_NAME}){{1,4}}(?:{_GAP}{_UNIT})?{_COMMA})?(?<!\w){_CITY}(?:{_COMMA}{_CITY})?"
    rf"{_COMMA}{_STATE}\.?{_GAP}{_ZIP}(?:{_GAP}{_COUNTRY})?"
    rf"|{_NUMBER}(?:\s{_NAME}){{1,4}}(?:{_COMMA}{_CITY}){{0,3}}{_GAP}{_POSTCODE}"
)
_LOWER = re.compile(
    rf"{_NUMBER}\s(?:(?:north|south|east|west|[nsew])\.?\s)?(?:[a-z'\-]{{1,20}}|\d{{1,3}}(?:st|nd|rd|th))"
    rf"(?:\s[a-z'\-]{{1,20}}){{0,2}}\s{_LOWER_SUFFIX}\b\.?(?:{_GAP}{_UNIT}){{0,2}}"
    rf"(?:{_COMMA}[a-z' ]{{2,25}}?(?:{_GAP}{_STATE}(?:{_GAP}{_ZIP})?|{_GAP}{_ZIP}))?",
    re.IGNORECASE,
)
_LIVES = re.compile(r"(?:\b(?:at|to|address|is|in|my|from|on)|:)[\s:]*$", re.IGNORECASE)
_TOWN = re.compile(rf"\s?,\s{{0,2}}(?:in\s)?({_CITY})(?=\s*(?:[,.;!?\n]|$))")
# Nothing else is tried unless a number that begins a word stands in the text, and one of these.
_HOUSE_NUMBER = re.compile(r"(?<!\w)\d[\w\-/]{0,8},?\s")
_GATE = re.compile(
    rf"\b{_SUFFIX}\b|\bP\.?\s?O\.?\s?Box|\bPost Office Box|\b{_STATE}\.?,?\s+\d{{5}}|\d[ABD-HJLNP-UW-Z]{{2}}\b",
    re.IGNORECASE,
)
_NO_HOUSE = re.compile(rf"Box\s\#?\d|{_STATE}\.?,?\s+\d{{5}}", re.IGNORECASE)


def find_english_addresses(text: str) -> Iterator[Entity]:
    """Yield street addresses and post boxes; with a British postcode the kind is UK_ADDRESS, else US_ADDRESS."""
    if not (_HOUSE_NUMBER.search(text) or _NO_HOUSE.search(text)) or not _GATE.search(text):
        return
    for match in _ADDRESS.finditer(text):
        end = match.end() if match["tail"] else _with_town(text, match.end())
        yield _entity(text, match.start(), end)
    for match in _NAMED.finditer(text):
        yield _entity(text, match.start(), match.end())
    for match in _LOWER.finditer(text):
        if _LIVES.search(text[max(0, match.start() - 12) : match.start()]):  # the longest cue and its spaces
            yield _entity(text, match.start(), match.end())


def _with_town(text: str, end: int) -> int:
    """A town may follow without state or code: "12 Oak Street, Springfield"."""
    match = _TOWN.match(text, end)
    if match and match[1].split()[0].lower() not in words("not_names_en"):
        return match.end()
    return end


def _entity(text: str, start: int, end: int) -> Entity:
    end = start + len(text[start:end].rstrip(" .,\n"))  # a full stop after "St" or "CA" mostly ends the sentence
    british = re.search(_POSTCODE, text[start:end]) is not None
    return Entity(start, end, "UK_ADDRESS" if british else "US_ADDRESS", text[start:end])
