"""What the recipes of generators share: their options, and how a generator is taught and written."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Self, cast

from pydantic import Field, model_validator
from safetensors.torch import save_file

from kefu.contracts.dataset import Dataset
from kefu.contracts.job import Job, Tell, Told
from kefu.contracts.model_card import ModelCard
from kefu.factory import checkpoints
from kefu.factory.adapters.network import CONFIG_FILE, FOLDER, WEIGHTS_FILE, with_adapter
from kefu.factory.course import draft, prepare, started_with
from kefu.factory.language import generators
from kefu.factory.language.generators import Generator
from kefu.factory.language.gguf_file import Form, read_gguf, write_gguf
from kefu.factory.language.lessons import NextLesson, Turns, next_figures, packed
from kefu.factory.language.network import NextNetwork
from kefu.factory.loop import LoopOptions, fit
from kefu.factory.seal import write_card
from kefu.kit.errors import BadInput, BadInstallation
from kefu.kit.optional import require

# Of a decoder of llama's family, the matrices that low-rank products stand beside: all of them (Dettmers 2023).
MATRICES = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
# What a written file may lose: the mean log-likelihood of a token. q8_0 of SmolLM2-135M loses 0.002.
_MAY_LOSE = 0.1
# Rows that a written file is compared on.
_COMPARED = 4
_NO_CLAIM = "It may say what is not so: answers that it makes are for members, or for Kefu's check, not for customers."


class GeneratorOptions(LoopOptions):
    """Options of the recipes that train generators."""

    base_model: str = Field(default=generators.DEFAULT, description="package:NAME, path:FILE.gguf or path:DIR")
    head_learning_rate: float = Field(
        default=1e-4, gt=0, lt=10, description="the rate of a table that tells words, where it is not the word table"
    )
    per_device_train_batch_size: int = Field(default=4, ge=1, le=256, description="rows of one batch")
    max_tokens: int = Field(default=512, ge=16, le=8192, description="tokens of a row")
    dropout: float = Field(default=0.0, ge=0, lt=1, description="the share of values left out in training")
    weight_decay: float = Field(default=0.0, ge=0, description="decoupled in adamw, L2 in adam and sgd")
    packing: bool = Field(default=True, description="whether short texts share a row, unseen by each other")
    gradient_checkpointing: bool = Field(default=False, description="less memory, a third more time")
    lora_r: int = Field(default=16, ge=0, le=256, description="the rank of each product; 0: every weight learns")
    lora_alpha: float = Field(default=32, gt=0, le=1024, description="its weight, divided by the rank")
    lora_dropout: float = Field(default=0.0, ge=0, lt=1, description="the share of its input left out in training")
    gguf: Form = Field(default="q8_0", description="what is served: q8_0, f16 or f32")

    @model_validator(mode="after")
    def _check_adapter(self) -> Self:
        if self.lora_r and (self.freeze_layers or self.adversarial_epsilon):
            raise ValueError("beside low-rank products the base stays as it is: no freeze_layers, adversarial_epsilon")
        return self


def teach_generator(
    job: Job,
    data: Dataset,
    valid: Dataset,
    tell: Tell,
    *,
    recipe: str,
    options: GeneratorOptions,
    base: Generator,
    texts: tuple[Sequence[Turns], Sequence[Turns]],
    words: Sequence[str],
    before: Mapping[str, float] | None = None,
) -> ModelCard:
    """Teach a generator the texts (those to learn, those to measure on) and write it to `job.out`.

    `words` are its texts, for their languages. `before` are figures of the base that the card keeps beside perplexity.
    """
    out = Path(job.out)
    learnt, measured = (packed(part, tokens=options.max_tokens, pack=options.packing) for part in texts)
    network = base.network(dropout=options.dropout)
    _adapt(network, options, is_grown=base.is_grown)
    lesson = NextLesson(
        network=network,
        rows=learnt,
        valid=measured,
        pad_id=base.pad_id,
        batch=options.per_device_train_batch_size,
        seed=options.seed,
        bf16=options.bf16,
    )
    earlier = {**lesson.judge(network), **(before or {})}
    tell(Told.NOTE, {"sentence": f"Before: perplexity {earlier['perplexity']:.2f}. {len(learnt):,} rows to learn."})
    started = started_with(options, base, data, recipe)
    fitted = fit(network, lesson, options, out=out, tell=tell, started_with=started, resume=job.resume)
    tell(Told.NOTE, {"sentence": f"After: perplexity {fitted.metrics['perplexity']:.2f}."})
    trainable = network.learning
    if options.lora_r:
        _write_adapter(out, network, base, options)
        merge(network)
    card = draft(out, options, base, fitted, recipe=recipe, task="generate", texts=words, data=data)
    card = replace(
        card,
        runtime="gguf",
        serve=f"model-{options.gguf}.gguf",
        variant=options.gguf,
        valid_sha256=valid.sha256,
        limits=(_NO_CLAIM,),
        metrics={
            **card.metrics,
            **{f"before_{name}": value for name, value in earlier.items()},
            "trainable_parameters": trainable,
        },
    )
    card = _written(out, card, network, base, rows=measured[:_COMPARED], tell=tell)
    checkpoints.remove(out)
    return card


def begin(options: GeneratorOptions, job: Job) -> Generator:
    """Set threads and random numbers, and load the base. Raises BadInput for a job that extends a model."""
    if job.extend:
        raise BadInput("A generator is trained on by base_model=path:DIR, not extended.", extend=job.extend)
    prepare(options)
    return generators.load_generator(options.base_model)


def fitting(texts: Sequence[Turns], options: GeneratorOptions, tell: Tell, what: str) -> list[Turns]:
    """Those that fit into a row and have something to learn. Raises BadInput where none does."""
    found = [each for each in texts if len(each.tokens) <= options.max_tokens and any(each.learnt[1:])]
    if not found:
        longest = max((len(each.tokens) for each in texts), default=0)
        raise BadInput(
            f"None of the {len(texts)} {what} fits into {options.max_tokens} tokens; the longest has {longest}. "
            "Set max_tokens higher.",
            longest=longest,
        )
    if left := len(texts) - len(found):
        tell(Told.NOTE, {"sentence": f"{left} {what} are longer than {options.max_tokens} tokens and were left out."})
    return found


def _adapt(network: NextNetwork, options: GeneratorOptions, *, is_grown: bool) -> None:
    """Put low-rank products beside the matrices, and say how memory is to be saved."""
    encoder = cast(Any, network.encoder)
    if options.gradient_checkpointing:
        # Its earlier name goes with transformers 6.
        enable = getattr(encoder, "activation_checkpointing_enable", None) or encoder.gradient_checkpointing_enable
        enable({"use_reentrant": False})
    if not options.lora_r:
        return
    peft = require("peft", extra="train")
    network.requires_grad_(False)
    config = peft.LoraConfig(
        r=options.lora_r,
        lora_alpha=options.lora_alpha,
        lora_dropout=options.lora_dropout,
        target_modules=list(MATRICES),
    )
    network.encoder = with_adapter(encoder, config)
    network.has_adapter = True
    if is_grown:  # what is new has nothing to stand on
        network.word_table().requires_grad_(True)


def merge(network: NextNetwork) -> None:
    """Add the products to their matrices: the same network without an adapter."""
    network.encoder = cast(Any, network.encoder).merge_and_unload()
    network.has_adapter = False
    network.requires_grad_(True)


def _write_adapter(out: Path, network: NextNetwork, base: Generator, options: GeneratorOptions) -> None:
    """Write what was learnt under the names that other tools know."""
    peft = require("peft", extra="train")
    folder = out / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    tensors = peft.get_peft_model_state_dict(network.encoder)
    # Others hang the adapter into the decoder with its head, one floor further up.
    named = {
        name.replace("base_model.model.", "base_model.model.model.", 1): each.detach().clone().contiguous()
        for name, each in tensors.items()
    }
    save_file(named, folder / WEIGHTS_FILE)
    table = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": base.reference,
        "base_sha256": base.sha256,
        "r": options.lora_r,
        "lora_alpha": options.lora_alpha,
        "lora_dropout": options.lora_dropout,
        "target_modules": sorted(MATRICES),
        "bias": "none",
    }
    (folder / CONFIG_FILE).write_text(json.dumps(table, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def _written(
    out: Path, card: ModelCard, network: NextNetwork, base: Generator, *, rows: Sequence[Sequence[Turns]], tell: Tell
) -> ModelCard:
    """Write weights, tokenizer and the file that serves; load that again, and compare."""
    network.eval()
    generators.write(out, network, base)
    form = cast(Form, card.variant)
    write_gguf(out / card.serve, network, base, name=card.name, form=form)
    again = read_gguf(out / card.serve)
    meant, served = (next_figures(each, rows, base.pad_id) for each in (network, again.network()))
    lost = meant["log_likelihood"] - served["log_likelihood"]
    if again.tokenizer.to_str() != base.tokenizer.to_str() or lost > _MAY_LOSE:
        raise BadInstallation(
            f"What is served is not what was trained: a token is less likely by {lost:.3f}. Choose gguf=f16.", lost=lost
        )
    tell(Told.NOTE, {"sentence": f"Written as {card.variant}, loaded again: a token is less likely by {lost:.4f}."})
    return write_card(out, replace(card, metrics={**card.metrics, "export_loss": round(lost, 5)}))
