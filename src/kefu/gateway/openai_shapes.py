"""Requests and answers of the OpenAI-compatible door."""

import time
from http import HTTPStatus
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from kefu.contracts.engine import Said
from kefu.kit.errors import BadInput
from kefu.kit.ids import new_id
from kefu.kit.problem import Problem

_AUTHORS = {"user": "contact", "assistant": "assistant"}
# Messages before the last that a follow-up may refer to.
_HISTORY = 12
# Characters of a text to be embedded, of which an encoder reads the first few thousand at most.
_LONGEST_TEXT = 100_000


class Lenient(BaseModel):
    """Fields of the protocol that mean nothing here (temperature, tools) are let pass, as other servers do."""

    model_config = ConfigDict(extra="ignore")


class Piece(Lenient):
    type: str
    text: str = ""


class ChatMessage(Lenient):
    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[Piece] | None = None

    def words(self) -> str:
        """What was said; parts that are not text are refused."""
        if not isinstance(self.content, list):
            return self.content or ""
        if any(part.type != "text" for part in self.content):
            raise BadInput("Only text can be asked here; send files through /v1/conversations.", param="messages")
        return "\n".join(part.text for part in self.content)


class StreamOptions(Lenient):
    include_usage: bool = False


class Chat(Lenient):
    model: str = Field(max_length=300)
    messages: list[ChatMessage] = Field(min_length=1, max_length=500)
    stream: bool = False
    stream_options: StreamOptions | None = None
    n: int = Field(default=1, ge=1, le=1, description="One answer; there are no others.")
    user: str | None = Field(default=None, max_length=500, description="Your own id of the customer: keeps the thread.")


_Text = Annotated[str, Field(min_length=1, max_length=_LONGEST_TEXT)]


def _listed(given: Any) -> Any:
    """One text is a list of one."""
    return [given] if isinstance(given, str) else given


class Embeddings(Lenient):
    model: str = Field(max_length=300)
    input: Annotated[list[_Text], BeforeValidator(_listed), Field(min_length=1, max_length=2048)]
    encoding_format: Literal["float", "base64"] = "float"
    dimensions: int | None = None
    input_type: Literal["query", "passage"] = "query"


class SpeechRequest(Lenient):
    model: str = Field(max_length=300)
    input: str = Field(min_length=1, max_length=4096)
    voice: str = "default"
    response_format: str = "mp3"
    speed: float = Field(default=1.0, ge=0.25, le=4.0, description="How quickly it speaks; 1 is the voice's own pace.")
    stream_format: Literal["audio"] = "audio"
    language: str | None = Field(default=None, max_length=12, description="en or zh; told from the text without it.")


def said_of(body: Chat) -> tuple[list[Said], str]:
    """What was said before, and the question. Raises BadInput where the last message is not a question."""
    last = body.messages[-1]
    question = last.words().strip()
    if last.role != "user" or not question:
        raise BadInput("The last message must be the user's, with text.", param="messages")
    before = [each for each in body.messages[:-1] if each.role in _AUTHORS]
    return [Said(_AUTHORS[each.role], each.words()) for each in before[-_HISTORY:] if each.words()], question


def completion(body: Chat, content: str, kefu: dict[str, Any], question: str) -> dict[str, Any]:
    """A whole answer."""
    message = {"role": "assistant", "content": content, "refusal": None, "citations": kefu.get("citations", [])}
    return {
        "id": new_id("chatcmpl"),
        "object": "chat.completion",
        "created": int(time.time()),
        "model": body.model,
        "choices": [{"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}],
        "usage": usage(question, content),
        "kefu": kefu,
    }


def usage(question: str, content: str) -> dict[str, int]:
    """Tokens, counted as four characters each: most answers are made without a language model."""
    asked, told = len(question) // 4, len(content) // 4
    return {"prompt_tokens": asked, "completion_tokens": told, "total_tokens": asked + told}


def piece(
    body: Chat, delta: dict[str, Any], head: dict[str, Any] | None = None, *, finish: str | None = None
) -> dict[str, Any]:
    """A part of a streamed answer; `head` is its first part, whose id and time the others share."""
    return {
        "id": head["id"] if head else new_id("chatcmpl"),
        "object": "chat.completion.chunk",
        "created": head["created"] if head else int(time.time()),
        "model": body.model,
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}],
    }


def error_status(document: Problem) -> int:
    """OpenAI says 400 where the rest of our API says 422, and its clients have an exception of their own for it."""
    return HTTPStatus.BAD_REQUEST if document.status == HTTPStatus.UNPROCESSABLE_ENTITY else document.status


def error_body(document: Problem) -> dict[str, Any]:
    """A problem as OpenAI's clients read it; the codes that programs look for are OpenAI's own."""
    kinds = {401: "authentication_error", 403: "permission_error", 404: "not_found_error", 429: "rate_limit_error"}
    kind = kinds.get(document.status, "invalid_request_error" if document.status < 500 else "server_error")
    body = document.body
    param = body.get("param") or body.get("field")
    code = {(401, None): "invalid_api_key", (404, "model"): "model_not_found"}.get(
        (document.status, param), body["code"]
    )
    return {"error": {"message": body["detail"], "type": kind, "param": param, "code": code}}
