"""Contacts in numbers: the list with its search and filters, and tables that other programs read and write."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kefu.desk.accounts.actions import audit
from kefu.desk.actor import Actor, Role, Scope
from kefu.desk.contacts.actions import change_profile, meet
from kefu.desk.contacts.attributes import COMMON, checked, defined
from kefu.desk.contacts.care import CONSENTS, agree, consents, speak
from kefu.desk.contacts.models import Contact, Identity
from kefu.desk.contacts.queries import keyed_digest, known_as, profile
from kefu.desk.csv_lines import csv_line
from kefu.kit.errors import BadInput, KefuError

# Profiles lie sealed, so a search opens one after the other: so many take about a tenth of a second.
LOOKED_AT = 5_000
_MOST_ROWS = 20_000  # of one imported table; more are several files
MOST_BYTES = 20_000_000


@dataclass(frozen=True)
class ContactRow:
    """One line of the list."""

    id: str
    name: str
    email: str
    phone: str
    language: str
    is_blocked: bool
    refused: int
    created_at: datetime
    last_seen_at: datetime


@dataclass(frozen=True)
class ContactPage:
    """`is_whole`: all contacts were looked at, not the latest `LOOKED_AT` alone. `next` goes on, None at the end."""

    contacts: list[ContactRow]
    next: str | None
    is_whole: bool


@dataclass(frozen=True)
class Imported:
    """What became of a table: how many contacts are new and changed; what is wrong, by line."""

    made: int
    changed: int
    problems: list[tuple[int, str]]


def contacts(
    actor: Actor, *, search: str = "", blocked: bool | None = None, limit: int = 50, after: str = ""
) -> ContactPage:
    """The latest seen first; `search` is part of a name, address or attribute, or a channel's whole id for them.

    Raises NotAllowed.
    """
    actor.require(scope=Scope.CONVERSATIONS, role=Role.AGENT)
    limit = max(1, min(limit, 200))
    rows = _rows(actor)
    if blocked is not None:
        rows = rows.filter(blocked_at__isnull=not blocked)
    wanted = search.strip().lower()
    if not wanted:
        found = list(_past(rows, after)[: limit + 1])
        return _page(found, limit, is_whole=True)
    known = Identity.objects.of(actor.workspace_id).filter(digest=keyed_digest(actor.workspace_id, search.strip()))
    exact = list(rows.filter(id__in=list(known.values_list("contact_id", flat=True))))
    looked_at = 0
    found = [] if after else exact
    for row in _past(rows.filter(sealed_profile__isnull=False), after)[:LOOKED_AT]:
        looked_at += 1
        if row not in exact and wanted in " ".join(str(value) for value in profile(row).values()).lower():
            found.append(row)
            if len(found) > limit:
                break
    return _page(found, limit, is_whole=looked_at < LOOKED_AT)


def exported(actor: Actor) -> Iterator[str]:
    """All contacts as lines of CSV; that they were taken out is kept. Raises NotAllowed."""
    actor.require_role(Role.ADMIN)
    audit(actor, "contacts.exported", actor.workspace_id)
    return _lines(actor)


def import_table(actor: Actor, *, data: bytes, channel_id: str, source: str) -> Imported:
    """Contacts of a CSV table whose column `id` is the company's own name for each; empty cells change nothing.

    Columns: id, name, email, phone, language, attributes by key, and consent_marketing and consent_training (yes or
    no). A line that cannot be used is told and left out; the others are kept. Raises BadInput for what is no such
    table, NotAllowed.
    """
    actor.require_role(Role.ADMIN)
    made, changed, problems = 0, 0, []
    table = _table(data)
    for number, line in enumerate(table, start=2):
        if number > _MOST_ROWS + 1:
            problems.append((number, f"A table has at most {_MOST_ROWS:,} lines; the rest is left out."))
            break
        try:
            if _import(actor, line, channel_id, source):
                made += 1
            else:
                changed += 1
        except KefuError as error:
            problems.append((number, error.sentence))
    audit(
        actor,
        "contacts.imported",
        actor.workspace_id,
        after={"made": made, "changed": changed, "left_out": len(problems)},
    )
    return Imported(made, changed, problems)


def _import(actor: Actor, line: dict[str, str], channel_id: str, source: str) -> bool:
    external_id = line.pop("id", "").strip()
    if not external_id:
        raise BadInput("The line has no id.", field="id")
    consent = {kind: line.pop(f"consent_{kind}", "").strip().lower() for kind in CONSENTS}
    language = line.pop("language", "").strip()
    values = checked(actor.workspace_id, {name: value.strip() for name, value in line.items() if value.strip()})
    is_new = known_as(actor.workspace_id, channel_id, external_id) is None
    contact_id = meet(actor, channel_id=channel_id, external_id=external_id)
    change_profile(actor, contact_id=contact_id, changes=values)
    if language:
        speak(actor, contact_id=contact_id, language=language)
    for kind, said in consent.items():
        if said in {"yes", "no", "true", "false"}:
            agree(actor, contact_id=contact_id, kind=kind, is_given=said in {"yes", "true"}, source=source)
    return is_new


def _table(data: bytes) -> Iterator[dict[str, str]]:
    if len(data) > MOST_BYTES:
        raise BadInput(f"A table has at most {MOST_BYTES:,} bytes.", field="file")
    try:
        reader = csv.DictReader(io.StringIO(data.decode("utf-8-sig")), strict=True)
        names = [name.strip().lower() for name in reader.fieldnames or []]
    except (UnicodeDecodeError, csv.Error):
        raise BadInput("This is no CSV table in UTF-8.", field="file") from None
    if "id" not in names or len(names) != len(set(names)):
        raise BadInput("The table needs a column called id, and each column once.", field="file")
    reader.fieldnames = names
    return _read(reader)


def _read(reader: "csv.DictReader[str]") -> Iterator[dict[str, str]]:
    try:
        for line in reader:
            yield {name: value or "" for name, value in line.items() if name}
    except csv.Error as error:
        raise BadInput(f"The table breaks off after line {reader.line_num}: {error}.", field="file") from None


def _lines(actor: Actor) -> Iterator[str]:
    keys = [each.key for each in defined(actor.workspace_id) if each.key not in COMMON]
    consented = [f"consent_{kind}" for kind in CONSENTS]
    yield csv_line(["contact", *COMMON, "language", "blocked", *keys, *consented, "created_at", "last_seen_at"])
    for row in _rows(actor).iterator(chunk_size=500):
        known = profile(row)
        agreed = {each.kind: "yes" if each.is_given else "no" for each in consents(actor, contact_id=row.id)}
        yield csv_line(
            [
                row.id,
                *(known.get(name, "") for name in COMMON),
                row.language,
                "yes" if row.blocked_at else "no",
                *(known.get(key, "") for key in keys),
                *(agreed.get(kind, "") for kind in CONSENTS),
                row.created_at.isoformat(),
                row.last_seen_at.isoformat(),
            ]
        )


def _rows(actor: Actor) -> Any:
    mine = Contact.objects.of(actor.workspace_id).filter(erased_at__isnull=True, merged_into="")
    return mine.order_by("-last_seen_at", "-id")


def _past(rows: Any, after: str) -> Any:
    """Rows after the one that the page before ended with."""
    seen, _, row_id = after.partition(" ")
    if not row_id:
        return rows
    try:
        at = datetime.fromisoformat(seen)
    except ValueError:
        raise BadInput("`after` is what the page before gave as `next`.", field="after") from None
    return rows.filter(last_seen_at__lte=at).exclude(last_seen_at=at, id__gte=row_id)


def _page(found: list[Contact], limit: int, *, is_whole: bool) -> ContactPage:
    shown = found[:limit]
    last = shown[-1] if len(found) > limit else None
    return ContactPage(
        [_row(row) for row in shown], f"{last.last_seen_at.isoformat()} {last.id}" if last else None, is_whole
    )


def _row(row: Contact) -> ContactRow:
    known = profile(row)
    return ContactRow(
        id=row.id,
        name=str(known.get("name", "")),
        email=str(known.get("email", "")),
        phone=str(known.get("phone", "")),
        language=row.language,
        is_blocked=row.blocked_at is not None,
        refused=row.refused,
        created_at=row.created_at,
        last_seen_at=row.last_seen_at,
    )
