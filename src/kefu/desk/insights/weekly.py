"""The weekly report: the last whole week beside the one before, as text and as PDF, by mail to who wants it."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction

from kefu.desk.accounts.actions import MailFile, notify
from kefu.desk.accounts.hours import checked_zone
from kefu.desk.accounts.queries import WorkspaceInfo, mail_of, workspace
from kefu.desk.actor import Actor, Role, system
from kefu.desk.insights import pdf
from kefu.desk.insights.actions import next_report
from kefu.desk.insights.metrics import COUNT, METRICS, SECONDS, SHARE
from kefu.desk.insights.models import ReportSettings
from kefu.desk.insights.queries.cells import Filters
from kefu.desk.insights.queries.period import Period
from kefu.desk.insights.queries.reports import funnel, intents, members, overview, trend
from kefu.desk.insights.queries.settings import weekly_of
from kefu.desk.insights.queries.table import Report
from kefu.desk.insights.queries.unanswered import unanswered
from kefu.desk.rows import now
from kefu.kit.errors import BadInput

LANGUAGES = ("en", "zh")
_SHOWN = 10  # intents, questions and members: a page
_EVERYTHING = Filters()
_TEXTS = {
    "en": {
        "subject": "{workspace}: the week from {first} to {last}",
        "compared": "{title}: {value} (week before: {before})",
        "more": "The whole report is attached.",
        "overview": "Figures",
        "trend": "Conversations by day",
        "funnel": "From question to satisfaction",
        "intents": "What customers wanted",
        "unanswered": "What could not be answered",
        "members": "People",
        "meanings": "What the figures mean",
        "nothing": "nothing",
    },
    "zh": {
        "subject": "{workspace}：{first} 至 {last} 一周报告",
        "compared": "{title}：{value}（上周：{before}）",
        "more": "完整报告见附件。",
        "overview": "指标",
        "trend": "每日会话数",
        "funnel": "从提问到满意",
        "intents": "客户想要什么",
        "unanswered": "未能回答的问题",
        "members": "成员",
        "meanings": "指标说明",
        "nothing": "无",
    },
}


def send_due() -> int:
    """Queue the reports that are due, each once: what is queued and that it was queued are one transaction."""
    everywhere = ReportSettings.objects.across_workspaces("dispatch works for all")
    due = list(everywhere.filter(due_at__lte=now()).values_list("id", "workspace_id")[:20])
    sent = 0
    for row_id, workspace_id in due:
        with transaction.atomic():
            rows = ReportSettings.objects.of(workspace_id).select_for_update().filter(id=row_id, due_at__lte=now())
            row = rows.first()
            if row is None:
                continue
            chosen = weekly_of(workspace_id)
            sent += _send(workspace_id, chosen.members, last_week(row.due_at, chosen.time_zone))
            row.due_at = next_report(chosen, now())
            row.save(update_fields=["due_at"])
    return sent


def send_now(actor: Actor) -> int:
    """Mail the report of the last whole week to the member who asks; gives how many mails. Raises NotAllowed."""
    actor.require_role(Role.VIEWER)
    with transaction.atomic():
        return _send(actor.workspace_id, [actor.id], last_week(now(), weekly_of(actor.workspace_id).time_zone))


def last_week(at: datetime, time_zone: str) -> Period:
    """The last whole week, Monday to Sunday, before a moment. Raises BadInput for no time zone."""
    today = at.astimezone(checked_zone(time_zone)).date()
    monday: date = today - timedelta(days=today.weekday() + 7)
    return Period(monday, monday + timedelta(days=6), time_zone)


def as_text(actor: Actor, period: Period, language: str) -> str:
    """The report's main figures, one a line."""
    words = _TEXTS[_checked(language)]
    lines = [
        words["compared"].format(
            title=METRICS[row["metric"]].title[language],
            value=figure(row["value"], row["unit"], language),
            before=figure(row["before"], row["unit"], language),
        )
        for row in overview(actor, period, _EVERYTHING).rows
    ]
    return "\n".join([*lines, "", words["more"], ""])


