"""GGUF, the format that llama.cpp runs: a generator read from it, dequantised, and written to it.

Names and places of weights are those of the package `gguf`, llama.cpp's own. Queries and keys stand there in pairs of
what rotary positions turn together; here in halves.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from torch import Tensor

from kefu.factory.bases import sha256_of
from kefu.factory.language.generators import Generator, default_template, fill, new_decoder
from kefu.factory.language.network import NextNetwork
from kefu.kit.errors import BadInput, BadInstallation
from kefu.kit.optional import require

Form = Literal["q8_0", "f16", "f32"]
_ARCHITECTURE = "llama"
# Numbers of one scale in q8_0: rows of other widths stay f16.
_BLOCK = 32
# What the special tokens are called in a GGUF: marks of a chat are control tokens, what was put in is a user's own.
_CONTROL, _NORMAL, _USER = 3, 1, 4


def read_gguf(path: Path) -> Generator:
    """The generator in a GGUF file, as float32.

    Raises BadInput for one of another family or with a tokenizer of another kind, BadInstallation for a damaged file.
    """
    gguf = require("gguf", extra="train")
    try:
        reader = gguf.GGUFReader(str(path))
        fields = {name: each.contents() for name, each in reader.fields.items()}
        family = str(fields["general.architecture"])
    except Exception as error:  # the reader raises whatever its arithmetic does
        raise BadInstallation(f"{path.name} is no GGUF that can be read: {error}.", path=str(path)) from error
    if family != _ARCHITECTURE:
        raise BadInput(f"{path.name} is of the family {family!r}; generators are of llama's.", path=str(path))
    tokenizer = _tokenizer(fields, path.name)
    tensors = {each.name: _floats(gguf, each) for each in reader.tensors}
    config = _config(fields, tied="output.weight" not in tensors)
    decoder = new_decoder(config)
    named = {
        ours: _apart(tensors[theirs], _heads(theirs, config))
        for ours, theirs in _names(gguf, decoder, config)
        if theirs in tensors
    }
    fill(decoder, named, path.name)
    end, start = int(fields["tokenizer.ggml.eos_token_id"]), fields.get("tokenizer.ggml.bos_token_id")
    return Generator(
        reference=f"path:{path}",
        sha256=sha256_of(path),
        encoder=decoder,
        tokenizer=tokenizer,
        pad_id=int(fields.get("tokenizer.ggml.padding_token_id", end)),
        licence=_licence(str(fields.get("general.license", ""))),
        own_table=tensors.get("output.weight"),
        end_id=end,
        start_id=None if start is None else int(start),
        template=str(fields.get("tokenizer.chat_template") or default_template(tokenizer)),
        cuts=str(fields["tokenizer.ggml.pre"]),
    )


def write_gguf(path: Path, network: NextNetwork, base: Generator, *, name: str, form: Form) -> None:
    """Write a generator as one file: matrices in `form`, everything that is added up in float32."""
    gguf = require("gguf", extra="train")
    encoder: Any = network.encoder
    config = encoder.config
    partial = path.with_name(f"{path.name}.partial")
    writer = gguf.GGUFWriter(str(partial), _ARCHITECTURE)
    _write_figures(gguf, writer, config, name=name, licence=base.licence, form=form)
    _write_tokenizer(writer, base)
    weights = dict(encoder.state_dict())
    for ours, theirs in _names(gguf, encoder, config):
        weight = _paired(weights[ours].detach().float(), _heads(theirs, config))
        _write_tensor(gguf, writer, theirs, weight, form)
    own = getattr(network.head, "weight", None)
    if own is not None:
        _write_tensor(gguf, writer, "output.weight", own.detach().float(), form)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    partial.replace(path)


# weights


def _names(gguf: Any, decoder: Any, config: Any) -> Iterator[tuple[str, str]]:
    """Each weight's name here and in a GGUF."""
    known = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, config.num_hidden_layers)
    for ours in decoder.state_dict():
        theirs = known.get_name(f"model.{ours}", try_suffixes=(".weight",))
        if theirs is None:
            raise BadInput(f"A GGUF of llama's family has no place for the weight {ours}.")
        yield ours, theirs


def _heads(name: str, config: Any) -> int:
    """The heads of a weight that rotary positions turn; 0 for any other."""
    if name.endswith(".attn_q.weight"):
        return int(config.num_attention_heads)
    return int(config.num_key_value_heads) if name.endswith(".attn_k.weight") else 0


