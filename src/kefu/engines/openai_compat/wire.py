"""How bytes are mapped: prompts to requests, streamed lines to text, answers to errors."""

import json
from collections.abc import AsyncIterable, AsyncIterator, Mapping
from typing import Any

import httpx

from kefu.contracts.engine import Prompt, Said
from kefu.kit.errors import Busy, KefuError, Unavailable

ROLES = {"contact": "user", "assistant": "assistant", "member": "assistant", "system": "user"}
# When a server says 429 without saying when to come back.
RETRY_AFTER = 5
# A server's Retry-After may be a date or an hour: a customer does not wait so long, a person takes over.
LONGEST_RETRY_AFTER = 300
DONE = b"[DONE]"


def chat_request(prompt: Prompt, model: str, *, max_tokens_field: str = "max_tokens") -> dict[str, Any]:
    """The body of a streaming chat completion."""
    body: dict[str, Any] = {
        "model": model,
        "messages": messages(prompt),
        "stream": True,
        "temperature": prompt.temperature,
        max_tokens_field: prompt.max_tokens,
    }
    if prompt.stop:
        body["stop"] = list(prompt.stop)
    return {**body, **prompt.options}


def messages(prompt: Prompt) -> list[dict[str, str]]:
    """Instructions, then turns that alternate and begin with the contact: many chat templates refuse anything else."""
    turns: list[dict[str, str]] = []
    for said in prompt.messages:
        role, text = ROLES[said.author], _text(said)
        if turns and turns[-1]["role"] == role:
            turns[-1]["content"] += f"\n\n{text}"
        else:
            turns.append({"role": role, "content": text})
    if len(turns) > 1 and turns[0]["role"] == "assistant":
        turns = turns[1:]  # a greeting
    return [{"role": "system", "content": prompt.instructions}, *turns] if prompt.instructions else turns


def _text(said: Said) -> str:
    # A notice of the system inside a conversation has no role that every template knows.
    return f"[{said.text}]" if said.author == "system" else said.text


async def lines(chunks: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    """Lines of a stream, cut at line feeds only: text may hold other characters that count as line ends elsewhere."""
    rest = b""
    async for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            yield line.rstrip(b"\r")
    if rest:
        yield rest


class ChatStream:
    """Text from the lines of a streamed chat completion; knows whether the answer came to its end."""

    def __init__(self, server: str) -> None:
        self.finished = False
        self._server = server

    def text(self, line: bytes) -> str:
        """The text that one line adds, often none. Raises Unavailable for an error sent in the stream."""
        if not line.startswith(b"data:"):
            return ""  # comments that keep the connection alive, event names, blank lines
        data = line[5:].strip()
        if data == DONE:
            self.finished = True
            return ""
        try:
            event = json.loads(data)
        except ValueError as error:
            raise Unavailable(f"The server at {self._server} sent a line that is not JSON.") from error
        if "error" in event:
            raise Unavailable(f"The server at {self._server} broke off with an error{_word(event)}.")
        return self._of_choice(event, "delta")

    def whole(self, body: bytes) -> str:
        """The text of an answer that the server sent in one piece."""
        try:
            event = json.loads(body)
        except ValueError as error:
            raise Unavailable(f"The server at {self._server} sent an answer that is not JSON.") from error
        self.finished = True
        return self._of_choice(event, "message")

    def _of_choice(self, event: Mapping[str, Any], field: str) -> str:
        choices = event.get("choices") or []
        if not choices:
            return ""  # usage, sent last
        self.finished = self.finished or choices[0].get("finish_reason") is not None
        return str((choices[0].get(field) or {}).get("content") or "")


def failure(server: str, response: httpx.Response, body: bytes) -> KefuError:
    """What a refused request means. The server's own sentence stays out: it may quote the customer."""
    status = response.status_code
    if status == httpx.codes.TOO_MANY_REQUESTS:
        return Busy(f"The server at {server} has too much to do.", retry_after=_retry_after(response), server=server)
    word = _word(_json(body))
    if status in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
        sentence = f"The server at {server} refused the API key ({status})."
    elif status == httpx.codes.NOT_FOUND:
        sentence = f"The server at {server} has no such model or address (404{word}); base_url should end in /v1."
    elif response.is_server_error:
        sentence = f"The server at {server} failed ({status}{word})."
    else:
        sentence = f"The server at {server} refused the request ({status}{word})."
    return Unavailable(sentence, server=server, status=status)


def _retry_after(response: httpx.Response) -> int:
    try:
        seconds = int(float(response.headers.get("Retry-After", RETRY_AFTER)))
    except (ValueError, OverflowError):
        seconds = RETRY_AFTER
    return min(max(seconds, 1), LONGEST_RETRY_AFTER)


def _word(body: Mapping[str, Any]) -> str:
    """The error's own short code, such as `: context_length_exceeded`, when there is one."""
    error = body.get("error")
    if not isinstance(error, Mapping):
        return ""
    word = next((error[key] for key in ("code", "type") if isinstance(error.get(key), str)), "")
    return f": {word}" if word.replace("_", "").isalnum() and len(word) <= 60 else ""


def _json(body: bytes) -> Mapping[str, Any]:
    try:
        value = json.loads(body)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
