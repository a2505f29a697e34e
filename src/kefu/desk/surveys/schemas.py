"""Shapes of surveys at the members' door."""

from dataclasses import asdict
from datetime import datetime
from typing import Any, Literal

from ninja import Field, Schema

from kefu.desk.surveys import texts
from kefu.desk.surveys.queries import RatingInfo, SurveyInfo, Surveys

State = Literal["none", "waiting", "asked", "rated", "dropped", "expired"]


class SurveySettingsChange(Schema):
    """What is left out stays as it is."""

    is_on: bool | None = None
    channels_off: list[str] | None = Field(None, max_length=1000)
    delay_seconds: int | None = None
    window_hours: int | None = None
    after_idle: bool | None = None
    unanswered: bool | None = None
    questions: dict[str, str] | None = None
    thanks: dict[str, str] | None = None

    def given(self) -> dict[str, Any]:
        found = {name: value for name, value in self.dict().items() if value is not None}
        return {**found, "channels_off": tuple(found["channels_off"])} if "channels_off" in found else found


class SurveySettingsShown(Schema):
    """`built_in` are the texts that customers get where the company wrote none."""

    is_on: bool
    channels_off: list[str]
    delay_seconds: int
    window_hours: int
    after_idle: bool
    unanswered: bool
    questions: dict[str, str]
    thanks: dict[str, str]
    built_in: dict[str, dict[str, str]]


class SurveyShown(Schema):
    """The latest survey of a conversation; `member` is who solved it, null for the assistant."""

    state: State
    question: str
    choices: list[str]
    asked_at: datetime | None
    until: datetime | None
    rated_at: datetime | None
    score: int | None
    comment: str
    by: str
    member: str | None


class RatingsAsked(Schema):
    """`most`: only ratings of at most so many stars; `commented`: only those with words."""

    most: int | None = Field(None, ge=1, le=5)
    commented: bool = False
    limit: int = Field(100, ge=1, le=500)


class RatingShown(Schema):
    conversation: str
    channel: str
    member: str | None
    score: int
    comment: str
    by: str
    at: datetime


class Ratings(Schema):
    ratings: list[RatingShown]


def settings_json(chosen: Surveys) -> dict[str, Any]:
    return {**asdict(chosen), "built_in": {"questions": dict(texts.QUESTIONS), "thanks": dict(texts.THANKS)}}


def survey_json(found: SurveyInfo) -> dict[str, Any]:
    names = ("state", "question", "asked_at", "until", "rated_at", "score", "comment", "by")
    shown = {name: getattr(found, name) for name in names}
    return {**shown, "choices": list(found.choices), "member": found.member_id or None}


def rating_json(found: RatingInfo) -> dict[str, Any]:
    return {
        "conversation": found.conversation_id,
        "channel": found.channel_id,
        "member": found.member_id or None,
        "score": found.score,
        "comment": found.comment,
        "by": found.by,
        "at": found.at,
    }
