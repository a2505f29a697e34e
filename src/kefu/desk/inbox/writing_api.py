"""Routes that help to write: drafts, canned replies, transcripts by mail."""

from typing import Any

from django.http import HttpRequest
from ninja import Query, Router, Status

from kefu.desk.actor import Actor
from kefu.desk.http.entry import member
from kefu.desk.inbox import actions, queries
from kefu.desk.inbox import writing_schemas as shapes

router = Router(auth=member, tags=["Inbox"])


@router.get("/inbox/drafts", response=shapes.Drafts)
def drafts(request: HttpRequest, conversation: Query[str | None] = None) -> dict[str, Any]:
    """What I was writing, in one conversation or in all."""
    return {"drafts": [shapes.draft(each) for each in queries.drafts(_actor(request), conversation_id=conversation)]}


@router.put("/inbox/conversations/{conversation_id}/draft", response={204: None})
def keep_draft(request: HttpRequest, conversation_id: str, body: shapes.DraftText) -> Status[Any]:
    """Keep what I am writing, for whichever browser I go on in."""
    actions.keep_draft(_actor(request), conversation_id=conversation_id, text=body.text, is_internal=body.internal)
    return Status(204, None)


@router.post("/inbox/conversations/{conversation_id}/transcript", response={202: shapes.Mailed})
def mail_transcript(request: HttpRequest, conversation_id: str, body: shapes.MailTo) -> Status[Any]:
    """Send what was said by mail, to the customer or to an address."""
    to = actions.mail_transcript(
        _actor(request), conversation_id=conversation_id, to=body.to, with_originals=body.with_originals
    )
    return Status(202, {"to": to})


@router.get("/canned", response=shapes.CannedReplies)
def canned_replies(request: HttpRequest) -> dict[str, Any]:
    """Everybody's canned replies and mine."""
    return {"canned": queries.canned_replies(_actor(request))}


@router.post("/canned", response={201: shapes.Canned})
def add_canned(request: HttpRequest, body: shapes.NewCanned) -> Status[Any]:
    """Keep a reply under a shortcut."""
    return Status(201, actions.add_canned(_actor(request), **body.dict()))


@router.patch("/canned/{canned_id}", response=shapes.Canned)
def change_canned(request: HttpRequest, canned_id: str, body: shapes.CannedChange) -> Any:
    """Change what is given of a canned reply."""
    return actions.change_canned(_actor(request), canned_id=canned_id, **body.dict())


@router.delete("/canned/{canned_id}", response={204: None})
def remove_canned(request: HttpRequest, canned_id: str) -> Status[Any]:
    """Forget a canned reply."""
    actions.remove_canned(_actor(request), canned_id=canned_id)
    return Status(204, None)


@router.post("/canned/{canned_id}/fill", response=shapes.Filled)
def fill_canned(request: HttpRequest, canned_id: str, body: shapes.FillFor) -> Any:
    """A canned reply with the values of a conversation."""
    return actions.fill_canned(_actor(request), canned_id=canned_id, conversation_id=body.conversation_id)


def _actor(request: HttpRequest) -> Actor:
    return request.auth  # type: ignore[attr-defined, no-any-return]
