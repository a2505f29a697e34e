"""Writes of tools."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from kefu.desk.accounts.actions import announce, audit
from kefu.desk.accounts.queries import workspace_key
from kefu.desk.actor import Actor, Role
from kefu.desk.assistants.models import Tool
from kefu.desk.assistants.queries.tools import ToolInfo, credentials_of, get_tool, tool_info
from kefu.desk.assistants.tools.openapi import tools_of
from kefu.desk.assistants.tools.request import checked_credentials
from kefu.desk.assistants.tools.spec import ToolSpec, checked_spec, spec_of, stored_spec
from kefu.desk.crypto import seal
from kefu.desk.rows import now
from kefu.kit.errors import BadInput, Conflict

_MOST_TOOLS = 500


@dataclass(frozen=True)
class ImportedTools:
    """What a description holds, why some of it cannot be used, and what was stored of it."""

    found: tuple[ToolSpec, ...]
    problems: tuple[str, ...]
    saved: tuple[ToolInfo, ...] = ()


def make_tool(actor: Actor, *, definition: Any, credentials: Mapping[str, Any] | None = None) -> ToolInfo:
    """Add a tool. Raises Conflict for a name that is taken, BadInput that names the field, NotAllowed."""
    actor.require_role(Role.ADMIN)
    name = checked_spec(definition).name
    with transaction.atomic():
        if Tool.objects.of(actor.workspace_id).filter(name=name).exists():
            raise Conflict(f"There is a tool {name!r} already.", name=name)
        return save_tool(actor, definition=definition, credentials=credentials)


def save_tool(
    actor: Actor, *, definition: Any, credentials: Mapping[str, Any] | None = None, tool_id: str | None = None
) -> ToolInfo:
    """Store a tool: in place of `tool_id`, or of the one of its name, else as a new one.

    Credentials that are not given are kept while the tool calls the same place; of kind none, they go. Raises BadInput
    that names the field, Conflict for a name that another has, NotFound, NotAllowed.
    """
    actor.require_role(Role.ADMIN)
    if tool_id is not None:
        get_tool(actor.workspace_id, tool_id)  # what is wrong with a definition is nobody's business elsewhere
    spec = checked_spec(definition)
    secret = checked_credentials(credentials) if credentials is not None else None
    with transaction.atomic():
        row = _row(actor, spec, tool_id)
        before = row.definition
        held = secret if secret is not None else _kept(row, spec)
        row.name, row.definition, row.updated_at = spec.name, stored_spec(spec), now()
        row.sealed_credentials = (
            seal(workspace_key(actor.workspace_id), json.dumps(held), about=row.id) if held else None
        )
        row.save()
        announce(actor.workspace_id, "tool.updated", row.id)
        audit(actor, "tool.saved", row.id, before=before, after=row.definition)
        return tool_info(row)


def remove_tool(actor: Actor, *, tool_id: str) -> None:
    """Delete a tool; flows that call it go on as if it failed. Raises NotFound, NotAllowed."""
    actor.require_role(Role.ADMIN)
    with transaction.atomic():
        row = get_tool(actor.workspace_id, tool_id, lock=True)
        row_id, definition = row.id, row.definition
        row.delete()
        announce(actor.workspace_id, "tool.removed", row_id)
        audit(actor, "tool.removed", row_id, before=definition)


def import_tools(
    actor: Actor,
    *,
    data: bytes,
    server: str = "",
    names: Sequence[str] | None = None,
    credentials: Mapping[str, Any] | None = None,
    save: bool = True,
) -> ImportedTools:
    """The operations of an OpenAPI 3 file as tools; with `names` only those. Stored if `save` says so.

    Raises BadInput for what is no such file or has no operation of a name, TooLarge, NotAllowed.
    """
    actor.require_role(Role.ADMIN)
    found = tools_of(data, server=server)
    known = {spec.name: spec for spec in found.tools}
    missing = [name for name in names or () if name not in known]
    if missing:
        raise BadInput(f"The file has no operation {missing[0]!r}.", field="names")
    chosen = tuple(known[name] for name in names) if names is not None else found.tools
    saved: list[ToolInfo] = []
    if save:
        with transaction.atomic():
            saved = [save_tool(actor, definition=stored_spec(spec), credentials=credentials) for spec in chosen]
    return ImportedTools(chosen, found.problems, tuple(saved))


def trial_credentials(actor: Actor, *, spec: ToolSpec, tool_id: str | None) -> dict[str, str]:
    """The stored credentials that a test call may use: a tool's own, while it calls the same place."""
    actor.require_role(Role.ADMIN)
    return _kept(get_tool(actor.workspace_id, tool_id), spec) if tool_id else {}


def _row(actor: Actor, spec: ToolSpec, tool_id: str | None) -> Tool:
    mine = Tool.objects.of(actor.workspace_id)
    named = mine.select_for_update().filter(name=spec.name).first()
    if tool_id is not None:
        row = get_tool(actor.workspace_id, tool_id, lock=True)
        if named is not None and named.id != row.id:
            raise Conflict(f"There is a tool {spec.name!r} already.", name=spec.name)
        return row
    if named is not None:
        return named
    if mine.count() >= _MOST_TOOLS:
        raise Conflict(f"A workspace has at most {_MOST_TOOLS} tools; remove one.")
    return Tool(workspace_id=actor.workspace_id, name=spec.name)


def _kept(row: Tool, spec: ToolSpec) -> dict[str, str]:
    """Credentials belong to the place that they were given for."""
    if row.sealed_credentials is None or not row.definition:
        return {}
    return credentials_of(row) if spec_of(row.definition).origin == spec.origin else {}
