"""Made data that a tiny network can learn, and a network to learn it."""

import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from kefu.contracts.dataset import Dataset, Example
from kefu.contracts.job import Told
from kefu.factory.bases import Base, from_folder, new_network
from kefu.factory.batches import tokenize
from kefu.factory.lessons import Checked, LabelLesson
from kefu.factory.network import TextNetwork
from kefu.knowledge.labels import dataset_of

from .tiny_bert import FILLER, TOPICS

LABELS = tuple(sorted(TOPICS))


def sentences(rows: int, seed: int = 0) -> Dataset:
    """Sentences of three topics in turn, of different lengths."""
    chance = random.Random(seed)
    examples = []
    for row in range(rows):
        label = LABELS[row % len(LABELS)]
        words = [*chance.choices(TOPICS[label], k=2), *chance.choices(FILLER, k=chance.randint(1, 7))]
        chance.shuffle(words)
        examples.append(Example(" ".join(words), label, row + 1))
    return dataset(examples)


def dataset(examples: list[Example]) -> Dataset:
    return dataset_of(examples, mapping={"text": "text", "label": "label"}, format="csv")


def lesson_on(base: Base, data: Dataset, valid: Dataset, **given: Any) -> LabelLesson:
    """A lesson of batches of 8 texts by length."""

    def checked(part: Dataset) -> Checked:
        tokens = tokenize(base.tokenizer, [each.text for each in part.examples], max_tokens=32)
        return Checked(tokens, torch.tensor([LABELS.index(str(each.label)) for each in part.examples]))

    taught = checked(data)
    options = {"batch": 8, "seed": 0, **given}
    return LabelLesson(taught.tokens, base.pad_id, taught.targets, checked(valid), **options)


def network_on(folder: Path, *, dropout: float = 0.1, seed: int = 0) -> tuple[TextNetwork, Base]:
    torch.manual_seed(seed)
    base = from_folder(folder)
    return new_network(base, len(LABELS), dropout=dropout), base


class Heard:
    """Keeps what is told; `at` runs when the step of that number is."""

    def __init__(self, at: Mapping[int, Any] | None = None) -> None:
        self.events: list[tuple[Told, Mapping[str, Any]]] = []
        self._at = dict(at or {})

    def __call__(self, told: Told, fields: Mapping[str, Any]) -> None:
        self.events.append((told, fields))
        if told is Told.STEP and fields["step"] in self._at:
            self._at.pop(fields["step"])()

    def of(self, told: Told) -> list[Mapping[str, Any]]:
        return [fields for kind, fields in self.events if kind is told]
