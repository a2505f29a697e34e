"""A dataset's labelled texts, as recipes want them."""

from collections import Counter
from collections.abc import Sequence

from kefu.contracts.dataset import Dataset
from kefu.kit.errors import BadInput
from kefu.knowledge.embedding import ANY_LANGUAGE, DEFAULT_ENCODERS
from kefu.knowledge.language import detect

# A language that one text in twenty is written in belongs to the data; fewer are strays.
_SHARE = 0.05


def labelled(data: Dataset) -> tuple[list[str], list[str]]:
    """Texts and their labels; those that are out of scope are left out.

    Raises BadInput for data with fewer than two labels.
    """
    rows = [(each.text, each.label) for each in data.examples if each.label is not None]
    found = {label for _, label in rows}
    if len(found) < 2:
        known = f"only the label {next(iter(found))!r}" if found else "no label at all"
        raise BadInput(f"The data hold {known}; at least two are needed to tell one from another.", labels=len(found))
    return [text for text, _ in rows], [label for _, label in rows]


def languages_of(texts: Sequence[str]) -> tuple[str, ...]:
    """The languages of the texts, the most frequent first."""
    found = Counter(detect(text) for text in texts)
    return tuple(language for language, count in found.most_common() if count >= _SHARE * len(texts))


def searching(texts: Sequence[str]) -> str:
    """The encoder that search embeds texts of their languages with."""
    return DEFAULT_ENCODERS["en" if languages_of(texts) == ("en",) else ANY_LANGUAGE]
