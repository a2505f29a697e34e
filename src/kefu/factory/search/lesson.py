"""Questions against passages: the right one must be nearer than all others of the batch and those that look alike."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from kefu.factory.batches import Batches, Tokens, pad
from kefu.factory.evaluate.retrieval import FIRST, ranks
from kefu.factory.lessons import predict
from kefu.factory.network import TextNetwork

# Of the passages that an untaught encoder ranks, the hard ones lie here: nearer ones may well answer, too.
_NEAREST, _FARTHEST = 2, 30


@dataclass(frozen=True)
class Texts:
    """Tokenised texts: of each question the `right` passage's row, and the rows of passages that do not answer it."""

    questions: Tokens
    passages: Tokens
    right: Sequence[int]
    wrong: Sequence[Sequence[int]]


@dataclass
class PairLesson:
    """`loop.Lesson`: in-batch negatives (Henderson 2017) and hard ones, in both directions.

    Rows are of questions first, then of passages. `backwards` is what finding the question of a passage counts.
    """

    texts: Texts
    valid: Texts
    pad_id: int
    batch: int
    seed: int
    hard: int
    scale: float
    backwards: float
    bf16: bool = False

    def batches(self, epoch: int) -> Batches:
        """Each question once; a batch holds no passage twice, and the hard ones of its questions."""
        chance = random.Random(f"{self.seed}:{epoch}")  # noqa: S311  an order, no secret
        left = list(range(len(self.texts.questions)))
        chance.shuffle(left)
        # The same number each epoch, whatever falls together: what is left over is spread.
        count = max(1, -(-len(left) // self.batch))
        parts: list[list[int]] = [[] for _ in range(count)]
        taken: list[set[int]] = [set() for _ in range(count)]
        for place, row in enumerate(left):
            at = next((k % count for k in range(place, place + count) if self._fits(parts, taken, k % count, row)), -1)
            if at >= 0:
                parts[at].append(row)
                taken[at].add(self.texts.right[row])
        return [self._rows(part, chance) for part in parts]

    def _fits(self, parts: list[list[int]], taken: list[set[int]], at: int, row: int) -> bool:
        return len(parts[at]) < self.batch and self.texts.right[row] not in taken[at]

    def _rows(self, questions: list[int], chance: random.Random) -> list[int]:
        first = len(self.texts.questions)
        right = [self.texts.right[row] for row in questions]
        held, more = set(right), []
        for row in questions:
            wrong = [each for each in self.texts.wrong[row] if each not in held]
            for each in chance.sample(wrong, min(self.hard, len(wrong))):
                held.add(each)
                more.append(each)
        return [*questions, *(first + each for each in [*right, *more])]

    def inputs(self, rows: list[int]) -> tuple[Tensor, Tensor]:
        first = len(self.texts.questions)
        texts = [self.texts.questions[row] if row < first else self.texts.passages[row - first] for row in rows]
        return pad(texts, self.pad_id)

    def loss(self, logits: Tensor, vectors: Tensor, rows: list[int]) -> Tensor:
        count = sum(1 for row in rows if row < len(self.texts.questions))
        scores = self.scale * vectors[:count] @ vectors[count:].T
        target = torch.arange(count)
        loss = functional.cross_entropy(scores, target)
        return loss + self.backwards * functional.cross_entropy(scores[:, :count].T, target)

    def judge(self, network: TextNetwork) -> Mapping[str, float]:
        return figures(network, self.valid, self.pad_id, bf16=self.bf16)


def figures(network: TextNetwork, texts: Texts, pad_id: int, *, bf16: bool = False) -> dict[str, float]:
    """Recall of each question's passage among all passages; the first is what early stopping watches."""
    if not texts.questions:
        return {}
    asked, found = (predict(network, each, pad_id, bf16=bf16)[1].numpy() for each in (texts.questions, texts.passages))
    place = ranks(asked, found, np.array(texts.right))
    return {
        "recall_5": float((place < FIRST).mean()),
        "recall_1": float((place < 1).mean()),
        "mrr": float((1 / (place + 1)).mean()),
    }


def hard_ones(
    network: TextNetwork, texts: Texts, pad_id: int, *, most: int, seed: int, bf16: bool = False
) -> list[list[int]]:
    """For each question up to `most` passages that the untaught network finds near, but not nearest, and its own."""
    chance = random.Random(seed)  # noqa: S311  a draw, no secret
    asked, found = (predict(network, each, pad_id, bf16=bf16)[1].numpy() for each in (texts.questions, texts.passages))
    mined = []
    for row, own in enumerate(texts.right):
        order = np.argsort(-(found @ asked[row]), kind="stable")
        near = [int(each) for each in order[: _FARTHEST + 1] if each != own][_NEAREST:]
        mined.append([*texts.wrong[row], *chance.sample(near, min(most, len(near)))])
    return mined
