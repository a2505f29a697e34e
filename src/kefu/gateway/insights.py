"""Figures through the public API: for programs that hold a key with the scope `insights:read`. JSON and CSV."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import JSONResponse, Response

from kefu.desk.actor import Actor, Role, Scope
from kefu.desk.insights import schemas
from kefu.desk.insights.queries import reports
from kefu.desk.insights.queries.cells import Filters
from kefu.desk.insights.queries.live import live as live_figures
from kefu.desk.insights.queries.period import Period, period_of
from kefu.desk.insights.queries.table import Report, as_csv
from kefu.desk.insights.queries.unanswered import unanswered as unanswered_questions
from kefu.gateway.state import entered

router = APIRouter(prefix="/v1/insights", tags=["Insights"])


class Asked(BaseModel):
    """Of what, and when: dates of a time zone, the last 7 days in the company's by default."""

    model_config = ConfigDict(populate_by_name=True)

    first: str = Field("", alias="from", max_length=10, description="The first day, such as 2026-11-01.")
    last: str = Field("", alias="to", max_length=10, description="The last day; today by default.")
    time_zone: str = Field("", max_length=64, description="Such as Asia/Shanghai; the company's by default.")
    channel: str = Field("", max_length=32, description="Of this channel only (its id).")
    member: str = Field("", max_length=32, description="Of this member only (their id).")
    team: str = Field("", max_length=32, description="Of this team only (its id).")
    label: str = Field("", max_length=64, description="Of conversations with this label only.")
    intent: str = Field("", max_length=64, description="Of this intent only.")
    language: str = Field("", max_length=12, description="Of this language only.")
    who: Literal["", "assistant", "person"] = Field("", description="Of the assistant or of people only.")
    format: Literal["json", "csv"] = Field("json", description="CSV is UTF-8 with a byte-order mark.")
    titles: Literal["en", "zh"] = Field("en", description="The language of a CSV's head.")

    def filters(self) -> Filters:
        names = ("channel", "member", "team", "label", "intent", "language", "who")
        return Filters.of(**{name: getattr(self, name) for name in names})

    def period(self, actor: Actor) -> Period:
        return period_of(actor, first=self.first, last=self.last, time_zone=self.time_zone)


class Column(BaseModel):
    key: str
    unit: str
    title: dict[str, str]
    definition: dict[str, str]


class ShownReport(BaseModel):
    """Rows by the columns' keys: seconds, shares of 1, money in the rates' currency; null: nothing to divide by."""

    report: str
    period: dict[str, str]
    columns: list[Column]
    rows: list[dict[str, Any]]
    totals: dict[str, Any]
    more: dict[str, Any]


Of = Annotated[Asked, Query()]
Metrics = Annotated[str, Query(max_length=500, description="Names of metrics, between commas.")]
By = Literal["channel", "member", "team", "label", "intent", "language", "who"]


@router.get("/metrics")
async def metrics(request: Request) -> dict[str, Any]:
    """Every metric with its unit and its exact definition."""
    _, actor = await entered(request)
    actor.require(scope=Scope.INSIGHTS_READ, role=Role.VIEWER)
    return schemas.metrics_json()


@router.get("/live")
async def live(request: Request) -> dict[str, Any]:
    """What goes on now: conversations by status, waits, turns in work, the last quarter of an hour."""
    gateway, actor = await entered(request)
    return schemas.live_json(await gateway.rows.read(live_figures, actor))


@router.get("/reports/{name}", response_model=ShownReport)
async def report(request: Request, name: str, asked: Of) -> Response:
    """A report over a period: overview, funnel, intents, members, assistant, times, csat or cost."""
    return await _made(
        request,
        asked,
        lambda actor: reports.report_named(name)(actor, asked.period(actor), asked.filters()),
    )


@router.get("/trend", response_model=ShownReport)
async def trend(
    request: Request, asked: Of, metric: Metrics, step: Literal["", "hour", "day", "week", "month"] = ""
) -> Response:
    """Metrics by time; the step fits the period unless it is given."""
    names = metric.split(",")
    return await _made(
        request,
        asked,
        lambda actor: reports.trend(actor, asked.period(actor), asked.filters(), metrics=names, step=step),
    )


@router.get("/heatmap", response_model=ShownReport)
async def heat_map(
    request: Request, asked: Of, metric: Annotated[str, Query(max_length=64)] = "incoming_messages_count"
) -> Response:
    """A metric by weekday and hour of the day."""
    return await _made(
        request, asked, lambda actor: reports.heat_map(actor, asked.period(actor), asked.filters(), metric=metric)
    )


@router.get("/breakdown", response_model=ShownReport)
async def breakdown(request: Request, asked: Of, by: By, metric: Metrics = "") -> Response:
    """Metrics by channel, member, team, label, intent, language, or assistant and people."""
    names = metric.split(",") if metric else ()
    return await _made(
        request,
        asked,
        lambda actor: reports.breakdown(actor, asked.period(actor), asked.filters(), by=by, metrics=names),
    )


@router.get("/unanswered", response_model=ShownReport)
async def unanswered(request: Request, asked: Of, state: Literal["open", "drafted", "dismissed"] = "open") -> Response:
    """Groups of questions that knowledge could not answer, masked, the most asked first."""
    return await _made(
        request, asked, lambda actor: unanswered_questions(actor, asked.period(actor), asked.filters(), state=state)
    )


async def _made(request: Request, asked: Asked, make: Any) -> Response:
    gateway, actor = await entered(request)
    actor.require(scope=Scope.INSIGHTS_READ, role=Role.VIEWER)
    made: Report = await gateway.rows.read(make, actor)
    if asked.format == "csv":
        name = f"{made.name}-{made.period.first}-{made.period.last}.csv"
        return Response(
            as_csv(made, asked.titles),
            media_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )
    return JSONResponse(schemas.report_json(made))
