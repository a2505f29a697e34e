"""Teaching a network slots: rows as tokens, the loss over them, and what it finds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional

from kefu.contracts.engine import Matrix
from kefu.factory.batches import Batches, Tokens, by_length, pad
from kefu.factory.devices import given_by
from kefu.factory.evaluate.spans import span_f1
from kefu.factory.lessons import PREDICTED_AT_ONCE
from kefu.factory.network import TextNetwork
from kefu.knowledge.tagging.lattice import decode, targets
from kefu.knowledge.tagging.pieces import Pieces, asked, pieces
from kefu.knowledge.tagging.rows import SlotSpan, TaggedRow

# What the loss passes over: special tokens, the question's words, padding.
IGNORED = -100


@dataclass(frozen=True)
class Read:
    """Rows as a network reads them: `tokens` with a target each, and the pieces of the text among them."""

    rows: Sequence[TaggedRow]
    tokens: Tokens
    targets: Sequence[Sequence[int]]
    pieces: Sequence[Pieces]


def read_rows(tokenizer: Tokenizer, rows: Sequence[TaggedRow], slots: Sequence[str], *, max_tokens: int) -> Read:
    """Tokens and targets of each row, cut to `max_tokens`."""
    tokenizer.enable_truncation(max_tokens)
    try:
        read = [_read(tokenizer, row, slots) for row in rows]
    finally:
        tokenizer.no_truncation()
    return Read(rows, [each[0] for each in read], [each[1] for each in read], [each[2] for each in read])


def _read(tokenizer: Tokenizer, row: TaggedRow, slots: Sequence[str]) -> tuple[list[int], list[int], Pieces]:
    whole, start = asked(row.text, row.requested)
    encoded = tokenizer.encode(whole)
    found = pieces(encoded, whole, start)
    meant = [IGNORED] * len(encoded.ids)
    for at, tag in zip(found.rows, targets(found.places, row.spans, slots), strict=True):
        meant[at] = tag
    return list(encoded.ids), meant, found


@dataclass
class TagLesson:
    """Cross-entropy over the pieces of each text. `loop.Lesson`."""

    tokens: Tokens
    targets: Sequence[Sequence[int]]
    valid: Read
    slots: Sequence[str]
    pad_id: int
    batch: int
    seed: int
    bf16: bool = False

    def batches(self, epoch: int) -> Batches:
        return by_length([len(row) for row in self.tokens], size=self.batch, seed=self.seed, epoch=epoch)

    def inputs(self, rows: list[int]) -> tuple[Tensor, Tensor]:
        return pad([self.tokens[row] for row in rows], self.pad_id)

    def loss(self, logits: Tensor, vectors: Tensor, rows: list[int]) -> Tensor:
        width = logits.shape[1]
        meant = torch.tensor([[*self.targets[row], *[IGNORED] * width][:width] for row in rows])
        return functional.cross_entropy(logits.flatten(0, 1), meant.flatten(), ignore_index=IGNORED)

    def judge(self, network: TextNetwork) -> Mapping[str, float]:
        logits = token_logits(network, self.valid, self.pad_id, bf16=self.bf16)
        return {"span_f1": span_f1(self.valid.rows, spans_of(self.valid, logits, self.slots))}


@torch.no_grad()
def token_logits(network: TextNetwork, read: Read, pad_id: int, *, bf16: bool = False) -> list[Matrix]:
    """For each row the logits of its pieces, [pieces, tags]."""
    was_training = network.training
    network.eval()
    order = sorted(range(len(read.tokens)), key=lambda row: len(read.tokens[row]))
    found: list[Matrix] = [np.zeros((0, 0), np.float32)] * len(order)
    for start in range(0, len(order), PREDICTED_AT_ONCE):
        rows = order[start : start + PREDICTED_AT_ONCE]
        logits, _ = given_by(network, *pad([read.tokens[row] for row in rows], pad_id), bf16=bf16)
        for row, one in zip(rows, logits.numpy(), strict=True):
            found[row] = one[list(read.pieces[row].rows)]
    network.train(was_training)
    return found


def spans_of(read: Read, logits: Sequence[Matrix], slots: Sequence[str]) -> list[tuple[SlotSpan, ...]]:
    """The spans that logits mean, row by row."""
    return [
        tuple(
            SlotSpan(slots[each.slot], part.places[each.first][0], part.places[each.last][1])
            for each in decode(one, part.joined)
        )
        for part, one in zip(read.pieces, logits, strict=True)
    ]
