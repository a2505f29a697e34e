"""Reading sources: bytes or addresses to documents, passages and vectors. Safe to run twice, and to stop anywhere.

Each document is stored in a transaction of its own, and one that is in already is left alone, so a read that was
killed or cancelled goes on where it stopped.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any, Protocol

from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import Q, QuerySet

from kefu.contracts.index import IndexedPassage, PassageVectors
from kefu.desk.accounts.actions import announce
from kefu.desk.library.actions import digest_of, drop_documents, vector_row
from kefu.desk.library.held import forget_read, keep_read, kept_read
from kefu.desk.library.models import Document, Passage, Source, Vector
from kefu.desk.library.queries import indexed_passage
from kefu.desk.library.rehearsals import note_change
from kefu.desk.rows import now
from kefu.kit.ids import new_id
from kefu.kit.runtime import run
from kefu.kit.settings import settings
from kefu.knowledge.chunk import chunk
from kefu.knowledge.language import detect
from kefu.knowledge.parsing import ParseLimits, parse
from kefu.knowledge.parsing.document import ParsedDocument

LEASE = timedelta(minutes=5)
_BATCH = 64  # passages embedded at a time: enough to sort by length, few enough to show progress and to cancel
_EMBEDDED_QUESTIONS = 60  # phrasings of one FAQ entry that get vectors


class Embed(Protocol):
    """Gives the vectors of passages, in order."""

    def __call__(self, passages: list[IndexedPassage]) -> list[PassageVectors]: ...


class Trial(Protocol):
    """Runs the workspace's tests with knowledge that is not live yet; gives their report where one fails, else None."""

    def __call__(
        self, *, gone: Iterable[str], came: list[tuple[IndexedPassage, PassageVectors]]
    ) -> dict[str, Any] | None: ...


Progress = Callable[[str, int, int], None]


@dataclass
class Report:
    """What became of each document, by name, while sources are read."""

    added: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    failed: list[dict[str, str]] = field(default_factory=list)
    held: list[str] = field(default_factory=list)  # names of sources that the workspace's tests hold back


@dataclass(frozen=True)
class _Work:
    """A document that is new or has changed, with its rows, not yet stored."""

    source: Source
    page: Document
    rows: list[Passage]


def due_sources(*, limit: int = 16) -> list[tuple[str, str]]:
    """(workspace, source) ids whose reading is due, oldest first."""
    at = now()
    rows = Source.objects.across_workspaces("dispatch works for all").filter(due_at__lte=at)
    return list(rows.order_by("due_at").values_list("workspace_id", "id")[:limit])


def read_sources(
    workspace_id: str,
    source_ids: Iterable[str],
    *,
    embed: Embed,
    progress: Progress | None = None,
    trial: Trial | None = None,
) -> Report:
    """Read sources; a broken file is named with its reason and the others load.

    `progress` is called with (name, documents done, documents found so far). With a `trial`, each source is stored as
    a whole once it passes, else it is held back and its documents stay as they were.
    """
    reader = _Reader(workspace_id, embed, progress, trial)
    for source_id in source_ids:
        reader.read(source_id)
    reader.flush()
    return reader.report