def as_pdf(actor: Actor, period: Period, language: str) -> bytes:
    """The report as PDF in English or Chinese. Raises BadInput for another language, NotAllowed."""
    words = _TEXTS[_checked(language)]
    subject = subject_of(workspace(actor.workspace_id), period, language)
    figures = overview(actor, period, _EVERYTHING)
    days = trend(actor, period, _EVERYTHING, metrics=["conversations_count"], step="day")
    shown = [
        pdf.Section(words["overview"], _table(figures, language, by=_overview_cell)),
        pdf.Section(words["trend"], bars=[(row["at"][5:], float(row["conversations_count"])) for row in days.rows]),
        *(
            pdf.Section(words[name], _table(report, language))
            for name, report in (
                ("funnel", funnel(actor, period, _EVERYTHING)),
                ("intents", _few(intents(actor, period, _EVERYTHING), "name", "turns_count", "automation_rate")),
                ("unanswered", _few(unanswered(actor, period, _EVERYTHING), "question", "number")),
                ("members", _few(members(actor, period, _EVERYTHING), "name", "resolutions_count", "reply_time")),
            )
        ),
    ]
    notes = [[f"{each.title[language]}: {each.definition[language]}"] for each in METRICS.values()]
    return pdf.written(subject, shown, pdf.Section(words["meanings"], notes), nothing=words["nothing"])


def subject_of(info: WorkspaceInfo, period: Period, language: str) -> str:
    return _TEXTS[language]["subject"].format(workspace=info.title, first=period.first, last=period.last)


def figure(value: float | None, unit: str, language: str) -> str:
    """A figure as people read it."""
    if value is None:
        return "–"
    if unit == SHARE:
        return f"{value:.1%}"
    if unit == SECONDS:
        return _duration(value, language)
    return f"{value:,.0f}" if unit == COUNT else f"{value:,.2f}"


def _send(workspace_id: str, member_ids: Iterable[str], period: Period) -> int:
    actor, info = system(workspace_id, "weekly report"), workspace(workspace_id)
    made: dict[str, tuple[str, list[MailFile]]] = {}
    sent = 0
    for address, chosen in mail_of(workspace_id, list(member_ids)):
        language = (chosen or info.default_language).partition("-")[0]
        language = language if language in LANGUAGES else "en"
        if language not in made:
            name = f"kefu-{info.slug}-{period.first}.pdf"
            files = [MailFile(name, "application/pdf", as_pdf(actor, period, language))]
            made[language] = as_text(actor, period, language), files
        text, files = made[language]
        subject = subject_of(info, period, language)
        sent += notify(workspace_id, about=workspace_id, addresses=[address], subject=subject, text=text, files=files)
    return sent


def _table(report: Report, language: str, by: Any = None) -> list[list[str]]:
    head = [each.title[language] for each in report.columns if each.key != "unit"]
    rows = [
        [(by or _cell)(row, each.key, each.unit, language) for each in report.columns if each.key != "unit"]
        for row in report.rows[: _SHOWN if by is None else None]
    ]
    return [head, *rows] if rows else []


def _overview_cell(row: dict[str, Any], key: str, unit: str, language: str) -> str:
    return METRICS[row["metric"]].title[language] if key == "metric" else figure(row[key], row["unit"], language)


def _cell(row: dict[str, Any], key: str, unit: str, language: str) -> str:
    if key == "stage":
        return str(row["title"][language])
    return str(row[key] or "") if unit in {"text", "time"} else figure(row[key], unit, language)


def _few(report: Report, *keys: str) -> Report:
    columns = tuple(each for each in report.columns if each.key in keys)
    return Report(report.name, report.period, columns, report.rows)


def _duration(seconds: float, language: str) -> str:
    hour, minute, second = ("小时", "分", "秒") if language == "zh" else (" h", " min", " s")
    if seconds < 60:
        return f"{seconds:.1f}{second}"
    minutes = round(seconds / 60)
    return f"{minutes}{minute}" if minutes < 60 else f"{minutes // 60}{hour} {minutes % 60}{minute}"


def _checked(language: str) -> str:
    if language not in LANGUAGES:
        raise BadInput(f"The report is written in {' or '.join(LANGUAGES)}, not {language!r}.", field="language")
    return language
