"""Typed placeholders: what stands in a masked text in place of personal data, and the way back."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from kefu.knowledge.masking.entity import FAMILIES, Entity
from kefu.knowledge.masking.find import find, occurrences, settled
from kefu.knowledge.masking.letters import has_han

# What a customer typed that looks like a placeholder is itself replaced by one of this family, so that in a masked
# text every placeholder is ours. Without that, "<PHONE_1>" typed by a customer, or copied by a language model, would
# be filled in with somebody's telephone number.
_LITERAL = "TEXT"
_PLACEHOLDER = re.compile("<(" + "|".join(sorted({*FAMILIES.values(), _LITERAL})) + r")_([1-9][0-9]{0,8})>")
# The same as typed: any case, with spaces, full-width or other brackets, which a model may tidy into a real one.
_LOOKALIKE = re.compile(
    r"[<＜‹〈《&]\s*(?:lt;)?\s*(?:"
    + "|".join(sorted({*FAMILIES.values(), _LITERAL}))
    + r")\s*[_＿\-\s]\s*\d+\s*(?:[>＞›〉》]|&gt;)?",
    re.IGNORECASE,
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


def mask(text: str, language: str | None = None, known: Mapping[str, str] | None = None) -> Masked:
    """Replace personal data by placeholders such as `<PHONE_1>`.

    The same text of the same family gets the same placeholder, within the message and within the conversation that
    `known` comes from; numbering goes on from there, and names in `known` are found again without a cue.
    """
    placeholders = dict(known or {})
    literals = [Entity(match.start(), match.end(), _LITERAL, match[0]) for match in _LOOKALIKE.finditer(text)]
    spans = settled([*literals, *find(text, language), *_known_again(text, placeholders)])
    entities = tuple(entity for entity in spans if entity.kind != _LITERAL)
    numbering = _Numbering(placeholders)
    parts: list[str] = []
    position = 0
    for entity in spans:
        parts += (text[position : entity.start], numbering.placeholder(entity))
        position = entity.end
    parts.append(text[position:])
    return Masked("".join(parts), entities, placeholders)


def unmask(text: str, placeholders: Mapping[str, str]) -> str:
    """Put the originals back, in one pass: what an original contains is never replaced again. Unknown ones stay."""
    return _PLACEHOLDER.sub(lambda match: placeholders.get(match[0], match[0]), text)


def _known_again(text: str, placeholders: Mapping[str, str]) -> Iterator[Entity]:
    """Yield what earlier messages of the conversation held, where it stands again without a cue."""
    for placeholder, value in placeholders.items():
        match = _PLACEHOLDER.fullmatch(placeholder)
        if match and match[1] != _LITERAL and value in text:
            yield from occurrences(text, value, _kind(match[1], value))


def _kind(family: str, value: str) -> str:
    """Return a kind of the family: the Chinese one for a value in Chinese characters, else the last named."""
    kinds = [kind for kind, its_family in FAMILIES.items() if its_family == family]
    return kinds[0] if has_han(value) else kinds[-1]


class _Numbering:
    """Gives out placeholders; writes each new one into the mapping that it was made with."""

    def __init__(self, placeholders: dict[str, str]) -> None:
        self._placeholders = placeholders
        self._given: dict[tuple[str, str], str] = {}
        self._last: dict[str, int] = {}
        for placeholder, value in placeholders.items():
            match = _PLACEHOLDER.fullmatch(placeholder)
            if match:
                self._given[match[1], value] = placeholder
                self._last[match[1]] = max(self._last.get(match[1], 0), int(match[2]))

    def placeholder(self, entity: Entity) -> str:
        family = FAMILIES.get(entity.kind, _LITERAL)
        if (family, entity.text) not in self._given:
            self._last[family] = self._last.get(family, 0) + 1
            placeholder = f"<{family}_{self._last[family]}>"
            self._given[family, entity.text] = placeholder
            self._placeholders[placeholder] = entity.text
        return self._given[family, entity.text]
