"""A picture classifier as an ONNX file: data URLs to logits and vectors. What it looks at, its input says."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from kefu.contracts.model_card import ModelCard
from kefu.engines.classifier.runtimes import Outputs
from kefu.engines.resolve import ModelFiles
from kefu.kit.errors import BadInstallation
from kefu.kit.optional import require
from kefu.knowledge.pictures import pixels

_LOGITS, _VECTORS = "logits", "sentence_embedding"
# Pictures of one run: enough to fill a processor, few enough for the smallest machine's memory at 224 x 224.
_AT_ONCE = 32


class PictureRuntime:
    """`runtimes.Runtime` of pictures; runs on a thread of its own."""

    def __init__(self, card: ModelCard, model: ModelFiles, *, threads: int) -> None:
        self._card, self._file, self._threads = card, model.files[card.serve], threads
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="kefu-pictures")
        self._session: Any = None
        self._side = self._channels = 0

    async def load(self) -> None:
        await asyncio.get_running_loop().run_in_executor(self._pool, self._load)

    async def run(self, texts: Sequence[str]) -> Outputs:
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._run, texts)

    async def close(self) -> None:
        self._session = None
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _load(self) -> None:
        onnxruntime = require("onnxruntime", extra="serve")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self._threads
        session = onnxruntime.InferenceSession(str(self._file), options, providers=["CPUExecutionProvider"])
        shape = session.get_inputs()[0].shape
        names = {each.name for each in session.get_outputs()}
        if len(shape) != 4 or not {_LOGITS, _VECTORS} <= names or shape[1] not in {1, 3} or shape[2] != shape[3]:
            raise BadInstallation(f"{self._card.serve} of model {self._card.name} does not take pictures.")
        self._channels, self._side, self._session = int(shape[1]), int(shape[2]), session

    def _run(self, texts: Sequence[str]) -> Outputs:
        logits, vectors = [], []
        for at in range(0, len(texts), _AT_ONCE):
            some = [pixels(each, side=self._side, channels=self._channels) for each in texts[at : at + _AT_ONCE]]
            found = self._session.run([_LOGITS, _VECTORS], {"pixels": np.stack(some)})
            logits.append(found[0])
            vectors.append(found[1])
        return Outputs(np.concatenate(logits), np.concatenate(vectors), None)
