"""Writes of sources: adding, typing, cancelling, removing. Reading them is dispatch's or the command's: `due.py`."""

import hashlib
from collections.abc import Iterable
from datetime import timedelta
from functools import partial

from django.core.files.base import ContentFile, File
from django.core.files.storage import default_storage
from django.db import transaction

from kefu.contracts.index import PassageVectors
from kefu.desk.accounts.actions import announce, audit
from kefu.desk.actor import Actor, Role, Scope
from kefu.desk.library.held import forget_read
from kefu.desk.library.models import Document, Passage, Source, Vector
from kefu.desk.library.queries import SourceInfo, get, passage_row, source, source_info
from kefu.desk.library.sheets import Entry, entries_of, written
from kefu.desk.rows import now
from kefu.kit.errors import BadInput, Conflict, NotFound, TooLarge
from kefu.kit.ids import new_id
from kefu.kit.settings import settings

_NAME_LIMIT = 500
_TAKEN_OVER_AFTER = timedelta(minutes=5)


def add_file(actor: Actor, *, name: str, data: bytes | File, kind: str = "file") -> SourceInfo:
    """Keep a file to be read, from memory or from an upload; a source of the same name gets the new bytes.

    Raises TooLarge, BadInput for a bad name, NotAllowed. What is wrong inside the file is found when it is read.
    """
    _may_write(actor)
    _check_name(name)
    stored = _kept(actor, name, data)
    with transaction.atomic():
        row = _source(actor, name, kind)
        return _with_file(actor, row, stored)


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
    return add_file(actor, name=_article_name(title), data=_article(title, text), kind="article")


def change_article(actor: Actor, *, source_id: str, title: str, text: str) -> SourceInfo:
    """Give a typed article another title or text.

    Raises BadInput for an empty one, Conflict for a title that another has and for what was not typed here, NotFound,
    NotAllowed.
    """
    _may_write(actor)
    if not title.strip() or not text.strip():
        raise BadInput("An article needs a title and a text.", field="title" if not title.strip() else "text")
    return _rewrite(
        actor, source_id, kind="article", name=_article_name(title), data=_article(title, text), what="article"
    )


def add_faq(actor: Actor, *, question: str, answer: str, more_questions: tuple[str, ...] = ()) -> SourceInfo:
    """Keep one question with its approved answer, as a source of its own. Raises BadInput, NotAllowed."""
    if not question.strip() or not answer.strip():
        raise BadInput(
            "A FAQ entry needs a question and an answer.", field="question" if not question.strip() else "answer"
        )
    entry = _entry(question, answer, more_questions)
    return add_file(actor, name=_faq_name(entry.question), data=written([entry]), kind="faq")


def change_faq(
    actor: Actor, *, passage_id: str, question: str, answer: str, more_questions: tuple[str, ...] = ()
) -> SourceInfo:
    """Change an entry: a typed one, or one row of a FAQ sheet in CSV. It is answered from once it was read again.

    Raises BadInput for an empty one, Conflict for an entry of another kind of file, NotFound for one that has been
    read anew meanwhile, NotAllowed.
    """
    _may_write(actor)
    if not question.strip() or not answer.strip():
        raise BadInput(
            "A FAQ entry needs a question and an answer.", field="question" if not question.strip() else "answer"
        )
    return _change_entry(actor, passage_id, _entry(question, answer, more_questions))


def remove_faq(actor: Actor, *, passage_id: str) -> None:
    """Take an entry away: a typed one with its source, or one row of a FAQ sheet. Raises like `change_faq`."""
    _may_write(actor)
    _change_entry(actor, passage_id, None)


def read_again(actor: Actor, *, source_id: str) -> SourceInfo:
    """Read a source once more: fetch its address anew, or try a failed one again. Raises NotFound, NotAllowed."""
    _may_write(actor)
    with transaction.atomic():
        return _due(actor, get(actor.workspace_id, source_id))


def publish_held(actor: Actor, *, source_id: str, reason: str) -> SourceInfo:
    """Let a source answer although the workspace's tests fail with it: what they were run with, and nothing newer.

    Raises BadInput without a reason, Conflict when it is not held back, NotFound, NotAllowed.
    """
    actor.require_role(Role.ADMIN)
    if not reason.strip():
        raise BadInput("Say why it may answer customers although tests fail.", field="reason")
    with transaction.atomic():
        row = get(actor.workspace_id, source_id, lock=True)
        if row.state != "held":
            raise Conflict(f"{row.name} is not held back; it is {row.state}.", source=source_id)
        failed = (row.held or {}).get("failed")
        audit(actor, "source.published", row.id, after={"reason": reason.strip()[:1000], "failed": failed})
        tested = row.held
        _due(actor, row, keep=True)
        row.is_untested, row.held = True, tested
        row.save(update_fields=["is_untested", "held"])
    return source(actor, source_id)


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


def keep_vectors(workspace_id: str, made: list[tuple[str, PassageVectors]]) -> None:
    """Store vectors of passages, by their ids; those of passages that were removed meanwhile are let go."""
    with transaction.atomic():
        ids = [passage_id for passage_id, _ in made]
        there = set(Passage.objects.of(workspace_id).filter(id__in=ids).values_list("id", flat=True))
        rows = [vector_row(each, workspace_id, passage_id) for passage_id, each in made if passage_id in there]
        Vector.objects.bulk_create(rows, batch_size=200, ignore_conflicts=True)


def drop_other_vectors(workspace_id: str, encoders: Iterable[str]) -> None:
    """Delete the vectors of encoders that are not used any more."""
    Vector.objects.of(workspace_id).exclude(encoder__in=list(encoders)).delete()


