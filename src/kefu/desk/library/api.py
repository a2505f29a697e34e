"""Routes of knowledge: sources, documents, passages, FAQ entries, and what in them wants looking after."""

from typing import Any

from django.http import HttpRequest
from ninja import File, Query, Router, Schema, Status
from ninja.files import UploadedFile
from pydantic import Field

from kefu.desk import going_live
from kefu.desk.actor import Actor
from kefu.desk.http.entry import member
from kefu.desk.library import actions, queries, schemas

router = Router(auth=member, tags=["Knowledge"])


class Age(Schema):
    days: int = Field(default=180, ge=1, le=3650)


@router.get("/library/sources", response=schemas.Sources)
def sources(request: HttpRequest) -> dict[str, Any]:
    """All sources with their state and progress."""
    return {"sources": [schemas.source(each) for each in queries.sources(_actor(request))]}


@router.get("/library/sources/{source_id}", response=schemas.SourceWithPages)
def source(request: HttpRequest, source_id: str) -> dict[str, Any]:
    """A source with its documents."""
    actor = _actor(request)
    found = schemas.source(queries.source(actor, source_id))
    return {**found, "pages": [schemas.page(each) for each in queries.documents(actor, source_id)]}


@router.post("/library/files", response={202: schemas.Sources})
def add_files(request: HttpRequest, file: File[list[UploadedFile]]) -> Status[Any]:
    """Add files: md, txt, html, pdf, docx, xlsx, csv, or a zip of these. They are read in the background."""
    actor = _actor(request)
    added = [actions.add_file(actor, name=each.name or "file", data=each) for each in file]
    return Status(202, {"sources": [schemas.source(each) for each in added]})


@router.post("/library/urls", response={202: schemas.Source})
def add_url(request: HttpRequest, body: schemas.NewUrl) -> Status[Any]:
    """Add a web page or a sitemap by address."""
    return Status(202, schemas.source(actions.add_url(_actor(request), url=body.url.strip())))


@router.post("/library/articles", response={202: schemas.Source})
def add_article(request: HttpRequest, body: schemas.ArticleText) -> Status[Any]:
    """Add an article typed as Markdown."""
    return Status(202, schemas.source(actions.add_article(_actor(request), title=body.title, text=body.text)))


@router.get("/library/sources/{source_id}/article", response=schemas.ArticleText)
def article(request: HttpRequest, source_id: str) -> dict[str, str]:
    """A typed article, to be changed."""
    title, text = queries.article(_actor(request), source_id)
    return {"title": title, "text": text}


@router.put("/library/sources/{source_id}/article", response={202: schemas.Source})
def change_article(request: HttpRequest, source_id: str, body: schemas.ArticleText) -> Status[Any]:
    """Change a typed article."""
    changed = actions.change_article(_actor(request), source_id=source_id, title=body.title, text=body.text)
    return Status(202, schemas.source(changed))


@router.post("/library/sources/{source_id}/read", response={202: schemas.Source})
def read_again(request: HttpRequest, source_id: str) -> Status[Any]:
    """Read a source once more."""
    return Status(202, schemas.source(actions.read_again(_actor(request), source_id=source_id)))


@router.post("/library/sources/{source_id}/publish", response={202: schemas.Source})
def publish(request: HttpRequest, source_id: str, body: schemas.PublishHeld) -> Status[Any]:
    """Let a source that is held back answer customers although tests fail with it."""
    return Status(202, schemas.source(actions.publish_held(_actor(request), source_id=source_id, reason=body.reason)))


@router.post("/library/sources/{source_id}/cancel", response=schemas.Source)
def cancel(request: HttpRequest, source_id: str) -> dict[str, Any]:
    """Stop reading a source; what is in stays."""
    return schemas.source(actions.cancel(_actor(request), source_id=source_id))


@router.delete("/library/sources/{source_id}", response={204: None})
def remove(request: HttpRequest, source_id: str, chosen: Query[schemas.Removal]) -> Status[Any]:
    """Remove a source with all its passages, at once, if the workspace's tests pass without it."""
    going_live.remove_source(
        _actor(request), source_id=source_id, override=chosen.override, reason=chosen.reason.strip()
    )
    return Status(204, None)


@router.get("/library/documents/{document_id}", response=schemas.Document)
def document(request: HttpRequest, document_id: str) -> dict[str, Any]:
    """A document as it was read, with the places of its passages."""
    actor = _actor(request)
    return schemas.document(queries.document(actor, document_id), queries.passages(actor, document_id))


@router.get("/library/passages/{passage_id}", response=schemas.PassageWithText)
def passage(request: HttpRequest, passage_id: str) -> dict[str, Any]:
    """A passage with its text."""
    found, page = queries.passage(_actor(request), passage_id)
    return {**schemas.passage(found), "document": page}


@router.get("/library/faqs", response=schemas.Faqs)
def faqs(request: HttpRequest, chosen: Query[schemas.FaqChoice]) -> dict[str, Any]:
    """FAQ entries, typed and from sheets."""
    found = queries.faqs(_actor(request), search=chosen.search.strip(), skip=chosen.after, limit=chosen.limit)
    following = str(chosen.after + len(found)) if len(found) == chosen.limit else None
    return {"faqs": [schemas.faq(each) for each in found], "next": following}


@router.post("/library/faqs", response={202: schemas.Source})
def add_faq(request: HttpRequest, body: schemas.FaqText) -> Status[Any]:
    """Add a question with its approved answer."""
    added = actions.add_faq(
        _actor(request), question=body.question, answer=body.answer, more_questions=tuple(body.more_questions)
    )
    return Status(202, schemas.source(added))


@router.put("/library/faqs/{faq_id}", response={202: schemas.Source})
def change_faq(request: HttpRequest, faq_id: str, body: schemas.FaqText) -> Status[Any]:
    """Change an entry, typed or from a CSV sheet; it has a new id once it was read."""
    changed = actions.change_faq(
        _actor(request),
        passage_id=faq_id,
        question=body.question,
        answer=body.answer,
        more_questions=tuple(body.more_questions),
    )
    return Status(202, schemas.source(changed))


@router.delete("/library/faqs/{faq_id}", response={204: None})
def remove_faq(request: HttpRequest, faq_id: str, chosen: Query[schemas.Removal]) -> Status[Any]:
    """Remove an entry, if the workspace's tests pass without it."""
    going_live.remove_faq(_actor(request), passage_id=faq_id, override=chosen.override, reason=chosen.reason.strip())
    return Status(204, None)


@router.get("/library/stale", response=schemas.Stale)
def stale(request: HttpRequest, age: Query[Age]) -> dict[str, Any]:
    """Documents whose text has not changed for long, oldest first."""
    found = queries.stale(_actor(request), days=age.days)
    return {"documents": [{**schemas.page(page), "source": origin} for page, origin in found]}


@router.get("/library/duplicates", response=schemas.Duplicates)
def duplicates(request: HttpRequest) -> dict[str, Any]:
    """Entries that ask the same, and passages that say nearly the same."""
    found = queries.duplicates(_actor(request))
    return {
        "questions": [{"question": asked, "entries": entries} for asked, entries in found.questions],
        "passages": [{"similarity": round(cosine, 4), "a": a, "b": b} for cosine, a, b in found.passages],
        "looked_at": found.looked_at,
        "passages_in_all": found.passages_in_all,
    }


def _actor(request: HttpRequest) -> Actor:
    return request.auth  # type: ignore[attr-defined, no-any-return]
