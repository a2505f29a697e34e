"""More labels later: a trained model, the data it was taught, and new data with labels that it does not know.

What it was taught is taught again beside the new (rehearsal), while the earlier model's answers are kept to
(distillation, Li and Hoiem 2016). Where no copy of its data is left, its encoder stays as it is and the head meets the
vectors that its statistics of scope hold.
"""

import hashlib
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from kefu.contracts.dataset import Dataset, Example
from kefu.contracts.engine import Matrix
from kefu.contracts.job import Job, Tell, Told
from kefu.contracts.model_card import CARD_FILE, ModelCard, read_card
from kefu.factory.bases import Base, from_folder
from kefu.factory.data.version import combined, keep, kept
from kefu.factory.seal import SCOPE_FILE, outputs, write_card
from kefu.kit.errors import BadInput
from kefu.knowledge.labels import dataset_of


@dataclass(frozen=True)
class Growth:
    """What is trained on. `base` is the earlier model's network, None where training begins anew.

    `old_labels` are in the order of the earlier model's logits, `labels` all of them, sorted.
    """

    data: Dataset
    valid: Dataset
    labels: tuple[str, ...]
    old_labels: tuple[str, ...] = ()
    base: Base | None = None
    earlier: Path | None = None
    parents: tuple[str, ...] = ()

    @property
    def has_all_labels(self) -> bool:
        """Whether each label has a text."""
        return set(self.labels) == set(self.data.labels)

    @property
    def is_from_memory(self) -> bool:
        """Whether an earlier model is taught more without the data it was taught before."""
        return self.base is not None and not self.has_all_labels


def grow(job: Job, data: Dataset, valid: Dataset, *, per_label: int, seed: int, tell: Tell) -> Growth:
    """What to train on for a job, with what the model `job.extend` was taught if there is one.

    All of its data are kept in `job.out` for the next time; at most `per_label` texts of each label are taught again.
    Raises BadInput for an earlier model that nothing can be kept of.
    """
    if not job.extend:
        return Growth(data, valid, tuple(sorted(data.labels)))
    folder = Path(job.extend)
    card = read_card(folder)
    if card.task != "classify":
        raise BadInput(f"{card.name} gives numbers, so it cannot take labels.", model=str(folder))
    earlier = kept(folder / "data", name="train")
    base = from_folder(folder, card.base_model or "") if (folder / "model.safetensors").is_file() else None
    if earlier is None and base is None:
        raise BadInput(
            f"{folder} has neither a copy of the data it was trained on nor weights to train on from, so its labels "
            "would be forgotten. Train with all the data instead.",
            model=str(folder),
        )
    if earlier is not None:
        keep(combined(earlier, data), Path(job.out) / "data", name="train")
        data = combined(_sample(earlier, per_label, seed), data)
    earlier_valid = kept(folder / "data", name="valid")
    if earlier_valid is not None:
        valid = combined(earlier_valid, valid)
        keep(valid, Path(job.out) / "data", name="valid")
    growth = Growth(
        data=data,
        valid=valid,
        labels=tuple(sorted({*card.labels, *data.labels})),
        old_labels=card.labels if base is not None else (),
        base=base,
        earlier=folder,
        parents=(*card.parents, _digest(folder / CARD_FILE)),
    )
    _tell_growth(growth, card, earlier, tell)
    return growth


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _tell_growth(growth: Growth, card: ModelCard, earlier: Dataset | None, tell: Tell) -> None:
    new = [label for label in growth.labels if label not in card.labels]
    how = (
        "its data are taught again"
        if earlier is not None
        else "no copy of its data is left, so its encoder stays as it is"
    )
    sentence = f"{card.name} knows {len(card.labels)} labels, {len(new)} are new; {how}."
    tell(Told.NOTE, {"sentence": sentence})


def _sample(data: Dataset, per_label: int, seed: int) -> Dataset:
    """At most so many examples of each label, in their order."""
    by_label: dict[str, list[int]] = {}
    for place, example in enumerate(data.examples):
        by_label.setdefault(example.label or "", []).append(place)
    chance = random.Random(seed)  # noqa: S311  which texts, no secret
    chosen = sorted(
        place
        for _, places in sorted(by_label.items())
        for place in (places if len(places) <= per_label else chance.sample(places, per_label))
    )
    return dataset_of(tuple(data.examples[place] for place in chosen), mapping=data.mapping, format=data.format)


def remembered_vectors(folder: Path) -> Matrix:
    """The unit vectors of texts that a model was taught, as its statistics of scope hold them: [n, dimension].

    They are kept as c = (v - mean) / r, of unit length; r follows from v being of unit length, too.
    """
    from safetensors.numpy import load_file

    if not (folder / SCOPE_FILE).is_file():
        return np.zeros((0, 0), np.float32)
    arrays = load_file(folder / SCOPE_FILE)
    mean, bank = arrays["mean"].astype(np.float32), arrays["bank"].astype(np.float32)
    along = bank @ mean
    length = np.sqrt(np.maximum(along**2 + 1 - float(mean @ mean), 0.0)) - along
    return np.asarray(mean + length[:, None] * bank, np.float32)


def remembered(out: Path, card: ModelCard, growth: Growth, tell: Tell) -> ModelCard:
    """The card with what was known of old and new labels before and after, as each model is served."""
    assert growth.earlier is not None
    before = read_card(growth.earlier)
    old = set(before.labels)
    metrics: dict[str, float] = {}
    for name, wanted in (("old", old), ("new", set(card.labels) - old)):
        rows = _rows_of(growth, wanted)
        if rows:
            metrics[f"{name}_labels_before"] = _accuracy(growth.earlier, before.labels, rows)
            metrics[f"{name}_labels_after"] = _accuracy(out, card.labels, rows)
    said = ", ".join(f"{name.replace('_', ' ')} {value:.3f}" for name, value in metrics.items())
    tell(Told.NOTE, {"sentence": f"Accuracy on {said}.", **metrics})
    return write_card(out, replace(card, metrics={**card.metrics, **metrics}))


def _rows_of(growth: Growth, labels: set[str]) -> list[Example]:
    """The validation rows of these labels; without any, the training rows."""
    for data in (growth.valid, growth.data):
        rows = [each for each in data.examples if each.label in labels]
        if rows:
            return rows
    return []


def _accuracy(folder: Path, labels: Sequence[str], rows: Sequence[Example]) -> float:
    logits = outputs(folder, [each.text for each in rows]).logits
    found = [labels[place] for place in np.argmax(logits, axis=1)]
    right = sum(1 for name, each in zip(found, rows, strict=True) if name == each.label)
    return right / len(rows)
