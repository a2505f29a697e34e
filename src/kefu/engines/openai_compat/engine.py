"""A generator behind any server that speaks the OpenAI protocol."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any, Literal

from pydantic import Field

from kefu.contracts.engine import Prompt
from kefu.engines.openai_compat.server import ServerEngine, ServerOptions
from kefu.engines.openai_compat.wire import chat_request


class GeneratorOptions(ServerOptions):
    """Options of the OpenAI-compatible generator."""

    max_tokens_field: Literal["max_tokens", "max_completion_tokens"] = Field(
        default="max_tokens", description="max_tokens, or max_completion_tokens"
    )
    extra: dict[str, Any] = Field(default_factory=dict, description="fields added to each request")


class OpenAICompatGenerator(ServerEngine[GeneratorOptions]):
    """Streams chat completions from a server. Reference: `openai:MODEL`."""

    def __init__(self, reference: str, options: Mapping[str, Any]) -> None:
        super().__init__(reference, options, GeneratorOptions, engine="openai_compat", noun="generator")

    async def generate(self, prompt: Prompt) -> AsyncGenerator[str, None]:
        self.card()
        body = chat_request(prompt, self._model, max_tokens_field=self._options.max_tokens_field)
        async with aclosing(self._client.stream_chat({**body, **self._options.extra})) as pieces:
            async for piece in pieces:
                yield piece
