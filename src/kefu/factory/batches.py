"""Texts as tokens, and batches of them: alike in length, or balanced over labels.

An epoch's batches follow from the seed and the epoch's number alone, so that a resumed run meets the same ones.
"""

import random
from collections.abc import Sequence

import torch
from tokenizers import Tokenizer
from torch import Tensor

# Batches are cut from so many batches' worth of shuffled texts, sorted by length: enough that a batch has hardly any
# padding, few enough that every epoch's batches differ.
SORTED_BATCHES = 50
# Longer than a token of any language: what is surely past the limit is cut before it is tokenised.
CHARACTERS_A_TOKEN = 40

Tokens = list[list[int]]
Batches = list[list[int]]


def tokenize(tokenizer: Tokenizer, texts: Sequence[str], *, max_tokens: int) -> Tokens:
    """Each text's token ids, cut to `max_tokens`."""
    tokenizer.enable_truncation(max_tokens)
    try:
        cut = [_cut(text, max_tokens) for text in texts]
        return [list(encoded.ids) for encoded in tokenizer.encode_batch(cut)]
    finally:
        tokenizer.no_truncation()


def _cut(text: str, max_tokens: int) -> str:
    # Half a surrogate pair is no character; the tokenizer would raise.
    return text[: max_tokens * CHARACTERS_A_TOKEN].encode("utf-8", "replace").decode("utf-8")


def pad(tokens: Sequence[Sequence[int]], pad_id: int) -> tuple[Tensor, Tensor]:
    """int64 ids and mask, [texts, tokens of the longest]."""
    width = max(1, *(len(each) for each in tokens)) if len(tokens) > 1 else max(1, len(tokens[0]))
    ids = torch.tensor([[*each, *[pad_id] * (width - len(each))] for each in tokens], dtype=torch.int64)
    lengths = torch.tensor([[len(each)] for each in tokens])
    return ids, (torch.arange(width)[None, :] < lengths).to(torch.int64)


def by_length(lengths: Sequence[int], *, size: int, seed: int, epoch: int) -> Batches:
    """An epoch's batches of row numbers: every row once, rows of like length together, in a new order each epoch."""
    chance = _chance(seed, epoch)
    rows = list(range(len(lengths)))
    chance.shuffle(rows)
    batches: Batches = []
    for start in range(0, len(rows), size * SORTED_BATCHES):
        part = sorted(rows[start : start + size * SORTED_BATCHES], key=lambda row: lengths[row])
        batches += [part[at : at + size] for at in range(0, len(part), size)]
    chance.shuffle(batches)
    return batches


def shuffled(rows: int, *, size: int, seed: int, epoch: int) -> Batches:
    """An epoch's batches of row numbers: every row once, in a new order each epoch; no batch of a single row."""
    order = list(range(rows))
    _chance(seed, epoch).shuffle(order)
    batches = [order[at : at + size] for at in range(0, rows, size)]
    if len(batches) > 1 and len(batches[-1]) == 1:  # a single picture has no variance to normalise by
        batches[-2] += batches.pop()
    return batches


def balanced(targets: Sequence[int], *, labels: int, each: int, seed: int, epoch: int) -> Batches:
    """An epoch's batches of `each` rows of each of `labels` labels: as many texts as there are rows, all labels alike.

    Labels, and the rows of each, take turns, so that none is met twice before all others were met.
    """
    chance = _chance(seed, epoch)
    rows: dict[int, list[int]] = {}
    for row, target in enumerate(targets):
        rows.setdefault(target, []).append(row)
    names = sorted(rows)
    size = min(labels, len(names)) * each
    order: list[int] = []
    turns = {name: _Turns(found, chance) for name, found in rows.items()}
    batches: Batches = []
    for _ in range(max(1, -(-len(targets) // size))):
        if len(order) < min(labels, len(names)):
            again = [name for name in names if name not in order]
            chance.shuffle(again)
            order += again
        taken, order = order[:labels], order[labels:]
        batches.append([row for name in taken for row in turns[name].take(each)])
    return batches


class _Turns:
    """A label's rows in a shuffled order, over and over; a row comes at most once in what is taken at a time."""

    def __init__(self, rows: list[int], chance: random.Random) -> None:
        self._rows, self._chance = rows, chance
        self._left: list[int] = []

    def take(self, number: int) -> list[int]:
        taken: list[int] = []
        for _ in range(min(number, len(self._rows))):
            if not any(row not in taken for row in self._left):
                again = list(self._rows)
                self._chance.shuffle(again)
                self._left = again + self._left
            place = max(place for place, row in enumerate(self._left) if row not in taken)
            taken.append(self._left.pop(place))
        return taken


def _chance(seed: int, epoch: int) -> random.Random:
    return random.Random(f"{seed}.{epoch}")  # noqa: S311  an order of texts; a string is hashed alike everywhere
