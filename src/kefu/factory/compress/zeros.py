"""Matrices with many zeros, written small: a bit for each weight that says whether it is there, and those that are.

onnxruntime makes the whole matrix of it once, when it loads the file, so nothing gets slower. Needs onnx, not torch.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from kefu.kit.optional import require

# What the nodes that make a matrix whole again take in the file: one that saves less stays as it is.
_NODES_BYTES = 2000
_BITS = (128, 64, 32, 16, 8, 4, 2, 1)
# What all matrices are unpacked with.
_SHARED: Mapping[str, npt.NDArray[Any]] = {
    "powers": np.array(_BITS, np.int32)[None, :],
    "two": np.array(2, np.int32),
    "flat": np.array([-1], np.int64),
    "start": np.array([0], np.int64),
    "axis": np.array(0, np.int64),
}
_PREFIX = "unpack"


def pack_zeros(path: Path) -> int:
    """Rewrite the matrices of an ONNX file that hold many zeros, in place; gives how many. Raises MissingExtra."""
    onnx = require("onnx", extra="train")
    model = onnx.load(str(path))
    graph = model.graph
    tables = {name for node in graph.node if node.op_type == "Gather" for name in node.input[:1]}
    nodes: list[Any] = []
    packed = []
    for each in [one for one in graph.initializer if len(one.dims) == 2 and one.name not in tables]:
        whole = onnx.numpy_helper.to_array(each)
        bits, rest = bits_and_rest(whole)
        if whole.nbytes - bits.nbytes - rest.nbytes > _NODES_BYTES:
            own: dict[str, npt.NDArray[Any]] = {"bits": bits[:, None], "rest": rest}
            own |= {"size": np.array([whole.size], np.int64), "shape": np.array(whole.shape, np.int64)}
            graph.initializer.extend(_constants(onnx, each.name, own))
            nodes += _unpacking(onnx, each.name)
            packed.append(each)
    for each in packed:
        graph.initializer.remove(each)
    if packed:
        graph.initializer.extend(_constants(onnx, _PREFIX, _SHARED))
    rest_of_nodes = list(graph.node)
    del graph.node[:]
    graph.node.extend([*nodes, *rest_of_nodes])
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
    return len(packed)


def bits_and_rest(matrix: npt.NDArray[Any]) -> tuple[npt.NDArray[np.uint8], npt.NDArray[Any]]:
    """A bit for each weight, row by row, eight to a byte; and a zero followed by the weights that are none."""
    flat = matrix.reshape(-1)
    return np.packbits(flat != 0), np.concatenate([np.zeros(1, matrix.dtype), flat[flat != 0]])


def _constants(onnx: Any, owner: str, values: Mapping[str, npt.NDArray[Any]]) -> list[Any]:
    return [onnx.numpy_helper.from_array(value, f"{owner}_{part}") for part, value in values.items()]


def _unpacking(onnx: Any, name: str) -> list[Any]:
    """Nodes that give the matrix: each weight's place among the rest is the number of bits up to its own."""

    def node(kind: str, given: str, out: str, **more: Any) -> Any:
        inputs = [f"{_PREFIX if part in _SHARED else name}_{part}" for part in given.split()]
        made = f"{name}_{out}" if out else name  # the last one has the matrix's own name
        return onnx.helper.make_node(kind, inputs, [made], f"{made}_made", **more)

    return [
        node("Cast", "bits", "bytes", to=onnx.TensorProto.INT32),
        node("Div", "bytes powers", "shifted"),
        node("Mod", "shifted two", "each"),
        node("Reshape", "each flat", "padded"),
        node("Slice", "padded start size", "there"),
        node("CumSum", "there axis", "count"),
        node("Mul", "count there", "place"),
        node("Gather", "rest place", "values", axis=0),
        node("Reshape", "values shape", ""),
    ]
