"""Routes by which an inbox is sorted: labels, snoozes, views, mentions, many conversations at once."""

from typing import Any

from django.http import HttpRequest
from ninja import Router, Status

from kefu.desk.actor import Actor
from kefu.desk.http.entry import member
from kefu.desk.inbox import actions, queries, schemas
from kefu.desk.inbox import sorting_schemas as shapes

router = Router(auth=member, tags=["Inbox"])


@router.get("/inbox/labels", response=shapes.Labels)
def labels(request: HttpRequest) -> dict[str, Any]:
    """The labels that conversations are sorted by."""
    return {"labels": queries.labels(_actor(request))}


@router.post("/inbox/labels", response={201: shapes.Label})
def add_label(request: HttpRequest, body: shapes.NewLabel) -> Status[Any]:
    """Make a label."""
    return Status(201, actions.add_label(_actor(request), title=body.title, colour=body.colour))


@router.patch("/inbox/labels/{label_id}", response=shapes.Label)
def change_label(request: HttpRequest, label_id: str, body: shapes.LabelChange) -> Any:
    """Change what is given of a label; what has it keeps it."""
    return actions.change_label(_actor(request), label_id=label_id, title=body.title, colour=body.colour)


@router.delete("/inbox/labels/{label_id}", response={204: None})
def remove_label(request: HttpRequest, label_id: str) -> Status[Any]:
    """Offer a label no more; figures of the past keep it."""
    actions.remove_label(_actor(request), label_id=label_id)
    return Status(204, None)


@router.post("/inbox/conversations/{conversation_id}/labels", response=schemas.Conversation)
def label(request: HttpRequest, conversation_id: str, body: shapes.Labelling) -> dict[str, Any]:
    """Give a conversation labels and take some away."""
    actions.label(_actor(request), conversation_id=conversation_id, add=body.add, remove=body.remove)
    return _thread(request, conversation_id)


@router.post("/inbox/conversations/{conversation_id}/snooze", response=schemas.Conversation)
def snooze(request: HttpRequest, conversation_id: str, body: shapes.Snooze) -> dict[str, Any]:
    """Take it off its owner's list until a time, or until the contact writes."""
    actions.snooze(_actor(request), conversation_id=conversation_id, until=body.until)
    return _thread(request, conversation_id)


@router.post("/inbox/conversations/{conversation_id}/wake", response=schemas.Conversation)
def wake(request: HttpRequest, conversation_id: str) -> dict[str, Any]:
    """Put a snoozed conversation back on its owner's list."""
    actions.wake(_actor(request), conversation_id=conversation_id)
    return _thread(request, conversation_id)


@router.post("/inbox/conversations/{conversation_id}/mentions/seen", response={204: None})
def see_mentions(request: HttpRequest, conversation_id: str) -> Status[Any]:
    """I have seen the notes that name me."""
    actions.see_mentions(_actor(request), conversation_id=conversation_id)
    return Status(204, None)


@router.post("/inbox/many", response=shapes.Results)
def many(request: HttpRequest, body: shapes.Many) -> dict[str, Any]:
    """Do one thing to many conversations; each has its own result."""
    done = actions.do_to_many(_actor(request), conversation_ids=body.conversations, action=body.action, **body.given())
    return {"results": [shapes.result(each) for each in done]}


@router.get("/inbox/choices", response=shapes.ListChoices)
def choices(request: HttpRequest) -> dict[str, Any]:
    """Languages and intents of the newest conversations."""
    return vars(queries.choices(_actor(request)))


@router.get("/inbox/views", response=shapes.Views)
def views(request: HttpRequest) -> dict[str, Any]:
    """Everybody's views and mine."""
    return {"views": queries.views(_actor(request))}


@router.get("/inbox/views/counts", response=shapes.ViewCounts)
def view_counts(request: HttpRequest) -> dict[str, Any]:
    """How many conversations each view shows."""
    return {"counts": queries.view_counts(_actor(request))}


@router.post("/inbox/views", response={201: shapes.View})
def save_view(request: HttpRequest, body: shapes.NewView) -> Status[Any]:
    """Keep a way of narrowing the list."""
    chosen = body.chosen.dict(exclude_none=True)
    return Status(201, actions.save_view(_actor(request), name=body.name, chosen=chosen, is_shared=body.is_shared))


@router.patch("/inbox/views/{view_id}", response=shapes.View)
def change_view(request: HttpRequest, view_id: str, body: shapes.ViewChange) -> Any:
    """Change what is given of a view."""
    chosen = body.chosen.dict(exclude_none=True) if body.chosen is not None else None
    return actions.change_view(_actor(request), view_id=view_id, name=body.name, chosen=chosen)


@router.delete("/inbox/views/{view_id}", response={204: None})
def remove_view(request: HttpRequest, view_id: str) -> Status[Any]:
    """Forget a view."""
    actions.remove_view(_actor(request), view_id=view_id)
    return Status(204, None)


def _actor(request: HttpRequest) -> Actor:
    return request.auth  # type: ignore[attr-defined, no-any-return]


def _thread(request: HttpRequest, conversation_id: str) -> dict[str, Any]:
    return schemas.conversation(queries.thread(_actor(request), conversation_id))
