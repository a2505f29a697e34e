"""Writes of sources: adding, typing, cancelling, removing. Reading them is dispatch's or the command's: `due.py`."""

import hashlib
from datetime import datetime

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction

from kefu.desk.accounts.actions import announce, audit
from kefu.desk.actor import Actor, Role, Scope
from kefu.desk.library.models import Document, Passage, Source, Vector
from kefu.desk.library.queries import SourceInfo, get, source_info
from kefu.desk.rows import now
from kefu.kit.errors import BadInput, Conflict, TooLarge
from kefu.kit.ids import new_id
from kefu.kit.settings import settings

_NAME_LIMIT = 500


def add_file(actor: Actor, *, name: str, data: bytes, kind: str = "file") -> SourceInfo:
    """Keep a file to be read; a source of the same name gets the new bytes.

    Raises TooLarge, BadInput for a bad name, NotAllowed. What is wrong inside the file is found when it is read.
    """
    _may_write(actor)
    _check_name(name)
    limit = settings().upload_megabytes * 2**20
    if len(data) > limit:
        raise TooLarge(f"{name} has {len(data):,} bytes; at most {limit:,} are accepted.", name=name)
    stored = default_storage.save(f"{actor.workspace_id}/{new_id('file')}", ContentFile(data))
    with transaction.atomic():
        row, old_file = _source(actor, name, kind), None
        if row.file:
            old_file = row.file
        row.file = stored
        info = _due(actor, row)
        if old_file:
            transaction.on_commit(lambda: default_storage.delete(old_file))
    return info


def add_url(actor: Actor, *, url: str) -> SourceInfo:
    """Keep an address to be fetched: a page, or a sitemap of many.

    Raises BadInput for what is not an http or https address, NotAllowed.
    """
    _may_write(actor)
    _check_name(url)
    if not url.lower().startswith(("http://", "https://")):
        raise BadInput(f"Only http and https addresses can be added, not {url!r}.", url=url)
    with transaction.atomic():
        row = _source(actor, url, "url")
        row.address = url
        return _due(actor, row)


def add_article(actor: Actor, *, title: str, text: str) -> SourceInfo:
    """Keep an article typed by a member or a program, as Markdown. Raises BadInput for an empty one, NotAllowed."""
    if not title.strip() or not text.strip():
        raise BadInput("An article needs a title and a text.", field="title" if not title.strip() else "text")
    heading = "" if text.lstrip().startswith("# ") else f"# {title.strip()}\n\n"
    return add_file(actor, name=f"{title.strip()[:400]}.md", data=f"{heading}{text}".encode(), kind="article")


def add_faq(actor: Actor, *, question: str, answer: str, more_questions: tuple[str, ...] = ()) -> SourceInfo:
    """Keep one question with its approved answer, as a source of its own. Raises BadInput, NotAllowed."""
    if not question.strip() or not answer.strip():
        raise BadInput(
            "A FAQ entry needs a question and an answer.", field="question" if not question.strip() else "answer"
        )
    import csv
    import io

    sheet = io.StringIO()
    rows = csv.writer(sheet)
    rows.writerow(["question", "answer", "more_questions"])
    rows.writerow([question.strip(), answer.strip(), "\n".join(more_questions)])
    return add_file(actor, name=f"FAQ: {question.strip()[:400]}.csv", data=sheet.getvalue().encode(), kind="faq")


def read_again(actor: Actor, *, source_id: str) -> SourceInfo:
    """Read a source once more: fetch its address anew, or try a failed one again. Raises NotFound, NotAllowed."""
    _may_write(actor)
    with transaction.atomic():
        return _due(actor, get(actor.workspace_id, source_id))


def cancel(actor: Actor, *, source_id: str) -> SourceInfo:
    """Stop reading; documents that are in stay, and reading again goes on from there.

    Raises Conflict when it is not being read, NotFound, NotAllowed.
    """
    _may_write(actor)
    with transaction.atomic():
        row = get(actor.workspace_id, source_id)
        if row.state not in {"pending", "reading"}:
            raise Conflict(f"{row.name} is not being read; it is {row.state}.", source=source_id)
        row.state, row.due_at, row.lease_until, row.updated_at = "cancelled", None, None, now()
        row.save(update_fields=["state", "due_at", "lease_until", "updated_at"])
        announce(actor.workspace_id, "source.updated", row.id)
    return source_info(row, 0)


def remove(actor: Actor, *, source_id: str) -> None:
    """Take a source with all its passages away at once. Raises NotFound, NotAllowed."""
    _may_write(actor)
    with transaction.atomic():
        row = get(actor.workspace_id, source_id)
        mine = Document.objects.of(actor.workspace_id).filter(source_id=row.id)
        drop_documents(actor.workspace_id, list(mine.values_list("id", flat=True)))
        name, file = row.name, row.file
        row.delete()
        announce(actor.workspace_id, "library.changed", source_id)
        audit(actor, "source.removed", source_id, before={"name": name})
        if file:
            transaction.on_commit(lambda: default_storage.delete(file))


def drop_documents(workspace_id: str, document_ids: list[str]) -> None:
    """Delete documents with their passages and vectors, in the caller's transaction."""
    for at in range(0, len(document_ids), 500):
        some = document_ids[at : at + 500]
        Vector.objects.of(workspace_id).filter(passage__document_id__in=some).delete()
        Passage.objects.of(workspace_id).filter(document_id__in=some).delete()
        Document.objects.of(workspace_id).filter(id__in=some).delete()


def digest_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _source(actor: Actor, name: str, kind: str) -> Source:
    row = Source.objects.of(actor.workspace_id).filter(name=name).first()
    if row is None:
        row = Source.objects.create(workspace_id=actor.workspace_id, name=name, kind=kind)
        audit(actor, "source.added", row.id, after={"name": name, "kind": kind})
    row.kind = kind
    return row


def _due(actor: Actor, row: Source, at: datetime | None = None) -> SourceInfo:
    row.state, row.lease_until = "pending", None
    row.due_at = row.updated_at = at or now()
    row.save()
    announce(actor.workspace_id, "source.updated", row.id)
    return source_info(row, Document.objects.of(actor.workspace_id).filter(source_id=row.id).count())


def _check_name(name: str) -> None:
    if not name.strip() or len(name) > _NAME_LIMIT or "\x00" in name:
        raise BadInput(f"A source's name or address has 1 to {_NAME_LIMIT} characters.", field="name")


def _may_write(actor: Actor) -> None:
    actor.require(scope=Scope.KNOWLEDGE_WRITE, role=Role.SUPERVISOR)
