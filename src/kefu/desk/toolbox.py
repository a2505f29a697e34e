"""The tools of a workspace as a turn calls them: each call once, by the ledger; and as a simulator does: by samples."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from kefu.contracts.tool import ToolCall, ToolOutcome, ToolState
from kefu.desk.assistants.calls import Begun, begin_call, finish_call
from kefu.desk.assistants.tools.answer import from_samples
from kefu.desk.assistants.tools.request import made
from kefu.desk.assistants.tools.sending import Sender
from kefu.desk.assistants.tools.spec import ToolSpec
from kefu.desk.changes import connected
from kefu.kit.errors import BadInput
from kefu.kit.log import Log

T = TypeVar("T")
# Runs a desk function in a thread: `gateway.rows.Rows.write`, or `in_thread`.
Write = Callable[..., Awaitable[Any]]

_log = Log(__name__)


class Toolbox:
    """A ToolRunner over the ledger."""

    def __init__(self, workspace_id: str, sender: Sender, write: Write | None = None) -> None:
        self._workspace_id = workspace_id
        self._sender = sender
        self._write = write or in_thread

    async def call(self, call: ToolCall, *, conversation_id: str, turn_id: str) -> ToolOutcome:
        """What came of the call; made unless the ledger knows it."""
        try:
            begun: Begun = await self._write(
                begin_call, self._workspace_id, conversation_id=conversation_id, turn_id=turn_id, asked=call
            )
            if begun.known is not None:
                return begun.known
            assert begun.spec is not None
            assert begun.request is not None
            sent = await self._sender.send(begun.spec, begun.request)
            kept: ToolOutcome = await self._write(
                finish_call, self._workspace_id, row_id=begun.row_id, spec=begun.spec, sent=sent
            )
            return kept
        except Exception as error:  # the rows are away: whether the call was made is in the ledger, or nobody knows
            _log.error("tool_not_called", tool=call.tool, workspace=self._workspace_id, exception=error)
            return ToolOutcome(ToolState.UNKNOWN, problem="unknown")


class Samples:
    """A ToolRunner that calls nobody: answers are the tools' samples.

    Only systems within this process are called, where no sample fits: `internal` has copies of them.
    """

    def __init__(self, specs: Mapping[str, ToolSpec], internal: Sender | None = None) -> None:
        self._specs = specs
        self._internal = internal

    async def call(self, call: ToolCall, *, conversation_id: str, turn_id: str) -> ToolOutcome:
        """What the first fitting sample says."""
        spec = self._specs.get(call.tool)
        if spec is None:
            return ToolOutcome(ToolState.FAILED, problem="no_tool")
        try:
            request = made(spec, call.arguments, {}, idempotency_key=call.call_id)
        except BadInput as error:
            return ToolOutcome(ToolState.FAILED, problem=error.code, message=error.sentence)
        found = from_samples(spec, call.arguments)
        if found.problem == "no_sample" and spec.is_internal and self._internal is not None:
            found = (await self._internal.send(spec, request)).answered
        return ToolOutcome(found.state, found.outputs, found.status, found.problem, found.message)


async def in_thread(call: Callable[..., T], *arguments: Any, **named: Any) -> T:
    """Run a desk function outside the event loop, for programs that have no pools of their own."""
    return await asyncio.to_thread(connected, call, *arguments, **named)
