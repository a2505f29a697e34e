"""Leaving out layers of a network, and teaching what is left to answer as the whole one did. Needs torch."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from kefu.contracts.dataset import Dataset
from kefu.contracts.job import Tell, Told
from kefu.contracts.model_card import ModelCard
from kefu.factory import checkpoints
from kefu.factory.bases import Base, from_folder, trained_network
from kefu.factory.batches import Tokens, tokenize
from kefu.factory.export import write_network
from kefu.factory.lessons import Checked, LabelLesson, ScoreLesson, Teacher, predict
from kefu.factory.loop import LoopOptions, fit
from kefu.factory.network import TextNetwork
from kefu.kit.errors import BadInput

# Texts on which two ways of leaving out are compared: their mean cosines differ by more than chance.
_COMPARED_ON = 256
# How much the whole network's answers count beside the labels: they tell which labels lie near each other.
_DISTILLED = 1.0


def drop_layers(
    source: Path, out: Path, card: ModelCard, *, keep: int, train: Dataset, epochs: int, seed: int, tell: Tell
) -> None:
    """Write the network of a model with `keep` of its layers into the folder `out`: weights, tokenizer and fp32 ONNX.

    Which layers stay, evenly spread ones or the first, is told by whose vectors of training texts come nearer to the
    whole network's. `epochs` of training follow, 0 for none. Raises BadInput for a network without so many layers.
    """
    base = from_folder(source)
    network = trained_network(base)
    texts, targets = _taught(train, card)
    tokens = tokenize(base.tokenizer, texts, max_tokens=card.max_tokens)
    # As in training: what bfloat16 rounds is less than what a softened answer tells.
    whole, _ = predict(network, tokens, base.pad_id, bf16=True) if epochs else (torch.zeros(0), None)
    keep_layers(network, tokens, base.pad_id, keep, tell)
    out.mkdir(parents=True, exist_ok=True)
    if epochs:
        _teach(
            network,
            base,
            card,
            tokens=tokens,
            targets=targets,
            whole=whole,
            out=out,
            epochs=epochs,
            seed=seed,
            tell=tell,
        )
    labels = card.labels or ("score",)
    write_network(out, network, base.tokenizer, labels, pad_id=base.pad_id, max_tokens=card.max_tokens)
    checkpoints.remove(out)


def keep_layers(network: TextNetwork, tokens: Tokens, pad_id: int, keep: int, tell: Tell) -> None:
    """Leave `keep` of its layers in a network: those whose vectors of some texts come nearer to the whole one's.

    Raises BadInput for a network without so many layers.
    """
    chosen = _choose(network, tokens[:: max(1, len(tokens) // _COMPARED_ON)], pad_id, keep)
    tell(Told.NOTE, {"sentence": f"Of its layers these stay: {', '.join(str(place + 1) for place in chosen)}."})
    _put_stack(network, chosen)


def spread(layers: int, keep: int) -> list[int]:
    """Evenly spaced places with the last among them: every second of six is 1, 3, 5 (Sanh 2019 takes such)."""
    return [-(-layers * (place + 1) // keep) - 1 for place in range(keep)]


def _choose(network: TextNetwork, tokens: Tokens, pad_id: int, keep: int) -> list[int]:
    layers = len(_stack(network)[2])
    if not 0 < keep < layers:
        raise BadInput(f"The network has {layers} layers; keep fewer, and at least one, not {keep}.", layers=layers)
    _, whole = predict(network, tokens, pad_id)
    ways = (spread(layers, keep), list(range(keep)))
    return max(ways, key=lambda places: _nearness(network, places, tokens, pad_id, whole))


def _nearness(network: TextNetwork, places: Sequence[int], tokens: Tokens, pad_id: int, whole: Tensor) -> float:
    """Mean cosine of the vectors without the other layers to `whole`, those of the whole network."""
    parent, name, before = _stack(network)
    setattr(parent, name, nn.ModuleList([before[place] for place in places]))
    try:
        _, vectors = predict(network, tokens, pad_id)
    finally:
        setattr(parent, name, before)
    return float(functional.cosine_similarity(vectors, whole).mean())


def _put_stack(network: TextNetwork, places: Sequence[int]) -> None:
    parent, name, before = _stack(network)
    setattr(parent, name, nn.ModuleList([before[place] for place in places]))
    cast(Any, network.encoder).config.num_hidden_layers = len(places)


def _stack(network: TextNetwork) -> tuple[nn.Module, str, nn.ModuleList]:
    """The list of the encoder's layers, and where it hangs."""
    layers = int(cast(Any, network.encoder).config.num_hidden_layers)
    for parent in network.encoder.modules():
        for name, child in parent.named_children():
            if isinstance(child, nn.ModuleList) and len(child) == layers:
                return parent, name, child
    raise BadInput("The layers of this network cannot be told apart; leave out the rung drop-layers.")


def _taught(train: Dataset, card: ModelCard) -> tuple[list[str], Tensor]:
    """Texts, and label numbers or scores."""
    if card.task == "score":
        scored = [(each.text, each.score) for each in train.examples if each.score is not None]
        return [text for text, _ in scored], torch.tensor([score for _, score in scored], dtype=torch.float32)
    place = {label: number for number, label in enumerate(card.labels)}
    rows = [(each.text, place[each.label]) for each in train.examples if each.label is not None and each.label in place]
    return [text for text, _ in rows], torch.tensor([target for _, target in rows])


def _teach(
    network: TextNetwork,
    base: Base,
    card: ModelCard,
    *,
    tokens: Tokens,
    targets: Tensor,
    whole: Tensor,
    out: Path,
    epochs: int,
    seed: int,
    tell: Tell,
) -> None:
    options = LoopOptions(num_train_epochs=epochs, min_steps=0, seed=seed)
    torch.manual_seed(seed)
    common: dict[str, Any] = {
        "tokens": tokens,
        "pad_id": base.pad_id,
        "valid": Checked([], torch.zeros(0, dtype=targets.dtype)),  # judged as it is served, not here
        "batch": options.per_device_train_batch_size,
        "seed": seed,
        "bf16": options.bf16,
    }
    if card.task == "score":
        lesson: LabelLesson | ScoreLesson = ScoreLesson(scores=targets, **common)
    else:
        teacher = Teacher(whole, torch.arange(whole.shape[1]), _DISTILLED)
        lesson = LabelLesson(targets=targets, teacher=teacher, **common)
    fit(network, lesson, options, out=out, tell=tell, started_with={"recipe": "drop-layers"})
