"""The cells of a picture that an explanation weighs, and the picture without some of them."""

import base64
import io
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from kefu.knowledge.pictures import array_url

# Cells along each side: few enough that each is asked for in turn, small enough to part a sleeve from a collar.
SIDE = 7
Values = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Cell:
    """The pixels from `left`, `top` to before `right`, `bottom` of a picture; `text` is how people call the place."""

    text: str
    left: int
    top: int
    right: int
    bottom: int


def cells_of(picture: str) -> tuple[Cell, ...]:
    """The cells of a picture's data URL, row by row; those of a picture of fewer pixels than SIDE are pixels."""
    height, width = values_of(picture).shape[:2]
    return tuple(
        Cell(f"row {row}, column {column}", left, top, right, bottom)
        for row, (top, bottom) in enumerate(_edges(height), start=1)
        for column, (left, right) in enumerate(_edges(width), start=1)
    )


def without_cells(picture: str, cells: Sequence[Cell], left_out: Collection[int]) -> str:
    """The picture with what stands around its edge in place of these cells."""
    if not left_out:
        return picture
    values = values_of(picture).copy()
    ground = background(values)
    for place in left_out:
        cell = cells[place]
        values[cell.top : cell.bottom, cell.left : cell.right] = ground
    return array_url(values)


def background(values: Values) -> Values:
    """The median of the outermost pixels: what is behind the thing that is shown."""
    edge = np.concatenate([values[0], values[-1], values[:, 0], values[:, -1]])
    return np.asarray(np.median(edge, axis=0), np.uint8)


def values_of(picture: str) -> Values:
    """uint8 [height, width] of a grey data URL, [height, width, 3] of one in colour."""
    from PIL import Image

    with Image.open(io.BytesIO(base64.b64decode(picture.partition(",")[2])), formats=("PNG", "JPEG")) as opened:
        return np.asarray(opened.convert("L" if opened.mode == "L" else "RGB"), np.uint8)


def _edges(length: int) -> Iterator[tuple[int, int]]:
    many = min(SIDE, length)
    marks = [round(length * at / many) for at in range(many + 1)]
    return pairwise(marks)
