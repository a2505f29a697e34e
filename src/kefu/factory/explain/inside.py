"""Looking into a network: gradients and attention, gathered from its tokens to words. Needs torch."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor

from kefu.contracts.model_card import ModelCard
from kefu.factory.bases import from_folder, trained_network
from kefu.factory.explain.methods import Part, Weights
from kefu.factory.explain.words import Word
from kefu.kit.optional import require


class Inside:
    """A network with its tokenizer, and which word each token is of."""

    def __init__(self, folder: Path, card: ModelCard) -> None:
        base = from_folder(folder)
        self.network = trained_network(base)
        self.tokenizer, self.card, self.pad_id = base.tokenizer, card, base.pad_id

    def tokens(self, text: str, words: Sequence[Word]) -> tuple[Tensor, Tensor, list[int]]:
        """ids and mask [1, tokens], and for each token the place of its word; -1 for none."""
        self.tokenizer.enable_truncation(self.card.max_tokens)
        encoded = self.tokenizer.encode(text)
        owners = [_owner(span, words) for span in encoded.offsets]
        ids = torch.tensor([encoded.ids])
        return ids, torch.ones_like(ids), owners

    def gathered(self, per_token: Sequence[float], owners: Sequence[int], words: int) -> Weights:
        """A word's weight is the sum of its tokens'."""
        found = np.zeros(words)
        for weight, owner in zip(per_token, owners, strict=True):
            if owner >= 0:
                found[owner] += weight
        return found


def _owner(span: tuple[int, int], words: Sequence[Word]) -> int:
    start, end = span
    if start == end:
        return -1
    return next((at for at, word in enumerate(words) if word.start < end and start < word.end), -1)


class Gradients(Inside):
    """Integrated gradients over the word table: what each token adds on the way from padding to the text."""

    def __init__(self, folder: Path, card: ModelCard, *, steps: int) -> None:
        super().__init__(folder, card)
        attr = require("captum.attr", extra="explain")
        table = cast(Any, self.network.encoder).get_input_embeddings()
        self._steps = steps

        def share(ids: Tensor, mask: Tensor) -> Tensor:
            return self.network(ids, mask)[0].softmax(1)

        self._attribution = attr.LayerIntegratedGradients(share, table)

    def __call__(self, text: str, parts: Sequence[Part], label: int) -> Weights:
        words = [each for each in parts if isinstance(each, Word)]
        ids, mask, owners = self.tokens(text, words)
        special = torch.tensor([[owner < 0 for owner in owners]])
        empty = torch.where(special, ids, torch.full_like(ids, self.pad_id))  # the marks around a text are no words
        found = self._attribution.attribute(
            ids, baselines=empty, additional_forward_args=(mask,), target=label, n_steps=self._steps
        )
        return self.gathered(found.sum(-1)[0].detach().tolist(), owners, len(words))


class Rollout(Inside):
    """Attention traced through the layers; it tells what was looked at, for no label in particular."""

    def __init__(self, folder: Path, card: ModelCard) -> None:
        super().__init__(folder, card)
        cast(Any, self.network.encoder).set_attn_implementation("eager")  # the fast kernels do not tell it

    @torch.no_grad()
    def __call__(self, text: str, parts: Sequence[Part], label: int) -> Weights:
        words = [each for each in parts if isinstance(each, Word)]
        ids, mask, owners = self.tokens(text, words)
        layers = cast(Any, self.network.encoder)(input_ids=ids, attention_mask=mask, output_attentions=True).attentions
        whole = torch.eye(ids.shape[1])
        for each in layers:
            # Half of a layer's output is its input, which goes around the attention.
            mixed = 0.5 * each[0].mean(0) + 0.5 * torch.eye(ids.shape[1])
            whole = (mixed / mixed.sum(-1, keepdim=True)) @ whole
        return self.gathered(whole.mean(0).tolist(), owners, len(words))
