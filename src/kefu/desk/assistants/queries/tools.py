"""Reads of tools and of the ledger of their calls."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kefu.desk.accounts.queries import workspace_key
from kefu.desk.actor import Actor, Role
from kefu.desk.assistants.models import Tool, ToolCall
from kefu.desk.assistants.tools.spec import ToolSpec, spec_of
from kefu.desk.crypto import unseal
from kefu.kit.errors import NotFound


@dataclass(frozen=True)
class ToolInfo:
    """A tool; `credentials` say of what kind they are and, if they have one, the name they go by; never more."""

    id: str
    spec: ToolSpec
    credentials: dict[str, str] | None
    updated_at: datetime


@dataclass(frozen=True)
class ToolCallInfo:
    """A call in the ledger; arguments and outputs are masked."""

    id: str
    call_id: str
    conversation_id: str
    turn_id: str
    tool: str
    state: str
    status: int | None
    problem: str
    arguments: dict[str, Any]
    outputs: dict[str, Any] | None
    tries: int
    ms: float | None
    created_at: datetime


def tools(actor: Actor) -> list[ToolInfo]:
    actor.require_role(Role.VIEWER)
    return [tool_info(row) for row in Tool.objects.of(actor.workspace_id).order_by("name")]


def tool(actor: Actor, tool_id: str) -> ToolInfo:
    """The tool of that id or name. Raises NotFound, NotAllowed."""
    actor.require_role(Role.VIEWER)
    return tool_info(get_tool(actor.workspace_id, tool_id))


def tool_calls(actor: Actor, *, tool: str = "", conversation_id: str = "", limit: int = 50) -> list[ToolCallInfo]:
    """The newest calls, of one tool or conversation if they are named."""
    actor.require_role(Role.VIEWER)
    rows = ToolCall.objects.of(actor.workspace_id).order_by("-created_at")
    rows = rows.filter(tool=tool) if tool else rows
    rows = rows.filter(conversation_id=conversation_id) if conversation_id else rows
    return [_call_info(row) for row in rows[: max(1, min(limit, 200))]]


def tool_specs(workspace_id: str) -> dict[str, ToolSpec]:
    """Every tool by name, without credentials: for simulators, and to check what flows name."""
    return {row.name: spec_of(row.definition) for row in Tool.objects.of(workspace_id)}


def tool_names(workspace_id: str) -> frozenset[str]:
    return frozenset(Tool.objects.of(workspace_id).values_list("name", flat=True))


def get_tool(workspace_id: str, tool_id: str, *, lock: bool = False) -> Tool:
    rows = Tool.objects.of(workspace_id)
    rows = rows.select_for_update() if lock else rows
    row = rows.filter(id=tool_id).first() or rows.filter(name=tool_id).first()
    if row is None:
        raise NotFound("There is no such tool.", tool=tool_id)
    return row


def credentials_of(row: Tool) -> dict[str, str]:
    """A tool's credentials in the clear: for a call alone."""
    if row.sealed_credentials is None:
        return {}
    plain = unseal(workspace_key(row.workspace_id), row.sealed_credentials, about=row.id)
    known: dict[str, str] = json.loads(plain)
    return known


def tool_info(row: Tool) -> ToolInfo:
    held = credentials_of(row)
    shown = {"kind": held["kind"], **({"name": held["name"]} if "name" in held else {})} if held else None
    return ToolInfo(row.id, spec_of(row.definition), shown, row.updated_at)


def _call_info(row: ToolCall) -> ToolCallInfo:
    return ToolCallInfo(
        id=row.id,
        call_id=row.call_id,
        conversation_id=row.conversation_id,
        turn_id=row.turn_id,
        tool=row.tool,
        state=row.state,
        status=row.status,
        problem=row.problem,
        arguments=row.arguments,
        outputs=row.outputs,
        tries=row.tries,
        ms=row.ms,
        created_at=row.created_at,
    )
