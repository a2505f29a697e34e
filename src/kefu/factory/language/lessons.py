"""What language is taught with: gaps to fill, or words to go on with. Both are `loop.Lesson`."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional

from kefu.factory.batches import Batches, Tokens, by_length, pad, shuffled
from kefu.factory.devices import CPU, given_by, place_of
from kefu.factory.language.network import LanguageNetwork
from kefu.factory.network import TextNetwork

# Of the tokens that are asked about: shown as a gap, as another word, the rest as they are (Devlin 2019).
_GAP, _OTHER = 0.8, 0.1
# Texts of one forward pass where nothing is learnt.
_AT_ONCE = 16
_NOTHING = -100


@dataclass(frozen=True)
class Words:
    """A vocabulary as a lesson sees it: `special` tokens are never asked about, and never put in a gap's place."""

    size: int
    pad_id: int
    gap_id: int
    special: frozenset[int]


@dataclass
class GapLesson:
    """Filling gaps. Which tokens are gaps follows from seed, epoch and row, so that a run that goes on meets the same.

    `network` is the one that is taught: it tells only what is asked about.
    """

    network: LanguageNetwork
    tokens: Tokens
    valid: Tokens
    words: Words
    batch: int
    seed: int
    share: float = 0.15
    bf16: bool = False

    def batches(self, epoch: int) -> Batches:
        """Row numbers that hold their epoch: row + epoch * rows."""
        found = by_length([len(row) for row in self.tokens], size=self.batch, seed=self.seed, epoch=epoch)
        return [[row + epoch * len(self.tokens) for row in batch] for batch in found]

    def inputs(self, rows: list[int]) -> tuple[Tensor, Tensor]:
        return pad([self._gapped(row)[0] for row in rows], self.words.pad_id)

    def loss(self, logits: Tensor, vectors: Tensor, rows: list[int]) -> Tensor:
        """`logits` are the network's hidden states."""
        meant = _beside([self._gapped(row)[1] for row in rows], logits.shape[1])
        return _lost(self.network, logits, meant, self.bf16)

    def judge(self, network: TextNetwork) -> Mapping[str, float]:
        return gap_figures(self.network, self.valid, self.words, share=self.share, bf16=self.bf16)

    def _gapped(self, row: int) -> tuple[list[int], list[int]]:
        epoch, at = divmod(row, len(self.tokens))
        return gapped(self.tokens[at], self.words, share=self.share, key=(self.seed, epoch + 1, at))


def gapped(
    tokens: Sequence[int], words: Words, *, share: float, key: tuple[int, int, int]
) -> tuple[list[int], list[int]]:
    """A text with gaps, and what was there: -100 where nothing is asked. At least one token is asked about."""
    chance = np.random.default_rng(key)
    shown, meant = list(tokens), [_NOTHING] * len(tokens)
    places = [at for at, token in enumerate(tokens) if token not in words.special]
    if not places:
        return shown, meant
    drawn = chance.random((len(places), 2))
    asked = drawn[:, 0] < share
    asked[drawn[:, 0].argmin()] = True
    for place, (_, how) in zip(np.array(places)[asked].tolist(), drawn[asked], strict=True):
        meant[place] = tokens[place]
        if how < _GAP:
            shown[place] = words.gap_id
        elif how < _GAP + _OTHER:
            other = int(chance.integers(words.size))
            shown[place] = tokens[place] if other in words.special else other
    return shown, meant


def gap_figures(
    network: LanguageNetwork, tokens: Tokens, words: Words, *, share: float, bf16: bool = False
) -> dict[str, float]:
    """How likely, and how often first, the network tells what stood in the gaps of texts; the gaps are always alike."""

    def parts() -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        for rows in _alike(tokens):
            made = [gapped(tokens[row], words, share=share, key=(0, 0, row)) for row in rows]
            ids, mask = pad([shown for shown, _ in made], words.pad_id)
            yield ids, mask, _beside([meant for _, meant in made], ids.shape[1])

    return _figures(network, parts(), bf16)


@dataclass(frozen=True)
class Turns:
    """A text's tokens, and which of them are learnt: all of a page, of a chat the answers alone."""

    tokens: list[int]
    learnt: list[bool]


@dataclass
class NextLesson:
    """Going on with texts. Rows are packed: several texts one after another, none of which sees another."""

    network: LanguageNetwork
    rows: list[list[Turns]]
    valid: list[list[Turns]]
    pad_id: int
    batch: int
    seed: int
    bf16: bool = False

    def batches(self, epoch: int) -> Batches:
        return shuffled(len(self.rows), size=self.batch, seed=self.seed, epoch=epoch)

    def inputs(self, rows: list[int]) -> tuple[Tensor, Tensor]:
        return laid_out([self.rows[row] for row in rows], self.pad_id)[:2]

    def loss(self, logits: Tensor, vectors: Tensor, rows: list[int]) -> Tensor:
        """`logits` are the network's hidden states."""
        meant = laid_out([self.rows[row] for row in rows], self.pad_id)[2]
        return _lost(self.network, logits, meant, self.bf16)

    def judge(self, network: TextNetwork) -> Mapping[str, float]:
        return next_figures(self.network, self.valid, self.pad_id, bf16=self.bf16)


