"""Taggers of the factory, served without torch: the slots in a text."""

import asyncio
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from pydantic import Field

from kefu.contracts.engine import EngineCard, TaggedSpan
from kefu.contracts.model_card import ModelCard
from kefu.engines.classifier.engine import serving_files
from kefu.engines.options import EngineOptions, read_options
from kefu.engines.tagger.runtimes import TagRuntime, runtime_of
from kefu.kit.errors import BadInput, BadInstallation, Unavailable
from kefu.kit.settings import settings
from kefu.knowledge.tagging.lattice import decode


class TaggerOptions(EngineOptions):
    """Options of the tagger."""

    threads: int = Field(default=0, ge=0, le=64, description="threads that one run may use; 0 for KEFU_THREADS")


class TaggerEngine:
    """A model folder of the task `tag`, ready to find slots; may be awaited from any event loop."""

    def __init__(self, reference: str, options: Mapping[str, Any]) -> None:
        self._reference = reference
        self._options = read_options(TaggerOptions, "tagger", options)
        self._loading = threading.Lock()
        # The tokenizer and the session are used by one thread at a time.
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="kefu-tagger")
        self._card: ModelCard | None = None
        self._version = ""
        self._runtime: TagRuntime | None = None

    def card(self) -> EngineCard:
        card = self.model_card()
        return EngineCard(card.name, self._version, card.languages, max_tokens=card.max_tokens)

    def model_card(self) -> ModelCard:
        """All that is known of the model. Raises Unavailable before `load`."""
        if self._card is None:
            raise Unavailable(f"The tagger {self._reference} is not loaded.")
        return self._card

    async def load(self) -> None:
        if self._runtime is None:
            await asyncio.to_thread(self._load)

    async def close(self) -> None:
        self._runtime, self._card = None, None
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def tag(self, text: str, requested: Sequence[str] = ()) -> tuple[TaggedSpan, ...]:
        self.model_card()
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._tag, text, tuple(requested))

    def _tag(self, text: str, requested: Sequence[str]) -> tuple[TaggedSpan, ...]:
        card, runtime = self._card, self._runtime
        if card is None or runtime is None:
            raise Unavailable(f"The tagger {self._reference} is not loaded.")
        logits, found = runtime.run(text, [name for name in requested if name in card.labels])
        spans = []
        for each in decode(logits, found.joined, temperature=card.temperature):
            start, end = found.places[each.first][0], found.places[each.last][1]
            spans.append(TaggedSpan(card.labels[each.slot], start, end, text[start:end], each.probability))
        return tuple(spans)

    def _load(self) -> None:
        with self._loading:
            if self._runtime is not None:
                return
            model = serving_files(self._reference)
            card = ModelCard.from_table(model.card)
            if card.task != "tag":
                raise BadInput(f"{card.name} finds no slots: its task is {card.task}.", model=card.name)
            if card.serve not in model.sha256:
                raise BadInstallation(f"The card of model {card.name} does not list {card.serve}, which it serves.")
            self._runtime = runtime_of(card, model, threads=self._options.threads or settings().threads)
            self._version = model.sha256[card.serve]
            self._card = card
