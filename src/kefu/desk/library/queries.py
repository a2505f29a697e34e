"""Reads of sources, documents, passages and vectors."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
from django.core.files.storage import default_storage
from django.db.models import Count, Exists, OuterRef

from kefu.contracts.index import IndexedPassage, PassageVectors
from kefu.desk.actor import Actor, Role, Scope
from kefu.desk.library.models import Document, Passage, Source, Vector
from kefu.desk.rows import now
from kefu.kit.errors import Conflict, NotFound
from kefu.knowledge.words import fold, normalised_question

# Above this cosine two passages of the demo differ in a word or a figure; below it they begin to say other things.
NEAR = 0.97
_COMPARED = 8_000  # passages compared with each other; more would take seconds
_BLOCK = 1_000  # rows of cosines at a time: 32 MB
_PAIRS = 200  # the nearest pairs, as many as anybody looks through
_BEGINNING = 300  # characters
_CHUNK = 500  # rows a query, below SQLite's and PostgreSQL's limits on parameters


@dataclass(frozen=True)
class SourceInfo:
    """`failures` are `{"name", "reason"}`; `done` and `total` count documents while it is read.

    `held` is the report of the tests that hold it back, a SuiteReport as a dict.
    """

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
    held: Mapping[str, Any] | None = None


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


@dataclass(frozen=True)
class FaqInfo:
    """A question with its approved answer, wherever it stands. `id` is its passage's."""

    id: str
    question: str
    more_questions: tuple[str, ...]
    answer: str
    source_id: str
    source_name: str
    source_kind: str
    document_id: str
    language: str
    updated_at: datetime


@dataclass(frozen=True)
class PassagePlace:
    """Where a passage stands, with the beginning of its text."""

    passage: str
    title: str
    document: str
    document_id: str
    text: str


@dataclass(frozen=True)
class Duplicates:
    """Entries that ask the same, and passages that say nearly the same with their cosine."""

    questions: tuple[tuple[str, tuple[PassagePlace, ...]], ...]
    passages: tuple[tuple[float, PassagePlace, PassagePlace], ...]
    looked_at: int
    passages_in_all: int


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
    return [_passage(row, page.text) for row in rows]


def passage(actor: Actor, passage_id: str) -> tuple[PassageInfo, DocumentInfo]:
    """A passage and the document it stands in. Raises NotFound, NotAllowed."""
    _may_read(actor)
    row = passage_row(actor.workspace_id, passage_id)
    page = _document(row.document)
    return _passage(row, page.text), page


def passage_row(workspace_id: str, passage_id: str) -> Passage:
    row = Passage.objects.of(workspace_id).select_related("document").filter(id=passage_id).first()
    if row is None:
        raise NotFound("There is no such passage; its document may have been read anew.", passage=passage_id)
    return row


def article(actor: Actor, source_id: str) -> tuple[str, str]:
    """Title and text of a typed article. Raises Conflict for what was not typed here, NotFound, NotAllowed."""
    _may_read(actor)
    row = get(actor.workspace_id, source_id)
    if row.kind != "article":
        raise Conflict(f"{row.name} is no article that was typed here.", source=source_id)
    title = row.name.removesuffix(".md")
    with default_storage.open(row.file) as file:
        text = file.read().decode()
    return title, text.removeprefix(f"# {title}\n\n")


def faqs(actor: Actor, *, search: str = "", skip: int = 0, limit: int = 50) -> list[FaqInfo]:
    """FAQ entries by question; `search` is looked for in questions and answers, whatever the case."""
    _may_read(actor)
    rows = Passage.objects.of(actor.workspace_id).filter(answer__isnull=False)
    rows = rows.select_related("document__source").defer("document__text").order_by("document_id", "number")
    wanted = fold(search)
    # Looked through here, since questions are JSON, in which a database does not find every script.
    found = [row for row in rows if not wanted or wanted in fold("\n".join([*row.questions, row.answer]))]
    return [_faq(row) for row in found[skip : skip + limit]]


def stale(actor: Actor, *, days: int, limit: int = 200) -> list[tuple[DocumentInfo, SourceInfo]]:
    """Documents whose text has not changed for so many days, oldest first."""
    _may_read(actor)
    rows = Document.objects.of(actor.workspace_id).filter(created_at__lt=now() - timedelta(days=days))
    rows = rows.select_related("source").order_by("created_at")[:limit]
    return [(_document(row), source_info(row.source, 0)) for row in rows]


