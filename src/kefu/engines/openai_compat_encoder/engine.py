"""An encoder behind any server that speaks the OpenAI protocol."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from pydantic import Field

from kefu.contracts.engine import EngineCard, Matrix, TextKind
from kefu.engines.openai_compat.server import ServerEngine, ServerOptions
from kefu.kit.errors import Unavailable


class EncoderOptions(ServerOptions):
    """Options of the OpenAI-compatible encoder."""

    batch: int = Field(default=64, ge=1, le=2048, description="texts in one request")
    max_tokens: int = Field(default=512, ge=8, description="tokens past which a text is cut, counted roughly")
    query_prefix: str = Field(default="", description="what the model expects before a question")
    passage_prefix: str = Field(default="", description="what the model expects before a passage")


class OpenAICompatEncoder(ServerEngine[EncoderOptions]):
    """Unit vectors from a server's /v1/embeddings. Reference: `openai:MODEL`."""

    def __init__(self, reference: str, options: Mapping[str, Any]) -> None:
        super().__init__(reference, options, EncoderOptions, engine="openai_compat_encoder", noun="encoder")

    async def embed(self, texts: Sequence[str], kind: TextKind) -> Matrix:
        card = self.card()
        prefix = self._options.query_prefix if kind == "query" else self._options.passage_prefix
        cut = [prefix + cut_roughly(text, card.max_tokens) for text in texts]
        size = self._options.batch
        batches = [cut[start : start + size] for start in range(0, len(cut), size)]
        found = await asyncio.gather(*(self._request(batch) for batch in batches))
        if any(rows.shape[1] != card.dimension for rows in found):
            raise self._unusable()
        return np.concatenate([np.zeros((0, card.dimension), np.float32), *found])

    async def _described(self, version: str) -> EngineCard:
        probe = await self._request(["dimension"])
        return EngineCard(
            name=self._model,
            version=version,
            languages=self._options.languages,
            dimension=probe.shape[1],
            max_tokens=self._options.max_tokens,
        )

    async def _request(self, texts: list[str]) -> Matrix:
        # Some servers refuse an empty text.
        body = {"model": self._model, "input": [text or " " for text in texts], "encoding_format": "float"}
        answer = await self._client.post("embeddings", body)
        try:
            in_order = sorted(answer["data"], key=lambda entry: int(entry["index"]))
            rows = np.array([entry["embedding"] for entry in in_order], np.float32)
        except (KeyError, TypeError, ValueError) as error:
            raise self._unusable() from error
        if rows.ndim != 2 or len(rows) != len(texts):
            raise self._unusable()
        return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12), dtype=np.float32)

    def _unusable(self) -> Unavailable:
        return Unavailable(f"The server's embeddings of model {self._model} do not match what was asked.")


def cut_roughly(text: str, max_tokens: int) -> str:
    """The beginning of `text` that holds about `max_tokens`: the server's tokenizer is not known here.

    A Chinese character counts as a token, four letters of other scripts as one. The text is made valid UTF-8.
    """
    wide_from = 0x2E80  # where CJK radicals, and with them all Chinese, Japanese and Korean characters begin
    quarters = 0
    for position, character in enumerate(text):
        quarters += 4 if ord(character) >= wide_from else 1
        if quarters > max_tokens * 4:
            text = text[:position]
            break
    return text.encode("utf-8", "replace").decode("utf-8")
