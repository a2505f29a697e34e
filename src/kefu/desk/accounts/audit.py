"""The audit trail as people look through it: by member, kind and date, on a page or as a table."""

import json
from collections.abc import Iterator
from datetime import datetime

from kefu.desk.accounts.models import AuditEntry, Member
from kefu.desk.accounts.queries import AuditInfo
from kefu.desk.actor import Actor, Role
from kefu.desk.csv_lines import csv_line

_AT_ONCE = 500


def trail(
    actor: Actor,
    *,
    limit: int = 100,
    before: int | None = None,
    member: str = "",
    kind: str = "",
    since: datetime | None = None,
    until: datetime | None = None,
) -> list[AuditInfo]:
    """Newest first; `before` is an entry's id, for paging.

    `member` is a member's id, or key, system or visitor; `kind` an action such as `key.created`, or its first word.
    Raises NotAllowed.
    """
    actor.require_role(Role.ADMIN)
    rows = AuditEntry.objects.of(actor.workspace_id).order_by("-id")
    if before is not None:
        rows = rows.filter(id__lt=before)
    if member in {"key", "system", "visitor"}:
        rows = rows.filter(actor_kind=member)
    elif member:
        rows = rows.filter(actor_id=member)
    if kind:
        rows = rows.filter(action=kind) if "." in kind else rows.filter(action__startswith=f"{kind}.")
    if since is not None:
        rows = rows.filter(created_at__gte=since)
    if until is not None:
        rows = rows.filter(created_at__lt=until)
    return _named(actor, list(rows[:limit]))


def kinds(actor: Actor) -> list[str]:
    """Every action that was ever written down, by name. Raises NotAllowed."""
    actor.require_role(Role.ADMIN)
    rows = AuditEntry.objects.of(actor.workspace_id)
    return list(rows.order_by("action").values_list("action", flat=True).distinct())


def as_csv(
    actor: Actor, *, member: str = "", kind: str = "", since: datetime | None = None, until: datetime | None = None
) -> Iterator[str]:
    """The same, all of it, as lines of CSV. Raises NotAllowed."""
    actor.require_role(Role.ADMIN)
    return _lines(actor, member, kind, since, until)


def _lines(actor: Actor, member: str, kind: str, since: datetime | None, until: datetime | None) -> Iterator[str]:
    yield csv_line(["id", "at", "who", "who_kind", "who_id", "what", "row", "before", "after"])
    last: int | None = None
    while True:
        some = trail(actor, limit=_AT_ONCE, before=last, member=member, kind=kind, since=since, until=until)
        for entry in some:
            held = [
                json.dumps(value, ensure_ascii=False) if value is not None else ""
                for value in (entry.before, entry.after)
            ]
            who = [entry.actor_name, entry.actor_kind, entry.actor_id]
            yield csv_line([entry.id, entry.at.isoformat(), *who, entry.action, entry.row_id, *held])
        if len(some) < _AT_ONCE:
            return
        last = some[-1].id


def _named(actor: Actor, entries: list[AuditEntry]) -> list[AuditInfo]:
    people = Member.objects.of(actor.workspace_id).filter(id__in={row.actor_id for row in entries})
    names = {row.id: row.user.name or row.user.email for row in people.select_related("user")}
    return [
        AuditInfo(
            row.id,
            row.created_at,
            row.actor_kind,
            row.actor_id,
            names.get(row.actor_id, ""),
            row.action,
            row.row_id,
            row.before,
            row.after,
        )
        for row in entries
    ]
