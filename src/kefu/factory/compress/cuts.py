"""Making a network smaller in one way, and teaching what is left to answer as the whole one did. Needs torch."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from kefu.contracts.dataset import Dataset
from kefu.contracts.job import Tell, Told
from kefu.contracts.model_card import ModelCard
from kefu.factory import checkpoints
from kefu.factory.bases import Base, from_folder, new_network, trained_network
from kefu.factory.batches import Tokens, tokenize
from kefu.factory.compress.layers import keep_layers
from kefu.factory.compress.prune import ThinningNetwork, prune_heads, prune_neurons
from kefu.factory.compress.workshop import taught_texts
from kefu.factory.export import write_network
from kefu.factory.lessons import Checked, LabelLesson, ScoreLesson, Teacher, VectorLesson, predict
from kefu.factory.loop import LoopOptions, fit
from kefu.factory.network import TextNetwork
from kefu.factory.search.course import write_encoder

CutKind = Literal["layers", "heads", "neurons", "weights"]
# How much the whole network's answers count beside the labels: they tell which labels lie near each other.
_DISTILLED = 1.0


@dataclass(frozen=True)
class Lessons:
    """What is taught after a cut: the texts, `epochs` of them (0 for none), and the `whole` network's folder."""

    card: ModelCard
    train: Dataset
    whole: Path
    epochs: int
    seed: int


def cut(source: Path, out: Path, *, kind: CutKind, amount: float, lessons: Lessons, tell: Tell) -> None:
    """Write the network of the folder `source`, made smaller, into `out`: weights, tokenizer and fp32 ONNX.

    `amount` is how many layers stay, else the share of heads, neurons or weights that goes. Which layers stay, evenly
    spread ones or the first, is told by whose vectors of training texts come nearer to the whole network's; which of
    the others go, by what the loss would lose. Raises BadInput for a network that has not so much to give.
    """
    card, base = lessons.card, from_folder(source)
    network = _network(base, card)
    texts, targets = _taught(lessons.train, card)
    tokens = tokenize(base.tokenizer, texts, max_tokens=card.max_tokens)
    whole = _said(lessons, network if lessons.whole == source else None, tokens, base.pad_id)
    torch.manual_seed(lessons.seed)
    if kind == "layers":
        keep_layers(network, tokens, base.pad_id, int(amount), tell)
    elif kind == "weights":
        network = ThinningNetwork(network, amount)
    else:
        prune = prune_heads if kind == "heads" else prune_neurons
        kept = prune(network, tokens, targets, base.pad_id, amount)
        tell(Told.NOTE, {"sentence": f"Of its {kind} each layer keeps {', '.join(map(str, kept))}."})
    out.mkdir(parents=True, exist_ok=True)
    if lessons.epochs:
        _teach(network, base.pad_id, lessons, tokens=tokens, targets=targets, whole=whole, out=out, tell=tell)
    if isinstance(network, ThinningNetwork):
        network.thin()
    if card.task == "embed":
        write_encoder(out, network, base)
    else:
        labels = card.labels or ("score",)
        write_network(out, network, base.tokenizer, labels, pad_id=base.pad_id, max_tokens=card.max_tokens)
    checkpoints.remove(out)


def _network(base: Base, card: ModelCard) -> TextNetwork:
    """The network of a model; an encoder has no head, and is given one that nobody asks."""
    if card.task != "embed":
        return trained_network(base)
    network = new_network(base, 1, dropout=0.0)
    network.head.requires_grad_(False)
    network.eval()
    return network


def _said(lessons: Lessons, network: TextNetwork | None, tokens: Tokens, pad_id: int) -> Tensor:
    """The whole network's logits of the texts, or an encoder's vectors; nothing where nothing is taught."""
    if not lessons.epochs:
        return torch.zeros(0)
    if network is None:
        network = _network(from_folder(lessons.whole), lessons.card)
    # As in training: what bfloat16 rounds is less than what a softened answer tells.
    return predict(network, tokens, pad_id, bf16=True)[1 if lessons.card.task == "embed" else 0]


def _taught(train: Dataset, card: ModelCard) -> tuple[list[str], Tensor]:
    """Texts, and label numbers or scores; an encoder's texts have neither."""
    if card.task == "embed":
        texts = taught_texts(card, train)
        return texts, torch.full((len(texts),), -1)
    if card.task == "score":
        scored = [(each.text, each.score) for each in train.examples if each.score is not None]
        return [text for text, _ in scored], torch.tensor([score for _, score in scored], dtype=torch.float32)
    place = {label: number for number, label in enumerate(card.labels)}
    rows = [(each.text, place[each.label]) for each in train.examples if each.label is not None and each.label in place]
    return [text for text, _ in rows], torch.tensor([target for _, target in rows])


def _teach(
    network: TextNetwork,
    pad_id: int,
    lessons: Lessons,
    *,
    tokens: Tokens,
    targets: Tensor,
    whole: Tensor,
    out: Path,
    tell: Tell,
) -> None:
    options = LoopOptions(num_train_epochs=lessons.epochs, min_steps=0, seed=lessons.seed)
    common: dict[str, Any] = {
        "tokens": tokens,
        "pad_id": pad_id,
        "valid": Checked([], torch.zeros(0, dtype=targets.dtype)),  # judged as it is served, not here
        "batch": options.per_device_train_batch_size,
        "seed": lessons.seed,
        "bf16": options.bf16,
    }
    if lessons.card.task == "embed":
        lesson: LabelLesson | ScoreLesson | VectorLesson = VectorLesson(meant=whole, **common)
    elif lessons.card.task == "score":
        lesson = ScoreLesson(scores=targets, **common)
    else:
        teacher = Teacher(whole, torch.arange(whole.shape[1]), _DISTILLED)
        lesson = LabelLesson(targets=targets, teacher=teacher, **common)
    fit(network, lesson, options, out=out, tell=tell, started_with={"recipe": "compress"})
