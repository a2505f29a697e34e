"""A long text in parts of whole paragraphs, none longer than a row of a table may be."""

from collections.abc import Iterator

# A part of a page: some four hundred words, more than a network sees at once, so that hardly anything is cut short.
_PART = 2000


def parts(text: str) -> Iterator[str]:
    """The parts of a text, in its order."""
    held: list[str] = []
    for paragraph in _paragraphs(text):
        if held and sum(map(len, held)) + len(paragraph) > _PART:
            yield "\n\n".join(held)
            held = []
        held.append(paragraph)
    if held:
        yield "\n\n".join(held)


def _paragraphs(text: str) -> Iterator[str]:
    """Paragraphs; one that is longer than a part is cut at blanks, or where it must be."""
    for paragraph in filter(None, (each.strip() for each in text.split("\n\n"))):
        rest = paragraph
        while len(rest) > _PART:
            at = max(rest.rfind(" ", _PART // 2, _PART), rest.rfind("\n", _PART // 2, _PART))
            at = at if at > 0 else _PART
            yield rest[:at].strip()
            rest = rest[at:].strip()
        if rest:
            yield rest
