"""A small residual network (He 2016) for pictures of any size, and what it is taught with."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from kefu.factory.batches import Batches, shuffled
from kefu.factory.devices import given_by
from kefu.factory.lessons import Telling, label_metrics
from kefu.factory.losses import classification
from kefu.factory.network import TextNetwork

# Each block halves the side; what is left should be about so many places wide.
_LAST_SIDE = 7
_PREDICTED_AT_ONCE = 256


class PictureNetwork(TextNetwork):
    """Pictures [batch, channels, side, side] from 0 to 1 to logits and unit vectors.

    Mean and deviation of the training pictures are part of it, so that whoever serves it need not know of them.
    """

    def __init__(self, channels: int, side: int, widths: Sequence[int], outputs: int, *, dropout: float) -> None:
        nn.Module.__init__(self)
        self.channels, self.side, self.widths = channels, side, tuple(widths)
        self.register_buffer("mean", torch.zeros(1, channels, 1, 1))
        self.register_buffer("deviation", torch.ones(1, channels, 1, 1))
        halvings = max(0, round(math.log2(side / _LAST_SIDE)))
        strides = max(0, halvings - (len(widths) - 1))  # of the stem: a large picture is made small at once
        stem: list[nn.Module] = []
        before = channels
        for place in range(max(1, strides)):
            stem += [nn.Conv2d(before, widths[0], 3, stride=2 if place < strides else 1, padding=1, bias=False)]
            stem += [nn.BatchNorm2d(widths[0]), nn.ReLU()]
            before = widths[0]
        blocks: list[nn.Module] = []
        for place, width in enumerate(widths):
            if place and place <= halvings:
                blocks.append(nn.MaxPool2d(2))
            blocks.append(Block(before, width))
            before = width
        self.encoder = nn.Sequential(*stem, *blocks)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(widths[-1], outputs)

    def forward(self, pixels: Tensor, nothing: Tensor | None = None) -> tuple[Tensor, Tensor]:
        normal = (pixels - cast(Tensor, self.mean)) / cast(Tensor, self.deviation)
        features = self.encoder(normal).mean((2, 3))
        return self.head(self.dropout(features)), functional.normalize(features.float(), dim=1)

    @property
    def is_whole(self) -> bool:
        return False

    def look(self, pictures: Tensor) -> None:
        """Take mean and deviation from uint8 pictures [n, channels, side, side]."""
        shares = pictures[:: max(1, len(pictures) // 2000)].float() / 255
        cast(Tensor, self.mean).copy_(shares.mean((0, 2, 3), keepdim=True))
        cast(Tensor, self.deviation).copy_(shares.std((0, 2, 3), keepdim=True).clamp(min=1e-3))


class Block(nn.Module):
    """Two convolutions, and the way around them."""

    def __init__(self, before: int, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(before, width, 3, padding=1, bias=False)
        self.second = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.norms = nn.ModuleList([nn.BatchNorm2d(width), nn.BatchNorm2d(width)])
        self.around = nn.Identity() if before == width else nn.Conv2d(before, width, 1, bias=False)

    def forward(self, pictures: Tensor) -> Tensor:
        found = functional.relu(self.norms[0](self.first(pictures)))
        return functional.relu(self.norms[1](self.second(found)) + self.around(pictures))


@dataclass(frozen=True)
class Changes:
    """What may be done to a picture while it is learnt: none of it changes what it shows."""

    flip: bool = True
    shift: float = 0.08  # of the side
    rotate: float = 8.0  # degrees
    erase: float = 0.25  # the side of a square that is blanked, of the picture's; in half of the pictures

    def made(self, pictures: Tensor) -> Tensor:
        """float32 pictures changed by chance, [n, channels, side, side]."""
        count, _, side, _ = pictures.shape
        angle = (torch.rand(count) * 2 - 1) * math.radians(self.rotate)
        mirror = 1 - 2 * (torch.rand(count) < 0.5).float() * float(self.flip)
        cos, sin = angle.cos(), angle.sin()
        moved = (torch.rand(count, 2) * 2 - 1) * 2 * self.shift
        turned = torch.stack([cos * mirror, -sin, moved[:, 0], sin * mirror, cos, moved[:, 1]], 1).view(-1, 2, 3)
        grid = functional.affine_grid(turned, list(pictures.shape), align_corners=False)
        found = functional.grid_sample(pictures, grid, align_corners=False)
        if not self.erase:
            return found
        corner = torch.rand(count, 2) * (1 - self.erase) * side
        places = torch.arange(side).view(1, -1)
        rows = (places >= corner[:, :1]) & (places < corner[:, :1] + self.erase * side)
        columns = (places >= corner[:, 1:]) & (places < corner[:, 1:] + self.erase * side)
        blank = rows[:, None, :, None] & columns[:, None, None, :] & (torch.rand(count) < 0.5)[:, None, None, None]
        return found.masked_fill(blank, 0.0)


@dataclass
class PictureLesson:
    """Telling labels of pictures apart. `loop.Lesson`; pictures are uint8 [n, channels, side, side]."""

    pictures: Tensor
    targets: Tensor
    valid: Tensor
    valid_targets: Tensor
    batch: int
    seed: int
    changes: Changes
    telling: Telling

    def batches(self, epoch: int) -> Batches:
        return shuffled(len(self.pictures), size=self.batch, seed=self.seed, epoch=epoch)

    def inputs(self, rows: list[int]) -> tuple[Tensor, Tensor]:
        return self.changes.made(self.pictures[rows].float() / 255), torch.zeros(0)

    def loss(self, logits: Tensor, vectors: Tensor, rows: list[int]) -> Tensor:
        how = self.telling
        return classification(how.name, logits, self.targets[rows], smoothing=how.smoothing, gamma=how.gamma)

    def judge(self, network: TextNetwork) -> Mapping[str, float]:
        return label_metrics(looked_at(network, self.valid), self.valid_targets)


@torch.no_grad()
def looked_at(network: TextNetwork, pictures: Tensor) -> Tensor:
    """logits [n, labels] of uint8 pictures, without dropout."""
    was_training = network.training
    network.eval()
    found = [torch.zeros(0, network.head.out_features)]
    for at in range(0, len(pictures), _PREDICTED_AT_ONCE):
        found.append(given_by(network, pictures[at : at + _PREDICTED_AT_ONCE].float() / 255, torch.zeros(0))[0])
    network.train(was_training)
    return torch.cat(found)
