"""Routes of figures: live, reports, what could not be answered, rates, the weekly report."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router, Status

from kefu.desk.actor import Actor, Role
from kefu.desk.http.entry import member
from kefu.desk.insights import actions, schemas, weekly
from kefu.desk.insights.queries import reports, settings
from kefu.desk.insights.queries.live import live as live_figures
from kefu.desk.insights.queries.period import Period, period_of
from kefu.desk.insights.queries.table import Report, as_csv
from kefu.desk.insights.queries.unanswered import unanswered as unanswered_questions
from kefu.desk.rows import now
from kefu.kit.settings import settings as kefu_settings

router = Router(auth=member, tags=["Insights"])


@router.get("/insights/metrics", response=schemas.Metrics)
def metrics(request: HttpRequest) -> dict[str, Any]:
    """Every metric with its unit and its exact definition."""
    _actor(request).require_role(Role.VIEWER)
    return schemas.metrics_json()


@router.get("/insights/live", response=schemas.Live)
def live(request: HttpRequest) -> dict[str, Any]:
    """What goes on now."""
    return schemas.live_json(live_figures(_actor(request)))


@router.get("/insights/reports/{name}", response=schemas.ShownReport)
def report(request: HttpRequest, name: str, asked: Query[schemas.Asked]) -> Any:
    """A report: overview, funnel, intents, members, assistant, times, csat or cost."""
    make = reports.report_named(name)
    return _shown(asked, make(_actor(request), _period(request, asked), asked.filters()))


@router.get("/insights/trend", response=schemas.ShownReport)
def trend(request: HttpRequest, asked: Query[schemas.Asked], metric: str, step: str = "") -> Any:
    """Metrics (several between commas) by hour, day, week or month."""
    period = _period(request, asked)
    return _shown(asked, reports.trend(_actor(request), period, asked.filters(), metrics=metric.split(","), step=step))


@router.get("/insights/heatmap", response=schemas.ShownReport)
def heat_map(request: HttpRequest, asked: Query[schemas.Asked], metric: str = "incoming_messages_count") -> Any:
    """A metric by weekday and hour of the day."""
    return _shown(asked, reports.heat_map(_actor(request), _period(request, asked), asked.filters(), metric=metric))


@router.get("/insights/breakdown", response=schemas.ShownReport)
def breakdown(request: HttpRequest, asked: Query[schemas.Asked], by: str, metric: str = "") -> Any:
    """Metrics by channel, member, team, label, intent, language or who."""
    period, chosen = _period(request, asked), metric.split(",") if metric else ()
    return _shown(asked, reports.breakdown(_actor(request), period, asked.filters(), by=by, metrics=chosen))


@router.get("/insights/unanswered", response=schemas.ShownReport)
def unanswered(request: HttpRequest, asked: Query[schemas.Asked], state: str = "open") -> Any:
    """Groups of questions that knowledge could not answer, the most asked first."""
    period = _period(request, asked)
    return _shown(asked, unanswered_questions(_actor(request), period, asked.filters(), state=state))


@router.post("/insights/unanswered/{group_id}/faq", response={201: schemas.Drafted})
def draft_faq(request: HttpRequest, group_id: str, body: schemas.FaqDraft) -> Status[Any]:
    """Answer a group of questions by a FAQ entry."""
    made = actions.draft_faq(_actor(request), group_id=group_id, answer=body.answer, question=body.question)
    return Status(201, {"source": made.id})


@router.put("/insights/unanswered/{group_id}", response={204: None})
def change_group(request: HttpRequest, group_id: str, body: schemas.GroupChange) -> Status[Any]:
    """Set a group of questions aside, or bring it back."""
    actions.set_aside(_actor(request), group_id=group_id, aside=body.state == "dismissed")
    return Status(204, None)


@router.get("/insights/rates", response=schemas.Rates)
def rates(request: HttpRequest) -> Any:
    """What conversations cost the company."""
    return settings.rates(_actor(request))


@router.patch("/insights/rates", response=schemas.Rates)
def set_rates(request: HttpRequest, body: schemas.RatesChange) -> Any:
    """Change what is given of what conversations cost."""
    return actions.set_rates(_actor(request), **body.given())


@router.get("/insights/weekly", response=schemas.Weekly)
def weekly_report(request: HttpRequest) -> dict[str, Any]:
    """Who gets the weekly report, and when."""
    return _weekly(settings.weekly(_actor(request)))


@router.put("/insights/weekly", response=schemas.Weekly)
def set_weekly(request: HttpRequest, body: schemas.NewWeekly) -> dict[str, Any]:
    """Choose who gets the weekly report, and when; nobody switches it off."""
    return _weekly(actions.set_weekly(_actor(request), **body.dict()))


@router.post("/insights/weekly/mail", response=schemas.Sent)
def mail_weekly(request: HttpRequest) -> dict[str, int]:
    """Mail the last whole week's report to oneself now."""
    return {"mails": weekly.send_now(_actor(request))}


@router.get("/insights/weekly.pdf")
def weekly_pdf(request: HttpRequest, asked: Query[schemas.Asked]) -> HttpResponse:
    """The report as PDF: of the last whole week, or of the period that is given; `titles` is its language."""
    actor = _actor(request)
    if asked.first or asked.last:
        period = _period(request, asked)
    else:
        period = weekly.last_week(now(), asked.time_zone or settings.weekly(actor).time_zone)
    name = f"kefu-{period.first}-{period.last}.pdf"
    return _file(weekly.as_pdf(actor, period, asked.titles), "application/pdf", name)


def _weekly(chosen: settings.Weekly) -> dict[str, Any]:
    return schemas.weekly_json(chosen, mail_configured=bool(kefu_settings().smtp_url))


def _shown(asked: schemas.Asked, made: Report) -> Any:
    if asked.format == "csv":
        name = f"{made.name}-{made.period.first}-{made.period.last}.csv"
        return _file(as_csv(made, asked.titles).encode(), "text/csv; charset=utf-8", name)
    return schemas.report_json(made)


def _file(data: bytes, media_type: str, name: str) -> HttpResponse:
    return HttpResponse(
        data, content_type=media_type, headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )


def _period(request: HttpRequest, asked: schemas.Asked) -> Period:
    return period_of(_actor(request), first=asked.first, last=asked.last, time_zone=asked.time_zone)


def _actor(request: HttpRequest) -> Actor:
    return request.auth  # type: ignore[attr-defined, no-any-return]
