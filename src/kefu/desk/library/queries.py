"""Reads of sources, documents, passages and vectors."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from django.db.models import Count

from kefu.contracts.index import IndexedPassage, PassageVectors
from kefu.desk.actor import Actor, Role, Scope
from kefu.desk.library.models import Document, Passage, Source, Vector
from kefu.kit.errors import NotFound

_CHUNK = 500  # rows a query, below SQLite's and PostgreSQL's limits on parameters


@dataclass(frozen=True)
class SourceInfo:
    """`failures` are `{"name", "reason"}`; `done` and `total` count documents while it is read."""

    id: str
    name: str
    kind: str
    address: str
    state: str
    failures: tuple[dict[str, str], ...]
    done: int
    total: int
    documents: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True)
class DocumentInfo:
    id: str
    source_id: str
    name: str
    title: str
    text: str
    media_type: str
    url: str | None
    language: str
    created_at: datetime


@dataclass(frozen=True)
class PassageInfo:
    id: str
    number: int
    start: int
    end: int
    kind: str
    heading_path: tuple[str, ...]
    questions: tuple[str, ...]
    answer: str | None
    text: str


def sources(actor: Actor) -> list[SourceInfo]:
    _may_read(actor)
    rows = Source.objects.of(actor.workspace_id).order_by("name")
    counts = _document_counts(actor.workspace_id)
    return [source_info(row, counts.get(row.id, 0)) for row in rows]


def source(actor: Actor, source_id: str) -> SourceInfo:
    """Raises NotFound, NotAllowed."""
    _may_read(actor)
    row = get(actor.workspace_id, source_id)
    return source_info(row, Document.objects.of(actor.workspace_id).filter(source_id=row.id).count())


def sources_named(actor: Actor, name: str) -> list[SourceInfo]:
    """The sources whose id, name or address is `name`."""
    return [found for found in sources(actor) if name in {found.id, found.name, found.address}]


def documents(actor: Actor, source_id: str) -> list[DocumentInfo]:
    _may_read(actor)
    rows = Document.objects.of(actor.workspace_id).filter(source_id=get(actor.workspace_id, source_id).id)
    return [_document(row) for row in rows.order_by("name")]


def document(actor: Actor, document_id: str) -> DocumentInfo:
    """A document with its parsed text. Raises NotFound, NotAllowed."""
    _may_read(actor)
    row = Document.objects.of(actor.workspace_id).filter(id=document_id).first()
    if row is None:
        raise NotFound("There is no such document.", document=document_id)
    return _document(row)


def document_named(actor: Actor, name: str) -> DocumentInfo:
    """The document whose id or name is `name`. Raises NotFound, NotAllowed."""
    _may_read(actor)
    rows = Document.objects.of(actor.workspace_id)
    row = rows.filter(id=name).first() or rows.filter(name=name).first()
    if row is None:
        raise NotFound(f"There is no document {name!r}.", document=name)
    return _document(row)


def passages(actor: Actor, document_id: str) -> list[PassageInfo]:
    page = document(actor, document_id)
    rows = Passage.objects.of(actor.workspace_id).filter(document_id=page.id).order_by("number")
    return [
        PassageInfo(
            row.id,
            row.number,
            row.start,
            row.end,
            row.kind,
            tuple(row.heading_path),
            tuple(row.questions),
            row.answer,
            page.text[row.start : row.end],
        )
        for row in rows
    ]


def passage_ids(workspace_id: str) -> set[str]:
    """Ids of all passages that can be searched."""
    return set(Passage.objects.of(workspace_id).values_list("id", flat=True))


def indexed(
    workspace_id: str, ids: Iterable[str], encoders: frozenset[str]
) -> Iterator[tuple[IndexedPassage, PassageVectors | None]]:
    """Passages with their vectors, for the search index.

    Vectors of an encoder that is not among `encoders` (an older model's) are left out: the index searches such
    passages by their words until the library has embedded them again.
    """
    wanted = sorted(ids)
    for at in range(0, len(wanted), _CHUNK):
        part = wanted[at : at + _CHUNK]
        rows = Passage.objects.of(workspace_id).filter(id__in=part).select_related("document")
        vectors = {
            row.passage_id: _vectors(row)
            for row in Vector.objects.of(workspace_id).filter(passage_id__in=part, encoder__in=encoders)
        }
        for row in rows:
            yield indexed_passage(row, row.document), vectors.get(row.id)


def indexed_passage(row: Passage, page: Document) -> IndexedPassage:
    return IndexedPassage(
        id=row.id,
        document_id=page.id,
        document=page.name,
        title=page.title,
        text=page.text[row.start : row.end],
        start=row.start,
        end=row.end,
        language=row.language,
        heading_path=tuple(row.heading_path),
        kind=row.kind,
        questions=tuple(row.questions),
        answer=row.answer,
        url=page.url,
    )


def get(workspace_id: str, source_id: str) -> Source:
    row = Source.objects.of(workspace_id).filter(id=source_id).first()
    if row is None:
        raise NotFound("There is no such source.", source=source_id)
    return row


def source_info(row: Source, document_count: int) -> SourceInfo:
    return SourceInfo(
        row.id,
        row.name,
        row.kind,
        row.address,
        row.state,
        tuple(row.failures),
        row.done,
        row.total,
        document_count,
        row.created_at,
        row.updated_at,
    )


def _document_counts(workspace_id: str) -> dict[str, int]:
    counted = Document.objects.of(workspace_id).values("source_id").annotate(number=Count("id"))
    return {row["source_id"]: row["number"] for row in counted}


def _document(row: Document) -> DocumentInfo:
    return DocumentInfo(
        row.id,
        row.source_id,
        row.name,
        row.title,
        row.text,
        row.media_type,
        row.url,
        row.language,
        row.created_at,
    )


def _vectors(row: Vector) -> PassageVectors:
    return PassageVectors(row.encoder, np.frombuffer(bytes(row.rows), dtype=np.float16).reshape(-1, row.dimension))


def _may_read(actor: Actor) -> None:
    actor.require(scope=Scope.KNOWLEDGE_READ, role=Role.VIEWER)
