"""What answers cost a workspace, and when its weekly report goes out."""

from dataclasses import dataclass
from datetime import datetime

from kefu.desk.accounts.queries import hours_set
from kefu.desk.actor import Actor, Role, system
from kefu.desk.insights.models import ReportSettings


@dataclass(frozen=True)
class Rates:
    """In units of `currency`: a conversation that a person deals with, one answer of the assistant, Kefu a month."""

    currency: str = "CNY"
    person_conversation: float = 0.0
    assistant_turn: float = 0.0
    month: float = 0.0


@dataclass(frozen=True)
class Weekly:
    """Members' ids that get the report, on a weekday (0 is Monday) at an hour of a time zone."""

    members: tuple[str, ...] = ()
    weekday: int = 0
    hour: int = 8
    time_zone: str = "UTC"
    due_at: datetime | None = None


def rates(actor: Actor) -> Rates:
    actor.require_role(Role.VIEWER)
    return rates_of(actor.workspace_id)


def weekly(actor: Actor) -> Weekly:
    actor.require_role(Role.VIEWER)
    return weekly_of(actor.workspace_id)


def rates_of(workspace_id: str) -> Rates:
    row = ReportSettings.objects.of(workspace_id).first()
    return Rates(**row.rates) if row is not None else Rates()


def weekly_of(workspace_id: str) -> Weekly:
    row = ReportSettings.objects.of(workspace_id).first()
    if row is None or not row.weekly:
        return Weekly(time_zone=hours_set(system(workspace_id)).time_zone)
    stored = {**row.weekly, "members": tuple(row.weekly["members"]), "due_at": row.due_at}
    return Weekly(**stored)
