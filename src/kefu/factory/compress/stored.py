"""A network of pictures with its weights stored as 8-bit integers. Needs onnx, not torch.

They are made float again when the network is loaded: a quarter of the size at the same speed. Multiplying them as
integers, as matrices of texts are, is slower for convolutions of this size on a CPU.
"""

from pathlib import Path
from typing import Any

import numpy as np

from kefu.kit.optional import require

_LARGEST = 127  # symmetric: -128 stays unused, so that zero is exact
# Fewer numbers than this are no size worth an extra node.
_LEAST = 256


def store_in_8_bits(source: Path, target: Path) -> int:
    """Write an ONNX file whose weights of convolutions and matrices are int8, a scale for each of their outputs.

    Gives how many were. Raises MissingExtra.
    """
    onnx = require("onnx", extra="train")
    model = onnx.load(str(source))
    graph, nodes, done = model.graph, [], set()
    weights = {each.name: each for each in graph.initializer if _is_large(onnx, each)}
    used = {node.input[1] for node in graph.node if node.op_type in {"Conv", "Gemm", "MatMul"} and len(node.input) > 1}
    for name in sorted(used & set(weights)):
        values = onnx.numpy_helper.to_array(weights[name])
        outputs = _axis_of(graph, name)
        others = tuple(axis for axis in range(values.ndim) if axis != outputs)
        largest = np.abs(values).max(axis=others, keepdims=True)
        scale = np.where(largest > 0, largest / _LARGEST, 1.0).astype(np.float32)
        whole = np.round(values / scale).astype(np.int8)
        graph.initializer.remove(weights[name])
        graph.initializer.append(onnx.numpy_helper.from_array(whole, f"{name}_whole"))
        graph.initializer.append(onnx.numpy_helper.from_array(scale.reshape(-1), f"{name}_scale"))
        given = [f"{name}_whole", f"{name}_scale"]
        nodes.append(onnx.helper.make_node("DequantizeLinear", given, [name], f"{name}_float", axis=outputs))
        done.add(name)
    rest = list(graph.node)
    del graph.node[:]
    graph.node.extend([*nodes, *rest])
    onnx.checker.check_model(model)
    target.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, str(target))
    return len(done)


def _axis_of(graph: Any, name: str) -> int:
    """Which axis of a weight counts outputs: the first of a convolution's, the last of a matrix that is not turned."""
    node = next(each for each in graph.node if len(each.input) > 1 and each.input[1] == name)
    if node.op_type == "Conv":
        return 0
    turned = node.op_type == "Gemm" and any(each.name == "transB" and each.i for each in node.attribute)
    return 0 if turned else 1


def _is_large(onnx: Any, tensor: Any) -> bool:
    floats = tensor.data_type == onnx.TensorProto.FLOAT and len(tensor.dims) >= 2
    return bool(floats) and int(np.prod(tensor.dims)) >= _LEAST
