"""Requests and responses about sources, documents, passages and FAQ entries."""

from datetime import datetime
from typing import Any

from ninja import Schema
from pydantic import ConfigDict, Field

from kefu.desk.library.queries import DocumentInfo, FaqInfo, PassageInfo, SourceInfo


class Request(Schema):
    model_config = ConfigDict(extra="forbid")


class NewUrl(Request):
    url: str = Field(max_length=2000)


class ArticleText(Request):
    title: str = Field(max_length=400)
    text: str


class FaqText(Request):
    question: str = Field(max_length=2000)
    answer: str = Field(max_length=20_000)
    more_questions: list[str] = Field(default_factory=list, max_length=60)


class FaqChoice(Schema):
    search: str = Field(default="", max_length=200)
    after: int = Field(default=0, ge=0)
    limit: int = Field(default=50, ge=1, le=200)


class Failure(Schema):
    name: str
    reason: str


class HeldFailure(Schema):
    file: str
    test: str
    wanted: str
    got: str


class HeldBack(Schema):
    """The tests that fail with what was read."""

    total: int
    failed: int
    failures: list[HeldFailure]


class PublishHeld(Request):
    reason: str = Field(min_length=1, max_length=1000)


class Removal(Schema):
    """`override`, with a reason, goes past tests that fail without it."""

    override: bool = False
    reason: str = Field(default="", max_length=1000)


class Source(Schema):
    """`held`: the workspace's tests hold its change back; what it said before answers on."""

    id: str
    name: str
    kind: str
    address: str
    state: str
    failures: list[Failure]
    done: int
    total: int
    documents: int
    created_at: datetime
    updated_at: datetime
    held: HeldBack | None


class Page(Schema):
    id: str
    name: str
    title: str
    language: str
    url: str | None
    updated_at: datetime


class SourceWithPages(Source):
    pages: list[Page]


class Sources(Schema):
    sources: list[Source]


class Passage(Schema):
    id: str
    start: int
    end: int
    kind: str
    headings: list[str]
    questions: list[str]
    answer: str | None


class Document(Schema):
    id: str
    source: str
    name: str
    title: str
    text: str
    media_type: str
    url: str | None
    language: str
    updated_at: datetime
    passages: list[Passage]


class DocumentName(Schema):
    id: str
    title: str
    url: str | None


class PassageWithText(Passage):
    text: str
    document: DocumentName


class SourceName(Schema):
    id: str
    name: str
    kind: str


class Faq(Schema):
    """`id` is its passage's, and a new one once the entry or its sheet was changed and read again."""

    id: str
    question: str
    more_questions: list[str]
    answer: str
    source: SourceName
    document: str
    language: str
    updated_at: datetime


class Faqs(Schema):
    faqs: list[Faq]
    next: str | None


class StaleDocument(Schema):
    id: str
    title: str
    name: str
    source: SourceName
    updated_at: datetime


class Stale(Schema):
    documents: list[StaleDocument]


class Place(Schema):
    passage: str
    title: str
    document: str
    document_id: str
    text: str


class SameQuestion(Schema):
    question: str
    entries: list[Place]


class NearPassages(Schema):
    similarity: float
    a: Place
    b: Place


class Duplicates(Schema):
    """`looked_at` of `passages_in_all` passages were compared: a very large library is compared in part."""

    questions: list[SameQuestion]
    passages: list[NearPassages]
    looked_at: int
    passages_in_all: int


def source(row: SourceInfo) -> dict[str, Any]:
    return vars(row)


def page(row: DocumentInfo) -> dict[str, Any]:
    return {**vars(row), "updated_at": row.created_at}


def passage(row: PassageInfo) -> dict[str, Any]:
    return {**vars(row), "headings": list(row.heading_path)}


def document(row: DocumentInfo, pieces: list[PassageInfo]) -> dict[str, Any]:
    return {**page(row), "source": row.source_id, "passages": [passage(each) for each in pieces]}


def faq(row: FaqInfo) -> dict[str, Any]:
    return {**vars(row), "source": _source_name(row), "document": row.document_id}


def _source_name(row: FaqInfo) -> dict[str, str]:
    return {"id": row.source_id, "name": row.source_name, "kind": row.source_kind}
