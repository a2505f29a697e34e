"""Requests and responses about tools."""

from datetime import datetime
from typing import Any

from ninja import Schema
from pydantic import Field

from kefu.desk.assistants.queries import ToolCallInfo, ToolInfo
from kefu.desk.assistants.schemas.assistants import Request
from kefu.desk.assistants.tools.request import Outgoing
from kefu.desk.assistants.tools.sending import Sent
from kefu.desk.assistants.tools.spec import stored_spec

_SHOWN = 20_000  # characters of an answer's body; who needs more asks the system itself


class ToolChange(Request):
    """A tool's definition; credentials that are left out are kept while the tool calls the same place."""

    definition: dict[str, Any]
    credentials: dict[str, str] | None = None


class ToolTrial(Request):
    """A test call. `sample`: nothing is sent, the tool's samples answer."""

    arguments: dict[str, Any] = Field(default_factory=dict, max_length=50)
    sample: bool = False


class DraftTrial(ToolTrial):
    """A test call of a tool that is not stored; `tool` is the one whose stored credentials are used."""

    definition: dict[str, Any]
    credentials: dict[str, str] | None = None
    tool: str | None = None


class ToolImport(Request):
    """An OpenAPI 3 file; `names` are the operations to take, all without it. Stored only if `save` says so."""

    document: str = Field(max_length=5_000_000)
    server: str = Field(default="", max_length=2000)
    names: list[str] | None = Field(default=None, max_length=300)
    save: bool = False
    credentials: dict[str, str] | None = None


class Tool(Schema):
    """`credentials` say of what kind they are, never what they are; `origin` is where calls go."""

    id: str
    name: str
    description: str
    definition: dict[str, Any]
    credentials: dict[str, str] | None
    origin: str
    is_repeatable: bool
    updated_at: datetime


class Tools(Schema):
    tools: list[Tool]


class ImportedTools(Schema):
    tools: list[dict[str, Any]]
    problems: list[str]
    saved: list[Tool]


class ShownRequest(Schema):
    """A request with its secrets hidden."""

    method: str
    url: str
    headers: dict[str, str]
    body: str | None


class Tried(Schema):
    """What a test call sent, and what came of it."""

    request: ShownRequest
    state: str
    status: int | None
    problem: str
    message: str
    outputs: dict[str, Any]
    body: str
    tries: int
    ms: float


class ToolCall(Schema):
    id: str
    call_id: str
    conversation: str
    turn: str
    tool: str
    state: str
    status: int | None
    problem: str
    arguments: dict[str, Any]
    outputs: dict[str, Any]
    message: str
    tries: int
    ms: float | None
    created_at: datetime


class ToolCalls(Schema):
    calls: list[ToolCall]


def tool(info: ToolInfo) -> dict[str, Any]:
    return {
        "id": info.id,
        "name": info.spec.name,
        "description": info.spec.description,
        "definition": stored_spec(info.spec),
        "credentials": info.credentials,
        "origin": info.spec.origin,
        "is_repeatable": info.spec.is_repeatable,
        "updated_at": info.updated_at,
    }


def tool_call(info: ToolCallInfo) -> dict[str, Any]:
    kept = info.outputs or {}
    return {
        **vars(info),
        "conversation": info.conversation_id,
        "turn": info.turn_id,
        "outputs": kept.get("values", {}),
        "message": kept.get("message", ""),
    }


def tried(request: Outgoing, sent: Sent) -> dict[str, Any]:
    answered = sent.answered
    return {
        "request": request.shown(),
        "state": answered.state.value,
        "status": answered.status,
        "problem": answered.problem,
        "message": request.hidden(answered.message),
        "outputs": request.hidden_in(answered.outputs),
        "body": sent.body[:_SHOWN],
        "tries": sent.tries,
        "ms": sent.ms,
    }
