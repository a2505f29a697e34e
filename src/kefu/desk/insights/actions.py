"""Writes around figures: what watches the inbox, what answers cost, who gets the weekly report, FAQ drafts."""

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction

from kefu.desk.accounts.actions import announce, audit
from kefu.desk.accounts.hours import checked_zone, milliseconds
from kefu.desk.accounts.queries import hours_book
from kefu.desk.actor import Actor, Role
from kefu.desk.inbox.actions import Happened, Watcher
from kefu.desk.insights.fold import Clock, Fold
from kefu.desk.insights.models import QuestionGroup, ReportingEvent, ReportSettings, UnansweredQuestion
from kefu.desk.insights.queries.settings import Rates, Weekly, rates_of, weekly_of
from kefu.desk.insights.rolling import relabel, store
from kefu.desk.library.actions import add_faq
from kefu.desk.library.queries import SourceInfo
from kefu.desk.rows import now
from kefu.kit.errors import BadInput, Conflict, NotFound

_MOST = 1_000_000.0  # of a currency, for one conversation
_WEEK = timedelta(days=7)


def told(thread: Any, event: Happened) -> None:
    """Measure what happens in a conversation, in its transaction; `thread` is the row, which is stored afterwards."""
    clock = Clock.read(thread.clock)
    if thread.clock is None and event.kind != "began":  # older than its figures: `kefu insights recount` counts it all
        clock.created = clock.asked = milliseconds(thread.created_at)
        clock.status, clock.member = thread.status, thread.assignee_id
    labels, folded = clock.labels, Fold(clock, hours_book(thread.workspace_id))
    folded.add(event)
    if clock.labels != labels:
        relabel(thread.workspace_id, thread.id, clock.labels)
    thread.clock = clock.written()
    store(thread.workspace_id, thread.id, thread.channel_id, folded)


def erased(workspace_id: str, conversation_ids: list[str]) -> None:
    """Figures of deleted conversations stay, and say no more whose they were; their questions go."""
    events = ReportingEvent.objects.of(workspace_id)
    events.filter(conversation_id__in=conversation_ids).update(conversation_id=None)
    questions = UnansweredQuestion.objects.of(workspace_id).filter(conversation_id__in=conversation_ids)
    groups = set(questions.exclude(group_id="").values_list("group_id", flat=True))
    questions.delete()
    for group_id in groups:
        left = UnansweredQuestion.objects.of(workspace_id).filter(group_id=group_id)
        group = QuestionGroup.objects.of(workspace_id).filter(id=group_id)
        first = left.exclude(text="").order_by("-at").first()
        if first is None:
            group.delete()
        else:  # what it is called by may have been said in what was deleted
            group.update(size=left.count(), question=first.text, nearness=0.0)


WATCHER = Watcher(told=told, erased=erased)


def set_rates(actor: Actor, **given: Any) -> Rates:
    """Set what is given of what conversations cost. Raises BadInput, NotAllowed."""
    actor.require_role(Role.ADMIN)
    rates = Rates(**{**asdict(rates_of(actor.workspace_id)), **given})
    if not (len(rates.currency) == 3 and rates.currency.isascii() and rates.currency.isupper()):
        raise BadInput(f"A currency is three capital letters such as CNY, not {rates.currency!r}.", field="currency")
    for name, value in asdict(rates).items():
        if name != "currency" and not 0 <= value <= _MOST:
            raise BadInput(f"{name} lies between 0 and {_MOST:,.0f}, not {value!r}.", field=name)
    with transaction.atomic():
        row = _settings(actor.workspace_id)
        before, row.rates = row.rates, asdict(rates)
        row.save(update_fields=["rates"])
        audit(actor, "insights.rates_set", actor.workspace_id, before=before, after=row.rates)
    return rates


def set_weekly(actor: Actor, *, members: list[str], weekday: int, hour: int, time_zone: str) -> Weekly:
    """Who gets the weekly report, and when: weekday 0 is Monday; nobody in `members` switches it off.

    Raises BadInput, NotAllowed.
    """
    actor.require_role(Role.SUPERVISOR)
    checked_zone(time_zone)
    if not (0 <= weekday <= 6 and 0 <= hour <= 23):
        raise BadInput("A weekday is 0 (Monday) to 6, an hour 0 to 23.", field="weekday")
    weekly = Weekly(tuple(dict.fromkeys(members)), weekday, hour, time_zone)
    with transaction.atomic():
        row = _settings(actor.workspace_id)
        before = row.weekly
        row.weekly, row.due_at = asdict(weekly), next_report(weekly, now()) if members else None
        row.save(update_fields=["weekly", "due_at"])
        audit(actor, "insights.weekly_set", actor.workspace_id, before=before, after=row.weekly)
    return weekly_of(actor.workspace_id)


def next_report(weekly: Weekly, after: datetime) -> datetime:
    """When the next weekly report goes out, later than `after`, by the clock of its time zone."""
    zone = ZoneInfo(weekly.time_zone)
    local = after.astimezone(zone)
    day = local.date() + timedelta(days=(weekly.weekday - local.weekday()) % 7)
    due = datetime(day.year, day.month, day.day, weekly.hour, tzinfo=zone)
    return due if due > after else due + _WEEK  # the same hour of the clock, whatever it did meanwhile


def draft_faq(actor: Actor, *, group_id: str, answer: str, question: str = "") -> SourceInfo:
    """Answer a group of questions by a FAQ entry, which is read at once.

    `question` is the group's own where it is empty; up to five of its other questions become other words for it.
    Raises BadInput, Conflict, NotFound, NotAllowed.
    """
    with transaction.atomic():
        row = _group(actor, group_id)
        if row.state == "drafted":
            raise Conflict("These questions have an entry already.", group=group_id, source=row.source_id)
        asked = UnansweredQuestion.objects.of(actor.workspace_id).filter(group_id=group_id).order_by("-at")
        words = list(dict.fromkeys([row.question, *asked.values_list("text", flat=True)[:50]]))
        chosen = question.strip() or row.question
        # Personal data are masked in what was asked; an entry must not teach placeholders.
        others = tuple(each for each in words if each and each != chosen and "<" not in each)[:5]
        source = add_faq(actor, question=chosen, answer=answer, more_questions=others)
        row.state, row.source_id = "drafted", source.id
        row.save(update_fields=["state", "source_id"])
        audit(actor, "insights.faq_drafted", row.id, after={"source": source.id})
        announce(actor.workspace_id, "insights.questions_changed", row.id)
    return source


def set_aside(actor: Actor, *, group_id: str, aside: bool = True) -> None:
    """Show a group of questions no more, or again. Raises NotFound, NotAllowed."""
    actor.require_role(Role.SUPERVISOR)
    with transaction.atomic():
        row = _group(actor, group_id)
        row.state = "dismissed" if aside else "open"
        row.save(update_fields=["state"])
        audit(actor, "insights.questions_set_aside" if aside else "insights.questions_reopened", row.id)
        announce(actor.workspace_id, "insights.questions_changed", row.id)


def _group(actor: Actor, group_id: str) -> QuestionGroup:
    row = QuestionGroup.objects.of(actor.workspace_id).select_for_update().filter(id=group_id).first()
    if row is None:
        raise NotFound("There is no such group of questions.", group=group_id)
    return row


def _settings(workspace_id: str) -> ReportSettings:
    row, _ = ReportSettings.objects.of(workspace_id).select_for_update().get_or_create(workspace_id=workspace_id)
    return row
