"""A fine-tuned network as an ONNX file: texts to logits and vectors. Synchronous; used by one thread at a time."""

from collections.abc import Sequence

import numpy as np

from kefu.contracts.engine import Matrix
from kefu.contracts.model_card import ModelCard
from kefu.engines.onnx.session import TextSession
from kefu.engines.resolve import ModelFiles
from kefu.kit.errors import BadInstallation

_LOGITS, _VECTORS = "logits", "sentence_embedding"


class Network(TextSession):
    """A network with the outputs `logits` and `sentence_embedding`."""

    def __init__(self, card: ModelCard, model: ModelFiles, *, threads: int) -> None:
        super().__init__(model, threads=threads, max_tokens=card.max_tokens)
        if not {_LOGITS, _VECTORS} <= set(self.outputs):
            raise BadInstallation(f"{card.serve} of model {card.name} does not give logits and sentence_embedding.")

    def run(self, texts: Sequence[str]) -> tuple[Matrix, Matrix]:
        """logits [n, labels] and vectors [n, d]. Each text runs by itself: neighbours would change an int8 answer."""
        logits, vectors = [], []
        for text in texts:
            (one, vector), _ = self.compute((_LOGITS, _VECTORS), (text,))
            logits.append(one[0])
            vectors.append(vector[0])
        return np.asarray(logits, np.float32), np.asarray(vectors, np.float32)
