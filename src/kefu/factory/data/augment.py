"""More examples from those at hand: typos, other words, dropped and moved words, case, width and homophones.

What is made keeps its label and shares a group with what it was made from, so that no split parts them.
"""

import hashlib
import random
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from kefu.contracts.dataset import Dataset, Example
from kefu.contracts.job import Tell, Told
from kefu.factory.data.check import holds_pictures
from kefu.factory.data.near import wording
from kefu.factory.data.rewrite import KINDS, rewrite
from kefu.kit.errors import BadInput
from kefu.knowledge.labels import dataset_of

MOST_PER_EXAMPLE = 20
# A short text has few variants: after so many tries for each that is wanted it is left with fewer.
_TRIES = 4


def augment(
    data: Dataset,
    *,
    per_example: int,
    seed: int = 0,
    kinds: Collection[str] = KINDS,
    apart: Sequence[Dataset] = (),
    tell: Tell | None = None,
) -> Dataset:
    """The dataset with up to `per_example` variants behind each example; the same seed makes the same ones.

    `apart` are the parts that a model will be measured on: no variant comes near them. Raises BadInput when the data
    itself shares a wording with them, and for kinds that there are not.
    """
    _check(per_example, kinds)
    if holds_pictures(data):
        raise BadInput("Pictures have no words to vary; the recipe cnn flips, moves and turns them as it learns.")
    measured = {wording(each.text) for part in apart for each in part.examples}
    _refuse_shared(data, measured)
    taken: dict[str, set[str | None]] = defaultdict(set)
    for example in data.examples:
        taken[wording(example.text)].add(example.label)
    texts = {example.text for example in data.examples}
    made: list[Example] = []
    for done, example in enumerate(data.examples, start=1):
        grouped = replace(example, group=example.group or group_of(example))
        made.append(grouped)
        # Its own seed, so that one more example in the file changes nothing for the others.
        chance = random.Random(f"{seed}:{example.text}")  # noqa: S311  a choice, not a secret
        for text, kind in _variants(example, per_example, kinds, chance):
            key = wording(text)
            if text not in texts and key not in measured and taken[key] <= {example.label}:
                texts.add(text)
                taken[key].add(example.label)
                made.append(replace(grouped, text=text, extra={**example.extra, "made_by": kind}))
        if tell is not None and (done % 200 == 0 or done == len(data.examples)):
            tell(Told.PROGRESS, {"done": done, "total": len(data.examples), "unit": "examples"})
    return dataset_of(made, mapping={**data.mapping, "group": "group"}, format=data.format)


def group_of(example: Example) -> str:
    """A group's name for an example without one: by its wording, so that its duplicates share it."""
    return "v-" + hashlib.sha256(wording(example.text).encode()).hexdigest()[:12]


def _variants(example: Example, count: int, kinds: Collection[str], chance: random.Random) -> Iterator[tuple[str, str]]:
    """Up to `count` different texts and how each was made, the kinds by turns."""
    found: set[str] = {example.text}
    turns = [kind for kind in KINDS if kind in kinds]
    chance.shuffle(turns)
    for at in range(_TRIES * count):
        if len(found) > count:
            return
        kind = turns[at % len(turns)]
        text = rewrite(example.text, kind, chance)
        if text is not None and text not in found and text.strip():
            found.add(text)
            yield text, kind


def _check(per_example: int, kinds: Collection[str]) -> None:
    if not 1 <= per_example <= MOST_PER_EXAMPLE:
        raise BadInput(f"From 1 to {MOST_PER_EXAMPLE} variants can be made of each example, not {per_example}.")
    unknown = [kind for kind in kinds if kind not in KINDS]
    if unknown or not kinds:
        raise BadInput(
            f"There is no way to augment called {', '.join(unknown) or 'nothing'}. Ways: {', '.join(KINDS)}."
        )


def _refuse_shared(data: Dataset, measured: Collection[str]) -> None:
    shared = [example for example in data.examples if wording(example.text) in measured]
    if shared:
        raise BadInput(
            f"{len(shared)} texts (the first in line {shared[0].row}) are in the validation data, too: variants of "
            "them would let the model see what it is measured on. Split the data anew with `kefu data split`."
        )
