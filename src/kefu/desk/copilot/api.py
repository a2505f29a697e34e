"""Routes of copilot: what helps a member answer."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from django.http import HttpRequest, StreamingHttpResponse
from ninja import Router

from kefu.desk.actor import Actor
from kefu.desk.copilot import actions, queries, rewriting, schemas
from kefu.desk.copilot.similar import similar as similar_to
from kefu.desk.copilot.summing import summary as summary_of
from kefu.desk.http.entry import member

router = Router(auth=member, tags=["Copilot"])


@router.get("/copilot", response=schemas.CopilotAbility)
def copilot(request: HttpRequest) -> dict[str, Any]:
    """Whether a language model can rewrite replies here, and why not."""
    return asdict(rewriting.ability(_actor(request)))


@router.post("/copilot/rewrite", response=schemas.Rewritten)
def rewrite(request: HttpRequest, body: schemas.RewriteWanted) -> dict[str, Any]:
    """A reply in other words; 503 where no language model is set up, 409 where a figure did not survive."""
    return {"text": rewriting.rewrite(_actor(request), text=body.text, way=body.way, language=body.language)}


@router.get("/copilot/edits", response={200: bytes})
def export_edits(request: HttpRequest) -> StreamingHttpResponse:
    """What members sent in place of suggestions, as JSON lines, oldest first."""
    found = queries.edits(_actor(request))
    answer = StreamingHttpResponse(_lines(found), content_type="application/jsonl; charset=utf-8")
    answer.headers["Content-Disposition"] = 'attachment; filename="copilot-edits.jsonl"'
    return answer


@router.post("/inbox/conversations/{conversation_id}/copilot/suggestion", response=schemas.SuggestedReply)
def suggest(request: HttpRequest, conversation_id: str) -> dict[str, Any]:
    """A reply to the customer's last question, from knowledge, with its sources."""
    made, kept = actions.suggest(_actor(request), conversation_id=conversation_id)
    return schemas.suggestion_json(made, kept)


@router.post("/inbox/conversations/{conversation_id}/copilot/sent", response=schemas.EditDistance)
def sent(request: HttpRequest, conversation_id: str, body: schemas.SuggestionSent) -> dict[str, Any]:
    """Tell which message was sent in place of a suggestion that was kept."""
    distance = actions.note_sent(
        _actor(request), conversation_id=conversation_id, suggestion_id=body.suggestion, message_id=body.message
    )
    return {"distance": distance}


@router.get("/inbox/conversations/{conversation_id}/copilot/summary", response=schemas.ConversationSummary)
def summary(request: HttpRequest, conversation_id: str, language: str = "en", written: bool = False) -> dict[str, Any]:
    """What the customer asked, what was answered, what is still open; with `written`, by the language model."""
    return schemas.summary_json(summary_of(_actor(request), conversation_id, language=language, written=written))


@router.get("/inbox/conversations/{conversation_id}/copilot/similar", response=schemas.SimilarConversations)
def similar(request: HttpRequest, conversation_id: str) -> dict[str, Any]:
    """Resolved conversations that began with much the same question."""
    return schemas.similar_json(similar_to(_actor(request), conversation_id))


@router.get("/inbox/conversations/{conversation_id}/copilot/faq-draft", response=schemas.CopilotFaqDraft)
def faq_draft(request: HttpRequest, conversation_id: str) -> dict[str, Any]:
    """A question and answer of this conversation that could become a FAQ entry."""
    return asdict(queries.faq_draft(_actor(request), conversation_id))


def _lines(found: Iterator[queries.EditInfo]) -> Iterator[str]:
    for each in found:
        yield json.dumps(each.row(), ensure_ascii=False) + "\n"


def _actor(request: HttpRequest) -> Actor:
    return request.auth  # type: ignore[attr-defined, no-any-return]
