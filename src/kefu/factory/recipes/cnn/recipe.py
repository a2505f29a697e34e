"""The recipe `cnn`: a small residual network learns which label a picture has.

Pictures come from folders, tables of files or IDX; their size and colours are taken from the data unless said. They are
flipped, shifted, turned and partly blanked while they are learnt.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import torch
from pydantic import Field, model_validator
from torch import Tensor, nn

from kefu.contracts.dataset import Dataset, Example
from kefu.contracts.job import Job, Tell, Told
from kefu.contracts.model_card import ModelCard
from kefu.factory import checkpoints
from kefu.factory.course import prepare
from kefu.factory.export import LARGEST_DIFFERENCE, ONNX_FILE, OPSET
from kefu.factory.lessons import Telling
from kefu.factory.loop import Fitted, LoopOptions, fit
from kefu.factory.losses import ClassLoss
from kefu.factory.options import read_options
from kefu.factory.pictures.network import Changes, PictureLesson, PictureNetwork, looked_at
from kefu.factory.seal import outputs, seal
from kefu.kit.errors import BadInput, BadInstallation
from kefu.knowledge.pictures import KEPT_SIDE, is_picture, pixels

_COMPARED_ON = 8
# By the longer side of the first pictures: what their network looks at.
_SIDES = (28, 32, 64, 96, 128, 224)
_SEEN_FOR_SIZE = 20


class CnnOptions(LoopOptions):
    """Options of `cnn`."""

    side: int = Field(default=0, ge=0, le=KEPT_SIDE, description="pixels a side; 0 takes it from the pictures")
    color: Literal["auto", "grey", "rgb"] = Field(default="auto", description="auto, grey or rgb")
    widths: str = Field(default="24,40,64", description="channels of the blocks; more of them see more")
    flip: bool = Field(default=True, description="whether a mirrored picture shows the same")
    shift: float = Field(default=0.08, ge=0, le=0.5, description="how far a picture is moved, of its side")
    rotate: float = Field(default=8.0, ge=0, le=180, description="how far it is turned, in degrees")
    erase: float = Field(default=0.25, ge=0, le=0.9, description="the side of a square that is blanked; 0 for never")
    loss: ClassLoss = Field(default="cross_entropy", description="cross_entropy or focal")
    label_smoothing: float = Field(default=0.05, ge=0, lt=1, description="the share spread over all labels")
    focal_gamma: float = Field(default=2.0, ge=0, le=10, description="how little the focal loss counts what is sure")
    num_train_epochs: int = Field(default=20, ge=1, le=1000, description="how often every picture is seen")
    per_device_train_batch_size: int = Field(default=64, ge=2, le=4096, description="pictures of one batch")
    learning_rate: float = Field(default=4e-3, gt=0, lt=1, description="the highest learning rate")
    head_learning_rate: float = Field(default=4e-3, gt=0, lt=10, description="the head's highest learning rate")
    weight_decay: float = Field(default=0.05, ge=0, description="decoupled in adamw, L2 in adam and sgd")
    lr_scheduler_type: Literal["linear", "cosine", "constant"] = Field(default="cosine", description="how it falls")

    @model_validator(mode="after")
    def _check_texts(self) -> Self:
        given = [name for name in ("base_model", "adversarial_epsilon", "freeze_layers") if getattr(self, name)]
        if given or self.freeze_embeddings:
            raise ValueError(f"{(given or ['freeze_embeddings'])[0]} is for networks of texts")
        return self

    @property
    def channel_widths(self) -> tuple[int, ...]:
        try:
            found = tuple(int(each) for each in self.widths.split(","))
        except ValueError:
            found = ()
        if not found or min(found) < 1 or max(found) > 1024:
            raise BadInput(f"widths are numbers with commas, such as 24,40,64; not {self.widths!r}.", option="widths")
        return found


class CnnRecipe:
    """`contracts.job.Recipe`."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._options = read_options(CnnOptions, "cnn", options)

    def train(self, job: Job, data: Dataset, valid: Dataset, tell: Tell) -> ModelCard:
        if job.extend:
            raise BadInput("A network of pictures cannot be extended; train it on all the pictures.", extend=job.extend)
        options, out = self._options, Path(job.out)
        widths = options.channel_widths
        prepare(options)
        labels = data.labels
        if len(labels) < 2:
            raise BadInput("The pictures need at least two labels to be told apart.", labels=len(labels))
        taught, checked = _labelled(data, labels), _labelled(valid, labels)
        side, channels = _size(taught, options)
        pictures, judged = (_read(rows, side, channels, tell) for rows in (taught, checked))
        network = PictureNetwork(channels, side, widths, len(labels), dropout=options.dropout)
        network.look(pictures)
        count = sum(each.numel() for each in network.parameters())
        tell(Told.NOTE, {"sentence": f"Pictures of {side} x {side}, {_COLOURS[channels]}; {count:,} weights."})
        lesson = PictureLesson(
            pictures=pictures,
            targets=_targets(taught, labels),
            valid=judged,
            valid_targets=_targets(checked, labels),
            batch=options.per_device_train_batch_size,
            seed=options.seed,
            changes=Changes(options.flip, options.shift, options.rotate, options.erase),
            telling=Telling(options.loss, options.label_smoothing, options.focal_gamma),
        )
        free = {"logging_steps", "save_steps", "save_seconds", "licence", "threads", "processes"}
        started = {"recipe": "cnn", "data": data.sha256, **options.model_dump(exclude=free)}
        fitted = fit(network, lesson, options, out=out, tell=tell, started_with=started, resume=job.resume)
        card = _draft(out, options, fitted, labels=labels, data=data, valid=valid, weights=count)
        return _finish(out, card, network, judged if len(judged) else pictures, data=data, valid=valid, tell=tell)


