"""Shapes of figures at the members' door."""

from datetime import datetime
from typing import Any, Literal

from ninja import Field, Schema

from kefu.desk.insights.metrics import METRICS, Metric
from kefu.desk.insights.queries.cells import Filters
from kefu.desk.insights.queries.live import MINUTES
from kefu.desk.insights.queries.live import Live as LiveFigures
from kefu.desk.insights.queries.settings import Weekly as WeeklyChosen
from kefu.desk.insights.queries.table import Report as Made


class Asked(Schema):
    """Of what, and when: dates of a time zone, the last 7 days in the company's by default; `format` json or csv."""

    first: str = Field("", alias="from", max_length=10)
    last: str = Field("", alias="to", max_length=10)
    time_zone: str = Field("", max_length=64)
    channel: str = Field("", max_length=32)
    member: str = Field("", max_length=32)
    team: str = Field("", max_length=32)
    label: str = Field("", max_length=64)
    intent: str = Field("", max_length=64)
    language: str = Field("", max_length=12)
    who: str = Field("", pattern="^(|assistant|person)$")
    format: str = Field("json", pattern="^(json|csv)$")
    titles: str = Field("en", pattern="^(en|zh)$", description="The language of a CSV's head.")

    def filters(self) -> Filters:
        names = ("channel", "member", "team", "label", "intent", "language", "who")
        return Filters.of(**{name: getattr(self, name) for name in names})


class Texts(Schema):
    en: str
    zh: str


class MetricShown(Schema):
    name: str
    unit: str
    better: str
    title: Texts
    definition: Texts


class Metrics(Schema):
    metrics: list[MetricShown]


class Column(Schema):
    key: str
    unit: str
    title: dict[str, str]
    definition: dict[str, str]


class ShownReport(Schema):
    """Rows by the columns' keys; seconds are seconds, shares are of 1, money is in the rates' currency."""

    report: str
    period: dict[str, str]
    columns: list[Column]
    rows: list[dict[str, Any]]
    totals: dict[str, Any]
    more: dict[str, Any]


class Online(Schema):
    id: str
    name: str


class Volume(Schema):
    at: datetime
    messages: int


class Live(Schema):
    """Seconds; `last` counts the last `minutes`; `online` null: this process knows nobody's sockets.

    `engine_load`: how many answers were in the making at once in the last `minutes`, on average.
    """

    at: datetime
    conversations: dict[str, int]
    unassigned: int
    longest_wait: float | None
    turns: dict[str, int]
    online: list[Online] | None
    people: dict[str, int]
    minutes: int
    turn_time_p50: float | None
    turn_time_p95: float | None
    engine_load: float
    last: dict[str, int]
    volume: list[Volume]


class Rates(Schema):
    currency: str
    person_conversation: float
    assistant_turn: float
    month: float


class RatesChange(Schema):
    currency: str | None = None
    person_conversation: float | None = None
    assistant_turn: float | None = None
    month: float | None = None

    def given(self) -> dict[str, Any]:
        return {name: value for name, value in self.dict().items() if value is not None}


class NewWeekly(Schema):
    """Weekday 0 is Monday; without members nobody gets it."""

    members: list[str] = Field(max_length=200)
    weekday: int = 0
    hour: int = 8
    time_zone: str = Field("UTC", max_length=64)


class Weekly(NewWeekly):
    due_at: datetime | None
    mail_configured: bool


class Sent(Schema):
    mails: int


class FaqDraft(Schema):
    """`question` is the group's own where it is left out."""

    answer: str = Field(max_length=8_000)
    question: str = Field("", max_length=500)


class Drafted(Schema):
    source: str


class GroupChange(Schema):
    state: Literal["open", "dismissed"]


def report_json(made: Made) -> dict[str, Any]:
    period = made.period
    return {
        "report": made.name,
        "period": {"from": period.first.isoformat(), "to": period.last.isoformat(), "time_zone": period.time_zone},
        "columns": [vars(each) for each in made.columns],
        "rows": made.rows,
        "totals": made.totals,
        "more": made.more,
    }


def metric_json(metric: Metric) -> dict[str, Any]:
    return {
        "name": metric.name,
        "unit": metric.unit,
        "better": metric.better,
        "title": metric.title,
        "definition": metric.definition,
    }


def metrics_json() -> dict[str, Any]:
    return {"metrics": [metric_json(each) for each in METRICS.values()]}


def live_json(found: LiveFigures) -> dict[str, Any]:
    return {
        "at": found.at,
        "conversations": found.standing.conversations,
        "unassigned": found.standing.unassigned,
        "longest_wait": found.longest_wait,
        "turns": found.standing.turns,
        "online": found.online,
        "people": found.people,
        "minutes": MINUTES,
        "turn_time_p50": found.turn_time_p50,
        "turn_time_p95": found.turn_time_p95,
        "engine_load": found.engine_load,
        "last": found.last,
        "volume": found.volume,
    }


def weekly_json(chosen: WeeklyChosen, *, mail_configured: bool) -> dict[str, Any]:
    return {**vars(chosen), "members": list(chosen.members), "mail_configured": mail_configured}
