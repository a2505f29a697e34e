"""A network whose encoder stays as it is while an adapter in it, and the head, learn.

What was learnt is a small file, `adapter/adapter_model.safetensors`, that holds the head as well: without it the
adapter could not tell a label. Some adapters can be merged into the encoder afterwards; others stay beside it and are
part of the ONNX file that serves.
"""

import json
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from kefu.factory.adapters.bottleneck import Bottlenecks
from kefu.factory.adapters.ranks import Ranks
from kefu.factory.bases import Base
from kefu.factory.network import TextNetwork
from kefu.kit.errors import BadInput, BadInstallation
from kefu.kit.optional import require

FOLDER = "adapter"
WEIGHTS_FILE = "adapter_model.safetensors"
CONFIG_FILE = "adapter_config.json"
HEAD = "head."
# By the names that adapters have in their files; the second is Kefu's own, which the library does not have.
_MERGEABLE = ("LORA", "ADALORA")
BOTTLENECK = "BOTTLENECK"
# What the library calls virtual tokens in a file; it reads them, and reports them as left over.
_PROMPT = "prompt_embeddings"


class AdaptedNetwork(TextNetwork):
    """A `TextNetwork` on a wrapped encoder. Construct it with `adapted`."""

    def __init__(self, wrapped: nn.Module, head: nn.Linear, dropout: nn.Dropout, kind: str) -> None:
        nn.Module.__init__(self)
        self.encoder, self.head, self.dropout = wrapped, head, dropout
        self.kind = kind
        self._ranks = Ranks(wrapped) if kind == "ADALORA" else None

    @property
    def is_whole(self) -> bool:
        return False

    @property
    def learning(self) -> int:
        """How many numbers learn, the head's among them."""
        return sum(each.numel() for each in self.parameters() if each.requires_grad)

    def _hidden(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        hidden = super()._hidden(input_ids, attention_mask)
        # Virtual tokens before the text have been read; they are no part of it.
        return hidden[:, hidden.shape[1] - attention_mask.shape[1] :]

    def planned(self, steps: int) -> None:
        if self._ranks:
            self._ranks.plan(steps)

    def stepped(self, step: int) -> None:
        if self._ranks:
            self._ranks.allot(step)

    def penalty(self) -> Tensor | None:
        return self._ranks.penalty() if self._ranks else None

    def weights(self) -> dict[str, Tensor]:
        """What learns, and what ranks are allotted by; the rest is the base's."""
        found = {name: each for name, each in self.named_parameters() if each.requires_grad}
        return {**found, **self._ranks.tensors()} if self._ranks else found

    def put_back(self, weights: Mapping[str, Tensor]) -> None:
        tensors = self._ranks.taken(weights) if self._ranks else dict(weights)
        if other := set(tensors) ^ {name for name, each in self.named_parameters() if each.requires_grad}:
            raise KeyError(min(other))
        self.load_state_dict(tensors, strict=False)

    def merged(self) -> TextNetwork:
        """The same network as one that any recipe can train on; itself, where the adapter cannot be merged."""
        if self.kind not in _MERGEABLE:
            return self
        encoder = cast(nn.Module, cast(Any, self.encoder).merge_and_unload())
        encoder.requires_grad_(True)
        network = TextNetwork(encoder, self.head.out_features)
        network.dropout, network.head = self.dropout, self.head
        return network


def adapted(network: TextNetwork, config: Any) -> AdaptedNetwork:
    """Put a new adapter into a network's encoder; only it and the head learn from then on.

    `config` is the library's (peft) for lora, adalora, prefix and prompt, or `Bottlenecks`.
    """
    network.encoder.requires_grad_(False)
    if isinstance(config, Bottlenecks):
        wrapped: nn.Module = config.put_in(network.encoder)
        return AdaptedNetwork(wrapped, network.head, network.dropout, BOTTLENECK)
    wrapped = with_adapter(network.encoder, config)
    return AdaptedNetwork(wrapped, network.head, network.dropout, str(config.peft_type.value))


def with_adapter(encoder: nn.Module, config: Any) -> nn.Module:
    """An encoder or generator with one of the library's adapters in it."""
    peft = require("peft", extra="train")
    with warnings.catch_warnings():
        # The library asks transformers by a name that goes with its version 6; nobody here can mend that.
        warnings.filterwarnings("ignore", message=".*is_gradient_checkpointing", category=FutureWarning)
        return cast(nn.Module, peft.get_peft_model(encoder, config))


def write_adapter(out: Path, network: AdaptedNetwork, base: Base) -> None:
    """Write what was learnt, and what it stands on, into a model's folder."""
    folder = out / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {**_learnt(network), **{f"{HEAD}{name}": each for name, each in network.head.state_dict().items()}}
    save_file({name: each.detach().clone().contiguous() for name, each in tensors.items()}, folder / WEIGHTS_FILE)
    table = {**_config_table(network), "base_model": base.reference, "base_sha256": base.sha256}
    table |= {"outputs": network.head.out_features, "modules_to_save": ["head"]}
    text = json.dumps(table, ensure_ascii=False, indent=1, sort_keys=True)
    (folder / CONFIG_FILE).write_text(text + "\n", encoding="utf-8")


def read_adapted(out: Path, base: Base) -> AdaptedNetwork:
    """The network of a model's folder from its base and its adapter, in eval mode.

    Raises BadInput for a base that is not the one it was trained on, BadInstallation for files that cannot be read.
    """
    folder = out / FOLDER
    try:
        table = json.loads((folder / CONFIG_FILE).read_text(encoding="utf-8"))
        tensors = load_file(folder / WEIGHTS_FILE)
    except (OSError, ValueError, SafetensorError) as error:
        raise BadInstallation(f"The adapter in {folder} cannot be read: {error}.", folder=str(folder)) from error
    if table.pop("base_sha256") != base.sha256:
        raise BadInput(
            f"The adapter in {folder} was trained on {table['base_model']}, whose weights are other ones than those of "
            f"{base.reference}.",
            base=base.reference,
        )
    network = TextNetwork(base.encoder, int(table.pop("outputs")))
    config = Bottlenecks.from_table(table) if table["peft_type"] == BOTTLENECK else _config(table)
    found = adapted(network, config)
    found.head.load_state_dict({name.removeprefix(HEAD): each for name, each in tensors.items() if HEAD in name[:5]})
    _fill(found, {name: each for name, each in tensors.items() if not name.startswith(HEAD)}, folder)
    found.eval()
    return found


def _learnt(network: AdaptedNetwork) -> Mapping[str, Tensor]:
    if network.kind == BOTTLENECK:
        return Bottlenecks.learnt(network.encoder)
    peft = require("peft", extra="train")
    # With a pattern of ranks the library would cut matrices to their ranks, down to nothing where none is left.
    cast(Any, network.encoder).active_peft_config.rank_pattern = None
    return cast(Mapping[str, Tensor], peft.get_peft_model_state_dict(network.encoder))


def _fill(network: AdaptedNetwork, tensors: dict[str, Tensor], folder: Path) -> None:
    try:
        if network.kind == BOTTLENECK:
            Bottlenecks.fill(network.encoder, tensors)
            return
        peft = require("peft", extra="train")
        with torch.no_grad():
            left = peft.set_peft_model_state_dict(network.encoder, tensors)
        if other := set(left.unexpected_keys) - {_PROMPT}:
            raise KeyError(min(other))
    except (KeyError, RuntimeError) as error:
        raise BadInstallation(f"The adapter in {folder} does not fit its encoder: {error}.") from error


def _config_table(network: AdaptedNetwork) -> dict[str, Any]:
    if network.kind == BOTTLENECK:
        return Bottlenecks.table(network.encoder)
    config = cast(Any, network.encoder).active_peft_config.to_dict()
    # Sets have no order, and a file must be the same for the same run.
    return {name: sorted(each) if isinstance(each, set) else each for name, each in config.items() if each is not None}


def _config(table: Mapping[str, Any]) -> Any:
    peft = require("peft", extra="train")
    kind = peft.PEFT_TYPE_TO_CONFIG_MAPPING[peft.PeftType(table["peft_type"])]
    known = {name for name in kind.__dataclass_fields__ if name not in {"base_model_name_or_path", "modules_to_save"}}
    # Ranks that were given up are zeros in the weights already; the pattern is of the run that allotted them.
    known.discard("rank_pattern")
    return kind(**{name: value for name, value in table.items() if name in known})
