"""Knowledge through the public API: for programs that hold a key with the scope."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, UploadFile

from kefu.desk import going_live
from kefu.desk.actor import Role, Scope
from kefu.desk.library import actions, queries
from kefu.desk.library.queries import SourceInfo
from kefu.desk.wiring import wiring
from kefu.gateway import shapes
from kefu.gateway.state import Gateway, entered
from kefu.kit.errors import TooLarge
from kefu.kit.settings import settings
from kefu.knowledge.language import detect

router = APIRouter(prefix="/v1/knowledge", tags=["Knowledge"])


@router.get("/sources")
async def sources(request: Request) -> dict[str, Any]:
    """All sources with their state."""
    gateway, actor = await entered(request)
    return {"sources": [shapes.source_json(each) for each in await gateway.rows.read(queries.sources, actor)]}


@router.post("/files", status_code=202)
async def add_file(request: Request, file: UploadFile) -> dict[str, Any]:
    """Add a file: md, txt, html, pdf, docx, xlsx, csv or a zip of these. It is read in the background."""
    gateway, actor = await entered(request)
    limit = settings().upload_megabytes * 2**20
    data = await file.read(limit + 1)
    if len(data) > limit:
        raise TooLarge(f"{file.filename} is larger than {settings().upload_megabytes} MB.", name=file.filename)
    return _accepted(
        gateway, await gateway.rows.write(actions.add_file, actor, name=file.filename or "file", data=data)
    )


@router.post("/urls", status_code=202)
async def add_url(request: Request, body: shapes.NewUrl) -> dict[str, Any]:
    """Add a web page or a sitemap by address."""
    gateway, actor = await entered(request)
    return _accepted(gateway, await gateway.rows.write(actions.add_url, actor, url=body.url))


@router.post("/articles", status_code=202)
async def add_article(request: Request, body: shapes.NewArticle) -> dict[str, Any]:
    """Add an article typed as Markdown."""
    gateway, actor = await entered(request)
    return _accepted(gateway, await gateway.rows.write(actions.add_article, actor, title=body.title, text=body.text))


@router.post("/faqs", status_code=202)
async def add_faq(request: Request, body: shapes.NewFaq) -> dict[str, Any]:
    """Add a question with its approved answer."""
    gateway, actor = await entered(request)
    return _accepted(
        gateway,
        await gateway.rows.write(
            actions.add_faq,
            actor,
            question=body.question,
            answer=body.answer,
            more_questions=tuple(body.more_questions),
        ),
    )


@router.get("/sources/{source_id}")
async def source(request: Request, source_id: str) -> dict[str, Any]:
    """A source: its state, progress, failures and documents."""
    gateway, actor = await entered(request)
    found = await gateway.rows.read(queries.source, actor, source_id)
    pages = await gateway.rows.read(queries.documents, actor, source_id)
    listed = [{"id": each.id, "name": each.name, "title": each.title, "language": each.language} for each in pages]
    return {**shapes.source_json(found), "pages": listed}


@router.post("/sources/{source_id}/read", status_code=202)
async def read_again(request: Request, source_id: str) -> dict[str, Any]:
    """Read a source once more."""
    gateway, actor = await entered(request)
    return _accepted(gateway, await gateway.rows.write(actions.read_again, actor, source_id=source_id))


@router.post("/sources/{source_id}/cancel")
async def cancel(request: Request, source_id: str) -> dict[str, Any]:
    """Stop reading a source."""
    gateway, actor = await entered(request)
    return shapes.source_json(await gateway.rows.write(actions.cancel, actor, source_id=source_id))


@router.delete("/sources/{source_id}", status_code=204)
async def remove(request: Request, source_id: str) -> None:
    """Remove a source with all its passages, at once, if the workspace's tests pass without it."""
    gateway, actor = await entered(request)
    await gateway.rows.long(going_live.remove_source, actor, source_id=source_id)
    wiring().changed(actor.workspace_id, "library.changed")
    gateway.hub.wake()


@router.get("/documents/{document_id}")
async def document(request: Request, document_id: str) -> dict[str, Any]:
    """A document as it was read, with its passages."""
    gateway, actor = await entered(request)
    page = await gateway.rows.read(queries.document, actor, document_id)
    return shapes.document_json(page, await gateway.rows.read(queries.passages, actor, document_id))


@router.get("/search")
async def search(
    request: Request,
    q: Annotated[str, Query(min_length=1, max_length=1000)],
    k: Annotated[int, Query(ge=1, le=50)] = 5,
) -> dict[str, Any]:
    """The passages that fit a question."""
    gateway, actor = await entered(request)
    actor.require(scope=Scope.KNOWLEDGE_READ, role=Role.VIEWER)
    mind = await gateway.rows.long(wiring().mind, actor.workspace_id)
    evidence = await mind.index.search(q, detect(q), k)
    return {"results": [shapes.hit_json(hit) for hit in evidence.hits]}


def _accepted(gateway: Gateway, source: SourceInfo) -> dict[str, Any]:
    gateway.dispatch.wake_sources()
    return shapes.source_json(source)
