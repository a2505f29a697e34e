"""How a torch recipe teaches labels, from its data to a sealed model. Recipes state only what differs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional

from kefu.contracts.dataset import Dataset
from kefu.contracts.job import Job, Tell, Told
from kefu.contracts.model_card import ModelCard, Task
from kefu.factory import checkpoints
from kefu.factory.adapters.network import AdaptedNetwork, write_adapter
from kefu.factory.bases import Base, grown_network, load_base, new_network
from kefu.factory.batches import Tokens, tokenize
from kefu.factory.examples import labelled, languages_of
from kefu.factory.export import ONNX_FILE, write_network
from kefu.factory.growth import Growth, grow, remembered, remembered_vectors
from kefu.factory.lessons import Checked, Contrast, LabelLesson, Memory, Teacher, Telling, predict
from kefu.factory.loop import Fitted, LoopOptions, fit
from kefu.factory.losses import ClassLoss
from kefu.factory.near import write_near
from kefu.factory.network import TextNetwork, head_from_centroids, mix, set_dropout
from kefu.factory.recipes.linear.recipe import fit_linear
from kefu.factory.seal import seal
from kefu.kit.errors import BadInput

# MiniLM is the better encoder of English, e5 of Chinese and across languages. What is taught whole begins with the one
# that learnt no company's FAQ.
ENGLISH, ANY = "package:minilm-en", "package:e5-small-zh-en"
# A label's centroid hardly moves beyond so many of its texts; a pass over all of them is a third of an epoch.
CENTROID_TEXTS = 30
FLOOR_FEATURES = 20_000  # as the head's floor: the margin of more features tells no more


class LabelOptions(LoopOptions):
    """Options of the recipes that teach labels."""

    loss: ClassLoss = Field(default="cross_entropy", description="cross_entropy or focal")
    label_smoothing: float = Field(default=0.0, ge=0, lt=1, description="the share spread over all labels")
    focal_gamma: float = Field(default=2.0, ge=0, le=10, description="how little the focal loss counts what is sure")
    floor: bool = Field(default=True, description="whether a linear floor is kept to tell what is out of scope")
    floor_weight: float = Field(
        default=0.0, ge=0, le=100, description="what the floor's margins count beside the logits"
    )
    near_weight: float = Field(
        default=0.0, ge=0, le=100, description="what near examples count beside the logits; 0: none are kept"
    )
    original_share: float = Field(
        default=0.0, ge=0, le=1, description="the share of the encoder's original weights in the result"
    )
    rehearsal_per_label: int = Field(
        default=100, ge=1, description="with extend: earlier texts of each label that are taught again"
    )
    distillation_weight: float = Field(
        default=1.0, ge=0, description="with extend: how much the earlier model's answers count beside the labels"
    )


@dataclass(frozen=True)
class Manner:
    """What a recipe does its own way: contrast, balanced batches of `each` texts a label, labels' names as texts.

    `adapt` puts an adapter into the network before it learns.
    """

    recipe: str
    contrast: Contrast = field(default_factory=Contrast)
    each: int = 0
    teach_names: bool = False
    adapt: Callable[[TextNetwork], TextNetwork] | None = None


def teach_labels(
    job: Job, data: Dataset, valid: Dataset, tell: Tell, *, options: LabelOptions, manner: Manner
) -> ModelCard:
    """Train a network to tell labels apart and seal it in `job.out`."""
    prepare(options)
    growth = grow(job, data, valid, per_label=options.rehearsal_per_label, seed=options.seed, tell=tell)
    texts, names = _taught(growth)
    labels = growth.labels
    base = growth.base or load_base(options.base_model or base_for(texts))
    if manner.teach_names:
        texts, names = with_names(texts, names)
    tokens = tokenize(base.tokenizer, texts, max_tokens=options.max_tokens)
    targets = torch.tensor([labels.index(name) for name in names])
    network, teacher = _network(base, growth, tokens, targets, options)
    original = {name: each.clone() for name, each in network.encoder.state_dict().items()}
    if manner.adapt is not None and not growth.is_from_memory:  # there the encoder stays as it is, and all in it
        network = manner.adapt(network)
    memory = _memory(growth, network) if growth.is_from_memory else None
    lesson = LabelLesson(
        tokens=tokens,
        pad_id=base.pad_id,
        targets=targets,
        valid=checked(base, growth.valid, labels, options),
        batch=options.per_device_train_batch_size,
        seed=options.seed,
        bf16=options.bf16,
        telling=Telling(options.loss, options.label_smoothing, options.focal_gamma),
        contrast=manner.contrast,
        teacher=teacher,
        memory=memory,
        each=manner.each,
    )
    started = started_with(options, base, growth.data, manner.recipe)
    out = Path(job.out)
    fitted = fit(network, lesson, options, out=out, tell=tell, started_with=started, resume=job.resume)
    learning = sum(each.numel() for each in network.parameters() if each.requires_grad)
    if isinstance(network, AdaptedNetwork):
        write_adapter(out, network, base)
        network = network.merged()
    if options.original_share:
        mix(network, original, options.original_share)
        fitted = replace(fitted, metrics=lesson.judge(network))
    has_floor = options.floor and growth.has_all_labels
    if has_floor:
        fit_linear(out / "linear", texts, names, regularisation=1.0, features=FLOOR_FEATURES, seed=options.seed)
    if options.near_weight and growth.has_all_labels:
        _, vectors = predict(network, tokens, base.pad_id, bf16=options.bf16)
        write_near(out, vectors.numpy(), targets.numpy(), weight=options.near_weight)
    card = draft(out, options, base, fitted, recipe=manner.recipe, task="classify", texts=texts, data=growth.data)
    card = replace(
        card,
        labels=labels,
        metrics={**card.metrics, "trainable_parameters": learning},
        floor_weight=options.floor_weight if has_floor else 0.0,
        parents=growth.parents,
        valid_sha256=growth.valid.sha256,
    )
    card = finish(out, card, network, base, data=growth.data, valid=growth.valid, tell=tell)
    return remembered(out, card, growth, tell) if growth.earlier else card


def _taught(growth: Growth) -> tuple[list[str], list[str]]:
    """Texts and labels. A model that knows labels may learn a single new one; data alone need two."""
    if growth.base is None:
        return labelled(growth.data)
    rows = [(each.text, each.label) for each in growth.data.examples if each.label is not None]
    if not rows:
        raise BadInput("The data hold no label.")
    return [text for text, _ in rows], [label for _, label in rows]


def prepare(options: LoopOptions) -> None:
    """Set what every run begins with: the random numbers and the threads."""
    torch.manual_seed(options.seed)
    torch.set_num_threads(options.processor_threads)


def base_for(texts: Sequence[str]) -> str:
    """The encoder that suits the texts' languages."""
    return ENGLISH if languages_of(texts) == ("en",) else ANY


