"""Sentence encoders as ONNX files, run in this process on a thread of their own."""

import asyncio
import threading
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from pydantic import Field, SecretStr

from kefu.contracts.engine import EngineCard, Matrix, TextKind
from kefu.engines.hub import Hub
from kefu.engines.onnx.runs import Runs
from kefu.engines.onnx.session import EncoderSession
from kefu.engines.options import EngineOptions, read_options
from kefu.engines.resolve import ModelFiles, resolve
from kefu.kit.errors import Unavailable
from kefu.kit.settings import settings

# More query texts than this in one call are an ingest's (FAQ questions), not a customer's: they queue as passages do.
QUERIES_A_CALL = 8


class OnnxOptions(EngineOptions):
    """Options of the ONNX encoder."""

    threads: int = Field(default=0, ge=0, le=64, description="threads that one run may use; 0 for KEFU_THREADS")
    # Attention grows with the square of the length, and passages are cut to about 200 tokens before they come here.
    max_tokens: int = Field(default=256, ge=8, le=8192, description="tokens past which a text is cut")
    batch: int = Field(default=0, ge=0, le=64, description="texts in one run; 0 lets the model decide")
    queue: int = Field(default=1024, ge=1, description="waiting queries past which a further one is refused")
    card: dict[str, Any] | None = Field(default=None, description="the model's card, for path: and hub: references")
    revision: str = Field(default="", description="hub: references: the commit, 40 hexadecimal digits")
    hub_url: str = Field(default=Hub.url, description="hub: references: the address of the model hub")
    hub_token: SecretStr = Field(default=SecretStr(""), description="hub: references: a token for private models")


class OnnxEncoder:
    """Text to unit vectors with an ONNX model; may be awaited from any event loop."""

    def __init__(self, reference: str, options: Mapping[str, Any]) -> None:
        self._reference = reference
        self._options = read_options(OnnxOptions, "onnx", options)
        self._loading = threading.Lock()
        self._model: ModelFiles | None = None
        self._card: EngineCard | None = None
        self._runs: Runs | None = None

    def card(self) -> EngineCard:
        if self._card is None:
            raise Unavailable(f"The encoder {self._reference} is not loaded.")
        return self._card

    async def load(self) -> None:
        await asyncio.to_thread(self._load)

    async def close(self) -> None:
        runs, self._runs, self._card = self._runs, None, None
        if runs is not None:
            await asyncio.to_thread(runs.close)

    async def embed(self, texts: Sequence[str], kind: TextKind) -> Matrix:
        runs, model = self._runs, self._model
        if runs is None or model is None:
            raise Unavailable(f"The encoder {self._reference} is not loaded.")
        if not texts:
            return np.zeros((0, self.card().dimension), np.float32)
        prefix = str(model.card.get(f"{kind}_prefix", ""))
        prefixed = [prefix + text for text in texts]
        if kind == "query" and len(prefixed) <= QUERIES_A_CALL:
            return np.concatenate(await asyncio.gather(*(asyncio.wrap_future(runs.query(text)) for text in prefixed)))
        return await asyncio.wrap_future(runs.passages(prefixed))

    def _load(self) -> None:
        with self._loading:
            if self._runs is not None:
                return
            given = self._options
            hub = Hub(url=given.hub_url, revision=given.revision, token=given.hub_token.get_secret_value())
            model = resolve(self._reference, (".onnx", "tokenizer.json"), card=given.card, hub=hub)
            threads = given.threads or settings().threads
            session = EncoderSession(model, threads=threads, max_tokens=given.max_tokens)
            self._model = model
            self._card = EngineCard(
                name=model.name,
                version=model.sha256[model.one(".onnx")],
                languages=tuple(model.card.get("languages", ())),
                dimension=session.dimension,
                max_tokens=session.max_tokens,
            )
            batch = given.batch or session.batch
            self._runs = Runs(session.run, dimension=session.dimension, batch=batch, queue=given.queue)
