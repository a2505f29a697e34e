"""Rolling up what was measured, and counting it all again from the rows of the inbox to prove it.

A figure goes into the roll-ups in the transaction that marks it as rolled, and out of them in the one that deletes it:
kill the process at any line, and roll-ups hold exactly the figures that are marked.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from django.db import connection, transaction
from django.db.models import Max, Min

from kefu.desk.accounts.hours import moment
from kefu.desk.accounts.queries import forget_hours, hours_book
from kefu.desk.inbox.actions import set_clocks
from kefu.desk.inbox.timelines import Timeline, clocks, timeline_ids, timelines
from kefu.desk.insights.fold import ASSISTANT, PERSON, Fold, whole
from kefu.desk.insights.measure import TIMES, bucket
from kefu.desk.insights.models import ReportingEvent, RollUp, UnansweredQuestion
from kefu.desk.rows import now
from kefu.desk.statements import execute, marks

_CHUNK = 500  # conversations that are counted again in one transaction: a tenth of a second
AT_ONCE = 500  # figures of some forty answers: the writers of SQLite wait for so many
_DAY = timedelta(days=1)
_LOCK = 0x6B656675  # one roller at a time on PostgreSQL: "kefu"
_DIMENSIONS = (
    ("member", "member_id"),
    ("team", "team_id"),
    ("label", "labels"),
    ("intent", "intent"),
    ("language", "language"),
    ("who", "who"),
    ("detail", "detail"),
)
_WHO = [name for name, _ in _DIMENSIONS].index("who")
_BUCKETS_OF = {ASSISTANT: "bucket_assistant", PERSON: "bucket_person"}
_READ = ("metric", "at", "count", "value", "business", "channel_id", *(column for _, column in _DIMENSIONS))
_LABELS = _READ.index("labels")
_KEY = ("metric", "grain", "dimension", "channel_id", "start", "value")
_COLUMNS = (
    *("workspace_id", "created_at", "conversation_id", "number", "metric", "at", "value", "business", "count"),
    *("channel_id", "member_id", "team_id", "labels", "intent", "language", "who", "detail", "rolled"),
)
_UPSERT = f"""
    INSERT INTO insights_rollup (workspace_id, created_at, {", ".join(_KEY)}, count, total, business)
    VALUES ({", ".join(["%s"] * 11)})
    ON CONFLICT (workspace_id, metric, grain, dimension, channel_id, start, value) DO UPDATE SET
        count = insights_rollup.count + excluded.count, total = insights_rollup.total + excluded.total,
        business = insights_rollup.business + excluded.business
"""  # noqa: S608 - no value is in it

Key = tuple[str, str, str, str, datetime, str]
Cells = dict[Key, list[int]]


@dataclass(frozen=True)
class Recount:
    """What counting again found: figures and roll-ups that are there, and that were not as they should be."""

    conversations: int
    figures: int
    wrong_conversations: int
    roll_ups: int
    wrong_roll_ups: int

    @property
    def is_equal(self) -> bool:
        return not self.wrong_conversations and not self.wrong_roll_ups


def store(workspace_id: str, conversation_id: str, channel_id: str, folded: Fold) -> None:
    """Store what a fold has measured, in the caller's transaction, to be rolled up soon."""
    at = _as_stored(now())
    rows = list(_rows(workspace_id, conversation_id, channel_id, at, folded, written=_moment_as_stored))
    for start in range(0, len(rows), 40):  # SQLite of old takes 999 parameters
        some = rows[start : start + 40]
        values = ", ".join([f"({marks(_COLUMNS)})"] * len(some))
        sql = f"INSERT INTO insights_reportingevent ({', '.join(_COLUMNS)}) VALUES {values}"  # noqa: S608
        execute(sql, [value for row in some for value in row])
    for number, sequence in folded.questions.items():
        figure = next(each for each in folded.measured if each.number == number)
        UnansweredQuestion.objects.bulk_create(
            [
                UnansweredQuestion(
                    workspace_id=workspace_id,
                    conversation_id=conversation_id,
                    number=number,
                    sequence=sequence,
                    at=moment(figure.at),
                    channel_id=channel_id,
                    language=figure.language,
                )
            ],
            ignore_conflicts=True,  # a recount finds questions that are known
        )


def roll_up(*, limit: int | None = None) -> int:
    """Put the oldest figures that are not in the roll-ups there; gives how many. Safe to run twice, or in two places.

    Up to `limit` of them, else up to `AT_ONCE`.
    Late figures go into the hour that they belong to.
    """
    everything = ReportingEvent.objects.across_workspaces("dispatch works for all")
    if not everything.filter(rolled=False).exists():  # most of the time: no write lock for nothing
        return 0
    with transaction.atomic():
        _alone()
        rows = list(
            everything.filter(rolled=False).order_by("id").values_list("id", "workspace_id", *_READ)[: limit or AT_ONCE]
        )
        by_workspace: dict[str, list[tuple[Any, ...]]] = {}
        for row in rows:
            by_workspace.setdefault(row[1], []).append(row[2:])
        for workspace_id, figures in by_workspace.items():
            _apply(workspace_id, cells_of(figures))
        ids = [row[0] for row in rows]
        for start in range(0, len(ids), 500):  # SQLite of old takes 999 parameters
            some = ids[start : start + 500]
            execute(f"UPDATE insights_reportingevent SET rolled = %s WHERE id IN ({marks(some)})", [True, *some])  # noqa: S608
    return len(rows)


