"""What every engine behind a server of the OpenAI protocol does alike: options, loading, the card."""

from collections.abc import Mapping
from typing import Any, Generic, TypeVar

from pydantic import Field, SecretStr

from kefu.contracts.engine import EngineCard
from kefu.engines.openai_compat.client import OpenAIClient, Server
from kefu.engines.options import EngineOptions, read_options
from kefu.kit.errors import BadInput, Unavailable


class ServerOptions(EngineOptions):
    """Where the server is and how to treat it."""

    base_url: str = Field(description="the server's address up to and including /v1")
    model: str = Field(default="", description="the model's name at the server; empty for the reference's")
    api_key: SecretStr = Field(default=SecretStr(""), description="the key that the server asks for, if any")
    timeout: float = Field(default=60.0, gt=0, le=3600, description="seconds without a sign of life")
    max_concurrent: int = Field(default=16, ge=1, le=1024, description="requests at a time")
    queue: int = Field(default=64, ge=0, description="requests that may wait for their turn")
    retries: int = Field(default=2, ge=0, le=5, description="further tries while no text has come yet")
    languages: tuple[str, ...] = Field(default=(), description="codes of the languages that the model knows")

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


O = TypeVar("O", bound=ServerOptions)  # noqa: E741


class ServerEngine(Generic[O]):
    """A model at a server, by `openai:MODEL`. `engine` is the plug-in's name, `noun` what people call it."""

    def __init__(self, reference: str, options: Mapping[str, Any], kind: type[O], *, engine: str, noun: str) -> None:
        self._options = read_options(kind, engine, options)
        self._model = _model_name(reference, self._options.model)
        self._client = self._options.client()
        self._noun = noun
        self._card: EngineCard | None = None

    def card(self) -> EngineCard:
        if self._card is None:
            raise Unavailable(f"The {self._noun} {self._model} is not loaded.")
        return self._card

    async def load(self) -> None:
        """Ask the server what it runs. Raises Unavailable when it does not answer."""
        self._card = await self._described(_version_word(self._model, await self._client.models()))

    async def close(self) -> None:
        self._card = None
        await self._client.close()

    async def _described(self, version: str) -> EngineCard:
        return EngineCard(self._model, version, self._options.languages)


def _model_name(reference: str, given: str) -> str:
    """The model's name at the server. Raises BadInput when there is none."""
    scheme, _, name = reference.partition(":")
    if scheme != "openai" or not (given or name):
        raise BadInput(f"{reference!r} is not a reference to a server's model. Expected openai:MODEL.")
    return given or name


def _version_word(model: str, listed: list[Mapping[str, Any]]) -> str:
    """The server's own word on what it runs: the listed name and when it was made, else the name."""
    for entry in listed:
        if entry.get("id") == model and isinstance(entry.get("created"), int):
            return f"{model}@{entry['created']}"
    return model
