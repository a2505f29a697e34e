"""Looking at labelled data before it is learnt from: what is in it, and what would make a model worse than it looks."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

import numpy as np

from kefu.contracts.dataset import Dataset, Example
from kefu.contracts.job import Tell, Told
from kefu.factory.data.findings import Duplicate, Leak, Lengths, NearDuplicate, Personal, Report, Suspect
from kefu.factory.data.label_errors import LEAST_ROWS, label_errors
from kefu.factory.data.near import NearPairs, near_pairs, wording
from kefu.factory.data.probabilities import OutOfFold
from kefu.kit.errors import BadInput
from kefu.knowledge.labels import OUT_OF_SCOPE
from kefu.knowledge.language import detect
from kefu.knowledge.masking import find, mask
from kefu.knowledge.pictures import is_picture

_SHOWN_CHARACTERS = 120
# Below it, a label is learnt from so little that its figures are chance.
_FEW = 5
# People label one row in ten wrong on a bad day; where twice as many are doubted, it is the labels that are unclear.
_DOUBTED = 0.2
_OF_PICTURES = "Of pictures it is looked which are the same; wrong labels are not looked for."


def check(
    train: Dataset, valid: Dataset | None = None, *, probabilities: OutOfFold | None = None, tell: Tell | None = None
) -> Report:
    """Look at a training file and, if given, at the validation file that goes with it.

    `probabilities` makes out-of-fold probabilities (see `probabilities.by_encoder`); without it no label errors are
    looked for. Raises BadInput for data without examples.
    """
    if not train.examples:
        raise BadInput("There is nothing to check: the dataset has no examples.")
    wordings = _wordings(train.examples)
    valid_wordings = _wordings(valid.examples) if valid else {}
    pictures = holds_pictures(train)
    compared = () if pictures else [*wordings, *(each for each in valid_wordings if each not in wordings)]
    near = near_pairs(compared)
    duplicates = [_duplicate(rows) for rows in wordings.values() if len(rows) > 1]
    suspects, notes = ((), [_OF_PICTURES]) if pictures else _suspects(train, probabilities)
    counts = Counter(example.label for example in train.examples if example.label is not None)
    return Report(
        rows=len(train.examples),
        out_of_scope=sum(1 for each in train.examples if each.label is None) if "label" in train.mapping else 0,
        labels=dict(counts.most_common()),
        lengths=_lengths(train.examples),
        languages={} if pictures else _languages(train.examples),
        valid_rows=len(valid.examples) if valid else 0,
        bad_rows=len(train.bad),
        duplicates=tuple(each for each in duplicates if len(each.labels) < 2),
        contradictions=tuple(each for each in duplicates if len(each.labels) > 1),
        near_duplicates=sum(1 for _, second, _ in near.pairs if second < len(wordings)),
        near_contradictions=tuple(_near_contradictions(list(wordings.values()), near)),
        leaks=tuple(_leaks(wordings, valid_wordings, near)),
        unknown_labels=_unknown(train, valid),
        suspects=suspects,
        personal=() if pictures else tuple(_personal(train.examples, tell)),
        notes=(*_notes(train, counts, near), *notes),
    )


def holds_pictures(data: Dataset) -> bool:
    """Whether the rows of a dataset are pictures."""
    return bool(data.examples) and is_picture(data.examples[0].text)


def _languages(examples: Sequence[Example]) -> dict[str, int]:
    return dict(Counter(each.language or detect(each.text) for each in examples).most_common())


def shown(text: str) -> str:
    """A text as reports show it: one line, personal data masked, not too long."""
    if is_picture(text):
        return "a picture"
    line = " ".join(mask(text[: 4 * _SHOWN_CHARACTERS]).text.split())
    return line if len(line) <= _SHOWN_CHARACTERS else line[: _SHOWN_CHARACTERS - 1] + "…"


def _wordings(examples: Sequence[Example]) -> dict[str, list[Example]]:
    """Examples by wording, in the order of the file."""
    found: dict[str, list[Example]] = defaultdict(list)
    for example in examples:
        found[wording(example.text)].append(example)
    return found


def _duplicate(examples: Sequence[Example]) -> Duplicate:
    labels = sorted({_label(each) for each in examples})
    return Duplicate(tuple(each.row for each in examples), shown(examples[0].text), tuple(labels))


def _label(example: Example) -> str:
    return OUT_OF_SCOPE[0] if example.label is None else example.label


def _near_contradictions(groups: Sequence[Sequence[Example]], near: NearPairs) -> Iterator[NearDuplicate]:
    for at, other, similarity in near.pairs:
        if other >= len(groups):
            continue
        first, second = groups[at][0], groups[other][0]
        if first.label != second.label:
            texts = shown(first.text), shown(second.text)
            yield NearDuplicate((first.row, second.row), texts, (_label(first), _label(second)), round(similarity, 3))


def _leaks(train: dict[str, list[Example]], valid: dict[str, list[Example]], near: NearPairs) -> Iterator[Leak]:
    """Each row of the validation file once, with the training row that is nearest to it."""
    new = [each for each in valid if each not in train]
    groups = list(train.values())
    nearest: dict[str, tuple[float, Example]] = {}
    for at, other, similarity in near.pairs:
        if at < len(groups) <= other:
            key = new[other - len(groups)]
            nearest[key] = max(
                nearest.get(key, (0.0, groups[at][0])), (similarity, groups[at][0]), key=lambda pair: pair[0]
            )
    for key, examples in valid.items():
        similarity, known = (1.0, train[key][0]) if key in train else nearest.get(key, (0.0, None))
        if known is not None:
            yield from (Leak(each.row, known.row, shown(each.text), round(similarity, 3)) for each in examples)


def _unknown(train: Dataset, valid: Dataset | None) -> tuple[str, ...]:
    """Labels of the validation file that the training file never shows."""
    return tuple(label for label in valid.labels if label not in train.labels) if valid and train.labels else ()


def _suspects(train: Dataset, probabilities: OutOfFold | None) -> tuple[tuple[Suspect, ...], list[str]]:
    if probabilities is None:
        return (), []
    examples = [each for each in train.examples if each.label is not None]
    counts = Counter(str(each.label) for each in examples)
    if sum(1 for count in counts.values() if count >= LEAST_ROWS) < 2:
        return (), [f"Label errors were not looked for: that needs two labels with {LEAST_ROWS} rows or more."]
    place = {label: at for at, label in enumerate(train.labels)}
    labels = np.array([place[str(each.label)] for each in examples], np.int64)
    found = label_errors(probabilities([each.text for each in examples], labels, len(place)), labels)
    suspects = (
        Suspect(
            row=examples[each.place].row,
            text=shown(examples[each.place].text),
            label=str(examples[each.place].label),
            suggested=train.labels[each.suggested],
            confidence=round(each.confidence, 3),
        )
        for each in found
    )
    notes = []
    if len(found) > _DOUBTED * len(examples):
        notes.append(
            f"{len(found) / len(examples):.0%} of the labels look wrong: more likely the texts alone do not tell these "
            "labels apart. See whether some should be one label, or need what was said before."
        )
    return tuple(suspects), notes


def _personal(examples: Sequence[Example], tell: Tell | None) -> Iterator[Personal]:
    for done, example in enumerate(examples, start=1):
        kinds = sorted({entity.kind for entity in find(example.text, example.language)})
        if kinds:
            yield Personal(example.row, tuple(kinds))
        if tell is not None and (done % 500 == 0 or done == len(examples)):
            tell(Told.PROGRESS, {"done": done, "total": len(examples), "unit": "texts searched for personal data"})


def _lengths(examples: Sequence[Example]) -> Lengths:
    lengths = np.array([0 if is_picture(each.text) else len(each.text) for each in examples])
    return Lengths(int(lengths.min()), int(np.median(lengths)), int(np.percentile(lengths, 95)), int(lengths.max()))


def _notes(train: Dataset, counts: Counter[str], near: NearPairs) -> Iterator[str]:
    if "label" not in train.mapping and "score" not in train.mapping:
        yield "No column looks like labels: nothing can be learnt from this until one is named with --label-column."
    few = [label for label, count in counts.items() if count < _FEW]
    if few:
        listed = ", ".join(few[:5]) + ("…" if len(few) > 5 else "")
        yield f"{len(few)} label(s) have fewer than {_FEW} examples: {listed}. Add some, or run `kefu data augment`."
    if len(counts) == 1:
        yield "There is one label only: at least two are needed to tell one from another."
    if not near.complete:
        yield f"More than {len(near.pairs):,} pairs say nearly the same; only these were compared."
