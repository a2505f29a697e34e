"""Whether a model serves everybody alike: the same texts in a dialect's words or under other names, and groups apart.

A parity gap is the difference in accuracy between the group that is served best and the one that is served worst.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np

from kefu.contracts.dataset import Example
from kefu.contracts.model_card import Slice
from kefu.factory.evaluate.sheet import Flags
from kefu.factory.evaluate.slices import LEAST_ROWS, Rewritten
from kefu.knowledge.language import detect

# The column of a test file that says which customers a row comes from.
GROUP_COLUMN = "customer_group"
DIALECT, NAMED, CUSTOMERS, LANGUAGE = "dialect words", "named as", "customers", "language"
# What a gap is called on a card, by what its slices begin with.
GAPS: Mapping[str, str] = {
    LANGUAGE: "parity_gap_language",
    NAMED: "parity_gap_names",
    CUSTOMERS: "parity_gap_customers",
    DIALECT: "parity_gap_dialect",
}
# Each form is asked again: so many texts tell a gap of five points.
_ASKED = 200


def by_customers(examples: Sequence[Example], right: Flags) -> dict[str, Slice]:
    """A slice for each group of customers that the test file names in its column customer_group."""
    found = np.array([each.extra.get(GROUP_COLUMN, "").strip() for each in examples])
    names = sorted(set(found.tolist()) - {""})
    return {f"{CUSTOMERS} {name}": Slice(int((found == name).sum()), int(right[found == name].sum())) for name in names}


def forms(texts: Sequence[str]) -> Iterator[Rewritten]:
    """The texts as people of other regions and of other names would write them, without forms that change nothing."""
    chosen = range(0, len(texts), max(1, -(-len(texts) // _ASKED)))
    spoken = [(row, other) for row in chosen if (other := in_dialect(texts[row])) != texts[row]]
    if spoken:
        yield Rewritten(DIALECT, *_apart(spoken))
    of_language: dict[str, list[int]] = {}
    for row in chosen:
        of_language.setdefault(_language(texts[row]), []).append(row)
    for language, rows in of_language.items():
        for origin, names in _manners()["names"][language].items():
            named = [(row, under_name(texts[row], names[at % len(names)])) for at, row in enumerate(rows)]
            yield Rewritten(f"{NAMED} {origin}", *_apart(named))


def in_dialect(text: str) -> str:
    """The text with the words of a dialect where it has the standard ones."""
    words = _manners()["dialect"][_language(text)]
    return _pattern(_language(text)).sub(lambda found: str(words[found[0].lower()]), text)


def under_name(text: str, name: str) -> str:
    """The text from somebody who says their name first."""
    return str(_manners()["greetings"][_language(text)]).format(name=name, text=text)


def gaps(slices: Mapping[str, Slice], forms_before: Mapping[str, Slice]) -> dict[str, float | None]:
    """The parity gaps, None where the test is too small to tell; `forms_before` are the dialect's rows as they were."""
    found: dict[str, float | None] = {}
    for begins, name in GAPS.items():
        parts = [each for of, each in slices.items() if of.startswith(begins)]
        parts += [each for of, each in forms_before.items() if of.startswith(begins) and begins == DIALECT]
        told = [each.accuracy for each in parts if each.rows >= LEAST_ROWS]
        found[name] = max(told) - min(told) if len(told) > 1 else None
    return found


def _language(text: str) -> str:
    return "zh" if detect(text) == "zh" else "en"


def _apart(pairs: Sequence[tuple[int, str]]) -> tuple[tuple[int, ...], tuple[str, ...]]:
    return tuple(row for row, _ in pairs), tuple(text for _, text in pairs)


@cache
def _manners() -> dict[str, Any]:
    return tomllib.loads(files("kefu.factory.evaluate").joinpath("manners.toml").read_text(encoding="utf-8"))


@cache
def _pattern(language: str) -> re.Pattern[str]:
    words = sorted(_manners()["dialect"][language], key=len, reverse=True)
    either = "|".join(re.escape(word) for word in words)
    return re.compile(either if language == "zh" else rf"\b(?:{either})\b(?!')", re.IGNORECASE)
