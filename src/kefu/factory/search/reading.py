"""Reading a question with passages: the one that answers must be told from those that search finds beside it."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from kefu.factory.batches import Batches, Tokens, by_length, pad
from kefu.factory.lessons import predict
from kefu.factory.network import TextNetwork
from kefu.factory.search.candidates import Candidates, best_weight, figures_of, reordered
from kefu.knowledge.rerank import joined


@dataclass(frozen=True)
class Lists:
    """Tokenised questions and passages, the right passage of each question, and those that do not answer it."""

    questions: Tokens
    passages: Tokens
    right: Sequence[int]
    wrong: Sequence[Sequence[int]]

    def pair(self, question: int, passage: int, most: int) -> list[int]:
        """A question and a passage as one text."""
        return joined(self.questions[question], self.passages[passage], most)


@dataclass
class ListLesson:
    """`loop.Lesson`: of each question's short list the right passage is the likeliest (Gao 2021).

    A row is a question; other epochs show others of its wrong passages, `hard` at a time. Logits count `scale` times:
    those of a head on unit vectors begin small.
    """

    lists: Lists
    valid: Lists
    candidates: Candidates
    pad_id: int
    batch: int
    seed: int
    hard: int
    scale: float
    max_tokens: int
    bf16: bool = False

    def batches(self, epoch: int) -> Batches:
        """Each question once, those of like length together; a row's number says the epoch, too."""
        count = len(self.lists.questions)
        lengths = [
            len(self.lists.questions[row]) + len(self.lists.passages[self.lists.right[row]]) for row in range(count)
        ]
        found = by_length(lengths, size=self.batch, seed=self.seed, epoch=epoch)
        return [[epoch * count + row for row in rows] for rows in found]

    def inputs(self, rows: list[int]) -> tuple[Tensor, Tensor]:
        texts = [self.lists.pair(*one, self.max_tokens) for row in rows for one in self._shown(row)]
        return pad(texts, self.pad_id)

    def loss(self, logits: Tensor, vectors: Tensor, rows: list[int]) -> Tensor:
        scores = self.scale * logits[:, 0].view(len(rows), -1)
        return functional.cross_entropy(scores, torch.zeros(len(rows), dtype=torch.int64))

    def judge(self, network: TextNetwork) -> Mapping[str, float]:
        logits = self.scale * read(network, self.valid, self.candidates, self.pad_id, self.max_tokens, bf16=self.bf16)
        parts = torch.split(logits, [len(rows) for rows in self.candidates.found])
        own = [part.numpy() for part in parts]
        return figures_of(reordered(self.candidates, own, best_weight(self.candidates, own)))

    def _shown(self, row: int) -> list[tuple[int, int]]:
        """The pairs of a question in an epoch, the right one first."""
        epoch, question = divmod(row, len(self.lists.questions))
        wrong = self.lists.wrong[question]
        some = [wrong[(epoch * self.hard + at) % len(wrong)] for at in range(self.hard)]
        return [(question, passage) for passage in (self.lists.right[question], *some)]


def read(
    network: TextNetwork, lists: Lists, candidates: Candidates, pad_id: int, max_tokens: int, *, bf16: bool = False
) -> Tensor:
    """The logits of each question with each of its candidates, one after another."""
    pairs = [
        lists.pair(question, passage, max_tokens) for question, rows in enumerate(candidates.found) for passage in rows
    ]
    return predict(network, pairs, pad_id, bf16=bf16)[0][:, 0] if pairs else torch.zeros(0)


def wrong_ones(candidates: Candidates, named: Sequence[Sequence[str]], *, least: int, seed: int) -> list[list[int]]:
    """For each question the passages that do not answer it: `named` ones, those found, and chance ones up to `least`.

    They are shuffled, so that each epoch's share of them is of all kinds.
    """
    chance = random.Random(seed)  # noqa: S311  a draw, no secret
    row = {text: at for at, text in enumerate(candidates.passages)}
    mined = []
    for at, right in enumerate(candidates.right):
        wrong = dict.fromkeys([row[text] for text in named[at]] + list(candidates.found[at]))
        wrong.pop(right, None)
        others = [each for each in range(len(candidates.passages)) if each != right and each not in wrong]
        found = [*wrong, *chance.sample(others, min(len(others), max(0, least - len(wrong))))]
        chance.shuffle(found)
        mined.append(found)
    return mined