def vector_row(vectors: PassageVectors, workspace_id: str, passage_id: str) -> Vector:
    """A passage's vectors as they are stored."""
    return Vector(
        workspace_id=workspace_id,
        passage_id=passage_id,
        encoder=vectors.encoder,
        dimension=vectors.rows.shape[1],
        rows=vectors.rows.tobytes(),
    )


def digest_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _source(actor: Actor, name: str, kind: str) -> Source:
    row = Source.objects.of(actor.workspace_id).filter(name=name).first()
    if row is None:
        row = Source.objects.create(workspace_id=actor.workspace_id, name=name, kind=kind)
        audit(actor, "source.added", row.id, after={"name": name, "kind": kind})
    row.kind = kind
    return row


def _due(actor: Actor, row: Source, *, keep: bool = False) -> SourceInfo:
    """Have a source read; `keep`: what was read of it before and held back stays, to be published."""
    if row.held and not keep:
        transaction.on_commit(partial(forget_read, Source(workspace_id=row.workspace_id, held=row.held)))
    row.state, row.lease_until, row.updated_at = "pending", None, now()
    row.held, row.is_untested = None, False
    # Kefu itself (the command line, a first start) reads what it adds; a running server takes over should it die.
    row.due_at = row.updated_at + _TAKEN_OVER_AFTER if actor.kind == "system" else row.updated_at
    row.save()
    announce(actor.workspace_id, "source.updated", row.id)
    return source_info(row, Document.objects.of(actor.workspace_id).filter(source_id=row.id).count())


def _change_entry(actor: Actor, passage_id: str, changed: Entry | None) -> SourceInfo:
    passage = passage_row(actor.workspace_id, passage_id)
    with transaction.atomic():
        row = get(actor.workspace_id, passage.document.source_id, lock=True)
        with default_storage.open(row.file) as file:
            entries = entries_of(row.name, file.read())
        if entries is None:
            raise Conflict(f"This entry comes from {row.name}; change it there and add the file again.", source=row.id)
        place = next((n for n, entry in enumerate(entries) if _is_of(entry, passage.questions, passage.answer)), None)
        if place is None and row.state == "held" and len(entries) == 1:
            place = 0  # the entry's own change is what is held back, so the file differs from what answers
        if place is None:
            raise NotFound("This entry was changed meanwhile; read the list again.", faq=passage_id)
        before = {"question": entries[place].question, "answer": entries[place].answer}
        entries[place : place + 1] = [changed] if changed else []
        after = {"question": changed.question, "answer": changed.answer} if changed else None
        audit(actor, "faq.changed" if changed else "faq.removed", row.id, before=before, after=after)
        if not entries:
            info = source_info(row, 0)
            remove(actor, source_id=row.id)
            return info
        if row.kind == "faq" and changed:
            _rename(actor, row, _faq_name(changed.question))
        return _with_file(actor, row, _kept(actor, row.name, written(entries)))


def _is_of(entry: Entry, questions: list[str], answer: str | None) -> bool:
    return bool(questions) and entry.question == questions[0] and entry.answer == answer


def _rewrite(actor: Actor, source_id: str, *, kind: str, name: str, data: bytes, what: str) -> SourceInfo:
    with transaction.atomic():
        row = get(actor.workspace_id, source_id, lock=True)
        if row.kind != kind:
            raise Conflict(f"{row.name} is no {what} that was typed here.", source=source_id)
        _rename(actor, row, name)
        audit(actor, f"{what}.changed", row.id, after={"name": name})
        return _with_file(actor, row, _kept(actor, name, data))


def _rename(actor: Actor, row: Source, name: str) -> None:
    _check_name(name)
    if Source.objects.of(actor.workspace_id).filter(name=name).exclude(id=row.id).exists():
        raise Conflict(f"There is a source {name!r} already.", name=name)
    row.name = name


def _kept(actor: Actor, name: str, data: bytes | File) -> str:
    """Store bytes; gives the place. A file that no row names in the end is only space."""
    limit = settings().upload_megabytes * 2**20
    size = len(data) if isinstance(data, bytes) else data.size
    if size > limit:
        raise TooLarge(f"{name} has {size:,} bytes; at most {limit:,} are accepted.", name=name)
    content = ContentFile(data) if isinstance(data, bytes) else data
    return str(default_storage.save(f"{actor.workspace_id}/{new_id('file')}", content))


def _with_file(actor: Actor, row: Source, stored: str) -> SourceInfo:
    old_file, row.file = row.file, stored
    if old_file:
        transaction.on_commit(lambda: default_storage.delete(old_file))
    return _due(actor, row)


def _article(title: str, text: str) -> bytes:
    heading = "" if text.lstrip().startswith("# ") else f"# {title.strip()}\n\n"
    return f"{heading}{text}".encode()


def _article_name(title: str) -> str:
    return f"{title.strip()[:400]}.md"


def _entry(question: str, answer: str, more_questions: tuple[str, ...]) -> Entry:
    return Entry(question.strip(), answer.strip(), tuple(each.strip() for each in more_questions if each.strip()))


def _faq_name(question: str) -> str:
    return f"FAQ: {question[:400]}.csv"


def _check_name(name: str) -> None:
    if not name.strip() or len(name) > _NAME_LIMIT or "\x00" in name:
        raise BadInput(f"A source's name or address has 1 to {_NAME_LIMIT} characters.", field="name")


def _may_write(actor: Actor) -> None:
    actor.require(scope=Scope.KNOWLEDGE_WRITE, role=Role.SUPERVISOR)
