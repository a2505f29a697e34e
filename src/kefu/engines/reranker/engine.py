"""Rerankers of the factory, served without torch: how well each passage answers a question, the two read together."""

import asyncio
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import Field

from kefu.contracts.engine import EngineCard
from kefu.contracts.model_card import ModelCard
from kefu.engines.classifier.engine import serving_files
from kefu.engines.onnx.session import TextSession
from kefu.engines.options import EngineOptions, read_options
from kefu.kit.errors import BadInput, BadInstallation, Busy, Unavailable
from kefu.kit.settings import settings
from kefu.knowledge.rerank import joined

_LOGITS = "logits"

Floats = npt.NDArray[np.float32]


class RerankerOptions(EngineOptions):
    """Options of the reranker."""

    threads: int = Field(default=0, ge=0, le=64, description="threads that one run may use; 0 for KEFU_THREADS")
    # A list takes a tenth of a second: the last of so many waits less than one.
    queue: int = Field(default=8, ge=1, le=1000, description="lists that may wait; past it the engine is Busy")


class RerankerEngine:
    """A model folder of the task `rerank`; may be awaited from any event loop."""

    def __init__(self, reference: str, options: Mapping[str, Any]) -> None:
        self._reference = reference
        self._options = read_options(RerankerOptions, "reranker", options)
        self._loading = threading.Lock()
        # The tokenizer and the session are used by one thread at a time.
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="kefu-reranker")
        self._waiting = 0
        self._card: ModelCard | None = None
        self._version = ""
        self._session: TextSession | None = None

    def card(self) -> EngineCard:
        card = self.model_card()
        return EngineCard(card.name, self._version, card.languages, max_tokens=card.max_tokens)

    def model_card(self) -> ModelCard:
        """All that is known of the model. Raises Unavailable before `load`."""
        if self._card is None:
            raise Unavailable(f"The reranker {self._reference} is not loaded.")
        return self._card

    def reads(self) -> int:
        return self.model_card().rerank_reads

    async def load(self) -> None:
        if self._session is None:
            await asyncio.to_thread(self._load)

    async def close(self) -> None:
        self._session, self._card = None, None
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def relevance(self, question: str, passages: Sequence[str]) -> Floats:
        self.model_card()
        if self._waiting >= self._options.queue:
            raise Busy("The reranker has enough to read.")
        self._waiting += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._pool, self._relevance, question, tuple(passages))
        finally:
            self._waiting -= 1

    async def gains(self, question: str, passages: Sequence[str]) -> Floats:
        weight = np.float32(self.model_card().rerank_weight)
        if not weight:  # reading would change nothing
            return np.zeros(len(passages), np.float32)
        return np.asarray(weight * await self.relevance(question, passages), np.float32)

    def _relevance(self, question: str, passages: Sequence[str]) -> Floats:
        card, session = self._card, self._session
        if card is None or session is None:
            raise Unavailable(f"The reranker {self._reference} is not loaded.")
        asked = session.encode(question).ids
        # One by one: what stands beside a text changes what an 8-bit network says of it.
        pairs = (joined(asked, session.encode(text).ids, card.max_tokens) for text in passages)
        return np.array([_logit(session, pair) for pair in pairs], np.float32)

    def _load(self) -> None:
        with self._loading:
            if self._session is not None:
                return
            model = serving_files(self._reference)
            card = ModelCard.from_table(model.card)
            if card.task != "rerank":
                raise BadInput(f"{card.name} puts no passages in order: its task is {card.task}.", model=card.name)
            if card.serve not in model.sha256:
                raise BadInstallation(f"The card of model {card.name} does not list {card.serve}, which it serves.")
            threads = self._options.threads or settings().threads
            session = TextSession(model, threads=threads, max_tokens=card.max_tokens)
            if _LOGITS not in session.outputs:
                raise BadInstallation(f"{card.serve} of model {card.name} does not give logits.", model=card.name)
            self._version = model.sha256[card.serve]
            self._session, self._card = session, card


def _logit(session: TextSession, ids: Sequence[int]) -> float:
    row = np.array([ids], np.int64)
    (logits,) = session.compute_ids((_LOGITS,), row, np.ones_like(row))
    return float(logits[0, 0])
