"""An encoder with what it fills gaps with, as files and in memory."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer

from kefu.contracts.dataset import Dataset
from kefu.contracts.model_card import read_card
from kefu.factory.bases import Base, load_base
from kefu.factory.batches import Tokens
from kefu.factory.export import write_config
from kefu.factory.language.corpus import texts_of
from kefu.factory.language.lessons import Words, gap_figures
from kefu.factory.language.network import GapNetwork
from kefu.factory.language.words import PAD_ID, gap_of, made_for, special_ids
from kefu.factory.network import TextNetwork
from kefu.kit.errors import BadInput, BadInstallation
from kefu.kit.optional import require

# Beside the encoder's own weights, so that other recipes find an encoder like any.
HEAD_FILE = "gap_head.safetensors"
NEW = "new"


@dataclass(frozen=True)
class Size:
    """Of an encoder that begins from nothing."""

    vocabulary: int
    dimension: int
    layers: int
    max_tokens: int


def new_base(texts: Sequence[str], size: Size) -> Base:
    """An encoder of random weights, and a tokenizer made from the texts. Raises BadInput for a width of no heads."""
    transformers = require("transformers", extra="train")
    if size.dimension % 32:
        raise BadInput(f"hidden_size is a multiple of 32, the width of a head; {size.dimension} is none.")
    tokenizer = made_for(texts, size=size.vocabulary)
    pad_id = PAD_ID
    config = transformers.BertConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=size.dimension,
        num_hidden_layers=size.layers,
        num_attention_heads=size.dimension // 32,
        intermediate_size=4 * size.dimension,
        max_position_embeddings=max(512, size.max_tokens),
        pad_token_id=pad_id,
    )
    encoder = transformers.BertModel(config, add_pooling_layer=False)
    return Base(NEW, "", encoder, tokenizer, pad_id, licence="")


def words_of(tokenizer: Tokenizer, pad_id: int) -> Words:
    """A tokenizer as lessons see it. Raises BadInput for one without a gap."""
    return Words(tokenizer.get_vocab_size(), pad_id, gap_of(tokenizer), special_ids(tokenizer))


def windows(tokenizer: Tokenizer, texts: Sequence[str], *, max_tokens: int) -> Tokens:
    """Texts as rows of at most `max_tokens` tokens between the tokenizer's first and last; nothing is left out."""
    first, *_, last = tokenizer.encode("").ids
    size = max_tokens - 2
    found: Tokens = []
    for encoded in tokenizer.encode_batch(list(texts), add_special_tokens=False):
        found += [[first, *encoded.ids[at : at + size], last] for at in range(0, len(encoded.ids), size)]
    return found


def with_head(network: GapNetwork, reference: str) -> bool:
    """Give the network the head that was trained with its encoder; whether there was one that fits."""
    scheme, _, place = reference.partition(":")
    path = Path(place).expanduser() / HEAD_FILE
    if scheme != "path" or not path.is_file():
        return False
    try:
        tensors = load_file(path)
        grown = len(network.head.bias) - len(tensors["bias"])
        if grown > 0:  # words that are new begin as likely as any
            tensors["bias"] = torch.cat([tensors["bias"], torch.zeros(grown)])
        network.head.load_state_dict(tensors)
    except (SafetensorError, KeyError, RuntimeError) as error:
        raise BadInstallation(f"{path} cannot be read: {error}.", path=str(path)) from error
    return True


def write(out: Path, network: GapNetwork, base: Base) -> None:
    """Write encoder, head, config and tokenizer: a folder that every recipe takes as `base_model=path:DIR`."""
    out.mkdir(parents=True, exist_ok=True)
    encoder = {name: each.detach().contiguous() for name, each in network.encoder.state_dict().items()}
    save_file(encoder, out / "model.safetensors")
    save_file({name: each.detach().contiguous() for name, each in network.head.state_dict().items()}, out / HEAD_FILE)
    whole: TextNetwork = network
    write_config(out, whole, pad_id=base.pad_id, more={"architectures": ["Encoder"]})
    base.tokenizer.save(str(out / "tokenizer.json"), pretty=False)


def figures_on(folder: Path, data: Dataset, *, share: float) -> dict[str, float]:
    """How well the encoder in a folder fills the gaps of texts. Raises BadInput for one that fills none."""
    base = load_base(f"path:{folder}", prefixed=False)
    network = GapNetwork(base.encoder)
    if not with_head(network, base.reference):
        raise BadInput(f"{folder} fills no gaps: it was made without pretrain_mlm.", folder=str(folder))
    network.eval()
    tokens = windows(base.tokenizer, texts_of(data), max_tokens=read_card(folder).max_tokens)
    return gap_figures(network, tokens, words_of(base.tokenizer, base.pad_id), share=share)