def with_names(texts: Sequence[str], names: Sequence[str]) -> tuple[list[str], list[str]]:
    """The texts, and each label's name as one more text, where it is made of words."""
    known = sorted({name for name in names if any(char.isalpha() for char in name)})
    return [*texts, *(_spoken(name) for name in known)], [*names, *known]


def _spoken(label: str) -> str:
    return " ".join(label.replace("_", " ").replace("-", " ").replace(".", " ").split())


def _network(
    base: Base, growth: Growth, tokens: Tokens, targets: Tensor, options: LabelOptions
) -> tuple[TextNetwork, Teacher | None]:
    """The network to train, its head set from the labels' centroids, and the earlier model as its teacher."""
    labels, old = growth.labels, growth.old_labels
    if growth.base is None:
        network = new_network(base, len(labels), dropout=options.dropout)
        teacher = None
    else:
        network = grown_network(base, old, labels, dropout=options.dropout)
        places = torch.tensor([labels.index(label) for label in old])
        logits, _ = predict(network, tokens, base.pad_id, bf16=options.bf16)
        teacher = Teacher(logits[:, places], places, options.distillation_weight)
    set_head(network, tokens, targets, base.pad_id, known=[labels.index(label) for label in old], bf16=options.bf16)
    return network, teacher if options.distillation_weight else None


