"""Parts of a test: by language and length, and the same texts with typos, in capitals and in small letters."""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kefu.contracts.model_card import Slice
from kefu.factory.data.rewrite import rewrite
from kefu.knowledge.language import detect

Flags = npt.NDArray[np.bool_]

# Rewritten texts are asked again; so many tell a slice's accuracy to within two points.
_REWRITTEN = 500
# Accuracies of fewer rows jump by chance: they are shown, never named the worst.
LEAST_ROWS = 20
_QUARTERS = ("shortest quarter", "second quarter", "third quarter", "longest quarter")
_SLIPS = ("typo", "homophone")
# Slices of what is let in and what is not: they tell of the threshold, not of which texts the model knows badly.
LET_IN, OUTSIDE = "in scope and let in", "out of scope"


@dataclass(frozen=True)
class Rewritten:
    """Texts of the test in another form; `rows` are their places in it."""

    name: str
    rows: tuple[int, ...]
    texts: tuple[str, ...]


def by_language(texts: Sequence[str], given: Sequence[str | None], right: Flags) -> dict[str, Slice]:
    """A slice for each language; `given` is what the file says, where it does."""
    found = np.array([said or detect(text) for text, said in zip(texts, given, strict=True)])
    return {f"language {name}": _slice(right, found == name) for name in sorted(set(found.tolist()))}


def by_length(texts: Sequence[str], right: Flags) -> dict[str, Slice]:
    """Four slices of about as many texts, from the shortest to the longest in characters."""
    if len(texts) < len(_QUARTERS):
        return {}
    lengths = np.array([len(text) for text in texts])
    ends = np.quantile(lengths, (0.25, 0.5, 0.75))
    quarter = np.searchsorted(ends, lengths)
    return {name: _slice(right, quarter == at) for at, name in enumerate(_QUARTERS) if (quarter == at).any()}


def rewritten(texts: Sequence[str], *, seed: int = 0) -> Iterator[Rewritten]:
    """The forms in which a model is asked again, without those that change no text."""
    chosen = range(0, len(texts), max(1, -(-len(texts) // _REWRITTEN)))
    ways: Mapping[str, Callable[[str], str | None]] = {
        "typos": lambda text: _typed_wrong(text, seed),
        "capitals": str.upper,
        "small letters": str.lower,
    }
    for name, change in ways.items():
        changed = [(row, other) for row in chosen if (other := change(texts[row])) not in (None, texts[row])]
        if changed:
            yield Rewritten(name, tuple(row for row, _ in changed), tuple(str(text) for _, text in changed))


def worst(slices: Mapping[str, Slice]) -> str | None:
    """The name of the slice with the lowest accuracy among those large enough to tell."""
    large = {
        name: each.accuracy
        for name, each in slices.items()
        if each.rows >= LEAST_ROWS and name not in {LET_IN, OUTSIDE}
    }
    return min(large, key=lambda name: (large[name], name), default=None)


def _typed_wrong(text: str, seed: int) -> str | None:
    """One slip in the text, of the kind that its script allows."""
    chance = random.Random(f"{seed}:{text}")  # noqa: S311  a choice, not a secret
    return next((slip for kind in _SLIPS if (slip := rewrite(text, kind, chance)) is not None), None)


def _slice(right: Flags, chosen: npt.NDArray[np.bool_]) -> Slice:
    return Slice(int(chosen.sum()), int((right & chosen).sum()))