def _paired(weight: Tensor, heads: int) -> Tensor:
    """Rows [heads * width, n] of each head from halves to pairs, as llama.cpp turns them."""
    if not heads:
        return weight
    halves = weight.reshape(heads, 2, len(weight) // heads // 2, weight.shape[1])
    return halves.swapaxes(1, 2).reshape(weight.shape)


def _apart(weight: Tensor, heads: int) -> Tensor:
    """What `_paired` did, undone."""
    if not heads:
        return weight
    pairs = weight.reshape(heads, len(weight) // heads // 2, 2, weight.shape[1])
    return pairs.swapaxes(1, 2).reshape(weight.shape)


def _floats(gguf: Any, tensor: Any) -> Tensor:
    return torch.from_numpy(np.array(gguf.quants.dequantize(tensor.data, tensor.tensor_type), np.float32))


def _write_tensor(gguf: Any, writer: Any, name: str, weight: Tensor, form: Form) -> None:
    kind = gguf.GGMLQuantizationType
    values = weight.contiguous().numpy()
    if values.ndim == 1 or form == "f32":
        writer.add_tensor(name, values)
    elif form == "q8_0" and values.shape[1] % _BLOCK == 0:
        writer.add_tensor(name, gguf.quants.quantize(values, kind.Q8_0), raw_dtype=kind.Q8_0)
    else:
        writer.add_tensor(name, values.astype(np.float16))


# figures


def _config(fields: Mapping[str, Any], *, tied: bool) -> Any:
    transformers = require("transformers", extra="train")

    def figure(name: str, default: Any = None) -> Any:
        return fields.get(f"{_ARCHITECTURE}.{name}", default)

    heads = int(figure("attention.head_count"))
    return transformers.LlamaConfig(
        vocab_size=len(fields["tokenizer.ggml.tokens"]),
        hidden_size=int(figure("embedding_length")),
        intermediate_size=int(figure("feed_forward_length")),
        num_hidden_layers=int(figure("block_count")),
        num_attention_heads=heads,
        num_key_value_heads=int(figure("attention.head_count_kv", heads)),
        rms_norm_eps=float(figure("attention.layer_norm_rms_epsilon")),
        max_position_embeddings=int(figure("context_length")),
        rope_parameters={"rope_type": "default", "rope_theta": float(figure("rope.freq_base", 10_000.0))},
        tie_word_embeddings=tied,
        bos_token_id=fields.get("tokenizer.ggml.bos_token_id"),
        eos_token_id=int(fields["tokenizer.ggml.eos_token_id"]),
    )


def _write_figures(gguf: Any, writer: Any, config: Any, *, name: str, licence: str, form: Form) -> None:
    kinds = gguf.LlamaFileType
    writer.add_name(name)
    if licence:
        writer.add_license(licence.lower())
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(float(config.rope_parameters["rope_theta"]))
    writer.add_rope_dimension_count(config.hidden_size // config.num_attention_heads)
    writer.add_vocab_size(config.vocab_size)
    kind = {"q8_0": kinds.MOSTLY_Q8_0, "f16": kinds.MOSTLY_F16, "f32": kinds.ALL_F32}[form]
    writer.add_file_type(kind)
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)


# the tokenizer


def _tokenizer(fields: Mapping[str, Any], name: str) -> Tokenizer:
    cuts = str(fields.get("tokenizer.ggml.pre"))
    if fields.get("tokenizer.ggml.model") != "gpt2" or cuts not in _CUTS:
        kind = f"{fields.get('tokenizer.ggml.model')}, {cuts}"
        raise BadInput(f"{name} has a tokenizer of the kind {kind}; generators have gpt2, {' or '.join(_CUTS)}.")
    tokens = [str(each) for each in fields["tokenizer.ggml.tokens"]]
    merges = [(one, other) for one, _, other in (str(each).partition(" ") for each in fields["tokenizer.ggml.merges"])]
    tokenizer = Tokenizer(models.BPE({token: at for at, token in enumerate(tokens)}, merges))
    tokenizer.pre_tokenizer = _CUTS[cuts]()
    tokenizer.decoder = decoders.ByteLevel()
    marks = [
        AddedToken(token, special=kind == _CONTROL, normalized=False)
        for token, kind in zip(tokens, fields["tokenizer.ggml.token_type"], strict=True)
        if kind in {_CONTROL, _USER}
    ]
    tokenizer.add_special_tokens([each for each in marks if each.special])
    tokenizer.add_tokens([each for each in marks if not each.special])
    return tokenizer


def _write_tokenizer(writer: Any, base: Generator) -> None:
    table = json.loads(base.tokenizer.to_str())
    model = table["model"]
    size = base.tokenizer.get_vocab_size(with_added_tokens=True)
    tokens = [str(base.tokenizer.id_to_token(at)) for at in range(size)]
    kinds = [_NORMAL] * size
    for each in table["added_tokens"]:
        kinds[each["id"]] = _CONTROL if each["special"] else _USER
    merges = [" ".join(each) if isinstance(each, list) else each for each in model["merges"]]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(base.cuts)
    writer.add_token_list(tokens)
    writer.add_token_types(kinds)
    writer.add_token_merges(merges)
    writer.add_eos_token_id(base.end_id)
    writer.add_pad_token_id(base.pad_id)
    if base.start_id is not None:
        writer.add_bos_token_id(base.start_id)
    writer.add_add_bos_token(False)  # the template says how a chat begins
    writer.add_add_space_prefix(False)
    if base.template:
        writer.add_chat_template(base.template)


def _digits_apart() -> Any:
    return pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )


def _bytes() -> Any:
    return pre_tokenizers.ByteLevel(add_prefix_space=False)


# By llama.cpp's names, how tokenizers cut words.
_CUTS: Mapping[str, Any] = {"gpt-2": _bytes, "smollm": _digits_apart}


def _licence(written: str) -> str:
    """A GGUF writes licences in lower case; ours are written as SPDX has them."""
    return {"apache-2.0": "Apache-2.0", "mit": "MIT"}.get(written, written)