class _Reader:
    """Reads one source after another; documents of several small ones share a batch of embedding."""

    def __init__(self, workspace_id: str, embed: Embed, progress: Progress | None, trial: Trial | None) -> None:
        self.report = Report()
        self._trial = trial
        self._workspace_id = workspace_id
        self._embed = embed
        self._progress = progress
        self._waiting: list[_Work] = []
        self._parsed: list[Source] = []
        self._lost: set[str] = set()
        self._documents: list[ParsedDocument] = []  # of the source that is read
        self._done = self._found = 0

    def read(self, source_id: str) -> None:
        source = _begin(self._workspace_id, source_id)
        if source is None:
            return
        if self._trial is not None and not source.is_untested:
            self._read_tried(source, self._trial)
            return
        for work in self._changed(source, _drop_vanished):
            if source.id in self._lost:
                return
            self._waiting.append(work)
            if sum(len(each.rows) for each in self._waiting) >= _BATCH:
                self.flush()
        self._parsed.append(source)

    def flush(self) -> None:
        """Embed and store what waits, then close the sources that are wholly in."""
        rows = [(work, row) for work in self._waiting for row in work.rows]
        vectors = self._vectors([indexed_passage(row, work.page) for work, row in rows])
        made = {row.id: vector for (_, row), vector in zip(rows, vectors, strict=True)}
        for work in self._waiting:
            if _store(work, made):
                self.report.added.append(work.page.name)
            else:
                self._lost.add(work.source.id)
            self._step(work.page.name, work.source)
        self._waiting = []
        for source in self._parsed:
            _finish(source)
        self._parsed = []

    def _read_tried(self, source: Source, trial: Trial) -> None:
        """Read a source, and store nothing of it before the workspace's tests have passed with it."""
        gone: list[str] = []
        works = list(self._changed(source, lambda _, vanished: gone.extend(vanished)))
        if not works and not gone:
            _finish(source)
            return
        came: list[tuple[IndexedPassage, PassageVectors]] = []
        for work in works:
            pieces = [indexed_passage(row, work.page) for row in work.rows]
            for at in range(0, len(pieces), _BATCH):
                came += zip(pieces[at : at + _BATCH], self._vectors(pieces[at : at + _BATCH]), strict=True)
            self._step(work.page.name, source)
        older = Document.objects.of(self._workspace_id).filter(source_id=source.id)
        older = older.filter(Q(id__in=gone) | Q(name__in=[work.page.name for work in works]))
        passages = Passage.objects.of(self._workspace_id).filter(
            document_id__in=list(older.values_list("id", flat=True))
        )
        report = trial(gone=set(passages.values_list("id", flat=True)), came=came)
        if report is not None:
            _hold(source, report, self._documents)
            self.report.held.append(source.name)
            return
        made = {piece.id: vectors for piece, vectors in came}
        with transaction.atomic():  # the tests passed with all of it, not with a part
            if gone and _ours(source).exists():
                _drop_vanished(source, gone)
            self.report.added += [work.page.name for work in works if _store(work, made)]
            _finish(source)

    def _changed(self, source: Source, vanish: Callable[[Source, list[str]], None]) -> Iterator[_Work]:
        documents, failures, digest = _parsed(source)
        self._documents = documents
        source.failures, source.done = failures, 0
        if not _ours(source).update(failures=failures, total=len(documents), done=0, digest=digest):
            return
        self.report.failed.extend(failures)
        self._found += len(documents)
        known = {
            row.name: row for row in Document.objects.of(self._workspace_id).filter(source_id=source.id).defer("text")
        }
        gone = _vanished(source, known, documents, failures)
        if gone:
            vanish(source, gone)
        for parsed in documents:
            before = known.get(parsed.name)
            if before is not None and before.digest == _document_digest(parsed):
                self.report.unchanged.append(parsed.name)
                self._step(parsed.name, source)
                continue
            yield _work(source, parsed)

    def _vectors(self, passages: list[IndexedPassage]) -> list[PassageVectors]:
        return self._embed(passages) if passages else []

    def _step(self, name: str, source: Source) -> None:
        self._done += 1
        source.done += 1
        _ours(source).update(done=source.done, lease_until=now() + LEASE, due_at=now() + LEASE)
        if self._progress is not None:
            self._progress(name, self._done, self._found)


def _begin(workspace_id: str, source_id: str) -> Source | None:
    """Take the source for reading, unless somebody reads it or it was cancelled or removed."""
    at = now()
    mine = Source.objects.of(workspace_id).filter(id=source_id, state__in=["pending", "reading"])
    # The due time moves with the lease, so a reader that dies is followed by another when its lease ends.
    free = mine.filter(Q(state="pending") | Q(due_at__lte=at))
    taken = free.update(state="reading", lease_until=at + LEASE, due_at=at + LEASE, done=0)
    return mine.first() if taken else None


def _ours(source: Source) -> QuerySet[Source]:
    """The source's row as long as it is ours to read: nobody removed it, cancelled it or asked for it anew."""
    mine = Source.objects.of(source.workspace_id).filter(id=source.id, state="reading")
    return mine.filter(updated_at=source.updated_at)


def _finish(source: Source) -> None:
    with transaction.atomic():
        mine = _ours(source)
        empty = not Document.objects.of(source.workspace_id).filter(source_id=source.id).exists()
        state = "failed" if empty and source.failures else "ready"
        if mine.update(state=state, due_at=None, lease_until=None, updated_at=now(), held=None, is_untested=False):
            transaction.on_commit(partial(forget_read, source))
        note_change(source.workspace_id)
        announce(source.workspace_id, "source.updated", source.id)


def _hold(source: Source, report: dict[str, Any], documents: list[ParsedDocument]) -> None:
    held = {**report, **keep_read(source, documents)}
    with transaction.atomic():
        if _ours(source).update(state="held", due_at=None, lease_until=None, updated_at=now(), held=held):
            announce(source.workspace_id, "source.held", source.id)


