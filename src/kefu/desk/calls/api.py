"""Routes of calls: which are under way. They are answered over `WS /v1/calls`."""

from typing import Any

from django.http import HttpRequest
from ninja import Router

from kefu.desk.calls import queries, schemas
from kefu.desk.http.entry import member

router = Router(auth=member)


@router.get("/calls", response=schemas.Calls, tags=["Inbox"])
def calls(request: HttpRequest) -> dict[str, Any]:
    """Calls that have not ended, oldest first."""
    actor = request.auth  # type: ignore[attr-defined]
    return {"calls": [schemas.call(each) for each in queries.calls_under_way(actor)]}
