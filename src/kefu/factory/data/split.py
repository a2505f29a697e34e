"""Splitting data so that each part has its share of each label and no part has seen another's texts."""

import random
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from kefu.contracts.dataset import Dataset, Example
from kefu.factory.data.near import near_pairs, wording
from kefu.kit.errors import BadInput
from kefu.knowledge.labels import OUT_OF_SCOPE, dataset_of
from kefu.knowledge.masking import mask

_PLACEHOLDER = re.compile(r"<([A-Z_]+)_\d+>")
_DIGITS = re.compile(r"\d+")


def split(data: Dataset, ratios: Sequence[float], *, seed: int = 0) -> tuple[Dataset, ...]:
    """Parts of a dataset in its order, one for each ratio.

    Every label is spread by the ratios. Variants of a text stay in one part: by their `group`, by a wording that
    differs only in case, punctuation, numbers and personal data, or by saying nearly the same (see `near`). The same
    seed gives the same parts. Raises BadInput for ratios that are not parts of a whole and for data that would leave a
    part empty.
    """
    if len(ratios) < 2 or any(ratio <= 0 for ratio in ratios) or abs(sum(ratios) - 1) > 1e-6:
        raise BadInput(f"Ratios are two or more numbers above 0 whose sum is 1, such as 0.8, 0.1, 0.1; not {ratios}.")
    parts: list[list[int]] = [[] for _ in ratios]
    shares = _Shares(data.examples, ratios)
    chance = random.Random(seed)  # noqa: S311  a shuffle, not a secret
    groups = list(variants(data.examples))
    chance.shuffle(groups)
    # Large groups first: they no longer fit once single texts have filled the parts.
    for group in sorted(groups, key=len, reverse=True):
        parts[shares.take([data.examples[at] for at in group])] += group
    if any(not part for part in parts):
        raise BadInput(
            f"{len(data.examples)} examples in {len(groups)} groups of variants are too few for {len(ratios)} parts."
        )
    return tuple(
        dataset_of((data.examples[at] for at in sorted(part)), mapping=data.mapping, format=data.format)
        for part in parts
    )


def variants(examples: Sequence[Example]) -> Iterable[list[int]]:
    """Places of examples that belong together, by group, wording or nearness, also through one another."""
    first: dict[tuple[str, str], int] = {}
    plain: dict[str, int] = {}
    leader = list(range(len(examples)))

    def lead(at: int) -> int:
        while leader[at] != at:
            leader[at] = leader[leader[at]]
            at = leader[at]
        return at

    for at, example in enumerate(examples):
        keys = [("wording", masked_wording(example))] + ([("group", example.group)] if example.group else [])
        for key in keys:
            leader[lead(at)] = lead(first.setdefault(key, at))
        plain.setdefault(wording(example.text), at)
    places = list(plain.values())
    for one, other, _ in near_pairs(list(plain)).pairs:
        leader[lead(places[one])] = lead(places[other])
    groups: dict[int, list[int]] = defaultdict(list)
    for at in range(len(examples)):
        groups[lead(at)].append(at)
    return groups.values()


def masked_wording(example: Example) -> str:
    """A text's wording with personal data by their kind and all numbers alike: what its variants share."""
    text = _PLACEHOLDER.sub(lambda match: match[1], mask(example.text, example.language, masked_before=True).text)
    return _DIGITS.sub("0", wording(text))


class _Shares:
    """How many examples of each label each part still wants."""

    def __init__(self, examples: Sequence[Example], ratios: Sequence[float]) -> None:
        counts = Counter(_label(each) for each in examples)
        self._sizes = [ratio * len(examples) for ratio in ratios]
        self._wanted = [dict.fromkeys(counts, 0.0) for _ in ratios]
        # What rounding leaves over goes where the most of it was cut off, over all labels so far; but the first part,
        # which is trained on, gets one of each.
        owed = [0.0] * len(ratios)
        for label, count in sorted(counts.items()):
            exact = [ratio * count for ratio in ratios]
            whole = [int(share) for share in exact]
            for part in range(len(ratios)):
                owed[part] += exact[part] - whole[part]
            for _ in range(count - sum(whole)):
                part = max(range(len(ratios)), key=lambda at: owed[at]) if whole[0] else 0
                owed[part] -= 1
                whole[part] += 1
            for part, share in enumerate(whole):
                self._wanted[part][label] = float(share)

    def take(self, group: Sequence[Example]) -> int:
        """The part that a group goes to: the one that wants the most of its labels, by share of its size."""
        labels = Counter(_label(each) for each in group)

        def want(part: int) -> tuple[float, float]:
            open_places = sum(min(count, self._wanted[part][label]) for label, count in labels.items())
            over = sum(max(count - self._wanted[part][label], 0) for label, count in labels.items())
            return open_places - over, sum(self._wanted[part].values()) / self._sizes[part]

        part = max(range(len(self._sizes)), key=want)
        for label, count in labels.items():
            self._wanted[part][label] -= count
        return part


def _label(example: Example) -> str:
    return OUT_OF_SCOPE[0] if example.label is None else example.label
