"""A generator from a GGUF file, run by llama.cpp in a process of its own."""

import asyncio
import threading
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from importlib.util import find_spec
from typing import Any

from pydantic import Field, SecretStr

from kefu.contracts.engine import EngineCard, Prompt
from kefu.engines.hub import Hub
from kefu.engines.llamacpp.process import Address, LlamaProcess
from kefu.engines.openai_compat.client import OpenAIClient, Server
from kefu.engines.openai_compat.wire import chat_request
from kefu.engines.options import EngineOptions, read_options
from kefu.engines.resolve import ModelFiles, resolve
from kefu.kit.errors import BadInput, MissingExtra, Unavailable

_FILE = ".gguf"


class LlamaCppOptions(EngineOptions):
    """Options of the GGUF generator."""

    # Beside a busy serving process two threads are half as fast as one: each waits for the other.
    threads: int = Field(default=1, ge=1, le=256, description="threads that it computes with")
    context: int = Field(default=4096, ge=256, description="tokens that one prompt and its answer may have together")
    parallel: int = Field(default=1, ge=1, le=64, description="answers in the making at a time")
    queue: int = Field(default=8, ge=0, description="answers that may wait for their turn")
    cache_megabytes: int = Field(default=256, ge=0, description="memory for the beginnings of recent prompts")
    nice: int = Field(default=5, ge=0, le=19, description="how far its process steps back for others")
    timeout: float = Field(default=120.0, gt=0, description="seconds without a sign of life")
    load_timeout: float = Field(default=120.0, gt=0, description="seconds that loading may take")
    extra: dict[str, Any] = Field(default_factory=dict, description="fields added to each request")
    card: dict[str, Any] | None = Field(default=None, description="the model's card, for path: and hub: references")
    revision: str = Field(default="", description="hub: references: the commit, 40 hexadecimal digits")
    hub_url: str = Field(default=Hub.url, description="hub: references: the address of the model hub")
    hub_token: SecretStr = Field(default=SecretStr(""), description="hub: references: a token for private models")


class LlamaCppGenerator:
    """Streams answers of a GGUF model: `path:FILE.gguf`, `package:NAME` or `hub:OWNER/NAME`."""

    def __init__(self, reference: str, options: Mapping[str, Any]) -> None:
        self._reference = reference
        self._options = read_options(LlamaCppOptions, "llamacpp", options)
        self._loading = threading.Lock()
        self._process: LlamaProcess | None = None
        self._clients: dict[Address, OpenAIClient] = {}
        self._card: EngineCard | None = None

    def card(self) -> EngineCard:
        if self._card is None:
            raise Unavailable(f"The generator {self._reference} is not loaded.")
        return self._card

    def find(self) -> None:
        """`contracts.engine.FoundGenerator`."""
        found = self._resolve()
        if not found.files:
            raise BadInput(
                f"{found.name} is no generator: it has no {_FILE} file. kefu train sft_lora makes one.",
                reference=self._reference,
            )

    async def load(self) -> None:
        await asyncio.to_thread(self._load)

    async def close(self) -> None:
        process, self._process, self._card = self._process, None, None
        for client in self._clients.values():
            await client.close()
        self._clients.clear()
        if process is not None:
            await asyncio.to_thread(process.stop)

    async def generate(self, prompt: Prompt) -> AsyncGenerator[str, None]:
        name = self.card().name
        body = {**chat_request(prompt, name), "cache_prompt": True, **self._options.extra}
        begun = False
        try:
            async with aclosing((await self._client()).stream_chat(body)) as pieces:
                async for piece in pieces:
                    begun = True
                    yield piece
            return
        except Unavailable as error:
            if begun or "status" in error.fields or not await self._has_ended():
                raise
        # The process ended before it said a word: once more, with a new one.
        async with aclosing((await self._client()).stream_chat(body)) as pieces:
            async for piece in pieces:
                yield piece

    async def _has_ended(self) -> bool:
        return self._process is not None and await asyncio.to_thread(self._process.has_ended)

    async def _client(self) -> OpenAIClient:
        """The client of the process that runs now; starts one if none does."""
        process = self._process
        if process is None:
            raise Unavailable(f"The generator {self._reference} is not loaded.")
        address = process.address()
        if address is None:
            address = await asyncio.to_thread(process.ensure)
        if address not in self._clients:
            stale, self._clients = self._clients, {address: self._connect(address)}
            for client in stale.values():
                await client.close()
        return self._clients[address]

    def _connect(self, address: Address) -> OpenAIClient:
        return OpenAIClient(
            Server(
                base_url=f"{address.url}/v1",
                api_key=address.key,
                timeout=self._options.timeout,
                max_concurrent=self._options.parallel,
                queue=self._options.queue,
                retries=0,
                trust_env=False,  # no proxy stands between a process and its child
                keep_alive=False,  # llama.cpp closes kept connections at odd moments; a new one costs nothing here
            )
        )

    def _load(self) -> None:
        with self._loading:
            if self._card is not None:
                return
            # Looked for, not imported: it would bring its memory into the serving process.
            if find_spec("xllamacpp") is None:
                raise MissingExtra(
                    "xllamacpp is not installed. Install it with: pip install 'kefu[gguf]'", extra="gguf"
                )
            model = self._resolve()
            file = model.one(_FILE)
            parameters = self._parameters(model.name, str(model.files[file]))
            process = LlamaProcess(model.name, parameters, load_timeout=self._options.load_timeout)
            process.ensure()
            self._process = process
            self._card = EngineCard(name=model.name, version=model.sha256[file], max_tokens=self._options.context)

    def _resolve(self) -> ModelFiles:
        given = self._options
        hub = Hub(url=given.hub_url, revision=given.revision, token=given.hub_token.get_secret_value())
        return resolve(self._reference, (_FILE,), card=given.card, hub=hub)

    def _parameters(self, name: str, path: str) -> dict[str, Any]:
        chosen = ("threads", "context", "parallel", "cache_megabytes", "nice")
        return {"name": name, "path": path, **self._options.model_dump(include=set(chosen))}
