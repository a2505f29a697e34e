"""Looking into a network of pictures: gradients, gathered from pixels to cells. Needs torch."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor

from kefu.factory.explain.cells import Cell, background, values_of
from kefu.factory.explain.methods import Part, Weights
from kefu.factory.pictures.network import PictureNetwork
from kefu.kit.errors import BadInstallation
from kefu.kit.optional import require
from kefu.knowledge.pictures import array_url, pixels


def picture_network(folder: Path) -> PictureNetwork:
    """The network in a model's folder, as it was trained. Raises BadInstallation for a folder that is damaged."""
    try:
        table = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        labels, widths = len(table["id2label"]), [int(each) for each in table["widths"]]
        network = PictureNetwork(int(table["channels"]), int(table["side"]), widths, labels, dropout=0.0)
        network.load_state_dict(load_file(str(folder / "model.safetensors")))
    except (OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
        raise BadInstallation(f"The model in {folder} cannot be read: {error}", folder=str(folder)) from error
    network.eval()
    return network


class PictureGradients:
    """Integrated gradients over pixels: what each adds on the way from the bare ground to the picture."""

    def __init__(self, folder: Path, *, steps: int) -> None:
        attr = require("captum.attr", extra="explain")
        self._network, self._steps = picture_network(folder), steps

        def share(shown: Tensor) -> Tensor:
            return self._network(shown)[0].softmax(1)

        self._attribution = attr.IntegratedGradients(share)

    def __call__(self, text: str, parts: Sequence[Part], label: int) -> Weights:
        values = values_of(text)
        bare = np.broadcast_to(background(values), values.shape).astype(np.uint8)
        shown, ground = self._looked_at(text), self._looked_at(array_url(bare))
        found = self._attribution.attribute(shown, baselines=ground, target=label, n_steps=self._steps)
        return self._gathered(found[0].sum(0).detach().numpy(), values.shape[:2], parts)

    def _looked_at(self, picture: str) -> Tensor:
        shown = pixels(picture, side=self._network.side, channels=self._network.channels)
        return torch.from_numpy(np.ascontiguousarray(shown))[None]

    def _gathered(self, of_pixels: Weights, size: Sequence[int], parts: Sequence[Part]) -> Weights:
        """A cell's weight is the sum of its pixels' in what the network saw: the picture fitted into a square."""
        height, width = size
        scale = self._network.side / max(height, width)
        down, right = (self._network.side - height * scale) / 2, (self._network.side - width * scale) / 2
        found = np.zeros(len(parts))
        for place, cell in enumerate(parts):
            assert isinstance(cell, Cell)
            rows = slice(round(down + cell.top * scale), round(down + cell.bottom * scale))
            columns = slice(round(right + cell.left * scale), round(right + cell.right * scale))
            found[place] = of_pixels[rows, columns].sum()
        return found