def recount(workspace_id: str, *, repair: bool = True, progress: Callable[[int, int], None] | None = None) -> Recount:
    """Count everything again from messages, turns and happenings, and compare; with `repair`, put right what differs.

    Conversations are locked a few at a time; people go on working. Figures of conversations that were erased stay.
    """
    forget_hours(workspace_id)
    ids = timeline_ids(workspace_id)
    figures = wrong = 0
    for start in range(0, len(ids), _CHUNK):
        with transaction.atomic():
            stored = clocks(workspace_id, ids[start : start + _CHUNK], lock=repair)
            counted = list(_counted(workspace_id, timelines(workspace_id, list(stored))))
            figures += sum(len(folded.measured) for _, folded in counted)
            wrong += _put_right(workspace_id, counted, repair=repair)
            made = {timeline.conversation_id: folded.clock.written() for timeline, folded in counted}
            if repair:
                set_clocks(workspace_id, {each: clock for each, clock in made.items() if clock != stored[each]})
        if progress is not None:
            progress(min(start + _CHUNK, len(ids)), len(ids))
    roll_ups, wrong_roll_ups = _prove_roll_ups(workspace_id, repair=repair)
    return Recount(len(ids), figures, wrong, roll_ups, wrong_roll_ups)


def cells_of(figures: Iterable[tuple[Any, ...]]) -> Cells:
    """Roll-ups of figures, each given as the columns of `_READ`."""
    joint: dict[tuple[Any, ...], list[int]] = {}
    for metric, at, count, value, business, *dimensions in figures:
        hour = at.replace(minute=0, second=0, microsecond=0)
        key = (metric, hour, str(bucket(value * count)) if metric in TIMES else "", *dimensions)
        _add(joint, key, (count, value, business))
    cells: Cells = {}
    for (metric, hour, length, channel_id, *values), added in joint.items():
        day, who = hour.replace(hour=0), values[_WHO]
        places = [("h", "", hour, ""), ("h", "who", hour, who), ("d", "", day, "")]
        places += [("d", name, day, value) for (name, _), value in zip(_DIMENSIONS, values, strict=True) if value]
        for channel in ("", channel_id):
            for grain, dimension, start, value in places:
                _add(cells, (metric, grain, dimension, channel, start, value), added)
        if length:
            for dimension in ("bucket", _BUCKETS_OF.get(who, "")):
                for channel in ("", channel_id) if dimension else ():
                    _add(cells, (metric, "d", dimension, channel, day, length), added)
    return {key: cell for key, cell in cells.items() if any(cell)}  # what was taken back at once leaves nothing


def _add(cells: dict[Any, list[int]], key: Any, added: Sequence[int]) -> None:
    cell = cells.setdefault(key, [0, 0, 0])
    cell[0] += added[0]
    cell[1] += added[1]
    cell[2] += added[2]


def relabel(workspace_id: str, conversation_id: str, labels: str) -> None:
    """Put what was measured of a conversation under other labels, in the caller's transaction."""
    _alone()  # or else figures might be rolled up under the old ones just now
    events = ReportingEvent.objects.of(workspace_id).filter(conversation_id=conversation_id)
    rows = list(events.filter(rolled=True).values_list(*_READ))
    was, cells = cells_of(rows), cells_of((*row[:_LABELS], labels, *row[_LABELS + 1 :]) for row in rows)
    for key, cell in was.items():
        _add(cells, key, [-each for each in cell])
    _apply(workspace_id, {key: cell for key, cell in cells.items() if any(cell)})
    events.update(labels=labels)


def take_out(workspace_id: str, events: Any) -> None:
    """Take figures out of the roll-ups, as far as they stand there, and delete them; in the caller's transaction."""
    cells = cells_of(events.filter(rolled=True).values_list(*_READ))
    _apply(workspace_id, {key: [-each for each in cell] for key, cell in cells.items()})
    events.delete()


def _rows(
    workspace_id: str,
    conversation_id: str,
    channel_id: str,
    at: Any,
    folded: Fold,
    *,
    written: Callable[[int], Any] = moment,
) -> Iterator[tuple[Any, ...]]:
    """Figures by `_COLUMNS`; `at` is when they are stored, `written` makes what stands for a moment."""
    for figure in folded.measured:
        yield (
            *(workspace_id, at, conversation_id, figure.number, figure.metric, written(figure.at), figure.value),
            *(figure.business, figure.count, channel_id, figure.member, figure.team, folded.clock.labels),
            *(figure.intent, figure.language, figure.who, figure.detail, False),
        )