def _memory(growth: Growth, network: TextNetwork) -> Memory:
    """What the head meets in place of the earlier texts: their vectors hold only while the encoder stays as it is."""
    assert growth.earlier is not None
    network.encoder.requires_grad_(False)
    set_dropout(network, 0.0)  # the earlier texts' vectors were made without
    places = torch.tensor([growth.labels.index(label) for label in growth.old_labels])
    vectors = torch.from_numpy(remembered_vectors(growth.earlier))
    with torch.no_grad():
        if not len(vectors):  # each label's row of the head points where its texts are
            vectors = functional.normalize(network.head.weight[places].clone(), dim=1)
        meant = places[network.head(vectors)[:, places].argmax(1)]
    return Memory(vectors, meant, network.head)


def set_head(
    network: TextNetwork, tokens: Tokens, targets: Tensor, pad_id: int, *, known: Sequence[int], bf16: bool
) -> None:
    """Set a head's rows from the centroids of each label's texts; those of labels that are `known` stay."""
    rows: list[int] = []
    for label in range(network.head.out_features):
        if label not in known:
            rows += (targets == label).nonzero()[:CENTROID_TEXTS, 0].tolist()
    if rows:
        _, vectors = predict(network, [tokens[row] for row in rows], pad_id, bf16=bf16)
        head_from_centroids(network.head, vectors, targets[rows], known=known)


def checked(base: Base, valid: Dataset, labels: Sequence[str], options: LabelOptions) -> Checked:
    """Validation data by the labels' numbers."""
    place = {label: number for number, label in enumerate(labels)}
    rows = [each for each in valid.examples if each.label is not None]
    tokens = tokenize(base.tokenizer, [each.text for each in rows], max_tokens=options.max_tokens)
    return Checked(tokens, torch.tensor([place.get(str(each.label), -1) for each in rows], dtype=torch.int64))


def started_with(options: LoopOptions, base: Base, data: Dataset, recipe: str) -> dict[str, Any]:
    """What a checkpoint can only be gone on from with: how often something is told or saved may change."""
    given = options.model_dump(
        exclude={"logging_steps", "save_steps", "save_seconds", "licence", "threads", "processes"}
    )
    return {"recipe": recipe, "data": data.sha256, "base": base.sha256, **given}


def draft(
    out: Path,
    options: LoopOptions,
    base: Base,
    fitted: Fitted,
    *,
    recipe: str,
    task: Task,
    texts: Sequence[str],
    data: Dataset,
) -> ModelCard:
    """The card of a network that was trained, before it is sealed."""
    return ModelCard(
        name=out.name,
        task=task,
        recipe=recipe,
        runtime="onnx",
        serve=ONNX_FILE,
        languages=languages_of(texts),
        base_model=base.reference,
        base_sha256=base.sha256,
        max_tokens=options.max_tokens,
        seed=options.seed,
        options=options.model_dump(),
        data_sha256=data.sha256,
        metrics={
            **{f"valid_{name}": value for name, value in fitted.metrics.items()},
            "train_seconds": round(fitted.seconds, 1),
            "train_texts_per_second": round(fitted.samples_per_second, 1),
        },
        licence=options.licence or base.licence,
    )


def finish(
    out: Path, card: ModelCard, network: TextNetwork, base: Base, *, data: Dataset, valid: Dataset, tell: Tell
) -> ModelCard:
    """Export the network, compare what was exported, seal the model, and remove its checkpoint."""
    labels = card.labels or ("score",)
    written = write_network(out, network, base.tokenizer, labels, pad_id=base.pad_id, max_tokens=card.max_tokens)
    sentence = f"Exported, loaded again and compared: the largest difference is {written.largest:.2g}."
    tell(Told.NOTE, {"sentence": sentence})
    card = replace(card, metrics={**card.metrics, "export_difference": written.largest})
    sealed = seal(out, card, data, valid)
    checkpoints.remove(out)
    return sealed