_COLOURS = {1: "grey", 3: "in colour"}


def _labelled(data: Dataset, labels: Sequence[str]) -> list[Example]:
    rows = [each for each in data.examples if each.label in labels]
    if other := next((each for each in rows if not is_picture(each.text)), None):
        raise BadInput(
            f"Row {other.row} is no picture: cnn learns from a folder with a folder for each label, a table with a "
            "column of files, or IDX.",
            row=other.row,
        )
    return rows


def _size(rows: Sequence[Example], options: CnnOptions) -> tuple[int, int]:
    """Side and channels: those of the first pictures unless the options say."""
    from kefu.knowledge.pictures import size_of

    seen = [size_of(each.text) for each in rows[:_SEEN_FOR_SIZE]]
    longest = max(max(width, height) for width, height, _ in seen)
    side = options.side or next((each for each in _SIDES if each >= longest), _SIDES[-1])
    if options.color != "auto":
        return side, 1 if options.color == "grey" else 3
    return side, 3 if any(channels == 3 for _, _, channels in seen) else 1


def _read(rows: Sequence[Example], side: int, channels: int, tell: Tell) -> Tensor:
    """uint8 [n, channels, side, side]: a byte a value, so that a hundred thousand small pictures fit."""
    found = np.zeros((len(rows), channels, side, side), np.uint8)
    for at, each in enumerate(rows):
        found[at] = np.rint(pixels(each.text, side=side, channels=channels) * 255)
        if (at + 1) % 1000 == 0:
            tell(Told.PROGRESS, {"done": at + 1, "total": len(rows), "unit": "pictures"})
    return torch.from_numpy(found)


def _targets(rows: Sequence[Example], labels: Sequence[str]) -> Tensor:
    place = {label: number for number, label in enumerate(labels)}
    return torch.tensor([place[str(each.label)] for each in rows], dtype=torch.int64)


def _draft(
    out: Path,
    options: CnnOptions,
    fitted: Fitted,
    *,
    labels: tuple[str, ...],
    data: Dataset,
    valid: Dataset,
    weights: int,
) -> ModelCard:
    return ModelCard(
        name=out.name,
        task="classify",
        recipe="cnn",
        runtime="picture",
        serve=ONNX_FILE,
        labels=labels,
        seed=options.seed,
        options=options.model_dump(),
        data_sha256=data.sha256,
        valid_sha256=valid.sha256,
        metrics={
            **{f"valid_{name}": value for name, value in fitted.metrics.items()},
            "trainable_parameters": weights,
            "train_seconds": round(fitted.seconds, 1),
            "train_pictures_per_second": round(fitted.samples_per_second, 1),
        },
        licence=options.licence,
    )


def _finish(
    out: Path, card: ModelCard, network: PictureNetwork, probes: Tensor, *, data: Dataset, valid: Dataset, tell: Tell
) -> ModelCard:
    """Write the network and what serves it, compare both, seal the model."""
    network.eval()
    _write(out, network, card.labels)
    sealed = seal(out, card, data, valid)
    shown = [each for each in (valid if len(valid.examples) else data).examples if each.label in card.labels]
    served = outputs(out, [each.text for each in shown[:_COMPARED_ON]]).logits
    largest = float(np.abs(served - looked_at(network, probes[:_COMPARED_ON]).numpy()).max(initial=0.0))
    if largest > LARGEST_DIFFERENCE:
        raise BadInstallation(f"The ONNX file differs from the network by {largest:.2g}.", difference=largest)
    tell(Told.NOTE, {"sentence": f"Exported, loaded again and compared: the largest difference is {largest:.2g}."})
    checkpoints.remove(out)
    return replace(sealed, metrics={**sealed.metrics, "export_difference": largest})


class _Served(nn.Module):
    """The network with pictures as its only input."""

    def __init__(self, network: PictureNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        return self.network(pictures)  # type: ignore[no-any-return]


def _write(out: Path, network: PictureNetwork, labels: Sequence[str]) -> None:
    import warnings

    from safetensors.torch import save_file

    (out / ONNX_FILE).parent.mkdir(parents=True, exist_ok=True)
    save_file({name: each.contiguous() for name, each in network.state_dict().items()}, out / "model.safetensors")
    table = {
        "model_type": "kefu-cnn",
        "side": network.side,
        "channels": network.channels,
        "widths": list(network.widths),
        "id2label": {str(place): label for place, label in enumerate(labels)},
    }
    (out / "config.json").write_text(json.dumps(table, ensure_ascii=False, indent=1, sort_keys=True) + "\n", "utf-8")
    shown = torch.zeros(2, network.channels, network.side, network.side)
    names = ["logits", "sentence_embedding"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's advice on its successor
        torch.onnx.export(
            _Served(network).eval(),
            (shown,),
            str(out / ONNX_FILE),
            input_names=["pixels"],
            output_names=names,
            dynamic_axes={name: {0: "batch"} for name in ("pixels", *names)},
            opset_version=OPSET,
            dynamo=False,
        )
