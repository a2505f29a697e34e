"""Routes of surveys: when customers are asked, and what they answered."""

from typing import Any

from django.http import HttpRequest
from ninja import Query, Router

from kefu.desk.actor import Actor
from kefu.desk.http.entry import member
from kefu.desk.surveys import actions, queries, schemas

router = Router(auth=member, tags=["Surveys"])


@router.get("/surveys/settings", response=schemas.SurveySettingsShown)
def survey_settings(request: HttpRequest) -> dict[str, Any]:
    """When and how customers are asked how satisfied they are."""
    return schemas.settings_json(queries.settings(_actor(request)))


@router.patch("/surveys/settings", response=schemas.SurveySettingsShown)
def set_surveys(request: HttpRequest, body: schemas.SurveySettingsChange) -> dict[str, Any]:
    """Change what is given of when and how customers are asked."""
    return schemas.settings_json(actions.set_surveys(_actor(request), **body.given()))


@router.get("/surveys/ratings", response=schemas.Ratings)
def ratings(request: HttpRequest, asked: Query[schemas.RatingsAsked]) -> dict[str, Any]:
    """Ratings, the newest first."""
    found = queries.ratings(_actor(request), most=asked.most, commented=asked.commented, limit=asked.limit)
    return {"ratings": [schemas.rating_json(each) for each in found]}


@router.get("/inbox/conversations/{conversation_id}/survey", response=schemas.SurveyShown)
def survey(request: HttpRequest, conversation_id: str) -> dict[str, Any]:
    """A conversation's latest survey."""
    return schemas.survey_json(queries.survey_of(_actor(request), conversation_id))


def _actor(request: HttpRequest) -> Actor:
    return request.auth  # type: ignore[attr-defined, no-any-return]
