"""Networks that tell words: an encoder that fills gaps, and a generator that goes on.

Telling every word of a vocabulary for every token would be most of the work, and only some tokens are asked about. So
the network gives hidden states in place of logits, and whoever asks has it `tell` those that matter.
"""

from collections.abc import Mapping
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from kefu.factory.network import TextNetwork, dimension_of, set_dropout
from kefu.kit.errors import BadInput


class LanguageNetwork(TextNetwork):
    """Hidden states [batch, tokens, dimension] in place of logits; no vector of the text."""

    def __init__(self, encoder: nn.Module, head: nn.Module, *, dropout: float = 0.0) -> None:
        nn.Module.__init__(self)
        self.encoder, self.dropout = encoder, nn.Dropout(dropout)
        self.head = head  # type: ignore[assignment]  # its own kind: it tells words, not labels
        set_dropout(encoder, dropout)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> tuple[Tensor, Tensor]:
        hidden = self._hidden(input_ids, attention_mask)
        return hidden, hidden.new_zeros(len(hidden), 0)

    def tell(self, hidden: Tensor) -> Tensor:
        """Logits [n, vocabulary] for hidden states [n, dimension]."""
        return cast(Tensor, self.head(hidden, self.word_table()))


class GapHead(nn.Module):
    """What an encoder fills gaps with: a layer, and the word table itself as the last one (Devlin 2019)."""

    def __init__(self, dimension: int, vocabulary: int) -> None:
        super().__init__()
        self.dense, self.norm = nn.Linear(dimension, dimension), nn.LayerNorm(dimension)
        self.bias = nn.Parameter(torch.zeros(vocabulary))

    def forward(self, hidden: Tensor, table: Tensor) -> Tensor:
        return functional.linear(self.norm(functional.gelu(self.dense(hidden))), table, self.bias)


class GapNetwork(LanguageNetwork):
    """An encoder and its `GapHead`."""

    def __init__(self, encoder: nn.Module, *, dropout: float = 0.0) -> None:
        vocabulary = len(cast(Any, encoder).get_input_embeddings().weight)
        super().__init__(encoder, GapHead(dimension_of(encoder), vocabulary), dropout=dropout)


class NextHead(nn.Module):
    """What a generator goes on with: its word table, or a table of its own."""

    def __init__(self, own: Tensor | None = None) -> None:
        super().__init__()
        self.weight = None if own is None else nn.Parameter(own)

    def forward(self, hidden: Tensor, table: Tensor) -> Tensor:
        return functional.linear(hidden, table if self.weight is None else self.weight)


class NextNetwork(LanguageNetwork):
    """A decoder whose rows may hold several texts, one after another: none of them sees another.

    In place of a mask it takes each token's text, counted from 1 in its row; 0 is padding.
    """

    def __init__(self, encoder: nn.Module, own_table: Tensor | None = None, *, dropout: float = 0.0) -> None:
        super().__init__(encoder, NextHead(own_table), dropout=dropout)
        self.has_adapter = False

    @property
    def learning(self) -> int:
        """How many numbers learn."""
        return sum(each.numel() for each in self.parameters() if each.requires_grad)

    def weights(self) -> dict[str, Tensor]:
        """Beside an adapter, what learns; the rest is the base's."""
        if not self.has_adapter:
            return super().weights()
        return {name: each for name, each in self.named_parameters() if each.requires_grad}

    def put_back(self, weights: Mapping[str, Tensor]) -> None:
        if not self.has_adapter:
            super().put_back(weights)
            return
        if other := set(weights) ^ set(self.weights()):
            raise KeyError(min(other))
        self.load_state_dict(dict(weights), strict=False)

    def freeze(self, *, word_table: bool, layers: int) -> None:
        if word_table:
            self.word_table().requires_grad_(False)
        if layers:
            found = cast(Any, self.encoder).layers
            if layers > len(found):
                raise BadInput(f"{layers} layers cannot be frozen: the generator has {len(found)}.", layers=layers)
            for each in (cast(Any, self.encoder).get_input_embeddings(), *found[:layers]):
                each.requires_grad_(False)

    def _hidden(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        visible, places = seen(attention_mask)
        return cast(
            Tensor,
            self.encoder(input_ids=input_ids, attention_mask=visible, position_ids=places, use_cache=False)[0],
        )


def seen(texts: Tensor) -> tuple[Tensor, Tensor]:
    """Which tokens each token sees, bool [batch, 1, tokens, tokens], and its place in its text, int64 [batch, tokens].

    `texts` [batch, tokens] are the numbers of the texts that the tokens of a row belong to.
    """
    width = texts.shape[1]
    order = torch.arange(width, device=texts.device)
    visible = (texts[:, :, None] == texts[:, None, :]) & (order[:, None] >= order[None, :])
    begins = torch.ones_like(texts, dtype=torch.bool)
    begins[:, 1:] = texts[:, 1:] != texts[:, :-1]
    starts = torch.where(begins, order, 0).cummax(1).values
    return visible[:, None], order - starts
