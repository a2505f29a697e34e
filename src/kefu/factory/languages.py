"""Data divided by language: the rows of one that gets a head of its own, and those that teach the head of the rest."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from kefu.contracts.dataset import Dataset, Example
from kefu.factory.data.read import dataset_of
from kefu.factory.seal import LEAST_ROWS
from kefu.knowledge.language import detect

# Rows of each label that a language's own head needs. Of the demo's 45 intents the English texts are told better by an
# English head from five a label on (accuracy 0.65, by one head for both languages 0.62; with twenty 0.71 and 0.70).
_FEWEST = 5
# The head of the rest is taught a label with fewer rows by the language's own rows, too: what a multilingual encoder
# learns of one language helps in another (Chinese with eight texts a label 0.64 in place of 0.61; with twenty half a
# point, for twice the time).
_ENOUGH = 20


@dataclass(frozen=True)
class Division:
    """The rows of `language` and the others, to learn from and to calibrate on."""

    language: str
    own: Dataset
    own_valid: Dataset
    rest: Dataset
    rest_valid: Dataset


def divided(data: Dataset, valid: Dataset, language: str) -> Division | str:
    """The data divided, or in words why they are not: too few rows of a label, or too few kept apart."""
    if valid.sha256 == data.sha256:
        return "no rows were kept apart to calibrate two"
    own, others = _parted(data, language)
    known = Counter(each.label for each in own)
    few = [label for label in sorted(data.labels) if known[label] < _FEWEST]
    if few:
        return f"{len(few)} labels have fewer than {_FEWEST} rows of the language {language}, {few[0]!r} among them"
    own_valid, rest_valid = _parted(valid, language)
    for rows, which in ((own_valid, f"of the language {language}"), (rest_valid, "of other languages")):
        if len(rows) < LEAST_ROWS:
            return f"{len(rows)} rows {which} are kept apart, and {LEAST_ROWS} are needed to calibrate a head"
    seen = Counter(each.label for each in others)
    rest = [*others, *(each for each in own if seen[each.label] < _ENOUGH)]
    return Division(language, *(_like(data, rows) for rows in (own, own_valid, rest, rest_valid)))


def _parted(data: Dataset, language: str) -> tuple[list[Example], list[Example]]:
    """The labelled rows of a language, and of all others."""
    rows: tuple[list[Example], list[Example]] = ([], [])
    for each in data.examples:
        if each.label is not None:
            rows[detect(each.text) != language].append(each)
    return rows


def _like(data: Dataset, rows: Sequence[Example]) -> Dataset:
    return dataset_of(rows, mapping=data.mapping, format=data.format)