def packed(texts: Sequence[Turns], *, tokens: int, pack: bool = True) -> list[list[Turns]]:
    """Texts laid into rows of at most `tokens` tokens, each into the first that has room; longest first.

    Not `pack`: a row for each. No text is longer than a row.
    """
    if not pack:
        return [[each] for each in texts]
    rows: list[list[Turns]] = []
    room: list[int] = []
    # The first row that has room is among the last so many: looking through all of them would take the square.
    looked = 64
    for each in sorted(texts, key=lambda one: -len(one.tokens)):
        at = next((k for k in range(max(0, len(rows) - looked), len(rows)) if room[k] >= len(each.tokens)), -1)
        if at < 0:
            rows.append([each])
            room.append(tokens - len(each.tokens))
        else:
            rows[at].append(each)
            room[at] -= len(each.tokens)
    return rows


def rows_of(tokenizer: Tokenizer, texts: Sequence[str], *, end_id: int, max_tokens: int) -> list[Turns]:
    """Texts as rows of at most `max_tokens` tokens, all to be learnt, the last of each with the token that ends it."""
    found: list[Turns] = []
    for encoded in tokenizer.encode_batch(list(texts), add_special_tokens=False):
        ids = [*encoded.ids, end_id]
        parts = (ids[at : at + max_tokens] for at in range(0, len(ids), max_tokens))
        found += [Turns(part, [True] * len(part)) for part in parts if len(part) > 1]
    return found


def laid_out(rows: Sequence[Sequence[Turns]], pad_id: int) -> tuple[Tensor, Tensor, Tensor]:
    """Token ids, each token's text, and the token that follows where it is learnt, -100 elsewhere; [rows, tokens]."""
    width = max(sum(len(each.tokens) for each in row) for row in rows)
    ids = torch.full((len(rows), width), pad_id, dtype=torch.int64)
    texts = torch.zeros((len(rows), width), dtype=torch.int64)
    meant = torch.full((len(rows), width), _NOTHING, dtype=torch.int64)
    for at, row in enumerate(rows):
        place = 0
        for number, each in enumerate(row, start=1):
            size = len(each.tokens)
            own = torch.tensor(each.tokens)
            ids[at, place : place + size] = own
            texts[at, place : place + size] = number
            follows = torch.where(torch.tensor(each.learnt[1:]), own[1:], _NOTHING)
            meant[at, place : place + size - 1] = follows
            place += size
    return ids, texts, meant


def next_figures(
    network: LanguageNetwork, rows: Sequence[Sequence[Turns]], pad_id: int, *, bf16: bool = False
) -> dict[str, float]:
    """How likely, and how often first, the network goes on as texts do."""
    parts = (laid_out(rows[at : at + _AT_ONCE], pad_id) for at in range(0, len(rows), _AT_ONCE))
    return _figures(network, parts, bf16)


def _lost(network: LanguageNetwork, hidden: Tensor, meant: Tensor, bf16: bool) -> Tensor:
    """The cross-entropy of what is asked about; so many logits stay where they are made."""
    logits = told(network, hidden, meant >= 0, bf16)
    return functional.cross_entropy(logits, meant[meant >= 0].to(logits.device)).to(CPU)


def told(network: LanguageNetwork, hidden: Tensor, asked: Tensor, bf16: bool) -> Tensor:
    """Logits [n, vocabulary] of the hidden states [batch, tokens, dimension] that are asked about, as float32."""
    device = place_of(network)
    with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
        return network.tell(hidden[asked].to(device)).float()


def _figures(network: LanguageNetwork, parts: Iterator[tuple[Tensor, Tensor, Tensor]], bf16: bool) -> dict[str, float]:
    was_training = network.training
    network.eval()
    likely, first, count = 0.0, 0, 0
    for ids, mask, meant in parts:
        asked = meant >= 0
        with torch.no_grad():
            hidden, _ = given_by(network, ids, mask, bf16=bf16)
            logits = told(network, hidden, asked, bf16).to(CPU)
        likely -= float(functional.cross_entropy(logits, meant[asked], reduction="sum"))
        first += int((logits.argmax(1) == meant[asked]).sum())
        count += int(asked.sum())
    network.train(was_training)
    if not count:
        return {}
    mean = likely / count
    # Past e^30 a perplexity says nothing more.
    return {"log_likelihood": mean, "perplexity": math.exp(min(-mean, 30.0)), "token_accuracy": first / count}


def _alike(tokens: Tokens) -> Iterator[list[int]]:
    order = sorted(range(len(tokens)), key=lambda row: len(tokens[row]))
    for at in range(0, len(order), _AT_ONCE):
        yield order[at : at + _AT_ONCE]


def _beside(meant: Sequence[Sequence[int]], width: int) -> Tensor:
    return torch.tensor([[*each, *[_NOTHING] * (width - len(each))] for each in meant], dtype=torch.int64)
