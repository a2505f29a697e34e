"""Personal data in plain JSON values, such as a system's answer: out of every text in them, and back in."""

from collections.abc import Mapping
from typing import Any

from kefu.knowledge.masking.placeholders import mask, mask_whole, unmask


def mask_value(
    value: Any, known: Mapping[str, str], *, family: str | None = None, language: str | None = None
) -> tuple[Any, Mapping[str, str]]:
    """A JSON value without its personal data, and all placeholders of the conversation so far.

    With `family` every text in it is personal as a whole. Names of fields stay: they are the system's words.
    """
    if isinstance(value, str):
        masked = mask_whole(value, family, known) if family else mask(value, language, known)
        return masked.text, masked.placeholders
    if isinstance(value, int) and not isinstance(value, bool) and family:
        return mask_value(str(value), known, family=family)
    if isinstance(value, dict):
        table = {}
        for name, inner in value.items():
            table[name], known = mask_value(inner, known, family=family, language=language)
        return table, known
    if isinstance(value, list):
        items = []
        for inner in value:
            item, known = mask_value(inner, known, family=family, language=language)
            items.append(item)
        return items, known
    return value, known


def unmask_value(value: Any, placeholders: Mapping[str, str]) -> Any:
    """A JSON value with the originals put back into every text."""
    if isinstance(value, str):
        return unmask(value, placeholders) if "<" in value else value
    if isinstance(value, Mapping):
        return {name: unmask_value(inner, placeholders) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [unmask_value(inner, placeholders) for inner in value]
    return value