def _apply(workspace_id: str, cells: Cells) -> None:
    at, starts = _as_stored(now()), {key[4] for key in cells}
    stored = {start: _as_stored(start) for start in starts}
    # In one order, so that two who add to the same roll-ups wait for each other and never for both.
    rows = [(workspace_id, at, *key[:4], stored[key[4]], key[5], *cell) for key, cell in sorted(cells.items())]
    if rows:
        with connection.cursor() as cursor:
            cursor.executemany(_UPSERT, rows)


def _as_stored(at: datetime) -> Any:
    """A moment of UTC as the database takes it. Django's own way asks ten questions of each."""
    if connection.vendor == "sqlite" and at.tzinfo is UTC:
        return str(at.replace(tzinfo=None))
    return connection.ops.adapt_datetimefield_value(at)


@lru_cache(maxsize=256)  # figures of one event share their moment, and an answer's those of what was asked
def _moment_as_stored(at: int) -> Any:
    return _as_stored(moment(at))


def _alone() -> None:
    """Until the transaction ends nobody else rolls up. SQLite has one writer anyway."""
    if connection.vendor == "postgresql":
        execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])


def _counted(workspace_id: str, found: Iterator[Timeline]) -> Iterator[tuple[Timeline, Fold]]:
    book = hours_book(workspace_id)
    for timeline in found:
        yield timeline, whole(timeline.events, book)


_FIGURE = tuple(column for column in _COLUMNS if column not in {"workspace_id", "created_at", "rolled"})


def _put_right(workspace_id: str, counted: list[tuple[Timeline, Fold]], *, repair: bool) -> int:
    """How many conversations' figures differ from what was counted; with `repair` they do not any more."""
    ids = [timeline.conversation_id for timeline, _ in counted]
    stored: dict[str, list[tuple[Any, ...]]] = {each: [] for each in ids}
    known = ReportingEvent.objects.of(workspace_id).filter(conversation_id__in=ids)
    for row in known.order_by("conversation_id", "number").values_list(*_FIGURE):
        stored[row[0]].append(row)
    wrong, at = 0, now()
    for timeline, folded in counted:
        conversation_id, channel_id = timeline.conversation_id, timeline.channel_id
        rows = _rows(workspace_id, conversation_id, channel_id, at, folded)
        if [row[2:-1] for row in rows] == stored[conversation_id]:
            continue
        wrong += 1
        if repair:
            if stored[conversation_id]:
                take_out(workspace_id, ReportingEvent.objects.of(workspace_id).filter(conversation_id=conversation_id))
            store(workspace_id, conversation_id, channel_id, folded)
    return wrong


def _prove_roll_ups(workspace_id: str, *, repair: bool) -> tuple[int, int]:
    """How many roll-ups there should be, and how many differ, a day of UTC at a time.

    Days, since figures lie in their order: each page of a long table is written once, and others wait for a moment.
    """
    mine = ReportingEvent.objects.of(workspace_id)
    names = list(mine.values_list("metric", flat=True).distinct())  # so that the index by metric and time is used
    number = wrong = 0
    for day in _days(workspace_id):
        with transaction.atomic():
            _alone()
            figures = mine.filter(metric__in=names, at__gte=day, at__lt=day + _DAY)
            # What waits to be rolled up is put in here, too, rather than piece by piece.
            counted = figures if repair else figures.filter(rolled=True)
            right = {key: tuple(cell) for key, cell in cells_of(counted.values_list(*_READ).iterator()).items()}
            rows = RollUp.objects.of(workspace_id).filter(start__gte=day, start__lt=day + _DAY)
            there = {row[:6]: row[6:] for row in rows.values_list(*_KEY, "count", "total", "business").iterator()}
            # What was taken out again has left a zero.
            differ = sum(right.get(key, (0, 0, 0)) != there.get(key, (0, 0, 0)) for key in right.keys() | there.keys())
            number, wrong = number + len(right), wrong + differ
            if differ and repair:
                rows.delete()
                _apply(workspace_id, {key: list(cell) for key, cell in right.items()})
            if repair:
                figures.filter(rolled=False).update(rolled=True)
    return number, wrong


def _days(workspace_id: str) -> Iterator[datetime]:
    """Each day of UTC from the first figure or roll-up to the last."""
    at = ReportingEvent.objects.of(workspace_id).aggregate(first=Min("at"), last=Max("at"))
    start = RollUp.objects.of(workspace_id).aggregate(first=Min("start"), last=Max("start"))
    ends = [each for each in (*at.values(), *start.values()) if each is not None]
    day = min(ends).replace(hour=0, minute=0, second=0, microsecond=0) if ends else None
    while day is not None and day <= max(ends):
        yield day
        day += _DAY
