"""Typed placeholders: what stands in a masked text in place of personal data, and the way back."""

import re
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass

from kefu.knowledge.masking.entity import FAMILIES, LITERAL, PLACEHOLDER, Entity
from kefu.knowledge.masking.find import blanked, find, occurrences, settled
from kefu.knowledge.masking.letters import has_han

# A placeholder as somebody types it: any case, with spaces, full-width or other brackets, which a model may tidy into
# a real one.
_FAMILY = "|".join(sorted({*FAMILIES.values(), LITERAL}))
_LOOKALIKE = re.compile(
    rf"[<＜‹〈《&]\s*(?:lt;)?\s*(?:{_FAMILY})\s*[_＿\-\s]\s*\d+\s*(?:[>＞›〉》]|&gt;)", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Masked:
    """A message without its personal data.

    `entities` have offsets in the original. `placeholders` maps each placeholder of the conversation so far to its
    original: pass it as `known` with the next message. It is personal data itself.
    """

    text: str
    entities: tuple[Entity, ...]
    placeholders: Mapping[str, str]


def mask(
    text: str, language: str | None = None, known: Mapping[str, str] | None = None, *, masked_before: bool = False
) -> Masked:
    """Replace personal data by placeholders such as `<PHONE_1>`.

    The same text of the same family gets the same placeholder, within the message and within the conversation that
    `known` comes from; numbering goes on from there, and what `known` holds is found again without a cue. A
    placeholder in a customer's text is text and is replaced too. In a text that this function made (`masked_before`)
    placeholders are ours: they stay, and numbering goes on after them, so masking again changes nothing.
    """
    placeholders = dict(known or {})
    ours = tuple(PLACEHOLDER.finditer(text)) if masked_before else ()
    literals = list(_literals(text, {match.start() for match in ours}))
    rest = blanked(text, literals)
    spans = settled([*literals, *find(rest, language), *_known_again(rest, placeholders)])
    numbering = _Numbering(placeholders, taken=ours)
    parts: list[str] = []
    position = 0
    for entity in spans:
        parts += (text[position : entity.start], numbering.placeholder(entity))
        position = entity.end
    entities = tuple(entity for entity in spans if entity.kind != LITERAL)
    return Masked("".join((*parts, text[position:])), entities, placeholders)


def mask_whole(text: str, family: str, known: Mapping[str, str] | None = None) -> Masked:
    """Replace a whole text that is known to be personal, such as a name from a form, by one placeholder of `family`."""
    placeholders = dict(known or {})
    if not text.strip():
        return Masked(text, (), placeholders)
    entity = Entity(0, len(text), _kind(family, text), text)
    return Masked(_Numbering(placeholders, taken=()).placeholder(entity), (entity,), placeholders)


def unmask(text: str, placeholders: Mapping[str, str]) -> str:
    """Put the originals back, in one pass: what an original contains is never replaced again. Unknown ones stay."""
    return PLACEHOLDER.sub(lambda match: placeholders.get(match[0], match[0]), text)


def _literals(text: str, ours: Set[int]) -> Iterator[Entity]:
    """Yield what looks like a placeholder and is not one of ours, which begin at the offsets given."""
    for match in _LOOKALIKE.finditer(text):
        if match.start() not in ours:
            yield Entity(match.start(), match.end(), LITERAL, match[0])


def _known_again(text: str, placeholders: Mapping[str, str]) -> Iterator[Entity]:
    """Yield what earlier messages of the conversation held, where it stands again without a cue."""
    for placeholder, value in placeholders.items():
        match = PLACEHOLDER.fullmatch(placeholder)
        if match and match[1] != LITERAL and value in text:
            yield from occurrences(text, value, _kind(match[1], value))


def _kind(family: str, value: str) -> str:
    """Return a kind of the family: the Chinese one for a value in Chinese characters, else the last named."""
    kinds = [kind for kind, its_family in FAMILIES.items() if its_family == family]
    return kinds[0] if has_han(value) else kinds[-1]


class _Numbering:
    """Gives out placeholders; writes each new one into the mapping that it was made with."""

    def __init__(self, placeholders: dict[str, str], taken: Iterable[re.Match[str]]) -> None:
        self._placeholders = placeholders
        self._given: dict[tuple[str, str], str] = {}
        self._last: dict[str, int] = {}
        for match in (*map(PLACEHOLDER.fullmatch, placeholders), *taken):
            if match:
                self._last[match[1]] = max(self._last.get(match[1], 0), int(match[2]))
                if match[0] in placeholders:
                    self._given[match[1], placeholders[match[0]]] = match[0]

    def placeholder(self, entity: Entity) -> str:
        family = FAMILIES.get(entity.kind, LITERAL)
        if (family, entity.text) not in self._given:
            self._last[family] = self._last.get(family, 0) + 1
            placeholder = f"<{family}_{self._last[family]}>"
            self._given[family, entity.text] = placeholder
            self._placeholders[placeholder] = entity.text
        return self._given[family, entity.text]
