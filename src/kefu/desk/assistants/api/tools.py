"""Routes of tools."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest
from ninja import Router, Status

from kefu.desk.actor import Actor
from kefu.desk.assistants import actions, queries
from kefu.desk.assistants.schemas import tools as schemas
from kefu.desk.assistants.tools.spec import stored_spec
from kefu.desk.http.entry import member
from kefu.desk.tool_trial import try_tool

router = Router(auth=member, tags=["Tools"])


@router.get("/tools", response=schemas.Tools)
def tools(request: HttpRequest) -> dict[str, Any]:
    """The workspace's tools."""
    return {"tools": [schemas.tool(each) for each in queries.tools(_actor(request))]}


@router.post("/tools", response={201: schemas.Tool})
def make_tool(request: HttpRequest, body: schemas.ToolChange) -> Status[Any]:
    """Add a tool."""
    made = actions.make_tool(_actor(request), definition=body.definition, credentials=body.credentials)
    return Status(201, schemas.tool(made))


@router.post("/tools/import", response=schemas.ImportedTools)
def import_tools(request: HttpRequest, body: schemas.ToolImport) -> dict[str, Any]:
    """The operations of an OpenAPI 3 file as tools; stored if `save` says so."""
    found = actions.import_tools(
        _actor(request),
        data=body.document.encode(),
        server=body.server,
        names=body.names,
        credentials=body.credentials,
        save=body.save,
    )
    return {
        "tools": [stored_spec(spec) for spec in found.found],
        "problems": list(found.problems),
        "saved": [schemas.tool(each) for each in found.saved],
    }


@router.post("/tools/try", response=schemas.Tried)
def try_draft(request: HttpRequest, body: schemas.DraftTrial) -> dict[str, Any]:
    """A test call of a tool that is not stored."""
    return _tried(_actor(request), body, definition=body.definition, credentials=body.credentials, tool_id=body.tool)


@router.get("/tools/calls", response=schemas.ToolCalls)
def calls(request: HttpRequest, tool: str = "", conversation: str = "", limit: int = 50) -> dict[str, Any]:
    """The newest calls that turns made."""
    found = queries.tool_calls(_actor(request), tool=tool, conversation_id=conversation, limit=limit)
    return {"calls": [schemas.tool_call(each) for each in found]}


@router.get("/tools/{tool_id}", response=schemas.Tool)
def tool(request: HttpRequest, tool_id: str) -> dict[str, Any]:
    """One tool."""
    return schemas.tool(queries.tool(_actor(request), tool_id))


@router.put("/tools/{tool_id}", response=schemas.Tool)
def change_tool(request: HttpRequest, tool_id: str, body: schemas.ToolChange) -> dict[str, Any]:
    """Replace a tool's definition, and its credentials if they are given."""
    saved = actions.save_tool(
        _actor(request), definition=body.definition, credentials=body.credentials, tool_id=tool_id
    )
    return schemas.tool(saved)


@router.delete("/tools/{tool_id}", response={204: None})
def remove_tool(request: HttpRequest, tool_id: str) -> Status[Any]:
    """Delete a tool."""
    actions.remove_tool(_actor(request), tool_id=tool_id)
    return Status(204, None)


@router.post("/tools/{tool_id}/try", response=schemas.Tried)
def try_stored(request: HttpRequest, tool_id: str, body: schemas.ToolTrial) -> dict[str, Any]:
    """A test call of a stored tool, with its credentials."""
    actor = _actor(request)
    definition = stored_spec(queries.tool(actor, tool_id).spec)
    return _tried(actor, body, definition=definition, tool_id=tool_id)


def _tried(
    actor: Actor,
    body: schemas.ToolTrial,
    *,
    definition: dict[str, Any],
    credentials: Mapping[str, Any] | None = None,
    tool_id: str | None = None,
) -> dict[str, Any]:
    outgoing, sent = try_tool(
        actor,
        definition=definition,
        arguments=body.arguments,
        credentials=credentials,
        tool_id=tool_id,
        sample=body.sample,
    )
    return schemas.tried(outgoing, sent)


def _actor(request: HttpRequest) -> Actor:
    return request.auth  # type: ignore[attr-defined, no-any-return]
