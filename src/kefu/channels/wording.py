"""How a reply reads where there are no buttons and no cards: sources and choices as lines of text."""

from collections.abc import Sequence

from kefu.contracts.channel import Cited

_SOURCES = {"en": "Sources:", "zh": "来源："}


def with_sources(text: str, citations: Sequence[Cited], language: str) -> str:
    """The text with the addresses that it stands on below; sources without an address cannot be opened."""
    links = [f"{each.title} {each.url}".strip() for each in citations if each.url]
    if not links:
        return text
    heading = _SOURCES.get(language.partition("-")[0], _SOURCES["en"])
    return "\n".join([text, "", heading, *links])


def with_choices(text: str, choices: Sequence[str]) -> str:
    """The text with its quick replies below, to be typed."""
    return "\n".join([text, "", *(f"· {each}" for each in choices)]) if choices else text
