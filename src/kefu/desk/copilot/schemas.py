"""Shapes of copilot at the members' door."""

from dataclasses import asdict
from datetime import datetime
from typing import Any, Literal

from ninja import Schema

from kefu.contracts.index import Hit
from kefu.desk.copilot.similar import Similar
from kefu.desk.copilot.suggesting import Suggestion
from kefu.desk.copilot.summing import Summary


class CopilotAbility(Schema):
    can_write: bool
    reason: str


class SuggestionSource(Schema):
    title: str
    document: str
    text: str
    url: str | None


class SuggestedReply(Schema):
    """`id` is set where what the member sends instead is kept; `found` is what search found nearest."""

    id: str | None
    question: str
    text: str
    reason: str
    decision: str
    confidence: float
    language: str
    sources: list[SuggestionSource]
    found: list[SuggestionSource]


class RewriteWanted(Schema):
    text: str
    way: Literal["shorter", "warmer", "translate"]
    language: str = ""


class Rewritten(Schema):
    text: str


class SummaryPoint(Schema):
    question: str
    answer: str
    by: str


class KnownValue(Schema):
    name: str
    value: str


class ConversationSummary(Schema):
    points: list[SummaryPoint]
    refused: list[str]
    open: str
    known: list[KnownValue]
    text: str
    is_generated: bool


class SimilarConversation(Schema):
    id: str
    question: str
    answer: str
    by: str
    resolved_at: datetime | None
    score: float


class SimilarConversations(Schema):
    conversations: list[SimilarConversation]


class CopilotFaqDraft(Schema):
    question: str
    answer: str
    is_masked: bool


class SuggestionSent(Schema):
    suggestion: str
    message: str


class EditDistance(Schema):
    distance: float


def suggestion_json(made: Suggestion, kept: str | None) -> dict[str, Any]:
    return {
        "id": kept,
        "question": made.question,
        "text": made.text,
        "reason": made.reason,
        "decision": made.decision,
        "confidence": made.confidence,
        "language": made.language,
        "sources": [
            {"title": each.title, "document": each.document, "text": each.text, "url": each.url}
            for each in made.citations
        ],
        "found": [_hit_json(hit) for hit in made.found],
    }


def summary_json(made: Summary) -> dict[str, Any]:
    known = [{"name": name, "value": value} for name, value in made.known]
    return {**asdict(made), "known": known}


def similar_json(found: list[Similar]) -> dict[str, Any]:
    return {"conversations": [asdict(each) for each in found]}


def _hit_json(hit: Hit) -> dict[str, Any]:
    passage = hit.passage
    return {
        "title": passage.questions[0] if passage.questions else passage.title or passage.document,
        "document": passage.document,
        "text": passage.answer or passage.text,
        "url": passage.url,
    }
