"""The network that is trained: an encoder, mean pooling to a unit vector, and a linear head on it."""

from collections.abc import Collection, Mapping
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from kefu.kit.errors import BadInput

# Logits of a head on unit vectors start as this many times the cosine to a label's centroid: the usual temperature of
# 0.05 of sentence encoders, at which a softmax over a hundred labels tells the nearest from the rest.
CENTROID_SCALE = 20.0


class TextNetwork(nn.Module):
    """Texts as tokens to logits [batch, outputs] and unit vectors [batch, dimension].

    `encoder` is a Hugging-Face encoder whose first output is the last hidden state. The head sees the unit vector, so
    that what labels are told from is what the serving side gets as `sentence_embedding`.
    """

    # Whether there are logits for each token, not for the text.
    per_token = False

    def __init__(self, encoder: nn.Module, outputs: int, *, dropout: float = 0.0) -> None:
        super().__init__()
        self.encoder = encoder
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(dimension_of(encoder), outputs)
        set_dropout(encoder, dropout)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> tuple[Tensor, Tensor]:
        vectors = self.embed(input_ids, attention_mask)
        return self.head(self.dropout(vectors)), vectors

    def embed(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """float32 [batch, dimension], each row of unit length, for int64 [batch, tokens]."""
        return self._pooled(self._hidden(input_ids, attention_mask), attention_mask)

    def _hidden(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        return cast(Tensor, self.encoder(input_ids=input_ids, attention_mask=attention_mask)[0])

    def _pooled(self, hidden: Tensor, attention_mask: Tensor) -> Tensor:
        weight = attention_mask.unsqueeze(-1).to(hidden.dtype)
        mean = (hidden * weight).sum(1) / weight.sum(1).clamp(min=1e-9)  # an empty mask gives zeros, not NaN
        return functional.normalize(mean.float(), dim=1)

    @property
    def is_whole(self) -> bool:
        """Whether its weights are an encoder's and a head's alone, which any recipe can train on."""
        return True

    def weights(self) -> dict[str, Tensor]:
        """What a checkpoint keeps."""
        return dict(self.state_dict())

    def put_back(self, weights: Mapping[str, Tensor]) -> None:
        """Be what `weights` gave. Raises KeyError or RuntimeError for those of another network."""
        self.load_state_dict(weights)

    def planned(self, steps: int) -> None:
        """A run of so many optimiser steps begins."""

    def stepped(self, step: int) -> None:
        """The optimiser did a step, the first being 1; its gradients are still there."""

    def penalty(self) -> Tensor | None:
        """What is added to every batch's loss, if anything."""
        return None

    def freeze(self, *, word_table: bool, layers: int) -> None:
        """Leave the word table, or all embeddings and the lowest layers, as they are: less to compute and to forget.

        Raises BadInput for an encoder that has fewer layers, or keeps them elsewhere.
        """
        if word_table:
            self.word_table().requires_grad_(False)
        if layers:
            found = getattr(getattr(self.encoder, "encoder", None), "layer", ())
            if layers > len(found):
                raise BadInput(f"{layers} layers cannot be frozen: the encoder has {len(found)}.", layers=layers)
            for each in (cast(Any, self.encoder).embeddings, *found[:layers]):
                each.requires_grad_(False)

    def word_table(self) -> nn.Parameter:
        """The word embeddings: half of a small encoder's weights."""
        return cast(nn.Parameter, cast(Any, self.encoder).get_input_embeddings().weight)


class TokenNetwork(TextNetwork):
    """Logits for each token [batch, tokens, outputs] from its own hidden state, and the text's unit vector."""

    per_token = True

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> tuple[Tensor, Tensor]:
        hidden = self._hidden(input_ids, attention_mask)
        return self.head(self.dropout(hidden)), self._pooled(hidden, attention_mask)


def dimension_of(encoder: nn.Module) -> int:
    """The width of an encoder's hidden state."""
    return int(cast(Any, encoder).config.hidden_size)


def set_dropout(module: nn.Module, share: float) -> None:
    """Give every dropout layer of a module this share."""
    for each in module.modules():
        if isinstance(each, nn.Dropout):
            each.p = share


@torch.no_grad()
def mix(network: TextNetwork, original: Mapping[str, Tensor], share: float) -> None:
    """Put a share of its original weights back into a network's encoder (Wortsman 2022).

    What few texts taught is kept on the whole, and what the encoder knew of all others comes back.
    """
    for name, weight in network.encoder.state_dict().items():
        if weight.is_floating_point():
            weight.lerp_(original[name], share)


@torch.no_grad()
def head_from_centroids(head: nn.Linear, vectors: Tensor, targets: Tensor, *, known: Collection[int] = ()) -> None:
    """Set a head's rows from the mean vector of each label: vectors [n, dimension], targets [n] int64.

    Rows of labels that are `known` already stay, and new ones get their size; so do those of labels without examples.
    """
    kept = sorted(known)
    scale = float(head.weight[kept].norm(dim=1).mean()) if kept else CENTROID_SCALE
    bias = float(head.bias[kept].mean()) if kept else 0.0
    for label in range(head.out_features):
        chosen = vectors[targets == label]
        if len(chosen) and label not in known:
            head.weight[label] = scale * functional.normalize(chosen.mean(0), dim=0)
            head.bias[label] = bias
