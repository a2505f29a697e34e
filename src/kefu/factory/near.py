"""Near examples: what a model keeps of its training texts to compare a question with."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from kefu.contracts.engine import Matrix

# The file of a network's near examples; a head has them in its own.
NEAR_FILE = "near.safetensors"
# Examples that a model keeps to compare with: 10,000 x 384 float16 is 7.7 MB.
_MOST = 10_000


def near_arrays(vectors: Matrix, owners: npt.NDArray[np.integer[Any]]) -> dict[str, Any]:
    """`near` [n, d] and the label's number of each, `owners` [n]: every so-many-th where there are too many."""
    step = max(1, -(-len(vectors) // _MOST))
    return {
        "near": np.ascontiguousarray(vectors[::step], np.float16),
        "owners": np.ascontiguousarray(owners[::step], np.int32),
    }


def write_near(folder: Path, vectors: Matrix, owners: npt.NDArray[np.integer[Any]], *, weight: float) -> None:
    """Keep near examples beside a network; what they say counts `weight` beside its logits."""
    from safetensors.numpy import save_file

    folder.mkdir(parents=True, exist_ok=True)
    arrays = {**near_arrays(vectors, owners), "weight": np.array([weight], np.float32)}
    save_file(arrays, folder / NEAR_FILE)
