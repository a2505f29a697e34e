"""A network's matrices and word tables as 8-bit integers. Needs onnx, not torch."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from kefu.kit.optional import require

# A table of fewer rows (token types, the positions of a tiny network) is no size worth an extra node.
_LEAST_ROWS = 256
_LARGEST = 127  # symmetric: -128 stays unused, so that zero is exact
# How far, in steps, weights of any origin lie from whole numbers in the mean is a quarter; those that were whole once
# and have learnt a little since lie nearer.
_WAS_WHOLE = 0.2


def quantise(source: Path, target: Path, *, tables: bool) -> None:
    """Write the int8 form of an fp32 ONNX file.

    Matrices get one scale a column and are multiplied as integers (one scale for a whole matrix drops MiniLM's cosine
    to fp32 from 0.994 to 0.966). With `tables` the embedding tables get one scale a row; the rows that a text needs
    are made float again, which costs nothing and rounds each word by itself. Raises MissingExtra.
    """
    onnx = require("onnx", extra="train")
    quantization = require("onnxruntime.quantization", extra="train")
    target.parent.mkdir(parents=True, exist_ok=True)
    model = onnx.load(str(source))
    _keep_what_was_learnt(onnx, model.graph)
    with _quiet():
        quantization.quantize_dynamic(
            model,
            target,
            per_channel=True,
            weight_type=quantization.QuantType.QInt8,
            op_types_to_quantize=["MatMul"],
        )
    if tables:
        quantise_tables(target)


def _keep_what_was_learnt(onnx: Any, graph: Any) -> None:
    """Round the matrices of a graph by chance, in place, where rounding to the nearest would undo their training."""
    factors = {node.input[1] for node in graph.node if node.op_type == "MatMul"}
    chance = np.random.default_rng(0)
    for each in graph.initializer:
        if each.name in factors and len(each.dims) == 2 and each.data_type == onnx.TensorProto.FLOAT:
            matrix = rounded_by_chance(onnx.numpy_helper.to_array(each), chance)
            each.CopyFrom(onnx.numpy_helper.from_array(matrix, each.name))


def rounded_by_chance(matrix: npt.NDArray[np.float32], chance: np.random.Generator) -> npt.NDArray[np.float32]:
    """A matrix [in, out] whose weights are whole steps of their column, if they were once and have moved since.

    A network that was trained on from 8 bits has most weights within half a step of where they began: the nearest whole
    step is the one that they came from, and what was learnt would be gone. A weight goes up with the chance that its
    fraction gives instead, so that sums over many weights stay as they are. Other matrices are given back as they are:
    the nearest step is nearer to them.
    """
    largest = np.abs(matrix).max(axis=0, keepdims=True)
    steps = matrix / np.where(largest > 0, largest / _LARGEST, 1.0)
    moved = np.abs(steps - np.round(steps))[matrix != 0]
    if not moved.size or not 0 < moved.mean() < _WAS_WHOLE:
        return matrix
    whole = np.clip(np.floor(steps + chance.random(steps.shape)), -_LARGEST, _LARGEST)
    # What fixes a column's scale stays as it is, though division may have put it a hair below its whole number.
    whole = np.where(np.abs(matrix) == largest, np.sign(matrix) * _LARGEST, whole)
    return np.asarray(whole * (largest / _LARGEST), np.float32)


def quantise_tables(path: Path) -> None:
    """Replace the large float tables that an ONNX file gathers rows from by int8 ones, in place."""
    onnx = require("onnx", extra="train")
    model = onnx.load(str(path))
    graph = model.graph
    tables = {each.name: each for each in graph.initializer if _is_large(onnx, each)}
    nodes: list[Any] = []
    done: set[str] = set()
    for node in graph.node:
        if node.op_type != "Gather" or node.input[0] not in tables:
            nodes.append(node)
            continue
        name = node.input[0]
        if name not in done:
            whole, scale = by_rows(onnx.numpy_helper.to_array(tables[name]))
            graph.initializer.append(onnx.numpy_helper.from_array(whole, f"{name}_rows"))
            graph.initializer.append(onnx.numpy_helper.from_array(scale, f"{name}_row_scales"))
            done.add(name)
        nodes += _gathered(onnx, node)
    used = {name for node in nodes for name in node.input}
    for name in done - used:
        graph.initializer.remove(tables[name])
    del graph.node[:]
    graph.node.extend(nodes)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))


def by_rows(table: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.float32]]:
    """int8 [rows, width] and the scale of each row, float32 [rows, 1]; a row of zeros has the scale 1."""
    largest = np.abs(table).max(axis=1, keepdims=True)
    scale = np.where(largest > 0, largest / _LARGEST, 1.0).astype(np.float32)
    return np.round(table / scale).astype(np.int8), scale


def _is_large(onnx: Any, tensor: Any) -> bool:
    is_table = len(tensor.dims) == 2 and tensor.data_type == onnx.TensorProto.FLOAT
    return is_table and int(tensor.dims[0]) >= _LEAST_ROWS


def _gathered(onnx: Any, node: Any) -> list[Any]:
    """Nodes that give what a Gather gave, from the int8 table and its scales."""
    name, rows, output = node.input[0], node.input[1], node.output[0]
    make = onnx.helper.make_node
    return [
        make("Gather", [f"{name}_rows", rows], [f"{output}_row"], f"{node.name}_row", axis=0),
        make("Cast", [f"{output}_row"], [f"{output}_row_float"], f"{node.name}_cast", to=onnx.TensorProto.FLOAT),
        make("Gather", [f"{name}_row_scales", rows], [f"{output}_row_scale"], f"{node.name}_row_scale", axis=0),
        make("Mul", [f"{output}_row_float", f"{output}_row_scale"], [output], f"{node.name}_scaled"),
    ]


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep back the quantiser's advice to run another tool first; it says so on the root logger."""

    def keep_back(record: logging.LogRecord) -> bool:
        return "pre-processing" not in record.getMessage()

    root = logging.getLogger()
    root.addFilter(keep_back)
    try:
        yield
    finally:
        root.removeFilter(keep_back)
