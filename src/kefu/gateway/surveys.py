"""Surveys at the customers' door, and their asking when they are due."""

import asyncio
import contextlib
from datetime import datetime
from typing import Any, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from starlette.responses import JSONResponse

from kefu.desk.accounts.queries import EventInfo
from kefu.desk.surveys import actions, due, queries
from kefu.desk.surveys.queries import SurveyInfo
from kefu.gateway import shapes
from kefu.gateway.hub import Hub
from kefu.gateway.rows import Rows
from kefu.gateway.state import entered

router = APIRouter(prefix="/v1/conversations", tags=["Conversations"])

_SWEEP_SECONDS = 5.0  # surveys with a delay; what is due at once wakes


class NewRating(shapes.Request):
    score: int = Field(ge=1, le=5, description="Stars: 1 is very dissatisfied, 5 very satisfied.")
    comment: str = Field(default="", max_length=2_000, description="Why, in the customer's words; may follow later.")


class Survey(BaseModel):
    """`choices` are the names of the scores, the lowest first; `none`: nobody asks."""

    state: Literal["none", "waiting", "asked", "rated", "dropped", "expired"]
    question: str
    thanks: str
    choices: list[str]
    asked_at: datetime | None
    until: datetime | None
    score: int | None
    comment: str


@router.get("/{conversation_id}/survey", response_model=Survey)
async def survey(request: Request, conversation_id: str) -> JSONResponse:
    """Whether the customer is asked how satisfied they are, and what they answered."""
    gateway, actor = await entered(request)
    return JSONResponse(survey_json(await gateway.rows.read(queries.survey_of, actor, conversation_id)))


@router.put("/{conversation_id}/rating", response_model=Survey)
async def rate(request: Request, conversation_id: str, body: NewRating) -> JSONResponse:
    """Rate a conversation that the customer was asked about, once; a comment may follow with the same score."""
    gateway, actor = await entered(request)
    gateway.gate.count_message(actor)
    found = await gateway.rows.write(
        actions.rate, actor, conversation_id=conversation_id, score=body.score, comment=body.comment
    )
    gateway.hub.wake()
    return JSONResponse(survey_json(found))


def survey_json(found: SurveyInfo) -> dict[str, Any]:
    return {
        "state": found.state,
        "question": found.question,
        "thanks": found.thanks,
        "choices": list(found.choices),
        "asked_at": found.asked_at.isoformat() if found.asked_at else None,
        "until": found.until.isoformat() if found.until else None,
        "score": found.score,
        "comment": found.comment,
    }


class Asker:
    """Asks whose surveys are due; dispatch runs its loop."""

    def __init__(self, rows: Rows, hub: Hub) -> None:
        self._rows = rows
        self._hub = hub
        self._due = asyncio.Event()
        hub.listen(self._heard)

    async def ask(self) -> None:
        """Wait until a survey may be due, and ask all that are."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._due.wait(), _SWEEP_SECONDS)
        self._due.clear()
        if await self._rows.write(due.ask_due):
            self._hub.wake()

    def _heard(self, event: EventInfo) -> None:
        if event.kind == "survey.waiting":
            self._due.set()
