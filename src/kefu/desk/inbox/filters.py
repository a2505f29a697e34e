"""What narrows the list of conversations, as SQL over the conversation `thread`; lists, counts and search share it.

The index `conversation_list` holds all of these columns by last activity. However they are combined, at most that index
is walked, newest first, and no row is read that is not shown.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from kefu.desk.actor import Actor
from kefu.desk.rows import now
from kefu.desk.statements import execute, marks
from kefu.kit.errors import BadInput

_LONGEST = 1_000  # characters of one choice: as many labels as a conversation has
STATUSES = ("bot", "waiting", "open", "resolved")
_AMONG_MEMBERS = ("waiting", "open")
# The statuses that pass: their conversations are few at any time, and the index by status finds them at once.
_FEW = frozenset({"bot", "waiting", "open"})
_HOLDS = {"sqlite": "instr(thread.labels, %s) > 0", "postgresql": "strpos(thread.labels, %s) > 0"}
_UNREAD = """EXISTS (
    SELECT 1 FROM inbox_message AS said WHERE said.conversation_id = thread.id AND said.author = 'contact'
    AND said.sequence > COALESCE((SELECT MAX(mark.sequence) FROM inbox_readmark AS mark
        WHERE mark.conversation_id = thread.id AND mark.member_id = %s), 0))"""
_MENTIONED = "thread.id IN (SELECT conversation_id FROM inbox_mention WHERE member_id = %s)"
_BEFORE = "thread.last_activity_at <= %s AND (thread.last_activity_at < %s OR thread.id < %s)"

Place = tuple[datetime, str]  # last activity and id of the last conversation of a page


@dataclass(frozen=True)
class Filter:
    """Which conversations are wanted; what is left empty narrows nothing.

    `assignee` is a member's id, or "none". `labels` must all be there. `since` and `until` are of the last activity,
    the second excluded. `unread`: among those with members, with something that the reader has not read. `mentioned`:
    a note names the reader. `snoozed` None: whether or not. `priority` is the least. `sla` soon: what was promised is
    late, or soon will be.
    """

    status: tuple[str, ...] = ()
    assignee: str = ""
    channel_id: str = ""
    labels: tuple[str, ...] = ()
    language: str = ""
    intent: str = ""
    since: datetime | None = None
    until: datetime | None = None
    unread: bool = False
    mentioned: bool = False
    snoozed: bool | None = None
    team: str = ""
    priority: int = 0
    sla: str = ""


@dataclass(frozen=True)
class Chosen:
    """A filter for one reader: the table as a statement names it, a condition, and its parameters in order."""

    table: str
    where: str
    values: tuple[Any, ...]


def chosen(actor: Actor, wanted: Filter, before: Place | None = None) -> Chosen:
    """The SQL of a filter as this actor means it."""
    parts: list[tuple[str, list[Any]]] = [("thread.workspace_id = %s", [actor.workspace_id])]
    status = wanted.status or (_AMONG_MEMBERS if wanted.unread else ())
    if len(status) == 1:
        parts.append(("thread.status = %s", [*status]))
    elif status:
        parts.append((f"thread.status IN ({marks(status)})", [*status]))
    parts += _columns(wanted)
    parts += [(_HOLDS[connection.vendor], [f",{each},"]) for each in wanted.labels]
    if wanted.snoozed is not None and (not status or "open" in status or wanted.snoozed):
        parts.append(("thread.is_snoozed = %s", [wanted.snoozed]))
    if wanted.since is not None:
        parts.append(("thread.last_activity_at >= %s", [wanted.since]))
    if wanted.until is not None:
        parts.append(("thread.last_activity_at < %s", [wanted.until]))
    if before is not None:
        # The bound is said apart, since no index can be entered through an alternative.
        parts.append((_BEFORE, [before[0], *before]))
    if wanted.mentioned:
        parts.append((_MENTIONED, [actor.id]))
    if wanted.unread:
        parts.append((_UNREAD, [actor.id]))
    where = " AND ".join(text for text, _ in parts)
    return Chosen(_table(wanted, status), where, tuple(value for _, values in parts for value in values))


def _columns(wanted: Filter) -> list[tuple[str, list[Any]]]:
    equal = {
        "channel_id": wanted.channel_id,
        "language": wanted.language,
        "intent": wanted.intent,
        "team_id": wanted.team,
    }
    found: list[tuple[str, list[Any]]] = [(f"thread.{name} = %s", [value]) for name, value in equal.items() if value]
    if wanted.assignee:
        found.append(("thread.assignee_id = %s", ["" if wanted.assignee == "none" else wanted.assignee]))
    if wanted.priority:
        found.append(("thread.priority >= %s", [wanted.priority]))
    if wanted.sla:
        found.append(("thread.sla_due_at IS NOT NULL AND thread.sla_state IN ('warned', 'breached')", []))
    return found


def _table(wanted: Filter, status: tuple[str, ...]) -> str:
    """The table, with the index that finds a filter's conversations in order; see `indexed`."""
    if wanted.mentioned:
        return "inbox_conversation AS thread"  # a member's mentions are few, and are looked up
    if status and set(status) <= _FEW:
        return indexed("conversation_owner" if wanted.assignee else "conversation_inbox")
    narrow = (wanted.labels, wanted.language, wanted.intent, wanted.team, wanted.priority, wanted.snoozed and status)
    if not any(narrow):
        if len(status) == 1 and not wanted.channel_id:
            return indexed("conversation_owner" if wanted.assignee else "conversation_inbox")
        if wanted.channel_id and not status and not wanted.assignee:
            return indexed("conversation_channel")
    return indexed("conversation_list")


