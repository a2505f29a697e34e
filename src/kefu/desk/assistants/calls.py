"""The ledger of tool calls: what dispatch runs before a call and after it; safe to run twice, or to stop anywhere."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import IntegrityError, transaction

from kefu.contracts.tool import ToolCall as Asked
from kefu.contracts.tool import ToolOutcome, ToolState
from kefu.desk.accounts.actions import announce
from kefu.desk.actor import system
from kefu.desk.assistants.models import Tool, ToolCall
from kefu.desk.assistants.queries.tools import credentials_of
from kefu.desk.assistants.tools.answer import Answered
from kefu.desk.assistants.tools.request import Outgoing, made
from kefu.desk.assistants.tools.sending import Sent
from kefu.desk.assistants.tools.spec import ToolSpec, spec_of
from kefu.desk.inbox.actions import mask_found
from kefu.desk.inbox.queries import get, placeholders
from kefu.desk.rows import now
from kefu.desk.statements import insert, new, select, update
from kefu.kit.errors import BadInput
from kefu.knowledge.masking import unmask_value


@dataclass(frozen=True)
class Begun:
    """What is to be done about a call: nothing, since `known` says what came of it, or `request` is to be sent."""

    row_id: str = ""
    known: ToolOutcome | None = None
    spec: ToolSpec | None = None
    request: Outgoing | None = field(default=None, repr=False)  # it holds originals and secrets


def begin_call(workspace_id: str, *, conversation_id: str, turn_id: str, asked: Asked) -> Begun:
    """Write a call down before it is made, or find what came of it.

    One that was begun and has no result was cut off: it is made again where that does no harm, else nobody knows what
    became of it. Raises NotFound for a conversation of another workspace.
    """
    try:
        with transaction.atomic():
            return _begin(workspace_id, conversation_id, turn_id, asked)
    except IntegrityError:  # two workers at the same moment: the second finds the first's row
        with transaction.atomic():
            return _begin(workspace_id, conversation_id, turn_id, asked)


def finish_call(workspace_id: str, *, row_id: str, spec: ToolSpec, sent: Sent) -> ToolOutcome:
    """Write down what came of a call, masked; gives it as it is kept."""
    with transaction.atomic():
        [row] = select(ToolCall, workspace_id, "id = %s", [row_id], lock=True)
        answered = sent.answered
        kinds = {name: output.personal.upper() for name, output in spec.outputs.items() if output.personal != "auto"}
        values = {**answered.outputs, _MESSAGE: answered.message}
        masked = mask_found(system(workspace_id), conversation_id=row.conversation_id, values=values, kinds=kinds)
        message = str(masked.pop(_MESSAGE) or "")
        _keep(row, answered, masked, message, sent)
        return _outcome(row, repeated=False)


_CHANGING = ("state", "outputs", "status", "problem", "tries", "ms", "finished_at")
_MESSAGE = ""  # beside the outputs, whose names are never empty


def _begin(workspace_id: str, conversation_id: str, turn_id: str, asked: Asked) -> Begun:
    thread = get(system(workspace_id), conversation_id)
    where = "conversation_id = %s AND call_id = %s"
    row = next(iter(select(ToolCall, workspace_id, where, [conversation_id, asked.call_id], lock=True)), None)
    if row is not None and row.state != "started":
        return Begun(known=_outcome(row, repeated=True))
    tool = next(iter(select(Tool, workspace_id, "name = %s", [asked.tool])), None)
    spec = spec_of(tool.definition) if tool is not None else None
    if row is not None and (spec is None or not spec.is_repeatable):
        _keep(row, Answered(ToolState.UNKNOWN, {}, None, "unknown"), {}, "")
        return Begun(known=_outcome(row, repeated=True))
    if row is None:
        row = _row(workspace_id, conversation_id, turn_id, asked)
    else:
        row.tries += 1
    if tool is None or spec is None:
        return _cannot(row, "no_tool", f"There is no tool {asked.tool}.")
    given = unmask_value(dict(asked.arguments), placeholders(thread))
    try:
        request = made(spec, given, credentials_of(tool), idempotency_key=_key(row))
    except BadInput as error:
        return _cannot(row, error.code, error.sentence)
    _store(row)
    return Begun(row_id=row.id, spec=spec, request=request)


def _row(workspace_id: str, conversation_id: str, turn_id: str, asked: Asked) -> ToolCall:
    return new(
        ToolCall,
        workspace_id=workspace_id,
        conversation_id=conversation_id,
        turn_id=turn_id,
        call_id=asked.call_id,
        tool=asked.tool[:60],
        arguments=dict(asked.arguments),
    )


def _cannot(row: ToolCall, problem: str, message: str) -> Begun:
    """The call is not made at all."""
    _keep(row, Answered(ToolState.FAILED, {}, None, problem), {}, message)
    return Begun(known=_outcome(row, repeated=False))


def _keep(
    row: ToolCall, answered: Answered, outputs: Mapping[str, Any], message: str, sent: Sent | None = None
) -> None:
    row.state, row.status, row.problem = answered.state.value, answered.status, answered.problem[:40]
    row.outputs = {"values": dict(outputs), "message": message}
    row.ms = sent.ms if sent is not None else None
    row.finished_at = now()
    _store(row)
    announce(row.workspace_id, "tool.called", row.id, row.conversation_id)


def _store(row: ToolCall) -> None:
    if row._state.adding:
        insert(row)
    else:
        update(row, _CHANGING)


def _outcome(row: ToolCall, *, repeated: bool) -> ToolOutcome:
    kept = row.outputs or {}
    return ToolOutcome(
        state=ToolState(row.state),
        outputs=kept.get("values", {}),
        status=row.status,
        problem=row.problem,
        message=kept.get("message", ""),
        ms=row.ms or 0.0,
        repeated=repeated,
    )


def _key(row: ToolCall) -> str:
    """What a system knows the call by: the same for every try, and it tells nothing."""
    about = f"{row.workspace_id} {row.conversation_id} {row.call_id}"
    return hashlib.sha256(about.encode()).hexdigest()[:32]