def _parsed(source: Source) -> tuple[list[ParsedDocument], list[dict[str, str]], str]:
    """The source's documents, its failures, and a digest of its bytes."""
    tested = kept_read(source)
    if tested is not None:  # what an admin has let pass is what the tests were run with, whatever the page says by now
        return tested, [], _digest_of_pages(tested)
    if source.kind == "url":
        return _fetched(source)
    try:
        with default_storage.open(source.file) as file:
            data = file.read()
    except OSError:
        return [], [{"name": source.name, "reason": "Its file is gone from the storage; add it again."}], ""
    result = parse(source.name, data, _limits())
    return (
        list(result.documents),
        [_failure(failure.name, failure.reason) for failure in result.failures],
        digest_of(data),
    )


def _fetched(source: Source) -> tuple[list[ParsedDocument], list[dict[str, str]], str]:
    from kefu.knowledge.fetch import FetchLimits, fetch_pages

    allowed = settings().allow_private_addresses
    fetched = run(fetch_pages(source.address, limits=FetchLimits(), allow_private=allowed))
    documents: list[ParsedDocument] = []
    failures = [_failure(failure.url, failure.reason) for failure in fetched.failures]
    for page in fetched.pages:
        result = parse(page.url, page.data, _limits(), url=page.url, media_type=page.media_type)
        documents.extend(result.documents)
        failures.extend(_failure(failure.name, failure.reason) for failure in result.failures)
    return documents, failures, _digest_of_pages(documents)


def _digest_of_pages(documents: list[ParsedDocument]) -> str:
    return digest_of("".join(sorted(each.text for each in documents)).encode())


def _failure(name: str, reason: str) -> dict[str, str]:
    return {"name": name, "reason": reason}


def _limits() -> ParseLimits:
    return ParseLimits(file_bytes=settings().upload_megabytes * 2**20)


def _vanished(
    source: Source, known: dict[str, Document], documents: list[ParsedDocument], failures: list[dict[str, str]]
) -> list[str]:
    """Documents that the source no longer has. One that merely could not be read this time stays."""
    unread = {failure["name"] for failure in failures}
    here = {parsed.name for parsed in documents} | unread
    return [] if source.name in unread else [row.id for name, row in known.items() if name not in here]


def _drop_vanished(source: Source, gone: list[str]) -> None:
    with transaction.atomic():
        drop_documents(source.workspace_id, gone)
        announce(source.workspace_id, "library.changed", source.id)


def _work(source: Source, parsed: ParsedDocument) -> _Work:
    page = Document(
        id=new_id("doc"),
        workspace_id=source.workspace_id,
        source=source,
        name=parsed.name,
        title=parsed.title[:500],
        text=parsed.text,
        media_type=parsed.media_type,
        url=parsed.url,
        language=detect(parsed.text[:4000]),
        digest=_document_digest(parsed),
    )
    return _Work(source, page, list(_passages(page, parsed)))


def _passages(page: Document, parsed: ParsedDocument) -> Iterator[Passage]:
    first_of: dict[int, int] = {}
    for number, piece in enumerate(chunk(parsed)):
        entry = parsed.faqs[piece.faq_index] if piece.faq_index is not None else None
        # Only the first piece of a long entry stands for its questions, or each would be found once for every piece.
        leads = entry is not None and first_of.setdefault(int(piece.faq_index or 0), number) == number
        questions = (entry.question, *entry.more_questions)[:_EMBEDDED_QUESTIONS] if entry and leads else ()
        yield Passage(
            id=new_id("psg"),
            workspace_id=page.workspace_id,
            document=page,
            number=number,
            start=piece.start,
            end=piece.end,
            kind=piece.kind,
            # Search keeps a shelf for each language: a page is on one, each entry of a FAQ sheet on its own.
            language=detect(entry.question, hint=page.language) if entry else page.language,
            heading_path=list(piece.heading_path),
            questions=list(questions),
            answer=entry.answer if entry and leads else None,
        )


def _store(work: _Work, vectors: dict[str, PassageVectors]) -> bool:
    """Put a document in place of its older form, in one transaction; not when its source is not ours any more."""
    workspace_id = work.page.workspace_id
    with transaction.atomic():
        if not _ours(work.source).exists():
            return False
        older = Document.objects.of(workspace_id).filter(source_id=work.source.id, name=work.page.name)
        drop_documents(workspace_id, list(older.values_list("id", flat=True)))
        work.page.save(force_insert=True)
        Passage.objects.bulk_create(work.rows, batch_size=200)
        Vector.objects.bulk_create(
            [vector_row(vectors[row.id], workspace_id, row.id) for row in work.rows], batch_size=200
        )
        announce(workspace_id, "library.changed", work.page.id)
    return True


def _document_digest(parsed: ParsedDocument) -> str:
    said = "\x1f".join(
        [
            parsed.title,
            parsed.text,
            parsed.url or "",
            *(f"{section.level}{section.start}" for section in parsed.sections),
            *("\x1e".join((entry.question, entry.answer, *entry.more_questions)) for entry in parsed.faqs),
        ]
    )
    return hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()