def duplicates(actor: Actor) -> Duplicates:
    """Entries with the same question, and passages whose vectors nearly agree."""
    _may_read(actor)
    everything = Passage.objects.of(actor.workspace_id)
    pairs, looked_at = _near(actor.workspace_id)
    asked = _asked_twice(actor.workspace_id)
    wanted = {each for _, first, second in pairs for each in (first, second)}
    places = _places(actor.workspace_id, wanted | {each for ids in asked.values() for each in ids})
    return Duplicates(
        questions=tuple((question, tuple(places[each] for each in ids)) for question, ids in asked.items()),
        passages=tuple((cosine, places[first], places[second]) for cosine, first, second in pairs),
        looked_at=looked_at,
        passages_in_all=everything.count(),
    )


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
    for part in _parts(sorted(ids)):
        rows = Passage.objects.of(workspace_id).filter(id__in=part).select_related("document")
        vectors = {
            row.passage_id: _vectors(row)
            for row in Vector.objects.of(workspace_id).filter(passage_id__in=part, encoder__in=encoders)
        }
        for row in rows:
            yield indexed_passage(row, row.document), vectors.get(row.id)


def without_vectors(
    workspace_id: str, encoder: str, *, languages: Iterable[str], other_than: bool = False, limit: int = 64
) -> tuple[list[IndexedPassage], int]:
    """Some passages of these languages, or of all others, that an encoder has no vectors of; and how many there are."""
    theirs = Passage.objects.of(workspace_id)
    theirs = theirs.exclude(language__in=languages) if other_than else theirs.filter(language__in=languages)
    have = Vector.objects.of(workspace_id).filter(passage_id=OuterRef("id"), encoder=encoder)
    missing = theirs.exclude(Exists(have))
    rows = list(missing.select_related("document").order_by("id")[:limit])
    return [indexed_passage(row, row.document) for row in rows], missing.count()


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


def get(workspace_id: str, source_id: str, *, lock: bool = False) -> Source:
    rows = Source.objects.of(workspace_id)
    row = (rows.select_for_update() if lock else rows).filter(id=source_id).first()
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
        row.held if row.state == "held" else None,
    )


def _passage(row: Passage, text: str) -> PassageInfo:
    return PassageInfo(
        row.id,
        row.number,
        row.start,
        row.end,
        row.kind,
        tuple(row.heading_path),
        tuple(row.questions),
        row.answer,
        text[row.start : row.end],
    )


def _faq(row: Passage) -> FaqInfo:
    question, *more = row.questions
    source = row.document.source
    return FaqInfo(
        row.id,
        question,
        tuple(more),
        row.answer or "",
        source.id,
        source.name,
        source.kind,
        row.document_id,
        row.language,
        row.document.created_at,
    )


def _asked_twice(workspace_id: str) -> dict[str, list[str]]:
    """Questions that several entries of one language have, as one of them words it, with the entries' passages.

    A code such as "E102" may well be asked about in each language, with an answer in each.
    """
    asked: dict[tuple[str, str], dict[str, str]] = {}
    rows = Passage.objects.of(workspace_id).filter(answer__isnull=False).order_by("document_id", "number")
    for passage_id, language, questions in rows.values_list("id", "language", "questions"):
        for question in questions:
            asked.setdefault((language, normalised_question(question)), {}).setdefault(passage_id, question)
    return {next(iter(ids.values())): list(ids) for ids in asked.values() if len(ids) > 1}


def _near(workspace_id: str) -> tuple[list[tuple[float, str, str]], int]:
    """Pairs of passages whose texts' vectors have a cosine above `NEAR`, nearest first, and how many were compared."""
    found: dict[tuple[str, str], float] = {}
    compared = 0
    encoders = Vector.objects.of(workspace_id).values_list("encoder", flat=True).distinct().order_by("encoder")
    for encoder in list(encoders):
        ids, matrix = _texts_vectors(workspace_id, encoder)
        compared += len(ids)
        for at in range(0, len(ids), _BLOCK):
            cosines = matrix[at : at + _BLOCK] @ matrix[at:].T
            # Above the diagonal, so that each pair is seen once and no passage with itself.
            for first, second in np.argwhere(np.triu(cosines, 1) > NEAR):
                pair = (ids[at + int(first)], ids[at + int(second)])
                found[pair] = max(found.get(pair, 0.0), float(cosines[first, second]))
    ranked = sorted(((cosine, *pair) for pair, cosine in found.items()), reverse=True)
    return ranked[:_PAIRS], compared


def _texts_vectors(workspace_id: str, encoder: str) -> tuple[list[str], npt.NDArray[np.float32]]:
    rows = Vector.objects.of(workspace_id).filter(encoder=encoder).order_by("-id")[:_COMPARED]
    read = [(row.passage_id, _vectors(row).rows[0]) for row in rows]
    matrix = np.array([vector for _, vector in read], dtype=np.float32)
    return [passage_id for passage_id, _ in read], matrix.reshape(len(read), -1)


def _places(workspace_id: str, ids: Iterable[str]) -> dict[str, PassagePlace]:
    places = {}
    for some in _parts(sorted(ids)):
        for row in Passage.objects.of(workspace_id).filter(id__in=some).select_related("document"):
            page = row.document
            text = page.text[row.start : min(row.end, row.start + _BEGINNING)]
            places[row.id] = PassagePlace(row.id, page.title, page.name, page.id, text)
    return places


def _parts(ids: list[str]) -> Iterator[list[str]]:
    return (ids[at : at + _CHUNK] for at in range(0, len(ids), _CHUNK))


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
