"""What happened in conversations, read again from the rows in the order in which watchers were told of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Min, Q

from kefu.desk.inbox.actions.happenings import Happened, message_happened, turn_facts
from kefu.desk.inbox.models import Conversation, Happening, Message, Turn
from kefu.desk.rows import now

# Told of a workspace as well, SQLite reads all rows of the workspace for a few hundred conversations.
_WHY = "the conversations are one workspace's"

_Place = tuple[int, int, int]  # a message before what happened after it, that in the order of its ids


@dataclass(frozen=True)
class Timeline:
    """All that happened in one conversation, in order, beginning with `began`."""

    conversation_id: str
    channel_id: str
    events: tuple[Happened, ...]


@dataclass(frozen=True)
class Standing:
    """Conversations by status and turns by state, now; `waiting_since` is when the one who waits longest began to."""

    conversations: dict[str, int]
    unassigned: int
    waiting_since: datetime | None
    turns: dict[str, int]

    @property
    def waits(self) -> float:
        """Seconds of the longest wait; 0 when nobody waits."""
        return (now() - self.waiting_since).total_seconds() if self.waiting_since is not None else 0.0


def standing(workspace_id: str) -> Standing:
    """What is under way. Resolved conversations are not counted: there are as many as there ever were."""
    return _standing(Conversation.objects.of(workspace_id), Turn.objects.of(workspace_id))


def standing_everywhere() -> Standing:
    """What is under way in all workspaces."""
    why = "one figure for the installation"
    return _standing(Conversation.objects.across_workspaces(why), Turn.objects.across_workspaces(why))


def _standing(threads: Any, turns_of: Any) -> Standing:
    rows = threads.filter(status__in=("bot", "waiting", "open"))
    numbers = dict(rows.values_list("status").annotate(Count("id")).order_by())
    nobodys = rows.filter(status__in=("waiting", "open"), assignee_id="")
    undone = turns_of.filter(~Q(state="done"))
    turns = dict(undone.values_list("state").annotate(Count("id")).order_by())
    return Standing(
        {status: numbers.get(status, 0) for status in ("bot", "waiting", "open")},
        nobodys.count(),
        rows.filter(status="waiting").aggregate(since=Min("waiting_since"))["since"],
        {state: turns.get(state, 0) for state in ("pending", "claimed")},
    )


def questions(workspace_id: str, places: list[tuple[str, int]]) -> dict[tuple[str, int], str]:
    """What was asked, masked: by conversation and last message, all messages that the same turn dealt with."""
    threads = {thread for thread, _ in places}
    mine = Conversation.objects.of(workspace_id).filter(id__in=threads).values_list("id", flat=True)
    rows = Message.objects.across_workspaces(_WHY).filter(conversation_id__in=list(mine), author="contact")
    by_turn: dict[str, list[str]] = {}
    ends: dict[tuple[str, int], str] = {}
    for thread, sequence, turn, text in rows.order_by("sequence").values_list(
        "conversation_id", "sequence", "turn_id", "text"
    ):
        by_turn.setdefault(turn or f"{thread} {sequence}", []).append(text)
        ends[thread, sequence] = turn or f"{thread} {sequence}"
    return {place: "\n".join(filter(None, by_turn[ends[place]])) for place in places if place in ends}


def timeline_ids(workspace_id: str) -> list[str]:
    """The ids of all conversations of a workspace, in order."""
    return list(Conversation.objects.of(workspace_id).order_by("id").values_list("id", flat=True))


def timelines(workspace_id: str, ids: list[str]) -> Iterator[Timeline]:
    """The timelines of conversations, in the order of their ids; those that are gone are left out."""
    rows = Conversation.objects.of(workspace_id).filter(id__in=ids).order_by("id")
    yield from _of(list(rows.values_list("id", "channel_id", "created_at")))


def clocks(workspace_id: str, ids: list[str], *, lock: bool) -> dict[str, dict[str, Any] | None]:
    """Where the figures of conversations stand, by id; with `lock`, held until the caller's transaction ends."""
    rows = Conversation.objects.of(workspace_id).filter(id__in=ids).order_by("id")
    return dict((rows.select_for_update() if lock else rows).values_list("id", "clock"))


def _of(rows: list[tuple[str, str, datetime]]) -> Iterator[Timeline]:
    ids = [row[0] for row in rows]
    placed: dict[str, list[tuple[_Place, Happened]]] = {each: [] for each in ids}
    turns = _turns(ids)
    said = Message.objects.across_workspaces(_WHY).filter(conversation_id__in=ids, is_internal=False)
    said = said.exclude(author="system")
    for thread_id, at, sequence, author, author_id, turn_id, answer in said.values_list(
        "conversation_id", "created_at", "sequence", "author", "author_id", "turn_id", "answer"
    ):
        if author == "contact" and answer:  # it was taken for something else than a message, such as a rating
            continue
        turn = None
        if author == "assistant" and turn_id in turns:
            turn = turn_facts(**turns[turn_id], language=(answer or {}).get("language", ""))
        event = message_happened(at=at, sequence=sequence, author=author, author_id=author_id, turn=turn)
        placed[thread_id].append(((sequence, 0, 0), event))
    happened = Happening.objects.across_workspaces(_WHY).filter(conversation_id__in=ids)
    for thread_id, number, sequence, kind, at, by, detail in happened.values_list(
        "conversation_id", "id", "sequence", "kind", "created_at", "by", "detail"
    ):
        placed[thread_id].append(((sequence, 1, number), Happened(kind, at, by, detail)))
    for thread_id, channel_id, created_at in rows:
        ordered = sorted(placed[thread_id], key=lambda each: each[0])
        yield Timeline(thread_id, channel_id, (Happened("began", created_at), *(event for _, event in ordered)))


def _turns(conversation_ids: list[str]) -> dict[str, dict[str, Any]]:
    rows = Turn.objects.across_workspaces(_WHY).filter(conversation_id__in=conversation_ids, outcome="replied")
    found = rows.values_list("id", "created_at", "last_sequence", "decision", "trace")
    names = ("asked_at", "last_sequence", "decision", "trace")
    return {row[0]: dict(zip(names, row[1:], strict=True)) for row in found}
