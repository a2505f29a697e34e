"""An encoder that remembers the last questions: search, intents and mood of one turn ask for the same vector."""

import threading
from collections import OrderedDict
from collections.abc import Sequence

from kefu.contracts.engine import Encoder, EngineCard, Matrix, TextKind
from kefu.kit.tracing import span

# Questions of the turns under way, and the ones asked most: buttons, suggestions and what many customers say alike.
# 1,024 x 384 float32 is 1.6 MB.
QUESTIONS = 1024


class RememberedEncoder:
    """`contracts.engine.Encoder`; single questions come from memory, everything else goes through."""

    def __init__(self, encoder: Encoder, most: int = QUESTIONS) -> None:
        self._encoder = encoder
        self._most = most
        self._lock = threading.Lock()
        self._known: OrderedDict[str, Matrix] = OrderedDict()

    def card(self) -> EngineCard:
        return self._encoder.card()

    async def load(self) -> None:
        await self._encoder.load()

    async def close(self) -> None:
        with self._lock:
            self._known.clear()
        await self._encoder.close()

    async def embed(self, texts: Sequence[str], kind: TextKind) -> Matrix:
        if kind != "query" or len(texts) != 1:
            return await self._embedded(texts, kind)
        known = self._recall(texts[0])
        if known is None:
            known = await self._embedded(texts, kind)
            self._keep(texts[0], known)
        return known.copy()

    async def _embedded(self, texts: Sequence[str], kind: TextKind) -> Matrix:
        with span("engine.embed", texts=len(texts)):
            return await self._encoder.embed(texts, kind)

    def _recall(self, text: str) -> Matrix | None:
        with self._lock:
            known = self._known.get(text)
            if known is not None:
                self._known.move_to_end(text)
            return known

    def _keep(self, text: str, vector: Matrix) -> None:
        with self._lock:
            self._known[text] = vector
            while len(self._known) > self._most:
                self._known.popitem(last=False)
