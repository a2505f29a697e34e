"""A generator behind any server that speaks the OpenAI protocol."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any, Literal

from pydantic import Field, SecretStr

from kefu.contracts.engine import EngineCard, Prompt
from kefu.engines.openai_compat.client import OpenAIClient, Server
from kefu.engines.openai_compat.wire import chat_request
from kefu.engines.options import EngineOptions, read_options
from kefu.kit.errors import BadInput, Unavailable


class ServerOptions(EngineOptions):
    """Where the server is and how to treat it: shared by generator and encoder."""

    base_url: str = Field(description="the server's address up to and including /v1")
    model: str = Field(default="", description="the model's name at the server; empty for the reference's")
    api_key: SecretStr = Field(default=SecretStr(""), description="the key that the server asks for, if any")
    timeout: float = Field(default=60.0, gt=0, le=3600, description="seconds without a sign of life")
    max_concurrent: int = Field(default=16, ge=1, le=1024, description="requests at a time")
    queue: int = Field(default=64, ge=0, description="requests that may wait for their turn")
    retries: int = Field(default=2, ge=0, le=5, description="further tries while no text has come yet")

    def client(self) -> OpenAIClient:
        return OpenAIClient(
            Server(
                base_url=self.base_url,
                api_key=self.api_key.get_secret_value(),
                timeout=self.timeout,
                max_concurrent=self.max_concurrent,
                queue=self.queue,
                retries=self.retries,
            )
        )


class GeneratorOptions(ServerOptions):
    """Options of the OpenAI-compatible generator."""

    max_tokens_field: Literal["max_tokens", "max_completion_tokens"] = Field(
        default="max_tokens", description="max_tokens, or max_completion_tokens"
    )
    extra: dict[str, Any] = Field(default_factory=dict, description="fields added to each request")


class OpenAICompatGenerator:
    """Streams chat completions from a server. Reference: `openai:MODEL`."""

    def __init__(self, reference: str, options: Mapping[str, Any]) -> None:
        self._options = read_options(GeneratorOptions, "openai_compat", options)
        self._model = model_name(reference, self._options.model)
        self._client = self._options.client()
        self._card: EngineCard | None = None

    def card(self) -> EngineCard:
        if self._card is None:
            raise Unavailable(f"The generator {self._model} is not loaded.")
        return self._card

    async def load(self) -> None:
        listed = await self._client.models()
        self._card = EngineCard(name=self._model, version=version_word(self._model, listed))

    async def close(self) -> None:
        self._card = None
        await self._client.close()

    async def generate(self, prompt: Prompt) -> AsyncGenerator[str, None]:
        self.card()
        body = chat_request(prompt, self._model, max_tokens_field=self._options.max_tokens_field)
        async with aclosing(self._client.stream_chat({**body, **self._options.extra})) as pieces:
            async for piece in pieces:
                yield piece


def model_name(reference: str, given: str) -> str:
    """The model's name at the server. Raises BadInput when there is none."""
    scheme, _, name = reference.partition(":")
    if scheme != "openai" or not (given or name):
        raise BadInput(f"{reference!r} is not a reference to a server's model. Expected openai:MODEL.")
    return given or name


def version_word(model: str, listed: list[Mapping[str, Any]]) -> str:
    """The server's own word on what it runs: the listed name and when it was made, else the name."""
    for entry in listed:
        if entry.get("id") == model and isinstance(entry.get("created"), int):
            return f"{model}@{entry['created']}"
    return model