def indexed(index: str) -> str:
    """The table of conversations as `thread`, read by an index where the database must be told.

    SQLite knows neither how rare a combination is nor how few conversations are open: left alone, it reads all rows of
    a status, or walks the whole of the widest index, since that needs no table.
    """
    hint = f" INDEXED BY {index}" if connection.vendor == "sqlite" else ""
    return f"inbox_conversation AS thread{hint}"


def newest(found: Chosen, limit: int) -> list[str]:
    """Ids of the chosen conversations, newest activity first."""
    sql = f"SELECT thread.id FROM {found.table} WHERE {found.where} "  # noqa: S608 - no value is in it
    order = "ORDER BY thread.last_activity_at DESC, thread.id DESC LIMIT %s"
    return [str(row[0]) for row in execute(sql + order, [*found.values, limit])]


def number(found: Chosen, most: int) -> int:
    """How many conversations are chosen, `most` at most: counting stops there."""
    sql = f"SELECT COUNT(*) FROM (SELECT 1 FROM {found.table} WHERE {found.where} LIMIT %s) AS found"  # noqa: S608
    return int(execute(sql, [*found.values, most])[0][0])


def filter_of(actor: Actor, given: Mapping[str, Any]) -> Filter:
    """The filter that a request, a saved view or a command means, by the names of `FIELDS`. Raises BadInput."""
    known = checked(given)
    since = known.get("since")
    if "days" in known:
        since = (now() - timedelta(days=known["days"])).isoformat()
    assignee = known.get("assignee", "")
    return Filter(
        status=tuple(known.get("status", ())),
        assignee=actor.id if assignee == "me" else assignee,
        channel_id=known.get("channel", ""),
        labels=tuple(known.get("label", ())),
        language=known.get("language", ""),
        intent=known.get("intent", ""),
        since=datetime.fromisoformat(since) if since else None,
        until=datetime.fromisoformat(known["until"]) if "until" in known else None,
        unread=known.get("unread", False),
        mentioned=known.get("mentioned", False),
        snoozed=known.get("snoozed"),
        team=known.get("team", ""),
        priority=known.get("priority", 0),
        sla=known.get("sla", ""),
    )


# What a filter is made of, as requests and saved views name it, and of what kind each is.
FIELDS: Mapping[str, type] = {
    "status": list,
    "assignee": str,
    "channel": str,
    "label": list,
    "language": str,
    "intent": str,
    "since": str,
    "until": str,
    "days": int,
    "unread": bool,
    "mentioned": bool,
    "snoozed": bool,
    "team": str,
    "priority": int,
    "sla": str,
}


def checked(given: Mapping[str, Any]) -> dict[str, Any]:
    """What is given of a filter and narrows something, as JSON. Raises BadInput that names the field."""
    found: dict[str, Any] = {}
    for name, asked in given.items():
        if name not in FIELDS:
            raise BadInput(f"Conversations are chosen by {', '.join(FIELDS)}; not by {name!r}.", field=name)
        value = asked.isoformat() if isinstance(asked, datetime) else asked
        if value is None or (value in ("", [], 0, False) and name != "snoozed"):
            continue
        if type(value) is not FIELDS[name] or len(str(value)) > _LONGEST:
            raise BadInput(f"{name} is no {FIELDS[name].__name__}.", field=name)
        if name in {"since", "until"}:
            _check_time(name, str(value))
        found[name] = value
    unknown = [each for each in found.get("status", ()) if each not in STATUSES]
    if unknown or not all(isinstance(each, str) for each in found.get("label", ())):
        raise BadInput(f"A status is {', '.join(STATUSES)}; a label is its id.", field="status" if unknown else "label")
    return found


def _check_time(name: str, value: str) -> None:
    try:
        is_whole = datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        is_whole = False
    if not is_whole:
        raise BadInput(f"{name} is a time with its zone, such as 2026-11-22T09:00:00+08:00.", field=name)
