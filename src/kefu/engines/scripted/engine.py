"""A generator that says what a script tells it: deterministic, without a model."""

import asyncio
import re
from collections.abc import AsyncGenerator, Mapping
from typing import Any, Literal

from pydantic import Field, field_validator

from kefu.contracts.engine import EngineCard, Prompt
from kefu.engines.options import EngineOptions, read_options
from kefu.kit.errors import Busy, KefuError, Unavailable


class ScriptedOptions(EngineOptions):
    """Options of the scripted generator."""

    replies: list[str] | dict[str, str] = Field(
        default_factory=list, description="replies said in turn, or a table of regular expression and reply"
    )
    default: str = Field(default="I have nothing to say on that.", description="said when nothing matches")
    delay: float = Field(default=0.0, ge=0, description="seconds before each piece")
    fail_after: int | None = Field(default=None, ge=0, description="pieces after which it fails")
    failure: Literal["unavailable", "busy"] = Field(default="unavailable", description="how it fails")
    failures: int = Field(default=0, ge=0, description="how many times it fails; 0 for always")

    @field_validator("replies")
    @classmethod
    def _compiles(cls, replies: list[str] | dict[str, str]) -> list[str] | dict[str, str]:
        for pattern in replies if isinstance(replies, dict) else ():
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"{pattern!r} is not a regular expression: {error}") from error
        return replies


class ScriptedGenerator:
    """Says scripted replies, piece by piece. Reference: `scripted:NAME`.

    In a reply `{message}` stands for the last message and `{1}`, `{2}` … for what the expression's groups found.
    """

    def __init__(self, reference: str, options: Mapping[str, Any]) -> None:
        self._name = reference.partition(":")[2] or "scripted"
        self._options = read_options(ScriptedOptions, "scripted", options)
        self._loaded = False
        self._said = 0
        self._failed = 0

    def card(self) -> EngineCard:
        if not self._loaded:
            raise Unavailable(f"The generator {self._name} is not loaded.")
        return EngineCard(name=self._name, version="scripted")

    async def load(self) -> None:
        self._loaded = True

    async def close(self) -> None:
        self._loaded = False

    async def generate(self, prompt: Prompt) -> AsyncGenerator[str, None]:
        self.card()
        fail_after = self._fail_after()
        pieces = _pieces(self._reply(prompt), prompt)
        for number, piece in enumerate(pieces):
            if number == fail_after:
                raise self._failure()
            await asyncio.sleep(self._options.delay)
            yield piece
        if fail_after is not None and fail_after >= len(pieces):
            raise self._failure()

    def _reply(self, prompt: Prompt) -> str:
        last = prompt.messages[-1].text if prompt.messages else ""
        replies = self._options.replies
        if isinstance(replies, dict):
            for pattern, reply in replies.items():
                if found := re.search(pattern, last, re.IGNORECASE):
                    return _filled(reply, [last, *found.groups()])
            return _filled(self._options.default, [last])
        if not replies:
            return _filled(self._options.default, [last])
        self._said += 1
        return _filled(replies[(self._said - 1) % len(replies)], [last])

    def _fail_after(self) -> int | None:
        if self._options.failures and self._failed >= self._options.failures:
            return None
        if self._options.fail_after is not None:
            self._failed += 1
        return self._options.fail_after

    def _failure(self) -> KefuError:
        if self._options.failure == "busy":
            return Busy("The script says that the generator is busy.", retry_after=1)
        return Unavailable("The script says that the generator fails here.")


def _filled(reply: str, values: list[str | None]) -> str:
    reply = reply.replace("{message}", values[0] or "")
    for number, value in enumerate(values[1:], start=1):
        reply = reply.replace(f"{{{number}}}", value or "")
    return reply


def _pieces(reply: str, prompt: Prompt) -> list[str]:
    """Words with the space before them, Chinese characters one by one: about a model's tokens."""
    for stop in prompt.stop:
        reply = reply.partition(stop)[0] if stop else reply
    return re.findall(r"\s*[⺀-鿿＀-￯]|\s*[^\s⺀-鿿＀-￯]+|\s+", reply)[: prompt.max_tokens]
