"""Reads of surveys, and of when a workspace asks."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from kefu.desk.actor import Actor, Role
from kefu.desk.inbox.actions import language_of
from kefu.desk.inbox.queries import get
from kefu.desk.rows import now
from kefu.desk.surveys import texts
from kefu.desk.surveys.models import Survey, SurveySettings


@dataclass(frozen=True)
class Surveys:
    """When a workspace asks its customers, and how; `questions` and `thanks` are by language, ours where missing.

    `channels_off` are not asked on. `window_hours` is how long an answer is taken. `after_idle`: also when nobody said
    that it is solved; `unanswered`: also where the customer got no answer at all.
    """

    is_on: bool = True
    channels_off: tuple[str, ...] = ()
    delay_seconds: int = 0
    window_hours: int = 72
    after_idle: bool = True
    unanswered: bool = False
    questions: Mapping[str, str] = field(default_factory=dict)
    thanks: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class SurveyInfo:
    """A conversation's survey as whoever shows it needs it.

    `state` is none, waiting, asked, rated, dropped or expired.
    """

    id: str
    conversation_id: str
    state: str
    question: str
    thanks: str
    choices: tuple[str, ...]
    asked_at: datetime | None = None
    until: datetime | None = None
    rated_at: datetime | None = None
    score: int | None = None
    comment: str = ""
    by: str = ""
    member_id: str = ""


@dataclass(frozen=True)
class RatingInfo:
    """A rating with its comment, masked."""

    survey_id: str
    conversation_id: str
    channel_id: str
    member_id: str
    score: int
    comment: str
    by: str
    at: datetime


def settings(actor: Actor) -> Surveys:
    """Raises NotAllowed."""
    actor.require_role(Role.VIEWER)
    return settings_of(actor.workspace_id)


def settings_of(workspace_id: str) -> Surveys:
    chosen = SurveySettings.objects.of(workspace_id).values_list("chosen", flat=True).first() or {}
    known = {name: value for name, value in chosen.items() if name in Surveys.__dataclass_fields__}
    return Surveys(**{**known, "channels_off": tuple(known.get("channels_off", ()))})


def survey_of(actor: Actor, conversation_id: str) -> SurveyInfo:
    """The latest survey of a conversation, in the customer's language; state none where there is none.

    Raises NotFound, NotAllowed.
    """
    thread = get(actor, conversation_id)
    row = latest(thread.workspace_id, thread.id)
    chosen, language = settings_of(thread.workspace_id), language_of(thread)
    shown = {
        "conversation_id": thread.id,
        "question": texts.text_of(chosen.questions, texts.QUESTIONS, language),
        "thanks": texts.text_of(chosen.thanks, texts.THANKS, language),
        "choices": texts.choices(language),
    }
    if row is None:
        return SurveyInfo(id="", state="none", **shown)
    return SurveyInfo(
        id=row.id,
        state=state_of(row),
        asked_at=row.asked_at,
        until=row.until,
        rated_at=row.rated_at,
        score=row.score,
        comment=row.comment,
        by=row.by,
        member_id=row.member_id,
        **shown,
    )


def latest(workspace_id: str, conversation_id: str, *, lock: bool = False) -> Survey | None:
    """A conversation's newest survey that was not dropped."""
    rows = Survey.objects.of(workspace_id).filter(conversation_id=conversation_id).exclude(state="dropped")
    return (rows.select_for_update(of=("self",)) if lock else rows).order_by("-created_at", "-id").first()


def state_of(row: Survey) -> str:
    """A survey that was asked has expired once its time is over."""
    return "expired" if row.state == "asked" and not is_open(row) else row.state


def is_open(row: Survey) -> bool:
    return row.until is not None and row.until > now()


def ratings(
    actor: Actor,
    *,
    start: datetime | None = None,
    end: datetime | None = None,
    most: int | None = None,
    commented: bool = False,
    limit: int = 100,
) -> list[RatingInfo]:
    """Ratings, the newest first; `most` leaves out the better ones, `commented` those without words."""
    actor.require_role(Role.VIEWER)
    rows = Survey.objects.of(actor.workspace_id).filter(state="rated")
    if start is not None:
        rows = rows.filter(rated_at__gte=start)
    if end is not None:
        rows = rows.filter(rated_at__lt=end)
    if most is not None:
        rows = rows.filter(score__lte=most)
    if commented:
        rows = rows.exclude(comment="")
    return [_rating(row) for row in rows.order_by("-rated_at")[:limit]]


def ratings_of(workspace_id: str, conversation_ids: Iterable[str]) -> list[RatingInfo]:
    """All ratings of conversations that the caller may see, the newest first."""
    rows = Survey.objects.of(workspace_id).filter(conversation_id__in=list(conversation_ids), state="rated")
    return [_rating(row) for row in rows.order_by("-rated_at")]


def _rating(row: Survey) -> RatingInfo:
    at = row.rated_at or row.created_at
    return RatingInfo(
        row.id, row.conversation_id, row.channel_id, row.member_id, row.score or 0, row.comment, row.by, at
    )
