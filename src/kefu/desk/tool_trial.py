"""Trying a tool: the call is made now and shown, with its secrets hidden; no turn and no ledger know of it."""

from collections.abc import Mapping
from typing import Any

from kefu.desk.actor import Actor, Role
from kefu.desk.assistants.actions import trial_credentials
from kefu.desk.assistants.tools.answer import from_samples
from kefu.desk.assistants.tools.request import Outgoing, checked_credentials, made
from kefu.desk.assistants.tools.sending import Sent
from kefu.desk.assistants.tools.spec import checked_spec
from kefu.desk.wiring import wiring
from kefu.kit.ids import new_id
from kefu.kit.runtime import run

_SECONDS = 150.0  # four tries of thirty seconds, and the pauses between them


def try_tool(
    actor: Actor,
    *,
    definition: Any,
    arguments: Mapping[str, Any],
    credentials: Mapping[str, Any] | None = None,
    tool_id: str | None = None,
    sample: bool = False,
) -> tuple[Outgoing, Sent]:
    """Send a test call; without `credentials` with the stored ones of `tool_id`, if it calls the same place.

    With `sample` nothing is sent. Raises BadInput that names the field or argument, NotFound, NotAllowed.
    """
    actor.require_role(Role.ADMIN)
    spec = checked_spec(definition)
    stored = trial_credentials(actor, spec=spec, tool_id=tool_id) if credentials is None else {}
    held = checked_credentials(credentials) if credentials is not None else stored
    request = made(spec, arguments, held, idempotency_key=new_id("try"))
    if sample:
        return request, Sent(from_samples(spec, arguments), tries=0)
    return request, run(wiring().sender().send(spec, request), timeout=_SECONDS)
